//! An upload as its request carries it: headers, body, and files in forms.
//!
//! Source: OSM NBI `nbi.py` (`_format_in`) and `descriptor_topics.py` (`upload_content`).

use bytes::Bytes;
use serde_json::json;

use crate::problem::Problem;
use crate::release::Release;
use crate::request::{Body, Part, Request};
use crate::state::packages::Upload;

/// Reads an upload.
///
/// # Errors
/// 400 for bad syntax.
pub(super) fn read(request: &Request, release: Release) -> Result<Upload, Problem> {
    let header = |name: &str| Some(request.header(name).to_owned()).filter(|text| !text.is_empty());
    let mut upload = Upload {
        content_type: request.content_type().to_owned(),
        filename: header("Content-Filename"),
        md5: header("Content-File-MD5"),
        digest: header("Digest"),
        range: header("Content-Range"),
        overlay: request.overlay(),
        ..Upload::default()
    };
    if request.is_multipart() {
        read_form(request, release, &mut upload)?;
    } else {
        match request.parse_body()? {
            Body::Data(value) => upload.parsed = Some(value),
            Body::Raw => upload.raw = request.body.clone(),
        }
    }
    Ok(upload)
}

/// Takes the file out of a form; the form's other fields stand for query parameters.
fn read_form(request: &Request, release: Release, upload: &mut Upload) -> Result<(), Problem> {
    upload.parsed = Some(json!({}));
    for part in request.parts()? {
        let Part { name, is_file, content_type, content } = part;
        if name != "descriptor_file" {
            upload.overlay.push(name, String::from_utf8_lossy(&content).into_owned());
            continue;
        }
        if !is_file {
            return Err(Problem::bad_request(
                "Invalid input format 'str' object has no attribute 'file'",
            ));
        }
        upload.content_type = content_type;
        upload.parsed = None;
        upload.raw = if release.loses_form_files() { Bytes::new() } else { content };
    }
    Ok(())
}
