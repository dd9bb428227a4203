//! Label selectors, as `kubectl get -l` takes them.

use kube::core::{Expression, Selector};

/// Reads `key=value`, `key!=value`, `key in (a, b)`, `key notin (a, b)`, `key` and `!key`, parted by commas.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Selector, String> {
    let expressions: Result<Vec<Expression>, String> = split(text).map(expression).collect();
    let expressions = expressions?;
    Ok(Selector::from_iter(expressions))
}

/// At commas outside of parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn expression(text: &str) -> Result<Expression, String> {
    let text = text.trim();
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Expression::DoesNotExist(name(key)?));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Expression::NotEqual(name(key)?, value.trim().to_owned()));
    }
    if let Some((key, value)) = text.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return Ok(Expression::Equal(name(key)?, value.trim().to_owned()));
    }
    let Some(list) = text.strip_suffix(')') else { return Ok(Expression::Exists(name(text)?)) };
    let Some((head, values)) = list.split_once('(') else {
        return Err(format!("`{text}` has `)` without `(`"));
    };
    let values = values.split(',').map(|value| value.trim().to_owned()).collect();
    match head.trim().rsplit_once(char::is_whitespace) {
        Some((key, "in")) => Ok(Expression::In(name(key)?, values)),
        Some((key, "notin")) => Ok(Expression::NotIn(name(key)?, values)),
        _ => Err(format!("`{text}` is none of `key in (…)` and `key notin (…)`")),
    }
}

fn name(key: &str) -> Result<String, String> {
    let key = key.trim();
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if key.is_empty() || !key.chars().all(is_fit) {
        return Err(format!("`{key}` is no label's name"));
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;

    #[test]
    fn selectors_mean_what_they_mean_to_kubectl() {
        let labels = [("app".to_owned(), "osm".to_owned()), ("tier".to_owned(), "a".to_owned())];
        let labels = labels.into_iter().collect();
        let matches = |text: &str| parse(text).map(|selector| selector.matches(&labels));
        for yes in ["app=osm", "app==osm", "app != x", "app", "!shard", "tier in (a, b),app=osm"] {
            assert_eq!(matches(yes), Ok(true), "{yes}");
        }
        for no in ["app=x", "!app", "shard", "tier notin (a)", "app=osm,tier=b", "shard in (1)"] {
            assert_eq!(matches(no), Ok(false), "{no}");
        }
        for wrong in ["", "app=osm,", "=x", "tier of (a)", "tier)", "a b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_selector_is_sent_as_it_was_written() {
        let text = "sharding.fluxcd.io/key=shard1,tier in (a,b),!old";
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}
