//! References of a VNFD's scaling, healing and alarm policies.
//!
//! Source: OSM NBI `descriptor_topics.py` (`validate_scaling_group_descriptor` and its
//! neighbours), release 19.

use std::collections::HashSet;

use serde_json::Value;

use super::unique::is_truthy;
use super::vnfd_artifacts::day_1_2;
use crate::problem::Problem;
use crate::state::db::{list, text};

type Checked = Result<(), Problem>;

/// Checks what the policies of a VNFD refer to.
///
/// # Errors
/// 422 for what is not there.
pub(super) fn check(vnfd: &Value) -> Checked {
    let known = Known::of(vnfd);
    for df in list(vnfd, "df") {
        for aspect in list(df, "scaling-aspect") {
            check_deltas(df, aspect, &known)?;
        }
    }
    for df in list(vnfd, "df") {
        for aspect in list(df, "scaling-aspect") {
            check_criteria(df, aspect, &known)?;
            check_actions(vnfd, df, aspect)?;
        }
    }
    for df in list(vnfd, "df") {
        for aspect in list(df, "healing-aspect") {
            check_healing(df, aspect, &known)?;
        }
    }
    check_alarms(vnfd, &known)
}

/// What policies may refer to.
struct Known<'a> {
    parameters: HashSet<&'a str>,
    /// VDUs that have an instantiation level.
    vdus: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(vnfd: &'a Value) -> Self {
        let mut parameters = HashSet::new();
        for (owners, key) in [
            ("int-virtual-link-desc", "monitoring-parameters"),
            ("vdu", "monitoring-parameter"),
            ("df", "monitoring-parameter"),
        ] {
            for owner in list(vnfd, owners) {
                parameters.extend(list(owner, key).iter().map(|item| text(item, "id")));
            }
        }
        let mut vdus = HashSet::new();
        for df in list(vnfd, "df") {
            for level in list(df, "instantiation-level") {
                vdus.extend(list(level, "vdu-level").iter().map(|item| text(item, "vdu-id")));
            }
        }
        Self { parameters, vdus }
    }
}

fn check_deltas(df: &Value, aspect: &Value, known: &Known<'_>) -> Checked {
    let Some(details) = aspect.get("aspect-delta-details") else {
        return Err(Problem::bad_request("'NoneType' object has no attribute 'get'"));
    };
    for delta in list(details, "deltas") {
        for vdu in list(delta, "vdu-delta") {
            let id = text(vdu, "id");
            if !id.is_empty() && !known.vdus.contains(id) {
                return Err(Problem::unprocessable(format!(
                    "df[id='{}']:scaling-aspect[id='{}']:aspect-delta-details[delta='{}']: \
                     vdu-id='{id}' not defined in vdu",
                    text(df, "id"),
                    text(aspect, "id"),
                    text(delta, "id"),
                )));
            }
        }
    }
    Ok(())
}

fn check_criteria(df: &Value, aspect: &Value, known: &Known<'_>) -> Checked {
    for policy in list(aspect, "scaling-policy") {
        for criteria in list(policy, "scaling-criteria") {
            let parameter = text(criteria, "vnf-monitoring-param-ref");
            if !parameter.is_empty() && !known.parameters.contains(parameter) {
                return Err(Problem::unprocessable(format!(
                    "df[id='{}']:scaling-aspect[id='{}']:scaling-policy[name='{}']:\
                     scaling-criteria[name='{}']: vnf-monitoring-param-ref='{parameter}' not \
                     defined in any monitoring-param",
                    text(df, "id"),
                    text(aspect, "id"),
                    text(policy, "name"),
                    text(criteria, "name"),
                )));
            }
        }
    }
    Ok(())
}

fn check_actions(vnfd: &Value, df: &Value, aspect: &Value) -> Checked {
    for action in list(aspect, "scaling-config-action") {
        let place =
            format!("df[id='{}']:scaling-aspect[id='{}']", text(df, "id"), text(aspect, "id"));
        if !day_1_2(df).iter().any(|config| config.get("id") == vnfd.get("id")) {
            return Err(Problem::unprocessable(format!(
                "'day1-2 configuration' not defined in the descriptor but it is referenced by \
                 {place}:scaling-config-action"
            )));
        }
        let Some(wanted) = action.get("vnf-config-primitive-name-ref") else {
            let has_primitive = |config: &Value| is_truthy(config.get("config-primitive"));
            if day_1_2(df).iter().any(has_primitive) {
                return Err(Problem::bad_request("'vnf-config-primitive-name-ref'"));
            }
            continue;
        };
        // Each configuration must have the primitive, as in OSM.
        let has_primitive = |config: &Value| {
            list(config, "config-primitive").iter().any(|item| item.get("name") == Some(wanted))
        };
        if !day_1_2(df).iter().all(has_primitive) {
            return Err(Problem::unprocessable(format!(
                "{place}:scaling-config-action:vnf-config-primitive-name-ref='{}' does not match \
                 any day1-2 configuration:config-primitive:name",
                wanted.as_str().unwrap_or_default()
            )));
        }
    }
    Ok(())
}

fn check_healing(df: &Value, aspect: &Value, known: &Known<'_>) -> Checked {
    for policy in list(aspect, "healing-policy") {
        let vdu = text(policy, "vdu-id");
        if !vdu.is_empty() && !known.vdus.contains(vdu) {
            if policy.get("event-name").is_none() {
                return Err(Problem::bad_request("'event-name'"));
            }
            return Err(Problem::unprocessable(format!(
                "df[id='{}']:healing-aspect[id='{}']:healing-policy[name='{}']: vdu-id='{vdu}' \
                 not defined in vdu",
                text(df, "id"),
                text(aspect, "id"),
                text(policy, "event-name"),
            )));
        }
    }
    Ok(())
}

fn check_alarms(vnfd: &Value, known: &Known<'_>) -> Checked {
    for vdu in list(vnfd, "vdu") {
        for alarm in list(vdu, "alarm") {
            let parameter = text(alarm, "vnf-monitoring-param-ref");
            if !parameter.is_empty() && !known.parameters.contains(parameter) {
                return Err(Problem::unprocessable(format!(
                    "vdu[id='{}']:alarm[id='{}']:vnf-monitoring-param-ref='{parameter}' not \
                     defined in any monitoring-param",
                    text(vdu, "id"),
                    text(alarm, "alarm-id"),
                )));
            }
        }
    }
    Ok(())
}
