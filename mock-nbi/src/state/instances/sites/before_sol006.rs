//! What a request may say of one member whose descriptor is of OSM 8.
//!
//! Pure. Source: OSM NBI v8.0 `instance_topics.py`, `_check_vnf_instantiation_params`.

use serde_json::Value;

use crate::problem::Problem;
use crate::state::db::{list, text};

/// Checks one item of `vnf`.
pub(super) fn check(vnf: &Value, vnfd: &Value) -> Result<(), Problem> {
    let place =
        format!("Invalid parameter vnf[member-vnf-index='{}']", text(vnf, "member-vnf-index"));
    for wanted in list(vnf, "vdu") {
        check_machine(&place, wanted, vnfd)?;
    }
    for wanted in list(vnf, "internal-vld") {
        check_link(&place, wanted, vnfd)?;
    }
    Ok(())
}

fn check_machine(place: &str, wanted: &Value, vnfd: &Value) -> Result<(), Problem> {
    let id = text(wanted, "id");
    let Some(vdu) = list(vnfd, "vdu").iter().find(|vdu| text(vdu, "id") == id) else {
        return Err(Problem::bad_request(format!(
            "{place}:vdu[id='{id}'] is is not present at vnfd:vdu"
        )));
    };
    for volume in list(wanted, "volume") {
        if !has_named(list(vdu, "volumes"), volume) {
            return Err(Problem::bad_request(format!(
                "{place}:vdu[id='{id}']:volume:name='{}' is not present at vnfd:vdu:volumes list",
                text(volume, "name")
            )));
        }
    }
    if wanted.get("interface").is_none() {
        // Python's own complaint about the missing key.
        return Err(Problem::bad_request("'interface'"));
    }
    for interface in list(wanted, "interface") {
        if !has_named(list(vdu, "interface"), interface) {
            return Err(Problem::bad_request(format!(
                "{place}:vdu[id='{id}']:interface[name='{}'] is not present at vnfd:vdu:interface",
                text(interface, "name")
            )));
        }
    }
    Ok(())
}

fn has_named(known: &[Value], wanted: &Value) -> bool {
    known.iter().any(|item| text(item, "name") == text(wanted, "name"))
}

fn check_link(place: &str, wanted: &Value, vnfd: &Value) -> Result<(), Problem> {
    let name = text(wanted, "name");
    let link = list(vnfd, "internal-vld")
        .iter()
        .find(|link| text(link, "id") == name || text(link, "name") == name);
    let Some(link) = link else {
        return Err(Problem::bad_request(format!(
            "{place}:internal-vld:name='{name}' is not present at vnfd '{}'",
            text(vnfd, "id")
        )));
    };
    for point in list(wanted, "internal-connection-point") {
        let id = text(point, "id-ref");
        let known = list(link, "internal-connection-point");
        if !known.iter().any(|own| text(own, "id-ref") == id) {
            return Err(Problem::bad_request(format!(
                "{place}:internal-vld[name='{name}']:internal-connection-point[id-ref:'{id}'] is \
                 not present at vnfd:internal-vld:name/id:internal-connection-point"
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
    fn an_internal_link_has_the_points_that_a_request_names() {
        let vnfd = json!({"id": "v", "internal-vld": [{"id": "inner", "name": "named",
            "internal-connection-point": [{"id-ref": "a"}, {"id-ref": "b"}]}]});
        let check = |link: &str, point: &str| {
            let wanted = json!({"name": link, "internal-connection-point": [{"id-ref": point}]});
            check_link("vnf", &wanted, &vnfd).err().map(|refusal| refusal.detail)
        };
        assert_eq!(check("inner", "a"), None);
        assert_eq!(check("named", "b"), None);
        let said = "vnf:internal-vld[name='named']:internal-connection-point[id-ref:'c'] is not \
                    present at vnfd:internal-vld:name/id:internal-connection-point";
        assert_eq!(check("named", "c").as_deref(), Some(said));
    }

    #[test]
    fn a_machine_has_the_volumes_that_a_request_names() {
        let vnfd = json!({"vdu": [{"id": "m", "volumes": [{"name": "disk"}]}]});
        let check = |volume: &str| {
            let wanted = json!({"id": "m", "volume": [{"name": volume}], "interface": []});
            check_machine("vnf", &wanted, &vnfd).err().map(|refusal| refusal.detail)
        };
        assert_eq!(check("disk"), None);
        let said = "vnf:vdu[id='m']:volume:name='other' is not present at vnfd:vdu:volumes list";
        assert_eq!(check("other").as_deref(), Some(said));
    }
}
