//! OSM's error body, and the pages of the web server in front of it.

use http::StatusCode;
use serde_json::{Value, json};

/// A refusal: `{"code", "status", "detail"}` in the negotiated format.
///
/// Source: NBI_FACTS.md section 2.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    /// Text for the `Www-Authenticate` header of a 401 that asks for a token.
    pub(crate) realm: Option<String>,
    /// Whether the web server answers with its own HTML page instead of OSM's body.
    pub(crate) is_page: bool,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), realm: None, is_page: false }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// A 401 that names in `Www-Authenticate` what it wants.
    pub(crate) fn token_wanted(detail: &str) -> Self {
        Self { realm: Some(detail.into()), ..Self::unauthorized(detail) }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// An HTML page of the web server, as for an unknown argument.
    pub(crate) fn page(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { is_page: true, ..Self::new(status, detail) }
    }

    /// A body, or what is in it, over the limit: the web server's page.
    pub(crate) fn too_large() -> Self {
        Self::page(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
    }

    /// A body whose next piece does not come: the web server's page.
    pub(crate) fn too_slow() -> Self {
        Self::page(StatusCode::REQUEST_TIMEOUT, "The server timed out.")
    }

    /// More bodies at once than there is memory for: the web server's page.
    pub(crate) fn no_room() -> Self {
        Self::page(StatusCode::SERVICE_UNAVAILABLE, "Too many requests with large bodies at once")
    }

    /// The body.
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "code": code_name(self.status),
            "status": self.status.as_u16(),
            "detail": self.detail,
        })
    }
}

/// Name of a status in Python's `HTTPStatus`, which is what `code` holds: `NOT_FOUND`.
pub(crate) fn code_name(status: StatusCode) -> String {
    match status.as_u16() {
        413 => "REQUEST_ENTITY_TOO_LARGE".into(),
        416 => "REQUESTED_RANGE_NOT_SATISFIABLE".into(),
        _ => status.canonical_reason().unwrap_or("UNKNOWN").to_uppercase().replace([' ', '-'], "_"),
    }
}

/// The HTML error page of CherryPy, the web server OSM uses; of the stack of the server's process
/// only the last line.
///
/// Source: recorded case `version_and_root`, exchange 11.
pub(crate) fn page(status: StatusCode, message: &str) -> String {
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let message = escape_html(message);
    format!(
        "<!DOCTYPE html PUBLIC\n\"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n\
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n<html>\n<head>\n    \
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></meta>\n    \
         <title>{title}</title>\n    <style type=\"text/css\">\n    #powered_by {{\n        \
         margin-top: 20px;\n        border-top: 2px solid black;\n        font-style: italic;\n    \
         }}\n\n    #traceback {{\n        color: red;\n    }}\n    </style>\n</head>\n    \
         <body>\n        <h2>{title}</h2>\n        <p>{message}</p>\n        \
         <pre id=\"traceback\">Traceback (most recent call last):\n\
         cherrypy._cperror.HTTPError: ({}, '{message}')\n</pre>\n    <div id=\"powered_by\">\n      <span>\n        Powered by \
         <a href=\"http://www.cherrypy.dev\">CherryPy 18.10.0</a>\n      </span>\n    </div>\n    \
         </body>\n</html>\n",
        status.as_u16()
    )
}

/// `text` with the three characters escaped that HTML gives a meaning.
pub(crate) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_code_status_and_detail_in_this_order() {
        let body = Problem::unprocessable("x").to_value().to_string();
        assert_eq!(body, r#"{"code":"UNPROCESSABLE_ENTITY","status":422,"detail":"x"}"#);
    }
}
