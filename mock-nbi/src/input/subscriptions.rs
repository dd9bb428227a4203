//! Bodies of subscriptions to what happens to NS and VNF instances.
//!
//! Source: OSM NBI `validation.py`, v8 and v19.

use super::common::{DESCRIPTION, PASSWORD, TEXT, opened};
use crate::schema::Schema;

const NS_FILTER: Schema = Schema::All(&[
    &Schema::Object(&opened(
        &[
            (
                "nsInstanceSubscriptionFilter",
                &Schema::Object(&opened(
                    &[
                        ("nsdIds", &Schema::AnyList),
                        ("vnfdIds", &Schema::AnyList),
                        ("pnfdIds", &Schema::AnyList),
                        ("nsInstanceIds", &Schema::AnyList),
                        ("nsInstanceNames", &Schema::AnyList),
                    ],
                    &[],
                )),
            ),
            ("notificationTypes", &words(&NS_NOTIFICATIONS)),
            ("operationTypes", &words(&NS_OPERATIONS)),
            ("operationStates", &words(&NS_STATES)),
            ("nsComponentTypes", &words(&Schema::OneOf(&["VNF", "NS", "PNF"]))),
            ("lcmOpNameImpactingNsComponent", &words(&IMPACTING_OPERATIONS)),
            ("lcmOpOccStatusImpactingNsComponent", &words(&IMPACTING_STATES)),
        ],
        &[],
    )),
    &Schema::NeedsOneOf {
        list: "notificationTypes",
        holds: "NsLcmOperationOccurrenceNotification",
        keys: &["operationTypes", "operationStates"],
    },
    &Schema::NeedsOneOf {
        list: "notificationTypes",
        holds: "NsChangeNotification",
        keys: &[
            "nsComponentTypes",
            "lcmOpNameImpactingNsComponent",
            "lcmOpOccStatusImpactingNsComponent",
        ],
    },
]);
const NS_NOTIFICATIONS: Schema = Schema::OneOf(&[
    "NsLcmOperationOccurrenceNotification",
    "NsChangeNotification",
    "NsIdentifierCreationNotification",
    "NsIdentifierDeletionNotification",
]);
const NS_OPERATIONS: Schema =
    Schema::OneOf(&["INSTANTIATE", "SCALE", "TERMINATE", "UPDATE", "HEAL"]);
const NS_STATES: Schema = Schema::OneOf(&[
    "PROCESSING",
    "COMPLETED",
    "PARTIALLY_COMPLETED",
    "FAILED",
    "FAILED_TEMP",
    "ROLLING_BACK",
    "ROLLED_BACK",
]);
const IMPACTING_OPERATIONS: Schema = Schema::OneOf(&[
    "VNF_INSTANTIATE",
    "VNF_SCALE",
    "VNF_SCALE_TO_LEVEL",
    "VNF_CHANGE_FLAVOUR",
    "VNF_TERMINATE",
    "VNF_HEAL",
    "VNF_OPERATE",
    "VNF_CHANGE_EXT_CONN",
    "VNF_MODIFY_INFO",
    "NS_INSTANTIATE",
    "NS_SCALE",
    "NS_UPDATE",
    "NS_TERMINATE",
    "NS_HEAL",
]);
const IMPACTING_STATES: Schema =
    Schema::OneOf(&["START", "COMPLETED", "PARTIALLY_COMPLETED", "FAILED", "ROLLED_BACK"]);

const fn words(of: &'static Schema) -> Schema {
    Schema::List { of, min: 0 }
}

const AUTHENTICATION: Schema = Schema::Object(&opened(
    &[
        ("authType", &Schema::OneOf(&["basic"])),
        (
            "paramsBasic",
            &Schema::Object(&opened(&[("userName", &TEXT), ("password", &PASSWORD)], &[])),
        ),
    ],
    &[],
));

/// `POST /nslcm/v1/subscriptions`.
pub(crate) const NS_SUBSCRIPTION: Schema = Schema::Object(&opened(
    &[("filter", &NS_FILTER), ("CallbackUri", &DESCRIPTION), ("authentication", &AUTHENTICATION)],
    &["CallbackUri"],
));

const VNF_NOTIFICATIONS: Schema = Schema::OneOf(&[
    "VnfIdentifierCreationNotification",
    "VnfLcmOperationOccurrenceNotification",
    "VnfIdentifierDeletionNotification",
]);
const VNF_OPERATIONS: Schema = Schema::OneOf(&[
    "INSTANTIATE",
    "SCALE",
    "SCALE_TO_LEVEL",
    "CHANGE_FLAVOUR",
    "TERMINATE",
    "HEAL",
    "OPERATE",
    "CHANGE_EXT_CONN",
    "MODIFY_INFO",
    "CREATE_SNAPSHOT",
    "REVERT_TO_SNAPSHOT",
    "CHANGE_VNFPKG",
]);
const VNF_STATES: Schema = Schema::OneOf(&[
    "STARTING",
    "PROCESSING",
    "COMPLETED",
    "FAILED_TEMP",
    "FAILED",
    "ROLLING_BACK",
    "ROLLED_BACK",
]);
const VNF_FILTER: Schema = Schema::Object(&opened(
    &[
        (
            "VnfInstanceSubscriptionFilter",
            &Schema::Object(&opened(
                &[("vnfdIds", &Schema::AnyList), ("vnfInstanceIds", &Schema::AnyList)],
                &[],
            )),
        ),
        ("notificationTypes", &words(&VNF_NOTIFICATIONS)),
        ("operationTypes", &words(&VNF_OPERATIONS)),
        ("operationStates", &words(&VNF_STATES)),
    ],
    &["VnfInstanceSubscriptionFilter", "notificationTypes"],
));

/// `POST /vnflcm/v1/subscriptions`.
pub(crate) const VNF_SUBSCRIPTION: Schema = Schema::Object(&opened(
    &[("filter", &VNF_FILTER), ("CallbackUri", &DESCRIPTION), ("authentication", &AUTHENTICATION)],
    &["filter", "CallbackUri"],
));
