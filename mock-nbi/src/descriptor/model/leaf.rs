//! Values of leaves: which ones a type takes, and what it makes of them.

use serde_json::{Number, Value};

use super::{Base, LeafType, Model, Node, words};
use crate::descriptor::decimal::Decimal;
use crate::python;

/// Why a leaf does not take a value.
#[derive(Debug)]
pub(super) enum Mistake {
    /// It is not of the type.
    Type,
    /// It is a value for a leaf that takes none.
    NotEmpty(String),
    /// Python stumbles over it before that.
    Python(String),
}

impl Mistake {
    /// The validator's words for it; `is_key` says whether the leaf is a key of a list.
    pub(super) fn text(self, model: &Model, node: &Node, path: &str, is_key: bool) -> String {
        match self {
            Self::Type => words::mistake(model, node, path, is_key),
            Self::NotEmpty(value) => {
                format!("Invalid value for empty in input JSON key: {}, got: {value}", node.name)
            }
            Self::Python(text) => text,
        }
    }
}

/// `str(value)`.
pub(super) fn str_of(value: &Value) -> String {
    value.as_str().map_or_else(|| python::repr(value), str::to_owned)
}

/// The value of a leaf as it is written back.
pub(super) fn read(model: &Model, leaf: &LeafType, value: &Value) -> Result<Value, Mistake> {
    let bare = match (&leaf.base, value) {
        (Base::Identity(_), Value::String(text)) => {
            text.split_once(':').map(|(_, bare)| Value::from(bare))
        }
        (Base::Identity(_), Value::Bool(_) | Value::Number(_)) => return Err(not_iterable(value)),
        _ => None,
    };
    read_key(model, leaf, bare.as_ref().unwrap_or(value))
}

/// Python looks for a prefix in whatever stands for an identity.
pub(super) fn not_iterable(value: &Value) -> Mistake {
    let kind = python::type_name(value);
    Mistake::Python(format!("argument of type '{kind}' is not iterable"))
}

/// The value of a key of a list; of an identity, its prefix is kept.
pub(super) fn read_key(model: &Model, leaf: &LeafType, value: &Value) -> Result<Value, Mistake> {
    if matches!(leaf.base, Base::Empty) {
        // Only `[null]` is a value of it, and that comes as a list.
        return if *value == serde_json::json!([null]) {
            Ok(value.clone())
        } else {
            Err(Mistake::NotEmpty(str_of(value)))
        };
    }
    if let Base::Identity(name) = leaf.base {
        return identity(model, name, value);
    }
    let written = one(model, &leaf.base, value)?;
    Ok(if leaf.declared == "leafref" { str_of(&written).into() } else { written })
}

/// The values of a leaf-list; one alone stands for a list of one.
pub(super) fn read_list(model: &Model, leaf: &LeafType, value: &Value) -> Result<Value, Mistake> {
    if matches!(leaf.base, Base::Identity(_)) && !value.is_array() {
        if !value.is_string() {
            return Err(not_iterable(value));
        }
        let text = str_of(value);
        let bare = text.split_once(':').map_or(text.as_str(), |(_, bare)| bare);
        return Ok(vec![one(model, &leaf.base, &bare.into())?].into());
    }
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let mut values: Vec<Value> = Vec::new();
    for item in items {
        let takes_only_text = matches!(leaf.base, Base::Text(None));
        if takes_only_text && !item.is_string() {
            return Err(Mistake::Type);
        }
        let read = one(model, &leaf.base, item).map_err(|_| Mistake::Type)?;
        let is_same =
            |known: &Value| known == item || (known.is_number() && known.as_f64() == item.as_f64());
        if !values.iter().any(is_same) {
            values.push(read);
        }
    }
    Ok(values.into())
}

