//! Our resource, field by field: what is declared of a deployment, and what is said of it.

mod status;

use std::time::Duration;

use kube::{CustomResource, CustomResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use status::{Condition, HistoryEntry, OsmDeploymentStatus};

/// Durations as Flux writes them, without fractions.
const DURATION_PATTERN: &str = "^([0-9]+(ms|s|m|h))+$";

/// The shortest interval that is obeyed; the schema refuses shorter ones where the API server knows CEL.
const INTERVAL_MIN: Duration = Duration::from_secs(60);

/// What OSM shall have: the packages and NS instances that a source declares.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "osmops.io",
    version = "v1alpha1",
    kind = "OsmDeployment",
    namespaced,
    shortname = "osmd",
    status = "OsmDeploymentStatus",
    derive = "PartialEq",
    doc = "An OsmDeployment makes the packages and NS instances of one OSM project match what a source declares.",
    printcolumn = r#"{"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name": "Status", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name": "Revision", "type": "string", "jsonPath": ".status.lastAppliedRevision", "priority": 1}"#,
    printcolumn = r#"{"name": "Source", "type": "string", "jsonPath": ".spec.sourceRef.name", "priority": 1}"#,
    printcolumn = r#"{"name": "Suspended", "type": "boolean", "jsonPath": ".spec.suspend", "priority": 1}"#,
    printcolumn = r#"{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct OsmDeploymentSpec {
    /// Where the declaration comes from.
    pub source_ref: SourceRef,

    /// The folder of the source that holds `osm_ops_config.yaml`; the root when absent.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!self.startsWith('/') && !self.matches('(^|/)[.][.](/|$)')",
        "message": "must stay within the source: no leading `/`, no `..`",
    }]))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,

    /// Where OSM is and who logs in.
    pub connection: ConnectionRef,

    /// How often OSM is compared with the declaration when nothing else calls for it, as `10m`; at least `60s`.
    #[schemars(
        regex(pattern = DURATION_PATTERN),
        extend("x-kubernetes-validations" = [{
            "rule": "duration(self) >= duration('60s')",
            "message": "must be at least 60s",
        }])
    )]
    pub interval: String,

    /// How long after a failure it is tried again, as `1m`. When absent, the pause grows with each failure, from
    /// 750 ms to 15 minutes.
    #[schemars(
        regex(pattern = DURATION_PATTERN),
        extend("x-kubernetes-validations" = [{
            "rule": "duration(self) >= duration('1s')",
            "message": "must be at least 1s",
        }])
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<String>,

    /// How long one run may take before it is stopped between two requests, and how long an operation of OSM's may
    /// take before it counts as overdue, as `30m`. When absent, runs may take as long as they need, and operations as
    /// long as `osm_ops_config.yaml` says.
    #[schemars(
        regex(pattern = DURATION_PATTERN),
        extend("x-kubernetes-validations" = [{
            "rule": "duration(self) >= duration('1s')",
            "message": "must be at least 1s",
        }])
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,

    /// Be `Ready` only once OSM's operations have ended well and OSM was read again. Without, a deployment is `Ready` as
    /// soon as OSM has taken everything on; `Healthy` tells how that goes on, and what fails later makes it `Ready` no
    /// more.
    #[serde(default = "yes")]
    pub wait: bool,

    /// Leave OSM alone until this is taken away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,

    /// Remove from OSM what bears this deployment's mark and is declared no more. Everything, or more than half of
    /// ten or more, goes only where `osm_ops_config.yaml` says `allowLargePrune`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,

    /// What becomes of what this deployment made in OSM when the deployment is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// What is done about what was changed in OSM after it was applied.
    #[serde(default)]
    pub drift: DriftMode,

    /// Whether differences are acted on, or only told in `status.plan`.
    #[serde(default)]
    pub mode: Mode,

    /// Other OsmDeployments that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyRef>,
}

/// A source of Flux.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceRef {
    /// Its kind.
    pub kind: SourceKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace; the deployment's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The kinds of sources that have an artifact.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum SourceKind {
    /// A Git repository.
    GitRepository,
    /// An OCI artifact.
    OCIRepository,
    /// An artifact that another controller made.
    ExternalArtifact,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [SourceKind; 3] =
        [SourceKind::GitRepository, SourceKind::OCIRepository, SourceKind::ExternalArtifact];

    /// As Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::GitRepository => "GitRepository",
            SourceKind::OCIRepository => "OCIRepository",
            SourceKind::ExternalArtifact => "ExternalArtifact",
        }
    }
}

/// Where connection data is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionRef {
    /// A Secret in the same namespace with the keys `hostname` (a URL, or `host:port` for plain http), `project`,
    /// `user` and `password`, and optionally `ca.crt` (authorities to trust, PEM) and `insecureSkipVerify`.
    pub secret_ref: SecretRef,
}

