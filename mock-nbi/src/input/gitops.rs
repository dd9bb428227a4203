//! Bodies of clusters, node groups, profiles, KSUs, application instances and OKAs.
//!
//! Source: OSM NBI `validation.py` of release 19.

use super::common::{
    DESCRIPTION, FREE_TEXT, ID, INTEGER_0, NAME, SCHEMA_VERSION, TEXT as STRING, closed, opened,
};
use crate::schema::{Pattern, Schema};

const OBJECT: Schema = Schema::AnyObject;

const SUBNET_PATTERN: Pattern = Pattern {
    text: "^subnet-[a-f0-9]+$",
    matches: |text| {
        text.strip_prefix("subnet-").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9'))
        })
    },
};
const SUBNET: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&SUBNET_PATTERN) };
const SUBNETS: Schema = Schema::All(&[&Schema::List { of: &SUBNET, min: 0 }, &Schema::Distinct]);

const IAM_ROLE_PATTERN: Pattern = Pattern {
    text: "^arn:aws:iam::\\d{12}:role\\/[A-Za-z0-9]+$",
    matches: |text| {
        let rest = text.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":role/"));
        rest.is_some_and(|(account, role)| {
            account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && !role.is_empty()
                && role.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    },
};
const IAM_ROLE: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&IAM_ROLE_PATTERN) };

const PROFILE_TYPE: Schema = Schema::Word(&[
    "infra_controller_profiles",
    "infra_config_profiles",
    "app_profiles",
    "resource_profiles",
]);

/// `POST clusters`.
pub(crate) const CLUSTER_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("vim_account", &STRING),
        ("k8s_version", &STRING),
        ("node_size", &STRING),
        ("node_count", &INTEGER_0),
        ("description", &DESCRIPTION),
        ("region_name", &STRING),
        ("resource_group", &STRING),
        ("bootstrap", &Schema::Bool),
        ("private_subnet", &SUBNETS),
        ("public_subnet", &SUBNETS),
        ("iam_role", &IAM_ROLE),
        ("config", &OBJECT),
    ],
    &["vim_account", "name", "k8s_version"],
));

/// `POST clusters/register`.
pub(crate) const CLUSTER_REGISTER: Schema = Schema::Object(&closed(
    &[
        ("schema_version", &SCHEMA_VERSION),
        ("schema_type", &FREE_TEXT),
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("credentials", &OBJECT),
        ("vim_account", &STRING),
        ("bootstrap", &Schema::Bool),
        ("openshift", &Schema::Bool),
    ],
    &["name", "credentials", "vim_account"],
));

/// A name, a description, or both: `PATCH clusters/{id}`, profiles, `PATCH appinstances/{id}`.
pub(crate) const NAMED: Schema =
    Schema::Object(&closed(&[("name", &NAME), ("description", &STRING)], &[]));

/// `POST clusters/{id}/upgrade` and `scale`.
pub(crate) const CLUSTER_UPDATE: Schema = Schema::Object(&opened(
    &[("k8s_version", &STRING), ("node_size", &STRING), ("node_count", &INTEGER_0)],
    &[],
));

const PROFILE_IDS: Schema =
    Schema::List { of: &Schema::Object(&closed(&[("id", &ID)], &[])), min: 0 };

/// `PATCH clusters/{id}/app_profiles` and the like.
pub(crate) const PROFILES_OF_CLUSTER: Schema = Schema::Object(&closed(
    &[("add_profile", &PROFILE_IDS), ("remove_profile", &PROFILE_IDS)],
    &[],
));

/// `POST clusters/{id}/nodegroup`; that one of the subnets is there is checked before.
pub(crate) const NODE_GROUP_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("cluster_id", &ID),
        ("description", &STRING),
        ("node_count", &INTEGER_0),
        ("node_size", &STRING),
        ("private_subnet", &SUBNETS),
        ("public_subnet", &SUBNETS),
        ("iam_role", &IAM_ROLE),
    ],
    &["name", "cluster_id", "node_size", "node_count"],
));

/// `PATCH clusters/{id}/nodegroup/{id}` and its `scale`.
pub(crate) const NODE_GROUP_EDIT: Schema = Schema::Object(&closed(
    &[("name", &NAME), ("cluster_id", &ID), ("description", &STRING), ("node_count", &INTEGER_0)],
    &[],
));

const PROFILE_OF_KSU: Schema =
    Schema::Object(&closed(&[("profile_type", &PROFILE_TYPE), ("_id", &ID)], &[]));
const OKA_OF_KSU: Schema = Schema::Object(&closed(
    &[("_id", &ID), ("sw_catalog_path", &STRING), ("transformation", &OBJECT)],
    &[],
));

/// A KSU, new or changed.
pub(crate) const KSU: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("profile", &PROFILE_OF_KSU),
        ("oka", &Schema::List { of: &OKA_OF_KSU, min: 0 }),
    ],
    &[],
));

/// `POST appinstances`.
pub(crate) const APP_INSTANCE_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &NAME),
        ("description", &DESCRIPTION),
        ("profile", &ID),
        ("profile_type", &PROFILE_TYPE),
        ("oka", &ID),
        ("sw_catalog_path", &STRING),
        ("model", &OBJECT),
        ("params", &OBJECT),
        ("secret_params", &OBJECT),
    ],
    &["name", "profile", "profile_type"],
));

/// `POST appinstances/{id}/update`.
pub(crate) const APP_INSTANCE_UPDATE: Schema = Schema::Object(&opened(
    &[("model", &OBJECT), ("params", &OBJECT), ("secret_params", &OBJECT)],
    &[],
));

/// An OKA, new or changed.
pub(crate) const OKA: Schema = Schema::Object(&closed(
    &[("name", &NAME), ("description", &DESCRIPTION), ("profile_type", &PROFILE_TYPE)],
    &[],
));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_and_roles_of_clouds_are_told_by_their_form() {
        let check = |pattern: &Pattern, texts: &[&str], expected: bool| {
            for text in texts {
                assert_eq!((pattern.matches)(text), expected, "{text}");
            }
        };
        check(&SUBNET_PATTERN, &["subnet-0", "subnet-0af9"], true);
        check(&SUBNET_PATTERN, &["subnet-", "subnet-g", "subnet-A", "net-0", "0"], false);
        check(&IAM_ROLE_PATTERN, &["arn:aws:iam::123456789012:role/Admin1"], true);
        let wrong = [
            "arn:aws:iam::12345678901:role/Admin",
            "arn:aws:iam::1234567890123:role/Admin",
            "arn:aws:iam::12345678901x:role/Admin",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role/An-Admin",
            "arn:aws:iam::123456789012:user/Admin",
            "iam::123456789012:role/Admin",
        ];
        check(&IAM_ROLE_PATTERN, &wrong, false);
    }
}
