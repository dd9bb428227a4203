//! Tokens, users' credentials and permissions.
//!
//! Source: NBI_FACTS.md section 3; recorded cases `token_*`.

use std::borrow::Cow;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::ids::{Ids, is_uuid};
use crate::problem::Problem;
use crate::release::Release;
use crate::state::db::{Collection, Db, list, text};

/// Seconds that a token is good for.
pub(crate) const TOKEN_SECONDS: f64 = 3600.0;
/// A second token of one user within this many seconds is delayed ...
const THROTTLE_WINDOW_SECONDS: f64 = 2.0;
/// ... by this much.
pub(crate) const THROTTLE_DELAY: Duration = Duration::from_secs(1);

/// Text of the 401 for a request without token.
pub(crate) const NEEDED: &str = "Needed a token or Authorization http header";
const INVALID: &str = "Invalid Token or Authorization HTTP header";
const EXPIRED: &str = "Expired Token or Authorization HTTP header";

/// Every token, oldest first, and when each user got one last.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    tokens: IndexMap<String, Value>,
    last_token_time: IndexMap<String, f64>,
    logins: IndexMap<String, f64>,
}

/// What a request for a token gives as proof.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) project: Option<String>,
    /// The token of the `Authorization` header.
    pub(crate) bearer: Option<String>,
}

/// A new token, and how long OSM keeps the client waiting for it.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Value,
    pub(crate) delay: Duration,
}

impl Tokens {
    /// Makes a token.
    ///
    /// # Errors
    /// 401 for bad or missing credentials, 404 for an unknown project, 400 without password.
    pub(crate) fn issue(
        &mut self,
        credentials: &Credentials,
        db: &Db,
        ids: &mut Ids,
        release: Release,
        now: f64,
    ) -> Result<Issued, Problem> {
        let user = self.user_of(credentials, db, now)?;
        let mappings = list(&user, "project_role_mappings");
        let project = project_of(mappings, credentials.project.as_deref(), db)?;
        let project_id = text(&project, "_id").to_owned();
        let roles = roles_in(mappings, &project_id, db);
        if roles.is_empty() {
            let name = credentials.project.clone().unwrap_or_default();
            return Err(Problem::unauthorized(format!("project {name} not allowed for this user")));
        }
        let user_id = text(&user, "_id").to_owned();
        let last = self.last_token_time.insert(user_id.clone(), now);
        let is_throttled = last.is_some_and(|last| now - last < THROTTLE_WINDOW_SECONDS);
        let id = ids.token(release);
        let mut token = json!({
            "issued_at": now,
            "expires": now + TOKEN_SECONDS,
            "_id": id,
            "id": id,
            "project_id": project_id,
            "project_name": text(&project, "name"),
            "username": text(&user, "username"),
            "user_id": user_id,
            "admin": project.get("admin").and_then(Value::as_bool) == Some(true)
                || text(&project, "name") == "admin",
            "roles": roles,
        });
        if release.has_verbose_ids() {
            let login = *self.logins.entry(user_id).or_insert(now);
            token["login_count"] = json!(0);
            token["last_login"] = json!(login);
            token["admin_show"] = json!(false);
            token["user_show"] = json!(false);
        }
        self.tokens.insert(id, token.clone());
        let delay = if is_throttled { THROTTLE_DELAY } else { Duration::ZERO };
        Ok(Issued { token, delay })
    }

