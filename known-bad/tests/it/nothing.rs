//! Whoever does nothing, or reads nothing, is found out.

use known_bad::Starts;
use osmops::operator::driver::Outcome;
use scenarios::sim::explore::hunt;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Ended, LocalFuture, Reconciler, Says, Source};
use tokio_util::sync::CancellationToken;

/// Sends no request, and says this.
struct Idle(Says);

impl Reconciler for Idle {
    fn run<'a>(&'a mut self, _: Source<'a>, _: &'a CancellationToken) -> LocalFuture<'a, Ended> {
        let ended = Ended { outcome: Outcome::Settled, says: self.0, told: String::new() };
        Box::pin(async move { ended })
    }
}

fn is_found_at_once(says: fn() -> Starts, law: Law) {
    let failure = hunt(0..1, &[law], &says()).unwrap();
    assert!(failure.is_some_and(|failure| failure.shrunk.faults.is_empty()), "{law}");
}

#[test]
fn who_does_nothing_is_found() {
    is_found_at_once(|| Starts(|_, _| Box::new(Idle(Says::Progressing))), Law::L1);
}

#[test]
fn who_says_ready_without_reading_is_found() {
    is_found_at_once(|| Starts(|_, _| Box::new(Idle(Says::Ready))), Law::S7);
}
