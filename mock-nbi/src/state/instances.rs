//! NS instances: how their records are made and removed.
//!
//! Source: NBI_FACTS.md section 9; OSM NBI `instance_topics.py`, `NsrTopic`; recorded cases `ns_*`.

mod checks;
mod operations;
mod sites;
mod updates;
mod vnfs;

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::descriptor::Kind as DescriptorKind;
use crate::input::instances::NS_INSTANTIATE;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::admin::Removal;
use crate::state::db::{Collection, list, set, text};
use crate::state::params::{self, Target};
use crate::state::records::{self, Creation, members};
use crate::state::session::{Access, Session};
use crate::state::vdu::Tables;

pub(crate) use updates::software_version;

/// Instances of more parts than this are refused: one line of a descriptor can ask for any number of
/// machines. In OSM the records of so many come to more than the 16 MB its database takes.
const PARTS_MAX: u64 = 10_000;

/// A problem, and what OSM was about when it came up.
fn during(step: &str) -> impl Fn(Problem) -> Problem {
    let step = step.to_owned();
    move |problem| {
        // Python's own exceptions pass without the step; the texts tell them.
        let is_python = problem.detail.starts_with('\'');
        let prefix = if problem.detail.starts_with("database exception") {
            "database exception "
        } else {
            ""
        };
        let detail = if is_python {
            problem.detail.clone()
        } else {
            format!("{prefix}{} while '{step}'", problem.detail)
        };
        Problem { detail, ..problem }
    }
}