    fn user_of<'a>(
        &self,
        credentials: &Credentials,
        db: &'a Db,
        now: f64,
    ) -> Result<Cow<'a, Value>, Problem> {
        let Some(username) = &credentials.username else {
            let Some(bearer) = &credentials.bearer else {
                return Err(Problem::unauthorized(
                    "Provide credentials: username/password or Authorization Bearer token",
                ));
            };
            let user_id = text(self.authenticate(Some(bearer), now)?, "user_id");
            return db
                .get(Collection::Users, user_id)
                .ok_or_else(|| Problem::token_wanted(INVALID));
        };
        let Some(password) = &credentials.password else {
            return Err(Problem::bad_request("'NoneType' object has no attribute 'encode'"));
        };
        db.iter(Collection::Users)
            .find(|user| text(user, "username") == username || text(user, "_id") == username)
            .filter(|user| text(user, "password") == password)
            .ok_or_else(|| Problem::unauthorized("Invalid username/password"))
    }

    /// The token with this id, if it is good.
    ///
    /// # Errors
    /// 401 with what is wrong, as `Www-Authenticate` too.
    pub(crate) fn authenticate(&self, id: Option<&str>, now: f64) -> Result<&Value, Problem> {
        let id = id.ok_or_else(|| Problem::token_wanted(NEEDED))?;
        let token = self.tokens.get(id).ok_or_else(|| Problem::token_wanted(INVALID))?;
        let expires = token.get("expires").and_then(Value::as_f64).unwrap_or_default();
        if expires < now { Err(Problem::token_wanted(EXPIRED)) } else { Ok(token) }
    }

    /// Tokens of one user that are still good, oldest first.
    pub(crate) fn of_user(&self, username: &str, now: f64) -> Vec<Value> {
        self.tokens
            .values()
            .filter(|token| text(token, "username") == username)
            .filter(|token| token["expires"].as_f64().is_some_and(|expires| expires >= now))
            .cloned()
            .collect()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.tokens.get(id)
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.tokens.shift_remove(id).is_some()
    }

    /// Makes a token past its time; says whether it exists.
    pub(crate) fn expire(&mut self, id: &str, now: f64) -> bool {
        let Some(token) = self.tokens.get_mut(id) else {
            return false;
        };
        token["expires"] = json!(now - 1.0);
        true
    }

    /// Forgets every token, as when the NBI keeps them in memory and restarts.
    pub(crate) fn forget_all(&mut self) {
        self.tokens.clear();
    }

    /// Makes every token past its time.
    pub(crate) fn expire_all(&mut self, now: f64) {
        for token in self.tokens.values_mut() {
            token["expires"] = json!(now - 1.0);
        }
    }
}

fn project_of<'a>(
    mappings: &[Value],
    wanted: Option<&str>,
    db: &'a Db,
) -> Result<Cow<'a, Value>, Problem> {
    let Some(wanted) = wanted else {
        return mappings
            .first()
            .and_then(|mapping| db.get(Collection::Projects, text(mapping, "project")))
            .ok_or_else(|| Problem::unauthorized("can't find a default project for this user"));
    };
    db.iter(Collection::Projects)
        .find(|project| text(project, "_id") == wanted || text(project, "name") == wanted)
        .ok_or_else(|| {
            let key = if is_uuid(wanted) { "_id" } else { "name" };
            Problem::not_found(format!(
                "database exception database exception Not found any project with \
                 filter='{{'{key}': '{wanted}'}}'"
            ))
        })
}

fn roles_in(mappings: &[Value], project_id: &str, db: &Db) -> Vec<Value> {
    mappings
        .iter()
        .filter(|mapping| text(mapping, "project") == project_id)
        .filter_map(|mapping| db.get(Collection::Roles, text(mapping, "role")))
        .map(|role| json!({"name": text(&role, "name"), "id": text(&role, "_id")}))
        .collect()
}

/// Whether any of a token's roles grants `permission`, such as `vnfds:id:get`: the longest entry
/// of the role that is a prefix decides, `default` where none is.
///
/// Source: the comments of OSM NBI `roles_to_operations.yml`.
pub(crate) fn is_permitted(token: &Value, permission: &str, db: &Db) -> bool {
    list(token, "roles").iter().any(|role| {
        let Some(role) = db.get(Collection::Roles, text(role, "id")) else {
            return false;
        };
        let Some(permissions) = role.get("permissions").and_then(Value::as_object) else {
            return false;
        };
        let applies = |key: &str| {
            permission == key || permission.starts_with(&format!("{}:", key.trim_end_matches(':')))
        };
        let longest = permissions
            .iter()
            .filter(|(key, _)| applies(key))
            .max_by_key(|(key, _)| key.len())
            .map(|(_, value)| value);
        // `admin` counts as refused where it is missing, whatever the default.
        let fallback = || permissions.get("default").filter(|_| !permission.starts_with("admin:"));
        longest.or_else(fallback).and_then(Value::as_bool) == Some(true)
    })
}
