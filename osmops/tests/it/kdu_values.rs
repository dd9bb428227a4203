//! Helm values and charts: what is declared no more, what is odd, and what OSM makes of it.

use mock_nbi::{MockNbi, Profile, Release, Seed};
use osmops::observe::{Lists, observe};
use osmops::report::{ItemStatus, PassEnd, PassReport};
use osmops::revision::Revision;
use serde_json::{Map, Value};

use crate::world::{Demo, World, detail, instance, revision};

const SEED: &str = "\
vim_accounts: [{name: mylocation1}]
k8s_clusters: [{name: kube1, vim_account: mylocation1}]
";

fn world(release: Release) -> World {
    let builder = MockNbi::builder().release(release).profile(Profile::instant());
    World { osm: builder.seed(Seed::from_yaml(SEED, "seed").unwrap()).build().unwrap() }
}

/// The demo with these lines under `kdu:`.
fn demo(kdu: &str) -> Revision {
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    // Release 19 takes no versions of charts in descriptors.
    files[1].1 = files[1].1.replace(":1.0.0", "");
    let (path, text) = instance("ldap", "openldap_ns", "@");
    files.push((path, text.replace("  params:\n    @\n", kdu)));
    let revision = revision("values", &files);
    assert_eq!(revision.problems, []);
    revision
}

