//! VIM accounts and K8s clusters: things OSM registers, tries out, and only then enables.
//!
//! Source: NBI_FACTS.md section 6; recorded cases `vim_accounts_*` and `k8sclusters_crud`.

use serde_json::{Value, json};

use crate::ids::Ids;
use crate::input;
use crate::operation::Work;
use crate::problem::Problem;
use crate::schema::{self, Schema};
use crate::state::State;
use crate::state::db::{Collection, admin_of, merge_patch, set, text};
use crate::state::session::{Access, Session};

/// Says nothing was asked to be changed.
pub(crate) const NOTHING_TO_UPDATE: &str = "Nothing to update. Provide payload and/or query string";

/// What became of a removal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// The record (or this project's mark on it) is gone.
    Done,
    /// An operation with this id will remove it.
    Started(String),
}

fn schemas(collection: Collection) -> (&'static Schema, &'static Schema) {
    if collection == Collection::VimAccounts {
        (&input::VIM_NEW, &input::VIM_EDIT)
    } else {
        (&input::K8S_NEW, &input::K8S_EDIT)
    }
}

impl State {
    /// Registers an item; gives its id. Its first operation is `<id>:0`.
    ///
    /// # Errors
    /// 422 by schema, 409 for a name in use.
    pub(crate) fn create_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(body, schemas(collection).0, self.release, "")?;
        self.check_name_is_free(session, collection, text(body, "name"), None)?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let mut admin = json!({
            "created": now,
            "modified": now,
            "projects_read": read,
            "projects_write": write,
            "operationalState": "PROCESSING",
            "operations": [self.operation("create", now)],
            "current_operation": null,
        });
        if collection == Collection::K8sClusters {
            set(&mut admin, "helm_chart_repos", json!([]));
            set(&mut admin, "juju_bundle_repos", json!([]));
        }
        let mut record = body.clone();
        encrypt(&mut record, &mut self.ids);
        set(&mut record, "_admin", admin);
        set(&mut record, "_id", id.as_str());
        set(&mut record, "schema_version", "1.11");
        if self.release.has_verbose_ids() {
            set(&mut record, "key", "registered");
        }
        self.db.put(collection, record);
        self.submit(Work::Admin { collection, id: id.clone(), index: 0 }, now);
        Ok(id)
    }

    /// Changes an item; gives the id of the operation.
    ///
    /// # Errors
    /// 404 unknown, 422 by schema, 409 for a name in use.
    pub(crate) fn edit_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        patch: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        let mut record = session.find(&self.db, collection, id)?.into_owned();
        schema::check(patch, schemas(collection).1, self.release, "")?;
        if let Some(name) = patch.get("name").and_then(Value::as_str)
            && name != text(&record, "name")
        {
            self.check_name_is_free(session, collection, name, Some(id))?;
        }
        let mut patch = patch.clone();
        encrypt(&mut patch, &mut self.ids);
        merge_patch(&mut record, &patch);
        set(admin_of(&mut record), "modified", now);
        Ok(self.start_operation(collection, record, "edit", now))
    }

    /// Removes an item through an operation, or at once when forced.
    ///
    /// # Errors
    /// 404 unknown, 409 while a VNF uses it, unless forced.
    pub(crate) fn delete_admin_item(
        &mut self,
        session: &Session,
        collection: Collection,
        id: &str,
        now: f64,
    ) -> Result<Removal, Problem> {
        let mut record = session.find(&self.db, collection, id)?.into_owned();
        if !session.force {
            self.check_not_used_by_vnf(collection, id)?;
        }
        if self.unshare(session, collection, &record) {
            return Ok(Removal::Done);
        }
        if session.force {
            self.db.remove(collection, id);
            self.engine.forget(id);
            return Ok(Removal::Done);
        }
        set(admin_of(&mut record), "to_delete", true);
        Ok(Removal::Started(self.start_operation(collection, record, "delete", now)))
    }

    fn start_operation(
        &mut self,
        collection: Collection,
        mut record: Value,
        operation_type: &str,
        now: f64,
    ) -> String {
        let id = text(&record, "_id").to_owned();
        let operation = self.operation(operation_type, now);
        let mut index = 0;
        if let Some(operations) = admin_of(&mut record)["operations"].as_array_mut() {
            index = operations.len();
            operations.push(operation);
        }
        self.db.put(collection, record);
        self.submit(Work::Admin { collection, id: id.clone(), index }, now);
        format!("{id}:{index}")
    }

    fn operation(&self, operation_type: &str, now: f64) -> Value {
        let mut operation = json!({
            "lcmOperationType": operation_type,
            "operationState": "PROCESSING",
            "startTime": now,
            "statusEnteredTime": now,
        });
        // Release 10 has no such key. Source: release10/ns-create.jsonl, exchange 2.
        if self.release.has_verbose_ids() {
            set(&mut operation, "detailed-status", "");
        }
        set(&mut operation, "operationParams", Value::Null);
        operation
    }

    fn check_name_is_free(
        &self,
        session: &Session,
        collection: Collection,
        name: &str,
        except: Option<&str>,
    ) -> Result<(), Problem> {
        let project = session.with(Access::List);
        let mut of_name = self.db.with(collection, "name", name);
        let is_taken =
            of_name.any(|other| project.sees(&other) && Some(text(&other, "_id")) != except);
        if is_taken {
            let table = collection.table();
            return Err(Problem::conflict(format!("name '{name}' already exists for {table}")));
        }
        Ok(())
    }

    fn check_not_used_by_vnf(&self, collection: Collection, id: &str) -> Result<(), Problem> {
        let place = if collection == Collection::VimAccounts {
            "vim-account-id"
        } else {
            "kdur.k8s-cluster.id"
        };
        if self.db.count_with(Collection::VnfInstances, place, id) == 0 {
            return Ok(());
        }
        Err(Problem::conflict(if collection == Collection::VimAccounts {
            "There is at least one VNF using this VIM account"
        } else {
            "There is at least one VNF using this k8scluster"
        }))
    }
}

/// Replaces every password and secret by something that looks like ciphertext.
fn encrypt(value: &mut Value, ids: &mut Ids) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                if inner.is_string() && (key.ends_with("password") || key.ends_with("secret")) {
                    *inner = Value::from(ids.ciphertext());
                } else {
                    encrypt(inner, ids);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| encrypt(item, ids)),
        _ => {}
    }
}
