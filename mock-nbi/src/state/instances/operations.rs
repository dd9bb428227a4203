//! Operations on NS instances: what OSM checks, in its order, before it takes one.
//!
//! Source: OSM NBI `instance_topics.py`, `NsLcmOpTopic`.

use serde_json::{Value, json};

use crate::input::instances::NS_INSTANTIATE;
use crate::input::operations::{
    NS_ACTION, NS_HEAL, NS_MIGRATE, NS_SCALE, NS_TERMINATE, NS_UPDATE, OPERATION_CANCEL,
};
use crate::operation::Work;
use crate::problem::Problem;
use crate::profile::{Kind, Subject};
use crate::schema::{self, Schema};
use crate::state::State;
use crate::state::db::{Collection, set, text};
use crate::state::records;
use crate::state::session::{Access, Session};

/// The operation that a URL names, and what its body must be.
fn operation_named(word: &str) -> Option<(Kind, &'static Schema)> {
    Some(match word {
        "instantiate" => (Kind::Instantiate, &NS_INSTANTIATE),
        "action" => (Kind::Action, &NS_ACTION),
        "scale" => (Kind::Scale, &NS_SCALE),
        "terminate" => (Kind::Terminate, &NS_TERMINATE),
        "heal" => (Kind::Heal, &NS_HEAL),
        "update" => (Kind::Update, &NS_UPDATE),
        "migrate" => (Kind::Migrate, &NS_MIGRATE),
        _ => return None,
    })
}

impl State {
    /// Starts the operation that `body` names in `lcmOperationType` on the instance `nsInstanceId`;
    /// gives its id, or none where a termination with autoremove finds nothing to terminate.
    ///
    /// # Errors
    /// 422 by schema, 404, 409 by the instance's state or its slice, 400 for what the body names.
    pub(crate) fn operate_ns(
        &mut self,
        session: &Session,
        body: &mut Value,
        now: f64,
    ) -> Result<Option<String>, Problem> {
        self.operate_member_ns(session, body, false, now)
    }

    /// The same for an instance of a slice, if `is_of_slice`: the slice may terminate it.
    pub(crate) fn operate_member_ns(
        &mut self,
        session: &Session,
        body: &mut Value,
        is_of_slice: bool,
        now: f64,
    ) -> Result<Option<String>, Problem> {
        let word = text(body, "lcmOperationType").to_owned();
        let Some((kind, schema)) = operation_named(&word) else {
            // Python's own complaint about the missing key.
            return Err(Problem::bad_request(format!("'{word}'")));
        };
        schema::check(body, schema, self.release, "")?;
        let ns_id = text(body, "nsInstanceId").to_owned();
        let nsr = session.find(&self.db, Collection::NsInstances, &ns_id)?.into_owned();
        if kind == Kind::Terminate && !is_of_slice {
            self.check_not_in_slice(session, &ns_id)?;
        }
        if is_instantiated(&nsr) {
            if kind == Kind::Instantiate && !session.force {
                return Err(Problem::conflict(format!(
                    "ns_instance '{ns_id}' cannot be 'instantiate' because it is already \
                     instantiated"
                )));
            }
        } else if kind == Kind::Terminate && body.get("autoremove") == Some(&json!(true)) {
            return Ok(None);
        } else if kind != Kind::Instantiate {
            return Err(Problem::conflict(format!(
                "ns_instance '{ns_id}' cannot be '{word}' because it is not instantiated"
            )));
        }
        match kind {
            Kind::Action => self.check_action(&nsr, body)?,
            Kind::Scale => self.check_scale(&nsr, body)?,
            Kind::Heal => self.check_heal(&nsr, body)?,
            Kind::Update => self.check_update(&nsr, body)?,
            Kind::Instantiate => self.check_instantiate(session, &nsr, body)?,
            Kind::Terminate | Kind::Migrate | Kind::Admin => {}
        }
        let is_kept_as_text = self.release.stores_params_as_text();
        if is_kept_as_text {
            records::keep_params_as_text(body);
        }
        match kind {
            Kind::Instantiate => self.settle_members(session, &nsr, body)?,
            Kind::Update => self.settle_change(&nsr, body)?,
            _ => {}
        }
        Ok(Some(self.start_operation_of(session, &nsr, kind, body, now)))
    }

