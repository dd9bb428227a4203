//! Packages uploaded in parts (`Content-Range`).
//!
//! Source: NBI_FACTS.md section 7; OSM NBI `descriptor_topics.py` (`upload_content`) of releases 8
//! and 19; recorded case `vnf_chunked_upload`.

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::descriptor::Kind;
use crate::problem::Problem;
use crate::python::{DESCRIPTOR, yaml_dump};
use crate::request::BODY_BYTES_MAX;
use crate::state::State;
use crate::state::packages::Upload;
use crate::state::session::Session;

/// The beginning of an upload. OSM keeps it as a file under the name that the first part came with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Partial {
    #[serde(default)]
    file_name: String,
    #[serde(with = "crate::base64_bytes")]
    content: Vec<u8>,
}

impl State {
    /// Takes an upload, or a part of one; says whether it is whole now. A whole one is onboarded.
    ///
    /// # Errors
    /// 404 for an unknown package or a transaction without beginning, 413 for more than one upload
    /// could bring, 416 for a part that does not fit, which may have been added nevertheless, as in
    /// OSM; then as [`Self::upload`].
    pub(crate) fn receive(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        upload: &Upload,
        now: f64,
    ) -> Result<bool, Problem> {
        session.find(&self.db, kind.collection(), id)?;
        let key = (kind.collection(), id.to_owned());
        let Some(range) = upload.range.as_deref().map(range_of).transpose()? else {
            self.chunks.remove(&key);
            self.upload(session, kind, id, upload, now)?;
            return Ok(true);
        };
        let received = self.append(kind, id, upload, range);
        let outcome = match received {
            Ok(()) if range.end != range.total => Ok(false),
            Ok(()) => self.onboard_parts(session, kind, id, upload, now).map(|()| true),
            Err(problem) => Err(problem),
        };
        // Later releases tidy up after each part; before, only an onboarded upload is gone.
        if self.release.loses_chunks() || matches!(outcome, Ok(true)) {
            self.chunks.remove(&key);
        }
        outcome
    }

    fn append(
        &mut self,
        kind: Kind,
        id: &str,
        upload: &Upload,
        range: Range,
    ) -> Result<(), Problem> {
        let file_name = upload.file_name(self.release);
        let key = (kind.collection(), id.to_owned());
        if range.start == 0 {
            let file_name = file_name.to_owned();
            self.chunks.insert(key.clone(), Partial { file_name, content: Vec::new() });
        }
        let Some(partial) = self.chunks.get_mut(&key) else {
            return Err(Problem::not_found("invalid Transaction-Id header"));
        };
        let misfit = |detail: String| Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail);
        let there = if partial.file_name == file_name { partial.content.len() as u64 } else { 0 };
        if there != range.start {
            return Err(misfit(format!(
                "invalid Content-Range start sequence, expected '{there}' but received '{}'",
                range.start
            )));
        }
        let part = match &upload.parsed {
            Some(data) if data.is_object() => Bytes::from(yaml_dump(data, DESCRIPTOR)),
            Some(other) => return Err(unreadable(other)),
            None => upload.raw.clone(),
        };
        if partial.content.len() + part.len() > BODY_BYTES_MAX {
            self.chunks.remove(&key);
            return Err(Problem::too_large());
        }
        partial.content.extend_from_slice(&part);
        if upload.parsed.is_some() {
            return Err(Problem::bad_request(
                "cannot access local variable 'indata_len' where it is not associated with a value",
            ));
        }
        if range.start.checked_add(part.len() as u64) != Some(range.end) {
            return Err(misfit(format!(
                "Mismatch between Content-Range header {}-{} and body length of {}",
                range.start,
                i128::from(range.end) - 1,
                part.len()
            )));
        }
        Ok(())
    }

    fn onboard_parts(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        last: &Upload,
        now: f64,
    ) -> Result<(), Problem> {
        let parts = self.chunks.get_mut(&(kind.collection(), id.to_owned()));
        let raw = parts.map(|partial| Bytes::copy_from_slice(&partial.content));
        let upload = Upload { raw: raw.unwrap_or_default(), parsed: None, ..last.clone() };
        self.upload(session, kind, id, &upload, now)
    }
}

/// What OSM says of data that is no object where it wants a stream.
pub(crate) fn unreadable(data: &serde_json::Value) -> Problem {
    let kind = crate::python::type_name(data);
    Problem::bad_request(format!("'{kind}' object has no attribute 'read'"))
}

/// A `Content-Range: bytes a-b/total`.
#[derive(Clone, Copy, Debug)]
struct Range {
    start: u64,
    /// The position behind the last byte, as OSM counts it.
    end: u64,
    total: u64,
}

fn range_of(header: &str) -> Result<Range, Problem> {
    let mut words = header.split([' ', '\t', '-', '/']).filter(|word| !word.is_empty());
    let malformed = || {
        Problem::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "invalid Content-Range header format. Expected 'bytes start-end/total'",
        )
    };
    if words.next() != Some("bytes") {
        return Err(malformed());
    }
    let mut number = || words.next().ok_or_else(malformed).and_then(number_of);
    let start = number()?;
    let end = number()?.saturating_add(1);
    let total = number()?;
    Ok(Range { start, end, total })
}

/// Python's `int` of a word without sign; beyond all lengths, one number is as good as another.
fn number_of(word: &str) -> Result<u64, Problem> {
    let digits = word.strip_prefix('+').unwrap_or(word);
    let is_number =
        digits.split('_').all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()));
    if !is_number {
        return Err(Problem::bad_request(format!(
            "invalid literal for int() with base 10: '{word}'"
        )));
    }
    Ok(digits.replace('_', "").parse().unwrap_or(u64::MAX))
}
