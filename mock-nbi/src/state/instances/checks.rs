//! What actions, scalings and healings may name: members, VDUs, KDUs, primitives.

use std::borrow::Cow;

use serde_json::Value;

use crate::problem::Problem;
use crate::python::{repr, repr_str};
use crate::state::State;
use crate::state::db::{Collection, list, text};
use crate::state::params::day_config;

/// Primitives that every helm KDU has.
const KDU_PRIMITIVES: &[&str] = &["upgrade", "rollback", "status", "inspect", "readme"];

impl State {
    pub(super) fn check_action(&self, nsr: &Value, body: &mut Value) -> Result<(), Problem> {
        if let Some(fields) = body.as_object_mut()
            && let Some(member) = fields.shift_remove("vnf_member_index")
        {
            fields.insert("member_vnf_index".into(), member);
        }
        let is_old = !self.release.has_sol006_descriptors();
        let primitive = text(body, "primitive");
        let kdu = body.get("kdu_name").and_then(Value::as_str);
        let member = body.get("member_vnf_index").and_then(Value::as_str);
        let vnfd = member.map(|member| self.vnfd_of_member(nsr, member)).transpose()?;
        let config = match (&vnfd, body.get("vdu_id").and_then(Value::as_str), kdu) {
            (None, _, _) => nsr["nsd"].get("ns-configuration"),
            (Some(vnfd), Some(vdu), _) => {
                let own = check_vdu(vnfd, vdu)?;
                if is_old { own.get("vdu-configuration") } else { day_config(vnfd, vdu) }
            }
            (Some(vnfd), None, Some(kdu)) => {
                let own = check_kdu(vnfd, kdu)?;
                if is_old { own.get("kdu-configuration") } else { day_config(vnfd, kdu) }
            }
            (Some(vnfd), None, None) if is_old => vnfd.get("vnf-configuration"),
            (Some(vnfd), None, None) => day_config(vnfd, text(vnfd, "id")),
        };
        if kdu.is_some() && KDU_PRIMITIVES.contains(&primitive) {
            if member.is_none() {
                return Err(Problem::bad_request(format!(
                    "Missing action parameter 'member_vnf_index' for default KDU primitive \
                     '{primitive}'"
                )));
            }
            return Ok(());
        }
        let known = config
            .map_or(&[] as &[Value], |config| list(config, "config-primitive"))
            .iter()
            .find(|known| text(known, "name") == primitive);
        let Some(known) = known else {
            return Err(Problem::bad_request(format!(
                "Invalid primitive '{primitive}' is not present at vnfd/nsd"
            )));
        };
        check_primitive_params(known, primitive, &body["primitive_params"])
    }

    pub(super) fn check_scale(&self, nsr: &Value, body: &Value) -> Result<(), Problem> {
        let step = &body["scaleVnfData"]["scaleByStepData"];
        let vnfd = self.vnfd_of_member(nsr, text(step, "member-vnf-index"))?;
        let wanted = text(step, "scaling-group-descriptor");
        if !self.release.has_sol006_descriptors() {
            return check_scaling_group(&vnfd, wanted);
        }
        let aspects = list(&vnfd, "df").first().and_then(|df| df.get("scaling-aspect"));
        let Some(aspects) = aspects.and_then(Value::as_array) else {
            // Python's own complaint about the missing key.
            return Err(Problem::bad_request("'scaling-aspect'"));
        };
        if aspects.iter().any(|aspect| text(aspect, "id") == wanted) {
            return Ok(());
        }
        Err(Problem::bad_request(format!(
            "Invalid scaleVnfData:scaleByStepData:scaling-group-descriptor '{wanted}' is not \
             present at vnfd:scaling-aspect"
        )))
    }

    pub(super) fn check_heal(&self, nsr: &Value, body: &Value) -> Result<(), Problem> {
        for data in list(body, "healVnfData") {
            let vnfd = self.vnfd_of_vnfr(nsr, text(data, "vnfInstanceId")).map_err(|problem| {
                during_request("Ns healing request could not be processed with error", problem)
            })?;
            let vdus = data.get("additionalParams").map_or(&[] as &[Value], |it| list(it, "vdu"));
            for vdu in vdus {
                check_vdu(&vnfd, text(vdu, "vdu-id"))?;
            }
        }
        Ok(())
    }

    /// The package of a VNF record, by the record's id.
    pub(super) fn vnfd_of_vnfr(&self, nsr: &Value, vnfr_id: &str) -> Result<Value, Problem> {
        let vnfr = self.found(Collection::VnfInstances, vnfr_id)?;
        let member = text(&vnfr, "member-vnf-index-ref").to_owned();
        self.vnfd_of_member(nsr, &member)
    }

    /// A record that OSM looks up without a project.
    ///
    /// # Errors
    /// 404 where it is not there.
    pub(crate) fn found(
        &self,
        collection: Collection,
        id: &str,
    ) -> Result<Cow<'_, Value>, Problem> {
        self.db.get(collection, id).ok_or_else(|| unknown(collection, id))
    }

    pub(super) fn vnfd_of_member(&self, nsr: &Value, member: &str) -> Result<Value, Problem> {
        let vnfr = self
            .db
            .with(Collection::VnfInstances, "nsr-id-ref", text(nsr, "_id"))
            .find(|vnfr| text(vnfr, "member-vnf-index-ref") == member);
        let Some(vnfr) = vnfr else {
            return Err(Problem::bad_request(format!(
                "Invalid parameter member_vnf_index='{member}' is not one of the \
                 nsd:constituent-vnfd"
            )));
        };
        self.vnfd_of(&vnfr)
    }
}

