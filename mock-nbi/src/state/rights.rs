//! What roles allow.
//!
//! Source: OSM NBI `auth.py` of releases 8 and 19, `check_permissions` and
//! `load_operation_to_allowed_roles`; recorded case `roles_enforced`.

use serde_json::Value;

use crate::problem::Problem;
use crate::state::db::{Collection, Db, list, text};
use crate::state::people::{self, is_uuid};

/// A role of this name opens what it allows to every token.
const ANONYMOUS: &str = "anonymous";
/// What everyone may list and read; the lists then show only what is the user's own.
const OPEN_TO_ALL: [&str; 5] =
    ["projects:get", "projects:id:get", "roles:get", "roles:id:get", "users:get"];

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// `vnfds:id:get`.
    pub(crate) permission: &'a str,
    /// What its query words need: `force:delete`.
    pub(crate) words: &'a [String],
    /// The method that was sent, whatever `?METHOD=` says.
    pub(crate) method: &'a str,
    /// The id in the URL.
    pub(crate) item_id: Option<&'a str>,
}

/// What a token may do, as far as one request is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Whether it may act for other projects.
    pub(crate) is_admin: bool,
    /// Whether lists of users, projects and roles are whole, not just what is the user's own.
    pub(crate) sees_everyone: bool,
}

/// Looks up what the roles of `token` allow. The roles count by the names they had when the token
/// was made.
///
/// # Errors
/// 401 with the text for a lack of permission, or for query words beyond it.
pub(crate) fn check(db: &Db, token: &Value, asked: &Asked) -> Result<Rights, Problem> {
    let roles: Vec<Value> =
        list(token, "roles").iter().filter_map(|role| role_named(db, text(role, "name"))).collect();
    let admin = format!("admin:{}", asked.method.to_lowercase());
    let is_admin = roles.iter().any(|role| allows(role, &admin));
    let whole = Rights { is_admin, sees_everyone: true };
    if role_named(db, ANONYMOUS).is_some_and(|role| allows(&role, asked.permission)) {
        return Ok(whole);
    }
    let fitting: Vec<&Value> = roles.iter().filter(|role| allows(role, asked.permission)).collect();
    if fitting.iter().any(|role| asked.words.iter().all(|word| allows(role, word))) {
        return Ok(whole);
    }
    let own = |item_id: &str| {
        let key = if is_uuid(item_id) { "user_id" } else { "username" };
        text(token, key) == item_id
    };
    let is_open = OPEN_TO_ALL.contains(&asked.permission)
        || (asked.permission == "users:id:get" && asked.item_id.is_some_and(own));
    if is_open {
        return Ok(Rights { is_admin, sees_everyone: false });
    }
    Err(Problem::unauthorized(if fitting.is_empty() {
        "Access denied: lack of permissions."
    } else {
        "Access denied: You have not permissions to use these admin query string"
    }))
}

fn role_named(db: &Db, name: &str) -> Option<Value> {
    people::named(db, Collection::Roles, name)
}

/// Whether a role allows one operation: of its entries that the operation's name begins with, the
/// one with most colons decides, the later of two; without any, `default` does.
pub(crate) fn allows(role: &Value, operation: &str) -> bool {
    let Some(permissions) = role.get("permissions").and_then(Value::as_object) else {
        return false;
    };
    let colons = |key: &str| key.matches(':').count();
    permissions
        .iter()
        .filter(|(key, _)| key.as_str() != "default" && operation.starts_with(key.as_str()))
        .max_by_key(|(key, _)| colons(key))
        .map(|(_, value)| value)
        .or_else(|| permissions.get("default"))
        == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_role(permissions: &Value, allowed: &[&str], refused: &[&str]) {
        let role = json!({"name": "r", "permissions": permissions});
        for operation in allowed {
            assert!(allows(&role, operation), "{operation} is allowed by {permissions}");
        }
        for operation in refused {
            assert!(!allows(&role, operation), "{operation} is refused by {permissions}");
        }
    }

    #[test]
    fn the_most_exact_entry_decides_and_default_the_rest() {
        check_role(
            &json!({"default": true, "vnfds": false, "vnfds:id": true, "vnfds:id:delete": false}),
            &["nsds:get", "vnfds:id:get", "force:post"],
            &["vnfds:get", "vnfds:post", "vnfds:id:delete"],
        );
        check_role(&json!({"vnfds:get": true}), &["vnfds:get"], &["vnfds:id:get", "nsds:get"]);
    }

    #[test]
    fn entries_are_prefixes_of_text_not_of_words() {
        // So does OSM: `k8scluster` of release 19 rules over `k8sclusters` too.
        check_role(
            &json!({"default": false, "k8scluster": true}),
            &["k8sclusters:get", "k8scluster:id:get"],
            &["k8srepos:get"],
        );
    }

    #[test]
    fn admin_needs_its_own_entry_or_the_default() {
        check_role(&json!({"default": true, "admin": false}), &["force:get"], &["admin:get"]);
        check_role(&json!({"default": true}), &["admin:get"], &[]);
    }
}
