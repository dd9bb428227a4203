//! What can be said to `osmops run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use kube::core::Selector;
use osmops::artifact::FetchLimits;
use osmops::reconcile::PassOptions;
use url::Url;

/// `osmops run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The namespace that the operator runs in. [default: the pod's, or the kubeconfig's]
    #[arg(long, env = "RUNTIME_NAMESPACE", value_name = "NAMESPACE", help_heading = "Objects")]
    pub(crate) namespace: Option<String>,

    /// Watch all namespaces; with `=false` only the operator's own
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, help_heading = "Objects")]
    pub(crate) watch_all_namespaces: bool,

    /// Reconcile only objects with these labels, as sharding.fluxcd.io/key=shard1; their sources and secrets
    /// need none, what they depend on does
    #[arg(long, value_name = "LABELS", value_parser = osmops::operator::labels::parse, help_heading = "Objects")]
    pub(crate) watch_label_selector: Option<Selector>,

    /// Act only while holding a Lease, so that of several operators one acts and the others stand by
    #[arg(long, value_name = "BOOL", default_value_t = false, action = ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, help_heading = "Leader election")]
    pub(crate) enable_leader_election: bool,

    /// Give the Lease back when the process is to end, so that the next operator need not wait for its time to go by
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1,
          default_missing_value = "true", require_equals = true, help_heading = "Leader election")]
    pub(crate) leader_election_release_on_cancel: bool,

    /// How long a Lease must have stayed the same before another operator takes it
    #[arg(long, value_name = "TIME", default_value = "35s", value_parser = humantime::parse_duration,
          help_heading = "Leader election")]
    pub(crate) leader_election_lease_duration: Duration,

    /// How long the leader tries to renew the Lease before it stops acting
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration,
          help_heading = "Leader election")]
    pub(crate) leader_election_renew_deadline: Duration,

    /// How often the Lease is renewed, or asked for
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration,
          help_heading = "Leader election")]
    pub(crate) leader_election_retry_period: Duration,

    /// Refuse sources and dependencies in other namespaces
    #[arg(long, help_heading = "Objects")]
    pub(crate) no_cross_namespace_refs: bool,

    /// Reconcile GitRepositories that hold osm_ops_config.yaml and that no OsmDeployment names, as the
    /// original OSM Ops does; results are Events
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, require_equals = true,
          default_missing_value = "own-namespace", help_heading = "GitRepositories")]
    pub(crate) git_repositories: Option<RepositoriesIn>,

    /// The folder in which connection files may be that a GitRepository names with an absolute path
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/etc/osmops",
        help_heading = "GitRepositories"
    )]
    pub(crate) connection_dir: PathBuf,

    /// How often OSM is compared with such GitRepositories when nothing else calls for it
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration,
          help_heading = "GitRepositories")]
    pub(crate) interval: Duration,

    /// How many objects are reconciled at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one, help_heading = "Pace")]
    pub(crate) concurrent: usize,

    /// How many requests may be on their way to one OSM, for all objects together
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Pace")]
    pub(crate) calls_at_once: usize,

    /// How many packages and instances one object may send to OSM at once
    #[arg(long, value_name = "N", default_value_t = PassOptions::default().writes_at_once, help_heading = "Pace")]
    pub(crate) writes_at_once: usize,

    /// The pause after a first failure; it doubles with each further one
    #[arg(long, value_name = "TIME", default_value = "750ms", value_parser = humantime::parse_duration,
          help_heading = "Pace")]
    pub(crate) min_retry_delay: Duration,

    /// The longest pause after failures
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration,
          help_heading = "Pace")]
    pub(crate) max_retry_delay: Duration,

    /// How far intervals and pauses are spread, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=99),
          help_heading = "Pace")]
    pub(crate) interval_jitter_percentage: u8,

    /// How long one request to OSM may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration,
          help_heading = "Pace")]
    pub(crate) request_timeout: Duration,

    /// The longest artifact that is fetched, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = FetchLimits::default().bytes_max, help_heading = "Pace")]
    pub(crate) artifact_bytes_max: u64,

    /// How long requests on their way to OSM may take to end when the process is told to stop; Kubernetes
    /// kills it after `terminationGracePeriodSeconds`
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = humantime::parse_duration,
          help_heading = "Pace")]
    pub(crate) graceful_shutdown_timeout: Duration,

    /// How long one watch of the Kubernetes API stays open; one that was not answered for twice as long
    /// counts as deaf, and /healthz and /readyz say so
    #[arg(long, value_name = "TIME", default_value = "200s", value_parser = humantime::parse_duration,
          help_heading = "Pace")]
    pub(crate) watch_timeout: Duration,

    /// Fetch artifacts from this HOST:PORT instead of the one in their URLs, as outside a cluster
    #[arg(long, env = "SOURCE_HOST", value_name = "HOST:PORT", help_heading = "Addresses")]
    pub(crate) source_host: Option<String>,

    /// Where Events go beside Kubernetes, as http://notification-controller.flux-system.svc.cluster.local./
    #[arg(long, value_name = "URL", value_parser = http_url, help_heading = "Addresses")]
    pub(crate) events_addr: Option<Url>,

    /// Where Prometheus finds /metrics; `:PORT` is that port on all addresses
    #[arg(long, value_name = "ADDRESS", default_value = ":8080", value_parser = address, help_heading = "Addresses")]
    pub(crate) metrics_addr: SocketAddr,

    /// Where /healthz and /readyz are
    #[arg(long, value_name = "ADDRESS", default_value = ":9440", value_parser = address, help_heading = "Addresses")]
    pub(crate) health_addr: SocketAddr,
}

/// An address to listen on, as Go programs take it.
fn address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| "neither `:PORT` nor `ADDRESS:PORT`".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("nothing would ever run: 1 or more".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("it is no number of objects".to_owned()),
    }
}

fn http_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        Ok(url) => Err(format!("`{}` is no scheme for it: http or https", url.scheme())),
        Err(_) => Err("it is no URL, as http://notification-controller.flux-system/".to_owned()),
    }
}

/// Which GitRepositories are reconciled by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RepositoriesIn {
    /// Those of the operator's namespace.
    OwnNamespace,
    /// All.
    AllNamespaces,
}
