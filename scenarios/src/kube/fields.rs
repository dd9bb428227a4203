//! Fields of objects that anybody wrote.

use serde_json::{Map, Value, json};

/// The fields of a value, which becomes an object if it is none.
pub(super) fn fields_of_object(object: &mut Value) -> &mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    object.as_object_mut().expect("it was made one")
}

/// The fields of one of an object's fields.
pub(super) fn fields_of<'a>(object: &'a mut Value, name: &str) -> &'a mut Map<String, Value> {
    let fields = fields_of_object(object);
    fields_of_object(fields.entry(name).or_insert_with(|| json!({})))
}

/// Sets a field, or takes it away.
pub(super) fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.shift_remove(name),
    };
}
