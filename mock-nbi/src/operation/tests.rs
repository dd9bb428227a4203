//! The engine by itself: queues, modes and profiles.

use super::*;
use crate::state::kept::Kept as _;

fn work(ns_id: &str, op_id: &str, kind: Kind) -> Work {
    Work::Ns { ns_id: ns_id.into(), op_id: op_id.into(), kind }
}

fn submit(engine: &mut Engine, work: Work, now: f64, fails_with: Option<String>) {
    engine.submit(work, &Subject::default(), now, fails_with);
}

fn steps_until(engine: &mut Engine, now: f64) -> Vec<String> {
    std::iter::from_fn(|| engine.next_step(now))
        .map(|step| {
            let Work::Ns { op_id, .. } = &step.work else {
                return String::new();
            };
            let change = match step.change {
                Change::Wait => "wait".to_owned(),
                Change::Start => "start".to_owned(),
                Change::Stage(stage) => format!("stage {stage}"),
                Change::Drop => "drop".to_owned(),
                Change::RollBack(detail) => format!("rolls back {detail:?}"),
                Change::End(Ending::Well) => "well".to_owned(),
                Change::End(Ending::Badly(detail)) => format!("badly {detail:?}"),
                Change::End(other) => format!("{other:?}"),
            };
            format!("{:.1} {op_id} {change}", step.at)
        })
        .collect()
}

#[test]
fn operations_of_one_instance_run_in_order_and_others_beside_them() {
    let mut engine = Engine::new(Profile::realistic(), 1);
    submit(&mut engine, work("a", "a1", Kind::Action), 0.0, None);
    submit(&mut engine, work("a", "a2", Kind::Action), 1.0, Some("no".into()));
    submit(&mut engine, work("b", "b1", Kind::Terminate), 1.0, None);
    let want = [
        "0.2 a1 start",
        "1.2 a2 wait",
        "1.2 b1 start",
        "2.2 b1 stage 2",
        "15.2 a1 well",
        "15.4 a2 start",
        "21.2 b1 well",
        "30.4 a2 badly Some(\"no\")",
    ];
    assert_eq!(steps_until(&mut engine, 100.0), want);
}

#[test]
fn an_instantiation_shows_its_stages() {
    let mut engine = Engine::new(Profile::realistic().speeded_up(2.0), 1);
    submit(&mut engine, work("a", "op", Kind::Instantiate), 0.0, None);
    assert_eq!(steps_until(&mut engine, 100.0), ["0.1 op start", "1.6 op stage 2", "30.1 op well"]);
}

#[test]
fn in_manual_profile_operations_start_and_end_on_request_only() {
    let mut engine = Engine::new(Profile::manual(), 1);
    submit(&mut engine, work("a", "op", Kind::Instantiate), 0.0, None);
    assert_eq!(steps_until(&mut engine, 1e9), ["0.0 op start"]);
    let step = engine.force_step(5.0, &OperationResult::Ok).unwrap();
    assert_eq!(step.change, Change::End(Ending::Well));
    assert_eq!(engine.force_step(5.0, &OperationResult::Ok), None);
}

#[test]
fn a_new_mode_takes_hold_of_what_is_pending() {
    let mut engine = Engine::new(Profile::instant(), 1);
    engine.set_mode(Some(Mode::Off), 0.0);
    submit(&mut engine, work("a", "op", Kind::Action), 0.0, None);
    assert!(steps_until(&mut engine, 50.0).is_empty());
    engine.set_mode(Some(Mode::Fail), 50.0);
    assert_eq!(steps_until(&mut engine, 60.0), ["50.0 op start", "50.0 op badly None"]);
}

#[test]
fn one_operation_is_held_released_and_ended_by_its_id() {
    let mut engine = Engine::new(Profile::realistic(), 1);
    submit(&mut engine, work("a", "a1", Kind::Action), 0.0, None);
    submit(&mut engine, work("a", "a2", Kind::Action), 0.0, None);
    engine.hold("a1", true, 0.0).unwrap();
    assert_eq!(steps_until(&mut engine, 50.0), ["0.2 a2 wait"]);
    let pending = engine.list();
    assert_eq!((pending[0].is_held, pending[0].due), (true, None));
    assert_eq!((pending[1].state, pending[1].behind), ("waiting", 1));
    let refusal = engine.force_one("a2", 50.0, &OperationResult::Ok).unwrap_err();
    assert_eq!(refusal, SteerError::Behind { id: "a2".into(), first: "a1".into() });
    engine.hold("a1", false, 50.0).unwrap();
    assert_eq!(steps_until(&mut engine, 51.0), ["50.2 a1 start"]);
    let step = engine.force_one("a1", 60.0, &OperationResult::Ok).unwrap();
    assert_eq!(step.change, Change::End(Ending::Well));
    assert!(!engine.is_pending("a1"));
    assert_eq!(steps_until(&mut engine, 100.0), ["60.2 a2 start", "75.2 a2 well"]);
    assert!(matches!(engine.hold("a1", true, 0.0), Err(SteerError::Unknown(_))));
}

