//! Bodies of what belongs to packages: physical devices and operations on packages.
//!
//! Source: OSM NBI `validation.py` (`pdu_new_schema`, `pdu_edit_schema`, `vnfpkgop_new_schema`).

use super::common::{DESCRIPTION, ID, NAME, SHORT_NAME, SHORT_NAMES, TEXT, closed};
use super::pattern;
use crate::schema::Schema;

const IP: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&pattern::IP) };
const MAC: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&pattern::MAC) };
const INTERFACE: Schema = Schema::Object(&closed(
    &[
        ("name", &SHORT_NAME),
        ("mgmt", &Schema::Bool),
        ("type", &Schema::OneOf(&["overlay", "underlay"])),
        ("ip-address", &IP),
        ("mac-address", &MAC),
        ("vim-network-name", &SHORT_NAME),
        ("vim-network-id", &SHORT_NAME),
    ],
    &["name", "mgmt", "ip-address"],
));
const INTERFACES: Schema = Schema::List { of: &INTERFACE, min: 1 };

/// A physical device.
pub(crate) const PDU_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &SHORT_NAME),
        ("type", &SHORT_NAME),
        ("description", &DESCRIPTION),
        ("shared", &Schema::Bool),
        ("vims", &SHORT_NAMES),
        ("vim_accounts", &SHORT_NAMES),
        ("interfaces", &INTERFACES),
    ],
    &["name", "type", "interfaces"],
));

/// A change of a physical device; lists come whole or as edits of their elements.
pub(crate) const PDU_EDIT: Schema = Schema::Object(
    &closed(
        &[
            ("name", &SHORT_NAME),
            ("type", &SHORT_NAME),
            ("description", &DESCRIPTION),
            ("shared", &Schema::Bool),
            ("vims", &Schema::Either(&[&Schema::ListEdits, &SHORT_NAMES])),
            ("vim_accounts", &Schema::Either(&[&Schema::ListEdits, &SHORT_NAMES])),
            ("interfaces", &Schema::Either(&[&Schema::ListEdits, &INTERFACES])),
        ],
        &[],
    )
    .at_least(1),
);

/// An operation on a VNF package.
pub(crate) const PACKAGE_OPERATION: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("vnfPkgId", &ID),
        ("kdu_name", &NAME),
        ("primitive", &NAME),
        ("primitive_params", &Schema::AnyObject),
    ],
    &["lcmOperationType", "vnfPkgId", "kdu_name", "primitive", "primitive_params"],
));
