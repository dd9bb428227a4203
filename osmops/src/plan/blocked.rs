//! Why nothing can be done about an item, in words that say where and what helps.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, OpId, Owner, PackageId, VimAccountName,
};
use crate::observed::RunningOperation;
use crate::source_pos::SourcePos;

use super::{Attempt, FailedOperation, Item, Unchangeable, ValueDifference, Would, render};

/// Why nothing can be done about an item.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Blocked {
    /// Neither the repository nor OSM has the VNFD.
    #[error("{at}: no healthy VNFD `{vnfd}` in this repository, and none in OSM")]
    UnknownVnfd {
        /// Where the NSD names it.
        at: SourcePos,
        /// The VNFD.
        vnfd: DescriptorId,
    },
    /// Neither the repository nor OSM has the NSD.
    #[error("{at}: no healthy NSD `{nsd}` in this repository, and none in OSM")]
    UnknownNsd {
        /// Where the instance names it.
        at: SourcePos,
        /// The NSD.
        nsd: DescriptorId,
    },
    /// OSM has no such VIM account.
    #[error("{at}: OSM's project has no VIM account `{name}` (it has {})", if known.is_empty() { "none".to_owned() } else { known.join(", ") })]
    UnknownVimAccount {
        /// Where the instance names it.
        at: SourcePos,
        /// As written.
        name: VimAccountName,
        /// Those that it has.
        known: Vec<String>,
    },
    /// What the item needs is itself blocked.
    #[error("{at}: needs {needed}, which is blocked itself (see there)")]
    NeedsBlocked {
        /// Where it is named.
        at: SourcePos,
        /// What is needed.
        needed: Item,
    },
    /// Several packages of one kind and id.
    #[error("{at}: OSM has several packages with this id: {}; delete all but one", join(ids))]
    SeveralPackages {
        /// The declaration.
        at: SourcePos,
        /// Their records.
        ids: Vec<PackageId>,
    },
    /// Several instances of one name.
    #[error(
        "{at}: OSM has several NS instances of this name: {}; delete all but one, or give this one another name",
        join(ids)
    )]
    SeveralInstances {
        /// The declaration.
        at: SourcePos,
        /// Their records.
        ids: Vec<NsId>,
    },
    /// Someone disabled the package; an upload would enable it.
    #[error(
        "{at}: someone disabled this package in OSM; it is left alone until it is enabled (package {record})"
    )]
    Disabled {
        /// The declaration or the reference.
        at: SourcePos,
        /// Its record.
        record: PackageId,
    },
    /// The descriptor differs again as it did before its repair.
    #[error(
        "{at}: OSM's descriptor was repaired {} ago, and differs again in the same way ({difference}); does \
         someone else change it, or does OSM put it there? An hour after its last change it is repaired again",
        humantime::format_duration(*ago)
    )]
    RepairedInVain {
        /// The declaration.
        at: SourcePos,
        /// The first difference.
        difference: String,
        /// How long ago it was changed last.
        ago: Duration,
    },
    /// Another owner declares the package too, with other files.
    #[error(
        "{at}: OSM's files of this package were uploaded for owner `{owner}`; two repositories must not declare one package"
    )]
    OtherOwner {
        /// The declaration.
        at: SourcePos,
        /// The other owner.
        owner: Owner,
    },
    /// A package without an owner's mark, where the repository has an owner.
    #[error("{}; {ADOPT_ALL} {would}", package_without_mark(at, file_name.as_deref()))]
    PackageWithoutMark {
        /// The declaration.
        at: SourcePos,
        /// The file name of its upload.
        file_name: Option<String>,
        /// What adopting it would do.
        would: Would,
    },
    /// An instance without an owner's mark, where the repository has an owner.
    #[error("{}; {ADOPT_ONE} {would}", instance_without_mark(at, ns))]
    InstanceWithoutMark {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// What adopting it would do.
        would: Would,
    },
    /// The instance bears another owner's mark.
    #[error(
        "{at}: NS instance {ns} of this name was made for owner `{owner}`; give this one another name"
    )]
    InstanceOfOther {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// The other owner.
        owner: String,
    },
    /// The instance was made otherwise than it is declared, and OSM cannot change that.
    #[error(
        "{change}, which OSM cannot change on an instance; `recreate: true` would terminate {ns} and make it anew"
    )]
    MadeOtherwise {
        /// What differs.
        change: Unchangeable,
        /// The instance.
        ns: NsId,
    },
    /// The instance has the declared values and is not well.
    #[error("{at}: NS instance {ns} is DEGRADED: {detail}")]
    Degraded {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// OSM's own words.
        detail: String,
    },
    /// The instance is deployed, and something else than its instantiation or termination broke it.
    #[error(
        "{at}: NS instance {ns} is BROKEN, though its instantiation was completed, so it is not taken down: {detail}; \
         heal or terminate it in OSM"
    )]
    Broken {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// OSM's own words.
        detail: String,
    },
    /// The instance has no such KDU.
    #[error("{at}: NS instance {ns} has no KDU `{kdu}` in VNF `{member}`")]
    NoSuchKdu {
        /// Where the KDU is named.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// The VNF.
        member: MemberIndex,
        /// The KDU.
        kdu: KduName,
    },
    /// The NSD has no such VNF, or its VNFD no such KDU; OSM would ignore the values.
    #[error("{at}: NSD `{nsd}` has no VNF `{member}` with a KDU `{kdu}`")]
    UnknownKdu {
        /// Where it is named.
        at: SourcePos,
        /// The NSD.
        nsd: DescriptorId,
        /// The VNF.
        member: MemberIndex,
        /// The KDU.
        kdu: KduName,
    },
    /// What failed was tried as often as the policy says.
    #[error(
        "{at}: NS instance {ns}: {}; not tried again until {}",
        all_failed(attempt),
        helps(attempt)
    )]
    GivenUp {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// The last attempt.
        attempt: Attempt,
    },
    /// An operation runs for longer than it may.
    #[error(
        "{at}: OSM is at work on NS instance {ns} for {}, longer than the {} that it may take: {operation}; it is not repeated while it runs",
        humantime::format_duration(*lasting), humantime::format_duration(*limit)
    )]
    Overdue {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// Which operation.
        operation: RunningOperation,
        /// For how long.
        lasting: Duration,
        /// How long it may take.
        limit: Duration,
    },
    /// An instance that it depends on is declared with a mistake.
    #[error("{at}: needs NS {name}, whose declaration has a mistake (see there)")]
    NeedsMistaken {
        /// Where it is named.
        at: SourcePos,
        /// Which.
        name: NsName,
    },
    /// OSM completed an upgrade to these values, and other ones are in effect.
    #[error(
        "{at}: OSM completed operation {operation} on NS instance {ns}, an upgrade to the declared values, and yet \
         others are in effect ({}); it is not repeated until a commit changes its values or packages",
        differences.iter().map(render::difference).collect::<Vec<_>>().join("; ")
    )]
    UpgradeWithoutEffect {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// The upgrade.
        operation: OpId,
        /// What is in effect instead.
        differences: Vec<ValueDifference>,
    },
    /// A package that is declared no more, and that somebody uses.
    #[error(
        "{at}: declared no more, but still used by {}; it is deleted once nothing uses it",
        users.join(", and by ")
    )]
    StillUsed {
        /// What asks for its removal.
        at: SourcePos,
        /// Who uses it.
        users: Vec<String>,
    },
    /// Too much would be removed for it not to be a mistake.
    #[error(
        "{at}: not removed, because {} would go: {going} of {of} {what}; if that is meant, say \
         `osmops apply --allow-large-prune`, or `allowLargePrune: true` in osm_ops_config.yaml",
        if going == of { "everything" } else { "more than half" }
    )]
    LargePrune {
        /// What asks for their removal.
        at: SourcePos,
        /// How many would go.
        going: usize,
        /// Of how many.
        of: usize,
        /// What they are.
        what: &'static str,
    },
    /// It was applied as it is declared, someone changed it in OSM, and that is only to be reported.
    #[error("{}; {REPAIR} {would}", drifted(at))]
    Drifted {
        /// The declaration.
        at: SourcePos,
        /// What would repair it.
        would: Would,
    },
    /// It was applied as it is declared, OSM has it no more, and that is only to be reported.
    #[error("{}; {REPAIR} {would}", deleted(at))]
    Deleted {
        /// The declaration.
        at: SourcePos,
        /// What would repair it.
        would: Would,
    },
    /// A state that nothing is known to be done about.
    #[error("{at}: NS instance {ns} is in state `{state}`, in which it is left alone")]
    StrangeState {
        /// The declaration.
        at: SourcePos,
        /// The instance.
        ns: NsId,
        /// OSM's word.
        state: String,
    },
}

