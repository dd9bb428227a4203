//! Clients of the Kubernetes API that count, that hear whether watches are answered, or that may be told to
//! write no more.

use std::sync::Arc;

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tower::BoxError;

use super::fence::Fence;
use super::http::Health;
use super::metrics::Metrics;

/// Why a request was not sent.
#[derive(Debug, thiserror::Error)]
#[error("not sent: this process does not lead any more")]
struct NotLeading;

/// Counts every request by method and status.
pub(super) fn counting(client: Client, host: String, metrics: Arc<Metrics>) -> Client {
    through(client, move |client, request| {
        let (method, host, metrics) = (request.method().clone(), host.clone(), metrics.clone());
        async move {
            let answer = client.send(request).await;
            let status = answer.as_ref().ok().map(Response::status);
            metrics.kubernetes_answered(&method, &host, status);
            answer.map_err(BoxError::from)
        }
    })
}

/// Writes only while the fence is open.
pub(super) fn fenced(client: Client, fence: Fence) -> Client {
    through(client, move |client, request| {
        let fence = fence.clone();
        async move {
            if request.method() != Method::GET && !fence.is_open() {
                return Err(BoxError::from(NotLeading));
            }
            client.send(request).await.map_err(BoxError::from)
        }
    })
}

/// Tells that a watch lives whenever the API server answers it: it closes each after a while, and the next
/// one is answered again.
pub(super) fn heard(client: Client, watch: &'static str, health: Arc<Health>) -> Client {
    // From now on it is expected to be.
    health.heard(watch);
    through(client, move |client, request| {
        let health = health.clone();
        async move {
            let answer = client.send(request).await?;
            if answer.status().is_success() {
                health.heard(watch);
            }
            Ok(answer)
        }
    })
}

fn through<S, F>(client: Client, send: S) -> Client
where
    S: Fn(Client, Request<Body>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Body>, BoxError>> + Send + 'static,
{
    let namespace = client.default_namespace().to_owned();
    Client::new(tower::service_fn(move |request| send(client.clone(), request)), namespace)
}
