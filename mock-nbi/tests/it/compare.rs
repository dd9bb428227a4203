//! What counts as the same answer: keys and their order, types, every value that does not vary, and
//! of those that vary their shape and which of them are the same.
//!
//! What may vary is the list in the README of the recordings; nothing else is let through.

mod identity;
mod raw;
mod varying;

pub use identity::Known;
pub use raw::json_text;
pub use varying::{Pattern, Patterns};

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use varying::{Class, Skeleton, class_of_key};

/// One answer held against the recorded one.
pub struct Comparison<'a> {
    known: &'a mut Known,
    patterns: &'a Patterns,
    /// Path of the request.
    path: &'a str,
    /// Everything that differs, as `<place> <what>`.
    pub found: Vec<String>,
    /// Names of the patterns without which it would differ.
    pub leaned_on: BTreeSet<String>,
    /// How much longer our text is for reasons that are allowed to vary.
    pub longer_by: i64,
}

impl<'a> Comparison<'a> {
    pub fn new(known: &'a mut Known, patterns: &'a Patterns, path: &'a str) -> Self {
        let (found, leaned_on) = (Vec::new(), BTreeSet::new());
        Self { known, patterns, path, found, leaned_on, longer_by: 0 }
    }

    pub fn note(&mut self, at: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{at} {what}"));
    }

    /// Compares parsed bodies.
    pub fn values(&mut self, want: &Value, got: &Value, at: &str) {
        match (want, got) {
            (Value::Object(want), Value::Object(got)) => self.objects(want, got, at),
            (Value::Array(want), Value::Array(got)) => {
                if want.len() != got.len() {
                    self.note(at, format!("has {} elements, not {}", got.len(), want.len()));
                }
                for (index, (want, got)) in want.iter().zip(got).enumerate() {
                    self.values(want, got, &format!("{at}/{index}"));
                }
            }
            _ => self.scalars(want, got, at),
        }
    }

    fn objects(&mut self, want: &Map<String, Value>, got: &Map<String, Value>, at: &str) {
        let ours = |name: &str| self.known.translate(name);
        let wanted: Vec<String> = want.keys().map(|name| ours(name)).collect();
        let missing: Vec<_> = wanted.iter().filter(|name| !got.contains_key(*name)).collect();
        let extra: Vec<_> = got.keys().filter(|name| !wanted.contains(name)).collect();
        let (missing, extra) = (format!("{missing:?}"), format!("{extra:?}"));
        if missing != "[]" {
            self.note(at, format!("lacks {missing}"));
        }
        if extra != "[]" {
            self.note(at, format!("has {extra} too much"));
        }
        if missing == "[]" && extra == "[]" && !wanted.iter().eq(got.keys()) {
            let order: Vec<_> = got.keys().collect();
            self.note(at, format!("has its keys in the order {order:?}, not {wanted:?}"));
        }
        for (value, name) in want.values().zip(&wanted) {
            if let Some(other) = got.get(name) {
                self.values(value, other, &format!("{at}/{name}"));
            }
        }
    }

    fn scalars(&mut self, want: &Value, got: &Value, at: &str) {
        match (want, got, class_of_key(at)) {
            (Value::Number(want), Value::Number(got), Some(Class::Time)) => {
                let times = (want.as_f64().unwrap(), got.as_f64().unwrap());
                if want.is_f64() != got.is_f64() {
                    self.note(at, format!("is {got}, not like {want}"));
                }
                self.times(times.0, times.1, at);
            }
            (Value::String(want), Value::String(got), Some(Class::Time)) => {
                match (want.parse(), got.parse()) {
                    (Ok(want), Ok(got)) => self.times(want, got, at),
                    _ => self.texts(want, got, at),
                }
            }
            (Value::Number(want), Value::Number(got), Some(Class::Port)) => {
                if got.as_u64().is_none_or(|port| port > 65_535) {
                    self.note(at, format!("is {got}, no port"));
                }
                self.longer_by += length(&got.to_string()) - length(&want.to_string());
            }
            (Value::String(want), Value::String(got), Some(class @ Class::Secret)) => {
                if varying::alphabet(want) != varying::alphabet(got) || want.len() != got.len() {
                    self.note(at, format!("is {got:?}, not of the shape of {want:?}"));
                }
                self.pair(class, want, got, at);
            }
            (Value::String(want), Value::String(got), _) => self.texts(want, got, at),
            _ if want == got => {}
            _ => self.note(at, format!("is {got}, not {want}")),
        }
    }

    fn times(&mut self, want: f64, got: f64, at: &str) {
        if let Err(why) = self.known.pair_times(want, got)
            && !self.is_let_through(at)
        {
            self.note(at, why);
        }
        self.longer_by += length(&format!("{got:?}")) - length(&format!("{want:?}"));
    }

    /// Compares texts, word by word where a word may vary.
    pub fn texts(&mut self, want: &str, got: &str, at: &str) {
        let (mut wanted, mut ours) = (Skeleton::of(want, &[]), Skeleton::of(got, &[]));
        if wanted.bones != ours.bones {
            let patterns = self.patterns.as_slice();
            (wanted, ours) = (Skeleton::of(want, patterns), Skeleton::of(got, patterns));
            if wanted.bones == ours.bones {
                self.leaned_on.append(&mut wanted.leaned_on);
                self.leaned_on.append(&mut ours.leaned_on);
                self.longer_by += i64::try_from(ours.invented).unwrap();
                self.longer_by -= i64::try_from(wanted.invented).unwrap();
            }
        }
        if wanted.bones != ours.bones && self.is_let_through(at) {
            self.longer_by += length(got) - length(want);
            return;
        }
        if wanted.bones != ours.bones {
            let want = self.known.translate(want);
            return self.note(at, format!("is {got:?}, not {want:?}"));
        }
        for ((class, want), (_, got)) in wanted.words.iter().zip(&ours.words) {
            self.pair(*class, want, got, at);
            self.longer_by += length(got) - length(want);
        }
    }

    fn is_let_through(&mut self, at: &str) -> bool {
        let pattern = self.patterns.for_place(&format!("{}#{at}", self.path));
        self.leaned_on.extend(pattern.map(|pattern| pattern.name.clone()));
        pattern.is_some()
    }

    fn pair(&mut self, class: Class, want: &str, got: &str, at: &str) {
        if class.has_identity()
            && let Err(why) = self.known.pair(want, got)
        {
            self.note(at, why);
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap()
}
