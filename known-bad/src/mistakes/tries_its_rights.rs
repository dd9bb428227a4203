//! To find out whether something may be done, it was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::{Onward, wrapped};
use crate::{KnownBad, Starts};

/// Found where a process is killed, and another one starts.
pub const BAD: KnownBad = KnownBad {
    name: "tries_its_rights",
    mistake: "makes an empty package and deletes it when it starts, to see whether it has the right to",
    breaks: &[Law::D2],
    maker: &Starts(start),
};

const VNFDS: &str = "/vnfpkgm/v1/vnf_packages";

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let has_tried = Arc::new(AtomicBool::new(false));
    let transport = wrapped(transport, move |request, onward| {
        let has_tried = Arc::clone(&has_tried);
        async move {
            let is_list = request.method() == Method::GET && request.uri().path().ends_with(VNFDS);
            if is_list && !has_tried.swap(true, Ordering::Relaxed) {
                tries(&request, &onward).await;
            }
            onward.send(request).await
        }
    });
    Box::new(Process::new(connection, transport))
}

/// Makes a record without content, and deletes it.
async fn tries(request: &Request<Bytes>, onward: &Onward) {
    let like = |method: Method, path: String, body: &'static [u8]| {
        let mut other = Request::builder().method(method).uri(path);
        for (name, value) in request.headers() {
            other = other.header(name, value);
        }
        other =
            other.header("Content-Type", "application/json").header("Content-Length", body.len());
        other.body(Bytes::from_static(body)).ok()
    };
    let list = request.uri().to_string();
    let list = list.split('?').next().unwrap_or_default().to_owned();
    let Some(making) = like(Method::POST, list.clone(), b"{}") else { return };
    let Ok(made) = onward.send(making).await else { return };
    let made: serde_json::Value = serde_json::from_slice(made.body()).unwrap_or_default();
    if let Some(id) = made["id"].as_str()
        && let Some(deletion) = like(Method::DELETE, format!("{list}/{id}"), b"")
    {
        drop(onward.send(deletion).await);
    }
}
