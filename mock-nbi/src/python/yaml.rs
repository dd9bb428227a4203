//! `yaml.safe_dump`, byte for byte: which quotes a text gets, where lines are folded.
//!
//! OSM answers in it, stores nested parameters as texts in it, and keeps descriptors in it that came
//! without an archive.
//!
//! Source: PyYAML 6.0's output; recorded lengths of YAML answers.

use serde_json::{Map, Value};

use super::number_repr;
use super::text::{Look, escaped, is_break, is_quotable, pieces, reads_as_text};

/// Columns after which PyYAML folds a line.
const WIDTH: usize = 80;
/// Keys of this many characters and more stand after a `?` of their own: PyYAML's limit is 128 with
/// the tag `!!str`.
const LONG_KEY_CHARS: usize = 123;

/// Options of `yaml.safe_dump` that OSM uses in different places.
#[derive(Clone, Copy)]
pub(crate) struct YamlStyle {
    /// Columns of one level.
    pub(crate) indent: usize,
    /// Whether the document starts with `---`.
    pub(crate) has_start: bool,
    /// Whether letters beyond ASCII stand as they are.
    pub(crate) has_unicode: bool,
}

/// How OSM answers in YAML.
pub(crate) const ANSWER: YamlStyle = YamlStyle { indent: 4, has_start: true, has_unicode: true };
/// How OSM stores a descriptor that came as YAML or JSON without an archive.
pub(crate) const DESCRIPTOR: YamlStyle =
    YamlStyle { indent: 4, has_start: false, has_unicode: false };
/// How OSM turns a nested parameter into text.
pub(crate) const NESTED: YamlStyle = YamlStyle { indent: 2, has_start: false, has_unicode: false };

/// `yaml.safe_dump(value, default_flow_style=False)`.
pub(crate) fn yaml_dump(value: &Value, style: YamlStyle) -> String {
    let mut page = Page { out: String::new(), column: 0, is_after_dash: false, style };
    if style.has_start {
        page.push("---");
    }
    match value {
        Value::Array(items) if !items.is_empty() => page.sequence(items, 0),
        Value::Object(fields) if !fields.is_empty() => page.mapping(fields, 0),
        scalar => {
            if style.has_start {
                page.push(" ");
            }
            let is_plain = page.scalar(scalar, style.indent);
            page.push(if is_plain { "\n...\n" } else { "\n" });
        }
    }
    page.out
}

/// What is written so far, and where.
struct Page {
    out: String,
    /// Characters since the last line end.
    column: usize,
    /// Whether the next entry goes on where a dash stands.
    is_after_dash: bool,
    style: YamlStyle,
}

