//! Bodies of what is asked of NS, VNF and network slice instances.
//!
//! Source: OSM NBI `validation.py`, v8 and v19; keys that only later releases know are gated.

use super::common::{
    DESCRIPTION, FREE_TEXT, ID, INTEGER_0, INTEGER_1, NAME, PASSWORD, SHORT_NAME, TEXT,
};
use super::pattern::{IP, IP_PREFIX, IPV6, MAC, TIME};
use crate::release::Release;
use crate::schema::{Fields, Gate, Schema};

const LATER: fn(Release) -> bool = Release::has_later_instance_operations;

const WIM: Schema = Schema::Either(&[&ID, &Schema::Bool, &Schema::Null]);
const NULLABLE_DESCRIPTION: Schema = Schema::Either(&[&DESCRIPTION, &Schema::Null]);
const TEXT_OR_OBJECT: Schema = Schema::Either(&[&TEXT, &Schema::AnyObject]);

const IPV4_ADDRESS: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IP) };
const IPV6_ADDRESS: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IPV6) };
const ADDRESS: Schema = Schema::Either(&[&IPV4_ADDRESS, &IPV6_ADDRESS]);
const PREFIX: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IP_PREFIX) };
const MAC_ADDRESS: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&MAC) };
const SCALE_TIME: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&TIME) };

const fn closed(
    fields: &'static [(&'static str, &'static Schema)],
    required: &'static [&'static str],
    min: usize,
) -> Fields {
    Fields { fields, required, is_closed: true, min }
}

const VOLUME: Schema = Schema::Object(&closed(
    &[("name", &NAME), ("vim-volume-id", &NAME)],
    &["name", "vim-volume-id"],
    0,
));
const INTERFACE: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("ip-address", &ADDRESS),
        ("mac-address", &MAC_ADDRESS),
        ("floating-ip-required", &Schema::Bool),
    ],
    &["name"],
    0,
));
const VDU: Schema = Schema::Gated(
    &closed(
        &[
            ("id", &NAME),
            ("vim-flavor-id", &NAME),
            ("instance_name", &NAME),
            ("vim-flavor-name", &NAME),
            ("security-group-name", &NAME),
            ("volume", &Schema::List { of: &VOLUME, min: 1 }),
            ("interface", &Schema::List { of: &INTERFACE, min: 1 }),
        ],
        &["id"],
        0,
    ),
    &[
        ("vim-flavor-id", LATER),
        ("instance_name", LATER),
        ("vim-flavor-name", LATER),
        ("security-group-name", LATER),
    ],
);

const DNS: Schema = Schema::List {
    of: &Schema::Object(&closed(&[("address", &ADDRESS)], &["address"], 0)),
    min: 1,
};
const DHCP: Schema = Schema::Object(&closed(
    &[("enabled", &Schema::Bool), ("count", &INTEGER_1), ("start-address", &IPV4_ADDRESS)],
    &[],
    0,
));
const IP_PROFILE: Schema = Schema::Object(&closed(
    &[
        ("ip-version", &Schema::OneOf(&["ipv4", "ipv6"])),
        ("subnet-address", &Schema::Either(&[&Schema::Null, &PREFIX])),
        ("gateway-address", &Schema::Either(&[&Schema::Null, &IPV4_ADDRESS])),
        ("dns-server", &Schema::Either(&[&Schema::Null, &DNS])),
        ("dhcp-params", &Schema::Either(&[&Schema::Null, &DHCP])),
    ],
    &[],
    0,
));
const SDN_PORT: Schema = Schema::Object(&Fields {
    fields: &[
        ("switch_id", &SHORT_NAME),
        ("switch_port", &SHORT_NAME),
        ("mac_address", &MAC_ADDRESS),
        ("vlan", &Schema::IntegerTo { min: 1, max: 4095 }),
    ],
    required: &[],
    is_closed: false,
    min: 0,
});
const PROVIDER_NETWORK: Schema = Schema::Object(&Fields {
    fields: &[
        ("physical-network", &NAME),
        ("segmentation-id", &NAME),
        ("sdn-ports", &Schema::List { of: &SDN_PORT, min: 0 }),
        ("network-type", &SHORT_NAME),
    ],
    required: &[],
    is_closed: false,
    min: 0,
});

