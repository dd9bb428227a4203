//! Runs that are asked to stop, or whose time is over: no write begins, and what is told of it.

use std::time::Duration;

use mock_nbi::{Fault, FaultKind, Profile};
use osmops::apply::{ActionOutcome, ActionResult, ApplyObserver, Sending, apply};
use osmops::nbi::Nbi;
use osmops::plan::PlannedAction;
use osmops::reconcile::{PassOptions, pass, read_and_plan};
use osmops::redact::Secrets;
use osmops::revision::Revision;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World};

struct Unwatched;

impl ApplyObserver for Unwatched {
    fn action_starts(&mut self, _: &PlannedAction) {}

    fn action_ended(&mut self, _: &PlannedAction, _: &ActionResult) {}
}

fn sending<'a>(
    nbi: &'a Nbi,
    demo: &'a Revision,
    secrets: &'a Secrets,
    writes_at_once: usize,
) -> Sending<'a> {
    Sending { nbi, owner: None, packages: &demo.packages, secrets, writes_at_once }
}

/// None of the three writes of the demo.
fn assert_nothing_was_sent(world: &World, outcomes: &[ActionOutcome]) {
    let is_cancelled = |outcome: &ActionOutcome| matches!(outcome.result, ActionResult::Cancelled);
    assert!(outcomes.len() == 3 && outcomes.iter().all(is_cancelled), "{outcomes:#?}");
    assert_eq!(world.writes_since(0), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_sends_nothing_more() {
    let world = World::new(Profile::instant());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    stop.cancel();
    let report =
        pass(&nbi, &Demo::default().revision(), &PassOptions::default(), &stop, &mut ()).await;
    assert!(report.interrupted);
    assert_eq!(world.writes_since(0), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_while_it_logs_in_again_it_does_not_repeat_the_refused_write() {
    let world = World::new(Profile::instant());
    let upload = "POST /vnfpkgm/v1/vnf_packages_content".to_owned();
    world.osm.inject(Fault { operation: upload, nth: 1, kind: FaultKind::TokenRevoked });
    let log_in = "POST /admin/v1/tokens".to_owned();
    world.osm.inject(Fault { operation: log_in, nth: 2, kind: FaultKind::Late { seconds: 20.0 } });
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let demo = Demo::default().revision();
    let options = PassOptions::default();
    let mut observer = ();
    let running = pass(&nbi, &demo, &options, &stop, &mut observer);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(running, stopping);
    assert!(report.interrupted, "{report:#?}");
    assert!(!report.has_failures(), "what was not sent has not failed: {report:#?}");
    assert_eq!(nbi.request_counts().log_in, 2);
    assert_eq!(world.writes_since(0).len(), 1, "the one that was refused");
    assert_eq!(world.packages().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_while_it_logs_in_for_a_write_it_does_not_send_it() {
    let world = World::new(Profile::instant());
    // The lists come from one session, and the writes from another one that has no token yet.
    let demo = Demo::default().revision();
    let reading = world.client();
    let plan = read_and_plan(&reading, &demo.desired).await.unwrap();
    let log_in = "POST /admin/v1/tokens".to_owned();
    world.osm.inject(Fault { operation: log_in, nth: 1, kind: FaultKind::Late { seconds: 20.0 } });
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let secrets = Secrets::of(&demo.desired);
    let sending = sending(&nbi, &demo, &secrets, 4);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.cancel();
    };
    let mut observer = Unwatched;
    let (outcomes, ()) = tokio::join!(apply(&sending, &plan, &stop, &mut observer), stopping);
    assert_nothing_was_sent(&world, &outcomes);
}

/// Asks to stop when the first action starts.
struct StopsAtTheFirst(CancellationToken);

impl ApplyObserver for StopsAtTheFirst {
    fn action_starts(&mut self, _: &PlannedAction) {
        self.0.cancel();
    }

    fn action_ended(&mut self, _: &PlannedAction, _: &ActionResult) {}
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_while_an_archive_is_packed_it_does_not_even_log_in() {
    let world = World::new(Profile::instant());
    let demo = Demo::default().revision();
    let plan = read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let secrets = Secrets::of(&demo.desired);
    let sending = sending(&nbi, &demo, &secrets, 1);
    let outcomes = apply(&sending, &plan, &stop, &mut StopsAtTheFirst(stop.clone())).await;
    assert_nothing_was_sent(&world, &outcomes);
    assert_eq!(nbi.request_counts().log_in, 0);
}
