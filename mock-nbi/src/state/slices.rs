//! Network slice instances: their NS instances, and the operations on all of them at once.
//!
//! Source: OSM NBI `instance_topics.py`, `NsiTopic` and `NsiLcmOpTopic`; OSM LCM `netslice.py`.

mod operations;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::python::{NESTED, yaml_dump};
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::{Access, Session};

/// What creating a slice failed at: OSM makes a 400 of everything, with the step before it.
fn at(step: &str) -> impl Fn(Problem) -> Problem {
    let step = step.to_owned();
    move |problem| Problem::bad_request(format!("Error {step}: {}", problem.detail))
}

/// A key of the request, or Python's complaint that it is missing.
fn wanted<'a>(body: &'a Value, key: &str, step: &str) -> Result<&'a Value, Problem> {
    body.get(key).ok_or_else(|| at(step)(Problem::bad_request(format!("'{key}'"))))
}

/// The links of a slice, at its VIM account, not yet shared by anything.
fn slice_links(template: &Value, vim: &Value) -> Vec<Value> {
    let links = list(template, "netslice-vld").iter().map(|link| {
        let mut link = link.clone();
        set(&mut link, "shared-nsrs-list", json!([]));
        set(&mut link, "vimAccountId", vim.clone());
        link
    });
    links.collect()
}

