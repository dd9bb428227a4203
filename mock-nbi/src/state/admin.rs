//! What OSM registers, tries out, and only then enables: VIM and WIM accounts, SDN controllers,
//! K8s clusters and repositories, VCAs.
//!
//! Source: NBI_FACTS.md section 6; OSM NBI `admin_topics.py`, `CommonVimWimSdn`; recorded cases
//! `vim_accounts_*`, `k8sclusters_crud`, `sdns_crud`, `vca_crud`.

mod kinds;
mod repos;
pub(crate) mod secrets;

use serde_json::{Map, Value, json};

use crate::operation::Work;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, merge_patch, set, text, with_id_first};
use crate::state::merge::deep_update;
use crate::state::people;
use crate::state::session::Session;
use kinds::kind_of;

/// What became of a removal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The record (or this project's mark on it) is gone.
    Done,
    /// An operation with this id will remove it.
    Started(String),
}

impl State {
    /// Registers an item; gives its id. Its first operation is `<id>:0`.
    ///
    /// # Errors
    /// 422 for the quota and by schema, 409 for a name in use, 400 for a secret that is no text.
    pub(crate) fn create_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, collection)?;
        let kind = kind_of(collection, self.release);
        schema::check(body, kind.new, self.release, "")?;
        let mut record = body.clone();
        if collection == Collection::SdnControllers {
            settle_url(&mut record, true)?;
        }
        self.check_name_is_free(session, collection, text(body, "name"), None)?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let mut admin = json!({
            "created": now,
            "modified": now,
            "projects_read": read,
            "projects_write": write,
            "operationalState": "PROCESSING",
            "operations": [self.operation("create", now)],
            "current_operation": null,
        });
        secrets::encrypt(&mut record, body, &kind, &id)?;
        for _ in kind.secrets.iter().filter(|key| body.get(**key).is_some()) {
            self.ids.pass_over_secret();
        }
        if collection == Collection::K8sClusters {
            secrets::encrypt_fields(&mut record["credentials"], &id);
            self.list_repos(&mut admin, &read);
        }
        set(&mut record, "_admin", admin);
        set(&mut record, "_id", id.as_str());
        set(&mut record, "schema_version", "1.11");
        if self.release.has_verbose_ids() {
            set(&mut record, "key", "registered");
        }
        if self.release.knows_clouds() {
            secrets::encrypt_cloud(&mut record, &id)?;
            if text(&record, "vim_type") == "openstack" {
                set(&mut record, "resources", unknown_resources());
            }
        }
        if collection == Collection::K8sRepos {
            self.attach_repo(&record);
        }
        self.db.put(collection, record);
        self.submit_admin(Work::Admin { collection, id: id.clone(), index: 0 }, now);
        Ok(id)
    }

    /// Changes an item; gives the id of the operation.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema, 409 for a name in use, 400 for a secret that is no text.
    pub(crate) fn edit_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        check_not_both(session, patch)?;
        let mut record = session.find(&self.db, collection, id)?.into_owned();
        let kind = kind_of(collection, self.release);
        schema::check(patch, kind.edit, self.release, "")?;
        let mut patch = patch.clone();
        if collection == Collection::SdnControllers {
            settle_url(&mut patch, false)?;
        }
        deep_update(&mut record, &patch)?;
        if collection == Collection::K8sClusters {
            session.share(&mut record);
        }
        let name = text(&patch, "name");
        if !session.force && !name.is_empty() {
            self.check_name_is_free(session, collection, name, Some(id))?;
        }
        if collection == Collection::K8sClusters {
            let projects = session.set_project.clone().unwrap_or_default();
            self.list_repos(admin_of(&mut record), &projects);
            if let Some(credentials) = patch.get_mut("credentials") {
                secrets::encrypt_fields(credentials, id);
                merge_patch(&mut record["credentials"], credentials);
            }
        }
        set(admin_of(&mut record), "modified", now);
        secrets::encrypt(&mut record, &patch, &kind, id)?;
        if self.release.knows_clouds() && secrets::has_cloud_secrets(&patch) {
            // OSM looks for the id in the change, which has none.
            return Err(Problem::bad_request("'_id'"));
        }
        Ok(self.start_operation(collection, with_id_first(record), "edit", now))
    }

    /// Removes an item through an operation, or at once when forced.
    ///
    /// # Errors
    /// 404 unknown, 409 while something uses it, unless forced; 401 without the right to write.
    pub(crate) fn delete_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        now: f64,
    ) -> Result<Removal, Problem> {
        let is_repo = collection == Collection::K8sRepos;
        if is_repo && !self.db.contains(collection, id) {
            return Err(people::not_found_by(collection, &people::filter_by("_id", id)));
        }
        let mut record = session.find(&self.db, collection, id)?.into_owned();
        if !session.force {
            self.check_unused_by_others(session, collection, id)?;
        }
        if self.unshare(session, collection, &record)? {
            return Ok(Removal::Done);
        }
        if session.force {
            self.db.remove(collection, id);
            self.engine.forget(id);
            return Ok(Removal::Done);
        }
        if is_repo {
            self.detach_repo(&record);
        }
        set(admin_of(&mut record), "to_delete", true);
        Ok(Removal::Started(self.start_operation(collection, record, "delete", now)))
    }

    fn start_operation(
        &mut self,
        collection: Collection,
        mut record: Value,
        operation_type: &str,
        now: f64,
    ) -> String {
        let id = text(&record, "_id").to_owned();
        let operation = self.operation(operation_type, now);
        let mut index = 0;
        if let Some(operations) = admin_of(&mut record)["operations"].as_array_mut() {
            index = operations.len();
            operations.push(operation);
        }
        self.db.put(collection, record);
        self.submit_admin(Work::Admin { collection, id: id.clone(), index }, now);
        format!("{id}:{index}")
    }

    fn operation(&self, operation_type: &str, now: f64) -> Value {
        let mut operation = json!({
            "lcmOperationType": operation_type,
            "operationState": "PROCESSING",
            "startTime": now,
            "statusEnteredTime": now,
        });
        if self.release.details_admin_operations() {
            set(&mut operation, "detailed-status", "");
        }
        set(&mut operation, "operationParams", Value::Null);
        operation
    }

    /// Names are compared among the records that the session may write.
    pub(super) fn check_name_is_free(
        &self,
        session: &Session,
        collection: Collection,
        name: &str,
        except: Option<&str>,
    ) -> Result<(), Problem> {
        let mut of_name = self.db.with(collection, "name", name);
        let is_taken =
            of_name.any(|other| session.sees(&other) && Some(text(&other, "_id")) != except);
        if is_taken {
            let table = collection.table();
            return Err(Problem::conflict(format!("name '{name}' already exists for {table}")));
        }
        Ok(())
    }

    fn check_unused_by_others(
        &self,
        session: &Session,
        collection: Collection,
        id: &str,
    ) -> Result<(), Problem> {
        let (users, place, by_what) = match collection {
            Collection::VimAccounts => {
                (Collection::VnfInstances, "vim-account-id", "VNF using this VIM account")
            }
            Collection::K8sClusters => {
                (Collection::VnfInstances, "kdur.k8s-cluster.id", "VNF using this k8scluster")
            }
            Collection::Vcas => (Collection::VimAccounts, "vca", "VIM account using this vca"),
            _ => return Ok(()),
        };
        // A VIM account is kept for whoever uses it, the others for users of the own project.
        let counts = |record: &Value| {
            collection == Collection::VimAccounts
                || session.project_id.as_ref().is_none_or(|project| {
                    list(&record["_admin"], "projects_read").iter().any(|name| name == project)
                })
        };
        let is_used = self.db.find_with(users, place, id, counts).is_some();
        if is_used {
            return Err(Problem::conflict(format!("There is at least one {by_what}")));
        }
        Ok(())
    }
}

