//! Fixed addresses of interfaces, from the NS descriptor and from the request.

use serde_json::Value;

use crate::state::address::following;
use crate::state::db::{list, set, text};
use crate::state::records::profiles;

/// Addresses that the NS descriptor gives a member's connection points.
pub(super) fn from_descriptor(vnfr: &mut Value, nsd: &Value) {
    let member = text(vnfr, "member-vnf-index-ref").to_owned();
    for profile in profiles(nsd) {
        for link in list(profile, "virtual-link-connectivity") {
            for point in list(link, "constituent-cpd-id") {
                let is_own = text(point, "constituent-base-element-id") == member;
                let Some(address) = point.get("ip-address").filter(|_| is_own) else {
                    continue;
                };
                let (cpd, vld) =
                    (text(point, "constituent-cpd-id"), text(link, "virtual-link-profile-id"));
                for_interfaces(vnfr, false, |interface, index| {
                    let is_there = text(interface, "external-connection-point-ref") == cpd
                        && text(interface, "ns-vld-id") == vld;
                    if is_there {
                        fix(interface, "ip-address", "fixed-ip", Some(address), index);
                    }
                    is_there
                });
            }
        }
    }
}

/// Addresses that the request gives: by interface, by internal and by external connection point.
pub(super) fn from_request(vnfr: &mut Value, member: &str, body: &Value) {
    for own in list(body, "vnf").iter().filter(|own| text(own, "member-vnf-index") == member) {
        for vdu in list(own, "vdu") {
            for wanted in list(vdu, "interface") {
                fix_interface(vnfr, text(vdu, "id"), wanted);
            }
        }
        for link in list(own, "internal-vld") {
            for point in list(link, "internal-connection-point") {
                fix_point(vnfr, "internal-connection-point-ref", text(point, "id-ref"), point);
            }
        }
    }
    for link in list(body, "vld") {
        for point in list(link, "vnfd-connection-point-ref") {
            if text(point, "member-vnf-index-ref") == member {
                let name = text(point, "vnfd-connection-point-ref");
                fix_point(vnfr, "external-connection-point-ref", name, point);
            }
        }
    }
}

fn fix_interface(vnfr: &mut Value, vdu: &str, wanted: &Value) {
    let machines = vnfr.get_mut("vdur").and_then(Value::as_array_mut);
    for machine in machines.into_iter().flatten().filter(|it| text(it, "vdu-id-ref") == vdu) {
        let index = machine["count-index"].as_u64().unwrap_or(0);
        let interfaces = machine.get_mut("interfaces").and_then(Value::as_array_mut);
        let interface =
            interfaces.into_iter().flatten().find(|it| text(it, "name") == text(wanted, "name"));
        if let Some(interface) = interface {
            fix(interface, "ip-address", "fixed-ip", wanted.get("ip-address"), index);
            fix(interface, "mac-address", "fixed-mac", wanted.get("mac-address"), index);
            if wanted.get("floating-ip-required") == Some(&Value::Bool(true)) {
                set(interface, "floating-ip-required", true);
            }
        }
    }
}

fn fix_point(vnfr: &mut Value, key: &str, name: &str, wanted: &Value) {
    for_interfaces(vnfr, true, |interface, index| {
        let is_there = text(interface, key) == name;
        if is_there {
            fix(interface, "ip-address", "fixed-ip", wanted.get("ip-address"), index);
            fix(interface, "mac-address", "fixed-mac", wanted.get("mac-address"), index);
        }
        is_there
    });
}

/// Shows `change` each machine's interfaces with the machine's index; `once`: only until it says
/// that one was meant.
fn for_interfaces(vnfr: &mut Value, once: bool, mut change: impl FnMut(&mut Value, u64) -> bool) {
    let machines = vnfr.get_mut("vdur").and_then(Value::as_array_mut);
    for machine in machines.into_iter().flatten() {
        let index = machine["count-index"].as_u64().unwrap_or(0);
        let interfaces = machine.get_mut("interfaces").and_then(Value::as_array_mut);
        for interface in interfaces.into_iter().flatten() {
            if change(interface, index) && once {
                break;
            }
        }
    }
}

