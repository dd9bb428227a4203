//! Trouble on request, addressed as {operation, nth call, kind}.
//!
//! Invariant: without an injected fault this module changes nothing. Every kind is deterministic: it
//! looks at nothing but the request, the records and the fake's clock, and is the same in process and
//! over a socket.

mod armed;
mod catalogue;
pub(crate) mod hand;
mod target;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::routes;
use crate::state::forced::RestState;

pub(crate) use armed::Faults;
pub(crate) use catalogue::CATALOGUE;
pub use catalogue::FaultHelp;

/// One fault: the `nth` request of `operation` from now on meets `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Method and path below `/osm` with `{id}` for ids, as in the route table:
    /// `POST /nsd/v1/ns_descriptors_content`, `PUT /vnfpkgm/v1/vnf_packages/{id}/package_content`.
    /// `?METHOD=` and `?_id=` count as what they stand for.
    pub operation: String,
    /// Which call, counted from 1 since the fault was injected.
    pub nth: u32,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault does. In YAML or JSON: `hang`, or `{status: {status: 503}}`.
///
/// Kinds that change OSM's records change them just before the request takes effect; they change the
/// record that the request's path names, or else the newest one of the collection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
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
    /// 500 with the HTML page of OSM's own web server; the request has no effect.
    ServerError,
    /// 400 with a bare Python error, OSM's answer to its own mistakes; the request has no effect.
    InternalError,
    /// 413 with the page of OSM's web server; the request has no effect.
    TooLarge,
    /// 401 that means a quota, as Release 8 and 10 have it, not a token; the request has no effect.
    QuotaRefused,
    /// 200 and `application/json`, but the body is no JSON; the request has no effect.
    NotJson,
    /// The request takes effect; its answer is YAML, whatever the client accepts.
    YamlBody,
    /// The request takes effect; the objects of its answer have fields that no client knows.
    UnknownFields,
    /// No answer, ever; the request has no effect.
    Hang,
    /// Nobody takes the connection; the request has no effect. Over a socket, where the connection
    /// is there already, it is cut.
    Refused,
    /// The connection is cut before the request takes effect.
    ResetBefore,
    /// The request takes effect, then the connection is cut instead of an answer.
    ResetAfter,
    /// The request takes effect; its answer breaks off in the middle of the body.
    Truncated,
    /// The request takes effect; its answer's body comes in pieces.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// Seconds of tokio time between pieces.
        every: f64,
    },
    /// The request takes effect at once, its answer comes so much later.
    Late {
        /// Seconds of tokio time.
        seconds: f64,
    },
    /// The request is delivered twice; the client sees the first answer.
    Duplicate,
    /// The request is delivered twice, as by a proxy that tries again; the client sees the second
    /// answer.
    Redelivered,
    /// The connection is cut; the request takes effect so much later.
    LandsLate {
        /// Seconds of the fake's clock.
        seconds: f64,
    },
    /// The connection is cut; the request takes effect right after the next one of its operation.
    LandsAfterRetry,
    /// The request is answered; the next one on the same connection is cut before it takes effect,
    /// as when a server gives up a connection that its client keeps alive.
    StaleConnection,
    /// The life-cycle operation that the request starts ends FAILED with this detail.
    OperationFails {
        /// The text that OSM's life-cycle manager leaves.
        detail: String,
    },
    /// The life-cycle operation that the request starts comes to rest in this state.
    OperationRests {
        /// The state; `ROLLING_BACK` is one that never ends.
        state: RestState,
        /// The text that OSM's life-cycle manager leaves; a usual one when absent.
        #[serde(default)]
        detail: Option<String>,
    },
    /// The life-cycle operation that the request starts begins, and never ends by itself.
    OperationStuck,
    /// OSM's life-cycle manager never hears of the operation that the request starts.
    OperationLost,
    /// A VNF package or NS descriptor loses its content (one that is being created is left without,
    /// and the connection is cut): `onboardingState` CREATED.
    PackageWithoutContent,
    /// An NS instance loses its operations (one that is being created is left without, and the
    /// connection is cut).
    InstanceWithoutOperation,
    /// The list shows what it showed the last time (or when the fault was injected).
    StaleList,
    /// Every VIM account is in ERROR, and a life-cycle operation that the request starts fails for it.
    VimDisabled,
    /// The project's quota for what the request is about is lowered to what there is.
    QuotaReached,
    /// The NBI restarts: the connection is cut, parts of uploads are forgotten, the request has no
    /// effect.
    Restart {
        /// Whether tokens survive it, as they do in OSM's own database.
        tokens: TokensAfter,
    },
    /// The token of the request has run out, like any other.
    TokenExpired,
    /// Someone deletes the token of the request.
    TokenRevoked,
    /// Someone changes the record.
    Edit {
        /// Merged into it (RFC 7396); `null` removes.
        patch: Map<String, Value>,
    },
    /// Someone deletes the record, by force.
    Delete,
    /// Someone scales the NS instance out: by its scaling aspect, or a KDU to one replica more.
    Scale,
    /// Someone makes another record of the same name: for a creation by the very same request, else
    /// by a copy.
    SameName,
    /// Someone deletes the record and makes it anew: same content, another id.
    NewId,
    /// Someone sends another request with the same token, in JSON.
    OtherRequest {
        /// Its method.
        method: String,
        /// Its path below `/osm`, with query; `{id}` stands for the record's id.
        path: String,
        /// Its body.
        #[serde(default)]
        body: Option<Value>,
    },
}

/// What becomes of tokens when the NBI restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokensAfter {
    /// They stay good.
    Kept,
    /// None is known any more.
    Lost,
}

impl FaultKind {
    /// Every kind with an example and one line about it.
    pub fn catalogue() -> &'static [FaultHelp] {
        CATALOGUE
    }

    /// Its name in YAML and JSON.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            Ok(Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// What the catalogue says of it.
    pub fn help(&self) -> Option<&'static FaultHelp> {
        let name = self.name();
        CATALOGUE.iter().find(|help| help.name == name)
    }

    /// What is wrong with its numbers.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Status { status, .. } | Self::Html { status } if !(200..600).contains(status) => {
                Err(format!("`status` {status} is not from 200 to 599"))
            }
            Self::Late { seconds }
            | Self::LandsLate { seconds }
            | Self::Drip { every: seconds, .. }
                if !(seconds.is_finite() && *seconds >= 0.0) =>
            {
                Err(format!("{seconds} seconds is no time"))
            }
            Self::Drip { bytes: 0, .. } => Err("`bytes` of a piece must be above 0".into()),
            Self::OtherRequest { path, .. } if !path.starts_with('/') => {
                Err(format!("`path` {path} does not begin with /"))
            }
            _ => Ok(()),
        }
    }
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
        self.kind.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
