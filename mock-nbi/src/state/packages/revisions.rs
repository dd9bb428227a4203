//! Revisions of VNFDs: each as it was uploaded, which is what the instances made of it go by.
//!
//! Source: OSM NBI v19 `descriptor_topics.py` (`upload_content`, `delete_extra`) and
//! `instance_topics.py` (`_get_vnfd_from_vnf_member_index`).

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, set, text};

fn revision_id(vnfd_id: &str, revision: &Value) -> String {
    format!("{vnfd_id}:{revision}")
}

impl State {
    /// Keeps a VNFD as it is now beside the one that goes on changing, in releases that do.
    pub(crate) fn keep_revision(&mut self, vnfd: &Value) {
        let Some(revision) = vnfd["_admin"].get("revision") else {
            return;
        };
        let id = revision_id(text(vnfd, "_id"), revision);
        let mut kept = vnfd.clone();
        set(&mut kept, "_id", id);
        self.db.put(Collection::VnfPackageRevisions, kept);
    }

    /// Removes what was kept of a VNFD.
    pub(crate) fn forget_revisions(&mut self, vnfd: &Value) {
        let mut last = vnfd["_admin"]["revision"].as_u64().unwrap_or(0);
        let id = text(vnfd, "_id");
        let mut remove = |number: u64| {
            let id = revision_id(id, &json!(number));
            self.db.remove(Collection::VnfPackageRevisions, &id).is_some()
        };
        while last > 0 && remove(last) {
            last -= 1;
        }
    }

    /// The VNFD that a VNF was made of: its revision then, where releases have such.
    ///
    /// # Errors
    /// 400 where it was deleted.
    pub(crate) fn vnfd_of(&self, vnfr: &Value) -> Result<Value, Problem> {
        let vnfd_id = text(vnfr, "vnfd-id");
        let vnfd = match vnfr.get("revision") {
            Some(revision) => {
                self.db.get(Collection::VnfPackageRevisions, &revision_id(vnfd_id, revision))
            }
            None => self.db.get(Collection::VnfPackages, vnfd_id),
        };
        vnfd.map(Cow::into_owned).ok_or_else(|| {
            Problem::bad_request(format!(
                "vnfd id={vnfd_id} has been deleted!. Operation cannot be performed"
            ))
        })
    }
}
