//! K8s repositories, which clusters list, and OSM repositories, which are only kept.
//!
//! Source: OSM NBI `admin_topics.py`, `K8sRepoTopic`, `K8sClusterTopic` and `OsmRepoTopic`;
//! recorded case `k8srepos_attach_to_clusters`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::kinds::kind_of;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, READ_BY, admin_of, list, set, text, with_id_first};
use crate::state::merge::deep_update;
use crate::state::session::Session;

/// The types of repositories, and where a cluster lists them.
const LISTS: [(&str, &str); 2] =
    [("helm-chart", "helm_chart_repos"), ("juju-bundle", "juju_bundle_repos")];

impl State {
    /// Notes the repositories of these projects in a cluster's `_admin`.
    pub(super) fn list_repos(&self, admin: &mut Value, projects: &[String]) {
        for (repo_type, key) in LISTS {
            let mut ids = list(admin, key).to_vec();
            for project in projects.iter().filter(|project| *project != "ANY") {
                for repo in self.db.with(Collection::K8sRepos, READ_BY, project) {
                    let is_new = text(&repo, "type") == repo_type && !ids.contains(&repo["_id"]);
                    if is_new {
                        ids.push(repo["_id"].clone());
                    }
                }
            }
            set(admin, key, ids);
        }
    }

    /// Notes a new repository in the clusters of its projects.
    pub(super) fn attach_repo(&mut self, repo: &Value) {
        let projects = list(&repo["_admin"], "projects_read");
        let key = list_of(repo);
        let clusters: Vec<Value> = self
            .db
            .iter(Collection::K8sClusters)
            .filter(|cluster| {
                projects
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|project| project != "ANY" && reads(cluster, project))
            })
            .filter(|cluster| !list(&cluster["_admin"], key).contains(&repo["_id"]))
            .map(Cow::into_owned)
            .collect();
        for mut cluster in clusters {
            let admin = admin_of(&mut cluster);
            let mut ids = list(admin, key).to_vec();
            ids.push(repo["_id"].clone());
            set(admin, key, ids);
            self.db.put(Collection::K8sClusters, cluster);
        }
    }

    /// Takes a repository off the clusters that list it.
    pub(super) fn detach_repo(&mut self, repo: &Value) {
        let key = list_of(repo);
        let clusters: Vec<Value> = self
            .db
            .iter(Collection::K8sClusters)
            .filter(|cluster| list(&cluster["_admin"], key).contains(&repo["_id"]))
            .map(Cow::into_owned)
            .collect();
        for mut cluster in clusters {
            let admin = admin_of(&mut cluster);
            let mut ids = list(admin, key).to_vec();
            ids.retain(|id| id != &repo["_id"]);
            set(admin, key, ids);
            self.db.put(Collection::K8sClusters, cluster);
        }
    }

    /// Keeps an OSM repository; gives its id. Names may repeat.
    ///
    /// # Errors
    /// 422 by schema and for the quota.
    pub(crate) fn create_osm_repo(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::OsmRepos)?;
        schema::check(body, kind_of(Collection::OsmRepos, self.release).new, self.release, "")?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let mut record = body.clone();
        let admin = json!({
            "created": now,
            "modified": now,
            "projects_read": read,
            "projects_write": write,
        });
        set(&mut record, "_admin", admin);
        set(&mut record, "_id", id.as_str());
        self.db.put(Collection::OsmRepos, record);
        Ok(id)
    }

    /// Changes an OSM repository.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema.
    pub(crate) fn edit_osm_repo(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        super::check_not_both(session, patch)?;
        let mut record = session.find(&self.db, Collection::OsmRepos, id)?.into_owned();
        schema::check(patch, kind_of(Collection::OsmRepos, self.release).edit, self.release, "")?;
        deep_update(&mut record, patch)?;
        session.share(&mut record);
        set(admin_of(&mut record), "modified", now);
        self.db.put(Collection::OsmRepos, with_id_first(record));
        Ok(())
    }

    /// Removes an OSM repository, or this project's mark on it.
    ///
    /// # Errors
    /// 404 unknown, 401 without the right to write.
    pub(crate) fn delete_osm_repo(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let record = session.find(&self.db, Collection::OsmRepos, id)?.into_owned();
        if !self.unshare(session, Collection::OsmRepos, &record)? {
            self.db.remove(Collection::OsmRepos, id);
        }
        Ok(())
    }
}

fn list_of(repo: &Value) -> &'static str {
    let wanted = text(repo, "type");
    LISTS.iter().find(|(repo_type, _)| *repo_type == wanted).map_or(LISTS[0].1, |(_, key)| key)
}

fn reads(record: &Value, project: &str) -> bool {
    list(&record["_admin"], "projects_read").iter().any(|name| name == project)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_new_repository_is_listed_by_the_clusters_of_its_projects_alone() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        for (id, project) in [("a", "own"), ("b", "theirs")] {
            let cluster = json!({"_id": id, "_admin": {"projects_read": [project]}});
            state.db.put(Collection::K8sClusters, cluster);
        }
        let admin = json!({"projects_read": ["own"]});
        state.attach_repo(&json!({"_id": "r", "type": "helm-chart", "_admin": admin}));
        let listed = |id: &str| {
            let cluster = state.db.get(Collection::K8sClusters, id).unwrap();
            cluster["_admin"]["helm_chart_repos"].clone()
        };
        assert_eq!((listed("a"), listed("b")), (json!(["r"]), Value::Null));
    }
}
