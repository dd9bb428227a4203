//! What was asked and answered, in order.
//!
//! Invariant: holds no header but the client's and the answer's kind and no body, hence no secret but what a client put into a query or
//! path; there, values of `password` and ids of tokens are blanked.

use percent_encoding::percent_decode_str;
use serde::Serialize;

/// One request to the NBI (requests to `/_mock/` are not kept).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JournalEntry {
    /// Position since the journal was last emptied, from 1.
    pub n: u64,
    /// When the request was taken up, in epoch seconds of the fake's clock.
    pub at: f64,
    /// HTTP method.
    pub method: String,
    /// Path with `/osm`, without query; `***` stands for the id of a token.
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
    /// Method and path below `/osm` with `{id}` for ids, as faults name it; `unknown` for URLs that
    /// OSM does not have.
    pub operation: String,
    /// What the client calls itself, at most 200 characters of it.
    pub user_agent: String,
    /// The answer's `Content-Type`, empty when none was sent.
    pub response_type: String,
    /// How long the client was kept waiting on purpose, in milliseconds.
    pub ms: u64,
    /// The kind of the fault that the request met.
    pub fault: Option<String>,
    /// What may have been meant, where OSM has no such URL or method.
    pub near_miss: Option<String>,
}

impl JournalEntry {
    /// Whether this request may have changed something in OSM: any POST, PUT, PATCH or DELETE
    /// but those for tokens.
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
            && !self.path.starts_with("/osm/admin/v1/tokens")
    }
}

/// Entries that are kept unless told otherwise: some tens of megabytes.
pub(crate) const ENTRIES_MAX: usize = 100_000;

/// The latest entries.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Vec<JournalEntry>,
    entries_max: usize,
    /// How many there were since it was emptied, those that are not kept too.
    count: u64,
}

impl Journal {
    /// An empty one that keeps at least so many of the latest entries, and at most a quarter more.
    pub(crate) fn keeping(entries_max: usize) -> Self {
        Self { entries: Vec::new(), entries_max, count: 0 }
    }

    /// Appends an entry; gives its number.
    pub(crate) fn push(&mut self, entry: JournalEntry) -> u64 {
        self.count += 1;
        let n = self.count;
        if self.entries.len() >= self.entries_max.saturating_add(self.entries_max / 4) {
            let surplus = self.entries.len().saturating_sub(self.entries_max.saturating_sub(1));
            self.entries.drain(..surplus);
        }
        let query = blank_password(&entry.query);
        let path = blank_token(&entry.path);
        self.entries.push(JournalEntry { n, path, query, ..entry });
        n
    }

    /// The entry of this number, if it is still kept.
    pub(crate) fn entry_mut(&mut self, n: u64) -> Option<&mut JournalEntry> {
        let position = self.entries.binary_search_by_key(&n, |entry| entry.n).ok()?;
        self.entries.get_mut(position)
    }

    pub(crate) fn entries(&self) -> &[JournalEntry] {
        &self.entries
    }

    /// How many entries there were since it was emptied, those that are not kept too.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::keeping(self.entries_max);
    }
}

/// `path` with `***` for the id of a token, which is all that is needed to use it.
pub(crate) fn blank_token(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let steps: Vec<&str> = decoded.split('/').filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        ["osm", "admin", version, "tokens", _, ..] => format!("/osm/admin/{version}/tokens/***"),
        _ => path.to_owned(),
    }
}

fn blank_password(query: &str) -> String {
    let is_password = |key: &str| {
        let key = percent_decode_str(key).decode_utf8_lossy();
        key.ends_with("password")
    };
    let blank = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if is_password(key) => format!("{key}=***"),
        _ => pair.to_owned(),
    };
    query.split('&').map(blank).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_entries_are_kept_and_numbers_go_on() {
        let mut journal = Journal::keeping(8);
        for at in 0..1000 {
            journal.push(JournalEntry { at: f64::from(at), ..JournalEntry::default() });
            assert!(journal.entries().len() <= 10);
        }
        assert!(journal.entries().len() >= 8);
        assert_eq!(journal.entries().last().map(|entry| (entry.n, entry.at)), Some((1000, 999.0)));
        journal.clear();
        journal.push(JournalEntry::default());
        assert_eq!(journal.entries()[0].n, 1);
    }

    #[test]
    fn secrets_are_blanked_however_they_are_spelt() {
        assert_eq!(
            blank_password("a=1&vim_password=x&passw%6frd=y"),
            "a=1&vim_password=***&passw%6frd=***"
        );
        for path in ["/osm/admin/v1/tokens/abc", "/osm//admin/v1/t%6fkens/abc/"] {
            assert_eq!(blank_token(path), "/osm/admin/v1/tokens/***");
        }
        let other = "/osm/nsd/v1/ns_descriptors/a%20b";
        assert_eq!(blank_token(other), other);
        assert_eq!(blank_token("/osm/admin/v1/tokens"), "/osm/admin/v1/tokens");
    }
}
