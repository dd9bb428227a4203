//! References from a descriptor to others: from an NSD to VNFDs, from a slice template to NSDs.

use std::borrow::Cow;

use serde_json::Value;

use super::{Kind, before_sol006};
use crate::problem::Problem;
use crate::release::Release;
use crate::state::db::{list, text};

/// Finds a descriptor of the next kind below by its id.
type Finder<'f, 'a> = &'f dyn Fn(&str) -> Option<Cow<'a, Value>>;

/// Checks a descriptor against those it names.
///
/// # Errors
/// 409 for one that does not exist, 422 for a connection point that it lacks.
pub(crate) fn check_references(
    kind: Kind,
    release: Release,
    descriptor: &Value,
    find: Finder<'_, '_>,
) -> Result<(), Problem> {
    match (kind, release.has_sol006_descriptors()) {
        (Kind::Vnfd | Kind::ConfigTemplate, _) => Ok(()),
        (Kind::Nsd, true) => check_nsd(descriptor, find),
        (Kind::Nsd, false) => before_sol006::check_references(descriptor, find),
        (Kind::Nst, _) => check_nst(descriptor, find),
    }
}

fn check_nst(nst: &Value, nsd_of: Finder<'_, '_>) -> Result<(), Problem> {
    for subnet in list(nst, "netslice-subnet") {
        let Some(name) = subnet.get("nsd-ref").and_then(Value::as_str) else {
            return Err(Problem::bad_request("'nsd-ref'"));
        };
        if nsd_of(name).is_none() {
            return Err(Problem::conflict(format!(
                "Descriptor error at 'netslice-subnet':'nsd-ref'='{name}' references a non \
                 existing nsd"
            )));
        }
    }
    Ok(())
}

fn check_nsd(nsd: &Value, vnfd_of: Finder<'_, '_>) -> Result<(), Problem> {
    for name in list(nsd, "vnfd-id").iter().filter_map(Value::as_str) {
        if vnfd_of(name).is_none() {
            return Err(Problem::conflict(format!(
                "Descriptor error at 'vnfd-id'='{name}' references a non existing vnfd"
            )));
        }
    }
    for df in list(nsd, "df") {
        for profile in list(df, "vnf-profile") {
            let Some(vnfd_id) = profile.get("vnfd-id").and_then(Value::as_str) else {
                return Err(Problem::bad_request("'vnfd-id'"));
            };
            let Some(vnfd) = vnfd_of(vnfd_id) else {
                continue;
            };
            for link in list(profile, "virtual-link-connectivity") {
                check_connection_points(df, profile, link, &vnfd)?;
            }
        }
    }
    Ok(())
}

fn check_connection_points(
    df: &Value,
    profile: &Value,
    link: &Value,
    vnfd: &Value,
) -> Result<(), Problem> {
    for point in list(link, "constituent-cpd-id") {
        let wanted = text(point, "constituent-cpd-id");
        let is_known = list(vnfd, "ext-cpd").iter().any(|cpd| text(cpd, "id") == wanted);
        if !wanted.is_empty() && !is_known {
            return Err(Problem::unprocessable(format!(
                "Error at df[id='{}']:vnf-profile[id='{}']:virtual-link-connectivity\
                 [virtual-link-profile-id='{}']:constituent-cpd-id='{wanted}' references a non \
                 existing ext-cpd:id inside vnfd '{}'",
                text(df, "id"),
                super::plain(&profile["id"]),
                super::plain(&link["virtual-link-profile-id"]),
                text(vnfd, "id"),
            )));
        }
    }
    Ok(())
}
