//! What OSM had is not what it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Response};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where a list is not answered in a pass that has nothing left to do.
pub const BAD: KnownBad = KnownBad {
    name: "falls_back_to_cache",
    mistake: "takes the list that it got last where OSM does not give one, so that a short trouble is not seen",
    breaks: &[Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let kept: Arc<Mutex<BTreeMap<String, Response<Bytes>>>> = Arc::default();
    let transport = wrapped(transport, move |request, onward| {
        let kept = Arc::clone(&kept);
        async move {
            let path = request.uri().path().to_owned();
            let is_list = ["/vnf_packages", "/ns_descriptors", "/ns_instances"];
            let is_list = is_list.iter().any(|list| path.ends_with(list));
            let is_list = is_list && request.method() == Method::GET;
            let answer = onward.send(request).await;
            if !is_list {
                return answer;
            }
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            match (answer, kept.get(&path)) {
                (Ok(answer), _) if answer.status().is_success() => {
                    kept.insert(path, answer.clone());
                    Ok(answer)
                }
                (Ok(answer), _) if answer.status().is_client_error() => Ok(answer),
                (_, Some(last)) => Ok(last.clone()),
                (answer, None) => answer,
            }
        }
    });
    Box::new(Process::new(connection, transport))
}
