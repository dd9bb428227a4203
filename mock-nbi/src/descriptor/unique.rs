//! Elements of a list that have the same id or name.

use serde_json::Value;

use crate::problem::Problem;
use crate::python;

/// Checks that the elements of each list differ in `id`, or in `name` where the first element has
/// no id. As in OSM, lists inside of plain objects are not looked at.
///
/// # Errors
/// 422 with the place of the first repetition.
///
/// Source: OSM NBI `descriptor_topics.py` (`_check_unique_id_name`); recorded case
/// `vnf_invalid_descriptors`.
pub(super) fn check_unique(descriptor: &Value, path: &str) -> Result<(), Problem> {
    for (key, items) in descriptor.as_object().into_iter().flatten() {
        let Some(items) = items.as_array() else {
            continue;
        };
        let mut seen: Vec<&Value> = Vec::new();
        let mut wanted = None;
        for (index, item) in items.iter().enumerate().filter(|(_, item)| item.is_object()) {
            let place = format!("{path}.{key}[{index}]");
            check_unique(item, &place)?;
            if index == 0 {
                wanted = ["id", "name"].into_iter().find(|key| is_truthy(item.get(*key)));
            }
            let Some(id) = wanted.and_then(|key| item.get(key)).filter(|id| is_truthy(Some(id)))
            else {
                continue;
            };
            if seen.contains(&id) {
                return Err(Problem::unprocessable(format!(
                    "Error: identifier {} '{}' is not unique and repeats at '{place}'",
                    wanted.unwrap_or_default(),
                    id.as_str().map_or_else(|| python::repr(id), str::to_owned),
                )));
            }
            seen.push(id);
        }
    }
    Ok(())
}

/// Whether Python takes a value for true.
pub(crate) fn is_truthy(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(descriptor: &Value, expected: &str) {
        let got = check_unique(descriptor, "").map_or_else(|p| p.detail, |()| "fine".into());
        assert_eq!(got, expected);
    }

    #[test]
    fn repeated_ids_and_names_are_named_with_their_place() {
        check(
            &json!({"kdu": [{"name": "a"}, {"name": "a"}]}),
            "Error: identifier name 'a' is not unique and repeats at '.kdu[1]'",
        );
        check(
            &json!({"vdu": [{"id": "v", "int-cpd": [{"id": 1}, {"id": 2}, {"id": 1}]}]}),
            "Error: identifier id '1' is not unique and repeats at '.vdu[0].int-cpd[2]'",
        );
    }

    #[test]
    fn the_first_element_says_what_must_differ() {
        check(&json!({"l": [{"id": "a", "name": "n"}, {"id": "b", "name": "n"}]}), "fine");
        check(&json!({"l": [{"x": 1}, {"id": "b"}, {"id": "b"}]}), "fine");
        check(&json!({"o": {"l": [{"id": "a"}, {"id": "a"}]}}), "fine");
    }
}
