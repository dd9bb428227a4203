//! Any sequence of writes and reads gives what a plain list of records would.

use std::borrow::Cow;
use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Table;
use super::index::texts_at;

const PLACES: &[&str] = &["name", "links.to"];

#[derive(Clone, Debug)]
enum Act {
    Put {
        id: u8,
        name: u8,
        links: Vec<u8>,
    },
    Change {
        id: u8,
        name: u8,
    },
    /// Asks for a record to change it, and leaves it.
    Touch {
        id: u8,
    },
    Remove {
        id: u8,
    },
    TakeWritten,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let links = prop::collection::vec(0..4_u8, 0..3);
    let act = prop_oneof![
        4 => (0..12_u8, 0..4_u8, links).prop_map(|(id, name, links)| Act::Put { id, name, links }),
        3 => (0..12_u8, 0..4_u8).prop_map(|(id, name)| Act::Change { id, name }),
        1 => (0..12_u8).prop_map(|id| Act::Touch { id }),
        2 => (0..12_u8).prop_map(|id| Act::Remove { id }),
        1 => Just(Act::TakeWritten),
    ];
    prop::collection::vec(act, 0..60)
}

fn record(id: u8, name: u8, links: &[u8]) -> Value {
    let links: Vec<Value> = links.iter().map(|to| json!({"to": format!("t{to}")})).collect();
    let time = 1_700_000_000.0 + f64::from(id) / 7.0;
    json!({"_id": format!("r{id}"), "name": format!("n{name}"), "links": links, "at": time})
}

fn act_on(table: &mut Table, model: &mut Vec<Value>, written: &mut BTreeSet<String>, act: &Act) {
    let place =
        |model: &[Value], id: u8| model.iter().position(|record| record["_id"] == format!("r{id}"));
    let mut note = |id: u8| written.insert(format!("r{id}"));
    match act {
        Act::Put { id, name, links } => {
            note(*id);
            let record = record(*id, *name, links);
            table.put(record.clone());
            match place(model, *id) {
                Some(position) => model[position] = record,
                None => model.push(record),
            }
        }
        Act::Change { id, name } => {
            let found = table.get_mut(&format!("r{id}"));
            let position = place(model, *id);
            assert_eq!(found.is_some(), position.is_some());
            if let (Some(found), Some(position)) = (found, position) {
                note(*id);
                found["name"] = json!(format!("n{name}"));
                model[position]["name"] = json!(format!("n{name}"));
            }
        }
        Act::Touch { id } => {
            if table.get_mut(&format!("r{id}")).is_some() {
                note(*id);
            }
        }
        Act::Remove { id } => {
            let removed = place(model, *id).map(|position| model.remove(position));
            if removed.is_some() {
                note(*id);
            }
            assert_eq!(table.remove(&format!("r{id}")), removed);
        }
        Act::TakeWritten => {
            let now: Vec<Value> = table
                .take_written()
                .into_iter()
                .filter_map(|(_, r)| Some(r?.value().into_owned()))
                .collect();
            let expected =
                model.iter().filter(|record| written.contains(super::text(record, "_id")));
            assert_eq!(now, expected.cloned().collect::<Vec<_>>());
            written.clear();
        }
    }
}

fn assert_same(table: &Table, model: &[Value]) {
    let all: Vec<Value> = table.iter().map(Cow::into_owned).collect();
    assert_eq!(all, model);
    assert_eq!(table.len(), model.len());
    for id in 0..12_u8 {
        let id = format!("r{id}");
        let expected = model.iter().find(|record| record["_id"] == id);
        assert_eq!(table.get(&id).as_deref(), expected);
    }
    for (place, letter) in [("name", 'n'), ("links.to", 't'), ("at", 'x')] {
        for number in 0..4_u8 {
            let key = format!("{letter}{number}");
            let expected: Vec<&Value> = model
                .iter()
                .filter(|record| texts_at(record, place).contains(&key.as_str()))
                .collect();
            let found: Vec<Value> = table.with(place, &key).map(Cow::into_owned).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{place} {key}");
            assert_eq!(table.count_with(place, &key), expected.len(), "{place} {key}");
        }
    }
}

proptest! {
    #[test]
    fn a_table_answers_like_a_plain_list_whatever_is_packed(acts in acts(), live_max in 1..6_usize) {
        let mut table = Table::new(PLACES, "name").keeping_live(live_max);
        table.track();
        let (mut model, mut written) = (Vec::new(), BTreeSet::new());
        for act in &acts {
            act_on(&mut table, &mut model, &mut written, act);
            assert_same(&table, &model);
            prop_assert!(table.live_count() <= live_max);
        }
    }
}

#[test]
fn records_placed_as_json_are_found_as_those_that_were_put() {
    let mut table = Table::new(PLACES, "name").keeping_live(3);
    let records: Vec<Value> = (0..12).map(|id| record(id, id % 4, &[id % 3])).collect();
    for (number, record) in records.iter().enumerate() {
        assert!(table.place_json(2 * number as u64, record.to_string().as_bytes()).unwrap());
    }
    assert_same(&table, &records);
    assert_eq!(table.live_count(), 3);
    assert!(!table.place_json(99, records[4].to_string().as_bytes()).unwrap());
    assert!(!table.place_json(4, b"{\"_id\":\"new\"}").unwrap());
    assert!(!table.place_json(99, b"{}").unwrap());
    assert!(table.place_json(99, b"{\"_id\":\"cut").is_err());
    assert!(table.place_json(99, b"[]").is_err());
    assert_same(&table, &records);
}
