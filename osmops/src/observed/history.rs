//! What OSM did to an instance, and what came of it.

use serde_json::{Map, Value};

use crate::ids::{KduName, MemberIndex, OpId};
use crate::moment::Moment;
use crate::operation::{OpEnd, OpKind, OpState};
use crate::secret::nested_value;

/// One operation of an instance's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// OSM's `_id`.
    pub id: OpId,
    /// What it does.
    pub kind: OpKind,
    /// How it goes or went.
    pub state: OpState,
    /// When it was asked for.
    pub started: Moment,
    /// When it came into its state; for one that ended, when it ended.
    pub entered: Moment,
    /// OSM's words on it.
    pub detail: String,
    /// Whether OSM removes the instance's record once it is completed.
    pub removes: bool,
    /// What it did, or was to do, to which KDU.
    pub changes: Vec<KduChange>,
}

/// What an operation does to one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct KduChange {
    /// The VNF that it belongs to.
    pub member: MemberIndex,
    /// Its name.
    pub kdu: KduName,
    /// What is done to it.
    pub change: Change,
}

/// What is done to a KDU.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It gets this, at its instantiation or over what it has.
    Set(Settings),
    /// It goes back to what it was before its last upgrade.
    Back,
}

/// What a KDU gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// Its values.
    pub values: Map<String, Value>,
    /// Its chart; without one, an upgrade goes back to the chart of the instantiation, in its newest
    /// version.
    pub model: Option<String>,
    /// Whether it loses all other values.
    pub resets: bool,
    /// Whether it loses those of earlier upgrades, but not those of the instantiation.
    pub forgets: bool,
}

impl Operation {
    /// The values that it sets, of whichever KDU.
    pub fn values(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.changes.iter().filter_map(|change| match &change.change {
            Change::Set(settings) => Some(&settings.values),
            Change::Back => None,
        })
    }

    /// What it does to one KDU.
    pub fn change_of(&self, member: &MemberIndex, kdu: &KduName) -> Option<&Change> {
        let own = |change: &&KduChange| change.member == *member && change.kdu == *kdu;
        self.changes.iter().find(own).map(|change| &change.change)
    }
}

/// The values of a KDU after every operation that was completed, in the order of `history`.
///
/// Source: OSM LCM v19 `ns.py`, `action`: an upgrade's values replace those of the same names that the
/// record was made with, and helm merges both into those in effect, unless they are reset. OSM NBI
/// `instance_topics.py`: an instantiation does not change the values that its record was made with.
pub(super) fn values(
    history: &[Operation],
    member: &MemberIndex,
    kdu: &KduName,
) -> Map<String, Value> {
    let own = made_with(history).and_then(|operation| operation.change_of(member, kdu));
    let own = match own {
        Some(Change::Set(settings)) => settings.values.clone(),
        Some(Change::Back) | None => Map::new(),
    };
    // What each of helm's revisions had, the last one in effect.
    let mut revisions: Vec<Map<String, Value>> = Vec::new();
    for operation in completed(history) {
        match operation.kind {
            OpKind::Instantiate => revisions = vec![own.clone()],
            OpKind::Terminate => revisions.clear(),
            OpKind::Action | OpKind::Other(_) => match operation.change_of(member, kdu) {
                None => {}
                Some(Change::Set(Settings { values, resets, forgets, .. })) => {
                    let mut given = if *resets { Map::new() } else { own.clone() };
                    given.extend(values.clone());
                    let is_anew = *resets || (*forgets && !given.is_empty());
                    let in_effect = revisions.last().filter(|_| !is_anew);
                    let mut now = in_effect.cloned().unwrap_or_default();
                    merge(&mut now, &given);
                    revisions.push(now);
                }
                Some(Change::Back) => {
                    let before = revisions.len().checked_sub(2).and_then(|n| revisions.get(n));
                    revisions.push(before.cloned().unwrap_or_default());
                }
            },
        }
    }
    revisions.pop().unwrap_or_default()
}

/// The operation whose values are those that the record was made with, as far as OSM's history tells.
pub(crate) fn made_with(history: &[Operation]) -> Option<&Operation> {
    history.iter().find(|operation| operation.kind == OpKind::Instantiate)
}

/// Lays values over others as helm does: mappings are merged, null removes.
fn merge(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (key, value) in above {
        let nested = value.as_str().and_then(nested_value);
        match nested.as_ref().unwrap_or(value) {
            Value::Null => {
                below.shift_remove(key);
            }
            Value::Object(above) => {
                let held = below.get(key).and_then(Value::as_str).and_then(nested_value);
                let mut inner = match held.or_else(|| below.get(key).cloned()) {
                    Some(Value::Object(inner)) => inner,
                    Some(_) | None => Map::new(),
                };
                merge(&mut inner, above);
                below.insert(key.clone(), Value::Object(inner));
            }
            plain => {
                below.insert(key.clone(), plain.clone());
            }
        }
    }
}

/// The chart of a KDU after every operation that was completed, when it was `installed` from this one.
///
/// Source: OSM LCM v19 `ns.py`, `action`; the record's own `kdu-model` stays that of the instantiation.
pub(super) fn model(
    history: &[Operation],
    member: &MemberIndex,
    kdu: &KduName,
    installed: &str,
) -> String {
    let mut revisions = vec![installed.to_owned()];
    for operation in completed(history) {
        if operation.kind == OpKind::Instantiate {
            revisions = vec![installed.to_owned()];
            continue;
        }
        match operation.change_of(member, kdu) {
            None => {}
            Some(Change::Set(Settings { model, .. })) => {
                revisions.push(model.clone().unwrap_or_else(|| without_version(installed)));
            }
            Some(Change::Back) => {
                let before = revisions.len().checked_sub(2).and_then(|n| revisions.get(n));
                revisions.push(before.cloned().unwrap_or_else(|| installed.to_owned()));
            }
        }
    }
    revisions.pop().unwrap_or_default()
}

