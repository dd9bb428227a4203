//! KSUs: what of a package is to run where a profile is.
//!
//! Source: OSM NBI `k8s_topics.py` (`KsusTopic`) of release 19.

use serde_json::{Value, json};

use super::{field, items_field, profiles_of, set_busy, text_field};
use crate::input::gitops::KSU;
use crate::problem::Problem;
use crate::request::Overlay;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

/// What Python says of a list of KSUs without any.
const NO_OPERATION: &str = "local variable 'op_id' referenced before assignment";

/// The query, which is laid over each KSU.
type Params<'a> = &'a [(String, String)];

impl State {
    /// Makes KSUs; gives their ids and the id of the last one's operation.
    ///
    /// # Errors
    /// 404 and 422 unless the profile and every OKA are there and at rest; 422 by schema and for an
    /// OKA that names both or none of id and catalogue; 409 for a name in use.
    pub(crate) fn create_ksus(
        &mut self,
        session: &Session,
        body: &Value,
        params: Params<'_>,
        now: f64,
    ) -> Result<(Vec<String>, String), Problem> {
        let mut made = Vec::new();
        let mut last = Err(Problem::bad_request(NO_OPERATION));
        for ksu in items_field(body, "ksus")? {
            last = self.create_ksu(session, ksu, params, now).map(|(id, op_id)| {
                made.push(id);
                op_id
            });
            if last.is_err() {
                break;
            }
        }
        if last.is_err() {
            for id in &made {
                self.db.remove(Collection::Ksus, id);
                self.engine.forget(id);
            }
        }
        last.map(|op_id| (made, op_id))
    }

    fn create_ksu(
        &mut self,
        session: &Session,
        ksu: &Value,
        params: Params<'_>,
        now: f64,
    ) -> Result<(String, String), Problem> {
        let okas = okas_of_new(ksu)?;
        let profile = field(ksu, "profile")?;
        let mut things = vec![(text_field(profile, "profile_type")?, text_field(profile, "_id")?)];
        things.extend(okas.iter().map(|oka| ("oka", *oka)));
        self.check_at_rest(&things, false)?;
        let mut record = ksu.clone();
        Overlay::new(params, false).lay_over(&mut record)?;
        schema::check(&record, &KSU, self.release, "")?;
        self.check_name_is_free(session, Collection::Ksus, text_field(&record, "name")?, None)?;
        let asked = record.clone();
        for oka in &okas {
            session.find(&self.db, Collection::Okas, oka)?;
        }
        let id = self.begin(session, &mut record, now);
        set(&mut record, "state", "IN_CREATION");
        set_busy(&mut record);
        let op_id = self.note(&mut record, "create", &asked, now);
        let git_name = self.git_name(session, Collection::Ksus, text(&record, "name"));
        set(&mut record, "git_name", git_name);
        for oka in &okas {
            self.use_oka(oka);
        }
        self.count_ksu(&record["profile"]);
        self.keep_and_start(Collection::Ksus, record, now);
        Ok((id, op_id))
    }

    /// Counts a new KSU on the clusters that OSM made and that have its profile.
    fn count_ksu(&mut self, profile: &Value) {
        let (kind, id) = (text(profile, "profile_type"), text(profile, "_id"));
        for cluster in self.db.ids_with(Collection::Clusters, kind, id) {
            if let Some(cluster) = self.db.get_mut(Collection::Clusters, &cluster)
                && text(cluster, "created") == "true"
            {
                let count = cluster["ksu_count"].as_i64().unwrap_or(0).saturating_add(1);
                set(cluster, "ksu_count", count);
            }
        }
    }

    /// Marks an OKA as used.
    pub(super) fn use_oka(&mut self, id: &str) {
        if let Some(oka) = self.db.get_mut(Collection::Okas, id) {
            set(admin_of(oka), "usageState", "IN_USE");
        }
    }

