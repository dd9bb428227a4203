//! Operations on slices: one operation on each of the slice's NS instances, and one that ends when
//! all of those have.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::input::instances::SLICE_INSTANTIATE;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::session::{Access, Session};

impl State {
    /// Starts the operation that `body` names in `lcmOperationType` on the slice
    /// `netsliceInstanceId`; gives its id, or none where a termination with autoremove finds nothing
    /// to terminate.
    ///
    /// # Errors
    /// 422 by schema, 404, 409 by the slice's state, 400 for unknown operations and subnets.
    pub(crate) fn operate_slice(
        &mut self,
        session: &Session,
        body: &mut Value,
        now: f64,
    ) -> Result<Option<String>, Problem> {
        let word = text(body, "lcmOperationType").to_owned();
        let id = text(body, "netsliceInstanceId").to_owned();
        match word.as_str() {
            "instantiate" => schema::check(body, &SLICE_INSTANTIATE, self.release, "")?,
            "terminate" => {}
            // Python's own complaint about the missing key.
            _ => return Err(Problem::bad_request(format!("'{word}'"))),
        }
        let slice = session.find(&self.db, Collection::SliceInstances, &id)?.into_owned();
        let is_idle = matches!(text(&slice["_admin"], "nsiState"), "" | "NOT_INSTANTIATED");
        let is_start = word == "instantiate";
        if is_idle && !is_start {
            if body.get("autoremove") == Some(&json!(true)) {
                return Ok(None);
            }
            return Err(Problem::conflict(format!(
                "netslice_instance '{id}' cannot be '{word}' because it is not instantiated"
            )));
        }
        if !is_idle && is_start && !session.force {
            return Err(Problem::conflict(format!(
                "netslice_instance '{id}' cannot be '{word}' because it is already instantiated"
            )));
        }
        check_subnets(&slice, body, is_start)?;
        let operations = self.operate_members(session, &slice, &word, now)?;
        set(body, "nslcmops_ids", operations.clone());
        let op_id = self.keep_slice_operation(session, &id, body, now);
        self.begin_slice_operation(&id, &op_id, is_start);
        if !operations.iter().any(|op| self.engine.is_pending(op)) {
            self.finish_slice_operation(&op_id, now);
        }
        Ok(Some(op_id))
    }

