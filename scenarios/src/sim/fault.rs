//! Every kind of fault, where it applies, and what it excuses.
//!
//! Most are the fake's own ([`mock_nbi::FaultKind`]); [`Own`] are those of the process under test, of its source and
//! of time.

use std::fmt;
use std::str::FromStr;

use mock_nbi::{FaultKind, RestState, TokensAfter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// The fake does it.
    Osm(FaultKind),
    /// The simulator does it.
    Own(Own),
}

/// What happens to the process under test, to its source, and to time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Own {
    /// The process is killed before a request leaves it.
    CrashBefore,
    /// The process is killed when OSM has answered a request, before it reads the answer.
    CrashAfter,
    /// The process is killed when a run has ended, before anyone is told how.
    CrashUntold,
    /// The process does nothing for a while, in the middle of a run or between two.
    Pause {
        /// For so long.
        seconds: u64,
    },
    /// OSM's clock jumps on.
    Jump {
        /// By so much.
        seconds: u64,
    },
    /// A second replica runs the same at the same time.
    SecondReplica,
    /// Someone else changes the descriptor of our newest package, before a run begins.
    PackageEdited,
    /// The password changes; the Secret follows half a minute later.
    PasswordRotated,
    /// The artifact is gone.
    ArtifactGone,
    /// Half of the artifact arrives.
    ArtifactPartial,
    /// The artifact is another one than its digest says.
    ArtifactWrong,
    /// The source's event comes twice.
    Doubled,
    /// The source never tells of this commit, unless it is the last: the next one is the first news.
    Skipped,
    /// The commit comes with the one before it, at the same moment.
    AtOnce,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match self {
            Kind::Osm(kind) => serde_json::to_value(kind),
            Kind::Own(kind) => serde_json::to_value(kind),
        };
        match value {
            Ok(Value::String(name)) => f.write_str(&name),
            Ok(value) => value.fmt(f),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = if text.starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            Value::String(text.to_owned())
        };
        if let Ok(kind) = serde_json::from_value(value.clone()) {
            return Ok(Kind::Own(kind));
        }
        serde_json::from_value(value).map(Kind::Osm).map_err(|_| format!("no kind `{text}`"))
    }
}

impl Kind {
    /// The name alone, without its numbers.
    pub fn name(&self) -> String {
        let text = self.to_string();
        let name = text.strip_prefix("{\"").and_then(|rest| rest.split('"').next());
        name.map_or(text.clone(), str::to_owned)
    }

    /// Whether it can happen at this address at all.
    pub fn is_at(&self, address: &str) -> bool {
        let is_of_source = matches!(
            self,
            Kind::Own(Own::ArtifactGone | Own::ArtifactPartial | Own::ArtifactWrong)
        );
        let is_of_run =
            matches!(self, Kind::Own(Own::CrashUntold | Own::SecondReplica | Own::PackageEdited));
        let is_of_commit = matches!(self, Kind::Own(Own::Doubled | Own::Skipped | Own::AtOnce));
        let is_of_time = matches!(self, Kind::Own(Own::Pause { .. } | Own::Jump { .. }));
        match address {
            "run" => is_of_source || is_of_run || is_of_time,
            "commit" => is_of_commit,
            _ => !is_of_source && !is_of_run && !is_of_commit,
        }
    }

    /// Whether there may for a while be one instance more of a name, through no mistake of ours.
    pub fn makes_twins(&self) -> bool {
        matches!(
            self,
            Kind::Osm(
                FaultKind::Duplicate
                    | FaultKind::Redelivered
                    | FaultKind::LandsLate { .. }
                    | FaultKind::LandsAfterRetry
                    | FaultKind::StaleList
                    | FaultKind::SameName,
            ) | Kind::Own(Own::SecondReplica)
        )
    }

