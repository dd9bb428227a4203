//! The records of instances whose descriptors are those of OSM 8 (`vnfd-catalog`, `nsd-catalog`).
//!
//! Pure. Source: OSM NBI v8.0 `instance_topics.py`, `NsrTopic.new`.

use serde_json::{Value, json};

use super::{Creation, Member};
use crate::ids::Ids;
use crate::problem::Problem;
use crate::state::db::{list, set, text};
use crate::state::params::{self, Params, Target};
use crate::state::vdu::{count_before_sol006, is_set};

/// What an instance keeps of its NSD.
const KEPT_OF_NSD: &[&str] = &["vld", "_id", "id", "constituent-vnfd", "name", "ns-configuration"];

/// The part of an NSD that an instance's record shows.
pub(super) fn shown_nsd(nsd: &Value) -> Value {
    let fields = nsd.as_object().into_iter().flatten();
    let kept = fields.filter(|(key, _)| KEPT_OF_NSD.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

impl Creation<'_> {
    /// The record of one member.
    ///
    /// # Errors
    /// 400 for parameters, and for a descriptor without management interface.
    pub(super) fn vnfr_before_sol006(
        &self,
        of: Member,
        vnfd: &Value,
        body: &mut Value,
        ids: &mut Ids,
    ) -> Result<Value, Problem> {
        let id = ids.uuid();
        let member = of.index;
        let own = params::format(body, Target::Vnf(member), vnfd, self.release)?;
        let mut record = json!({
            "id": id,
            "_id": id,
            "nsr-id-ref": self.id,
            "member-vnf-index-ref": member,
            "additionalParamsForVnf": own.values,
            "created-time": self.now,
            "vnfd-ref": of.vnfd_id,
            "vnfd-id": text(vnfd, "_id"),
            "vim-account-id": null,
            "vdur": [],
            "connection-point": [],
            "ip-address": null,
        });
        if let Some(units) = own.setting("config-units") {
            set(&mut record, "config-units", units.clone());
        }
        let links = list(vnfd, "internal-vld");
        if !links.is_empty() {
            let links = links.iter().map(|link| {
                let keys = ["id", "vim-network-name", "vim-network-id"].into_iter();
                keys.filter_map(|key| Some((key.to_owned(), link.get(key)?.clone()))).collect()
            });
            set(&mut record, "vld", links.collect::<Vec<Value>>());
        }
        let Some(management) = vnfd.get("mgmt-interface") else {
            // Python's own complaint about the missing key.
            return Err(Problem::bad_request("'mgmt-interface'"));
        };
        let points = list(vnfd, "connection-point").iter().map(|point| {
            let id = point.get("id");
            json!({"name": point["name"], "connection-point-id": id, "id": id})
        });
        set(&mut record, "connection-point", points.collect::<Value>());
        if let Some(cluster) = vnfd.get("k8s-cluster") {
            set(&mut record, "k8s-cluster", self.cluster_on_links(member, vnfd, cluster));
        }
        let namespace = own.setting("k8s-namespace").unwrap_or(&self.namespace);
        let mut kdus = Vec::new();
        for kdu in list(vnfd, "kdu") {
            let target = Target::Kdu(member, text(kdu, "name"));
            let own = params::format(body, target, vnfd, self.release)?;
            kdus.push(self.kdur(kdu, &own, namespace));
        }
        if !kdus.is_empty() {
            set(&mut record, "kdur", kdus);
        }
        let mut vdur = Vec::new();
        for vdu in list(vnfd, "vdu") {
            let target = Target::Vdu(member, text(vdu, "id"));
            let own = params::format(body, target, vnfd, self.release)?;
            let mut machine = self.machine(member, vnfd, vdu, text(management, "cp"));
            finish_machine(&mut machine, vdu, &own);
            for index in 0..count_before_sol006(vdu) {
                set(&mut machine, "_id", ids.uuid());
                set(&mut machine, "count-index", index);
                vdur.push(machine.clone());
            }
        }
        set(&mut record, "vdur", vdur);
        let mut admin = self.admin.clone();
        set(&mut admin, "nsState", "NOT_INSTANTIATED");
        set(&mut record, "_admin", admin);
        Ok(record)
    }

    fn machine(&self, member: &str, vnfd: &Value, vdu: &Value, management: &str) -> Value {
        let points = list(vdu, "internal-connection-point").iter().map(|point| {
            json!({
                "id": point["id"], "connection-point-id": point["id"], "name": point.get("name"),
            })
        });
        let interfaces = list(vdu, "interface").iter().map(|interface| {
            let mut own = json!({"name": interface.get("name")});
            let external = text(interface, "external-connection-point-ref");
            if !management.is_empty() && external == management {
                set(&mut own, "mgmt-vnf", true);
            }
            if is_set(interface.get("mgmt-interface")) {
                set(&mut own, "mgmt-interface", true);
            }
            self.join_link(&mut own, member, vnfd, interface);
            own
        });
        json!({
            "vdu-id-ref": vdu["id"],
            "ip-address": null,
            "internal-connection-point": points.collect::<Value>(),
            "interfaces": interfaces.collect::<Value>(),
        })
    }

    /// Names in `record` the link on which an interface or a net of a cluster is.
    fn join_link(&self, record: &mut Value, member: &str, vnfd: &Value, refers: &Value) {
        let external = text(refers, "external-connection-point-ref");
        let internal = text(refers, "internal-connection-point-ref");
        if !external.is_empty() {
            let link = list(self.nsd, "vld").iter().find(|link| {
                list(link, "vnfd-connection-point-ref").iter().any(|point| {
                    text(point, "vnfd-connection-point-ref") == external
                        && text(point, "member-vnf-index-ref") == member
                })
            });
            if let Some(link) = link {
                set(record, "ns-vld-id", link["id"].clone());
            }
        } else if !internal.is_empty() {
            let link = list(vnfd, "internal-vld").iter().find(|link| {
                let points = list(link, "internal-connection-point").iter();
                points.into_iter().any(|point| text(point, "id-ref") == internal)
            });
            if let Some(link) = link {
                set(record, "vnf-vld-id", link["id"].clone());
            }
        }
    }

    fn cluster_on_links(&self, member: &str, vnfd: &Value, cluster: &Value) -> Value {
        let mut cluster = cluster.clone();
        let nets = cluster.get_mut("nets").and_then(Value::as_array_mut);
        for net in nets.into_iter().flatten() {
            let refers = net.clone();
            self.join_link(net, member, vnfd, &refers);
        }
        cluster
    }
}

fn finish_machine(machine: &mut Value, vdu: &Value, own: &Params) {
    set(machine, "additionalParams", own.values.clone());
    if let Some(units) = own.setting("config-units") {
        set(machine, "config-units", units.clone());
    }
    let drive = vdu.get("supplemental-boot-data").and_then(|data| data.get("boot-data-drive"));
    if let Some(drive) = drive.filter(|drive| is_set(Some(drive))) {
        set(machine, "boot-data-drive", drive.clone());
    }
    if let Some(kind) = vdu.get("pdu-type").filter(|kind| is_set(Some(kind))) {
        set(machine, "pdu-type", kind.clone());
        set(machine, "name", kind.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Release;

    #[test]
    fn nets_of_a_cluster_are_on_the_links_that_have_their_points() {
        let nsd = json!({"vld": [{"id": "outer", "vnfd-connection-point-ref": [
            {"member-vnf-index-ref": "1", "vnfd-connection-point-ref": "out"}]}]});
        let vnfd = json!({"internal-vld": [
            {"id": "inner", "internal-connection-point": [{"id-ref": "in"}]}]});
        let cluster = json!({"nets": [
            {"id": "a", "external-connection-point-ref": "out"},
            {"id": "b", "internal-connection-point-ref": "in"}]});
        let creation = Creation {
            release: Release::R8,
            id: "ns",
            now: 0.0,
            nsd: &nsd,
            admin: json!({}),
            namespace: Value::Null,
        };
        let shown = creation.cluster_on_links("1", &vnfd, &cluster);
        assert_eq!(shown["nets"][0]["ns-vld-id"], "outer");
        assert_eq!(shown["nets"][1]["vnf-vld-id"], "inner");
    }
}
