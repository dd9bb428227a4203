//! A descriptor read node by node, as `pybindJSONDecoder.load_ietf_json` does, and written back as
//! `pybindJSON.dumps(mode="ietf")` does.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Case, Model, Node, NodeKind, attribute_of, leaf, words};
use crate::python;

/// Reads `data` and writes it back: only what the model has, in the model's types and order.
///
/// # Errors
/// What the validator says; with `force`, of unknown keys nothing (but of unknown lists).
pub(crate) fn load(model: &Model, data: &Value, force: bool) -> Result<Value, String> {
    let reader = Reader { model, force };
    let mut root = Object::default();
    let mut signals = Signals::default();
    reader.read(&mut root, &model.roots, &[], data, "", &mut signals)?;
    Ok(written(&root, &model.roots))
}

struct Reader<'m> {
    model: &'m Model,
    force: bool,
}

/// What was read so far of a container or of an element of a list, by position in the model.
#[derive(Debug, Default)]
struct Object {
    slots: IndexMap<usize, Slot>,
}

#[derive(Debug)]
enum Slot {
    Object(Object),
    List(IndexMap<String, Object>),
    Value(Value),
}

/// Cases of choices that were taken further down; setting one drops its rivals further up.
#[derive(Debug, Default)]
struct Signals(Vec<Option<Case>>);

impl Signals {
    fn add(&mut self, case: Option<Case>) {
        if !self.0.contains(&case) {
            self.0.push(case);
        }
    }
}

impl Reader<'_> {
    /// Reads an object's keys. `path` are the Python names that lead here.
    fn read(
        &self,
        object: &mut Object,
        nodes: &[Node],
        keys: &[&str],
        data: &Value,
        path: &str,
        signals: &mut Signals,
    ) -> Result<(), String> {
        let Some(fields) = data.as_object() else {
            return Ok(());
        };
        for (key, value) in fields.iter().filter(|(key, _)| !key.contains('@')) {
            let name = key.rsplit(':').next().unwrap_or(key);
            let attribute = attribute_of(name);
            let found = nodes.iter().position(|node| node.attribute == attribute);
            let Some((index, node)) = found.and_then(|index| Some((index, nodes.get(index)?)))
            else {
                self.refuse_unknown(name, value)?;
                continue;
            };
            let mut below = Signals::default();
            if keys.contains(&node.name) && !value.is_object() {
                continue; // It was set when the element was made.
            }
            let here = format!("{path}_{}", node.attribute);
            self.read_node(object, index, node, value, &here, &mut below)?;
            for case in below.0 {
                object.drop_rivals(nodes, case);
                signals.add(case);
            }
        }
        Ok(())
    }

    fn refuse_unknown(&self, name: &str, value: &Value) -> Result<(), String> {
        match value {
            Value::Array(items) if items.is_empty() => Ok(()),
            Value::Array(_) => Err("List specified that did not exist".into()),
            _ if self.force => Ok(()),
            Value::Object(_) => Err(format!("Invalid attribute specified ({name})")),
            _ => Err(format!("JSON object contained a key that did not exist ({name})")),
        }
    }

    fn read_node(
        &self,
        object: &mut Object,
        index: usize,
        node: &Node,
        value: &Value,
        path: &str,
        signals: &mut Signals,
    ) -> Result<(), String> {
        let is_empty_list = value.as_array().is_some_and(Vec::is_empty);
        match (&node.kind, value) {
            (_, _) if is_empty_list => Ok(()),
            (NodeKind::Container(nodes), Value::Object(_)) => {
                let slot = object.slots.entry(index);
                let slot = slot.or_insert_with(|| Slot::Object(Object::default()));
                let mut below = Signals::default();
                if let Slot::Object(inner) = slot {
                    self.read(inner, nodes, &[], value, path, &mut below)?;
                }
                for case in below.0 {
                    signals.add(case.or(node.choice));
                }
                Ok(())
            }
            // No leaf and no list has keys of its own.
            (_, Value::Object(fields)) => {
                fields.iter().filter(|(key, _)| !key.contains('@')).try_for_each(|(key, value)| {
                    self.refuse_unknown(key.rsplit(':').next().unwrap_or(key), value)
                })
            }
            (NodeKind::List { keys, nodes }, Value::Array(items)) => {
                let slot = object.slots.entry(index);
                let slot = slot.or_insert_with(|| Slot::List(IndexMap::new()));
                let Slot::List(elements) = slot else {
                    return Ok(());
                };
                for item in items {
                    let place = place_of(item, keys)?;
                    if !elements.contains_key(&place) {
                        let element = self.element(item, keys, nodes, path, signals)?;
                        elements.insert(place.clone(), element);
                    }
                    if let Some(element) = elements.get_mut(&place) {
                        self.read(element, nodes, keys, item, path, signals)?;
                    }
                }
                Ok(())
            }
            (NodeKind::Leaf(leaf_type) | NodeKind::LeafList(leaf_type), Value::Null)
                if leaf_type.is_identity() =>
            {
                Err(leaf::not_iterable(value).text(self.model, node, path, false))
            }
            (NodeKind::List { .. }, _) | (_, Value::Null) => Ok(()),
            (NodeKind::Container(_), _) => Err(words::mistake(self.model, node, path, false)),
            (NodeKind::Leaf(leaf_type), _) => {
                let read = leaf::read(self.model, leaf_type, value);
                let read = read.map_err(|error| error.text(self.model, node, path, false))?;
                object.slots.insert(index, Slot::Value(read));
                signals.add(node.choice);
                Ok(())
            }
            (NodeKind::LeafList(leaf_type), _) => {
                let read = leaf::read_list(self.model, leaf_type, value);
                let read = read.map_err(|error| error.text(self.model, node, path, false))?;
                object.slots.insert(index, Slot::Value(read));
                signals.add(node.choice);
                Ok(())
            }
        }
    }

    /// A new element of a list, its keys set.
    fn element(
        &self,
        item: &Value,
        keys: &[&str],
        nodes: &[Node],
        path: &str,
        signals: &mut Signals,
    ) -> Result<Object, String> {
        let is_one = keys.len() == 1;
        if is_one && item[keys[0]].is_null() {
            return Err("'a list with a key value must have a key specified'".into());
        }
        if is_one && item[keys[0]] == "" {
            return Err("'Cannot set a null key for a list entry!'".into());
        }
        let mut element = Object::default();
        for (index, node) in nodes.iter().enumerate().filter(|(_, node)| keys.contains(&node.name))
        {
            let NodeKind::Leaf(leaf_type) = &node.kind else {
                continue;
            };
            let read =
                leaf::read_key(self.model, leaf_type, &item[node.name]).map_err(|error| {
                    let names: Vec<String> = keys.iter().map(|key| attribute_of(key)).collect();
                    let cause = error.text(self.model, node, path, true);
                    let names = names.join(" ");
                    python::repr_str(&format!("key value {names} must be valid, {cause}"))
                })?;
            element.slots.insert(index, Slot::Value(read));
            signals.add(node.choice);
        }
        Ok(element)
    }
}

