//! Monitoring parameters and scaling groups, which name machines, metrics and primitives.
//!
//! Source: OSM NBI v8.0 `descriptor_topics.py`, `VnfdTopic._validate_input_new`.

use serde_json::Value;

use super::{Checked, refuse};
use crate::descriptor::unique::is_truthy;
use crate::problem::Problem;
use crate::state::db::{list, text};

/// Checks what monitoring parameters measure.
///
/// # Errors
/// 422 for a machine or metric that there is not.
pub(super) fn check_monitoring(vnfd: &Value) -> Checked {
    for parameter in list(vnfd, "monitoring-param") {
        let (own, metric) = (&parameter["vdu-monitoring-param"], &parameter["vdu-metric"]);
        if is_truthy(Some(own)) {
            let (id, vdu_id) = (text(own, "vdu-monitoring-param-ref"), text(own, "vdu-ref"));
            let is_there = list(vnfd, "vdu").iter().any(|vdu| {
                let mut parameters = list(vdu, "monitoring-param").iter();
                text(vdu, "id") == vdu_id && parameters.any(|item| text(item, "id") == id)
            });
            if !is_there {
                return refuse(format!(
                    "monitoring-param:vdu-monitoring-param:vdu-monitoring-param-ref='{id}' not \
                     defined at vdu[id='{vdu_id}'] or vdu does not exist"
                ));
            }
        } else if is_truthy(Some(metric)) {
            let (name, vdu_id) = (text(metric, "vdu-metric-name-ref"), text(metric, "vdu-ref"));
            let is_there = list(vnfd, "vdu").iter().any(|vdu| {
                let mut metrics = list(&vdu["vdu-configuration"], "metrics").iter();
                text(vdu, "id") == vdu_id && metrics.any(|item| text(item, "name") == name)
            });
            if !is_there {
                return refuse(format!(
                    "monitoring-param:vdu-metric:vdu-metric-name-ref='{name}' not defined at \
                     vdu[id='{vdu_id}'] or vdu does not exist"
                ));
            }
        }
    }
    Ok(())
}

/// Checks what scaling groups scale, by what they are scaled, and what is run then.
///
/// # Errors
/// 422 for references that lead nowhere, 400 for a group without machines.
pub(super) fn check_scaling(vnfd: &Value) -> Checked {
    let is_vdu = |id: &str| list(vnfd, "vdu").iter().any(|vdu| text(vdu, "id") == id);
    let mut last_vdu = None;
    for group in list(vnfd, "scaling-group-descriptor") {
        let name = text(group, "name");
        check_criteria(vnfd, group)?;
        // One machine that there is suffices; the complaint names the last one, of the group before
        // where this one has none.
        let vdus = list(group, "vdu");
        let found = vdus.iter().find(|vdu| is_vdu(text(vdu, "vdu-id-ref")));
        last_vdu = found.or(vdus.last()).or(last_vdu);
        if found.is_none() {
            let Some(last) = last_vdu else {
                return Err(Problem::bad_request(
                    "local variable 'sgd_vdu' referenced before assignment",
                ));
            };
            return refuse(format!(
                "scaling-group-descriptor[name='{name}']:vdu-id-ref={} does not match any vdu",
                text(last, "vdu-id-ref")
            ));
        }
        for action in list(group, "scaling-config-action") {
            let configuration = &vnfd["vnf-configuration"];
            if !is_truthy(Some(configuration)) {
                return refuse(format!(
                    "'vnf-configuration' not defined in the descriptor but it is referenced by \
                     scaling-group-descriptor[name='{name}']:scaling-config-action"
                ));
            }
            let wanted = text(action, "vnf-config-primitive-name-ref");
            let mut primitives = list(configuration, "config-primitive").iter();
            if !primitives.any(|primitive| text(primitive, "name") == wanted) {
                return refuse(format!(
                    "scaling-group-descriptor[name='{name}']:scaling-config-action:vnf-config-\
                     primitive-name-ref='{wanted}' does not match any \
                     vnf-configuration:config-primitive:name"
                ));
            }
        }
    }
    Ok(())
}

