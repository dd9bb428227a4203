//! Events for Flux's notification-controller, which makes alerts of them.
//!
//! Whoever tells one goes on at once: events wait in a queue of limited length for the one task that sends
//! them. Source: Flux `pkg/apis/event/v1beta1` (the body), notification-controller `event_server.go` (429).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use reqwest::StatusCode;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::failure::chain;

use super::metrics::Metrics;

/// How many events may wait. More come only when the receiver is away, and then the newest are lost.
const QUEUE_MAX: usize = 1000;

/// How long the receiver may take for one.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);

/// The pauses before an event is sent again.
const AGAIN_AFTER: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How long the last events may take when the process is to end.
const LAST_EVENTS: Duration = Duration::from_secs(3);

/// One event, as it is sent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    pub(super) involved_object: ObjectReference,
    pub(super) severity: Severity,
    /// RFC 3339, in whole seconds.
    pub(super) timestamp: String,
    /// Stable: the same trouble has the same words, so that the receiver knows it again.
    pub(super) message: String,
    pub(super) reason: String,
    /// Keys begin with the object's API group, as Flux's alerts want it.
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) reporting_controller: &'static str,
    pub(super) reporting_instance: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Info,
    Error,
}

/// Takes events; clones share the queue.
#[derive(Debug, Clone)]
pub(super) struct Notifier {
    queue: mpsc::Sender<Notice>,
    metrics: Arc<Metrics>,
}

impl Notifier {
    /// Sends to this address from now on.
    pub(super) fn start(
        address: Url,
        http: reqwest::Client,
        metrics: Arc<Metrics>,
    ) -> (Self, Sending) {
        let (queue, mut events) = mpsc::channel::<Notice>(QUEUE_MAX);
        let counted = metrics.clone();
        let task = tokio::spawn(async move {
            while let Some(notice) = events.recv().await {
                if let Err(reason) = send(&http, &address, &notice).await {
                    let about = &notice.involved_object;
                    let name = about.name.as_deref().unwrap_or_default();
                    tracing::warn!("cannot tell an event on {name} to {address}: {reason}");
                    counted.notice_lost();
                }
            }
        });
        (Self { queue, metrics }, Sending(task))
    }

    /// Never waits.
    pub(super) fn tell(&self, notice: Notice) {
        if self.queue.try_send(notice).is_err() {
            tracing::warn!("an event for --events-addr is lost: {QUEUE_MAX} wait already");
            self.metrics.notice_lost();
        }
    }
}

/// The task that sends. It ends when nobody can tell anything more.
pub(super) struct Sending(JoinHandle<()>);

impl Sending {
    /// Lets it send what waits, for a short while.
    pub(super) async fn end(self) {
        let mut task = self.0;
        if timeout(LAST_EVENTS, &mut task).await.is_err() {
            task.abort();
        }
    }
}

async fn send(http: &reqwest::Client, address: &Url, notice: &Notice) -> Result<(), String> {
    let mut pauses = AGAIN_AFTER.iter();
    loop {
        let request = http.post(address.clone()).timeout(REQUEST_TIME_MAX).json(notice);
        let trouble = match request.send().await.map(|answer| answer.status()) {
            // It has had the same one a short while ago.
            Ok(StatusCode::TOO_MANY_REQUESTS) => return Ok(()),
            Ok(status) if status.is_success() => return Ok(()),
            Ok(status) if !status.is_server_error() => return Err(status.to_string()),
            Ok(status) => status.to_string(),
            Err(error) => chain(&error.without_url()),
        };
        match pauses.next() {
            Some(pause) => sleep(*pause).await,
            None => return Err(trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_has_the_fields_that_flux_reads() {
        let notice = Notice {
            involved_object: ObjectReference {
                kind: Some("OsmDeployment".to_owned()),
                name: Some("ldap".to_owned()),
                ..ObjectReference::default()
            },
            severity: Severity::Error,
            timestamp: "2026-11-20T00:00:00Z".to_owned(),
            message: "three mistakes".to_owned(),
            reason: "BuildFailed".to_owned(),
            metadata: [("osmops.io/revision".to_owned(), "7".to_owned())].into(),
            reporting_controller: "osmops",
            reporting_instance: "osmops-0".to_owned(),
        };
        assert_eq!(
            serde_json::to_value(&notice).unwrap(),
            json!({
                "involvedObject": { "kind": "OsmDeployment", "name": "ldap" },
                "severity": "error",
                "timestamp": "2026-11-20T00:00:00Z",
                "message": "three mistakes",
                "reason": "BuildFailed",
                "metadata": { "osmops.io/revision": "7" },
                "reportingController": "osmops",
                "reportingInstance": "osmops-0",
            })
        );
    }
}
