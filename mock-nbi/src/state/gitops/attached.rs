//! The profiles of a cluster, and the KSUs that they bring.
//!
//! Source: OSM NBI `k8s_topics.py` (`ClusterTopic`, `KsusTopic`) of release 19.

use serde_json::{Value, json};

use super::{field, items_field, profiles_of, text_field};
use crate::input::gitops::{NAMED, PROFILES_OF_CLUSTER};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Session;

/// Kinds of profiles in the order in which KSUs are listed, with the folder in Git of each.
const FOLDERS: [(&str, &str); 4] = [
    ("infra_controller_profiles", "infra-controllers"),
    ("infra_config_profiles", "infra-configs"),
    ("app_profiles", "apps"),
    ("resource_profiles", "managed_resources"),
];

impl State {
    /// The profiles of a kind that a cluster has.
    ///
    /// # Errors
    /// 404 for an unknown cluster, and for a profile that the session does not see.
    pub(crate) fn profiles_of_cluster(
        &self,
        session: &Session,
        id: &str,
        kind: &str,
    ) -> Result<Value, Problem> {
        let cluster = session.find(&self.db, Collection::Clusters, id)?;
        let collection = profiles_of(kind)?;
        items_field(&cluster, kind)?
            .iter()
            .map(|profile| {
                let id = profile.as_str().unwrap_or_default();
                Ok(session.find(&self.db, collection, id)?.into_owned())
            })
            .collect()
    }

    /// Gives a cluster a profile more, or takes one from it.
    ///
    /// # Errors
    /// 404 unknown; 422 by schema, unless both are at rest, for a profile that the cluster has (or
    /// has not, or must keep), and for any change after some cluster was edited.
    pub(crate) fn change_profiles_of_cluster(
        &mut self,
        session: &Session,
        (id, kind): (&str, &str),
        change: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        // Editing a cluster changes what this is checked with, for as long as OSM runs.
        let schema = if self.has_edited_cluster { &NAMED } else { &PROFILES_OF_CLUSTER };
        schema::check(change, schema, self.release, "")?;
        let named = ["add_profile", "remove_profile"]
            .into_iter()
            .find_map(|key| list(change, key).first().map(|first| (key, first)));
        let Some((key, first)) = named else {
            return Err(Problem::unprocessable("Add / remove operation is only applicable"));
        };
        let is_addition = key == "add_profile";
        let profile = text_field(first, "id")?;
        self.check_at_rest(&[("cluster", id), (kind, profile)], false)?;
        let collection = profiles_of(kind)?;
        if is_addition {
            session.find(&self.db, collection, profile)?;
        }
        let mut cluster = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        let has_profile = list(&cluster, kind).iter().any(|known| known == profile);
        if is_addition == has_profile {
            let complaint = if has_profile { "already exists" } else { "does'nt exists" };
            // A cluster's own profile is told before one that it lacks.
            let is_own = || self.is_default_profile(session, collection, profile);
            return Err(Problem::unprocessable(if !is_addition && is_own() {
                "Cannot remove default profile".to_owned()
            } else {
                format!("{kind} {profile} {complaint}")
            }));
        }
        if !is_addition && self.is_default_profile(session, collection, profile) {
            return Err(Problem::unprocessable("Cannot remove default profile"));
        }
        if is_addition {
            set(&mut cluster, "operatingState", "PROCESSING");
        }
        let operation_type = if is_addition { "add" } else { "remove" };
        self.note(&mut cluster, operation_type, change, now);
        self.keep_and_start(Collection::Clusters, cluster, now);
        Ok(())
    }

    fn is_default_profile(&self, session: &Session, collection: Collection, id: &str) -> bool {
        let found = self.db.get(collection, id);
        found.is_some_and(|profile| session.sees(&profile) && profile["default"] == true)
    }

