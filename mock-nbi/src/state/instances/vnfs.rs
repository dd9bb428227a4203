//! VNF instances by themselves: each in an NS instance of its own, of an NSD made for it.
//!
//! Source: OSM NBI v19 `vnf_instance_topics.py` and its tests (`test_osm_vnfm.py`), which tell
//! bodies and effects. The module that makes the NSD was not at hand: its id, name and version are
//! the fake's own choice.

use serde_json::{Value, json};

use crate::descriptor::Kind;
use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, set, text};
use crate::state::packages::Upload;
use crate::state::session::{Access, Session};

impl State {
    /// Makes a VNF instance of the VNFD with the id `vnfdId`, with an NSD and an NS instance around
    /// it; gives its id. Leaves nothing behind when that is refused.
    ///
    /// # Errors
    /// 400 for missing keys, 422 for quotas and by schema; those of NSDs and of NS instances.
    pub(crate) fn create_vnf(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::NsDescriptors)?;
        let upload = Upload {
            parsed: Some(json!({"nsd": {"nsd": [descriptor_around(body)?]}})),
            ..Upload::default()
        };
        let nsd_id = self.create_package(session, Kind::Nsd, &json!({}), now);
        let created = self
            .upload(session, Kind::Nsd, &nsd_id, &upload, now)
            .and_then(|()| ns_around(body, &nsd_id))
            .and_then(|mut ns| self.create_ns(session, &mut ns, now));
        let ns_id = created.inspect_err(|_| self.forget_package(Kind::Nsd, &nsd_id))?;
        Ok(self.vnfr_ids(&ns_id).swap_remove(0))
    }

    /// Removes a VNF instance with the NS instance that it is in, and the NSD of that.
    ///
    /// # Errors
    /// 404 unknown; those of the removal of an NS instance and of an NSD.
    pub(crate) fn delete_vnf(&mut self, session: &Session, vnf_id: &str) -> Result<(), Problem> {
        let session = session.with(Access::Delete);
        let vnfr = session.find(&self.db, Collection::VnfInstances, vnf_id)?;
        let ns_id = text(&vnfr, "nsr-id-ref").to_owned();
        let nsr = session.find(&self.db, Collection::NsInstances, &ns_id)?;
        let nsd_id = text(&nsr["nsd"], "_id").to_owned();
        self.delete_ns(&session, &ns_id)?;
        self.delete_package(&session, Kind::Nsd, &nsd_id)
    }
}

/// The value of a key, or Python's own complaint about the missing one.
fn wanted<'a>(body: &'a Value, key: &str) -> Result<&'a Value, Problem> {
    body.get(key).ok_or_else(|| Problem::bad_request(format!("'{key}'")))
}

/// An NSD with the one VNF.
fn descriptor_around(body: &Value) -> Result<Value, Problem> {
    let params = wanted(body, "additionalParams")?;
    let vnfd_id = wanted(body, "vnfdId")?;
    let name = format!("{}-ns", vnfd_id.as_str().unwrap_or_default());
    Ok(json!({
        "id": name,
        "name": name,
        "designer": "OSM",
        "version": "1.0",
        "description": wanted(body, "vnfInstanceDescription")?,
        "vnfd-id": [vnfd_id],
        "virtual-link-desc": wanted(params, "virtual-link-desc")?,
        "df": [{
            "id": "default-df",
            "vnf-profile": [{
                "id": "1",
                "vnfd-id": vnfd_id,
                "virtual-link-connectivity": [{
                    "virtual-link-profile-id": wanted(params, "virtual-link-profile-id")?,
                    "constituent-cpd-id": [{
                        "constituent-base-element-id": "1",
                        "constituent-cpd-id": wanted(params, "constituent-cpd-id")?,
                    }],
                }],
            }],
        }],
    }))
}

/// The NS instance of the NSD: what the request has more is for it.
fn ns_around(body: &Value, nsd_id: &str) -> Result<Value, Problem> {
    let name = wanted(body, "vnfInstanceName")?.as_str().unwrap_or_default();
    let mut ns = body.clone();
    if let Some(fields) = ns.as_object_mut() {
        for key in ["vnfdId", "vnfInstanceName", "vnfInstanceDescription", "additionalParams"] {
            fields.shift_remove(key);
        }
    }
    set(&mut ns, "nsdId", nsd_id);
    set(&mut ns, "nsName", format!("{name}-ns"));
    Ok(ns)
}