const ADOPT_ALL: &str =
    "to take over all that has none: `adopt: true` in osm_ops_config.yaml; that would";
const ADOPT_ONE: &str =
    "to take it over: `adopt: true` in its document, or in osm_ops_config.yaml for all; that would";
const REPAIR: &str = "a repair would";

fn package_without_mark(at: &SourcePos, file_name: Option<&str>) -> String {
    let how = file_name
        .map_or("made from a descriptor alone".to_owned(), |name| format!("uploaded as `{name}`"));
    format!(
        "{at}: OSM's package ({how}) bears no owner's mark: it was uploaded by hand, or before there was \
         an owner"
    )
}

fn instance_without_mark(at: &SourcePos, ns: &NsId) -> String {
    format!(
        "{at}: NS instance {ns} of this name bears no owner's mark: it was made by hand, or before there was an owner"
    )
}

fn drifted(at: &SourcePos) -> String {
    format!("{at}: changed in OSM after it was applied; drift is only reported")
}

fn deleted(at: &SourcePos) -> String {
    format!(
        "{at}: deleted in OSM after it was applied (OSM keeps no record of when or by whom); drift is only reported"
    )
}

impl Blocked {
    /// What it comes to, after the item's name.
    pub(super) fn headline(&self) -> &'static str {
        match self {
            Blocked::PackageWithoutMark { .. } | Blocked::InstanceWithoutMark { .. } => {
                "left alone"
            }
            Blocked::Drifted { .. } | Blocked::Deleted { .. } => "drifted, and left so",
            _ => "blocked",
        }
    }

    /// The sentence, with what would be done on lines of its own.
    pub(super) fn lines(&self) -> Vec<String> {
        let (reason, promise, would) = match self {
            Blocked::PackageWithoutMark { at, file_name, would } => {
                (package_without_mark(at, file_name.as_deref()), ADOPT_ALL, would)
            }
            Blocked::InstanceWithoutMark { at, ns, would } => {
                (instance_without_mark(at, ns), ADOPT_ONE, would)
            }
            Blocked::Drifted { at, would } => (drifted(at), REPAIR, would),
            Blocked::Deleted { at, would } => (deleted(at), REPAIR, would),
            other => return vec![other.to_string()],
        };
        std::iter::once(reason).chain(would.lines(promise)).collect()
    }
}

/// How often it failed, and how it did last.
fn all_failed(attempt: &Attempt) -> String {
    let Attempt { number, failed: FailedOperation { what, id, asked_at, detail }, .. } = attempt;
    let attempts = match number {
        1 => format!("the only attempt at {what} failed"),
        n => format!("all {n} attempts at {what} failed, the last one"),
    };
    format!("{attempts} (operation {id}, asked for at {asked_at}): {detail}")
}

/// What lets something be tried again that was given up.
fn helps(attempt: &Attempt) -> &'static str {
    match attempt.failed.what.as_str() {
        super::repair::TERMINATION => "someone terminates or deletes the instance in OSM",
        super::repair::INSTANTIATION => {
            "a commit changes its values or packages, or someone terminates or deletes it in OSM"
        }
        _ => "a commit changes its values or packages",
    }
}

fn join<T: fmt::Display>(ids: &[T]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

crate::schema::written_as_text!(
    Blocked,
    "Blocked",
    "Why nothing can be done about an item, and what helps: one sentence that begins with file, line and column."
);

impl Serialize for Blocked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
