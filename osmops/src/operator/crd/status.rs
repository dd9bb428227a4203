//! What is said of a deployment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is said of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OsmDeploymentStatus {
    /// The generation that was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`; `Reconciling` and `Stalled` only while they are true; `Healthy` once OSM was read: whether its operations
    /// on what is declared ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The revision that OSM was last seen to match or, without `wait`, that it took on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// The files that OSM was last seen to match, unless others were sent since: the artifact's digest, and the folder
    /// in it where that is not its root. Drift is what differs though these are declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_files: Option<String>,
    /// The revision that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The latest `reconcile.fluxcd.io/requestedAt` that was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// What marks in OSM what this deployment made there. Everything that bears it goes when the deployment is
    /// deleted with `deletionPolicy: Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What OSM was last seen to have of the declaration, as `NSD openldap_ns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub inventory: Vec<String>,
    /// How the latest revisions fared, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<HistoryEntry>,
    /// In plan mode: what would be done, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// One fact about a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which fact.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    pub status: String,
    /// Why, in one word.
    pub reason: String,
    /// Why, in full.
    pub message: String,
    /// Since when it is so.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// The generation that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// How a revision fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Which.
    pub revision: String,
    /// The reason of its latest `Ready` condition.
    pub result: String,
    /// When it was first tried.
    #[schemars(extend("format" = "date-time"))]
    pub first_attempted: String,
    /// Since when the result is so.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
}
