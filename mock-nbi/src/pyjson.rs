//! JSON as Python's `json` module reads it, and its complaints. What is no number there (`NaN`,
//! `Infinity`) is nothing here.
//!
//! Pure. Source: recorded cases `body_formats_and_invalid_bodies` and `token_bad_credentials`.

use std::ops::Range;
use std::str::Utf8Error;

use serde_json::Value;

use crate::data::{self, Unreadable};

/// Parses a body.
///
/// # Errors
/// Too large, or the text of Python's exception, with line, column and position.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Unreadable<String>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Unreadable::Broken(decoding_complaint(bytes, error)))?;
    match data::from_json(text) {
        Err(Unreadable::Broken(_)) => {}
        read => return read.map_err(|_| Unreadable::TooLarge),
    }
    let odd = odd_numbers(text).map_err(Unreadable::Broken)?;
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for odd in odd {
        plain += &text[at..odd.start];
        plain += "null";
        at = odd.end;
    }
    plain += &text[at..];
    data::from_json(&plain).map_err(|unreadable| match unreadable {
        Unreadable::TooLarge => Unreadable::TooLarge,
        // The scanner above is more lenient with what is in texts.
        Unreadable::Broken(_) => Unreadable::Broken(told(text, "Expecting value", text.len())),
    })
}

/// Python's text for bytes that are no UTF-8.
///
/// Source: Python's `UnicodeDecodeError`.
pub(crate) fn decoding_complaint(bytes: &[u8], error: Utf8Error) -> String {
    let Undecodable { at, first, length, reason } = Undecodable::new(bytes, error);
    if length > 1 {
        let last = at + length - 1;
        return format!("'utf-8' codec can't decode bytes in position {at}-{last}: {reason}");
    }
    format!("'utf-8' codec can't decode byte 0x{first:02x} in position {at}: {reason}")
}

/// Where and why bytes are no UTF-8, as Python sees it.
pub(crate) struct Undecodable {
    pub(crate) at: usize,
    pub(crate) first: u8,
    length: usize,
    pub(crate) reason: &'static str,
}

impl Undecodable {
    pub(crate) fn new(bytes: &[u8], error: Utf8Error) -> Self {
        let at = error.valid_up_to();
        let first = bytes.get(at).copied().unwrap_or_default();
        let (length, reason) = match error.error_len() {
            None => (bytes.len() - at, "unexpected end of data"),
            Some(length) if matches!(first, 0xc2..=0xf4) => (length, "invalid continuation byte"),
            Some(_) => (1, "invalid start byte"),
        };
        Self { at, first, length, reason }
    }
}

/// Where numbers stand that only Python takes, or what it would complain about first.
fn odd_numbers(text: &str) -> Result<Vec<Range<usize>>, String> {
    let mut scanner = Scanner { text: text.as_bytes(), at: 0, odd: Vec::new() };
    match scanner.document() {
        Ok(()) if scanner.odd.is_empty() => Err(told(text, "Expecting value", scanner.at)),
        Ok(()) => Ok(scanner.odd),
        Err((message, at)) => Err(told(text, message, at)),
    }
}

/// A complaint with its place.
fn told(text: &str, message: &str, at: usize) -> String {
    let before = &text[..floor_boundary(text, at)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{message}: line {line} column {column} (char {})", before.chars().count())
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// Deeper input than this is not looked into; the complaint is then that of a missing value.
const DEPTH_MAX: usize = 100;

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    odd: Vec<Range<usize>>,
}

type Scanned = Result<(), (&'static str, usize)>;

impl Scanner<'_> {
    fn document(&mut self) -> Scanned {
        self.value(0)?;
        self.skip_blanks();
        if self.at < self.text.len() { Err(("Extra data", self.at)) } else { Ok(()) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Scanned {
        self.skip_blanks();
        let start = self.at;
        match self.peek() {
            _ if depth > DEPTH_MAX => Err(("Expecting value", start)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(byte) if byte.is_ascii_alphanumeric() || byte == b'-' => self.word(),
            _ => Err(("Expecting value", start)),
        }
    }

    fn word(&mut self) -> Scanned {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        if matches!(word, "NaN" | "Infinity" | "-Infinity") {
            self.odd.push(start..self.at);
            return Ok(());
        }
        match serde_json::from_str::<Value>(word) {
            Ok(_) => Ok(()),
            // For Python it is infinity.
            Err(error) if error.to_string().starts_with("number out of range") => {
                self.odd.push(start..self.at);
                Ok(())
            }
            Err(_) => Err(("Expecting value", start)),
        }
    }

    fn string(&mut self) -> Scanned {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(("Unterminated string starting at", start)),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(byte) if byte < 0x20 => return Err(("Invalid control character at", self.at)),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(("Expecting property name enclosed in double quotes", self.at));
            }
            self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return Err(("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.value(depth + 1)?;
            if self.is_closed_by(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Scanned {
        self.at += 1;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if self.is_closed_by(b']')? {
                return Ok(());
            }
        }
    }

    fn is_closed_by(&mut self, end: u8) -> Result<bool, (&'static str, usize)> {
        self.skip_blanks();
        let here = self.at;
        self.at += 1;
        match self.text.get(here) {
            Some(byte) if *byte == end => Ok(true),
            Some(b',') => Ok(false),
            _ => Err(("Expecting ',' delimiter", here)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_that_are_no_text_are_told_as_python_does() {
        for bytes in
            [&b"a\xff"[..], b"\x80", b"\xc3(", b"\xe2\x82(", b"\xe2\x82", b"\xc3", b"\xed\xa0\x80"]
        {
            let Err(Unreadable::Broken(text)) = parse(bytes) else { panic!("{bytes:?} was read") };
            let expected = match bytes {
                b"a\xff" => "byte 0xff in position 1: invalid start byte",
                b"\x80" => "byte 0x80 in position 0: invalid start byte",
                b"\xc3(" => "byte 0xc3 in position 0: invalid continuation byte",
                b"\xe2\x82(" => "bytes in position 0-1: invalid continuation byte",
                b"\xe2\x82" => "bytes in position 0-1: unexpected end of data",
                b"\xc3" => "byte 0xc3 in position 0: unexpected end of data",
                _ => "byte 0xed in position 0: invalid continuation byte",
            };
            assert_eq!(text, format!("'utf-8' codec can't decode {expected}"));
        }
    }

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expected: &str) {
        let Err(Unreadable::Broken(complaint)) = parse(text.as_ref()) else {
            panic!("no complaint");
        };
        assert_eq!(complaint, expected);
    }

    #[test]
    fn what_only_python_takes_for_a_number_is_nothing() {
        let text = r#"{"NaN": [NaN, -Infinity, 1e999, "Infinity"], "b": Infinity}"#;
        let expected = json!({"NaN": [null, null, null, "Infinity"], "b": null});
        assert_eq!(parse(text.as_bytes()).unwrap(), expected);
        check("[-NaN]", "Expecting value: line 1 column 2 (char 1)");
    }

    #[test]
    fn complaints_are_pythons() {
        check(
            "{bad",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        );
        check("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)");
        check("{\"a\": 1\n \"b\"}", "Expecting ',' delimiter: line 2 column 2 (char 9)");
        check("[1] x", "Extra data: line 1 column 5 (char 4)");
        check("nope", "Expecting value: line 1 column 1 (char 0)");
        check([0xff], "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte");
    }
}
