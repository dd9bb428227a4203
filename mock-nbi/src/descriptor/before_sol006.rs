//! What must fit together inside of a descriptor as OSM 8 has it.
//!
//! Source: OSM NBI v8.0 `descriptor_topics.py` (`_validate_input_new` of VNFDs and NSDs).

mod groups;

use serde_json::Value;

use super::files::PackageFiles;
use super::unique::is_truthy;
use crate::problem::Problem;
use crate::state::db::{list, text};

type Checked = Result<(), Problem>;

fn refuse(text: String) -> Checked {
    Err(Problem::unprocessable(text))
}

/// Checks a VNFD.
///
/// # Errors
/// 422 for references that lead nowhere, 400 for files that the package lacks.
pub(super) fn check_vnfd(vnfd: &Value, files: PackageFiles<'_>) -> Checked {
    let has_point =
        |name: &str| list(vnfd, "connection-point").iter().any(|point| text(point, "name") == name);
    if is_truthy(vnfd.get("vdu")) {
        if !is_truthy(vnfd.get("mgmt-interface")) {
            return refuse("'mgmt-interface' is a mandatory field and it is not defined".into());
        }
        let point = text(&vnfd["mgmt-interface"], "cp");
        if !point.is_empty() && !has_point(point) {
            return refuse(format!(
                "mgmt-interface:cp='{point}' must match an existing connection-point"
            ));
        }
    }
    for vdu in list(vnfd, "vdu") {
        check_interfaces(vdu, &has_point)?;
        let owner = format!("vnf[id={}]:vdu[id={}]", text(vnfd, "id"), text(vdu, "id"));
        check_charm(&vdu["vdu-configuration"], &owner, files)?;
        let file = text(vdu, "cloud-init-file");
        if !file.is_empty() && !files.has_file(&format!("cloud_init/{file}")) {
            return Err(Problem::bad_request(format!(
                "Cloud-init defined in {owner} but not present in package"
            )));
        }
    }
    check_charm(&vnfd["vnf-configuration"], &format!("vnf[id={}]", text(vnfd, "id")), files)?;
    check_internal_links(vnfd)?;
    groups::check_monitoring(vnfd)?;
    groups::check_scaling(vnfd)
}

fn check_charm(configuration: &Value, owner: &str, files: PackageFiles<'_>) -> Checked {
    if is_truthy(configuration.get("juju")) && !files.has_folder("charms") {
        return Err(Problem::bad_request(format!(
            "Charm defined in {owner} but not present in package"
        )));
    }
    Ok(())
}

fn check_interfaces(vdu: &Value, has_point: &dyn Fn(&str) -> bool) -> Checked {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for interface in list(vdu, "interface") {
        let key = ["external-connection-point-ref", "internal-connection-point-ref"]
            .into_iter()
            .find(|key| is_truthy(interface.get(*key)));
        let Some(key) = key else {
            continue;
        };
        let point = text(interface, key);
        let place = format!(
            "vdu[id='{}']:interface[name='{}']:{key}='{point}'",
            text(vdu, "id"),
            text(interface, "name")
        );
        if seen.contains(&(key, point)) {
            return refuse(format!("{place} is referenced by other interface"));
        }
        seen.push((key, point));
        let (is_there, kind) = if key.starts_with("external") {
            (has_point(point), "connection-point")
        } else {
            let own = list(vdu, "internal-connection-point");
            (own.iter().any(|item| text(item, "id") == point), "vdu:internal-connection-point")
        };
        if !is_there {
            return refuse(format!("{place} must match an existing {kind}"));
        }
    }
    Ok(())
}