const INTERNAL_POINT: Schema =
    Schema::Object(&closed(&[("id-ref", &NAME), ("ip-address", &IPV4_ADDRESS)], &["id-ref"], 2));
const INTERNAL_VLD: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("vim-network-name", &NAME),
        ("vim-network-id", &NAME),
        ("ip-profile", &IP_PROFILE),
        ("provider-network", &PROVIDER_NETWORK),
        ("internal-connection-point", &Schema::List { of: &INTERNAL_POINT, min: 1 }),
    ],
    &["name"],
    2,
));

const PARAMS_FOR_VDU: Schema = Schema::Object(&closed(
    &[("vdu_id", &NAME), ("additionalParams", &Schema::AnyObject), ("config-units", &INTEGER_1)],
    &["vdu_id"],
    2,
));
const PARAMS_FOR_KDU: Schema = Schema::Gated(
    &closed(
        &[
            ("kdu_name", &NAME),
            ("additionalParams", &Schema::AnyObject),
            ("kdu_model", &NAME),
            ("k8s-namespace", &NAME),
            ("config-units", &INTEGER_1),
            ("kdu-deployment-name", &NAME),
        ],
        &["kdu_name"],
        2,
    ),
    &[("kdu-deployment-name", Release::has_kdu_deployment_names)],
);
const AFFINITY_GROUP: Schema =
    Schema::Object(&closed(&[("id", &NAME), ("vim-affinity-group-id", &NAME)], &["id"], 2));
const PARAMS_FOR_VNF: Schema = Schema::Gated(
    &closed(
        &[
            ("member-vnf-index", &NAME),
            ("additionalParams", &Schema::AnyObject),
            ("k8s-namespace", &NAME),
            ("config-units", &INTEGER_1),
            ("additionalParamsForVdu", &Schema::List { of: &PARAMS_FOR_VDU, min: 0 }),
            ("additionalParamsForKdu", &Schema::List { of: &PARAMS_FOR_KDU, min: 0 }),
            ("affinity-or-anti-affinity-group", &Schema::List { of: &AFFINITY_GROUP, min: 0 }),
        ],
        &["member-vnf-index"],
        2,
    ),
    &[("affinity-or-anti-affinity-group", LATER)],
);
const VNF: Schema = Schema::Object(&closed(
    &[
        ("member-vnf-index", &NAME),
        ("vimAccountId", &ID),
        ("vdu", &Schema::List { of: &VDU, min: 1 }),
        ("internal-vld", &Schema::List { of: &INTERNAL_VLD, min: 1 }),
    ],
    &["member-vnf-index"],
    2,
));
const POINT: Schema = Schema::Object(&closed(
    &[
        ("member-vnf-index-ref", &NAME),
        ("vnfd-connection-point-ref", &NAME),
        ("ip-address", &ADDRESS),
    ],
    &["member-vnf-index-ref", "vnfd-connection-point-ref"],
    3,
));
const VLD: Schema = Schema::Object(&closed(
    &[
        ("name", &TEXT),
        ("vim-network-name", &TEXT_OR_OBJECT),
        ("vim-network-id", &TEXT_OR_OBJECT),
        ("ns-net", &Schema::AnyObject),
        ("wimAccountId", &WIM),
        ("ip-profile", &IP_PROFILE),
        ("provider-network", &PROVIDER_NETWORK),
        ("vnfd-connection-point-ref", &Schema::List { of: &POINT, min: 1 }),
    ],
    &["name"],
    0,
));

const INSTANTIATE_GATES: &[Gate] = &[("nsConfigTemplateId", LATER)];

const fn instantiate_fields(required: &'static [&'static str]) -> Fields {
    closed(
        &[
            ("lcmOperationType", &TEXT),
            ("nsInstanceId", &ID),
            ("netsliceInstanceId", &ID),
            ("nsName", &NAME),
            ("nsDescription", &NULLABLE_DESCRIPTION),
            ("nsdId", &ID),
            ("vimAccountId", &ID),
            ("nsConfigTemplateId", &ID),
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
            // Last, so that the order of the others is OSM's; only slice subnets have one.
            ("id", &NAME),
        ],
        required,
        0,
    )
}