    /// Notes what a KSU is to become; the record shows it when a workflow has done it.
    ///
    /// # Errors
    /// 404 and 422 unless it and what it names are there and at rest, 422 by schema, 409 for a name in
    /// use, 400 without name or OKAs, and for an OKA that does not give both of its keys.
    pub(crate) fn edit_ksu(
        &mut self,
        session: &Session,
        id: &str,
        change: &Value,
        params: Params<'_>,
        now: f64,
    ) -> Result<(), Problem> {
        let mut things = vec![("ksu", id)];
        if let Some(profile) = change.get("profile").filter(|profile| !profile.is_null()) {
            things.push((text_field(profile, "profile_type")?, text_field(profile, "_id")?));
        }
        let okas = list(change, "oka").iter().filter_map(|oka| oka["_id"].as_str());
        things.extend(okas.map(|oka| ("oka", oka)));
        self.check_at_rest(&things, false)?;
        let mut change = change.clone();
        Overlay::new(params, false).lay_over(&mut change)?;
        check_not_both(session, &change)?;
        let mut record = session.find(&self.db, Collection::Ksus, id)?.into_owned();
        items_field(&change, "oka")?;
        for oka in change["oka"].as_array_mut().into_iter().flatten() {
            for key in ["_id", "sw_catalog_path"] {
                let is_empty = text_field(oka, key)?.is_empty();
                if let Some(fields) = oka.as_object_mut().filter(|_| is_empty) {
                    fields.shift_remove(key);
                }
            }
        }
        schema::check(&change, &KSU, self.release, "")?;
        self.note_update(session, Collection::Ksus, &mut record, &change, now)?;
        self.keep_and_start(Collection::Ksus, record, now);
        Ok(())
    }

    /// Notes an `update` and says that it goes on; gives the operation's id.
    pub(super) fn note_update(
        &mut self,
        session: &Session,
        collection: Collection,
        record: &mut Value,
        change: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        let name = text_field(change, "name")?;
        if name != text(record, "name") {
            self.check_name_is_free(session, collection, name, None)?;
        }
        let op_id = self.note(record, "update", change, now);
        set_busy(record);
        set(admin_of(record), "modified", now);
        Ok(op_id)
    }

    /// Changes several KSUs.
    ///
    /// # Errors
    /// As [`Self::edit_ksu`] of the first that fails; those before are changed.
    pub(crate) fn edit_ksus(
        &mut self,
        session: &Session,
        body: &Value,
        params: Params<'_>,
        now: f64,
    ) -> Result<(), Problem> {
        let ksus = items_field(body, "ksus")?;
        for ksu in ksus {
            let id = text_field(ksu, "_id")?;
            let mut change = ksu.clone();
            if let Some(fields) = change.as_object_mut() {
                fields.shift_remove("_id");
            }
            self.edit_ksu(session, id, &change, params, now)?;
        }
        if ksus.is_empty() { Err(Problem::bad_request(NO_OPERATION)) } else { Ok(()) }
    }

    /// Notes that a KSU is to be copied to another profile; gives the operation's id.
    ///
    /// # Errors
    /// 404 and 422 unless both are there and at rest, 400 without profile.
    pub(crate) fn clone_ksu(
        &mut self,
        session: &Session,
        id: &str,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_target(id, body)?;
        let mut record = session.find(&self.db, Collection::Ksus, id)?.into_owned();
        let op_id = self.note(&mut record, "clone", body, now);
        self.keep_and_start(Collection::Ksus, record, now);
        Ok(op_id)
    }

    /// Moves a KSU to another profile; gives the operation's id.
    ///
    /// # Errors
    /// 404 and 422 unless both are there and at rest, 422 by schema, 400 without profile.
    pub(crate) fn move_ksu(
        &mut self,
        session: &Session,
        id: &str,
        body: &Value,
        params: Params<'_>,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_target(id, body)?;
        let mut change = body.clone();
        Overlay::new(params, false).lay_over(&mut change)?;
        check_not_both(session, &change)?;
        let mut record = session.find(&self.db, Collection::Ksus, id)?.into_owned();
        schema::check(&change, &KSU, self.release, "")?;
        deep_update(&mut record, &change)?;
        let op_id = self.note(&mut record, "move", &change, now);
        set(admin_of(&mut record), "modified", now);
        set_busy(&mut record);
        self.keep_and_start(Collection::Ksus, record, now);
        Ok(op_id)
    }