fn one(model: &Model, base: &Base, value: &Value) -> Result<Value, Mistake> {
    let text = || str_of(value);
    match base {
        Base::Text(None) | Base::Empty => Ok(text().into()),
        Base::Text(Some(length)) => {
            if value.is_number() || *value == true {
                return Ok("".into()); // Python finds no length, and takes nothing instead.
            }
            let count = text().chars().count();
            let fits = is_within(length, &Decimal::from(count as u64));
            if fits { Ok(text().into()) } else { Err(Mistake::Type) }
        }
        Base::Bool => boolean(value),
        Base::Int { is_signed, bits, range } => integer(value, *is_signed, *bits, *range),
        Base::Decimal { digits, range } => decimal(value, *digits, *range),
        Base::Enum(name) => {
            let known = model.enums.get(name).into_iter().flatten();
            let is_known = known.into_iter().any(|(known, _)| **known == text());
            if is_known { Ok(text().into()) } else { Err(Mistake::Type) }
        }
        Base::Identity(name) => {
            let text = text();
            if module_of(model, name, &text).is_some() {
                Ok(text.into())
            } else {
                Err(Mistake::Type)
            }
        }
        Base::Patterns(names) => {
            let text = text();
            let fits = names.iter().any(|name| {
                let regex = model.patterns.get(name).and_then(|(_, regex)| regex.as_ref());
                regex.is_some_and(|regex| regex.is_match(&text))
            });
            if fits { Ok(text.into()) } else { Err(Mistake::Type) }
        }
    }
}

fn boolean(value: &Value) -> Result<Value, Mistake> {
    let is = |number: f64| value.as_f64() == Some(number);
    if *value == false || value == "false" || value == "False" || value == "0" || is(0.0) {
        Ok(false.into())
    } else if *value == true || value == "true" || value == "True" || value == "1" || is(1.0) {
        Ok(true.into())
    } else {
        Err(Mistake::Type)
    }
}

/// Python's `int(value)`, in the bounds of the type.
fn integer(
    value: &Value,
    is_signed: bool,
    bits: u8,
    range: Option<&str>,
) -> Result<Value, Mistake> {
    let number: i128 = match value {
        // Python makes nothing of a list, and nothing is zero.
        Value::Array(_) => 0,
        Value::Bool(flag) => i128::from(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            #[expect(clippy::cast_possible_truncation, reason = "what is cut is out of bounds")]
            (_, _, Some(number)) => number.trunc() as i128,
            _ => return Err(Mistake::Type),
        },
        Value::String(text) => {
            let text = text.trim();
            let is_well_spaced =
                !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
            match text.replace('_', "").parse() {
                Ok(number) if is_well_spaced => number,
                // Where the range is narrowed, Python makes nothing of what is no number.
                _ if range.is_some() => return Ok(0.into()),
                _ => return Err(Mistake::Type),
            }
        }
        Value::Null | Value::Object(_) => return Err(Mistake::Type),
    };
    let (low, high) = if is_signed {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    let fits = range.is_none_or(|range| is_within(range, &Decimal::from(number)));
    if number < low || number > high || (!fits && !value.is_array()) {
        return Err(Mistake::Type);
    }
    Ok(if bits == 64 {
        number.to_string().into()
    } else {
        Number::from_i128(number).map_or(Value::Null, Value::Number)
    })
}

/// Python's `Decimal(value)`, rounded to the digits of the type.
fn decimal(value: &Value, digits: Option<usize>, range: Option<&str>) -> Result<Value, Mistake> {
    let syntax = || Mistake::Python("[<class 'decimal.ConversionSyntax'>]".into());
    let number = match value {
        Value::Bool(flag) => Decimal::from(u64::from(*flag)),
        Value::Number(number) => Decimal::of_number(number).ok_or(Mistake::Type)?,
        Value::String(text) => Decimal::parse(text).ok_or_else(syntax)?,
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(Mistake::Type),
    };
    if range.is_some_and(|range| !is_within(range, &number)) {
        return Err(Mistake::Type);
    }
    Ok(match digits {
        Some(digits) => number.rounded(digits).to_string().into(),
        None => number.to_string().into(),
    })
}

/// Whether a number lies in `LOW..HIGH`, either of which may be `min` or `max`.
fn is_within(range: &str, number: &Decimal) -> bool {
    let (low, high) = range.split_once("..").unwrap_or((range, range));
    let bound = |word: &str| Decimal::parse(word);
    bound(low).is_none_or(|low| *number >= low) && bound(high).is_none_or(|high| *number <= high)
}

/// The module that defines an identity's value.
fn module_of(model: &Model, name: &str, value: &str) -> Option<&'static str> {
    let (prefix, bare) = value.split_once(':').map_or((None, value), |(a, b)| (Some(a), b));
    let mut known = model.identities.get(name)?.iter();
    let found = known.find(|identity| {
        identity.values.contains(&bare)
            && prefix.is_none_or(|prefix| identity.prefixes.contains(&prefix))
    })?;
    Some(found.module)
}

