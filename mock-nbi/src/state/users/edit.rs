//! Changes of users.
//!
//! Source: OSM NBI `admin_topics.py`, `UserTopicAuth.edit`, and `authconn_internal.py`,
//! `update_user`.

use http::StatusCode;
use serde_json::{Value, json};

use super::{ACCOUNT_DAYS, ATTEMPTS_MAX, DAY_SECONDS, PASSWORD_DAYS};
use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::passwords;
use crate::state::people;
use crate::state::session::Session;

/// What came of a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    Done,
    /// Nothing was asked that changes something. OSM then answers with the id as if it were that of
    /// an operation.
    Nothing,
}

/// Keys of which one must be given for anything to happen.
const EFFECTIVE: [&str; 7] = [
    "remove_project_role_mappings",
    "add_project_role_mappings",
    "project_role_mappings",
    "projects",
    "unlock",
    "renew",
    "email_id",
];

impl State {
    /// Changes name, password, mappings or account of a user.
    ///
    /// # Errors
    /// 404 unknown; 422 by schema; 409 for a name in use or a password used before; 403 for taking
    /// `system_admin` from `admin`; 400 for what only the user itself may change.
    pub(crate) fn edit_user(
        &mut self,
        session: &Session,
        id: &str,
        change: &Value,
        now: f64,
    ) -> Result<Edited, Problem> {
        let shown = self.shown_user(session, id)?;
        schema::check(change, &input::USER_EDIT, self.release, "")?;
        self.check_user_change(&shown, change)?;
        let is_effective = ["password", "username"].iter().any(|key| change.get(key).is_some())
            || EFFECTIVE.iter().any(|key| is_filled(change.get(key)));
        if !is_effective {
            return Ok(Edited::Nothing);
        }
        let change = self.in_new_style(change, text(&shown, "username"))?;
        self.check_privileges(session, id, &change)?;
        let changes = self.mapping_changes(&shown, &change)?;
        let mut user = people::find(&self.db, Collection::Users, id)
            .ok_or_else(|| people::not_in_db(Collection::Users, id))?;
        self.change_account(&mut user, &change, now)?;
        set(admin_of(&mut user), "modified", now);
        for key in ["username", "email_id"] {
            if is_filled(change.get(key)) {
                set(&mut user, key, change[key].clone());
            }
        }
        let password = text(&change, "password").to_owned();
        // OSM takes 64 hexadecimal digits (in truth, any 64 characters) for a hash.
        if !password.is_empty() && password.chars().count() != 64 {
            self.change_password(&mut user, &password, now)?;
        }
        let mut mappings = list(&user, "project_role_mappings").to_vec();
        mappings.extend(changes.added);
        for removed in &changes.removed {
            let at = mappings.iter().position(|mapping| {
                mapping["project"] == removed["project"] && mapping["role"] == removed["role"]
            });
            at.map(|at| mappings.remove(at));
        }
        let has_lost_all = mappings.is_empty();
        set(&mut user, "project_role_mappings", mappings);
        let user_id = text(&user, "_id").to_owned();
        let loses_tokens = !changes.removed.is_empty()
            && (!self.release.has_strong_passwords()
                || has_lost_all
                || self.leaves_own_project(session, &change));
        self.db.put(Collection::Users, user);
        if loses_tokens {
            self.tokens.remove_of_user(&user_id);
        }
        self.tokens.forget_rights();
        Ok(Edited::Done)
    }

