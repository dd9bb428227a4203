//! Physical deployment units: devices that VNFs are put on without a VIM.
//!
//! Source: OSM NBI `descriptor_topics.py` (`PduTopic`); recorded case `pdu_crud`.

use serde_json::{Value, json};

use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, admin_of, set, with_id_first};
use crate::state::merge::deep_update;
use crate::state::session::Session;

impl State {
    /// Keeps a device; gives its id.
    ///
    /// # Errors
    /// 422 by schema.
    pub(crate) fn create_pdu(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::PduDescriptors)?;
        schema::check(body, &input::PDU_NEW, self.release, "")?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let mut record = body.clone();
        set(
            &mut record,
            "_admin",
            json!({
                "created": now,
                "modified": now,
                "projects_read": read,
                "projects_write": write,
                "onboardingState": "CREATED",
                "operationalState": "ENABLED",
                "usageState": "NOT_IN_USE",
            }),
        );
        set(&mut record, "_id", id.as_str());
        self.db.put(Collection::PduDescriptors, record);
        Ok(id)
    }

    /// Changes a device as [`deep_update`] does.
    ///
    /// # Errors
    /// 404 unknown and for edits of lists that mean nothing, 422 by schema.
    pub(crate) fn edit_pdu(
        &mut self,
        session: &Session,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        let record = session.find(&self.db, Collection::PduDescriptors, id)?.into_owned();
        schema::check(patch, &input::PDU_EDIT, self.release, "")?;
        let mut record = with_id_first(record);
        deep_update(&mut record, patch)?;
        set(admin_of(&mut record), "modified", now);
        self.db.put(Collection::PduDescriptors, record);
        Ok(())
    }

    /// Removes a device, or only its mark for this project when others see it too.
    ///
    /// # Errors
    /// 404 unknown; 409 while a VNF is on it, unless forced.
    pub(crate) fn delete_pdu(&mut self, session: &Session, id: &str) -> Result<(), Problem> {
        let record = session.find(&self.db, Collection::PduDescriptors, id)?.into_owned();
        let is_in_use = || {
            let mut vnfs = self.db.with(Collection::VnfInstances, "vdur.pdu-id", id);
            vnfs.any(|vnf| session.sees(&vnf))
        };
        if !session.force && is_in_use() {
            return Err(Problem::conflict("There is at least one VNF instance using this PDU"));
        }
        if !self.unshare(session, Collection::PduDescriptors, &record)? {
            self.db.remove(Collection::PduDescriptors, id);
        }
        Ok(())
    }
}
