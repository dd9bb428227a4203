//! What must be in OSM before something else can be made of it.

use std::collections::BTreeSet;

use crate::desired::{DesiredInstance, DesiredState, PackageKey};
use crate::ids::{DescriptorId, PackageKind};
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
    match (plan.verdict(&item), existing) {
        (Some(Verdict::Act { actions }), existing) if !actions.is_empty() => {
            let action = actions.first().copied().unwrap_or(ActionId(0));
            let by = existing.map_or(PackageRef::CreatedBy(action), PackageRef::Existing);
            Provider::After(by, action)
        }
        (Some(Verdict::Blocked { .. }), None) => {
            Provider::Blocked(Blocked::NeedsBlocked { at: at.clone(), needed: item })
        }
        (_, Some(record)) => match have {
            [one] if one.state == PackageState::Disabled => {
                Provider::Blocked(Blocked::Disabled { at: at.clone(), record })
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

/// Whether OSM's copy of an instance's NSD, or of one of its VNFDs, was changed after `time` (epoch
/// seconds): what failed before may work now.
pub(super) fn packages_changed_since(
    desired: &DesiredState,
    observed: &Index<'_>,
    want: &DesiredInstance,
    time: f64,
) -> bool {
    let newer = |package: &&ObservedPackage| package.modified > time;
    let nsd = &want.nsd.0;
    observed.packages_of(PackageKind::Nsd, nsd).iter().any(newer)
        || vnfds_of(desired, observed, nsd)
            .iter()
            .any(|vnfd| observed.packages_of(PackageKind::Vnfd, vnfd).iter().any(newer))
}
