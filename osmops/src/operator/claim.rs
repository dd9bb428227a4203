//! What an OsmDeployment says of how its revision is applied. Pure.

use sha2::{Digest, Sha256};

use crate::desired::{Drift, Prune};
use crate::ids::Owner;
use crate::revision::Revision;
use crate::source_pos::SourcePos;
use crate::tree::TreePath;

use super::crd::{DriftMode, OsmDeployment};
use super::flux::Artifact;
use super::names::Name;

/// Takes over what an OsmDeployment says of whose the declared is, and of what is declared no more.
pub(super) fn claim(revision: &mut Revision, object: &OsmDeployment) {
    let name = Name::of(&object.metadata);
    let allow_large = revision.config.as_ref().is_some_and(|config| config.allow_large_prune);
    let desired = &mut revision.desired;
    desired.owner.get_or_insert_with(|| owner_of(&name));
    if let Some(timeout) = object.timeout() {
        desired.policy.timeout = timeout;
    }
    if object.spec.prune && revision.config.is_some() {
        desired.prune.get_or_insert(Prune { at: position(object), allow_large });
    }
}

/// Where drift is only to be told: what differs though these very files were applied.
pub(super) fn claim_drift(revision: &mut Revision, object: &OsmDeployment, was_applied: bool) {
    if object.spec.drift == DriftMode::Warn && was_applied {
        let applied = Box::new(revision.desired.clone());
        revision.desired.drift = Drift::Report { applied };
    }
}

/// What messages call the object where they name what asks for a removal.
pub(super) fn position(object: &OsmDeployment) -> SourcePos {
    let name = Name::of(&object.metadata);
    SourcePos::whole(TreePath::root().join(&format!("OsmDeployment/{name}")))
}

/// What marks in OSM what an OsmDeployment made: its namespace and name, in the characters that a mark may
/// have. Kubernetes' names may be longer; such ones end in a digest.
fn owner_of(name: &Name) -> Owner {
    const OWNER_BYTES_MAX: usize = 63;
    const DIGEST_DIGITS: usize = 12;
    // Kubernetes' names have no `_`.
    let text = name.to_string().replace('.', "_");
    let text = if text.len() <= OWNER_BYTES_MAX {
        text
    } else {
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        let beginning = text.get(..OWNER_BYTES_MAX - DIGEST_DIGITS - 1).unwrap_or_default();
        format!("{beginning}-{}", digest.get(..DIGEST_DIGITS).unwrap_or_default())
    };
    Owner::new(text).expect("a Kubernetes name is a text without control characters")
}

/// What stands for the files in a folder of an artifact.
pub(super) fn files_of(artifact: &Artifact, folder: &TreePath) -> String {
    match folder.as_str() {
        "" => artifact.digest.clone(),
        folder => format!("{}/{folder}", artifact.digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_s_mark_is_its_namespace_and_name_within_63_characters() {
        let owner = |namespace: &str, name: &str| owner_of(&Name::new(namespace, name)).to_string();
        assert_eq!(owner("flux-system", "ldap.v1"), "flux-system/ldap_v1");
        let long = owner("flux-system", &"a".repeat(200));
        assert_eq!(long.len(), 63);
        assert_ne!(long, owner("flux-system", &"a".repeat(201)));
    }
}