#[test]
fn rules_of_a_profile_decide_how_an_operation_goes() {
    let text = "rules:\n  - {operation: action, kdu: ldap, times: 1, outcome: fail, detail: \
                no}\n  - {operation: action, seconds: {from: 1, to: 3}}\n  - {operation: scale, \
                outcome: rolling-back, rollback_seconds: 4}\n  - {operation: heal, outcome: \
                stuck}\n";
    let profile = Profile::from_yaml(text, "p").unwrap();
    let steps = |seed: u64| {
        let mut engine = Engine::new(profile.clone(), seed);
        let subject = Subject { kdu: "ldap".into(), ..Subject::default() };
        for id in ["1", "2"] {
            engine.submit(work("a", id, Kind::Action), &subject, 0.0, None);
        }
        submit(&mut engine, work("b", "3", Kind::Scale), 10.0, None);
        submit(&mut engine, work("b", "4", Kind::Heal), 10.0, None);
        steps_until(&mut engine, 100.0)
    };
    let one = steps(1);
    assert_eq!(one, steps(1), "the same seed gives the same times");
    assert_eq!(one[..3], ["0.0 1 start", "0.0 1 badly Some(\"no\")", "0.0 2 start"]);
    let took: f64 = one[3].split(' ').next().unwrap().parse().unwrap();
    assert!((1.0..=3.0).contains(&took), "{one:?}");
    assert_eq!(
        one[4..],
        [
            "10.0 3 start",
            "10.0 3 rolls back None",
            "10.0 4 wait",
            "14.0 3 RolledBack(None)",
            "14.0 4 start"
        ]
    );
}

#[test]
fn whatever_the_seed_each_operation_has_a_time_of_its_own() {
    let text = "rules: [{operation: action, seconds: {from: 1, to: 1000000}}]\n";
    let profile = Profile::from_yaml(text, "p").unwrap();
    for seed in [0, 1, u64::MAX] {
        let mut engine = Engine::new(profile.clone(), seed);
        for id in ["a", "b", "c"] {
            submit(&mut engine, work(id, id, Kind::Action), 0.0, None);
        }
        let steps = steps_until(&mut engine, 1e7);
        let ends = steps.iter().filter(|step| step.ends_with("well"));
        let times: BTreeSet<&str> = ends.filter_map(|step| step.split(' ').next()).collect();
        assert_eq!(times.len(), 3, "{steps:?}");
    }
}

/// Another engine of the same profile, from what was kept of this one.
fn restarted(profile: &Profile, parts: &BTreeMap<u64, Vec<u8>>, counted: &[u8]) -> Engine {
    let mut engine = Engine::new(profile.clone(), 1);
    for (number, json) in parts {
        engine.place(*number, serde_json::from_slice(json).unwrap()).unwrap();
    }
    engine.restore(serde_json::from_slice(counted).unwrap());
    engine
}

#[test]
fn an_engine_of_the_parts_that_were_written_goes_on_as_the_first_does() {
    let text = "base: realistic\nrules:\n  - {operation: action, times: 2, outcome: fail, detail: \
                no}\n  - {operation: action, seconds: {from: 1, to: 9}}\n";
    let profile = Profile::from_yaml(text, "p").unwrap();
    let mut engine = Engine::new(profile.clone(), 1);
    engine.track();
    let mut parts: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for round in 0..40_u32 {
        let now = f64::from(round);
        let (ns_id, op_id) = (format!("ns{}", round % 3), format!("op{round}"));
        match round % 8 {
            3 => engine.hold(&format!("op{}", round - 1), true, now).unwrap(),
            5 => engine.cancel(&format!("op{}", round - 1), now),
            6 => engine.forget("ns2"),
            7 => engine.set_mode((round == 15).then_some(Mode::Manual), now),
            _ => submit(&mut engine, work(&ns_id, &op_id, Kind::Action), now, None),
        }
        steps_until(&mut engine, now);
        let written = engine.take_written();
        assert!(written.len() < 30, "all of it was written");
        for (number, json) in written {
            match json {
                Some(json) => parts.insert(number, json),
                None => parts.remove(&number),
            };
        }
        let counted = serde_json::to_vec(&engine.counted()).unwrap();
        let mut one = restarted(&profile, &parts, &counted);
        let mut other = restarted(&profile, &parts, &counted);
        assert_eq!(one.list(), engine.list());
        for engine in [&mut one, &mut other] {
            submit(engine, work("new", "new", Kind::Action), now, None);
        }
        assert_eq!(steps_until(&mut one, 1e3), steps_until(&mut other, 1e3));
    }
    // The last of them goes on as one that was never restarted, the rules' counts and draws too.
    let counted = serde_json::to_vec(&engine.counted()).unwrap();
    let mut restarted = restarted(&profile, &parts, &counted);
    for engine in [&mut engine, &mut restarted] {
        submit(engine, work("new", "new", Kind::Action), 40.0, None);
    }
    assert_eq!(steps_until(&mut restarted, 1e3), steps_until(&mut engine, 1e3));
    assert!(engine.take_written().len() > 1 && engine.take_written().is_empty());
}

