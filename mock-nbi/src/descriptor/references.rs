//! References from an NSD to the VNFDs it is made of.

use std::borrow::Cow;

use serde_json::Value;

use crate::problem::Problem;
use crate::state::db::{list, text};

/// Checks an NSD against the VNFDs it names; `vnfd_of` finds one by its descriptor id.
///
/// # Errors
/// 409 for a VNFD that does not exist, 422 for a connection point that it lacks.
pub(crate) fn check_references<'a>(
    nsd: &Value,
    vnfd_of: impl Fn(&str) -> Option<Cow<'a, Value>>,
) -> Result<(), Problem> {
    for name in list(nsd, "vnfd-id").iter().filter_map(Value::as_str) {
        if vnfd_of(name).is_none() {
            return Err(Problem::conflict(format!(
                "Descriptor error at 'vnfd-id'='{name}' references a non existing vnfd"
            )));
        }
    }
    for df in list(nsd, "df") {
        for profile in list(df, "vnf-profile") {
            let vnfd_id = text(profile, "vnfd-id");
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
        if !is_known {
            return Err(Problem::unprocessable(format!(
                "Error at df[id='{}']:vnf-profile[id='{}']:virtual-link-connectivity\
                 [virtual-link-profile-id='{}']:constituent-cpd-id='{wanted}' references a non \
                 existing ext-cpd:id inside vnfd '{}'",
                text(df, "id"),
                text(profile, "id"),
                text(link, "virtual-link-profile-id"),
                text(vnfd, "id"),
            )));
        }
    }
    Ok(())
}
