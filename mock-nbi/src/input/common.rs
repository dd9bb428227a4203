//! Checks that many bodies share.
//!
//! Source: OSM NBI `validation.py`, "Basis schemas".

use crate::ids::is_uuid;
use crate::schema::{Fields, Pattern, Schema};

/// A key of an object.
pub(super) type Field = (&'static str, &'static Schema);

/// An object with these keys and no others.
pub(super) const fn closed(fields: &'static [Field], required: &'static [&'static str]) -> Fields {
    Fields { fields, required, is_closed: true, min: 0 }
}

/// An object with these keys, and whatever others.
pub(super) const fn opened(fields: &'static [Field], required: &'static [&'static str]) -> Fields {
    Fields { fields, required, is_closed: false, min: 0 }
}

const NAME_PATTERN: Pattern = Pattern {
    text: "^[^,;()'\"]+$",
    matches: |text| !text.is_empty() && !text.contains([',', ';', '(', ')', '\'', '"']),
};
const SHORT_NAME_PATTERN: Pattern = Pattern {
    text: "^[^,;()\\.\\$'\"]+$",
    matches: |text| !text.is_empty() && !text.contains([',', ';', '(', ')', '.', '$', '\'', '"']),
};
const DESCRIPTION_PATTERN: Pattern =
    Pattern { text: "^[^'\"]+$", matches: |text| !text.is_empty() && !text.contains(['\'', '"']) };
const UUID_PATTERN: Pattern =
    Pattern { text: "^[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}$", matches: is_uuid };

pub(super) const NAME: Schema =
    Schema::Text { max: 255, may_be_empty: false, pattern: Some(&NAME_PATTERN) };
pub(super) const SHORT_NAME: Schema =
    Schema::Text { max: 60, may_be_empty: false, pattern: Some(&SHORT_NAME_PATTERN) };
pub(super) const SHORT_NAMES: Schema = Schema::List { of: &SHORT_NAME, min: 1 };
pub(super) const TEXT: Schema = Schema::Text { max: 255, may_be_empty: false, pattern: None };
pub(super) const FREE_TEXT: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: None };
pub(super) const PASSWORD: Schema = Schema::Text { max: 60, may_be_empty: false, pattern: None };
pub(super) const DESCRIPTION: Schema =
    Schema::TextOrNull { max: 255, pattern: Some(&DESCRIPTION_PATTERN) };
pub(super) const LONG_DESCRIPTION: Schema =
    Schema::TextOrNull { max: 3000, pattern: Some(&DESCRIPTION_PATTERN) };
/// A UUID, in either case of letters.
pub(super) const ID: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&UUID_PATTERN) };
pub(super) const INTEGER_0: Schema = Schema::Integer { min: 0 };
pub(super) const INTEGER_1: Schema = Schema::Integer { min: 1 };
/// The one version of bodies that there is.
pub(super) const SCHEMA_VERSION: Schema = Schema::Word(&["1.0"]);

/// What names of users and remote accounts are: short names in release 8, any text later.
pub(super) const ACCOUNT: Schema =
    Schema::Of(|release| if release.has_free_account_names() { &TEXT } else { &SHORT_NAME });
