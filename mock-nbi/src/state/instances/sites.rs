//! Where an instance goes: VIM and WIM accounts, fixed addresses, physical units, clusters.
//!
//! Source: OSM NBI `instance_topics.py`, `_check_instantiate_ns_operation`, `_update_vnfrs_from_nsd`
//! and `_update_vnfrs`.

mod addresses;
mod before_sol006;
mod clusters;
mod parameters;
mod units;

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Session;

/// A network that a physical unit or a cluster wants a link to be.
#[derive(Debug)]
struct ForcedNetwork {
    /// The link of the NS, or else of the VNF.
    ns_link: Option<String>,
    vnf_link: Option<String>,
    /// `vim-network-name` and `vim-network-id`, where given.
    network: Value,
}

impl State {
    pub(super) fn check_instantiate(
        &self,
        session: &Session,
        nsr: &Value,
        body: &Value,
    ) -> Result<(), Problem> {
        self.check_vim(session, text(body, "vimAccountId"))?;
        self.check_wim(session, body.get("wimAccountId"))?;
        let is_old = !self.release.has_sol006_descriptors();
        for vnf in list(body, "vnf") {
            let vnfd = self.vnfd_of_member(nsr, text(vnf, "member-vnf-index"))?;
            if is_old {
                before_sol006::check(vnf, &vnfd)?;
            } else {
                parameters::check(vnf, &vnfd)?;
            }
            if let Some(vim) = vnf.get("vimAccountId").and_then(Value::as_str) {
                self.check_vim(session, vim)?;
            }
        }
        for vld in list(body, "vld") {
            self.check_wim(session, vld.get("wimAccountId"))?;
            let name = text(vld, "name");
            let links = list(&nsr["nsd"], if is_old { "vld" } else { "virtual-link-desc" });
            let is_it =
                |link: &Value| text(link, "id") == name || is_old && text(link, "name") == name;
            if !links.iter().any(is_it) {
                return Err(Problem::bad_request(format!(
                    "Invalid parameter vld:name='{name}' is not present at nsd:vld"
                )));
            }
        }
        Ok(())
    }

    fn check_vim(&self, session: &Session, vim: &str) -> Result<Value, Problem> {
        let found = session.find(&self.db, Collection::VimAccounts, vim).map(Cow::into_owned);
        found.map_err(|_| {
            Problem::bad_request(format!(
                "Invalid vimAccountId='{vim}' not present for the project"
            ))
        })
    }

    fn check_wim(&self, session: &Session, wim: Option<&Value>) -> Result<(), Problem> {
        let Some(wim) = wim.and_then(Value::as_str) else {
            return Ok(());
        };
        let found = session.find(&self.db, Collection::WimAccounts, wim).map(|_| ());
        found.map_err(|_| {
            Problem::bad_request(format!(
                "Invalid wimAccountId='{wim}' not present for the project"
            ))
        })
    }

    /// Gives each member its site, addresses, physical units and cluster. Networks that those want
    /// are added to the request. A refusal leaves everything as it was.
    pub(super) fn settle_members(
        &mut self,
        session: &Session,
        nsr: &Value,
        body: &mut Value,
    ) -> Result<(), Problem> {
        let before = self.vnfrs_of(text(nsr, "_id"));
        let outcome =
            before.iter().try_for_each(|vnfr| self.settle_member(session, nsr, vnfr.clone(), body));
        if outcome.is_err() {
            self.free_pdus_of(text(nsr, "_id"));
            for vnfr in before {
                self.db.put(Collection::VnfInstances, vnfr);
            }
        }
        outcome
    }

    fn settle_member(
        &mut self,
        session: &Session,
        nsr: &Value,
        mut vnfr: Value,
        body: &mut Value,
    ) -> Result<(), Problem> {
        let member = text(&vnfr, "member-vnf-index-ref").to_owned();
        addresses::from_descriptor(&mut vnfr, &nsr["nsd"]);
        let mut vim_id = text(body, "vimAccountId").to_owned();
        let mut vim = self.check_vim(session, &vim_id)?;
        for own in list(body, "vnf").iter().filter(|own| text(own, "member-vnf-index") == member) {
            if let Some(id) = own.get("vimAccountId").and_then(Value::as_str) {
                id.clone_into(&mut vim_id);
                vim = self.check_vim(session, id)?;
            }
        }
        // Before SOL006 it is left to the life-cycle manager to read them.
        if self.release.has_sol006_descriptors() {
            addresses::from_request(&mut vnfr, &member, body);
        }
        set(&mut vnfr, "vim-account-id", vim_id.as_str());
        if let Some(vca) = vim.get("vca").filter(|vca| !vca.is_null()) {
            set(&mut vnfr, "vca-id", vca.clone());
        }
        let mut forced = self.take_pdus(session, &mut vnfr, &vim_id)?;
        forced.extend(self.join_cluster(session, &mut vnfr, &vim_id)?);
        self.db.put(Collection::VnfInstances, vnfr);
        for network in forced {
            network.write_into(body, &member);
        }
        Ok(())
    }
}

impl ForcedNetwork {
    fn write_into(self, body: &mut Value, member: &str) {
        let (list, item) = match (self.ns_link, self.vnf_link) {
            (Some(link), vnf_link) => {
                ("vld", with_name(vnf_link.as_deref().unwrap_or(&link), &self.network))
            }
            (None, Some(link)) => (
                "vnf",
                json!({
                    "member-vnf-index": member,
                    "internal-vld": [with_name(&link, &self.network)],
                }),
            ),
            (None, None) => return,
        };
        if body.get(list).is_none_or(|own| !own.is_array()) {
            set(body, list, json!([]));
        }
        if let Some(items) = body[list].as_array_mut() {
            items.push(item);
        }
    }
}

fn with_name(name: &str, network: &Value) -> Value {
    let mut item = json!({"name": name});
    for (key, value) in network.as_object().into_iter().flatten() {
        set(&mut item, key, value.clone());
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_member_has_the_vca_of_its_vim_account_where_that_has_one() {
        let session = Session::of_project(None);
        for (vca, shown) in [(json!("vca"), Some(json!("vca"))), (json!(null), None)] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            state.db.put(Collection::VimAccounts, json!({"_id": "vim", "vca": vca}));
            let vnfr = json!({"_id": "v", "nsr-id-ref": "ns", "member-vnf-index-ref": "1"});
            state.db.put(Collection::VnfInstances, vnfr);
            let nsr = json!({"_id": "ns", "nsd": {}});
            let mut body = json!({"vimAccountId": "vim"});
            state.settle_members(&session, &nsr, &mut body).unwrap();
            let vnfr = state.db.get(Collection::VnfInstances, "v").unwrap();
            assert_eq!(vnfr.get("vca-id"), shown.as_ref());
        }
    }
}