    fn check_user_change(&self, shown: &Value, change: &Value) -> Result<(), Problem> {
        if let Some(username) = change.get("username").and_then(Value::as_str) {
            if people::is_uuid(username) {
                return Err(Problem::unprocessable(format!(
                    "username '{username}' cannot have an uuid format"
                )));
            }
            self.check_username_is_free(username)?;
        }
        let takes_admin = |mapping: &Value| {
            text(mapping, "project") == "admin"
                && matches!(text(mapping, "role"), "" | "system_admin")
        };
        let removed = list(change, "remove_project_role_mappings");
        if text(shown, "username") == "admin" && removed.iter().any(takes_admin) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "You cannot remove system_admin role from admin user",
            ));
        }
        Ok(())
    }

    /// The change with `projects`, the older way, turned into mappings.
    fn in_new_style(&self, change: &Value, username: &str) -> Result<Value, Problem> {
        let is_given = |key: &str| is_filled(change.get(key));
        if is_given("project_role_mappings")
            && (is_given("remove_project_role_mappings") || is_given("add_project_role_mappings"))
        {
            return Err(Problem::bad_request(
                "Option 'project_role_mappings' is incompatible with \
                 'add_project_role_mappings' or 'remove_project_role_mappings'",
            ));
        }
        let mut change = change.clone();
        if !is_given("projects") {
            return Ok(change);
        }
        let role = self.default_role(username)?;
        let mut added = list(&change, "add_project_role_mappings").to_vec();
        let mut removed = list(&change, "remove_project_role_mappings").to_vec();
        match &change["projects"] {
            Value::Object(edits) => {
                for (key, value) in edits {
                    if value.is_null() {
                        removed.push(json!({"project": key.trim_start_matches('$')}));
                    } else if key.starts_with("$+") {
                        added.push(json!({"project": value, "role": role}));
                    }
                }
            }
            projects => {
                for project in projects.as_array().into_iter().flatten() {
                    added.push(json!({"project": project, "role": role}));
                }
            }
        }
        set(&mut change, "add_project_role_mappings", added);
        set(&mut change, "remove_project_role_mappings", removed);
        Ok(change)
    }

    /// Who may change what, since release 19.
    fn check_privileges(&self, session: &Session, id: &str, change: &Value) -> Result<(), Problem> {
        if !self.release.has_strong_passwords() {
            return Ok(());
        }
        let maps = EFFECTIVE[..3].iter().any(|key| is_filled(change.get(key)));
        if maps && !self.may_map(session) {
            return Err(Problem::unprocessable(format!(
                "User {} has no privileges to edit or delete project-role mappings",
                session.username
            )));
        }
        let is_trusted = session.is_admin_user || is_filled(change.get("system_admin_id"));
        let is_own = id == session.user_id;
        if is_filled(change.get("password")) && !is_trusted {
            if !is_own {
                return Err(Problem::bad_request(
                    "You are not allowed to change other users password",
                ));
            }
            if !is_filled(change.get("old_password")) {
                return Err(Problem::bad_request(
                    "Password change requires old password or admin ID",
                ));
            }
        }
        if is_filled(change.get("username")) && !is_trusted && !is_own {
            return Err(Problem::bad_request("You are not allowed to change other users username"));
        }
        Ok(())
    }

    /// Whether a role of the session's user, in whatever project, lets it change roles.
    fn may_map(&self, session: &Session) -> bool {
        let user = self.db.get(Collection::Users, &session.user_id);
        user.is_some_and(|user| {
            list(&user, "project_role_mappings").iter().any(|mapping| {
                let role = self.db.get(Collection::Roles, text(mapping, "role"));
                role.is_some_and(|role| {
                    let permissions = &role["permissions"];
                    let roles = permissions.get("roles").and_then(Value::as_bool);
                    roles.unwrap_or(permissions["default"] == true)
                })
            })
        })
    }

    /// Unlocks or renews an account, which takes the id of an administrator.
    fn change_account(&self, user: &mut Value, change: &Value, now: f64) -> Result<(), Problem> {
        if !self.release.has_strong_passwords() {
            return Ok(());
        }
        if let Some(old) = change.get("old_password").and_then(Value::as_str)
            && !passwords::is_right(user, old)
        {
            return Err(Problem::conflict("Incorrect password"));
        }
        for what in ["unlock", "renew"] {
            if change.get(what) != Some(&Value::Bool(true)) {
                continue;
            }
            let by = text(change, "system_admin_id");
            self.check_administrator(by, what)?;
            let admin = admin_of(user);
            if what == "unlock" {
                set(admin, "retry_count", 0);
                let ends = admin.get("account_expire_time").and_then(Value::as_f64);
                let Some(ends) = ends else {
                    return Err(Problem::bad_request("'account_expire_time'"));
                };
                set(admin, "user_status", if now > ends { "expired" } else { "active" });
            } else {
                set(admin, "modified", now);
                set(admin, "account_expire_time", now + ACCOUNT_DAYS * DAY_SECONDS);
                let retries = admin.get("retry_count").and_then(Value::as_i64).unwrap_or_default();
                let status = if retries >= ATTEMPTS_MAX { "locked" } else { "active" };
                set(admin, "user_status", status);
            }
        }
        Ok(())
    }

    fn check_administrator(&self, id: &str, what: &str) -> Result<(), Problem> {
        if id.is_empty() {
            return Err(Problem::conflict(format!(
                "system_admin_id is the required field to {what} the user"
            )));
        }
        let user = people::find(&self.db, Collection::Users, id)
            .ok_or_else(|| people::not_in_db(Collection::Users, id))?;
        let roles: Vec<String> = list(&user, "project_role_mappings")
            .iter()
            .map(|mapping| text(mapping, "role").to_owned())
            .collect();
        if self.is_system_admin(&roles) {
            return Ok(());
        }
        Err(Problem::conflict(format!(
            "User '{id}' does not have the privilege to {what} the user"
        )))
    }

    fn change_password(
        &mut self,
        user: &mut Value,
        password: &str,
        now: f64,
    ) -> Result<(), Problem> {
        if !self.release.has_strong_passwords() {
            passwords::store(user, password, &mut self.ids, self.release);
            return Ok(());
        }
        let mut history = list(&user["_admin"], "password_history").to_vec();
        for old in &history {
            // OSM appends lists to its list, and stumbles over them at the next change.
            let Some(old) = old.as_str() else {
                return Err(Problem::bad_request("fromhex() argument must be str, not list"));
            };
            if passwords::is_hash_of(old, password) {
                return Err(Problem::conflict("Password is used before"));
            }
        }
        passwords::store(user, password, &mut self.ids, self.release);
        history.push(json!([user["password"]]));
        let is_admin = text(user, "username") == "admin";
        let admin = admin_of(user);
        set(admin, "password_history", history);
        if self.release.has_user_management() && !is_admin {
            set(admin, "modified", now);
            set(admin, "password_expire_time", now + PASSWORD_DAYS * DAY_SECONDS);
        }
        Ok(())
    }

    /// Whether a removed mapping names, by name, the project of the session.
    fn leaves_own_project(&self, session: &Session, change: &Value) -> bool {
        let project = session.project_id.as_deref();
        let project = project.and_then(|id| self.db.get(Collection::Projects, id));
        project.is_some_and(|project| {
            list(change, "remove_project_role_mappings")
                .iter()
                .any(|mapping| mapping["project"] == project["name"])
        })
    }
}

fn is_filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Bool(true) | Value::Number(_)) => true,
    }
}
