//! Query parameters laid over a body: `?config.region=R`.
//!
//! Source: OSM NBI `base_topic.py`, `_update_input_with_kwargs`, and `nbi.py`, `_format_in`.

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::data;
use crate::problem::Problem;

/// Places deeper than this are refused; the parsers of bodies allow about as much.
const DEPTH_MAX: usize = 100;
/// An index of a list beyond this is refused; OSM would fill the list up to it.
const INDEX_MAX: usize = 10_000;

/// What is laid over a body: the parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    params: Vec<(String, String)>,
    is_yaml: bool,
}

impl Overlay {
    /// With `is_yaml` (header `Query-String-Format: yaml`) each value is YAML.
    pub(crate) fn new(params: &[(String, String)], is_yaml: bool) -> Self {
        Self { params: params.to_vec(), is_yaml }
    }

    /// Adds a parameter that came in another way.
    pub(crate) fn push(&mut self, name: String, value: String) {
        self.params.push((name, value));
    }

    /// Whether there is nothing to lay over a body.
    pub(crate) fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// Lays the parameters over a body. A dotted key leads into objects and, by index, into lists;
    /// what is missing on the way is made. An empty value removes, a comma makes a list.
    ///
    /// # Errors
    /// 400 for a place that is too deep, for a word where a list wants an index, and for an index
    /// out of range.
    pub(crate) fn lay_over(&self, body: &mut Value) -> Result<(), Problem> {
        for (key, texts) in by_key(&self.params) {
            if key.split('.').nth(DEPTH_MAX).is_some() {
                return Err(Problem::bad_request("maximum recursion depth exceeded"));
            }
            let value = meaning(key, &texts, self.is_yaml);
            lay(body, key, Some(value).filter(|value| !value.is_null()))?;
        }
        Ok(())
    }
}

/// The texts of each key, in the order in which the keys came.
pub(crate) fn by_key(params: &[(String, String)]) -> IndexMap<&str, Vec<&str>> {
    let mut given: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (key, value) in params {
        given.entry(key).or_default().push(value);
    }
    given
}

/// What the texts of one key mean: nothing for an empty one, a list for one with commas and for a
/// key that was given more than once, where commas mean nothing.
pub(crate) fn meaning(key: &str, texts: &[&str], is_yaml: bool) -> Value {
    let plain = |text: &str| match text {
        "" => Value::Null,
        _ if is_yaml => data::from_yaml(text).unwrap_or_else(|_| json!(text)),
        _ => json!(text),
    };
    let [text] = texts else {
        return texts.iter().map(|text| plain(text)).collect();
    };
    let is_number = [".gt", ".lt", ".gte", ".lte"].iter().any(|end| key.ends_with(end));
    if is_yaml || text.is_empty() {
        plain(text)
    } else if is_number {
        let number = serde_json::from_str::<serde_json::Number>(text);
        number.map_or_else(|_| json!(text), Value::Number)
    } else if text.find(',').is_some_and(|at| at > 0) {
        text.split(',').collect()
    } else {
        json!(text)
    }
}

fn lay(body: &mut Value, key: &str, value: Option<Value>) -> Result<(), Problem> {
    let wrong =
        |what: String| Problem::bad_request(format!("Invalid query string '{key}'. {what}"));
    let (way, last) = key.rsplit_once('.').map_or((None, key), |(way, last)| (Some(way), last));
    let mut place = body;
    for step in way.into_iter().flat_map(|way| way.split('.')) {
        let inner = match place {
            Value::Array(items) => {
                let index = index_in(items, step).map_err(&wrong)?;
                &mut items[index]
            }
            other => {
                if !other.is_object() {
                    *other = json!({});
                }
                &mut other[step]
            }
        };
        if !inner.is_object() && !inner.is_array() {
            *inner = json!({});
        }
        place = inner;
    }
    match place {
        Value::Array(items) => {
            let index = index_in(items, last).map_err(&wrong)?;
            match value {
                Some(value) => items[index] = value,
                None => {
                    items.remove(index);
                }
            }
        }
        Value::Object(fields) => match value {
            Some(value) => {
                fields.insert(last.to_owned(), value);
            }
            None => {
                fields.shift_remove(last);
            }
        },
        _ => {}
    }
    Ok(())
}

