//! What differs for clusters that OSM makes itself, and for what it runs there through Git.

use super::Release;

impl Release {
    /// Whether there are clusters, profiles, KSUs, OKAs and application instances kept in Git: the
    /// main topics `k8scluster`, `ksu`, `oka` and `appinstance`.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19.
    pub(crate) fn has_gitops(self) -> bool {
        self.is_19()
    }
}
