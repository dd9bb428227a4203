//! Changing and removing packages.

use serde_json::{Value, json};

use crate::descriptor::{self, Kind};
use crate::problem::Problem;
use crate::python;
use crate::request::Overlay;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

impl State {
    /// Changes state, user data or descriptor keys of a package (`PATCH`, and `PUT` of a bare
    /// descriptor): objects are merged, nulls remove.
    ///
    /// # Errors
    /// 404 unknown; 400 for no operational state; 409 for the state it has; 422 for the descriptor.
    pub(crate) fn edit_package(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        patch: &Value,
        overlay: &Overlay,
        now: f64,
    ) -> Result<(), Problem> {
        let old = session.find(&self.db, kind.collection(), id)?.into_owned();
        check_not_both(session, patch)?;
        if session.set_project.is_some() {
            let mut record = old;
            session.share(&mut record);
            set(admin_of(&mut record), "modified", now);
            self.db.put(kind.collection(), record);
            return Ok(());
        }
        let mut patch = descriptor::remove_envelope(kind, self.release, patch)?;
        overlay.lay_over(&mut patch)?;
        let patch = with_states(kind, &old, patch)?;
        let mut merged = old.clone();
        deep_update(&mut merged, &patch)?;
        let mut record = self.validated(session, kind, &old, merged, &patch, None)?;
        session.share(&mut record);
        set(admin_of(&mut record), "modified", now);
        self.db.put(kind.collection(), record);
        Ok(())
    }

    /// Removes a package, or only its mark for this project when others see it too.
    ///
    /// # Errors
    /// 404 unknown; 409 while something uses it, unless forced.
    pub(crate) fn delete_package(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
    ) -> Result<(), Problem> {
        let record = session.find(&self.db, kind.collection(), id)?.into_owned();
        if !session.force {
            let key = if kind == Kind::ConfigTemplate { "nsdId" } else { "id" };
            self.check_unused(session, kind, id, text(&record, key))?;
        }
        if kind == Kind::Nsd {
            self.forget_templates_of(id);
        }
        if self.unshare(session, kind.collection(), &record)? {
            return Ok(());
        }
        self.forget_package(kind, id);
        Ok(())
    }

    /// Removes a package with what was uploaded for it, whatever uses it.
    pub(crate) fn forget_package(&mut self, kind: Kind, id: &str) {
        let key = (kind.collection(), id.to_owned());
        self.files.remove(&key);
        self.chunks.remove(&key);
        let record = self.db.remove(kind.collection(), id);
        if kind == Kind::Vnfd {
            self.db.remove_with(Collection::PackageOperations, "vnfPkgId", id);
            self.forget_revisions(&record.unwrap_or_default());
        }
    }

    fn check_unused(
        &self,
        session: &Session,
        kind: Kind,
        id: &str,
        descriptor_id: &str,
    ) -> Result<(), Problem> {
        if descriptor_id.is_empty() && kind != Kind::Nst {
            return Ok(());
        }
        let is_old = !self.release.has_sol006_descriptors();
        let sees_any = |collection, place: &str, name: &str| {
            self.db.find_with(collection, place, name, |record| session.sees(record)).is_some()
        };
        let refusal = match kind {
            Kind::Nsd if sees_any(Collection::NsInstances, "nsd-id", id) => {
                if is_old {
                    "There is at least one NS using this descriptor"
                } else {
                    "There is at least one NS instance using this descriptor"
                }
            }
            Kind::Nsd
                if sees_any(
                    Collection::SliceTemplates,
                    "netslice-subnet.nsd-ref",
                    descriptor_id,
                ) =>
            {
                "There is at least one NetSlice Template referencing this descriptor"
            }
            Kind::Vnfd if sees_any(Collection::VnfInstances, "vnfd-id", id) => {
                if is_old {
                    "There is at least one VNF using this descriptor"
                } else {
                    "There is at least one VNF instance using this descriptor"
                }
            }
            Kind::Vnfd
                if is_old
                    && sees_any(
                        Collection::NsDescriptors,
                        "constituent-vnfd.vnfd-id-ref",
                        descriptor_id,
                    ) =>
            {
                "There is at least one NSD referencing this descriptor"
            }
            Kind::Vnfd if sees_any(Collection::NsDescriptors, "vnfd-id", descriptor_id) => {
                "There is at least one NS package referencing this descriptor"
            }
            Kind::Nst if sees_any(Collection::SliceInstances, "_admin.nst-id", id) => {
                "there is at least one Netslice Instance using this descriptor"
            }
            Kind::ConfigTemplate if self.is_used(kind, id) => {
                "There is at least one NS instance using this template"
            }
            Kind::Vnfd | Kind::Nsd | Kind::Nst | Kind::ConfigTemplate => return Ok(()),
        };
        Err(Problem::conflict(refusal))
    }
}

/// An edit with its state and user data where the record has them, below `_admin`.
fn with_states(kind: Kind, old: &Value, mut patch: Value) -> Result<Value, Problem> {
    let key = match kind {
        Kind::Nsd => "nsdOperationalState",
        Kind::Vnfd | Kind::Nst | Kind::ConfigTemplate => "operationalState",
    };
    let Some(fields) = patch.as_object_mut() else {
        return Ok(patch);
    };
    fields.shift_remove("_id");
    let state = fields.shift_remove(key);
    let user_data = fields.shift_remove("userDefinedData");
    if fields.get("_admin").is_none() {
        fields.insert("_admin".into(), json!({}));
    }
    let admin = &mut patch["_admin"];
    if let Some(state) = state {
        if state != "ENABLED" && state != "DISABLED" {
            return Err(Problem::bad_request(format!(
                "State '{}' is not a valid operational state",
                state.as_str().map_or_else(|| python::repr(&state), str::to_owned)
            )));
        }
        set(admin, "operationalState", state);
    }
    if let Some(user_data) = user_data {
        if !user_data.is_object() {
            return Err(Problem::bad_request(format!(
                "userDefinedData should be an object, but is '<class '{}'>' instead",
                python::type_name(&user_data)
            )));
        }
        set(admin, "userDefinedData", user_data);
    }
    let current = &old["_admin"]["operationalState"];
    if admin.get("operationalState") == Some(current) {
        return Err(Problem::conflict(format!(
            "{key} already {}",
            current.as_str().unwrap_or_default()
        )));
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn a_package_that_nothing_was_uploaded_for_is_held_by_nothing() {
        let session = Session::of_project(None);
        let mut state = State::empty(Release::R10, Profile::instant(), 1);
        let nsd = json!({"_id": "n", "id": "n", "vnfd-id": [""], "_admin": {}});
        state.db.put(Collection::NsDescriptors, nsd);
        state.db.put(Collection::VnfPackages, json!({"_id": "v", "_admin": {}}));
        assert_eq!(state.delete_package(&session, Kind::Vnfd, "v"), Ok(()));
        assert!(state.db.get(Collection::VnfPackages, "v").is_none());
    }
}
