//! Trouble on request, addressed as {operation, nth call, kind}.
//!
//! Invariant: without an injected fault this module changes nothing.

use serde::{Deserialize, Serialize};

use crate::routes;

/// One fault: the `nth` request of `operation` from now on meets `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method and path below `/osm` with `{id}` for ids, as in the route table:
    /// `POST /nsd/v1/ns_descriptors_content`, `PUT /vnfpkgm/v1/vnf_packages/{id}/package_content`.
    pub operation: String,
    /// Which call, counted from 1 since the fault was injected.
    pub nth: u32,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault does. In YAML or JSON: `hang`, or `{status: {status: 503}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultKind {
    /// This status and, as `detail` of OSM's error body, this text; the request has no effect.
    #[serde(rename_all = "kebab-case")]
    Status {
        /// The HTTP status.
        status: u16,
        /// Text for `detail`; a default when absent.
        #[serde(default)]
        body: Option<String>,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// This status with the HTML page of a proxy in front of OSM; the request has no effect.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// 200 and `application/json`, but the body is no JSON; the request has no effect.
    NotJson,
    /// No answer, ever; the request has no effect.
    Hang,
    /// The connection is cut before the request takes effect.
    ResetBefore,
    /// The request takes effect, then the connection is cut instead of an answer.
    ResetAfter,
    /// The request takes effect; its answer breaks off in the middle of the body.
    Truncated,
    /// The life-cycle operation that the request starts ends FAILED with this detail.
    OperationFails {
        /// The text that OSM's life-cycle manager leaves.
        detail: String,
    },
    /// The request takes effect at once, its answer comes so much later.
    Late {
        /// Seconds of tokio time.
        seconds: f64,
    },
}

impl Fault {
    /// Whether it can ever happen as it is written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (method, path) = self.operation.split_once(" /").unwrap_or_default();
        if method.is_empty() || !routes::has_path(path) {
            return Err(format!(
                "no operation `{}`: it is the method and the path below `/osm`, with `{{id}}` for \
                 ids, such as `GET /nsd/v1/ns_descriptors/{{id}}`",
                self.operation
            ));
        }
        if self.nth == 0 {
            return Err("`nth` counts from 1".into());
        }
        match self.kind {
            FaultKind::Status { status, .. } | FaultKind::Html { status }
                if !(200..600).contains(&status) =>
            {
                Err(format!("`status` {status} is not from 200 to 599"))
            }
            FaultKind::Late { seconds } if !(seconds.is_finite() && seconds >= 0.0) => {
                Err(format!("`seconds` {seconds} is no time"))
            }
            FaultKind::Status { .. }
            | FaultKind::Html { .. }
            | FaultKind::NotJson
            | FaultKind::Hang
            | FaultKind::ResetBefore
            | FaultKind::ResetAfter
            | FaultKind::Truncated
            | FaultKind::OperationFails { .. }
            | FaultKind::Late { .. } => Ok(()),
        }
    }
}

/// The faults that have not happened yet, each with how many calls it saw.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<(Fault, u32)>,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.armed.push((fault, 0));
    }

    /// Counts a call of `operation`; gives the fault whose turn it is and disarms it. Of two for
    /// the same call the earlier injected one wins, the other never comes.
    pub(crate) fn take(&mut self, operation: &str) -> Option<FaultKind> {
        let mut hit = None;
        self.armed.retain_mut(|(fault, seen)| {
            if fault.operation != operation {
                return true;
            }
            *seen += 1;
            let is_due = *seen >= fault.nth.max(1);
            if is_due && hit.is_none() {
                hit = Some(fault.kind.clone());
            }
            !is_due
        });
        hit
    }

    pub(crate) fn armed(&self) -> impl Iterator<Item = &Fault> {
        self.armed.iter().map(|(fault, _)| fault)
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_nth_call_from_its_injection_once() {
        let mut faults = Faults::default();
        assert_eq!(faults.take("GET /a"), None);
        faults.inject(Fault { operation: "GET /a".into(), nth: 2, kind: FaultKind::Hang });
        assert_eq!(faults.take("GET /b"), None);
        assert_eq!(faults.take("GET /a"), None);
        assert_eq!(faults.take("GET /a"), Some(FaultKind::Hang));
        assert_eq!(faults.take("GET /a"), None);
    }

    #[test]
    fn faults_that_never_happen_are_told_from_those_that_can() {
        let problem = |operation: &str, nth, kind| {
            let operation = operation.to_owned();
            Fault { operation, nth, kind }.check().err()
        };
        let status = |status| FaultKind::Html { status };
        assert_eq!(problem("GET /version", 1, FaultKind::Hang), None);
        assert_eq!(problem("GET /admin/v1/tokens/{id}", 1, status(502)), None);
        let wrong = [
            problem("GET /osm/version", 1, FaultKind::Hang),
            problem("GET /admin/v1/tokens/abc", 1, FaultKind::Hang),
            problem("/version", 1, FaultKind::Hang),
            problem("GET /version", 0, FaultKind::Hang),
            problem("GET /version", 1, status(100)),
            problem("GET /version", 1, FaultKind::Late { seconds: -1.0 }),
        ];
        assert!(wrong.iter().all(Option::is_some), "{wrong:?}");
    }

    #[test]
    fn faults_read_from_yaml_and_refuse_unknown_keys() {
        let text = "operation: GET /x\nnth: 1\nkind: {status: {status: 503, retry-after: 3}}\n";
        let fault: Fault = serde_json::from_value(serde_yaml::from_str(text).unwrap()).unwrap();
        assert_eq!(fault.kind, FaultKind::Status { status: 503, body: None, retry_after: Some(3) });
        let bad = serde_json::json!({"operation": "GET /x", "nth": 1, "kind": "hang", "x": 1});
        assert!(serde_json::from_value::<Fault>(bad).is_err());
    }
}
