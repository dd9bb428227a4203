//! What becomes of operations that fail, last too long or whose answers are lost: by the policy, counted
//! from OSM's own history.

use std::time::Duration;

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::reconcile::{PassOptions, pass, read_and_plan};
use osmops::report::{ItemStatus, PassEnd, PassReport};
use osmops::revision::Revision;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, detail, instance, revision};

const CREATE: &str = "POST /nslcm/v1/ns_instances_content";
const INSTANTIATE: &str = "POST /nslcm/v1/ns_instances/{id}/instantiate";
const TERMINATE: &str = "POST /nslcm/v1/ns_instances/{id}/terminate";
const ACTION: &str = "POST /nslcm/v1/ns_instances/{id}/action";

fn inject(world: &World, operation: &str, nth: u32, kind: FaultKind) {
    world.osm.inject(Fault { operation: operation.to_owned(), nth, kind });
}

fn fails() -> FaultKind {
    FaultKind::OperationFails { detail: "helm: timed out".to_owned() }
}

/// What was asked of OSM's life-cycle manager, the last words of the paths.
fn asked(world: &World, mark: usize) -> Vec<String> {
    let writes = world.writes_since(mark).into_iter();
    let word = |line: String| line.rsplit('/').next().unwrap_or_default().to_owned();
    writes.filter(|line| line.contains("/nslcm/")).map(word).collect()
}

async fn one_pass(world: &World, revision: &Revision) -> PassReport {
    pass(&world.client(), revision, &PassOptions::default(), &CancellationToken::new(), &mut ())
        .await
}

#[tokio::test(start_paused = true)]
async fn a_failed_instantiation_is_tried_again_on_the_same_record_after_a_pause() {
    let world = World::new(Profile::instant());
    inject(&world, CREATE, 1, fails());
    inject(&world, INSTANTIATE, 1, fails());
    let demo = Demo::default().revision();
    let began = tokio::time::Instant::now();
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let expected = ["ns_instances_content", "terminate", "instantiate", "terminate", "instantiate"];
    assert_eq!(asked(&world, 0), expected, "the record stays, and its history with it");
    assert_eq!(world.instance("ldap")["nsState"], "READY");
    // A minute before the second attempt, two before the third.
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    assert!((3.0..3.5).contains(&minutes), "{minutes}");
}

#[tokio::test(start_paused = true)]
async fn after_three_attempts_the_instance_is_stalled_with_osms_words_and_left_alone() {
    let world = World::new(Profile::instant());
    inject(&world, CREATE, 1, fails());
    inject(&world, INSTANTIATE, 1, fails());
    inject(&world, INSTANTIATE, 2, fails());
    let demo = Demo::default().revision();
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(
        text.contains("all 3 attempts at the instantiation failed, the last one (operation "),
        "{text}"
    );
    assert!(text.contains("helm: timed out"), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&demo).await.end, PassEnd::Stalled);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    // Another package is another matter.
    let next = Demo { version: "1.1", ..Demo::default() }.revision();
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_tried_again_once_somebody_changed_its_package_in_osm() {
    let world = World::new(Profile::instant());
    inject(&world, CREATE, 1, fails());
    let demo = Demo { config: "retry: {attempts: 1}\n", ..Demo::default() }.revision();
    assert_eq!(world.converge(&demo).await.end, PassEnd::Stalled);
    let mark = world.osm.journal_len();
    let vnfd = world.osm.records(Collection::VnfPackages)[0]["_id"].clone();
    let path = format!("/osm/vnfpkgm/v1/vnf_packages/{}", vnfd.as_str().unwrap());
    let note = json!({ "userDefinedData": { "ticket": "the chart's registry is mended" } });
    world.by_hand("PATCH", &path, note).await;
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    assert_eq!(asked(&world, mark)[0], "terminate");
    assert_eq!(world.instance("ldap")["nsState"], "READY");
}

