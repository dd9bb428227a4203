//! Takes values out of a mapping by name and collects every mistake.

use super::node::{Node, NodeKind};

/// What is wrong with one entry of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A required key is not there.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// A key that means nothing here.
    #[error("unknown key `{key}`{}", nearest.as_ref().map(|n| format!(", did you mean `{n}`?")).unwrap_or_default())]
    Unknown {
        /// The key as written.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A value of another type than is needed.
    #[error("`{key}` must be {wanted}, but is {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What would be right.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value of the right type that cannot be accepted.
    #[error("`{key}` {reason}")]
    BadValue {
        /// The key.
        key: String,
        /// Why not, as the end of a sentence that begins with the key.
        reason: String,
    },
}

/// A mapping being read. Every key that is asked for counts as known; [`Fields::finish`] reports the
/// others.
#[derive(Debug)]
pub struct Fields<'a> {
    node: &'a Node,
    prefix: String,
    known: Vec<&'static str>,
    errors: Vec<(u32, u32, FieldError)>,
}

impl<'a> Fields<'a> {
    /// Starts to read `node`, whose keys are called `<prefix>.<key>` in messages (`""`: just the key).
    ///
    /// # Errors
    /// [`FieldError::WrongType`] when `node` is no mapping.
    pub fn of(node: &'a Node, prefix: &str) -> Result<Self, (u32, u32, FieldError)> {
        if matches!(node.kind, NodeKind::Mapping(_)) {
            Ok(Self { node, prefix: prefix.to_owned(), known: Vec::new(), errors: Vec::new() })
        } else {
            let key = if prefix.is_empty() { "the document".to_owned() } else { prefix.to_owned() };
            let found = node.describe();
            Err((node.line, node.column, FieldError::WrongType { key, wanted: "a mapping", found }))
        }
    }

    fn full(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) }
    }

    /// The value of an optional key; null counts as absent.
    pub fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.node.entry(key).filter(|value| !value.is_null())
    }

    /// The value of a required key; a missing one is reported at the mapping's start.
    pub fn required(&mut self, key: &'static str) -> Option<&'a Node> {
        let value = self.optional(key);
        if value.is_none() {
            // A key without a value is reported where the value should stand.
            let at = self.node.entry(key).unwrap_or(self.node);
            let error = FieldError::Missing { key: self.full(key) };
            self.errors.push((at.line, at.column, error));
        }
        value
    }

    /// Text under an optional key. A number or boolean counts as the text that was written, as it did
    /// in the original (`password: 0123` is `0123`).
    pub fn optional_text(&mut self, key: &'static str) -> Option<(&'a str, &'a Node)> {
        let node = self.optional(key)?;
        self.text(key, node)
    }

    /// Text under a required key.
    pub fn required_text(&mut self, key: &'static str) -> Option<(&'a str, &'a Node)> {
        let node = self.required(key)?;
        self.text(key, node)
    }

    /// A name or id under a required key, checked by its type.
    pub fn required_name<T>(
        &mut self,
        key: &'static str,
        new: impl Fn(String) -> Result<T, crate::ids::TextError>,
    ) -> Option<(T, &'a Node)> {
        let (text, node) = self.required_text(key)?;
        match new(text.to_owned()) {
            Ok(name) => Some((name, node)),
            Err(error) => {
                self.bad_value(key, node, error.to_string());
                None
            }
        }
    }

    /// A boolean under an optional key; `"true"` in quotes is text.
    pub fn optional_bool(&mut self, key: &'static str) -> Option<(bool, &'a Node)> {
        let node = self.optional(key)?;
        let value = node.to_json().as_bool();
        if value.is_none() {
            self.wrong_type(key, node, "`true` or `false`", node.describe());
        }
        Some((value?, node))
    }

    fn text(&mut self, key: &'static str, node: &'a Node) -> Option<(&'a str, &'a Node)> {
        if node.scalar_text().is_none() {
            self.wrong_type(key, node, "text", node.describe());
        }
        node.scalar_text().map(|text| (text, node))
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, key: &str, at: &Node, wanted: &'static str, found: &'static str) {
        let error = FieldError::WrongType { key: self.full(key), wanted, found };
        self.errors.push((at.line, at.column, error));
    }

    /// Reports a value that cannot be accepted.
    pub fn bad_value(&mut self, key: &str, at: &Node, reason: impl Into<String>) {
        let error = FieldError::BadValue { key: self.full(key), reason: reason.into() };
        self.errors.push((at.line, at.column, error));
    }

    /// Reports a value that cannot be accepted, by its line and column.
    pub fn bad_value_at(&mut self, key: &str, (line, column): (u32, u32), reason: String) {
        self.errors.push((line, column, FieldError::BadValue { key: self.full(key), reason }));
    }

    /// Takes over the mistakes of a mapping inside this one.
    pub fn absorb(&mut self, errors: Vec<(u32, u32, FieldError)>) {
        self.errors.extend(errors);
    }

    /// Every mistake, unknown keys included, in the order of the file.
    pub fn finish(mut self) -> Vec<(u32, u32, FieldError)> {
        for (key, _) in self.node.entries() {
            let text = key.scalar_text().unwrap_or_default();
            if !self.known.contains(&text) {
                let nearest = nearest(text, &self.known).map(|n| self.full(n));
                let error = FieldError::Unknown { key: self.full(text), nearest };
                self.errors.push((key.line, key.column, error));
            }
        }
        // A misspelt key is one mistake, not an unknown key and a missing one.
        let misspelt: Vec<String> = self
            .errors
            .iter()
            .filter_map(|(_, _, error)| match error {
                FieldError::Unknown { nearest, .. } => nearest.clone(),
                FieldError::Missing { .. }
                | FieldError::WrongType { .. }
                | FieldError::BadValue { .. } => None,
            })
            .collect();
        self.errors.retain(
            |(_, _, error)| !matches!(error, FieldError::Missing { key } if misspelt.contains(key)),
        );
        self.errors.sort_by_key(|(line, column, _)| (*line, *column));
        self.errors
    }
}

/// The word of `known` that `word` most likely meant: at most a third of its letters differ.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&lower, &k.to_lowercase()), *k))
        .filter(|(distance, k)| *distance * 3 <= k.len().max(word.len()))
        .min()
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_documents;

    #[test]
    fn every_mistake_is_reported_in_the_order_of_the_file() {
        let documents = parse_documents("nsdNme: x\nname: [12]\nextra: 1\n").unwrap();
        let mut fields = Fields::of(&documents[0], "").unwrap();
        fields.required_text("name");
        fields.required_text("nsdName");
        fields.required_text("vnfName");
        let errors: Vec<String> =
            fields.finish().iter().map(|(l, c, e)| format!("{l}:{c} {e}")).collect();
        assert_eq!(
            errors,
            [
                "1:1 `vnfName` is missing",
                "1:1 unknown key `nsdNme`, did you mean `nsdName`?",
                "2:7 `name` must be text, but is a list",
                "3:1 unknown key `extra`",
            ]
        );
    }
}
