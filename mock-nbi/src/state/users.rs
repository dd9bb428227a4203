//! Users: made, shown, removed.
//!
//! Source: OSM NBI `admin_topics.py`, `UserTopicAuth`, and `authconn_internal.py`; recorded case
//! `users_crud`.

mod accounts;
mod edit;
mod mappings;

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::passwords;
use crate::state::people;
use crate::state::session::Session;

pub(crate) use edit::Edited;

/// Seconds of a day, in which accounts and passwords are counted.
const DAY_SECONDS: f64 = 86_400.0;
/// Days after which an account ends. Source: OSM NBI `nbi.cfg`, release 19.
const ACCOUNT_DAYS: f64 = 90.0;
/// Days after which a changed password ends. Source: as above.
const PASSWORD_DAYS: f64 = 30.0;
/// Wrong passwords in a row that lock an account. Source: as above.
const ATTEMPTS_MAX: i64 = 5;

impl State {
    /// Makes a user; gives its id.
    ///
    /// # Errors
    /// 422 by schema or for a name like a UUID, 409 for a name in use, 404 for an unknown project
    /// or role unless forced.
    pub(crate) fn create_user(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(body, &input::USER_NEW, self.release, "")?;
        let username = text(body, "username");
        if people::is_uuid(username) {
            return Err(Problem::unprocessable(format!(
                "username '{username}' cannot have a uuid format"
            )));
        }
        self.check_username_is_free(username)?;
        let mappings = self.mappings_of_new(session, body)?;
        let mut user = body.clone();
        let password = text(body, "password").to_owned();
        let mut admin = json!({"created": now, "modified": now});
        if self.release.has_strong_passwords() {
            set(&mut admin, "user_status", "active");
            if self.release.has_user_management() {
                set(&mut admin, "password_expire_time", now);
                set(&mut admin, "account_expire_time", now + ACCOUNT_DAYS * DAY_SECONDS);
            }
            set(&mut admin, "retry_count", 0);
            set(&mut admin, "last_token_time", now);
        }
        if body.get("projects").is_some() {
            set(&mut user, "project_role_mappings", mappings.clone());
        }
        set(&mut user, "_admin", admin);
        set(&mut user, "project_role_mappings", mappings);
        let id = self.ids.uuid();
        set(&mut user, "_id", id.as_str());
        passwords::store(&mut user, &password, &mut self.ids, self.release);
        if self.release.has_strong_passwords() {
            passwords::start_history(&mut user);
        }
        if let Some(fields) = user.as_object_mut() {
            fields.shift_remove("projects");
        }
        self.db.put(Collection::Users, user);
        Ok(id)
    }

    /// The mappings of a new user, by ids and each once; `projects` is the older way to give them.
    fn mappings_of_new(&self, session: &Session, body: &Value) -> Result<Vec<Value>, Problem> {
        let mut wanted = list(body, "project_role_mappings").to_vec();
        if body.get("projects").is_some() {
            let role = self.default_role(text(body, "username"))?;
            for project in list(body, "projects") {
                let project = project.as_str().unwrap_or_default();
                let project = people::expect(&self.db, Collection::Projects, project)?;
                let mapping = json!({"project": project["_id"], "role": role});
                if !wanted.contains(&mapping) {
                    wanted.push(mapping);
                }
            }
        }
        let mut mappings: Vec<Value> = Vec::new();
        for mapping in wanted {
            let id_of = |collection: Collection, name: &str| match people::expect(
                &self.db, collection, name,
            ) {
                Ok(record) => Ok(record["_id"].clone()),
                Err(_) if session.force => Ok(Value::Null),
                Err(problem) => Err(problem),
            };
            let project = id_of(Collection::Projects, text(&mapping, "project"))?;
            let role = id_of(Collection::Roles, text(&mapping, "role"))?;
            let mapping = json!({"project": project, "role": role});
            if !mappings.contains(&mapping) {
                mappings.push(mapping);
            }
        }
        Ok(mappings)
    }

    /// Id of the role that a project without one means.
    fn default_role(&self, username: &str) -> Result<Value, Problem> {
        let named = people::named(&self.db, Collection::Roles, "project_admin");
        let first = || self.db.iter(Collection::Roles).next().map(Cow::into_owned);
        named.or_else(first).map(|role| role["_id"].clone()).ok_or_else(|| {
            Problem::not_found(format!("Can't find default role for user '{username}'"))
        })
    }

    fn check_username_is_free(&self, username: &str) -> Result<(), Problem> {
        if people::named(&self.db, Collection::Users, username).is_some() {
            return Err(Problem::conflict(format!("username '{username}' is already used")));
        }
        Ok(())
    }

    /// Removes a user with its tokens.
    ///
    /// # Errors
    /// 404 unknown, 409 for the session's own.
    pub(crate) fn delete_user(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let user = people::expect(&self.db, Collection::Users, id)?;
        let user_id = text(&user, "_id");
        if user_id == session.user_id {
            return Err(Problem::conflict("You cannot delete your own login user "));
        }
        self.db.remove(Collection::Users, user_id);
        self.tokens.remove_of_user(user_id);
        self.tokens.forget_rights();
        Ok(())
    }

    /// The user with this id or name, with what OSM adds, if the session may see it.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn shown_user(&self, session: &Session, id: &str) -> Result<Value, Problem> {
        people::find(&self.db, Collection::Users, id)
            .filter(|user| sees_user(session, user))
            .map(|user| self.with_names(user))
            .ok_or_else(|| Problem::not_found(format!("User '{id}' not found")))
    }

    /// A user's record with the names of its projects and roles.
    pub(crate) fn with_names(&self, mut user: Value) -> Value {
        let name_of = |collection: Collection, id: &Value| {
            let record = id.as_str().and_then(|id| people::find(&self.db, collection, id));
            record.map_or(Value::Null, |record| record["name"].clone())
        };
        let mut mappings = list(&user, "project_role_mappings").to_vec();
        let mut projects: Vec<Value> = Vec::new();
        for mapping in &mut mappings {
            let project = name_of(Collection::Projects, &mapping["project"]);
            let role = name_of(Collection::Roles, &mapping["role"]);
            set(mapping, "project_name", project.clone());
            set(mapping, "role_name", role);
            if !projects.contains(&project) {
                projects.push(project);
            }
        }
        set(&mut user, "project_role_mappings", mappings);
        set(&mut user, "projects", projects);
        user
    }
}

/// Whether a list of users shows this one.
pub(crate) fn sees_user(session: &Session, user: &Value) -> bool {
    session.sees_everyone || text(user, "_id") == session.user_id
}

/// The user that every OSM is installed with.
pub(crate) fn installed_admin(state: &mut State, project: &Value, role: &Value, now: f64) {
    let mut admin = json!({"created": now, "modified": now});
    let is_later = state.release.has_strong_passwords();
    if is_later {
        set(&mut admin, "user_status", "active");
        set(&mut admin, "retry_count", 0);
        set(&mut admin, "last_token_time", now);
    }
    let mut user = json!({
        "username": "admin",
        "password": "",
        "_admin": admin,
        "project_role_mappings": [{"project": project, "role": role}],
        "_id": state.ids.uuid(),
    });
    passwords::store(&mut user, "admin", &mut state.ids, state.release);
    if is_later {
        passwords::start_history(&mut user);
    }
    state.db.put(Collection::Users, user);
}
