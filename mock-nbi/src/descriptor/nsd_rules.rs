//! What must fit together inside of an NSD (SOL006).
//!
//! Source: OSM NBI `descriptor_topics.py` (`NsdTopic._validate_input_new`), release 19.

use std::collections::HashSet;

use serde_json::Value;

use super::unique::is_truthy;
use crate::problem::Problem;
use crate::state::db::{list, text};

type Checked = Result<(), Problem>;

/// Checks an NSD in the model's types; the first mistake counts.
///
/// # Errors
/// 422 for what does not fit.
pub(super) fn check(nsd: &Value) -> Checked {
    for link in list(nsd, "virtual-link-desc") {
        check_management_link(nsd, link)?;
    }
    for graph in list(nsd, "vnffgd") {
        check_forwarding_graph(nsd, graph)?;
    }
    check_profiles(nsd)
}

/// The management network's addresses are the VIM's affair.
fn check_management_link(nsd: &Value, link: &Value) -> Checked {
    if !is_truthy(link.get("mgmt-network")) {
        return Ok(());
    }
    for df in list(nsd, "df") {
        for profile in list(df, "virtual-link-profile") {
            let is_its = text(profile, "virtual-link-desc-id") == text(link, "id");
            if is_its && is_truthy(profile.get("virtual-link-protocol-data")) {
                return Err(Problem::unprocessable(format!(
                    "Error at df[id='{}']:virtual-link-profile[id='{}']:virtual-link-protocol-data \
                     You cannot set a virtual-link-protocol-data when mgmt-network is True",
                    text(df, "id"),
                    text(profile, "id")
                )));
            }
        }
    }
    Ok(())
}

fn check_forwarding_graph(nsd: &Value, graph: &Value) -> Checked {
    let positions: HashSet<&str> =
        list(graph, "nfp-position-element").iter().map(|item| text(item, "id")).collect();
    let vnfs: HashSet<&str> =
        list(graph, "vnf-profile-id").iter().filter_map(Value::as_str).collect();
    for path in list(graph, "nfpd") {
        for position in list(path, "position-desc-id") {
            let elements = list(position, "nfp-position-element-id");
            let Some(element) = elements.first().and_then(Value::as_str) else {
                return Err(Problem::bad_request("'NoneType' object is not subscriptable"));
            };
            if !positions.contains(element) {
                return Err(Problem::unprocessable(format!(
                    "Error at vnffgd nfpd[id='{}']:nfp-position-element-id='{element}' does not \
                     match any nfp-position-element",
                    text(path, "id")
                )));
            }
            check_constituents(position, &vnfs)?;
            for attributes in list(position, "match-attributes") {
                check_match(nsd, attributes)?;
            }
        }
    }
    Ok(())
}

fn check_constituents(position: &Value, vnfs: &HashSet<&str>) -> Checked {
    for point in list(position, "cp-profile-id") {
        for element in list(point, "constituent-profile-elements") {
            let vnf = text(element, "constituent-base-element-id");
            if !vnf.is_empty() && !vnfs.contains(vnf) {
                return Err(Problem::unprocessable(format!(
                    "Error at vnffgd constituent_profile[id='{}']:vnfd-id='{vnf}' does not match \
                     any constituent-base-element-id",
                    text(element, "id")
                )));
            }
        }
    }
    Ok(())
}

/// A rule's addresses are those of VNFs, and its VNF is that of the source.
fn check_match(nsd: &Value, attributes: &Value) -> Checked {
    let refuse = |text: String| Err(Problem::unprocessable(format!("Error at vnffgd {text}")));
    let (source, target) =
        (text(attributes, "source-ip-address"), text(attributes, "destination-ip-address"));
    if !source.is_empty() && source == target {
        return refuse(
            "match-attributes:source-ip-address and destination-ip-address should not match".into(),
        );
    }
    let mut addresses = HashSet::new();
    let mut source_vnf = "";
    for df in list(nsd, "df") {
        for profile in list(df, "vnf-profile") {
            for link in list(profile, "virtual-link-connectivity") {
                for point in list(link, "constituent-cpd-id") {
                    let address = point_address(point);
                    addresses.insert(address);
                    if address == source {
                        source_vnf = text(profile, "id");
                    }
                }
            }
        }
    }
    for (key, address) in [("source", source), ("destination", target)] {
        if source.is_empty() || !addresses.contains(address) {
            let shown = if address.is_empty() { "None" } else { address };
            return refuse(format!(
                "match-attributes:{key}-ip-address='{shown}' does not match any ip-address"
            ));
        }
    }
    let vnf = text(attributes, "constituent-base-element-id");
    if !vnf.is_empty() && !source_vnf.contains(vnf) {
        return refuse(format!(
            "match-attributes:vnfd-id='{vnf}' does not match source constituent-base-element-id"
        ));
    }
    Ok(())
}

fn point_address(point: &Value) -> &str {
    point["ip-address"].as_str().or_else(|| point["ip-address"][0].as_str()).unwrap_or_default()
}

