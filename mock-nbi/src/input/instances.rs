//! Bodies of what NS and network slice instances are made of.
//!
//! Source: OSM NBI `validation.py`, v8 and v19; keys that only later releases know are gated.

use super::common::{DESCRIPTION, FREE_TEXT, ID, INTEGER_1, NAME, SHORT_NAME, TEXT, closed};
use super::pattern::{IP, IP_PREFIX, IPV6, MAC};
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

const VOLUME: Schema = Schema::Object(&closed(
    &[("name", &NAME), ("vim-volume-id", &NAME)],
    &["name", "vim-volume-id"],
));
const INTERFACE: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("ip-address", &ADDRESS),
        ("mac-address", &MAC_ADDRESS),
        ("floating-ip-required", &Schema::Bool),
    ],
    &["name"],
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
    ),
    &[
        ("vim-flavor-id", LATER),
        ("instance_name", LATER),
        ("vim-flavor-name", LATER),
        ("security-group-name", LATER),
    ],
);

const DNS: Schema =
    Schema::List { of: &Schema::Object(&closed(&[("address", &ADDRESS)], &["address"])), min: 1 };
const DHCP: Schema = Schema::Object(&closed(
    &[("enabled", &Schema::Bool), ("count", &INTEGER_1), ("start-address", &IPV4_ADDRESS)],
    &[],
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

const INTERNAL_POINT: Schema = Schema::Object(
    &closed(&[("id-ref", &NAME), ("ip-address", &IPV4_ADDRESS)], &["id-ref"]).at_least(2),
);
const INTERNAL_VLD: Schema = Schema::Object(
    &closed(
        &[
            ("name", &NAME),
            ("vim-network-name", &NAME),
            ("vim-network-id", &NAME),
            ("ip-profile", &IP_PROFILE),
            ("provider-network", &PROVIDER_NETWORK),
            ("internal-connection-point", &Schema::List { of: &INTERNAL_POINT, min: 1 }),
        ],
        &["name"],
    )
    .at_least(2),
);

const PARAMS_FOR_VDU: Schema = Schema::Object(
    &closed(
        &[
            ("vdu_id", &NAME),
            ("additionalParams", &Schema::AnyObject),
            ("config-units", &INTEGER_1),
        ],
        &["vdu_id"],
    )
    .at_least(2),
);
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
    )
    .at_least(2),
    &[("kdu-deployment-name", Release::has_kdu_deployment_names)],
);
const AFFINITY_GROUP: Schema = Schema::Object(
    &closed(&[("id", &NAME), ("vim-affinity-group-id", &NAME)], &["id"]).at_least(2),
);
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
    )
    .at_least(2),
    &[("affinity-or-anti-affinity-group", LATER)],
);
const VNF: Schema = Schema::Object(
    &closed(
        &[
            ("member-vnf-index", &NAME),
            ("vimAccountId", &ID),
            ("vdu", &Schema::List { of: &VDU, min: 1 }),
            ("internal-vld", &Schema::List { of: &INTERNAL_VLD, min: 1 }),
        ],
        &["member-vnf-index"],
    )
    .at_least(2),
);
const POINT: Schema = Schema::Object(
    &closed(
        &[
            ("member-vnf-index-ref", &NAME),
            ("vnfd-connection-point-ref", &NAME),
            ("ip-address", &ADDRESS),
        ],
        &["member-vnf-index-ref", "vnfd-connection-point-ref"],
    )
    .at_least(3),
);
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
));

/// `vnf` of an instantiation.
pub(crate) const VNFS: Schema = Schema::List { of: &VNF, min: 1 };
/// `vld` of an instantiation.
pub(crate) const VLDS: Schema = Schema::List { of: &VLD, min: 1 };
/// `additionalParamsForVnf` of an instantiation.
pub(crate) const PARAMS_FOR_VNFS: Schema = Schema::List { of: &PARAMS_FOR_VNF, min: 0 };

/// `POST ns_config_template`: instantiation parameters for instances to come.
pub(crate) const NS_CONFIG_TEMPLATE: Schema = Schema::Object(&closed(
    &[("name", &TEXT), ("nsdId", &ID), ("config", &Schema::AnyObject)],
    &["name", "nsdId", "config"],
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
            ("additionalParamsForVnf", &PARAMS_FOR_VNFS),
            ("config-units", &INTEGER_1),
            ("k8s-namespace", &NAME),
            ("ssh_keys", &Schema::List { of: &FREE_TEXT, min: 0 }),
            ("timeout_ns_deploy", &INTEGER_1),
            ("nsr_id", &ID),
            ("vduImage", &NAME),
            ("vnf", &VNFS),
            ("vld", &VLDS),
            // Last, so that the order of the others is OSM's; only slice subnets have one.
            ("id", &NAME),
        ],
        required,
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

const SLICE_SUBNET: Schema = Schema::Gated(&instantiate_fields(&[]), INSTANTIATE_GATES);
const SLICE_LINK: Schema = Schema::Object(&closed(
    &[
        ("name", &TEXT),
        ("vim-network-name", &TEXT_OR_OBJECT),
        ("vim-network-id", &TEXT_OR_OBJECT),
        ("ip-profile", &Schema::AnyObject),
    ],
    &["name"],
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
));