impl State {
    /// Makes an instance without starting anything; gives its id. Parameters in `body` take the form
    /// in which OSM keeps them.
    ///
    /// # Errors
    /// 422 by schema and 422 or 401 for the quota, 404 for the NSD or a VNFD, 409 for a disabled NSD,
    /// 400 for parameter names, 413 for more parts than the fake makes records of.
    pub(crate) fn create_ns(
        &mut self,
        session: &Session,
        body: &mut Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::NsInstances).map_err(|problem| Problem {
            detail: format!("{} while 'checking quotas'", problem.detail),
            ..problem
        })?;
        schema::check(body, &NS_INSTANTIATE, self.release, "")
            .map_err(during("validating input parameters"))?;
        let nsd_id = text(body, "nsdId").to_owned();
        let step = format!("getting nsd id='{nsd_id}' from database");
        let session = session.with(Access::Write);
        let nsd = session
            .find(&self.db, Collection::NsDescriptors, &nsd_id)
            .map_err(during(&step))?
            .into_owned();
        let is_old = !self.release.has_sol006_descriptors();
        let mut own = params::Params::default();
        if !is_old {
            own = params::format(body, Target::Ns, &nsd, self.release).map_err(during(&step))?;
        }
        if !text(body, "nsConfigTemplateId").is_empty() {
            self.apply_template(&session, body)?;
        } else {
            self.check_flavors(body).map_err(during(&step))?;
        }
        if text(&nsd["_admin"], "operationalState") == "DISABLED" {
            return Err(during("checking nsdOperationalState")(Problem::conflict(format!(
                "nsd with id '{nsd_id}' is DISABLED, and thus cannot be used to create a network \
                 service"
            ))));
        }
        if is_old {
            let step = during("filling nsr from input data");
            own = params::format(body, Target::Ns, &nsd, self.release).map_err(step)?;
        }
        let vnfds = self.member_packages(&session, &nsd)?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let namespace = body.get("k8s-namespace").cloned();
        let creation = Creation {
            release: self.release,
            id: &id,
            now,
            nsd: &nsd,
            namespace: namespace.unwrap_or_else(|| json!(read.first())),
            admin: json!({
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
            }),
        };
        let mut tables = Tables::default();
        if !list(&nsd, "virtual-link-desc").is_empty() {
            for (member, vnfd) in members(&nsd, self.release).iter().zip(&vnfds) {
                tables.add_member(text(body, "nsName"), member.index, vnfd)?;
            }
        }
        let mut nsr = creation.nsr(body, &own, &tables)?;
        set(body, "nsr_id", id.as_str());
        let mut vnfrs = Vec::new();
        for (member, vnfd) in members(&nsd, self.release).into_iter().zip(&vnfds) {
            let step = format!(
                "filling vnfr  vnfd-id='{}' constituent-vnfd='{}'",
                member.vnfd_id, member.index
            );
            let vnfr =
                creation.vnfr(member, vnfd, body, &tables, &mut self.ids).map_err(during(&step))?;
            mark_passthrough(&mut nsr, vnfd, &vnfr);
            vnfrs.push(vnfr);
        }
        self.keep_instance(nsr, vnfrs);
        Ok(id)
    }

    /// A machine is given one flavour at most.
    fn check_flavors(&self, body: &Value) -> Result<(), Problem> {
        let mut machines = list(body, "vnf").iter().flat_map(|vnf| list(vnf, "vdu"));
        let has_both = |vdu: &Value| {
            vdu.get("vim-flavor-name").is_some() && vdu.get("vim-flavor-id").is_some()
        };
        if self.release.has_later_instance_operations() && machines.any(has_both) {
            return Err(Problem::bad_request(
                "Instantiation parameters vim-flavor-name and vim-flavor-id are mutually exclusive",
            ));
        }
        Ok(())
    }

    fn keep_instance(&mut self, mut nsr: Value, vnfrs: Vec<Value>) {
        let refs: Vec<Value> = vnfrs.iter().map(|vnfr| vnfr["_id"].clone()).collect();
        let mut vnfd_ids: Vec<Value> = Vec::new();
        for vnfr in &vnfrs {
            if !vnfd_ids.contains(&vnfr["vnfd-id"]) {
                vnfd_ids.push(vnfr["vnfd-id"].clone());
            }
        }
        set(&mut nsr, "constituent-vnfr-ref", refs);
        set(&mut nsr, "vnfd-id", vnfd_ids);
        for vnfr in vnfrs {
            self.db.put(Collection::VnfInstances, vnfr);
        }
        // They were found just now.
        let _ = self.mark_packages_of(&nsr, true);
        self.db.put(Collection::NsInstances, nsr);
    }

    /// The VNF package of each member, in order.
    fn member_packages(&self, session: &Session, nsd: &Value) -> Result<Vec<Value>, Problem> {
        let has_links = !list(nsd, "virtual-link-desc").is_empty();
        let mut vnfds = Vec::new();
        let mut parts = 0;
        for member in members(nsd, self.release) {
            let name = member.vnfd_id;
            let step = if has_links {
                "filling nsr from input data".to_owned()
            } else {
                format!(
                    "getting vnfd id='{name}' constituent-vnfd='{}' from database",
                    member.index
                )
            };
            let mut found =
                self.db.with(Collection::VnfPackages, "id", name).filter(|vnfd| session.sees(vnfd));
            let vnfd = found
                .next()
                .ok_or_else(|| session.not_found(Collection::VnfPackages, "id", name))
                .map_err(during(&step))?;
            if found.next().is_some() {
                return Err(during(&step)(session.found_more(Collection::VnfPackages, "id", name)));
            }
            parts = records::part_count(&vnfd).saturating_add(parts);
            if parts > PARTS_MAX {
                return Err(Problem::too_large());
            }
            vnfds.push(vnfd.into_owned());
        }
        Ok(vnfds)
    }

    /// Makes an instance and instantiates it; leaves nothing behind when that is refused. Gives the
    /// ids of both.
    ///
    /// # Errors
    /// Those of [`Self::create_ns`] and of an instantiation.
    pub(crate) fn create_and_instantiate_ns(
        &mut self,
        session: &Session,
        body: &mut Value,
        now: f64,
    ) -> Result<(String, String), Problem> {
        let id = self.create_ns(session, body, now)?;
        set(body, "lcmOperationType", "instantiate");
        set(body, "nsInstanceId", id.as_str());
        match self.operate_ns(session, body, now) {
            Ok(operation) => Ok((id, operation.unwrap_or_default())),
            Err(problem) => {
                // OSM does not take back that the packages are in use.
                self.forget_ns(&id);
                Err(problem)
            }
        }
    }

    /// Removes the record of an instance (`DELETE ns_instances/{id}`).
    ///
    /// # Errors
    /// 404 unknown; 409 while it is instantiated, unless forced. 404 too where a package of it was
    /// deleted by force: the instance is gone then all the same.
    pub(crate) fn delete_ns(&mut self, session: &Session, ns_id: &str) -> Result<(), Problem> {
        let session = session.with(Access::Delete);
        let nsr = session.find(&self.db, Collection::NsInstances, ns_id)?.into_owned();
        if text(&nsr["_admin"], "nsState") == "INSTANTIATED" && !session.force {
            return Err(Problem::conflict(format!(
                "nsr '{ns_id}' cannot be deleted because it is in 'INSTANTIATED' state. Launch \
                 'terminate' operation first; or force deletion"
            )));
        }
        if self.unshare(&session, Collection::NsInstances, &nsr)? {
            return Ok(());
        }
        self.remove_ns(ns_id)
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
            let mut body = json!({
                "lcmOperationType": "terminate", "nsInstanceId": ns_id, "autoremove": true,
            });
            if let Some(op) = self.operate_ns(session, &mut body, now)? {
                return Ok(Removal::Started(op));
            }
            if self.release.forgets_to_delete_idle_instances() {
                return Ok(Removal::Done);
            }
        }
        self.delete_ns(session, ns_id)?;
        Ok(Removal::Done)
    }

    /// Removes an instance with its operations and VNF records.
    ///
    /// # Errors
    /// 404 where a package of it is not there any more to be marked as unused; what is left of the
    /// marks is not made then, and the instance is gone.
    pub(crate) fn remove_ns(&mut self, ns_id: &str) -> Result<(), Problem> {
        let Some(nsr) = self.forget_ns(ns_id) else {
            return Ok(());
        };
        self.free_pdus_of(ns_id);
        self.mark_packages_of(&nsr, false)
    }

    fn forget_ns(&mut self, ns_id: &str) -> Option<Value> {
        self.db.remove_with(Collection::VnfInstances, "nsr-id-ref", ns_id);
        self.db.remove_with(Collection::Operations, "nsInstanceId", ns_id);
        self.engine.forget(ns_id);
        self.helm.forget(ns_id);
        self.db.remove(Collection::NsInstances, ns_id)
    }

    /// Ids of an instance's VNF records, in order.
    pub(crate) fn vnfr_ids(&self, ns_id: &str) -> Vec<String> {
        self.db.ids_with(Collection::VnfInstances, "nsr-id-ref", ns_id)
    }

    /// An instance's VNF records, in order.
    pub(crate) fn vnfrs_of(&self, ns_id: &str) -> Vec<Value> {
        let found = self.db.with(Collection::VnfInstances, "nsr-id-ref", ns_id);
        found.map(Cow::into_owned).collect()
    }

    /// Sets `usageState` of an instance's packages, in releases that do.
    ///
    /// # Errors
    /// 404 for the first that is not there and that no other instance uses.
    fn mark_packages_of(&mut self, nsr: &Value, is_created: bool) -> Result<(), Problem> {
        if !self.release.tracks_package_use() {
            return Ok(());
        }
        let template = nsr["instantiate_params"].get("nsConfigTemplateId").and_then(Value::as_str);
        let vnfd_ids = list(nsr, "vnfd-id").iter().filter_map(Value::as_str);
        let packages = [(DescriptorKind::Nsd, text(nsr, "nsd-id"))]
            .into_iter()
            .chain(template.map(|id| (DescriptorKind::ConfigTemplate, id)))
            .chain(vnfd_ids.map(|id| (DescriptorKind::Vnfd, id)));
        for (kind, id) in packages {
            let is_used = is_created || self.is_used(kind, id);
            let state = if is_used { "IN_USE" } else { "NOT_IN_USE" };
            match self.db.get_mut(kind.collection(), id) {
                Some(package) => set(&mut package["_admin"], "usageState", state),
                None if is_used => {}
                None => return Err(checks::unknown(kind.collection(), id)),
            }
        }
        Ok(())
    }

    /// Reading one instance asks for its state anew when that is two minutes old, or when it is
    /// wanted.
    pub(crate) fn refresh_ns(&mut self, ns_id: &str, is_wanted: bool, now: f64) {
        if !self.release.refreshes_status_when_read() {
            return;
        }
        if let Some(nsr) = self.db.get_mut(Collection::NsInstances, ns_id) {
            let modified = nsr["_admin"]["modified"].as_f64().unwrap_or(now);
            if is_wanted || now - modified > STATUS_AGE_MAX {
                set(&mut nsr["_admin"], "modified", now);
            }
        }
    }
}

/// Seconds after which OSM asks anew for the state of an instance that is read.
///
/// Source: OSM NBI v19 `instance_topics.py`, `vca_status_refresh`.
const STATUS_AGE_MAX: f64 = 120.0;

/// Links that carry an interface of the hardware are marked.
fn mark_passthrough(nsr: &mut Value, vnfd: &Value, vnfr: &Value) {
    let is_hardware =
        |interface: &Value| matches!(text(interface, "type"), "SR-IOV" | "PCI-PASSTHROUGH");
    let wanted: Vec<&str> = list(vnfr, "vdur")
        .iter()
        .flat_map(|vdur| list(vdur, "interfaces"))
        .filter(|interface| is_hardware(interface))
        .map(|interface| text(interface, "ns-vld-id"))
        .collect();
    if wanted.is_empty() || list(vnfd, "vdu").is_empty() {
        return;
    }
    let links = nsr.get_mut("vld").and_then(Value::as_array_mut);
    for link in links.into_iter().flatten() {
        if wanted.contains(&text(link, "id")) {
            set(link, "pci-interfaces", true);
        }
    }
}

#[cfg(test)]
mod tests;