    fn start_operation_of(
        &mut self,
        session: &Session,
        nsr: &Value,
        kind: Kind,
        body: &mut Value,
        now: f64,
    ) -> String {
        let op_id = self.ids.uuid();
        let ns_id = text(nsr, "_id");
        if body.get("placement-engine").is_some() {
            let vims = self.enabled_vims(session);
            set(body, "validVimAccounts", vims);
        }
        let (read, write) = session.projects_of_new();
        let admin = json!({
            "created": now, "modified": now, "projects_read": read, "projects_write": write,
        });
        let record = records::operation(&op_id, ns_id, body, &admin);
        self.db.put(Collection::Operations, record);
        let step = &body["scaleVnfData"]["scaleByStepData"];
        let member = [text(body, "member_vnf_index"), text(step, "member-vnf-index")];
        let subject = Subject {
            name: text(nsr, "name").to_owned(),
            nsd: text(nsr, "nsd-ref").to_owned(),
            member: member.concat(),
            kdu: text(body, "kdu_name").to_owned(),
            primitive: text(body, "primitive").to_owned(),
            ..Subject::default()
        };
        let work = Work::Ns { ns_id: ns_id.to_owned(), op_id: op_id.clone(), kind };
        self.submit(work, &subject, now);
        op_id
    }

    fn enabled_vims(&self, session: &Session) -> Vec<Value> {
        let session = session.with(Access::Write);
        self.db
            .iter(Collection::VimAccounts)
            .filter(|vim| text(&vim["_admin"], "operationalState") == "ENABLED")
            .filter(|vim| session.sees(vim))
            .map(|vim| vim["_id"].clone())
            .collect()
    }

    fn check_not_in_slice(&self, session: &Session, ns_id: &str) -> Result<(), Problem> {
        let slice = self
            .db
            .with(Collection::SliceInstances, "_admin.nsrs-detailed-list.nsrId", ns_id)
            .find(|slice| session.sees(slice))
            .map(|slice| text(&slice, "_id").to_owned());
        slice.map_or(Ok(()), |slice| {
            Err(Problem::conflict(format!(
                "The NS instance {ns_id} cannot be terminated because is used by the slice {slice}"
            )))
        })
    }

    /// Asks for the end of an operation under way (`POST ns_lcm_op_occs/{id}/cancel`).
    ///
    /// # Errors
    /// 422 by schema, 404, 409 for an operation that has ended.
    pub(crate) fn cancel_operation(
        &mut self,
        session: &Session,
        op_id: &str,
        body: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        schema::check(body, &OPERATION_CANCEL, self.release, "")?;
        let mut record = session.find(&self.db, Collection::Operations, op_id)?.into_owned();
        if !matches!(text(&record, "operationState"), "STARTING" | "PROCESSING" | "ROLLING_BACK") {
            return Err(Problem::conflict(
                "Operation is not in STARTING, PROCESSING or ROLLING_BACK state",
            ));
        }
        set(&mut record, "isCancelPending", true);
        set(&mut record, "cancelMode", body["cancelMode"].clone());
        self.db.put(Collection::Operations, record);
        self.engine.cancel(op_id, now);
        Ok(())
    }
}

/// Whether operations are allowed: set at the start of instantiation, reset by a termination that
/// ended well.
pub(super) fn is_instantiated(nsr: &Value) -> bool {
    !matches!(text(&nsr["_admin"], "nsState"), "" | "NOT_INSTANTIATED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_rule_for_one_kdu_is_for_no_other() {
        let text = "rules: [{operation: action, kdu: ldap, outcome: fail}]\n";
        let mut state = State::empty(Release::R10, Profile::from_yaml(text, "p").unwrap(), 1);
        let session = Session::of_project(None);
        let nsr = json!({"_id": "ns"});
        for (kdu, used) in [("other", 0_u32), ("ldap", 1)] {
            let mut body = json!({"kdu_name": kdu});
            state.start_operation_of(&session, &nsr, Kind::Action, &mut body, 0.0);
            assert_eq!(state.engine.rules_used(), [used]);
        }
    }

    #[test]
    fn a_rule_for_instances_of_one_name_is_for_no_other() {
        let text = "rules: [{operation: action, ns: shop, outcome: fail}]\n";
        let mut state = State::empty(Release::R10, Profile::from_yaml(text, "p").unwrap(), 1);
        let session = Session::of_project(None);
        for (name, used) in [("other", 0_u32), ("shop", 1)] {
            let nsr = json!({"_id": name, "name": name});
            state.start_operation_of(&session, &nsr, Kind::Action, &mut json!({}), 0.0);
            assert_eq!(state.engine.rules_used(), [used]);
        }
    }
}
