//! Packages uploaded in parts (`Content-Range`).
//!
//! Source: NBI_FACTS.md section 7; recorded case `vnf_chunked_upload`.

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::descriptor::Kind;
use crate::problem::Problem;
use crate::request::BODY_BYTES_MAX;
use crate::routes::Range;
use crate::state::State;
use crate::state::packages::Upload;
use crate::state::session::{Access, Session};

/// The beginning of an upload.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Partial(#[serde(with = "crate::base64_bytes")] Vec<u8>);

impl State {
    /// Adds a part; says whether the upload is whole.
    ///
    /// # Errors
    /// 404 for an unknown package or a transaction without beginning, 413 for more than one upload
    /// could bring, 416 for a part that does not
    /// fit, which in the last case has been added nevertheless, as in OSM.
    pub(crate) fn add_chunk(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        part: &Bytes,
        range: &Range,
    ) -> Result<bool, Problem> {
        session.with(Access::Write).find(&self.db, kind.collection(), id)?;
        let key = (kind.collection(), id.to_owned());
        if range.start > 0 && !self.chunks.contains_key(&key) {
            return Err(Problem::not_found("invalid Transaction-Id header"));
        }
        if range.start == 0 {
            self.chunks.insert(key.clone(), Partial::default());
        }
        let misfit = |detail: String| Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail);
        let Some(Partial(so_far)) = self.chunks.get_mut(&key) else {
            return Ok(false);
        };
        if so_far.len() as u64 != range.start {
            return Err(misfit(format!(
                "invalid Content-Range start sequence, expected '{}' but received '{}'",
                so_far.len(),
                range.start
            )));
        }
        if so_far.len() + part.len() > BODY_BYTES_MAX {
            self.chunks.remove(&key);
            return Err(Problem::too_large());
        }
        so_far.extend_from_slice(part);
        let length = so_far.len() as u64;
        if let Some(end) = range.end
            && end != length
        {
            return Err(misfit(format!(
                "Mismatch between Content-Range header {}-{end} and body length of {}",
                range.start,
                part.len()
            )));
        }
        let is_whole = range.total.is_none_or(|total| total == length);
        if !is_whole && self.release.loses_chunks() {
            self.chunks.remove(&key);
        }
        Ok(is_whole)
    }

    /// Takes a whole upload out of the parts and onboards it.
    ///
    /// # Errors
    /// As [`Self::upload`].
    pub(crate) fn finish_chunks(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        last: &Upload,
        now: f64,
    ) -> Result<(), Problem> {
        let whole = self.chunks.remove(&(kind.collection(), id.to_owned()));
        let upload = Upload {
            raw: whole.unwrap_or_default().0.into(),
            parsed: None,
            content_type: last.content_type.clone(),
            filename: last.filename.clone(),
            md5: last.md5.clone(),
            params: last.params.clone(),
        };
        self.upload(session, kind, id, &upload, now)
    }
}
