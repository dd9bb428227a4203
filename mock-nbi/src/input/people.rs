//! Bodies of users, projects and roles.

use super::common::{ID, INTEGER_0, PASSWORD, SHORT_NAME, SHORT_NAMES, TEXT, closed};
use crate::schema::{Pattern, Schema};

/// Characters of which a password needs one. Source: OSM NBI `validation.py`, release 19.
const SPECIAL: &str = "!@#$%^&*()-_=+{};:,<.>";
const STRONG_PATTERN: Pattern = Pattern {
    text: "^.*(?=.{8,})((?=.*[!@#$%^&*()\\-_=+{};:,<.>]){1})(?=.*\\d)((?=.*[a-z]){1})((?=.*[A-Z]){1}).*$",
    matches: is_strong,
};
const EMAIL_PATTERN: Pattern =
    Pattern { text: "^[a-zA-Z0-9+_.-]+@[a-zA-Z0-9.-]+$", matches: is_email };

const STRONG_PASSWORD: Schema =
    Schema::Text { max: usize::MAX, may_be_empty: true, pattern: Some(&STRONG_PATTERN) };
const EMAIL: Schema = Schema::Text { max: 320, may_be_empty: false, pattern: Some(&EMAIL_PATTERN) };

const MAPPING_FIELDS: &[(&str, &Schema)] = &[("project", &SHORT_NAME), ("role", &SHORT_NAME)];
const MAPPING: Schema = Schema::Object(&closed(MAPPING_FIELDS, &["project", "role"]));
const MAPPING_OR_PROJECT: Schema = Schema::Object(&closed(MAPPING_FIELDS, &["project"]));
const MAPPINGS: Schema = Schema::List { of: &MAPPING, min: 1 };
const MAPPINGS_OR_PROJECTS: Schema = Schema::List { of: &MAPPING_OR_PROJECT, min: 1 };

const USER_NEW_8: Schema = Schema::Object(&closed(
    &[
        ("username", &SHORT_NAME),
        ("domain_name", &SHORT_NAME),
        ("password", &PASSWORD),
        ("projects", &SHORT_NAMES),
        ("project_role_mappings", &MAPPINGS),
    ],
    &["username", "password"],
));
const USER_NEW_19: Schema = Schema::Object(&closed(
    &[
        ("username", &TEXT),
        ("email_id", &EMAIL),
        ("domain_name", &SHORT_NAME),
        ("password", &STRONG_PASSWORD),
        ("projects", &SHORT_NAMES),
        ("project_role_mappings", &MAPPINGS),
    ],
    &["username", "password"],
));
const PROJECT_CHANGES: Schema = Schema::Either(&[&SHORT_NAMES, &Schema::ListEdits]);
const USER_EDIT_8: Schema = Schema::Object(
    &closed(
        &[
            ("password", &PASSWORD),
            ("username", &SHORT_NAME),
            ("projects", &PROJECT_CHANGES),
            ("project_role_mappings", &MAPPINGS),
            ("add_project_role_mappings", &MAPPINGS),
            ("remove_project_role_mappings", &MAPPINGS_OR_PROJECTS),
        ],
        &[],
    )
    .at_least(1),
);
const USER_EDIT_19: Schema = Schema::Object(
    &closed(
        &[
            ("password", &STRONG_PASSWORD),
            ("email_id", &EMAIL),
            ("old_password", &PASSWORD),
            ("username", &TEXT),
            ("projects", &PROJECT_CHANGES),
            ("project_role_mappings", &MAPPINGS),
            ("add_project_role_mappings", &MAPPINGS),
            ("remove_project_role_mappings", &MAPPINGS_OR_PROJECTS),
            ("system_admin_id", &ID),
            ("unlock", &Schema::Bool),
            ("renew", &Schema::Bool),
        ],
        &[],
    )
    .at_least(1),
);