impl State {
    /// Makes a slice with its NS instances, without starting anything; gives its id.
    ///
    /// # Errors
    /// 400 for whatever is wrong.
    pub(crate) fn create_slice(
        &mut self,
        session: &Session,
        body: &mut Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::SliceInstances).map_err(at("checking quotas"))?;
        let session = session.with(Access::Write);
        let nst_id = body.get("nstId").and_then(Value::as_str).unwrap_or("None").to_owned();
        let step = format!("getting nstd id='{nst_id}' from database");
        wanted(body, "nstId", &step)?;
        let template = session
            .find(&self.db, Collection::SliceTemplates, &nst_id)
            .map_err(at(&step))?
            .into_owned();
        if text(&template["_admin"], "operationalState") == "DISABLED" {
            let problem = Problem::conflict(format!(
                "nst with id '{nst_id}' is DISABLED, and thus cannot be used to create a netslice \
                 instance"
            ));
            return Err(at("checking NST operationalState")(problem));
        }
        let template = without(&template, &["_admin", "_id"]);
        let step = "filling nsi_descriptor with input data";
        let id = self.ids.uuid();
        let mut slice = json!({
            "id": id,
            "name": wanted(body, "nsiName", step)?,
            "description": body.get("nsiDescription").unwrap_or(&json!("")),
            "datacenter": wanted(body, "vimAccountId", step)?,
            "nst-ref": template["id"],
            "instantiation_parameters": body,
            "network-slice-template": template,
            "nsr-ref-list": [],
            "vlr-list": [],
            "_id": id,
            "additionalParamsForNsi": slice_params(body).map_err(at(step))?,
        });
        let links = slice_links(&template, &body["vimAccountId"]);
        let mut made = Vec::new();
        let members = self.slice_members(&session, &template, body, now, &mut made);
        let (members, subnets) = match members {
            Ok(found) => found,
            Err(problem) => {
                for ns_id in made {
                    // Its packages were found just now.
                    let _ = self.remove_ns(&ns_id);
                }
                return Err(problem);
            }
        };
        let template = slice.get_mut("network-slice-template");
        let own = template.and_then(|it| it.get_mut("netslice-subnet")?.as_array_mut());
        for (subnet, params) in own.into_iter().flatten().zip(&subnets) {
            set(subnet, "_id", params["nsdId"].clone());
        }
        let (read, write) = session.projects_of_new();
        let refs = members.iter().map(|member| json!({"nsr-ref": member["nsrId"]}));
        set(&mut slice, "nsr-ref-list", refs.collect::<Value>());
        set(
            &mut slice,
            "_admin",
            json!({
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
                "nsiState": "NOT_INSTANTIATED",
                "netslice-subnet": subnets,
                "deployed": {"RO": []},
                "nst-id": nst_id,
                "netslice-vld": links,
                "nsrs-detailed-list": members,
            }),
        );
        if let Some(template) = self.db.get_mut(Collection::SliceTemplates, &nst_id) {
            set(&mut template["_admin"], "usageState", "IN_USE");
        }
        self.db.put(Collection::SliceInstances, slice);
        Ok(id)
    }

    /// The NS instances of a slice and what each was made of; shared ones are found. Ids of those that
    /// are new go to `made`.
    fn slice_members(
        &mut self,
        session: &Session,
        template: &Value,
        body: &Value,
        now: f64,
        made: &mut Vec<String>,
    ) -> Result<(Vec<Value>, Vec<Value>), Problem> {
        let mut services = Vec::new();
        for subnet in list(template, "netslice-subnet") {
            let nsd_ref = text(subnet, "nsd-ref");
            let step = format!(
                "getting nstd id='{nsd_ref}' constituent-nsd='{}' from database",
                text(subnet, "id")
            );
            let nsd = self
                .db
                .find_with(Collection::NsDescriptors, "id", nsd_ref, |nsd| session.sees(nsd))
                .map(|nsd| nsd["_id"].clone())
                .ok_or_else(|| session.not_found(Collection::NsDescriptors, "id", nsd_ref))
                .map_err(at(&step))?;
            services.push((subnet, nsd));
        }
        let (mut members, mut subnets) = (Vec::new(), Vec::new());
        for (service, nsd_id) in services {
            let step = "creating nsrs at database using NsrTopic.new()";
            let (ns_id, mut params) = match self.shared_member(session, service) {
                Some(found) => found,
                None => {
                    let mut params = member_params(service, &nsd_id, body, step)?;
                    let id = self.create_ns(session, &mut params, now).map_err(at(step))?;
                    made.push(id.clone());
                    (id, params)
                }
            };
            members.push(json!({
                "nsrId": ns_id,
                "shared": service.get("is-shared-nss"),
                "nsd-id": service["nsd-ref"],
                "nss-id": service["id"],
                "nslcmop_instantiate": null,
            }));
            set(&mut params, "nss-id", service["id"].clone());
            subnets.push(params);
        }
        Ok((members, subnets))
    }

    /// The instance of a shared subnet that another slice already has, and its parameters.
    fn shared_member(&self, session: &Session, service: &Value) -> Option<(String, Value)> {
        if service.get("is-shared-nss") != Some(&Value::Bool(true)) {
            return None;
        }
        let is_it = |item: &&Value| {
            item["shared"] == true
                && item["nsd-id"] == service["nsd-ref"]
                && item["nss-id"] == service["id"]
        };
        self.db.iter(Collection::SliceInstances).filter(|slice| session.sees(slice)).find_map(
            |slice| {
                let admin = &slice["_admin"];
                let item = list(admin, "nsrs-detailed-list").iter().find(is_it)?;
                let mut subnets = list(admin, "netslice-subnet").iter();
                let params = subnets.find(|subnet| subnet["nss-id"] == service["id"]);
                Some((text(item, "nsrId").to_owned(), params.cloned().unwrap_or(json!({}))))
            },
        )
    }

    /// Removes the record of a slice, with the NS instances that no other slice shares.
    ///
    /// # Errors
    /// 404 unknown; 409 while it, or one of its instances, is instantiated, unless forced.
    pub(crate) fn delete_slice(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let session = session.with(Access::Delete);
        let slice = session.find(&self.db, Collection::SliceInstances, id)?.into_owned();
        if text(&slice["_admin"], "nsiState") == "INSTANTIATED" && !session.force {
            return Err(Problem::conflict(format!(
                "nsi '{id}' cannot be deleted because it is in 'INSTANTIATED' state. Launch \
                 'terminate' operation first; or force deletion"
            )));
        }
        if self.unshare(&session, Collection::SliceInstances, &slice)? {
            return Ok(());
        }
        self.db.remove(Collection::SliceInstances, id);
        for item in list(&slice["_admin"], "nsrs-detailed-list") {
            let ns_id = text(item, "nsrId");
            let is_elsewhere = item["shared"] == true
                && !self
                    .db
                    .ids_with(Collection::SliceInstances, "_admin.nsrs-detailed-list.nsrId", ns_id)
                    .is_empty();
            if is_elsewhere {
                continue;
            }
            match self.delete_ns(&session, ns_id) {
                Err(problem) if problem.status != http::StatusCode::NOT_FOUND => {
                    return Err(problem);
                }
                _ => {}
            }
        }
        self.db.remove_with(Collection::SliceOperations, "netsliceInstanceId", id);
        self.free_template_of(&slice);
        Ok(())
    }

    /// Marks the template of a slice that is gone as not in use, even where another slice is made of
    /// it: OSM looks for that one in the wrong place.
    pub(super) fn free_template_of(&mut self, slice: &Value) {
        let id = text(&slice["_admin"], "nst-id");
        if let Some(template) = self.db.get_mut(Collection::SliceTemplates, id) {
            set(&mut template["_admin"], "usageState", "NOT_IN_USE");
        }
    }

    /// Terminates and removes a slice (`DELETE netslice_instances_content/{id}`).
    ///
    /// # Errors
    /// 404 unknown, 409 for one of its instances.
    pub(crate) fn terminate_and_delete_slice(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<Removal, Problem> {
        if !session.force {
            let mut body = json!({
                "lcmOperationType": "terminate", "netsliceInstanceId": id, "autoremove": true,
            });
            if let Some(op) = self.operate_slice(session, &mut body, now)? {
                return Ok(Removal::Started(op));
            }
            if self.release.forgets_to_delete_idle_instances() {
                return Ok(Removal::Done);
            }
        }
        self.delete_slice(session, id)?;
        Ok(Removal::Done)
    }
}

