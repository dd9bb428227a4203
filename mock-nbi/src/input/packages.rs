//! Bodies of what belongs to packages: physical devices and operations on packages.
//!
//! Source: OSM NBI `validation.py` (`pdu_new_schema`, `pdu_edit_schema`, `vnfpkgop_new_schema`).

use super::common::{DESCRIPTION, ID, NAME, SHORT_NAME, SHORT_NAMES, TEXT};
use crate::schema::{Fields, Pattern, Schema};

const IP_PATTERN: Pattern = Pattern {
    text: "^((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$",
    matches: |text| {
        let is_octet = |part: &str| {
            (1..=3).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && part.parse::<u16>().is_ok_and(|number| number < 256)
        };
        text.split('.').count() == 4 && text.split('.').all(is_octet)
    },
};
const MAC_PATTERN: Pattern = Pattern {
    text: "^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$",
    matches: |text| {
        let is_pair = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let is_unicast = text.as_bytes().get(1).is_some_and(|byte| b"02468aceACE".contains(byte));
        text.split(':').count() == 6 && text.split(':').all(is_pair) && is_unicast
    },
};
const IP: Schema = Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IP_PATTERN) };
const MAC: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&MAC_PATTERN) };
const INTERFACE: Schema = Schema::Object(&Fields {
    fields: &[
        ("name", &SHORT_NAME),
        ("mgmt", &Schema::Bool),
        ("type", &Schema::OneOf(&["overlay", "underlay"])),
        ("ip-address", &IP),
        ("mac-address", &MAC),
        ("vim-network-name", &SHORT_NAME),
        ("vim-network-id", &SHORT_NAME),
    ],
    required: &["name", "mgmt", "ip-address"],
    is_closed: true,
    min: 0,
});
const INTERFACES: Schema = Schema::List { of: &INTERFACE, min: 1 };

/// A physical device.
pub(crate) const PDU_NEW: Schema = Schema::Object(&Fields {
    fields: &[
        ("name", &SHORT_NAME),
        ("type", &SHORT_NAME),
        ("description", &DESCRIPTION),
        ("shared", &Schema::Bool),
        ("vims", &SHORT_NAMES),
        ("vim_accounts", &SHORT_NAMES),
        ("interfaces", &INTERFACES),
    ],
    required: &["name", "type", "interfaces"],
    is_closed: true,
    min: 0,
});

/// A change of a physical device; lists come whole or as edits of their elements.
pub(crate) const PDU_EDIT: Schema = Schema::Object(&Fields {
    fields: &[
        ("name", &SHORT_NAME),
        ("type", &SHORT_NAME),
        ("description", &DESCRIPTION),
        ("shared", &Schema::Bool),
        ("vims", &Schema::Either(&[&Schema::ListEdits, &SHORT_NAMES])),
        ("vim_accounts", &Schema::Either(&[&Schema::ListEdits, &SHORT_NAMES])),
        ("interfaces", &Schema::Either(&[&Schema::ListEdits, &INTERFACES])),
    ],
    required: &[],
    is_closed: true,
    min: 1,
});

/// An operation on a VNF package.
pub(crate) const PACKAGE_OPERATION: Schema = Schema::Object(&Fields {
    fields: &[
        ("lcmOperationType", &TEXT),
        ("vnfPkgId", &ID),
        ("kdu_name", &NAME),
        ("primitive", &NAME),
        ("primitive_params", &Schema::AnyObject),
    ],
    required: &["lcmOperationType", "vnfPkgId", "kdu_name", "primitive", "primitive_params"],
    is_closed: true,
    min: 0,
});
