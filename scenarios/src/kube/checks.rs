//! What is looked at before an object is written.

use serde_json::Value;

use super::event;
use super::fields::{fields_of, fields_of_object};
use super::kind::Kind;
use super::own;
use super::refusal::{Mistake, Refusal};
use super::schema;
use super::state::Target;

/// A body as it is kept: of the right kind, without what is null or empty in `metadata`.
pub(super) fn read(kind: &Kind, body: &Value) -> Result<Value, Refusal> {
    let said = |field: &str| body[field].as_str().unwrap_or_default();
    let (api_version, name) = (said("apiVersion"), said("kind"));
    let is_custom = kind.definition.is_some();
    if !body.is_object() || (is_custom && name.is_empty()) {
        let title = &kind.kind;
        let message = format!(
            "{title} in version {:?} cannot be handled as a {title}: Object 'Kind' is missing in '{body}'",
            kind.version
        );
        return Err(Refusal::bad_request(message));
    }
    let is_other = !name.is_empty() && name != kind.kind
        || !api_version.is_empty() && api_version != kind.api_version();
    if is_other {
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let message = format!(
            "{name} in version {version:?} cannot be handled as a {}: unknown conversion",
            kind.kind
        );
        return Err(Refusal::bad_request(message));
    }
    let mut object = kept_form(kind, body);
    let metadata = fields_of(&mut object, "metadata");
    metadata.shift_remove("managedFields");
    metadata.shift_remove("selfLink");
    metadata.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
    Ok(object)
}

pub(super) fn kept_form(kind: &Kind, object: &Value) -> Value {
    if kind.is_newer_event() { event::core(object) } else { object.clone() }
}

/// Shapes a custom object by its schema; checks every object's name, and a custom one as a whole.
pub(super) fn check(kind: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let mut mistakes = own::name_mistakes(kind, object);
    if let Some(definition) = &kind.definition {
        schema::shape(object, &definition.schema);
        mistakes.extend(schema::mistakes(object, &definition.schema));
    }
    mistakes.extend(own::mistakes(kind, object));
    if mistakes.is_empty() {
        return Ok(());
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Err(Refusal::invalid(kind, name, &mistakes))
}

/// An apply says which kind and version it means, and no other name.
pub(super) fn check_applied<'a>(target: &Target, object: &'a Value) -> Result<&'a Value, Refusal> {
    let said = object["apiVersion"].as_str().unwrap_or_default();
    let wanted = target.kind.api_version();
    if said != wanted {
        let message = format!(
            "Incorrect version specified in apply patch. Specified patch version: {said}, expected: {wanted}"
        );
        return Err(Refusal::bad_request(message));
    }
    Ok(object)
}

pub(super) fn check_precondition(
    target: &Target,
    before: &Value,
    object: &Value,
) -> Result<(), Refusal> {
    let said = |field: &str| object["metadata"][field].as_str().filter(|text| !text.is_empty());
    let there = |field: &str| before["metadata"][field].as_str().unwrap_or_default();
    if let Some(uid) = said("uid").filter(|uid| *uid != there("uid")) {
        let there = there("uid");
        let kind = &target.kind;
        let group = if kind.group.is_empty() { String::new() } else { format!("/{}", kind.group) };
        let key =
            format!("/registry{group}/{}/{}/{}", kind.plural, target.namespace, target.name());
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {uid}, UID in object meta: {there}"
        );
        return Err(Refusal::conflict(&target.kind, target.name(), &why));
    }
    if said("resourceVersion").is_some_and(|version| version != there("resourceVersion")) {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Refusal::conflict(&target.kind, target.name(), why));
    }
    Ok(())
}

/// What is to be deleted gets no further finalizers.
pub(super) fn check_finalizers(kind: &Kind, before: &Value, object: &Value) -> Result<(), Refusal> {
    if !before["metadata"]["deletionTimestamp"].is_string() {
        return Ok(());
    }
    let of =
        |object: &Value| object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let known = of(before);
    let new: Vec<String> =
        of(object).iter().filter(|one| !known.contains(one)).map(Value::to_string).collect();
    if new.is_empty() {
        return Ok(());
    }
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        new.join(", ")
    );
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    Err(Refusal::invalid(kind, name, &[Mistake::forbidden("metadata.finalizers", &why)]))
}

pub(super) fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty())
}

/// Whether anything changed but what is said of the object.
pub(super) fn declares_otherwise(kind: &Kind, before: &Value, after: &Value) -> bool {
    let declared = |object: &Value| {
        let mut object = object.clone();
        let fields = fields_of_object(&mut object);
        fields.shift_remove("metadata");
        if kind.has_status {
            fields.shift_remove("status");
        }
        object
    };
    declared(before) != declared(after)
}

pub(super) fn schema_of(kind: &Kind) -> &Value {
    kind.definition.as_ref().map_or(&Value::Null, |definition| &definition.schema)
}
