//! Whose an instance or a package in OSM is, and what may be done with it.
//!
//! Our mark is the repository's owner: in the record of an instance from its creation on, in the file name
//! of a package's upload. Where a repository has no owner, an instance's name is enough, but never where
//! another owner's mark is on it. What bears no mark is taken over by an owner only when the repository
//! says `adopt`.

use crate::desired::{DesiredInstance, DesiredPackage, DesiredState};
use crate::ids::NsId;
use crate::observed::{NsState, ObservedInstance, ObservedPackage};

use super::{Blocked, PlannedAction, Verdict, Would};

/// What OSM has of a declared instance's name.
pub(super) enum Claim<'a> {
    /// Nothing.
    Free,
    /// Ours, by its mark or because it may be adopted.
    Ours(&'a ObservedInstance),
    /// Several of them ours, first the one that is to stay.
    MadeTwice(&'a ObservedInstance, Vec<&'a ObservedInstance>),
    /// Without a mark, and not to be adopted.
    Unmarked(&'a ObservedInstance),
}

/// Whether an instance may be ours, by its mark alone.
pub(super) fn may_be_ours(desired: &DesiredState, have: &ObservedInstance) -> bool {
    have.owner.is_none() || have.owner == desired.owner
}

/// Whether an instance bears our mark.
pub(super) fn is_marked(desired: &DesiredState, have: &ObservedInstance) -> bool {
    have.owner.is_some() && have.owner == desired.owner
}

/// Whether of several instances with our mark and one name only one stays, with `prune` or without:
/// nobody else gives our mark, and we never mean to make two. Not for a revision of which a part is broken or
/// was left out.
pub(super) fn may_remove_twins(desired: &DesiredState) -> bool {
    desired.owner.is_some() && desired.is_complete
}

/// Whether a package is ours from its first upload on. One that we adopted bears our mark with a sign.
pub(super) fn is_package_marked(desired: &DesiredState, have: &ObservedPackage) -> bool {
    have.upload().is_some_and(|upload| {
        upload.owner.is_some() && upload.owner == desired.owner && !upload.adopted
    })
}

/// Whether our next upload of a package takes it over, or an earlier one did.
pub(super) fn is_package_adopted(desired: &DesiredState, have: &ObservedPackage) -> bool {
    desired.owner.is_some() && !is_package_marked(desired, have)
}

/// Which of the instances of one name is meant by a declaration.
pub(super) fn claim<'a>(
    desired: &DesiredState,
    want: &DesiredInstance,
    named: &[&'a ObservedInstance],
) -> Result<Claim<'a>, Blocked> {
    let marked = |have: &&&'a ObservedInstance| have.owner == desired.owner;
    let mut ours: Vec<&ObservedInstance> = named.iter().filter(marked).copied().collect();
    // What serves is not taken down for what does not.
    ours.sort_by(|a, b| {
        let by_age = a.created.total_cmp(&b.created).then_with(|| a.id.cmp(&b.id));
        serves(b).cmp(&serves(a)).then(by_age)
    });
    let unmarked = |have: &&&'a ObservedInstance| have.owner.is_none();
    let strangers: Vec<&ObservedInstance> = named.iter().filter(unmarked).copied().collect();
    match (ours.as_slice(), strangers.as_slice()) {
        ([have], _) => Ok(Claim::Ours(have)),
        ([stays, others @ ..], _) if may_remove_twins(desired) => {
            Ok(Claim::MadeTwice(stays, others.to_vec()))
        }
        ([], [have]) if desired.adopt || want.adopt => Ok(Claim::Ours(have)),
        ([], [have]) => Ok(Claim::Unmarked(have)),
        ([], []) => match named {
            [] => Ok(Claim::Free),
            [other, ..] => Err(Blocked::InstanceOfOther {
                at: want.at.clone(),
                ns: other.id.clone(),
                owner: other.owner.clone().map_or(String::new(), |owner| owner.to_string()),
            }),
        },
        (several @ [_, _, ..], _) | ([], several) => {
            Err(Blocked::SeveralInstances { at: want.at.clone(), ids: ids(several) })
        }
    }
}

/// Whether it runs, or is about to.
fn serves(have: &ObservedInstance) -> bool {
    match have.state {
        NsState::Ready | NsState::Degraded | NsState::Building | NsState::Other(_) => true,
        NsState::NotInstantiated | NsState::Broken | NsState::Terminating => false,
    }
}

fn ids(instances: &[&ObservedInstance]) -> Vec<NsId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

/// What is said of an instance that would have to be adopted for `planned` to be done to it.
pub(super) fn unmarked_instance(
    want: &DesiredInstance,
    have: &ObservedInstance,
    verdict: &Verdict,
    planned: &[PlannedAction],
) -> Blocked {
    let would = match verdict {
        Verdict::Current => Would::Otherwise("change nothing now".to_owned()),
        Verdict::Waiting { on } => Would::Otherwise(format!("wait first ({on})")),
        Verdict::Blocked { reason } => Would::Otherwise(format!("not help ({reason})")),
        Verdict::Act { .. } => Would::change(planned, &want.at),
    };
    Blocked::InstanceWithoutMark { at: want.at.clone(), ns: have.id.clone(), would }
}

/// Whether a package of OSM's may be changed; `would` tells what of it.
pub(super) fn check_package(
    desired: &DesiredState,
    package: &DesiredPackage,
    have: &ObservedPackage,
    would: impl FnOnce() -> Would,
) -> Result<(), Blocked> {
    let at = package.at.clone();
    match have.upload().and_then(|upload| upload.owner) {
        Some(owner) if desired.owner.as_ref() != Some(&owner) => {
            Err(Blocked::OtherOwner { at, owner })
        }
        None if desired.owner.is_some() && !desired.adopt => Err(Blocked::PackageWithoutMark {
            at,
            file_name: have.file_name.clone(),
            would: would(),
        }),
        Some(_) | None => Ok(()),
    }
}
