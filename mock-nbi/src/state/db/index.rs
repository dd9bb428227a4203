//! Which records have a value at a place, without looking at each.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// The rows that have one value, in order.
#[derive(Clone, Debug)]
enum Postings {
    One(u64),
    Many(BTreeSet<u64>),
}

/// From the texts at one place of a collection's records to the rows that have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    rows: HashMap<Box<str>, Postings>,
}

impl Index {
    pub(super) fn add(&mut self, key: &str, row: u64) {
        match self.rows.get_mut(key) {
            None => {
                self.rows.insert(key.into(), Postings::One(row));
            }
            Some(Postings::Many(rows)) => {
                rows.insert(row);
            }
            Some(postings @ Postings::One(_)) => {
                let mut rows = BTreeSet::from([row]);
                if let Postings::One(other) = postings {
                    rows.insert(*other);
                }
                *postings = Postings::Many(rows);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str, row: u64) {
        let is_empty = match self.rows.get_mut(key) {
            None => false,
            Some(Postings::One(other)) => *other == row,
            Some(Postings::Many(rows)) => {
                rows.remove(&row);
                rows.is_empty()
            }
        };
        if is_empty {
            self.rows.remove(key);
        }
    }

    /// The rows that have `key`, in order.
    pub(super) fn rows(&self, key: &str) -> impl Iterator<Item = u64> {
        let (one, many) = match self.rows.get(key) {
            None => (None, None),
            Some(Postings::One(row)) => (Some(*row), None),
            Some(Postings::Many(rows)) => (None, Some(rows)),
        };
        one.into_iter().chain(many.into_iter().flatten().copied())
    }

    /// How many rows have `key`.
    pub(super) fn count(&self, key: &str) -> usize {
        match self.rows.get(key) {
            None => 0,
            Some(Postings::One(_)) => 1,
            Some(Postings::Many(rows)) => rows.len(),
        }
    }
}

/// The texts at a dotted place; elements of lists count each, as in the filters of lists.
pub(super) fn texts_at<'a>(record: &'a Value, place: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    collect(record, place, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect<'a>(value: &'a Value, place: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, place, found)),
        Value::String(text) if place.is_empty() => found.push(text),
        Value::Object(fields) if !place.is_empty() => {
            let (step, rest) = place.split_once('.').unwrap_or((place, ""));
            if let Some(inner) = fields.get(step) {
                collect(inner, rest, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_found_in_lists_and_below_them() {
        let record =
            json!({"a": "1", "l": ["x", "y", "x"], "k": [{"c": {"id": "p"}}, {"c": {"id": "q"}}]});
        assert_eq!(texts_at(&record, "a"), ["1"]);
        assert_eq!(texts_at(&record, "l"), ["x", "y"]);
        assert_eq!(texts_at(&record, "k.c.id"), ["p", "q"]);
        assert!(texts_at(&record, "k.c").is_empty());
        assert!(texts_at(&record, "a.b").is_empty(), "a text has nothing below it");
        let nameless = json!({"a": {"": "x"}});
        assert!(texts_at(&nameless, "a").is_empty(), "an object is no text");
    }

    #[test]
    fn rows_come_in_order_and_go() {
        let mut index = Index::default();
        for row in [5, 3, 9] {
            index.add("a", row);
        }
        assert_eq!(index.rows("a").collect::<Vec<_>>(), [3, 5, 9]);
        for row in [3, 5, 9, 9] {
            index.remove("a", row);
        }
        assert_eq!((index.count("a"), index.rows.len()), (0, 0));
    }
}
