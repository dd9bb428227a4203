//! What differs for NS, VNF and network slice instances.

use super::Release;

impl Release {
    /// Whether NS instances can be updated, healed and migrated, their operations be cancelled, and
    /// creation knows configuration templates, flavours by name and affinity groups.
    ///
    /// Source: NBI_FACTS.md section 12; OSM NBI `validation.py` of releases 8 and 19.
    pub(crate) fn has_later_instance_operations(self) -> bool {
        self.is_19()
    }

    /// Whether a KDU can be given the name of its deployment.
    ///
    /// Source: NBI_FACTS.md section 12.
    pub(crate) fn has_kdu_deployment_names(self) -> bool {
        !self.is_8()
    }

    /// Whether names of additional parameters must not contain dots.
    ///
    /// Source: OSM NBI v8 `instance_topics.py`, `_format_additional_params`; release 10 took dots in
    /// KDU parameters (NBI_FACTS.md section 9).
    pub(crate) fn refuses_dots_in_params(self) -> bool {
        self.is_8()
    }

    /// Whether records show affinity groups, shared volumes and forwarding graphs.
    ///
    /// Source: keys of the records in release10/ns-action.upgrade2.jsonl and in the recordings.
    pub(crate) fn has_affinity_groups(self) -> bool {
        self.is_19()
    }

    /// Whether `DELETE ns_instances_content/{id}` of an instance that is not instantiated answers
    /// 204 and leaves it where it is.
    ///
    /// Source: OSM NBI v19 `nbi.py`, where an `elif` took the place of an `if`.
    pub(crate) fn forgets_to_delete_idle_instances(self) -> bool {
        self.is_19()
    }

    /// Whether reading one instance two minutes after it was last changed asks for its state anew,
    /// which moves `_admin.modified`.
    ///
    /// Source: OSM NBI v19 `instance_topics.py`, `vca_status_refresh`; release 8 has it not; of
    /// release 10 the captures show a `modified` that no operation moved.
    pub(crate) fn refreshes_status_when_read(self) -> bool {
        !self.is_8()
    }
}
