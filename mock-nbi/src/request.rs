//! A request as OSM's web server hands it on: path, arguments, and a body read by its type.
//!
//! Pure. Source: NBI_FACTS.md sections 1 and 4.

mod multipart;
mod overlay;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::pyjson;
use crate::python::{self, YamlSource};

pub(crate) use multipart::Part;
pub(crate) use overlay::{Overlay, by_key, meaning};

/// Bodies above this are refused with 413, as the web server in front of OSM does.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Forms above this are refused: each field, two bytes at least, is kept apart.
const FORM_BYTES_MAX: usize = 1024 * 1024;

/// Types whose bodies stay as they are.
const RAW: [&str; 4] = ["application/binary", "application/gzip", "application/zip", "text/plain"];
/// Types that OSM looks for before it looks for forms.
const IN_FRONT_OF_FORMS: [&str; 6] = [
    "application/json",
    "application/yaml",
    "application/binary",
    "application/gzip",
    "application/zip",
    "text/plain",
];

/// One request, its target taken apart.
#[derive(Debug)]
pub(crate) struct Request {
    /// The method, or what `?METHOD=` says instead.
    pub(crate) method: String,
    /// Path below `/osm/`, split and decoded.
    pub(crate) segments: Vec<String>,
    /// Query, and fields of a form, in order; query words are taken out as they are read.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Address of the client.
    pub(crate) remote: (String, u16),
    /// The web server's session that this request belongs to.
    pub(crate) session_id: String,
}

impl Request {
    /// A header as text, empty when absent or no text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether the values of the query are YAML.
    pub(crate) fn has_yaml_query(&self) -> bool {
        self.header("Query-String-Format") == "yaml"
    }

    /// The query as it is laid over a body.
    pub(crate) fn overlay(&self) -> Overlay {
        Overlay::new(&self.params, self.has_yaml_query())
    }

    /// The `Accept` header; an empty one counts as none.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19, `_format_out`.
    pub(crate) fn accept(&self) -> Option<&str> {
        let accept = self.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        accept.filter(|accept| !accept.is_empty())
    }

    /// The last word of an `Authorization: Bearer` header; any other scheme counts as none.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let header = self.headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
        let scheme = header.split(' ').next()?;
        let token = header.rsplit(' ').next()?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token).filter(|token| !token.is_empty())
    }

    /// The web server's session that a `Cookie` header names.
    pub(crate) fn session_cookie(&self) -> Option<&str> {
        let cookies = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.flat_map(|line| line.split(';')).find_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            (name == "session_id").then_some(value)
        })
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn is_form(&self) -> bool {
        self.content_type().contains("application/x-www-form-urlencoded")
    }

    /// Whether the body is a form in parts, each with headers of its own.
    pub(crate) fn is_multipart(&self) -> bool {
        let is = |name| self.content_type().contains(name);
        is("multipart/form-data") && !IN_FRONT_OF_FORMS.iter().any(|name| is(name))
    }

    /// The parts of such a form.
    ///
    /// # Errors
    /// 500, the web server's page, for a form that does not name its boundary.
    pub(crate) fn parts(&self) -> Result<Vec<Part>, Problem> {
        multipart::parts(self.content_type(), &self.body)
    }

    /// Whether the body is a form with more fields than are read.
    pub(crate) fn is_form_too_large(&self) -> bool {
        self.is_form() && self.body.len() > FORM_BYTES_MAX
    }

    /// Takes every parameter `name` out; gives the last one's value.
    pub(crate) fn take_param(&mut self, name: &str) -> Option<String> {
        let index = self.params.iter().rposition(|(key, _)| key == name)?;
        let (_, value) = self.params.remove(index);
        self.params.retain(|(key, _)| key != name);
        Some(value)
    }

    /// Reads the body by its type.
    ///
    /// # Errors
    /// 400 for bad syntax, 413 for more than OSM could keep.
    pub(crate) fn parse_body(&self) -> Result<Body, Problem> {
        if self.body.is_empty() || self.is_form() || self.is_multipart() {
            return Ok(Body::Data(json!({})));
        }
        let content_type = self.content_type();
        let is_raw = RAW.iter().any(|raw| content_type.contains(raw));
        let value = if content_type.contains("application/json") {
            pyjson::parse(&self.body).map_err(|unreadable| {
                unreadable.into_problem(|complaint| {
                    Problem::bad_request(format!("Invalid json format {complaint}"))
                })
            })?
        } else if is_raw && !content_type.contains("application/yaml") {
            return Ok(Body::Raw);
        } else {
            python::read_yaml(&self.body, YamlSource::Body)?
        };
        Ok(Body::Data(if is_falsy(&value) { json!({}) } else { value }))
    }
}

/// A body by its type.
#[derive(Debug)]
pub(crate) enum Body {
    /// JSON, YAML, or nothing (an empty object).
    Data(Value),
    /// An archive or plain text; OSM keeps it as a stream.
    Raw,
}

/// Python's text for the stream object OSM passes on in place of a parsed body.
const STREAM: &str = "<cherrypy._cpreqbody.RequestBody object at 0x7f0000000000>";

impl Body {
    /// The data, for resources that want some: a raw body is no object there.
    ///
    /// # Errors
    /// 422 for a raw body.
    pub(crate) fn into_data(self) -> Result<Value, Problem> {
        match self {
            Self::Data(value) => Ok(value),
            Self::Raw => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("Format error  '{STREAM} is not of type 'object'' "),
            )),
        }
    }
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Splits a query or form into decoded pairs, in order; a key alone has an empty value.
pub(crate) fn parse_params(query: &str) -> Vec<(String, String)> {
    let decode =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}
