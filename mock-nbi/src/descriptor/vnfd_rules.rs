//! What must fit together inside of a VNFD (SOL006).
//!
//! Source: OSM NBI `descriptor_topics.py` (`VnfdTopic._validate_input_new`), release 19.

use std::collections::HashSet;

use serde_json::Value;

use super::files::PackageFiles;
use super::unique::is_truthy;
use super::vnfd_artifacts;
use crate::problem::Problem;
use crate::release::Release;
use crate::state::db::{list, text};

type Checked = Result<(), Problem>;

/// Checks a VNFD in the model's types; the first mistake counts.
///
/// # Errors
/// 422 for references that lead nowhere, 400 for files that the package lacks.
pub(super) fn check(vnfd: &Value, files: PackageFiles<'_>, release: Release) -> Checked {
    check_management(vnfd)?;
    for vdu in list(vnfd, "vdu") {
        check_internal_points(vdu)?;
        vnfd_artifacts::check_cloud_init(vnfd, vdu, files, release)?;
    }
    vnfd_artifacts::check_charms(vnfd, files, release)?;
    check_external_points(vnfd)?;
    check_virtual_links(vnfd)?;
    check_monitoring(vnfd)?;
    super::vnfd_policies::check(vnfd)?;
    check_storage_and_compute(vnfd)?;
    if release.checks_helm_charts() {
        check_vdu_profiles(vnfd)?;
        vnfd_artifacts::check_helm_charts(vnfd)?;
    }
    Ok(())
}

fn refuse(text: String) -> Checked {
    Err(Problem::unprocessable(text))
}

fn check_management(vnfd: &Value) -> Checked {
    if !is_truthy(vnfd.get("vdu")) {
        return Ok(());
    }
    if !is_truthy(vnfd.get("mgmt-cp")) {
        return refuse("'mgmt-cp' is a mandatory field and it is not defined".into());
    }
    if list(vnfd, "ext-cpd").iter().any(|cpd| cpd.get("id") == vnfd.get("mgmt-cp")) {
        return Ok(());
    }
    refuse(format!("mgmt-cp='{}' must match an existing ext-cpd", text(vnfd, "mgmt-cp")))
}

fn check_internal_points(vdu: &Value) -> Checked {
    let mut seen = HashSet::new();
    for cpd in list(vdu, "int-cpd") {
        if !seen.insert(text(cpd, "id")) {
            return refuse(format!(
                "vdu[id='{}']:int-cpd[id='{}'] is already used by other int-cpd",
                text(vdu, "id"),
                text(cpd, "id")
            ));
        }
    }
    Ok(())
}

fn check_external_points(vnfd: &Value) -> Checked {
    let mut internal = HashSet::new();
    for vdu in list(vnfd, "vdu") {
        for cpd in list(vdu, "int-cpd") {
            internal.insert((text(vdu, "id"), text(cpd, "id")));
        }
    }
    let mut seen = HashSet::new();
    for cpd in list(vnfd, "ext-cpd") {
        let id = text(cpd, "id");
        if !seen.insert(id) {
            return refuse(format!("ext-cpd[id='{id}'] is already used by other ext-cpd"));
        }
        let Some(target) = cpd.get("int-cpd").filter(|target| is_truthy(Some(target))) else {
            continue;
        };
        if !internal.contains(&(text(target, "vdu-id"), text(target, "cpd"))) {
            return refuse(format!(
                "ext-cpd[id='{id}']:int-cpd must match an existing vdu int-cpd"
            ));
        }
    }
    Ok(())
}

fn check_virtual_links(vnfd: &Value) -> Checked {
    let mut links = HashSet::new();
    for link in list(vnfd, "int-virtual-link-desc") {
        let id = text(link, "id");
        if !links.insert(id) {
            return refuse(format!("Duplicated VLD id in int-virtual-link-desc[id={id}]"));
        }
    }
    for vdu in list(vnfd, "vdu") {
        for cpd in list(vdu, "int-cpd") {
            let link = text(cpd, "int-virtual-link-desc");
            if !link.is_empty() && !links.contains(link) {
                return refuse(format!(
                    "vdu[id='{}']:int-cpd[id='{}']:int-virtual-link-desc='{link}' must match an \
                     existing int-virtual-link-desc",
                    text(vdu, "id"),
                    text(cpd, "id")
                ));
            }
        }
    }
    for df in list(vnfd, "df") {
        for profile in list(df, "virtual-link-profile") {
            let link = text(profile, "id");
            if !link.is_empty() && !links.contains(link) {
                return refuse(format!(
                    "df[id='{}']:virtual-link-profile='{link}' must match an existing \
                     int-virtual-link-desc",
                    text(df, "id")
                ));
            }
        }
    }
    Ok(())
}

fn check_monitoring(vnfd: &Value) -> Checked {
    let mut seen = HashSet::new();
    for (owners, key) in [
        ("int-virtual-link-desc", "monitoring-parameters"),
        ("vdu", "monitoring-parameter"),
        ("df", "monitoring-parameter"),
    ] {
        for owner in list(vnfd, owners) {
            for parameter in list(owner, key) {
                let id = text(parameter, "id");
                if !seen.insert(id) {
                    return refuse(format!(
                        "Duplicated monitoring-parameter id in {owners}[id='{}']:{key}[id='{id}']",
                        text(owner, "id")
                    ));
                }
            }
        }
    }
    Ok(())
}

fn check_storage_and_compute(vnfd: &Value) -> Checked {
    let ids = |key| list(vnfd, key).iter().map(|item| text(item, "id")).collect::<HashSet<_>>();
    let (storage, compute) = (ids("virtual-storage-desc"), ids("virtual-compute-desc"));
    let virtual_ones = || list(vnfd, "vdu").iter().filter(|vdu| vdu.get("pdu-type").is_none());
    for vdu in virtual_ones() {
        let Some(wanted) = vdu.get("virtual-storage-desc") else {
            return Err(Problem::bad_request("'NoneType' object is not iterable"));
        };
        for wanted in wanted.as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !wanted.is_empty() && !storage.contains(wanted) {
                return refuse(format!("vdu[virtual-storage-desc='{wanted}']not defined in vnfd"));
            }
        }
    }
    for vdu in virtual_ones() {
        let wanted = text(vdu, "virtual-compute-desc");
        if !wanted.is_empty() && !compute.contains(wanted) {
            return refuse(format!("vdu[virtual-compute-desc='{wanted}']not defined in vnfd"));
        }
    }
    Ok(())
}

/// Profiles and instantiation levels name VDUs that there are. That is checked in OSM's information
/// model, whose words are not known.
fn check_vdu_profiles(vnfd: &Value) -> Checked {
    let vdus: HashSet<&str> = list(vnfd, "vdu").iter().map(|vdu| text(vdu, "id")).collect();
    for df in list(vnfd, "df") {
        for profile in list(df, "vdu-profile") {
            let id = text(profile, "id");
            if !vdus.contains(id) {
                return refuse(format!(
                    "df[id='{}']:vdu-profile='{id}' must match an existing vdu",
                    text(df, "id")
                ));
            }
        }
    }
    for df in list(vnfd, "df") {
        for level in list(df, "instantiation-level") {
            for vdu_level in list(level, "vdu-level") {
                let id = text(vdu_level, "vdu-id");
                if !vdus.contains(id) {
                    return refuse(format!(
                        "df[id='{}']:instantiation-level='{}' must match an existing vdu",
                        text(df, "id"),
                        text(level, "id")
                    ));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
