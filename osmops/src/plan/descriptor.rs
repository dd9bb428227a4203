//! Compares a declared descriptor with the one that OSM lists.
//!
//! OSM reads a descriptor through its information model and keeps what comes out: numbers become text or
//! text numbers, words for true and false become booleans, one value becomes a list of one, identities get
//! the name of their module, keys without a value are left out. So values are the same when OSM can have
//! made the one of the other. What an upload lays over a package is merged: objects by key, lists as a
//! whole; keys that the upload lacks stay. What else is in a record of OSM's list is OSM's own.
//!
//! Source: OSM NBI `descriptor_topics.py` (`upload_content`, `pyangbind_validation`); OSM common `dbbase.py`
//! (`deep_update_rfc7396`).

mod keys;
mod same;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::desired::DesiredPackage;
use crate::secret::SecretNames;
use crate::source_pos::SourcePos;

use keys::is_a_descriptors;
use same::{bare, entry, is_void, names, same};

/// One part of a descriptor that is not in OSM as it is declared.
#[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct DescriptorDifference {
    /// Where in the descriptor, as `kdu[ldap].helm-chart`.
    pub path: String,
    /// What the file says, as it may be shown; absent where it says nothing.
    pub declared: Option<Value>,
    /// What OSM has, as it may be shown; absent where it has nothing.
    pub observed: Option<Value>,
    /// Where the file says it, or the nearest value around it.
    pub at: SourcePos,
}

/// How OSM's copy of a descriptor differs from the declared one.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    /// Every difference, in the order of the file.
    pub(super) differences: Vec<DescriptorDifference>,
    /// The merge patch that makes the one of the other.
    pub(super) patch: Map<String, Value>,
    /// The part of it that an upload of the declared descriptor leaves to be done: keys to be removed.
    pub(super) removals: Map<String, Value>,
}

impl Comparison {
    /// Tells this difference from others, for a note on the package that it was repaired.
    pub(super) fn mark(&self, observed: &Value) -> String {
        let mut hash = Sha256::new();
        for (key, value) in &self.patch {
            let observed = observed.get(key).unwrap_or(&Value::Null);
            hash.update(format!("{key}\n{value}\n{observed}\n"));
        }
        hex::encode(hash.finalize()).get(..16).unwrap_or_default().to_owned()
    }

    /// Every key that OSM has and nobody declares any more.
    pub(super) fn dropped(&self) -> Vec<DescriptorDifference> {
        let is_dropped = |d: &&DescriptorDifference| d.declared.is_none();
        self.differences.iter().filter(is_dropped).cloned().collect()
    }
}

/// Compares the descriptor of `package` with `observed`, a record of OSM's list.
pub(super) fn compare(
    package: &DesiredPackage,
    observed: &Value,
    names: &SecretNames,
) -> Comparison {
    let mut comparison = Comparison::default();
    let (Some(declared), Some(observed)) =
        (package.descriptor.json().as_object(), observed.as_object())
    else {
        return comparison;
    };
    let is_descriptors = |(key, _): &(&String, &Value)| {
        is_a_descriptors(&bare(key)) || entry(declared, key).is_some()
    };
    let observed: Map<String, Value> =
        observed.iter().filter(is_descriptors).map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut walk =
        Walk { package, names, path: Vec::new(), shown: String::new(), found: Vec::new() };
    (comparison.patch, comparison.removals) = walk.objects(declared, &observed);
    comparison.differences = walk.found;
    comparison
}

/// A walk through both descriptors at once.
struct Walk<'a> {
    package: &'a DesiredPackage,
    names: &'a SecretNames,
    path: Vec<String>,
    shown: String,
    found: Vec<DescriptorDifference>,
}

impl Walk<'_> {
    /// Notes every difference; gives the merge patch, and the part of it that removes.
    fn objects(
        &mut self,
        declared: &Map<String, Value>,
        observed: &Map<String, Value>,
    ) -> (Map<String, Value>, Map<String, Value>) {
        let (mut patch, mut removals) = (Map::new(), Map::new());
        for (key, value) in declared.iter().filter(|(_, value)| !is_void(value)) {
            let found = entry(observed, key);
            if found.is_some_and(|(_, found)| same(key, value, found)) {
                continue;
            }
            let (name, found) = found.map_or((key, None), |(name, found)| (name, Some(found)));
            self.below(key, key, |walk| match (value, found) {
                (Value::Object(value), Some(Value::Object(found))) => {
                    let (inner_patch, inner_removals) = walk.objects(value, found);
                    patch.insert(name.clone(), inner_patch.into());
                    if !inner_removals.is_empty() {
                        removals.insert(name.clone(), inner_removals.into());
                    }
                }
                (value, found) => {
                    walk.explain(key, value, found);
                    patch.insert(name.clone(), value.clone());
                }
            });
        }
        for (key, value) in observed.iter().filter(|(_, value)| !is_void(value)) {
            if entry(declared, key).is_none_or(|(_, declared)| is_void(declared)) {
                self.below(key, key, |walk| walk.note(key, None, Some(value)));
                patch.insert(key.clone(), Value::Null);
                removals.insert(key.clone(), Value::Null);
            }
        }
        (patch, removals)
    }

    /// Notes what differs in two values that are not the same, as deep inside as it can be told.
    fn explain(&mut self, key: &str, declared: &Value, observed: Option<&Value>) {
        match (declared, observed) {
            (Value::Object(declared), Some(Value::Object(observed))) => {
                self.objects(declared, observed);
            }
            (Value::Array(declared), Some(Value::Array(observed))) => {
                self.lists(key, declared, observed);
            }
            _ => self.note(key, Some(declared), observed),
        }
    }

    fn lists(&mut self, key: &str, declared: &[Value], observed: &[Value]) {
        let Some(named) = names(declared).zip(names(observed)) else {
            for index in 0..declared.len().max(observed.len()) {
                let (declared, observed) = (declared.get(index), observed.get(index));
                self.items(key, index, &index.to_string(), declared, observed);
            }
            return;
        };
        for (index, (name, item)) in named.0.iter().zip(declared).enumerate() {
            let found = named.1.iter().position(|other| other == name);
            self.items(key, index, name, Some(item), found.and_then(|at| observed.get(at)));
        }
        for (name, item) in named.1.iter().zip(observed) {
            if !named.0.contains(name) {
                self.items(key, declared.len(), name, None, Some(item));
            }
        }
    }

    fn items(
        &mut self,
        key: &str,
        index: usize,
        name: &str,
        declared: Option<&Value>,
        observed: Option<&Value>,
    ) {
        if let (Some(declared), Some(observed)) = (declared, observed)
            && same(key, declared, observed)
        {
            return;
        }
        let step = format!("[{name}]");
        self.below(&index.to_string(), &step, |walk| match declared {
            Some(declared) => walk.explain(key, declared, observed),
            None => walk.note(key, None, observed),
        });
    }

    fn below(&mut self, step: &str, shown: &str, what: impl FnOnce(&mut Self)) {
        let length = self.shown.len();
        if length > 0 && !shown.starts_with('[') {
            self.shown.push('.');
        }
        self.shown.push_str(shown);
        self.path.push(step.to_owned());
        what(self);
        self.path.pop();
        self.shown.truncate(length);
    }

    fn note(&mut self, key: &str, declared: Option<&Value>, observed: Option<&Value>) {
        self.found.push(DescriptorDifference {
            path: self.shown.clone(),
            declared: declared.map(|value| self.names.shown(key, value)),
            observed: observed.map(|value| self.names.shown(key, value)),
            at: self.package.descriptor.position(&self.path),
        });
    }
}
