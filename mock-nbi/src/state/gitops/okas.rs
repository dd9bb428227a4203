//! OKAs: packages of what KSUs run.
//!
//! What is uploaded is not kept: no URL of OSM gives it back.
//!
//! Source: OSM NBI `k8s_topics.py` (`OkaTopic`) and `nbi.py` of release 19.

use serde_json::{Value, json};

use super::{set_busy, text_field};
use crate::input::gitops::OKA;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::admin::check_not_both;
use crate::state::db::{Collection, admin_of, merge_patch, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

const OKAS: Collection = Collection::Okas;

/// What comes as the content of an OKA.
#[derive(Debug)]
pub(crate) enum OkaContent {
    /// A file of a form, with its name in the package store.
    File(String),
    /// JSON or YAML, which OSM also lays over the record.
    Data(Value, String),
    /// A bare body, over which OSM stumbles.
    Stream,
}

impl State {
    /// Makes an OKA, with its content; gives its id.
    ///
    /// # Errors
    /// 422 by schema, 409 for a name in use, 400 without name or content.
    pub(crate) fn create_oka(
        &mut self,
        session: &Session,
        fields: &Value,
        content: Option<OkaContent>,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(fields, &OKA, self.release, "")?;
        self.check_name_is_free(session, OKAS, text_field(fields, "name")?, None)?;
        let Some(content) = content else {
            return Err(Problem::bad_request(
                "local variable 'completed' referenced before assignment",
            ));
        };
        let mut record = fields.clone();
        let id = self.begin(session, &mut record, now);
        let admin = admin_of(&mut record);
        set(admin, "onboardingState", "CREATED");
        set(admin, "operationalState", "DISABLED");
        set(admin, "usageState", "NOT_IN_USE");
        set(&mut record, "state", "PENDING_CONTENT");
        set_busy(&mut record);
        self.note(&mut record, "create", fields, now);
        let git_name = self.git_name(session, OKAS, text(fields, "name"));
        set(&mut record, "git_name", git_name);
        store(&mut record, content, now)?;
        set(&mut record, "state", "IN_CREATION");
        self.keep_and_start(OKAS, record, now);
        Ok(id)
    }

    /// Gives an OKA new content.
    ///
    /// # Errors
    /// 404 and 422 unless it is there and at rest, 400 for a bare body.
    pub(crate) fn upload_oka(
        &mut self,
        session: &Session,
        id: &str,
        content: OkaContent,
        now: f64,
    ) -> Result<(), Problem> {
        self.check_at_rest(&[("oka", id)], false)?;
        let mut record = session.find(&self.db, OKAS, id)?.into_owned();
        let filename = store(&mut record, content, now)?;
        self.note(&mut record, "update", &json!({"package": filename}), now);
        set_busy(&mut record);
        self.keep_and_start(OKAS, record, now);
        Ok(())
    }

    /// Changes name, description or kind.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema, 409 for a name in use, or for a name or description that is there.
    pub(crate) fn edit_oka(
        &mut self,
        session: &Session,
        id: &str,
        change: &Value,
        now: f64,
    ) -> Result<(), Problem> {
        check_not_both(session, change)?;
        let mut record = session.find(&self.db, OKAS, id)?.into_owned();
        schema::check(change, &OKA, self.release, "")?;
        let same = |key: &str| {
            let text = text(change, key);
            Problem::conflict(format!("No update, new {key} for the OKA is the same: {text}"))
        };
        if let Some(name) = change.get("name") {
            if *name == record["name"] {
                return Err(same("name"));
            }
            self.check_name_is_free(session, OKAS, text(change, "name"), None)?;
        } else if let Some(description) = change.get("description") {
            let Some(old) = record.get("description") else {
                return Err(Problem::bad_request("'description'"));
            };
            if description == old {
                return Err(same("description"));
            }
        }
        set(admin_of(&mut record), "modified", now);
        deep_update(&mut record, change)?;
        self.db.put(OKAS, record);
        Ok(())
    }

    /// Asks for an OKA to be removed; gives the operation's id.
    ///
    /// # Errors
    /// 404 unknown, 422 unless it is at rest, 409 while a KSU uses it.
    pub(crate) fn delete_oka(
        &mut self,
        session: &Session,
        id: &str,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_at_rest(&[("oka", id)], true)?;
        let mut record = session.find(&self.db, OKAS, id)?.into_owned();
        if text(&record["_admin"], "usageState") == "IN_USE" {
            return Err(Problem::conflict("There is a KSU using this package"));
        }
        set(&mut record, "state", "IN_DELETION");
        set(&mut record, "operatingState", "PROCESSING");
        let op_id = self.note(&mut record, "delete", &Value::Null, now);
        self.keep_and_start(OKAS, record, now);
        Ok(op_id)
    }
}

/// Writes of an upload what the record shows; gives the name of the file.
fn store(record: &mut Value, content: OkaContent, now: f64) -> Result<String, Problem> {
    let (filename, data) = match content {
        OkaContent::File(name) => (name, None),
        OkaContent::Data(data, name) => (name, Some(data)),
        OkaContent::Stream => {
            return Err(Problem::bad_request("'RequestBody' object has no attribute 'file'"));
        }
    };
    let id = text(record, "_id").to_owned();
    let admin = admin_of(record);
    let revision = admin["revision"].as_u64().unwrap_or(0) + 1;
    set(
        admin,
        "storage",
        json!({
            "fs": "mongo", "path": "/app/storage/", "folder": format!("{id}:{revision}"),
            "zipfile": filename,
        }),
    );
    set(admin, "onboardingState", "ONBOARDED");
    set(admin, "operationalState", "ENABLED");
    set(admin, "modified", now);
    set(admin, "revision", revision);
    if let Some(mut data) = data {
        // What the record is known and followed by stays as it is.
        if let Some(fields) = data.as_object_mut() {
            for key in ["_id", "_admin", "operationHistory"] {
                fields.shift_remove(key);
            }
            merge_patch(record, &data);
        }
    }
    Ok(filename)
}
