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
    let mut checker = Checker { release, path: Vec::new(), violations: Vec::new() };
    checker.check(value, schema);
    let violations = checker.violations;
    let Some(first) = violations.into_iter().min_by_key(|violation| violation.path.len()) else {
        return Ok(());
    };
    let place = match first.path.as_slice() {
        [] => "Format error ".to_owned(),
        path => format!("Format error at '{}'", path.join(":")),
    };
    Err(Problem::unprocessable(format!("{place} '{}' {context}", first.message)))
}

/// A walk through a value and its schema.
struct Checker {
    release: Release,
    path: Vec<String>,
    violations: Vec<Violation>,
}

impl Checker {
    fn fail(&mut self, message: String) {
        self.violations.push(Violation { path: self.path.clone(), message });
    }

    fn wrong_type(&mut self, value: &Value, wanted: &str) {
        self.fail(format!("{} is not of type {wanted}", repr(value)));
    }

    fn check(&mut self, value: &Value, schema: &Schema) {
        match schema {
            Schema::Either(choices) => {
                if !choices.iter().any(|choice| self.is_met(value, choice)) {
                    let value = repr(value);
                    self.fail(format!("{value} is not valid under any of the given schemas"));
                }
            }
            Schema::List { of, min } => match value.as_array() {
                Some(items) => {
                    if items.len() < *min {
                        self.too_short(value);
                    }
                    for (index, item) in items.iter().enumerate() {
                        self.check_below(index.to_string(), item, of);
                    }
                }
                None => self.wrong_type(value, "'array'"),
            },
            Schema::MapOf { of, is_filled } => match value.as_object() {
                Some(map) => {
                    if *is_filled && map.is_empty() {
                        self.fail("{} does not have enough properties".into());
                    }
                    for (key, item) in map {
                        self.check_below(key.clone(), item, of);
                    }
                }
                None => self.wrong_type(value, "'object'"),
            },
            Schema::Object(fields) => self.check_fields(value, fields),
            leaf => self.check_leaf(value, leaf),
        }
    }

    fn is_met(&self, value: &Value, schema: &Schema) -> bool {
        let mut inner = Self { release: self.release, path: Vec::new(), violations: Vec::new() };
        inner.check(value, schema);
        inner.violations.is_empty()
    }

    fn check_leaf(&mut self, value: &Value, schema: &Schema) {
        match schema {
            Schema::Null if !value.is_null() => self.wrong_type(value, "'null'"),
            Schema::Bool if !value.is_boolean() => self.wrong_type(value, "'boolean'"),
            Schema::AnyObject if !value.is_object() => self.wrong_type(value, "'object'"),
            Schema::Integer { min } => match value.as_i64() {
                Some(number) if number < *min => {
                    self.fail(format!("{number} is less than the minimum of {min}"));
                }
                Some(_) => {}
                None => self.wrong_type(value, "'integer'"),
            },
            Schema::OneOf(words) if !value.as_str().is_some_and(|text| words.contains(&text)) => {
                let list: Vec<String> = words.iter().map(|word| repr_str(word)).collect();
                self.fail(format!("{} is not one of [{}]", repr(value), list.join(", ")));
            }
            Schema::Text { max, may_be_empty, pattern } => match value.as_str() {
                Some(text) => self.check_text(text, *max, *may_be_empty, *pattern),
                None => self.wrong_type(value, "'string'"),
            },
            Schema::TextOrNull { max, pattern } => match value {
                Value::Null => {}
                Value::String(text) => self.check_text(text, *max, true, *pattern),
                _ => self.wrong_type(value, "'string', 'null'"),
            },
            _ => {}
        }
    }

    fn check_fields(&mut self, value: &Value, schema: &Fields) {
        let Some(map) = value.as_object() else {
            return self.wrong_type(value, "'object'");
        };
        for name in schema.required.iter().filter(|name| !map.contains_key(**name)) {
            self.fail(format!("{} is a required property", repr_str(name)));
        }
        let is_known = |key: &str| schema.fields.iter().any(|(name, _)| *name == key);
        let unknown: Vec<String> =
            map.keys().filter(|key| !is_known(key)).map(|key| repr_str(key)).collect();
        if schema.is_closed && !unknown.is_empty() {
            let verb = if unknown.len() == 1 { "was" } else { "were" };
            self.fail(format!(
                "Additional properties are not allowed ({} {verb} unexpected)",
                unknown.join(", ")
            ));
        }
        if map.len() < schema.min {
            self.fail(format!("{} does not have enough properties", repr(value)));
        }
        for (name, schema) in schema.fields {
            if let Some(item) = map.get(*name) {
                self.check_below((*name).to_owned(), item, schema);
            }
        }
    }

    fn check_below(&mut self, step: String, value: &Value, schema: &Schema) {
        self.path.push(step);
        self.check(value, schema);
        self.path.pop();
    }

    fn check_text(
        &mut self,
        text: &str,
        max: usize,
        may_be_empty: bool,
        pattern: Option<&Pattern>,
    ) {
        if text.is_empty() && !may_be_empty {
            self.too_short(&Value::from(text));
        }
        if text.chars().count() > max {
            self.fail(format!("{} is too long", repr_str(text)));
        }
        if let Some(pattern) = pattern
            && !(pattern.matches)(text)
        {
            self.fail(format!("{} does not match {}", repr_str(text), repr_str(pattern.text)));
        }
    }

    fn too_short(&mut self, value: &Value) {
        let complaint =
            if self.release.says_non_empty() { "should be non-empty" } else { "is too short" };
        self.fail(format!("{} {complaint}", repr(value)));
    }
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

    fn text_of(value: &Value) -> String {
        check(value, &THING, Release::R10, "")
            .map_or_else(|problem| problem.detail, |()| "ok".into())
    }

    #[test]
    fn words_are_those_of_the_recordings() {
        assert_eq!(text_of(&json!({"name": "a", "kind": "A"})), "ok");
        assert_eq!(text_of(&json!({})), "Format error  ''name' is a required property' ");
        assert_eq!(text_of(&json!([1])), "Format error  '[1] is not of type 'object'' ");
        assert_eq!(
            text_of(&json!({"name": 5, "x": 1})),
            "Format error  'Additional properties are not allowed ('x' was unexpected)' "
        );
        assert_eq!(
            text_of(&json!({"name": "a", "kind": "C"})),
            "Format error at 'kind' ''C' is not one of ['A', 'B']' "
        );
        assert_eq!(text_of(&json!({"name": ""})), "Format error at 'name' ''' is too short' ");
    }
}
