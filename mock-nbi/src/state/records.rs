//! The records an NS creation makes: the instance (`nsr`), one `vnfr` for each member, and the
//! operation (`nslcmop`).
//!
//! Pure. Source: NBI_FACTS.md section 9; recorded case `ns_one_step_no_lcm`;
//! release10/ns-action.upgrade2.jsonl, exchange 1.

use serde_json::{Map, Value, json};

use crate::data;
use crate::python::{NESTED, json_dumps, yaml_dump};
use crate::release::Release;
use crate::state::db::{list, set, text};
use crate::state::vdu::{VduTables, machine_part_count};

/// What creating an instance needs beside its descriptors.
#[derive(Debug)]
pub(crate) struct Creation<'a> {
    pub(crate) release: Release,
    pub(crate) id: &'a str,
    pub(crate) project_id: &'a str,
    pub(crate) now: f64,
    /// The request's body, checked.
    pub(crate) body: &'a Value,
    pub(crate) nsd: &'a Value,
    pub(crate) admin: Value,
}

impl Creation<'_> {
    /// The `nsr`, for these `vnfr`s and VNF packages.
    pub(crate) fn nsr(&self, vnfrs: &[Value], vnfd_ids: &[String], vdus: &VduTables) -> Value {
        let body = self.body;
        let name = text(body, "nsName");
        let refs: Vec<&str> = vnfrs.iter().map(|vnfr| text(vnfr, "_id")).collect();
        let mut admin = self.admin.clone();
        set(&mut admin, "nsState", "NOT_INSTANTIATED");
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
            "nsd": self.nsd,
            "datacenter": body["vimAccountId"],
            "resource-orchestrator": "osmopenmano",
            "description": body.get("nsDescription").filter(|d| !d.is_null()).unwrap_or(&json!("")),
            "constituent-vnfr-ref": refs,
            "operational-status": "init",
            "config-status": "init",
            "detailed-status": "scheduled",
            "orchestration-progress": {},
            "create-time": self.now,
            "nsd-name-ref": self.nsd.get("name"),
            "operational-events": [],
            "nsd-ref": text(self.nsd, "id"),
            "nsd-id": text(self.nsd, "_id"),
            "vnfd-id": vnfd_ids,
            "instantiate_params": instantiate_params(body),
            "additionalParamsForNs": body.get("additionalParamsForNs").map(params_as_text),
            "ns-instance-config-ref": self.id,
            "id": self.id,
            "_id": self.id,
            "ssh-authorized-key": body.get("ssh_keys"),
            "flavor": vdus.flavors(),
            "image": vdus.images(),
        });
        if self.release.has_revisions() {
            set(&mut record, "affinity-or-anti-affinity-group", json!([]));
            set(&mut record, "shared-volumes", json!([]));
            set(&mut record, "vnffgd", json!([]));
            set(&mut record, "revision", self.nsd["_admin"]["revision"].clone());
        }
        set(&mut record, "vld", self.links());
        set(&mut record, "_admin", admin);
        record
    }

    fn links(&self) -> Value {
        let links = list(self.nsd, "virtual-link-desc").iter().map(|link| {
            let mut vld = json!({"id": link["id"]});
            if let Some(flag) = link.get("mgmt-network") {
                set(&mut vld, "mgmt-network", flag.clone());
            }
            if self.release.has_revisions() {
                set(&mut vld, "vnfd-connection-point-ref", self.points_on(text(link, "id")));
            }
            set(&mut vld, "name", link["id"].clone());
            if !self.release.has_revisions() {
                set(&mut vld, "type", Value::Null);
            }
            vld
        });
        links.collect()
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

    /// The `vnfr` of one member.
    pub(crate) fn vnfr(&self, id: &str, profile: &Value, vnfd: &Value, vdur: &Value) -> Value {
        let member = text(profile, "id");
        let params = params_for(self.body, member);
        let own_params = params.and_then(|params| params.get("additionalParams"));
        let mut admin = self.admin.clone();
        set(&mut admin, "nsState", "NOT_INSTANTIATED");
        let mut record = json!({
            "id": id,
            "_id": id,
            "nsr-id-ref": self.id,
            "member-vnf-index-ref": member,
            "additionalParamsForVnf": own_params.map(params_as_text),
            "created-time": self.now,
            "vnfd-ref": text(vnfd, "id"),
            "vnfd-id": text(vnfd, "_id"),
            "vim-account-id": self.vim_of(member),
            "vca-id": null,
            "vdur": vdur,
            "connection-point": connection_points(vnfd),
            "ip-address": null,
        });
        if self.release.has_revisions() {
            set(&mut record, "revision", vnfd["_admin"]["revision"].clone());
        }
        if let Some(cluster) = vnfd.get("k8s-cluster") {
            let nets: Value =
                list(cluster, "nets").iter().map(|net| cluster_net(vnfd, net)).collect();
            set(&mut record, "k8s-cluster", json!({"nets": nets}));
        }
        let kdus = list(vnfd, "kdu");
        if !kdus.is_empty() {
            let kdur: Value = kdus.iter().map(|kdu| self.kdur(kdu, params)).collect();
            set(&mut record, "kdur", kdur);
        }
        set(&mut record, "_admin", admin);
        record
    }

    /// The VIM of a member: its own in `vnf[]`, else the instance's.
    pub(crate) fn vim_of(&self, member: &str) -> Value {
        list(self.body, "vnf")
            .iter()
            .find(|vnf| text(vnf, "member-vnf-index") == member)
            .and_then(|vnf| vnf.get("vimAccountId"))
            .unwrap_or(&self.body["vimAccountId"])
            .clone()
    }

    fn kdur(&self, kdu: &Value, params: Option<&Value>) -> Value {
        let own = params.and_then(|params| {
            list(params, "additionalParamsForKdu")
                .iter()
                .find(|own| text(own, "kdu_name") == text(kdu, "name"))
        });
        let setting = |key: &str| own.and_then(|own| own.get(key));
        let values = setting("additionalParams").map(params_as_text);
        let namespace = setting("k8s-namespace")
            .or_else(|| params.and_then(|params| params.get("k8s-namespace")))
            .or_else(|| self.body.get("k8s-namespace"))
            .cloned()
            .unwrap_or_else(|| json!(self.project_id));
        let mut record = json!({
            "additionalParams": match values {
                Some(values) if self.release.stores_params_as_text() => json!(json_dumps(&values)),
                Some(values) => values,
                None => Value::Null,
            },
            "k8s-namespace": namespace,
            "kdu-deployment-name": setting("kdu-deployment-name").unwrap_or(&json!("")),
            "kdu-name": kdu["name"],
            "ip-address": null,
            "k8s-cluster": {},
        });
        for key in ["helm-chart", "juju-bundle"] {
            if let Some(model) = kdu.get(key) {
                set(&mut record, key, setting("kdu_model").unwrap_or(model).clone());
            }
        }
        if let Some(version) = kdu.get("helm-version") {
            set(&mut record, "helm-version", version.clone());
        }
        record
    }
}

