//! `dependsOn`: an instance is made when those that it needs run as declared.

use mock_nbi::{Fault, FaultKind, Profile};
use osmops::reconcile::{PassOptions, pass};
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, detail, instance, revision};

/// Instances of the demo's NSD, each with what it depends on.
fn chain(config: &'static str, instances: &[(&str, &[&str])]) -> Revision {
    let mut files = Demo { replicas: None, config, ..Demo::default() }.files();
    for (name, needs) in instances {
        let (path, text) = instance(name, "openldap_ns", "replicaCount: 1");
        files.push((path, format!("{text}dependsOn: [{}]\n", needs.join(", "))));
    }
    revision("chain", &files)
}

#[tokio::test(start_paused = true)]
async fn instances_are_made_in_the_order_of_their_dependencies() {
    let world = World::new(Profile::realistic());
    let chain = chain("", &[("app", &["db", "cache"]), ("cache", &["db"]), ("db", &[])]);
    let report = world.converge(&chain).await;
    assert_eq!(report.end, PassEnd::Converged);
    let made: Vec<String> = report.changes.iter().map(|change| change.item.to_string()).collect();
    assert_eq!(made[2..], ["NS db", "NS cache", "NS app"]);
    assert_eq!(world.converge(&chain).await.requests.write, 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_says_so_and_is_not_made_before_it_runs() {
    let world = World::new(Profile::manual());
    let chain = chain("", &[("app", &["db"]), ("db", &[])]);
    let stop = CancellationToken::new();
    for _ in 0..2 {
        let report = pass(&world.client(), &chain, &PassOptions::default(), &stop, &mut ()).await;
        assert!(matches!(report.end, PassEnd::Waiting { .. }), "{report:#?}");
        let (status, text) = detail(&report, "NS app");
        assert_eq!(status, ItemStatus::Waiting);
        assert_eq!(text, "ns/app.ops.yaml:11:13: waits until NS db runs as declared");
    }
    world.osm.end_operations(mock_nbi::OperationResult::Ok);
    let report = pass(&world.client(), &chain, &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(detail(&report, "NS app").0, ItemStatus::Started);
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_failed_instance_is_blocked_and_its_neighbours_are_not() {
    let world = World::new(Profile::instant());
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "no".to_owned() },
    });
    let chain = chain(
        "retry: {attempts: 1}\n",
        &[("a", &[]), ("app", &["a"]), ("other", &[]), ("top", &["other"])],
    );
    let report = world.converge(&chain).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "NS app");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("needs NS a, which is blocked itself"), "{text}");
    assert_eq!(detail(&report, "NS top").0, ItemStatus::Current);
}

#[test]
fn circles_and_unknown_names_are_problems_with_their_place_and_stop_nobody_else() {
    let chain = chain(
        "",
        &[
            ("a", &["c"]),
            ("b", &["a"]),
            ("c", &["b"]),
            ("d", &["nowhere"]),
            ("e", &["a"]),
            ("f", &["f"]),
            ("g", &[]),
        ],
    );
    let problems: Vec<String> = chain.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "ns/b.ops.yaml:11:13: `dependsOn` goes round in a circle: a → c → b → a",
            "ns/d.ops.yaml:11:13: no NS instance `nowhere` is declared in this repository",
            "ns/f.ops.yaml:11:13: `dependsOn` goes round in a circle: f → f",
        ]
    );
    let healthy: Vec<&str> =
        chain.desired.instances.iter().map(|instance| instance.name.as_str()).collect();
    assert_eq!(healthy, ["e", "g"]);
}

#[tokio::test(start_paused = true)]
async fn what_depends_on_a_mistaken_declaration_is_not_made() {
    let world = World::new(Profile::instant());
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    let (path, text) = instance("db", "openldap_ns", "a: 1");
    files.push((path, text.replace("name: ldap", "name: ldpa")));
    let (path, text) = instance("app", "openldap_ns", "a: 1");
    files.push((path, format!("{text}dependsOn: [db]\n")));
    let report = world.converge(&revision("r", &files)).await;
    let (_, text) = detail(&report, "NS app");
    assert!(text.contains("needs NS db, whose declaration has a mistake"), "{text}");
}
