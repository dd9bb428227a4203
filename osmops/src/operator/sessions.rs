//! Sessions with OSMs, shared between the objects of one OSM, project and user.
//!
//! Objects that say the same of their connection share one token, one pool of connections, one list of VIM
//! accounts, and for a moment every other list. All sessions with one address share a limit of requests on their
//! way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::failure::chain;
use crate::nbi::{Connection, Nbi, TimeLimits, Transport, TransportSetupError};
use crate::observe::SharedLists;

use super::fence::Fence;
use super::metrics::NbiMetrics;

/// A session that nobody used for so long is forgotten. OSM forgets its token after as long.
const IDLE_TIME_MAX: Duration = Duration::from_secs(3600);

/// All sessions of this process.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: TimeLimits,
    calls_at_once: usize,
    fence: Fence,
    metrics: NbiMetrics,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sessions: Vec<Session>,
    gates: Vec<(Url, Arc<Semaphore>)>,
}

#[derive(Debug)]
struct Session {
    connection: Connection,
    nbi: Nbi,
    lists: SharedLists,
    last_used: Instant,
}

impl Sessions {
    /// No session yet. `calls_at_once` limits the requests on their way to one address; nothing is sent
    /// once the fence is closed.
    pub(super) fn new(limits: TimeLimits, calls_at_once: usize, fence: Fence) -> Self {
        Self {
            limits,
            calls_at_once: calls_at_once.max(1),
            fence,
            metrics: NbiMetrics::default(),
            known: Mutex::default(),
        }
    }

    /// The session of this connection, and its lists. Sends nothing.
    ///
    /// # Errors
    /// [`TransportSetupError`], when its certificate authorities cannot be used.
    pub(super) fn of(
        &self,
        connection: &Connection,
    ) -> Result<(Nbi, SharedLists), TransportSetupError> {
        let now = Instant::now();
        let mut known = self.lock();
        known.forget_idle(now);
        if let Some(session) =
            known.sessions.iter_mut().find(|session| session.connection == *connection)
        {
            session.last_used = now;
            return Ok((session.nbi.clone(), session.lists.clone()));
        }
        let gate = known.gate(&connection.base, self.calls_at_once);
        let (fence, metrics) = (self.fence.clone(), self.metrics.clone());
        let transport = Transport::network(connection)?
            .observed(move |exchange| metrics.exchanged(exchange))
            .while_allowed(move || fence.is_open())
            .behind(gate);
        let nbi = Nbi::new(connection.clone(), transport, self.limits);
        let lists = SharedLists::default();
        known.sessions.push(Session {
            connection: connection.clone(),
            nbi: nbi.clone(),
            lists: lists.clone(),
            last_used: now,
        });
        Ok((nbi, lists))
    }

    /// Frees the memory of lists that are too old to be shared.
    pub(super) fn forget_old_lists(&self) {
        self.lock().sessions.iter().for_each(|session| session.lists.forget_old());
    }

    /// What is counted of their requests.
    pub(super) fn metrics(&self) -> &NbiMetrics {
        &self.metrics
    }

    /// How many sessions there are.
    pub(super) fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// How many of them hold a token.
    pub(super) fn token_count(&self) -> usize {
        self.lock().sessions.iter().filter(|session| session.nbi.has_token()).count()
    }

    /// Gives every token back.
    pub(super) async fn log_out(&self) {
        let sessions: Vec<Nbi> =
            self.lock().sessions.iter().map(|session| session.nbi.clone()).collect();
        for nbi in sessions {
            if let Err(error) = nbi.log_out().await {
                tracing::debug!("{}", chain(&error));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing is left half done when a holder panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_idle(&mut self, now: Instant) {
        self.sessions.retain(|session| now.duration_since(session.last_used) < IDLE_TIME_MAX);
        self.gates.retain(|(url, _)| self.sessions.iter().any(|s| s.connection.base == *url));
    }

    fn gate(&mut self, base: &Url, permits: usize) -> Arc<Semaphore> {
        if let Some((_, gate)) = self.gates.iter().find(|(url, _)| url == base) {
            return gate.clone();
        }
        let gate = Arc::new(Semaphore::new(permits));
        self.gates.push((base.clone(), gate.clone()));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbi::Hostname;
    use crate::secret::Secret;

    fn connection(base: &str, password: &str) -> Connection {
        Connection {
            base: Connection::parse_address(base, Hostname::InFile).unwrap(),
            project: "p".to_owned(),
            user: "u".to_owned(),
            password: Secret::new(password),
            authorities: None,
            insecure_skip_verify: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_connection_is_one_session_until_nobody_uses_it() {
        let sessions = Sessions::new(TimeLimits::default(), 8, Fence::default());
        let of = |base: &str, password: &str| sessions.of(&connection(base, password)).unwrap();
        of("osm:1", "a");
        of("osm:1", "a");
        assert_eq!(sessions.count(), 1);
        of("osm:1", "b");
        of("osm:2", "a");
        assert_eq!(sessions.count(), 3);
        assert_eq!(sessions.lock().gates.len(), 2, "one limit for each address");
        tokio::time::advance(IDLE_TIME_MAX / 2).await;
        of("osm:2", "a");
        tokio::time::advance(IDLE_TIME_MAX / 2).await;
        of("osm:2", "a");
        assert_eq!(sessions.count(), 1);
        assert_eq!(sessions.lock().gates.len(), 1);
    }
}
