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

    /// Whether uploads can carry a SHA-384 digest.
    ///
    /// Source: OSM NBI `descriptor_topics.py` (`upload_content`) of releases 8 and 19.
    pub(crate) fn has_upload_digests(self) -> bool {
        self.is_19()
    }

    /// Whether a file sent as a part of a form arrives empty, a regression of later releases.
    ///
    /// Source: OSM NBI `nbi.py` (`_format_in`) of releases 8 and 19.
    pub(crate) fn loses_form_files(self) -> bool {
        self.is_19()
    }

    /// Whether the 204 of a removal names the negotiated type instead of the web server's default.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19; recorded case `vnf_one_step`.
    pub(crate) fn types_removals(self) -> bool {
        !self.is_8()
    }
}
