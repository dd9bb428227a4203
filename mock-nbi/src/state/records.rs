//! The records an NS creation makes: the instance (`nsr`), one `vnfr` for each member, and the
//! operation (`nslcmop`).
//!
//! Pure. Source: NBI_FACTS.md section 9; OSM NBI `instance_topics.py`; recorded case
//! `ns_one_step_no_lcm`; release10/ns-action.upgrade2.jsonl, exchange 1.

mod before_sol006;
mod vnfr;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::python::json_dumps;
use crate::release::Release;
use crate::state::db::{list, set, text};
use crate::state::params::Params;
use crate::state::vdu::{Tables, machine_part_count};

pub(crate) use vnfr::connection_points;

/// What creating an instance needs beside its descriptors.
#[derive(Debug)]
pub(crate) struct Creation<'a> {
    pub(crate) release: Release,
    pub(crate) id: &'a str,
    pub(crate) now: f64,
    pub(crate) nsd: &'a Value,
    pub(crate) admin: Value,
    /// Kubernetes namespace unless a member or KDU has its own.
    pub(crate) namespace: Value,
}

impl Creation<'_> {
    /// The `nsr`, without members.
    ///
    /// # Errors
    /// 400 for a descriptor without name, and for links that it does not have.
    pub(crate) fn nsr(
        &self,
        body: &Value,
        params: &Params,
        tables: &Tables,
    ) -> Result<Value, Problem> {
        let name = text(body, "nsName");
        let Some(nsd_name) = self.nsd.get("name") else {
            return Err(Problem::bad_request("'name'"));
        };
        let mut record = json!({
            "name": name,
            "name-ref": name,
            "short-name": name,
            "admin-status": "ENABLED",
            "nsState": "NOT_INSTANTIATED",
            "currentOperation": "IDLE",
            "currentOperationID": null,
            "errorDescription": null,
            "errorDetail": null,
            "deploymentStatus": null,
            "configurationStatus": null,
            "vcaStatus": null,
            "nsd": self.shown_nsd(),
            "datacenter": body["vimAccountId"],
            "resource-orchestrator": "osmopenmano",
            "description": body.get("nsDescription").unwrap_or(&json!("")),
            "constituent-vnfr-ref": [],
            "operational-status": "init",
            "config-status": "init",
            "detailed-status": "scheduled",
            "orchestration-progress": {},
            "create-time": self.now,
            "nsd-name-ref": nsd_name,
            "operational-events": [],
            "nsd-ref": text(self.nsd, "id"),
            "nsd-id": text(self.nsd, "_id"),
            "vnfd-id": [],
            "instantiate_params": instantiate_params(body),
            "additionalParamsForNs": params.values,
            "ns-instance-config-ref": self.id,
            "id": self.id,
            "_id": self.id,
            "ssh-authorized-key": body.get("ssh_keys"),
        });
        if self.release.has_sol006_descriptors() {
            set(&mut record, "flavor", tables.flavors.clone());
            set(&mut record, "image", tables.images.clone());
        }
        if self.release.has_affinity_groups() {
            set(&mut record, "affinity-or-anti-affinity-group", tables.affinity_groups.clone());
            set(&mut record, "shared-volumes", tables.shared_volumes.clone());
            set(&mut record, "vnffgd", self.forwarding_graphs());
        }
        if let Some(revision) = self.revision_of(self.nsd) {
            set(&mut record, "revision", revision);
        }
        if let Some(units) = body.get("config-units") {
            set(&mut record, "config-units", units.clone());
        }
        let links = list(self.nsd, "vld");
        if !self.release.has_sol006_descriptors() && !links.is_empty() {
            set(&mut record, "vld", links);
        }
        if !list(self.nsd, "virtual-link-desc").is_empty() {
            set(&mut record, "vld", self.links()?);
        }
        let mut admin = self.admin.clone();
        set(&mut admin, "nsState", "NOT_INSTANTIATED");
        set(&mut record, "_admin", admin);
        Ok(record)
    }

    fn shown_nsd(&self) -> Value {
        if self.release.has_sol006_descriptors() {
            self.nsd.clone()
        } else {
            before_sol006::shown_nsd(self.nsd)
        }
    }

    fn revision_of(&self, package: &Value) -> Option<Value> {
        let revision = package.get("_admin")?.get("revision")?;
        self.release.has_revisions().then(|| revision.clone())
    }

    fn forwarding_graphs(&self) -> Value {
        let graphs = list(self.nsd, "vnffgd").iter().map(|graph| {
            let mut own = json!({});
            for key in ["id", "nfpd"] {
                if let Some(value) = graph.get(key) {
                    set(&mut own, key, value.clone());
                }
            }
            own
        });
        graphs.collect()
    }

    fn links(&self) -> Result<Value, Problem> {
        let links = list(self.nsd, "virtual-link-desc");
        for profile in profiles(self.nsd) {
            for connectivity in list(profile, "virtual-link-connectivity") {
                let id = text(connectivity, "virtual-link-profile-id");
                let is_used = !list(connectivity, "constituent-cpd-id").is_empty();
                if is_used && !links.iter().any(|link| text(link, "id") == id) {
                    // Python's own complaint about the missing key.
                    return Err(Problem::bad_request(format!("'{id}'")));
                }
            }
        }
        let has_points = self.release.has_affinity_groups();
        let links = links.iter().map(|link| {
            if has_points {
                let mut vld = link.clone();
                set(&mut vld, "vnfd-connection-point-ref", self.points_on(text(link, "id")));
                set(&mut vld, "name", link["id"].clone());
                return vld;
            }
            let mut vld = json!({"id": link["id"]});
            if let Some(flag) = link.get("mgmt-network") {
                set(&mut vld, "mgmt-network", flag.clone());
            }
            set(&mut vld, "name", link["id"].clone());
            set(&mut vld, "type", Value::Null);
            vld
        });
        Ok(links.collect())
    }

    fn points_on(&self, link_id: &str) -> Value {
        let mut points = Vec::new();
        for profile in profiles(self.nsd) {
            for connectivity in list(profile, "virtual-link-connectivity") {
                if text(connectivity, "virtual-link-profile-id") != link_id {
                    continue;
                }
                for point in list(connectivity, "constituent-cpd-id") {
                    points.push(json!({
                        "member-vnf-index-ref": point["constituent-base-element-id"],
                        "vnfd-connection-point-ref": point["constituent-cpd-id"],
                        "vnfd-id-ref": profile["vnfd-id"],
                    }));
                }
            }
        }
        points.into()
    }
}

