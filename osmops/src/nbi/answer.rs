//! From the bytes of an answer to a value or an [`NbiError`].

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::elements::ListFault;
use super::error::NbiError;
use super::request::RequestLine;
use super::wire::ProblemBody;

/// How much of a strange answer a message shows, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// The longest wish to be left alone that is granted; a longer one is a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn new(parts: Parts, body: Bytes) -> Self {
        Self { status: parts.status, headers: parts.headers, body }
    }
}

/// Refusals and pages that are not OSM's become errors.
pub(super) fn check_status(line: &RequestLine, answer: &Answer) -> Result<(), NbiError> {
    if answer.status.is_success() {
        return Ok(());
    }
    match serde_json::from_slice::<ProblemBody>(&answer.body) {
        Ok(problem) => Err(NbiError::Refused {
            request: line.clone(),
            status: answer.status,
            code: problem.code,
            detail: problem.detail,
            retry_after: retry_after(answer),
        }),
        Err(_) => Err(not_osm(line, answer)),
    }
}

/// Reads the body of a successful answer.
pub(super) fn decode<T: DeserializeOwned>(
    line: &RequestLine,
    answer: &Answer,
) -> Result<T, NbiError> {
    // Two steps tell an answer that is no JSON from JSON of another shape.
    let value: Value = serde_json::from_slice(&answer.body).map_err(|_| not_osm(line, answer))?;
    serde_json::from_value(value)
        .map_err(|source| NbiError::Undecodable { request: line.clone(), source: source.into() })
}

/// What is wrong with an answer that should have been a list; of its body only the beginning is at hand.
pub(super) fn list_fault(line: &RequestLine, answer: &Answer, fault: ListFault) -> NbiError {
    let request = line.clone();
    match fault {
        ListFault::NotAList => not_osm(line, answer),
        ListFault::CutOff => NbiError::Interrupted { request, source: Box::new(fault) },
        ListFault::RecordTooLong | ListFault::BadRecord { .. } => {
            NbiError::Undecodable { request, source: Box::new(fault) }
        }
    }
}

/// What an answer calls itself.
pub(super) fn content_type(answer: &Answer) -> String {
    let value = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or("no content type").to_owned()
}

/// `Retry-After`, in seconds. Its other form, a date, needs a clock that agrees with the server's; without
/// one the usual pause must do.
///
/// Source: RFC 9110, 10.2.3.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds: u64 = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn not_osm(line: &RequestLine, answer: &Answer) -> NbiError {
    let text = String::from_utf8_lossy(&answer.body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut excerpt: String = words.join(" ").chars().take(EXCERPT_CHARS_MAX).collect();
    if excerpt.is_empty() {
        excerpt = "nothing".to_owned();
    } else if answer.status.is_success() && !excerpt.starts_with('<') {
        // Records in another format hold parameters, and those may be secret. A page does not.
        excerpt = "no page, and not shown, because it may hold secrets".to_owned();
    }
    NbiError::NotOsm {
        request: line.clone(),
        status: answer.status,
        content_type: content_type(answer),
        excerpt,
        retry_after: retry_after(answer),
    }
}
