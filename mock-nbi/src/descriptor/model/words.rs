//! What the validator says of a value of the wrong type: Python's text of its own source.

use super::{Base, LeafType, Model, Node, NodeKind};
use crate::python::repr_str;

/// `{'error-string': ..., 'defined-type': ..., 'generated-type': ...}` for a node.
pub(super) fn mistake(model: &Model, node: &Node, path: &str, is_key: bool) -> String {
    let declared = match &node.kind {
        NodeKind::Container(_) => "container",
        NodeKind::List { .. } => "list",
        NodeKind::Leaf(leaf) | NodeKind::LeafList(leaf) => leaf.declared,
    };
    let defined = if is_built_in(declared) || declared.contains(':') {
        declared.to_owned()
    } else {
        format!("{}:{declared}", node.module)
    };
    format!(
        "{{'error-string': {}, 'defined-type': {}, 'generated-type': {}}}",
        repr_str(&format!("{} must be of a type compatible with {declared}", node.attribute)),
        repr_str(&defined),
        repr_str(&generated(model, node, path, is_key, declared)),
    )
}

fn is_built_in(name: &str) -> bool {
    matches!(
        name,
        "container"
            | "list"
            | "string"
            | "boolean"
            | "uint8"
            | "uint16"
            | "uint32"
            | "uint64"
            | "int64"
            | "decimal64"
            | "leafref"
            | "empty"
    )
}

fn generated(model: &Model, node: &Node, path: &str, is_key: bool, declared: &str) -> String {
    let base = match &node.kind {
        NodeKind::Container(_) | NodeKind::List { .. } => {
            format!(
                "base=yc_{}_{}_{path}, is_container='container', ",
                node.attribute, model.python_module
            )
        }
        NodeKind::Leaf(leaf) => {
            let base = base_text(model, &leaf.base);
            format!("base={base}, {}is_leaf=True, ", default_text(leaf))
        }
        NodeKind::LeafList(leaf) => {
            let base = base_text(model, &leaf.base);
            let default = default_text(leaf);
            format!(
                "unique=True, base=TypedListType(allowed_type={base}), {default}is_leaf=False, "
            )
        }
    };
    let choice = node
        .choice
        .map(|(choice, case)| format!("choice=('{choice}', '{case}'), "))
        .unwrap_or_default();
    let extensions =
        if matches!(node.kind, NodeKind::Container(_)) { "extensions=None, " } else { "" };
    let key = if is_key { "is_keyval=True, " } else { "" };
    let namespace = model.modules.get(node.module).copied().unwrap_or_default();
    format!(
        "YANGDynClass({base}yang_name=\"{}\", parent=self, {choice}path_helper=self._path_helper, \
         extmethods=self._extmethods, register_paths=True, {extensions}{key}\
         namespace='{namespace}', defining_module='{}', yang_type='{declared}', is_config=True)",
        node.name, node.module
    )
}

fn default_text(leaf: &LeafType) -> String {
    let Some(default) = leaf.default else {
        return String::new();
    };
    match leaf.base {
        Base::Bool => format!("default=YANGBool(\"{default}\"), "),
        Base::Int { is_signed, bits, .. } => {
            format!("default={}({default}), ", int_text(is_signed, bits))
        }
        Base::Decimal { .. } => format!("default=Decimal({default}), "),
        _ => format!("default=str(\"{default}\"), "),
    }
}

fn int_text(is_signed: bool, bits: u8) -> &'static str {
    match (is_signed, bits) {
        (false, 8) => {
            "RestrictedClassType(base_type=int, restriction_dict={'range': ['0..255']}, int_size=8)"
        }
        (false, 16) => {
            "RestrictedClassType(base_type=int, restriction_dict={'range': ['0..65535']},int_size=16)"
        }
        (false, 32) => {
            "RestrictedClassType(base_type=long, restriction_dict={'range': ['0..4294967295']}, int_size=32)"
        }
        (false, _) => {
            "RestrictedClassType(base_type=long, restriction_dict={'range':  ['0..18446744073709551615']}, int_size=64)"
        }
        (true, _) => {
            "RestrictedClassType(base_type=long, restriction_dict={'range': ['-9223372036854775808..9223372036854775807']}, int_size=64)"
        }
    }
}

fn base_text(model: &Model, base: &Base) -> String {
    let limited = |inner: &str, range: Option<&str>| match range {
        None => inner.to_owned(),
        Some(range) => format!(
            "RestrictedClassType(base_type={inner}, restriction_dict={{'range': ['{range}']}})"
        ),
    };
    let pattern = |name: &str| {
        let pattern = model.patterns.get(name).map_or("", |(text, _)| text);
        format!("RestrictedClassType(base_type=str, restriction_dict={{'pattern': '{pattern}'}})")
    };
    match base {
        Base::Text(None) => "str".into(),
        Base::Text(Some(length)) => format!(
            "RestrictedClassType(base_type=str, restriction_dict={{'length': ['{length}']}})"
        ),
        Base::Bool | Base::Empty => "YANGBool".into(),
        Base::Int { is_signed, bits, range } => limited(int_text(*is_signed, *bits), *range),
        Base::Decimal { digits: Some(digits), .. } => {
            format!("RestrictedPrecisionDecimalType(precision={digits})")
        }
        Base::Decimal { digits: None, range } => limited("Decimal", *range),
        Base::Enum(name) => enum_text(model, name),
        Base::Identity(name) => identity_text(model, name),
        Base::Patterns(names) => match names.as_slice() {
            [one] => pattern(one),
            many => {
                let all: String = many.iter().map(|name| pattern(name) + ",").collect();
                format!("[{all}]")
            }
        },
    }
}

fn enum_text(model: &Model, name: &str) -> String {
    let values = model.enums.get(name).into_iter().flatten();
    let values: Vec<String> = values
        .map(|(value, number)| match number {
            None => format!("'{value}': {{}}"),
            Some(number) => format!("'{value}': {{'value': {number}}}"),
        })
        .collect();
    let gap = " ".repeat(37);
    format!(
        "RestrictedClassType(base_type=str,{gap}restriction_type=\"dict_key\",{gap}\
         restriction_arg={{{}}},)",
        values.join(", ")
    )
}

fn identity_text(model: &Model, name: &str) -> String {
    let mut values = Vec::new();
    for identity in model.identities.get(name).into_iter().flatten() {
        let place =
            format!("{{'@module': '{}', '@namespace': '{}'}}", identity.module, identity.namespace);
        for value in &identity.values {
            values.push(format!("'{value}': {place}"));
            for prefix in &identity.prefixes {
                values.push(format!("'{prefix}:{value}': {place}"));
            }
        }
    }
    format!(
        "RestrictedClassType(base_type=str, restriction_type=\"dict_key\", \
         restriction_arg={{{}}},)",
        values.join(", ")
    )
}
