//! Create or update packages: VNFDs first, then the NSDs that name them.

use crate::desired::{DesiredPackage, DesiredState};
use crate::ids::PackageKind;
use crate::observed::{Index, ObservedPackage, ObservedState, PackageState};

use super::prerequisites::{Provider, provider};
use super::{Action, ActionId, Blocked, Item, Note, Plan, Verdict, Why, ownership, render};

pub(super) fn plan_packages(plan: &mut Plan, desired: &DesiredState, observed: &Index<'_>) {
    // `packages` is sorted by kind, VNFDs first, so that what an NSD needs is planned before it.
    for package in &desired.packages {
        let item = Item::Package(package.key.clone());
        let verdict = match plan_one(plan, desired, observed, package) {
            Ok(Some((action, why, needs))) => {
                Verdict::Act { actions: vec![plan.push(&item, action, why, needs)] }
            }
            Ok(None) => Verdict::Current,
            Err(reason) => Verdict::Blocked { reason },
        };
        plan.enter(item, &package.at, verdict, Vec::new());
    }
}

type Decision = Option<(Action, Why, Vec<ActionId>)>;

fn plan_one(
    plan: &Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    package: &DesiredPackage,
) -> Result<Decision, Blocked> {
    let key = package.key.clone();
    match observed.packages_of(key.kind, &key.id) {
        [] => {
            let needs = needed_vnfds(plan, observed, package)?;
            Ok(Some((Action::CreatePackage { package: key }, Why::Absent, needs)))
        }
        [have] => {
            let Some(why) = reason_to_update(package, have)? else {
                return Ok(None);
            };
            let action = Action::UpdatePackage { package: key, record: have.record.clone() };
            ownership::check_package(desired, package, have, || {
                render::change_in_one_line(&action, &why, &package.at)
            })?;
            let needs = needed_vnfds(plan, observed, package)?;
            Ok(Some((action, why, needs)))
        }
        several => Err(Blocked::SeveralPackages {
            at: package.at.clone(),
            ids: several.iter().map(|p| p.record.clone()).collect(),
        }),
    }
}

/// Why OSM's files are not the declared ones; `None` when they are.
fn reason_to_update(
    package: &DesiredPackage,
    have: &ObservedPackage,
) -> Result<Option<Why>, Blocked> {
    let upload = have.upload();
    if have.state == PackageState::Disabled {
        return Err(Blocked::Disabled { at: package.at.clone(), record: have.record.clone() });
    }
    let Some(upload) = upload else {
        return Ok(Some(Why::UploadedByOther { file_name: have.file_name.clone() }));
    };
    if upload.digest == package.digest {
        return Ok(None);
    }
    Ok(Some(Why::FilesDiffer {
        observed_version: have.version.clone(),
        declared_version: package.version.clone(),
        observed_digest: upload.digest.short().to_owned(),
        declared_digest: package.digest.short().to_owned(),
    }))
}

/// The actions that make what an NSD names.
fn needed_vnfds(
    plan: &Plan,
    observed: &Index<'_>,
    package: &DesiredPackage,
) -> Result<Vec<ActionId>, Blocked> {
    let mut needs = Vec::new();
    for member in &package.members {
        match provider(plan, observed, PackageKind::Vnfd, &member.vnfd, &member.at) {
            Provider::Ready(_) => {}
            Provider::After(_, action) => needs.push(action),
            Provider::Blocked(reason) => return Err(reason),
            Provider::Unknown => {
                let (at, vnfd) = (member.at.clone(), member.vnfd.clone());
                return Err(Blocked::UnknownVnfd { at, vnfd });
            }
        }
    }
    needs.sort();
    needs.dedup();
    Ok(needs)
}

/// The packages whose upload was begun and not ended: they have no descriptor, so nobody knows what they
/// were meant to become.
pub(super) fn half_made(observed: &ObservedState) -> Vec<Note> {
    let is_half_made = |package: &&ObservedPackage| {
        package.state == PackageState::WithoutContent && package.id.is_none()
    };
    let note = |package: &ObservedPackage| Note::HalfMadePackage {
        kind: package.kind,
        record: package.record.clone(),
    };
    observed.packages.iter().filter(is_half_made).map(note).collect()
}
