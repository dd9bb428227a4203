//! Create or update packages: VNFDs first, then the NSDs that name them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::desired::{DesiredPackage, DesiredState};
use crate::ids::PackageKind;
use crate::moment::Moment;
use crate::observed::{Content, Index, ObservedPackage, ObservedState, PackageState, REPAIRED_KEY};
use crate::secret::{Params, SecretNames};

use super::descriptor::{Comparison, DescriptorDifference, compare};
use super::prerequisites::{Provider, provider};
use super::{
    Action, ActionId, Blocked, Item, Note, Plan, Verdict, Why, Would, drift, ownership, render,
};

pub(super) fn plan_packages(plan: &mut Plan, desired: &DesiredState, observed: &Index<'_>) {
    // `packages` is sorted by kind, VNFDs first, so that what an NSD needs is planned before it.
    for package in &desired.packages {
        let item = Item::Package(package.key.clone());
        let planned_before = plan.actions.len();
        let verdict = match plan_one(plan, desired, observed, package) {
            Ok(steps) if steps.is_empty() => Verdict::Current,
            Ok(steps) => {
                let mut actions: Vec<ActionId> = Vec::new();
                for Step { action, why, mut needs } in steps {
                    needs.extend(actions.last());
                    actions.push(plan.push(&item, action, why, needs));
                }
                Verdict::Act { actions }
            }
            Err(reason) => Verdict::Blocked { reason },
        };
        let at = &package.at;
        let verdict = drift::or_report(plan, desired, &item, at, planned_before, verdict);
        plan.enter(item, at, verdict, Vec::new());
    }
}

/// An action to be planned after the one before it.
struct Step {
    action: Action,
    why: Why,
    needs: Vec<ActionId>,
}

fn plan_one(
    plan: &Plan,
    desired: &DesiredState,
    observed: &Index<'_>,
    package: &DesiredPackage,
) -> Result<Vec<Step>, Blocked> {
    let key = package.key.clone();
    let have = match observed.packages_of(key.kind, &key.id) {
        [] => {
            let needs = needed_vnfds(plan, observed, package)?;
            let action = Action::CreatePackage { package: key };
            return Ok(vec![Step { action, why: Why::Absent, needs }]);
        }
        [have] => have,
        several => {
            return Err(Blocked::SeveralPackages {
                at: package.at.clone(),
                ids: several.iter().map(|p| p.record.clone()).collect(),
            });
        }
    };
    let (at, record) = (package.at.clone(), have.record.clone());
    if have.state == PackageState::Disabled {
        return Err(Blocked::Disabled { at, record });
    }
    let changes = changes(package, have, &desired.secret_names, observed.read_at())?;
    if changes.is_none() {
        return Ok(Vec::new());
    }
    let mut steps: Vec<Step> = Vec::new();
    let step = |action, why| Step { action, why, needs: Vec::new() };
    if let Some(why) = changes.upload {
        let (package, record) = (key.clone(), record.clone());
        let adopted = ownership::is_package_adopted(desired, have);
        steps.push(step(Action::UpdatePackage { package, record, adopted }, why));
    }
    if let Some((patch, why)) = changes.patch {
        let patch = Params::new(patch, desired.secret_names.clone());
        steps.push(step(Action::PatchPackage { package: key, record, patch }, why));
    }
    ownership::check_package(desired, package, have, || {
        let proposed = |step: &Step| render::proposed(&step.action, &step.why, &package.at);
        Would::Change(steps.iter().map(proposed).collect())
    })?;
    let needs = needed_vnfds(plan, observed, package)?;
    steps.iter_mut().for_each(|step| step.needs.clone_from(&needs));
    Ok(steps)
}

/// What is to be done about a package that OSM has.
struct Changes {
    upload: Option<Why>,
    patch: Option<(Map<String, Value>, Why)>,
}

impl Changes {
    fn is_none(&self) -> bool {
        self.upload.is_none() && self.patch.is_none()
    }
}

/// Files first: they bring the descriptor with them. What they cannot remove from it is patched away, and
/// so is what someone changed in it since.
fn changes(
    package: &DesiredPackage,
    have: &ObservedPackage,
    names: &SecretNames,
    now: Moment,
) -> Result<Changes, Blocked> {
    let comparison = have.descriptor.as_ref().map(|observed| compare(package, observed, names));
    let comparison = comparison.unwrap_or_default();
    let upload = reason_to_upload(package, have, &comparison.differences);
    let patch = match &upload {
        Some(_) if !comparison.removals.is_empty() => {
            let differences = comparison.dropped();
            Some((comparison.removals, Why::KeysDropped { differences }))
        }
        None if !comparison.patch.is_empty() => Some(repair(package, have, comparison, now)?),
        Some(_) | None => None,
    };
    Ok(Changes { upload, patch })
}

/// How long a difference that came back after its repair is left alone.
const REPAIR_PAUSE: Duration = Duration::from_secs(3600);

