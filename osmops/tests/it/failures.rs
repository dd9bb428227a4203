//! What passes make of trouble: failed operations, lost answers, refusals, the end of their time.

use std::time::Duration;

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::reconcile::{Observer, PassOptions, Progress, converge, pass, read_and_plan};
use osmops::report::{ItemStatus, PassEnd, PassReport};
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, detail, instance, revision, vnfd};

#[tokio::test(start_paused = true)]
async fn an_instantiation_that_was_tried_often_enough_is_reported_in_osms_words() {
    let world = World::new(Profile::realistic());
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "helm says: no such chart".to_owned() },
    });
    let demo = Demo { config: "retry: {attempts: 1}\n", ..Demo::default() }.revision();
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert!(report.has_failures());
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("helm says: no such chart"), "{text}");
    assert!(text.starts_with("ns/ldap.ops.yaml:2:7: "), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&demo).await.end, PassEnd::Stalled);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_was_tried_often_enough_is_reported_in_osms_words() {
    let world = World::new(Profile::realistic());
    let demo = Demo { config: "retry: {attempts: 1}\n", ..Demo::default() };
    world.converge(&demo.revision()).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "timed out waiting for pods".to_owned() },
    });
    let next = Demo { replicas: Some("9"), ..demo.clone() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("the upgrade") && text.contains("timed out waiting for pods"), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&next).await.end, PassEnd::Stalled);
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "the same would fail again");
    // Another value is another matter.
    let other = Demo { replicas: Some("4"), ..demo }.revision();
    assert_eq!(world.converge(&other).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_lost_its_content_is_uploaded_again() {
    let world = World::new(Profile::instant());
    let demo = Demo::default().revision();
    world.converge(&demo).await;
    let mark = world.osm.journal_len();
    world.osm.inject(Fault {
        operation: "GET /vnfpkgm/v1/vnf_packages".to_owned(),
        nth: 1,
        kind: FaultKind::PackageWithoutContent,
    });
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    let record = world.osm.records(Collection::VnfPackages)[0]["_id"].clone();
    let record = record.as_str().unwrap();
    let expected = [format!("PUT /osm/vnfpkgm/v1/vnf_packages/{record}/package_content")];
    assert_eq!(world.writes_since(mark), expected);
}

#[tokio::test(start_paused = true)]
async fn records_in_another_format_are_not_quoted_for_they_hold_values() {
    let world = World::new(Profile::instant());
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(instance("ldap", "openldap_ns", "adminPassword: Zq9-secret"));
    let demo = revision("secret", &files);
    world.converge(&demo).await;
    world.osm.inject(Fault {
        operation: "GET /nslcm/v1/ns_instances".to_owned(),
        nth: 1,
        kind: FaultKind::YamlBody,
    });
    let (stop, options) = (CancellationToken::new(), PassOptions::default());
    let report = pass(&world.client(), &demo, &options, &stop, &mut ()).await;
    let text = report.stopped.unwrap();
    assert!(text.contains("not as OSM does") && text.ends_with("it may hold secrets"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_waits_for_an_operation_that_osm_lost_is_looked_at_ever_less_often() {
    let world = World::new(Profile::realistic());
    let demo = Demo::default().revision();
    let (stop, options) = (CancellationToken::new(), PassOptions::default());
    let minutes = async |minutes: u64| {
        let within = Duration::from_secs(60 * minutes);
        converge(&world.client(), &demo, &options, within, &stop, &mut ()).await
    };
    assert!(minutes(1).await.timed_out);
    world.osm.inject(Fault {
        operation: "GET /nslcm/v1/ns_instances".to_owned(),
        nth: 1,
        kind: FaultKind::InstanceWithoutOperation,
    });
    let mark = world.osm.journal_len();
    assert!(minutes(10).await.timed_out);
    let requests = world.sent_since(mark).len();
    assert!(requests < 350, "{requests} requests in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_and_nothing_is_made_twice() {
    for operation in [
        "POST /vnfpkgm/v1/vnf_packages_content",
        "POST /nsd/v1/ns_descriptors_content",
        "POST /nslcm/v1/ns_instances_content",
    ] {
        for kind in [FaultKind::ResetAfter, FaultKind::ResetBefore, FaultKind::Truncated] {
            let world = World::new(Profile::instant());
            let name = format!("{operation} {kind:?}");
            world.osm.inject(Fault { operation: operation.to_owned(), nth: 1, kind });
            let report = world.converge(&Demo::default().revision()).await;
            assert_eq!(report.end, PassEnd::Converged, "{name}: {report:#?}");
            assert_eq!(world.osm.records(Collection::NsInstances).len(), 1, "{name}");
            assert_eq!(world.packages().len(), 2, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_action_should_have_made_is_not_used() {
    let world = World::new(Profile::instant());
    world.osm.inject(Fault {
        operation: "POST /vnfpkgm/v1/vnf_packages_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status {
            status: 422,
            body: Some("Format error at 'vnfd'".to_owned()),
            retry_after: None,
        },
    });
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let report =
        pass(&nbi, &Demo::default().revision(), &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "VNFD openldap_knf");
    assert_eq!(status, ItemStatus::Failed);
    let request = "POST http://osm/osm/vnfpkgm/v1/vnf_packages_content: refused with 422";
    assert!(text.starts_with(request) && text.contains("Format error at 'vnfd'"), "{text}");
    assert_eq!(detail(&report, "NSD openldap_ns").0, ItemStatus::Skipped);
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Skipped);
    assert_eq!(world.writes_since(0).len(), 1, "nothing else was sent");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_in_mid_session_is_renewed_once() {
    let world = World::new(Profile::instant());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let demo = Demo::default().revision();
    pass(&nbi, &demo, &PassOptions::default(), &stop, &mut ()).await;
    world.osm.expire_tokens();
    let report = pass(&nbi, &demo, &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(nbi.request_counts().log_in, 2);
    // Near the end of its life a token is renewed before OSM refuses it.
    tokio::time::advance(Duration::from_secs(3599)).await;
    pass(&nbi, &demo, &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(nbi.request_counts().log_in, 3);
    assert!(world.osm.journal().iter().filter(|entry| entry.status == Some(401)).count() == 1);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_never_ends_is_given_up_after_the_timeout_and_said_so() {
    let world = World::new(Profile::manual());
    let report = world.converge(&Demo::default().revision()).await;
    assert!(matches!(report.end, PassEnd::Waiting { .. }), "{report:?}");
    assert!(!report.has_failures());
}

#[tokio::test(start_paused = true)]
async fn no_report_or_plan_shows_a_password() {
    let world = World::new(Profile::instant());
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(instance("ldap", "openldap_ns", "adminPassword: hunter2"));
    files.push(instance("ldap2", "openldap_ns", "licence: hunter2-too"));
    files[0] = config("secretParams: [licence]\n");
    let demo = revision("r", &files);
    assert_eq!(demo.problems, []);
    let plan = read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let shown = osmops::plan::render(&plan) + &serde_json::to_string(&plan).unwrap();
    assert!(shown.contains("***") && !shown.contains("hunter2"), "{shown}");
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Converged, "what is sent is the real value");
    assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_upgrade_is_tried_again_once_its_package_changed() {
    let world = World::new(Profile::realistic());
    world.converge(&Demo::default().revision()).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "no such image".to_owned() },
    });
    let next = Demo { replicas: Some("2"), config: "retry: {attempts: 1}\n", ..Demo::default() };
    assert_eq!(world.converge(&next.revision()).await.end, PassEnd::Stalled);
    let mut files = next.files();
    files[1] = vnfd("openldap_knf", "ldap", "1.1");
    let report = world.converge(&revision("mended", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let kdu = &world.instance("ldap")["_admin"]["deployed"]["K8s"][0];
    assert!(kdu["detailed-status"].as_str().unwrap().contains("'replicaCount': '2'"), "{kdu}");
}

#[tokio::test(start_paused = true)]
async fn a_new_instance_waits_for_its_vnfd_even_where_the_nsd_is_unchanged() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    world.osm.inject(Fault {
        operation: "PUT /vnfpkgm/v1/vnf_packages/{id}/package_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 422, body: None, retry_after: None },
    });
    let mark = world.osm.journal_len();
    let mut files = Demo { replicas: Some("2"), ..Demo::default() }.files();
    files[1] = vnfd("openldap_knf", "ldap", "1.1");
    files.push(instance("second", "openldap_ns", "replicaCount: \"1\""));
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let report = pass(&nbi, &revision("r", &files), &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(detail(&report, "VNFD openldap_knf").0, ItemStatus::Failed);
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Started, "it runs, and needs no package");
    assert_eq!(detail(&report, "NS second").0, ItemStatus::Skipped);
    let writes = world.writes_since(mark);
    assert_eq!(writes.len(), 2, "the VNFD's upload and the upgrade: {writes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_upgraded_while_osm_refuses_its_package_and_no_oftener_than_the_policy_says()
{
    for fails in [false, true] {
        let world = World::new(Profile::instant());
        world.converge(&Demo::default().revision()).await;
        for nth in 1..=50 {
            world.osm.inject(Fault {
                operation: "PUT /vnfpkgm/v1/vnf_packages/{id}/package_content".to_owned(),
                nth,
                kind: FaultKind::Status {
                    status: 422,
                    body: Some("VNFD is in use".to_owned()),
                    retry_after: None,
                },
            });
            if fails {
                world.osm.inject(Fault {
                    operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
                    nth,
                    kind: FaultKind::OperationFails { detail: "helm: timed out".to_owned() },
                });
            }
        }
        let mark = world.osm.journal_len();
        let mut files = Demo { replicas: Some("2"), ..Demo::default() }.files();
        files[1] = vnfd("openldap_knf", "ldap", "1.1");
        let report = world.converge(&revision("r", &files)).await;
        assert_eq!(report.end, PassEnd::Stalled, "{report:#?}");
        let (status, text) = detail(&report, "VNFD openldap_knf");
        assert_eq!(status, ItemStatus::Failed);
        assert!(text.contains("VNFD is in use"), "{text}");
        let writes = world.writes_since(mark);
        let upgrades = writes.iter().filter(|line| line.ends_with("/action")).count();
        if fails {
            assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Skipped);
            assert_eq!(upgrades, 3, "{writes:?}");
        } else {
            assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Current);
            assert_eq!(upgrades, 1, "{writes:?}");
        }
    }
}

/// How passes ended.
#[derive(Default)]
struct Ends(Vec<PassEnd>);

impl Observer for Ends {
    fn pass_ended(&mut self, report: &PassReport) {
        self.0.push(report.end);
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_that_osm_does_not_list_are_not_repeated_for_ever() {
    let world = World::new(Profile::instant());
    // Something on the way puts another file name in its place.
    let service = tower::ServiceExt::map_request(
        world.osm.service(),
        |mut request: http::Request<osmops::nbi::Body>| {
            if let Some(name) = request.headers_mut().get_mut("Content-Filename") {
                let other = format!("x.-.{}.tar.gz", "0".repeat(64));
                *name = http::HeaderValue::from_str(&other).unwrap();
            }
            request.map(axum::body::Body::new)
        },
    );
    let nbi = osmops::nbi::Nbi::new(
        crate::world::connection("http://osm"),
        osmops::nbi::Transport::service(service),
        osmops::nbi::TimeLimits::default(),
    );
    let demo = Demo { replicas: None, ..Demo::default() }.revision();
    let (hour, stop) = (Duration::from_secs(3600), CancellationToken::new());
    let (options, mut ends) = (PassOptions::default(), Ends::default());
    let report = converge(&nbi, &demo, &options, hour, &stop, &mut ends).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert_eq!(ends.0.last(), Some(&PassEnd::Stalled), "whoever watches is told the same");
    assert!(detail(&report, "VNFD openldap_knf").1.contains("uploaded twice"), "{report:#?}");
    assert_eq!(world.writes_since(0).len(), 4, "two for each package");
}

#[tokio::test(start_paused = true)]
async fn osms_words_are_shown_without_the_secrets_in_them() {
    let world = World::new(Profile::realistic());
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails {
            detail: "helm install --set auth.adminPassword=hunter2 failed".to_owned(),
        },
    });
    let mut files =
        Demo { replicas: None, config: "retry: {attempts: 1}\n", ..Demo::default() }.files();
    files.push(instance("ldap", "openldap_ns", "auth: {adminPassword: hunter2, user: bob}"));
    let demo = revision("r", &files);
    let report = world.converge(&demo).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("auth.adminPassword=*** failed"), "{text}");
    let plan = read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let shown = osmops::plan::render(&plan)
        + &serde_json::to_string(&plan).unwrap()
        + &serde_json::to_string(&report).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_after_the_timeout() {
    let world = World::new(Profile::realistic());
    let nbi = world.client();
    let stop = CancellationToken::new();
    let seconds = Duration::from_secs(3);
    let demo = Demo::default().revision();
    let report = converge(&nbi, &demo, &PassOptions::default(), seconds, &stop, &mut ()).await;
    assert!(report.timed_out && !report.interrupted, "{report:#?}");
    assert!(!report.has_failures(), "what was not sent has not failed: {report:#?}");
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Unsent);
    assert_eq!(world.writes_since(0).len(), 1, "the first upload takes 20 s and is let end");
    // A time-out beyond all clocks is no crash.
    let report =
        converge(&nbi, &demo, &PassOptions::default(), Duration::MAX, &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn a_failed_upgrade_is_told_without_the_secrets_in_osms_words() {
    let world = World::new(Profile::realistic());
    let files = |pass: &str| {
        let mut files =
            Demo { replicas: None, config: "retry: {attempts: 1}\n", ..Demo::default() }.files();
        files.push(instance("ldap", "openldap_ns", &format!("adminPass: {pass}")));
        revision("r", &files)
    };
    world.converge(&files("first-one")).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "helm --set adminPass=hunter2".to_owned() },
    });
    let report = world.converge(&files("hunter2")).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("adminPass=***") && !text.contains("hunter2"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn failing_passes_are_tried_again_with_growing_pauses_and_then_given_up() {
    let world = World::new(Profile::instant());
    let demo = Demo::default().revision();
    world.converge(&demo).await;
    // Each pass reads well and then fails to write, for as long as it takes.
    for nth in 1..=20 {
        world.osm.inject(Fault {
            operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
            nth,
            kind: FaultKind::Status { status: 503, body: None, retry_after: None },
        });
    }
    let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
    let (mark, began) = (world.osm.journal_len(), tokio::time::Instant::now());
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Failed);
    assert_eq!(world.writes_since(mark).len(), 6, "the first, and five more");
    // 1 + 2 + 4 + 8 + 16 seconds, and one that a second log-in of a user costs.
    assert_eq!(began.elapsed().as_secs(), 32);
}

#[tokio::test(start_paused = true)]
async fn what_someone_changes_again_after_its_repair_was_seen_is_repaired_again() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    // One instance keeps all passes from ending converged.
    let mut files = Demo::default().files();
    let (path, text) = files.pop().unwrap();
    files.push((path, text.replace("mylocation1", "nowhere")));
    let demo = revision("r", &files);
    let (nbi, stop, options) = (world.client(), CancellationToken::new(), PassOptions::default());
    let mut progress = Progress::default();
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    for designer in ["one", "two", "three"] {
        let path = format!("/osm/nsd/v1/ns_descriptors/{nsd}");
        world.by_hand("PATCH", &path, serde_json::json!({ "designer": designer })).await;
        for expected in [ItemStatus::Written, ItemStatus::Current] {
            let mut report = pass(&nbi, &demo, &options, &stop, &mut ()).await;
            progress.add(&mut report);
            let (status, text) = detail(&report, "NSD openldap_ns");
            assert_eq!(status, expected, "{designer}: {text}");
            assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Blocked);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn osm_is_left_alone_for_as_long_as_it_asks_though_another_operation_is_at_work() {
    let world = World::new(Profile::instant());
    let files = |replicas: u8| {
        let mut files = Demo { replicas: None, ..Demo::default() }.files();
        let param = format!("replicaCount: {replicas}");
        files.extend(["a", "b"].map(|name| instance(name, "openldap_ns", &param)));
        revision("r", &files)
    };
    world.converge(&files(1)).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 503, body: None, retry_after: Some(40) },
    });
    let (nbi, stop, options) = (world.client(), CancellationToken::new(), PassOptions::default());
    let mut report = pass(&nbi, &files(2), &options, &stop, &mut ()).await;
    let PassEnd::Waiting { poll_after } = report.end else { panic!("{report:#?}") };
    let mut progress = Progress::default();
    progress.add(&mut report);
    let pause = progress.pause_while_waiting(&report, poll_after);
    assert_eq!(pause, Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn a_log_in_that_osm_delays_because_another_one_was_just_before_is_waited_for() {
    let world = World::new(Profile::instant());
    let demo = Demo::default().revision();
    world.converge(&demo).await;
    world.osm.advance(Duration::from_secs(10));
    for expected in [0, 1] {
        let (nbi, began) = (world.client(), tokio::time::Instant::now());
        let (stop, options) = (CancellationToken::new(), PassOptions::default());
        let report = pass(&nbi, &demo, &options, &stop, &mut ()).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        assert_eq!(began.elapsed().as_secs(), expected, "the second within 2 s takes 1 s more");
    }
}

#[tokio::test(start_paused = true)]
async fn an_osm_that_does_not_answer_holds_up_no_other_one() {
    let (silent, well) = (World::new(Profile::instant()), World::new(Profile::instant()));
    let operation = "GET /vnfpkgm/v1/vnf_packages".to_owned();
    silent.osm.inject(Fault { operation, nth: 1, kind: FaultKind::Hang });
    let demo = Demo::default().revision();
    tokio::select! {
        biased;
        report = silent.converge(&demo) => panic!("it answered: {report:#?}"),
        report = well.converge(&demo) => assert_eq!(report.end, PassEnd::Converged),
    }
}
