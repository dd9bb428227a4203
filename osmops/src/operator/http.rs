//! `/metrics`, `/healthz` and `/readyz`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;

/// The loop that takes up events turns at least this often.
pub(super) const TICK: Duration = Duration::from_secs(10);

/// How long the loop may not have turned before the process counts as hung.
const TICK_OVERDUE: Duration = Duration::from_secs(60);

/// How long a watch may fail without a break before the process counts as deaf.
const DEAF_AFTER: Duration = Duration::from_secs(300);

/// A watch that has not failed for so long works again: between two tries there are at most 30 s.
const FORGIVEN_AFTER: Duration = Duration::from_secs(120);

/// Whether the operator lives and hears.
#[derive(Debug)]
pub(super) struct Health {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    is_listed: bool,
    is_stopping: bool,
    ticked_at: Instant,
    failing: BTreeMap<&'static str, Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    last: Instant,
    error: String,
}

impl Health {
    /// As the process starts.
    pub(super) fn new() -> Self {
        let state = State {
            is_listed: false,
            is_stopping: false,
            ticked_at: Instant::now(),
            failing: BTreeMap::new(),
        };
        Self { state: Mutex::new(state) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop turned; `is_listed` once every watch has listed what there is.
    pub(super) fn tick(&self, is_listed: bool) {
        let mut state = self.lock();
        state.is_listed = is_listed;
        state.ticked_at = Instant::now();
    }

    /// A watch told something.
    pub(super) fn heard(&self, watch: &'static str) {
        self.lock().failing.remove(watch);
    }

    /// A watch failed.
    pub(super) fn watch_failed(&self, watch: &'static str, error: String) {
        let now = Instant::now();
        let mut state = self.lock();
        let failing = state.failing.entry(watch).or_insert_with(|| Failing {
            since: now,
            last: now,
            error: String::new(),
        });
        if now.duration_since(failing.last) > FORGIVEN_AFTER {
            failing.since = now;
        }
        (failing.last, failing.error) = (now, error);
    }

    /// The process is about to end.
    pub(super) fn stopping(&self) {
        self.lock().is_stopping = true;
    }

    /// Why the process should be started anew.
    fn sick(&self) -> Option<String> {
        let (now, state) = (Instant::now(), self.lock());
        let idle = now.duration_since(state.ticked_at);
        if idle > TICK_OVERDUE {
            return Some(format!("no event was taken up for {} s", idle.as_secs()));
        }
        let deaf = state.failing.iter().find(|(_, failing)| {
            now.duration_since(failing.last) <= FORGIVEN_AFTER
                && failing.last.duration_since(failing.since) > DEAF_AFTER
        });
        deaf.map(|(watch, failing)| {
            let seconds = now.duration_since(failing.since).as_secs();
            format!("the watch of {watch} fails since {seconds} s: {}", failing.error)
        })
    }

    /// Why there is nothing to expect of it now.
    fn not_ready(&self) -> Option<String> {
        let state = self.lock();
        if state.is_stopping {
            return Some("stopping".to_owned());
        }
        if !state.is_listed {
            let failing = state.failing.iter().next();
            return Some(failing.map_or("listing what there is".to_owned(), |(watch, failing)| {
                format!("cannot list {watch}: {}", failing.error)
            }));
        }
        drop(state);
        self.sick()
    }
}

/// Answers until `stop`. Returns the address that it listens on.
///
/// # Errors
/// The operating system's, when the address cannot be listened on.
pub(super) async fn serve(
    address: SocketAddr,
    routes: Router,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let local = listener.local_addr()?;
    tokio::spawn(async move {
        let serving = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!("{local} is served no more: {error}");
        }
    });
    Ok(local)
}

/// `/healthz` and `/readyz`.
pub(super) fn health_routes(health: &Arc<Health>) -> Router {
    let answer = |trouble: Option<String>| match trouble {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    };
    let (live, ready) = (health.clone(), health.clone());
    Router::new()
        .route("/healthz", get(move || async move { answer(live.sick()) }))
        .route("/readyz", get(move || async move { answer(ready.not_ready()) }))
}

/// `/metrics`.
pub(super) fn metrics_routes(metrics: &Arc<Metrics>) -> Router {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let metrics = metrics.clone();
    let answer = move || async move { ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.text()) };
    Router::new().route("/metrics", get(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hung_loop_and_a_deaf_watch_are_noticed_and_a_passing_trouble_is_not() {
        let health = Health::new();
        assert_eq!(health.not_ready().as_deref(), Some("listing what there is"));
        health.tick(true);
        assert_eq!((health.sick(), health.not_ready()), (None, None));
        for _ in 0..20 {
            health.watch_failed("Secret", "refused".to_owned());
            tokio::time::advance(Duration::from_secs(30)).await;
            health.tick(true);
        }
        assert!(health.sick().unwrap().starts_with("the watch of Secret fails since 600 s"));
        health.heard("Secret");
        assert_eq!(health.sick(), None);
        health.watch_failed("Secret", "refused".to_owned());
        tokio::time::advance(Duration::from_secs(400)).await;
        health.tick(true);
        assert_eq!(health.sick(), None, "it failed once and works since");
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(health.sick().as_deref(), Some("no event was taken up for 61 s"));
        health.tick(true);
        health.stopping();
        assert_eq!(health.not_ready().as_deref(), Some("stopping"));
    }
}
