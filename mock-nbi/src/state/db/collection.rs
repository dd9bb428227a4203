//! What there are records of.

use serde::{Deserialize, Serialize};

/// What the fake keeps records of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Collection {
    /// `vnfds`
    VnfPackages,
    /// `nsds`
    NsDescriptors,
    /// `nsrs`
    NsInstances,
    /// `vnfrs`
    VnfInstances,
    /// `nslcmops`
    Operations,
    /// `vim_accounts`
    VimAccounts,
    /// `k8sclusters`
    K8sClusters,
    /// `projects`
    Projects,
    /// `users`
    Users,
    /// `roles`
    Roles,
    /// `wim_accounts`
    WimAccounts,
    /// `sdns`
    SdnControllers,
    /// `vca`
    Vcas,
    /// `k8srepos`
    K8sRepos,
    /// `osmrepos`
    OsmRepos,
    /// `pdus`
    PduDescriptors,
    /// `nsts`
    SliceTemplates,
    /// `nsis`
    SliceInstances,
    /// `nsilcmops`
    SliceOperations,
    /// `vnfpkgops`
    PackageOperations,
    /// `subscriptions`
    Subscriptions,
    /// `ns_config_template`
    NsConfigTemplates,
    /// `clusters`
    Clusters,
    /// `nodegroups`
    NodeGroups,
    /// `k8sinfra_controller`
    ControllerProfiles,
    /// `k8sinfra_config`
    ConfigProfiles,
    /// `k8sapp`
    AppProfiles,
    /// `k8sresource`
    ResourceProfiles,
    /// `ksus`
    Ksus,
    /// `appinstances`
    AppInstances,
    /// `okas`
    Okas,
    /// `vnfds_revisions`: every VNFD as it was uploaded, by `<id>:<revision>`
    VnfPackageRevisions,
}

impl Collection {
    /// Every collection.
    pub(crate) const ALL: &[Self] = &[
        Self::VnfPackages,
        Self::NsDescriptors,
        Self::NsInstances,
        Self::VnfInstances,
        Self::Operations,
        Self::VimAccounts,
        Self::K8sClusters,
        Self::Projects,
        Self::Users,
        Self::Roles,
        Self::WimAccounts,
        Self::SdnControllers,
        Self::Vcas,
        Self::K8sRepos,
        Self::OsmRepos,
        Self::PduDescriptors,
        Self::SliceTemplates,
        Self::SliceInstances,
        Self::SliceOperations,
        Self::PackageOperations,
        Self::Subscriptions,
        Self::NsConfigTemplates,
        Self::Clusters,
        Self::NodeGroups,
        Self::ControllerProfiles,
        Self::ConfigProfiles,
        Self::AppProfiles,
        Self::ResourceProfiles,
        Self::Ksus,
        Self::AppInstances,
        Self::Okas,
        Self::VnfPackageRevisions,
    ];

    /// Name of the collection in OSM's database.
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::VnfPackages => "vnfds",
            Self::NsDescriptors => "nsds",
            Self::NsInstances => "nsrs",
            Self::VnfInstances => "vnfrs",
            Self::Operations => "nslcmops",
            Self::VimAccounts => "vim_accounts",
            Self::K8sClusters => "k8sclusters",
            Self::Projects => "projects",
            Self::Users => "users",
            Self::Roles => "roles",
            Self::WimAccounts => "wim_accounts",
            Self::SdnControllers => "sdns",
            Self::Vcas => "vca",
            Self::K8sRepos => "k8srepos",
            Self::OsmRepos => "osmrepos",
            Self::PduDescriptors => "pdus",
            Self::SliceTemplates => "nsts",
            Self::SliceInstances => "nsis",
            Self::SliceOperations => "nsilcmops",
            Self::PackageOperations => "vnfpkgops",
            Self::Subscriptions => "subscriptions",
            Self::NsConfigTemplates => "ns_config_template",
            Self::Clusters => "clusters",
            Self::NodeGroups => "nodegroups",
            Self::ControllerProfiles => "k8sinfra_controller",
            Self::ConfigProfiles => "k8sinfra_config",
            Self::AppProfiles => "k8sapp",
            Self::ResourceProfiles => "k8sresource",
            Self::Ksus => "ksus",
            Self::AppInstances => "appinstances",
            Self::Okas => "okas",
            Self::VnfPackageRevisions => "vnfds_revisions",
        }
    }

    /// The same in singular, as error texts have it.
    pub(crate) fn singular(self) -> &'static str {
        let table = self.table();
        &table[..table.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collection_is_kept_counted_and_named() {
        // What serde lists of an enum is what it has.
        let unknown = serde_json::from_str::<Collection>("\"?\"").unwrap_err().to_string();
        let named = unknown.matches('`').count() / 2 - 1;
        assert_eq!(Collection::ALL.len(), named, "{unknown}");
        for (position, collection) in Collection::ALL.iter().enumerate() {
            assert_eq!(*collection as usize, position);
        }
    }
}
