//! What an NS record holds of virtual machines: flavours, images, and one `vdur` each.
//!
//! Pure. Source: recorded case `ns_scale_vm`, exchanges 7 and 8.

use serde_json::{Value, json};

use crate::ids::Ids;
use crate::state::db::{list, set, text};

/// Flavours and images of one instance, shared by its machines.
#[derive(Debug, Default)]
pub(crate) struct VduTables {
    flavors: Vec<Value>,
    images: Vec<Value>,
}

impl VduTables {
    pub(crate) fn flavors(&self) -> Value {
        self.flavors.clone().into()
    }

    pub(crate) fn images(&self) -> Value {
        self.images.clone().into()
    }

    /// The `vdur` list of one member VNF.
    pub(crate) fn machines(&mut self, nsd_profile: &Value, vnfd: &Value, ids: &mut Ids) -> Value {
        let mut machines = Vec::new();
        for vdu in list(vnfd, "vdu") {
            let flavor_id = self.flavor_of(vdu, nsd_profile, vnfd);
            let image_id = self.image_of(vdu, vnfd);
            for index in 0..initial_count(vdu, vnfd) {
                let id = ids.uuid();
                machines.push(json!({
                    "vdu-id-ref": vdu["id"],
                    "ip-address": null,
                    "internal-connection-point": internal_points(vdu),
                    "interfaces": interfaces(vdu, nsd_profile, vnfd),
                    "additionalParams": null,
                    "vdu-name": vdu["name"],
                    "virtual-storages": storages(vdu, vnfd),
                    "ns-image-id": image_id,
                    "ns-flavor-id": flavor_id,
                    "affinity-or-anti-affinity-group-id": [],
                    "_id": id,
                    "id": id,
                    "count-index": index,
                }));
            }
        }
        machines.into()
    }

    fn flavor_of(&mut self, vdu: &Value, nsd_profile: &Value, vnfd: &Value) -> String {
        let compute = named(vnfd, "virtual-compute-desc", text(vdu, "virtual-compute-desc"));
        let memory = compute.map(|compute| &compute["virtual-memory"]["size"]);
        let gigabytes: f64 = memory
            .and_then(|size| size.as_str().map_or_else(|| size.as_f64(), |text| text.parse().ok()))
            .unwrap_or(0.0);
        let storage = list(vdu, "virtual-storage-desc")
            .first()
            .and_then(Value::as_str)
            .and_then(|name| named(vnfd, "virtual-storage-desc", name))
            .map(|storage| storage["size-of-storage"].clone());
        let id = self.flavors.len().to_string();
        self.flavors.push(json!({
            "vcpu-count": compute.map(|compute| compute["virtual-cpu"]["num-virtual-cpu"].clone()),
            "memory-mb": gigabytes * 1024.0,
            "storage-gb": storage,
            "name": format!("{}-{}-{}-flv", text(vdu, "id"), text(nsd_profile, "id"), self.flavors.len() + 1),
            "id": id,
        }));
        id
    }

    fn image_of(&mut self, vdu: &Value, vnfd: &Value) -> String {
        let image = named(vnfd, "sw-image-desc", text(vdu, "sw-image-desc"))
            .map_or(Value::Null, |image| image["image"].clone());
        if let Some(known) = self.images.iter().find(|known| known["image"] == image) {
            return text(known, "id").to_owned();
        }
        let id = self.images.len().to_string();
        self.images.push(json!({"image": image, "id": id}));
        id
    }
}

fn named<'a>(vnfd: &'a Value, key: &str, id: &str) -> Option<&'a Value> {
    list(vnfd, key).iter().find(|item| text(item, "id") == id)
}

/// How many machines an instance of `vnfd` starts with, each counted with its parts.
pub(crate) fn machine_part_count(vnfd: &Value) -> u64 {
    list(vnfd, "vdu").iter().fold(0, |sum: u64, vdu| {
        let interfaces = list(vdu, "int-cpd")
            .iter()
            .map(|cpd| 1 + list(cpd, "virtual-network-interface-requirement").len());
        let parts = 1 + interfaces.sum::<usize>() + list(vdu, "virtual-storage-desc").len();
        sum.saturating_add(initial_count(vdu, vnfd).saturating_mul(parts as u64))
    })
}

fn initial_count(vdu: &Value, vnfd: &Value) -> u64 {
    list(vnfd, "df")
        .iter()
        .flat_map(|df| list(df, "instantiation-level"))
        .flat_map(|level| list(level, "vdu-level"))
        .find(|level| level.get("vdu-id") == vdu.get("id"))
        .and_then(|level| level["number-of-instances"].as_u64())
        .unwrap_or(1)
}

fn internal_points(vdu: &Value) -> Value {
    let points = list(vdu, "int-cpd")
        .iter()
        .map(|cpd| json!({"id": cpd["id"], "connection-point-id": cpd["id"], "name": cpd["id"]}));
    points.collect()
}

fn interfaces(vdu: &Value, nsd_profile: &Value, vnfd: &Value) -> Value {
    let mut interfaces = Vec::new();
    for cpd in list(vdu, "int-cpd") {
        let external = list(vnfd, "ext-cpd").iter().find(|ext| {
            ext["int-cpd"]["cpd"] == cpd["id"] && ext["int-cpd"]["vdu-id"] == vdu["id"]
        });
        for requirement in list(cpd, "virtual-network-interface-requirement") {
            let mut interface = json!({
                "name": requirement["name"],
                "internal-connection-point-ref": cpd["id"],
            });
            if let Some(external) = external {
                let is_mgmt = vnfd.get("mgmt-cp") == external.get("id");
                set(&mut interface, "external-connection-point-ref", external["id"].clone());
                if is_mgmt {
                    set(&mut interface, "mgmt-vnf", true);
                    set(&mut interface, "mgmt-interface", true);
                }
            }
            if let Some(kind) = requirement["virtual-interface"].get("type") {
                set(&mut interface, "type", kind.clone());
            }
            if let Some(link) = external.and_then(|ext| link_of(nsd_profile, text(ext, "id"))) {
                set(&mut interface, "ns-vld-id", link);
            }
            interfaces.push(interface);
        }
    }
    interfaces.into()
}

fn link_of<'a>(nsd_profile: &'a Value, point: &str) -> Option<&'a str> {
    list(nsd_profile, "virtual-link-connectivity")
        .iter()
        .find(|link| {
            list(link, "constituent-cpd-id")
                .iter()
                .any(|cpd| text(cpd, "constituent-cpd-id") == point)
        })
        .map(|link| text(link, "virtual-link-profile-id"))
}

fn storages(vdu: &Value, vnfd: &Value) -> Value {
    let storages = list(vdu, "virtual-storage-desc")
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|name| named(vnfd, "virtual-storage-desc", name));
    storages.cloned().collect()
}
