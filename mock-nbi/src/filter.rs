//! Filters of lists: `?a.b.op=value`.
//!
//! Invariant: pure. Source: NBI_FACTS.md section 5; recorded case `filters`.

use std::cmp::Ordering;

use serde_json::Value;

use crate::problem::Problem;
use crate::request::{by_key, meaning};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Cont,
}

/// One condition of a query.
#[derive(Clone, Debug)]
struct Condition {
    path: Vec<String>,
    op: Op,
    wanted: Vec<Value>,
}

/// All conditions of a query; a record must meet each.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
}

impl Filter {
    /// Reads the parameters that are left once the query words are taken out.
    ///
    /// With `is_yaml` (header `Query-String-Format: yaml`) each value is read as YAML.
    ///
    /// # Errors
    /// 404 `unknown operator: $ncont` for `ncont` with one value, which OSM's database lacks.
    pub(crate) fn parse(params: &[(String, String)], is_yaml: bool) -> Result<Self, Problem> {
        let conditions = by_key(params)
            .into_iter()
            .map(|(key, texts)| Condition::parse(key, &texts, is_yaml))
            .collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }

    /// A place and the texts of which a record must have one there to be accepted, if a condition
    /// says just that of a place that `is_indexed`.
    pub(crate) fn lookup(&self, is_indexed: impl Fn(&str) -> bool) -> Option<(String, Vec<&str>)> {
        self.conditions.iter().filter(|condition| condition.op == Op::Eq).find_map(|condition| {
            let texts: Option<Vec<&str>> = condition.wanted.iter().map(Value::as_str).collect();
            let place = condition.path.join(".");
            is_indexed(&place).then_some((place, texts?))
        })
    }

    /// The fields of a record that the conditions look at.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let steps = self.conditions.iter().filter_map(|condition| condition.path.first());
        steps.map(String::as_str).collect()
    }

    /// Whether `record` meets every condition.
    pub(crate) fn accepts(&self, record: &Value) -> bool {
        self.conditions.iter().all(|condition| condition.accepts(record))
    }
}

impl Condition {
    fn parse(key: &str, texts: &[&str], is_yaml: bool) -> Result<Self, Problem> {
        let wanted = meaning(key, texts, is_yaml);
        let mut path: Vec<String> = key.split('.').map(str::to_owned).collect();
        let op = match path.last().map(String::as_str) {
            Some("eq") => Some(Op::Eq),
            Some("gt") => Some(Op::Gt),
            Some("gte") => Some(Op::Gte),
            Some("lt") => Some(Op::Lt),
            Some("lte") => Some(Op::Lte),
            Some("cont") => Some(Op::Cont),
            Some("ncont") if !wanted.is_array() => {
                return Err(Problem::not_found("database exception unknown operator: $ncont"));
            }
            Some("ne" | "neq" | "ncont") => Some(Op::Neq),
            _ => None,
        };
        if op.is_some() {
            path.pop();
        }
        let op = op.unwrap_or(Op::Eq);
        let wanted = match wanted {
            Value::Array(items) => items,
            one => vec![one],
        };
        Ok(Self { path, op, wanted })
    }

    fn accepts(&self, record: &Value) -> bool {
        let mut found = Vec::new();
        values_at(record, &self.path, &mut found);
        let meets_any =
            || found.iter().any(|have| self.wanted.iter().any(|want| self.meets(have, want)));
        let wants_absent = self.wanted.iter().any(Value::is_null);
        match self.op {
            Op::Neq => {
                let is_absent_and_refused = wants_absent && found.is_empty();
                !is_absent_and_refused && !meets_any()
            }
            Op::Eq => (found.is_empty() && wants_absent) || meets_any(),
            _ => meets_any(),
        }
    }

    /// Whether a value meets it, or one of the items of a list; no items of items.
    fn meets(&self, have: &Value, want: &Value) -> bool {
        let mut items = have.as_array().into_iter().flatten();
        self.is_met_by(have, want) || items.any(|item| self.is_met_by(item, want))
    }

    fn is_met_by(&self, have: &Value, want: &Value) -> bool {
        let order = compare(have, want);
        match self.op {
            Op::Eq | Op::Cont | Op::Neq => order.map_or(have == want, Ordering::is_eq),
            Op::Gt => order.is_some_and(Ordering::is_gt),
            Op::Gte => order.is_some_and(Ordering::is_ge),
            Op::Lt => order.is_some_and(Ordering::is_lt),
            Op::Lte => order.is_some_and(Ordering::is_le),
        }
    }
}