    /// How many records more may be made and removed in the course of a run, beside instances of one name.
    pub fn detours(&self) -> usize {
        match self {
            // What was made of a package that is gone has to be made anew.
            Kind::Osm(FaultKind::Delete | FaultKind::NewId) => 5,
            // By an old list, an instance whose operation it does not show yet never had any.
            Kind::Osm(
                FaultKind::StaleList
                | FaultKind::SameName
                | FaultKind::PackageWithoutContent
                | FaultKind::InstanceWithoutOperation
                | FaultKind::OperationLost
                | FaultKind::OperationStuck
                | FaultKind::OperationFails { .. }
                | FaultKind::OperationRests { .. }
                | FaultKind::VimDisabled,
            ) => 1,
            _ => 0,
        }
    }

    /// Whether someone else changes what OSM has.
    pub fn is_foreign_hand(&self) -> bool {
        matches!(
            self,
            Kind::Osm(
                FaultKind::Edit { .. }
                    | FaultKind::Delete
                    | FaultKind::Scale
                    | FaultKind::SameName
                    | FaultKind::NewId
                    | FaultKind::PackageWithoutContent
                    | FaultKind::InstanceWithoutOperation
                    | FaultKind::OtherRequest { .. }
            ) | Kind::Own(Own::PackageEdited)
        )
    }

    /// Whether somebody changes a descriptor, where this happens at this address.
    pub fn edits_descriptors(&self, address: &str) -> bool {
        match self {
            Kind::Own(Own::PackageEdited) => true,
            Kind::Osm(FaultKind::Edit { .. }) => !address.contains("ns_instances"),
            _ => false,
        }
    }

    /// Whether the answer does not tell what OSM has at the moment of the request.
    pub fn blurs_reading(&self) -> bool {
        matches!(self, Kind::Osm(FaultKind::StaleList))
    }
}

fn status(status: u16, body: Option<&str>, retry_after: Option<u32>) -> Kind {
    Kind::Osm(FaultKind::Status { status, body: body.map(str::to_owned), retry_after })
}

/// OSM's words for a token that it does not take.
const BAD_TOKEN: &str = "Expired Token or Authorization HTTP header";

/// Every kind that applies at an address; the same list every time.
pub fn kinds_at(address: &str) -> Vec<Kind> {
    match address {
        "run" => own(&[
            Own::CrashUntold,
            Own::Pause { seconds: 4000 },
            Own::Jump { seconds: 86_400 },
            Own::SecondReplica,
            Own::PackageEdited,
            Own::ArtifactGone,
            Own::ArtifactPartial,
            Own::ArtifactWrong,
        ]),
        "commit" => own(&[Own::Doubled, Own::Skipped, Own::AtOnce]),
        _ => at_request(address),
    }
}

fn own(kinds: &[Own]) -> Vec<Kind> {
    kinds.iter().cloned().map(Kind::Own).collect()
}

fn at_request(operation: &str) -> Vec<Kind> {
    let (method, path) = operation.split_once(' ').unwrap_or_default();
    let mut kinds = of_the_way();
    kinds.extend(own(&[Own::CrashBefore, Own::CrashAfter, Own::Pause { seconds: 300 }]));
    kinds.extend([
        status(429, None, Some(7)),
        status(503, Some("try later"), Some(30)),
        Kind::Osm(FaultKind::ServerError),
        Kind::Osm(FaultKind::InternalError),
        Kind::Osm(FaultKind::Html { status: 502 }),
        Kind::Osm(FaultKind::Html { status: 504 }),
        Kind::Osm(FaultKind::Restart { tokens: TokensAfter::Kept }),
    ]);
    if path.ends_with("/tokens") {
        kinds.push(Kind::Osm(FaultKind::UnknownFields));
        return kinds;
    }
    kinds.extend([
        status(401, Some(BAD_TOKEN), None),
        status(403, Some("no"), None),
        Kind::Osm(FaultKind::Restart { tokens: TokensAfter::Lost }),
        Kind::Osm(FaultKind::TokenExpired),
        Kind::Osm(FaultKind::TokenRevoked),
        Kind::Own(Own::PasswordRotated),
        Kind::Own(Own::Jump { seconds: 7200 }),
    ]);
    if method == "GET" {
        kinds.extend([FaultKind::UnknownFields, FaultKind::NotJson].map(Kind::Osm));
        if !path.contains("{id}") {
            kinds.push(Kind::Osm(FaultKind::StaleList));
        }
        if path.contains("ns_lcm_op_occs") {
            kinds.push(status(404, None, None));
        }
    } else {
        kinds.extend(of_writes(method, path));
    }
    kinds.extend(of_others(method, path));
    kinds
}

