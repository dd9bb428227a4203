//! A walk through a value and its schema that collects what is wrong.

use serde_json::Value;

use super::violation::{Step, Violation};
use super::{Fields, Gate, Pattern, Schema};
use crate::python::{repr, repr_str};
use crate::release::Release;

pub(super) struct Checker {
    release: Release,
    path: Vec<Step>,
    pub(super) violations: Vec<Violation>,
}

impl Checker {
    pub(super) fn new(release: Release) -> Self {
        Self { release, path: Vec::new(), violations: Vec::new() }
    }

    pub(super) fn check(&mut self, value: &Value, schema: &Schema) {
        match schema {
            Schema::Of(choose) => self.check(value, choose(self.release)),
            Schema::Either(choices) => self.check_either(value, choices),
            Schema::List { of, min } => self.check_list(value, of, *min),
            Schema::MapOf { of, is_filled } => self.check_map(value, of, *is_filled),
            Schema::Object(fields) => self.check_fields(value, fields, &[]),
            Schema::Gated(fields, gates) => self.check_fields(value, fields, gates),
            Schema::All(parts) => parts.iter().for_each(|part| self.check(value, part)),
            Schema::NeedsOneOf { list, holds, keys } => self.check_needs(value, list, holds, keys),
            Schema::ListEdits => self.check_list_edits(value),
            leaf => self.check_leaf(value, leaf),
        }
    }

    /// Notes a violation by a value of the right type.
    fn fail(&mut self, message: String) {
        self.push(message, true, Vec::new());
    }

    fn push(&mut self, message: String, matches_type: bool, context: Vec<Violation>) {
        let path = self.path.clone();
        self.violations.push(Violation { path, message, matches_type, context });
    }

    fn wrong_type(&mut self, value: &Value, wanted: &str) {
        self.push(format!("{} is not of type {wanted}", repr(value)), false, Vec::new());
    }

    fn check_either(&mut self, value: &Value, choices: &[&Schema]) {
        let mut context = Vec::new();
        let mut met = Vec::new();
        for choice in choices {
            let mut inner = Self::new(self.release);
            inner.check(value, choice);
            if inner.violations.is_empty() {
                met.push(*choice);
            } else if met.is_empty() {
                context.extend(inner.violations);
            }
        }
        if met.is_empty() {
            let message = format!("{} is not valid under any of the given schemas", repr(value));
            self.push(message, false, context);
        } else if met.len() > 1 {
            // The first that is met comes last.
            met.rotate_left(1);
            let met: Vec<String> = met.into_iter().map(schema_repr).collect();
            let message = format!("{} is valid under each of {}", repr(value), met.join(", "));
            self.push(message, false, Vec::new());
        }
    }

    fn check_list(&mut self, value: &Value, of: &Schema, min: usize) {
        let Some(items) = value.as_array() else {
            return self.wrong_type(value, "'array'");
        };
        if items.len() < min {
            self.too_short(value, min);
        }
        for (index, item) in items.iter().enumerate() {
            self.check_below(Step::Index(index), item, of);
        }
    }

    fn check_map(&mut self, value: &Value, of: &Schema, is_filled: bool) {
        let Some(map) = value.as_object() else {
            return self.wrong_type(value, "'object'");
        };
        if is_filled && map.is_empty() {
            self.too_few_properties(value, 1);
        }
        for (key, item) in map {
            self.check_below(Step::Key(key.clone()), item, of);
        }
    }

    /// JSON Schema's `if` a list contains a word, `then` any of the keys is required; a list that is
    /// absent counts as containing it.
    fn check_needs(&mut self, value: &Value, list: &str, holds: &str, keys: &[&str]) {
        let Some(map) = value.as_object() else {
            return;
        };
        let applies = match map.get(list) {
            Some(Value::Array(items)) => items.iter().any(|item| item == holds),
            _ => true,
        };
        if applies && !keys.iter().any(|key| map.contains_key(*key)) {
            let context = keys.iter().map(|key| Violation {
                path: Vec::new(),
                message: format!("{} is a required property", repr_str(key)),
                matches_type: false,
                context: Vec::new(),
            });
            let message = format!("{} is not valid under any of the given schemas", repr(value));
            self.push(message, false, context.collect());
        }
    }

    fn check_fields(&mut self, value: &Value, schema: &Fields, gates: &[Gate]) {
        let Some(map) = value.as_object() else {
            return self.wrong_type(value, "'object'");
        };
        for name in schema.required.iter().filter(|name| !map.contains_key(**name)) {
            self.fail(format!("{} is a required property", repr_str(name)));
        }
        if map.len() < schema.min {
            self.too_few_properties(value, schema.min);
        }
        let release = self.release;
        let is_open = |key: &str| !gates.iter().any(|(name, has)| *name == key && !has(release));
        let is_known =
            |key: &str| schema.fields.iter().any(|(name, _)| *name == key) && is_open(key);
        let mut unknown: Vec<String> =
            map.keys().filter(|key| !is_known(key)).map(|key| repr_str(key)).collect();
        if schema.is_closed && !unknown.is_empty() {
            if self.release.has_later_jsonschema() {
                unknown.sort();
            }
            let verb = if unknown.len() == 1 { "was" } else { "were" };
            self.fail(format!(
                "Additional properties are not allowed ({} {verb} unexpected)",
                unknown.join(", ")
            ));
        }
        for (name, schema) in schema.fields {
            if let Some(item) = map.get(*name).filter(|_| is_open(name)) {
                self.check_below(Step::Key((*name).to_owned()), item, schema);
            }
        }
    }

