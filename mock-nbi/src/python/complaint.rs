//! What PyYAML says of a text that is no YAML.
//!
//! Both parsers descend from one another, so most complaints differ in form only: PyYAML names what
//! it found, and puts each place on a line of its own.
//!
//! Source: PyYAML 6.0; recorded case `body_formats_and_invalid_bodies`.

use super::read::YamlSource;

/// How complaints about dates begin, which PyYAML passes on without a place.
const OF_DATES: [&str; 6] =
    ["year 0 ", "month must ", "day is out ", "hour must ", "minute must ", "second must "];

/// PyYAML's complaint about `text`, of which our parser says `complaint`.
pub(crate) fn yaml_complaint(complaint: &str, text: &str, source: YamlSource) -> String {
    if complaint.contains("more than one document") {
        return two_documents(text, source);
    }
    if OF_DATES.iter().any(|start| complaint.starts_with(start)) {
        return complaint.to_owned();
    }
    let (problem, context) = match complaint.split_once(", while ") {
        Some((problem, context)) => (problem, Some(format!("while {context}"))),
        None => (complaint, None),
    };
    let (problem, place) = split_place(problem);
    let place = place.at_most_the_end_of(text);
    let found =
        text.lines().nth(place.line - 1).and_then(|line| line.chars().nth(place.column - 1));
    let mut out = String::new();
    if let Some((context, at)) = context.as_deref().map(split_place) {
        out.push_str(context);
        out.push('\n');
        if at != place {
            out.push_str(&at.line_of_its_own(text, source));
            out.push('\n');
        }
    }
    out.push_str(&in_pythons_words(problem, found));
    out.push('\n');
    out.push_str(&place.line_of_its_own(text, source));
    out
}

/// Characters on each side of a place from which on a line is cut.
const SNIPPET_HALF: usize = 37;
/// What stands for the rest of a line that is cut.
const DOTS: &str = " ... ";

/// A line and a column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    /// Our parser ends every line, the last one too.
    fn at_most_the_end_of(self, text: &str) -> Self {
        let lines = text.lines().count();
        if self.line <= lines || text.ends_with('\n') {
            return self;
        }
        let last = text.lines().last().unwrap_or_default();
        Self { line: lines.max(1), column: last.chars().count() + 1 }
    }

    fn line_of_its_own(self, text: &str, source: YamlSource) -> String {
        let place =
            format!("  in \"{}\", line {}, column {}", source.name(), self.line, self.column);
        if source == YamlSource::Body {
            return place;
        }
        format!("{place}:\n{}", self.snippet(text))
    }

    /// The line around the place, and a mark below it.
    fn snippet(self, text: &str) -> String {
        let line: Vec<char> = text.lines().nth(self.line - 1).unwrap_or_default().chars().collect();
        let pointer = (self.column - 1).min(line.len());
        let (mut head, mut start) = ("", 0);
        if pointer >= SNIPPET_HALF {
            (head, start) = (DOTS, pointer - SNIPPET_HALF + DOTS.len());
        }
        let (mut tail, mut end) = ("", line.len());
        if line.len() - pointer >= SNIPPET_HALF {
            (tail, end) = (DOTS, pointer + SNIPPET_HALF - DOTS.len());
        }
        let shown: String = line[start..end].iter().collect();
        let margin = " ".repeat(4 + head.len() + pointer - start);
        format!("    {head}{shown}{tail}\n{margin}^")
    }
}

/// `PROBLEM at line 1 column 2`; the start of the text is not named.
fn split_place(text: &str) -> (&str, Place) {
    let start = (text, Place { line: 1, column: 1 });
    let Some((problem, place)) = text.rsplit_once(" at line ") else {
        return start;
    };
    let numbers = place.split_once(" column ").and_then(|(line, column)| {
        Some(Place { line: line.parse().ok()?, column: column.parse().ok()? })
    });
    numbers.filter(|at| at.line > 0 && at.column > 0).map_or(start, |place| (problem, place))
}

