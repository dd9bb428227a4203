//! An answer as status, headers and bytes.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SERVER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::negotiate::Format;
use crate::problem::{self, Problem};
use crate::routes::{Content, Listing, Measured, Reply};

/// Status, headers and bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
    /// `Content-Length` where it is not that of the body (HEAD).
    pub(crate) length: Option<usize>,
    /// A list that is too long for `body`, which is empty then.
    pub(crate) list: Option<LongList>,
}

/// A long list on its way.
#[derive(Clone, Debug)]
pub(crate) enum LongList {
    Found(Box<Listing>, Format),
    Measured(Measured),
}

impl LongList {
    /// Finds out how long it is; takes its time.
    pub(crate) fn measure(self) -> Measured {
        match self {
            Self::Found(listing, format) => listing.measure(format),
            Self::Measured(measured) => measured,
        }
    }
}

impl Answer {
    /// The answer that a reply makes; `is_typed` says whether one without a body names the type that
    /// it would have.
    pub(crate) fn of_reply(reply: Reply, accept: Option<&str>, is_typed: bool) -> Self {
        let format = Format::for_accept(accept, reply.status);
        let mut list = None;
        let (content_type, body) = match reply.content {
            Content::Nothing if is_typed => (format.content_type(), Bytes::new()),
            Content::Nothing => (Format::Html.content_type(), Bytes::new()),
            Content::Data(value) => (format.content_type(), format.render(&value).into()),
            Content::Rows(listing) if format == Format::Html => {
                (format.content_type(), format.render(&listing.value()).into())
            }
            Content::Rows(listing) => {
                list = Some(LongList::Found(listing, format));
                (format.content_type(), Bytes::new())
            }
            Content::Raw(bytes, content_type) => (content_type, bytes),
        };
        let mut headers = vec![(CONTENT_TYPE, content_type.to_owned())];
        headers.extend(reply.headers);
        Self { status: reply.status, headers, body, length: None, list }
    }

    /// Length of the body, which a long list has only once it is measured.
    pub(crate) fn body_bytes(&self) -> usize {
        match &self.list {
            Some(LongList::Measured(list)) => list.length,
            Some(LongList::Found(..)) | None => self.body.len(),
        }
    }

    /// Takes a long list into the body, for what is done with the body's bytes.
    pub(crate) fn gather(&mut self) {
        if let Some(list) = self.list.take() {
            self.body = list.measure().into_pieces().flatten().collect();
        }
    }

    pub(crate) fn of_problem(problem: &Problem, accept: Option<&str>) -> Self {
        let format =
            if problem.is_page { Format::Html } else { Format::for_accept(accept, problem.status) };
        let body = if problem.is_page {
            problem::page(problem.status, &problem.detail)
        } else {
            format.render(&problem.to_value())
        };
        let mut headers = vec![(CONTENT_TYPE, format.content_type().to_owned())];
        if let Some(realm) = &problem.realm {
            headers.push((WWW_AUTHENTICATE, bearer_realm(realm)));
        }
        Self { status: problem.status, headers, body: body.into(), ..Self::default() }
    }

    pub(crate) fn proxy_page(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let title = format!("{} {reason}", status.as_u16());
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1>\
             </center>\r\n<hr><center>nginx/1.14.0 (Ubuntu)</center>\r\n</body>\r\n</html>\r\n"
        );
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "text/html".into())],
            body: body.into(),
            ..Self::default()
        }
    }

    /// An answer of the control API.
    pub(crate) fn of_control(status: StatusCode, value: Option<&Value>) -> Self {
        let Some(value) = value else {
            return Self { status, ..Self::default() };
        };
        Self {
            status,
            headers: vec![(CONTENT_TYPE, "application/json".into())],
            body: value.to_string().into(),
            ..Self::default()
        }
    }

    pub(crate) fn into_response(mut self) -> Response<Body> {
        if let Some(list) = self.list.take() {
            let list = list.measure();
            self.length = Some(list.length);
            let pieces = stream::iter(list.into_pieces().map(Ok::<_, io::Error>));
            return self.with_body(Body::from_stream(pieces));
        }
        let body = Body::from(self.body.clone());
        self.with_body(body)
    }

    /// Announces the whole body and breaks off after half of it.
    pub(crate) fn into_truncated_response(self) -> Response<Body> {
        let half = self.body.slice(..self.body.len() / 2);
        // The pause lets the half go out before the connection is cut.
        let cut = async {
            tokio::task::yield_now().await;
            Err(reset())
        };
        let body = Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(cut)));
        self.with_body(body)
    }

    /// Announces the whole body and sends it in pieces of so many bytes, so far apart.
    pub(crate) fn into_dripping_response(
        self,
        piece_bytes: usize,
        every: Duration,
    ) -> Response<Body> {
        let pieces =
            stream::unfold((self.body.clone(), true), move |(mut rest, is_first)| async move {
                if rest.is_empty() {
                    return None;
                }
                if !is_first {
                    tokio::time::sleep(every).await;
                }
                let piece = rest.split_to(piece_bytes.clamp(1, rest.len()));
                Some((Ok::<_, io::Error>(piece), (rest, false)))
            });
        let body = Body::from_stream(pieces);
        self.with_body(body)
    }

    fn with_body(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(SERVER, HeaderValue::from_static("CherryPy/18.10.0"));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        }
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_LENGTH, self.length.unwrap_or(self.body.len()).into());
        }
        response
    }
}

pub(crate) fn reset() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "connection cut by an injected fault")
}

pub(crate) fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused by an injected fault")
}

pub(crate) fn bearer_realm(realm: &str) -> String {
    format!("Bearer realm=\"{realm}\"")
}
