//! Records by collection, in the order they were made.

mod collection;
mod index;
mod layout;
#[cfg(test)]
mod model_test;
mod pack;
mod record;
mod table;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::filter::Filter;

pub use collection::Collection;
pub(crate) use layout::READ_BY;
pub(crate) use record::Record;
use table::Table;

/// All records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Db {
    /// By collection; made when the first record comes.
    tables: Vec<Option<Table>>,
    is_tracked: bool,
    has_ids_first: bool,
}

impl Db {
    pub(crate) fn get(&self, collection: Collection, id: &str) -> Option<Cow<'_, Value>> {
        self.table(collection)?.get(id)
    }

    pub(crate) fn contains(&self, collection: Collection, id: &str) -> bool {
        self.table(collection).is_some_and(|table| table.contains(id))
    }

    pub(crate) fn get_mut(&mut self, collection: Collection, id: &str) -> Option<&mut Value> {
        self.tables.get_mut(collection as usize)?.as_mut()?.get_mut(id)
    }

    /// A database that moves `_id` to the front of every record, as MongoDB does.
    pub(crate) fn with_ids_first() -> Self {
        Self { has_ids_first: true, ..Self::default() }
    }

    /// Stores a record under its `_id`; a new one goes to the end.
    pub(crate) fn put(&mut self, collection: Collection, record: Value) {
        let record = if self.has_ids_first { with_id_first(record) } else { record };
        self.table_mut(collection).put(record);
    }

    pub(crate) fn remove(&mut self, collection: Collection, id: &str) -> Option<Value> {
        self.tables.get_mut(collection as usize)?.as_mut()?.remove(id)
    }

    pub(crate) fn len(&self, collection: Collection) -> usize {
        self.table(collection).map_or(0, Table::len)
    }

    pub(crate) fn iter(&self, collection: Collection) -> impl Iterator<Item = Cow<'_, Value>> {
        self.table(collection).into_iter().flat_map(Table::iter)
    }

    /// Records that have `text` at `place` (in a list there, or below one), in order; quick where
    /// the place is indexed, right anywhere.
    pub(crate) fn with<'a>(
        &'a self,
        collection: Collection,
        place: &'a str,
        text: &'a str,
    ) -> impl Iterator<Item = Cow<'a, Value>> {
        self.table(collection).into_iter().flat_map(move |table| table.with(place, text))
    }

    /// The first record that has `text` at `place` and for which `is_wanted` says so.
    pub(crate) fn find_with(
        &self,
        collection: Collection,
        place: &str,
        text: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Option<Cow<'_, Value>> {
        self.table(collection)?.find_with(place, text, is_wanted)
    }

    /// Ids of the records that have `text` at `place`, in order.
    pub(crate) fn ids_with(&self, collection: Collection, place: &str, text: &str) -> Vec<String> {
        let table = self.table(collection);
        table.into_iter().flat_map(|t| t.ids_with(place, text)).map(str::to_owned).collect()
    }

    /// How many records have `text` at `place`.
    pub(crate) fn count_with(&self, collection: Collection, place: &str, text: &str) -> usize {
        self.table(collection).map_or(0, |table| table.count_with(place, text))
    }

    /// The records that can meet a filter, in order, to be looked at later: all of them, or those
    /// that an index finds for one of its conditions.
    pub(crate) fn candidates(&self, collection: Collection, filter: &Filter) -> Vec<Record> {
        let Some(table) = self.table(collection) else {
            return Vec::new();
        };
        match filter.lookup(|place| table.has_index(place)) {
            Some((place, texts)) => table.records_with(&place, &texts),
            None => table.records(),
        }
    }

    /// Removes every record that has `text` at `place`.
    pub(crate) fn remove_with(&mut self, collection: Collection, place: &str, text: &str) {
        for id in self.ids_with(collection, place, text) {
            self.remove(collection, &id);
        }
    }

    /// Removes every record for which `is_wanted` says so; looks at each.
    pub(crate) fn remove_where(
        &mut self,
        collection: Collection,
        is_wanted: impl Fn(&Value) -> bool,
    ) {
        let unwanted: Vec<String> = self
            .iter(collection)
            .filter(|record| is_wanted(record))
            .map(|record| text(&record, "_id").to_owned())
            .collect();
        for id in unwanted {
            self.remove(collection, &id);
        }
    }

    /// Adds a record, as compact JSON, at a number of its collection; says whether it has an `_id`
    /// and both are free.
    ///
    /// # Errors
    /// For what is no JSON object.
    pub(crate) fn place(
        &mut self,
        collection: Collection,
        number: u64,
        json: &[u8],
    ) -> serde_json::Result<bool> {
        self.table_mut(collection).place_json(number, json)
    }

    /// Every record of a collection with its number.
    pub(crate) fn numbered(&self, collection: Collection) -> impl Iterator<Item = (u64, Record)> {
        self.table(collection).into_iter().flat_map(Table::numbered)
    }

    /// From now on what is written is noted for [`Self::take_written`].
    pub(crate) fn track(&mut self) {
        self.is_tracked = true;
        self.tables.iter_mut().flatten().for_each(Table::track);
    }

    /// Records written since the last time, with what they are now; none where one is gone.
    pub(crate) fn take_written(&mut self) -> Vec<(Collection, u64, Option<Record>)> {
        let mut written = Vec::new();
        for collection in Collection::ALL {
            if let Some(Some(table)) = self.tables.get_mut(*collection as usize) {
                let rows = table.take_written().into_iter();
                written.extend(rows.map(|(number, record)| (*collection, number, record)));
            }
        }
        written
    }

    fn table(&self, collection: Collection) -> Option<&Table> {
        self.tables.get(collection as usize)?.as_ref()
    }

    fn table_mut(&mut self, collection: Collection) -> &mut Table {
        let position = collection as usize;
        if self.tables.len() <= position {
            self.tables.resize_with(position + 1, || None);
        }
        let is_tracked = self.is_tracked;
        self.tables[position].get_or_insert_with(|| {
            let mut table =
                Table::new(layout::indexed_places(collection), layout::sort_place(collection));
            if is_tracked {
                table.track();
            }
            table
        })
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

/// The record with its `_id` before everything else.
pub(crate) fn with_id_first(mut record: Value) -> Value {
    if let Some(fields) = record.as_object_mut()
        && fields.keys().next().is_some_and(|first| first != "_id")
        && let Some(id) = fields.shift_remove("_id")
    {
        fields.shift_insert(0, "_id".to_owned(), id);
    }
    record
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
