//! Filters of a list: `key=a,b,c` gives what has any of these values.
//!
//! Source: OSM NBI, its documentation of filters; a comma separates values, so none may hold one. Names and
//! ids do not: see [`ids`](crate::ids).

use url::form_urlencoded::byte_serialize;

/// Servers and proxies take 8 kB of URL and headers together; half of it leaves room for both.
pub(super) const FILTER_BYTES_MAX: usize = 4000;

/// As many filters as it takes to name all `values`, none longer than [`FILTER_BYTES_MAX`] unless a single
/// value is.
pub(super) fn any_of<'a>(key: &str, values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut filters: Vec<String> = Vec::new();
    for value in values {
        let value: String = byte_serialize(value.as_bytes()).collect();
        match filters.last_mut() {
            Some(filter) if filter.len() + 1 + value.len() <= FILTER_BYTES_MAX => {
                filter.push(',');
                filter.push_str(&value);
            }
            _ => filters.push(format!("{key}={value}")),
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_named_once_and_no_url_grows_too_long() {
        assert_eq!(any_of("name", ["a b", "ü&c"].into_iter()), ["name=a+b,%C3%BC%26c"]);
        assert!(any_of("name", std::iter::empty()).is_empty());
        let names: Vec<String> = (0..1000).map(|n| format!("instance-{n}")).collect();
        let filters = any_of("name", names.iter().map(String::as_str));
        assert!(filters.len() > 1 && filters.iter().all(|f| f.len() <= FILTER_BYTES_MAX));
        let named: Vec<&str> =
            filters.iter().flat_map(|f| f.trim_start_matches("name=").split(',')).collect();
        assert_eq!(named, names);
    }

    #[test]
    fn a_filter_may_be_filled_to_the_last_byte() {
        let first = "a".repeat(1000);
        let rest = FILTER_BYTES_MAX - "name=".len() - first.len() - ",".len();
        let filters =
            |more: usize| any_of("name", [&*first, &*"b".repeat(rest + more)].into_iter());
        assert_eq!(filters(0).iter().map(String::len).collect::<Vec<_>>(), [FILTER_BYTES_MAX]);
        assert_eq!(filters(1).len(), 2);
    }
}
