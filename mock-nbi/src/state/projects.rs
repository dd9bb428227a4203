//! Projects: made, changed, removed.
//!
//! Source: OSM NBI `admin_topics.py`, `ProjectTopicAuth`; recorded case `projects_crud`.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::people;
use crate::state::session::Session;

impl State {
    /// Makes a project; gives its id.
    ///
    /// # Errors
    /// 422 by schema or for a name like a UUID, 409 for a name in use.
    pub(crate) fn create_project(&mut self, body: &Value, now: f64) -> Result<String, Problem> {
        schema::check(body, &input::PROJECT_NEW, self.release, "")?;
        let name = text(body, "name");
        check_name(name)?;
        if people::named(&self.db, Collection::Projects, name).is_some() {
            return Err(Problem::conflict(format!("project '{name}' exists")));
        }
        let id = self.ids.uuid();
        let mut project = body.clone();
        set(&mut project, "_admin", json!({"created": now, "modified": now}));
        set(&mut project, "_id", id.as_str());
        self.db.put(Collection::Projects, project);
        Ok(id)
    }

    /// Changes name, rights or quotas of a project.
    ///
    /// # Errors
    /// 404 unknown; 422 as when made; 409 for a name in use and for renaming `admin`.
    pub(crate) fn edit_project(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        let mut project = self.shown_project(session, id)?;
        schema::check(patch, &input::PROJECT_EDIT, self.release, "")?;
        let old_name = text(&project, "name");
        let new_name = patch.get("name").and_then(Value::as_str);
        // OSM counts a change without a name as a renaming too.
        if new_name != Some(old_name) {
            check_name(new_name.unwrap_or_default())?;
            if old_name == "admin" {
                return Err(Problem::conflict("You cannot rename project 'admin'"));
            }
            if let Some(name) = new_name
                && people::named(&self.db, Collection::Projects, name).is_some()
            {
                return Err(Problem::conflict(format!("project '{name}' is already used")));
            }
        }
        deep_update(&mut project, patch)?;
        set(admin_of(&mut project), "modified", now);
        self.db.put(Collection::Projects, project);
        Ok(())
    }

    /// Removes a project and the tokens for it.
    ///
    /// # Errors
    /// 404 unknown; 409 for the session's own and for `admin`, and, unless forced, while users or
    /// packages name it.
    pub(crate) fn delete_project(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let project = people::expect(&self.db, Collection::Projects, id)?;
        let (project_id, name) = (text(&project, "_id"), text(&project, "name"));
        if session.project_id.as_deref() == Some(project_id) {
            return Err(Problem::conflict("You cannot delete your own project"));
        }
        if name == "admin" {
            return Err(Problem::conflict("You cannot delete project 'admin'"));
        }
        if !session.force {
            let used_by = |what: &str, by: &str| {
                Problem::conflict(format!(
                    "Project '{name}' ({project_id}) is being used by {what} '{by}'"
                ))
            };
            if let Some(username) = self.user_with("project", project_id) {
                return Err(used_by("user", &username));
            }
            for (collection, what, key) in USERS_OF_PROJECTS {
                let Some(record) = self.record_of_project(*collection, project_id) else {
                    continue;
                };
                // A package without content has no id, which OSM stumbles over.
                return Err(match record.get(*key).and_then(Value::as_str) {
                    Some(by) => used_by(what, by),
                    None => Problem::bad_request(format!("'{key}'")),
                });
            }
        }
        self.db.remove(Collection::Projects, project_id);
        self.tokens.remove_of_project(project_id);
        self.tokens.forget_rights();
        Ok(())
    }

    /// The project with this id or name, if the session may see it.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn shown_project(&self, session: &Session, id: &str) -> Result<Value, Problem> {
        people::find(&self.db, Collection::Projects, id)
            .filter(|project| self.sees_project(session, project))
            .ok_or_else(|| Problem::not_found("Project not found"))
    }

    /// Whether a list of projects shows this one.
    pub(crate) fn sees_project(&self, session: &Session, project: &Value) -> bool {
        session.sees_everyone || self.has_mapping(session, "project", &project["_id"])
    }

    fn record_of_project(&self, collection: Collection, project_id: &str) -> Option<Value> {
        let names = |record: &Value| {
            let admin = &record["_admin"];
            let mut all = list(admin, "projects_read").iter().chain(list(admin, "projects_write"));
            all.any(|project| project == project_id)
        };
        self.db.iter(collection).find(|record| names(record)).map(Cow::into_owned)
    }
}

/// What keeps a project from being removed, with OSM's word for it and the key of its name.
const USERS_OF_PROJECTS: &[(Collection, &str, &str)] = &[
    (Collection::VnfPackages, "VNF Descriptor", "id"),
    (Collection::NsDescriptors, "NS Descriptor", "id"),
    (Collection::SliceTemplates, "NS Template", "id"),
    (Collection::PduDescriptors, "PDU Descriptor", "name"),
];

fn check_name(name: &str) -> Result<(), Problem> {
    if people::is_uuid(name) {
        return Err(Problem::unprocessable(format!(
            "project name '{name}' cannot have an uuid format"
        )));
    }
    Ok(())
}
