//! How a text may stand in YAML 1.1: without quotes, in single ones, or only in double ones, and what
//! is escaped there.

use std::sync::LazyLock;

use regex::Regex;

/// What a text looks like to PyYAML's writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether it needs no quotes, as far as its characters go.
    pub(super) may_be_plain: bool,
    /// Whether single quotes are enough.
    pub(super) may_be_single_quoted: bool,
}

impl Look {
    pub(super) fn at(text: &str, has_unicode: bool) -> Self {
        let has_break = text.chars().any(is_break);
        let has_special = text.chars().any(|c| is_special(c, has_unicode));
        let chars: Vec<char> = text.chars().collect();
        let pairs = || chars.windows(2);
        let has_break_then_space = pairs().any(|pair| is_break(pair[0]) && pair[1] == ' ');
        let has_space_then_break = pairs().any(|pair| pair[0] == ' ' && is_break(pair[1]));
        let edge = |c: Option<&char>| c.is_some_and(|c| *c == ' ' || is_break(*c));
        let has_bare_edge = edge(chars.first()) || edge(chars.last());
        Self {
            may_be_plain: !has_break && !has_special && !has_bare_edge && !has_indicator(&chars),
            may_be_single_quoted: !has_break_then_space && !has_space_then_break && !has_special,
        }
    }
}

/// What ends a line in YAML 1.1.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_white(c: Option<&char>) -> bool {
    c.is_none_or(|c| matches!(c, '\0' | ' ' | '\t' | '\r') || is_break(*c))
}

fn is_special(c: char, has_unicode: bool) -> bool {
    let is_ascii = c == '\n' || (' '..='~').contains(&c);
    let is_letter = c == '\u{85}' || (c >= '\u{a0}' && c != '\u{feff}' && c < '\u{10ffff}');
    let is_letter = is_letter && !('\u{fffe}'..='\u{ffff}').contains(&c);
    !(is_ascii || (is_letter && has_unicode))
}

/// Whether a block would take some of it for its own signs.
fn has_indicator(chars: &[char]) -> bool {
    if chars.starts_with(&['-', '-', '-']) || chars.starts_with(&['.', '.', '.']) {
        return true;
    }
    chars.iter().enumerate().any(|(index, c)| {
        let is_before_white = is_white(chars.get(index + 1));
        let is_after_white = index == 0 || is_white(chars.get(index - 1));
        match c {
            '#' => is_after_white,
            ':' => is_before_white,
            '-' | '?' if index == 0 => is_before_white,
            c if index == 0 => ",[]{}&*!|>'\"%@`".contains(*c),
            _ => false,
        }
    })
}

/// What YAML 1.1 reads as something else than a text.
const OTHERS: &[&str] = &[
    "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
    "~|null|Null|NULL|<<|=|",
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?",
    r"\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?",
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*",
    r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    r"[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+",
    r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    concat!(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}",
        r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
    ),
];

static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!("^(?:{})$", OTHERS.join("|"))).expect("a constant pattern is sound")
});

/// Whether YAML 1.1 reads the text without quotes as a text.
pub(super) fn reads_as_text(text: &str) -> bool {
    !OTHER.is_match(text)
}

/// Runs of blanks, runs of line ends, and what is between them, each with its place.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let kind = |c: char| match c {
        ' ' => 1,
        c if is_break(c) => 2,
        _ => 0,
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let first = kind(rest.chars().next()?);
        let length = rest.find(|c| kind(c) != first).unwrap_or(rest.len());
        let piece = (&rest[..length], at);
        at += length;
        Some(piece)
    })
}

/// Whether a character stands as it is between double quotes.
pub(super) fn is_quotable(c: char, has_unicode: bool) -> bool {
    !"\"\\\u{85}\u{2028}\u{2029}\u{feff}".contains(c)
        && ((' '..='~').contains(&c)
            || (has_unicode
                && (('\u{a0}'..='\u{d7ff}').contains(&c)
                    || ('\u{e000}'..='\u{fffd}').contains(&c))))
}

/// The sign for a character that does not.
pub(super) fn escaped(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            return match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