/// Order of two values of one type; values of two types have none, as in OSM's database.
fn compare(have: &Value, want: &Value) -> Option<Ordering> {
    match (have, want) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Values at a dotted path: a number indexes a list, `ANYINDEX` or nothing means any element.
fn values_at<'a>(value: &'a Value, path: &[String], out: &mut Vec<&'a Value>) {
    let Some((step, rest)) = path.split_first() else {
        out.push(value);
        return;
    };
    match value {
        Value::Object(fields) => {
            if let Some(inner) = fields.get(step) {
                values_at(inner, rest, out);
            }
        }
        Value::Array(items) => {
            if step == "ANYINDEX" {
                items.iter().for_each(|item| values_at(item, rest, out));
            } else if let Ok(index) = step.parse::<usize>() {
                items.get(index).into_iter().for_each(|item| values_at(item, rest, out));
            } else {
                items.iter().for_each(|item| values_at(item, path, out));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(query: &[(&str, &str)], expected: bool) {
        let record = json!({"id": "fa", "version": "1.0", "kdu": [{"name": "a"}, {"name": "b"}], "_admin": {"created": 5.5}});
        let params: Vec<(String, String)> =
            query.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        assert_eq!(Filter::parse(&params, false).unwrap().accepts(&record), expected, "{query:?}");
    }

    #[test]
    fn conditions_follow_the_recorded_answers() {
        check(&[("id", "fa")], true);
        check(&[("id", "x,fa")], true);
        check(&[("id", "x"), ("id", "fa")], true);
        check(&[("id.neq", "fa")], false);
        check(&[("id.cont", "f")], false);
        check(&[("id.cont", "fa")], true);
        check(&[("id.ncont", "x,fa")], false);
        check(&[("id.ncont", "x,y")], true);
        let refused = Filter::parse(&[("id.ncont".into(), "fa".into())], false).err().unwrap();
        assert_eq!(refused.detail, "database exception unknown operator: $ncont");
        check(&[("nosuch", "")], true);
        check(&[("nosuch", "1")], false);
        check(&[("nosuch.neq", "1")], true);
        check(&[("version.gt", "1.0")], false);
        check(&[("id.gt", "aa")], true);
        check(&[("_admin.created.gt", "5")], true);
        check(&[("_admin.created", "5.5")], false);
        check(&[("kdu.name", "b")], true);
        check(&[("kdu.0.name", "b")], false);
        check(&[("kdu.ANYINDEX.name", "b")], true);
        check(&[("kdu.name.neq", "b")], false);
        check(&[("id.zzz", "fa")], false);
    }

    #[test]
    fn numbers_and_lists_of_texts_are_compared_too() {
        let record = json!({
            "count": 5, "tags": ["a", "b"], "sizes": [1, 9], "none": [], "pairs": [["a", "b"]],
        });
        let check = |key: &str, value: &str, expected: bool| {
            let filter = Filter::parse(&[(key.into(), value.into())], true).unwrap();
            assert_eq!(filter.accepts(&record), expected, "{key}={value}");
        };
        for (key, value, expected) in [
            ("count", "5", true),
            ("count", "5.0", true),
            ("count", "6", false),
            ("count.neq", "5.0", false),
            ("count.lt", "5", false),
            ("count.lt", "6", true),
            ("count.lte", "5", true),
            ("count.lte", "4", false),
            ("count.gte", "5", true),
            ("count.gte", "6", false),
            ("count.gt", "5", false),
            ("tags", "b", true),
            ("tags", "c", false),
            ("tags.neq", "b", false),
            ("tags.neq", "c", true),
            ("tags", "[[a, b]]", true),
            ("tags.neq", "[[a, b]]", false),
            ("sizes.gt", "8", true),
            ("sizes.gt", "9", false),
            ("sizes.lt", "1", false),
            ("pairs", "[[a, b]]", true),
            ("pairs", "[[a, c]]", false),
            ("pairs", "a", false),
            ("pairs.neq", "[[a, b]]", false),
            ("pairs.neq", "[[a, c]]", true),
            ("none", "a", false),
            ("none.neq", "a", true),
        ] {
            check(key, value, expected);
        }
    }

    #[test]
    fn an_index_serves_a_condition_that_names_texts_and_no_other() {
        let check = |query: (&str, &str), is_yaml: bool, expected: Option<(&str, Vec<&str>)>| {
            let filter = Filter::parse(&[(query.0.into(), query.1.into())], is_yaml).unwrap();
            let found = filter.lookup(|place| place == "kdu.name");
            let expected = expected.map(|(place, texts)| (place.to_owned(), texts));
            assert_eq!(found, expected, "{query:?}");
        };
        check(("kdu.name", "a,b"), false, Some(("kdu.name", vec!["a", "b"])));
        check(("kdu.name.eq", "a"), false, Some(("kdu.name", vec!["a"])));
        check(("kdu.name.gt", "a"), false, None);
        check(("id", "a"), false, None);
        check(("kdu.name", "5"), true, None);
    }

    #[test]
    fn the_fields_that_a_filter_looks_at_are_those_its_places_begin_with() {
        let query = [("kdu.name.eq".to_owned(), "a".to_owned()), ("id".to_owned(), "b".to_owned())];
        let filter = Filter::parse(&query, false).unwrap();
        let mut fields = filter.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["id", "kdu"]);
    }
}
