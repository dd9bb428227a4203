//! Packages of a seed: folders of this machine, packed and uploaded.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::json;

use super::{SeedError, refused};
use crate::archive;
use crate::data;
use crate::descriptor::{self, Kind};
use crate::problem::Problem;
use crate::state::State;
use crate::state::packages::Upload;
use crate::state::session::Session;

/// Packs a folder and uploads it as what it is.
///
/// # Errors
/// [`SeedError::Folder`] when it cannot be read, [`SeedError::Refused`] with OSM's words.
pub(super) fn plant(
    folder: &Path,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
    let fault = |message: String| SeedError::Folder { folder: folder.to_owned(), message };
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| fault("has no name".into()))?;
    let packed = pack(name, folder).map_err(|error| fault(error.to_string()))?;
    let upload = Upload {
        raw: packed.into(),
        content_type: "application/gzip".into(),
        filename: Some(format!("{name}.tar.gz")),
        ..Upload::default()
    };
    let mut refusals = Vec::new();
    for kind in possible_kinds(&upload.raw) {
        let id = state.create_package(session, kind, &json!({}), now);
        match state.upload(session, kind, &id, &upload, now) {
            Ok(()) => return Ok(()),
            Err(problem) => {
                state.db.remove(kind.collection(), &id);
                refusals.push(problem);
            }
        }
    }
    let problem = refusals.pop().unwrap_or_else(|| Problem::bad_request("no content"));
    Err(refused(format!("package `{}`", folder.display()), problem))
}

/// OSM is told by the URL which kind a package is; here the descriptor's envelope says so. Without
/// one it is what it can be.
fn possible_kinds(packed: &Bytes) -> Vec<Kind> {
    let text = archive::read_tar_gz(packed).map(|archive| archive.descriptor_text);
    let text = text.ok().and_then(|text| String::from_utf8(text.to_vec()).ok());
    let content = text.and_then(|text| data::from_yaml(&text).ok()).unwrap_or_default();
    let both = [Kind::Nsd, Kind::Vnfd];
    match both.into_iter().find(|kind| descriptor::has_envelope(*kind, &content)) {
        Some(kind) => vec![kind],
        None => both.to_vec(),
    }
}

/// The folder as a package: same files in, same bytes out.
fn pack(name: &str, folder: &Path) -> io::Result<Vec<u8>> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    builder.mode(tar::HeaderMode::Deterministic);
    let mut rest = vec![(PathBuf::from(name), folder.to_owned())];
    while let Some((inside, place)) = rest.pop() {
        builder.append_path_with_name(&place, &inside)?;
        let is_folder = inside == Path::new(name) || fs_err::symlink_metadata(&place)?.is_dir();
        if !is_folder {
            continue;
        }
        let mut names = Vec::new();
        for entry in fs_err::read_dir(&place)? {
            names.push(entry?.file_name());
        }
        // The last one is taken first.
        names.sort_by(|one, two| two.cmp(one));
        rest.extend(names.into_iter().map(|name| (inside.join(&name), place.join(&name))));
    }
    builder.into_inner()?.finish()
}
