//! Reads a Python literal: how OSM's life-cycle manager stores what helm said.

use serde_json::{Map, Number, Value};

/// The deepest nesting that is read; helm values of real charts stay below 20.
const DEPTH_MAX: usize = 100;

/// Reads what Python's `repr` prints for dictionaries, lists, tuples, text, numbers, booleans and `None`.
///
/// Returns `None` for anything else.
pub(super) fn parse_literal(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim() };
    let value = reader.value(0)?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.skip_blanks();
        match self.rest.chars().next()? {
            '{' => self.dictionary(depth),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            quote @ ('\'' | '"') => self.text(quote).map(Value::String),
            _ => self.word(),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        self.take("{");
        while !self.take("}") {
            let key = match self.value(depth + 1)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
            };
            if !self.take(":") {
                return None;
            }
            map.insert(key, self.value(depth + 1)?);
            if !self.take(",") && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(map))
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.take(open.encode_utf8(&mut [0; 4]));
        let mut buffer = [0; 4];
        let close = &*close.encode_utf8(&mut buffer);
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(",") && !self.rest.trim_start().starts_with(close) {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => text.push(escape(&mut chars)?),
                c if c == quote => {
                    self.rest = self.rest.get(at + c.len_utf8()..)?;
                    return Some(text);
                }
                c => text.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', '}', ']', ')', ':', ' ', '\n']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        match word {
            "None" => Some(Value::Null),
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            number => {
                let whole = number.parse::<i64>().ok().map(Number::from);
                let whole = whole.or_else(|| number.parse::<u64>().ok().map(Number::from));
                let starts_right = number.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                let float = || number.parse::<f64>().ok().and_then(Number::from_f64);
                whole.or_else(|| if starts_right { float() } else { None }).map(Value::Number)
            }
        }
    }
}

/// What stands for `\` and what follows it.
///
/// Source: The Python Language Reference, 2.4.1, escape sequences that `repr` prints.
fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let (_, c) = chars.next()?;
    let mut number = |digits: usize| {
        let hex: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
        if hex.len() != digits {
            return None;
        }
        char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
    };
    match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'x' => number(2),
        'u' => number(4),
        'U' => number(8),
        '\\' | '\'' | '"' => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn helm_status_of_a_real_release_10_is_read() {
        let text = "{'config': {'replicaCount': '2'}, 'info': {'deleted': '', 'description': \
                    'Install complete', 'status': 'deployed'}, 'name': \
                    'stable-openldap-1-2-3-0044064996', 'version': 1}";
        let value = parse_literal(text).unwrap();
        assert_eq!(value["config"], json!({"replicaCount": "2"}));
        assert_eq!(value["version"], json!(1));
    }

    #[test]
    fn literals_are_read_as_python_prints_them() {
        let check = |text: &str, expected: Option<Value>| {
            assert_eq!(parse_literal(text), expected, "{text}");
        };
        check("None", Some(Value::Null));
        check("[True, False, -1, 1.5, 1e-07]", Some(json!([true, false, -1, 1.5, 1e-7])));
        check("[-1.5, -1e-07]", Some(json!([-1.5, -1e-7])));
        check("('a',)", Some(json!(["a"])));
        check("{}", Some(json!({})));
        check("{1: 2}", Some(json!({"1": 2})));
        check(r#""it's""#, Some(json!("it's")));
        check(r"'a\n\x41\u00e9\\'", Some(json!("a\nAé\\")));
        check(r"'\r\t\'\U0001f40d'", Some(json!("\r\t'\u{1f40d}")));
        for broken in [r"'\q'", r"'\x4'", r"'\U00110000'", r"'\"] {
            check(broken, None);
        }
        check("{'a': 1", None);
        check("{'a' 1}", None);
        check("helm: not found", None);
        check("'a' 'b'", None);
        check("", None);
        check(&"[".repeat(500), None);
    }

    #[test]
    fn dictionaries_are_read_as_deep_as_lists_and_no_deeper() {
        for (open, close) in [("{1: ", "}"), ("[", "]"), ("(", ",)")] {
            let is_read = |depth: usize| {
                let text = format!("{}0{}", open.repeat(depth), close.repeat(depth));
                parse_literal(&text).is_some()
            };
            assert!(is_read(DEPTH_MAX), "{open}");
            assert!(!is_read(DEPTH_MAX + 1), "{open}");
        }
        // Where a key should be; nothing this deep fits on a stack.
        assert_eq!(parse_literal(&"{".repeat(1_000_000)), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\PC]{0,80}|[\\[{('\"\\\\,:}\\]) xu1]{0,80}") {
            let _ = parse_literal(&text);
        }
    }
}