    fn check_target(&self, id: &str, body: &Value) -> Result<(), Problem> {
        let profile = field(body, "profile")?;
        let target = (text_field(profile, "profile_type")?, text_field(profile, "_id")?);
        self.check_at_rest(&[("ksu", id), target], false)
    }

    /// Asks for a KSU to be removed; gives the operation's id. Without its profile it goes at once.
    ///
    /// # Errors
    /// 404 unknown, 422 unless it and its profile are at rest.
    pub(crate) fn delete_ksu(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<Value, Problem> {
        let mut record = session.find(&self.db, Collection::Ksus, id)?.into_owned();
        let profile = field(&record, "profile")?.clone();
        let (kind, profile_id) = (text_field(&profile, "profile_type")?, text(&profile, "_id"));
        self.check_at_rest(&[("ksu", id), (kind, profile_id)], true)?;
        set(&mut record, "state", "IN_DELETION");
        set_busy(&mut record);
        let op_id = self.note(&mut record, "delete", &Value::Null, now);
        self.keep_and_start(Collection::Ksus, record, now);
        if !self.db.contains(profiles_of(kind)?, profile_id) {
            self.db.remove(Collection::Ksus, id);
            self.engine.forget(id);
        }
        Ok(json!(op_id))
    }

    /// Asks for several KSUs to be removed; gives the id of the last operation.
    ///
    /// # Errors
    /// As [`Self::delete_ksu`] of the first that fails.
    pub(crate) fn delete_ksus(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<Value, Problem> {
        let mut last = Err(Problem::bad_request(NO_OPERATION));
        for ksu in items_field(body, "ksus")? {
            last = Ok(self.delete_ksu(session, text_field(ksu, "_id")?, now)?);
        }
        last
    }
}

/// Ids of the OKAs that a new KSU is made of.
fn okas_of_new(ksu: &Value) -> Result<Vec<&str>, Problem> {
    let profile = field(ksu, "profile")?;
    text_field(profile, "profile_type")?;
    text_field(profile, "_id")?;
    let mut ids = Vec::new();
    for oka in items_field(ksu, "oka")? {
        match (oka.get("_id"), oka.get("sw_catalog_path")) {
            (Some(_), Some(_)) => {
                return Err(Problem::unprocessable(
                    "Cannot create ksu with both OKA and SW catalog path",
                ));
            }
            (None, None) => {
                return Err(Problem::unprocessable(
                    "Cannot create ksu. Either oka id or SW catalog path is required for all OKA in \
                     a KSU",
                ));
            }
            (Some(id), None) => ids.push(id.as_str().unwrap_or_default()),
            (None, Some(_)) => {}
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use http::StatusCode;

    #[test]
    fn a_profile_that_a_change_names_must_be_there() {
        let mut state = State::empty(Release::R19, Profile::instant(), 1);
        let ksu = json!({
            "_id": "k", "name": "k", "state": "CREATED", "operatingState": "IDLE", "_admin": {},
        });
        state.db.put(Collection::Ksus, ksu);
        let session = Session::of_project(None);
        let id = "00000000-0000-4000-8000-000000000001";
        for (profile, status) in [
            (json!({"profile_type": "app_profiles", "_id": id}), StatusCode::NOT_FOUND),
            (json!(null), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let change = json!({"name": "k", "profile": profile, "oka": []});
            let refusal = state.edit_ksu(&session, "k", &change, &[], 0.0).unwrap_err();
            assert_eq!(refusal.status, status, "{}", refusal.detail);
        }
    }
}