/// The VNF profiles of all deployment flavours.
pub(crate) fn profiles(nsd: &Value) -> impl Iterator<Item = &Value> {
    list(nsd, "df").iter().flat_map(|df| list(df, "vnf-profile"))
}

/// How many parts the record of one member has: KDUs, connection points, nets, machines and what
/// these have.
pub(crate) fn part_count(vnfd: &Value) -> u64 {
    let cluster_nets = vnfd.get("k8s-cluster").map_or(0, |it| list(it, "nets").len());
    let own = 1 + list(vnfd, "kdu").len() + list(vnfd, "ext-cpd").len() + cluster_nets;
    machine_part_count(vnfd).saturating_add(own as u64)
}

fn params_for<'a>(body: &'a Value, member: &str) -> Option<&'a Value> {
    list(body, "additionalParamsForVnf")
        .iter()
        .find(|params| text(params, "member-vnf-index") == member)
}

fn connection_points(vnfd: &Value) -> Value {
    let points = list(vnfd, "ext-cpd").iter().map(|cpd| {
        let inner = cpd.get("int-cpd");
        json!({
            "name": cpd["id"],
            "connection-point-id": inner.and_then(|inner| inner.get("cpd")),
            "connection-point-vdu-id": inner.and_then(|inner| inner.get("vdu-id")),
            "id": cpd["id"],
        })
    });
    points.collect()
}

