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
    use crate::ids::RevisionName;
    use crate::tree::{Tree, TreeFile};
    use serde_json::json;
    use std::time::Duration;

    /// A revision of this configuration.
    fn revision(config: &str) -> Revision {
        let path = TreePath::parse("osm_ops_config.yaml").unwrap();
        let tree = Tree::from_files([(path, TreeFile::in_memory(config.to_owned(), false))]);
        let revision = Revision::read(&tree, RevisionName::new("7").unwrap());
        assert!(revision.config.is_some(), "{:?}", revision.problems);
        revision
    }

    /// A deployment of this specification.
    fn deployment(spec: &serde_json::Value) -> OsmDeployment {
        let mut whole = json!({
            "sourceRef": { "kind": "GitRepository", "name": "repo" },
            "connection": { "secretRef": { "name": "osm" } },
            "interval": "10m",
        });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let object = json!({
            "apiVersion": "osmops.io/v1alpha1", "kind": "OsmDeployment",
            "metadata": { "name": "ldap", "namespace": "ns" },
            "spec": whole,
        });
        serde_json::from_value(object).unwrap()
    }

    /// A revision of this configuration, taken over by a deployment of this specification.
    fn claimed(config: &str, spec: &serde_json::Value) -> Revision {
        let mut revision = revision(config);
        claim(&mut revision, &deployment(spec));
        revision
    }

    #[test]
    fn drift_is_only_told_where_that_is_wanted_and_these_files_were_applied() {
        for (drift, was_applied, is_told) in
            [("warn", true, true), ("warn", false, false), ("enabled", true, false)]
        {
            let mut revision = revision("adopt: false\n");
            let before = revision.desired.clone();
            claim_drift(&mut revision, &deployment(&json!({ "drift": drift })), was_applied);
            let expected =
                if is_told { Drift::Report { applied: Box::new(before) } } else { Drift::Repair };
            assert_eq!(revision.desired.drift, expected, "{drift} {was_applied}");
        }
    }

    #[test]
    fn files_are_told_apart_by_the_artifact_and_the_folder_in_it() {
        let artifact = Artifact {
            url: "http://source/a.tar.gz".to_owned(),
            revision: "main@sha1:1".to_owned(),
            digest: "sha256:2".to_owned(),
        };
        let of = |folder: &str| files_of(&artifact, &TreePath::parse(folder).unwrap());
        assert_eq!((of("").as_str(), of("a/b").as_str()), ("sha256:2", "sha256:2/a/b"));
    }

    #[test]
    fn a_deployment_says_whose_the_declared_is_how_long_it_may_take_and_whether_it_prunes() {
        let spec = json!({ "prune": true, "timeout": "7m" });
        let desired = claimed("allowLargePrune: true\n", &spec).desired;
        assert_eq!(desired.owner, Some(Owner::new("ns/ldap").unwrap()));
        assert_eq!(desired.policy.timeout, Duration::from_secs(7 * 60));
        let prune = desired.prune.unwrap();
        assert_eq!(prune.at.to_string(), "OsmDeployment/ns/ldap");
        assert!(prune.allow_large);
        assert_eq!(claimed("adopt: false\n", &json!({})).desired.prune, None);
    }

    #[test]
    fn an_owner_in_the_files_goes_before_the_deployment_s_mark() {
        let desired = claimed("owner: team-a\n", &json!({ "prune": true })).desired;
        assert_eq!(desired.owner, Some(Owner::new("team-a").unwrap()));
        assert!(!desired.prune.unwrap().allow_large);
    }

    #[test]
    fn a_deployment_s_mark_is_its_namespace_and_name_within_63_characters() {
        let owner = |namespace: &str, name: &str| owner_of(&Name::new(namespace, name)).to_string();
        assert_eq!(owner("flux-system", "ldap.v1"), "flux-system/ldap_v1");
        let long = owner("flux-system", &"a".repeat(200));
        assert_eq!(long.len(), 63);
        assert_ne!(long, owner("flux-system", &"a".repeat(201)));
    }
}
