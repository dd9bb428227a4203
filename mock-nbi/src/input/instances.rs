//! Bodies of NS instances and their operations.

use super::common::{DESCRIPTION, FREE_TEXT, ID, INTEGER_0, INTEGER_1, NAME, TEXT};
use crate::schema::{Fields, Schema};

const WIM: Schema = Schema::Either(&[&ID, &Schema::Bool, &Schema::Null]);
const PARAMS_FOR_VDU: Schema = Schema::Object(&Fields {
    fields: &[
        ("vdu_id", &NAME),
        ("additionalParams", &Schema::AnyObject),
        ("config-units", &INTEGER_1),
    ],
    required: &["vdu_id"],
    is_closed: true,
    min: 2,
});
const PARAMS_FOR_KDU: Schema = Schema::Object(&Fields {
    fields: &[
        ("kdu_name", &NAME),
        ("additionalParams", &Schema::AnyObject),
        ("kdu_model", &NAME),
        ("k8s-namespace", &NAME),
        ("config-units", &INTEGER_1),
        ("kdu-deployment-name", &NAME),
    ],
    required: &["kdu_name"],
    is_closed: true,
    min: 2,
});
const PARAMS_FOR_VNF: Schema = Schema::Object(&Fields {
    fields: &[
        ("member-vnf-index", &NAME),
        ("additionalParams", &Schema::AnyObject),
        ("k8s-namespace", &NAME),
        ("config-units", &INTEGER_1),
        ("additionalParamsForVdu", &Schema::List { of: &PARAMS_FOR_VDU, min: 0 }),
        ("additionalParamsForKdu", &Schema::List { of: &PARAMS_FOR_KDU, min: 0 }),
        ("affinity-or-anti-affinity-group", &Schema::List { of: &Schema::AnyObject, min: 0 }),
    ],
    required: &["member-vnf-index"],
    is_closed: true,
    min: 2,
});
const VNF: Schema = Schema::Object(&Fields {
    fields: &[
        ("member-vnf-index", &NAME),
        ("vimAccountId", &ID),
        ("vdu", &Schema::List { of: &Schema::AnyObject, min: 1 }),
        ("internal-vld", &Schema::List { of: &Schema::AnyObject, min: 1 }),
    ],
    required: &["member-vnf-index"],
    is_closed: true,
    min: 2,
});
const TEXT_OR_OBJECT: Schema = Schema::Either(&[&TEXT, &Schema::AnyObject]);
const VLD: Schema = Schema::Object(&Fields {
    fields: &[
        ("name", &TEXT),
        ("vim-network-name", &TEXT_OR_OBJECT),
        ("vim-network-id", &TEXT_OR_OBJECT),
        ("ns-net", &Schema::AnyObject),
        ("wimAccountId", &WIM),
        ("ip-profile", &Schema::AnyObject),
        ("provider-network", &Schema::AnyObject),
        ("vnfd-connection-point-ref", &Schema::List { of: &Schema::AnyObject, min: 1 }),
    ],
    required: &["name"],
    is_closed: true,
    min: 0,
});

/// `POST ns_instances[_content]` and `POST ns_instances/{id}/instantiate`.
pub(crate) const NS_INSTANTIATE: Schema = Schema::Object(&Fields {
    fields: &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("netsliceInstanceId", &ID),
        ("nsName", &NAME),
        ("nsDescription", &Schema::Either(&[&DESCRIPTION, &Schema::Null])),
        ("nsdId", &ID),
        ("vimAccountId", &ID),
        ("wimAccountId", &WIM),
        ("placement-engine", &TEXT),
        ("placement-constraints", &Schema::AnyObject),
        ("additionalParamsForNs", &Schema::AnyObject),
        ("additionalParamsForVnf", &Schema::List { of: &PARAMS_FOR_VNF, min: 0 }),
        ("config-units", &INTEGER_1),
        ("k8s-namespace", &NAME),
        ("ssh_keys", &Schema::List { of: &FREE_TEXT, min: 0 }),
        ("timeout_ns_deploy", &INTEGER_1),
        ("nsr_id", &ID),
        ("vduImage", &NAME),
        ("vnf", &Schema::List { of: &VNF, min: 1 }),
        ("vld", &Schema::List { of: &VLD, min: 1 }),
    ],
    required: &["nsName", "nsdId", "vimAccountId"],
    is_closed: true,
    min: 0,
});

/// `POST ns_instances/{id}/terminate`.
pub(crate) const NS_TERMINATE: Schema = Schema::Object(&Fields {
    fields: &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("autoremove", &Schema::Bool),
        ("timeout_ns_terminate", &INTEGER_1),
        ("skip_terminate_primitives", &Schema::Bool),
        ("netsliceInstanceId", &ID),
    ],
    required: &[],
    is_closed: true,
    min: 0,
});

/// `POST ns_instances/{id}/action`.
pub(crate) const NS_ACTION: Schema = Schema::Object(&Fields {
    fields: &[
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
    required: &["primitive", "primitive_params"],
    is_closed: true,
    min: 0,
});

const SCALE_STEP: Schema = Schema::Object(&Fields {
    fields: &[
        ("scaling-group-descriptor", &NAME),
        ("member-vnf-index", &NAME),
        ("scaling-policy", &NAME),
    ],
    required: &["scaling-group-descriptor", "member-vnf-index"],
    is_closed: true,
    min: 0,
});
const SCALE_DATA: Schema = Schema::Object(&Fields {
    fields: &[
        ("vnfInstanceId", &NAME),
        ("scaleVnfType", &Schema::OneOf(&["SCALE_OUT", "SCALE_IN"])),
        ("scaleByStepData", &SCALE_STEP),
    ],
    required: &["scaleVnfType", "scaleByStepData"],
    is_closed: true,
    min: 0,
});

/// `POST ns_instances/{id}/scale`.
pub(crate) const NS_SCALE: Schema = Schema::Object(&Fields {
    fields: &[
        ("lcmOperationType", &TEXT),
        ("nsInstanceId", &ID),
        ("scaleType", &Schema::OneOf(&["SCALE_VNF"])),
        ("timeout_ns_scale", &INTEGER_1),
        ("scaleVnfData", &SCALE_DATA),
        ("scaleTime", &FREE_TEXT),
    ],
    required: &["scaleType", "scaleVnfData"],
    is_closed: true,
    min: 0,
});

/// Only the id of the instance, as `DELETE ns_instances_content/{id}` checks it.
pub(crate) const NS_ID: Schema = Schema::Object(&Fields {
    fields: &[("nsInstanceId", &ID)],
    required: &[],
    is_closed: false,
    min: 0,
});