/// A change is either of the content or of who sees it.
///
/// # Errors
/// 422 for both at once.
pub(crate) fn check_not_both(session: &Session, patch: &Value) -> Result<(), Problem> {
    let is_empty = patch.as_object().is_some_and(Map::is_empty);
    if !is_empty && session.set_project.as_ref().is_some_and(|projects| !projects.is_empty()) {
        return Err(Problem::unprocessable(
            "Cannot edit content and set to project (query string SET_PROJECT) at same time",
        ));
    }
    Ok(())
}

/// An SDN controller is given by its URL, or, the older way, by address and port.
///
/// Source: OSM NBI `admin_topics.py`, `SdnTopic`; recorded case `sdns_crud`.
fn settle_url(body: &mut Value, is_new: bool) -> Result<(), Problem> {
    let ip = text(body, "ip").to_owned();
    let port = body.get("port").and_then(Value::as_i64);
    let has_url = !text(body, "url").is_empty();
    match port {
        None if ip.is_empty() => {
            if is_new && !has_url {
                return Err(Problem::unprocessable("You must provide 'url'"));
            }
            Ok(())
        }
        Some(port) if !ip.is_empty() && !has_url => {
            set(body, "url", format!("http://{ip}:{port}/"));
            if let Some(fields) = body.as_object_mut() {
                fields.shift_remove("ip");
                fields.shift_remove("port");
            }
            Ok(())
        }
        _ => Err(Problem::unprocessable(
            "You must provide both 'ip' and 'port' (deprecated); or just 'url' (prefered)",
        )),
    }
}

