//! Every kind of fault with an example and one line about it: for people, and for the OpenAPI document.

use serde_json::Value;

/// What a kind of fault is for.
#[derive(Clone, Copy, Debug)]
pub struct FaultHelp {
    /// Its name, as in YAML and JSON.
    pub name: &'static str,
    /// An example of the kind, in JSON; a bare name when empty.
    fields: &'static str,
    /// What happens.
    pub about: &'static str,
}

impl FaultHelp {
    /// The kind as a fault names it.
    pub fn example(&self) -> Value {
        if self.fields.is_empty() {
            return Value::from(self.name);
        }
        let fields = serde_json::from_str(self.fields).unwrap_or_default();
        Value::Object([(self.name.to_owned(), fields)].into_iter().collect())
    }
}

const fn kind(name: &'static str, fields: &'static str, about: &'static str) -> FaultHelp {
    FaultHelp { name, fields, about }
}

#[rustfmt::skip]
pub(crate) const CATALOGUE: &[FaultHelp] = &[
    // Transport.
    kind("refused", "", "nobody takes the connection; no effect"),
    kind("reset-before", "", "the connection is cut before the request takes effect"),
    kind("reset-after", "", "the request takes effect, then the connection is cut"),
    kind("truncated", "", "the answer breaks off in the middle of its body"),
    kind("drip", r#"{"bytes": 64, "every": 0.1}"#, "the answer's body comes in pieces of so many bytes, so many seconds apart"),
    kind("late", r#"{"seconds": 30}"#, "the request takes effect at once, its answer comes so much later"),
    kind("hang", "", "no answer, ever; no effect"),
    kind("duplicate", "", "the request is delivered twice; the client sees the first answer"),
    kind("redelivered", "", "the request is delivered twice; the client sees the second answer"),
    kind("lands-late", r#"{"seconds": 5}"#, "the connection is cut; the request takes effect so much later"),
    kind("lands-after-retry", "", "the connection is cut; the request takes effect right after the next one of its operation"),
    kind("stale-connection", "", "answered; the next request on the same connection is cut before it takes effect"),
    // HTTP.
    kind("status", r#"{"status": 503, "body": "try later", "retry-after": 2}"#, "any status with OSM's error body (401, 403, 404, 409, 413, 422, 429, 503), body and Retry-After as wanted; no effect"),
    kind("html", r#"{"status": 502}"#, "any status with the page of a proxy in front (403, 429, 502, 504); no effect"),
    kind("server-error", "", "500 with the page of OSM's web server; no effect"),
    kind("internal-error", "", "400 with a bare Python error, OSM's answer to its own mistakes; no effect"),
    kind("too-large", "", "413 with the page of OSM's web server; no effect"),
    kind("quota-refused", "", "401 that means a quota and no token; no effect"),
    kind("not-json", "", "200 and application/json, but the body is no JSON; no effect"),
    kind("yaml-body", "", "the answer is YAML, whatever the client accepts"),
    kind("unknown-fields", "", "the answer's objects have fields that no client knows"),
    // The state of OSM.
    kind("package-without-content", "", "a package has no content; one being created is left without, and the connection is cut"),
    kind("instance-without-operation", "", "an NS instance has no operations; one being created is left without, and the connection is cut"),
    kind("operation-fails", r#"{"detail": "timed out"}"#, "the operation that the request starts ends FAILED with this text"),
    kind("operation-rests", r#"{"state": "FAILED_TEMP", "detail": "timed out"}"#, "the operation that the request starts comes to rest in this state: COMPLETED, PARTIALLY_COMPLETED, FAILED, FAILED_TEMP, ROLLING_BACK (which never ends), ROLLED_BACK"),
    kind("operation-stuck", "", "the operation that the request starts begins, and never ends by itself"),
    kind("operation-lost", "", "the life-cycle manager never hears of the operation that the request starts"),
    kind("stale-list", "", "the list shows what it showed the last time"),
    kind("vim-disabled", "", "every VIM account is in ERROR; an operation that the request starts fails for it"),
    kind("quota-reached", "", "the project's quota is lowered to what there is"),
    kind("restart", r#"{"tokens": "lost"}"#, "the NBI restarts, its tokens kept or lost; the connection is cut, no effect"),
    kind("token-expired", "", "the request's token has run out"),
    // Someone else's hand, just before the request.
    kind("token-revoked", "", "someone deletes the request's token"),
    kind("edit", r#"{"patch": {"description": "mine"}}"#, "someone changes the record"),
    kind("delete", "", "someone deletes the record by force"),
    kind("scale", "", "someone scales the NS instance out"),
    kind("same-name", "", "someone makes another record of the same name"),
    kind("new-id", "", "someone makes the record anew: same content, another id"),
    kind("other-request", r#"{"method": "POST", "path": "/nslcm/v1/ns_instances/{id}/terminate", "body": {}}"#, "someone sends another request with the same token"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    #[test]
    fn every_example_is_a_fault_of_its_name_and_every_kind_has_one() {
        for help in CATALOGUE {
            let kind: FaultKind = serde_json::from_value(help.example()).unwrap();
            assert_eq!(kind.name(), help.name);
        }
        let error = serde_json::from_value::<FaultKind>("nonsense".into()).unwrap_err().to_string();
        let known: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        let mut missing = known.clone();
        missing.retain(|name| !CATALOGUE.iter().any(|help| help.name == *name));
        assert!(known.len() > 30 && missing.is_empty(), "{missing:?} of {known:?}");
    }
}