/// A chart of a repository is upgraded to its newest version, where none is named.
fn without_version(model: &str) -> String {
    match model.split_once(':') {
        Some((chart, version)) if model.matches('/').count() < 2 && !version.contains(':') => {
            chart.to_owned()
        }
        Some(_) | None => model.to_owned(),
    }
}

fn completed(history: &[Operation]) -> impl Iterator<Item = &Operation> {
    history.iter().filter(|op| op.state.end() == Some(OpEnd::Done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation(kind: &str, state: OpState, change: Change) -> Operation {
        let (member, kdu) = names();
        Operation {
            id: OpId::new("1").unwrap(),
            kind: OpKind::from(kind.to_owned()),
            state,
            started: Moment::default(),
            entered: Moment::default(),
            detail: String::new(),
            removes: false,
            changes: vec![KduChange { member, kdu, change }],
        }
    }

    fn names() -> (MemberIndex, KduName) {
        (MemberIndex::new("m").unwrap(), KduName::new("k").unwrap())
    }

    fn set(values: &Value) -> Change {
        let values = values.as_object().unwrap().clone();
        Change::Set(Settings { values, ..Settings::default() })
    }

    #[test]
    fn charts_are_those_of_the_last_upgrade_and_what_it_names_none_of_is_the_newest() {
        let (member, kdu) = names();
        let chart = |history: &[Operation]| model(history, &member, &kdu, "stable/ldap:1.2");
        let upgrade = |model: Option<&str>| {
            let model = model.map(str::to_owned);
            let change = Change::Set(Settings { model, ..Settings::default() });
            operation("action", OpState::Completed, change)
        };
        let mut history = vec![operation("instantiate", OpState::Completed, set(&json!({})))];
        assert_eq!(chart(&history), "stable/ldap:1.2");
        history.push(upgrade(Some("stable/ldap:1.3")));
        assert_eq!(chart(&history), "stable/ldap:1.3");
        history.push(upgrade(None));
        assert_eq!(chart(&history), "stable/ldap");
        history.push(operation("action", OpState::Completed, Change::Back));
        assert_eq!(chart(&history), "stable/ldap:1.3");
        for whole in [
            "oci://host:5000/charts/ldap",
            "oci://host/charts/ldap",
            "oci://ldap",
            "stable/ldap:1:2",
        ] {
            assert_eq!(without_version(whole), whole);
        }
    }

    #[test]
    fn values_that_were_reset_come_back_with_an_upgrade_that_resets_nothing() {
        let reset = Change::Set(Settings { resets: true, ..Settings::default() });
        let mut history = vec![
            operation("instantiate", OpState::Completed, set(&json!({"a": 1}))),
            operation("action", OpState::Completed, set(&json!({"b": 2}))),
            operation("action", OpState::Completed, reset),
        ];
        check(&history, &json!({}));
        history.push(operation("action", OpState::Completed, set(&json!({"c": 3}))));
        check(&history, &json!({"a": 1, "c": 3}));
    }

    fn check(history: &[Operation], expected: &Value) {
        let (member, kdu) = names();
        assert_eq!(Value::Object(values(history, &member, &kdu)), *expected);
    }

    #[test]
    fn an_upgrade_brings_back_the_values_that_the_record_was_made_with_and_helm_merges_mappings() {
        let done = |kind, change| operation(kind, OpState::Completed, change);
        let mut history = vec![
            done("instantiate", set(&json!({"a": 1, "b": 1, "image": "!!yaml {tag: 1, repo: r}"}))),
            done("action", set(&json!({"a": 1, "b": 3, "image": {"tag": 2, "pull": true}}))),
        ];
        let image = json!({"tag": 2, "repo": "r", "pull": true});
        check(&history, &json!({"a": 1, "b": 3, "image": image}));
        history.push(done("action", set(&json!({"c": 1}))));
        let image = json!({"tag": 1, "repo": "r", "pull": true});
        check(&history, &json!({"a": 1, "b": 1, "image": image, "c": 1}));
        history.push(done("action", set(&json!({"image": null}))));
        check(&history, &json!({"a": 1, "b": 1, "c": 1}));
        let values = json!({"d": 1}).as_object().unwrap().clone();
        let settings = Settings { values, forgets: true, ..Settings::default() };
        history.push(done("action", Change::Set(settings)));
        let image = json!({"tag": 1, "repo": "r"});
        check(&history, &json!({"a": 1, "b": 1, "image": image, "d": 1}));
    }

    #[test]
    fn values_are_what_completed_operations_set() {
        let mut history = vec![
            operation("instantiate", OpState::Completed, set(&json!({"a": 1, "b": 1}))),
            operation("action", OpState::Failed, set(&json!({"a": 2}))),
            operation("action", OpState::Completed, set(&json!({"b": 3}))),
            operation("action", OpState::Processing, set(&json!({"a": 4}))),
        ];
        check(&history, &json!({"a": 1, "b": 3}));
        history.push(operation("action", OpState::Completed, Change::Back));
        check(&history, &json!({"a": 1, "b": 1}));
        history.push(operation("terminate", OpState::Completed, set(&json!({}))));
        check(&history, &json!({}));
        // The record keeps the values that it was made with, whatever a later instantiation says.
        history.push(operation("instantiate", OpState::Completed, set(&json!({"c": 5}))));
        check(&history, &json!({"a": 1, "b": 1}));
        check(&[], &json!({}));
    }
}
