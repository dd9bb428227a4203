//! Clusters that OSM makes, and those that it is told of.
//!
//! Source: OSM NBI `k8s_topics.py` (`ClusterTopic`, `ClusterOpsTopic`) and `acm_topic.py` of release 19.

use serde_json::{Value, json};

use super::{PROFILES, at_step, field, set_age_keys, set_busy, text_field};
use crate::filter::Filter;
use crate::input::gitops::{CLUSTER_NEW, CLUSTER_REGISTER, CLUSTER_UPDATE, NAMED};
use crate::problem::Problem;
use crate::python::repr_str;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

const NAME_STEP: &str = "name unique check";
const INPUT_STEP: &str = "validating input parameters";

/// Where the name of a new cluster must be free besides among clusters, whoever has it.
const NAMED_ALIKE: [Collection; 5] = [
    Collection::K8sClusters,
    Collection::AppProfiles,
    Collection::ConfigProfiles,
    Collection::ControllerProfiles,
    Collection::ResourceProfiles,
];

impl State {
    /// Makes a cluster at a VIM account that is given by name, with a profile of each kind, and an
    /// entry among the clusters of the older API; gives its id.
    ///
    /// # Errors
    /// 409 for a name in use, 404 for an unknown VIM account, 422 by schema, 400 for what does not fit
    /// the cloud or the number of subnets.
    pub(crate) fn create_cluster(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_new_cluster(session, text_field(body, "name")?)?;
        let vim = self
            .vim_named(text_field(body, "vim_account")?)
            .map_err(|problem| at_step(problem, INPUT_STEP))?;
        check_nodes(body, text(&vim, "vim_type"))?;
        schema::check(body, &CLUSTER_NEW, self.release, "")
            .map_err(|problem| at_step(problem, INPUT_STEP))?;
        check_subnets(body)?;
        let mut record = body.clone();
        let id = self.begin(session, &mut record, now);
        for (kind, collection) in PROFILES {
            // The profile's history shows the cluster as far as it is made by then.
            let params = record.clone();
            let profile = self.add_default_profile(session, collection, &params, now);
            set(&mut record, kind, json!([profile]));
        }
        set(&mut record, "created", "true");
        self.set_in_creation(session, &mut record);
        for key in ["region_name", "resource_group"] {
            let of_vim = vim.get("config").and_then(|config| config.get(key));
            if let Some(value) = of_vim.filter(|value| body.get(key).is_none() && **value != "") {
                set(&mut record, key, value.clone());
            }
        }
        for (key, usual) in [("config", json!({})), ("node_count", json!(0))] {
            if body.get(key).is_none() {
                set(&mut record, key, usual);
            }
        }
        set(&mut record, "ksu_count", 0);
        self.note(&mut record, "create", body, now);
        set_age_keys(&mut record);
        self.add_to_older_api(session, &record, &vim, now);
        self.keep_and_start(Collection::Clusters, record, now);
        Ok(id)
    }

    /// Takes note of a cluster that is there already; gives its id.
    ///
    /// # Errors
    /// 409 for a name in use, 404 for an unknown VIM account, 422 by schema, 400 without `bootstrap`.
    pub(crate) fn register_cluster(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_new_cluster(session, text_field(body, "name")?)?;
        schema::check(body, &CLUSTER_REGISTER, self.release, "")
            .map_err(|problem| at_step(problem, INPUT_STEP))?;
        let mut record = json!({});
        for key in ["name", "credentials", "vim_account", "bootstrap"] {
            set(&mut record, key, field(body, key)?.clone());
        }
        // OSM looks for the account last, and takes back what it made.
        let vim = self
            .vim_named(text(body, "vim_account"))
            .map_err(|problem| at_step(problem, "registering the cluster at database"))?;
        set(&mut record, "openshift", body.get("openshift").cloned().unwrap_or(json!(false)));
        for (kind, collection) in PROFILES {
            let profile = self.add_default_profile(session, collection, body, now);
            set(&mut record, kind, json!([profile]));
        }
        set(&mut record, "created", "false");
        self.set_in_creation(session, &mut record);
        if let Some(description) = body.get("description") {
            set(&mut record, "description", description.clone());
        }
        let id = self.begin(session, &mut record, now);
        self.note(&mut record, "register", body, now);
        set_age_keys(&mut record);
        self.add_to_older_api(session, &record, &vim, now);
        self.keep_and_start(Collection::Clusters, record, now);
        Ok(id)
    }

    fn set_in_creation(&mut self, session: &Session, record: &mut Value) {
        set(record, "state", "IN_CREATION");
        set(record, "operatingState", "PROCESSING");
        let git_name = self.git_name(session, Collection::Clusters, text(record, "name"));
        set(record, "git_name", git_name);
        set(record, "resourceState", "IN_PROGRESS.REQUEST_RECEIVED");
    }

