//! The `vnfr` of one member.

use serde_json::{Value, json};

use super::{Creation, Member};
use crate::ids::Ids;
use crate::problem::Problem;
use crate::python::json_dumps;
use crate::state::db::{list, set, text};
use crate::state::params::{self, Params, Target};
use crate::state::vdu::{MachineOf, Tables, machines};

impl Creation<'_> {
    /// The record of one member. The parameters of its VDUs and KDUs in `body` take the form in
    /// which OSM keeps them.
    ///
    /// # Errors
    /// 400 for parameters, and for images that the instance does not have.
    pub(crate) fn vnfr(
        &self,
        of: Member,
        vnfd: &Value,
        body: &mut Value,
        tables: &Tables,
        ids: &mut Ids,
    ) -> Result<Value, Problem> {
        if !self.release.has_sol006_descriptors() {
            return self.vnfr_before_sol006(of, vnfd, body, ids);
        }
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
            "vca-id": null,
            "vdur": [],
            "connection-point": connection_points(vnfd),
            "ip-address": null,
        });
        if let Some(revision) = self.revision_of(vnfd) {
            set(&mut record, "revision", revision);
        }
        if let Some(units) = own.setting("config-units") {
            set(&mut record, "config-units", units.clone());
        }
        if let Some(links) = vnfd.get("int-virtual-link-desc").filter(|it| it.is_array()) {
            set(&mut record, "vld", links.clone());
        }
        if let Some(cluster) = vnfd.get("k8s-cluster") {
            set(&mut record, "k8s-cluster", cluster_with_points(vnfd, cluster));
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
        set(&mut record, "vdur", self.machines(member, vnfd, 1, body, tables, ids)?);
        let mut admin = self.admin.clone();
        set(&mut admin, "nsState", "NOT_INSTANTIATED");
        set(&mut record, "_admin", admin);
        Ok(record)
    }

    /// The machines of one member, of flavours that bear this revision.
    ///
    /// # Errors
    /// Those of [`Self::vnfr`].
    pub(crate) fn machines(
        &self,
        member: &str,
        vnfd: &Value,
        revision: u64,
        body: &mut Value,
        tables: &Tables,
        ids: &mut Ids,
    ) -> Result<Vec<Value>, Problem> {
        let of = MachineOf { release: self.release, nsd: self.nsd, vnfd, member, revision };
        let mut made = Vec::new();
        for vdu in list(vnfd, "vdu") {
            let target = Target::Vdu(member, text(vdu, "id"));
            let own = params::format(body, target, vnfd, self.release)?;
            made.extend(machines(&of, vdu, &own, tables, ids)?);
        }
        Ok(made)
    }

    pub(super) fn kdur(&self, kdu: &Value, own: &Params, namespace: &Value) -> Value {
        let values = match &own.values {
            Some(values) if self.release.stores_params_as_text() => json_dumps(values).into(),
            Some(values) => values.clone(),
            None => Value::Null,
        };
        let mut record = json!({
            "additionalParams": values,
            "k8s-namespace": own.setting("k8s-namespace").unwrap_or(namespace),
        });
        if self.release.has_kdu_deployment_names() {
            let name = own.setting("kdu-deployment-name").cloned();
            set(&mut record, "kdu-deployment-name", name.unwrap_or_else(|| json!("")));
        }
        set(&mut record, "kdu-name", kdu["name"].clone());
        set(&mut record, "ip-address", Value::Null);
        set(&mut record, "k8s-cluster", json!({}));
        if let Some(units) = own.setting("config-units") {
            set(&mut record, "config-units", units.clone());
        }
        if let Some(version) = kdu.get("helm-version") {
            set(&mut record, "helm-version", version.clone());
        }
        for key in ["helm-chart", "juju-bundle"] {
            if let Some(model) = kdu.get(key) {
                set(&mut record, key, own.setting("kdu_model").unwrap_or(model).clone());
            }
        }
        record
    }
}

/// The connection points of a VNF.
pub(crate) fn connection_points(vnfd: &Value) -> Value {
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

/// What a VNFD says of its cluster, with the connection point of each net; the last one counts.
fn cluster_with_points(vnfd: &Value, cluster: &Value) -> Value {
    let mut cluster = cluster.clone();
    let nets = cluster.get_mut("nets").and_then(Value::as_array_mut);
    for net in nets.into_iter().flatten() {
        let point = list(vnfd, "ext-cpd")
            .iter()
            .rfind(|cpd| cpd.get("k8s-cluster-net").is_some_and(|id| *id == net["id"]));
        if let Some(point) = point {
            set(net, "external-connection-point-ref", point["id"].clone());
        }
    }
    cluster
}