const fn never(_: Release) -> bool {
    false
}

/// `POST ns_instances[_content]` and `POST ns_instances/{id}/instantiate`.
pub(crate) const NS_INSTANTIATE: Schema = Schema::Gated(
    &instantiate_fields(&["nsName", "nsdId", "vimAccountId"]),
    &[INSTANTIATE_GATES[0], ("id", never)],
);

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
    0,
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
    0,
));

const SCALE_STEP: Schema = Schema::Object(&closed(
    &[("scaling-group-descriptor", &NAME), ("member-vnf-index", &NAME), ("scaling-policy", &NAME)],
    &["scaling-group-descriptor", "member-vnf-index"],
    0,
));
const SCALE_DATA: Schema = Schema::Object(&closed(
    &[
        ("vnfInstanceId", &NAME),
        ("scaleVnfType", &Schema::OneOf(&["SCALE_OUT", "SCALE_IN"])),
        ("scaleByStepData", &SCALE_STEP),
    ],
    &["scaleVnfType", "scaleByStepData"],
    0,
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
    0,
));

const fn opened(
    fields: &'static [(&'static str, &'static Schema)],
    required: &'static [&'static str],
) -> Fields {
    Fields { fields, required, is_closed: false, min: 0 }
}

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
                0,
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
    0,
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
                0,
            )),
        ),
    ],
    &["vnfInstanceId"],
    0,
));

const HEAL_VDU: Schema = Schema::Object(&closed(
    &[("run-day1", &Schema::Bool), ("vdu-id", &NAME), ("count-index", &INTEGER_0)],
    &["vdu-id"],
    0,
));
const HEAL_PARAMS: Schema = Schema::Object(&closed(
    &[("run-day1", &Schema::Bool), ("vdu", &Schema::List { of: &HEAL_VDU, min: 0 })],
    &[],
    0,
));
const HEAL_VNF: Schema = Schema::Object(&closed(
    &[("vnfInstanceId", &ID), ("cause", &DESCRIPTION), ("additionalParams", &HEAL_PARAMS)],
    &["vnfInstanceId"],
    0,
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
    0,
));

/// `POST ns_lcm_op_occs/{id}/cancel`.
pub(crate) const OPERATION_CANCEL: Schema = Schema::Object(&closed(
    &[("nsLcmOpOccId", &ID), ("cancelMode", &Schema::OneOf(&["GRACEFUL", "FORCEFUL"]))],
    &["cancelMode"],
    0,
));

const SLICE_SUBNET: Schema = Schema::Gated(&instantiate_fields(&[]), INSTANTIATE_GATES);
const SLICE_LINK: Schema = Schema::Object(&closed(
    &[
        ("name", &TEXT),
        ("vim-network-name", &TEXT_OR_OBJECT),
        ("vim-network-id", &TEXT_OR_OBJECT),
        ("ip-profile", &Schema::AnyObject),
    ],
    &["name"],
    0,
));

/// `POST netslice_instances/{id}/instantiate`.
pub(crate) const SLICE_INSTANTIATE: Schema = Schema::Object(&closed(
    &[
        ("lcmOperationType", &TEXT),
        ("netsliceInstanceId", &ID),
        ("nsiName", &NAME),
        ("nsiDescription", &NULLABLE_DESCRIPTION),
        ("nstId", &TEXT),
        ("vimAccountId", &ID),
        ("timeout_nsi_deploy", &INTEGER_1),
        ("ssh_keys", &Schema::List { of: &FREE_TEXT, min: 0 }),
        ("nsi_id", &ID),
        ("additionalParamsForNsi", &Schema::AnyObject),
        ("netslice-subnet", &Schema::List { of: &SLICE_SUBNET, min: 1 }),
        ("netslice-vld", &Schema::List { of: &SLICE_LINK, min: 1 }),
    ],
    &["nsiName", "nstId", "vimAccountId"],
    0,
));

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
