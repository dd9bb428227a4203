//! One watch: changes as lines of JSON, until it is over.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::selector::Selector;
use super::shape::Shape;
use super::state::{Target, Told};

/// How often a watch that asked for it hears how far it has come. Source: a real server's
/// `defaultBookmarkFrequency`.
const BOOKMARKS_EVERY: Duration = Duration::from_secs(60);

/// How long a watch lasts that does not say. A real server takes half an hour to an hour.
const LASTS: Duration = Duration::from_secs(1800);

/// What a watch asks for.
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) selector: Selector,
    pub(super) shape: Shape,
    /// Changes after this version; all objects first when absent.
    pub(super) from: Option<u64>,
    pub(super) lasts: Option<Duration>,
    pub(super) bookmarks: bool,
}

struct Watch {
    shared: Arc<Shared>,
    versions: tokio::sync::watch::Receiver<u64>,
    asked: Asked,
    position: u64,
    waiting: VecDeque<Bytes>,
    is_over: bool,
    until: Instant,
    bookmark_at: Instant,
    stop: CancellationToken,
}

/// The lines of a watch. It ends in time, with an error of 410, or with `stop`.
pub(super) fn lines(
    shared: Arc<Shared>,
    asked: Asked,
    stop: CancellationToken,
) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let now = Instant::now();
    let mut watch = Watch {
        versions: shared.versions.subscribe(),
        position: asked.from.unwrap_or(0),
        waiting: VecDeque::new(),
        is_over: false,
        until: now + asked.lasts.unwrap_or(LASTS),
        bookmark_at: now + BOOKMARKS_EVERY,
        shared,
        asked,
        stop,
    };
    if watch.asked.from.is_none() {
        watch.list();
    }
    futures_util::stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok(line), watch))
    })
}

impl Watch {
    /// Everything that is there, as if it had just come.
    fn list(&mut self) {
        let state = self.shared.state();
        let Ok(page) = state.list(&self.asked.target, &self.asked.selector, None, None) else {
            return;
        };
        self.position = page.version;
        drop(state);
        for object in page.items {
            self.tell(Told { kind: "ADDED", object });
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Some(line);
            }
            if self.is_over {
                return None;
            }
            self.versions.mark_unchanged();
            self.read();
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => self.is_over = true,
                Ok(()) = self.versions.changed() => {}
                () = sleep_until(self.until) => {
                    self.bookmark();
                    self.is_over = true;
                }
                () = sleep_until(self.bookmark_at), if self.asked.bookmarks => {
                    self.bookmark();
                    self.bookmark_at += BOOKMARKS_EVERY;
                }
            }
        }
    }

    /// What changed since the last time.
    fn read(&mut self) {
        let state = self.shared.state();
        let told = state.changes_after(self.position, &self.asked.target, &self.asked.selector);
        self.position = self.position.max(state.version());
        drop(state);
        match told {
            Ok(told) => told.into_iter().for_each(|told| self.tell(told)),
            Err(refusal) => {
                self.push("ERROR", &refusal.status());
                self.is_over = true;
            }
        }
    }

    fn tell(&mut self, told: Told) {
        let now = self.shared.now();
        let object = self.asked.shape.object(&self.asked.target.kind, told.object, now);
        self.push(told.kind, &object);
    }

    fn bookmark(&mut self) {
        if !self.asked.bookmarks {
            return;
        }
        let kind = &self.asked.target.kind;
        let object = json!({
            "kind": kind.kind, "apiVersion": kind.api_version(),
            "metadata": { "resourceVersion": self.position.to_string(), "creationTimestamp": null },
        });
        self.push("BOOKMARK", &object);
    }

    fn push(&mut self, kind: &str, object: &Value) {
        let line = json!({ "type": kind, "object": object }).to_string() + "\n";
        self.waiting.push_back(line.into());
    }
}