    /// Starts an operation on each instance that no other slice needs as it is.
    fn operate_members(
        &mut self,
        session: &Session,
        slice: &Value,
        word: &str,
        now: f64,
    ) -> Result<Vec<String>, Problem> {
        let id = text(slice, "_id");
        let session = session.with(Access::Write);
        let mut operations = Vec::new();
        for (index, item) in list(&slice["_admin"], "nsrs-detailed-list").iter().enumerate() {
            let ns_id = text(item, "nsrId");
            let elsewhere =
                self.instantiated_elsewhere(ns_id, id).filter(|_| item["shared"] == true);
            let is_start = word == "instantiate";
            if !is_start && item["shared"] == true {
                self.note_member(id, index, Value::Null);
            }
            if is_start && item["shared"] == true {
                self.share_links(slice, ns_id);
            }
            if let Some(other) = elsewhere {
                if is_start {
                    let operation = text(&other, "nslcmop_instantiate").to_owned();
                    self.note_member(id, index, json!(operation));
                    operations.push(operation);
                }
                continue;
            }
            let mut body = json!({
                "lcmOperationType": word, "nsInstanceId": ns_id, "netsliceInstanceId": id,
            });
            if is_start {
                let nsr = self.db.get(Collection::NsInstances, ns_id);
                let params = nsr.map(|nsr| nsr["instantiate_params"].clone()).unwrap_or_default();
                for (key, value) in params.as_object().into_iter().flatten() {
                    set(&mut body, key, value.clone());
                }
            }
            match self.operate_member_ns(&session, &mut body, true, now) {
                Ok(Some(operation)) => {
                    if is_start {
                        self.note_member(id, index, json!(operation));
                    }
                    operations.push(operation);
                }
                Ok(None) => {}
                Err(problem) if problem.status == http::StatusCode::NOT_FOUND => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(operations)
    }

    /// The item of another slice that has this instance instantiated.
    fn instantiated_elsewhere(&self, ns_id: &str, slice_id: &str) -> Option<Value> {
        let place = "_admin.nsrs-detailed-list.nsrId";
        let others = self.db.with(Collection::SliceInstances, place, ns_id);
        others.filter(|other| text(other, "_id") != slice_id).find_map(|other| {
            let items = list(&other["_admin"], "nsrs-detailed-list");
            let is_it = |item: &&Value| {
                text(item, "nsrId") == ns_id
                    && item["shared"] == true
                    && item["nslcmop_instantiate"].is_string()
            };
            items.iter().find(is_it).cloned()
        })
    }

    /// Notes a shared instance at the links of all shared subnets.
    fn share_links(&mut self, slice: &Value, ns_id: &str) {
        let subnets = list(&slice["network-slice-template"], "netslice-subnet").iter();
        let shared: Vec<&str> = subnets
            .filter(|subnet| subnet["is-shared-nss"] == true)
            .map(|subnet| text(subnet, "id"))
            .collect();
        let Some(slice) = self.db.get_mut(Collection::SliceInstances, text(slice, "_id")) else {
            return;
        };
        let links = slice["_admin"].get_mut("netslice-vld").and_then(Value::as_array_mut);
        for link in links.into_iter().flatten() {
            let mut ends = list(link, "nss-connection-point-ref").iter();
            let is_shared = ends.any(|end| shared.contains(&text(end, "nss-ref")));
            if let Some(known) = link.get_mut("shared-nsrs-list").and_then(Value::as_array_mut)
                && is_shared
                && !known.iter().any(|known| known == ns_id)
            {
                known.push(json!(ns_id));
            }
        }
    }

    fn note_member(&mut self, slice_id: &str, index: usize, operation: Value) {
        if let Some(slice) = self.db.get_mut(Collection::SliceInstances, slice_id)
            && let Some(item) = slice["_admin"]["nsrs-detailed-list"].get_mut(index)
        {
            set(item, "nslcmop_instantiate", operation);
        }
    }

    fn keep_slice_operation(
        &mut self,
        session: &Session,
        slice_id: &str,
        params: &Value,
        now: f64,
    ) -> String {
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let record = json!({
            "id": id,
            "_id": id,
            "operationState": "PROCESSING",
            "statusEnteredTime": now,
            "netsliceInstanceId": slice_id,
            "lcmOperationType": params["lcmOperationType"],
            "startTime": now,
            "isAutomaticInvocation": false,
            "operationParams": params,
            "isCancelPending": false,
            "links": {
                "self": format!("/osm/nsilcm/v1/nsi_lcm_op_occs/{id}"),
                "netsliceInstanceId": format!("/osm/nsilcm/v1/netslice_instances/{slice_id}"),
            },
            "_admin": {
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
            },
        });
        self.db.put(Collection::SliceOperations, record);
        id
    }

    fn begin_slice_operation(&mut self, slice_id: &str, op_id: &str, is_start: bool) {
        let Some(slice) = self.db.get_mut(Collection::SliceInstances, slice_id) else {
            return;
        };
        let admin = admin_of(slice);
        set(admin, "nslcmop", op_id);
        if is_start {
            set(admin, "nsiState", "INSTANTIATED");
            set(slice, "detailed-status", "creating");
            set(slice, "operational-status", "init");
        } else {
            set(slice, "operational-status", "terminating");
            set(slice, "config-status", "terminating");
        }
    }

    /// Ends the operation of a slice whose last operation on an NS instance this was.
    pub(crate) fn end_of_slice_operation(&mut self, ns_op_id: &str, now: f64) {
        let place = "operationParams.nslcmops_ids";
        for op_id in self.db.ids_with(Collection::SliceOperations, place, ns_op_id) {
            let Some(op) = self.db.get(Collection::SliceOperations, &op_id) else {
                continue;
            };
            let is_over = text(&op, "operationState") != "PROCESSING";
            let members = list(&op["operationParams"], "nslcmops_ids").iter();
            let mut members = members.filter_map(Value::as_str);
            if !is_over && !members.any(|id| self.engine.is_pending(id)) {
                self.finish_slice_operation(&op_id, now);
            }
        }
    }

    fn finish_slice_operation(&mut self, op_id: &str, now: f64) {
        let Some(op) = self.db.get(Collection::SliceOperations, op_id).map(Cow::into_owned) else {
            return;
        };
        let params = &op["operationParams"];
        let has_failed = |id: &str| {
            let op = self.db.get(Collection::Operations, id);
            op.is_some_and(|op| text(&op, "operationState").starts_with("FAILED"))
        };
        let members = list(params, "nslcmops_ids").iter().filter_map(Value::as_str);
        let is_well = !members.into_iter().any(has_failed);
        let is_start = text(&op, "lcmOperationType") == "instantiate";
        if let Some(op) = self.db.get_mut(Collection::SliceOperations, op_id) {
            set(op, "operationState", if is_well { "COMPLETED" } else { "FAILED" });
            set(op, "statusEnteredTime", now);
            set(op, "detailed-status", if is_well { "done" } else { "failed" });
        }
        let slice_id = text(&op, "netsliceInstanceId");
        if let Some(slice) = self.db.get_mut(Collection::SliceInstances, slice_id) {
            let status = match (is_well, is_start) {
                (false, _) => "failed",
                (true, true) => "running",
                (true, false) => "terminated",
            };
            set(slice, "operational-status", status);
            set(slice, "detailed-status", if is_well { "done" } else { "failed" });
            if is_start {
                set(slice, "config-status", "configured");
            }
            let admin = admin_of(slice);
            set(admin, "nslcmop", Value::Null);
            if is_well && !is_start {
                set(admin, "nsiState", "NOT_INSTANTIATED");
            }
        }
        if is_well && !is_start && params.get("autoremove") == Some(&json!(true)) {
            self.remove_slice(slice_id);
        }
    }

    /// Removes a slice that was terminated, as OSM does when it hears of it.
    pub(crate) fn remove_slice(&mut self, slice_id: &str) {
        let Some(slice) = self.db.remove(Collection::SliceInstances, slice_id) else {
            return;
        };
        for item in list(&slice["_admin"], "nsrs-detailed-list") {
            let ns_id = text(item, "nsrId");
            let place = "_admin.nsrs-detailed-list.nsrId";
            if self.db.ids_with(Collection::SliceInstances, place, ns_id).is_empty() {
                // OSM passes over packages that are gone.
                let _ = self.remove_ns(ns_id);
            }
        }
        self.db.remove_with(Collection::SliceOperations, "netsliceInstanceId", slice_id);
        self.free_template_of(&slice);
    }
}

fn check_subnets(slice: &Value, body: &Value, is_start: bool) -> Result<(), Problem> {
    if !is_start {
        return Ok(());
    }
    let known = list(&slice["network-slice-template"], "netslice-subnet");
    for subnet in list(body, "netslice-subnet") {
        let id = text(subnet, "id");
        if !known.iter().any(|own| text(own, "id") == id) {
            return Err(Problem::bad_request(format!(
                "Invalid parameter nstId='{id}' is not one of the nst:netslice-subnet"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Work;
    use crate::profile::{Kind, Profile, Subject};
    use crate::release::Release;

    #[test]
    fn an_instantiation_names_subnets_of_the_slice() {
        let slice = json!({"network-slice-template": {"netslice-subnet": [
            {"id": "a"}, {"id": "b"}]}});
        let check = |id: &str, is_start| {
            check_subnets(&slice, &json!({"netslice-subnet": [{"id": id}]}), is_start)
        };
        assert_eq!((check("a", true), check("b", true)), (Ok(()), Ok(())));
        let refusal = check("c", true).unwrap_err();
        let said = "Invalid parameter nstId='c' is not one of the nst:netslice-subnet";
        assert_eq!(refusal, Problem::bad_request(said));
        assert_eq!(check("c", false), Ok(()), "a termination names none");
    }

    #[test]
    fn every_shared_instance_stands_once_at_the_links_of_shared_subnets() {
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        let link = |end: &str| json!({"nss-connection-point-ref": [{"nss-ref": end}], "shared-nsrs-list": []});
        let slice = json!({
            "_id": "s",
            "network-slice-template": {"netslice-subnet": [
                {"id": "own", "is-shared-nss": false}, {"id": "common", "is-shared-nss": true}]},
            "_admin": {"netslice-vld": [link("own"), link("common")]},
        });
        state.db.put(Collection::SliceInstances, slice.clone());
        for ns_id in ["a", "a", "b"] {
            state.share_links(&slice, ns_id);
        }
        let kept = state.db.get(Collection::SliceInstances, "s").unwrap();
        let links = &kept["_admin"]["netslice-vld"];
        assert_eq!(links[0]["shared-nsrs-list"], json!([]));
        assert_eq!(links[1]["shared-nsrs-list"], json!(["a", "b"]));
    }

    #[test]
    fn another_slice_has_an_instance_when_it_shares_it_and_instantiated_it() {
        for (shared, operation, is_found) in
            [(true, json!("op"), true), (true, json!(null), false), (false, json!("op"), false)]
        {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let item = json!({"nsrId": "ns", "shared": shared, "nslcmop_instantiate": operation});
            let admin = json!({"nsrs-detailed-list": [item]});
            state.db.put(Collection::SliceInstances, json!({"_id": "other", "_admin": admin}));
            let found = state.instantiated_elsewhere("ns", "own");
            assert_eq!(found.is_some(), is_found, "{item}");
            assert_eq!(state.instantiated_elsewhere("ns", "other"), None, "that is itself");
        }
    }

    #[test]
    fn an_operation_on_a_slice_ends_once_and_with_the_last_of_its_instances() {
        let mut state = State::empty(Release::R10, Profile::manual(), 1);
        let params = json!({"nslcmops_ids": ["a", "b"]});
        let op = json!({"_id": "op", "operationState": "PROCESSING", "operationParams": params});
        state.db.put(Collection::SliceOperations, op);
        let work = Work::Ns { ns_id: "ns".into(), op_id: "b".into(), kind: Kind::Instantiate };
        state.submit(work, &Subject::default(), 0.0);
        let end = |state: &mut State, ns_op_id: &str, now: f64| {
            state.end_of_slice_operation(ns_op_id, now);
            let op = state.db.get(Collection::SliceOperations, "op").unwrap();
            (text(&op, "operationState").to_owned(), op["statusEnteredTime"].as_f64())
        };
        assert_eq!(end(&mut state, "a", 1.0), ("PROCESSING".to_owned(), None));
        state.engine.forget("ns");
        assert_eq!(end(&mut state, "b", 2.0), ("COMPLETED".to_owned(), Some(2.0)));
        assert_eq!(end(&mut state, "b", 3.0), ("COMPLETED".to_owned(), Some(2.0)));
    }

    #[test]
    fn a_slice_goes_when_its_termination_ends_well_and_is_to_remove_it() {
        for (word, end, autoremove, is_left) in [
            ("terminate", "COMPLETED", true, false),
            ("terminate", "COMPLETED", false, true),
            ("terminate", "FAILED", true, true),
            ("instantiate", "COMPLETED", true, true),
        ] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let params = json!({"nslcmops_ids": ["a"], "autoremove": autoremove});
            let op = json!({"_id": "op", "lcmOperationType": word, "netsliceInstanceId": "s",
                "operationParams": params});
            state.db.put(Collection::SliceOperations, op);
            state.db.put(Collection::Operations, json!({"_id": "a", "operationState": end}));
            state.db.put(Collection::SliceInstances, json!({"_id": "s"}));
            state.finish_slice_operation("op", 1.0);
            let is_there = state.db.contains(Collection::SliceInstances, "s");
            assert_eq!(is_there, is_left, "{word} {end} {autoremove}");
        }
    }
}