/// What the NS instance of a subnet is made of.
fn member_params(
    service: &Value,
    nsd_id: &Value,
    body: &Value,
    step: &str,
) -> Result<Value, Problem> {
    let mut params = service.get("instantiation-parameters").cloned().unwrap_or(json!({}));
    let id = text(service, "id");
    set(&mut params, "nsdId", nsd_id.clone());
    set(&mut params, "nsName", format!("{}.{id}", text(body, "nsiName")));
    set(&mut params, "vimAccountId", body["vimAccountId"].clone());
    set(&mut params, "nsDescription", wanted(service, "description", step)?.clone());
    if !list(body, "ssh_keys").is_empty() {
        set(&mut params, "ssh_keys", body["ssh_keys"].clone());
    }
    let own = list(body, "netslice-subnet").iter().find(|subnet| text(subnet, "id") == id);
    for (key, value) in own.and_then(Value::as_object).into_iter().flatten() {
        if key != "id" {
            set(&mut params, key, value.clone());
        }
    }
    Ok(params)
}

/// Parameters for the slice itself in the form in which OSM keeps them.
fn slice_params(body: &Value) -> Result<Value, Problem> {
    let Some(params) = body.get("additionalParamsForNsi").and_then(Value::as_object) else {
        return Ok(Value::Null);
    };
    let mut kept = json!({});
    for (key, value) in params {
        if key.contains(['.', '$']) {
            return Err(Problem::bad_request(format!(
                "Invalid param at additionalParamsForNsi:{key}. Keys must not contain dots or $"
            )));
        }
        let is_nested = value.is_array() || value.is_object();
        let value = if is_nested {
            json!(format!("!!yaml {}", yaml_dump(value, NESTED)))
        } else {
            value.clone()
        };
        set(&mut kept, key, value);
    }
    Ok(kept)
}

fn without(record: &Value, keys: &[&str]) -> Value {
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut() {
        for key in keys {
            fields.shift_remove(*key);
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn parameters_of_a_slice_are_kept_with_nested_values_as_text() {
        let kept = |params: Value| slice_params(&json!({"additionalParamsForNsi": params}));
        let params = kept(json!({"a": 1, "b": {"c": 1}})).unwrap();
        assert_eq!(params, json!({"a": 1, "b": "!!yaml c: 1\n"}));
        assert_eq!(slice_params(&json!({})), Ok(Value::Null));
        for key in ["a.b", "a$"] {
            let detail = kept(json!({key: 1})).unwrap_err().detail;
            assert!(detail.ends_with("Keys must not contain dots or $"), "{detail}");
        }
    }

    #[test]
    fn a_shared_subnet_has_the_instance_that_another_slice_shares_for_it() {
        let session = Session::of_project(None);
        let service = json!({"id": "s", "nsd-ref": "n", "is-shared-nss": true});
        for (shared, nsd, subnet, expected) in [
            (true, "n", "s", Some("ns")),
            (false, "n", "s", None),
            (true, "other", "s", None),
            (true, "n", "other", None),
        ] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let item = json!({"nsrId": "ns", "shared": shared, "nsd-id": nsd, "nss-id": subnet});
            let admin = json!({"nsrs-detailed-list": [item]});
            state.db.put(Collection::SliceInstances, json!({"_id": "i", "_admin": admin}));
            let found = state.shared_member(&session, &service).map(|(ns_id, _)| ns_id);
            assert_eq!(found.as_deref(), expected, "{item}");
        }
    }

    #[test]
    fn a_slice_goes_without_the_instances_that_are_gone_and_not_with_one_that_runs() {
        let session = Session::of_project(None);
        for (ns_id, expected) in [("idle", Ok(())), ("gone", Ok(())), ("runs", Err(409))] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            for (id, ns_state) in [("idle", "NOT_INSTANTIATED"), ("runs", "INSTANTIATED")] {
                let nsr = json!({"_id": id, "_admin": {"nsState": ns_state}});
                state.db.put(Collection::NsInstances, nsr);
            }
            let admin = json!({"nsrs-detailed-list": [{"nsrId": ns_id}]});
            state.db.put(Collection::SliceInstances, json!({"_id": "i", "_admin": admin}));
            let got = state.delete_slice(&session, "i").map_err(|refusal| refusal.status.as_u16());
            assert_eq!(got, expected, "{ns_id}");
        }
    }
}
