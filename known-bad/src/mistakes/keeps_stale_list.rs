//! Someone else may change a package between two readings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Response};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where someone else changes or removes a package, and where an answer is lost.
pub const BAD: KnownBad = KnownBad {
    name: "keeps_stale_list",
    mistake: "looks packages up before the first upload, and keeps the list until a write of its own succeeds",
    breaks: &[Law::L1, Law::D1, Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let kept: Arc<Mutex<BTreeMap<String, Response<Bytes>>>> = Arc::default();
    let transport = wrapped(transport, move |request, onward| {
        let kept = Arc::clone(&kept);
        async move {
            let lists = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let path = request.uri().path().to_owned();
            let is_list =
                ["/vnf_packages", "/ns_descriptors"].iter().any(|end| path.ends_with(end));
            let is_read = request.method() == Method::GET;
            if let Some(list) = lists().get(&path).filter(|_| is_read).cloned() {
                return Ok(list);
            }
            let answer = onward.send(request).await?;
            if is_read && is_list && answer.status().is_success() {
                lists().insert(path, answer.clone());
            } else if !is_read && answer.status().is_success() {
                lists().clear();
            }
            Ok(answer)
        }
    });
    Box::new(Process::new(connection, transport))
}
