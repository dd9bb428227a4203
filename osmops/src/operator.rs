//! The Kubernetes operator: watches in, passes and what is told of them out.
//!
//! The watches feed `cluster`, which knows what is declared; `driver` decides who runs next; `run`
//! carries one run out; `status` and `finalizer` alone write to Kubernetes. `driver`, `cluster`, `claim`,
//! `declared`, `conditions`, `end` and `findings` are pure. Invariant: kube's own `Controller` is not used,
//! because it would be a second driver.

mod claim;
mod client;
mod cluster;
mod conditions;
mod connection;
pub mod crd;
mod declared;
pub mod driver;
mod end;
mod fence;
mod finalizer;
mod findings;
mod flux;
mod http;
pub mod labels;
mod lease;
mod metrics;
mod names;
mod notify;
mod options;
mod run;
mod sessions;
mod shell;
mod status;
mod watched;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use cluster::{Cluster, Rules, Where};
use fence::Fence;
use http::Health;
use lease::{Candidate, Held};
use metrics::Metrics;
use notify::Notifier;
use run::Context;
use sessions::Sessions;
use shell::Shell;
use status::Teller;

pub use options::{LeaderElection, Options, Repositories};

/// Why the operator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No cluster is configured.
    #[error("no Kubernetes cluster: neither a kubeconfig nor a pod's service account")]
    NoCluster(#[source] Box<kube::config::InferConfigError>),
    /// The cluster cannot be asked.
    #[error("cannot ask the Kubernetes API")]
    Unreachable(#[source] Box<kube::Error>),
    /// A definition is missing.
    #[error("the cluster does not know {kind} ({group}): {help}")]
    NotInstalled {
        /// What is missing.
        kind: &'static str,
        /// Of which group and version.
        group: String,
        /// What to do about it.
        help: &'static str,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    CannotListen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The TLS library refuses its settings.
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
    /// Another operator leads, or may do so.
    #[error("the Lease was lost; what was at work was let end, and another operator carries on")]
    LeaseLost,
}

/// Runs until `stop`, then lets what is on its way end and gives OSM's tokens and the Lease back.
///
/// # Errors
/// [`OperatorError`], when it cannot start, or may not go on.
///
/// # Cancel safety
/// `stop` ends it between two requests that write.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), OperatorError> {
    let mut config =
        kube::Config::infer().await.map_err(|e| OperatorError::NoCluster(Box::new(e)))?;
    let own_namespace =
        options.own_namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let unreachable = |error| OperatorError::Unreachable(Box::new(error));
    // A server that is gone without a word is noticed by what does not come.
    config.read_timeout = Some(options.watch_timeout + Duration::from_secs(30));
    let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
    let client = kube::Client::try_from(config).map_err(unreachable)?;
    let fence = Fence::default();
    let sessions = Sessions::new(options.limits, options.calls_at_once, fence.clone());
    let sessions = Arc::new(sessions);
    let metrics = Arc::new(Metrics::new(sessions.clone()));
    let health = Arc::new(Health::new(options.watch_timeout * 2));
    let client = client::counting(client, host, metrics.clone());
    let serving = CancellationToken::new();
    let _serving = serving.clone().drop_guard();
    listen(&options, &metrics, &health, &serving).await?;
    let lease = match &options.leader_election {
        None => None,
        Some(times) => {
            let shard = options.label_selector.as_ref().map(ToString::to_string);
            let candidate = Candidate::new(
                client.clone(),
                (&own_namespace, &options.instance),
                shard.as_deref(),
                times.clone(),
                fence.clone(),
                health.clone(),
            );
            let Some(held) = candidate.lead(&stop).await else { return Ok(()) };
            Some((candidate, held))
        }
    };
    let keeping = Keeping::start(lease, &stop);
    let client = client::fenced(client, fence);
    let parts = Parts { client, own_namespace, sessions: sessions.clone(), metrics, health };
    let acted = act(&options, parts, keeping.stop.clone()).await;
    sessions.log_out().await;
    let all_ended = !matches!(acted, Ok(false));
    keeping.end(all_ended).await?;
    tracing::info!("stopped");
    acted.map(|_| ())
}

/// What acting takes.
struct Parts {
    client: kube::Client,
    own_namespace: String,
    sessions: Arc<Sessions>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Watches and reconciles until `stop`. Whether everything ended that was begun.
async fn act(
    options: &Options,
    parts: Parts,
    stop: CancellationToken,
) -> Result<bool, OperatorError> {
    let Parts { client, own_namespace, sessions, metrics, health } = parts;
    let kinds = watches::served_kinds(&client, options.repositories.is_some()).await?;
    let http = reqwest::Client::builder().user_agent(concat!("osmops/", env!("CARGO_PKG_VERSION")));
    let http = http.connect_timeout(Duration::from_secs(10)).build();
    let http = http.map_err(OperatorError::Http)?;
    let notifier = options.events_addr.clone();
    let notifier = notifier.map(|url| Notifier::start(url, http.clone(), metrics.clone()));
    let (notifier, sending) = notifier.unzip();
    let context = Arc::new(Context {
        client: client.clone(),
        http,
        limits: options.fetch_limits,
        source_host: options.source_host.clone(),
        connection_dir: options.connection_dir.clone(),
        sessions,
        metrics: metrics.clone(),
        teller: Teller::new(client.clone(), options.instance.clone(), notifier),
        options: options.pass.clone(),
    });
    let rules = Rules {
        repositories: options.repositories.as_ref().map(|repositories| match repositories {
            Repositories::OwnNamespace => Where::Namespace(own_namespace.clone()),
            Repositories::AllNamespaces => Where::AllNamespaces,
        }),
        repository_interval: options.interval,
        no_cross_namespace_refs: options.no_cross_namespace_refs,
    };
    tracing::info!(
        "starting: namespace {own_namespace}, {} sources watched, {} workers",
        kinds.sources.len(),
        options.policy.concurrent
    );
    let changes = watches::all(&client, options, &kinds, &own_namespace, &health);
    let cluster = Cluster::new(rules, &kinds.sources, kinds.deployments);
    let shell = Shell::new(context, cluster, options.policy.clone(), metrics, health);
    let all_ended = shell.run(changes, stop, options.shutdown_timeout).await;
    if let Some(sending) = sending {
        sending.end().await;
    }
    Ok(all_ended)
}

/// Renews the Lease, if there is one, while the rest acts.
struct Keeping {
    /// Ends what acts: it was told to stop, or the Lease is lost.
    stop: CancellationToken,
    done: CancellationToken,
    task: Option<tokio::task::JoinHandle<Option<(Candidate, Held)>>>,
}

impl Keeping {
    fn start(lease: Option<(Candidate, Held)>, stop: &CancellationToken) -> Self {
        let (stop, done) = (stop.child_token(), CancellationToken::new());
        let (lost, until) = (stop.clone(), done.clone());
        let task = lease.map(|(candidate, held)| {
            tokio::spawn(async move {
                let held = candidate.keep(held, &until).await;
                lost.cancel();
                held.map(|held| (candidate, held))
            })
        });
        Self { stop, done, task }
    }

    /// Gives the Lease back, unless something may still be on its way: then its time must go by first.
    async fn end(self, all_ended: bool) -> Result<(), OperatorError> {
        let Some(task) = self.task else { return Ok(()) };
        self.done.cancel();
        match task.await {
            Ok(Some((candidate, held))) if all_ended => candidate.release(held).await,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Err(OperatorError::LeaseLost),
        }
        Ok(())
    }
}

async fn listen(
    options: &Options,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
    stop: &CancellationToken,
) -> Result<(), OperatorError> {
    let both = [
        (options.metrics_addr, "metrics", http::metrics_routes(metrics)),
        (options.health_addr, "health", http::health_routes(health)),
    ];
    for (address, what, routes) in both {
        match http::serve(address, routes, stop.clone()).await {
            Ok(local) => tracing::info!("{what} on http://{local}"),
            Err(source) => return Err(OperatorError::CannotListen { address, source }),
        }
    }
    Ok(())
}
