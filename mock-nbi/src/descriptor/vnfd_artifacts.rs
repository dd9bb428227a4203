//! What a VNFD names outside of itself: files and charms of its package, charts.
//!
//! Source: OSM NBI `descriptor_topics.py` (`VnfdTopic._validate_input_new`), release 19.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::files::PackageFiles;
use crate::problem::Problem;
use crate::release::Release;
use crate::state::db::{list, text};

type Checked = Result<(), Problem>;

/// Files of cloud-init must be in the package.
///
/// # Errors
/// 400.
pub(super) fn check_cloud_init(
    vnfd: &Value,
    vdu: &Value,
    files: PackageFiles<'_>,
    release: Release,
) -> Checked {
    let file = text(vdu, "cloud-init-file");
    let places: &[&str] = if release.has_zip_packages() {
        &["cloud_init", "Scripts/cloud_init"]
    } else {
        &["cloud_init"]
    };
    let is_there = places.iter().any(|folder| files.has_file(&format!("{folder}/{file}")));
    if file.is_empty() || is_there {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "Cloud-init defined in vnf[id={}]:vdu[id={}] but not present in package",
        text(vnfd, "id"),
        text(vdu, "id")
    )))
}

/// Juju charms of day 1 and 2, of VDUs and of the VNF itself, must be in the package.
///
/// # Errors
/// 400.
pub(super) fn check_charms(vnfd: &Value, files: PackageFiles<'_>, release: Release) -> Checked {
    let has_charms = files.has_folder("charms")
        || (release.has_zip_packages() && files.has_folder("Scripts/charms"));
    let Some(flavours) = vnfd.get("df") else {
        return Err(Problem::bad_request("'df'"));
    };
    let flavours = flavours.as_array().map_or(&[][..], Vec::as_slice);
    let uses_juju = |config: &Value| {
        list(config, "execution-environment-list").iter().any(|item| item.get("juju").is_some())
    };
    let for_vdus = flavours.iter().any(|df| {
        list(df, "vdu-profile").iter().any(|vdu| {
            day_1_2(df).iter().any(|config| config.get("id") == vdu.get("id") && uses_juju(config))
        })
    });
    let for_vnf = flavours.iter().take_while(|df| operation_config(df).is_some()).any(|df| {
        day_1_2(df).iter().any(|config| config.get("id") == vnfd.get("id") && uses_juju(config))
    });
    if (for_vdus || for_vnf) && !has_charms {
        return Err(Problem::bad_request(format!(
            "Charm defined in vnf[id={}] but not present in package",
            text(vnfd, "id")
        )));
    }
    // A flavour that configures operations, but not day 1 and 2.
    let reached = flavours.iter().map_while(operation_config);
    if reached.into_iter().any(|config| config.get("day1-2").is_none()) {
        return Err(Problem::bad_request("'day1-2'"));
    }
    Ok(())
}

fn operation_config(df: &Value) -> Option<&Value> {
    df.get("lcm-operations-configuration")?.get("operate-vnf-op-config")
}

/// The day 1 and day 2 configurations of a deployment flavour.
pub(super) fn day_1_2(df: &Value) -> &[Value] {
    operation_config(df).map_or(&[], |config| list(config, "day1-2"))
}

/// A chart is `repository/chart`, `chart` or a URL, without a version.
///
/// # Errors
/// 422.
pub(super) fn check_helm_charts(vnfd: &Value) -> Checked {
    for kdu in list(vnfd, "kdu") {
        let chart = text(kdu, "helm-chart");
        if !chart.is_empty() && !is_chart_name(chart) && !is_url(chart) {
            return Err(Problem::unprocessable(format!("helm-chart '{chart}' is not valid")));
        }
    }
    Ok(())
}

/// What OSM takes for a name: two characters or more before a slash, and none of them a dot.
fn is_chart_name(chart: &str) -> bool {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new("^[a-z0-9](?:[-a-z0-9]*[a-z0-9]/)?(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$").ok()
    });
    NAME.as_ref().is_some_and(|name| name.is_match(chart))
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && !rest.is_empty()
            && !rest.starts_with(['/', '?', '#'])
    })
}
