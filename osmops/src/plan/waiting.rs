//! What an item waits for, in words that say since when or until when.

use std::fmt;

use serde::Serialize;

use crate::ids::{NsName, OpId};
use crate::moment::Moment;
use crate::observed::RunningOperation;
use crate::source_pos::SourcePos;

use super::Item;

/// What is waited for; nobody need do anything.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// OSM is at work on the item.
    Operation(RunningOperation),
    /// OSM has terminated it, and removes its record.
    Removal {
        /// The termination.
        operation: OpId,
        /// Until when it is waited for, by OSM's clock.
        until: Moment,
    },
    /// These still use the item, and go first.
    Users(Vec<Item>),
    /// An operation failed, and it is not time yet to try it again.
    Retry {
        /// The next attempt.
        attempt: Attempt,
        /// When it is due, by OSM's clock.
        due: Moment,
    },
    /// An instance that it depends on does not run as declared yet.
    Instance {
        /// Where it is named.
        at: SourcePos,
        /// Which.
        name: NsName,
    },
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Operation(operation) => write!(f, "OSM is at work on it: {operation}"),
            Wait::Removal { operation, until } => {
                write!(
                    f,
                    "terminated (operation {operation}); OSM is to remove its record by {until}"
                )
            }
            Wait::Users(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "to be removed once nothing uses it (now {})", items.join(", "))
            }
            Wait::Retry { attempt, due } => {
                let Attempt { number, of, failed } = attempt;
                write!(f, "attempt {number} of {of} starts at {due}: {failed}")
            }
            Wait::Instance { at, name } => {
                write!(f, "{at}: waits until NS {name} runs as declared")
            }
        }
    }
}

impl fmt::Display for RunningOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // OSM has one word for the operation and another for the instance's state.
        f.write_str(match self.what.as_str() {
            "instantiate" | "INSTANTIATING" | "BUILDING" => "its instantiation",
            "terminate" | "TERMINATING" => "its termination",
            other => other,
        })?;
        if let Some(id) = &self.id {
            write!(f, " (operation {id})")?;
        }
        match &self.since {
            Some(since) => write!(f, ", asked for at {since}"),
            None => Ok(()),
        }
    }
}

/// One more attempt at something that failed.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Attempt {
    /// Which one it is, counted from 1.
    pub number: u32,
    /// How many there are in all.
    pub of: u32,
    /// What failed last.
    pub failed: FailedOperation,
}

/// An operation that failed, as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FailedOperation {
    /// What it was to do, as `the upgrade of KDU openldap/ldap`.
    pub what: String,
    /// OSM's id of it.
    pub id: OpId,
    /// When it was asked for, by OSM's clock.
    pub asked_at: Moment,
    /// OSM's words, without secrets.
    pub detail: String,
}

impl fmt::Display for FailedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, id, asked_at, detail } = self;
        write!(f, "{what} (operation {id}, asked for at {asked_at}) failed: {detail}")
    }
}
