//! A failure as a plain value: what a report says of an error, and whether it may pass by itself.

use std::error::Error;
use std::time::Duration;

/// Why something was not done, with everything that a reader needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error and its causes in one line; names the request or the file.
    pub message: String,
    /// Whether the same may succeed later, with nobody's help.
    pub may_pass: bool,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether no answer came, so that what was asked for may have been done.
    pub may_be_done: bool,
    /// Whether user, password or project were refused.
    pub log_in_refused: bool,
    /// What the reader can do about it, where there is something to say.
    pub help: Option<&'static str>,
}

impl Failure {
    /// Takes over an error and its causes.
    pub fn of(error: &dyn Error, may_pass: bool) -> Self {
        let message = chain(error);
        Self {
            message,
            may_pass,
            retry_after: None,
            may_be_done: false,
            log_in_refused: false,
            help: None,
        }
    }
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Libraries repeat a cause's text in their own; once is enough.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