fn check_criteria(vnfd: &Value, group: &Value) -> Checked {
    for policy in list(group, "scaling-policy") {
        for criteria in list(policy, "scaling-criteria") {
            let wanted = text(criteria, "vnf-monitoring-param-ref");
            let mut parameters = list(vnfd, "monitoring-param").iter();
            if !parameters.any(|parameter| text(parameter, "id") == wanted) {
                return refuse(format!(
                    "scaling-group-descriptor[name='{}']:scaling-criteria[name='{}']:\
                     vnf-monitoring-param-ref='{wanted}' not defined in any monitoring-param",
                    text(group, "name"),
                    text(criteria, "name")
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(part: &Value, expected: Option<&str>) {
        let mut vnfd = json!({"id": "v", "vdu": [{"id": "m", "monitoring-param": [{"id": "x"}]}]});
        for (key, value) in part.as_object().unwrap() {
            vnfd[key] = value.clone();
        }
        let checked = check_monitoring(&vnfd).and_then(|()| check_scaling(&vnfd));
        let detail = checked.err().map(|problem| problem.detail);
        assert_eq!(detail.as_deref(), expected, "{part}");
    }

    #[test]
    fn monitoring_parameters_name_a_machine_and_what_it_measures() {
        let of = |vdu: &str, parameter: &str| {
            let own = json!({"vdu-ref": vdu, "vdu-monitoring-param-ref": parameter});
            json!({"monitoring-param": [{"id": "p", "vdu-monitoring-param": own}]})
        };
        check(&of("m", "x"), None);
        check(
            &of("zz", "x"),
            Some(
                "monitoring-param:vdu-monitoring-param:vdu-monitoring-param-ref='x' not defined at \
                 vdu[id='zz'] or vdu does not exist",
            ),
        );
    }

    #[test]
    fn scaling_groups_name_a_machine_and_a_primitive() {
        let group = |vdu: &str| json!({"name": "g", "vdu": [{"vdu-id-ref": vdu}]});
        check(&json!({"scaling-group-descriptor": [group("m")]}), None);
        check(
            &json!({"scaling-group-descriptor": [group("zz")]}),
            Some("scaling-group-descriptor[name='g']:vdu-id-ref=zz does not match any vdu"),
        );
        let mut acting = group("m");
        acting["scaling-config-action"] = json!([{"vnf-config-primitive-name-ref": "p"}]);
        check(
            &json!({"scaling-group-descriptor": [acting]}),
            Some(
                "'vnf-configuration' not defined in the descriptor but it is referenced by \
                 scaling-group-descriptor[name='g']:scaling-config-action",
            ),
        );
    }

    #[test]
    fn monitoring_parameters_name_a_metric_of_a_machine() {
        let of = |vdu: &str, metric: &str| {
            let own = json!({"vdu-ref": vdu, "vdu-metric-name-ref": metric});
            json!({
                "monitoring-param": [{"id": "p", "vdu-metric": own}],
                "vdu": [{"id": "m", "vdu-configuration": {"metrics": [{"name": "load"}]}}],
            })
        };
        check(&of("m", "load"), None);
        for (vdu, metric) in [("m", "x"), ("zz", "load")] {
            let words = format!(
                "monitoring-param:vdu-metric:vdu-metric-name-ref='{metric}' not defined at \
                 vdu[id='{vdu}'] or vdu does not exist"
            );
            check(&of(vdu, metric), Some(&words));
        }
        check(&json!({"monitoring-param": [{"id": "p"}]}), None);
    }

    #[test]
    fn scaling_groups_name_a_parameter_and_a_primitive_that_there_are() {
        let of = |parameter: &str, primitive: &str| {
            let criteria = json!([{"name": "c", "vnf-monitoring-param-ref": parameter}]);
            json!({
                "monitoring-param": [{"id": "load"}],
                "vnf-configuration": {"config-primitive": [{"name": "grow"}]},
                "scaling-group-descriptor": [{
                    "name": "g", "vdu": [{"vdu-id-ref": "m"}],
                    "scaling-policy": [{"name": "p", "scaling-criteria": criteria}],
                    "scaling-config-action": [{"vnf-config-primitive-name-ref": primitive}],
                }],
            })
        };
        check(&of("load", "grow"), None);
        check(
            &of("x", "grow"),
            Some(
                "scaling-group-descriptor[name='g']:scaling-criteria[name='c']:\
                 vnf-monitoring-param-ref='x' not defined in any monitoring-param",
            ),
        );
        check(
            &of("load", "x"),
            Some(
                "scaling-group-descriptor[name='g']:scaling-config-action:\
                 vnf-config-primitive-name-ref='x' does not match any \
                 vnf-configuration:config-primitive:name",
            ),
        );
        let group = |vdus: Value| json!({"name": "g", "vdu": vdus});
        let missing = "local variable 'sgd_vdu' referenced before assignment";
        check(&json!({"scaling-group-descriptor": [group(json!([]))]}), Some(missing));
        let two = group(json!([{"vdu-id-ref": "zz"}, {"vdu-id-ref": "m"}]));
        check(&json!({"scaling-group-descriptor": [two]}), None);
    }
}
