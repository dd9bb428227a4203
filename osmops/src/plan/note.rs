//! What deserves a look and stops nothing.

use serde::Serialize;

use crate::ids::{PackageId, PackageKind};

/// Something that a reader of the plan should know, though nothing is done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
}

impl Serialize for Note {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
