//! References between files, and names that two of them claim.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{NsName, PackageKind};
use crate::package::Package;
use crate::repo::{NsDeclaration, OpsConfig, RepoProblem, RepoWarning};
use crate::secret::{Params, SecretNames};

use super::dependencies;
use super::{DesiredInstance, DesiredKdu, DesiredPackage, DesiredState, PackageKey, Prune};

/// Puts declarations and packages together.
///
/// Whatever two files claim is left out with a problem for the second, because nobody can say which was
/// meant; the rest is healthy.
pub fn resolve(
    config: Option<&OpsConfig>,
    instances: &[NsDeclaration],
    packages: &[Package],
) -> (DesiredState, Vec<RepoProblem>, Vec<RepoWarning>) {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let packages = resolve_packages(packages, &mut problems, &mut warnings);
    let owner = config.and_then(|config| config.owner.clone());
    let adopt = config.is_some_and(|config| config.adopt);
    let prune = config.and_then(|config| {
        let at = config.prune.clone()?;
        Some(Prune { at, allow_large: config.allow_large_prune })
    });
    let policy = config.map(|config| config.policy).unwrap_or_default();
    let more = config.map(|config| config.secret_params.as_slice()).unwrap_or_default();
    let mut state = DesiredState {
        owner,
        adopt,
        prune,
        policy,
        secret_names: SecretNames::with(more.iter().map(String::as_str)),
        packages,
        ..DesiredState::default()
    };
    let mut by_name: BTreeMap<NsName, DesiredInstance> = BTreeMap::new();
    let mut ambiguous: BTreeSet<NsName> = BTreeSet::new();
    for declaration in instances {
        let (name, at) = declaration.name.clone();
        if let Some(first) = by_name.get(&name) {
            let first = first.at.clone();
            problems.push(RepoProblem::DuplicateInstance { at, name: name.clone(), first });
            ambiguous.insert(name);
            continue;
        }
        let instance = to_desired(declaration, &state.secret_names);
        let found = check_kdus(&instance, &state);
        if !found.is_empty() {
            ambiguous.insert(name.clone());
            problems.extend(found);
        }
        by_name.insert(name, instance);
    }
    problems.extend(dependencies::check(&by_name, &mut ambiguous));
    by_name.retain(|name, _| !ambiguous.contains(name));
    state.instances = by_name.into_values().collect();
    (state, problems, warnings)
}

fn resolve_packages(
    packages: &[Package],
    problems: &mut Vec<RepoProblem>,
    warnings: &mut Vec<RepoWarning>,
) -> Vec<DesiredPackage> {
    let mut by_key: BTreeMap<PackageKey, DesiredPackage> = BTreeMap::new();
    let mut ambiguous: BTreeSet<PackageKey> = BTreeSet::new();
    for package in packages {
        warnings.extend_from_slice(&package.descriptor.warnings);
        let (id, at) = package.descriptor.id.clone();
        let kind = package.descriptor.kind;
        let key = PackageKey { kind, id: id.clone() };
        if let Some(first) = by_key.get(&key) {
            let first = first.at.clone();
            problems.push(RepoProblem::DuplicateDescriptor { at, kind, id, first });
            ambiguous.insert(key);
            continue;
        }
        if package.name() != id.as_str() {
            let folder = package.name().to_owned();
            warnings.push(RepoWarning::FolderNameDiffers { at: at.clone(), id, folder });
        }
        let desired = DesiredPackage {
            key: key.clone(),
            at,
            folder: package.folder.clone(),
            version: package.descriptor.version.clone(),
            digest: package.digest.clone(),
            is_descriptor_alone: package.files.len() == 1,
            descriptor: package.descriptor.body.clone(),
            members: package.descriptor.members.clone(),
            kdus: package.descriptor.kdus.clone(),
        };
        by_key.insert(key, desired);
    }
    by_key.retain(|key, _| !ambiguous.contains(key));
    by_key.into_values().collect()
}

fn to_desired(declaration: &NsDeclaration, names: &SecretNames) -> DesiredInstance {
    let kdu = |kdu: &crate::repo::KduDeclaration| DesiredKdu {
        member: kdu.member.clone(),
        name: kdu.name.clone(),
        model: kdu.model.clone(),
        params: Params::new(kdu.params.clone(), names.clone()),
        param_positions: kdu.param_positions.clone(),
    };
    DesiredInstance {
        name: declaration.name.0.clone(),
        at: declaration.name.1.clone(),
        description: declaration.description.clone(),
        nsd: declaration.nsd.clone(),
        vim_account: declaration.vim_account.clone(),
        kdus: declaration.kdus.iter().map(kdu).collect(),
        adopt: declaration.adopt,
        depends_on: declaration.depends_on.clone(),
        recreate: declaration.recreate,
    }
}

/// Checks `vnfName` and `kdu.name` against descriptors of this revision. OSM takes unknown ones without
/// a word, so that the values would never arrive.
///
/// Source: OSM NBI `instance_topics.py`; unknown members and KDUs of `additionalParamsForVnf` give 201.
fn check_kdus(instance: &DesiredInstance, state: &DesiredState) -> Vec<RepoProblem> {
    let Some(nsd) = state.package(PackageKind::Nsd, &instance.nsd.0) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for kdu in &instance.kdus {
        let member = nsd.members.iter().find(|m| m.index.as_ref() == Some(&kdu.member.0));
        let Some(member) = member else {
            problems.push(RepoProblem::UnknownMember {
                at: kdu.member.1.clone(),
                member: kdu.member.0.clone(),
                nsd: nsd.key.id.clone(),
                known: nsd
                    .members
                    .iter()
                    .filter_map(|m| Some(m.index.as_ref()?.to_string()))
                    .collect(),
            });
            continue;
        };
        if let Some(vnfd) = state.package(PackageKind::Vnfd, &member.vnfd)
            && !vnfd.kdus.contains(&kdu.name.0)
        {
            problems.push(RepoProblem::UnknownKdu {
                at: kdu.name.1.clone(),
                kdu: kdu.name.0.clone(),
                vnfd: vnfd.key.id.clone(),
                known: vnfd.kdus.iter().map(ToString::to_string).collect(),
            });
        }
    }
    problems
}