fn in_pythons_words(problem: &str, found: Option<char>) -> String {
    let token = match found {
        None => "<stream end>".to_owned(),
        Some('*') => "<alias>".to_owned(),
        Some('&') => "<anchor>".to_owned(),
        Some('!') => "<tag>".to_owned(),
        Some(sign) if "?:-,[]{}".contains(sign) => sign.to_string(),
        Some(_) => "<scalar>".to_owned(),
    };
    let character = found.map_or_else(String::new, |c| super::repr_str(&c.to_string()));
    match problem {
        "mapping values are not allowed in this context" => {
            "mapping values are not allowed here".into()
        }
        "block sequence entries are not allowed in this context" => {
            "sequence entries are not allowed here".into()
        }
        "mapping keys are not allowed in this context" => {
            "mapping keys are not allowed here".into()
        }
        "found character that cannot start any token" => {
            format!("found character {character} that cannot start any token")
        }
        "found unknown escape character" => format!("found unknown escape character {character}"),
        "did not find expected ',' or ']'" => format!("expected ',' or ']', but got '{token}'"),
        "did not find expected ',' or '}'" => format!("expected ',' or '}}', but got '{token}'"),
        "did not find expected key" | "did not find expected '-' indicator" => {
            format!("expected <block end>, but found '{token}'")
        }
        "did not find expected node content" => {
            format!("expected the node content, but found '{token}'")
        }
        "did not find expected <document start>" => {
            format!("expected '<document start>', but found '{token}'")
        }
        other => other.into(),
    }
}

fn two_documents(text: &str, source: YamlSource) -> String {
    let mut starts = text.lines().enumerate().filter(|(_, line)| line.starts_with("---"));
    let is_first_marked = text.trim_start().starts_with("---");
    let first = if is_first_marked { starts.next().map_or(0, |(index, _)| index) } else { 0 };
    let second = starts.next().map_or(first, |(index, _)| index);
    let place = |line: usize| Place { line: line + 1, column: 1 }.line_of_its_own(text, source);
    let after_mark = if is_first_marked { first + 1 } else { first };
    format!(
        "expected a single document in the stream\n{}\nbut found another document\n{}",
        place(after_mark),
        place(second)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let error = serde_yaml::from_str::<serde_json::Value>(text).unwrap_err();
        yaml_complaint(&error.to_string(), text, YamlSource::Body)
    }

    #[test]
    fn complaints_about_files_show_the_line() {
        // Source: PyYAML 6.0.
        let check = |text: &str, want: &str| {
            let error = serde_yaml::from_str::<serde_json::Value>(text).unwrap_err();
            assert_eq!(yaml_complaint(&error.to_string(), text, YamlSource::Text), want);
        };
        check(
            "a: [1",
            "while parsing a flow sequence\n  in \"<unicode string>\", line 1, column 4:\n    a: [1\n       ^\nexpected ',' or ']', but got '<stream end>'\n  in \"<unicode string>\", line 1, column 6:\n    a: [1\n         ^",
        );
        let long = format!("a: b: {}", "c".repeat(36));
        let want = format!(
            "mapping values are not allowed here\n  in \"<unicode string>\", line 1, column 5:\n    a: b: {} ... \n        ^",
            "c".repeat(30)
        );
        check(&long, &want);
        let long = format!("x: {}: d", "q".repeat(34));
        let want = format!(
            "mapping values are not allowed here\n  in \"<unicode string>\", line 1, column 38:\n     ... {}: d\n{}^",
            "q".repeat(32),
            " ".repeat(41)
        );
        check(&long, &want);
    }

    #[test]
    fn complaints_are_pyyamls() {
        // Source: PyYAML 6.0.
        for (text, want) in [
            (
                "a: [1",
                "while parsing a flow sequence\n  in \"None\", line 1, column 4\nexpected ',' or ']', \
                 but got '<stream end>'\n  in \"None\", line 1, column 6",
            ),
            (
                "{\"name: ",
                "while scanning a quoted scalar\n  in \"None\", line 1, column 2\nfound unexpected end \
                 of stream\n  in \"None\", line 1, column 9",
            ),
            ("a: b: c", "mapping values are not allowed here\n  in \"None\", line 1, column 5"),
            (
                "\t",
                "while scanning for the next token\nfound character '\\t' that cannot start any \
                 token\n  in \"None\", line 1, column 1",
            ),
            (
                "a: {b: c]",
                "while parsing a flow mapping\n  in \"None\", line 1, column 4\nexpected ',' or '}', \
                 but got ']'\n  in \"None\", line 1, column 9",
            ),
        ] {
            assert_eq!(complaint(text), want);
        }
    }
}
