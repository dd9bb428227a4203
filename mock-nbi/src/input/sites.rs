//! Bodies of what OSM registers: VIM and WIM accounts, SDN controllers, clusters, VCAs, repositories.

use super::common::{
    ACCOUNT, DESCRIPTION, FREE_TEXT, Field, ID, INTEGER_1, LONG_DESCRIPTION, NAME, PASSWORD,
    SCHEMA_VERSION, SHORT_NAME, SHORT_NAMES, TEXT, closed,
};
use super::pattern::IP;
use crate::release::Release;
use crate::schema::{Gate, Pattern, Schema};

const VIM_GATES: &[Gate] = &[("vca", Release::has_vca), ("prometheus-config", Release::has_vca)];

/// `POST vim_accounts`.
pub(crate) const VIM_NEW: Schema = Schema::Gated(
    &closed(
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
            ("vim_user", &ACCOUNT),
            ("vim_password", &PASSWORD),
            ("vca", &ID),
            ("config", &Schema::AnyObject),
            ("prometheus-config", &Schema::AnyObject),
        ],
        &["name", "vim_url", "vim_type", "vim_user", "vim_password", "vim_tenant_name"],
    ),
    VIM_GATES,
);

/// `PATCH vim_accounts/{id}`.
pub(crate) const VIM_EDIT: Schema = Schema::Gated(
    &closed(
        &[
            ("name", &NAME),
            ("description", &DESCRIPTION),
            ("vim", &NAME),
            ("datacenter", &NAME),
            ("vim_type", &SHORT_NAME),
            ("vim_url", &DESCRIPTION),
            ("vim_tenant_name", &NAME),
            ("vim_user", &ACCOUNT),
            ("vim_password", &PASSWORD),
            ("vca", &ID),
            ("config", &Schema::AnyObject),
            ("prometheus-config", &Schema::AnyObject),
        ],
        &[],
    ),
    VIM_GATES,
);

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
const SDN_FIELDS: &[Field] = &[
    ("name", &NAME),
    ("type", &FREE_TEXT),
    ("url", &FREE_TEXT),
    ("user", &ACCOUNT),
    ("password", &PASSWORD),
    ("config", &Schema::AnyObject),
    ("description", &DESCRIPTION),
    ("dpid", &Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&DPID_PATTERN) }),
    ("ip", &Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IP) }),
    ("port", &Schema::IntegerTo { min: 1, max: 65534 }),
    ("version", &Schema::Text { max: 12, may_be_empty: false, pattern: None }),
];

/// `POST sdns`.
pub(crate) const SDN_NEW: Schema = Schema::Object(&closed(SDN_FIELDS, &["name", "type"]));

/// `PATCH sdns/{id}`.
pub(crate) const SDN_EDIT: Schema = Schema::Object(&closed(SDN_FIELDS, &[]));

const NETS: Schema =
    Schema::MapOf { of: &Schema::Either(&[&NAME, &Schema::Null]), is_filled: true };
const METHODS: Schema = Schema::Gated(
    &closed(
        &[
            ("helm-chart", &Schema::Bool),
            ("juju-bundle", &Schema::Bool),
            ("helm-chart-v3", &Schema::Bool),
        ],
        &[],
    )
    .at_least(2),
    &[("helm-chart", Release::has_helm_2)],
);
const K8S_GATES: &[Gate] =
    &[("vca_id", Release::has_vca), ("deployment_methods", Release::has_vca)];

/// `POST k8sclusters`.
pub(crate) const K8S_NEW: Schema = Schema::Gated(
    &closed(
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
        &["name", "credentials", "vim_account", "k8s_version", "nets"],
    ),
    K8S_GATES,
);

/// `PATCH k8sclusters/{id}`.
pub(crate) const K8S_EDIT: Schema = Schema::Gated(
    &closed(
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
    ),
    K8S_GATES,
);

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
    ("cacert", &LONG_DESCRIPTION),
    ("user", &TEXT),
    ("password", &PASSWORD),
    ("oci", &Schema::Bool),
];
const K8S_REPO_GATES: &[Gate] = &[
    ("cacert", Release::has_repo_credentials),
    ("user", Release::has_repo_credentials),
    ("password", Release::has_repo_credentials),
    ("oci", Release::has_repo_credentials),
];

/// `POST k8srepos`.
pub(crate) const K8S_REPO_NEW: Schema =
    Schema::Gated(&closed(K8S_REPO_FIELDS, REPO_REQUIRED), K8S_REPO_GATES);

/// Changes of a K8s repository, for which there is no URL.
pub(crate) const K8S_REPO_EDIT: Schema =
    Schema::Gated(&closed(K8S_REPO_FIELDS, &[]), K8S_REPO_GATES);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::check;
    use serde_json::json;

    #[test]
    fn a_dpid_is_eight_bytes_in_hexadecimal() {
        assert!((DPID_PATTERN.matches)("00:00:00:00:00:00:00:aF"));
        for other in
            ["00:00", "00:00:00:00:00:00:00", "00:00:00:00:00:00:00:0g", "", "0:0:0:0:0:0:0:0"]
        {
            assert!(!(DPID_PATTERN.matches)(other), "{other}");
        }
    }

    #[test]
    fn only_release_19_has_repositories_with_credentials() {
        let credentials = [
            ("cacert", json!("c")),
            ("user", json!("u")),
            ("password", json!("p")),
            ("oci", json!(true)),
        ];
        for (release, is_known) in
            [(Release::R8, false), (Release::R10, false), (Release::R19, true)]
        {
            for (key, value) in &credentials {
                let got = check(&json!({*key: value}), &K8S_REPO_EDIT, release, "");
                assert_eq!(got.is_ok(), is_known, "{release:?} {key}");
            }
        }
    }
}
