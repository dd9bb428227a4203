//! What can go wrong with a request; every variant names it.

use std::time::Duration;

use http::StatusCode;

use crate::failure::Failure;

use super::refusal::Refusal;
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
        /// How long OSM asks to be left alone.
        retry_after: Option<Duration>,
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
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// JSON, but not of the shape that this call gives.
    #[error("{request}: the answer is not what OSM gives here")]
    Undecodable {
        /// What was asked.
        request: RequestLine,
        /// Where the shape differs.
        #[source]
        source: BoxError,
    },
    /// An answer longer than is ever right.
    #[error("{request}: the answer has more than {limit_bytes} bytes")]
    TooLong {
        /// What was asked.
        request: RequestLine,
        /// The limit.
        limit_bytes: usize,
    },
    /// A long answer could not be kept on this machine's disk.
    #[error("{request}: the answer cannot be kept on this machine")]
    NotKept {
        /// What was asked.
        request: RequestLine,
        /// The operating system's word.
        #[source]
        source: std::io::Error,
    },
    /// OSM, or a proxy before it, takes no upload of this size.
    #[error(
        "{request}: refused with 413, because the package is too large: it has {:.1} MiB packed",
        *size_bytes as f64 / (1024.0 * 1024.0)
    )]
    UploadTooLarge {
        /// What was asked.
        request: RequestLine,
        /// Length of the upload.
        size_bytes: u64,
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
    /// A write that was not sent, or not once more after OSM refused its token, because we were asked to stop.
    #[error("{request}: not sent, because the run was stopped")]
    Stopped {
        /// What was to be asked.
        request: RequestLine,
    },
}

impl NbiError {
    /// Whether the next pass may fare better, with nobody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            NbiError::Unreachable { .. }
            | NbiError::Interrupted { .. }
            | NbiError::TimedOut { .. }
            | NbiError::Stopped { .. } => true,
            NbiError::Refused { .. } => self.refusal().is_some_and(Refusal::may_pass),
            NbiError::NotOsm { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            NbiError::Undecodable { .. }
            | NbiError::TooLong { .. }
            | NbiError::NotKept { .. }
            | NbiError::UploadTooLarge { .. }
            | NbiError::StrangeLogIn { .. }
            | NbiError::LogInRefused { .. } => false,
        }
    }

    /// Whether nothing at all can be asked of OSM just now.
    pub(crate) fn is_no_answer(&self) -> bool {
        match self {
            NbiError::Unreachable { .. }
            | NbiError::Interrupted { .. }
            | NbiError::TimedOut { .. }
            | NbiError::StrangeLogIn { .. }
            | NbiError::LogInRefused { .. } => true,
            _ => matches!(self.refusal(), Some(Refusal::Token | Refusal::Busy)),
        }
    }

    /// Everything that a report says of it.
    pub fn failure(&self) -> Failure {
        let (retry_after, help) = (self.retry_after(), self.help());
        let may_be_done = matches!(self, NbiError::Interrupted { .. } | NbiError::TimedOut { .. });
        let log_in_refused = matches!(self, NbiError::LogInRefused { .. });
        let failure = Failure::of(self, self.is_transient());
        Failure { retry_after, may_be_done, log_in_refused, help, ..failure }
    }

    /// What a refusal means.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            NbiError::Refused { status, detail, .. } => Some(Refusal::of(*status, detail)),
            NbiError::UploadTooLarge { .. } => Some(Refusal::TooLarge),
            NbiError::NotOsm { status, .. } if *status == StatusCode::PAYLOAD_TOO_LARGE => {
                Some(Refusal::TooLarge)
            }
            _ => None,
        }
    }

    /// What the reader can do about it, where there is something to say.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            NbiError::Unreachable { .. } => {
                Some("is this OSM's address, and may this machine reach it?")
            }
            NbiError::LogInRefused { .. } => Some("check user, password and project"),
            NbiError::NotOsm { .. } if self.refusal().is_none() => {
                Some("something else answered in OSM's place: a proxy, or another server")
            }
            _ => self.refusal().and_then(Refusal::help),
        }
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            NbiError::Refused { retry_after, .. } | NbiError::NotOsm { retry_after, .. } => {
                *retry_after
            }
            _ => None,
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
            | NbiError::NotKept { request, .. }
            | NbiError::UploadTooLarge { request, .. }
            | NbiError::StrangeLogIn { request, .. }
            | NbiError::LogInRefused { request, .. }
            | NbiError::Stopped { request } => request,
        }
    }

    /// Whether OSM refused this request unread, because of its token.
    pub(super) fn is_token_refusal(&self) -> bool {
        self.refusal() == Some(Refusal::Token)
    }
}
