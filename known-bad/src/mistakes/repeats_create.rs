//! A creation whose answer is lost may have had its effect, and OSM takes two instances of one name.

use std::time::Duration;

use http::Method;
use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Process, Reconciler};
use tokio::time::sleep;

use crate::wire::wrapped;
use crate::{KnownBad, Starts};

/// Found where an answer to a creation is lost.
pub const BAD: KnownBad = KnownBad {
    name: "repeats_create",
    mistake: "sends a creation again when the connection is cut before an answer comes",
    breaks: &[Law::S2, Law::D2],
    maker: &Starts(start),
};

/// How often it is sent at most.
const ATTEMPTS: usize = 3;

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    let transport = wrapped(transport, |request, onward| async move {
        let is_creation =
            request.method() == Method::POST && request.uri().path().ends_with("_content");
        for _ in 1..ATTEMPTS {
            let answer = onward.send(request.clone()).await;
            if answer.is_ok() || !is_creation {
                return answer;
            }
            sleep(Duration::from_secs(1)).await;
        }
        onward.send(request).await
    });
    Box::new(Process::new(connection, transport))
}
