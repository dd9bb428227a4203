//! A run over an OsmDeployment that was deleted: what bears its mark goes from OSM, then the object may go.

use std::collections::BTreeMap;

use crate::desired::{DesiredState, Prune};
use crate::ids::{Owner, RevisionName};
use crate::operator::claim::position;
use crate::operator::cluster::secret_name;
use crate::operator::conditions::Subject;
use crate::operator::connection::of_secret;
use crate::operator::crd::{DeletionPolicy, Mode, OsmDeployment, OsmDeploymentStatus};
use crate::operator::driver::Outcome;
use crate::operator::end::{End, Standing};
use crate::operator::finalizer;
use crate::report::PassReport;
use crate::revision::Revision;
use kube::ResourceExt;

use super::passes::{apply, look_first};
use super::{Context, Memory, Turn};

/// Runs; while something is left to be removed it is told in the status, and at the end in an Event.
pub(super) async fn run(
    context: &Context,
    object: &OsmDeployment,
    memory: &mut Memory,
    turn: &Turn,
) -> End {
    let subject = Subject { generation: object.metadata.generation, ..Subject::default() };
    memory.is_about(object.uid(), &subject);
    let before = memory.status.take().or_else(|| object.status.clone()).unwrap_or_default();
    let mut end = match fate(object, &before) {
        Fate::Left(why) => End::left(why),
        Fate::Removed(revision) => {
            let removed = remove(context, object, &revision, memory, turn).await;
            removed.unwrap_or_else(|end| end)
        }
    };
    let is_done = matches!(end.standing, Standing::Converged { .. });
    if is_done && let Err(failed) = finalizer::set(&context.client, object, false).await {
        end = failed;
    } else if is_done {
        context.teller.farewell(&object.metadata, &end).await;
        return end;
    }
    memory.status = Some(if end.outcome == Outcome::Cancelled {
        before
    } else {
        context.teller.deployment(&object.metadata, &before, &subject, &end).await
    });
    end
}

async fn remove(
    context: &Context,
    object: &OsmDeployment,
    revision: &Revision,
    memory: &mut Memory,
    turn: &Turn,
) -> Result<End, End> {
    if let Some(end) = look_first(memory).await {
        return Ok(end);
    }
    let connection = of_secret(&context.client, &secret_name(object)).await?;
    let tell = |report: &PassReport, pause| End::of_removal(report, &revision.desired, pause);
    apply(context, revision, &connection, tell, memory, turn).await
}

/// What becomes of what a deleted OsmDeployment made.
enum Fate {
    /// It stays in OSM, for this reason.
    Left(&'static str),
    /// It goes, by passes over this: nothing is declared, and all that bears the mark may go.
    Removed(Box<Revision>),
}

fn fate(object: &OsmDeployment, status: &OsmDeploymentStatus) -> Fate {
    let spec = &object.spec;
    if spec.deletion_policy == DeletionPolicy::Orphan {
        return Fate::Left("deletionPolicy is Orphan");
    }
    // As Flux's controllers do it.
    if spec.suspend {
        return Fate::Left("it is suspended");
    }
    if spec.mode == Mode::Plan {
        return Fate::Left("mode is plan");
    }
    let Some(owner) = status.owner.as_deref().and_then(|owner| Owner::new(owner).ok()) else {
        return Fate::Left("nothing was ever sent to OSM for it");
    };
    let prune = Some(Prune { at: position(object), allow_large: true });
    let desired =
        DesiredState { owner: Some(owner), prune, is_complete: true, ..DesiredState::default() };
    Fate::Removed(Box::new(Revision {
        name: RevisionName::new("deleted").expect("a text without control characters"),
        config: None,
        desired,
        packages: BTreeMap::new(),
        problems: Vec::new(),
        warnings: Vec::new(),
        package_folders: Vec::new(),
        ops_files: Vec::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_made_and_may_be_touched_is_removed() {
        let fate = |spec: serde_json::Value, owner: Option<&str>| {
            let mut whole = json!({
                "sourceRef": { "kind": "GitRepository", "name": "r" },
                "connection": { "secretRef": { "name": "s" } }, "interval": "10m",
            });
            whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            let object = json!({
                "apiVersion": "osmops.io/v1alpha1", "kind": "OsmDeployment",
                "metadata": { "name": "a", "namespace": "ns" }, "spec": whole,
            });
            let owner = owner.map(str::to_owned);
            let status = OsmDeploymentStatus { owner, ..OsmDeploymentStatus::default() };
            match fate(&serde_json::from_value(object).unwrap(), &status) {
                Fate::Left(why) => Err(why),
                Fate::Removed(revision) => Ok(revision.desired),
            }
        };
        let desired = fate(json!({ "deletionPolicy": "Delete" }), Some("ns/a")).unwrap();
        assert_eq!(desired.owner.as_ref().map(ToString::to_string).as_deref(), Some("ns/a"));
        let prune = desired.prune.unwrap();
        assert_eq!(
            (prune.at.to_string().as_str(), prune.allow_large),
            ("OsmDeployment/ns/a", true)
        );
        assert!(desired.is_complete && desired.packages.is_empty() && desired.instances.is_empty());
        for (spec, owner, why) in [
            (json!({}), Some("ns/a"), "deletionPolicy is Orphan"),
            (
                json!({ "deletionPolicy": "Delete", "suspend": true }),
                Some("ns/a"),
                "it is suspended",
            ),
            (json!({ "deletionPolicy": "Delete", "mode": "plan" }), Some("ns/a"), "mode is plan"),
            (json!({ "deletionPolicy": "Delete" }), None, "nothing was ever sent to OSM for it"),
        ] {
            assert_eq!(fate(spec, owner), Err(why));
        }
    }
}