    fn check_list_edits(&mut self, value: &Value) {
        let Some(map) = value.as_object() else {
            return self.wrong_type(value, "'object'");
        };
        let mut others: Vec<String> =
            map.keys().filter(|key| !key.starts_with('$')).map(|key| repr_str(key)).collect();
        if !others.is_empty() {
            others.sort();
            let verb = if others.len() == 1 { "does" } else { "do" };
            self.fail(format!(
                "{} {verb} not match any of the regexes: '^\\\\$'",
                others.join(", ")
            ));
        }
        if map.is_empty() {
            self.too_few_properties(value, 1);
        }
    }

    fn check_leaf(&mut self, value: &Value, schema: &Schema) {
        match schema {
            Schema::Null if !value.is_null() => self.wrong_type(value, "'null'"),
            Schema::NotNull if value.is_null() => {
                let text = if self.release.has_later_jsonschema() {
                    "None should not be valid under {'type': 'null'}"
                } else {
                    "{'type': 'null'} is not allowed for None"
                };
                self.push(text.to_owned(), false, Vec::new());
            }
            Schema::Bool if !value.is_boolean() => self.wrong_type(value, "'boolean'"),
            Schema::AnyObject if !value.is_object() => self.wrong_type(value, "'object'"),
            Schema::Distinct => {
                let items = value.as_array().map_or(&[] as &[Value], Vec::as_slice);
                let comes_again = |(at, item): (usize, &Value)| items[..at].contains(item);
                if items.iter().enumerate().any(comes_again) {
                    self.fail(format!("{} has non-unique elements", repr(value)));
                }
            }
            Schema::AnyList if !value.is_array() => self.wrong_type(value, "'array'"),
            Schema::Integer { min } => self.check_integer(value, *min, i64::MAX),
            Schema::IntegerTo { min, max } => self.check_integer(value, *min, *max),
            Schema::OneOf(words) => self.check_word(value, words, false),
            Schema::Word(words) => {
                if !value.is_string() {
                    self.wrong_type(value, "'string'");
                }
                self.check_word(value, words, value.is_string());
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

    fn check_integer(&mut self, value: &Value, min: i64, max: i64) {
        if value.is_u64() && value.as_i64().is_none() {
            if max < i64::MAX {
                self.fail(format!("{value} is greater than the maximum of {max}"));
            }
            return;
        }
        match value.as_i64() {
            Some(number) if number < min => {
                self.fail(format!("{number} is less than the minimum of {min}"));
            }
            Some(number) if number > max => {
                self.fail(format!("{number} is greater than the maximum of {max}"));
            }
            Some(_) => {}
            None => self.wrong_type(value, "'integer'"),
        }
    }

    fn check_word(&mut self, value: &Value, words: &[&str], matches_type: bool) {
        if !value.as_str().is_some_and(|text| words.contains(&text)) {
            let list: Vec<String> = words.iter().map(|word| repr_str(word)).collect();
            let message = format!("{} is not one of [{}]", repr(value), list.join(", "));
            self.push(message, matches_type, Vec::new());
        }
    }

    fn check_below(&mut self, step: Step, value: &Value, schema: &Schema) {
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
            self.too_short(&Value::from(text), 1);
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

    fn too_short(&mut self, value: &Value, min: usize) {
        let is_later = self.release.has_later_jsonschema();
        let complaint = if is_later && min == 1 { "should be non-empty" } else { "is too short" };
        self.fail(format!("{} {complaint}", repr(value)));
    }

    fn too_few_properties(&mut self, value: &Value, min: usize) {
        let complaint = if self.release.has_later_jsonschema() && min == 1 {
            "should be non-empty"
        } else {
            "does not have enough properties"
        };
        self.fail(format!("{} {complaint}", repr(value)));
    }
}

/// A schema as Python prints it; only those that can be met together with another are told apart.
fn schema_repr(schema: &Schema) -> String {
    match schema {
        Schema::Null => "{'type': 'null'}".into(),
        Schema::TextOrNull { max, pattern } => {
            let pattern = pattern
                .map(|pattern| format!(", 'pattern': {}", repr_str(pattern.text)))
                .unwrap_or_default();
            format!("{{'type': ['string', 'null'], 'maxLength': {max}{pattern}}}")
        }
        _ => "{...}".into(),
    }
}