impl Page {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        self.column = match text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
    }

    fn pad_to(&mut self, column: usize) {
        let blanks = column.saturating_sub(self.column);
        self.push(&" ".repeat(blanks));
    }

    /// A new line that starts at this column.
    fn break_to(&mut self, column: usize) {
        self.push("\n");
        self.pad_to(column);
    }

    /// Goes where an entry of a block starts: at once after a dash, else on a line of its own.
    fn start_entry(&mut self, column: usize) {
        if self.is_after_dash {
            self.is_after_dash = false;
        } else if self.out.is_empty() || self.out.ends_with('\n') {
            self.pad_to(column);
        } else {
            self.break_to(column);
        }
    }

    fn mapping(&mut self, fields: &Map<String, Value>, column: usize) {
        let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
        fields.sort_by_key(|(key, _)| *key);
        for (key, value) in fields {
            self.start_entry(column);
            let inner_column = column + self.style.indent;
            let has_value_beside = self.key(key, column);
            match value {
                Value::Array(items) if !items.is_empty() && has_value_beside => {
                    self.start_beside(inner_column);
                    self.sequence(items, inner_column);
                }
                // A sequence is not indented below its key.
                Value::Array(items) if !items.is_empty() => self.sequence(items, column),
                Value::Object(inner) if !inner.is_empty() => {
                    if has_value_beside {
                        self.start_beside(inner_column);
                    }
                    self.mapping(inner, inner_column);
                }
                scalar => {
                    self.push(" ");
                    self.scalar(scalar, inner_column);
                    self.push("\n");
                }
            }
        }
    }

    /// Lets a block start on this line, after a sign.
    fn start_beside(&mut self, column: usize) {
        self.pad_to(column);
        self.is_after_dash = true;
    }

    /// Writes a key; tells whether it is one after which a block starts on the same line.
    fn key(&mut self, key: &str, column: usize) -> bool {
        let is_simple =
            !key.is_empty() && !key.contains(is_break) && key.chars().count() < LONG_KEY_CHARS;
        if is_simple {
            self.text(key, None);
            self.push(":");
        } else {
            self.push("? ");
            self.text(key, Some(column + self.style.indent));
            self.break_to(column);
            self.push(":");
        }
        !is_simple
    }

    fn sequence(&mut self, items: &[Value], column: usize) {
        let inner_column = column + self.style.indent;
        for item in items {
            self.start_entry(column);
            self.push("-");
            match item {
                Value::Array(inner) if !inner.is_empty() => {
                    self.start_beside(inner_column);
                    self.sequence(inner, inner_column);
                }
                Value::Object(inner) if !inner.is_empty() => {
                    self.start_beside(inner_column);
                    self.mapping(inner, inner_column);
                }
                scalar => {
                    self.push(" ");
                    self.scalar(scalar, inner_column);
                    self.push("\n");
                }
            }
        }
    }

    /// Writes a value of one piece, folded to `column`; tells whether it has no quotes or brackets.
    fn scalar(&mut self, value: &Value, column: usize) -> bool {
        match value {
            Value::Null => self.push("null"),
            Value::Bool(flag) => self.push(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.push(&yaml_number(number)),
            Value::String(text) => return self.text(text, Some(column)),
            Value::Array(_) => {
                self.push("[]");
                return false;
            }
            Value::Object(_) => {
                self.push("{}");
                return false;
            }
        }
        true
    }

    /// Writes a text as plainly as it may be; folded to a column, or not at all. Tells whether it
    /// has no quotes.
    fn text(&mut self, text: &str, fold: Option<usize>) -> bool {
        let look = Look::at(text, self.style.has_unicode);
        if look.may_be_plain && reads_as_text(text) {
            self.plain(text, fold);
            return true;
        }
        if look.may_be_single_quoted {
            self.single_quoted(text, fold);
        } else {
            self.double_quoted(text, fold);
        }
        false
    }

    fn plain(&mut self, text: &str, fold: Option<usize>) {
        for (piece, _) in pieces(text) {
            match fold {
                Some(column) if piece == " " && self.column > WIDTH => self.break_to(column),
                _ => self.push(piece),
            }
        }
    }

    fn single_quoted(&mut self, text: &str, fold: Option<usize>) {
        self.push("'");
        for (piece, at) in pieces(text) {
            let is_inside = at != 0 && at + piece.len() != text.len();
            match fold {
                Some(column) if piece == " " && is_inside && self.column > WIDTH => {
                    self.break_to(column);
                }
                Some(column) if piece.starts_with(is_break) => {
                    if piece.starts_with('\n') {
                        // One more than there are: a single one would be read as a blank.
                        self.push("\n");
                    }
                    self.push(piece);
                    self.column = 0;
                    self.pad_to(column);
                }
                _ => self.push(&piece.replace('\'', "''")),
            }
        }
        self.push("'");
    }

    fn double_quoted(&mut self, text: &str, fold: Option<usize>) {
        let chars: Vec<char> = text.chars().collect();
        self.push("\"");
        let mut start = 0;
        for end in 0..=chars.len() {
            let here = chars.get(end).copied();
            let must_escape = here.is_some_and(|c| !is_quotable(c, self.style.has_unicode));
            if here.is_none() || must_escape {
                self.push(&chars[start.min(end)..end].iter().collect::<String>());
                start = start.max(end);
                if let Some(c) = here.filter(|_| must_escape) {
                    self.push(&escaped(c));
                    start = end + 1;
                }
            }
            let is_inside = end > 0 && end + 1 < chars.len();
            let may_break = is_inside && (here == Some(' ') || start >= end);
            let is_wide = self.column + end > WIDTH + start;
            if let Some(column) = fold.filter(|_| may_break && is_wide) {
                self.push(&chars[start.min(end)..end].iter().collect::<String>());
                start = start.max(end);
                self.push("\\");
                self.break_to(column);
                if chars.get(start) == Some(&' ') {
                    self.push("\\");
                }
            }
        }
        self.push("\"");
    }
}

/// A number; PyYAML gives floats with an exponent a fraction, without which it would not read them
/// back.
fn yaml_number(number: &serde_json::Number) -> String {
    let text = number_repr(number);
    if text.contains('e') && !text.contains('.') { text.replacen('e', ".0e", 1) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_levels_have_four_columns_and_no_string_looks_like_a_number() {
        let value =
            json!({"b": [{"id": "x", "n": {"k": 1}}], "a": "1.0", "c": [], "d": "2020-04-17"});
        let want = "---\na: '1.0'\nb:\n-   id: x\n    n:\n        k: 1\nc: []\nd: '2020-04-17'\n";
        assert_eq!(yaml_dump(&value, ANSWER), want);
    }

    #[test]
    fn nested_parameter_is_dumped_like_the_recorded_one() {
        // Source: recorded case `ns_by_placement_and_more_params`, exchange 15.
        assert_eq!(
            yaml_dump(&json!({"a": [1, 2, {"b": null}]}), NESTED),
            "a:\n- 1\n- 2\n- b: null\n"
        );
    }

    #[test]
    fn long_texts_are_folded() {
        // Source: PyYAML 6.0.
        let words = "word ".repeat(20);
        let want = format!("a: {}\n  word word word word\n", "word ".repeat(16).trim_end());
        assert_eq!(yaml_dump(&json!({"a": words.trim_end()}), NESTED), want);
        let want = "a: 'database exception Not found any x with filter=''{''_admin.projects_read.cont'':\n  \
                    [1], ''_id'': ''nope''}'''\n";
        let text = "database exception Not found any x with \
                    filter='{'_admin.projects_read.cont': [1], '_id': 'nope'}'";
        assert_eq!(yaml_dump(&json!({"a": text}), NESTED), want);
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let texts = [
            "",
            "a: b",
            "#x",
            "- y",
            "12:30:45",
            "0x1f",
            "é",
            "a\nb",
            "true",
            "-x",
            "@",
            " a",
            "a ",
            "a\n",
            "\na",
            "a\tb",
            "it's \"so\"",
            "?",
            "---",
            "...",
            "<<",
            "=",
            "a #b",
            "😀",
        ];
        for style in [ANSWER, NESTED, DESCRIPTOR] {
            for text in texts {
                let value = json!({"k": [text, {text: text}]});
                let back: Value = serde_yaml::from_str(&yaml_dump(&value, style)).unwrap();
                assert_eq!(back, value);
            }
        }
    }
}
