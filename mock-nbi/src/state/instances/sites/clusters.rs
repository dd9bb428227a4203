//! The cluster on which a member's KDUs go.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::ForcedNetwork;
use crate::problem::Problem;
use crate::python::repr;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Session;

impl State {
    /// Chooses the first cluster at the site that suits a member with KDUs, whatever state it is in.
    ///
    /// # Errors
    /// 400 when there is none.
    pub(super) fn join_cluster(
        &self,
        session: &Session,
        vnfr: &mut Value,
        vim: &str,
    ) -> Result<Vec<ForcedNetwork>, Problem> {
        if list(vnfr, "kdur").is_empty() {
            return Ok(Vec::new());
        }
        let wanted = vnfr.get("k8s-cluster").cloned().unwrap_or_default();
        let mut requirements = json!({});
        let cluster = self
            .db
            .with(Collection::K8sClusters, "vim_account", vim)
            .filter(|cluster| session.sees(cluster))
            .find(|cluster| suits(cluster, &wanted, &mut requirements))
            .map(Cow::into_owned);
        let Some(cluster) = cluster else {
            return Err(Problem::bad_request(format!(
                "No k8scluster with requirements='{}' at vim_account={vim} found for \
                 member_vnf_index={}",
                repr(&requirements),
                text(vnfr, "member-vnf-index-ref")
            )));
        };
        let kdus = vnfr.get_mut("kdur").and_then(Value::as_array_mut);
        for kdu in kdus.into_iter().flatten() {
            set(kdu, "k8s-cluster", json!({"id": cluster["_id"]}));
        }
        Ok(choose_nets(vnfr, &cluster["nets"]))
    }
}

/// Whether a cluster has the network plug-in, version and number of nets that a VNFD wants. What was
/// looked at is noted for the message.
fn suits(cluster: &Value, wanted: &Value, noted: &mut Value) -> bool {
    let plugins = list(wanted, "cni");
    if !plugins.is_empty() {
        set(noted, "cni", plugins);
        if !list(cluster, "cni").iter().any(|plugin| plugins.contains(plugin)) {
            return false;
        }
    }
    let versions = list(wanted, "version");
    if !versions.is_empty() {
        set(noted, "version", versions);
        if !versions.contains(&cluster["k8s_version"]) {
            return false;
        }
    }
    let nets = list(wanted, "nets").len();
    if nets > 0 {
        set(noted, "networks", nets);
    }
    cluster["nets"].as_object().map_or(0, serde_json::Map::len) >= nets
}

/// Gives each net of a member one of the cluster's: that of its name, or else the next.
fn choose_nets(vnfr: &mut Value, cluster_nets: &Value) -> Vec<ForcedNetwork> {
    let mut left: Vec<&String> =
        cluster_nets.as_object().into_iter().flat_map(|it| it.keys()).collect();
    let mut forced = Vec::new();
    let nets = vnfr.get_mut("k8s-cluster").and_then(|cluster| cluster.get_mut("nets"));
    for net in nets.and_then(Value::as_array_mut).into_iter().flatten() {
        if left.is_empty() {
            break;
        }
        let place = left.iter().position(|name| *name == text(net, "id")).unwrap_or(0);
        let vim_net = cluster_nets[left.remove(place).as_str()].clone();
        let link = |key: &str| net.get(key).and_then(Value::as_str).map(str::to_owned);
        let (ns_link, vnf_link) = (link("ns-vld-id"), link("vnf-vld-id"));
        if vim_net.is_string() {
            let network = json!({"vim-network-name": vim_net});
            forced.push(ForcedNetwork { ns_link, vnf_link, network });
        }
        set(net, "vim_net", vim_net);
    }
    forced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_suits_by_version_plug_in_and_number_of_nets() {
        let cluster = json!({"k8s_version": "1.20", "cni": ["calico"], "nets": {"a": "net0"}});
        let check = |wanted: Value, expected: bool, noted: &str| {
            let mut own = json!({});
            assert_eq!(suits(&cluster, &wanted, &mut own), expected, "{wanted}");
            assert_eq!(repr(&own), noted);
        };
        check(json!({}), true, "{}");
        let all = json!({"version": ["1.19", "1.20"], "cni": ["calico"], "nets": [{}]});
        check(all, true, "{'cni': ['calico'], 'version': ['1.19', '1.20'], 'networks': 1}");
        check(json!({"version": ["1.19"], "nets": [{}]}), false, "{'version': ['1.19']}");
        check(json!({"cni": ["flannel"]}), false, "{'cni': ['flannel']}");
        check(json!({"nets": [{}, {}]}), false, "{'networks': 2}");
    }

    #[test]
    fn nets_are_taken_by_name_or_in_order() {
        let mut vnfr = json!({"k8s-cluster": {"nets": [{"id": "b"}, {"id": "x"}]}});
        choose_nets(&mut vnfr, &json!({"a": "net-a", "b": "net-b"}));
        assert_eq!(
            vnfr["k8s-cluster"]["nets"],
            json!([{"id": "b", "vim_net": "net-b"}, {"id": "x", "vim_net": "net-a"}])
        );
    }
}
