//! What is told of an operation that has not ended, and why one cannot be steered.

use serde::Serialize;
use thiserror::Error;

/// An operation that has not ended, as the control API shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PendingOperation {
    /// The operation's id; of VIM accounts and the like `<id>:<index>`.
    pub id: String,
    /// Id of the NS instance or the item.
    pub of: String,
    /// `instantiate`, `action`, `scale`, `terminate` or `admin`.
    pub operation: &'static str,
    /// `asked`, `waiting` (for those before it) or `running`.
    pub state: &'static str,
    /// Number of the stage it is in, from 1; 0 before it runs.
    pub stage: u32,
    /// Whether it stands still until it is released.
    pub is_held: bool,
    /// How many operations of the same instance are before it.
    pub behind: usize,
    /// When it came to where it is, in epoch seconds.
    pub since: f64,
    /// When its next step comes by itself, if ever.
    pub due: Option<f64>,
}

/// Why one operation cannot be steered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SteerError {
    /// No operation of this id is pending: unknown, or ended.
    #[error("no operation `{0}` is pending")]
    Unknown(String),
    /// It is behind others of its instance, which come first.
    #[error("operation `{id}` waits for `{first}` of the same instance")]
    Behind {
        /// The operation that was asked for.
        id: String,
        /// The one at the head of the queue.
        first: String,
    },
}
