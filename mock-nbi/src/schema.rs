//! The part of JSON Schema that OSM's input checks use, with the texts Python's library gives.
//!
//! Invariant: pure; a schema is a constant tree, checking allocates only for what is wrong.

use serde_json::Value;

use crate::problem::Problem;
use crate::python::{repr, repr_str};
use crate::release::Release;

/// A check of one value.
#[derive(Debug)]
pub(crate) enum Schema {
    /// A string of 1 to `max` characters (no lower bound when `may_be_empty`), of this pattern.
    Text { max: usize, may_be_empty: bool, pattern: Option<&'static Pattern> },
    /// As `Text`, or null.
    TextOrNull { max: usize, pattern: Option<&'static Pattern> },
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Any boolean.
    Bool,
    /// A whole number from `min`.
    Integer { min: i64 },
    /// Any object.
    AnyObject,
    /// An object whose values all meet one schema, with at least one key when `is_filled`.
    MapOf { of: &'static Schema, is_filled: bool },
    /// An object with these keys.
    Object(&'static Fields),
    /// A list, with at least `min` items.
    List { of: &'static Schema, min: usize },
    /// Any of these alternatives; the text is that of the last, as good a guess as the library's.
    Either(&'static [&'static Schema]),
    /// Only null.
    Null,
}

/// The keys of an object.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) fields: &'static [(&'static str, &'static Schema)],
    pub(crate) required: &'static [&'static str],
    /// Whether keys not listed are refused.
    pub(crate) is_closed: bool,
    /// The least number of keys.
    pub(crate) min: usize,
}

/// A regular expression as OSM writes it, and the same as a function.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) matches: fn(&str) -> bool,
}

/// One violation.
#[derive(Debug)]
struct Violation {
    path: Vec<String>,
    message: String,
}

/// Checks `value` and words the answer: the violation nearest to the top, the first of those.
///
/// # Errors
/// 422 `Format error at 'a:b' '<message>' `, followed by `context` where OSM adds one.
///
/// Source: NBI_FACTS.md section 2; recorded case `body_formats_and_invalid_bodies`.
pub(crate) fn check(
    value: &Value,
    schema: &Schema,
    release: Release,
    context: &str,
) -> Result<(), Problem> {
    let mut violations = Vec::new();
    collect(value, schema, release, &mut Vec::new(), &mut violations);
    let Some(first) = violations.into_iter().min_by_key(|violation| violation.path.len()) else {
        return Ok(());
    };
    let place = match first.path.as_slice() {
        [] => "Format error ".to_owned(),
        path => format!("Format error at '{}'", path.join(":")),
    };
    Err(Problem::unprocessable(format!("{place} '{}' {context}", first.message)))
}

fn collect(
    value: &Value,
    schema: &Schema,
    release: Release,
    path: &mut Vec<String>,
    out: &mut Vec<Violation>,
) {
    let mut fail = |message: String| out.push(Violation { path: path.clone(), message });
    let wrong_type = |wanted: &str| format!("{} is not of type {wanted}", repr(value));
    match schema {
        Schema::Null if value.is_null() => {}
        Schema::Null => fail(wrong_type("'null'")),
        Schema::Bool if value.is_boolean() => {}
        Schema::Bool => fail(wrong_type("'boolean'")),
        Schema::AnyObject if value.is_object() => {}
        Schema::AnyObject => fail(wrong_type("'object'")),
        Schema::Integer { min } => match value.as_i64() {
            Some(number) if number < *min => {
                fail(format!("{number} is less than the minimum of {min}"));
            }
            Some(_) => {}
            None => fail(wrong_type("'integer'")),
        },
        Schema::OneOf(words) => {
            if !value.as_str().is_some_and(|text| words.contains(&text)) {
                let list: Vec<String> = words.iter().map(|word| repr_str(word)).collect();
                fail(format!("{} is not one of [{}]", repr(value), list.join(", ")));
            }
        }
        Schema::Text { max, may_be_empty, pattern } => match value.as_str() {
            Some(text) => check_text(text, *max, *may_be_empty, *pattern, release, &mut fail),
            None => fail(wrong_type("'string'")),
        },
        Schema::TextOrNull { max, pattern } => match value {
            Value::Null => {}
            Value::String(text) => check_text(text, *max, true, *pattern, release, &mut fail),
            _ => fail(wrong_type("'string', 'null'")),
        },
        Schema::Either(choices) => {
            let is_met = choices.iter().any(|choice| {
                let mut inner = Vec::new();
                collect(value, choice, release, &mut Vec::new(), &mut inner);
                inner.is_empty()
            });
            if !is_met {
                fail(format!("{} is not valid under any of the given schemas", repr(value)));
            }
        }
        Schema::List { of, min } => match value.as_array() {
            Some(items) => {
                if items.len() < *min {
                    fail(too_short(value, release));
                }
                for (index, item) in items.iter().enumerate() {
                    descend(index.to_string(), item, of, release, path, out);
                }
            }
            None => fail(wrong_type("'array'")),
        },
        Schema::MapOf { of, is_filled } => match value.as_object() {
            Some(map) => {
                if *is_filled && map.is_empty() {
                    fail("{} does not have enough properties".into());
                }
                for (key, item) in map {
                    descend(key.clone(), item, of, release, path, out);
                }
            }
            None => fail(wrong_type("'object'")),
        },
        Schema::Object(fields) => collect_fields(value, fields, release, path, out),
    }
}

fn collect_fields(
    value: &Value,
    schema: &Fields,
    release: Release,
    path: &mut Vec<String>,
    out: &mut Vec<Violation>,
) {
    let mut fail = |message: String| out.push(Violation { path: path.clone(), message });
    let Some(map) = value.as_object() else {
        return fail(format!("{} is not of type 'object'", repr(value)));
    };
    for name in schema.required.iter().filter(|name| !map.contains_key(**name)) {
        fail(format!("{} is a required property", repr_str(name)));
    }
    let is_known = |key: &str| schema.fields.iter().any(|(name, _)| *name == key);
    let unknown: Vec<String> =
        map.keys().filter(|key| !is_known(key)).map(|key| repr_str(key)).collect();
    if schema.is_closed && !unknown.is_empty() {
        let verb = if unknown.len() == 1 { "was" } else { "were" };
        fail(format!(
            "Additional properties are not allowed ({} {verb} unexpected)",
            unknown.join(", ")
        ));
    }
    if map.len() < schema.min {
        fail(format!("{} does not have enough properties", repr(value)));
    }
    for (name, schema) in schema.fields {
        if let Some(item) = map.get(*name) {
            descend((*name).to_owned(), item, schema, release, path, out);
        }
    }
}

fn descend(
    step: String,
    value: &Value,
    schema: &Schema,
    release: Release,
    path: &mut Vec<String>,
    out: &mut Vec<Violation>,
) {
    path.push(step);
    collect(value, schema, release, path, out);
    path.pop();
}

fn check_text(
    text: &str,
    max: usize,
    may_be_empty: bool,
    pattern: Option<&Pattern>,
    release: Release,
    fail: &mut impl FnMut(String),
) {
    if text.is_empty() && !may_be_empty {
        fail(too_short(&Value::from(text), release));
    }
    if text.chars().count() > max {
        fail(format!("{} is too long", repr_str(text)));
    }
    if let Some(pattern) = pattern
        && !(pattern.matches)(text)
    {
        fail(format!("{} does not match {}", repr_str(text), repr_str(pattern.text)));
    }
}

fn too_short(value: &Value, release: Release) -> String {
    let complaint = if release.says_non_empty() { "should be non-empty" } else { "is too short" };
    format!("{} {complaint}", repr(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NAME: Schema = Schema::Text { max: 5, may_be_empty: false, pattern: None };
    const THING: Schema = Schema::Object(&Fields {
        fields: &[("name", &NAME), ("kind", &Schema::OneOf(&["A", "B"]))],
        required: &["name"],
        is_closed: true,
        min: 0,
    });

    fn text_of(value: Value) -> String {
        check(&value, &THING, Release::R10, "").map_or_else(|problem| problem.detail, |()| "ok".into())
    }

    #[test]
    fn words_are_those_of_the_recordings() {
        assert_eq!(text_of(json!({"name": "a", "kind": "A"})), "ok");
        assert_eq!(text_of(json!({})), "Format error  ''name' is a required property' ");
        assert_eq!(text_of(json!([1])), "Format error  '[1] is not of type 'object'' ");
        assert_eq!(
            text_of(json!({"name": 5, "x": 1})),
            "Format error  'Additional properties are not allowed ('x' was unexpected)' "
        );
        assert_eq!(
            text_of(json!({"name": "a", "kind": "C"})),
            "Format error at 'kind' ''C' is not one of ['A', 'B']' "
        );
        assert_eq!(text_of(json!({"name": ""})), "Format error at 'name' ''' is too short' ");
    }
}