fn check_internal_links(vnfd: &Value) -> Checked {
    let mut names = Vec::new();
    for link in list(vnfd, "internal-vld") {
        let name = text(link, "name");
        if !name.is_empty() && names.contains(&name) {
            return refuse(format!(
                "Duplicated VLD name '{name}' in vnfd[id={}]:internal-vld[id={}]",
                text(vnfd, "id"),
                text(link, "id")
            ));
        }
        names.push(name);
        for point in list(link, "internal-connection-point") {
            let wanted = text(point, "id-ref");
            let is_there = list(vnfd, "vdu").iter().any(|vdu| {
                let own = list(vdu, "internal-connection-point");
                own.iter().any(|item| text(item, "id") == wanted)
            });
            if !is_there {
                return refuse(format!(
                    "internal-vld[id='{}']:internal-connection-point='{wanted}' must match an \
                     existing vdu:internal-connection-point",
                    text(link, "id")
                ));
            }
        }
        let profile = text(link, "ip-profile-ref");
        let mut profiles = list(vnfd, "ip-profiles").iter();
        if !profile.is_empty() && !profiles.any(|item| text(item, "name") == profile) {
            return refuse(format!(
                "internal-vld[id='{}']:ip-profile-ref='{profile}' does not exist",
                text(link, "id")
            ));
        }
    }
    Ok(())
}

/// Checks an NSD.
///
/// # Errors
/// 422 for references that lead nowhere.
pub(super) fn check_nsd(nsd: &Value) -> Checked {
    for link in list(nsd, "vld") {
        let id = text(link, "id");
        if is_truthy(link.get("mgmt-network")) && is_truthy(link.get("ip-profile-ref")) {
            return refuse(format!(
                "Error at vld[id='{id}']:ip-profile-ref You cannot set an ip-profile when \
                 mgmt-network is True"
            ));
        }
        for point in list(link, "vnfd-connection-point-ref") {
            let member = text(point, "member-vnf-index-ref");
            let mut members = list(nsd, "constituent-vnfd").iter();
            let Some(found) = members.find(|item| text(item, "member-vnf-index") == member) else {
                return refuse(format!(
                    "Error at vld[id='{id}']:vnfd-connection-point-ref[member-vnf-index-ref=\
                     '{member}'] does not match any constituent-vnfd:member-vnf-index"
                ));
            };
            let (named, own) = (text(point, "vnfd-id-ref"), text(found, "vnfd-id-ref"));
            if !named.is_empty() && named != own {
                return refuse(format!(
                    "Error at vld[id='{id}']:vnfd-connection-point-ref[vnfd-id-ref='{named}'] does \
                     not match constituent-vnfd[member-vnf-index='{member}']:vnfd-id-ref '{own}'"
                ));
            }
        }
    }
    for graph in list(nsd, "vnffgd") {
        for classifier in list(graph, "classifier") {
            let path = text(classifier, "rsp-id-ref");
            if path.is_empty() || !list(graph, "rsp").iter().any(|rsp| text(rsp, "id") == path) {
                let shown = if path.is_empty() { "None" } else { path };
                return refuse(format!(
                    "Error at vnffgd[id='{}']:classifier[id='{}']:rsp-id-ref '{shown}' does not \
                     match any rsp:id",
                    text(graph, "id"),
                    text(classifier, "id")
                ));
            }
        }
    }
    Ok(())
}

