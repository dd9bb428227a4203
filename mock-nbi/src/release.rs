//! Which OSM the fake answers like. Only differences stand here; everything else is common.

mod access;
mod gitops;
mod instances;
mod packages;

use serde::{Deserialize, Serialize};

/// The OSM release whose answers are given.
///
/// Source: NBI_FACTS.md section 12 (the same exchanges on v8, Release 10 and v19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Release {
    /// Release 8, the last one of which the whole server is public in one piece.
    #[serde(rename = "8")]
    R8,
    /// Release 10, what the project targets first.
    #[default]
    #[serde(rename = "10")]
    R10,
    /// Release 19.
    #[serde(rename = "19")]
    R19,
    /// Release 19 as it was when the recordings were made: without the rules that later releases
    /// added on passwords, chart versions and VDU profiles, and with the recordings' stand-in for
    /// the life-cycle manager, which never fails an action by itself.
    #[serde(rename = "19-recorded")]
    R19Recorded,
}

impl Release {
    /// Whether answers to creations repeat the id as `_id` and operations name their instance.
    pub(crate) fn has_verbose_ids(self) -> bool {
        self.is_19()
    }

    /// Whether packages carry `_admin.revision` and a folder `<id>:<revision>`.
    pub(crate) fn has_revisions(self) -> bool {
        self.is_19()
    }

    /// Whether `usageState` becomes `IN_USE`, and updates of packages in use are restricted.
    pub(crate) fn tracks_package_use(self) -> bool {
        self.is_19()
    }

    /// Whether `additionalParamsForVnf` and `primitive_params` are kept as JSON text.
    pub(crate) fn stores_params_as_text(self) -> bool {
        self.is_19()
    }

    /// Whether the second part of a chunked upload is refused, a regression of later releases.
    pub(crate) fn loses_chunks(self) -> bool {
        self.is_19()
    }

    /// Whether operations on releases that are gone still succeed, as in the recordings.
    pub(crate) fn has_lenient_lcm(self) -> bool {
        self == Self::R19Recorded
    }

    fn is_8(self) -> bool {
        self == Self::R8
    }

    /// Whether this is release 19, with or without the rules that the recordings switched off.
    fn is_19(self) -> bool {
        matches!(self, Self::R19 | Self::R19Recorded)
    }

    /// Length in characters of a token id, and whether it is URL-safe base64 or alphanumeric.
    pub(crate) fn token_shape(self) -> (usize, &'static [u8]) {
        if self.is_19() {
            (43, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        } else {
            (32, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        }
    }
}
