//! What records show of links and machines once a VIM has made them.
//!
//! Source: `vld[].vim_info` of release10/ns-action.upgrade2.jsonl; machines are shown in the same
//! form, as far as clients look at them. The recordings' stand-in shows neither.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::state::State;
use crate::state::db::{Collection, set, text};

/// Shows in each link what the VIM made of it.
pub(super) fn connect_links(state: &mut State, ns_id: &str) {
    if state.release.has_lenient_lcm() {
        return;
    }
    let Some(nsr) = state.db.get_mut(Collection::NsInstances, ns_id) else {
        return;
    };
    let vim = text(nsr, "datacenter").to_owned();
    let Some(links) = nsr.get_mut("vld").and_then(Value::as_array_mut) else {
        return;
    };
    for link in links {
        let name = text(link, "name").to_owned();
        let is_found = link.get("mgmt-network") == Some(&Value::Bool(true));
        let info = json!({
            "vim_account_id": vim,
            "vim_network_name": null,
            "vim_details": format!("{{name: {name}, status: ACTIVE}}\n"),
            "vim_id": if is_found { found_network(&vim, &name) } else { state.ids.uuid() },
            "vim_status": "ACTIVE",
            "vim_name": name,
        });
        set(link, "vim_info", json!({format!("vim:{vim}"): info}));
    }
}

/// The id of a network that the VIM has and OSM only finds, as it does the management network: the
/// same for every instance at this VIM.
///
/// Source: `vld[].vim_info` of both instances in release10/ns-action.upgrade.jsonl.
fn found_network(vim: &str, name: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{vim}/{name}")));
    format!(
        "{}-{}-4{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    )
}

/// Shows every machine running, and its address on the management network.
pub(super) fn bring_up(state: &mut State, ns_id: &str) {
    if state.release.has_lenient_lcm() {
        return;
    }
    let name =
        state.db.get(Collection::NsInstances, ns_id).map(|nsr| text(&nsr, "name").to_owned());
    let name = name.unwrap_or_default();
    for vnfr_id in state.vnfr_ids(ns_id) {
        let Some(vnfr) = state.db.get_mut(Collection::VnfInstances, &vnfr_id) else {
            continue;
        };
        let member = text(vnfr, "member-vnf-index-ref").to_owned();
        let vim = text(vnfr, "vim-account-id").to_owned();
        let mut address = None;
        let machines = vnfr.get_mut("vdur").and_then(Value::as_array_mut);
        for (index, machine) in machines.into_iter().flatten().enumerate() {
            if machine.get("pdu-type").is_some() || machine.get("status").is_some() {
                continue;
            }
            let own = format!(
                "{name}-{member}-{}-{}",
                text(machine, "vdu-id-ref"),
                machine["count-index"]
            );
            let managed = give_addresses(machine, index);
            if managed.is_some() {
                set(machine, "ip-address", managed.clone());
            }
            address = address.or(managed);
            set(machine, "name", own.as_str());
            set(machine, "status", "ACTIVE");
            let info = json!({
                "vim_account_id": vim,
                "vim_details": format!("{{name: {own}, status: ACTIVE}}\n"),
                "vim_id": state.ids.uuid(),
                "vim_status": "ACTIVE",
                "vim_name": own,
            });
            set(machine, "vim_info", json!({format!("vim:{vim}"): info}));
        }
        if address.is_some() && text(vnfr, "ip-address").is_empty() {
            set(vnfr, "ip-address", address);
        }
    }
}

/// Gives each interface without one an address; tells that of the management interface.
fn give_addresses(machine: &mut Value, index: usize) -> Option<String> {
    let mut managed = None;
    let interfaces = machine.get_mut("interfaces").and_then(Value::as_array_mut);
    for (number, interface) in interfaces.into_iter().flatten().enumerate() {
        if interface.get("ip-address").is_none_or(|address| !address.is_string()) {
            set(interface, "ip-address", format!("10.{}.0.{}", number % 256, 2 + index % 250));
        }
        if interface.get("mgmt-interface") == Some(&Value::Bool(true)) {
            managed = managed.or_else(|| Some(text(interface, "ip-address").to_owned()));
        }
    }
    managed
}
