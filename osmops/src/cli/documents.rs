//! What the commands print for machines, and its JSON schema.

use osmops::ids::RevisionName;
use osmops::plan::{Entry, Note, PlannedAction};
use osmops::repo::{RepoProblem, RepoWarning};
use osmops::report::PassReport;
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

use super::arguments::Document;

/// What `osmops validate --output json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct ValidateDocument<'a> {
    /// Which revision.
    pub(super) revision: &'a RevisionName,
    /// How many healthy packages it declares.
    pub(super) packages: usize,
    /// How many healthy NS instances it declares.
    pub(super) instances: usize,
    /// Everything that is wrong with it.
    pub(super) problems: &'a [RepoProblem],
    /// What deserves a look.
    pub(super) warnings: &'a [RepoWarning],
}

/// What `osmops plan --output json` prints, unless OSM could not be read.
#[derive(Serialize, JsonSchema)]
pub(super) struct PlanDocument<'a> {
    /// Which revision.
    pub(super) revision: &'a RevisionName,
    /// What becomes of each declared item, and of what is to be removed.
    pub(super) entries: &'a [Entry],
    /// Every action, each after those that it needs.
    pub(super) actions: &'a [PlannedAction],
    /// What deserves a look in OSM and is about no declared item.
    pub(super) notes: &'a [Note],
    /// Everything that is wrong with the revision.
    pub(super) problems: &'a [RepoProblem],
    /// What deserves a look in the revision.
    pub(super) warnings: &'a [RepoWarning],
    /// How many requests it took; null where nothing healthy is declared.
    pub(super) requests: Option<u64>,
}

/// What `osmops plan --output json` prints when OSM could not be read.
#[derive(Serialize, JsonSchema)]
pub(super) struct StoppedDocument<'a> {
    /// Which revision.
    pub(super) revision: &'a RevisionName,
    /// The request and what came of it.
    pub(super) stopped: String,
    /// What the reader can do about it, where there is something to say.
    pub(super) help: Option<&'static str>,
}

/// One or the other of what `osmops plan --output json` prints.
#[derive(JsonSchema)]
#[schemars(untagged, title = "PlanOutput")]
#[expect(dead_code, reason = "only its schema is wanted")]
enum PlanOutput<'a> {
    Plan(PlanDocument<'a>),
    Stopped(StoppedDocument<'a>),
}

/// The schema of what a command prints.
pub(super) fn schema(document: Document) -> Value {
    match document {
        Document::Validate => schema_for!(ValidateDocument<'static>),
        Document::Plan => schema_for!(PlanOutput<'static>),
        Document::Apply => schema_for!(PassReport),
    }
    .to_value()
}
