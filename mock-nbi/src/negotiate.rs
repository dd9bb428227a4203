//! The format of answers, chosen from `Accept` as OSM does.
//!
//! Pure. Source: NBI_FACTS.md section 1 (substring tests in this order, q-values ignored).

use http::StatusCode;
use serde_json::Value;

use crate::problem::escape_html;
use crate::python::{ANSWER, YamlStyle, json_dumps_indented, yaml_dump};

/// A format of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Html,
    Yaml,
    Json,
}

impl Format {
    /// What `accept` asks for in an answer of this status.
    pub(crate) fn for_accept(accept: Option<&str>, status: StatusCode) -> Self {
        let Some(accept) = accept else {
            return Self::Yaml;
        };
        if accept.contains("text/html") {
            Self::Html
        } else if accept.contains("application/yaml") || accept.contains("*/*") {
            Self::Yaml
        } else if accept.contains("application/json") || status.as_u16() >= 300 {
            Self::Json
        } else {
            Self::Yaml
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html;charset=utf-8",
            Self::Yaml => "application/yaml",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    pub(crate) fn render(self, value: &Value) -> String {
        match self {
            Self::Html => {
                let plain = YamlStyle { has_start: false, ..ANSWER };
                format!("<pre>{}</pre>", escape_html(&yaml_dump(value, plain)))
            }
            Self::Yaml => yaml_dump(value, ANSWER),
            Self::Json => json_dumps_indented(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_read_by_substrings_in_osms_order() {
        let of = |accept| Format::for_accept(accept, StatusCode::OK);
        assert_eq!(of(None), Format::Yaml);
        assert_eq!(of(Some("application/json, text/html")), Format::Html);
        assert_eq!(of(Some("application/yaml, application/json")), Format::Yaml);
        assert_eq!(of(Some("application/json;q=0.1")), Format::Json);
        assert_eq!(of(Some("text/plain")), Format::Yaml);
        let bad = Format::for_accept(Some("text/plain"), StatusCode::NOT_FOUND);
        assert_eq!(bad, Format::Json);
    }
}
