//! What is sent: the line that names it, its limits, and how many there were.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::request_counts::RequestCounts;
use http::Method;

use super::transport::Body;

/// Method and URL of one request, as messages show it. Never has a query, a token or a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    pub(super) method: Method,
    pub(super) url: String,
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// How long a request may take from its first byte to the last of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Everything but uploads.
    pub request: Duration,
    /// Uploads of packages.
    pub upload: Duration,
}

impl Default for TimeLimits {
    /// A minute for a request: a list of thousands of instances takes a real NBI some seconds. Ten for an
    /// upload: onboarding takes a real OSM 20 s, and packages of hundreds of megabytes exist.
    fn default() -> Self {
        Self { request: Duration::from_secs(60), upload: Duration::from_secs(600) }
    }
}

/// A package to upload. Its bytes are made when they are sent, and again if they are sent again.
#[derive(Clone)]
pub struct Upload {
    /// Stored by OSM, and listed.
    pub file_name: String,
    /// Length in bytes; OSM wants it beforehand.
    pub size_bytes: u64,
    /// MD5 in lower-case hexadecimal; OSM compares it.
    pub md5: String,
    /// Gives the bytes from the start.
    pub body: Arc<dyn Fn() -> Body + Send + Sync>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({}, {} bytes)", self.file_name, self.size_bytes)
    }
}

/// What a request is for, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    LogIn,
    LogOut,
    Read,
    Probe,
    Write,
}

/// [`RequestCounts`] while they grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counts: [AtomicU64; 5],
}

impl Counters {
    pub(super) fn count(&self, purpose: Purpose) {
        if let Some(counter) = self.counts.get(purpose as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> RequestCounts {
        let count = |purpose: Purpose| {
            self.counts.get(purpose as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
        };
        RequestCounts {
            log_in: count(Purpose::LogIn),
            read: count(Purpose::Read),
            probe: count(Purpose::Probe),
            write: count(Purpose::Write),
            log_out: count(Purpose::LogOut),
        }
    }
}
