//! `osmops run`: the Kubernetes operator, until it is told to stop.

use std::time::Duration;

use osmops::artifact::FetchLimits;
use osmops::nbi::TimeLimits;
use osmops::operator::driver::Policy;
use osmops::operator::{LeaderElection, Options, Repositories};
use osmops::reconcile::PassOptions;
use tokio_util::sync::CancellationToken;

use super::arguments::{RepositoriesIn, Run};
use super::{Exit, output};

pub(super) async fn run(command: &Run) -> anyhow::Result<Exit> {
    if let Some(mistake) = mistake(command) {
        output::error(mistake);
        return Ok(Exit::Usage);
    }
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone())?;
    osmops::operator::run(options(command), stop).await?;
    Ok(Exit::Converged)
}

/// What no single flag can know to be wrong.
fn mistake(command: &Run) -> Option<&'static str> {
    let lease = command.leader_election_lease_duration;
    let deadline = command.leader_election_renew_deadline;
    let period = command.leader_election_retry_period;
    if lease <= deadline {
        return Some(
            "--leader-election-lease-duration must be longer than --leader-election-renew-deadline",
        );
    }
    // As often as that, or one lost answer ends the leadership.
    (deadline < period * 2 || period.is_zero()).then_some(
        "--leader-election-renew-deadline must be at least twice --leader-election-retry-period",
    )
}

fn options(command: &Run) -> Options {
    // In a pod, the host's name is the pod's.
    let instance = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let policy = Policy {
        concurrent: command.concurrent.max(1),
        backoff_first: command.min_retry_delay,
        backoff_max: command.max_retry_delay,
        jitter: f64::from(command.interval_jitter_percentage) / 100.0,
        // Two processes spread their pauses differently.
        seed: u64::from(std::process::id()),
    };
    Options {
        own_namespace: command.namespace.clone(),
        instance: instance.unwrap_or_else(|| "osmops".to_owned()),
        all_namespaces: command.watch_all_namespaces,
        label_selector: command.watch_label_selector.clone(),
        repositories: command.git_repositories.map(|place| match place {
            RepositoriesIn::OwnNamespace => Repositories::OwnNamespace,
            RepositoriesIn::AllNamespaces => Repositories::AllNamespaces,
        }),
        connection_dir: command.connection_dir.clone(),
        interval: command.interval,
        leader_election: command.enable_leader_election.then_some(LeaderElection {
            lease_duration: command.leader_election_lease_duration,
            renew_deadline: command.leader_election_renew_deadline,
            retry_period: command.leader_election_retry_period,
            release_on_stop: command.leader_election_release_on_cancel,
        }),
        no_cross_namespace_refs: command.no_cross_namespace_refs,
        events_addr: command.events_addr.clone(),
        watch_timeout: command.watch_timeout.max(Duration::from_secs(1)),
        metrics_addr: command.metrics_addr,
        health_addr: command.health_addr,
        source_host: command.source_host.clone(),
        fetch_limits: FetchLimits {
            bytes_max: command.artifact_bytes_max,
            ..FetchLimits::default()
        },
        limits: TimeLimits { request: command.request_timeout, ..TimeLimits::default() },
        calls_at_once: command.calls_at_once,
        pass: PassOptions { writes_at_once: command.writes_at_once },
        shutdown_timeout: command.graceful_shutdown_timeout,
        policy,
    }
}

/// SIGTERM is what Kubernetes sends, SIGINT what Ctrl-C does.
fn stop_on_signals(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        stop.cancel();
    });
    Ok(())
}
