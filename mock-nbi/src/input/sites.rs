//! Bodies of what OSM registers: VIM and WIM accounts, SDN controllers, clusters, VCAs, repositories.

use super::common::{
    ACCOUNT, DESCRIPTION, FREE_TEXT, ID, INTEGER_1, LONG_DESCRIPTION, NAME, PASSWORD,
    SCHEMA_VERSION, SHORT_NAME, SHORT_NAMES, TEXT,
};
use crate::schema::{Fields, Pattern, Schema};

type Field = (&'static str, &'static Schema);

const fn closed(fields: &'static [Field], required: &'static [&'static str]) -> Fields {
    Fields { fields, required, is_closed: true, min: 0 }
}

const VIM_REQUIRED: &[&str] =
    &["name", "vim_url", "vim_type", "vim_user", "vim_password", "vim_tenant_name"];
const VIM_NEW_8: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("vim", &NAME),
        ("datacenter", &NAME),
        ("vim_type", &SHORT_NAME),
        ("vim_url", &DESCRIPTION),
        ("vim_tenant_name", &NAME),
        ("vim_user", &SHORT_NAME),
        ("vim_password", &PASSWORD),
        ("config", &Schema::AnyObject),
    ],
    VIM_REQUIRED,
));
const VIM_NEW_LATER: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("vim", &NAME),
        ("datacenter", &NAME),
        ("vim_type", &SHORT_NAME),
        ("vim_url", &DESCRIPTION),
        ("vim_tenant_name", &NAME),
        ("vim_user", &TEXT),
        ("vim_password", &PASSWORD),
        ("vca", &ID),
        ("config", &Schema::AnyObject),
        ("prometheus-config", &Schema::AnyObject),
    ],
    VIM_REQUIRED,
));
const VIM_EDIT_8: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("vim", &NAME),
        ("datacenter", &NAME),
        ("vim_type", &SHORT_NAME),
        ("vim_url", &DESCRIPTION),
        ("vim_tenant_name", &NAME),
        ("vim_user", &SHORT_NAME),
        ("vim_password", &PASSWORD),
        ("config", &Schema::AnyObject),
    ],
    &[],
));
const VIM_EDIT_LATER: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("vim", &NAME),
        ("datacenter", &NAME),
        ("vim_type", &SHORT_NAME),
        ("vim_url", &DESCRIPTION),
        ("vim_tenant_name", &NAME),
        ("vim_user", &TEXT),
        ("vim_password", &PASSWORD),
        ("vca", &ID),
        ("config", &Schema::AnyObject),
        ("prometheus-config", &Schema::AnyObject),
    ],
    &[],
));

/// `POST vim_accounts`.
pub(crate) const VIM_NEW: Schema =
    Schema::Of(|release| if release.has_vca() { &VIM_NEW_LATER } else { &VIM_NEW_8 });

/// `PATCH vim_accounts/{id}`.
pub(crate) const VIM_EDIT: Schema =
    Schema::Of(|release| if release.has_vca() { &VIM_EDIT_LATER } else { &VIM_EDIT_8 });

/// `POST wim_accounts`.
pub(crate) const WIM_NEW: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("wim", &NAME),
        ("wim_type", &SHORT_NAME),
        ("wim_url", &DESCRIPTION),
        ("user", &ACCOUNT),
        ("password", &PASSWORD),
        ("config", &Schema::MapOf { of: &Schema::NotNull, is_filled: false }),
    ],
    &["name", "wim_url", "wim_type"],
));

/// `PATCH wim_accounts/{id}`.
pub(crate) const WIM_EDIT: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("wim", &NAME),
        ("wim_type", &SHORT_NAME),
        ("wim_url", &DESCRIPTION),
        ("user", &ACCOUNT),
        ("password", &PASSWORD),
        ("config", &Schema::AnyObject),
    ],
    &[],
));

