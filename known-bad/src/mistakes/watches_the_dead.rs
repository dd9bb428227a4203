//! An operation that has failed never changes again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};
use serde_json::Value;

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where an operation fails and all is well afterwards.
pub const BAD: KnownBad = KnownBad {
    name: "watches_the_dead",
    mistake: "looks at operations that failed with every reading, for ever",
    breaks: &[Law::L2],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let failed: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let transport = wrapped(transport, move |request, onward| {
        let failed = Arc::clone(&failed);
        async move {
            let known = || failed.lock().unwrap_or_else(PoisonError::into_inner);
            let path = request.uri().to_string();
            if request.method() == Method::GET && path.ends_with("/ns_instances") {
                let token = request.headers().get(AUTHORIZATION).cloned();
                let operations = known().clone();
                for operation in operations {
                    let path = path.replace("/ns_instances", "/ns_lcm_op_occs");
                    let mut look = Request::get(format!("{path}/{operation}")).body(Bytes::new())?;
                    look.headers_mut().extend(token.clone().map(|token| (AUTHORIZATION, token)));
                    onward.send(look).await?;
                }
            }
            let answer = onward.send(request).await?;
            if path.contains("/ns_lcm_op_occs") {
                known().extend(failed_ones(&answer));
            }
            Ok(answer)
        }
    });
    Box::new(Process::new(connection, transport))
}

/// The ids of the operations that have failed, in an answer with one operation or several.
fn failed_ones(answer: &Response<Bytes>) -> Vec<String> {
    let operations = match serde_json::from_slice(answer.body()) {
        Ok(Value::Array(operations)) => operations,
        Ok(operation) => vec![operation],
        Err(_) => Vec::new(),
    };
    let failed = operations.iter().filter(|operation| operation["operationState"] == "FAILED");
    failed.filter_map(|operation| operation["id"].as_str().map(str::to_owned)).collect()
}
