//! Bodies of operations on NS instances.
//!
//! Source: OSM NBI `validation.py`, v8 and v19.

use super::common::{DESCRIPTION, ID, INTEGER_0, INTEGER_1, NAME, TEXT, closed, opened};
use super::pattern::TIME;
use crate::schema::Schema;

const SCALE_TIME: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&TIME) };

/// `POST ns_instances/{id}/terminate`.
pub(crate) const NS_TERMINATE: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("autoremove", &Schema::Bool),
        ("timeout_ns_terminate", &INTEGER_1),
        ("skip_terminate_primitives", &Schema::Bool),
        ("netsliceInstanceId", &ID),
    ],
    &[],
));

/// `POST ns_instances/{id}/action`.
pub(crate) const NS_ACTION: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("member_vnf_index", &NAME),
        ("vnf_member_index", &NAME),
        ("vdu_id", &NAME),
        ("vdu_count_index", &INTEGER_0),
        ("kdu_name", &NAME),
        ("primitive", &NAME),
        ("timeout_ns_action", &INTEGER_1),
        ("primitive_params", &Schema::AnyObject),
    ],
    &["primitive", "primitive_params"],
));

const SCALE_STEP: Schema = Schema::Object(&closed(
    &[("scaling-group-descriptor", &NAME), ("member-vnf-index", &NAME), ("scaling-policy", &NAME)],
    &["scaling-group-descriptor", "member-vnf-index"],
));
const SCALE_DATA: Schema = Schema::Object(&closed(
    &[
        ("vnfInstanceId", &NAME),
        ("scaleVnfType", &Schema::OneOf(&["SCALE_OUT", "SCALE_IN"])),
        ("scaleByStepData", &SCALE_STEP),
    ],
    &["scaleVnfType", "scaleByStepData"],
));

/// `POST ns_instances/{id}/scale`.
pub(crate) const NS_SCALE: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("scaleType", &Schema::OneOf(&["SCALE_VNF"])),
        ("timeout_ns_scale", &INTEGER_1),
        ("scaleVnfData", &SCALE_DATA),
        ("scaleTime", &SCALE_TIME),
    ],
    &["scaleType", "scaleVnfData"],
));

const VNF_AND_PACKAGE: Schema = Schema::Object(&opened(
    &[("vnfInstanceId", &ID), ("vnfdId", &ID)],
    &["vnfInstanceId", "vnfdId"],
));
const OPERATE_VNF: Schema = Schema::Object(&opened(
    &[
        ("vnfInstanceId", &ID),
        ("changeStateTo", &NAME),
        (
            "additionalParam",
            &Schema::Object(&closed(
                &[("run-day1", &Schema::Bool), ("vdu_id", &NAME), ("count-index", &INTEGER_0)],
                &["vdu_id", "count-index"],
            )),
        ),
    ],
    &["vnfInstanceId", "changeStateTo"],
));
const VERTICAL_SCALE: Schema = Schema::Object(&opened(
    &[("vnfInstanceId", &ID), ("vnfdId", &ID), ("vduId", &NAME), ("countIndex", &INTEGER_0)],
    &["vnfInstanceId", "vnfdId", "vduId"],
));

/// `POST ns_instances/{id}/update`.
pub(crate) const NS_UPDATE: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("timeout_ns_update", &INTEGER_1),
        (
            "updateType",
            &Schema::OneOf(&[
                "CHANGE_VNFPKG",
                "REMOVE_VNF",
                "MODIFY_VNF_INFORMATION",
                "OPERATE_VNF",
                "VERTICAL_SCALE",
            ]),
        ),
        ("modifyVnfInfoData", &VNF_AND_PACKAGE),
        ("removeVnfInstanceId", &ID),
        ("changeVnfPackageData", &VNF_AND_PACKAGE),
        ("operateVnfData", &OPERATE_VNF),
        ("verticalScaleVnf", &VERTICAL_SCALE),
    ],
    &["updateType"],
));

/// `POST ns_instances/{id}/migrate`.
pub(crate) const NS_MIGRATE: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("vnfInstanceId", &ID),
        ("migrateToHost", &TEXT),
        ("targetHostK8sLabels", &Schema::AnyObject),
        (
            "vdu",
            &Schema::Object(&closed(
                &[("vduId", &NAME), ("vduCountIndex", &INTEGER_0)],
                &["vduId"],
            )),
        ),
    ],
    &["vnfInstanceId"],
));

const HEAL_VDU: Schema = Schema::Object(&closed(
    &[("run-day1", &Schema::Bool), ("vdu-id", &NAME), ("count-index", &INTEGER_0)],
    &["vdu-id"],
));
const HEAL_PARAMS: Schema = Schema::Object(&closed(
    &[("run-day1", &Schema::Bool), ("vdu", &Schema::List { of: &HEAL_VDU, min: 0 })],
    &[],
));
const HEAL_VNF: Schema = Schema::Object(&closed(
    &[("vnfInstanceId", &ID), ("cause", &DESCRIPTION), ("additionalParams", &HEAL_PARAMS)],
    &["vnfInstanceId"],
));

/// `POST ns_instances/{id}/heal`.
pub(crate) const NS_HEAL: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("timeout_ns_heal", &INTEGER_1),
        ("healVnfData", &Schema::List { of: &HEAL_VNF, min: 0 }),
    ],
    &["healVnfData"],
));

/// `POST ns_lcm_op_occs/{id}/cancel`.
pub(crate) const OPERATION_CANCEL: Schema = Schema::Object(&closed(
    &[("nsLcmOpOccId", &ID), ("cancelMode", &Schema::OneOf(&["GRACEFUL", "FORCEFUL"]))],
    &["cancelMode"],
));
