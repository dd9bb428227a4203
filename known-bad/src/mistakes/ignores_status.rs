//! Whether OSM did what it was asked to is told by the answer's status.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where OSM refuses a package that another one is made of.
pub const BAD: KnownBad = KnownBad {
    name: "ignores_status",
    mistake: "does not look at the status of a write, and goes on with what was to come after it",
    breaks: &[Law::S4],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport = wrapped(transport, |request, onward| async move {
        let method = request.method().clone();
        let is_write = method != Method::GET && !request.uri().path().ends_with("/tokens");
        let answer = onward.send(request).await?;
        Ok(if is_write && answer.status().as_u16() >= 400 { done(&method) } else { answer })
    });
    Box::new(Process::new(connection, transport))
}

/// What OSM answers when all is well; the ids are what a missing key is read as.
fn done(method: &Method) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if *method == Method::POST {
        *answer.status_mut() = StatusCode::CREATED;
        *answer.body_mut() = Bytes::from_static(br#"{"id": "None", "nslcmop_id": "None"}"#);
    }
    answer
}
