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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Kind;
    use crate::profile::Profile;
    use crate::release::Release;
    use crate::state::session::Session;

    fn package(id: &str, revision: u64) -> Value {
        json!({"_id": id, "_admin": {"revision": revision}})
    }

    #[test]
    fn every_revision_of_a_package_goes_with_it() {
        let mut state = State::empty(Release::R19, Profile::instant(), 1);
        for (id, revision) in [("v", 1), ("v", 2), ("v", 3), ("other", 1)] {
            state.keep_revision(&package(id, revision));
        }
        state.forget_revisions(&package("v", 3));
        let kept = state.db.iter(Collection::VnfPackageRevisions);
        let ids: Vec<String> = kept.map(|revision| text(&revision, "_id").to_owned()).collect();
        assert_eq!(ids, ["other:1"]);
    }

    #[test]
    fn a_copy_of_a_package_without_content_can_be_deleted() {
        let mut state = State::empty(Release::R19, Profile::instant(), 1);
        state.keep_revision(&package("v", 0));
        state.db.put(Collection::VnfPackages, package("v", 0));
        let session = Session::of_project(None);
        assert_eq!(state.delete_package(&session, Kind::Vnfd, "v"), Ok(()));
        assert!(!state.db.contains(Collection::VnfPackages, "v"));
    }
}
