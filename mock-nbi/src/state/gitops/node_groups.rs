//! Groups of nodes of a cluster.
//!
//! Source: OSM NBI `k8s_topics.py` (`NodeGroupTopic`) of release 19.

use serde_json::{Value, json};

use super::{field, set_busy, text_field};
use crate::input::gitops::{NODE_GROUP_EDIT, NODE_GROUP_NEW};
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::session::Session;

impl State {
    /// Makes a group of nodes in subnets of its cluster, which the body names; gives its id.
    ///
    /// # Errors
    /// 409 for a name in use, 422 by schema, without subnet and for one that the cluster has not, 404
    /// for an unknown cluster, 400 for one without subnets.
    pub(crate) fn create_node_group(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_name_is_free(session, Collection::NodeGroups, text_field(body, "name")?, None)?;
        const SUBNETS: [&str; 2] = ["private_subnet", "public_subnet"];
        if SUBNETS.iter().all(|key| list(body, key).is_empty()) {
            return Err(Problem::unprocessable("Please provide atleast one subnet"));
        }
        schema::check(body, &NODE_GROUP_NEW, self.release, "")?;
        let cluster_id = text(body, "cluster_id");
        let cluster = self.any_record(Collection::Clusters, cluster_id)?;
        for key in SUBNETS {
            for subnet in list(body, key) {
                let Some(known) = cluster.get(key).and_then(Value::as_array) else {
                    return Err(Problem::bad_request(
                        "argument of type 'NoneType' is not iterable",
                    ));
                };
                if !known.contains(subnet) {
                    return Err(Problem::unprocessable(
                        "No External subnet is used to add nodegroup",
                    ));
                }
            }
        }
        let mut record = body.clone();
        let id = self.begin(session, &mut record, now);
        set(&mut record, "state", "IN_CREATION");
        set_busy(&mut record);
        let git_name = self.git_name(session, Collection::NodeGroups, text(body, "name"));
        set(&mut record, "git_name", git_name);
        self.note(&mut record, "create", body, now);
        let count = cluster["node_count"].as_i64().unwrap_or(0).saturating_add(1);
        if let Some(cluster) = self.db.get_mut(Collection::Clusters, cluster_id) {
            set(cluster, "node_count", count);
        }
        self.keep_and_start(Collection::NodeGroups, record, now);
        Ok(id)
    }

    /// The groups of a cluster, whoever they belong to, and the number that the cluster knows of.
    ///
    /// # Errors
    /// 404 for an unknown cluster, 400 for a registered one, the nodes of which nobody counts.
    pub(crate) fn node_groups_of_cluster(&self, id: &str) -> Result<Value, Problem> {
        let cluster = self.any_record(Collection::Clusters, id)?;
        let groups = self.db.with(Collection::NodeGroups, "cluster_id", id);
        let groups: Vec<Value> = groups.map(std::borrow::Cow::into_owned).collect();
        Ok(json!({"count": field(&cluster, "node_count")?, "data": groups}))
    }

    /// Changes name and description.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema.
    pub(crate) fn edit_node_group(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        check_not_both(session, patch)?;
        let mut record = self.any_record(Collection::NodeGroups, id)?;
        schema::check(patch, &NODE_GROUP_EDIT, self.release, "")?;
        session.share(&mut record);
        for key in ["name", "description"] {
            if let Some(value) = patch.get(key) {
                set(&mut record, key, value.clone());
            }
        }
        set(admin_of(&mut record), "modified", now);
        self.db.put(Collection::NodeGroups, record);
        Ok(())
    }

    /// Scales a group; gives the operation's id.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema.
    pub(crate) fn scale_node_group(
        &mut self,
        session: &Session,
        id: &str,
        params: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        let mut record = self.any_record(Collection::NodeGroups, id)?;
        schema::check(params, &NODE_GROUP_EDIT, self.release, "")?;
        session.share(&mut record);
        set(admin_of(&mut record), "modified", now);
        let op_id = self.note(&mut record, "scale", params, now);
        set_busy(&mut record);
        self.keep_and_start(Collection::NodeGroups, record, now);
        Ok(op_id)
    }

    /// Asks for a group to be removed; gives the operation's id.
    ///
    /// # Errors
    /// 404 unknown.
    pub(crate) fn delete_node_group(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<String, Problem> {
        let mut record = session.find(&self.db, Collection::NodeGroups, id)?.into_owned();
        set(&mut record, "state", "IN_DELETION");
        set_busy(&mut record);
        let op_id = self.note(&mut record, "delete", &Value::Null, now);
        self.keep_and_start(Collection::NodeGroups, record, now);
        Ok(op_id)
    }
}
