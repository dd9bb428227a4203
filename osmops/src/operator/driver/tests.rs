//! The driver's rules, told as sequences of events.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(600);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn input(fingerprint: u64) -> Input {
    Input { fingerprint, interval: INTERVAL, retry_interval: None, suspended: false }
}

fn exact(concurrent: usize) -> Driver<&'static str> {
    Driver::new(Policy { concurrent, jitter: 0.0, ..Policy::default() })
}

/// A driver whose only object `a` runs since the start.
fn one_running() -> Driver<&'static str> {
    let mut driver = exact(4);
    driver.seen(at(0), &"a", input(1));
    assert_eq!(driver.step(at(0)).run, ["a"]);
    driver
}

fn starts(driver: &mut Driver<&'static str>, now: Duration) -> Vec<&'static str> {
    driver.step(now).run
}

#[test]
fn a_new_object_runs_at_once_and_again_when_its_interval_is_over() {
    let mut driver = one_running();
    driver.ended(at(5), &"a", Outcome::Settled);
    let step = driver.step(at(5));
    assert_eq!((step.run, step.wake), (vec![], Some(at(605))));
    assert_eq!(starts(&mut driver, at(604)), [""; 0]);
    assert_eq!(starts(&mut driver, at(605)), ["a"]);
}

#[test]
fn what_is_finished_runs_again_only_when_something_changes() {
    let mut driver = one_running();
    driver.ended(at(5), &"a", Outcome::Finished);
    assert_eq!(driver.step(at(5)).wake, None);
    driver.seen(at(9000), &"a", input(2));
    assert_eq!(starts(&mut driver, at(9000)), ["a"]);
}

#[test]
fn many_changes_before_a_run_make_one_run() {
    let mut driver = exact(4);
    for fingerprint in 0..5 {
        driver.seen(at(fingerprint), &"a", input(fingerprint));
    }
    assert_eq!(starts(&mut driver, at(9)), ["a"]);
    assert_eq!(starts(&mut driver, at(9)), [""; 0]);
}

#[test]
fn what_changes_nothing_wakes_nobody() {
    let mut driver = one_running();
    driver.ended(at(1), &"a", Outcome::Settled);
    driver.seen(at(2), &"a", input(1));
    assert_eq!(driver.step(at(3)).wake, Some(at(601)));
}

#[test]
fn a_change_during_a_run_stops_it_once_and_runs_again_at_its_end() {
    let mut driver = one_running();
    driver.seen(at(1), &"a", input(2));
    let step = driver.step(at(1));
    assert_eq!((step.run, step.cancel), (vec![], vec!["a"]));
    driver.seen(at(2), &"a", input(3));
    assert_eq!(driver.step(at(2)).cancel, [""; 0]);
    driver.ended(at(3), &"a", Outcome::Cancelled);
    assert_eq!(starts(&mut driver, at(3)), ["a"]);
    driver.ended(at(4), &"a", Outcome::Settled);
    assert_eq!(driver.step(at(4)).wake, Some(at(604)));
}

#[test]
fn a_change_back_during_a_run_still_runs_again() {
    let mut driver = one_running();
    driver.seen(at(1), &"a", input(2));
    driver.seen(at(2), &"a", input(1));
    driver.ended(at(3), &"a", Outcome::Cancelled);
    assert_eq!(starts(&mut driver, at(3)), ["a"]);
}

#[test]
fn failures_are_followed_by_pauses_that_double_up_to_the_longest() {
    let mut driver = one_running();
    let mut now = at(0);
    let mut pauses = Vec::new();
    for _ in 0..13 {
        driver.ended(now, &"a", Outcome::Failed { not_before: None });
        let wake = driver.step(now).wake.unwrap();
        pauses.push((wake - now).as_millis());
        now = wake;
        assert_eq!(starts(&mut driver, now), ["a"]);
    }
    assert_eq!(pauses[..4], [750, 1500, 3000, 6000]);
    assert_eq!(pauses[11..], [900_000, 900_000]);
}

#[test]
fn a_change_ends_the_pause_after_failures_and_forgets_them() {
    let mut driver = one_running();
    for _ in 0..10 {
        driver.ended(at(0), &"a", Outcome::Failed { not_before: None });
        let wake = driver.step(at(0)).wake.unwrap();
        driver.step(wake);
    }
    driver.ended(at(0), &"a", Outcome::Failed { not_before: None });
    driver.seen(at(1), &"a", input(2));
    assert_eq!(starts(&mut driver, at(1)), ["a"]);
    driver.ended(at(1), &"a", Outcome::Failed { not_before: None });
    assert_eq!(driver.step(at(1)).wake, Some(at(1) + Duration::from_millis(750)));
}

#[test]
fn a_failure_of_what_a_change_has_overtaken_is_not_counted() {
    let mut driver = one_running();
    driver.seen(at(1), &"a", input(2));
    driver.ended(at(2), &"a", Outcome::Failed { not_before: None });
    assert_eq!(starts(&mut driver, at(2)), ["a"], "there is no pause");
    driver.ended(at(3), &"a", Outcome::Failed { not_before: None });
    assert_eq!(driver.step(at(3)).wake, Some(at(3) + Duration::from_millis(750)));
}

#[test]
fn a_retry_interval_and_a_server_that_asks_to_be_left_alone_are_obeyed() {
    let mut driver = exact(4);
    driver.seen(at(0), &"a", Input { retry_interval: Some(at(20)), ..input(1) });
    driver.step(at(0));
    driver.ended(at(0), &"a", Outcome::Failed { not_before: None });
    assert_eq!(driver.step(at(0)).wake, Some(at(20)));
    driver.step(at(20));
    driver.ended(at(20), &"a", Outcome::Failed { not_before: Some(at(60)) });
    assert_eq!(driver.step(at(20)).wake, Some(at(80)));
}

#[test]
fn looking_again_at_what_is_at_work_holds_no_worker_and_counts_as_no_failure() {
    let mut driver = exact(1);
    driver.seen(at(0), &"a", input(1));
    driver.seen(at(0), &"b", input(1));
    assert_eq!(starts(&mut driver, at(0)), ["a"]);
    driver.ended(at(1), &"a", Outcome::Again { after: at(10) });
    assert_eq!(starts(&mut driver, at(1)), ["b"]);
    driver.ended(at(2), &"b", Outcome::Settled);
    assert_eq!(driver.step(at(2)).wake, Some(at(11)));
}

#[test]
fn no_more_run_at_once_than_there_are_workers_and_the_first_due_comes_first() {
    let mut driver = exact(2);
    for (second, key) in ["d", "c", "b", "a"].iter().enumerate() {
        driver.seen(at(second as u64), key, input(1));
    }
    let step = driver.step(at(9));
    assert_eq!((step.run, step.wake), (vec!["d", "c"], None));
    assert_eq!(step.waited, [at(9), at(8)]);
    assert_eq!((driver.depth(at(9)), driver.running()), (2, 2));
    driver.ended(at(10), &"c", Outcome::Settled);
    assert_eq!(starts(&mut driver, at(10)), ["b"]);
}

#[test]
fn who_awaits_a_dependency_runs_when_it_is_ready_or_after_a_while() {
    let mut driver = one_running();
    driver.ended(at(0), &"a", Outcome::AwaitsDependency { after: at(30) });
    assert_eq!(driver.step(at(0)).wake, Some(at(30)));
    driver.dependency_ready(at(3), &"a");
    assert_eq!(starts(&mut driver, at(3)), ["a"]);
    // It became ready while the run found that it was not.
    driver.dependency_ready(at(4), &"a");
    driver.ended(at(5), &"a", Outcome::AwaitsDependency { after: at(30) });
    assert_eq!(starts(&mut driver, at(5)), ["a"]);
    // Who waits for nothing is not woken.
    driver.ended(at(6), &"a", Outcome::Settled);
    driver.dependency_ready(at(7), &"a");
    assert_eq!(starts(&mut driver, at(7)), [""; 0]);
}

#[test]
fn the_suspended_rest_and_run_at_once_when_resumed() {
    let mut driver = one_running();
    let suspended = Input { suspended: true, ..input(1) };
    driver.seen(at(1), &"a", suspended.clone());
    assert_eq!(driver.step(at(1)).cancel, ["a"]);
    driver.ended(at(2), &"a", Outcome::Cancelled);
    assert_eq!(
        driver.step(at(2)),
        Step { run: vec![], waited: vec![], cancel: vec![], wake: None }
    );
    driver.seen(at(3), &"a", Input { fingerprint: 2, ..suspended });
    assert_eq!(driver.step(at(9999)).run, [""; 0]);
    driver.seen(at(10_000), &"a", input(2));
    assert_eq!(starts(&mut driver, at(10_000)), ["a"]);
}

#[test]
fn what_is_gone_runs_no_more_and_may_come_again() {
    let mut driver = one_running();
    driver.gone(&"a");
    assert_eq!(driver.step(at(0)).cancel, ["a"]);
    driver.seen(at(1), &"a", input(1));
    driver.ended(at(2), &"a", Outcome::Settled);
    assert_eq!(starts(&mut driver, at(2)), ["a"], "the new one has not run yet");
    driver.gone(&"a");
    driver.ended(at(3), &"a", Outcome::Settled);
    assert_eq!(
        driver.step(at(9999)),
        Step { run: vec![], waited: vec![], cancel: vec![], wake: None }
    );
    assert_eq!(driver.running(), 0);
}

#[test]
fn jitter_spreads_objects_within_its_part_and_is_the_same_every_time() {
    let wake = |key: &'static str, seed: u64| {
        let mut driver = Driver::new(Policy { seed, ..Policy::default() });
        driver.seen(at(0), &key, input(1));
        driver.step(at(0));
        driver.ended(at(0), &key, Outcome::Settled);
        driver.step(at(0)).wake.unwrap()
    };
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let wakes: BTreeSet<Duration> = keys.iter().map(|key| wake(key, 7)).collect();
    assert!(wakes.len() > 6, "{wakes:?}");
    assert!(wakes.iter().all(|wake| (at(570)..=at(630)).contains(wake)), "{wakes:?}");
    assert!(wakes.last().unwrap().abs_diff(*wakes.first().unwrap()) > 10 * SECOND);
    assert_eq!(wake("a", 7), wake("a", 7));
    assert_ne!(wake("a", 7), wake("a", 8));
}

#[test]
fn the_pauses_of_one_object_are_not_the_same_from_run_to_run() {
    let mut driver = Driver::new(Policy::default());
    driver.seen(at(0), &"a", input(1));
    let (mut now, mut pauses) = (at(0), BTreeSet::new());
    for _ in 0..8 {
        assert_eq!(starts(&mut driver, now), ["a"]);
        driver.ended(now, &"a", Outcome::Settled);
        let wake = driver.step(now).wake.unwrap();
        pauses.insert(wake - now);
        now = wake;
    }
    assert!(pauses.len() > 6, "{pauses:?}");
}

#[test]
fn of_those_due_at_one_time_the_one_that_became_so_first_runs_first() {
    let mut driver = exact(1);
    for key in ["b", "c", "a"] {
        driver.seen(at(0), &key, input(1));
    }
    for key in ["b", "c", "a"] {
        assert_eq!(starts(&mut driver, at(1)), [key]);
        driver.ended(at(1), &key, Outcome::Finished);
    }
}