/// Each VNF profile must name a VNFD of the NSD's own list.
fn check_profiles(nsd: &Value) -> Checked {
    let names: Vec<&Value> = list(nsd, "vnfd-id").iter().collect();
    for df in list(nsd, "df") {
        for profile in list(df, "vnf-profile") {
            let Some(vnfd_id) = profile.get("vnfd-id").filter(|id| is_truthy(Some(id))) else {
                continue;
            };
            if !names.contains(&vnfd_id) {
                return Err(Problem::unprocessable(format!(
                    "Error at df[id='{}']:vnf_profile[id='{}']:vnfd-id='{}' does not match any \
                     vnfd-id",
                    text(df, "id"),
                    super::plain(&profile["id"]),
                    super::plain(vnfd_id),
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_one(nsd: &Value, expected: &str) {
        let got = check(nsd).map_or_else(|problem| problem.detail, |()| "fine".into());
        assert_eq!(got, expected);
    }

    #[test]
    fn a_management_network_has_no_addresses_of_its_own() {
        let nsd = |is_managed: bool, link: &str, data: Value| {
            json!({
                "virtual-link-desc": [{"id": "net", "mgmt-network": is_managed}],
                "df": [{"id": "d", "virtual-link-profile": [{"id": "p",
                    "virtual-link-desc-id": link, "virtual-link-protocol-data": data}]}],
            })
        };
        let data = || json!({"l3-protocol-data": {}});
        check_one(
            &nsd(true, "net", data()),
            "Error at df[id='d']:virtual-link-profile[id='p']:virtual-link-protocol-data You \
             cannot set a virtual-link-protocol-data when mgmt-network is True",
        );
        check_one(&nsd(false, "net", data()), "fine");
        check_one(&nsd(true, "other", data()), "fine");
        check_one(&nsd(true, "net", json!({})), "fine");
    }

    /// An NSD with a forwarding graph, with `change` made.
    fn graph(change: impl Fn(&mut Value)) -> Value {
        let point = |address: Value| {
            json!({"virtual-link-connectivity": [
                {"constituent-cpd-id": [{"ip-address": address}]}]})
        };
        let mut profiles = [point(json!("10.0.0.1")), point(json!(["10.0.0.2"]))];
        for (profile, id) in profiles.iter_mut().zip(["one", "two"]) {
            profile["id"] = json!(id);
        }
        let mut nsd = json!({
            "df": [{"id": "d", "vnf-profile": profiles}],
            "vnffgd": [{
                "vnf-profile-id": ["one", "two"],
                "nfp-position-element": [{"id": "first"}],
                "nfpd": [{"id": "path", "position-desc-id": [{
                    "nfp-position-element-id": ["first"],
                    "cp-profile-id": [{"constituent-profile-elements": [
                        {"id": "e", "constituent-base-element-id": "one"}]}],
                    "match-attributes": [{
                        "source-ip-address": "10.0.0.1", "destination-ip-address": "10.0.0.2",
                        "constituent-base-element-id": "one"}],
                }]}],
            }],
        });
        change(&mut nsd);
        nsd
    }

    #[test]
    fn a_forwarding_graph_names_elements_vnfs_and_addresses_that_there_are() {
        let position = |nsd: &mut Value, place: &str, value: Value| {
            let place = format!("/vnffgd/0/nfpd/0/position-desc-id/0/{place}");
            *nsd.pointer_mut(&place).unwrap() = value;
        };
        let element = "cp-profile-id/0/constituent-profile-elements/0/constituent-base-element-id";
        for (place, value, expected) in [
            ("nfp-position-element-id", json!(["first"]), "fine"),
            ("nfp-position-element-id", json!([]), "'NoneType' object is not subscriptable"),
            (
                "nfp-position-element-id",
                json!(["last"]),
                "Error at vnffgd nfpd[id='path']:nfp-position-element-id='last' does not match any \
                 nfp-position-element",
            ),
            (
                element,
                json!("three"),
                "Error at vnffgd constituent_profile[id='e']:vnfd-id='three' does not match any \
                 constituent-base-element-id",
            ),
            (element, json!(""), "fine"),
            (
                "match-attributes/0/destination-ip-address",
                json!("10.0.0.1"),
                "Error at vnffgd match-attributes:source-ip-address and destination-ip-address \
                 should not match",
            ),
            (
                "match-attributes/0/destination-ip-address",
                json!("10.0.0.3"),
                "Error at vnffgd match-attributes:destination-ip-address='10.0.0.3' does not match \
                 any ip-address",
            ),
            (
                "match-attributes/0/source-ip-address",
                json!("10.0.0.3"),
                "Error at vnffgd match-attributes:source-ip-address='10.0.0.3' does not match any \
                 ip-address",
            ),
            (
                "match-attributes/0",
                json!({}),
                "Error at vnffgd match-attributes:source-ip-address='None' does not match any \
                 ip-address",
            ),
            (
                "match-attributes/0/constituent-base-element-id",
                json!("two"),
                "Error at vnffgd match-attributes:vnfd-id='two' does not match source \
                 constituent-base-element-id",
            ),
            ("match-attributes/0/constituent-base-element-id", json!(""), "fine"),
        ] {
            check_one(&graph(|nsd| position(nsd, place, value.clone())), expected);
        }
        // An address is one text or the first of a list.
        let swap = |nsd: &mut Value| {
            let match_of = "match-attributes/0";
            position(
                nsd,
                match_of,
                json!({"source-ip-address": "10.0.0.2",
                "destination-ip-address": "10.0.0.1", "constituent-base-element-id": "two"}),
            );
        };
        check_one(&graph(swap), "fine");
    }

    #[test]
    fn a_profile_names_a_vnfd_of_the_list() {
        let nsd = |vnfd: Value| {
            json!({"vnfd-id": ["a", "b"], "df": [{"id": "d", "vnf-profile": [
                {"id": "1", "vnfd-id": vnfd}]}]})
        };
        check_one(&nsd(json!("b")), "fine");
        check_one(&nsd(Value::Null), "fine");
        check_one(
            &nsd(json!("c")),
            "Error at df[id='d']:vnf_profile[id='1']:vnfd-id='c' does not match any vnfd-id",
        );
    }
}
