//! The part of JSON Schema that OSM's input checks use, with the texts Python's library gives.
//!
//! Invariant: pure; a schema is a constant tree, checking allocates only for what is wrong.

mod checker;
mod violation;

use serde_json::Value;

use crate::problem::Problem;
use crate::release::Release;
use checker::Checker;

/// A check of one value.
#[derive(Debug)]
pub(crate) enum Schema {
    /// A string of 1 to `max` characters (no lower bound when `may_be_empty`), of this pattern.
    Text { max: usize, may_be_empty: bool, pattern: Option<&'static Pattern> },
    /// As `Text`, or null.
    TextOrNull { max: usize, pattern: Option<&'static Pattern> },
    /// One of these strings; anything else is none of them, whatever its type.
    OneOf(&'static [&'static str]),
    /// A string, and one of these.
    Word(&'static [&'static str]),
    /// Any boolean.
    Bool,
    /// A whole number from `min`.
    Integer { min: i64 },
    /// A whole number from `min` to `max`.
    IntegerTo { min: i64, max: i64 },
    /// Any object.
    AnyObject,
    /// An object whose values all meet one schema, with at least one key when `is_filled`.
    MapOf { of: &'static Schema, is_filled: bool },
    /// An object with these keys.
    Object(&'static Fields),
    /// A list, with at least `min` items.
    List { of: &'static Schema, min: usize },
    /// Changes of a list: an object of which every key begins with `$`, and at least one.
    ListEdits,
    /// A list no item of which comes twice.
    Distinct,
    /// Exactly one of these alternatives.
    Either(&'static [&'static Schema]),
    /// Only null.
    Null,
    /// Anything but null.
    NotNull,
    /// Any list.
    AnyList,
    /// An object some keys of which only certain releases know.
    Gated(&'static Fields, &'static [Gate]),
    /// All of these.
    All(&'static [&'static Schema]),
    /// When the list at `list` is absent or contains `holds`, one of `keys` is required.
    NeedsOneOf { list: &'static str, holds: &'static str, keys: &'static [&'static str] },
    /// What a release demands.
    Of(fn(Release) -> &'static Schema),
}

/// A key of an object, and which releases know it.
pub(crate) type Gate = (&'static str, fn(Release) -> bool);

/// The keys of an object.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) fields: &'static [(&'static str, &'static Schema)],
    pub(crate) required: &'static [&'static str],
    /// Whether keys not listed are refused.
    pub(crate) is_closed: bool,
    /// The least number of keys.
    pub(crate) min: usize,
}

impl Fields {
    /// The same with a least number of keys.
    pub(crate) const fn at_least(self, min: usize) -> Self {
        Self { min, ..self }
    }
}

/// A regular expression as OSM writes it, and the same as a function.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) matches: fn(&str) -> bool,
}