/// A VNF that an NSD asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// Its index, with which requests name it.
    pub(crate) index: &'a str,
    /// The `id` of its descriptor.
    pub(crate) vnfd_id: &'a str,
}

/// The members of an NSD: its VNF profiles, or before SOL006 its constituent VNFDs.
pub(crate) fn members(nsd: &Value, release: Release) -> Vec<Member<'_>> {
    if release.has_sol006_descriptors() {
        let of = |it| Member { index: text(it, "id"), vnfd_id: text(it, "vnfd-id") };
        return profiles(nsd).map(of).collect();
    }
    let of = |it| Member { index: text(it, "member-vnf-index"), vnfd_id: text(it, "vnfd-id-ref") };
    list(nsd, "constituent-vnfd").iter().map(of).collect()
}

/// The VNF profiles of the first deployment flavour; OSM looks at no other.
pub(crate) fn profiles(nsd: &Value) -> impl Iterator<Item = &Value> {
    list(nsd, "df").first().map_or(&[] as &[Value], |df| list(df, "vnf-profile")).iter()
}

/// How many parts the record of one member has: KDUs, connection points, nets, machines and what
/// these have.
pub(crate) fn part_count(vnfd: &Value) -> u64 {
    let cluster_nets = vnfd.get("k8s-cluster").map_or(0, |it| list(it, "nets").len());
    let own = 1 + list(vnfd, "kdu").len() + list(vnfd, "ext-cpd").len() + cluster_nets;
    machine_part_count(vnfd).saturating_add(own as u64)
}

/// The body without the parts that OSM keeps elsewhere.
fn instantiate_params(body: &Value) -> Value {
    let mut params = body.clone();
    if let Some(fields) = params.as_object_mut() {
        fields.shift_remove("additionalParamsForNs");
        fields.shift_remove("additionalParamsForVnf");
    }
    params
}

/// The `nslcmop` of an operation; `params` is the request's body.
pub(crate) fn operation(id: &str, ns_id: &str, params: &Value, admin: &Value) -> Value {
    let now = admin["created"].clone();
    json!({
        "id": id,
        "_id": id,
        "operationState": "PROCESSING",
        "queuePosition": null,
        "stage": null,
        "errorMessage": null,
        "detailedStatus": null,
        "statusEnteredTime": now,
        "nsInstanceId": ns_id,
        "lcmOperationType": params["lcmOperationType"],
        "startTime": now,
        "isAutomaticInvocation": false,
        "operationParams": params,
        "isCancelPending": false,
        "links": {
            "self": format!("/osm/nslcm/v1/ns_lcm_op_occs/{id}"),
            "nsInstance": format!("/osm/nslcm/v1/ns_instances/{ns_id}"),
        },
        "_admin": admin,
    })
}

/// Puts into JSON text what OSM keeps so: the parameters of a primitive or, without any, those for
/// the members.
///
/// Source: OSM NBI v19 `instance_topics.py`, `NsLcmOpTopic.new`.
pub(crate) fn keep_params_as_text(params: &mut Value) {
    for key in ["primitive_params", "additionalParamsForVnf"] {
        let is_filled = params.get(key).is_some_and(|value| {
            value.as_array().is_some_and(|items| !items.is_empty())
                || value.as_object().is_some_and(|fields| !fields.is_empty())
        });
        if is_filled {
            let text = json_dumps(&params[key]);
            set(params, key, text);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_member_are_its_kdus_points_nets_and_machines_and_itself() {
        assert_eq!(part_count(&json!({})), 1);
        let vnfd = json!({
            "kdu": [{}, {}], "ext-cpd": [{}, {}, {}], "k8s-cluster": {"nets": [{}, {}, {}, {}]},
            "vdu": [{"id": "m"}],
        });
        assert_eq!(part_count(&vnfd), 1 + 2 + 3 + 4 + 1);
    }

    #[test]
    fn points_of_a_member_are_on_links_that_the_nsd_has() {
        let links = |points: Value| {
            let connectivity =
                json!({"virtual-link-profile-id": "gone", "constituent-cpd-id": points});
            let nsd = json!({
                "virtual-link-desc": [{"id": "l"}],
                "df": [{"vnf-profile": [{"id": "1", "virtual-link-connectivity": [connectivity]}]}],
            });
            let creation = Creation {
                release: Release::R10,
                id: "ns",
                now: 0.0,
                nsd: &nsd,
                admin: json!({}),
                namespace: Value::Null,
            };
            creation.links()
        };
        assert_eq!(links(json!([{}])), Err(Problem::bad_request("'gone'")));
        assert!(links(json!([])).is_ok(), "nothing is on it");
    }
}
