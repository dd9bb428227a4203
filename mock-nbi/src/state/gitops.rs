//! What OSM keeps in Git and lets workflows bring about: clusters with their node groups and
//! profiles, KSUs (Kubernetes software units), OKAs (their packages), instances of applications.
//!
//! Each record has a history of operations, `operationHistory`. The NBI only notes an operation and
//! tells the workflow engine; what that writes when it has ended is [`end`], kept simple.
//!
//! Source: OSM NBI `k8s_topics.py` and `acm_topic.py` of release 19.

mod apps;
mod attached;
mod clusters;
mod ending;
mod ksus;
mod node_groups;
mod okas;
mod profiles;

use serde_json::{Value, json};

use crate::operation::Work;
use crate::problem::Problem;
use crate::python::{repr_str, type_name};
use crate::state::State;
use crate::state::admin::secrets::ciphertext;
use crate::state::db::{Collection, list, set, text};
use crate::state::people;
use crate::state::session::Session;

pub(crate) use ending::end;
pub(crate) use okas::OkaContent;

/// Kinds of profiles as clusters and KSUs name them, in the order in which a cluster gets its own.
pub(crate) const PROFILES: [(&str, Collection); 4] = [
    ("infra_controller_profiles", Collection::ControllerProfiles),
    ("infra_config_profiles", Collection::ConfigProfiles),
    ("resource_profiles", Collection::ResourceProfiles),
    ("app_profiles", Collection::AppProfiles),
];

/// Characters of the keys that `age` makes.
const AGE_PUBLIC_CHARS: usize = 62;
const AGE_PRIVATE_CHARS: usize = 74;

/// Whether operations on such records stand in their own history.
pub(crate) fn is_kept_in_git(collection: Collection) -> bool {
    use Collection::{AppInstances, Clusters, Ksus, NodeGroups, Okas};
    matches!(collection, Clusters | NodeGroups | Ksus | AppInstances | Okas)
        || PROFILES.iter().any(|(_, profiles)| *profiles == collection)
}

/// The value of a key that OSM takes for granted.
///
/// # Errors
/// 400 with Python's words where it is not there.
fn field<'a>(body: &'a Value, key: &str) -> Result<&'a Value, Problem> {
    match body {
        Value::Object(fields) => fields.get(key).ok_or_else(|| Problem::bad_request(repr_str(key))),
        Value::Array(_) => {
            Err(Problem::bad_request("list indices must be integers or slices, not str"))
        }
        Value::String(_) => Err(Problem::bad_request("string indices must be integers")),
        other => {
            Err(Problem::bad_request(format!("'{}' object is not subscriptable", type_name(other))))
        }
    }
}

/// The same for a text.
fn text_field<'a>(body: &'a Value, key: &str) -> Result<&'a str, Problem> {
    Ok(field(body, key)?.as_str().unwrap_or_default())
}

/// The items of a list that OSM takes for granted.
fn items_field<'a>(body: &'a Value, key: &str) -> Result<&'a [Value], Problem> {
    let value = field(body, key)?;
    value.as_array().map(Vec::as_slice).ok_or_else(|| {
        Problem::bad_request(format!("'{}' object is not iterable", type_name(value)))
    })
}

/// Says at which step OSM refused; stumbles of the server itself come out bare.
fn at_step(problem: Problem, step: &str) -> Problem {
    if problem.status == http::StatusCode::BAD_REQUEST {
        return problem;
    }
    let detail = format!("{} while '{step}'", problem.detail);
    Problem { detail, ..problem }
}

/// The collection that OSM means by a word in its checks.
fn collection_of(word: &str) -> Result<Collection, Problem> {
    let others =
        [("cluster", Collection::Clusters), ("ksu", Collection::Ksus), ("oka", Collection::Okas)];
    PROFILES
        .iter()
        .chain(&others)
        .find(|(known, _)| *known == word)
        .map(|(_, collection)| *collection)
        .ok_or_else(|| Problem::bad_request(repr_str(word)))
}

