//! Users, projects and roles by name or by id.
//!
//! Source: OSM NBI `base_topic.py`, `id_field`, and `authconn.py`.

use std::borrow::Cow;

use serde_json::Value;

use crate::problem::Problem;
use crate::python::repr_str;
use crate::state::db::{Collection, Db};

/// Whether Python's `UUID()` takes the text: 32 hexadecimal digits, with hyphens anywhere.
pub(crate) fn is_uuid(text: &str) -> bool {
    let bare = text.replace("urn:", "").replace("uuid:", "");
    let digits = bare.trim_matches(['{', '}']).replace('-', "");
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The key by which OSM looks for `id`: `_id` for what looks like a UUID, else the name.
pub(crate) fn key_of(collection: Collection, id: &str) -> &'static str {
    if is_uuid(id) { "_id" } else { name_key(collection) }
}

fn name_key(collection: Collection) -> &'static str {
    if collection == Collection::Users { "username" } else { "name" }
}

/// The record with this id or name.
pub(crate) fn find(db: &Db, collection: Collection, id: &str) -> Option<Value> {
    if is_uuid(id) {
        db.get(collection, id).map(Cow::into_owned)
    } else {
        named(db, collection, id)
    }
}

/// The record with this name.
pub(crate) fn named(db: &Db, collection: Collection, name: &str) -> Option<Value> {
    let key = name_key(collection);
    db.with(collection, key, name).next().map(Cow::into_owned)
}

/// As [`find`], with the refusal of OSM's lists of users, projects and roles.
///
/// # Errors
/// 404 `project with {'name': 'x'} not found`.
pub(crate) fn expect(db: &Db, collection: Collection, id: &str) -> Result<Value, Problem> {
    find(db, collection, id).ok_or_else(|| {
        let what = match collection {
            Collection::Users => "User",
            Collection::Projects => "project",
            _ => "Role",
        };
        Problem::not_found(format!("{what} with {} not found", filter(collection, id)))
    })
}

/// The database's own refusal.
pub(crate) fn not_in_db(collection: Collection, id: &str) -> Problem {
    not_found_by(collection, &filter(collection, id))
}

/// The database's own refusal of a filter.
pub(crate) fn not_found_by(collection: Collection, filter: &str) -> Problem {
    Problem::not_found(format!(
        "database exception database exception Not found any {} with filter='{filter}'",
        collection.singular(),
    ))
}

/// A filter as Python prints it: `{'name': 'x'}`.
pub(crate) fn filter(collection: Collection, id: &str) -> String {
    filter_by(key_of(collection, id), id)
}

/// A filter by this key.
pub(crate) fn filter_by(key: &str, value: &str) -> String {
    format!("{{{}: {}}}", repr_str(key), repr_str(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_what_python_takes_for_one() {
        for uuid in [
            "00000000-0000-4000-8000-000000000000",
            "00000000000040008000000000000000",
            "{0000000-00000-4000-8000-000000000000}",
            "urn:uuid:00000000-0000-4000-8000-00000000000A",
        ] {
            assert!(is_uuid(uuid), "{uuid}");
        }
        for name in ["", "admin", "00000000-0000-4000-8000-00000000000g", "0000"] {
            assert!(!is_uuid(name), "{name}");
        }
    }
}
