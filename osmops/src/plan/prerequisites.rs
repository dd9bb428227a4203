//! What must be in OSM before something else can be made of it.

use std::collections::BTreeSet;

use crate::desired::{DesiredInstance, DesiredState, PackageKey};
use crate::ids::{DescriptorId, KduName, MemberIndex, PackageKind};
use crate::moment::Moment;
use crate::observed::{Index, ObservedPackage, PackageState};
use crate::source_pos::SourcePos;

use super::{ActionId, Blocked, Item, PackageRef, Plan, Verdict};

/// Who provides a package that something else needs.
pub(super) enum Provider {
    /// OSM has it, and nothing is to be done about it.
    Ready(PackageRef),
    /// An action of this plan makes or updates it.
    After(PackageRef, ActionId),
    /// It is declared or there, and cannot be used.
    Blocked(Blocked),
    /// Nobody has it.
    Unknown,
}

/// Looks for a package among the actions planned so far, and then in OSM.
pub(super) fn provider(
    plan: &Plan,
    observed: &Index<'_>,
    kind: PackageKind,
    id: &DescriptorId,
    at: &SourcePos,
) -> Provider {
    let have = observed.packages_of(kind, id);
    let existing = have.first().map(|package| package.record.clone());
    let item = Item::Package(PackageKey { kind, id: id.clone() });
    let verdict = plan.verdict(&item);
    // The last one is done when all are; a package that is made has just one.
    if let Some(Verdict::Act { actions }) = verdict
        && let Some(last) = actions.last()
    {
        let by = existing.map_or(PackageRef::CreatedBy(*last), PackageRef::Existing);
        return Provider::After(by, *last);
    }
    match (verdict, existing) {
        (Some(Verdict::Blocked { .. }), None) => {
            Provider::Blocked(Blocked::NeedsBlocked { at: at.clone(), needed: item })
        }
        (_, Some(record)) => match have {
            [one] if one.state == PackageState::Disabled => {
                Provider::Blocked(Blocked::Disabled { at: at.clone(), record })
            }
            // What OSM has in its place is not what was declared.
            [_] if matches!(verdict, Some(Verdict::Blocked { .. })) => {
                Provider::Blocked(Blocked::NeedsBlocked { at: at.clone(), needed: item })
            }
            [_] => Provider::Ready(PackageRef::Existing(record)),
            several => Provider::Blocked(Blocked::SeveralPackages {
                at: at.clone(),
                ids: several.iter().map(|p| p.record.clone()).collect(),
            }),
        },
        (_, None) => Provider::Unknown,
    }
}

/// The VNFDs of an NSD: as this revision declares it, else as OSM has it.
fn vnfds_of(
    desired: &DesiredState,
    observed: &Index<'_>,
    nsd: &DescriptorId,
) -> BTreeSet<DescriptorId> {
    if let Some(declared) = desired.package(PackageKind::Nsd, nsd) {
        return declared.members.iter().map(|member| member.vnfd.clone()).collect();
    }
    let have = observed.packages_of(PackageKind::Nsd, nsd).iter();
    have.flat_map(|package| package.members.iter().map(|(_, vnfd)| vnfd.clone())).collect()
}

/// The NSD of an instance, or one of its VNFDs, that this revision declares and that cannot be sent: what
/// OSM has in its place is not what was declared, so nothing new is made of it.
pub(super) fn blocked_package(
    plan: &Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Option<Item> {
    let nsd = &want.nsd.0;
    let vnfds = vnfds_of(desired, observed, nsd);
    let vnfds = vnfds.into_iter().map(|id| PackageKey { kind: PackageKind::Vnfd, id });
    let nsd = PackageKey { kind: PackageKind::Nsd, id: nsd.clone() };
    vnfds
        .chain([nsd])
        .map(Item::Package)
        .find(|item| matches!(plan.verdict(item), Some(Verdict::Blocked { .. })))
}

/// The VNFD that a member of an NSD is made from, as this revision declares it, else as OSM has it.
pub(super) fn vnfd_of_member<'a>(
    desired: &'a DesiredState,
    observed: &'a Index<'_>,
    nsd: &DescriptorId,
    member: &MemberIndex,
) -> Option<&'a DescriptorId> {
    if let Some(declared) = desired.package(PackageKind::Nsd, nsd) {
        let found = declared.members.iter().find(|m| m.index.as_ref() == Some(member));
        return found.map(|m| &m.vnfd);
    }
    let have = observed.packages_of(PackageKind::Nsd, nsd).first()?;
    have.members.iter().find(|(index, _)| index == member).map(|(_, vnfd)| vnfd)
}

/// The KDUs of a VNFD, as this revision declares it, else as OSM has it; `None` when nobody has it.
pub(super) fn kdus_of<'a>(
    desired: &'a DesiredState,
    observed: &'a Index<'_>,
    vnfd: &DescriptorId,
) -> Option<&'a [KduName]> {
    if let Some(declared) = desired.package(PackageKind::Vnfd, vnfd) {
        return Some(&declared.kdus);
    }
    observed.packages_of(PackageKind::Vnfd, vnfd).first().map(|have| have.kdus.as_slice())
}

/// The actions of this plan that make or update the NSD of an instance, or one of its VNFDs. What is made
/// of packages comes after them, and so does an upgrade: its values may be meant for the new chart.
pub(super) fn package_actions(
    plan: &Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Vec<ActionId> {
    let (nsd, at) = &want.nsd;
    let mut needs = Vec::new();
    let mut add = |kind, id: &DescriptorId| {
        if let Provider::After(_, action) = provider(plan, observed, kind, id, at) {
            needs.push(action);
        }
    };
    for vnfd in vnfds_of(desired, observed, nsd) {
        add(PackageKind::Vnfd, &vnfd);
    }
    add(PackageKind::Nsd, nsd);
    needs
}

/// When OSM's copy of an instance's NSD, or of one of its VNFDs, last changed: what failed before may work
/// now.
pub(super) fn packages_changed_at(
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
) -> Moment {
    let nsd = &want.nsd.0;
    let vnfds = vnfds_of(desired, observed, nsd);
    let vnfds = vnfds.iter().flat_map(|vnfd| observed.packages_of(PackageKind::Vnfd, vnfd));
    let all = vnfds.chain(observed.packages_of(PackageKind::Nsd, nsd));
    let modified = all.map(|package: &&ObservedPackage| package.modified);
    modified.max_by(Moment::total_cmp).unwrap_or_default()
}
