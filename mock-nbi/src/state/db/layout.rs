//! What records are looked up by, beside their id.

use super::Collection;

/// Where projects stand that may see a record.
pub(crate) const READ_BY: &str = "_admin.projects_read";

/// Places of a collection's records that are indexed: what OSM's rules and its clients look for.
pub(super) fn indexed_places(collection: Collection) -> &'static [&'static str] {
    match collection {
        Collection::VnfPackages => &[READ_BY, "id", "product-name"],
        Collection::NsDescriptors => &[READ_BY, "id", "name", "vnfd-id"],
        Collection::NsInstances => {
            &[READ_BY, "name", "nsd-id", "instantiate_params.nsConfigTemplateId"]
        }
        Collection::VnfInstances => {
            &[READ_BY, "nsr-id-ref", "vnfd-id", "vim-account-id", "kdur.k8s-cluster.id"]
        }
        Collection::Operations => &[READ_BY, "nsInstanceId", "operationState"],
        Collection::K8sClusters => &[READ_BY, "name", "vim_account"],
        Collection::Users => {
            &["username", "project_role_mappings.project", "project_role_mappings.role"]
        }
        Collection::Projects | Collection::Roles => &["name"],
        Collection::SliceTemplates => &[READ_BY, "id"],
        Collection::NsConfigTemplates => &[READ_BY, "id", "name", "nsdId"],
        Collection::SliceInstances => {
            &[READ_BY, "_admin.nst-id", "_admin.nsrs-detailed-list.nsrId"]
        }
        Collection::PackageOperations => &[READ_BY, "vnfPkgId"],
        Collection::VimAccounts => &[READ_BY, "name", "vca"],
        Collection::WimAccounts
        | Collection::SdnControllers
        | Collection::Vcas
        | Collection::K8sRepos
        | Collection::OsmRepos => &[READ_BY, "name"],
        Collection::PduDescriptors => &[READ_BY, "name", "_admin.usage.nsr_id"],
        Collection::SliceOperations => {
            &[READ_BY, "netsliceInstanceId", "operationParams.nslcmops_ids"]
        }
        Collection::Subscriptions => &[READ_BY],
        // They are looked up by id alone.
        Collection::VnfPackageRevisions => &[],
        Collection::Clusters
        | Collection::NodeGroups
        | Collection::ControllerProfiles
        | Collection::ConfigProfiles
        | Collection::AppProfiles
        | Collection::ResourceProfiles
        | Collection::Ksus
        | Collection::AppInstances
        | Collection::Okas => &[READ_BY, "name", "git_name"],
    }
}

/// Records of a collection with the same text here are alike.
pub(super) fn sort_place(collection: Collection) -> &'static str {
    match collection {
        Collection::NsInstances => "nsd-id",
        Collection::VnfInstances => "vnfd-id",
        Collection::Operations => "lcmOperationType",
        _ => "",
    }
}