/// An identity is written with the word of its module, unless it begins with that.
fn identity(model: &Model, name: &str, value: &Value) -> Result<Value, Mistake> {
    let text = str_of(value);
    let module = module_of(model, name, &text).ok_or(Mistake::Type)?;
    Ok(if text.starts_with(module) { text.into() } else { format!("{module}:{text}").into() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn truth_is_written_in_several_ways() {
        for (texts, expected) in [
            (
                [json!(false), json!("false"), json!("False"), json!("0"), json!(0), json!(0.0)],
                false,
            ),
            ([json!(true), json!("true"), json!("True"), json!("1"), json!(1), json!(1.0)], true),
        ] {
            for text in texts {
                assert_eq!(boolean(&text).ok(), Some(json!(expected)), "{text}");
            }
        }
        for text in [json!("no"), json!(2), json!(null), json!("TRUE"), json!([])] {
            assert!(boolean(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_keep_to_their_type_and_to_their_range() {
        let narrow = |value: Value| integer(&value, true, 8, Some("1..10")).ok();
        assert_eq!(narrow(json!(10)), Some(json!(10)));
        assert_eq!(narrow(json!("10")), Some(json!(10)));
        assert_eq!((narrow(json!(0)), narrow(json!(11))), (None, None));
        let spelled = |text: &str| integer(&json!(text), true, 32, None).ok();
        assert_eq!([" 1_000 ", "-7"].map(spelled), [Some(json!(1000)), Some(json!(-7))]);
        assert_eq!(["_1", "1_", "1__0", "x"].map(spelled), [None, None, None, None]);
        let cut = |value: f64| integer(&json!(value), true, 32, None).ok();
        assert_eq!([2.9, -2.9].map(cut), [Some(json!(2)), Some(json!(-2))]);
        assert_eq!([1e300, -1e300].map(cut), [None, None]);
        assert_eq!(narrow(json!("x")), Some(json!(0)), "Python makes nothing of it");
        let largest = integer(&json!(i64::MAX), true, 64, None).ok();
        assert_eq!(largest, Some(json!("9223372036854775807")));
        let negative = integer(&json!(-9_007_199_254_740_993_i64), true, 64, None).ok();
        assert_eq!(negative, Some(json!("-9007199254740993")), "more digits than a float has");
        let large = integer(&json!(u64::MAX), false, 64, None).ok();
        assert_eq!(large, Some(json!("18446744073709551615")));
        let byte = |value: i64, is_signed| integer(&json!(value), is_signed, 8, None).is_ok();
        assert_eq!([-129, -128, 127, 128].map(|it| byte(it, true)), [false, true, true, false]);
        assert_eq!([-1, 0, 255, 256].map(|it| byte(it, false)), [false, true, true, false]);
    }

    #[test]
    fn a_text_of_limited_length_is_nothing_where_python_finds_no_length() {
        let base = Base::Text(Some("1..3"));
        let written = |value: &Value| one(&Model::default(), &base, value).ok();
        assert_eq!(written(&json!("abc")), Some(json!("abc")));
        assert_eq!(written(&json!("abcd")), None);
        for number in [json!(5), json!(10_000), json!(true)] {
            assert_eq!(written(&number), Some(json!("")), "{number}");
        }
    }

    #[test]
    fn an_empty_leaf_takes_a_list_of_null_alone() {
        let leaf = LeafType { base: Base::Empty, declared: "empty", default: None };
        let written = |value: &Value| read(&Model::default(), &leaf, value).ok();
        assert_eq!(written(&json!([null])), Some(json!([null])));
        for other in [json!(null), json!(""), json!(true), json!([1])] {
            assert_eq!(written(&other), None, "{other}");
        }
    }
}