    /// The KSUs on a cluster: of each kind of profiles those of the last one, OSM's own slip.
    ///
    /// # Errors
    /// 404 for an unknown cluster or OKA, 400 for a registered one, the KSUs of which nobody counts.
    pub(crate) fn ksus_of_cluster(&self, id: &str) -> Result<Value, Problem> {
        let cluster = self.any_record(Collection::Clusters, id)?;
        let mut ksus = Vec::new();
        for (kind, _) in FOLDERS {
            let Some(last) = list(&cluster, kind).last() else {
                continue;
            };
            let profile = json!({"_id": last, "profile_type": kind});
            let of_profile = self.db.iter(Collection::Ksus).filter(|ksu| ksu["profile"] == profile);
            for ksu in of_profile {
                let mut ksu = ksu.into_owned();
                let (names, paths) = self.packages_of(&ksu)?;
                set(&mut ksu, "package_name", names);
                set(&mut ksu, "package_path", paths);
                ksus.push(ksu);
            }
        }
        Ok(json!({"count": field(&cluster, "ksu_count")?, "data": ksus}))
    }

    /// Names and places in Git of the packages that a KSU was made of.
    fn packages_of(&self, ksu: &Value) -> Result<(Vec<String>, Vec<String>), Problem> {
        let (mut names, mut paths) = (Vec::new(), Vec::new());
        for oka in items_field(&ksu["operationHistory"][0]["operationParams"], "oka")? {
            let path = text(oka, "sw_catalog_path");
            if path.is_empty() {
                let oka = self.any_record(Collection::Okas, text_field(oka, "_id")?)?;
                let kind = oka["profile_type"].as_str().unwrap_or(FOLDERS[0].0);
                let folder = FOLDERS.iter().find(|(known, _)| *known == kind);
                let folder = folder.map_or("", |(_, folder)| *folder);
                let name = text(&oka, "git_name").to_lowercase();
                paths.push(format!("{folder}/{name}"));
                names.push(name);
            } else {
                let Some((place, _)) = path.rsplit_once('/') else {
                    return Err(Problem::bad_request("list index out of range"));
                };
                let name = place.rsplit_once('/').map_or(place, |(_, name)| name);
                names.push(name.to_owned());
                paths.push(place.to_owned());
            }
        }
        Ok((names, paths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_change_that_leaves_a_cluster_as_it_is_is_refused_with_the_reason() {
        const OWN: &str = "00000000-0000-4000-8000-000000000001";
        const OTHER: &str = "00000000-0000-4000-8000-000000000002";
        const KIND: &str = "app_profiles";
        let mut state = State::empty(Release::R19, Profile::instant(), 1);
        let at_rest = |id: &str| json!({"_id": id, "name": id, "state": "CREATED", "operatingState": "IDLE", "_admin": {}});
        for (id, is_own) in [(OWN, true), (OTHER, false)] {
            let mut profile = at_rest(id);
            set(&mut profile, "default", is_own);
            state.db.put(Collection::AppProfiles, profile);
        }
        for (id, profiles) in [("has", json!([OWN])), ("lacks", json!([]))] {
            let mut cluster = at_rest(id);
            set(&mut cluster, KIND, profiles);
            state.db.put(Collection::Clusters, cluster);
        }
        let session = Session::of_project(None);
        let own = "Cannot remove default profile";
        for (cluster, key, profile, complaint) in [
            ("has", "add_profile", OWN, format!("{KIND} {OWN} already exists")),
            ("has", "remove_profile", OWN, own.to_owned()),
            ("lacks", "remove_profile", OWN, own.to_owned()),
            ("lacks", "remove_profile", OTHER, format!("{KIND} {OTHER} does'nt exists")),
        ] {
            let change = json!({key: [{"id": profile}]});
            let got = state.change_profiles_of_cluster(&session, (cluster, KIND), &change, 0.0);
            assert_eq!(got, Err(Problem::unprocessable(complaint)), "{cluster} {change}");
        }
    }
}
