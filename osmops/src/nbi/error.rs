//! What can go wrong with a request; every variant names it.

use std::time::Duration;

use http::StatusCode;

use super::request::RequestLine;
use super::transport::BoxError;

/// A request without the answer that it should have had.
#[derive(Debug, thiserror::Error)]
pub enum NbiError {
    /// Nobody listens there, or the name is not known. The request had no effect.
    #[error("{request}: cannot reach OSM")]
    Unreachable {
        /// What was asked.
        request: RequestLine,
        /// The network's word.
        #[source]
        source: BoxError,
    },
    /// The connection ended before the answer did. A write may have had its effect.
    #[error("{request}: the connection was cut before the answer came")]
    Interrupted {
        /// What was asked.
        request: RequestLine,
        /// The network's word.
        #[source]
        source: BoxError,
    },
    /// No whole answer within the limit. A write may have had its effect.
    #[error("{request}: no answer within {}", humantime::format_duration(*limit))]
    TimedOut {
        /// What was asked.
        request: RequestLine,
        /// How long was waited.
        limit: Duration,
    },
    /// OSM said no, in its own form.
    #[error("{request}: refused with {} {code}: {detail}", status.as_u16())]
    Refused {
        /// What was asked.
        request: RequestLine,
        /// The HTTP status.
        status: StatusCode,
        /// OSM's word for it.
        code: String,
        /// OSM's reason.
        detail: String,
    },
    /// An answer that OSM does not give: a proxy's page, or another server.
    #[error("{request}: answered with {status}, and not as OSM does ({content_type}): {excerpt}")]
    NotOsm {
        /// What was asked.
        request: RequestLine,
        /// The HTTP status.
        status: StatusCode,
        /// What the answer calls itself.
        content_type: String,
        /// How it begins.
        excerpt: String,
    },
    /// JSON, but not of the shape that this call gives.
    #[error("{request}: the answer is not what OSM gives here")]
    Undecodable {
        /// What was asked.
        request: RequestLine,
        /// Where the shape differs.
        #[source]
        source: serde_json::Error,
    },
    /// An answer longer than is ever right.
    #[error("{request}: the answer has more than {limit_bytes} bytes")]
    TooLong {
        /// What was asked.
        request: RequestLine,
        /// The limit.
        limit_bytes: usize,
    },
    /// The answer to a log-in holds no token. It is not quoted, in case it does.
    #[error(
        "{request}: answered with {status}, but not with a token as OSM gives it ({content_type}); is this OSM's address?"
    )]
    StrangeLogIn {
        /// What was asked.
        request: RequestLine,
        /// The HTTP status.
        status: StatusCode,
        /// What the answer calls itself.
        content_type: String,
    },
    /// OSM does not let this user in.
    #[error("{request}: OSM does not let user `{user}` into project `{project}`: {detail}")]
    LogInRefused {
        /// What was asked.
        request: RequestLine,
        /// Who asked.
        user: String,
        /// For which project.
        project: String,
        /// OSM's reason.
        detail: String,
    },
}

impl NbiError {
    /// Whether the same request may succeed later, with nobody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            NbiError::Unreachable { .. }
            | NbiError::Interrupted { .. }
            | NbiError::TimedOut { .. } => true,
            NbiError::Refused { status, .. } | NbiError::NotOsm { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            NbiError::Undecodable { .. }
            | NbiError::TooLong { .. }
            | NbiError::StrangeLogIn { .. }
            | NbiError::LogInRefused { .. } => false,
        }
    }

    /// The request that it is about.
    pub fn request(&self) -> &RequestLine {
        match self {
            NbiError::Unreachable { request, .. }
            | NbiError::Interrupted { request, .. }
            | NbiError::TimedOut { request, .. }
            | NbiError::Refused { request, .. }
            | NbiError::NotOsm { request, .. }
            | NbiError::Undecodable { request, .. }
            | NbiError::TooLong { request, .. }
            | NbiError::StrangeLogIn { request, .. }
            | NbiError::LogInRefused { request, .. } => request,
        }
    }

    /// Whether OSM refused this request because of its token, and nothing else.
    ///
    /// Source: OSM NBI `authconn_internal.py` and `auth.py`: the texts of every 401 that means the token;
    /// missing permissions and exceeded quotas are 401 as well.
    pub(super) fn is_token_refusal(&self) -> bool {
        let NbiError::Refused { status, detail, .. } = self else {
            return false;
        };
        let detail = detail.to_lowercase();
        *status == StatusCode::UNAUTHORIZED && detail.contains("token or authorization http header")
    }
}
