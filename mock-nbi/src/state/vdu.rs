//! What an NS record holds of virtual machines: flavours, images, affinity groups, shared volumes,
//! and one `vdur` each.
//!
//! Pure. Source: OSM NBI `instance_topics.py`, `_create_nsr_descriptor_from_nsd` and
//! `_create_vnfr_descriptor_from_vnfd`; recorded case `ns_scale_vm`, exchanges 7 and 8.

mod machine;
mod tables;

use serde_json::Value;

use crate::state::db::{list, text};

pub(crate) use machine::{MachineOf, machines};
pub(crate) use tables::Tables;

/// How many machines an instance of `vnfd` starts with, each counted with its parts.
pub(crate) fn machine_part_count(vnfd: &Value) -> u64 {
    list(vnfd, "vdu").iter().fold(0, |sum: u64, vdu| {
        // Descriptors of before SOL006 name their count and interfaces themselves; others have neither.
        let old = list(vdu, "interface").len() + list(vdu, "internal-connection-point").len();
        let interfaces = list(vdu, "int-cpd")
            .iter()
            .map(|cpd| 1 + list(cpd, "virtual-network-interface-requirement").len());
        let parts = 1 + old + interfaces.sum::<usize>() + list(vdu, "virtual-storage-desc").len();
        let count = initial_count(vdu, vnfd).max(count_before_sol006(vdu));
        sum.saturating_add(count.saturating_mul(parts as u64))
    })
}

/// How many of a VDU there are at first; OSM looks in the first level of the first flavour.
pub(crate) fn initial_count(vdu: &Value, vnfd: &Value) -> u64 {
    let level = list(vnfd, "df").first().and_then(|df| list(df, "instantiation-level").first());
    level
        .and_then(|level| {
            list(level, "vdu-level").iter().find(|own| own.get("vdu-id") == vdu.get("id"))
        })
        .and_then(|own| number(own.get("number-of-instances")?))
        .unwrap_or(1)
}

/// How many of a VDU there are at first before SOL006.
pub(crate) fn count_before_sol006(vdu: &Value) -> u64 {
    vdu.get("count").and_then(number).unwrap_or(1)
}

/// Whether a field is there and neither null, false nor empty.
pub(crate) fn is_set(field: Option<&Value>) -> bool {
    field.is_some_and(|it| !it.is_null() && *it != false && *it != "")
}

/// A whole number, which descriptors may also write as text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The VDU profile of the first flavour for a VDU.
fn vdu_profile<'a>(vnfd: &'a Value, vdu_id: &str) -> Option<&'a Value> {
    let df = list(vnfd, "df").first()?;
    list(df, "vdu-profile").iter().find(|profile| text(profile, "id") == vdu_id)
}

/// The item of a list by its `id`.
fn named<'a>(record: &'a Value, key: &str, id: &str) -> Option<&'a Value> {
    list(record, key).iter().find(|item| text(item, "id") == id)
}

/// Whether machines share a storage.
fn is_shared(storage: &Value) -> bool {
    list(storage, "vdu-storage-requirements")
        .first()
        .is_some_and(|first| text(first, "key") == "multiattach" && text(first, "value") == "True")
}

/// The id under which a storage is shared by all VNFs of a descriptor.
fn shared_id(storage: &Value, vnfd: &Value) -> String {
    let (id, vnfd_id) = (text(storage, "id"), text(vnfd, "id"));
    if id.starts_with("shared-") && id.contains(&format!("-{vnfd_id}")) {
        return id.to_owned();
    }
    format!("shared-{id}-{vnfd_id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_null_false_or_empty_counts_as_not_set() {
        assert!(!is_set(None));
        for nothing in [json!(null), json!(false), json!("")] {
            assert!(!is_set(Some(&nothing)), "{nothing}");
        }
        for something in [json!(true), json!("x"), json!(0), json!({})] {
            assert!(is_set(Some(&something)), "{something}");
        }
    }

    #[test]
    fn machines_are_counted_with_their_interfaces_and_storages() {
        let vnfd = json!({
            "vdu": [{"id": "a", "virtual-storage-desc": ["d"], "int-cpd": [
                {"virtual-network-interface-requirement": [{}, {}]}, {}]}],
            "df": [{"instantiation-level": [{"vdu-level": [
                {"vdu-id": "b", "number-of-instances": 9},
                {"vdu-id": "a", "number-of-instances": "3"}]}]}],
        });
        assert_eq!(machine_part_count(&vnfd), 3 * (1 + (1 + 2) + 1 + 1));
        let old = json!({"vdu": [
            {"id": "a", "count": "2", "interface": [{}, {}], "internal-connection-point": [{}]},
            {"id": "b"}]});
        assert_eq!(machine_part_count(&old), 2 * (1 + 2 + 1) + 1);
    }

    #[test]
    fn a_storage_is_shared_by_what_it_requires_under_an_id_of_its_descriptor() {
        let storage = |id: &str, key: &str, value: &str| json!({"id": id, "vdu-storage-requirements": [{"key": key, "value": value}]});
        assert!(is_shared(&storage("s", "multiattach", "True")));
        assert!(!is_shared(&storage("s", "multiattach", "true")));
        assert!(!is_shared(&storage("s", "keep-volume", "True")));
        assert!(!is_shared(&json!({"id": "s"})));
        let id = |id: &str| shared_id(&json!({"id": id}), &json!({"id": "v"}));
        assert_eq!(id("s"), "shared-s-v");
        assert_eq!(id("shared-s-v"), "shared-s-v");
        assert_eq!(id("shared-s"), "shared-shared-s-v");
        assert_eq!(id("s-v"), "shared-s-v-v");
    }
}
