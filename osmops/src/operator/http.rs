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

/// Whether the operator lives and hears.
#[derive(Debug)]
pub(super) struct Health {
    deaf_after: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    is_listed: bool,
    is_standing_by: bool,
    is_stopping: bool,
    ticked_at: Instant,
    watches: BTreeMap<&'static str, Watch>,
}

/// What is known of a watch, or of the Lease.
#[derive(Debug)]
struct Watch {
    heard_at: Instant,
    /// Why it failed since.
    error: Option<String>,
}

impl Health {
    /// As the process starts. A watch that was not answered for `deaf_after` counts as deaf.
    pub(super) fn new(deaf_after: Duration) -> Self {
        let state = State {
            is_listed: false,
            is_standing_by: false,
            is_stopping: false,
            ticked_at: Instant::now(),
            watches: BTreeMap::new(),
        };
        Self { deaf_after, state: Mutex::new(state) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loop turned; `is_listed` once every watch has listed what there is.
    pub(super) fn tick(&self, is_listed: bool) {
        let mut state = self.lock();
        (state.is_listed, state.is_standing_by) = (is_listed, false);
        state.ticked_at = Instant::now();
    }

    /// Another operator leads; this one asks for the Lease now and then.
    pub(super) fn standing_by(&self) {
        let mut state = self.lock();
        state.is_standing_by = true;
        state.ticked_at = Instant::now();
    }

    /// A watch begins, was answered or told something.
    pub(super) fn heard(&self, watch: &'static str) {
        let heard = Watch { heard_at: Instant::now(), error: None };
        self.lock().watches.insert(watch, heard);
    }

    /// A watch failed.
    pub(super) fn watch_failed(&self, watch: &'static str, error: String) {
        let failing = Watch { heard_at: Instant::now(), error: None };
        self.lock().watches.entry(watch).or_insert(failing).error = Some(error);
    }

    /// The process is about to end.
    pub(super) fn stopping(&self) {
        self.lock().is_stopping = true;
    }

    /// Why the process should be started anew.
    fn sick(&self) -> Option<String> {
        let (now, state) = (Instant::now(), self.lock());
        if state.is_stopping {
            return None;
        }
        let idle = now.duration_since(state.ticked_at);
        if idle > TICK_OVERDUE {
            return Some(format!("no event was taken up for {} s", idle.as_secs()));
        }
        let (watch, deaf) = state
            .watches
            .iter()
            .find(|(_, watch)| now.duration_since(watch.heard_at) > self.deaf_after)?;
        let seconds = now.duration_since(deaf.heard_at).as_secs();
        let error = deaf.error.as_deref().unwrap_or("the Kubernetes API does not answer");
        Some(format!("nothing was heard of {watch} for {seconds} s: {error}"))
    }

    /// Why there is nothing to expect of it now.
    fn not_ready(&self) -> Option<String> {
        let state = self.lock();
        if state.is_stopping {
            return Some("stopping".to_owned());
        }
        if !state.is_listed && !state.is_standing_by {
            let failing = state.watches.iter().find_map(|(name, watch)| {
                watch.error.as_ref().map(|error| format!("cannot list {name}: {error}"))
            });
            return Some(failing.unwrap_or_else(|| "listing what there is".to_owned()));
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

    const DEAF_AFTER: Duration = Duration::from_secs(400);

    #[tokio::test(start_paused = true)]
    async fn a_hung_loop_and_a_deaf_watch_are_noticed_and_a_passing_trouble_is_not() {
        let health = Health::new(DEAF_AFTER);
        health.heard("Secret");
        assert_eq!(health.not_ready().as_deref(), Some("listing what there is"));
        health.watch_failed("Secret", "refused".to_owned());
        assert_eq!(health.not_ready().as_deref(), Some("cannot list Secret: refused"));
        health.tick(true);
        assert_eq!((health.sick(), health.not_ready()), (None, None));
        tokio::time::advance(Duration::from_secs(390)).await;
        health.tick(true);
        assert_eq!(health.sick(), None, "it may yet work again");
        tokio::time::advance(Duration::from_secs(11)).await;
        health.tick(true);
        let deaf = "nothing was heard of Secret for 401 s: refused";
        assert_eq!(health.sick().as_deref(), Some(deaf));
        health.heard("Secret");
        assert_eq!(health.sick(), None);
        // A connection that was cut without a word: no error, and nothing else either.
        health.heard("GitRepository");
        for _ in 0..5 {
            tokio::time::advance(Duration::from_secs(100)).await;
            health.heard("Secret");
            health.tick(true);
        }
        assert!(health.not_ready().unwrap().starts_with("nothing was heard of GitRepository"));
        health.heard("GitRepository");
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(health.sick().as_deref(), Some("no event was taken up for 61 s"));
        health.tick(true);
        health.stopping();
        assert_eq!(health.not_ready().as_deref(), Some("stopping"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_by_is_ready_as_long_as_the_lease_can_be_asked_for() {
        let health = Health::new(DEAF_AFTER);
        health.heard("Lease");
        health.standing_by();
        assert_eq!((health.sick(), health.not_ready()), (None, None));
        for _ in 0..10 {
            tokio::time::advance(Duration::from_secs(41)).await;
            health.standing_by();
        }
        assert!(health.sick().unwrap().starts_with("nothing was heard of Lease for 410 s"));
        health.heard("Lease");
        health.tick(false);
        assert_eq!(health.not_ready().as_deref(), Some("listing what there is"), "now it leads");
    }
}
