//! The `vdur` of each machine.

use serde_json::{Value, json};

use crate::ids::Ids;
use crate::problem::Problem;
use crate::release::Release;
use crate::state::address::following;
use crate::state::db::{list, set, text};
use crate::state::params::{Params, day_config};
use crate::state::vdu::tables::flavor_name;
use crate::state::vdu::{Tables, initial_count, is_shared, named, shared_id, vdu_profile};

/// What the machines of one member are made of.
#[derive(Debug)]
pub(crate) struct MachineOf<'a> {
    pub(crate) release: Release,
    pub(crate) nsd: &'a Value,
    pub(crate) vnfd: &'a Value,
    pub(crate) member: &'a str,
    /// Revision in the names of flavours; 1 at first.
    pub(crate) revision: u64,
}

/// The machines of one VDU, as many as there are at first.
///
/// # Errors
/// 400 for a VDU without name and for images that the instance does not have.
pub(crate) fn machines(
    of: &MachineOf,
    vdu: &Value,
    params: &Params,
    tables: &Tables,
    ids: &mut Ids,
) -> Result<Vec<Value>, Problem> {
    let Some(name) = vdu.get("name") else {
        return Err(Problem::bad_request("'name'"));
    };
    let mut record = json!({
        "vdu-id-ref": vdu["id"],
        "ip-address": null,
        "internal-connection-point": points(vdu),
        "interfaces": interfaces(of, vdu),
        "additionalParams": params.values,
        "vdu-name": name,
        "virtual-storages": storages(vdu, of.vnfd),
    });
    if let Some(units) = params.setting("config-units") {
        set(&mut record, "config-units", units.clone());
    }
    let boot = vdu.get("supplemental-boot-data").and_then(|boot| boot.get("boot-data-drive"));
    if let Some(drive) = boot.filter(|drive| !drive.is_null() && **drive != false) {
        set(&mut record, "boot-data-drive", drive.clone());
    }
    if let Some(kind) = vdu.get("pdu-type") {
        set(&mut record, "pdu-type", kind.clone());
        set(&mut record, "name", kind.clone());
    }
    refer_to_tables(&mut record, of, vdu, tables)?;
    let mut machines = Vec::new();
    for index in 0..initial_count(vdu, of.vnfd) {
        if index > 0 {
            move_on(&mut record);
        }
        let id = ids.uuid();
        set(&mut record, "_id", id.as_str());
        set(&mut record, "id", id);
        set(&mut record, "count-index", index);
        machines.push(record.clone());
    }
    Ok(machines)
}

/// Fixed addresses of the next machine follow those of the one before.
fn move_on(record: &mut Value) {
    let interfaces = record.get_mut("interfaces").and_then(Value::as_array_mut);
    for interface in interfaces.into_iter().flatten() {
        for key in ["ip-address", "mac-address"] {
            if let Some(address) = interface.get(key).filter(|address| !address.is_null()) {
                let next = following(address, 1);
                set(interface, key, next);
            }
        }
    }
}

fn refer_to_tables(
    record: &mut Value,
    of: &MachineOf,
    vdu: &Value,
    tables: &Tables,
) -> Result<(), Problem> {
    if let Some(image) = vdu.get("sw-image-desc").and_then(Value::as_str) {
        set(record, "ns-image-id", tables.image_id(of.vnfd, image)?);
    }
    let others = list(vdu, "alternative-sw-image-desc");
    if !others.is_empty() {
        let ids: Result<Vec<Value>, Problem> = others
            .iter()
            .map(|image| tables.image_id(of.vnfd, image.as_str().unwrap_or_default()))
            .collect();
        set(record, "alt-image-ids", ids?);
    }
    let flavor = flavor_name(vdu, of.member, of.revision);
    if let Some(flavor) = tables.flavors.iter().find(|own| text(own, "name") == flavor) {
        set(record, "ns-flavor-id", flavor["id"].clone());
    }
    let shared = list(vdu, "virtual-storage-desc").iter().filter_map(Value::as_str);
    let shared: Vec<Value> = shared
        .filter_map(|name| named(of.vnfd, "virtual-storage-desc", name))
        .filter(|storage| is_shared(storage))
        .map(|storage| shared_id(storage, of.vnfd).into())
        .collect();
    if !shared.is_empty() {
        set(record, "shared-volumes-id", shared);
    }
    let profile = vdu_profile(of.vnfd, text(vdu, "id"));
    if let Some(profile) = profile.filter(|_| of.release.has_affinity_groups()) {
        let groups = list(profile, "affinity-or-anti-affinity-group").iter().filter_map(|group| {
            let own = tables.affinity_groups.iter().find(|own| {
                own.get("ag-id") == group.get("id") && text(own, "member-vnf-index") == of.member
            });
            own.map(|own| own["id"].clone())
        });
        let groups: Vec<Value> = groups.collect();
        set(record, "affinity-or-anti-affinity-group-id", groups);
    }
    Ok(())
}

fn points(vdu: &Value) -> Value {
    let points = list(vdu, "int-cpd")
        .iter()
        .map(|cpd| json!({"id": cpd["id"], "connection-point-id": cpd["id"], "name": cpd["id"]}));
    points.collect()
}

