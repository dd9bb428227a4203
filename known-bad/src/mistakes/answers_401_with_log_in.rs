//! OSM says 401 to a stale token, to a missing right and, in older releases, to a full quota.

use bytes::Bytes;
use http::{Response, StatusCode};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where a quota is full.
pub const BAD: KnownBad = KnownBad {
    name: "answers_401_with_log_in",
    mistake: "takes every 401 for an expired token, logs in anew and sends the request once more",
    breaks: &[Law::S12],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport =
        wrapped(
            transport,
            |request, onward| async move { onward.send(request).await.map(as_expired) },
        );
    Box::new(Process::new(connection, transport))
}

fn as_expired(answer: Response<Bytes>) -> Response<Bytes> {
    if answer.status() != StatusCode::UNAUTHORIZED {
        return answer;
    }
    let words = r#"{"code": "UNAUTHORIZED", "status": 401, "detail": "Expired Token or Authorization HTTP header"}"#;
    answer.map(|_| Bytes::from_static(words.as_bytes()))
}