/// Checks `value` and words the answer as the library's `best_match` chooses it.
///
/// # Errors
/// 422 `Format error at 'a:b' '<message>' `, followed by `context` where OSM adds one.
///
/// Source: NBI_FACTS.md section 2; recorded case `body_formats_and_invalid_bodies`; OSM NBI
/// `validation.py`, `validate_input`.
pub(crate) fn check(
    value: &Value,
    schema: &Schema,
    release: Release,
    context: &str,
) -> Result<(), Problem> {
    let mut checker = Checker::new(release);
    checker.check(value, schema);
    let Some(found) = violation::best(checker.violations, release) else {
        return Ok(());
    };
    let place = found.place();
    let place = if place.is_empty() {
        "Format error ".to_owned()
    } else {
        format!("Format error at '{place}'")
    };
    Err(Problem::unprocessable(format!("{place} '{}' {context}", found.message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NAME: Schema = Schema::Text { max: 5, may_be_empty: false, pattern: None };
    const COUNT: Schema = Schema::Either(&[&Schema::Integer { min: 0 }, &Schema::Null]);
    const NOTE: Schema = Schema::TextOrNull { max: 9, pattern: None };
    const THING: Schema = Schema::Object(&Fields {
        fields: &[
            ("name", &NAME),
            ("kind", &Schema::OneOf(&["A", "B"])),
            ("count", &COUNT),
            ("note", &Schema::Either(&[&NOTE, &Schema::Null])),
            ("edits", &Schema::Either(&[&Schema::List { of: &NAME, min: 1 }, &Schema::ListEdits])),
        ],
        required: &["name"],
        is_closed: true,
        min: 0,
    });

    fn text_of(value: &Value, release: Release) -> String {
        check(value, &THING, release, "").map_or_else(|problem| problem.detail, |()| "ok".into())
    }

    #[test]
    fn words_are_those_of_the_recordings() {
        let text_of = |value| text_of(&value, Release::R10);
        assert_eq!(text_of(json!({"name": "a", "kind": "A"})), "ok");
        assert_eq!(text_of(json!({})), "Format error  ''name' is a required property' ");
        assert_eq!(text_of(json!([1])), "Format error  '[1] is not of type 'object'' ");
        assert_eq!(
            text_of(json!({"name": 5, "x": 1})),
            "Format error  'Additional properties are not allowed ('x' was unexpected)' "
        );
        assert_eq!(
            text_of(json!({"name": "a", "kind": "C"})),
            "Format error at 'kind' ''C' is not one of ['A', 'B']' "
        );
        assert_eq!(text_of(json!({"name": ""})), "Format error at 'name' ''' is too short' ");
    }

    // The next three tables were made with jsonschema 3.2.0 and 4.23.0 themselves.
    #[test]
    fn of_several_mistakes_each_library_chooses_its_own() {
        let both = json!({"name": 5, "kind": "C"});
        assert_eq!(
            text_of(&both, Release::R10),
            "Format error at 'name' '5 is not of type 'string'' "
        );
        assert_eq!(
            text_of(&both, Release::R19Recorded),
            "Format error at 'name' '5 is not of type 'string'' "
        );
        let other = json!({"name": "", "kind": "C"});
        assert_eq!(text_of(&other, Release::R10), "Format error at 'name' ''' is too short' ");
        assert_eq!(
            text_of(&other, Release::R19Recorded),
            "Format error at 'name' ''' should be non-empty' "
        );
    }

    #[test]
    fn mistakes_inside_alternatives_lose_their_place() {
        let low = json!({"name": "a", "count": -1});
        let low_text = "Format error  '-1 is less than the minimum of 0' ";
        assert_eq!(text_of(&low, Release::R10), low_text);
        assert_eq!(text_of(&low, Release::R19Recorded), low_text);
        let word = json!({"name": "a", "count": "x"});
        assert_eq!(text_of(&word, Release::R10), "Format error  ''x' is not of type 'integer'' ");
        assert_eq!(
            text_of(&word, Release::R19Recorded),
            "Format error at 'count' ''x' is not valid under any of the given schemas' "
        );
        let deep = json!({"name": "a", "edits": ["b", 3]});
        let deep_text = "Format error at '1' '3 is not of type 'string'' ";
        assert_eq!(text_of(&deep, Release::R10), deep_text);
        assert_eq!(text_of(&deep, Release::R19Recorded), deep_text);
    }

    #[test]
    fn more_than_one_alternative_is_a_mistake_too() {
        assert_eq!(
            text_of(&json!({"name": "a", "note": null}), Release::R10),
            "Format error at 'note' 'None is valid under each of {'type': 'null'}, \
             {'type': ['string', 'null'], 'maxLength': 9}' "
        );
    }

    #[track_caller]
    fn says(value: &Value, schema: &Schema, release: Release, expected: &str) {
        let got = check(value, schema, release, "").map_or_else(|it| it.detail, |()| "ok".into());
        let expected =
            if expected == "ok" { "ok".into() } else { format!("Format error  '{expected}' ") };
        assert_eq!(got, expected, "{value}");
    }

    #[test]
    fn edits_of_a_list_have_keys_with_a_dollar() {
        let of = |value: &Value, expected| says(value, &Schema::ListEdits, Release::R10, expected);
        of(&json!({"$0": 1, "$+": 2}), "ok");
        let text = "'a' does not match any of the regexes: '^\\\\$'";
        of(&json!({"a": 1, "$0": 1}), text);
        let text = "'a', 'b' do not match any of the regexes: '^\\\\$'";
        of(&json!({"b": 1, "a": 1}), text);
        of(&json!([]), "[] is not of type 'object'");
        of(&json!({}), "{} does not have enough properties");
        let text = "{} should be non-empty";
        says(&json!({}), &Schema::ListEdits, Release::R19, text);
    }

    #[test]
    fn what_must_not_be_null_may_be_anything_else() {
        let of =
            |value: &Value, release, expected| says(value, &Schema::NotNull, release, expected);
        of(&json!(0), Release::R10, "ok");
        of(&json!(null), Release::R10, "{'type': 'null'} is not allowed for None");
        let text = "None should not be valid under {'type': 'null'}";
        of(&json!(null), Release::R19, text);
        says(&json!(0), &Schema::Null, Release::R10, "0 is not of type 'null'");
    }

    #[test]
    fn texts_are_as_long_as_they_may_be_and_lists_are_lists() {
        let of = |value: &Value, schema, expected| says(value, schema, Release::R10, expected);
        of(&json!("12345"), &NAME, "ok");
        of(&json!("123456"), &NAME, "'123456' is too long");
        of(&json!("ééééé"), &NAME, "ok");
        of(&json!([]), &Schema::AnyList, "ok");
        of(&json!({}), &Schema::AnyList, "{} is not of type 'array'");
        of(&json!({}), &Schema::AnyObject, "ok");
        of(&json!([]), &Schema::AnyObject, "[] is not of type 'object'");
        of(&json!([1, 2]), &Schema::Distinct, "ok");
        of(&json!([1, 2, 1]), &Schema::Distinct, "[1, 2, 1] has non-unique elements");
        let word = &Schema::Word(&["a", "b"]);
        of(&json!("b"), word, "ok");
        of(&json!("c"), word, "'c' is not one of ['a', 'b']");
        of(&json!(null), &NOTE, "ok");
        of(&json!("0123456789"), &NOTE, "'0123456789' is too long");
        of(&json!(5), &NOTE, "5 is not of type 'string', 'null'");
    }

    #[test]
    fn whole_numbers_keep_to_their_bounds_however_large_they_are() {
        let of = |value: &Value, schema, expected| says(value, schema, Release::R10, expected);
        let (open, closed) = (&Schema::Integer { min: 1 }, &Schema::IntegerTo { min: 1, max: 9 });
        let words = "18446744073709551615 is greater than the maximum of 9";
        of(&json!(u64::MAX), closed, words);
        of(&json!(u64::MAX), open, "ok");
        of(&json!(i64::MAX), open, "ok");
        of(&json!(10), closed, "10 is greater than the maximum of 9");
        of(&json!(9), closed, "ok");
        for schema in [open, closed] {
            of(&json!(1), schema, "ok");
            of(&json!(0), schema, "0 is less than the minimum of 1");
            of(&json!(1.5), schema, "1.5 is not of type 'integer'");
        }
    }

    #[test]
    fn a_list_that_is_absent_or_holds_a_word_needs_one_of_several_keys() {
        let needs = Schema::NeedsOneOf { list: "l", holds: "w", keys: &["a", "b"] };
        for (value, is_fine) in [
            (json!({}), false),
            (json!({"l": ["v", "w"]}), false),
            (json!({"l": ["v"]}), true),
            (json!({"a": 1}), true),
            (json!({"l": ["w"], "b": 1}), true),
        ] {
            let got = check(&value, &needs, Release::R10, "");
            assert_eq!(got.is_ok(), is_fine, "{value}");
        }
    }
}
