//! JSON and YAML from clients, read within limits.
//!
//! Invariant: pure; what it gives is at most [`WEIGHT_MAX`] heavy and as deep as its two parsers
//! allow (128 levels), whatever aliases a YAML text has.

mod yaml;

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// What may be read at once. OSM's database keeps no record of more than 16 MB.
///
/// Source: MongoDB's limit on documents (`maxBsonObjectSize`).
const WEIGHT_MAX: usize = 16 * 1024 * 1024;
/// What an element weighs beside its text, about as much as in that database.
const ELEMENT_WEIGHT: usize = 16;
/// YAML texts above this are refused: their parser keeps some hundred bytes for each element, an
/// element can be two bytes short, and descriptors have some kilobytes.
pub(crate) const YAML_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why a text gives no value.
#[derive(Debug)]
pub(crate) enum Unreadable<E> {
    /// It holds more than is read at once.
    TooLarge,
    /// It is no JSON or YAML.
    Broken(E),
}

impl<E> Unreadable<E> {
    /// The refusal, with what `complaint` says of bad syntax.
    pub(crate) fn into_problem(self, complaint: impl FnOnce(E) -> Problem) -> Problem {
        match self {
            Self::TooLarge => Problem::too_large(),
            Self::Broken(error) => complaint(error),
        }
    }
}

/// Reads one YAML document, its bare words as PyYAML understands them.
///
/// # Errors
/// Too large (aliases counted as often as they are used), or the parser's.
pub(crate) fn from_yaml(text: &str) -> Result<Value, Unreadable<serde_yaml::Error>> {
    if text.len() > YAML_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    if let Some(complaint) = yaml::complaint_about(text) {
        return Err(Unreadable::Broken(Error::custom(complaint)));
    }
    let left = Cell::new(Some(WEIGHT_MAX));
    let read = Weighed(&left)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| cause(&left, error))?;
    Ok(yaml::value_of(text).unwrap_or(read))
}

/// Reads one JSON document.
///
/// # Errors
/// Too large, or the parser's.
pub(crate) fn from_json(text: &str) -> Result<Value, Unreadable<serde_json::Error>> {
    let left = Cell::new(Some(WEIGHT_MAX));
    let mut parser = serde_json::Deserializer::from_str(text);
    Weighed(&left)
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value))
        .map_err(|error| cause(&left, error))
}

fn cause<E>(left: &Cell<Option<usize>>, error: E) -> Unreadable<E> {
    match left.get() {
        None => Unreadable::TooLarge,
        Some(_) => Unreadable::Broken(error),
    }
}

/// Reads a value and takes its weight off what is left; none once that was too little.
#[derive(Clone, Copy)]
struct Weighed<'a>(&'a Cell<Option<usize>>);

impl Weighed<'_> {
    fn take<E: Error>(self, text_bytes: usize) -> Result<(), E> {
        let weight = ELEMENT_WEIGHT + text_bytes;
        self.0.set(self.0.get().and_then(|left| left.checked_sub(weight)));
        match self.0.get() {
            Some(_) => Ok(()),
            None => Err(E::custom("too large")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Weighed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.take(0)?;
        deserializer.deserialize_any(self)
    }
}

/// Gives the same as `serde_json::Value` does, whose error texts these are.
impl<'de> Visitor<'de> for Weighed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        let number = Number::from_i128(value);
        number.map(Value::Number).ok_or_else(|| E::custom("JSON number out of range"))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        let number = Number::from_u128(value);
        number.map(Value::Number).ok_or_else(|| E::custom("JSON number out of range"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.take(value.len())?;
        Ok(value.into())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            self.take(key.len())?;
            let value = fields.next_value_seed(self)?;
            values.insert(key, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_those_of_the_parsers_themselves() {
        let json =
            r#"{"b": [1, -1, 1.5, 1e40, 18446744073709551615, null, true, "x", {}], "a": 1}"#;
        let yaml = "b: [1, -1, 1.5, ~, yes, x, 0x10, .nan, 2020-01-01, '']\n1: &a {k: v}\nc: *a\n";
        assert_eq!(from_json(json).unwrap(), serde_json::from_str::<Value>(json).unwrap());
        let expected = json!({
            "b": [1, -1, 1.5, null, true, "x", 16, null, "2020-01-01", ""],
            "1": {"k": "v"}, "c": {"k": "v"},
        });
        assert_eq!(from_yaml(yaml).unwrap(), expected);
        assert_eq!(from_yaml("").unwrap(), json!(null));
    }

    #[test]
    fn complaints_are_those_of_the_parsers_themselves() {
        for text in ["a: [", "a: b: c", "- a\nb", "a: 1\n---\nb: 2\n"] {
            let Err(Unreadable::Broken(error)) = from_yaml(text) else {
                panic!("{text:?} was read");
            };
            let own = serde_yaml::from_str::<Value>(text).unwrap_err();
            assert_eq!(error.to_string(), own.to_string());
        }
    }

    #[test]
    fn aliases_count_as_often_as_they_are_used() {
        let bomb = format!("a: &a [{}1]\nb: [{}*a]\n", "1,".repeat(2_000), "*a, ".repeat(2_000));
        assert!(matches!(from_yaml(&bomb), Err(Unreadable::TooLarge)));
        let text_bomb = format!("a: &a {}\nb: [{}*a]\n", "x".repeat(20_000), "*a, ".repeat(2_000));
        assert!(matches!(from_yaml(&text_bomb), Err(Unreadable::TooLarge)));
    }

    #[test]
    fn wide_and_deep_texts_are_refused() {
        let wide = format!("[{}0]", "0,".repeat(2_000_000));
        assert!(matches!(from_json(&wide), Err(Unreadable::TooLarge)));
        let long = format!("[{}0]", "0,".repeat(YAML_BYTES_MAX / 2));
        assert!(matches!(from_yaml(&long), Err(Unreadable::TooLarge)));
        let deep = "[".repeat(100_000);
        assert!(matches!(from_json(&deep), Err(Unreadable::Broken(_))));
        assert!(matches!(from_yaml(&deep), Err(Unreadable::Broken(_))));
    }
}
