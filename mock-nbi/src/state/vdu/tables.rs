//! Flavours, images, affinity groups and shared volumes of one instance.

use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::state::db::{list, set, text};
use crate::state::vdu::{is_shared, named, shared_id};

/// What an instance's machines share.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) flavors: Vec<Value>,
    pub(crate) images: Vec<Value>,
    pub(crate) affinity_groups: Vec<Value>,
    pub(crate) shared_volumes: Vec<Value>,
}

impl Tables {
    /// What the record of an instance has.
    pub(crate) fn of(nsr: &Value) -> Self {
        Self {
            flavors: list(nsr, "flavor").to_vec(),
            images: list(nsr, "image").to_vec(),
            affinity_groups: list(nsr, "affinity-or-anti-affinity-group").to_vec(),
            shared_volumes: list(nsr, "shared-volumes").to_vec(),
        }
    }

    /// Adds what the VDUs of one member need.
    ///
    /// # Errors
    /// 400 for an image that the descriptor does not have.
    pub(crate) fn add_member(
        &mut self,
        ns_name: &str,
        member: &str,
        vnfd: &Value,
    ) -> Result<(), Problem> {
        self.add_machines(member, vnfd, 1)?;
        let df = list(vnfd, "df").first().unwrap_or(&Value::Null);
        let profiles = list(df, "vdu-profile").iter();
        for group in profiles.flat_map(|it| list(it, "affinity-or-anti-affinity-group")) {
            self.add_affinity_group(ns_name, member, df, text(group, "id"));
        }
        Ok(())
    }

    /// Adds flavours, images and volumes of one member's VDUs in a revision of its package.
    ///
    /// # Errors
    /// Those of [`Self::add_member`].
    pub(crate) fn add_machines(
        &mut self,
        member: &str,
        vnfd: &Value,
        revision: u64,
    ) -> Result<(), Problem> {
        for vdu in list(vnfd, "vdu") {
            self.add_flavor(vdu, vnfd, member, revision);
            self.share_volumes(vnfd);
            let image = vdu.get("sw-image-desc").and_then(Value::as_str);
            let others = list(vdu, "alternative-sw-image-desc").iter().filter_map(Value::as_str);
            for id in image.into_iter().filter(|id| !id.is_empty()).chain(others) {
                self.add_image(vnfd, id)?;
            }
        }
        Ok(())
    }

    /// Adds the flavour of a VDU in a revision of its package.
    pub(crate) fn add_flavor(&mut self, vdu: &Value, vnfd: &Value, member: &str, revision: u64) {
        let compute = named(vnfd, "virtual-compute-desc", text(vdu, "virtual-compute-desc"))
            .unwrap_or(&Value::Null);
        let storage = list(vdu, "virtual-storage-desc")
            .first()
            .and_then(Value::as_str)
            .and_then(|name| named(vnfd, "virtual-storage-desc", name))
            .unwrap_or(&Value::Null);
        let (cpu, memory) = (&compute["virtual-cpu"], &compute["virtual-memory"]);
        let mut flavor = json!({});
        if let Some(count) = filled(cpu, "num-virtual-cpu") {
            set(&mut flavor, "vcpu-count", count.clone());
        }
        let gigabytes = filled(memory, "size").and_then(|size| {
            size.as_str().map_or_else(|| size.as_f64(), |text| text.trim().parse().ok())
        });
        if let Some(gigabytes) = gigabytes {
            set(&mut flavor, "memory-mb", gigabytes * 1024.0);
        }
        if let Some(size) = filled(storage, "size-of-storage") {
            set(&mut flavor, "storage-gb", size.clone());
        }
        let epa = guest_epa(cpu, memory, storage);
        if !epa.is_empty() {
            set(&mut flavor, "guest-epa", epa);
        }
        set(&mut flavor, "name", flavor_name(vdu, member, revision));
        set(&mut flavor, "id", self.flavors.len().to_string());
        self.flavors.push(flavor);
    }