/// The patch for a descriptor that someone changed in OSM, with a mark of what it repairs: if the same
/// difference is there again soon, repairing does not help.
fn repair(
    package: &DesiredPackage,
    have: &ObservedPackage,
    comparison: Comparison,
    now: Moment,
) -> Result<(Map<String, Value>, Why), Blocked> {
    let mark = comparison.mark(have.descriptor.as_ref().unwrap_or(&Value::Null));
    let Comparison { differences, mut patch, .. } = comparison;
    let modified = have.modified;
    let ago = now.since(modified);
    if have.repaired.as_ref() == Some(&mark) && ago < REPAIR_PAUSE {
        return Err(Blocked::RepairedInVain {
            at: package.at.clone(),
            difference: differences.first().map(render::descriptor_difference).unwrap_or_default(),
            ago: Duration::from_secs(ago.as_secs()),
        });
    }
    patch.insert("userDefinedData".to_owned(), json!({ REPAIRED_KEY: mark }));
    Ok((patch, Why::DescriptorDiffers { differences, modified }))
}

/// Why OSM's files are not the declared ones; `None` when they are.
fn reason_to_upload(
    package: &DesiredPackage,
    have: &ObservedPackage,
    differences: &[DescriptorDifference],
) -> Option<Why> {
    let Some(upload) = have.upload() else {
        let is_same = match (&have.file_name, &have.content) {
            (_, Content::Files(digest)) => *digest == package.digest,
            (None, Content::NotRead) => {
                package.is_descriptor_alone && have.state == PackageState::Usable
            }
            (_, Content::NotRead | Content::Strange) => false,
        };
        return (!is_same || !differences.is_empty()).then(|| Why::UploadedByOther {
            file_name: have.file_name.clone(),
            differences: differences.to_vec(),
        });
    };
    (upload.digest != package.digest).then(|| Why::FilesDiffer {
        observed_version: have.version.clone(),
        declared_version: package.version.clone(),
        version_at: package.descriptor.position(&["version".to_owned()]),
        observed_digest: upload.digest.short().to_owned(),
        declared_digest: package.digest.short().to_owned(),
        differences: differences.iter().filter(|d| d.declared.is_some()).cloned().collect(),
    })
}

/// Whether planning needs to know what is in the files of a package: another tool uploaded them, and the
/// descriptor is as declared.
pub fn needs_content(desired: &DesiredState, have: &ObservedPackage) -> bool {
    let declared = have.id.as_ref().and_then(|id| desired.package(have.kind, id));
    let Some((package, observed)) = declared.zip(have.descriptor.as_ref()) else {
        return false;
    };
    have.state == PackageState::Usable
        && have.file_name.is_some()
        && have.upload().is_none()
        && compare(package, observed, &desired.secret_names).differences.is_empty()
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
/// were meant to become, nor whose they are: OSM writes the name of an upload together with its content.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DescriptorId, PackageId, RevisionName};
    use crate::revision::Revision;
    use crate::tree::{Tree, TreeFile, TreePath};

    fn observed(state: PackageState, id: Option<&str>) -> ObservedPackage {
        ObservedPackage {
            kind: PackageKind::Vnfd,
            record: PackageId::new("package-1").unwrap(),
            id: id.map(|id| DescriptorId::new(id).unwrap()),
            version: None,
            state,
            modified: Moment::default(),
            file_name: None,
            descriptor: None,
            repaired: None,
            content: Content::NotRead,
            members: Vec::new(),
            vnfds: Vec::new(),
            kdus: Vec::new(),
        }
    }

    #[test]
    fn a_difference_that_came_back_after_its_repair_is_repaired_again_after_an_hour() {
        let file = |path: &str, text: &'static str| {
            (TreePath::parse(path).unwrap(), TreeFile::in_memory(text, false))
        };
        let config = "fileExtensions: [.ops.yaml]\nconnectionFile: /etc/nbi.yaml\n";
        let tree = Tree::from_files([
            file("osm_ops_config.yaml", config),
            file("osm-pkgs/p_knf/p_vnfd.yaml", "vnfd: {id: p_knf}\n"),
        ]);
        let revision = Revision::read(&tree, RevisionName::new("7").unwrap());
        let package = &revision.desired.packages[0];
        let comparison = || {
            let patch = json!({ "product-name": "ldap" }).as_object().unwrap().clone();
            Comparison { patch, ..Comparison::default() }
        };
        let repaired = Some(comparison().mark(&Value::Null));
        let have = ObservedPackage { repaired, ..observed(PackageState::Usable, Some("p_knf")) };
        let is_repaired_after = |seconds: f64| {
            let now = have.modified.plus(Duration::from_secs_f64(seconds));
            repair(package, &have, comparison(), now).is_ok()
        };
        assert!(!is_repaired_after(3599.0));
        assert!(is_repaired_after(3600.0));
        let have = ObservedPackage { repaired: None, ..have.clone() };
        assert!(repair(package, &have, comparison(), have.modified).is_ok(), "the first repair");
    }

    #[test]
    fn only_a_record_with_neither_content_nor_descriptor_is_half_made() {
        let is_told = |state: PackageState, id: Option<&str>| {
            let packages = vec![observed(state, id)];
            !half_made(&ObservedState { packages, ..ObservedState::default() }).is_empty()
        };
        assert!(is_told(PackageState::WithoutContent, None));
        // Files are being uploaded over those that it had.
        assert!(!is_told(PackageState::WithoutContent, Some("ldap_knf")));
        // Its id is one that no file can declare.
        assert!(!is_told(PackageState::Usable, None));
        assert!(!is_told(PackageState::Usable, Some("ldap_knf")));
    }
}
