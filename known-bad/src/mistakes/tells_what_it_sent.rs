//! What is sent to OSM holds passwords and values that are secret.

use std::sync::{Arc, Mutex, PoisonError};

use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Source};
use tokio_util::sync::CancellationToken;

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where OSM refuses a log-in, or an instance with a secret value.
pub const BAD: KnownBad = KnownBad {
    name: "tells_what_it_sent",
    mistake: "adds the body of a refused request to its message, so that it can be understood",
    breaks: &[Law::S10],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let refused = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&refused);
    let transport = wrapped(transport, move |request, onward| {
        let refused = Arc::clone(&refused);
        async move {
            let sent = request.body().clone();
            let answer = onward.send(request).await?;
            if answer.status().as_u16() >= 400 {
                let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                *refused = String::from_utf8_lossy(&sent).into_owned();
            }
            Ok(answer)
        }
    });
    Box::new(Verbose { inner: Process::new(connection, transport), refused: told })
}

struct Verbose {
    inner: Process,
    refused: Arc<Mutex<String>>,
}

impl Reconciler for Verbose {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let mut ended = self.inner.run(source, stop).await;
            let refused =
                std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
            if !refused.is_empty() {
                ended.told.push_str("; sent was: ");
                ended.told.push_str(&refused);
            }
            ended
        })
    }
}