/// OSM's 404 for a record it looks up without a project.
pub(super) fn unknown(collection: Collection, id: &str) -> Problem {
    Problem::not_found(format!(
        "database exception database exception Not found any {} with filter='{{'_id': {}}}'",
        collection.singular(),
        repr_str(id)
    ))
}

/// A problem of the database as OSM words it where it checks a request.
pub(super) fn during_request(about: &str, problem: Problem) -> Problem {
    if !problem.detail.starts_with("database exception") {
        return problem;
    }
    Problem { detail: format!("database exception {about}: {}.", problem.detail), ..problem }
}

pub(super) fn check_vdu<'a>(vnfd: &'a Value, vdu: &str) -> Result<&'a Value, Problem> {
    let known = list(vnfd, "vdu").iter().find(|known| text(known, "id") == vdu);
    known.ok_or_else(|| {
        Problem::bad_request(format!("Invalid parameter vdu_id='{vdu}' not present at vnfd:vdu:id"))
    })
}

fn check_kdu<'a>(vnfd: &'a Value, kdu: &str) -> Result<&'a Value, Problem> {
    let known = list(vnfd, "kdu").iter().find(|known| text(known, "name") == kdu);
    known.ok_or_else(|| {
        Problem::bad_request(format!(
            "Invalid parameter kdu_name='{kdu}' not present at vnfd:kdu:name"
        ))
    })
}

/// Before SOL006 scaling groups have names.
fn check_scaling_group(vnfd: &Value, wanted: &str) -> Result<(), Problem> {
    let groups = list(vnfd, "scaling-group-descriptor");
    if groups.iter().any(|group| text(group, "name") == wanted) {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "Invalid scaleVnfData:scaleByStepData:scaling-group-descriptor '{wanted}' is not present \
         at vnfd:scaling-group-descriptor"
    )))
}

/// All parameters without default must be given, and no others.
fn check_primitive_params(known: &Value, primitive: &str, params: &Value) -> Result<(), Problem> {
    let mut rest = params.as_object().cloned().unwrap_or_default();
    for parameter in list(known, "parameter") {
        let name = text(parameter, "name");
        let is_given = rest.shift_remove(name).is_some();
        let default = parameter.get("default-value");
        let has_default = default.is_some_and(|value| !value.is_null() && *value != "");
        if !is_given && !has_default {
            return Err(Problem::bad_request(format!(
                "Needed parameter {name} not provided for primitive '{primitive}'"
            )));
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    let names: Value = rest.keys().map(String::as_str).collect();
    Err(Problem::bad_request(format!(
        "parameter/s '{}' not present at vnfd /nsd for primitive '{primitive}'",
        repr(&names)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use serde_json::json;

    #[test]
    fn primitives_want_all_their_parameters_and_no_others() {
        let known = json!({"parameter": [{"name": "a"}, {"name": "b", "default-value": "x"}]});
        let check = |params: Value, expected: Option<&str>| {
            let refusal = check_primitive_params(&known, "p", &params).err();
            assert_eq!(refusal.map(|it| it.detail).as_deref(), expected, "{params}");
        };
        check(json!({"a": 1}), None);
        check(json!({"a": 1, "b": 2}), None);
        check(json!({}), Some("Needed parameter a not provided for primitive 'p'"));
        check(
            json!({"a": 1, "c": 2, "d": 3}),
            Some("parameter/s '['c', 'd']' not present at vnfd /nsd for primitive 'p'"),
        );
    }

    #[test]
    fn a_default_of_nothing_is_none() {
        for default in [json!(null), json!("")] {
            let known = json!({"parameter": [{"name": "a", "default-value": default}]});
            assert!(check_primitive_params(&known, "p", &json!({})).is_err(), "{known}");
            assert!(check_primitive_params(&known, "p", &json!({"a": 1})).is_ok(), "{known}");
        }
        let known = json!({"parameter": [{"name": "a", "default-value": 0}]});
        assert!(check_primitive_params(&known, "p", &json!({})).is_ok());
    }

    #[test]
    fn only_what_the_database_says_is_said_again() {
        let detail = |problem| during_request("getting it", problem).detail;
        let missing = Problem::not_found("database exception Not found any x");
        let said = "database exception getting it: database exception Not found any x.";
        assert_eq!(detail(missing), said);
        assert_eq!(detail(Problem::bad_request("no")), "no");
    }

    #[test]
    fn what_every_chart_can_do_is_asked_of_a_kdu_of_a_member() {
        let state = State::empty(Release::R10, Profile::instant(), 1);
        let refusal = |mut body: Value| {
            state.check_action(&json!({"nsd": {}}), &mut body).unwrap_err().detail
        };
        assert_eq!(
            refusal(json!({"primitive": "upgrade"})),
            "Invalid primitive 'upgrade' is not present at vnfd/nsd"
        );
        assert_eq!(
            refusal(json!({"primitive": "touch", "kdu_name": "k"})),
            "Invalid primitive 'touch' is not present at vnfd/nsd"
        );
        assert_eq!(
            refusal(json!({"primitive": "upgrade", "kdu_name": "k"})),
            "Missing action parameter 'member_vnf_index' for default KDU primitive 'upgrade'"
        );
    }
}