/// A Secret in the same namespace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Whether differences are acted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// OSM is changed until it matches.
    #[default]
    Apply,
    /// OSM is only read; `status.plan` says what would be done.
    Plan,
}

/// What is done about drift. What is declared otherwise than it was applied last is made to match in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftMode {
    /// It is made to match again.
    #[default]
    Enabled,
    /// It is told in `Ready` (`DriftDetected`) and in Events, and left.
    Warn,
    /// OSM is not looked at again once it matched, until something is declared otherwise or a run is asked for.
    Disabled,
}

/// What becomes of what a deployment made when it is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is left in OSM.
    #[default]
    Orphan,
    /// What bears its mark is terminated and deleted, and the deployment stays until that is done. Not where it is
    /// suspended, or where `mode` is `plan`.
    Delete,
}

/// Another OsmDeployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace; the deployment's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl OsmDeployment {
    /// How often it is looked at.
    pub fn interval(&self) -> Duration {
        parse_duration(&self.spec.interval).unwrap_or(INTERVAL_MIN).max(INTERVAL_MIN)
    }

    /// The pause after a failure, where it shall not grow.
    pub fn retry_interval(&self) -> Option<Duration> {
        self.spec.retry_interval.as_deref().and_then(parse_duration)
    }

    /// How long one run and an operation may take.
    pub fn timeout(&self) -> Option<Duration> {
        self.spec.timeout.as_deref().and_then(parse_duration)
    }

    /// Whether OSM was seen to match what is declared now.
    pub fn is_ready(&self) -> bool {
        let Some(status) = &self.status else { return false };
        let is_current = status.observed_generation == self.metadata.generation;
        let ready =
            |condition: &Condition| condition.type_ == "Ready" && condition.status == "True";
        is_current && status.conditions.iter().any(ready)
    }
}

fn yes() -> bool {
    true
}

fn parse_duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|duration| !duration.is_zero())
}

/// The definition that makes Kubernetes know our resource, as YAML.
pub fn definition() -> String {
    let mut text = "# Written by `osmops crd`; `make generate` renews it.\n".to_owned();
    let yaml = serde_yaml::to_string(&OsmDeployment::crd()).expect("a definition is plain data");
    text.push_str(&yaml);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(interval: &str, retry: Option<&str>) -> OsmDeployment {
        let text = json!({
            "apiVersion": "osmops.io/v1alpha1",
            "kind": "OsmDeployment",
            "metadata": { "name": "a" },
            "spec": {
                "sourceRef": { "kind": "GitRepository", "name": "r" },
                "connection": { "secretRef": { "name": "s" } },
                "interval": interval,
                "retryInterval": retry,
            },
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn durations_are_flux_s_and_no_interval_is_under_a_minute() {
        assert_eq!(deployment("1h30m", None).interval(), Duration::from_secs(5400));
        assert_eq!(deployment("1s", None).interval(), Duration::from_secs(60));
        assert_eq!(
            deployment("5m0s", Some("1500ms")).retry_interval(),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(deployment("5m", None).retry_interval(), None);
    }

    /// Whether the rules of a key of `spec` hold for a value, as an API server asks them.
    fn is_accepted(key: &str, value: &str) -> bool {
        let crd = serde_json::to_value(OsmDeployment::crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let rules = &schema["properties"]["spec"]["properties"][key]["x-kubernetes-validations"];
        rules.as_array().unwrap().iter().all(|rule| {
            let program = cel::Program::compile(rule["rule"].as_str().unwrap()).unwrap();
            let mut context = cel::Context::default();
            context.add_variable("self", value).unwrap();
            program.execute(&context).unwrap() == cel::Value::Bool(true)
        })
    }

    #[test]
    fn the_definition_refuses_what_could_not_be_obeyed() {
        for (key, least) in [("interval", "60s"), ("retryInterval", "1s"), ("timeout", "1s")] {
            let least = parse_duration(least).unwrap();
            for value in ["500ms", "1s", "59s", "60s", "1m", "1h30m"] {
                let is_long_enough = parse_duration(value).unwrap() >= least;
                assert_eq!(is_accepted(key, value), is_long_enough, "{key}: {value}");
            }
        }
        for path in ["", ".", "./", "a/b", "./a/", "a..b", "..a/b"] {
            assert!(is_accepted("path", path), "`{path}`");
            assert!(crate::tree::TreePath::parse(path).is_some(), "`{path}`");
        }
        for path in ["/a", "..", "../a", "a/../b", "a/.."] {
            assert!(!is_accepted("path", path), "`{path}`");
        }
    }

    #[test]
    fn the_committed_definition_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kind/manifests/crd.yaml");
        if std::env::var_os("BLESS").is_some() {
            fs_err::write(path, definition()).unwrap();
        }
        let committed = fs_err::read_to_string(path).unwrap();
        assert_eq!(committed, definition(), "run `make generate`");
    }
}
