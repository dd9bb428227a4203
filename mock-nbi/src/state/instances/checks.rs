//! What OSM checks before it takes an operation: sites, members, KDUs, primitives.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::python::repr;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::records::profiles;
use crate::state::session::{Access, Session};

/// Primitives that every helm KDU has.
const KDU_PRIMITIVES: &[&str] = &["upgrade", "rollback", "status", "inspect", "readme"];

impl State {
    pub(super) fn check_vim(&self, session: &Session, vim: &str) -> Result<(), Problem> {
        let project = session.with(Access::Show);
        project.find(&self.db, Collection::VimAccounts, vim).map(|_| ()).map_err(|_| {
            Problem::bad_request(format!(
                "Invalid vimAccountId='{vim}' not present for the project"
            ))
        })
    }

    /// Chooses a cluster for each member that has KDUs.
    pub(super) fn place_on_clusters(
        &mut self,
        session: &Session,
        ns_id: &str,
    ) -> Result<(), Problem> {
        let members: Vec<Value> = self
            .db
            .with(Collection::VnfInstances, "nsr-id-ref", ns_id)
            .filter(|vnfr| !list(vnfr, "kdur").is_empty())
            .map(Cow::into_owned)
            .collect();
        for mut vnfr in members {
            let vnfd = self.db.get(Collection::VnfPackages, text(&vnfr, "vnfd-id"));
            let wanted = vnfd.map_or(Value::Null, |vnfd| vnfd["k8s-cluster"].clone());
            let vim = text(&vnfr, "vim-account-id").to_owned();
            let project = session.with(Access::Show);
            let cluster = self
                .db
                .with(Collection::K8sClusters, "vim_account", &vim)
                .filter(|cluster| project.sees(cluster))
                .find(|cluster| suits(cluster, &wanted));
            let Some(cluster) = cluster else {
                let mut requirements = json!({});
                for key in ["version", "cni"] {
                    if let Some(value) = wanted.get(key) {
                        set(&mut requirements, key, value.clone());
                    }
                }
                return Err(Problem::bad_request(format!(
                    "No k8scluster with requirements='{}' at vim_account={vim} found for \
                     member_vnf_index={}",
                    repr(&requirements),
                    text(&vnfr, "member-vnf-index-ref")
                )));
            };
            let id = cluster["_id"].clone();
            let nets = cluster["nets"].clone();
            join_cluster(&mut vnfr, &id, &nets);
            self.db.put(Collection::VnfInstances, vnfr);
        }
        Ok(())
    }

    pub(super) fn check_action(&self, nsr: &Value, params: &mut Value) -> Result<(), Problem> {
        if let Some(fields) = params.as_object_mut()
            && let Some(member) = fields.shift_remove("vnf_member_index")
        {
            fields.insert("member_vnf_index".into(), member);
        }
        let primitive = text(params, "primitive");
        let kdu_name = params.get("kdu_name").and_then(Value::as_str);
        let is_default = kdu_name.is_some() && KDU_PRIMITIVES.contains(&primitive);
        let Some(member) = params.get("member_vnf_index").and_then(Value::as_str) else {
            if is_default {
                return Err(Problem::bad_request(format!(
                    "Missing action parameter 'member_vnf_index' for default KDU primitive \
                     '{primitive}'"
                )));
            }
            return check_primitive(&nsr["nsd"], primitive);
        };
        let vnfd = self.vnfd_of_member(nsr, member)?;
        if let Some(vdu) = params.get("vdu_id").and_then(Value::as_str)
            && !list(&vnfd, "vdu").iter().any(|known| text(known, "id") == vdu)
        {
            return Err(Problem::bad_request(format!(
                "Invalid parameter vdu_id='{vdu}' not present at vnfd:vdu:id"
            )));
        }
        if let Some(kdu) = kdu_name
            && !list(&vnfd, "kdu").iter().any(|known| text(known, "name") == kdu)
        {
            return Err(Problem::bad_request(format!(
                "Invalid parameter kdu_name='{kdu}' not present at vnfd:kdu:name"
            )));
        }
        if is_default { Ok(()) } else { check_primitive(&vnfd, primitive) }
    }