/// The collection of the profiles of a kind.
fn profiles_of(kind: &str) -> Result<Collection, Problem> {
    let found = PROFILES.iter().find(|(known, _)| *known == kind);
    found.map(|(_, collection)| *collection).ok_or_else(|| Problem::bad_request(repr_str(kind)))
}

impl State {
    /// The record with this id, whoever it belongs to.
    fn any_record(&self, collection: Collection, id: &str) -> Result<Value, Problem> {
        let found = self.db.get(collection, id);
        found.map(std::borrow::Cow::into_owned).ok_or_else(|| people::not_in_db(collection, id))
    }

    /// Gives a new record its `_admin` and id.
    fn begin(&mut self, session: &Session, record: &mut Value, now: f64) -> String {
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        set(
            record,
            "_admin",
            json!({
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
            }),
        );
        set(record, "_id", id.as_str());
        set(record, "current_operation", Value::Null);
        id
    }

    /// Adds an operation to the history of a record; gives its id.
    fn note(
        &mut self,
        record: &mut Value,
        operation_type: &str,
        params: &Value,
        now: f64,
    ) -> String {
        let op_id = self.ids.uuid();
        let operation = json!({
            "operationType": operation_type,
            "op_id": op_id,
            "result": null,
            "creationDate": now,
            "endDate": null,
            "workflowState": null,
            "resourceState": null,
            "operationState": null,
            "gitOperationInfo": null,
            "operationParams": params,
        });
        if !record["operationHistory"].is_array() {
            set(record, "operationHistory", json!([]));
        }
        if let Some(history) = record["operationHistory"].as_array_mut() {
            history.push(operation);
        }
        op_id
    }

    /// Stores a record, the last operation of which goes on.
    fn keep_and_start(&mut self, collection: Collection, record: Value, now: f64) {
        let id = text(&record, "_id").to_owned();
        let index = list(&record, "operationHistory").len().saturating_sub(1);
        self.db.put(collection, record);
        self.submit_admin(Work::Admin { collection, id, index }, now);
    }

    /// The name of a new record in Git: its own in small letters, unless another has that.
    fn git_name(&mut self, session: &Session, collection: Collection, name: &str) -> String {
        let small = name.to_lowercase();
        let is_taken = self
            .db
            .find_with(collection, "git_name", &small, |other| session.sees(other))
            .is_some();
        if is_taken { format!("{small}{}", self.ids.git_suffix()) } else { small }
    }

    /// Whether a record is made and at rest, as OSM demands of everything that it builds upon. What
    /// could not be made may be deleted, and then nothing behind it is looked at.
    ///
    /// # Errors
    /// 404 unknown, 422 for any other state.
    fn check_at_rest(&self, things: &[(&str, &str)], is_deletion: bool) -> Result<(), Problem> {
        for (word, id) in things {
            let record = self.any_record(collection_of(word)?, id)?;
            let name = text(&record, "name");
            let (state, operating) = (text(&record, "state"), text(&record, "operatingState"));
            if is_deletion && state == "FAILED_CREATION" && operating == "IDLE" {
                return Ok(());
            }
            if state != "CREATED" {
                return Err(Problem::unprocessable(format!(
                    "State of the {name} {word} is {state}"
                )));
            }
            if operating == "PROCESSING" {
                return Err(Problem::unprocessable(format!(
                    "operatingState of the {name} {word} is not IDLE"
                )));
            }
        }
        Ok(())
    }
}

/// Gives a record its pair of keys, encrypted.
fn set_age_keys(record: &mut Value) {
    let id = text(record, "_id").to_owned();
    let key = |prefix: &str, chars: usize| {
        let text: String = prefix.chars().chain(id.chars().cycle()).take(chars).collect();
        ciphertext(&text, &id)
    };
    let (public, private) =
        (key("age1", AGE_PUBLIC_CHARS), key("AGE-SECRET-KEY-1", AGE_PRIVATE_CHARS));
    set(record, "age_pubkey", public);
    set(record, "age_privkey", private);
}

/// Says of a record that an operation is at it.
fn set_busy(record: &mut Value) {
    set(record, "operatingState", "PROCESSING");
    set(record, "resourceState", "IN_PROGRESS");
}