/// The values in effect, as helm tells them.
fn in_effect(world: &World) -> String {
    let record = world.instance("ldap");
    let status = record["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str().unwrap();
    let (config, _) = status.split_once(", 'info': ").unwrap();
    config.trim_start_matches("{'config': ").to_owned()
}

fn last_upgrade(world: &World) -> Value {
    let operations = world.osm.records(mock_nbi::Collection::Operations);
    let params = &operations.last().unwrap()["operationParams"]["primitive_params"];
    match params {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        other => other.clone(),
    }
}

fn notes(report: &PassReport) -> Vec<String> {
    report.items.iter().flat_map(|item| &item.notes).map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn a_dropped_parameter_is_taken_back_where_osm_can_and_does_not_return() {
    let world = world(Release::R19);
    world.converge(&demo("  params: {a: 1, b: 2, c: {d: 3, e: 4}}\n")).await;
    let mark = world.osm.journal_len();
    let dropped = demo("  params: {a: 1, c: {e: 4}}\n");
    let plan = osmops::reconcile::read_and_plan(&world.client(), &dropped.desired).await.unwrap();
    let text = osmops::plan::render(&plan);
    assert!(text.contains("ns/ldap.ops.yaml:8:9: b: 2 → removed (not declared)"), "{text}");
    assert!(text.contains("ns/ldap.ops.yaml:8:9: c.d: 3 → removed (not declared)"), "{text}");
    assert_eq!(world.converge(&dropped).await.end, PassEnd::Converged);
    assert_eq!(in_effect(&world), "{'a': 1, 'c': {'e': 4}}");
    // OSM lays an upgrade over the values of the instantiation, where `b` still is.
    let report = world.converge(&demo("  params: {a: 5, c: {e: 4}}\n")).await;
    assert_eq!((report.end, notes(&report)), (PassEnd::Converged, Vec::new()));
    assert_eq!(in_effect(&world), "{'a': 5, 'c': {'e': 4}}");
    assert_eq!(world.writes_since(mark).len(), 2);
    assert_eq!(world.converge(&demo("  params: {a: 5, c: {e: 4}}\n")).await.requests.write, 0);
    // All of them dropped: the chart's own values alone.
    assert_eq!(world.converge(&demo("")).await.end, PassEnd::Converged);
    assert_eq!(world.converge(&demo("")).await.requests.write, 0);
}

#[tokio::test(start_paused = true)]
async fn values_are_reset_only_where_one_of_them_is_to_go() {
    let world = world(Release::R19);
    world.converge(&demo("  params: {a: 1}\n")).await;
    for kdu in ["  params: {a: 2}\n", "  params: {a: 2, b: 3}\n"] {
        assert_eq!(world.converge(&demo(kdu)).await.end, PassEnd::Converged);
        assert_eq!(last_upgrade(&world).get("kdu_reset_values"), None, "{kdu}");
    }
    // It came with an upgrade, so it would not come back by itself.
    assert_eq!(world.converge(&demo("  params: {a: 2}\n")).await.end, PassEnd::Converged);
    assert_eq!(last_upgrade(&world)["kdu_reset_values"], "true");
    assert_eq!(in_effect(&world), "{'a': 2}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_parameter_that_osm_cannot_take_back_is_told_and_no_difference() {
    let world = world(Release::R10);
    world.converge(&demo("  params: {a: 1, b: 2, adminPassword: hunter2}\n")).await;
    let dropped = demo("  params: {a: 1}\n");
    for _ in 0..2 {
        let report = world.converge(&dropped).await;
        assert_eq!((report.end, report.requests.write), (PassEnd::Converged, 0));
        let notes = notes(&report);
        let text =
            "ns/ldap.ops.yaml:8:9: in effect, though not declared: b: 2, adminPassword: \"***\"";
        assert!(notes.len() == 1 && notes[0].starts_with(text), "{notes:?}");
    }
    // A difference is brought about all the same.
    let report = world.converge(&demo("  params: {a: 3}\n")).await;
    assert_eq!((report.end, report.requests.write), (PassEnd::Converged, 1));
}

#[tokio::test(start_paused = true)]
async fn a_declared_chart_is_upgraded_to_and_read_back_from_what_osm_did() {
    for release in [Release::R10, Release::R19] {
        let world = world(release);
        let first = demo("  model: stable/ldap:1.3.0\n  params: {a: 1}\n");
        assert_eq!(world.converge(&first).await.end, PassEnd::Converged, "{release:?}");
        assert_eq!(last_upgrade(&world)["kdu_model"], "stable/ldap:1.3.0");
        assert_eq!(world.converge(&first).await.requests.write, 0, "{release:?}");
        let next = demo("  model: stable/ldap:1.4.0\n  params: {a: 1}\n");
        let plan = osmops::reconcile::read_and_plan(&world.client(), &next.desired).await.unwrap();
        let text = osmops::plan::render(&plan);
        let line = "ns/ldap.ops.yaml:9:10: model: \"stable/ldap:1.3.0\" → \"stable/ldap:1.4.0\"";
        assert!(text.contains(line), "{text}");
        assert_eq!(world.converge(&next).await.requests.write, 1);
        // An upgrade of a value keeps the chart.
        let value = demo("  model: stable/ldap:1.4.0\n  params: {a: 2}\n");
        assert_eq!(world.converge(&value).await.requests.write, 1);
        assert_eq!(last_upgrade(&world)["kdu_model"], "stable/ldap:1.4.0");
        assert_eq!(world.converge(&value).await.requests.write, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_was_completed_without_effect_is_not_repeated_and_is_named() {
    let world = world(Release::R10);
    world.converge(&demo("  params: {a: 1}\n")).await;
    let upgraded = demo("  params: {a: 2}\n");
    world.converge(&upgraded).await;
    let operations = world.osm.records(mock_nbi::Collection::Operations);
    let upgrade = operations.last().unwrap()["_id"].as_str().unwrap().to_owned();
    // Operations are read where values differ; then helm is made to tell others than it was given.
    let different = demo("  params: {a: 5}\n");
    let mut observed = observe(&world.client(), &Lists::Own, &different.desired).await.unwrap();
    observed.instances[0].kdus[0].values = Some(Map::from_iter([("a".to_owned(), 9.into())]));
    let plan = osmops::plan::plan(&upgraded.desired, &observed);
    let text = osmops::plan::render(&plan);
    assert!(plan.actions.is_empty(), "{text}");
    assert!(text.contains(&format!("OSM completed operation {upgrade} on NS instance")), "{text}");
    assert!(text.contains("others are in effect (ns/ldap.ops.yaml:9:12: a: 9 → 2)"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn odd_values_arrive_and_are_no_difference_afterwards() {
    for release in [Release::R10, Release::R19] {
        let odd = |tag: &str| {
            demo(&format!(
                "  params:\n    image: {{tag: \"{tag}\", list: [1, {{x: y}}]}}\n    nothing: ~\n    \
                 big: 9007199254740993\n    a.b: 1\n    empty: {{}}\n    text: \"!!yaml no\"\n"
            ))
        };
        let world = world(release);
        let report = world.converge(&odd("1")).await;
        assert_eq!(report.end, PassEnd::Converged, "{release:?} {report:#?}");
        assert_eq!(world.converge(&odd("1")).await.requests.write, 0, "{release:?}");
        let report = world.converge(&odd("2")).await;
        assert_eq!((report.end, report.requests.write), (PassEnd::Converged, 1), "{report:#?}");
        assert!(in_effect(&world).contains("'tag': '2'"), "{}", in_effect(&world));
        assert_eq!(world.converge(&odd("2")).await.requests.write, 0, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_degraded_instance_is_upgraded_and_else_reported_in_osms_words() {
    let edit = |state: &str| mock_nbi::Fault {
        operation: "GET /nslcm/v1/ns_instances".to_owned(),
        nth: 1,
        kind: mock_nbi::FaultKind::Edit {
            patch: serde_json::from_value(serde_json::json!({
                "nsState": state, "errorDescription": "machine 3 is down",
            }))
            .unwrap(),
        },
    };
    let world = world(Release::R10);
    world.converge(&demo("  params: {a: 1}\n")).await;
    world.osm.inject(edit("DEGRADED"));
    let report = world.converge(&demo("  params: {a: 1}\n")).await;
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!((report.end, status), (PassEnd::Stalled, ItemStatus::Blocked));
    assert!(text.contains("is DEGRADED: machine 3 is down"), "{text}");
    let report = world.converge(&demo("  params: {a: 2}\n")).await;
    assert_eq!(report.requests.write, 1, "the upgrade may mend it");
    world.osm.inject(edit("FROZEN"));
    let report = world.converge(&demo("  params: {a: 3}\n")).await;
    assert!(detail(&report, "NS ldap").1.contains("`FROZEN`, in which it is left alone"));
    // What broke it was no instantiation and no termination, so it may well run.
    world.osm.inject(edit("BROKEN"));
    let report = world.converge(&demo("  params: {a: 3}\n")).await;
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!((report.end, status), (PassEnd::Stalled, ItemStatus::Blocked), "{report:#?}");
    assert!(text.contains("is BROKEN, though its instantiation was completed"), "{text}");
    assert!(in_effect(&world).contains("'a': 3"), "it is upgraded, and never taken down");
    let takes_down = |line: &String| line.ends_with("/terminate");
    assert!(!world.writes_since(0).iter().any(takes_down), "{:?}", world.writes_since(0));
}
