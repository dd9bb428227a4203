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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Checks a VNFD of one machine and one parameter whose flavour has these parts too.
    #[track_caller]
    fn check_one(parts: &Value, expected: &str) {
        let mut vnfd = json!({
            "id": "v", "vdu": [{"id": "m", "monitoring-parameter": [{"id": "load"}]}],
            "df": [{"id": "d", "instantiation-level": [
                {"id": "l", "vdu-level": [{"vdu-id": "m"}]}]}],
        });
        for (key, value) in parts.as_object().unwrap() {
            vnfd["df"][0][key] = value.clone();
        }
        let got = check(&vnfd).map_or_else(|problem| problem.detail, |()| "fine".into());
        assert_eq!(got, expected, "{parts}");
    }

    fn aspect(key: &str, value: &Value) -> Value {
        json!({"scaling-aspect": [{"id": "s", "aspect-delta-details": {}, key: value}]})
    }

    #[test]
    fn scaling_names_machines_and_parameters_that_there_are() {
        let deltas = |vdu: &str| {
            let delta = json!([{"id": "1", "vdu-delta": [{"id": vdu}]}]);
            aspect("aspect-delta-details", &json!({"deltas": delta}))
        };
        check_one(&deltas("m"), "fine");
        check_one(&deltas(""), "fine");
        check_one(
            &deltas("x"),
            "df[id='d']:scaling-aspect[id='s']:aspect-delta-details[delta='1']: vdu-id='x' not \
             defined in vdu",
        );
        check_one(
            &json!({"scaling-aspect": [{"id": "s"}]}),
            "'NoneType' object has no attribute 'get'",
        );
        let criteria = |parameter: &str| {
            let criteria = json!([{"name": "c", "vnf-monitoring-param-ref": parameter}]);
            aspect("scaling-policy", &json!([{"name": "p", "scaling-criteria": criteria}]))
        };
        check_one(&criteria("load"), "fine");
        check_one(&criteria(""), "fine");
        check_one(
            &criteria("x"),
            "df[id='d']:scaling-aspect[id='s']:scaling-policy[name='p']:scaling-criteria[name='c']: \
             vnf-monitoring-param-ref='x' not defined in any monitoring-param",
        );
    }

    #[test]
    fn scaling_runs_primitives_that_every_configuration_has() {
        let with = |action: Value, configurations: Value| {
            let mut parts = aspect("scaling-config-action", &json!([action]));
            parts["lcm-operations-configuration"] =
                json!({"operate-vnf-op-config": {"day1-2": configurations}});
            parts
        };
        let of = |id: &str, primitive: &str| json!({"id": id, "config-primitive": [{"name": primitive}]});
        let named = |name: &str| json!({"vnf-config-primitive-name-ref": name});
        check_one(&with(named("p"), json!([of("v", "p")])), "fine");
        check_one(&with(named("p"), json!([of("v", "p"), of("m", "p")])), "fine");
        let unmatched = "df[id='d']:scaling-aspect[id='s']:scaling-config-action:vnf-config-\
                         primitive-name-ref='p' does not match any day1-2 \
                         configuration:config-primitive:name";
        check_one(&with(named("p"), json!([of("v", "p"), of("m", "q")])), unmatched);
        check_one(
            &with(named("p"), json!([of("m", "p")])),
            "'day1-2 configuration' not defined in the descriptor but it is referenced by \
             df[id='d']:scaling-aspect[id='s']:scaling-config-action",
        );
        check_one(&with(json!({}), json!([of("v", "p")])), "'vnf-config-primitive-name-ref'");
        check_one(&with(json!({}), json!([{"id": "v"}])), "fine");
    }

    #[test]
    fn alarms_name_parameters_that_there_are() {
        for (parameter, expected) in [
            ("load", "fine"),
            ("", "fine"),
            (
                "x",
                "vdu[id='m']:alarm[id='a']:vnf-monitoring-param-ref='x' not defined in any \
                 monitoring-param",
            ),
        ] {
            let alarm = json!({"alarm-id": "a", "vnf-monitoring-param-ref": parameter});
            let vdu =
                json!({"id": "m", "alarm": [alarm], "monitoring-parameter": [{"id": "load"}]});
            let got = check(&json!({"id": "v", "vdu": [vdu]}));
            assert_eq!(got.map_or_else(|problem| problem.detail, |()| "fine".into()), expected);
        }
    }

    #[test]
    fn healing_names_machines_that_there_are() {
        let healing =
            |policy: Value| json!({"healing-aspect": [{"id": "h", "healing-policy": [policy]}]});
        check_one(&healing(json!({"vdu-id": "m"})), "fine");
        check_one(&healing(json!({"event-name": "e"})), "fine");
        check_one(&healing(json!({"vdu-id": "x"})), "'event-name'");
        check_one(
            &healing(json!({"vdu-id": "x", "event-name": "e"})),
            "df[id='d']:healing-aspect[id='h']:healing-policy[name='e']: vdu-id='x' not defined in \
             vdu",
        );
    }
}
