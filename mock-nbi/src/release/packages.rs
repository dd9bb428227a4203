//! What differs for packages and their descriptors.

use super::Release;

impl Release {
    /// Whether descriptors are those of ETSI SOL006; before, they were OSM's own, in catalogues.
    ///
    /// Source: NBI_FACTS.md section 12.
    pub(crate) fn has_sol006_descriptors(self) -> bool {
        !self.is_8()
    }

    /// Whether charts must come without a version, and profiles must name VDUs that there are:
    /// the rules on descriptors that the recordings had switched off.
    pub(crate) fn checks_helm_charts(self) -> bool {
        self == Self::R19
    }

    /// Whether packages can be zip files, with folders of their own for scripts; before, a tar.gz
    /// was taken under that name.
    ///
    /// Source: NBI_FACTS.md section 12.
    pub(crate) fn has_zip_packages(self) -> bool {
        self.is_19()
    }

    /// Whether the model's augments bear the name of the recordings' stand-in for OSM's models.
    ///
    /// Source: recorded case `vnf_invalid_descriptors`, exchange 15.
    pub(crate) fn has_stand_in_models(self) -> bool {
        self == Self::R19Recorded
    }
}
