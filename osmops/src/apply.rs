//! Sends a plan's actions in order; skips what depends on a failed one.
//!
//! In: a [`Plan`] and the files of its packages. Out: how each action went. Invariant: sends what the
//! plan says, each action once, and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio_util::sync::CancellationToken;

use crate::desired::PackageKey;
use crate::failure::Failure;
use crate::ids::{OpId, Owner, PackageId};
use crate::nbi::{BoxError, KduParams, Nbi, NbiError, NewInstance, Upload};
use crate::package::{Archive, ArchiveError, Package, UploadName};
use crate::plan::{Action, ActionId, InstanceSpec, PackageRef, Plan, PlannedAction};
use crate::redact::Secrets;

/// How one action went.
#[derive(Debug)]
pub struct ActionOutcome {
    /// Which action.
    pub id: ActionId,
    /// How it went.
    pub result: ActionResult,
}

/// How an action went.
#[derive(Debug)]
pub enum ActionResult {
    /// OSM did it.
    Done,
    /// OSM took it on; this operation tells how it ends.
    Started(OpId),
    /// It was not done, or nobody knows.
    Failed(Failure),
    /// Not sent, because this earlier action was not done.
    Skipped(ActionId),
    /// Not sent, because we were asked to stop.
    Cancelled,
}

/// Why an action was not done.
#[derive(Debug, thiserror::Error)]
enum ActionError {
    /// OSM did not do it.
    #[error(transparent)]
    Nbi(#[from] NbiError),
    /// The package cannot be packed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl ActionError {
    /// OSM's words may repeat what it was sent.
    fn into_failure(self, secrets: &Secrets) -> Failure {
        let failure = match self {
            ActionError::Nbi(error) => Failure::of(&error, error.is_transient()),
            ActionError::Archive(error) => Failure::of(&error, false),
        };
        Failure { message: secrets.hide(&failure.message), ..failure }
    }
}

/// Told of every action as it is sent and as it ends.
pub trait ApplyObserver {
    /// `action` is about to be sent.
    fn action_starts(&mut self, action: &PlannedAction);
    /// `action` went like this.
    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult);
}

/// Sends every action of `plan`, one after another. `secrets` are hidden in what OSM says of them.
///
/// # Cancel safety
/// `stop` is looked at between actions, never within one. Dropping the future may leave a request
/// half-sent; the next pass finds out by reading.
pub async fn apply(
    nbi: &Nbi,
    plan: &Plan,
    owner: Option<&Owner>,
    packages: &BTreeMap<PackageKey, Package>,
    secrets: &Secrets,
    stop: &CancellationToken,
    observer: &mut dyn ApplyObserver,
) -> Vec<ActionOutcome> {
    let mut outcomes: Vec<ActionOutcome> = Vec::new();
    let mut made: BTreeMap<ActionId, PackageId> = BTreeMap::new();
    for planned in &plan.actions {
        let undone = |need: &&ActionId| {
            let outcome = outcomes.get(need.0).map(|outcome| &outcome.result);
            !matches!(outcome, Some(ActionResult::Done | ActionResult::Started(_)))
        };
        let result = if stop.is_cancelled() {
            ActionResult::Cancelled
        } else if let Some(need) = planned.needs.iter().find(undone) {
            ActionResult::Skipped(*need)
        } else {
            observer.action_starts(planned);
            let sent = send(nbi, planned, owner, packages, &mut made).await;
            sent.unwrap_or_else(|error| ActionResult::Failed(error.into_failure(secrets)))
        };
        observer.action_ended(planned, &result);
        outcomes.push(ActionOutcome { id: planned.id, result });
    }
    outcomes
}

async fn send(
    nbi: &Nbi,
    planned: &PlannedAction,
    owner: Option<&Owner>,
    packages: &BTreeMap<PackageKey, Package>,
    made: &mut BTreeMap<ActionId, PackageId>,
) -> Result<ActionResult, ActionError> {
    let package =
        |key: &PackageKey| packages.get(key).expect("plans name packages of their revision");
    match &planned.action {
        Action::CreatePackage { package: key } => {
            let upload = upload(package(key), owner)?;
            made.insert(planned.id, nbi.create_package(key.kind, &upload).await?);
            Ok(ActionResult::Done)
        }
        Action::UpdatePackage { package: key, record } => {
            nbi.update_package(key.kind, record, &upload(package(key), owner)?).await?;
            Ok(ActionResult::Done)
        }
        Action::CreateInstance { spec } => {
            let started = nbi.create_instance(&new_instance(spec, made)).await?;
            Ok(ActionResult::Started(started.operation))
        }
        Action::Instantiate { ns, spec } => {
            Ok(ActionResult::Started(nbi.instantiate(ns, &new_instance(spec, made)).await?))
        }
        Action::UpgradeKdu { ns, member, kdu, params } => {
            let (member, kdu, params) = (member.clone(), kdu.clone(), params.clone());
            let params = KduParams { member, kdu, params };
            Ok(ActionResult::Started(nbi.upgrade_kdu(ns, &params).await?))
        }
    }
}

fn new_instance(spec: &InstanceSpec, made: &BTreeMap<ActionId, PackageId>) -> NewInstance {
    let nsd = match &spec.nsd {
        PackageRef::Existing(record) => record,
        PackageRef::CreatedBy(action) => {
            made.get(action).expect("an action is sent only after those that it needs were done")
        }
    };
    let kdus = spec.kdus.iter().map(|kdu| KduParams {
        member: kdu.member.clone(),
        kdu: kdu.kdu.clone(),
        params: kdu.params.clone(),
    });
    NewInstance {
        name: spec.name.clone(),
        description: spec.description.clone(),
        nsd: nsd.clone(),
        vim_account: spec.vim_account.clone(),
        kdus: kdus.collect(),
        owner: spec.owner.clone(),
    }
}

/// Measures the archive now; its bytes are made again, piece by piece, when they are sent.
fn upload(package: &Package, owner: Option<&Owner>) -> Result<Upload, ArchiveError> {
    let archive = Archive::measure(package)?;
    let name = UploadName {
        folder: package.name().to_owned(),
        owner: owner.cloned(),
        digest: package.digest.clone(),
    };
    let (size_bytes, md5) = (archive.size_bytes, archive.md5.clone());
    let body = Arc::new(move || {
        let frames = futures_util::stream::iter(archive.chunks())
            .map(|chunk| chunk.map(Frame::data).map_err(|error| Box::new(error) as BoxError));
        BodyExt::boxed(StreamBody::new(frames))
    });
    Ok(Upload { file_name: name.to_string(), size_bytes, md5, body })
}
