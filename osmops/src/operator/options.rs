//! How the operator runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Only OsmDeployments with these labels.
    pub label_selector: Option<String>,
    /// Reconcile GitRepositories that no OsmDeployment names, too.
    pub repositories: Option<Repositories>,
    /// Where connection files that a GitRepository names with an absolute path may be.
    pub connection_dir: PathBuf,
    /// How often such GitRepositories are looked at when nothing else calls for it.
    pub interval: Duration,
    /// Refuse references to other namespaces.
    pub no_cross_namespace_refs: bool,
    /// Where `/metrics` is.
    pub metrics_addr: SocketAddr,
    /// Where `/healthz` and `/readyz` are.
    pub health_addr: SocketAddr,
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
    /// How runs follow one another.
    pub policy: Policy,
}

/// Which GitRepositories are reconciled by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repositories {
    /// Those of the operator's namespace.
    OwnNamespace,
    /// All.
    AllNamespaces,
}
