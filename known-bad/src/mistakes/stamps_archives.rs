//! The same files give the same bytes, whenever they are packed.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use md5::{Digest, Md5};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found with every upload.
pub const BAD: KnownBad = KnownBad {
    name: "stamps_archives",
    mistake: "leaves the time in the head of the gzip file, as most tools do",
    breaks: &[Law::S11],
    maker: &Starts(start),
};

/// Where gzip has the time, in seconds since 1970, little end first.
const TIME_AT: std::ops::Range<usize> = 4..8;

/// 2023-11-14T22:13:20Z.
const NOW: u32 = 1_700_000_000;

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport = wrapped(transport, |request, onward| async move {
        onward.send(if is_archive(&request) { stamped(request) } else { request }).await
    });
    Box::new(Process::new(connection, transport))
}

fn is_archive(request: &Request<Bytes>) -> bool {
    request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/gzip")
        && request.body().len() >= TIME_AT.end
}

fn stamped(request: Request<Bytes>) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    let mut body = BytesMut::from(body);
    body[TIME_AT].copy_from_slice(&NOW.to_le_bytes());
    let md5 = hex::encode(Md5::digest(&body));
    if let Ok(md5) = HeaderValue::from_str(&md5) {
        parts.headers.insert("Content-File-MD5", md5);
    }
    Request::from_parts(parts, body.freeze())
}
