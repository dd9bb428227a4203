//! One record, packed or not.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::pack::Packed;

/// A record as it was when it was asked for; keeping one costs next to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    Live(Arc<Value>),
    Packed(Arc<Packed>),
}

impl Record {
    /// All of the record.
    pub(crate) fn value(&self) -> Cow<'_, Value> {
        match self {
            Self::Live(value) => Cow::Borrowed(value),
            Self::Packed(packed) => Cow::Owned(packed.unpack()),
        }
    }

    /// The record as compact JSON.
    pub(crate) fn json(&self) -> Vec<u8> {
        match self {
            Self::Live(value) => value.to_string().into_bytes(),
            Self::Packed(packed) => packed.json().into_bytes(),
        }
    }

    /// At least these fields of the record, which is quicker where it is packed.
    pub(crate) fn fields(&self, names: &[&str]) -> Cow<'_, Value> {
        match self {
            Self::Live(value) => Cow::Borrowed(value),
            Self::Packed(packed) => Cow::Owned(packed.unpack_fields(names)),
        }
    }
}
