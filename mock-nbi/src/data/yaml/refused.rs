//! What is well-formed YAML and yet nothing to PyYAML's safe loader: unknown tags, and dates that
//! are in no calendar.
//!
//! Source: PyYAML 6.0, `constructor.py`; Python's `datetime`.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

/// What Python's safe loader makes values of, of the tags `!!NAME`.
const TAGS: [&str; 12] = [
    "null",
    "bool",
    "int",
    "float",
    "str",
    "seq",
    "map",
    "binary",
    "timestamp",
    "omap",
    "pairs",
    "set",
];

static TIMESTAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})
          (?:(?:[Tt]|[\ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]*)?
             (?:[\ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?$",
    )
    .ok()
});

/// The complaint about the first value that nothing is made of, in a text that is well-formed.
pub(in crate::data) fn complaint_about(text: &str) -> Option<String> {
    let has_date = text.as_bytes().windows(5).any(|at| at[0].is_ascii_digit() && at[4] == b'-');
    if !text.contains('!') && !has_date {
        return None;
    }
    let mut first = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        if let Event::Scalar(word, ScalarStyle::Plain, _, None) = &event {
            first = first.or_else(|| complaint_about_date(word));
        }
        let (Event::Scalar(_, _, _, tag)
        | Event::SequenceStart(_, tag)
        | Event::MappingStart(_, tag)) = event
        else {
            continue;
        };
        let is_unknown = |tag: &Tag| {
            let is_bare = tag.handle.is_empty() && tag.suffix == "!";
            let is_known = tag.is_yaml_core_schema() && TAGS.contains(&tag.suffix.as_str());
            !is_bare && !is_known
        };
        if let Some(tag) = tag.filter(|tag| is_unknown(tag) && first.is_none()) {
            let (line, column) = start_of_tag(text, span.start.index());
            first = Some(format!(
                "could not determine a constructor for the tag '{}{}' at line {line} column {column}",
                tag.handle, tag.suffix
            ));
        }
    }
    first
}

/// Line and column, from 1, of the tag of what starts after so many characters.
fn start_of_tag(text: &str, start: usize) -> (usize, usize) {
    let before: String = text.chars().take(start).collect();
    let starts_here = text.chars().nth(start) == Some('!');
    let properties = before.trim_end();
    let at = if starts_here || properties.is_empty() {
        before.len()
    } else {
        // At most an anchor stands between a tag and its node.
        let mut words = properties.rsplit(char::is_whitespace).take(2);
        let tag = words.find(|word| word.starts_with('!'));
        tag.map_or(before.len(), |tag| tag.as_ptr() as usize - properties.as_ptr() as usize)
    };
    let above = &text[..at.min(text.len())];
    let column = above.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (above.matches('\n').count() + 1, column + 1)
}

/// What Python says of a date or time that there is not.
fn complaint_about_date(word: &str) -> Option<String> {
    let parts = TIMESTAMP.as_ref()?.captures(word)?;
    // A date alone has two digits each.
    if parts.get(4).is_none() && word.len() < "2001-01-01".len() {
        return None;
    }
    let number = |parts: &Captures<'_>, at: usize| parts.get(at)?.as_str().parse::<i16>().ok();
    let (year, month, day) = (number(&parts, 1)?, number(&parts, 2)?, number(&parts, 3)?);
    if year == 0 {
        return Some("year 0 is out of range".into());
    }
    if !(1..=12).contains(&month) {
        return Some("month must be in 1..12".into());
    }
    let is_day = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    if is_day.is_err() {
        return Some("day is out of range for month".into());
    }
    [(4, "hour", 23), (5, "minute", 59), (6, "second", 59)]
        .into_iter()
        .find(|(at, _, most)| number(&parts, *at).is_some_and(|value| value > *most))
        .map(|(_, unit, most)| format!("{unit} must be in 0..{most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_nothing_is_made_of_are_named_with_their_place() {
        let complaint = |tag: &str, place: &str| {
            Some(format!("could not determine a constructor for the tag '{tag}' at {place}"))
        };
        let object = "tag:yaml.org,2002:python/object:x";
        assert_eq!(complaint_about("!!python/object:x {}"), complaint(object, "line 1 column 1"));
        assert_eq!(complaint_about("a: 1\nb: !x y"), complaint("!x", "line 2 column 4"));
        assert_eq!(complaint_about("a: 'no tag!'\nb: !!str 5\nc: !!set {d}"), None);
    }

    // Each was given to PyYAML 6.0.3 under Python 3.11.
    #[test]
    fn dates_that_are_in_no_calendar_are_told_as_python_tells_them() {
        for (text, complaint) in [
            ("a: 2001-13-01", Some("month must be in 1..12")),
            ("[2001-02-29]", Some("day is out of range for month")),
            ("0000-01-01", Some("year 0 is out of range")),
            ("2001-1-1 24:00:00", Some("hour must be in 0..23")),
            ("2001-01-01T00:60:00Z", Some("minute must be in 0..59")),
            ("2001-01-01 00:00:60 +1", Some("second must be in 0..59")),
            ("2001-1-32", None),
            ("'2001-13-01'", None),
            ("2001-12-14t21:59:43.10-05:00", None),
            ("2004-02-29", None),
        ] {
            assert_eq!(complaint_about(text).as_deref(), complaint, "{text}");
        }
    }
}
