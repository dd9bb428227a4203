//! What is sent again after a failure is to be the same as the first time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Request};
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where a file is sent a second time: after a failure, or when somebody deleted the package.
pub const BAD: KnownBad = KnownBad {
    name: "numbers_its_uploads",
    mistake: "gives a file that it sends once more another name, so that logs tell the two apart",
    breaks: &[Law::D1],
    maker: &Starts(start),
};

/// The header with the file's name: folder, mark, digest.
const FILE_NAME: &str = "Content-Filename";

/// How often each name was sent.
type Sent = Arc<Mutex<BTreeMap<String, u32>>>;

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let sent = Sent::default();
    let transport = wrapped(transport, move |mut request, onward| {
        number(&mut request, &sent);
        async move { onward.send(request).await }
    });
    Box::new(Process::new(connection, transport))
}

fn number(request: &mut Request<Bytes>, sent: &Sent) {
    let Some(name) = request.headers().get(FILE_NAME).and_then(|name| name.to_str().ok()) else {
        return;
    };
    let name = name.to_owned();
    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let times = sent.entry(name.clone()).or_default();
    *times += 1;
    if let (2.., Some((folder, rest))) = (*times, name.split_once('.'))
        && let Ok(numbered) = HeaderValue::from_str(&format!("{folder}-{times}.{rest}"))
    {
        request.headers_mut().insert(FILE_NAME, numbered);
    }
}