    fn add_image(&mut self, vnfd: &Value, id: &str) -> Result<(), Problem> {
        let Some(known) = named(vnfd, "sw-image-desc", id) else {
            return Err(Problem::bad_request("'NoneType' object has no attribute 'get'"));
        };
        let mut image = json!({});
        if let Some(name) = filled(known, "image") {
            set(&mut image, "image", name.clone());
        }
        if let Some(sum) = filled(known, "checksum") {
            set(&mut image, "image_checksum", sum["hash"].clone());
        }
        if let Some(vim) = filled(known, "vim-type") {
            set(&mut image, "vim-type", vim.clone());
        }
        if !self.images.iter().any(|other| has_all(other, &image)) {
            set(&mut image, "id", self.images.len().to_string());
            self.images.push(image);
        }
        Ok(())
    }

    /// The id of the image of this name, as machines refer to it.
    pub(crate) fn image_id(&self, vnfd: &Value, id: &str) -> Result<Value, Problem> {
        let image = named(vnfd, "sw-image-desc", id).and_then(|known| known.get("image"));
        let own = self.images.iter().find(|own| own.get("image") == image);
        own.map(|own| own["id"].clone())
            .ok_or_else(|| Problem::bad_request("'NoneType' object is not subscriptable"))
    }

    fn add_affinity_group(&mut self, ns_name: &str, member: &str, df: &Value, id: &str) {
        let mut group = json!({});
        if let Some(known) = named(df, "affinity-or-anti-affinity-group", id) {
            for (key, own) in [("ag-id", "id"), ("type", "type"), ("scope", "scope")] {
                if let Some(value) = filled(known, own) {
                    set(&mut group, key, value.clone());
                }
            }
        }
        set(&mut group, "member-vnf-index", member);
        if self.affinity_groups.iter().any(|other| has_all(other, &group)) {
            return;
        }
        let name = format!("{}-{}-{}", cut(ns_name, 16), cut(member, 16), cut(id, 32));
        set(&mut group, "id", self.affinity_groups.len().to_string());
        set(&mut group, "name", name);
        self.affinity_groups.push(group);
    }

    fn share_volumes(&mut self, vnfd: &Value) {
        let shared = list(vnfd, "virtual-storage-desc").iter().filter(|it| is_shared(it));
        let shared: Vec<Value> = shared
            .map(|storage| {
                let mut storage = storage.clone();
                let id = shared_id(&storage, vnfd);
                set(&mut storage, "id", id);
                storage
            })
            .collect();
        if !shared.is_empty() {
            self.shared_volumes = shared;
        }
    }
}

/// Name of a VDU's flavour.
pub(super) fn flavor_name(vdu: &Value, member: &str, revision: u64) -> String {
    format!("{}-{member}-{revision}-flv", cut(text(vdu, "id"), 56))
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// A field that Python counts as true.
fn filled<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    record.get(key).filter(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) => true,
    })
}

fn has_all(record: &Value, wanted: &Value) -> bool {
    let mut fields = wanted.as_object().into_iter().flatten();
    fields.all(|(key, value)| record.get(key) == Some(value))
}