/// What OSM will fill in of an OpenStack.
fn unknown_resources() -> Value {
    let unknown = || json!({"total": null, "used": null});
    json!({
        "compute": {"ram": unknown(), "vcpus": unknown(), "instances": unknown()},
        "storage": {"volumes": unknown(), "snapshots": unknown(), "storage": unknown()},
        "network": {"networks": unknown(), "subnets": unknown(), "floating_ips": unknown()},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_vim_account_is_kept_for_whoever_uses_it_and_a_cluster_for_the_own_project() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        let vnfr = json!({
            "_id": "v", "vim-account-id": "vim", "kdur": [{"k8s-cluster": {"id": "kube"}}],
            "_admin": {"projects_read": ["theirs"]},
        });
        state.db.put(Collection::VnfInstances, vnfr);
        let is_free = |project: Option<&str>, collection, id: &str| {
            let session = Session::of_project(project);
            state.check_unused_by_others(&session, collection, id).is_ok()
        };
        for (project, is_cluster_free) in
            [(Some("own"), true), (Some("theirs"), false), (None, false)]
        {
            assert!(!is_free(project, Collection::VimAccounts, "vim"), "{project:?}");
            let cluster = is_free(project, Collection::K8sClusters, "kube");
            assert_eq!(cluster, is_cluster_free, "{project:?}");
            assert!(is_free(project, Collection::VimAccounts, "kube"), "nobody uses it");
        }
    }

    #[test]
    fn of_what_is_registered_only_a_cluster_is_made_public_by_a_change() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        let session = Session { public: Some(true), ..Session::of_project(Some("p")) };
        for (collection, readers) in [
            (Collection::K8sClusters, json!(["p", "ANY"])),
            (Collection::VimAccounts, json!(["p"])),
        ] {
            let id = collection.singular();
            let admin = json!({"projects_read": ["p"], "projects_write": ["p"], "operations": []});
            state.db.put(collection, json!({"_id": id, "name": id, "_admin": admin}));
            let patch = json!({"description": "d"});
            state.edit_admin_item(&session, collection, id, &patch, 0.0).unwrap();
            let record = state.db.get(collection, id).unwrap();
            assert_eq!(record["_admin"]["projects_read"], readers, "{id}");
        }
    }
}