    fn check_new_cluster(&self, session: &Session, name: &str) -> Result<(), Problem> {
        self.check_quota(session, Collection::Clusters)
            .map_err(|problem| at_step(problem, "checking quotas"))?;
        self.check_name_is_free(session, Collection::Clusters, name, None)
            .map_err(|problem| at_step(problem, NAME_STEP))?;
        for collection in NAMED_ALIKE {
            if self.db.count_with(collection, "name", name) > 0 {
                let table = collection.table();
                return Err(Problem::conflict(format!(
                    "name '{name}' already exists in topic '{table}' while '{NAME_STEP}'"
                )));
            }
        }
        Ok(())
    }

    fn vim_named(&self, name: &str) -> Result<Value, Problem> {
        let mut of_name = self.db.with(Collection::VimAccounts, "name", name);
        let filter = format!("vim_account with filter='{{'name': {}}}'", repr_str(name));
        let twice = "database exception database exception";
        match (of_name.next(), of_name.next()) {
            (Some(vim), None) => Ok(vim.into_owned()),
            (None, _) => Err(Problem::not_found(format!("{twice} Not found any {filter}"))),
            _ => Err(Problem::conflict(format!("{twice} Found more than one {filter}"))),
        }
    }

    /// Lists a cluster among those of `/admin/v1/k8sclusters`.
    fn add_to_older_api(&mut self, session: &Session, cluster: &Value, vim: &Value, now: f64) {
        let or_null = |key: &str| cluster.get(key).cloned().unwrap_or_default();
        let mut item = json!({
            "name": cluster["name"],
            "credentials": {},
            "k8s_version": or_null("k8s_version"),
            "vim_account": vim["_id"],
            "nets": {"k8s_net1": null},
            "deployment_methods": {"juju-bundle": false, "helm-chart-v3": true},
            "description": or_null("description"),
            "namespace": "kube-system",
            "osm_acm": true,
            "schema_version": "1.11",
        });
        self.begin(session, &mut item, now);
        let admin = admin_of(&mut item);
        set(admin, "operationalState", "PROCESSING");
        set(
            admin,
            "operations",
            json!([{
                "lcmOperationType": "create",
                "operationState": "PROCESSING",
                "startTime": now,
                "statusEnteredTime": now,
                "detailed-status": "",
                "operationParams": null,
            }]),
        );
        set(admin, "current_operation", Value::Null);
        self.db.put(Collection::K8sClusters, item);
    }

    /// Clusters of this API, and then those of the older one that it does not know.
    pub(crate) fn list_clusters(&self, session: &Session, filter: &Filter) -> Value {
        let wanted = |collection| -> Vec<Value> {
            let candidates = self.db.candidates(collection, filter);
            let records = candidates.iter().map(|record| record.value().into_owned());
            records.filter(|record| session.sees(record) && filter.accepts(record)).collect()
        };
        let mut clusters = wanted(Collection::Clusters);
        let names: Vec<Value> = clusters.iter().map(|cluster| cluster["name"].clone()).collect();
        for mut older in wanted(Collection::K8sClusters) {
            if names.contains(&older["name"]) {
                continue;
            }
            let state = older["_admin"].get("operationalState").cloned();
            set(&mut older, "state", "N/A");
            set(&mut older, "bootstrap", "NO");
            set(&mut older, "operatingState", "N/A");
            set(&mut older, "resourceState", state.unwrap_or(json!("Unknown")));
            set(&mut older, "created", "NO");
            clusters.push(older);
        }
        Value::Array(clusters)
    }

    /// Changes name and description, the name also of what goes by it.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema, 409 for a name in use.
    pub(crate) fn edit_cluster(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        self.has_edited_cluster = true;
        check_not_both(session, patch)?;
        let mut record = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        schema::check(patch, &NAMED, self.release, "")?;
        let old_name = text(&record, "name").to_owned();
        deep_update(&mut record, patch)?;
        session.share(&mut record);
        set(admin_of(&mut record), "modified", now);
        let name = text(&record, "name").to_owned();
        if name != old_name {
            self.check_name_is_free(session, Collection::Clusters, &name, None)?;
            for collection in NAMED_ALIKE {
                if self.db.count_with(collection, "name", &name) > 0 {
                    let table = collection.table();
                    return Err(Problem::conflict(format!(
                        "name '{name}' already exists for {table}"
                    )));
                }
            }
            for collection in NAMED_ALIKE {
                for other in self.db.ids_with(collection, "name", &old_name) {
                    if let Some(other) = self.db.get_mut(collection, &other) {
                        set(other, "name", name.as_str());
                    }
                }
            }
        }
        self.db.put(Collection::Clusters, record);
        Ok(())
    }

