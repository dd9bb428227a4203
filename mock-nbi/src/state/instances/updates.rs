//! Updates of NS instances: which VNF, which package, which machine.
//!
//! Source: OSM NBI v19 `instance_topics.py`, `_check_update_ns_operation` and `new`.

use serde_json::{Value, json};

use super::checks::{check_vdu, during_request};
use crate::problem::Problem;
use crate::python::repr_str;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::records::Creation;
use crate::state::vdu::Tables;

const ABOUT: &str = "Ns update request could not be processed with error";
/// Seconds that a change of package must be given.
const TIMEOUT_MIN: f64 = 300.0;

impl State {
    pub(super) fn check_update(&self, nsr: &Value, body: &Value) -> Result<(), Problem> {
        match text(body, "updateType") {
            "CHANGE_VNFPKG" => self.check_change(nsr, body),
            "REMOVE_VNF" => {
                let id = wanted(body, "removeVnfInstanceId")?.as_str().unwrap_or_default();
                if has_vnf(nsr, id) {
                    return Ok(());
                }
                Err(Problem::bad_request(format!(
                    "Invalid VNF Instance Id. '{id}' is not present in the NS '{}'",
                    text(body, "nsInstanceId")
                )))
            }
            "OPERATE_VNF" => body
                .get("operateVnfData")
                .filter(|data| data.as_object().is_some_and(|fields| !fields.is_empty()))
                .map_or(Ok(()), |data| self.check_operate(nsr, data)),
            "VERTICAL_SCALE" => body
                .get("verticalScaleVnf")
                .filter(|data| data.as_object().is_some_and(|fields| !fields.is_empty()))
                .map_or(Ok(()), |data| {
                    self.check_machine(nsr, text(data, "vnfInstanceId"), text(data, "vduId"))
                }),
            _ => Ok(()),
        }
    }

    fn check_change(&self, nsr: &Value, body: &Value) -> Result<(), Problem> {
        let data = wanted(body, "changeVnfPackageData")?;
        let (vnfr_id, vnfd_id) = (text(data, "vnfInstanceId"), text(data, "vnfdId"));
        const WRONG: &str = "Error in validating ns-update request";
        if !has_vnf(nsr, vnfr_id) {
            return Err(Problem::unprocessable(format!(
                "{WRONG}: vnf {vnfr_id} does not belong to NS {}",
                text(body, "nsInstanceId")
            )));
        }
        let vnfr = self.db.get(Collection::VnfInstances, vnfr_id);
        let own = vnfr.map(|vnfr| text(&vnfr, "vnfd-id").to_owned());
        if let Some(own) = own.filter(|own| own != vnfd_id) {
            return Err(Problem::unprocessable(format!(
                "{WRONG}: vnfd-id {vnfd_id} does not match with the vnfd-id: {own} of VNF \
                 instance: {vnfr_id}"
            )));
        }
        match body.get("timeout_ns_update") {
            Some(seconds) if seconds.as_f64().is_some_and(|seconds| seconds < TIMEOUT_MIN) => {
                Err(Problem::unprocessable(format!(
                    "{WRONG}: {seconds} second is not enough to upgrade the VNF instance: {vnfr_id}"
                )))
            }
            _ => Ok(()),
        }
    }

    fn check_operate(&self, nsr: &Value, data: &Value) -> Result<(), Problem> {
        let state = text(data, "changeStateTo");
        if !matches!(state, "start" | "stop" | "rebuild" | "console") {
            return Err(Problem::unprocessable(format!(
                "The operate type should be either start, stop, console or rebuild not {state}"
            )));
        }
        data.get("additionalParam").map_or(Ok(()), |params| {
            self.check_machine(nsr, text(data, "vnfInstanceId"), text(params, "vdu_id"))
        })
    }

    fn check_machine(&self, nsr: &Value, vnfr_id: &str, vdu: &str) -> Result<(), Problem> {
        let vnfd =
            self.vnfd_of_vnfr(nsr, vnfr_id).map_err(|problem| during_request(ABOUT, problem))?;
        check_vdu(&vnfd, vdu).map(|_| ())
    }

