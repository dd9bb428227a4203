//! Between a deletion and what comes after it, a package is not there; and one in use cannot be deleted.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use osmops::nbi::{BoxError, Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where a package changes that something uses.
pub const BAD: KnownBad = KnownBad {
    name: "replaces_by_deleting",
    mistake: "changes a package by deleting it and making it anew",
    breaks: &[Law::L1, Law::L4],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport = wrapped(transport, |request, onward| async move {
        let Some((old, new)) = places(&request) else { return onward.send(request).await };
        let mut deletion = Request::new(Bytes::new());
        *deletion.method_mut() = Method::DELETE;
        *deletion.uri_mut() = old.parse().map_err(BoxError::from)?;
        *deletion.headers_mut() = request.headers().clone();
        deletion.headers_mut().remove(CONTENT_LENGTH);
        deletion.headers_mut().remove(CONTENT_TYPE);
        let deleted = onward.send(deletion).await?;
        if !deleted.status().is_success() && deleted.status() != StatusCode::NOT_FOUND {
            return Ok(deleted);
        }
        let (mut parts, body) = request.into_parts();
        parts.method = Method::POST;
        parts.uri = new.parse().map_err(BoxError::from)?;
        let made = onward.send(Request::from_parts(parts, body)).await?;
        if !made.status().is_success() {
            return Ok(made);
        }
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        Ok(answer)
    });
    Box::new(Process::new(connection, transport))
}

/// Where the package is whose files are to be replaced, and where packages of its kind are made.
fn places(request: &Request<Bytes>) -> Option<(String, String)> {
    let uri = request.uri().to_string();
    let old = uri.strip_suffix("/package_content").or_else(|| uri.strip_suffix("/nsd_content"));
    let old = old.filter(|_| request.method() == Method::PUT)?;
    let (list, _) = old.rsplit_once('/')?;
    Some((old.to_owned(), format!("{list}_content")))
}
