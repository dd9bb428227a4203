//! Reads the models' notation (explained on top of each of the texts).

use regex::Regex;

use super::{Base, Case, Identity, LeafType, Model, Node, NodeKind, attribute_of};

/// Reads a model. What a line does not say in the notation is left out; the tests see that none is.
pub(super) fn parse(python_module: &'static str, text: &'static str) -> Model {
    let mut model = Model { python_module, ..Model::default() };
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("module"), Some(name)) => {
                model.modules.insert(name, words.next().unwrap_or_default());
            }
            (Some("pattern"), Some(name)) => {
                let pattern = &line["pattern ".len() + name.len() + 1..];
                model
                    .patterns
                    .insert(name, (pattern, Regex::new(&format!("^(?:{pattern})$")).ok()));
            }
            (Some("identity"), Some(name)) => {
                let identity = Identity {
                    module: words.next().unwrap_or_default(),
                    namespace: words.next().unwrap_or_default(),
                    prefixes: words.next().unwrap_or_default().split(',').collect(),
                    values: words.collect(),
                };
                model.identities.entry(name).or_default().push(identity);
            }
            (Some("enum"), Some(name)) => {
                let values = words
                    .map(|word| word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b))));
                model.enums.insert(name, values.collect());
            }
            _ => lines.push(line),
        }
    }
    model.roots = nodes(&mut lines.into_iter().peekable(), 0, "");
    model
}

type Lines = std::iter::Peekable<std::vec::IntoIter<&'static str>>;

/// The nodes that stand at `depth`, each with what is below it.
fn nodes(lines: &mut Lines, depth: usize, module: &'static str) -> Vec<Node> {
    let mut found = Vec::new();
    while let Some(line) = lines.peek().copied() {
        if (line.len() - line.trim_start().len()) / 2 != depth {
            break;
        }
        lines.next();
        let mut node = node(line.trim_start(), module);
        if let NodeKind::Container(below) | NodeKind::List { nodes: below, .. } = &mut node.kind {
            *below = nodes(lines, depth + 1, node.module);
        }
        found.push(node);
    }
    found
}

fn node(line: &'static str, parent_module: &'static str) -> Node {
    // Keys of a list may have blanks between them.
    let (head, tail) = match line.split_once(']') {
        Some((head, tail)) => (head, tail),
        None => line.split_once(' ').unwrap_or((line, "")),
    };
    let mut module = parent_module;
    let mut choice: Option<Case> = None;
    let mut base = "";
    let mut declared = None;
    let mut default = None;
    for word in tail.split(' ').filter(|word| !word.is_empty()) {
        if let Some(name) = word.strip_prefix('@') {
            module = name;
        } else if let Some(case) = word.strip_prefix('?') {
            choice = case.split_once('/');
        } else if let Some(name) = word.strip_prefix(':') {
            declared = Some(name);
        } else if let Some(value) = word.strip_prefix('=') {
            default = Some(value);
        } else if word != "ordered" {
            base = word;
        }
    }
    let leaf = || {
        let (base, own_name) = leaf_base(base);
        LeafType { base, declared: declared.unwrap_or(own_name), default }
    };
    let (name, kind) = if let Some(name) = head.strip_suffix('/') {
        (name, NodeKind::Container(Vec::new()))
    } else if let Some((name, keys)) = head.split_once('[') {
        (name, NodeKind::List { keys: keys.split(' ').collect(), nodes: Vec::new() })
    } else if let Some(name) = head.strip_suffix('*') {
        (name, NodeKind::LeafList(leaf()))
    } else {
        (head, NodeKind::Leaf(leaf()))
    };
    Node { name, attribute: attribute_of(name), module, choice, kind }
}

/// A type and the model's name for it.
fn leaf_base(word: &'static str) -> (Base, &'static str) {
    if let Some(name) = word.strip_prefix('%') {
        return (Base::Enum(name), "enumeration");
    }
    if let Some(name) = word.strip_prefix('&') {
        return (Base::Identity(name), "identityref");
    }
    let (word, range) = match word.strip_suffix(')').and_then(|word| word.split_once('(')) {
        Some((word, range)) => (word, Some(range)),
        None => (word, None),
    };
    let int = |is_signed, bits, name| (Base::Int { is_signed, bits, range }, name);
    match word {
        "string" => (Base::Text(range), "string"),
        "bool" => (Base::Bool, "boolean"),
        "empty" => (Base::Empty, "empty"),
        "u8" => int(false, 8, "uint8"),
        "u16" => int(false, 16, "uint16"),
        "u32" => int(false, 32, "uint32"),
        "u64" => int(false, 64, "uint64"),
        "i64" => int(true, 64, "int64"),
        _ => match word.strip_prefix("dec") {
            Some(digits) => (Base::Decimal { digits: digits.parse().ok(), range }, "decimal64"),
            None => (Base::Patterns(word.split('+').collect()), "union"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NSD, NSD_BEFORE_SOL006, NST, VNFD, VNFD_BEFORE_SOL006};
    use super::*;

    fn count(nodes: &[Node], model: &Model) -> usize {
        nodes
            .iter()
            .map(|node| {
                assert!(model.modules.contains_key(node.module), "{node:?}");
                match &node.kind {
                    NodeKind::Container(below) => count(below, model) + 1,
                    NodeKind::List { keys, nodes: below } => {
                        for key in keys {
                            assert!(
                                below.iter().any(|node| node.name == *key),
                                "{} {key}",
                                node.name
                            );
                        }
                        count(below, model) + 1
                    }
                    NodeKind::Leaf(leaf) | NodeKind::LeafList(leaf) => {
                        match &leaf.base {
                            Base::Enum(name) => assert!(model.enums.contains_key(name), "{name}"),
                            Base::Identity(name) => {
                                assert!(model.identities.contains_key(name), "{name}");
                            }
                            Base::Patterns(names) => {
                                for name in names {
                                    assert!(model.patterns[name].1.is_some(), "{name}");
                                }
                            }
                            _ => {}
                        }
                        1
                    }
                }
            })
            .sum()
    }

    #[test]
    fn every_line_of_the_models_is_a_node_of_a_known_type() {
        for (model, text) in [
            (&VNFD, include_str!("vnfd.txt")),
            (&NSD, include_str!("nsd.txt")),
            (&NST, include_str!("nst.txt")),
            (&VNFD_BEFORE_SOL006, include_str!("vnfd-before-sol006.txt")),
            (&NSD_BEFORE_SOL006, include_str!("nsd-before-sol006.txt")),
        ] {
            let head = ["#", "module ", "pattern ", "identity ", "enum "];
            let lines =
                text.lines().filter(|line| !head.iter().any(|start| line.starts_with(start)));
            assert_eq!(count(&model.roots, model), lines.count(), "{}", model.python_module);
        }
    }
}