/// What Python keeps an element of a list under: its key, or its keys as one text.
fn place_of(item: &Value, keys: &[&str]) -> Result<String, String> {
    let Some(fields) = item.as_object() else {
        return Err(match item {
            Value::String(_) => "string indices must be integers".into(),
            Value::Array(_) => "list indices must be integers or slices, not str".into(),
            other => format!("'{}' object is not subscriptable", python::type_name(other)),
        });
    };
    let mut values = Vec::new();
    for key in keys {
        values.push(fields.get(*key).ok_or_else(|| python::repr_str(key))?);
    }
    match values.as_slice() {
        [one] if one.is_array() || one.is_object() => {
            Err(format!("unhashable type: '{}'", python::type_name(one)))
        }
        [Value::Bool(flag)] => Ok(format!("number {}", u8::from(*flag))),
        [Value::Number(number)] => {
            Ok(format!("number {}", number.as_f64().map_or(number.to_string(), |n| n.to_string())))
        }
        _ => {
            let texts: Vec<String> = values.iter().map(|value| leaf::str_of(value)).collect();
            Ok(format!("text {}", texts.join(" ").trim_end_matches(' ')))
        }
    }
}

impl Object {
    /// Drops what belongs to other cases of a choice.
    fn drop_rivals(&mut self, nodes: &[Node], case: Option<Case>) {
        let Some((choice, taken)) = case else {
            return;
        };
        self.slots.retain(|index, _| {
            nodes[*index].choice.is_none_or(|(of, case)| of != choice || case == taken)
        });
    }
}

/// What was read, in the model's order; empty objects and lists are left out.
fn written(object: &Object, nodes: &[Node]) -> Value {
    let mut fields = Map::new();
    for (index, node) in nodes.iter().enumerate() {
        let below = match &node.kind {
            NodeKind::Container(below) | NodeKind::List { nodes: below, .. } => below.as_slice(),
            NodeKind::Leaf(_) | NodeKind::LeafList(_) => &[],
        };
        let value = match object.slots.get(&index) {
            None => continue,
            Some(Slot::Value(value)) => value.clone(),
            Some(Slot::Object(inner)) => written(inner, below),
            Some(Slot::List(elements)) => {
                elements.values().map(|element| written(element, below)).collect()
            }
        };
        let is_leaf = matches!(node.kind, NodeKind::Leaf(_) | NodeKind::LeafList(_));
        let is_empty = value.as_object().is_some_and(Map::is_empty);
        if is_leaf || !is_empty {
            fields.insert(node.name.to_owned(), value);
        }
    }
    fields.into()
}

#[cfg(test)]
mod tests;
