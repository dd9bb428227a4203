//! A request on its way to OSM's rules, and the answer that comes back.

use std::time::Duration;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::http_date;
use crate::request::{Request, parse_params};
use crate::routes::{self, Content, Reply};
use crate::state::State;

/// A request as it came; it can be delivered more than once, and later.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) remote: (String, u16),
}

/// How the answer is spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[default]
    Usual,
    /// In YAML, whatever was asked for.
    Yaml,
    /// With fields that no client knows.
    UnknownFields,
}

impl Delivery {
    /// Someone else's request with the same token; none when it cannot be one.
    pub(crate) fn of_other(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Self> {
        let bytes: Bytes = body.map(Value::to_string).unwrap_or_default().into();
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("/osm{path}"))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .header("Content-Length", bytes.len());
        if let Some(token) = self.parts.headers.get("Authorization") {
            request = request.header("Authorization", token);
        }
        let (parts, ()) = request.body(()).ok()?.into_parts();
        Some(Self { parts, body: bytes, remote: self.remote.clone() })
    }

    /// The same request for JSON in another dialect.
    fn request_in(&self, dialect: Dialect) -> Request {
        let mut request = self.request();
        if dialect == Dialect::Yaml {
            request.headers.insert("Accept", HeaderValue::from_static("application/yaml"));
        }
        request
    }

    /// The request, its target taken apart.
    pub(crate) fn request(&self) -> Request {
        let path = self.parts.uri.path();
        let below = path.strip_prefix("/osm").unwrap_or(path).trim_start_matches('/');
        let decode = |segment: &str| {
            percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
        };
        let segments =
            below.trim_end_matches('/').split('/').filter(|s| !s.is_empty()).map(decode).collect();
        let mut request = Request {
            method: self.parts.method.to_string(),
            segments,
            params: parse_params(self.parts.uri.query().unwrap_or_default()),
            headers: self.parts.headers.clone(),
            body: self.body.clone(),
            remote: self.remote.clone(),
            session_id: String::new(),
        };
        if request.is_form() && !request.is_form_too_large() {
            let form = String::from_utf8_lossy(&request.body).into_owned();
            request.params.extend(parse_params(&form));
        }
        request
    }

    /// Lets the request take effect; gives the answer, and how long OSM keeps the client waiting.
    pub(crate) fn deliver(
        &self,
        state: &mut State,
        dialect: Dialect,
        now: f64,
    ) -> (Answer, Duration) {
        let request = self.request_in(dialect);
        let accept = request.accept().map(str::to_owned);
        let method = request.method.clone();
        let session = match request.session_cookie() {
            Some(id) if state.websessions.is_alive(id, now) => id.to_owned(),
            _ => state.ids.session(),
        };
        let request = Request { session_id: session.clone(), ..request };
        let outcome = routes::at_top_level(state, request, &self.parts, now);
        let (mut answer, delay) = match outcome {
            Ok(mut reply) => {
                if dialect == Dialect::UnknownFields {
                    add_unknown_fields(&mut reply);
                }
                let delay = reply.delay;
                // PUT and PATCH leave the web server's default type.
                let is_typed = method == "DELETE" && state.release.types_removals();
                (Answer::of_reply(reply, accept.as_deref(), is_typed), delay)
            }
            Err(problem) => (Answer::of_problem(&problem, accept.as_deref()), Duration::ZERO),
        };
        answer.headers.push((SET_COOKIE, cookie(&session, now)));
        if self.parts.method == Method::HEAD {
            answer.gather();
            answer.length = Some(answer.body.len());
            answer.body = Bytes::new();
        }
        (answer, delay)
    }
}

/// The cookie of every answer; `expires` is there for clients that know no `Max-Age`.
///
/// Source: CherryPy 18.10.0, which served both the recordings and the NBI of release 8 run beside
/// the fake; the recordings kept only that there was a cookie.
fn cookie(session: &str, now: f64) -> String {
    let until = http_date(now + 3600.0);
    format!("session_id={session}; expires={until}; HttpOnly; Max-Age=3600; Path=/; Secure")
}

fn add_unknown_fields(reply: &mut Reply) {
    if let Content::Rows(list) = &reply.content {
        reply.content = Content::Data(list.value());
    }
    let Content::Data(value) = &mut reply.content else {
        return;
    };
    let records = match value {
        Value::Array(records) => records.iter_mut().collect(),
        other => vec![other],
    };
    for record in records {
        if let Some(fields) = record.as_object_mut() {
            fields.insert("x-of-tomorrow".into(), json!({"list": [1, null], "text": "unknown"}));
        }
    }
}
