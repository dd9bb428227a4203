//! YAML as OSM reads it with PyYAML.

use serde_json::Value;

use super::complaint::yaml_complaint;
use crate::data;
use crate::problem::Problem;
use crate::pyjson::{Undecodable, decoding_complaint};

/// What PyYAML is given, which shows in its complaints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum YamlSource {
    /// The body of a request; PyYAML does not have its lines any more.
    Body,
    /// A file that was read as bytes.
    Bytes,
    /// A file that was read as text, before PyYAML had it.
    Text,
}

impl YamlSource {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Body => "None",
            Self::Bytes => "<byte string>",
            Self::Text => "<unicode string>",
        }
    }
}

/// Reads a document.
///
/// # Errors
/// 400 with PyYAML's words, or Python's where a text is no UTF-8; 413 for too much of it.
///
/// Source: OSM NBI v8 `descriptor_topics.py`, `upload_content`, run; PyYAML 6.0.
pub(crate) fn read_yaml(bytes: &[u8], source: YamlSource) -> Result<Value, Problem> {
    let broken = |error: String| Problem::bad_request(format!("Invalid yaml format {error}"));
    let unacceptable = |character: u8, reason: &str, position: usize| {
        let name = source.name();
        broken(format!(
            "unacceptable character #x{character:04x}: {reason}\n  in \"{name}\", position {position}"
        ))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        if source == YamlSource::Text {
            // OSM has not come to YAML yet.
            return Problem::bad_request(decoding_complaint(bytes, error));
        }
        let Undecodable { at, first, reason, .. } = Undecodable::new(bytes, error);
        unacceptable(first, reason, at)
    })?;
    if let Some(position) = text.chars().position(|character| character == '\0') {
        return Err(unacceptable(0, "special characters are not allowed", position));
    }
    data::from_yaml(text).map_err(|unreadable| {
        unreadable.into_problem(|error| broken(yaml_complaint(&error.to_string(), text, source)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_in_the_words_of_who_reads_it_first() {
        // Source: PyYAML 6.0 and an NBI of release 8, run.
        let detail = |bytes: &[u8], source| read_yaml(bytes, source).unwrap_err().detail;
        let gzip = b"\x1f\x8b\x08\x00";
        assert_eq!(
            detail(gzip, YamlSource::Bytes),
            "Invalid yaml format unacceptable character #x008b: invalid start byte\n  in \"<byte \
             string>\", position 1"
        );
        assert_eq!(
            detail(gzip, YamlSource::Body),
            "Invalid yaml format unacceptable character #x008b: invalid start byte\n  in \"None\", \
             position 1"
        );
        assert_eq!(
            detail(gzip, YamlSource::Text),
            "'utf-8' codec can't decode byte 0x8b in position 1: invalid start byte"
        );
        assert_eq!(
            detail("é: \0".as_bytes(), YamlSource::Bytes),
            "Invalid yaml format unacceptable character #x0000: special characters are not \
             allowed\n  in \"<byte string>\", position 3"
        );
    }
}
