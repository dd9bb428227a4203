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
