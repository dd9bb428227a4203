//! The finalizer that keeps a deleted OsmDeployment until OSM is rid of what it made.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::failure::chain;

use super::crd::OsmDeployment;
use super::end::{End, Reason};
use super::names::Name;

/// Ours among those that keep an object.
const FINALIZER: &str = "osmops.io/finalizer";

/// When to try again where the object changed meanwhile: by then the watch has told of it.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Whether it is there.
pub(super) fn is_set(object: &OsmDeployment) -> bool {
    object.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Sets it, or takes it away, unless it is so already.
///
/// # Errors
/// Why it could not be done. Where the object changed meanwhile, the next run tries again.
pub(super) async fn set(client: &Client, object: &OsmDeployment, wanted: bool) -> Result<(), End> {
    if is_set(object) == wanted {
        return Ok(());
    }
    let name = Name::of(&object.metadata);
    let others = object.metadata.finalizers.iter().flatten().filter(|f| *f != FINALIZER);
    let finalizers: Vec<&str> =
        others.map(String::as_str).chain(wanted.then_some(FINALIZER)).collect();
    // The version saves those that others set meanwhile.
    let version = &object.metadata.resource_version;
    let patch = json!({ "metadata": { "finalizers": finalizers, "resourceVersion": version } });
    let api: Api<OsmDeployment> = Api::namespaced(client.clone(), &name.namespace);
    match api.patch_metadata(&name.name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 && !wanted => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let message = format!("OsmDeployment/{name} changed meanwhile");
            Err(End::at_work(message, AGAIN_AFTER))
        }
        Err(error) => {
            let message =
                format!("cannot set the finalizer of OsmDeployment/{name}: {}", chain(&error));
            Err(End::failed(Reason::ReconciliationFailed, message))
        }
    }
}
