//! Sends a plan's actions, what needs nothing of one another at once; skips what depends on a failed one.
//!
//! In: a [`Plan`] and the files of its packages. Out: how each action went. Invariant: sends what the
//! plan says, each action once, and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio_util::sync::CancellationToken;

use crate::desired::PackageKey;
use crate::failure::Failure;
use crate::ids::{OpId, Owner, PackageId};
use crate::nbi::{BoxError, KduParams, KduUpgrade, Nbi, NbiError, NewInstance, Upload};
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
            ActionError::Nbi(error) => error.failure(),
            ActionError::Archive(error) => Failure::of(&error, false),
        };
        Failure { message: secrets.hide(&failure.message), ..failure }
    }
}

/// Told of every action as it is sent and as it ends.
pub trait ApplyObserver: Send {
    /// `action` is about to be sent.
    fn action_starts(&mut self, action: &PlannedAction);
    /// `action` went like this.
    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult);
}

/// What is the same for all actions of a plan.
pub struct Sending<'a> {
    /// The OSM.
    pub nbi: &'a Nbi,
    /// Marks what is made.
    pub owner: Option<&'a Owner>,
    /// The files to upload.
    pub packages: &'a BTreeMap<PackageKey, Package>,
    /// Hidden in what OSM says.
    pub secrets: &'a Secrets,
    /// How many requests may be on their way at once; at least one is.
    pub writes_at_once: usize,
}

/// Sends every action of `plan`: in its order, several at once where none needs another.
///
/// # Cancel safety
/// `stop` is looked at before each action, and once more just before its request is sent: to pack an archive or to log
/// in again may take a while. Dropping the future may leave requests half-sent; the next pass finds out by reading.
pub async fn apply(
    sending: &Sending<'_>,
    plan: &Plan,
    stop: &CancellationToken,
    observer: &mut dyn ApplyObserver,
) -> Vec<ActionOutcome> {
    let sending = &Sending { nbi: &sending.nbi.until(stop), ..*sending };
    let mut results: BTreeMap<ActionId, ActionResult> = BTreeMap::new();
    let mut made: BTreeMap<ActionId, PackageId> = BTreeMap::new();
    let mut waiting: Vec<&PlannedAction> = plan.actions.iter().collect();
    let mut on_their_way = FuturesUnordered::new();
    loop {
        let mut still_waiting = Vec::new();
        for planned in waiting {
            let result = match readiness(planned, &results) {
                _ if stop.is_cancelled() => ActionResult::Cancelled,
                Readiness::Never(need) => ActionResult::Skipped(need),
                Readiness::Ready if on_their_way.len() < sending.writes_at_once.max(1) => {
                    observer.action_starts(planned);
                    let made = made.clone();
                    on_their_way
                        .push(async move { (planned, send(sending, planned, &made).await) });
                    continue;
                }
                Readiness::Ready | Readiness::Later => {
                    still_waiting.push(planned);
                    continue;
                }
            };
            observer.action_ended(planned, &result);
            results.insert(planned.id, result);
        }
        waiting = still_waiting;
        let Some((planned, sent)) = on_their_way.next().await else { break };
        let result = match sent {
            Ok(Sent::Package(record)) => {
                made.insert(planned.id, record);
                ActionResult::Done
            }
            Ok(Sent::Done) => ActionResult::Done,
            Ok(Sent::Started(operation)) => ActionResult::Started(operation),
            Err(ActionError::Nbi(NbiError::Stopped { .. })) => ActionResult::Cancelled,
            Err(error) => ActionResult::Failed(error.into_failure(sending.secrets)),
        };
        observer.action_ended(planned, &result);
        results.insert(planned.id, result);
    }
    results.into_iter().map(|(id, result)| ActionOutcome { id, result }).collect()
}

/// Whether an action may be sent yet.
enum Readiness {
    Ready,
    /// What it needs is not done yet.
    Later,
    /// This, which it needs, was not done.
    Never(ActionId),
}

fn readiness(planned: &PlannedAction, results: &BTreeMap<ActionId, ActionResult>) -> Readiness {
    let has_ended = |id| results.contains_key(id);
    let mut readiness =
        if planned.after.iter().all(has_ended) { Readiness::Ready } else { Readiness::Later };
    for need in &planned.needs {
        match results.get(need) {
            Some(ActionResult::Done | ActionResult::Started(_)) => {}
            Some(_) => return Readiness::Never(*need),
            None => readiness = Readiness::Later,
        }
    }
    readiness
}

/// What OSM answered to an action.
enum Sent {
    Package(PackageId),
    Done,
    Started(OpId),
}

async fn send(
    sending: &Sending<'_>,
    planned: &PlannedAction,
    made: &BTreeMap<ActionId, PackageId>,
) -> Result<Sent, ActionError> {
    let Sending { nbi, owner, packages, .. } = sending;
    let package =
        |key: &PackageKey| packages.get(key).expect("plans name packages of their revision");
    Ok(match &planned.action {
        Action::CreatePackage { package: key } => {
            let upload = upload(package(key), *owner, false).await?;
            Sent::Package(nbi.create_package(key.kind, &upload).await?)
        }
        Action::UpdatePackage { package: key, record, adopted } => {
            let upload = upload(package(key), *owner, *adopted).await?;
            nbi.update_package(key.kind, record, &upload).await?;
            Sent::Done
        }
        Action::PatchPackage { package: key, record, patch } => {
            nbi.patch_package(key.kind, record, patch).await?;
            Sent::Done
        }
        Action::CreateInstance { spec } => {
            Sent::Started(nbi.create_instance(&new_instance(spec, made)).await?.operation)
        }
        Action::Instantiate { ns, spec } => {
            Sent::Started(nbi.instantiate(ns, &new_instance(spec, made)).await?)
        }
        Action::TakeDown { ns } => Sent::Started(nbi.take_down(ns).await?),
        Action::UpgradeKdu { ns, member, kdu, params, model, resets } => {
            let (member, kdu) = (member.clone(), kdu.clone());
            let kdu = KduParams { member, kdu, params: params.values().clone() };
            let upgrade = KduUpgrade { kdu, model: model.clone(), resets: *resets };
            Sent::Started(nbi.upgrade_kdu(ns, &upgrade).await?)
        }
        Action::Terminate { ns } => Sent::Started(nbi.terminate(ns).await?),
        Action::DeleteInstance { ns } => {
            nbi.delete_instance(ns).await?;
            Sent::Done
        }
        Action::DeletePackage { package, record } => {
            nbi.delete_package(package.kind, record).await?;
            Sent::Done
        }
    })
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
        params: kdu.params.values().clone(),
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
async fn upload(
    package: &Package,
    owner: Option<&Owner>,
    adopted: bool,
) -> Result<Upload, ArchiveError> {
    let archive = Archive::measure(package).await?;
    let name = UploadName {
        folder: package.name().to_owned(),
        owner: owner.cloned(),
        adopted,
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