fn guest_epa(cpu: &Value, memory: &Value, storage: &Value) -> Map<String, Value> {
    let mut epa = Map::new();
    if let Some(quota) = filled(cpu, "cpu-quota") {
        epa.insert("cpu-quota".into(), quota.clone());
    }
    if let Some(pinning) = filled(cpu, "pinning") {
        if let Some(policy) = filled(pinning, "thread-policy") {
            epa.insert("cpu-thread-pinning-policy".into(), policy.clone());
        }
        if let Some(policy) = filled(pinning, "policy") {
            let policy = if policy == "dynamic" { "SHARED" } else { "DEDICATED" };
            epa.insert("cpu-pinning-policy".into(), policy.into());
        }
    }
    for key in ["mem-quota", "mempage-size", "numa-node-policy"] {
        if let Some(value) = filled(memory, key) {
            epa.insert(key.into(), value.clone());
        }
    }
    if let Some(quota) = filled(storage, "disk-io-quota") {
        epa.insert("disk-io-quota".into(), quota.clone());
    }
    epa
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_carry_what_the_compute_descriptor_says() {
        let vnfd = json!({"id": "v", "df": [{}], "virtual-compute-desc": [{"id": "c",
            "virtual-cpu": {"num-virtual-cpu": 2, "pinning": {"policy": "static"}},
            "virtual-memory": {"size": "0.5", "mempage-size": "LARGE"}}],
            "vdu": [{"id": "box", "virtual-compute-desc": "c"}]});
        let mut tables = Tables::default();
        tables.add_member("ns", "1", &vnfd).unwrap();
        assert_eq!(
            tables.flavors,
            [json!({"vcpu-count": 2, "memory-mb": 512.0,
                "guest-epa": {"cpu-pinning-policy": "DEDICATED", "mempage-size": "LARGE"},
                "name": "box-1-1-flv", "id": "0"})]
        );
    }

    #[test]
    fn an_image_counts_once_and_an_unknown_one_is_a_mistake() {
        let vnfd = json!({"id": "v", "sw-image-desc": [{"id": "i", "image": "ubuntu"}],
            "vdu": [{"id": "a", "sw-image-desc": "i"}, {"id": "b", "sw-image-desc": "i"}]});
        let mut tables = Tables::default();
        tables.add_member("ns", "1", &vnfd).unwrap();
        assert_eq!(tables.images, [json!({"image": "ubuntu", "id": "0"})]);
        let vnfd = json!({"vdu": [{"id": "a", "sw-image-desc": "x"}]});
        assert!(tables.add_member("ns", "1", &vnfd).is_err());
    }

    #[test]
    fn affinity_groups_are_named_after_instance_and_member() {
        let vnfd = json!({"id": "v", "df": [{
            "affinity-or-anti-affinity-group": [{"id": "g", "type": "affinity", "scope": "nfvi-node"}],
            "vdu-profile": [{"id": "a", "affinity-or-anti-affinity-group": [{"id": "g"}]},
                {"id": "b", "affinity-or-anti-affinity-group": [{"id": "g"}]}]}]});
        let mut tables = Tables::default();
        tables.add_member("a-name-longer-than-sixteen", "1", &vnfd).unwrap();
        assert_eq!(
            tables.affinity_groups,
            [json!({"ag-id": "g", "type": "affinity", "scope": "nfvi-node",
                "member-vnf-index": "1", "id": "0", "name": "a-name-longer-th-1-g"})]
        );
    }

    #[test]
    fn each_image_has_a_number_of_its_own() {
        let vnfd = json!({"id": "v",
            "sw-image-desc": [{"id": "i", "image": "ubuntu"}, {"id": "j", "image": "debian"}],
            "vdu": [{"id": "a", "sw-image-desc": "i"}, {"id": "b", "sw-image-desc": "j"}]});
        let mut tables = Tables::default();
        tables.add_member("ns", "1", &vnfd).unwrap();
        let images = [("ubuntu", "0"), ("debian", "1")];
        assert_eq!(tables.images, images.map(|(image, id)| json!({"image": image, "id": id})));
    }

    #[test]
    fn what_python_takes_for_nothing_is_left_out() {
        for (value, is_filled) in [
            (json!(null), false),
            (json!(false), false),
            (json!(0), false),
            (json!(""), false),
            (json!([]), false),
            (json!({}), false),
            (json!(true), true),
            (json!(1), true),
            (json!("x"), true),
            (json!([0]), true),
            (json!({"a": 0}), true),
        ] {
            assert_eq!(filled(&json!({"k": value}), "k").is_some(), is_filled, "{value}");
        }
    }
}
