//! What a server lets its clients use up.

use std::time::Duration;

use crate::request::BODY_BYTES_MAX;

/// What a server lets its clients use up, together and each.
///
/// The defaults are meant for a machine that is shared with other work: all that clients can make
/// the server hold stays far below a gigabyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; for one more, that is closed which has been idle for the longest time, or
    /// the new one when none is idle.
    pub connections: usize,
    /// Bytes of one request's body; more is 413.
    pub body_bytes: usize,
    /// Bytes of all bodies that are being read or worked on; more is 503.
    pub bodies_bytes: usize,
    /// Bytes of a request's line and headers; more is 431.
    pub head_bytes: usize,
    /// Headers of a request; more is 431.
    pub headers: usize,
    /// How long a connection may stay without a complete request line and headers.
    pub idle: Duration,
    /// How long the next piece of a body may take; then it is 408.
    pub body_idle: Duration,
    /// How long a client may leave an answer unread.
    pub write_idle: Duration,
    /// How long answers under way may take once the server stops.
    pub stop: Duration,
}

impl Default for Limits {
    /// The time-outs are those of the nginx in front of OSM (`keepalive_timeout` 75 s,
    /// `client_body_timeout` and `send_timeout` 60 s).
    fn default() -> Self {
        Self {
            connections: 1_000,
            body_bytes: BODY_BYTES_MAX,
            bodies_bytes: 8 * BODY_BYTES_MAX,
            head_bytes: 64 * 1024,
            headers: 100,
            idle: Duration::from_secs(75),
            body_idle: Duration::from_secs(60),
            write_idle: Duration::from_secs(60),
            stop: Duration::from_secs(2),
        }
    }
}
