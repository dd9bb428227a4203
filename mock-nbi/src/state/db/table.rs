//! The records of one collection: in order, found by id and by what they are looked up by, those
//! not touched for long packed.
//!
//! Invariant: what a caller sees does not depend on what is packed. An index lags behind its rows by
//! one at most: the *open* row, which a caller may be changing through [`Table::get_mut`].

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::index::{Index, texts_at};
use super::pack::{Packer, fields_of};
use super::record::Record;
use super::text;
use crate::state::kept::Written;

/// So many records of a collection are kept unpacked: a world of tests never packs anything, and
/// even large records come to no more than some tens of megabytes.
const LIVE_MAX: usize = 1000;

#[derive(Clone, Debug)]
struct Row {
    id: Arc<str>,
    record: Record,
    /// When it was last written, in ticks of its table.
    tick: u64,
}

/// The row that may have changed since the indexes were brought up to date.
#[derive(Clone, Debug)]
struct Open {
    number: u64,
    /// Where the indexes have it.
    keys: Vec<Vec<Box<str>>>,
}

/// The records of one collection.
#[derive(Clone, Debug)]
pub(super) struct Table {
    places: &'static [&'static str],
    sort: &'static str,
    live_max: usize,
    rows: BTreeMap<u64, Row>,
    numbers: HashMap<Arc<str>, u64>,
    next_number: u64,
    indexes: Vec<Index>,
    open: Option<Open>,
    packer: Packer,
    live: usize,
    tick: u64,
    /// Unpacked rows, the longest untouched first; entries of another tick than their row's count
    /// for nothing.
    untouched: VecDeque<(u64, u64)>,
    written: Written,
}

