//! What tells the registered things apart.
//!
//! Source: OSM NBI `admin_topics.py`.

use crate::input;
use crate::release::Release;
use crate::schema::Schema;
use crate::state::db::Collection;

/// One kind of thing that OSM registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) new: &'static Schema,
    pub(super) edit: &'static Schema,
    /// Keys of the body that hold a secret.
    pub(super) secrets: &'static [&'static str],
    /// Keys of `config` that hold one.
    pub(super) config_secrets: &'static [&'static str],
}

pub(super) fn kind_of(collection: Collection, release: Release) -> Kind {
    let kind = |new, edit, secrets| Kind { new, edit, secrets, config_secrets: &[] };
    match collection {
        Collection::WimAccounts => {
            let secrets: &[&str] =
                if release.encrypts_wim_password() { &["password"] } else { &[] };
            kind(&input::WIM_NEW, &input::WIM_EDIT, secrets)
        }
        Collection::SdnControllers => kind(&input::SDN_NEW, &input::SDN_EDIT, &["password"]),
        Collection::K8sClusters => kind(&input::K8S_NEW, &input::K8S_EDIT, &[]),
        Collection::Vcas => kind(&input::VCA_NEW, &input::VCA_EDIT, &["secret", "cacert"]),
        Collection::K8sRepos => kind(&input::K8S_REPO_NEW, &input::K8S_REPO_EDIT, &[]),
        Collection::OsmRepos => kind(&input::OSM_REPO_NEW, &input::OSM_REPO_EDIT, &[]),
        _ => Kind {
            new: &input::VIM_NEW,
            edit: &input::VIM_EDIT,
            secrets: &["vim_password"],
            config_secrets: &[
                "admin_password",
                "nsx_password",
                "vcenter_password",
                "vrops_password",
            ],
        },
    }
}
