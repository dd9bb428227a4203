//! Opens the repository that a command names.

use std::path::Path;

use anyhow::Context;
use osmops::artifact::Artifact;
use osmops::desired::Drift;
use osmops::ids::RevisionName;
use osmops::revision::Revision;

use super::arguments::{DriftChoice, Policy, Repository};

/// The files of a revision and what they say. The files must outlive the packages read from them.
pub(super) struct Source {
    pub(super) artifact: Artifact,
    pub(super) revision: Revision,
}

/// Opens and reads the repository, and takes what the command line says of it for what is to be done.
pub(super) fn read_with(repository: &Repository, policy: &Policy) -> anyhow::Result<Source> {
    let mut source = read(repository)?;
    if let Some(prune) = &mut source.revision.desired.prune {
        prune.allow_large |= policy.allow_large_prune;
    }
    if policy.drift == DriftChoice::Report {
        let applied = match &policy.applied {
            None => source.revision.desired.clone(),
            Some(path) => {
                let artifact = Artifact::open(path).context("--applied")?;
                Revision::read(&artifact.tree, artifact.revision).desired
            }
        };
        source.revision.desired.drift = Drift::Report { applied: Box::new(applied) };
    }
    Ok(source)
}

/// Opens and reads the repository; problems in it are part of the result.
pub(super) fn read(repository: &Repository) -> anyhow::Result<Source> {
    let artifact = if repository.path == Path::new("-") {
        Artifact::from_archive(std::io::stdin().lock(), "stdin")?
    } else {
        Artifact::open(&repository.path)?
    };
    let name = match &repository.revision {
        None => artifact.revision.clone(),
        Some(name) => RevisionName::new(name).with_context(|| format!("--revision `{name}`"))?,
    };
    let revision = Revision::read(&artifact.tree, name);
    revision.announce();
    Ok(Source { artifact, revision })
}
