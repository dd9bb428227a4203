//! Label and field selectors.

use serde_json::Value;

use super::refusal::Refusal;

/// Which objects a list or watch tells of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Selector {
    labels: Vec<(String, Wanted)>,
    /// Paths as `metadata.name`, whether equal, and the value.
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Exists,
    Absent,
    In(Vec<String>),
    /// Absent counts.
    NotIn(Vec<String>),
}

/// The fields that every kind can be selected by, and those of some.
const FIELDS: [&str; 2] = ["metadata.name", "metadata.namespace"];
const EVENT_FIELDS: [&str; 8] = [
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.uid",
    "regarding.kind",
    "regarding.name",
    "reason",
    "type",
];

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`.
    ///
    /// # Errors
    /// 400, when one cannot be read or a field is none to select by.
    pub(super) fn parse(labels: &str, fields: &str, plural: &str) -> Result<Self, Refusal> {
        let labels =
            requirements(labels).iter().map(|text| label(text)).collect::<Result<_, _>>()?;
        let mut selector = Self { labels, fields: Vec::new() };
        for text in fields.split(',').filter(|text| !text.is_empty()) {
            let (path, is_equal, value) = equation(text).ok_or_else(|| {
                Refusal::bad_request(format!(
                    "invalid selector: '{fields}'; can't understand '{text}'"
                ))
            })?;
            let of_kind = plural == "events" && EVENT_FIELDS.contains(&path)
                || plural == "secrets" && path == "type";
            if !FIELDS.contains(&path) && !of_kind {
                return Err(unsupported(path, plural));
            }
            selector.fields.push((path.to_owned(), is_equal, value.to_owned()));
        }
        Ok(selector)
    }

    pub(super) fn is_all(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn selects(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let has_labels = self.labels.iter().all(|(key, wanted)| {
            let value = labels.get(key).and_then(Value::as_str);
            match wanted {
                Wanted::Exists => value.is_some(),
                Wanted::Absent => value.is_none(),
                Wanted::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
                Wanted::NotIn(values) => {
                    !value.is_some_and(|value| values.iter().any(|v| v == value))
                }
            }
        });
        has_labels
            && self.fields.iter().all(|(path, is_equal, wanted)| {
                let found = path.split('.').fold(object, |at, key| &at[key]);
                (found.as_str().unwrap_or_default() == wanted) == *is_equal
            })
    }
}

/// Parts between commas that are not inside parentheses.
fn requirements(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        match parts.last_mut() {
            Some(last) if letter != ',' || depth > 0 => last.push(letter),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// `a=b`, `a==b` or `a!=b`.
fn equation(text: &str) -> Option<(&str, bool, &str)> {
    let (left, right) = text.split_once('=')?;
    match left.strip_suffix('!') {
        Some(left) => Some((left.trim(), false, right.trim())),
        None => Some((left.trim(), true, right.trim_start_matches('=').trim())),
    }
}

fn label(text: &str) -> Result<(String, Wanted), Refusal> {
    let text = text.trim();
    if let Some((left, values)) = text.split_once('(') {
        let values = values.trim_end_matches(')').split(',').map(|value| value.trim().to_owned());
        let (key, word) = left.trim().rsplit_once(' ').unwrap_or((left, ""));
        let wanted = match word {
            "in" => Wanted::In(values.collect()),
            "notin" => Wanted::NotIn(values.collect()),
            _ => return Err(unreadable(text)),
        };
        return Ok((key.trim().to_owned(), wanted));
    }
    if let Some((key, is_equal, value)) = equation(text) {
        let values = vec![value.to_owned()];
        let wanted = if is_equal { Wanted::In(values) } else { Wanted::NotIn(values) };
        return Ok((key.to_owned(), wanted));
    }
    let (key, wanted) = match text.strip_prefix('!') {
        Some(key) => (key.trim(), Wanted::Absent),
        None => (text, Wanted::Exists),
    };
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(unreadable(text));
    }
    Ok((key.to_owned(), wanted))
}

fn unsupported(path: &str, plural: &str) -> Refusal {
    // Kinds with fields of their own say it otherwise.
    if ["events", "namespaces", "pods", "secrets"].contains(&plural) {
        return Refusal::bad_request(format!("field label not supported: {path}"));
    }
    let known = FIELDS.map(|field| format!("{field:?}")).join(", ");
    Refusal::bad_request(format!("{path:?} is not a known field selector: only {known}"))
}

fn unreadable(text: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_select_as_kubernetes_documents_them() {
        let object = json!({ "metadata": { "name": "a", "namespace": "n", "labels": { "x": "1", "y/z": "2" } } });
        let check = |labels: &str, fields: &str, expected: bool| {
            let selector = Selector::parse(labels, fields, "secrets").unwrap();
            assert_eq!(selector.selects(&object), expected, "`{labels}` `{fields}`");
        };
        check("", "", true);
        check("x=1", "", true);
        check("x==1,y/z!=2", "", false);
        check("x in (0, 1),!q", "", true);
        check("x notin (0),x", "metadata.name=a", true);
        check("q notin (0)", "metadata.name!=a", false);
        check("q in (0)", "", false);
        assert_eq!(Selector::parse("", "spec.x=1", "secrets").unwrap_err().code, 400);
        assert_eq!(Selector::parse("x is (1)", "", "secrets").unwrap_err().code, 400);
    }
}