    pub(super) fn check_scale(&self, nsr: &Value, params: &Value) -> Result<(), Problem> {
        let step = &params["scaleVnfData"]["scaleByStepData"];
        let vnfd = self.vnfd_of_member(nsr, text(step, "member-vnf-index"))?;
        let wanted = text(step, "scaling-group-descriptor");
        let is_known = list(&vnfd, "df")
            .iter()
            .flat_map(|df| list(df, "scaling-aspect"))
            .any(|aspect| text(aspect, "id") == wanted);
        if is_known {
            return Ok(());
        }
        Err(Problem::bad_request(format!(
            "Invalid scaleVnfData:scaleByStepData:scaling-group-descriptor '{wanted}' is not \
             present at vnfd:scaling-aspect"
        )))
    }

    pub(super) fn vnfd_of_member(
        &self,
        nsr: &Value,
        member: &str,
    ) -> Result<Cow<'_, Value>, Problem> {
        check_member(nsr, member)?;
        let vnfd_id = self
            .db
            .with(Collection::VnfInstances, "nsr-id-ref", text(nsr, "_id"))
            .find(|vnfr| text(vnfr, "member-vnf-index-ref") == member)
            .map_or_else(String::new, |vnfr| text(&vnfr, "vnfd-id").to_owned());
        self.db.get(Collection::VnfPackages, &vnfd_id).ok_or_else(|| {
            Problem::bad_request(format!(
                "vnfd id={vnfd_id} has been deleted!. Operation cannot be performed"
            ))
        })
    }
}

pub(super) fn check_member(nsr: &Value, member: &str) -> Result<(), Problem> {
    if profiles(&nsr["nsd"]).any(|profile| text(profile, "id") == member) {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "Invalid parameter member_vnf_index='{member}' is not one of the nsd:constituent-vnfd"
    )))
}

/// Looks for a day-1 or day-2 primitive in a descriptor.
fn check_primitive(descriptor: &Value, primitive: &str) -> Result<(), Problem> {
    if names_primitive(descriptor, primitive) {
        return Ok(());
    }
    Err(Problem::bad_request(format!("Invalid primitive '{primitive}' is not present at vnfd/nsd")))
}

fn names_primitive(value: &Value, primitive: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, inner)| {
            let is_named = key == "config-primitive"
                && inner
                    .as_array()
                    .is_some_and(|items| items.iter().any(|item| text(item, "name") == primitive));
            is_named || names_primitive(inner, primitive)
        }),
        Value::Array(items) => items.iter().any(|item| names_primitive(item, primitive)),
        _ => false,
    }
}

/// Whether a cluster has the version, network plug-in and number of nets that a VNFD wants.
fn suits(cluster: &Value, wanted: &Value) -> bool {
    let versions = list(wanted, "version");
    let plugins = list(wanted, "cni");
    let nets = cluster["nets"].as_object().map_or(0, serde_json::Map::len);
    (versions.is_empty() || versions.iter().any(|version| *version == cluster["k8s_version"]))
        && (plugins.is_empty()
            || list(cluster, "cni").iter().any(|plugin| plugins.contains(plugin)))
        && nets >= list(wanted, "nets").len()
}

fn join_cluster(vnfr: &mut Value, cluster_id: &Value, cluster_nets: &Value) {
    if let Some(kdus) = vnfr.get_mut("kdur").and_then(Value::as_array_mut) {
        for kdu in kdus {
            set(kdu, "k8s-cluster", json!({"id": cluster_id}));
        }
    }
    let nets = vnfr.get_mut("k8s-cluster").and_then(|cluster| cluster.get_mut("nets"));
    let Some(nets) = nets.and_then(Value::as_array_mut) else {
        return;
    };
    for (index, net) in nets.iter_mut().enumerate() {
        let named = cluster_nets.get(text(net, "id"));
        let in_order = || cluster_nets.as_object().and_then(|nets| nets.values().nth(index));
        if let Some(vim_net) = named.or_else(in_order).cloned() {
            set(net, "vim_net", vim_net);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_suits_by_version_plug_in_and_number_of_nets() {
        let cluster = json!({"k8s_version": "1.20", "cni": ["calico"], "nets": {"a": "net0"}});
        let check = |wanted: Value, expected: bool| {
            assert_eq!(suits(&cluster, &wanted), expected, "{wanted}");
        };
        check(json!({}), true);
        check(json!({"version": ["1.19", "1.20"], "cni": ["calico"], "nets": [{}]}), true);
        check(json!({"version": ["1.19"]}), false);
        check(json!({"cni": ["flannel"]}), false);
        check(json!({"nets": [{}, {}]}), false);
    }
}