const DPID_PATTERN: Pattern = Pattern {
    text: "^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){7}$",
    matches: |text| {
        let bytes: Vec<&str> = text.split(':').collect();
        let is_byte = |byte: &&str| byte.len() == 2 && byte.bytes().all(|c| c.is_ascii_hexdigit());
        bytes.len() == 8 && bytes.iter().all(is_byte)
    },
};
const IP_PATTERN: Pattern = Pattern {
    text: "^((25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\\.){3}(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)$",
    matches: |text| {
        let numbers: Vec<&str> = text.split('.').collect();
        let is_number = |number: &&str| {
            (1..=3).contains(&number.len())
                && number.bytes().all(|c| c.is_ascii_digit())
                && number.parse::<u8>().is_ok()
        };
        numbers.len() == 4 && numbers.iter().all(is_number)
    },
};
const SDN_FIELDS: &[Field] = &[
    ("name", &NAME),
    ("type", &FREE_TEXT),
    ("url", &FREE_TEXT),
    ("user", &ACCOUNT),
    ("password", &PASSWORD),
    ("config", &Schema::AnyObject),
    ("description", &DESCRIPTION),
    ("dpid", &Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&DPID_PATTERN) }),
    ("ip", &Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IP_PATTERN) }),
    ("port", &Schema::IntegerTo { min: 1, max: 65534 }),
    ("version", &Schema::Text { max: 12, may_be_empty: false, pattern: None }),
];

/// `POST sdns`.
pub(crate) const SDN_NEW: Schema = Schema::Object(&closed(SDN_FIELDS, &["name", "type"]));

/// `PATCH sdns/{id}`.
pub(crate) const SDN_EDIT: Schema = Schema::Object(&closed(SDN_FIELDS, &[]));

const NETS: Schema =
    Schema::MapOf { of: &Schema::Either(&[&NAME, &Schema::Null]), is_filled: true };
const DEPLOYMENT_METHODS: Schema = Schema::Object(&Fields {
    fields: &[
        ("helm-chart", &Schema::Bool),
        ("juju-bundle", &Schema::Bool),
        ("helm-chart-v3", &Schema::Bool),
    ],
    required: &[],
    is_closed: true,
    min: 2,
});
const DEPLOYMENT_METHODS_19: Schema = Schema::Object(&Fields {
    fields: &[("juju-bundle", &Schema::Bool), ("helm-chart-v3", &Schema::Bool)],
    required: &[],
    is_closed: true,
    min: 2,
});
const METHODS: Schema =
    Schema::Of(
        |release| {
            if release.has_helm_2() { &DEPLOYMENT_METHODS } else { &DEPLOYMENT_METHODS_19 }
        },
    );
const K8S_REQUIRED: &[&str] = &["name", "credentials", "vim_account", "k8s_version", "nets"];
const K8S_NEW_8: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("credentials", &Schema::AnyObject),
        ("vim_account", &ID),
        ("k8s_version", &TEXT),
        ("nets", &NETS),
        ("namespace", &NAME),
        ("cni", &SHORT_NAMES),
    ],
    K8S_REQUIRED,
));
const K8S_NEW_LATER: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("credentials", &Schema::AnyObject),
        ("vim_account", &ID),
        ("vca_id", &ID),
        ("k8s_version", &TEXT),
        ("nets", &NETS),
        ("deployment_methods", &METHODS),
        ("namespace", &NAME),
        ("cni", &SHORT_NAMES),
    ],
    K8S_REQUIRED,
));
const K8S_EDIT_8: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("credentials", &Schema::AnyObject),
        ("vim_account", &ID),
        ("k8s_version", &TEXT),
        ("nets", &NETS),
        ("namespace", &NAME),
        ("cni", &SHORT_NAMES),
    ],
    &[],
));
const K8S_EDIT_LATER: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("credentials", &Schema::AnyObject),
        ("vim_account", &ID),
        ("vca_id", &ID),
        ("k8s_version", &TEXT),
        ("nets", &NETS),
        ("namespace", &NAME),
        ("cni", &SHORT_NAMES),
    ],
    &[],
));

/// `POST k8sclusters`.
pub(crate) const K8S_NEW: Schema =
    Schema::Of(|release| if release.has_vca() { &K8S_NEW_LATER } else { &K8S_NEW_8 });