/// What can happen between any client and any server.
fn of_the_way() -> Vec<Kind> {
    let kinds = [
        FaultKind::Refused,
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::Truncated,
        FaultKind::Drip { bytes: 200, every: 0.05 },
        FaultKind::Late { seconds: 20.0 },
        FaultKind::Late { seconds: 700.0 },
        FaultKind::Hang,
        FaultKind::StaleConnection,
        FaultKind::YamlBody,
    ];
    kinds.into_iter().map(Kind::Osm).collect()
}

fn of_writes(method: &str, path: &str) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = [
        FaultKind::Duplicate,
        FaultKind::Redelivered,
        FaultKind::LandsLate { seconds: 3.0 },
        FaultKind::LandsLate { seconds: 45.0 },
        FaultKind::LandsAfterRetry,
        FaultKind::QuotaRefused,
    ]
    .map(Kind::Osm)
    .into();
    kinds.extend([status(404, None, None), status(409, Some("conflict"), None)]);
    kinds.push(status(422, Some("Format error at 'x'"), None));
    let is_upload = path.ends_with("_content") && !path.contains("ns_instances");
    if is_upload {
        kinds.push(Kind::Osm(FaultKind::TooLarge));
    }
    if method == "POST" && path.ends_with("_content") {
        kinds.push(Kind::Osm(FaultKind::QuotaReached));
    }
    if path.contains("ns_instances") && method == "POST" {
        let rests = [
            RestState::PartiallyCompleted,
            RestState::FailedTemp,
            RestState::RollingBack,
            RestState::RolledBack,
        ];
        kinds.extend(
            rests.map(|state| Kind::Osm(FaultKind::OperationRests { state, detail: None })),
        );
        kinds.extend(
            [
                FaultKind::OperationFails { detail: "timed out".to_owned() },
                FaultKind::OperationStuck,
                FaultKind::OperationLost,
                FaultKind::VimDisabled,
            ]
            .map(Kind::Osm),
        );
    }
    kinds
}

/// What someone else does to the record that the request is about, or to the newest one of its sort.
fn of_others(method: &str, path: &str) -> Vec<Kind> {
    let is_creation = method == "POST" && path.ends_with("_content");
    let patch: Map<String, Value> =
        std::iter::once(("description".to_owned(), Value::from("mine"))).collect();
    let mut kinds = Vec::new();
    let is_package = path.contains("vnf_packages") || path.contains("ns_descriptors");
    let is_instance = path.contains("ns_instances");
    if is_package {
        kinds.push(FaultKind::PackageWithoutContent);
    }
    if is_instance {
        kinds.push(FaultKind::InstanceWithoutOperation);
    }
    if is_creation {
        kinds.push(FaultKind::SameName);
    } else if is_package || is_instance {
        kinds.extend([FaultKind::Edit { patch }, FaultKind::Delete, FaultKind::NewId]);
    }
    if is_instance && !is_creation {
        kinds.push(FaultKind::Scale);
        kinds.push(FaultKind::SameName);
    }
    kinds.into_iter().map(Kind::Osm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_applies_at_an_address_is_at_it() {
        for address in ["run", "commit", "POST /admin/v1/tokens", "GET /nslcm/v1/ns_instances"] {
            let kinds = kinds_at(address);
            assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind.is_at(address)), "{address}");
        }
    }

    #[test]
    fn the_name_of_a_kind_has_no_numbers() {
        assert_eq!(Kind::Own(Own::Pause { seconds: 3 }).name(), "pause");
        assert_eq!(Kind::Osm(FaultKind::Hang).name(), "hang");
    }
}
