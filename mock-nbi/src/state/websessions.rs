//! The web server's sessions: a cookie that stands for a token.
//!
//! Source: NBI_FACTS.md section 3; OSM NBI `auth.py`, `authorize`, and `nbi.py`, `token`.

use super::ordered::Ordered;

/// Seconds without a request after which a session is forgotten. Source: CherryPy's default, and
/// the recorded `Max-Age`.
const TIMEOUT_SECONDS: f64 = 3600.0;
/// More sessions than this are not kept; the oldest go first. OSM has no bound.
const SESSIONS_MAX: usize = 10_000;

/// What a session remembers.
#[derive(Clone, Debug, Default, PartialEq)]
enum Memory {
    #[default]
    Nothing,
    Token(String),
    /// After a log-out: nothing, but not through Basic authentication either.
    LoggedOut,
}

#[derive(Clone, Debug, Default)]
struct WebSession {
    memory: Memory,
    until: f64,
}

/// Every session that a request has used.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSessions {
    sessions: Ordered<String, WebSession>,
}

impl WebSessions {
    /// Whether a cookie with this id goes on; OSM gives a new id for an unknown one.
    pub(crate) fn is_alive(&self, id: &str, now: f64) -> bool {
        self.sessions.get(id).is_some_and(|session| session.until > now)
    }

    /// The token that the session stands for; looking makes the session last.
    pub(crate) fn token(&mut self, id: &str, now: f64) -> Option<String> {
        let session = self.touch(id, now);
        match &session.memory {
            Memory::Token(token) => Some(token.clone()),
            Memory::Nothing | Memory::LoggedOut => None,
        }
    }

    /// Notes a log-in.
    pub(crate) fn log_in(&mut self, id: &str, token: &str, now: f64) {
        self.touch(id, now).memory = Memory::Token(token.to_owned());
    }

    /// Notes a log-out.
    pub(crate) fn log_out(&mut self, id: &str, now: f64) {
        self.touch(id, now).memory = Memory::LoggedOut;
    }

    /// Forgets what the session stood for, as OSM does after a token that is no good.
    pub(crate) fn forget(&mut self, id: &str, now: f64) {
        self.touch(id, now).memory = Memory::Nothing;
    }

    fn touch(&mut self, id: &str, now: f64) -> &mut WebSession {
        // A session that is used moves to the end, so those that time out first stand in front.
        let memory = match self.sessions.remove(id) {
            Some(session) if session.until > now => session.memory,
            _ => Memory::Nothing,
        };
        while self.sessions.first().is_some_and(|session| session.until <= now)
            || self.sessions.len() >= SESSIONS_MAX
        {
            self.sessions.remove_first();
        }
        let session = self.sessions.get_or_default(id.to_owned());
        *session = WebSession { memory, until: now + TIMEOUT_SECONDS };
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_an_hour_from_its_last_use() {
        let mut sessions = WebSessions::default();
        sessions.log_in("s", "t", 0.0);
        assert_eq!(sessions.token("s", 3000.0).as_deref(), Some("t"));
        assert_eq!(sessions.token("s", 6000.0).as_deref(), Some("t"));
        assert!(!sessions.is_alive("s", 9600.0));
        assert_eq!(sessions.token("s", 9600.0), None);
    }

    #[test]
    fn a_session_stands_for_nothing_after_its_log_out() {
        let mut sessions = WebSessions::default();
        sessions.log_in("s", "t", 0.0);
        sessions.log_out("s", 1.0);
        assert_eq!(sessions.token("s", 2.0), None);
        assert!(sessions.is_alive("s", 3.0), "its cookie goes on");
    }

    #[test]
    fn sessions_do_not_grow_without_end() {
        let mut sessions = WebSessions::default();
        for number in 0..(SESSIONS_MAX + 10) {
            sessions.token(&number.to_string(), 0.0);
        }
        assert_eq!(sessions.sessions.len(), SESSIONS_MAX);
        sessions.token("late", TIMEOUT_SECONDS);
        assert_eq!(sessions.sessions.len(), 1);
    }
}
