//! What was asked and answered, in order.
//!
//! Invariant: holds no header and no body, hence no secret but what a client put into a query; of
//! a query, values of `password` are blanked.

use serde::Serialize;

/// One request to the NBI (requests to `/_mock/` are not kept).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// Position since the journal was last emptied, from 1.
    pub n: u64,
    /// When the request was taken up, in epoch seconds of the fake's clock.
    pub at: f64,
    /// HTTP method.
    pub method: String,
    /// Path with `/osm`, without query.
    pub path: String,
    /// Raw query, empty when there was none.
    pub query: String,
    /// Status sent; none when the connection was cut or the answer never came.
    pub status: Option<u16>,
    /// Length of the request's body.
    pub request_bytes: u64,
    /// Length of the answer's body as sent.
    pub response_bytes: u64,
    /// Number of the TCP connection since start, from 1; 0 for requests in process.
    pub connection: u64,
}

impl JournalEntry {
    /// Whether this request may have changed something in OSM: any POST, PUT, PATCH or DELETE
    /// but those for tokens.
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
            && !self.path.starts_with("/osm/admin/v1/tokens")
    }
}

/// The entries so far.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<JournalEntry>,
}

impl Journal {
    /// Appends an entry and numbers it.
    pub(crate) fn push(&mut self, entry: JournalEntry) {
        let n = self.entries.len() as u64 + 1;
        let query = blank_password(&entry.query);
        self.entries.push(JournalEntry { n, query, ..entry });
    }

    pub(crate) fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn blank_password(query: &str) -> String {
    let blank = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if key.ends_with("password") => format!("{key}=***"),
        _ => pair.to_owned(),
    };
    query.split('&').map(blank).collect::<Vec<_>>().join("&")
}
