//! What OSM demands of a VNFD, an NSD or a network slice template: the envelope, the information
//! model, unique ids, and references inside the descriptor and to others.
//!
//! Pure. Source: OSM NBI `descriptor_topics.py` of releases 8 and 19; NBI_FACTS.md sections 7 and
//! 8; recorded cases `vnf_invalid_descriptors` and `nsd_invalid`.

mod before_sol006;
mod changes;
mod decimal;
mod envelope;
mod files;
mod model;
mod nsd_rules;
mod references;
mod unique;
mod validation;
mod vnfd_artifacts;
mod vnfd_policies;
mod vnfd_rules;

use serde_json::Value;

use crate::problem::Problem;
use crate::python;
use crate::release::Release;

pub(crate) use changes::check_changes;
pub(crate) use envelope::{has_envelope, remove_envelope};
pub(crate) use files::PackageFiles;
pub(crate) use references::check_references;
pub(crate) use unique::is_truthy;

/// Which of the descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vnfd,
    Nsd,
    /// A network slice template.
    Nst,
    /// Instantiation parameters for NS instances to come. No descriptor, but kept as one.
    ConfigTemplate,
}

/// Python's complaint about calling `.get` on something that is no mapping.
pub(crate) fn no_attribute(type_name: &str) -> Problem {
    Problem::bad_request(format!("'{type_name}' object has no attribute 'get'"))
}

/// `str(value)`.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| python::repr(value), str::to_owned)
}

/// Checks a descriptor without envelope, which comes with these files, and gives it as OSM stores
/// it; with `force`, keys that the model lacks are let pass.
///
/// # Errors
/// 422 with the text of OSM's validator or of its own checks, 400 where Python stumbles.
pub(crate) fn validate(
    kind: Kind,
    release: Release,
    descriptor: &Value,
    files: PackageFiles<'_>,
    force: bool,
) -> Result<Value, Problem> {
    let Some(fields) = descriptor.as_object() else {
        return Err(no_attribute(python::type_name(descriptor)));
    };
    unique::check_unique(descriptor, "")?;
    let mut fields = fields.clone();
    for key in derived_keys(kind) {
        fields.shift_remove(*key);
    }
    let stored = validation::serialised(kind, release, fields.into(), force)?;
    match (kind, release.has_sol006_descriptors()) {
        (Kind::Vnfd, true) => vnfd_rules::check(&stored, files, release)?,
        (Kind::Vnfd, false) => before_sol006::check_vnfd(&stored, files)?,
        (Kind::Nsd, true) => nsd_rules::check(&stored)?,
        (Kind::Nsd, false) => before_sol006::check_nsd(&stored)?,
        (Kind::Nst | Kind::ConfigTemplate, _) => {}
    }
    Ok(stored)
}

/// Keys that a client may send back as it read them.
fn derived_keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Vnfd => &["onboardingState", "operationalState", "usageState", "links"],
        Kind::Nsd => &["nsdOnboardingState", "nsdOperationalState", "nsdUsageState", "links"],
        Kind::Nst => &["onboardingState", "operationalState", "usageState"],
        Kind::ConfigTemplate => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(kind: Kind, content: &Value, expected: &str) {
        let release = Release::R10;
        let got = remove_envelope(kind, release, content)
            .and_then(|inner| validate(kind, release, &inner, PackageFiles::default(), false));
        assert_eq!(
            got.map_or_else(|problem| problem.detail, |stored| stored.to_string()),
            expected
        );
    }

    #[test]
    fn descriptors_are_judged_like_the_recorded_ones() {
        check(
            Kind::Vnfd,
            &json!({"vnfd": {"id": "a", "version": 1.0, "df": []}}),
            r#"{"id":"a","version":"1.0","df":[]}"#,
        );
        check(Kind::Vnfd, &json!({"etsi-nfv-vnfd:vnfd": {"id": "a"}}), "'df'");
        check(Kind::Vnfd, &json!({"vnfd": [1]}), "'vnfd' must be dict");
        check(
            Kind::Vnfd,
            &json!({"vnfd": {"kdu": [{"name": "a"}, {"name": "a"}]}}),
            "Error: identifier name 'a' is not unique and repeats at '.kdu[1]'",
        );
        check(
            Kind::Vnfd,
            &json!({"nsd": {}}),
            "Error in pyangbind validation: Invalid attribute specified (nsd)",
        );
        check(Kind::Nsd, &json!({"nsd": {"nsd": []}}), "Error in pyangbind validation: 'id'");
        check(Kind::Nsd, &json!({"nsd": [1]}), "'list' object has no attribute 'get'");
        check(Kind::Vnfd, &json!([1]), "'list' object has no attribute 'get'");
        check(Kind::Vnfd, &json!(1.5), "'float' object has no attribute 'get'");
        check(
            Kind::Nsd,
            &json!({"nsd": {"nsd": [{"id": "a"}, {"id": "b"}]}}),
            "'nsd' must be a list of only one element",
        );
        check(
            Kind::Nsd,
            &json!({"nsd": {"nsd": [{"id": "n", "virtual-link-desc": [{"id": "v", "mgmt-network": "true"}]}]}}),
            r#"{"id":"n","virtual-link-desc":[{"id":"v","mgmt-network":true}]}"#,
        );
    }

    #[test]
    fn unknown_keys_are_refused_at_every_depth_and_types_are_those_of_the_model() {
        check(
            Kind::Vnfd,
            &json!({"id": "a", "df": [{"id": "d", "scaling-aspect": [{"id": "s", "bogus": 1}]}]}),
            "Error in pyangbind validation: JSON object contained a key that did not exist (bogus)",
        );
        check(
            Kind::Vnfd,
            &json!({"id": 5, "df": [], "virtual-compute-desc": [{"id": "c",
                "virtual-memory": {"size": 1.0}, "virtual-cpu": {"num-virtual-cpu": "2"}}],
                "virtual-storage-desc": [{"id": "s", "size-of-storage": 10}]}),
            r#"{"id":"5","df":[],"virtual-compute-desc":[{"id":"c","virtual-memory":{"size":"1"},"virtual-cpu":{"num-virtual-cpu":2}}],"virtual-storage-desc":[{"id":"s","size-of-storage":"10"}]}"#,
        );
        check(
            Kind::Nst,
            &json!({"nst": [{"netslice-subnet": [{"id": "n", "is-shared-nss": "false",
                "nsd-ref": "x"}], "id": "s"}]}),
            r#"{"id":"s","netslice-subnet":[{"id":"n","is-shared-nss":false,"nsd-ref":"x"}]}"#,
        );
    }
}
