//! What keeps a removal from being planned, sent twice or repeated for ever.

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::reconcile::{PassOptions, pass};
use osmops::report::{ItemStatus, PassEnd, PassReport};
use osmops::revision::Revision;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, detail, instance, nsd, revision, vnfd};

const PRUNE: &str = "owner: team-a\nprune: true\n";
const TERMINATE: &str = "POST /nslcm/v1/ns_instances/{id}/terminate";

fn demo() -> Demo {
    Demo { config: PRUNE, ..Demo::default() }
}

/// The demo with an instance of another NSD, and what that is made of.
fn demo_and_more() -> Vec<(String, String)> {
    let mut files = demo().files();
    files.push(vnfd("extra_knf", "ldap", "1"));
    files.push(nsd("extra_ns", "extra_knf", "openldap", "1"));
    files.push(instance("extra", "extra_ns", "a: 1"));
    files
}

async fn world_with(profile: Profile, files: &[(String, String)]) -> World {
    let world = World::new(profile);
    let report = world.converge(&revision("before", files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    world
}

async fn one_pass(world: &World, revision: &Revision) -> PassReport {
    let (options, stop) = (PassOptions::default(), CancellationToken::new());
    pass(&world.client(), revision, &options, &stop, &mut ()).await
}

fn terminations(world: &World, mark: usize) -> usize {
    world.writes_since(mark).iter().filter(|line| line.ends_with("/terminate")).count()
}

#[tokio::test(start_paused = true)]
async fn an_nsd_stays_that_a_declared_instance_is_yet_to_be_made_of() {
    let mut files = demo_and_more();
    let extra = files.pop().unwrap();
    let world = world_with(Profile::instant(), &files).await;
    let mark = world.osm.journal_len();
    let mut next = demo().files();
    next.push(extra);
    let report = world.converge(&revision("next", &next)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert_eq!(detail(&report, "NS extra").0, ItemStatus::Current);
    for (item, user) in [("NSD extra_ns", "NS extra"), ("VNFD extra_knf", "NSD extra_ns")] {
        let (status, text) = detail(&report, item);
        assert_eq!(status, ItemStatus::Blocked);
        assert!(text.contains("still used by") && text.contains(user), "{text}");
    }
    let writes = world.writes_since(mark);
    assert!(writes.iter().all(|line| !line.starts_with("DELETE")), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_vnfd_stays_that_a_declared_nsd_names() {
    let mut files = demo_and_more();
    files.truncate(5);
    let world = world_with(Profile::instant(), &files).await;
    let mark = world.osm.journal_len();
    let mut next = demo().files();
    next.push(nsd("extra_ns", "extra_knf", "openldap", "1"));
    let report = world.converge(&revision("next", &next)).await;
    assert_eq!(detail(&report, "NSD extra_ns").0, ItemStatus::Current);
    let (status, text) = detail(&report, "VNFD extra_knf");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("still used by NSD extra_ns"), "{text}");
    let writes = world.writes_since(mark);
    assert!(writes.iter().all(|line| !line.starts_with("DELETE")), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_termination_that_osm_refuses_is_sent_once_and_stalls() {
    let world = world_with(Profile::realistic(), &demo_and_more()).await;
    for nth in 1..=50 {
        let body = Some("not allowed".to_owned());
        let kind = FaultKind::Status { status: 422, body, retry_after: None };
        world.osm.inject(Fault { operation: TERMINATE.to_owned(), nth, kind });
    }
    let mark = world.osm.journal_len();
    let report = world.converge(&demo().revision()).await;
    assert_eq!(report.end, PassEnd::Stalled, "{report:#?}");
    assert_eq!(detail(&report, "NS extra").0, ItemStatus::Failed);
    assert_eq!(detail(&report, "NSD extra_ns").0, ItemStatus::Waiting);
    assert_eq!(terminations(&world, mark), 1);
}

#[tokio::test(start_paused = true)]
async fn while_a_termination_waits_for_its_next_attempt_osm_is_not_read_again_and_again() {
    let more = "owner: team-a\nprune: true\nretry: {backoff: 1h}\n";
    let slow = Demo { config: more, ..Demo::default() };
    let world = world_with(Profile::realistic(), &demo_and_more()).await;
    let kind = FaultKind::OperationFails { detail: "helm: locked".to_owned() };
    world.osm.inject(Fault { operation: TERMINATE.to_owned(), nth: 1, kind });
    let first = one_pass(&world, &slow.revision()).await;
    assert_eq!(detail(&first, "NS extra").0, ItemStatus::Started);
    world.osm.advance(std::time::Duration::from_secs(300));
    let mark = world.osm.journal_len();
    let report = world.converge(&slow.revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let sent = world.sent_since(mark);
    let readings = sent.iter().filter(|line| line.ends_with("/vnf_packages")).count();
    assert!(readings <= 8, "{readings} readings in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_termination_that_is_queued_is_not_sent_again() {
    let world = world_with(Profile::realistic(), &demo_and_more()).await;
    world.instance_by_hand("ldap", "openldap_ns", Some("team-a"), json!({})).await;
    world.osm.advance(std::time::Duration::from_secs(3600));
    world.operations_mode("off").await;
    let mark = world.osm.journal_len();
    let first = one_pass(&world, &demo().revision()).await;
    for item in ["NS extra", "NS ldap"] {
        assert_eq!(detail(&first, item).0, ItemStatus::Started, "{item}");
    }
    assert_eq!(terminations(&world, mark), 2, "what is declared no more, and what was made twice");
    let second = one_pass(&world, &demo().revision()).await;
    for item in ["NS extra", "NS ldap"] {
        assert_eq!(detail(&second, item).0, ItemStatus::AtWork, "{item}");
    }
    assert_eq!(terminations(&world, mark), 2, "{:?}", world.writes_since(mark));
}

#[tokio::test(start_paused = true)]
async fn a_termination_to_make_an_instance_anew_is_not_sent_again_while_it_is_queued() {
    let world = world_with(Profile::realistic(), &demo_and_more()).await;
    world.operations_mode("off").await;
    let mark = world.osm.journal_len();
    let mut files = demo_and_more();
    let (path, text) = instance("extra", "openldap_ns", "a: 1");
    *files.last_mut().unwrap() = (path, text + "recreate: true\n");
    let anew = revision("anew", &files);
    assert_eq!(detail(&one_pass(&world, &anew).await, "NS extra").0, ItemStatus::Started);
    assert_eq!(detail(&one_pass(&world, &anew).await, "NS extra").0, ItemStatus::AtWork);
    assert_eq!(terminations(&world, mark), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_instances_are_not_removed_unless_told_though_packages_stay() {
    let mut files = Demo { replicas: None, ..demo() }.files();
    files.extend((0..3).map(|n| instance(&format!("i{n}"), "openldap_ns", "a: 1")));
    let world = world_with(Profile::instant(), &files).await;
    let mark = world.osm.journal_len();
    // As of wrong `fileExtensions`: the packages are found, the documents are not.
    files.truncate(3);
    let report = world.converge(&revision("without", &files)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS i2");
    assert!(text.contains("everything would go: 3 of 3 NS instances"), "{text}");
    assert!(text.contains("--allow-large-prune"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    files[0] = config("owner: team-a\nprune: true\nallowLargePrune: true\n");
    assert_eq!(world.converge(&revision("without", &files)).await.end, PassEnd::Converged);
    assert_eq!(world.osm.records(Collection::NsInstances).len(), 0);
}
