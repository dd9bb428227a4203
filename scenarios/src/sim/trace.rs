//! Everything that happened in a run, in order: requests as the fake's journal has them, and the rest between.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use mock_nbi::JournalEntry;

/// Something that is no request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// Virtual time since the run began.
    pub at: Duration,
    /// How many requests came before it.
    pub after: usize,
    /// Which process it is about; 0 for none.
    pub process: u32,
    /// In words.
    pub what: String,
}

/// A run, told.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// What is no request.
    pub events: Vec<Event>,
    /// Every request that reached OSM.
    pub requests: Vec<JournalEntry>,
    /// OSM's clock at the beginning, in epoch seconds.
    pub began: f64,
}

/// A line of a trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    /// No request.
    Event(&'a Event),
    /// A request.
    Request(&'a JournalEntry),
}

impl Trace {
    /// Requests and the rest, in order.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::with_capacity(self.events.len() + self.requests.len());
        let mut events = self.events.iter().peekable();
        for (index, request) in self.requests.iter().enumerate() {
            while let Some(event) = events.next_if(|event| event.after <= index) {
                lines.push(Line::Event(event));
            }
            lines.push(Line::Request(request));
        }
        lines.extend(events.map(Line::Event));
        lines
    }

    /// As text: the same run gives the same bytes.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines() {
            let written = match line {
                Line::Event(event) => writeln!(
                    text,
                    "{:>11.3}  {}{}",
                    event.at.as_secs_f64(),
                    if event.process > 0 {
                        format!("process {}: ", event.process)
                    } else {
                        String::new()
                    },
                    event.what
                ),
                Line::Request(request) => {
                    let query = match request.query.as_str() {
                        "" => String::new(),
                        query => format!("?{query}"),
                    };
                    let status = request.status.map_or("lost".to_owned(), |s| s.to_string());
                    let fault =
                        request.fault.as_ref().map(|f| format!(" [{f}]")).unwrap_or_default();
                    writeln!(
                        text,
                        "{:>11.3}    {} {}{query} ({} B) -> {status} ({} B){fault}  {}",
                        request.at - self.began,
                        request.method,
                        request.path,
                        request.request_bytes,
                        request.response_bytes,
                        request.user_agent,
                    )
                }
            };
            written.expect("a String takes everything");
        }
        text
    }

    /// Whether something else happened than in another run, the telling of planned faults aside.
    pub fn is_other_than(&self, other: &Trace) -> bool {
        let told = |trace: &Trace| {
            let events = trace.events.iter().filter(|event| !event.what.starts_with("fault: "));
            events.cloned().collect::<Vec<Event>>()
        };
        self.requests != other.requests || told(self) != told(other)
    }

    /// Stands for the text: equal runs have equal ones.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.events.hash(&mut hasher);
        for request in &self.requests {
            request.at.to_bits().hash(&mut hasher);
            request.method.hash(&mut hasher);
            request.path.hash(&mut hasher);
            request.query.hash(&mut hasher);
            (request.status, request.request_bytes, request.response_bytes).hash(&mut hasher);
            request.fault.hash(&mut hasher);
            request.user_agent.hash(&mut hasher);
        }
        hasher.finish()
    }
}
