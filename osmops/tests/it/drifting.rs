//! What someone changes in OSM after it was applied: told, and repaired or only reported.

use mock_nbi::{Collection, Profile};
use osmops::desired::Drift;
use osmops::plan::render;
use osmops::reconcile::read_and_plan;
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use serde_json::json;

use crate::world::{Demo, World, detail, instance, nsd, revision, vnfd};

fn demo() -> Demo {
    Demo { replicas: Some("5"), ..Demo::default() }
}

async fn applied() -> World {
    let world = World::new(Profile::instant());
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    world
}

/// `now`, with only a report of what differs from `then`.
fn reporting(now: Revision, then: &Revision) -> Revision {
    let mut now = now;
    now.desired.drift = Drift::Report { applied: Box::new(then.desired.clone()) };
    now
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_by_hand_is_told_with_its_operation_and_repaired() {
    let world = applied().await;
    let operation = world.upgrade_by_hand("2").await;
    let plan = read_and_plan(&world.client(), &demo().revision().desired).await.unwrap();
    let text = render(&plan);
    let told = format!("replicaCount: \"2\" → \"5\" (\"2\" was set by operation {operation} of 20");
    assert!(text.contains("ns/ldap.ops.yaml:10:5: ") && text.contains(&told), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_changes_a_value_is_not_taken_for_somebodys_doing() {
    let world = applied().await;
    let next = Demo { replicas: Some("6"), ..demo() }.revision();
    let plan = read_and_plan(&world.client(), &next.desired).await.unwrap();
    assert!(!render(&plan).contains("set by operation"), "{}", render(&plan));
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_is_left_as_it_is() {
    let world = applied().await;
    world.upgrade_by_hand("2").await;
    let mark = world.osm.journal_len();
    let same = demo().revision();
    let reported = reporting(demo().revision(), &same);
    let plan = render(&read_and_plan(&world.client(), &reported.desired).await.unwrap());
    assert!(plan.contains("! NS ldap: drifted, and left so\n"), "{plan}");
    let report = world.converge(&reported).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("changed in OSM after it was applied"), "{text}");
    assert!(text.contains("replicaCount: \"2\" → \"5\""), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_applied_where_it_changes_something_while_drift_elsewhere_is_only_reported() {
    let world = applied().await;
    world.upgrade_by_hand("2").await;
    let mut files = demo().files();
    files.push(vnfd("other_knf", "ldap", "1"));
    files.push(nsd("other_ns", "other_knf", "openldap", "1"));
    files.push(instance("other", "other_ns", "a: 1"));
    let next = reporting(revision("next", &files), &demo().revision());
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert_eq!(detail(&report, "NS other").0, ItemStatus::Current);
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Blocked);

    // The declaration that drifted is itself changed: that is a commit's doing, and is applied.
    let mut changed = Demo { replicas: Some("7"), ..demo() }.files();
    changed.extend(files.split_off(4));
    let next = reporting(revision("changed", &changed), &demo().revision());
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_through_osm_is_made_again_or_only_reported() {
    let world = applied().await;
    let id = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    world.by_hand("DELETE", &format!("/osm/nslcm/v1/ns_instances_content/{id}"), json!({})).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    world.by_hand("DELETE", &format!("/osm/nsd/v1/ns_descriptors/{nsd}"), json!({})).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&reporting(demo().revision(), &demo().revision())).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NSD openldap_ns");
    assert!(text.contains("deleted in OSM after it was applied"), "{text}");
    assert!(text.ends_with("drift is only reported; a repair would create"), "{text}");
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Blocked);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(world.instance("ldap")["operational-status"], "running");
}

#[tokio::test(start_paused = true)]
async fn a_descriptor_that_was_edited_is_told_with_the_time_and_repaired_or_only_reported() {
    let world = applied().await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nsd/v1/ns_descriptors/{nsd}");
    world.by_hand("PATCH", &path, json!({ "designer": "somebody" })).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&reporting(demo().revision(), &demo().revision())).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NSD openldap_ns");
    assert!(text.contains("someone changed the descriptor in OSM, last at 20"), "{text}");
    assert!(text.contains("designer: \"somebody\" → \"us\""), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    assert_eq!(world.converge(&demo().revision()).await.end, PassEnd::Converged);
    assert_eq!(world.osm.records(Collection::NsDescriptors)[0]["designer"], "us");
}