fn fix(interface: &mut Value, key: &str, flag: &str, address: Option<&Value>, index: u64) {
    if let Some(address) = address.filter(|address| address.is_string()) {
        set(interface, key, following(address, index));
        set(interface, flag, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Two machines, each with an interface to the NS and one within the VNF.
    fn vnfr() -> Value {
        let machine = |index: u64| {
            json!({"vdu-id-ref": "vm", "count-index": index, "interfaces": [
                {"name": "eth0", "external-connection-point-ref": "out", "ns-vld-id": "mgmt"},
                {"name": "eth1", "internal-connection-point-ref": "in"}]})
        };
        json!({"member-vnf-index-ref": "1", "vdur": [machine(0), machine(1)]})
    }

    /// The address of each machine's first and second interface; `None` where none was given.
    fn addresses<'a>(vnfr: &'a Value, key: &str, flag: &str) -> Vec<Option<&'a str>> {
        let interfaces = list(vnfr, "vdur").iter().flat_map(|machine| list(machine, "interfaces"));
        let address = |it: &'a Value| {
            assert_eq!(it.get(key).is_some(), it.get(flag) == Some(&Value::Bool(true)));
            it.get(key).and_then(Value::as_str)
        };
        interfaces.map(address).collect()
    }

    fn ips(vnfr: &Value) -> Vec<Option<&str>> {
        addresses(vnfr, "ip-address", "fixed-ip")
    }

    #[test]
    fn the_nsd_gives_addresses_to_its_members_connection_points() {
        let nsd = |member: &str, cpd: &str, link: &str| {
            json!({"df": [{"vnf-profile": [{"virtual-link-connectivity": [{
                "virtual-link-profile-id": link, "constituent-cpd-id": [{
                    "constituent-base-element-id": member, "constituent-cpd-id": cpd,
                    "ip-address": "10.0.0.9"}]}]}]}]})
        };
        let with = |nsd: Value| {
            let mut vnfr = vnfr();
            from_descriptor(&mut vnfr, &nsd);
            vnfr
        };
        let own = with(nsd("1", "out", "mgmt"));
        assert_eq!(ips(&own), [Some("10.0.0.9"), None, Some("10.0.0.10"), None]);
        for other in [nsd("2", "out", "mgmt"), nsd("1", "in", "mgmt"), nsd("1", "out", "data")] {
            assert_eq!(with(other), vnfr());
        }
    }

    #[test]
    fn a_request_gives_addresses_by_interface_and_by_connection_point() {
        let with = |body: Value| {
            let mut vnfr = vnfr();
            from_request(&mut vnfr, "1", &body);
            vnfr
        };
        let interface = with(json!({"vnf": [{"member-vnf-index": "1", "vdu": [
            {"id": "vm", "interface": [{"name": "eth1", "ip-address": "10.0.0.9",
                "mac-address": "52:54:00:00:00:0f", "floating-ip-required": true}]},
            {"id": "other", "interface": [{"name": "eth0", "ip-address": "10.0.9.9"}]}]}]}));
        assert_eq!(ips(&interface), [None, Some("10.0.0.9"), None, Some("10.0.0.10")]);
        assert_eq!(
            addresses(&interface, "mac-address", "fixed-mac"),
            [None, Some("52:54:00:00:00:0f"), None, Some("52:54:00:00:00:10")]
        );
        let floating =
            |index: usize| interface["vdur"][0]["interfaces"][index].get("floating-ip-required");
        assert_eq!((floating(0), floating(1)), (None, Some(&Value::Bool(true))));
        let internal = with(json!({"vnf": [{"member-vnf-index": "1", "internal-vld": [
            {"internal-connection-point": [{"id-ref": "in", "ip-address": "10.0.0.9"}]}]}]}));
        assert_eq!(ips(&internal), [None, Some("10.0.0.9"), None, Some("10.0.0.10")]);
        let external = |member: &str| {
            with(json!({"vld": [{"vnfd-connection-point-ref": [{"member-vnf-index-ref": member,
                "vnfd-connection-point-ref": "out", "ip-address": "10.0.0.9"}]}]}))
        };
        assert_eq!(ips(&external("1")), [Some("10.0.0.9"), None, Some("10.0.0.10"), None]);
        assert_eq!(external("2"), vnfr());
    }
}
