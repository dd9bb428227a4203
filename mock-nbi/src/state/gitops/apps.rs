//! Instances of applications.
//!
//! Source: OSM NBI `k8s_topics.py` (`AppInstanceTopic`) of release 19.

use serde_json::Value;

use super::{profiles_of, set_busy};
use crate::input::gitops::{APP_INSTANCE_NEW, APP_INSTANCE_UPDATE, NAMED};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, set, text};
use crate::state::session::Session;

const APPS: Collection = Collection::AppInstances;

impl State {
    /// Makes an instance; gives its id and that of the operation. Its profile is not looked for.
    ///
    /// # Errors
    /// 422 by schema and for an OKA beside a catalogue, 409 for a name in use, 404 for an unknown OKA.
    pub(crate) fn create_app_instance(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<(String, String), Problem> {
        let oka = text(body, "oka");
        if !oka.is_empty() && !text(body, "sw_catalog_path").is_empty() {
            return Err(Problem::unprocessable(
                "Cannot create app instance with both OKA and SW catalog path",
            ));
        }
        schema::check(body, &APP_INSTANCE_NEW, self.release, "")?;
        self.check_name_is_free(session, APPS, text(body, "name"), None)?;
        if !oka.is_empty() {
            session.find(&self.db, Collection::Okas, oka)?;
            self.use_oka(oka);
        }
        let mut record = body.clone();
        let id = self.begin(session, &mut record, now);
        set(&mut record, "state", "IN_CREATION");
        set_busy(&mut record);
        let op_id = self.note(&mut record, "create", body, now);
        let git_name = self.git_name(session, APPS, text(body, "name"));
        set(&mut record, "git_name", git_name);
        self.keep_and_start(APPS, record, now);
        Ok((id, op_id))
    }

    /// Notes a new name and description; gives the operation's id.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema, 409 for a name in use, 400 without name.
    pub(crate) fn edit_app_instance(
        &mut self,
        session: &Session,
        id: &str,
        change: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        check_not_both(session, change)?;
        let mut record = session.find(&self.db, APPS, id)?.into_owned();
        schema::check(change, &NAMED, self.release, "")?;
        let op_id = self.note_update(session, APPS, &mut record, change, now)?;
        self.keep_and_start(APPS, record, now);
        Ok(op_id)
    }

    /// Notes new parameters; gives the operation's id.
    ///
    /// # Errors
    /// 422 by schema, 404 unknown.
    pub(crate) fn update_app_instance(
        &mut self,
        session: &Session,
        id: &str,
        params: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(params, &APP_INSTANCE_UPDATE, self.release, "")?;
        let mut record = session.find(&self.db, APPS, id)?.into_owned();
        set_busy(&mut record);
        let op_id = self.note(&mut record, "update", params, now);
        self.keep_and_start(APPS, record, now);
        Ok(op_id)
    }

    /// Asks for an instance to be removed; gives the operation's id. Without its profile it goes at
    /// once.
    ///
    /// # Errors
    /// 404 unknown.
    pub(crate) fn delete_app_instance(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<String, Problem> {
        let mut record = session.find(&self.db, APPS, id)?.into_owned();
        set(&mut record, "state", "IN_DELETION");
        set_busy(&mut record);
        let op_id = self.note(&mut record, "delete", &Value::Null, now);
        let profiles = profiles_of(text(&record, "profile_type"))?;
        let has_profile = self.db.contains(profiles, text(&record, "profile"));
        self.keep_and_start(APPS, record, now);
        if !has_profile {
            self.db.remove(APPS, id);
            self.engine.forget(id);
        }
        Ok(op_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use serde_json::json;

    #[test]
    fn an_instance_is_made_of_an_oka_or_of_a_catalogue_and_not_of_both() {
        const OKA: &str = "00000000-0000-4000-8000-000000000001";
        const PROFILE: &str = "00000000-0000-4000-8000-000000000002";
        let mut state = State::empty(Release::R19, Profile::instant(), 1);
        state.db.put(Collection::Okas, json!({"_id": OKA, "name": "oka", "_admin": {}}));
        let session = Session::of_project(None);
        for (name, oka, path, is_made) in
            [("a", OKA, "", true), ("b", "", "apps/b", true), ("c", OKA, "apps/c", false)]
        {
            let mut body =
                json!({"name": name, "profile": PROFILE, "profile_type": "app_profiles"});
            for (key, value) in [("oka", oka), ("sw_catalog_path", path)] {
                if !value.is_empty() {
                    set(&mut body, key, value);
                }
            }
            let made = state.create_app_instance(&session, &body, 0.0);
            assert_eq!(made.is_ok(), is_made, "{made:?}");
        }
    }
}
