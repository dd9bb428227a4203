//! The routes of the control API.

use http::Method;

use super::{
    Call, Refusal, Reply, basics, faults, har, index, journal, openapi, operations, snapshot,
};
use crate::metrics;
use crate::world::World;

/// Letters that may differ in a path that is nearly right.
const TYPOS_MAX: usize = 2;

/// What serves a route.
pub(super) type Handler = fn(&mut World, &Call) -> Result<Reply, Refusal>;

/// One route; the OpenAPI document says of it what stands here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    /// Name of the schema of the request's body, if it wants one.
    pub(super) body: Option<&'static str>,
    /// Media type of the request's body.
    pub(super) body_type: &'static str,
    pub(super) answer: AnswerKind,
    /// Query parameters, each with what it means.
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) handler: Handler,
}

/// What a route answers when all is well.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnswerKind {
    /// 204
    Nothing,
    /// 200 and JSON of this schema.
    Json(&'static str),
    /// 200 and a text of this media type.
    Text(&'static str),
}

pub(super) const JSON: &str = "application/json";

const fn route(
    method: &'static str,
    path: &'static str,
    body: Option<&'static str>,
    answer: AnswerKind,
    handler: Handler,
    about: &'static str,
) -> Route {
    Route { method, path, about, body, body_type: JSON, answer, query: &[], handler }
}

use AnswerKind::{Json, Nothing, Text};

const JOURNAL_QUERY: &[(&str, &str)] = &[
    ("method", "Only requests with this method"),
    ("path", "Only requests whose path begins so, with /osm"),
    ("status", "Only requests that were answered with this status"),
    ("since", "Only requests after the one with this n"),
    ("writes", "true: only requests that may have changed something in OSM"),
    ("limit", "The last so many of them"),
];

#[rustfmt::skip]
pub(super) const ROUTES: &[Route] = &[
    route("GET", "/_mock/", None, Text("text/html; charset=utf-8"), index::page,
        "A page for people: records, operations, requests"),
    route("GET", "/_mock/openapi.json", None, Json("Document"), openapi::answer,
        "This document"),
    route("GET", "/_mock/metrics", None, Text(metrics::MEDIA_TYPE), basics::metrics,
        "Metrics for Prometheus"),
    route("POST", "/_mock/reset", None, Nothing, basics::reset,
        "Empty OSM, the journal and the faults; time goes on, ids begin anew"),
    route("POST", "/_mock/seed", Some("Seed"), Nothing, basics::seed,
        "Put VIM accounts and clusters into OSM by its own rules"),
    route("GET", "/_mock/clock", None, Json("Now"), basics::clock,
        "The fake's time"),
    route("POST", "/_mock/clock/advance", Some("Advance"), Json("Now"), basics::advance,
        "Move the clock on; what is due happens"),
    route("POST", "/_mock/clock/freeze", None, Json("Now"), basics::freeze,
        "Stop the clock; it still moves by hand"),
    route("POST", "/_mock/clock/unfreeze", None, Json("Now"), basics::unfreeze,
        "Let the clock go on from where it stands"),
    route("POST", "/_mock/tokens/{id}/expire", None, Nothing, basics::expire_token,
        "Let a token run out"),
    route("PUT", "/_mock/operations/mode", Some("ModeBody"), Nothing, operations::set_mode,
        "How operations go on from now, whatever the profile says"),
    route("POST", "/_mock/operations/end", Some("EndBody"), Nothing, operations::end_all,
        "End every operation, those in line too"),
    route("PUT", "/_mock/callbacks", Some("Callbacks"), Nothing, operations::set_callbacks,
        "The addresses that subscriptions may name; all others refuse the connection"),
    route("POST", "/_mock/operations/settle", None, Nothing, operations::settle,
        "Move the clock on until no operation is left that would end by itself"),
    route("GET", "/_mock/operations", None, Json("Operations"), operations::list,
        "The operations that have not ended, in the order they came"),
    route("POST", "/_mock/operations/{id}/finish", None, Nothing, operations::finish,
        "Let one operation end well, now"),
    route("POST", "/_mock/operations/{id}/fail", Some("FailBody"), Nothing, operations::fail,
        "Let one operation fail, now"),
    route("POST", "/_mock/operations/{id}/hold", None, Nothing, operations::hold,
        "Keep one operation where it is until it is released or ended"),
    route("POST", "/_mock/operations/{id}/release", None, Nothing, operations::release,
        "Let one operation go on"),
    route("POST", "/_mock/faults", Some("Fault"), Nothing, faults::arm,
        "Arm a fault; calls are counted from now"),
    route("GET", "/_mock/faults", None, Json("Faults"), faults::list,
        "The faults that have not happened yet"),
    route("DELETE", "/_mock/faults", None, Nothing, faults::clear,
        "Disarm all faults"),
    Route { query: JOURNAL_QUERY, ..route("GET", "/_mock/journal", None, Json("Journal"), journal::list,
        "The requests to the NBI so far, oldest first") },
    route("DELETE", "/_mock/journal", None, Nothing, journal::clear,
        "Empty the journal"),
    Route { query: JOURNAL_QUERY, ..route("GET", "/_mock/journal.har", None, Json("Har"), har::answer,
        "The same as an HTTP archive (HAR 1.2), without headers and bodies") },
    route("GET", "/_mock/near-misses", None, Json("NearMisses"), journal::near_misses,
        "Requests for URLs that OSM does not have, each with what may have been meant"),
    route("GET", "/_mock/conformance", None, Json("Conformance"), journal::conformance,
        "Which operations were driven, by which clients, how often, with which statuses"),
    route("GET", "/_mock/snapshot", None, Text(snapshot::MEDIA_TYPE), snapshot::save,
        "All of OSM as a file, the clock and armed faults too; not the journal"),
    Route { body_type: snapshot::MEDIA_TYPE, ..route("PUT", "/_mock/snapshot", Some("Snapshot"), Nothing, snapshot::load,
        "Become what a snapshot holds; one that is broken changes nothing") },
    route("GET", "/_mock/shape", None, Json("Shape"), basics::shape,
        "Latency and bandwidth"),
    route("PUT", "/_mock/shape", Some("Shape"), Nothing, basics::set_shape,
        "Set latency and bandwidth; what is left out is without limit"),
];

/// The route for a request, and what stands for the parameters of its path.
pub(super) fn find<'a>(
    method: &Method,
    path: &'a str,
) -> Result<(&'static Route, Vec<&'a str>), Refusal> {
    let steps = steps_of(path);
    let mut methods = Vec::new();
    for route in ROUTES {
        let Some(params) = params_of(&steps_of(route.path), &steps) else {
            continue;
        };
        if route.method == method.as_str() {
            return Ok((route, params));
        }
        methods.push(route.method);
    }
    let help = if methods.is_empty() {
        match nearest(path) {
            Some(near) => format!("did you mean {near}?"),
            None => "/_mock/openapi.json lists what it has".to_owned(),
        }
    } else {
        format!("it has {}", methods.join(", "))
    };
    Err(Refusal::not_found(format!("no {method} at this path of the control API; {help}")))
}