    /// Asks for a cluster to be removed; gives what OSM takes for the operation's id: that of the one
    /// before, if it goes on.
    ///
    /// # Errors
    /// 404 unknown, 422 unless it is at rest and was made by OSM, 401 without the right to write.
    pub(crate) fn delete_cluster(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<Value, Problem> {
        self.check_at_rest(&[("cluster", id)], true)?;
        let record = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        let current = record["current_operation"].clone();
        if text(&record, "created") == "false" {
            return Err(Problem::unprocessable(
                "Cannot delete registered cluster. Please deregister.",
            ));
        }
        self.delete_at_end(session, Collection::Clusters, record, now)?;
        Ok(current)
    }

    /// Takes the project off a record, or has the record removed when an operation has ended.
    pub(super) fn delete_at_end(
        &mut self,
        session: &Session,
        collection: Collection,
        mut record: Value,
        now: f64,
    ) -> Result<(), Problem> {
        if self.unshare(session, collection, &record)? {
            return Ok(());
        }
        set(&mut record, "state", "IN_DELETION");
        set(&mut record, "operatingState", "PROCESSING");
        set(&mut record, "current_operation", Value::Null);
        self.note(&mut record, "delete", &Value::Null, now);
        self.keep_and_start(collection, record, now);
        Ok(())
    }

    /// Asks for a cluster to be forgotten; says whether that goes on.
    ///
    /// # Errors
    /// 404 unknown, 401 without the right to write.
    pub(crate) fn deregister_cluster(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<bool, Problem> {
        let mut record = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        self.note(&mut record, "deregister", &Value::Null, now);
        // OSM keeps the operation even where it refuses it then.
        self.db.put(Collection::Clusters, record.clone());
        if self.unshare(session, Collection::Clusters, &record)? {
            return Ok(false);
        }
        self.keep_and_start(Collection::Clusters, record, now);
        Ok(true)
    }

    /// Scales or upgrades a cluster; gives the operation's id.
    ///
    /// # Errors
    /// 422 by schema, 404 unknown.
    pub(crate) fn update_cluster(
        &mut self,
        session: &Session,
        id: &str,
        (operation_type, params): (&str, &Value),
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(params, &CLUSTER_UPDATE, self.release, "")?;
        let mut record = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        set_busy(&mut record);
        let op_id = self.note(&mut record, operation_type, params, now);
        self.keep_and_start(Collection::Clusters, record, now);
        Ok(op_id)
    }

    /// Asks for the credentials of a cluster; gives the operation's id.
    ///
    /// # Errors
    /// 404 unknown.
    pub(crate) fn ask_for_credentials(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<String, Problem> {
        let mut record = session.find(&self.db, Collection::Clusters, id)?.into_owned();
        let op_id = self.note(&mut record, "get_creds", &Value::Null, now);
        self.keep_and_start(Collection::Clusters, record, now);
        Ok(op_id)
    }

    /// The credentials that an operation brought.
    ///
    /// # Errors
    /// 404 unknown, 422 unless the operation is known and ended well, 400 where it brought none.
    pub(crate) fn credentials(
        &self,
        session: &Session,
        id: &str,
        op_id: &str,
    ) -> Result<Value, Problem> {
        let record = session.find(&self.db, Collection::Clusters, id)?;
        let operations = list(&record, "operationHistory");
        let operation = operations.iter().rev().find(|operation| operation["op_id"] == op_id);
        if operation.is_none_or(|operation| operation["result"] != true) {
            return Err(Problem::unprocessable(
                "Not possible to get the credentials of the cluster",
            ));
        }
        field(&record, "credentials").cloned()
    }
}

/// Clouds differ in who says how many nodes there are.
fn check_nodes(body: &Value, vim_type: &str) -> Result<(), Problem> {
    let is_given = ["node_count", "node_size"].iter().any(|key| body.get(key).is_some());
    match vim_type {
        "aws" if is_given => {
            Err(Problem::bad_request("node_count and node_size are not allowed for AWS"))
        }
        "azure" | "gcp" | "kubevirt" if !is_given => {
            Err(Problem::bad_request("node_count and node_size are mandatory parameter"))
        }
        _ => Ok(()),
    }
}

fn check_subnets(body: &Value) -> Result<(), Problem> {
    let (private, public) = (list(body, "private_subnet").len(), list(body, "public_subnet").len());
    if (private == 0) != (public == 0) {
        return Err(Problem::bad_request(
            "'public_subnet' must be provided if 'private_subnet' is given and viceversa.",
        ));
    }
    for (kind, count, wanted) in [("private", private, 2), ("public", public, 1)] {
        if count != 0 && count != wanted {
            return Err(Problem::bad_request(format!(
                "{kind}_subnet must contain exactly {wanted} items, got {count}"
            )));
        }
    }
    Ok(())
}