#[tokio::test(start_paused = true)]
async fn a_commit_mends_what_failed_for_its_values_because_the_record_is_made_anew() {
    // Without an owner, and with one.
    for config in ["", "owner: team-a\n"] {
        let world = World::new(Profile::instant());
        inject(&world, CREATE, 1, fails());
        inject(&world, INSTANTIATE, 1, fails());
        inject(&world, INSTANTIATE, 2, fails());
        let bad = Demo { replicas: Some("bad"), config, ..Demo::default() }.revision();
        assert_eq!(world.converge(&bad).await.end, PassEnd::Stalled);
        let mark = world.osm.journal_len();
        let good = Demo { replicas: Some("2"), config, ..Demo::default() }.revision();
        one_pass(&world, &good).await;
        let plan = read_and_plan(&world.client(), &good.desired).await.unwrap();
        let text = osmops::plan::render(&plan);
        assert!(text.contains("- NS ldap: delete the record "), "{text}");
        assert!(text.contains(", to make it anew\n"), "{text}");
        assert_eq!(world.converge(&good).await.end, PassEnd::Converged);
        let words = asked(&world, mark);
        assert_eq!((words.len(), &*words[0], &*words[2]), (3, "terminate", "ns_instances_content"));
        let kdu = world.instance("ldap")["_admin"]["deployed"]["K8s"][0].to_string();
        assert!(kdu.contains("'replicaCount': '2'"), "no upgrade was needed: {kdu}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_terminates_what_was_given_up_has_it_tried_once_more() {
    let world = World::new(Profile::instant());
    inject(&world, CREATE, 1, fails());
    let demo = Demo { config: "retry: {attempts: 1}\n", ..Demo::default() }.revision();
    assert_eq!(world.converge(&demo).await.end, PassEnd::Stalled);
    let id = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nslcm/v1/ns_instances/{id}/terminate");
    world.by_hand("POST", &path, json!({ "autoremove": false })).await;
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    assert_eq!(world.instance("ldap")["_id"], id.as_str());
}

#[tokio::test(start_paused = true)]
async fn a_failed_upgrade_is_tried_again_and_its_wait_names_time_operation_and_words() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    inject(&world, ACTION, 1, fails());
    let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
    one_pass(&world, &next).await;
    let waiting = one_pass(&world, &next).await;
    let PassEnd::Waiting { poll_after } = waiting.end else { panic!("{waiting:#?}") };
    assert!((58..=60).contains(&poll_after.as_secs()), "{poll_after:?}");
    let (status, text) = detail(&waiting, "NS ldap");
    assert_eq!(status, ItemStatus::Waiting);
    let part = ": the upgrade of KDU openldap/ldap (operation ";
    assert!(text.starts_with("attempt 2 of 3 starts at ") && text.contains(part), "{text}");
    assert!(text.ends_with("failed: FAILED Executing kdu upgrade: helm: timed out"), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
    assert_eq!(asked(&world, mark), ["action"]);
}

#[tokio::test(start_paused = true)]
async fn other_values_and_attempts_of_other_values_do_not_count() {
    let world = World::new(Profile::instant());
    let demo = Demo { config: "retry: {attempts: 2, backoff: 10s}\n", ..Demo::default() };
    world.converge(&demo.revision()).await;
    for nth in 1..=3 {
        inject(&world, ACTION, nth, fails());
    }
    let two = Demo { replicas: Some("2"), ..demo.clone() }.revision();
    assert_eq!(world.converge(&two).await.end, PassEnd::Stalled, "twice");
    let three = Demo { replicas: Some("3"), ..demo.clone() }.revision();
    let began = tokio::time::Instant::now();
    assert_eq!(world.converge(&three).await.end, PassEnd::Converged, "once, and then well");
    assert!((9..13).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // What was completed since makes an end of counting.
    assert_eq!(world.converge(&two).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn operations_that_rest_half_done_count_as_failed_and_those_rolled_back_as_running() {
    use mock_nbi::RestState;
    for (state, expected) in [
        (RestState::FailedTemp, ItemStatus::Waiting),
        (RestState::PartiallyCompleted, ItemStatus::Waiting),
        (RestState::RolledBack, ItemStatus::Waiting),
        (RestState::RollingBack, ItemStatus::AtWork),
    ] {
        let world = World::new(Profile::instant());
        world.converge(&Demo::default().revision()).await;
        inject(&world, ACTION, 1, FaultKind::OperationRests { state, detail: None });
        let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
        one_pass(&world, &next).await;
        let report = one_pass(&world, &next).await;
        let (status, text) = detail(&report, "NS ldap");
        if state == RestState::PartiallyCompleted && status == ItemStatus::Current {
            continue; // What is in effect counts, whatever its operation is called.
        }
        assert_eq!(status, expected, "{state:?} {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_lasts_too_long_is_reported_and_never_repeated_while_it_runs() {
    let world = World::new(Profile::instant());
    let demo = Demo { config: "timeout: 10m\n", ..Demo::default() };
    world.converge(&demo.revision()).await;
    inject(&world, ACTION, 1, FaultKind::OperationStuck);
    let next = Demo { replicas: Some("2"), ..demo }.revision();
    let mark = world.osm.journal_len();
    let began = tokio::time::Instant::now();
    let report = world.converge(&next).await;
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!((report.end, status), (PassEnd::Stalled, ItemStatus::Blocked), "{report:#?}");
    assert!(text.contains("longer than the 10m that it may take: RUNNING ACTION (op"), "{text}");
    assert!(text.contains(", asked for at 20"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(700), "{:?}", began.elapsed());
    assert_eq!(asked(&world, mark), ["action"]);
    // It may end after all.
    world.osm.end_operations(mock_nbi::OperationResult::Ok);
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
    assert_eq!(asked(&world, mark), ["action"]);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_of_operations_are_looked_up_and_nothing_is_asked_twice() {
    for operation in [ACTION, TERMINATE, INSTANTIATE] {
        for kind in [FaultKind::ResetAfter, FaultKind::Truncated] {
            let world = World::new(Profile::realistic());
            if operation != ACTION {
                inject(&world, CREATE, 1, fails());
            }
            inject(&world, operation, 1, kind.clone());
            world.converge(&Demo::default().revision()).await;
            let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
            let report = world.converge(&next).await;
            assert_eq!(report.end, PassEnd::Converged, "{operation} {kind:?}: {report:#?}");
            let word = operation.rsplit('/').next().unwrap();
            let asked = asked(&world, 0);
            let count = asked.iter().filter(|asked| *asked == word).count();
            assert_eq!(count, 1, "{operation} {kind:?}: {asked:?}");
            assert_eq!(world.osm.records(Collection::NsInstances).len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_broken_or_stuck_instance_keeps_no_neighbour_from_its_goal() {
    for trouble in [fails(), FaultKind::OperationStuck, FaultKind::InternalError] {
        let world = World::new(Profile::instant());
        let files = |replicas: &str| {
            let mut files = Demo { replicas: None, ..Demo::default() }.files();
            for name in ["a", "b", "c"] {
                let param = format!("replicaCount: \"{replicas}\"");
                files.push(instance(name, "openldap_ns", &param));
            }
            revision("r", &files)
        };
        // The first of the three is in trouble from its beginning.
        for operation in [CREATE, INSTANTIATE] {
            inject(&world, operation, 1, trouble.clone());
        }
        world.converge(&files("1")).await;
        let report = world.converge(&files("2")).await;
        for name in ["b", "c"] {
            assert_eq!(
                detail(&report, &format!("NS {name}")).0,
                ItemStatus::Current,
                "{trouble:?}"
            );
            let kdu = world.instance(name)["_admin"]["deployed"]["K8s"][0].to_string();
            assert!(kdu.contains("'replicaCount': '2'"), "{kdu}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_which_attempt_an_action_is_and_why() {
    let world = World::new(Profile::instant());
    inject(&world, CREATE, 1, fails());
    let demo = Demo::default().revision();
    one_pass(&world, &demo).await;
    let soon = read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let text = osmops::plan::render(&soon);
    assert!(text.contains("… NS ldap: attempt 2 of 3 starts at "), "{text}");
    world.osm.advance(Duration::from_secs(61));
    let due = read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let text = osmops::plan::render(&due);
    assert!(text.contains("~ NS ldap: terminate "), "{text}");
    assert!(text.contains(": attempt 2 of 3, because the instantiation (operation "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_osm_says_of_an_earlier_secret_is_hidden_too() {
    let world = World::new(Profile::instant());
    let with = |secret: &str| {
        let mut files = Demo { replicas: None, ..Demo::default() }.files();
        let param = format!("auth: {{adminPassword: {secret}}}");
        files.push(instance("ldap", "openldap_ns", &param));
        revision("r", &files)
    };
    inject(&world, CREATE, 1, FaultKind::OperationFails { detail: "no hunter-one".to_owned() });
    one_pass(&world, &with("hunter-one")).await;
    // The secret was changed since, and OSM still tells of the old one.
    inject(&world, TERMINATE, 1, FaultKind::OperationFails { detail: "no hunter-one".to_owned() });
    let next = with("hunter-two");
    let mut told = String::new();
    for _ in 0..2 {
        let plan = read_and_plan(&world.client(), &next.desired).await.unwrap();
        told += &osmops::plan::render(&plan);
        told += &format!("{:?}", one_pass(&world, &next).await);
    }
    assert!(told.contains("no ***") && !told.contains("hunter-"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn operations_of_an_earlier_commit_are_followed_without_telling_its_secrets() {
    #[derive(Default)]
    struct Seen(Vec<String>);
    impl osmops::reconcile::Observer for Seen {
        fn operation_seen(&mut self, look: &osmops::reconcile::OperationLook) {
            self.0.push(look.words.clone());
        }
    }
    let world = World::new(Profile::realistic());
    let with = |secret: &str| {
        let mut files = Demo { replicas: None, ..Demo::default() }.files();
        files.push(instance("ldap", "openldap_ns", &format!("adminPassword: {secret}")));
        revision("r", &files)
    };
    inject(&world, CREATE, 1, FaultKind::OperationFails { detail: "no hunter-one".to_owned() });
    one_pass(&world, &with("hunter-one")).await;
    let (stop, options, mut seen) =
        (CancellationToken::new(), PassOptions::default(), Seen::default());
    let time = Duration::from_secs(3600);
    let (nbi, next) = (world.client(), with("hunter-two"));
    osmops::reconcile::converge(&nbi, &next, &options, time, &stop, &mut seen).await;
    let told = seen.0.concat();
    assert!(told.contains("no ***") && !told.contains("hunter-"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_no_operation_explains_is_overdue_too() {
    for state in ["BUILDING", "TERMINATING"] {
        let world = World::new(Profile::instant());
        let demo = Demo { config: "timeout: 10m\n", ..Demo::default() }.revision();
        world.converge(&demo).await;
        let patch = serde_json::from_value(json!({ "nsState": state })).unwrap();
        inject(&world, "GET /nslcm/v1/ns_instances", 1, FaultKind::Edit { patch });
        one_pass(&world, &demo).await;
        forget_operations(&world);
        assert_eq!(detail(&one_pass(&world, &demo).await, "NS ldap").0, ItemStatus::AtWork);
        world.osm.advance(Duration::from_secs(700));
        let (status, text) = detail(&one_pass(&world, &demo).await, "NS ldap");
        assert_eq!(status, ItemStatus::Blocked, "{state}");
        assert!(text.contains("longer than the 10m that it may take"), "{text}");
    }
}

/// The next reading finds no operations, as of an instance whose operations somebody deleted.
fn forget_operations(world: &World) {
    inject(world, "GET /nslcm/v1/ns_instances", 1, FaultKind::InstanceWithoutOperation);
}
