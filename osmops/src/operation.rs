//! What an operation of OSM's does and how it goes, in the words of OSM's own records.

use std::fmt;

/// What an operation does (`lcmOperationType`).
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "String")]
pub enum OpKind {
    /// It deploys the instance.
    Instantiate,
    /// It does something to a part of it, as the upgrade of a KDU.
    Action,
    /// It takes the instance down.
    Terminate,
    /// Anything else, as `scale` and `heal`.
    Other(String),
}

impl From<String> for OpKind {
    fn from(word: String) -> Self {
        match word.as_str() {
            "instantiate" => Self::Instantiate,
            "action" => Self::Action,
            "terminate" => Self::Terminate,
            _ => Self::Other(word),
        }
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instantiate => "instantiate",
            Self::Action => "action",
            Self::Terminate => "terminate",
            Self::Other(word) => word,
        })
    }
}

/// The state of an operation (`operationState`).
///
/// Source: ETSI NFV-SOL 005, `LcmOperationStateType`; OSM writes these seven.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OpState {
    /// OSM works on it, or has queued it.
    Processing,
    /// Done.
    Completed,
    /// Done in part.
    PartiallyCompleted,
    /// Failed; OSM may try again.
    FailedTemp,
    /// Failed.
    Failed,
    /// Failed, and being undone.
    RollingBack,
    /// Failed and undone.
    RolledBack,
    /// A word that this release of ours does not know; it counts as not ended.
    #[serde(other)]
    Unknown,
}

impl OpState {
    /// How it ended, or `None` while OSM still works on it.
    pub fn end(self) -> Option<OpEnd> {
        match self {
            OpState::Processing | OpState::RollingBack | OpState::Unknown => None,
            OpState::Completed => Some(OpEnd::Done),
            OpState::PartiallyCompleted
            | OpState::FailedTemp
            | OpState::Failed
            | OpState::RolledBack => Some(OpEnd::Failed),
        }
    }
}

impl fmt::Display for OpState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpState::Processing => "PROCESSING",
            OpState::Completed => "COMPLETED",
            OpState::PartiallyCompleted => "PARTIALLY_COMPLETED",
            OpState::FailedTemp => "FAILED_TEMP",
            OpState::Failed => "FAILED",
            OpState::RollingBack => "ROLLING_BACK",
            OpState::RolledBack => "ROLLED_BACK",
            OpState::Unknown => "unknown",
        })
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpEnd {
    /// It did what it should.
    Done,
    /// It did not, or only in part.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operation_does_is_told_in_osms_own_word() {
        for word in ["instantiate", "action", "terminate", "scale"] {
            assert_eq!(OpKind::from(word.to_owned()).to_string(), word);
        }
    }
}
