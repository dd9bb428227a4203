//! How the operator runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kube::core::Selector;
use url::Url;

use crate::artifact::FetchLimits;
use crate::nbi::TimeLimits;
use crate::reconcile::PassOptions;

use super::driver::Policy;

/// Everything that can be told from outside.
#[derive(Debug, Clone)]
pub struct Options {
    /// The namespace that the operator runs in; the kubeconfig's or the pod's when absent.
    pub own_namespace: Option<String>,
    /// What reports Events: the pod's name.
    pub instance: String,
    /// Watch all namespaces, or the own one alone.
    pub all_namespaces: bool,
    /// Reconcile only what has these labels.
    pub label_selector: Option<Selector>,
    /// Reconcile GitRepositories that no OsmDeployment names, too.
    pub repositories: Option<Repositories>,
    /// Where connection files that a GitRepository names with an absolute path may be.
    pub connection_dir: PathBuf,
    /// How often such GitRepositories are looked at when nothing else calls for it.
    pub interval: Duration,
    /// Act only while a Lease is held; absent, this operator is taken to be the only one.
    pub leader_election: Option<LeaderElection>,
    /// Refuse references to other namespaces.
    pub no_cross_namespace_refs: bool,
    /// Where `/metrics` is.
    pub metrics_addr: SocketAddr,
    /// Where `/healthz` and `/readyz` are.
    pub health_addr: SocketAddr,
    /// Where Events go beside Kubernetes: Flux's notification-controller.
    pub events_addr: Option<Url>,
    /// How long one watch of the Kubernetes API stays open. One that was not answered for twice as long
    /// counts as deaf.
    pub watch_timeout: Duration,
    /// `host:port` to fetch artifacts from, instead of their URLs' own.
    pub source_host: Option<String>,
    /// How much fetching an artifact may take.
    pub fetch_limits: FetchLimits,
    /// How long a request to OSM may take.
    pub limits: TimeLimits,
    /// How many requests may be on their way to one OSM.
    pub calls_at_once: usize,
    /// How passes go about their work.
    pub pass: PassOptions,
    /// How long runs may take to end when the process is to stop.
    pub shutdown_timeout: Duration,
    /// How runs follow one another.
    pub policy: Policy,
}

/// The times of leader election. Each must be longer than the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderElection {
    /// How long a Lease must have stayed the same before another operator takes it.
    pub lease_duration: Duration,
    /// How long the leader tries to renew it before it gives up.
    pub renew_deadline: Duration,
    /// How often it is renewed or asked for.
    pub retry_period: Duration,
    /// Whether it is given back when the process is to end.
    pub release_on_stop: bool,
}

/// Which GitRepositories are reconciled by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repositories {
    /// Those of the operator's namespace.
    OwnNamespace,
    /// All.
    AllNamespaces,
}
