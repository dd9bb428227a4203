//! Checksums that clients send along with a package.
//!
//! Source: OSM NBI `descriptor_topics.py` (`upload_content`) of releases 8 and 19.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha2::Sha384;

use super::Upload;
use crate::problem::Problem;
use crate::release::Release;

/// Compares `content` with the checksums that came with it; what came as data has no MD5 sum.
///
/// # Errors
/// 409 for another checksum, 400 for one that cannot be read.
pub(super) fn check(upload: &Upload, content: &[u8], release: Release) -> Result<(), Problem> {
    if let Some(md5) = upload.md5.as_ref().filter(|_| upload.parsed.is_none())
        && *md5 != hex::encode(Md5::digest(content))
    {
        return Err(Problem::conflict("Error, MD5 mismatch"));
    }
    let Some(digest) = upload.digest.as_ref().filter(|_| release.has_upload_digests()) else {
        return Ok(());
    };
    let Some((algorithm, expected)) = digest.split_once('=') else {
        return Err(Problem::bad_request("not enough values to unpack (expected 2, got 1)"));
    };
    if algorithm.trim().to_lowercase() != "sha-384" {
        return Err(Problem::bad_request(format!("Unsupported digest algorithm: {algorithm}")));
    }
    // Python leaves out what is no base64 and complains only of the length.
    let is_base64 = |c: &char| c.is_ascii_alphanumeric() || "+/=".contains(*c);
    let expected: String = expected.chars().filter(is_base64).collect();
    let expected =
        STANDARD.decode(expected).map_err(|_| Problem::bad_request("Incorrect padding"))?;
    if expected != Sha384::digest(content).as_slice() {
        return Err(Problem::conflict("Error, SHA384 mismatch"));
    }
    Ok(())
}
