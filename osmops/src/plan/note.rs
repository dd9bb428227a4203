//! What deserves a look and stops nothing.

use serde::Serialize;

use crate::ids::{PackageId, PackageKind};
use crate::source_pos::SourcePos;

use super::{Item, ValueDifference};

/// Something that a reader of the plan should know, though nothing is done about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Note {
    /// A package record without content; nothing says what it was meant to become.
    #[error(
        "OSM has a {kind} record without content ({record}): an upload was begun and not ended; \
         delete it when nobody works on it"
    )]
    HalfMadePackage {
        /// VNFD or NSD.
        kind: PackageKind,
        /// Its record.
        record: PackageId,
    },
    /// Things that bear our mark and are declared no more, in a revision that may not be all that is declared.
    #[error(
        "{at}: not removed while the revision has problems or leaves links out, though not declared in it: {}",
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    NothingRemoved {
        /// What asks for their removal.
        at: SourcePos,
        /// What they are.
        items: Vec<Item>,
    },
    /// Values that no file declares, and that OSM cannot take back.
    #[error(
        "{at}: in effect, though not declared: {}; this OSM takes no values back other than by making the instance anew",
        values.iter().map(in_effect).collect::<Vec<_>>().join(", ")
    )]
    LeftInEffect {
        /// Where the KDU is declared.
        at: SourcePos,
        /// Each of them.
        values: Vec<ValueDifference>,
    },
    /// OSM shows another description, and has no way to change it.
    #[error(
        "{at}: description: OSM has {observed:?}, declared is {declared:?}; OSM sets it only when an instance is made"
    )]
    OtherDescription {
        /// Where it is declared.
        at: SourcePos,
        /// What OSM shows.
        observed: String,
        /// What the file says.
        declared: String,
    },
}

crate::schema::written_as_text!(
    Note,
    "Note",
    "What deserves a look and stops nothing: one sentence."
);
fn in_effect(value: &ValueDifference) -> String {
    let observed = value.observed.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}: {observed}", value.key)
}

impl Serialize for Note {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