/// `PATCH k8sclusters/{id}`.
pub(crate) const K8S_EDIT: Schema =
    Schema::Of(|release| if release.has_vca() { &K8S_EDIT_LATER } else { &K8S_EDIT_8 });

const ENDPOINTS: Schema = Schema::List { of: &DESCRIPTION, min: 1 };

/// `POST vca`.
pub(crate) const VCA_NEW: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("endpoints", &ENDPOINTS),
        ("user", &TEXT),
        ("secret", &PASSWORD),
        ("cacert", &LONG_DESCRIPTION),
        ("lxd-cloud", &SHORT_NAME),
        ("lxd-credentials", &SHORT_NAME),
        ("k8s-cloud", &SHORT_NAME),
        ("k8s-credentials", &SHORT_NAME),
        ("model-config", &Schema::AnyObject),
    ],
    &[
        "name",
        "endpoints",
        "user",
        "secret",
        "cacert",
        "lxd-cloud",
        "lxd-credentials",
        "k8s-cloud",
        "k8s-credentials",
    ],
));

/// `PATCH vca/{id}`.
pub(crate) const VCA_EDIT: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("endpoints", &ENDPOINTS),
        ("port", &INTEGER_1),
        ("user", &TEXT),
        ("secret", &PASSWORD),
        ("cacert", &LONG_DESCRIPTION),
        ("lxd-cloud", &SHORT_NAME),
        ("lxd-credentials", &SHORT_NAME),
        ("k8s-cloud", &SHORT_NAME),
        ("k8s-credentials", &SHORT_NAME),
        ("model-config", &Schema::AnyObject),
    ],
    &[],
));

const REPO_REQUIRED: &[&str] = &["name", "type", "url"];
const K8S_REPO_TYPE: Schema = Schema::OneOf(&["helm-chart", "juju-bundle"]);
const K8S_REPO_FIELDS: &[Field] = &[
    ("name", &NAME),
    ("description", &DESCRIPTION),
    ("type", &K8S_REPO_TYPE),
    ("url", &DESCRIPTION),
];
const K8S_REPO_FIELDS_19: &[Field] = &[
    ("name", &NAME),
    ("description", &DESCRIPTION),
    ("type", &K8S_REPO_TYPE),
    ("url", &DESCRIPTION),
    ("cacert", &LONG_DESCRIPTION),
    ("user", &TEXT),
    ("password", &PASSWORD),
    ("oci", &Schema::Bool),
];
const K8S_REPO_NEW_8: Schema = Schema::Object(&closed(K8S_REPO_FIELDS, REPO_REQUIRED));
const K8S_REPO_NEW_19: Schema = Schema::Object(&closed(K8S_REPO_FIELDS_19, REPO_REQUIRED));
const K8S_REPO_EDIT_8: Schema = Schema::Object(&closed(K8S_REPO_FIELDS, &[]));
const K8S_REPO_EDIT_19: Schema = Schema::Object(&closed(K8S_REPO_FIELDS_19, &[]));

/// `POST k8srepos`.
pub(crate) const K8S_REPO_NEW: Schema =
    Schema::Of(
        |release| {
            if release.has_repo_credentials() { &K8S_REPO_NEW_19 } else { &K8S_REPO_NEW_8 }
        },
    );

/// Changes of a K8s repository, for which there is no URL.
pub(crate) const K8S_REPO_EDIT: Schema =
    Schema::Of(
        |release| {
            if release.has_repo_credentials() { &K8S_REPO_EDIT_19 } else { &K8S_REPO_EDIT_8 }
        },
    );

const OSM_REPO_FIELDS: &[Field] = &[
    ("name", &NAME),
    ("description", &DESCRIPTION),
    ("type", &Schema::OneOf(&["osm"])),
    ("url", &DESCRIPTION),
];

/// `POST osmrepos`.
pub(crate) const OSM_REPO_NEW: Schema = Schema::Object(&closed(OSM_REPO_FIELDS, REPO_REQUIRED));

/// `PATCH osmrepos/{id}`.
pub(crate) const OSM_REPO_EDIT: Schema = Schema::Object(&closed(OSM_REPO_FIELDS, &[]));
