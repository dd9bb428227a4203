//! Records by collection, in the order they were made.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

/// What the fake keeps records of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Collection {
    /// `vnfds`
    VnfPackages,
    /// `nsds`
    NsDescriptors,
    /// `nsrs`
    NsInstances,
    /// `vnfrs`
    VnfInstances,
    /// `nslcmops`
    Operations,
    /// `vim_accounts`
    VimAccounts,
    /// `k8sclusters`
    K8sClusters,
    /// `projects`
    Projects,
    /// `users`
    Users,
    /// `roles`
    Roles,
}

impl Collection {
    /// Name of the collection in OSM's database.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::VnfPackages => "vnfds",
            Self::NsDescriptors => "nsds",
            Self::NsInstances => "nsrs",
            Self::VnfInstances => "vnfrs",
            Self::Operations => "nslcmops",
            Self::VimAccounts => "vim_accounts",
            Self::K8sClusters => "k8sclusters",
            Self::Projects => "projects",
            Self::Users => "users",
            Self::Roles => "roles",
        }
    }

    /// The same in singular, as error texts have it.
    pub(crate) fn singular(self) -> &'static str {
        let table = self.table();
        &table[..table.len() - 1]
    }
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Db {
    tables: IndexMap<Collection, IndexMap<String, Value>>,
}

impl Db {
    pub(crate) fn get(&self, collection: Collection, id: &str) -> Option<&Value> {
        self.tables.get(&collection)?.get(id)
    }

    pub(crate) fn get_mut(&mut self, collection: Collection, id: &str) -> Option<&mut Value> {
        self.tables.get_mut(&collection)?.get_mut(id)
    }

    /// Stores a record under its `_id`; a new one goes to the end.
    pub(crate) fn put(&mut self, collection: Collection, record: Value) {
        let id = text(&record, "_id").to_owned();
        self.tables.entry(collection).or_default().insert(id, record);
    }

    pub(crate) fn remove(&mut self, collection: Collection, id: &str) -> Option<Value> {
        self.tables.get_mut(&collection)?.shift_remove(id)
    }

    pub(crate) fn iter(&self, collection: Collection) -> impl Iterator<Item = &Value> {
        self.tables.get(&collection).into_iter().flat_map(IndexMap::values)
    }

    /// Removes every record for which `is_wanted` says so.
    pub(crate) fn remove_where(
        &mut self,
        collection: Collection,
        is_wanted: impl Fn(&Value) -> bool,
    ) {
        if let Some(table) = self.tables.get_mut(&collection) {
            table.retain(|_, record| !is_wanted(record));
        }
    }
}

/// The string at `key`, or an empty one.
pub(crate) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of the list at `key`, or none.
pub(crate) fn list<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    record.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets `key` of an object; does nothing to anything else.
pub(crate) fn set(record: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = record.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}

/// The object at `_admin`, made when it is missing.
pub(crate) fn admin_of(record: &mut Value) -> &mut Value {
    if record.get("_admin").is_none_or(|admin| !admin.is_object()) {
        set(record, "_admin", json!({}));
    }
    &mut record["_admin"]
}

/// RFC 7396: objects are merged, null removes, everything else replaces.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            fields.shift_remove(key);
        } else {
            merge_patch(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_patch_merges_objects_replaces_lists_and_removes_nulls() {
        let mut target = json!({"a": {"x": 1, "y": 2}, "l": [1, 2], "gone": 1});
        merge_patch(
            &mut target,
            &json!({"a": {"y": 3}, "l": [9], "gone": null, "new": {"k": null}}),
        );
        assert_eq!(target, json!({"a": {"x": 1, "y": 3}, "l": [9], "new": {}}));
    }
}
