//! What OSM demands of the bodies of this surface, as [`crate::schema::Schema`]s.
//!
//! Source: OSM NBI `validation.py` of releases 8 and 19 (names, limits and order of keys), checked
//! by the recorded 422 answers.

mod common;
pub(crate) mod gitops;
pub(crate) mod instances;
pub(crate) mod operations;
mod packages;
mod pattern;
mod people;
mod sites;
pub(crate) mod subscriptions;

pub(crate) use packages::{PACKAGE_OPERATION, PDU_EDIT, PDU_NEW};
pub(crate) use people::{PROJECT_EDIT, PROJECT_NEW, ROLE_EDIT, ROLE_NEW, USER_EDIT, USER_NEW};
pub(crate) use sites::{
    K8S_EDIT, K8S_NEW, K8S_REPO_EDIT, K8S_REPO_NEW, OSM_REPO_EDIT, OSM_REPO_NEW, SDN_EDIT, SDN_NEW,
    VCA_EDIT, VCA_NEW, VIM_EDIT, VIM_NEW, WIM_EDIT, WIM_NEW,
};
