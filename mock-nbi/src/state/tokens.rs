//! Tokens: made, looked up, listed, taken back.
//!
//! Source: NBI_FACTS.md section 3; OSM NBI `authconn_internal.py`; recorded cases `token_*`.

mod store;

use std::time::Duration;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::python::type_name;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::people;

pub(crate) use store::Tokens;

/// Seconds that a token is good for.
pub(crate) const TOKEN_SECONDS: f64 = 3600.0;
/// A second token of one user within this many seconds is delayed ...
const THROTTLE_WINDOW_SECONDS: f64 = 2.0;
/// ... by this much.
pub(crate) const THROTTLE_DELAY: Duration = Duration::from_secs(1);

/// What a request for a token gives as proof, as it came.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) username: Value,
    pub(crate) password: Value,
    pub(crate) project: Value,
    /// The good token that came with the request.
    pub(crate) token: Option<Value>,
}

/// A new token, and how long OSM keeps the client waiting for it.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Value,
    pub(crate) delay: Duration,
}

impl State {
    /// Makes a token.
    ///
    /// # Errors
    /// 401 for bad or missing credentials, 404 for an unknown project, 400 without password.
    pub(crate) fn issue_token(
        &mut self,
        credentials: &Credentials,
        now: f64,
    ) -> Result<Issued, Problem> {
        let mut user = self.user_of(credentials, now)?;
        let admin = admin_of(&mut user);
        let last = admin.get("last_token_time").and_then(Value::as_f64);
        let retries = admin.get("retry_count").cloned().unwrap_or(Value::Null);
        set(admin, "last_token_time", now);
        if self.release.has_strong_passwords() {
            set(admin, "retry_count", 0);
        }
        let mappings = list(&user, "project_role_mappings").to_vec();
        let (user_id, username) = (user["_id"].clone(), user["username"].clone());
        self.db.put(Collection::Users, user);

        let project = self.project_of_token(&mappings, &credentials.project)?;
        let roles = self.roles_of_token(&mappings, &project)?;
        let id = self.ids.token(self.release);
        let mut token = json!({
            "issued_at": now,
            "expires": now + TOKEN_SECONDS,
            "_id": id,
            "id": id,
            "project_id": project["_id"],
            "project_name": project["name"],
            "username": username,
            "user_id": user_id,
            "admin": text(&project, "name") == "admin" || project["admin"] == true,
            "roles": roles,
        });
        if self.release.has_strong_passwords() {
            set(&mut token, "login_count", retries);
            set(&mut token, "last_login", json!(last));
            let rules = self.release.has_user_management();
            let is_admin = rules && self.is_system_admin(&roles_ids(&token));
            set(&mut token, "admin_show", is_admin);
            set(&mut token, "user_show", rules && !is_admin);
        }
        self.tokens.add(token.clone(), now);
        let is_throttled = last.is_some_and(|last| now - last < THROTTLE_WINDOW_SECONDS);
        let delay = if is_throttled { THROTTLE_DELAY } else { Duration::ZERO };
        Ok(Issued { token, delay })
    }

    fn user_of(&mut self, credentials: &Credentials, now: f64) -> Result<Value, Problem> {
        let Credentials { username, password, token, .. } = credentials;
        if is_given(username) {
            let user =
                username.as_str().and_then(|name| people::find(&self.db, Collection::Users, name));
            let Some(user) = user else {
                return Err(Problem::unauthorized("Invalid username/password"));
            };
            let user = self.check_account(user, now)?;
            let Some(password) = password.as_str() else {
                let kind = type_name(password);
                return Err(Problem::bad_request(format!(
                    "'{kind}' object has no attribute 'encode'"
                )));
            };
            return self.check_password(user, password);
        }
        let Some(token) = token else {
            return Err(Problem::unauthorized(
                "Provide credentials: username/password or Authorization Bearer token",
            ));
        };
        people::named(&self.db, Collection::Users, text(token, "username"))
            .ok_or_else(|| Problem::unauthorized("Invalid token"))
    }

    fn project_of_token(&self, mappings: &[Value], wanted: &Value) -> Result<Value, Problem> {
        let first = mappings.first().map_or(&Value::Null, |mapping| &mapping["project"]);
        let wanted = if is_given(wanted) { wanted } else { first };
        if !is_given(wanted) {
            return Err(Problem::unauthorized("can't find a default project for this user"));
        }
        let name = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
        let project = people::find(&self.db, Collection::Projects, &name)
            .ok_or_else(|| people::not_in_db(Collection::Projects, &name))?;
        let is_mapped = mappings.iter().any(|mapping| maps_to(mapping, &project));
        if is_mapped {
            return Ok(project);
        }
        Err(Problem::unauthorized(format!("project {name} not allowed for this user")))
    }

    fn roles_of_token(&self, mappings: &[Value], project: &Value) -> Result<Vec<Value>, Problem> {
        let mut roles: Vec<Value> = Vec::new();
        for mapping in mappings.iter().filter(|mapping| maps_to(mapping, project)) {
            let wanted = text(mapping, "role");
            let role = people::find(&self.db, Collection::Roles, wanted)
                .ok_or_else(|| people::not_in_db(Collection::Roles, wanted))?;
            let role = json!({"name": role["name"], "id": role["_id"]});
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Ok(roles)
    }

    /// Whether one of these roles may act for every project and everything by default.
    pub(crate) fn is_system_admin(&self, role_ids: &[String]) -> bool {
        role_ids.iter().filter_map(|id| people::find(&self.db, Collection::Roles, id)).any(|role| {
            role["permissions"]["admin"] == true && role["permissions"]["default"] == true
        })
    }
}

fn roles_ids(token: &Value) -> Vec<String> {
    list(token, "roles").iter().map(|role| text(role, "id").to_owned()).collect()
}

fn maps_to(mapping: &Value, project: &Value) -> bool {
    mapping["project"] == project["_id"] || mapping["project"] == project["name"]
}

/// Whether Python counts the value as given at all.
fn is_given(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_token_comes_at_once_unless_the_one_before_is_younger_than_two_seconds() {
        let mut state = State::installed(Release::R10, Profile::instant(), 1, 1000.0);
        let (username, password) = (json!("admin"), json!("admin"));
        let credentials = Credentials { username, password, ..Credentials::default() };
        for (now, delay) in [
            (1000.0, Duration::ZERO),
            (1001.0, THROTTLE_DELAY),
            (1003.0, Duration::ZERO),
            (1063.0, Duration::ZERO),
        ] {
            assert_eq!(state.issue_token(&credentials, now).unwrap().delay, delay, "{now}");
        }
    }
}