    /// Settles what a VNF changes to with its package: where the software is another one, the
    /// machines that are to be (`newVdur` of the operation), of flavours and images of their own.
    ///
    /// # Errors
    /// 404 for packages that are gone, 400 for what the new descriptor wants.
    pub(super) fn settle_change(&mut self, nsr: &Value, body: &mut Value) -> Result<(), Problem> {
        if text(body, "updateType") != "CHANGE_VNFPKG" {
            return Ok(());
        }
        let data = &body["changeVnfPackageData"];
        let vnfd = self.found(Collection::VnfPackages, text(data, "vnfdId"))?.into_owned();
        let nsd = self.found(Collection::NsDescriptors, text(nsr, "nsd-id"))?.into_owned();
        let vnfr = self.found(Collection::VnfInstances, text(data, "vnfInstanceId"))?.into_owned();
        let last = vnfd["_admin"]["revision"].as_u64().unwrap_or(1);
        let own = vnfr["revision"].as_u64().unwrap_or(1);
        if last == own {
            return Ok(());
        }
        let old = format!("{}:{own}", text(&vnfd, "_id"));
        let old = self.found(Collection::VnfPackageRevisions, &old)?;
        if software_version(&vnfd) == software_version(&old) {
            return Ok(());
        }
        let member = text(&vnfr, "member-vnf-index-ref");
        let mut tables = Tables::of(nsr);
        tables.add_machines(member, &vnfd, last)?;
        let creation = Creation {
            release: self.release,
            id: text(nsr, "_id"),
            now: 0.0,
            nsd: &nsd,
            namespace: Value::Null,
            admin: json!({}),
        };
        let mut params = nsr["instantiate_params"].clone();
        let mut machines =
            creation.machines(member, &vnfd, last, &mut params, &tables, &mut self.ids)?;
        keep_addresses(&vnfr, &mut machines);
        set(body, "newVdur", machines);
        if let Some(nsr) = self.db.get_mut(Collection::NsInstances, text(nsr, "_id")) {
            set(nsr, "image", tables.images);
            set(nsr, "flavor", tables.flavors);
            set(nsr, "shared-volumes", tables.shared_volumes);
        }
        Ok(())
    }
}

/// The version of what runs in a VNF.
pub(crate) fn software_version(vnfd: &Value) -> &str {
    vnfd.get("software-version").and_then(Value::as_str).unwrap_or("1.0")
}

/// Gives new machines the fixed addresses on the outside that the old ones have.
fn keep_addresses(vnfr: &Value, machines: &mut [Value]) {
    let is_outside =
        |interface: &Value| !text(interface, "external-connection-point-ref").is_empty();
    let firsts = list(vnfr, "vdur").iter().filter(|machine| machine["count-index"] == 0);
    let fixed: Vec<(&str, &Value)> = firsts
        .flat_map(|machine| {
            let interfaces = list(machine, "interfaces").iter();
            let fixed = interfaces.filter(|it| is_outside(it) && it["fixed-ip"] == true);
            fixed.map(|it| (text(machine, "vdu-id-ref"), &it["ip-address"]))
        })
        .collect();
    for machine in machines {
        let of = text(machine, "vdu-id-ref");
        let Some((_, address)) = fixed.iter().rev().find(|(vdu, _)| *vdu == of) else {
            continue;
        };
        let interfaces = machine.get_mut("interfaces").and_then(Value::as_array_mut);
        for interface in interfaces.into_iter().flatten().filter(|it| is_outside(it)) {
            set(interface, "ip-address", (*address).clone());
            set(interface, "fixed-ip", true);
        }
    }
}

fn has_vnf(nsr: &Value, vnfr_id: &str) -> bool {
    list(nsr, "constituent-vnfr-ref").iter().any(|id| id == vnfr_id)
}

/// A key that the type of update needs; Python complains about a missing one in quotes.
fn wanted<'a>(body: &'a Value, key: &str) -> Result<&'a Value, Problem> {
    body.get(key).ok_or_else(|| Problem::bad_request(repr_str(&format!("{ABOUT}: '{key}'."))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn only_a_vnf_of_the_instance_is_removed_from_it() {
        let state = State::empty(Release::R19, Profile::instant(), 1);
        let nsr = json!({"constituent-vnfr-ref": ["a"]});
        let check = |id: &str| {
            let body = json!({
                "updateType": "REMOVE_VNF", "removeVnfInstanceId": id, "nsInstanceId": "ns",
            });
            state.check_update(&nsr, &body)
        };
        assert_eq!(check("a"), Ok(()));
        let said = "Invalid VNF Instance Id. 'b' is not present in the NS 'ns'";
        assert_eq!(check("b"), Err(Problem::bad_request(said)));
    }
}