fn cluster_net(vnfd: &Value, net: &Value) -> Value {
    let mut record = json!({"id": net["id"]});
    let point =
        list(vnfd, "ext-cpd").iter().find(|cpd| cpd.get("k8s-cluster-net") == net.get("id"));
    if let Some(point) = point {
        set(&mut record, "external-connection-point-ref", point["id"].clone());
    }
    record
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

/// Parameters as OSM keeps them: a nested list or object becomes the text `!!yaml <yaml>`.
///
/// Source: recorded case `ns_by_placement_and_more_params`, exchanges 11 to 15.
pub(crate) fn params_as_text(params: &Value) -> Value {
    let Some(fields) = params.as_object() else {
        return params.clone();
    };
    let fields = fields.iter().map(|(key, value)| {
        let is_nested = value.is_array() || value.is_object();
        let value = if is_nested {
            Value::from(format!("!!yaml {}", yaml_dump(value, NESTED)))
        } else {
            value.clone()
        };
        (key.clone(), value)
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Parameters with `!!yaml` texts turned back into what they stand for.
pub(crate) fn params_from_text(params: &Value) -> Value {
    let parsed = match params {
        Value::String(text) => data::from_json(text).unwrap_or_default(),
        other => other.clone(),
    };
    let Value::Object(fields) = parsed else {
        return json!({});
    };
    let fields = fields.into_iter().map(|(key, value)| {
        let nested = value.as_str().and_then(|text| text.strip_prefix("!!yaml "));
        match nested.and_then(|yaml| data::from_yaml(yaml).ok()) {
            Some(nested) => (key, nested),
            None => (key, value),
        }
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The `nslcmop` of an operation; `params` is the request's body.
pub(crate) fn operation(
    release: Release,
    id: &str,
    ns_id: &str,
    operation_type: &str,
    params: &Value,
    admin: &Value,
) -> Value {
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
        "lcmOperationType": operation_type,
        "startTime": now,
        "isAutomaticInvocation": false,
        "operationParams": operation_params(release, params),
        "isCancelPending": false,
        "links": {
            "self": format!("/osm/nslcm/v1/ns_lcm_op_occs/{id}"),
            "nsInstance": format!("/osm/nslcm/v1/ns_instances/{ns_id}"),
        },
        "_admin": admin,
    })
}

fn operation_params(release: Release, params: &Value) -> Value {
    let mut params = params.clone();
    if let Some(members) = params.get_mut("additionalParamsForVnf").and_then(Value::as_array_mut) {
        for member in members {
            format_member_params(member);
        }
    }
    if release.stores_params_as_text() {
        for key in ["additionalParamsForVnf", "primitive_params"] {
            let is_filled = params.get(key).is_some_and(|value| {
                value.as_array().is_some_and(|items| !items.is_empty())
                    || value.as_object().is_some_and(|fields| !fields.is_empty())
            });
            if is_filled {
                let text = json_dumps(&params[key]);
                set(&mut params, key, text);
            }
        }
    }
    params
}

fn format_member_params(member: &mut Value) {
    if let Some(params) = member.get("additionalParams").map(params_as_text) {
        set(member, "additionalParams", params);
    }
    if let Some(kdus) = member.get_mut("additionalParamsForKdu").and_then(Value::as_array_mut) {
        for kdu in kdus {
            if let Some(params) = kdu.get("additionalParams").map(params_as_text) {
                set(kdu, "additionalParams", params);
            }
        }
    }
}