/// The place in a list that a word of a key names; the list grows up to it.
fn index_in(items: &mut Vec<Value>, word: &str) -> Result<usize, String> {
    let Ok(index) = word.trim().parse::<i64>() else {
        return Err(format!("Expected integer index list instead of '{word}'"));
    };
    let from_end = || items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    let index = if index < 0 { from_end() } else { usize::try_from(index).ok() };
    let Some(index) = index.filter(|index| *index <= INDEX_MAX) else {
        return Err(format!("Index '{word}' out of  range"));
    };
    while items.len() <= index {
        items.push(Value::Null);
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::parse_params;

    fn overlay(query: &str) -> Overlay {
        Overlay::new(&parse_params(query), false)
    }

    #[track_caller]
    fn check(body: &Value, query: &str, expected: &Value) {
        let mut laid = body.clone();
        overlay(query).lay_over(&mut laid).unwrap();
        assert_eq!(&laid, expected, "{query}");
    }

    #[test]
    fn parameters_override_body_keys_at_dotted_places() {
        let body = json!({"name": "a", "config": {"x": 1}});
        check(
            &body,
            "name=b+c&config.region=R%21",
            &json!({"name": "b c", "config": {"x": 1, "region": "R!"}}),
        );
        check(&body, "name.x=1", &json!({"name": {"x": "1"}, "config": {"x": 1}}));
    }

    #[test]
    fn empty_removes_commas_make_lists_and_so_do_repeated_keys() {
        let body = json!({"name": "a", "x": 1});
        check(&body, "x=", &json!({"name": "a"}));
        check(&body, "x=1,2", &json!({"name": "a", "x": ["1", "2"]}));
        check(&body, "x=,2", &json!({"name": "a", "x": ",2"}));
        check(&body, "x=1&x=", &json!({"name": "a", "x": ["1", null]}));
        check(&body, "n.gt=1", &json!({"name": "a", "x": 1, "n": {"gt": 1}}));
    }

    #[test]
    fn lists_are_entered_by_index_and_grow() {
        let body = json!({"l": [{"a": 1}]});
        check(&body, "l.0.a=2", &json!({"l": [{"a": "2"}]}));
        check(&body, "l.2=x", &json!({"l": [{"a": 1}, null, "x"]}));
        check(&body, "l.-1=x", &json!({"l": ["x"]}));
        for (query, detail) in [
            ("l.a=1", "Invalid query string 'l.a'. Expected integer index list instead of 'a'"),
            ("l.-2=1", "Invalid query string 'l.-2'. Index '-2' out of  range"),
            ("l.99999999=1", "Invalid query string 'l.99999999'. Index '99999999' out of  range"),
        ] {
            let refused = overlay(query).lay_over(&mut body.clone()).unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.detail.as_str()), (400, detail));
        }
    }

    #[test]
    fn values_are_yaml_where_the_client_says_so() {
        let mut body = json!({"name": "a", "x": 1, "y": 2});
        let query = "n=1&b=true&l=[1,%20a]&o=1,2&x=&y=null&bad=%5B&r=1&r=x";
        Overlay::new(&parse_params(query), true).lay_over(&mut body).unwrap();
        let want = json!({"name": "a", "n": 1, "b": true, "l": [1, "a"], "o": "1,2", "bad": "[",
            "r": [1, "x"]});
        assert_eq!(body, want);
    }

    #[test]
    fn places_deeper_than_any_body_are_refused() {
        let deep = format!("{}b=1", "a.".repeat(30_000));
        assert!(overlay(&deep).lay_over(&mut json!({})).is_err());
    }
}
