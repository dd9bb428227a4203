//! What would be done about an item, had somebody allowed it.

use std::fmt;

use crate::source_pos::SourcePos;

use super::{PlannedAction, render};

/// What would be done, and is not.
#[derive(Debug, Clone, PartialEq)]
pub enum Would {
    /// These changes, in order.
    Change(Vec<Deed>),
    /// No change: what would come of it instead, as `change nothing now`.
    Otherwise(String),
}

/// One change and its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// As `upgrade KDU openldap/ldap of …`.
    pub what: String,
    /// Each on a line of its own; where one is worth telling.
    pub reasons: Vec<String>,
}

impl Would {
    /// Of an item that is declared `at` a place which the message names already.
    pub(super) fn change(planned: &[PlannedAction], at: &SourcePos) -> Self {
        Self::Change(planned.iter().map(|p| render::proposed(&p.action, &p.why, at)).collect())
    }

    /// Line by line, below one that says why it is not done; the first begins with `promise`.
    pub(super) fn lines(&self, promise: &str) -> Vec<String> {
        match self {
            Would::Otherwise(text) => vec![format!("{promise} {text}")],
            Would::Change(deeds) => {
                let mut lines = Vec::new();
                for (index, Deed { what, reasons }) in deeds.iter().enumerate() {
                    let start = if index == 0 { promise } else { "and" };
                    let colon = if reasons.is_empty() { "" } else { ":" };
                    lines.push(format!("{start} {what}{colon}"));
                    lines.extend(reasons.iter().map(|reason| format!("  {reason}")));
                }
                lines
            }
        }
    }
}

impl fmt::Display for Would {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Would::Otherwise(text) => f.write_str(text),
            Would::Change(deeds) => {
                for (index, Deed { what, reasons }) in deeds.iter().enumerate() {
                    let start = if index == 0 { "" } else { ", and " };
                    write!(f, "{start}{what}")?;
                    if !reasons.is_empty() {
                        write!(f, " ({})", reasons.join("; ").replace(":; ", ": "))?;
                    }
                }
                Ok(())
            }
        }
    }
}
