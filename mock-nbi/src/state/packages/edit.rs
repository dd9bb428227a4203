//! Changing and removing packages.

use serde_json::{Value, json};

use crate::descriptor::{self, Kind};
use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, admin_of, merge_patch, set, text};
use crate::state::session::{Access, Session};

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
        now: f64,
    ) -> Result<(), Problem> {
        let old = session.find(&self.db, kind.collection(), id)?.into_owned();
        if let Some(projects) = &session.set_project {
            let mut record = old;
            add_projects(&mut record, projects, now);
            self.db.put(kind.collection(), record);
            return Ok(());
        }
        let mut patch = descriptor::remove_envelope(kind, patch)?;
        let mut merged = old.clone();
        let state_key = match kind {
            Kind::Vnfd => "operationalState",
            Kind::Nsd => "nsdOperationalState",
        };
        let mut user_data = None;
        if let Some(fields) = patch.as_object_mut() {
            if let Some(state) = fields.shift_remove(state_key) {
                change_state(&mut merged, state_key, &state)?;
            }
            user_data = fields.shift_remove("userDefinedData");
        }
        if let Some(user_data) = user_data {
            merge_patch(&mut admin_of(&mut merged)["userDefinedData"], &user_data);
        }
        if patch.as_object().is_some_and(|fields| !fields.is_empty()) {
            merge_patch(&mut merged, &patch);
            merged = self.validated(session, kind, &old, merged)?;
        }
        set(admin_of(&mut merged), "modified", now);
        self.db.put(kind.collection(), merged);
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
            self.check_unused(session, kind, id, text(&record, "id"))?;
        }
        if self.unshare(session, kind.collection(), &record) {
            return Ok(());
        }
        self.forget_package(kind, id);
        Ok(())
    }

    /// Removes a package with what was uploaded for it, whatever uses it.
    pub(crate) fn forget_package(&mut self, kind: Kind, id: &str) {
        let key = (kind.collection(), id.to_owned());
        self.files.shift_remove(&key);
        self.chunks.shift_remove(&key);
        self.db.remove(kind.collection(), id);
    }

    fn check_unused(
        &self,
        session: &Session,
        kind: Kind,
        id: &str,
        descriptor_id: &str,
    ) -> Result<(), Problem> {
        let refusal = match kind {
            Kind::Nsd if self.is_used(kind, id) => {
                "There is at least one NS instance using this descriptor"
            }
            Kind::Vnfd if self.is_used(kind, id) => {
                "There is at least one VNF instance using this descriptor"
            }
            Kind::Vnfd if !descriptor_id.is_empty() => {
                let project = session.with(Access::List);
                let is_named = self
                    .db
                    .with(Collection::NsDescriptors, "vnfd-id", descriptor_id)
                    .any(|nsd| project.sees(&nsd));
                if !is_named {
                    return Ok(());
                }
                "There is at least one NS package referencing this descriptor"
            }
            Kind::Vnfd | Kind::Nsd => return Ok(()),
        };
        Err(Problem::conflict(refusal))
    }
}

/// Whether `PATCH` may set this state, and does.
fn change_state(record: &mut Value, key: &str, state: &Value) -> Result<(), Problem> {
    let admin = admin_of(record);
    if state != "ENABLED" && state != "DISABLED" {
        return Err(Problem::bad_request(format!(
            "State '{}' is not a valid operational state",
            state.as_str().map_or_else(|| state.to_string(), str::to_owned)
        )));
    }
    if admin["operationalState"] == *state {
        return Err(Problem::conflict(format!(
            "{key} already {}",
            text(admin, "operationalState")
        )));
    }
    set(admin, "operationalState", state.clone());
    Ok(())
}

fn add_projects(record: &mut Value, projects: &[String], now: f64) {
    let admin = admin_of(record);
    for project in projects {
        if let Some(read) = admin["projects_read"].as_array_mut()
            && !read.iter().any(|name| name == project)
        {
            read.push(json!(project));
        }
    }
    set(admin, "modified", now);
}
