//! A token is good for an hour, whatever else goes wrong meanwhile.

use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Process, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

use crate::{KnownBad, Starts};

/// Found where a request fails for another reason than its token.
pub const BAD: KnownBad = KnownBad {
    name: "starts_over_after_errors",
    mistake: "throws its session away after any error, and logs in anew",
    breaks: &[Law::S12],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let inner = Process::new(connection.clone(), transport.clone());
    Box::new(Fresh { connection, transport, inner })
}

struct Fresh {
    connection: Connection,
    transport: Transport,
    inner: Process,
}

impl Reconciler for Fresh {
    fn run<'a>(
        &'a mut self,
        source: Source<'a>,
        stop: &'a CancellationToken,
    ) -> LocalFuture<'a, Ended> {
        Box::pin(async move {
            let ended = self.inner.run(source, stop).await;
            if ended.says == Says::Failing {
                self.inner = Process::new(self.connection.clone(), self.transport.clone());
            }
            ended
        })
    }
}
