//! What is declared no more is removed: over several passes, by its mark, and never too much.

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::observe::{Lists, observe};
use osmops::plan::Verdict;
use osmops::reconcile::{PassOptions, pass, read_and_plan};
use osmops::report::{ItemStatus, PassEnd, PassReport};
use osmops::revision::Revision;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, detail, instance, nsd, revision, vnfd};

const PRUNE: &str = "owner: team-a\nprune: true\n";

fn demo() -> Demo {
    Demo { config: PRUNE, ..Demo::default() }
}

/// The demo, and beside it packages and an instance of another name.
fn demo_and_more() -> Vec<(String, String)> {
    let mut files = demo().files();
    files.push(vnfd("extra_knf", "ldap", "1"));
    files.push(nsd("extra_ns", "extra_knf", "openldap", "1"));
    files.push(instance("extra", "extra_ns", "a: 1"));
    files
}

async fn world_with(files: &[(String, String)]) -> World {
    let world = World::new(Profile::realistic());
    let report = world.converge(&revision("before", files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    world
}

fn names(world: &World, collection: Collection) -> Vec<String> {
    let key = if collection == Collection::NsInstances { "name" } else { "id" };
    let records = world.osm.records(collection);
    let mut names: Vec<String> =
        records.iter().map(|r| r[key].as_str().unwrap_or("-").to_owned()).collect();
    names.sort();
    names
}

fn everything(world: &World) -> Vec<String> {
    [Collection::VnfPackages, Collection::NsDescriptors, Collection::NsInstances]
        .into_iter()
        .flat_map(|collection| names(world, collection))
        .collect()
}

fn did(report: &PassReport) -> Vec<String> {
    report.changes.iter().map(|change| format!("{}: {}", change.item, change.what)).collect()
}

async fn one_pass(world: &World, revision: &Revision) -> PassReport {
    let (options, stop) = (PassOptions::default(), CancellationToken::new());
    pass(&world.client(), revision, &options, &stop, &mut ()).await
}

#[tokio::test(start_paused = true)]
async fn an_instance_goes_first_then_its_nsd_and_then_its_vnfd() {
    let world = world_with(&demo_and_more()).await;
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(
        did(&report),
        ["NS extra: termination started", "NSD extra_ns: deleted", "VNFD extra_knf: deleted"]
    );
    assert_eq!(everything(&world), ["openldap_knf", "openldap_ns", "ldap"]);
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_pass_never_waits_and_says_what_a_removal_waits_for() {
    let world = world_with(&demo_and_more()).await;
    let first = one_pass(&world, &demo().revision()).await;
    assert_eq!(detail(&first, "NS extra").0, ItemStatus::Started);
    for item in ["NSD extra_ns", "VNFD extra_knf"] {
        let (status, text) = detail(&first, item);
        assert_eq!(status, ItemStatus::Waiting, "{item}");
        assert!(text.contains("once nothing uses it (now") && text.contains("NS extra"), "{text}");
    }
    let mark = world.osm.journal_len();
    let second = one_pass(&world, &demo().revision()).await;
    assert_eq!(detail(&second, "NS extra").0, ItemStatus::AtWork);
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "it is not terminated twice");
}

#[tokio::test(start_paused = true)]
async fn without_prune_what_is_declared_no_more_stays() {
    let world = world_with(&demo_and_more()).await;
    let mark = world.osm.journal_len();
    let kept = Demo { config: "owner: team-a\n", ..Demo::default() };
    assert_eq!(world.converge(&kept.revision()).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_never_instantiated_is_deleted_with_its_packages_in_one_pass() {
    let world = world_with(&demo_and_more()[..6]).await;
    let records = world.osm.records(Collection::NsDescriptors);
    let nsd = records.iter().find(|nsd| nsd["id"] == "extra_ns").unwrap()["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({
        "nsName": "extra", "nsdId": nsd, "vimAccountId": vim,
        "additionalParamsForNs": { "osmops_owner": "team-a" },
    });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let report = one_pass(&world, &demo().revision()).await;
    assert_eq!(
        did(&report),
        ["NS extra: deleted", "NSD extra_ns: deleted", "VNFD extra_knf: deleted"]
    );
    assert_eq!(everything(&world), ["openldap_knf", "openldap_ns", "ldap"]);
}

#[tokio::test(start_paused = true)]
async fn what_others_made_stays_whatever_its_name() {
    let world = world_with(&demo_and_more()[..6]).await;
    world.instance_by_hand("extra", "openldap_ns", Some("team-b"), json!({})).await;
    world.instance_by_hand("extra", "openldap_ns", None, json!({})).await;
    let (_, text) = vnfd("theirs_knf", "ldap", "1");
    let body: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    world.by_hand("POST", "/osm/vnfpkgm/v1/vnf_packages_content", body).await;
    let theirs = vec![config("owner: team-b\n"), vnfd("b_knf", "ldap", "1")];
    world.converge(&revision("theirs", &theirs)).await;
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(
        everything(&world),
        ["b_knf", "openldap_knf", "theirs_knf", "openldap_ns", "extra", "extra", "ldap"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_package_that_somebody_uses_stays_and_it_is_said_who_does() {
    let world = world_with(&demo_and_more()[..6]).await;
    let ns = world.instance_by_hand("theirs", "extra_ns", Some("team-b"), json!({})).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NSD extra_ns");
    let user = format!("used by NS theirs ({ns}, of owner `team-b`, not made by this repository)");
    assert!(text.contains(&user), "{text}");
    let (_, text) = detail(&report, "VNFD extra_knf");
    assert!(text.contains(&user) && text.contains("NSD extra_ns"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    world.by_hand("DELETE", &format!("/osm/nslcm/v1/ns_instances_content/{ns}"), json!({})).await;
    world.osm.advance(std::time::Duration::from_secs(3600));
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(everything(&world), ["openldap_knf", "openldap_ns", "ldap"]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_a_name_that_no_file_can_have_keeps_its_packages() {
    let world = world_with(&demo_and_more()[..6]).await;
    let ns = world.instance_by_hand("a\tname", "extra_ns", None, json!({})).await;
    let report = world.converge(&demo().revision()).await;
    let (_, text) = detail(&report, "NSD extra_ns");
    assert!(text.contains(&format!("used by the NS instance {ns}")), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_vnfd_goes_once_the_declared_nsd_names_it_no_more() {
    let mut files = demo().files();
    files.push(vnfd("old_knf", "ldap", "1"));
    files.push(nsd("more_ns", "old_knf", "openldap", "1"));
    let world = world_with(&files).await;
    files.truncate(4);
    files.push(vnfd("new_knf", "ldap", "1"));
    files.push(nsd("more_ns", "new_knf", "openldap", "2"));
    let plan = read_and_plan(&world.client(), &revision("next", &files).desired).await.unwrap();
    let text = osmops::plan::render(&plan);
    assert!(
        text.contains("… VNFD old_knf: to be removed once nothing uses it (now NSD more_ns)"),
        "{text}"
    );
    let report = world.converge(&revision("next", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(
        did(&report),
        ["VNFD new_knf: created", "NSD more_ns: updated", "VNFD old_knf: deleted"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_while_a_part_of_the_revision_is_broken_or_was_left_out() {
    let world = world_with(&demo_and_more()).await;
    let mark = world.osm.journal_len();
    let mut files = demo().files();
    files.push(("ns/extra.ops.yaml".to_owned(), "kind: NsInstance\nname: extra\n".to_owned()));
    let broken = revision("broken", &files);
    let report = world.converge(&broken).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let notes: Vec<String> = report.notes.iter().map(ToString::to_string).collect();
    assert!(notes[0].contains("VNFD extra_knf, NSD extra_ns, NS extra"), "{notes:?}");
    let mut linked = demo().revision();
    linked.desired.is_complete = false;
    assert_eq!(world.converge(&linked).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_declares_nothing_removes_nothing_unless_told() {
    let world = world_with(&demo().files()).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&revision("empty", &[config(PRUNE)])).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS ldap");
    assert!(
        text.contains("osm_ops_config.yaml:4:8: not removed, because everything would go: 3 of 3")
    );
    assert!(text.contains("--allow-large-prune"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    let told = [config("owner: team-a\nprune: true\nallowLargePrune: true\n")];
    assert_eq!(world.converge(&revision("empty", &told)).await.end, PassEnd::Converged);
    assert_eq!(everything(&world), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_ten_instances_are_not_removed_unless_told() {
    let with = |count: usize| {
        let mut files = Demo { replicas: None, ..demo() }.files();
        files.extend((0..count).map(|n| instance(&format!("i{n}"), "openldap_ns", "a: 1")));
        files
    };
    let world = world_with(&with(10)).await;
    let mark = world.osm.journal_len();
    let mut few = revision("few", &with(4));
    let report = world.converge(&few).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS i9");
    assert!(text.contains("more than half would go: 6 of 10 NS instances"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    few.desired.prune.as_mut().unwrap().allow_large = true;
    assert_eq!(world.converge(&few).await.end, PassEnd::Converged);
    assert_eq!(names(&world, Collection::NsInstances), ["i0", "i1", "i2", "i3"]);
}

#[tokio::test(start_paused = true)]
async fn half_of_ten_instances_are_removed() {
    let with = |count: usize| {
        let mut files = Demo { replicas: None, ..demo() }.files();
        files.extend((0..count).map(|n| instance(&format!("i{n}"), "openldap_ns", "a: 1")));
        files
    };
    let world = world_with(&with(10)).await;
    assert_eq!(world.converge(&revision("half", &with(5))).await.end, PassEnd::Converged);
    assert_eq!(names(&world, Collection::NsInstances).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_nsd_that_is_changed_and_still_names_its_vnfd_keeps_it() {
    let world = world_with(&demo_and_more()[..6]).await;
    let mut files = demo().files();
    files.push(nsd("extra_ns", "extra_knf", "openldap", "2"));
    let report = one_pass(&world, &revision("named", &files)).await;
    assert_eq!(detail(&report, "NSD extra_ns").0, ItemStatus::Written);
    let (status, text) = detail(&report, "VNFD extra_knf");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("still used by NSD extra_ns; it is deleted once"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn of_fewer_than_ten_items_more_than_half_are_removed() {
    let with = |count: usize| {
        let mut files = Demo { replicas: None, ..demo() }.files();
        files.extend((0..count).map(|n| instance(&format!("i{n}"), "openldap_ns", "a: 1")));
        files
    };
    let world = world_with(&with(5)).await;
    let report = world.converge(&revision("one", &with(1))).await;
    assert_eq!(report.end, PassEnd::Converged, "four of seven go: {report:#?}");
    assert_eq!(names(&world, Collection::NsInstances), ["i0"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_termination_is_tried_again_and_then_told_in_osms_words() {
    let fails = |nth| Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/terminate".to_owned(),
        nth,
        kind: FaultKind::OperationFails { detail: "helm: release is locked".to_owned() },
    };
    let world = world_with(&demo_and_more()).await;
    world.osm.inject(fails(1));
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "the second try: {report:#?}");
    assert_eq!(everything(&world), ["openldap_knf", "openldap_ns", "ldap"]);

    let world = world_with(&demo_and_more()).await;
    (1..=9).for_each(|nth| world.osm.inject(fails(nth)));
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS extra");
    assert!(
        text.contains("all 3 attempts at the termination failed")
            && text.contains("release is locked"),
        "{text}"
    );
    let (_, text) = detail(&report, "NSD extra_ns");
    assert!(text.contains("still used by NS extra; it is deleted once"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_osm_refuses_to_delete_stays_on_the_list_for_the_next_pass() {
    let world = world_with(&demo_and_more()[..6]).await;
    world.osm.inject(Fault {
        operation: "DELETE /nsd/v1/ns_descriptors/{id}".to_owned(),
        nth: 1,
        kind: FaultKind::Status {
            status: 409,
            body: Some("There is at least one NS instance using this descriptor".to_owned()),
            retry_after: None,
        },
    });
    let report = world.converge(&demo().revision()).await;
    let (status, text) = detail(&report, "NSD extra_ns");
    assert_eq!(status, ItemStatus::Failed);
    assert!(text.contains("There is at least one NS instance"), "{text}");
    assert_eq!(detail(&report, "VNFD extra_knf").0, ItemStatus::Skipped);
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(everything(&world), ["openldap_knf", "openldap_ns", "ldap"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_of_ours_with_one_name_the_newer_goes() {
    let world = world_with(&demo().files()).await;
    let oldest = world.instance("ldap")["_id"].clone();
    world.instance_by_hand("ldap", "openldap_ns", Some("team-a"), json!({})).await;
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(world.instance("ldap")["_id"], oldest);
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_of_ours_with_one_name_the_one_that_runs_stays_though_it_is_newer() {
    let world = world_with(&demo().files()).await;
    let oldest = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nslcm/v1/ns_instances/{oldest}/terminate");
    world.by_hand("POST", &path, json!({ "autoremove": false })).await;
    world.osm.advance(std::time::Duration::from_secs(600));
    let newer = world.instance_by_hand("ldap", "openldap_ns", Some("team-a"), json!({})).await;
    world.osm.advance(std::time::Duration::from_secs(600));
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(world.instance("ldap")["_id"], newer.as_str());
}

#[tokio::test(start_paused = true)]
async fn prune_needs_an_owner() {
    let revision = revision("r", &[config("prune: true\n")]);
    let problems: Vec<String> = revision.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["osm_ops_config.yaml:3:8: `prune` needs `owner`: only what bears its mark is removed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_would_be_removed_and_removes_nothing() {
    let world = world_with(&demo_and_more()).await;
    let mark = world.osm.journal_len();
    let plan = read_and_plan(&world.client(), &demo().revision().desired).await.unwrap();
    let text = osmops::plan::render(&plan);
    assert!(text.contains("- NS extra: terminate"), "{text}");
    assert!(text.contains(
        "osm_ops_config.yaml:4:8: bears this repository's mark, and is declared no more"
    ));
    assert!(text.contains("3 to remove (2 of them once nothing uses them), 3 unchanged"), "{text}");
    let waiting = plan.entries.iter().filter(|e| matches!(e.verdict, Verdict::Waiting { .. }));
    assert_eq!(waiting.count(), 2);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_gone_before_it_is_deleted_is_done() {
    let world = world_with(&demo_and_more()).await;
    let ns = world.instance("extra")["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nslcm/v1/ns_instances/{ns}/terminate");
    world.by_hand("POST", &path, json!({ "autoremove": false })).await;
    world.osm.advance(std::time::Duration::from_secs(600));
    world.osm.inject(Fault {
        operation: "DELETE /nslcm/v1/ns_instances/{id}".to_owned(),
        nth: 1,
        kind: FaultKind::Delete,
    });
    let report = one_pass(&world, &demo().revision()).await;
    assert_eq!(
        did(&report),
        ["NS extra: deleted", "NSD extra_ns: deleted", "VNFD extra_knf: deleted"]
    );
    assert!(!report.has_failures(), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_osm_is_about_to_remove_is_left_to_it_for_a_minute() {
    let world = World::new(Profile::instant());
    world.converge(&demo().revision()).await;
    let ns = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nslcm/v1/ns_instances/{ns}/terminate");
    world.by_hand("POST", &path, json!({ "autoremove": false })).await;
    let anyone = vec![config(&format!("{PRUNE}allowLargePrune: true\n"))];
    for revision in [demo().revision(), revision("none", &anyone)] {
        let desired = &revision.desired;
        let mut observed = observe(&world.client(), &Lists::Own, desired).await.unwrap();
        let planned = |observed: &_| osmops::plan::render(&osmops::plan::plan(desired, observed));
        let text = planned(&observed);
        assert!(!text.contains("… NS ldap"), "{text}");
        // As OSM's records are when it has terminated the instance, and has not yet removed it.
        let history = observed.instances[0].history.as_mut().unwrap();
        let last = history.last_mut().unwrap();
        assert!(last.kind == osmops::observed::OpKind::Terminate && !last.removes);
        last.removes = true;
        let text = planned(&observed);
        assert!(text.contains("… NS ldap: terminated (operation "), "{text}");
        assert!(!text.contains("NS ldap: delete") && !text.contains("NS ldap: inst"), "{text}");
        observed.read_at = observed.read_at.plus(std::time::Duration::from_secs(62));
        let text = planned(&observed);
        assert!(!text.contains("… NS ldap"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_termination_tells_whether_the_record_goes_with_it() {
    let world = World::new(Profile::instant());
    world.converge(&demo().revision()).await;
    let ns = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    world.operations_mode("manual").await;
    let path = format!("/osm/nslcm/v1/ns_instances/{ns}/terminate");
    world.by_hand("POST", &path, json!({ "autoremove": true })).await;
    let desired = demo().revision().desired;
    let observed = observe(&world.client(), &Lists::Own, &desired).await.unwrap();
    assert!(observed.instances[0].history.as_ref().unwrap().last().unwrap().removes);
}

#[tokio::test(start_paused = true)]
async fn going_back_to_an_earlier_commit_brings_back_what_it_declared_and_no_more() {
    let world = world_with(&demo_and_more()).await;
    let before = everything(&world);
    let mut next = Demo { version: "2", replicas: Some("3"), ..demo() }.files();
    next.push(vnfd("later_knf", "ldap", "1"));
    next.push(nsd("later_ns", "later_knf", "openldap", "1"));
    next.push(instance("later", "later_ns", "a: 1"));
    for (files, expected) in [
        (&next, vec!["later_knf", "openldap_knf", "later_ns", "openldap_ns", "later", "ldap"]),
        (&demo_and_more(), before.iter().map(String::as_str).collect()),
    ] {
        let report = world.converge(&revision("r", files)).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        assert_eq!(everything(&world), expected);
    }
    assert!(world.packages().iter().all(|package| package["version"] != "2"));
    let kdu = world.instance("ldap")["_admin"]["deployed"]["K8s"][0].to_string();
    assert!(kdu.contains("'replicaCount': '1'"), "{kdu}");
    let mark = world.osm.journal_len();
    world.converge(&revision("r", &demo_and_more())).await;
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn more_than_half_of_all_items_are_not_removed_unless_told_whatever_their_kind() {
    let with = |packages: usize| {
        let mut files = Demo { replicas: None, ..demo() }.files();
        files.extend((0..5).map(|n| instance(&format!("i{n}"), "openldap_ns", "a: 1")));
        for n in 0..packages {
            files.push(vnfd(&format!("v{n}"), "ldap", "1"));
            files.push(nsd(&format!("n{n}"), &format!("v{n}"), "openldap", "1"));
        }
        files
    };
    let world = world_with(&with(4)).await;
    let report = world.converge(&revision("few", &with(0))).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "VNFD v3");
    assert!(text.contains("more than half would go: 8 of 15 items"), "{text}");
    assert_eq!(world.converge(&revision("half", &with(1))).await.end, PassEnd::Converged);
}
