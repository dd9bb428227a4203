//! What may have been meant by a URL that OSM does not have.

use super::table::{operation_name, paths_and_methods};
use crate::request::Request;

/// Letters that may differ, beside a third of the path.
const TYPOS_MAX: usize = 3;

/// What may have been meant, for a request whose URL or method OSM does not have. OSM's own answer
/// does not say.
pub(crate) fn near_miss(request: &Request) -> Option<String> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    if matches!(segments.as_slice(), [] | ["version"]) {
        return None;
    }
    let name = operation_name(&request.method, &segments);
    let known = name.split_once(" /").map_or("", |(_, path)| path);
    if let Some((path, methods)) = paths_and_methods().find(|(path, _)| *path == known) {
        let is_there = methods.split(' ').any(|method| method == request.method);
        let may_be = methods.split(' ').filter(|method| !method.is_empty());
        let may_be: Vec<String> = may_be.map(|method| format!("{method} /osm/{path}")).collect();
        return (!is_there && !may_be.is_empty()).then(|| may_be.join(", "));
    }
    let asked = segments.join("/");
    let distance = |path: &str| {
        let steps: Vec<&str> = path.split('/').collect();
        // Ids are as far from `{id}` as nothing.
        let filled: Vec<&str> = steps
            .iter()
            .enumerate()
            .map(|(place, step)| match segments.get(place) {
                Some(given) if step.starts_with('{') => given,
                _ => *step,
            })
            .collect();
        strsim::damerau_levenshtein(&filled.join("/"), &asked)
    };
    // A path longer than any is not compared letter by letter.
    if asked.len() > 200 {
        return None;
    }
    let (distance, path) = paths_and_methods()
        .filter(|(_, methods)| !methods.is_empty())
        .map(|(path, _)| (distance(path), path))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= TYPOS_MAX.max(asked.len() / 3)).then(|| format!("/osm/{path}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn near(method: &str, path: &str) -> Option<String> {
        near_miss(&Request {
            method: method.into(),
            segments: path.split('/').map(str::to_owned).collect(),
            params: Vec::new(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
            remote: (String::new(), 0),
            session_id: String::new(),
        })
    }

    #[test]
    fn typing_mistakes_missing_versions_and_wrong_methods_are_told() {
        let path = |path: &str| Some(format!("/osm/{path}"));
        assert_eq!(
            near("POST", "nslcm/v1/ns_instance_content"),
            path("nslcm/v1/ns_instances_content")
        );
        assert_eq!(near("GET", "nsd/ns_descriptors"), path("nsd/v1/ns_descriptors"));
        assert_eq!(
            near("GET", "nslcm/v2/ns_instances/abc-123"),
            path("nslcm/v1/ns_instances/{id}")
        );
        let methods = near("PUT", "nslcm/v1/ns_instances");
        assert_eq!(
            methods.unwrap(),
            "GET /osm/nslcm/v1/ns_instances, POST /osm/nslcm/v1/ns_instances"
        );
        assert_eq!(near("GET", "nslcm/v1/ns_instances"), None);
        assert_eq!(near("GET", "version"), None);
        assert_eq!(near("GET", "something/else/altogether/that/is/far"), None);
    }
}
