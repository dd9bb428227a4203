//! Roles: made, changed, removed.
//!
//! Source: OSM NBI `admin_topics.py`, `RoleTopicAuth`; NBI_FACTS.md section 6.

use serde_json::{Value, json};

use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::people;
use crate::state::session::Session;

/// Roles that nobody changes or removes.
const BUILT_IN: [&str; 2] = ["system_admin", "project_admin"];

impl State {
    /// Makes a role; gives its id. `is_known` says whether there is such a permission.
    ///
    /// # Errors
    /// 422 by schema, for an unknown permission or a name like a UUID; 409 for a name in use.
    pub(crate) fn create_role(
        &mut self,
        body: &Value,
        is_known: impl Fn(&str) -> bool,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(body, &input::ROLE_NEW, self.release, "")?;
        check_permissions(body, is_known)?;
        let name = text(body, "name");
        check_name(name)?;
        if people::named(&self.db, Collection::Roles, name).is_some() {
            return Err(Problem::conflict(format!("role name '{name}' exists")));
        }
        let mut role = body.clone();
        set(&mut role, "_admin", json!({"created": now, "modified": now}));
        complete(&mut role);
        let id = self.ids.uuid();
        set(&mut role, "_id", id.as_str());
        self.db.put(Collection::Roles, role);
        Ok(id)
    }

    /// Changes a role: objects are merged, nulls remove.
    ///
    /// # Errors
    /// 404 unknown, 422 as when made, 403 for a built-in role, 409 for a name in use.
    pub(crate) fn edit_role(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        is_known: impl Fn(&str) -> bool,
        now: f64,
    ) -> Result<(), Problem> {
        let old = self.shown_role(session, id)?;
        schema::check(patch, &input::ROLE_EDIT, self.release, "")?;
        check_permissions(patch, is_known)?;
        let new_name = patch.get("name").and_then(Value::as_str);
        check_name(new_name.unwrap_or_default())?;
        let name = text(&old, "name");
        if BUILT_IN.contains(&name) {
            return Err(Problem::new(
                http::StatusCode::FORBIDDEN,
                format!("You cannot rename role '{name}'"),
            ));
        }
        if let Some(new_name) = new_name
            && let Some(other) = people::named(&self.db, Collection::Roles, new_name)
            && text(&other, people::key_of(Collection::Roles, id)) != id
        {
            return Err(Problem::conflict(format!("role name '{new_name}' exists")));
        }
        let mut role = old;
        deep_update(&mut role, patch)?;
        complete(&mut role);
        set(admin_of(&mut role), "modified", now);
        self.db.put(Collection::Roles, role);
        self.tokens.forget_rights();
        Ok(())
    }

    /// Removes a role and the tokens that have it.
    ///
    /// # Errors
    /// 404 unknown, 403 for a built-in role, 409 while a user has it, unless forced.
    pub(crate) fn delete_role(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let role =
            people::find(&self.db, Collection::Roles, id).ok_or_else(|| not_found_role(id))?;
        let (role_id, name) = (text(&role, "_id"), text(&role, "name"));
        if BUILT_IN.contains(&name) {
            return Err(Problem::new(
                http::StatusCode::FORBIDDEN,
                format!("You cannot delete role '{name}'"),
            ));
        }
        if !session.force
            && let Some(username) = self.user_with("role", role_id)
        {
            return Err(Problem::conflict(format!(
                "Role '{name}' ({role_id}) is being used by user '{username}'"
            )));
        }
        self.db.remove(Collection::Roles, role_id);
        self.tokens.remove_of_role(role_id);
        self.tokens.forget_rights();
        Ok(())
    }

    /// The role with this id or name, if the session may see it.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn shown_role(&self, session: &Session, id: &str) -> Result<Value, Problem> {
        people::find(&self.db, Collection::Roles, id)
            .filter(|role| self.sees_role(session, role))
            .ok_or_else(|| not_found_role(id))
    }

    /// Whether a list of roles shows this one.
    pub(crate) fn sees_role(&self, session: &Session, role: &Value) -> bool {
        session.sees_everyone || self.has_mapping(session, "role", &role["_id"])
    }

    /// The first user with a mapping of which `key` is `id`.
    pub(crate) fn user_with(&self, key: &str, id: &str) -> Option<String> {
        let place = format!("project_role_mappings.{key}");
        let user = self.db.with(Collection::Users, &place, id).next()?;
        Some(text(&user, "username").to_owned())
    }

    /// Whether the session's user has a mapping of which `key` is `id`.
    pub(crate) fn has_mapping(&self, session: &Session, key: &str, id: &Value) -> bool {
        self.db.get(Collection::Users, &session.user_id).is_some_and(|user| {
            list(&user, "project_role_mappings").iter().any(|mapping| &mapping[key] == id)
        })
    }
}

fn not_found_role(id: &str) -> Problem {
    let filter = people::filter(Collection::Roles, id);
    Problem::not_found(format!("Not found any role with filter {filter}"))
}

fn check_name(name: &str) -> Result<(), Problem> {
    if people::is_uuid(name) {
        return Err(Problem::unprocessable(format!(
            "role name '{name}' cannot have an uuid format"
        )));
    }
    Ok(())
}

fn check_permissions(body: &Value, is_known: impl Fn(&str) -> bool) -> Result<(), Problem> {
    let permissions = body.get("permissions").and_then(Value::as_object);
    for name in permissions.into_iter().flat_map(|permissions| permissions.keys()) {
        if name.is_empty() {
            return Err(Problem::bad_request("string index out of range"));
        }
        if matches!(name.as_str(), "admin" | "default") {
            continue;
        }
        if name.ends_with(':') {
            return Err(Problem::unprocessable("Operation cannot end with ':'"));
        }
        if !is_known(name) {
            return Err(Problem::unprocessable(format!("Invalid permission '{name}'")));
        }
    }
    Ok(())
}

/// Adds the two entries that every role has.
fn complete(role: &mut Value) {
    if role.get("permissions").is_none_or(|permissions| !permissions.is_object()) {
        set(role, "permissions", json!({}));
    }
    let permissions = &mut role["permissions"];
    for key in ["default", "admin"] {
        if permissions.get(key).is_none() {
            set(permissions, key, false);
        }
    }
}
