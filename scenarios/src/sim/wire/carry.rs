//! One request's way from the reconciler to the fake, and back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use mock_nbi::{Collection, NbiService};
use osmops::nbi::Transport;
use serde_json::json;
use tokio::sync::Notify;

use super::{SharedRef, lock};
use crate::sim::fault::Own;
use crate::sim::hand::Hand;
use crate::sim::laws::writes::Call;
use crate::sim::osm::text;
use crate::sim::world::{NEXT_PASSWORD, USER};

/// How long after a new password the Secret follows.
const SECRET_AFTER: Duration = Duration::from_secs(30);

/// A transport for the process of this number.
pub(crate) fn transport(shared: &SharedRef, crash: &Arc<Notify>, process: u32) -> Transport {
    let (shared, crash) = (Arc::clone(shared), Arc::clone(crash));
    let service = lock(&shared).nbi.service();
    Transport::service(tower::service_fn(move |request: Request<osmops::nbi::Body>| {
        let (shared, crash, service) = (Arc::clone(&shared), Arc::clone(&crash), service.clone());
        carry(shared, crash, service, process, request)
    }))
}

async fn carry(
    shared: SharedRef,
    crash: Arc<Notify>,
    service: NbiService,
    process: u32,
    request: Request<osmops::nbi::Body>,
) -> io::Result<Response<Body>> {
    if let Some(bearer) = request.headers().get(AUTHORIZATION).and_then(|b| b.to_str().ok()) {
        let mut shared = lock(&shared);
        let session = &mut shared.seen(process).session;
        if session.bearer != bearer {
            bearer.clone_into(&mut session.bearer);
        }
    }
    let (request, call) = taken_up(request, process).await?;
    let own = lock(&shared).before(process, &call);
    match &own {
        Some(Own::CrashBefore) => return crashed(&crash).await,
        Some(Own::Pause { seconds }) => {
            tokio::time::advance(Duration::from_secs(*seconds)).await;
        }
        Some(Own::Jump { seconds }) => lock(&shared).nbi.advance(Duration::from_secs(*seconds)),
        Some(Own::PasswordRotated) => rotate(&shared).await,
        _ => {}
    }
    let hit = lock(&shared).judged(process, &call);
    let _lasts = hit.is_some().then(|| Lasts(Arc::clone(&shared)));
    let answered = service.answer(request).await;
    let answered = match answered {
        Ok(response) if response.status().as_u16() == 401 => {
            Ok(refused(&shared, process, response).await)
        }
        other => other,
    };
    let status = answered.as_ref().ok().map(|response| response.status().as_u16());
    lock(&shared).after(process, &call, status, hit.as_ref());
    if own == Some(Own::CrashAfter) {
        return crashed(&crash).await;
    }
    answered
}

/// A fault goes on until the answer comes, or nobody waits for it any more.
struct Lasts(SharedRef);

impl Drop for Lasts {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.last_hit = shared.now();
    }
}

/// The process is no more: this never returns.
async fn crashed(crash: &Notify) -> io::Result<Response<Body>> {
    crash.notify_one();
    std::future::pending().await
}

/// The request, and what the laws must know of it.
async fn taken_up(
    request: Request<osmops::nbi::Body>,
    process: u32,
) -> io::Result<(Request<Body>, Call)> {
    let operation = NbiService::operation_of(&request);
    let (mut parts, body) = request.into_parts();
    let name = HeaderValue::from(process);
    parts.headers.insert(USER_AGENT, name);
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let mut call = Call {
        query: parts.uri.query().unwrap_or_default().to_owned(),
        file_name: header("Content-Filename"),
        md5: header("Content-File-MD5"),
        ..Call::default()
    };
    if let Some(at) = operation.find("{id}") {
        // `/osm` stands before the path that the operation names, and the method before that.
        let from = at - operation.find(' ').unwrap_or_default() - 1 + "/osm".len();
        let rest = parts.uri.path().get(from..).unwrap_or_default();
        call.id = rest.split('/').next().map(str::to_owned);
    }
    let is_json = header("Content-Type").is_some_and(|kind| kind == "application/json");
    call.operation = operation;
    let body = if is_json && call.is_write() {
        let bytes = body.collect().await.map_err(io::Error::other)?.to_bytes();
        call.body = serde_json::from_slice(&bytes).unwrap_or_default();
        Body::from(bytes)
    } else {
        Body::new(body)
    };
    Ok((Request::from_parts(parts, body), call))
}

/// Notes a 401 that means the token.
async fn refused(shared: &SharedRef, process: u32, response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Response::from_parts(parts, Body::empty());
    };
    if String::from_utf8_lossy(&bytes).to_lowercase().contains("token or authorization") {
        lock(shared).seen(process).session.was_refused();
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The password of our user is another one from now on, and no token is good.
async fn rotate(shared: &SharedRef) {
    let nbi = lock(shared).nbi.clone();
    let user = nbi.look(|look| {
        let mut users = look.records(Collection::Users);
        let ours = users.find(|user| text(user, "username") == USER);
        ours.map(|user| text(&user, "_id").to_owned())
    });
    {
        let mut shared = lock(shared);
        shared.secret_due = Some(shared.now() + SECRET_AFTER);
    }
    let path = format!("/admin/v1/users/{}", user.unwrap_or_default());
    let body = json!({"password": NEXT_PASSWORD});
    let (status, answer) = Hand::new(&nbi).ask("PATCH", &path, Some(&body)).await;
    assert!(status < 300, "the fake refuses a new password: {status} {answer}");
    nbi.expire_tokens();
}
