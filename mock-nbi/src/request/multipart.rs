//! Forms in parts (`multipart/form-data`), as CherryPy takes them apart.
//!
//! Source: RFC 7578; CherryPy `_cpreqbody.py`.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use http::StatusCode;
use multer::{Constraints, Multipart, SizeLimit};

use super::FORM_BYTES_MAX;
use crate::problem::Problem;

/// Forms of more parts are refused: each is kept apart.
const PARTS_MAX: usize = 1_000;
/// Type of a part that names none.
const DEFAULT_TYPE: &str = "text/plain";

/// One field of a form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Whether the field names a file, even an empty one.
    pub(crate) is_file: bool,
    pub(crate) content_type: String,
    pub(crate) content: Bytes,
}

/// Takes a form apart.
///
/// # Errors
/// The web server's page: 500 without a boundary, 400 for a form that breaks off, 413 for too many
/// parts.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, Problem> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| {
        Problem::page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server encountered an unexpected condition which prevented it from fulfilling \
             the request.",
        )
    })?;
    // All of the body is here already, so that there is never anything to wait for.
    read_all(body, boundary).now_or_never().unwrap_or_else(|| Err(broken()))
}

async fn read_all(body: &Bytes, boundary: String) -> Result<Vec<Part>, Problem> {
    let whole = stream::iter([Ok::<_, Infallible>(body.clone())]);
    let limit = SizeLimit::new().whole_stream(body.len() as u64 + 1);
    let constraints = Constraints::new().size_limit(limit);
    let mut form = Multipart::with_constraints(whole, boundary, constraints);
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some();
        let named = field.content_type().map(ToString::to_string);
        let content_type = named.unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        let content = field.bytes().await.map_err(|_| broken())?;
        if parts.len() >= PARTS_MAX || (!is_file && content.len() > FORM_BYTES_MAX) {
            return Err(Problem::too_large());
        }
        parts.push(Part { name, is_file, content_type, content });
    }
    Ok(parts)
}

fn broken() -> Problem {
    Problem::page(StatusCode::BAD_REQUEST, "Illegal end of multipart body.")
}
