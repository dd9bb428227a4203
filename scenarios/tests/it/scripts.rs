//! What a scenario file may not say, each mistake with its place.

use std::path::Path;

use scenarios::script::{Script, ScriptError};

fn mistakes(text: &str) -> Vec<String> {
    match Script::parse(Path::new("s.yaml"), text) {
        Ok(script) => panic!("no mistake in {script:?}"),
        Err(error) => error.to_string().lines().map(str::to_owned).collect(),
    }
}

/// The mistakes of a file that is right but for this step.
fn mistakes_of_step(step: &str) -> Vec<String> {
    mistakes(&format!("purpose: p\nrepository: {{trees: t}}\nsteps:\n  - {step}\n"))
}

#[test]
fn every_mistake_of_a_file_is_reported_with_its_place() {
    let text = "\
purpose: x
repository: {trees: a, upstrem: true}
given:
  - vim_acount: v
  - k8s_cluster: c
steps:
  - aply: v1
  - expect: {endd: converged}
  - apply: v1
    plan: v1
";
    assert_eq!(
        mistakes(text),
        [
            "s.yaml:2:24: unknown key `repository.upstrem`, did you mean `repository.upstream`?",
            "s.yaml:4:5: one of `vim_account`, `k8s_cluster`, `quota`, `package` and `ns_instance` belongs here",
            "s.yaml:4:5: unknown key `vim_acount`, did you mean `vim_account`?",
            "s.yaml:5:5: `at` is missing",
            "s.yaml:7:5: unknown key `aply`, did you mean `apply`?",
            "s.yaml:8:14: unknown key `expect.endd`, did you mean `expect.end`?",
            "s.yaml:9:5: a step is one of apply, plan, by_hand, expect, fault, advance, operations, end_operations",
        ]
    );
}

#[test]
fn values_that_no_step_may_have_are_refused() {
    let check = |step: &str, expected: &str| {
        let found = mistakes_of_step(step);
        assert!(found.iter().any(|m| m.contains(expected)), "{step}: {found:?}");
    };
    check("[1]", "s.yaml:4:5: a step must be a mapping, but is a list");
    check("advance: 5", "s.yaml:4:14: `advance` must be a duration");
    check("expect: {end: done}", "s.yaml:4:19: `expect.end` must be one of converged, waiting");
    check("operations: sometimes", "s.yaml:4:17: `operations`: unknown variant `sometimes`");
    check("end_operations: maybe", "s.yaml:4:21: `end_operations` must be `ok` or");
    check("fault: {operation: GET /x, nth: 1, kind: {bang: 1}}", "`fault`: unknown variant `bang`");
    check("apply: {within: 5s}", "`apply.tag` is missing");
    check("apply: {tag: v1, drift: x}", "`apply.drift` must be `repair` or `report`");
    check("by_hand: {remove: a, edit: b}", "one of `create`, `upgrade`, `remove`");
    check("by_hand: {upgrade: ldap}", "`by_hand.kdus` is missing");
    check("by_hand: {edit: x, to: 1}", "`by_hand.to`: ");
    check("expect: {instances: {x: {kdus: {y: {}}}}}", "s.yaml:4:37: `y` must be `<member>/<kdu>`");
    check("expect: {problems: {at: x}}", "s.yaml:4:24: `expect.problems` must be a list");
    check("expect: {failures: [x]}", "s.yaml:4:25: an item of `expect.failures` must be a mapping");
    check("expect: {}", "s.yaml:4:13: `expect` must say what to look at");
    check("expect: {requests: {writes: none}}", "s.yaml:4:33: `expect.requests.writes`");
}

#[test]
fn a_file_needs_steps_and_one_repository() {
    let found = mistakes("purpose: p\nrepository: {trees: t, git: g}\nsteps: []\n");
    assert_eq!(
        found,
        [
            "s.yaml:2:13: `repository` needs `trees` or `git`, not both",
            "s.yaml:3:8: `steps` must have at least one step",
        ]
    );
    let found = mistakes("purpose: p\nsteps: {}\n");
    assert_eq!(
        found,
        [
            "s.yaml:1:1: `repository` is missing",
            "s.yaml:2:8: `steps` must be a list, but is a mapping",
        ]
    );
    assert_eq!(
        mistakes("purpose: p\nrepository: {trees: t}\nsteps: []\n"),
        ["s.yaml:3:8: `steps` must have at least one step"]
    );
    assert_eq!(mistakes(""), ["s.yaml:1:1: the file is empty"]);
    assert_eq!(mistakes("a: [\n").len(), 1);
}

#[test]
fn steps_for_the_fake_only_are_refused_elsewhere_with_their_line() {
    let steps = ["fault: {operation: GET /x, nth: 1, kind: hang}", "advance: 5s", "operations: ok"];
    for step in steps {
        let text =
            format!("purpose: p\nrepository: {{trees: t}}\nsteps:\n  - apply: v1\n  - {step}\n");
        let script = Script::parse(Path::new("s.yaml"), &text).unwrap();
        let error = script.check_portable("https://osm").unwrap_err();
        assert!(matches!(error, ScriptError::FakeOnly { line: 5, .. }), "{error}");
        assert!(error.to_string().starts_with("s.yaml:5: the step `"), "{error}");
    }
}
