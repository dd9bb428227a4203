//! Compares a declared descriptor with the one that OSM lists.
//!
//! OSM reads a descriptor through its information model and keeps what comes out: numbers become text or
//! text numbers, words for true and false become booleans, one value becomes a list of one, identities get
//! the name of their module, keys without a value are left out. So values are the same when OSM can have
//! made the one of the other. What an upload lays over a package is merged: objects by key, lists as a
//! whole; keys that the upload lacks stay.
//!
//! Source: OSM NBI `descriptor_topics.py` (`upload_content`, `pyangbind_validation`); OSM common `dbbase.py`
//! (`deep_update_rfc7396`).

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::desired::DesiredPackage;
use crate::secret::SecretNames;
use crate::source_pos::SourcePos;

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

/// What OSM adds to a descriptor when it lists it, beside keys that begin with `_`.
///
/// Source: OSM NBI `descriptor_topics.py`, `sol005_projection`.
const OSM_KEYS: [&str; 7] = [
    "onboardingState",
    "operationalState",
    "usageState",
    "nsdOnboardingState",
    "nsdOperationalState",
    "nsdUsageState",
    "links",
];

/// Modules whose names OSM puts before identities, and the short forms that descriptors use.
///
/// Source: OSM IM, `etsi-nfv-descriptors.yang` and OSM's augments.
const MODULES: [&str; 5] =
    ["etsi-nfv-descriptors", "nfv", "descriptors", "vnf", "persistent-storage"];

/// Keys whose text is a decimal number, so that `4.5` becomes `4.5000`. Other texts are compared as numbers
/// only where they are whole ones: version `1.10` is not `1.1`.
///
/// Source: OSM IM; the leaves of type `decimal64`.
const DECIMALS: [&str; 7] = [
    "min-ram",
    "packet-loss-ratio",
    "scale-in-threshold",
    "scale-out-threshold",
    "size",
    "value",
    "value-decimal",
];

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
    let is_descriptors =
        |(key, _): &(&String, &Value)| !key.starts_with('_') && !OSM_KEYS.contains(&key.as_str());
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

/// What OSM leaves out: no value, an empty list, an empty object.
fn is_void(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_void),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A key without the name of its module. To OSM `product_name` is `product-name`.
fn bare(key: &str) -> String {
    key.rsplit(':').next().unwrap_or(key).replace('_', "-")
}

fn entry<'a>(map: &'a Map<String, Value>, key: &str) -> Option<(&'a String, &'a Value)> {
    let exact = map.get_key_value(key);
    exact.or_else(|| map.iter().find(|(other, _)| bare(other) == bare(key)))
}

/// The names of a list's items, where each has one of its own: its `id`, else its `name`.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = item.get("id").or_else(|| item.get("name")).and_then(text_of)?;
        if names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// Whether OSM can have made `observed` of `declared`; `key` is that of the value, or of its list.
fn same(key: &str, declared: &Value, observed: &Value) -> bool {
    match (declared, observed) {
        (Value::Object(declared), Value::Object(observed)) => {
            let has = |(key, value): (&String, &Value)| {
                is_void(value) || entry(observed, key).is_some_and(|(_, o)| same(key, value, o))
            };
            let is_declared = |(key, value): (&String, &Value)| {
                is_void(value) || entry(declared, key).is_some_and(|(_, d)| !is_void(d))
            };
            declared.iter().all(has) && observed.iter().all(is_declared)
        }
        (Value::Array(declared), Value::Array(observed)) => same_lists(key, declared, observed),
        (declared, Value::Array(observed)) => match observed.as_slice() {
            [one] => same(key, declared, one),
            _ => false,
        },
        (declared, observed) => same_words(key, declared, observed),
    }
}

fn same_lists(key: &str, declared: &[Value], observed: &[Value]) -> bool {
    // OSM takes the same plain value once.
    let mut distinct: Vec<&Value> = Vec::new();
    for item in declared {
        let is_plain = !item.is_object() && !item.is_array();
        if !(is_plain && distinct.contains(&item)) {
            distinct.push(item);
        }
    }
    let by_index = |declared: &[&Value]| {
        declared.len() == observed.len()
            && declared.iter().zip(observed).all(|(d, o)| same(key, d, o))
    };
    if let Some((names, others)) = names(declared).zip(names(observed)) {
        return names.len() == others.len()
            && names.iter().zip(declared).all(|(name, item)| {
                let found = others.iter().position(|other| other == name);
                found.and_then(|at| observed.get(at)).is_some_and(|o| same(key, item, o))
            });
    }
    by_index(&distinct) || by_index(&declared.iter().collect::<Vec<_>>())
}

fn same_words(key: &str, declared: &Value, observed: &Value) -> bool {
    if declared == observed {
        return true;
    }
    if let (Value::Bool(flag), other) | (other, Value::Bool(flag)) = (declared, observed) {
        let words = if *flag { ["true", "True", "1"] } else { ["false", "False", "0"] };
        return text_of(other).is_some_and(|text| words.contains(&text.as_str()));
    }
    match (declared, observed) {
        (Value::Number(number), Value::Number(_) | Value::String(_)) => {
            same_numbers(declared, observed) || is_cut_to(number, observed)
        }
        (Value::String(_), Value::Number(_)) => same_numbers(declared, observed),
        (Value::String(a), Value::String(b)) => {
            let is_number = DECIMALS.contains(&bare(key).as_str()) || b.parse::<i128>().is_ok();
            without_module(a) == without_module(b)
                || (is_number && same_numbers(declared, observed))
        }
        _ => false,
    }
}

fn without_module(text: &str) -> &str {
    match text.split_once(':') {
        Some((module, rest)) if MODULES.contains(&module) => rest,
        _ => text,
    }
}

fn same_numbers(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (text_of(a), text_of(b)) else {
        return false;
    };
    // Python reads numbers with blanks around and underscores inside.
    let plain = |text: &str| text.trim().replace('_', "");
    let (a, b) = (plain(&a), plain(&b));
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a.parse::<f64>().is_ok_and(|a| b.parse::<f64>() == Ok(a)),
    }
}

/// Where the model has whole numbers, OSM cuts the fraction off.
fn is_cut_to(declared: &serde_json::Number, observed: &Value) -> bool {
    let whole = text_of(observed).and_then(|text| text.parse::<i64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "fractions have fewer digits")]
    whole.is_some_and(|whole| declared.as_f64().map(f64::trunc) == Some(whole as f64))
}

/// A value of one piece as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
