//! NS instances and the operations on them: what is checked before OSM takes a request.
//!
//! Source: NBI_FACTS.md section 9; recorded cases `ns_*`.

mod checks;

use serde_json::{Value, json};

use crate::descriptor::Kind as DescriptorKind;
use crate::input;
use crate::operation::Work;
use crate::problem::Problem;
use crate::profile::Kind;
use crate::schema;
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, list, set, text};
use crate::state::records::{self, Creation, profiles};
use crate::state::session::{Access, Session};
use crate::state::vdu::VduTables;

use checks::check_member;

const WHILE_VALIDATING: &str = " while 'validating input parameters'";
/// Instances of more parts than this are refused: one line of a descriptor can ask for any number of
/// machines. In OSM the records of so many come to more than the 16 MB its database takes.
const PARTS_MAX: u64 = 10_000;

impl State {
    /// Makes an instance without starting anything; gives its id.
    ///
    /// # Errors
    /// 422 by schema and 422 or 401 for the quota, 404 for the NSD or a VNFD, 409 for a disabled NSD, 400 for parameter names, 413
    /// for more parts than the fake makes records of.
    pub(crate) fn create_ns(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::NsInstances).map_err(|problem| Problem {
            detail: format!("{} while 'checking quotas'", problem.detail),
            ..problem
        })?;
        schema::check(body, &input::NS_INSTANTIATE, self.release, WHILE_VALIDATING)?;
        let nsd = self.usable_nsd(session, body)?;
        let project = session.with(Access::Write);
        let mut parts = 0;
        let mut members = Vec::new();
        for profile in profiles(&nsd) {
            let name = text(profile, "vnfd-id");
            let vnfd = self
                .db
                .with(Collection::VnfPackages, "id", name)
                .find(|vnfd| project.sees(vnfd))
                .ok_or_else(|| project.not_found(Collection::VnfPackages, "id", name))?;
            parts = records::part_count(&vnfd).saturating_add(parts);
            if parts > PARTS_MAX {
                return Err(Problem::too_large());
            }
            members.push((profile, text(&vnfd, "_id").to_owned()));
        }
        let (read, write) = session.projects_of_new();
        let admin = json!({
            "created": now, "modified": now, "projects_read": read, "projects_write": write,
        });
        let id = self.ids.uuid();
        let project_id = read.first().cloned().unwrap_or_default();
        let creation = Creation {
            release: self.release,
            id: &id,
            project_id: &project_id,
            now,
            body,
            nsd: &nsd,
            admin,
        };
        let mut vdus = VduTables::default();
        let mut vnfrs = Vec::new();
        let mut vnfd_ids: Vec<String> = Vec::new();
        for (profile, vnfd_id) in members {
            let Some(vnfd) = self.db.get(Collection::VnfPackages, &vnfd_id) else {
                continue;
            };
            let vnfr_id = self.ids.uuid();
            let machines = vdus.machines(profile, &vnfd, &mut self.ids);
            vnfrs.push(creation.vnfr(&vnfr_id, profile, &vnfd, &machines));
            if !vnfd_ids.contains(&vnfd_id) {
                vnfd_ids.push(vnfd_id);
            }
        }
        let nsr = creation.nsr(&vnfrs, &vnfd_ids, &vdus);
        for vnfr in vnfrs {
            self.db.put(Collection::VnfInstances, vnfr);
        }
        self.mark_packages_of(&nsr, true);
        self.db.put(Collection::NsInstances, nsr);
        Ok(id)
    }

    fn usable_nsd(&self, session: &Session, body: &Value) -> Result<Value, Problem> {
        let nsd_id = text(body, "nsdId");
        let step = format!(" while 'getting nsd id='{nsd_id}' from database'");
        let nsd = session
            .with(Access::Write)
            .find(&self.db, Collection::NsDescriptors, nsd_id)
            .map_err(|problem| {
                Problem::not_found(format!("database exception {}{step}", problem.detail))
            })?
            .into_owned();
        let params = body.get("additionalParamsForNs").and_then(Value::as_object);
        let bad_name = params.into_iter().flatten().map(|(key, _)| key).find(|key| {
            key.starts_with(|c: char| c.is_ascii_digit())
                || !key.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
        if let Some(key) = bad_name {
            return Err(Problem::bad_request(format!(
                "Invalid param name at additionalParamsForNs:{key}. Must contain only alphanumeric \
                 characters and underscores, and cannot start with a digit{step}"
            )));
        }
        let state = text(&nsd["_admin"], "operationalState");
        if state != "ENABLED" {
            return Err(Problem::conflict(format!(
                "nsd with id '{nsd_id}' is {state}, and thus cannot be used to create a network \
                 service while 'checking nsdOperationalState'"
            )));
        }
        Ok(nsd)
    }

    /// Starts the instantiation of an instance; gives the operation's id.
    ///
    /// # Errors
    /// 422 by schema, 404, 409 when it is instantiated, 400 for sites and members.
    pub(crate) fn instantiate_ns(
        &mut self,
        session: &Session,
        ns_id: &str,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        let params = with_operation(body, "instantiate", ns_id);
        schema::check(&params, &input::NS_INSTANTIATE, self.release, "")?;
        let nsr = session.find(&self.db, Collection::NsInstances, ns_id)?.into_owned();
        if is_instantiated(&nsr) && !session.force {
            return Err(Problem::conflict(format!(
                "ns_instance '{ns_id}' cannot be 'instantiate' because it is already instantiated"
            )));
        }
        self.check_vim(session, text(&params, "vimAccountId"))?;
        for vnf in list(&params, "vnf") {
            check_member(&nsr, text(vnf, "member-vnf-index"))?;
            if let Some(vim) = vnf.get("vimAccountId").and_then(Value::as_str) {
                self.check_vim(session, vim)?;
            }
        }
        for vld in list(&params, "vld") {
            let name = text(vld, "name");
            let links = list(&nsr["nsd"], "virtual-link-desc");
            if !links.iter().any(|link| text(link, "id") == name) {
                return Err(Problem::bad_request(format!(
                    "Invalid parameter vld:name='{name}' is not present at nsd:vld"
                )));
            }
        }
        self.place_on_clusters(session, ns_id)?;
        Ok(self.start_operation_of(session, ns_id, Kind::Instantiate, &params, now))
    }

    /// Makes an instance and instantiates it; leaves nothing behind when that is refused.
    ///
    /// # Errors
    /// Those of [`Self::create_ns`] and [`Self::instantiate_ns`].
    pub(crate) fn create_and_instantiate_ns(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<(String, String), Problem> {
        let id = self.create_ns(session, body, now)?;
        let mut params = body.clone();
        set(&mut params, "nsr_id", id.as_str());
        match self.instantiate_ns(&session.with(Access::Write), &id, &params, now) {
            Ok(operation) => Ok((id, operation)),
            Err(problem) => {
                // OSM does not take back that the packages are in use.
                self.forget_ns(&id);
                Err(problem)
            }
        }
    }

    /// Starts an action, a scaling or a termination; gives the operation's id, or none where a
    /// termination with autoremove finds nothing to terminate.
    ///
    /// # Errors
    /// 422 by schema, 404, 409 when it is not instantiated, 400 for members and primitives.
    pub(crate) fn operate_ns(
        &mut self,
        session: &Session,
        ns_id: &str,
        kind: Kind,
        body: &Value,
        now: f64,
    ) -> Result<Option<String>, Problem> {
        let (name, schema) = match kind {
            Kind::Action => ("action", &input::NS_ACTION),
            Kind::Scale => ("scale", &input::NS_SCALE),
            Kind::Terminate => ("terminate", &input::NS_TERMINATE),
            Kind::Instantiate | Kind::Admin => return Ok(None),
        };
        let mut params = with_operation(body, name, ns_id);
        schema::check(&params, schema, self.release, "")?;
        let nsr = session.find(&self.db, Collection::NsInstances, ns_id)?.into_owned();
        if !is_instantiated(&nsr) {
            if kind == Kind::Terminate && params.get("autoremove") == Some(&json!(true)) {
                return Ok(None);
            }
            return Err(Problem::conflict(format!(
                "ns_instance '{ns_id}' cannot be '{name}' because it is not instantiated"
            )));
        }
        match kind {
            Kind::Action => self.check_action(&nsr, &mut params)?,
            Kind::Scale => self.check_scale(&nsr, &params)?,
            Kind::Instantiate | Kind::Terminate | Kind::Admin => {}
        }
        Ok(Some(self.start_operation_of(session, ns_id, kind, &params, now)))
    }

    fn start_operation_of(
        &mut self,
        session: &Session,
        ns_id: &str,
        kind: Kind,
        params: &Value,
        now: f64,
    ) -> String {
        let op_id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let admin = json!({
            "created": now, "modified": now, "projects_read": read, "projects_write": write,
        });
        let operation_type = text(params, "lcmOperationType");
        let record =
            records::operation(self.release, &op_id, ns_id, operation_type, params, &admin);
        self.db.put(Collection::Operations, record);
        self.submit(Work::Ns { ns_id: ns_id.to_owned(), op_id: op_id.clone(), kind }, now);
        op_id
    }

    /// Removes the record of an instance (`DELETE ns_instances/{id}`).
    ///
    /// # Errors
    /// 404 unknown; 409 while it is instantiated, unless forced.
    pub(crate) fn delete_ns(&mut self, session: &Session, ns_id: &str) -> Result<(), Problem> {
        let nsr = session.find(&self.db, Collection::NsInstances, ns_id)?;
        if is_instantiated(&nsr) && !session.force {
            return Err(Problem::conflict(format!(
                "nsr '{ns_id}' cannot be deleted because it is in '{}' state. Launch 'terminate' \
                 operation first; or force deletion",
                text(&nsr["_admin"], "nsState")
            )));
        }
        self.remove_ns(ns_id);
        Ok(())
    }

    /// Terminates and removes an instance (`DELETE ns_instances_content/{id}`).
    ///
    /// # Errors
    /// 422 for an id that is no UUID, 404 unknown.
    pub(crate) fn terminate_and_delete_ns(
        &mut self,
        session: &Session,
        ns_id: &str,
        now: f64,
    ) -> Result<Removal, Problem> {
        if !session.force {
            schema::check(&json!({"nsInstanceId": ns_id}), &input::NS_ID, self.release, "")?;
            let body = json!({"autoremove": true});
            if let Some(op) = self.operate_ns(session, ns_id, Kind::Terminate, &body, now)? {
                return Ok(Removal::Started(op));
            }
        }
        self.delete_ns(session, ns_id)?;
        Ok(Removal::Done)
    }

    /// Removes an instance with its operations and VNF records.
    pub(crate) fn remove_ns(&mut self, ns_id: &str) {
        if let Some(nsr) = self.forget_ns(ns_id) {
            self.mark_packages_of(&nsr, false);
        }
    }

    fn forget_ns(&mut self, ns_id: &str) -> Option<Value> {
        self.db.remove_with(Collection::VnfInstances, "nsr-id-ref", ns_id);
        self.db.remove_with(Collection::Operations, "nsInstanceId", ns_id);
        self.engine.forget(ns_id);
        self.helm.forget(ns_id);
        self.db.remove(Collection::NsInstances, ns_id)
    }

    /// Sets `usageState` of an instance's packages, in releases that do.
    fn mark_packages_of(&mut self, nsr: &Value, is_created: bool) {
        if !self.release.tracks_package_use() {
            return;
        }
        let vnfd_ids = list(nsr, "vnfd-id").iter().filter_map(Value::as_str);
        let packages = vnfd_ids
            .map(|id| (DescriptorKind::Vnfd, id))
            .chain([(DescriptorKind::Nsd, text(nsr, "nsd-id"))]);
        for (kind, id) in packages {
            let is_used = is_created || self.is_used(kind, id);
            let state = if is_used { "IN_USE" } else { "NOT_IN_USE" };
            if let Some(package) = self.db.get_mut(kind.collection(), id) {
                set(&mut package["_admin"], "usageState", state);
            }
        }
    }
}

/// Whether operations are allowed: set at the start of instantiation, reset by a termination that
/// ended well.
fn is_instantiated(nsr: &Value) -> bool {
    text(&nsr["_admin"], "nsState") != "NOT_INSTANTIATED"
}

fn with_operation(body: &Value, name: &str, ns_id: &str) -> Value {
    let mut params = body.clone();
    set(&mut params, "lcmOperationType", name);
    set(&mut params, "nsInstanceId", ns_id);
    params
}
