//! Physical units (PDUs) that stand in for machines.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::ForcedNetwork;
use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::session::Session;

impl State {
    /// Takes a free unit for each machine that is to be one.
    ///
    /// # Errors
    /// 400 when there is none of the type at the site with the interfaces.
    pub(super) fn take_pdus(
        &mut self,
        session: &Session,
        vnfr: &mut Value,
        vim: &str,
    ) -> Result<Vec<ForcedNetwork>, Problem> {
        let mut forced = Vec::new();
        for index in 0..list(vnfr, "vdur").len() {
            let machine = vnfr["vdur"][index].clone();
            let kind = text(&machine, "pdu-type");
            if kind.is_empty() {
                continue;
            }
            let is_free = |pdu: &Value| {
                list(pdu, "vim_accounts").iter().any(|own| own == vim)
                    && text(pdu, "type") == kind
                    && text(&pdu["_admin"], "operationalState") == "ENABLED"
                    && text(&pdu["_admin"], "usageState") == "NOT_IN_USE"
                    && has_interfaces(pdu, &machine)
            };
            let found = self
                .db
                .iter(Collection::PduDescriptors)
                .find(|pdu| is_free(pdu) && session.sees(pdu))
                .map(Cow::into_owned);
            let Some(mut pdu) = found else {
                return Err(Problem::bad_request(format!(
                    "No PDU of type={kind} at vim_account={vim} found for member_vnf_index={}, \
                     vdu={} matching interface names",
                    text(vnfr, "member-vnf-index-ref"),
                    text(&machine, "vdu-id-ref")
                )));
            };
            forced.extend(fill(vnfr, index, &pdu));
            let admin = admin_of(&mut pdu);
            set(admin, "usageState", "IN_USE");
            let usage = json!({
                "vnfr_id": vnfr["_id"],
                "nsr_id": vnfr["nsr-id-ref"],
                "vdur": machine["vdu-id-ref"],
            });
            set(admin, "usage", usage);
            self.db.put(Collection::PduDescriptors, pdu);
        }
        Ok(forced)
    }

    /// Gives back the units of an instance.
    pub(in crate::state) fn free_pdus_of(&mut self, ns_id: &str) {
        for id in self.db.ids_with(Collection::PduDescriptors, "_admin.usage.nsr_id", ns_id) {
            if let Some(pdu) = self.db.get_mut(Collection::PduDescriptors, &id) {
                let admin = admin_of(pdu);
                set(admin, "usageState", "NOT_IN_USE");
                set(admin, "usage", Value::Null);
            }
        }
    }
}

fn has_interfaces(pdu: &Value, machine: &Value) -> bool {
    list(machine, "interfaces").iter().all(|wanted| interface_of(pdu, wanted).is_some())
}

fn interface_of<'a>(pdu: &'a Value, wanted: &Value) -> Option<&'a Value> {
    list(pdu, "interfaces").iter().find(|own| text(own, "name") == text(wanted, "name"))
}

/// Writes a unit's addresses into the machine that it stands in for.
fn fill(vnfr: &mut Value, index: usize, pdu: &Value) -> Vec<ForcedNetwork> {
    let mut forced = Vec::new();
    let mut vnf_address = None;
    let machine = &mut vnfr["vdur"][index];
    set(machine, "pdu-id", pdu["_id"].clone());
    let mut own_address = None;
    let interfaces = machine.get_mut("interfaces").and_then(Value::as_array_mut);
    for interface in interfaces.into_iter().flatten() {
        let Some(own) = interface_of(pdu, interface) else {
            continue;
        };
        for key in ["ip-address", "mac-address"] {
            if let Some(value) = own.get(key) {
                set(interface, key, value.clone());
            }
        }
        if let Some(address) = own.get("ip-address") {
            let is = |flag: &str| interface.get(flag) == Some(&Value::Bool(true));
            if is("mgmt-interface") || is("mgmt-vnf") {
                own_address = Some(address.clone());
            }
            if is("mgmt-vnf") {
                vnf_address = Some(address.clone());
            }
        }
        let mut network = json!({});
        for key in ["vim-network-name", "vim-network-id"] {
            if let Some(value) = own.get(key).filter(|value| **value != "") {
                set(&mut network, key, value.clone());
            }
        }
        if network.as_object().is_some_and(|fields| !fields.is_empty()) {
            let link = |key: &str| interface.get(key).and_then(Value::as_str).map(str::to_owned);
            let (ns_link, vnf_link) = (link("ns-vld-id"), link("vnf-vld-id"));
            forced.push(ForcedNetwork { ns_link, vnf_link, network });
        }
    }
    if let Some(address) = own_address {
        set(machine, "ip-address", address);
    }
    if let Some(address) = vnf_address {
        set(vnfr, "ip-address", address);
    }
    forced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_management_interface_is_the_machines_and_if_so_said_the_vnfs() {
        let pdu = json!({"_id": "p", "interfaces": [{"name": "eth0", "ip-address": "10.0.0.1"}]});
        let address = json!("10.0.0.1");
        for (interface, of_machine, of_vnf) in [
            (json!({"name": "eth0"}), Value::Null, Value::Null),
            (json!({"name": "eth0", "mgmt-interface": true}), address.clone(), Value::Null),
            (json!({"name": "eth0", "mgmt-vnf": true}), address.clone(), address.clone()),
        ] {
            let mut vnfr = json!({"vdur": [{"interfaces": [interface]}]});
            fill(&mut vnfr, 0, &pdu);
            let machine = &vnfr["vdur"][0];
            assert_eq!(machine["interfaces"][0]["ip-address"], address, "{vnfr}");
            assert_eq!((&machine["ip-address"], &vnfr["ip-address"]), (&of_machine, &of_vnf));
        }
    }
}
