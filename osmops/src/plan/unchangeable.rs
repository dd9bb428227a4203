//! What of an NS instance OSM cannot change.

use serde::Serialize;

use crate::ids::DescriptorId;
use crate::source_pos::SourcePos;

/// Something that is declared otherwise than the instance was made.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unchangeable {
    /// It was made from another NSD.
    #[error("{at}: NSD: {observed} → {declared}")]
    Nsd {
        /// Where the instance names its NSD.
        at: SourcePos,
        /// The NSD that it has.
        observed: String,
        /// The NSD that is declared.
        declared: DescriptorId,
    },
    /// It runs at another VIM account.
    #[error("{at}: VIM account: {observed} → {declared}")]
    VimAccount {
        /// Where the instance names its VIM account.
        at: SourcePos,
        /// The name of the account where it runs, or OSM's id of one that is no more.
        observed: String,
        /// The account that is declared.
        declared: String,
    },
}