#[test]
fn a_step_of_one_operation_writes_that_one_alone() {
    let mut engine = Engine::new(Profile::realistic(), 1);
    for number in 0..1000 {
        let id = number.to_string();
        submit(&mut engine, work(&id, &id, Kind::Action), f64::from(number), None);
    }
    engine.track();
    assert_eq!(steps_until(&mut engine, 0.5), ["0.2 0 start"]);
    let numbers: Vec<u64> = engine.take_written().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [0]);
}

#[test]
fn a_roll_back_tells_from_its_first_step_on_what_went_wrong() {
    let text = "rules: [{operation: scale, outcome: rolling-back, detail: why}]\n";
    let mut engine = Engine::new(Profile::from_yaml(text, "p").unwrap(), 1);
    submit(&mut engine, work("a", "1", Kind::Scale), 0.0, None);
    let steps = steps_until(&mut engine, 10_000.0);
    assert!(steps.iter().any(|step| step.ends_with("1 rolls back Some(\"why\")")), "{steps:?}");
}

#[test]
fn operations_of_an_instance_that_is_gone_are_gone_with_it() {
    let mut engine = Engine::new(Profile::realistic(), 1);
    for (ns_id, op_id) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        submit(&mut engine, work(ns_id, op_id, Kind::Action), 0.0, None);
    }
    steps_until(&mut engine, 1.0);
    engine.forget("a");
    let left: Vec<String> = engine.list().into_iter().map(|pending| pending.id).collect();
    assert_eq!(left, ["b1"]);
    assert!(!engine.is_pending("a1") && !engine.is_pending("a2"));
    assert_eq!(steps_until(&mut engine, 100.0), ["15.2 b1 well"]);
}

#[test]
fn a_cancelled_operation_ends_with_the_words_of_its_kind() {
    for (kind, text) in [
        (Kind::Instantiate, "Cancelled"),
        (Kind::Terminate, "Cancelled"),
        (Kind::Action, "Operation was cancelled"),
        (Kind::Heal, "Operation was cancelled"),
    ] {
        let mut engine = Engine::new(Profile::manual(), 1);
        submit(&mut engine, work("a", "op", kind), 0.0, None);
        assert_eq!(steps_until(&mut engine, 1.0), ["0.0 op start"]);
        engine.cancel("op", 2.0);
        let end = format!("2.0 op ForNow(Some({text:?}))");
        assert_eq!(steps_until(&mut engine, 3.0), [end], "{kind:?}");
    }
}

#[test]
fn the_release_of_what_is_not_held_changes_nothing() {
    let mut engine = Engine::new(Profile::realistic(), 1);
    submit(&mut engine, work("a", "op", Kind::Action), 0.0, None);
    assert_eq!(steps_until(&mut engine, 10.0), ["0.2 op start"]);
    engine.hold("op", false, 10.0).unwrap();
    assert_eq!(steps_until(&mut engine, 100.0), ["15.2 op well"]);
}

#[test]
fn a_failure_by_hand_without_a_text_has_the_usual_one() {
    for (detail, expected) in [("", None), ("no", Some("no".to_owned()))] {
        let mut engine = Engine::new(Profile::manual(), 1);
        submit(&mut engine, work("a", "op", Kind::Action), 0.0, None);
        steps_until(&mut engine, 1.0);
        let result = OperationResult::Fail { detail: detail.to_owned() };
        let step = engine.force_step(5.0, &result).unwrap();
        assert_eq!(step.change, Change::End(Ending::Badly(expected)));
    }
}

#[test]
fn of_one_number_or_one_id_there_is_one_operation() {
    let entry = |op_id: &str| -> serde_json::Value {
        let mut engine = Engine::new(Profile::instant(), 1);
        submit(&mut engine, work("a", op_id, Kind::Action), 0.0, None);
        let mut entries = Vec::new();
        engine.each(&mut |_, json| entries.push(json));
        serde_json::from_slice(&entries[0]).unwrap()
    };
    let mut engine = Engine::new(Profile::instant(), 1);
    assert_eq!(engine.place(1, entry("op")), Ok(()));
    assert!(engine.place(1, entry("other")).is_err(), "the number is there");
    assert!(engine.place(2, entry("op")).is_err(), "the id is there");
    assert_eq!(engine.place(2, entry("other")), Ok(()));
}
