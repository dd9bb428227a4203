//! Whether what a request says of a member's machines and links is in the descriptor.

use std::collections::HashMap;

use serde_json::Value;

use crate::problem::Problem;
use crate::state::db::{list, text};

/// Checks one item of `vnf`.
pub(super) fn check(vnf: &Value, vnfd: &Value) -> Result<(), Problem> {
    let member = text(vnf, "member-vnf-index");
    for wanted in list(vnf, "vdu") {
        check_machine(member, wanted, vnfd)?;
    }
    check_links(member, vnf, vnfd)
}

fn check_machine(member: &str, wanted: &Value, vnfd: &Value) -> Result<(), Problem> {
    let id = text(wanted, "id");
    let place = format!("Invalid parameter vnf[member-vnf-index='{member}']:vdu[id='{id}']");
    let Some(vdu) = list(vnfd, "vdu").iter().find(|vdu| text(vdu, "id") == id) else {
        return Err(Problem::bad_request(format!("{place} is not present at vnfd:vdu")));
    };
    let storages = list(vdu, "virtual-storage-desc");
    for volume in list(wanted, "volume") {
        if !storages.contains(&volume["name"]) {
            // OSM means the name, but its message asks for an id that no volume has.
            return Err(Problem::bad_request("'id'"));
        }
    }
    let names: Vec<&str> = list(vdu, "int-cpd")
        .iter()
        .flat_map(|cpd| list(cpd, "virtual-network-interface-requirement"))
        .map(|interface| text(interface, "name"))
        .collect();
    // OSM looks no further than the first interface that is there.
    let first = list(wanted, "interface").first().map(|interface| text(interface, "name"));
    match first.filter(|name| !names.contains(name)) {
        Some(name) => Err(Problem::bad_request(format!(
            "{place}:int-cpd[id='{name}'] is not present at vnfd:vdu:int-cpd"
        ))),
        None => Ok(()),
    }
}

fn check_links(member: &str, vnf: &Value, vnfd: &Value) -> Result<(), Problem> {
    // OSM remembers the last connection point of each internal link, as text.
    let mut points: HashMap<&str, &str> =
        list(vnfd, "int-virtual-link-desc").iter().map(|link| (text(link, "id"), "")).collect();
    for cpd in list(vnfd, "vdu").iter().flat_map(|vdu| list(vdu, "int-cpd")) {
        if let Some(link) = cpd.get("int-virtual-link-desc").and_then(Value::as_str) {
            points.insert(link, text(cpd, "id"));
        }
    }
    for wanted in list(vnf, "internal-vld") {
        let name = text(wanted, "name");
        let Some(known) = points.get(name) else {
            return Err(Problem::bad_request(format!(
                "Invalid parameter vnf[member-vnf-index='{member}']:internal-vld:name='{name}' is \
                 not present at vnfd '{}'",
                text(vnfd, "id")
            )));
        };
        // Here too only the first counts.
        let first = list(wanted, "internal-connection-point").first();
        let id = first.map(|point| text(point, "id-ref"));
        if let Some(id) = id.filter(|id| known.is_empty() || !known.contains(id)) {
            return Err(Problem::bad_request(format!(
                "Invalid parameter vnf[member-vnf-index='{member}']:internal-vld[name='{name}']:\
                 internal-connection-point[id-ref:'{id}'] is not present at \
                 vnfd:internal-vld:name/id:internal-connection-point"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn machines_and_links_must_be_in_the_descriptor() {
        let vnfd = json!({"id": "v", "int-virtual-link-desc": [{"id": "inner"}], "vdu": [{
            "id": "box", "virtual-storage-desc": ["disk"], "int-cpd": [{"id": "cp",
            "int-virtual-link-desc": "inner",
            "virtual-network-interface-requirement": [{"name": "eth0"}]}]}]});
        let place = "Invalid parameter vnf[member-vnf-index='1']";
        let refusal = |key: &str, item: Value, expected: &str| {
            let vnf = json!({"member-vnf-index": "1", key: [item]});
            let detail = check(&vnf, &vnfd).err().map(|problem| problem.detail);
            assert_eq!(detail.unwrap_or_default(), expected);
        };
        refusal("vdu", json!({"id": "box", "interface": [{"name": "eth0"}]}), "");
        refusal(
            "vdu",
            json!({"id": "no"}),
            &format!("{place}:vdu[id='no'] is not present at vnfd:vdu"),
        );
        refusal(
            "vdu",
            json!({"id": "box", "interface": [{"name": "eth9"}]}),
            &format!("{place}:vdu[id='box']:int-cpd[id='eth9'] is not present at vnfd:vdu:int-cpd"),
        );
        refusal("vdu", json!({"id": "box", "volume": [{"name": "no"}]}), "'id'");
        refusal(
            "internal-vld",
            json!({"name": "no"}),
            &format!("{place}:internal-vld:name='no' is not present at vnfd 'v'"),
        );
        refusal(
            "internal-vld",
            json!({"name": "inner", "internal-connection-point": [{"id-ref": "zz"}]}),
            &format!(
                "{place}:internal-vld[name='inner']:internal-connection-point[id-ref:'zz'] is not \
                 present at vnfd:internal-vld:name/id:internal-connection-point"
            ),
        );
    }
}