/// `POST users`.
pub(crate) const USER_NEW: Schema =
    Schema::Of(|release| if release.has_strong_passwords() { &USER_NEW_19 } else { &USER_NEW_8 });

/// `PATCH users/{id}`.
pub(crate) const USER_EDIT: Schema =
    Schema::Of(|release| if release.has_strong_passwords() { &USER_EDIT_19 } else { &USER_EDIT_8 });

/// A project's quotas.
const fn quotas(most: &'static Schema) -> [(&'static str, &'static Schema); 14] {
    [
        ("vnfds", most),
        ("nsds", most),
        ("slice_templates", most),
        ("pduds", most),
        ("ns_instances", most),
        ("slice_instances", most),
        ("vim_accounts", most),
        ("wim_accounts", most),
        ("sdn_controllers", most),
        ("k8sclusters", most),
        ("vca", most),
        ("k8srepos", most),
        ("osmrepos", most),
        ("ns_subscriptions", most),
    ]
}

const QUOTAS: Schema = Schema::Object(&closed(&quotas(&INTEGER_0), &[]));
const QUOTA_OR_NULL: Schema = Schema::Either(&[&INTEGER_0, &Schema::Null]);
const QUOTA_CHANGES: Schema = Schema::Object(&closed(&quotas(&QUOTA_OR_NULL), &[]));

/// `POST projects`.
pub(crate) const PROJECT_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &SHORT_NAME),
        ("admin", &Schema::Bool),
        ("domain_name", &SHORT_NAME),
        ("quotas", &QUOTAS),
    ],
    &["name"],
));

/// `PATCH projects/{id}`.
pub(crate) const PROJECT_EDIT: Schema = Schema::Object(
    &closed(&[("admin", &Schema::Bool), ("name", &SHORT_NAME), ("quotas", &QUOTA_CHANGES)], &[])
        .at_least(1),
);

/// `POST roles`.
pub(crate) const ROLE_NEW: Schema = Schema::Object(&closed(
    &[
        ("name", &SHORT_NAME),
        ("permissions", &Schema::MapOf { of: &Schema::Bool, is_filled: false }),
    ],
    &["name"],
));
const BOOL_OR_NULL: Schema = Schema::Either(&[&Schema::Bool, &Schema::Null]);

/// `PATCH roles/{id}`.
pub(crate) const ROLE_EDIT: Schema = Schema::Object(
    &closed(
        &[
            ("name", &SHORT_NAME),
            ("permissions", &Schema::MapOf { of: &BOOL_OR_NULL, is_filled: false }),
        ],
        &[],
    )
    .at_least(1),
);

/// Whether some rest of one line has eight characters, and among them a special one, a digit, a
/// small and a capital letter.
fn is_strong(text: &str) -> bool {
    // `.` stops at a line end, and the whole text must be one line (a last line end is let pass).
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.contains('\n') {
        return false;
    }
    // The look-aheads look at what follows one place; the first place sees most.
    line.chars().count() >= 8
        && line.contains(|c| SPECIAL.contains(c))
        && line.contains(|c: char| c.is_numeric())
        && line.contains(|c: char| c.is_ascii_lowercase())
        && line.contains(|c: char| c.is_ascii_uppercase())
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else {
        return false;
    };
    let is_common = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    !name.is_empty()
        && !host.is_empty()
        && name.chars().all(|c| is_common(c) || "+_".contains(c))
        && host.chars().all(is_common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_passwords_are_those_that_the_pattern_takes() {
        for strong in ["Passw0rd!Ok", "aA1-aaaa", "........aA1"] {
            assert!(is_strong(strong), "{strong}");
        }
        for weak in ["weak", "aA1-aaa", "passw0rd!ok", "PASSW0RD!OK", "Password!Ok", "Passw0rdOk"] {
            assert!(!is_strong(weak), "{weak}");
        }
    }

    #[test]
    fn an_email_has_one_at_sign_and_plain_characters() {
        assert!(is_email("a.b+c@d-e.f"));
        for bad in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b_c"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
