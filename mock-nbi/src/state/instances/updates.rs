//! Updates of NS instances: which VNF, which package, which machine.
//!
//! Source: OSM NBI v19 `instance_topics.py`, `_check_update_ns_operation`.

use serde_json::Value;

use super::checks::{check_vdu, during_request, unknown};
use crate::problem::Problem;
use crate::python::repr_str;
use crate::state::State;
use crate::state::db::{Collection, list, text};

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

    /// The package that a VNF is to change to must be there.
    pub(super) fn check_new_package(&self, body: &Value) -> Result<(), Problem> {
        if text(body, "updateType") != "CHANGE_VNFPKG" {
            return Ok(());
        }
        let vnfd_id = text(&body["changeVnfPackageData"], "vnfdId");
        match self.db.get(Collection::VnfPackages, vnfd_id) {
            Some(_) => Ok(()),
            None => Err(unknown(Collection::VnfPackages, vnfd_id)),
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
