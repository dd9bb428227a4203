//! Who asks, for which project, and what of the records that shows.
//!
//! Source: NBI_FACTS.md section 4.

use std::borrow::Cow;

use serde_json::Value;

use crate::problem::Problem;
use crate::python::repr_str;
use crate::state::db::{Collection, Db, admin_of, list, set};

/// What a request does to a collection; decides which projects count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    List,
    Show,
    Write,
    Delete,
}

/// A checked token and the query words that came with the request.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The token's project, or that of `ADMIN=<project>`; none with `ADMIN`.
    pub(crate) project_id: Option<String>,
    pub(crate) access: Access,
    pub(crate) force: bool,
    pub(crate) public: Option<bool>,
    pub(crate) set_project: Option<Vec<String>>,
    /// Who asks.
    pub(crate) user_id: String,
    pub(crate) username: String,
    /// Whether the user administers others (release 19).
    pub(crate) is_admin_user: bool,
    /// Whether lists of users, projects and roles are whole.
    pub(crate) sees_everyone: bool,
}

impl Session {
    /// Projects a record must name so that this request may see it; empty: any.
    fn projects(&self) -> Vec<&str> {
        let mut projects: Vec<&str> = self.project_id.iter().map(String::as_str).collect();
        let sees_public = match self.access {
            Access::Show | Access::Write => !projects.is_empty(),
            Access::List | Access::Delete => self.public == Some(true),
        };
        if sees_public {
            projects.push("ANY");
        }
        projects
    }

    /// Whether `PUBLIC=false` leaves out what is public.
    fn hides_public(&self) -> bool {
        matches!(self.access, Access::List | Access::Delete) && self.public == Some(false)
    }

    fn project_key(&self) -> &'static str {
        if self.access == Access::Write && self.set_project.is_none() {
            "projects_write"
        } else {
            "projects_read"
        }
    }

    /// Whether this request may see `record`.
    pub(crate) fn sees(&self, record: &Value) -> bool {
        let projects = self.projects();
        let named =
            record.get("_admin").map_or(&[] as &[Value], |admin| list(admin, self.project_key()));
        let is_named = |project: &str| named.iter().any(|name| name == project);
        !(self.hides_public() && is_named("ANY"))
            && (projects.is_empty() || projects.iter().any(|project| is_named(project)))
    }

    /// The record with this id, if this request may see it.
    ///
    /// # Errors
    /// 404 with the database's own text.
    pub(crate) fn find<'a>(
        &self,
        db: &'a Db,
        collection: Collection,
        id: &str,
    ) -> Result<Cow<'a, Value>, Problem> {
        db.get(collection, id)
            .filter(|record| self.sees(record))
            .ok_or_else(|| self.not_found(collection, "_id", id))
    }

    /// OSM's 404 for a record that `key: value` does not find.
    pub(crate) fn not_found(&self, collection: Collection, key: &str, value: &str) -> Problem {
        Problem::not_found(format!(
            "database exception database exception Not found any {} with filter='{}'",
            collection.singular(),
            self.filter_text(key, value)
        ))
    }

    /// OSM's 409 where `key: value` finds more records than one.
    pub(crate) fn found_more(&self, collection: Collection, key: &str, value: &str) -> Problem {
        Problem::conflict(format!(
            "database exception database exception Found more than one {} with filter='{}'",
            collection.singular(),
            self.filter_text(key, value)
        ))
    }

    fn filter_text(&self, key: &str, value: &str) -> String {
        let projects = self.projects();
        let mut filter = String::from("{");
        if !projects.is_empty() {
            let names: Vec<String> = projects.iter().map(|project| repr_str(project)).collect();
            filter += &format!("'_admin.{}.cont': [{}], ", self.project_key(), names.join(", "));
        }
        if self.hides_public() {
            filter += "'_admin.projects_read.ncont': ['ANY'], ";
        }
        filter + &format!("{}: {}}}", repr_str(key), repr_str(value))
    }

    /// The projects to write into a new record's `_admin`; none for a request with `ADMIN`.
    ///
    /// Source: recorded case `public_and_set_project`, exchanges 28 to 31.
    pub(crate) fn projects_of_new(&self) -> (Vec<String>, Vec<String>) {
        let write: Vec<String> = self.project_id.iter().cloned().collect();
        let mut read = write.clone();
        if self.public == Some(true) {
            read.push("ANY".into());
        }
        (read, write)
    }

    /// Changes who sees a record, as `PUBLIC` and `SET_PROJECT` of a change say.
    ///
    /// Source: OSM NBI `base_topic.py`, `check_conflict_on_edit`.
    pub(crate) fn share(&self, record: &mut Value) {
        let admin = admin_of(record);
        let mut read = list(admin, "projects_read").to_vec();
        let is_public = read.iter().any(|project| project == "ANY");
        match self.public {
            Some(true) if !is_public => {
                read.push(Value::from("ANY"));
                set(admin, "projects_write", Vec::<Value>::new());
            }
            Some(false) => read.retain(|project| project != "ANY"),
            Some(true) | None => {}
        }
        for project in self.set_project.iter().flatten() {
            if !read.iter().any(|known| known == project) {
                read.push(Value::from(project.as_str()));
            }
        }
        set(admin, "projects_read", read);
    }

    /// The same rights for another kind of access.
    pub(crate) fn with(&self, access: Access) -> Self {
        Self { access, ..self.clone() }
    }
}

#[cfg(test)]
impl Session {
    /// One that reads and writes for a project, or with `ADMIN` for none.
    pub(crate) fn of_project(project: Option<&str>) -> Self {
        Self {
            project_id: project.map(str::to_owned),
            access: Access::Write,
            force: false,
            public: None,
            set_project: None,
            user_id: "u".to_owned(),
            username: "u".to_owned(),
            is_admin_user: false,
            sees_everyone: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_that_is_public_already_stays_as_it_is_when_it_is_made_public() {
        let session = Session { public: Some(true), ..Session::of_project(Some("p")) };
        let shared = |read: &[&str]| {
            let mut record = json!({"_admin": {"projects_read": read, "projects_write": ["p"]}});
            session.share(&mut record);
            record["_admin"].clone()
        };
        let public = ["p", "ANY"];
        assert_eq!(shared(&["p"]), json!({"projects_read": public, "projects_write": []}));
        assert_eq!(shared(&public), json!({"projects_read": public, "projects_write": ["p"]}));
    }

    #[test]
    fn a_record_that_a_project_only_reads_is_seen_except_to_write_it() {
        let session = Session::of_project(Some("p"));
        let record = json!({"_admin": {"projects_read": ["p"], "projects_write": []}});
        for (access, is_seen) in [
            (Access::List, true),
            (Access::Show, true),
            (Access::Delete, true),
            (Access::Write, false),
        ] {
            assert_eq!(session.with(access).sees(&record), is_seen, "{access:?}");
        }
    }
}
