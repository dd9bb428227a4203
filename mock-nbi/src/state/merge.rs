//! Changes laid over a record: objects are merged, nulls remove, and lists are edited by keys that
//! begin with `$`.
//!
//! Source: OSM common `dbbase.py`, `deep_update_rfc7396`.

use serde_json::{Map, Value};

use crate::data;
use crate::problem::Problem;

/// Lays `change` over `record`.
///
/// A list is edited by an object of which every key begins with `$`: `$[1]` is an element by its
/// index, `$a` all that are `a`, `$k: a` all objects with `a` at `k` (null removes them); `$+[1]`
/// inserts, `$+` appends, `$+a` and `$+k: a` append where nothing is like that.
///
/// # Errors
/// 404, OSM's status for what its database library refuses: keys that mean nothing, or not together.
pub(crate) fn deep_update(record: &mut Value, change: &Value) -> Result<(), Problem> {
    update(record, change, &mut Vec::new())
}

/// The keys that lead to a place.
type Path = Vec<String>;

fn refused(detail: impl std::fmt::Display) -> Problem {
    Problem::not_found(format!("database exception {detail}"))
}

fn update(target: &mut Value, change: &Value, path: &mut Path) -> Result<(), Problem> {
    let Some(change) = change.as_object() else {
        *target = change.clone();
        return Ok(());
    };
    if let Value::Array(items) = target
        && edit_list(items, change, path)?
    {
        return Ok(());
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return Ok(());
    };
    for (key, value) in change {
        if value.is_null() {
            fields.shift_remove(key);
            continue;
        }
        path.push(key.clone());
        update(fields.entry(key.clone()).or_insert(Value::Null), value, path)?;
        path.pop();
    }
    Ok(())
}

/// What a change does to a list.
#[derive(Default)]
struct Edits<'a> {
    /// Elements to change or remove; one that is named twice comes twice.
    changed: Vec<(usize, &'a Value)>,
    inserted: Vec<(usize, &'a Value)>,
    appended: Vec<&'a Value>,
}

/// Edits a list; says whether the change was one of a list.
fn edit_list(
    items: &mut Vec<Value>,
    change: &Map<String, Value>,
    path: &mut Path,
) -> Result<bool, Problem> {
    let edits = change.keys().filter(|key| key.starts_with('$')).count();
    if edits == 0 {
        return Ok(false);
    }
    if edits < change.len() {
        return Err(refused(format!(
            "Found array edition (keys starting with '$') and pure dictionary edition in the same \
             dict at '{}'",
            path.join(":")
        )));
    }
    let mut edits = Edits::default();
    for (key, value) in change {
        path.push(key.clone());
        edits.add(items, key, value, &path.join(":"))?;
        path.pop();
    }
    edits.carry_out(items, path)?;
    Ok(true)
}

impl<'a> Edits<'a> {
    fn add(
        &mut self,
        items: &[Value],
        key: &str,
        value: &'a Value,
        place: &str,
    ) -> Result<(), Problem> {
        let wanted = key.strip_prefix('$').unwrap_or(key);
        let (is_insertion, wanted) =
            wanted.strip_prefix('+').map_or((false, wanted), |wanted| (true, wanted));
        if is_insertion && value.is_null() {
            return Err(refused(format!(
                "A value of None has not sense for insertions at '{place}'"
            )));
        }
        if let Some(index) = wanted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let index = index_of(index, items.len()).ok_or_else(|| {
                refused(format!("Wrong format at '{place}'. Expecting integer index inside quotes"))
            })?;
            return self.add_at(index, is_insertion, value, place);
        }
        if wanted.is_empty() {
            if !is_insertion {
                return Err(refused(format!(
                    "Wrong format at '{place}'. Expecting '$+', '$[<index]' or '$[<filter>]'"
                )));
            }
            self.appended.push(value);
            return Ok(());
        }
        let filter = data::from_yaml(wanted).map_err(|_| {
            refused(format!("Wrong format at '{place}'. Expecting '$<yaml-format>'"))
        })?;
        let mut found = (0..items.len()).filter(|index| is_like(&items[*index], &filter));
        if is_insertion {
            if found.next().is_none() {
                self.appended.push(value);
            }
            return Ok(());
        }
        found.try_for_each(|index| self.add_at(index, false, value, place))
    }

    fn add_at(
        &mut self,
        index: usize,
        is_insertion: bool,
        value: &'a Value,
        place: &str,
    ) -> Result<(), Problem> {
        let (list, what) = if is_insertion {
            (&mut self.inserted, "insertions on same array index")
        } else {
            (&mut self.changed, "editions on array index")
        };
        let known = list.iter().find(|(known, _)| *known == index);
        if known.is_some_and(|(_, other)| *other != value) {
            return Err(refused(format!("Conflict at '{place}'. Several {what} {index}")));
        }
        // An insertion that is said twice is one; a removal that is said twice is two.
        if known.is_none() || !is_insertion {
            list.push((index, value));
        }
        Ok(())
    }

    fn carry_out(mut self, items: &mut Vec<Value>, path: &mut Path) -> Result<(), Problem> {
        self.changed.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, value) in self.changed {
            path.push(index.to_string());
            match items.get_mut(index) {
                Some(_) if value.is_null() => drop(items.remove(index)),
                Some(item) => update(item, value, path)?,
                None if value.is_null() => {}
                None => {
                    return Err(refused(format!(
                        "Array edition index out of range at '{}'",
                        path.join(":")
                    )));
                }
            }
            path.pop();
        }
        self.inserted.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
        for (index, value) in self.inserted {
            items.insert(index.min(items.len()), value.clone());
        }
        for value in self.appended {
            let mut item = Value::Null;
            update(&mut item, value, path)?;
            items.push(item);
        }
        Ok(())
    }
}

