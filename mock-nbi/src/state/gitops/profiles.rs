//! Profiles: what is to run on the clusters that have them.
//!
//! Source: OSM NBI `acm_topic.py` (`ProfileTopic`) of release 19.

use serde_json::Value;
use serde_json::json;

use super::{PROFILES, at_step, field, set_age_keys, text_field};
use crate::input::gitops::NAMED;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

impl State {
    /// Makes a profile; gives its id.
    ///
    /// # Errors
    /// 409 for a name in use, 422 by schema, 400 without name or description.
    pub(crate) fn create_profile(
        &mut self,
        session: &Session,
        collection: Collection,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_name_is_free(session, collection, text_field(body, "name")?, None)
            .map_err(|problem| at_step(problem, "name unique check"))?;
        schema::check(body, &NAMED, self.release, "")
            .map_err(|problem| at_step(problem, "validating input parameters"))?;
        let description = field(body, "description")?.clone();
        let mut record = self.new_profile(session, collection, body, &description, now);
        self.note(&mut record, "create", body, now);
        set_age_keys(&mut record);
        let id = text(&record, "_id").to_owned();
        self.keep_and_start(collection, record, now);
        Ok(id)
    }

    /// Makes the profile of a kind that a new cluster gets; gives its id. It is made together with
    /// the cluster, so nothing is started.
    pub(super) fn add_default_profile(
        &mut self,
        session: &Session,
        collection: Collection,
        params: &Value,
        now: f64,
    ) -> String {
        let table = collection.table();
        let description = format!("{table} profile for cluster {}", text(params, "name"));
        let mut record = self.new_profile(session, collection, params, &json!(description), now);
        set(&mut record, "default", true);
        self.note(&mut record, "create", params, now);
        let id = text(&record, "_id").to_owned();
        self.db.put(collection, record);
        id
    }

    fn new_profile(
        &mut self,
        session: &Session,
        collection: Collection,
        body: &Value,
        description: &Value,
        now: f64,
    ) -> Value {
        let name = text(body, "name");
        let mut record = json!({
            "name": name,
            "description": description,
            "default": false,
            "git_name": self.git_name(session, collection, name),
            "state": "IN_CREATION",
            "operatingState": "IN_PROGRESS",
            "resourceState": "IN_PROGRESS.REQUEST_RECEIVED",
        });
        self.begin(session, &mut record, now);
        record
    }

    /// Changes name and description of a profile.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema and for a cluster's own profile, 409 for a name in use.
    pub(crate) fn edit_profile(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        check_not_both(session, patch)?;
        let old = session.find(&self.db, collection, id)?.into_owned();
        schema::check(patch, &NAMED, self.release, "")?;
        let mut record = old.clone();
        deep_update(&mut record, patch)?;
        session.share(&mut record);
        set(admin_of(&mut record), "modified", now);
        if old["default"] == true {
            return Err(Problem::unprocessable("Cannot edit default profiles"));
        }
        if record["name"] != old["name"] {
            self.check_name_is_free(session, collection, text(&record, "name"), None)?;
        }
        self.db.put(collection, record);
        Ok(())
    }

    /// Asks for a profile to be removed, and takes it off every cluster at once.
    ///
    /// # Errors
    /// 404 unknown, 422 unless it is at rest and no cluster's own, 401 without the right to write.
    pub(crate) fn delete_profile(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        now: f64,
    ) -> Result<(), Problem> {
        let kind = PROFILES.iter().find(|(_, known)| *known == collection);
        let kind = kind.map_or("", |(kind, _)| kind);
        self.check_at_rest(&[(kind, id)], true)?;
        if self.any_record(collection, id)?["default"] == true {
            return Err(Problem::unprocessable(
                "Cannot delete item because it is marked as default",
            ));
        }
        for cluster in self.db.ids_with(Collection::Clusters, kind, id) {
            if let Some(cluster) = self.db.get_mut(Collection::Clusters, &cluster) {
                let left = list(cluster, kind).iter().filter(|profile| *profile != id);
                let left: Vec<Value> = left.cloned().collect();
                set(cluster, kind, left);
            }
        }
        let record = session.find(&self.db, collection, id)?.into_owned();
        self.delete_at_end(session, collection, record, now)
    }
}
