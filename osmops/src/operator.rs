//! The Kubernetes operator: watches in, passes and what is told of them out.
//!
//! The watches feed `cluster`, which knows what is declared; `driver` decides who runs next; `run`
//! carries one run out; `status` and `finalizer` alone write to Kubernetes. `driver`, `cluster`, `claim`,
//! `declared`, `conditions`, `end` and `findings` are pure. Invariant: kube's own `Controller` is not used, because it would be a second driver.

mod claim;
mod cluster;
mod conditions;
mod connection;
pub mod crd;
mod declared;
pub mod driver;
mod end;
mod finalizer;
mod findings;
mod flux;
mod http;
mod metrics;
mod names;
mod options;
mod run;
mod sessions;
mod shell;
mod status;
mod watched;
mod watches;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use cluster::{Cluster, Rules, Where};
use http::Health;
use metrics::Metrics;
use run::Context;
use sessions::Sessions;
use shell::Shell;
use status::Teller;

pub use options::{Options, Repositories};

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
}

/// Runs until `stop`, then lets what is on its way end and gives OSM's tokens back.
///
/// # Errors
/// [`OperatorError`], when it cannot start.
///
/// # Cancel safety
/// `stop` ends it between two requests that write.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), OperatorError> {
    let config = kube::Config::infer().await.map_err(|e| OperatorError::NoCluster(Box::new(e)))?;
    let own_namespace =
        options.own_namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let unreachable = |error| OperatorError::Unreachable(Box::new(error));
    let client = kube::Client::try_from(config).map_err(unreachable)?;
    let kinds = watches::served_kinds(&client, options.repositories.is_some()).await?;
    let http = reqwest::Client::builder().user_agent(concat!("osmops/", env!("CARGO_PKG_VERSION")));
    let http = http.connect_timeout(std::time::Duration::from_secs(10)).build();
    let sessions = Arc::new(Sessions::new(options.limits, options.calls_at_once));
    let metrics = Arc::new(Metrics::new(sessions.clone()));
    let health = Arc::new(Health::new());
    let context = Arc::new(Context {
        client: client.clone(),
        http: http.map_err(OperatorError::Http)?,
        limits: options.fetch_limits,
        source_host: options.source_host.clone(),
        connection_dir: options.connection_dir.clone(),
        sessions: sessions.clone(),
        teller: Teller::new(client.clone(), options.instance.clone()),
        options: options.pass.clone(),
    });
    let serving = CancellationToken::new();
    listen(&options, &metrics, &health, &serving).await?;
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
    let changes = watches::all(&client, &options, &kinds, &own_namespace);
    let cluster = Cluster::new(rules, &kinds.sources, kinds.deployments);
    let shell = Shell::new(context, cluster, options.policy.clone(), metrics, health.clone());
    shell.run(changes, stop).await;
    health.stopping();
    sessions.log_out().await;
    serving.cancel();
    tracing::info!("stopped");
    Ok(())
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