impl Table {
    /// An empty table with indexes of `places`; records with the same text at `sort` are alike.
    pub(super) fn new(places: &'static [&'static str], sort: &'static str) -> Self {
        Self {
            places,
            sort,
            live_max: LIVE_MAX,
            rows: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            indexes: places.iter().map(|_| Index::default()).collect(),
            open: None,
            packer: Packer::default(),
            live: 0,
            tick: 0,
            untouched: VecDeque::new(),
            written: Written::default(),
        }
    }

    /// The same, keeping other than [`LIVE_MAX`] records unpacked.
    #[cfg(test)]
    pub(super) fn keeping_live(self, live_max: usize) -> Self {
        Self { live_max, ..self }
    }

    #[cfg(test)]
    pub(super) fn live_count(&self) -> usize {
        self.rows.values().filter(|row| matches!(row.record, Record::Live(_))).count()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.numbers.contains_key(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<Cow<'_, Value>> {
        let number = self.numbers.get(id)?;
        Some(self.rows.get(number)?.record.value())
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.close();
        let number = *self.numbers.get(id)?;
        let row = self.rows.get_mut(&number)?;
        if let Record::Packed(packed) = &row.record {
            row.record = Record::Live(Arc::new(packed.unpack()));
            self.live += 1;
        }
        let Record::Live(value) = &row.record else {
            return None;
        };
        self.open = Some(Open { number, keys: keys_of(self.places, value) });
        self.touch(number);
        let row = self.rows.get_mut(&number)?;
        match &mut row.record {
            Record::Live(value) => Some(Arc::make_mut(value)),
            Record::Packed(_) => None,
        }
    }

    /// Stores a record under its `_id`; a new one goes to the end.
    pub(super) fn put(&mut self, record: Value) {
        self.close();
        let number = self.numbers.get(text(&record, "_id")).copied();
        self.put_in_row(number.unwrap_or(self.next_number), record);
    }

    /// Adds a record in the row of this number; says whether it has an `_id` and both are free.
    pub(super) fn place(&mut self, number: u64, record: Value) -> bool {
        let id = text(&record, "_id");
        let is_free =
            !id.is_empty() && !self.rows.contains_key(&number) && !self.numbers.contains_key(id);
        if is_free {
            self.put_in_row(number, record);
        }
        is_free
    }

    /// Adds a record that comes as compact JSON, as [`Self::place`] does; where there are many it is
    /// packed at once.
    ///
    /// # Errors
    /// For what is no JSON object.
    pub(super) fn place_json(&mut self, number: u64, json: &[u8]) -> serde_json::Result<bool> {
        if self.live < self.live_max {
            return Ok(self.place(number, serde_json::from_slice(json)?));
        }
        let first = |place: &'static str| place.split('.').next().unwrap_or_default();
        let mut names: Vec<&str> = self.places.iter().map(|place| first(place)).collect();
        names.extend(["_id", self.sort]);
        let fields = fields_of(json, &names)?;
        let id: Arc<str> = text(&fields, "_id").into();
        if self.rows.contains_key(&number) || self.numbers.contains_key(&id) || id.is_empty() {
            return Ok(false);
        }
        for (index, keys) in self.indexes.iter_mut().zip(keys_of(self.places, &fields)) {
            keys.iter().for_each(|key| index.add(key, number));
        }
        let packed = self.packer.pack_json(text(&fields, self.sort), json);
        let record = Record::Packed(Arc::new(packed));
        self.rows.insert(number, Row { id: Arc::clone(&id), record, tick: 0 });
        self.numbers.insert(id, number);
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.written.note(number);
        Ok(true)
    }

    fn put_in_row(&mut self, number: u64, record: Value) {
        self.take_out_of_indexes(number);
        for (index, keys) in self.indexes.iter_mut().zip(keys_of(self.places, &record)) {
            keys.iter().for_each(|key| index.add(key, number));
        }
        let id: Arc<str> = match self.rows.get(&number) {
            Some(row) => Arc::clone(&row.id),
            None => text(&record, "_id").into(),
        };
        self.numbers.insert(Arc::clone(&id), number);
        self.next_number = self.next_number.max(number.saturating_add(1));
        let row = Row { id, record: Record::Live(Arc::new(record)), tick: 0 };
        let old = self.rows.insert(number, row);
        if !matches!(old, Some(Row { record: Record::Live(_), .. })) {
            self.live += 1;
        }
        self.touch(number);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Value> {
        self.close();
        let number = self.numbers.remove(id)?;
        self.take_out_of_indexes(number);
        let row = self.rows.remove(&number)?;
        self.written.note(number);
        match row.record {
            Record::Packed(packed) => Some(packed.unpack()),
            Record::Live(value) => {
                self.live -= 1;
                Some(Arc::unwrap_or_clone(value))
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Cow<'_, Value>> {
        self.rows.values().map(|row| row.record.value())
    }

    /// Every record in order, to be looked at later.
    pub(super) fn records(&self) -> Vec<Record> {
        self.rows.values().map(|row| row.record.clone()).collect()
    }

    /// The records with any of `keys` at `place`, in order, to be looked at later.
    pub(super) fn records_with(&self, place: &str, keys: &[&str]) -> Vec<Record> {
        if let [key] = keys {
            return self.rows_with(place, key).map(|(_, row)| row.record.clone()).collect();
        }
        let rows: BTreeMap<u64, &Row> =
            keys.iter().flat_map(|key| self.rows_with(place, key)).collect();
        rows.values().map(|row| row.record.clone()).collect()
    }

    /// Whether records can be found by what they have at `place`.
    pub(super) fn has_index(&self, place: &str) -> bool {
        self.places.contains(&place)
    }

    /// Records with `key` at `place`, in order.
    pub(super) fn with<'a>(
        &'a self,
        place: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = Cow<'a, Value>> {
        self.rows_with(place, key).map(|(_, row)| row.record.value())
    }

    /// The first record with `key` at `place` for which `is_wanted` says so.
    pub(super) fn find_with(
        &self,
        place: &str,
        key: &str,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Option<Cow<'_, Value>> {
        let number = self.rows_with(place, key).find(|(_, row)| is_wanted(&row.record.value()))?.0;
        Some(self.rows.get(&number)?.record.value())
    }

    /// Ids of the records with `key` at `place`, in order.
    pub(super) fn ids_with<'a>(
        &'a self,
        place: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        self.rows_with(place, key).map(|(_, row)| &*row.id)
    }

    /// How many records have `key` at `place`.
    pub(super) fn count_with(&self, place: &str, key: &str) -> usize {
        let Some(position) = self.places.iter().position(|known| *known == place) else {
            return self.rows_with(place, key).count();
        };
        let had = self.open.as_ref().is_some_and(|open| has(&open.keys[position], key));
        let has = self.open_has(place, key).is_some();
        (self.indexes[position].count(key) + usize::from(has)).saturating_sub(usize::from(had))
    }

    fn rows_with<'a>(
        &'a self,
        place: &'a str,
        key: &'a str,
    ) -> Box<dyn Iterator<Item = (u64, &'a Row)> + 'a> {
        let Some(position) = self.places.iter().position(|known| *known == place) else {
            let all = self.rows.iter().map(|(number, row)| (*number, row));
            return Box::new(
                all.filter(move |(_, row)| texts_at(&row.record.value(), place).contains(&key)),
            );
        };
        let index = &self.indexes[position];
        let row = |number: u64| Some((number, self.rows.get(&number)?));
        let Some(open) = &self.open else {
            return Box::new(index.rows(key).filter_map(row));
        };
        let open = open.number;
        let before = index.rows(key).take_while(move |number| *number < open);
        let after = index.rows(key).skip_while(move |number| *number <= open);
        Box::new(before.chain(self.open_has(place, key)).chain(after).filter_map(row))
    }

    /// The open row's number, if it has `key` at `place` now.
    fn open_has(&self, place: &str, key: &str) -> Option<u64> {
        let number = self.open.as_ref()?.number;
        let record = self.rows.get(&number)?.record.value();
        texts_at(&record, place).contains(&key).then_some(number)
    }

    /// Brings the indexes up to date with the open row.
    fn close(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let Some(row) = self.rows.get(&open.number) else {
            return;
        };
        let keys = keys_of(self.places, &row.record.value());
        for ((index, old), new) in self.indexes.iter_mut().zip(&open.keys).zip(&keys) {
            if old != new {
                old.iter().for_each(|key| index.remove(key, open.number));
                new.iter().for_each(|key| index.add(key, open.number));
            }
        }
    }

    fn take_out_of_indexes(&mut self, number: u64) {
        let Some(row) = self.rows.get(&number) else {
            return;
        };
        for (index, keys) in self.indexes.iter_mut().zip(keys_of(self.places, &row.record.value()))
        {
            keys.iter().for_each(|key| index.remove(key, number));
        }
    }

    /// Notes that a row is written, and packs what has not been for long.
    fn touch(&mut self, number: u64) {
        self.written.note(number);
        self.tick += 1;
        if let Some(row) = self.rows.get_mut(&number) {
            row.tick = self.tick;
        }
        self.untouched.push_back((number, self.tick));
        while self.live > self.live_max
            && let Some((number, tick)) = self.untouched.pop_front()
        {
            self.pack(number, tick);
        }
        if self.untouched.len() > 2 * self.live_max {
            let rows = &self.rows;
            self.untouched
                .retain(|(number, tick)| rows.get(number).is_some_and(|row| row.tick == *tick));
        }
    }

    fn pack(&mut self, number: u64, tick: u64) {
        let Some(row) = self.rows.get_mut(&number).filter(|row| row.tick == tick) else {
            return;
        };
        if let Record::Live(value) = &row.record {
            let packed = self.packer.pack(text(value, self.sort), value);
            row.record = Record::Packed(Arc::new(packed));
            self.live -= 1;
        }
    }

    /// From now on what is written is noted for [`Self::take_written`].
    pub(super) fn track(&mut self) {
        self.written.track();
    }

    /// Numbers of the rows written since the last time, with what they hold now.
    pub(super) fn take_written(&mut self) -> Vec<(u64, Option<Record>)> {
        let record = |number: u64| self.rows.get(&number).map(|row| row.record.clone());
        self.written.take().into_iter().map(|number| (number, record(number))).collect()
    }

    /// Every row by number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, Record)> {
        self.rows.iter().map(|(number, row)| (*number, row.record.clone()))
    }
}

fn keys_of(places: &[&str], record: &Value) -> Vec<Vec<Box<str>>> {
    places
        .iter()
        .map(|place| texts_at(record, place).into_iter().map(Into::into).collect())
        .collect()
}

fn has(keys: &[Box<str>], key: &str) -> bool {
    keys.iter().any(|known| **known == *key)
}