/// An index as Python's `int` reads it; those below zero count from the end.
fn index_of(text: &str, length: usize) -> Option<usize> {
    let index: i64 = text.trim().parse().ok()?;
    let index = if index < 0 { index.saturating_add(i64::try_from(length).ok()?) } else { index };
    usize::try_from(index.max(0)).ok()
}

/// Whether an element equals a filter, or has all of an object's fields.
fn is_like(item: &Value, filter: &Value) -> bool {
    match (item, filter) {
        (Value::Object(item), Value::Object(filter)) => {
            filter.iter().all(|(key, value)| item.get(key).is_some_and(|own| is_same(own, value)))
        }
        _ => is_same(item, filter),
    }
}

/// Python's `==`, for which `1`, `1.0` and `True` are one.
fn is_same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => value.as_f64(),
    };
    one == other || number(one).is_some_and(|one| Some(one) == number(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(list: &Value, change: &Value, expected: &Value) {
        let mut record = json!({"list": list});
        deep_update(&mut record, &json!({"list": change})).unwrap();
        assert_eq!(record["list"], *expected);
    }

    #[test]
    fn objects_are_merged_other_values_replaced_and_nulls_remove() {
        let mut record = json!({"a": {"x": 1, "y": 2}, "l": [1, 2], "gone": 1});
        let change = json!({"a": {"y": 3}, "l": [9], "gone": null, "new": {"k": null}});
        deep_update(&mut record, &change).unwrap();
        assert_eq!(record, json!({"a": {"x": 1, "y": 3}, "l": [9], "new": {}}));
        check(&json!([1]), &json!({"k": 1}), &json!({"k": 1}));
        check(&json!([1]), &json!({}), &json!({}));
    }

    #[test]
    fn elements_are_found_by_index_by_value_and_by_fields() {
        check(&json!([1, 2, 3]), &json!({"$[0]": 9, "$[-1]": null}), &json!([9, 2]));
        check(&json!(["a", "b", "a"]), &json!({"$a": null}), &json!(["b"]));
        check(&json!([1, true, 1.0, "1"]), &json!({"$1": null}), &json!(["1"]));
        check(
            &json!([{"n": 1, "x": 0}, {"n": 2}]),
            &json!({"$n: 1": {"x": null, "y": 5}, "$n: 7": null}),
            &json!([{"n": 1, "y": 5}, {"n": 2}]),
        );
        check(&json!([[1, 2]]), &json!({"$[0]": {"$[0]": null}}), &json!([[2]]));
        check(&json!([1]), &json!({"$[7]": null}), &json!([1]));
    }

    #[test]
    fn insertions_come_after_removals_and_additions_last() {
        check(
            &json!([1, 2, 3]),
            &json!({"$+": 9, "$+[1]": 8, "$[0]": null, "$+[99]": 7}),
            &json!([2, 8, 3, 7, 9]),
        );
        check(&json!(["a"]), &json!({"$+a": "a", "$+b": "b"}), &json!(["a", "b"]));
        // One place under two names: the same insertion is made once, the same removal twice.
        check(&json!([1, 2]), &json!({"$+[0]": 8, "$+[-2]": 8}), &json!([8, 1, 2]));
        check(&json!([1, 2, 3]), &json!({"$[0]": null, "$[-3]": null}), &json!([3]));
        check(
            &json!([{"n": 1}]),
            &json!({"$+n: 1": {"n": 5}, "$+{n: 2}": {"n": 2, "x": null}}),
            &json!([{"n": 1}, {"n": 2}]),
        );
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_place() {
        for (change, complaint) in [
            (
                json!({"$[0]": 1, "k": 1}),
                "Found array edition (keys starting with '$') and pure dictionary edition in the \
                 same dict at 'list'",
            ),
            (json!({"$+": null}), "A value of None has not sense for insertions at 'list:$+'"),
            (
                json!({"$[x]": 1}),
                "Wrong format at 'list:$[x]'. Expecting integer index inside quotes",
            ),
            (json!({"$[": 1}), "Wrong format at 'list:$['. Expecting '$<yaml-format>'"),
            (
                json!({"$": 1}),
                "Wrong format at 'list:$'. Expecting '$+', '$[<index]' or '$[<filter>]'",
            ),
            (json!({"$[5]": 1}), "Array edition index out of range at 'list:5'"),
            (
                json!({"$[0]": 1, "$[-2]": 2}),
                "Conflict at 'list:$[-2]'. Several editions on array index 0",
            ),
            (
                json!({"$+[0]": 1, "$+[-2]": 2}),
                "Conflict at 'list:$+[-2]'. Several insertions on same array index 0",
            ),
        ] {
            let mut record = json!({"list": [1, 2]});
            let refusal = deep_update(&mut record, &json!({"list": change})).unwrap_err();
            assert_eq!(refusal.detail, format!("database exception {complaint}"));
        }
    }
}