/// Checks an NSD against the VNFDs it names; `vnfd_of` finds one by its descriptor id.
///
/// # Errors
/// 409 for a VNFD that does not exist, 422 for a connection point that it lacks.
pub(super) fn check_references<'a>(
    nsd: &Value,
    vnfd_of: &dyn Fn(&str) -> Option<std::borrow::Cow<'a, Value>>,
) -> Checked {
    let members = list(nsd, "constituent-vnfd");
    for member in members {
        let id = text(member, "vnfd-id-ref");
        if vnfd_of(id).is_none() {
            return Err(Problem::conflict(format!(
                "Descriptor error at 'constituent-vnfd':'vnfd-id-ref'='{id}' references a non \
                 existing vnfd"
            )));
        }
    }
    for link in list(nsd, "vld") {
        for point in list(link, "vnfd-connection-point-ref") {
            let index = text(point, "member-vnf-index-ref");
            let mut members = members.iter();
            let member = members.find(|member| text(member, "member-vnf-index") == index);
            let Some(vnfd) = member.and_then(|member| vnfd_of(text(member, "vnfd-id-ref"))) else {
                continue;
            };
            let wanted = text(point, "vnfd-connection-point-ref");
            let points = list(&vnfd, "connection-point");
            if !points.iter().any(|item| text(item, "name") == wanted) {
                return refuse(format!(
                    "Error at vld[id='{}']:vnfd-connection-point-ref[member-vnf-index-ref='{index}\
                     ']:vnfd-connection-point-ref='{wanted}' references a non existing \
                     conection-point:name inside vnfd '{}'",
                    text(link, "id"),
                    text(&vnfd, "id")
                ));
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
    fn vnfd(parts: &Value, files: &[&str], expected: &str) {
        let mut vnfd = json!({"id": "v"});
        vnfd.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let got = check_vnfd(&vnfd, PackageFiles::new(&files, "top"));
        assert_eq!(got.map_or_else(|problem| problem.detail, |()| "fine".into()), expected);
    }

    #[test]
    fn machines_want_a_management_interface_at_a_point_that_there_is() {
        let of = |interface: Value| {
            json!({"vdu": [{"id": "m"}], "mgmt-interface": interface,
                "connection-point": [{"name": "out"}]})
        };
        let missing = "'mgmt-interface' is a mandatory field and it is not defined";
        vnfd(&of(json!({})), &[], missing);
        vnfd(&of(json!({"cp": "out"})), &[], "fine");
        vnfd(&of(json!({"vdu-id": "m"})), &[], "fine");
        let wrong = "mgmt-interface:cp='x' must match an existing connection-point";
        vnfd(&of(json!({"cp": "x"})), &[], wrong);
        vnfd(&json!({"mgmt-interface": {"cp": "x"}}), &[], "fine");
    }

    #[test]
    fn charms_and_cloud_init_are_in_the_package() {
        let machine = |key: &str, value: Value| json!({"vdu": [{"id": "m", key: value}], "mgmt-interface": {"vdu-id": "m"}});
        let charm = || json!({"juju": {"charm": "c"}});
        let missing = |owner: &str| format!("Charm defined in {owner} but not present in package");
        let of_machine = || machine("vdu-configuration", charm());
        vnfd(&of_machine(), &["top/README"], &missing("vnf[id=v]:vdu[id=m]"));
        vnfd(&of_machine(), &["top/charms/c/metadata.yaml"], "fine");
        vnfd(&json!({"vnf-configuration": charm()}), &[], &missing("vnf[id=v]"));
        vnfd(&json!({"vnf-configuration": {"script": {}}}), &[], "fine");
        let file = || machine("cloud-init-file", json!("f"));
        vnfd(&file(), &["top/cloud_init/f"], "fine");
        let words = "Cloud-init defined in vnf[id=v]:vdu[id=m] but not present in package";
        vnfd(&file(), &["top/f"], words);
    }

    #[test]
    fn interfaces_have_a_point_of_their_own() {
        let of = |interfaces: Value| {
            json!({"vdu": [{"id": "m", "interface": interfaces,
                    "internal-connection-point": [{"id": "in"}]}],
                "mgmt-interface": {"vdu-id": "m"}, "connection-point": [{"name": "out"}]})
        };
        let (outer, inner) = ("external-connection-point-ref", "internal-connection-point-ref");
        vnfd(&of(json!([{"name": "a", outer: "out"}, {"name": "b", inner: "in"}])), &[], "fine");
        vnfd(&of(json!([{"name": "a"}, {"name": "b", outer: ""}])), &[], "fine");
        vnfd(
            &of(json!([{"name": "a", outer: "out"}, {"name": "b", outer: "out"}])),
            &[],
            "vdu[id='m']:interface[name='b']:external-connection-point-ref='out' is referenced by \
             other interface",
        );
        vnfd(
            &of(json!([{"name": "a", outer: "in"}])),
            &[],
            "vdu[id='m']:interface[name='a']:external-connection-point-ref='in' must match an \
             existing connection-point",
        );
        vnfd(
            &of(json!([{"name": "a", inner: "out"}])),
            &[],
            "vdu[id='m']:interface[name='a']:internal-connection-point-ref='out' must match an \
             existing vdu:internal-connection-point",
        );
    }

    #[test]
    fn internal_links_have_names_and_points_of_machines() {
        let of = |links: Value| {
            json!({"vdu": [{"id": "m", "internal-connection-point": [{"id": "in"}]}],
                "mgmt-interface": {"vdu-id": "m"}, "internal-vld": links,
                "ip-profiles": [{"name": "addresses"}]})
        };
        let link = |name: &str, point: &str| json!({"id": "l", "name": name, "internal-connection-point": [{"id-ref": point}]});
        vnfd(&of(json!([link("a", "in"), link("b", "in")])), &[], "fine");
        vnfd(&of(json!([link("", "in"), link("", "in")])), &[], "fine");
        vnfd(
            &of(json!([link("a", "in"), link("a", "in")])),
            &[],
            "Duplicated VLD name 'a' in vnfd[id=v]:internal-vld[id=l]",
        );
        vnfd(
            &of(json!([link("a", "x")])),
            &[],
            "internal-vld[id='l']:internal-connection-point='x' must match an existing \
             vdu:internal-connection-point",
        );
    }

    #[test]
    fn an_nsd_names_members_and_paths_that_there_are() {
        let check = |parts: Value, expected: &str| {
            let mut nsd = json!({"constituent-vnfd": [
                {"member-vnf-index": "1", "vnfd-id-ref": "a"}]});
            nsd.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
            let got = check_nsd(&nsd).map_or_else(|problem| problem.detail, |()| "fine".into());
            assert_eq!(got, expected, "{parts}");
        };
        let link = |more: Value| {
            let mut link = json!({"id": "l"});
            link.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"vld": [link]})
        };
        check(link(json!({"mgmt-network": true})), "fine");
        check(link(json!({"ip-profile-ref": "p"})), "fine");
        check(
            link(json!({"mgmt-network": true, "ip-profile-ref": "p"})),
            "Error at vld[id='l']:ip-profile-ref You cannot set an ip-profile when mgmt-network is \
             True",
        );
        let point = |member: &str, vnfd: &str| {
            link(json!({"vnfd-connection-point-ref": [
                {"member-vnf-index-ref": member, "vnfd-id-ref": vnfd}]}))
        };
        check(point("1", "a"), "fine");
        check(point("1", ""), "fine");
        check(
            point("2", "a"),
            "Error at vld[id='l']:vnfd-connection-point-ref[member-vnf-index-ref='2'] does not \
             match any constituent-vnfd:member-vnf-index",
        );
        check(
            point("1", "b"),
            "Error at vld[id='l']:vnfd-connection-point-ref[vnfd-id-ref='b'] does not match \
             constituent-vnfd[member-vnf-index='1']:vnfd-id-ref 'a'",
        );
        let graph = |path: &str| {
            json!({"vnffgd": [{"id": "g", "rsp": [{"id": "r"}],
                "classifier": [{"id": "c", "rsp-id-ref": path}]}]})
        };
        check(graph("r"), "fine");
        for (path, shown) in [("x", "x"), ("", "None")] {
            let expected = format!(
                "Error at vnffgd[id='g']:classifier[id='c']:rsp-id-ref '{shown}' does not match any \
                 rsp:id"
            );
            check(graph(path), &expected);
        }
    }

    #[test]
    fn an_nsd_names_points_that_the_vnfd_of_the_member_has() {
        let nsd = |member: &str, point: &str| {
            json!({"constituent-vnfd": [{"member-vnf-index": "1", "vnfd-id-ref": "a"},
                    {"member-vnf-index": "2", "vnfd-id-ref": "b"}],
                "vld": [{"id": "l", "vnfd-connection-point-ref": [
                    {"member-vnf-index-ref": member, "vnfd-connection-point-ref": point}]}]})
        };
        let vnfd_of = |id: &str| {
            let vnfd = json!({"id": id, "connection-point": [{"name": format!("of-{id}")}]});
            Some(std::borrow::Cow::<Value>::Owned(vnfd))
        };
        for (member, point, is_fine) in
            [("1", "of-a", true), ("2", "of-b", true), ("1", "of-b", false), ("2", "of-a", false)]
        {
            let got = check_references(&nsd(member, point), &vnfd_of);
            assert_eq!(got.is_ok(), is_fine, "{member} {point}");
        }
    }
}