fn storages(vdu: &Value, vnfd: &Value) -> Value {
    let own = list(vdu, "virtual-storage-desc");
    let storages =
        list(vnfd, "virtual-storage-desc").iter().filter(|storage| own.contains(&storage["id"]));
    storages.cloned().collect()
}

fn interfaces(of: &MachineOf, vdu: &Value) -> Value {
    let mut interfaces = Vec::new();
    for cpd in list(vdu, "int-cpd") {
        for requirement in list(cpd, "virtual-network-interface-requirement") {
            interfaces.push(interface(of, vdu, cpd, requirement));
        }
    }
    interfaces.into()
}

fn interface(of: &MachineOf, vdu: &Value, cpd: &Value, requirement: &Value) -> Value {
    let mut interface = json!({});
    let copy = |interface: &mut Value, from: &Value, keys: &[&str]| {
        for key in keys {
            if let Some(value) = from.get(*key).filter(|value| !value.is_null()) {
                set(interface, key, value.clone());
            }
        }
    };
    const SECURITY: &[&str] = &["port-security-enabled", "port-security-disable-strategy"];
    copy(&mut interface, requirement, &["name", "mac-address", "position", "ip-address"]);
    set(&mut interface, "internal-connection-point-ref", cpd["id"].clone());
    copy(&mut interface, cpd, SECURITY);
    let external = list(of.vnfd, "ext-cpd")
        .iter()
        .find(|ext| ext["int-cpd"]["cpd"] == cpd["id"] && ext["int-cpd"]["vdu-id"] == vdu["id"]);
    if let Some(external) = external {
        set(&mut interface, "external-connection-point-ref", external["id"].clone());
        copy(&mut interface, external, SECURITY);
        if of.vnfd.get("mgmt-cp") == external.get("id") {
            set(&mut interface, "mgmt-vnf", true);
            set(&mut interface, "mgmt-interface", true);
        }
        let environments = day_config(of.vnfd, text(vdu, "id"))
            .map_or(&[] as &[Value], |config| list(config, "execution-environment-list"));
        let is_theirs = |own: &Value| {
            own.get("external-connection-point-ref").is_some_and(|it| *it == external["id"])
        };
        if environments.iter().any(is_theirs) {
            set(&mut interface, "mgmt-interface", true);
        }
    }
    if let Some(fields) = requirement.get("virtual-interface").and_then(Value::as_object) {
        for (key, value) in fields {
            set(&mut interface, key, value.clone());
        }
    }
    match external {
        Some(external) => {
            if let Some(link) = link_of(of, text(external, "id")) {
                set(&mut interface, "ns-vld-id", link);
            }
        }
        None => {
            let link = cpd.get("int-virtual-link-desc").cloned().unwrap_or_default();
            set(&mut interface, "vnf-vld-id", link);
        }
    }
    interface
}

/// The NS link that a member's external connection point is on; the last one named counts.
fn link_of(of: &MachineOf, point: &str) -> Option<Value> {
    let profiles = list(of.nsd, "df").iter().flat_map(|df| list(df, "vnf-profile"));
    profiles
        .filter(|profile| text(profile, "id") == of.member)
        .flat_map(|profile| list(profile, "virtual-link-connectivity"))
        .rfind(|link| {
            list(link, "constituent-cpd-id")
                .iter()
                .any(|cpd| text(cpd, "constituent-cpd-id") == point)
        })
        .map(|link| link["virtual-link-profile-id"].clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(vnfd: &Value, vdu: &Value, nsr: &Value) -> Value {
        let nsd = json!({});
        let of = MachineOf { release: Release::R19, nsd: &nsd, vnfd, member: "1", revision: 1 };
        let (params, tables) = (Params::default(), Tables::of(nsr));
        machines(&of, vdu, &params, &tables, &mut Ids::seeded(1)).unwrap().remove(0)
    }

    #[test]
    fn a_drive_with_boot_data_is_told_where_there_is_one() {
        for (drive, shown) in
            [(json!(null), None), (json!(false), None), (json!(true), Some(json!(true)))]
        {
            let boot = json!({"boot-data-drive": drive});
            let vdu = json!({"id": "a", "name": "a", "supplemental-boot-data": boot});
            let machine = machine(&json!({"id": "v"}), &vdu, &json!({}));
            assert_eq!(machine.get("boot-data-drive"), shown.as_ref());
        }
    }

    #[test]
    fn a_machine_is_in_the_affinity_groups_of_its_own_member() {
        let vnfd = json!({"id": "v", "df": [{"vdu-profile": [
            {"id": "a", "affinity-or-anti-affinity-group": [{"id": "g"}]}]}]});
        let nsr = json!({"affinity-or-anti-affinity-group": [
            {"id": "0", "ag-id": "g", "member-vnf-index": "2"},
            {"id": "1", "ag-id": "h", "member-vnf-index": "1"},
            {"id": "2", "ag-id": "g", "member-vnf-index": "1"},
        ]});
        let machine = machine(&vnfd, &json!({"id": "a", "name": "a"}), &nsr);
        assert_eq!(machine["affinity-or-anti-affinity-group-id"], json!(["2"]));
    }
}