/// The path that was meant, unless none is close: below `/_mock/` some letters may differ, of long
/// paths a third.
fn nearest(path: &str) -> Option<&'static str> {
    let below = |path| str::strip_prefix(path, "/_mock/").unwrap_or(path);
    let asked = below(path);
    let distance = |known| strsim::damerau_levenshtein(below(known), asked);
    let near = ROUTES.iter().map(|route| route.path).min_by_key(|known| distance(known))?;
    (distance(near) <= TYPOS_MAX.max(asked.len() / 3)).then_some(near)
}

fn steps_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|step| !step.is_empty()).collect()
}

fn params_of<'a>(pattern: &[&str], steps: &[&'a str]) -> Option<Vec<&'a str>> {
    if pattern.len() != steps.len() {
        return None;
    }
    let mut params = Vec::new();
    for (known, step) in pattern.iter().zip(steps) {
        if known.starts_with('{') {
            params.push(*step);
        } else if known != step {
            return None;
        }
    }
    Some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_paths_and_methods_are_refused_with_help() {
        let reason = |method, path| find(&method, path).unwrap_err().reason;
        let text = reason(Method::GET, "/_mock/journals");
        assert!(text.ends_with("did you mean /_mock/journal?"), "{text}");
        let text = reason(Method::GET, "/_mock/nope");
        assert!(text.ends_with("; /_mock/openapi.json lists what it has"), "{text}");
        let text = reason(Method::PATCH, "/_mock/journal");
        assert!(text.ends_with("it has GET, DELETE"), "{text}");
        let (route, params) = find(&Method::POST, "/_mock/tokens/abc/expire").unwrap();
        assert_eq!((route.path, params), ("/_mock/tokens/{id}/expire", vec!["abc"]));
    }
}
