//! What passes do to an OSM: asserted on what was sent and on what OSM then has.

use std::time::Duration;

use mock_nbi::{Collection, Fault, FaultKind, OperationResult, Profile};
use osmops::reconcile::pass;
use osmops::report::{ItemStatus, PassEnd, PassReport};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, instance, nsd, revision, vnfd};

fn detail(report: &PassReport, item: &str) -> (ItemStatus, String) {
    let found = report.items.iter().find(|report| report.item.to_string() == item);
    let found = found.unwrap_or_else(|| panic!("no `{item}` in {report:#?}"));
    (found.status, found.detail.clone().unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn an_empty_osm_gets_packages_and_instance_from_one_revision_in_13_requests() {
    let world = World::new(Profile::instant());
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged);
    let operation =
        world.osm.records(Collection::Operations)[0]["_id"].as_str().unwrap().to_owned();
    let lists = [
        "GET /osm/vnfpkgm/v1/vnf_packages",
        "GET /osm/nsd/v1/ns_descriptors",
        "GET /osm/nslcm/v1/ns_instances",
    ];
    let mut expected = vec!["POST /osm/admin/v1/tokens".to_owned()];
    expected.extend(lists.map(str::to_owned));
    expected.extend(
        [
            "GET /osm/admin/v1/vim_accounts",
            "POST /osm/vnfpkgm/v1/vnf_packages_content",
            "POST /osm/nsd/v1/ns_descriptors_content",
            "POST /osm/nslcm/v1/ns_instances_content",
        ]
        .map(str::to_owned),
    );
    expected.push(format!("GET /osm/nslcm/v1/ns_lcm_op_occs/{operation}"));
    expected.extend(lists.map(str::to_owned));
    expected.push("DELETE /osm/admin/v1/tokens".to_owned());
    assert_eq!(world.sent_since(0), expected);
    assert_eq!(report.requests.total(), 13);
    for package in world.packages() {
        assert_eq!(package["_admin"]["onboardingState"], "ONBOARDED", "{package}");
    }
    let ldap = world.instance("ldap");
    assert_eq!(ldap["operational-status"], "running");
    assert_eq!(ldap["_admin"]["deployed"]["K8s"][0]["kdu-name"], "ldap");
}

#[tokio::test(start_paused = true)]
async fn nothing_changed_means_a_log_in_four_lists_and_a_log_out() {
    let world = World::new(Profile::instant());
    let demo = Demo::default().revision();
    world.converge(&demo).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(
        world.sent_since(mark),
        [
            "POST /osm/admin/v1/tokens",
            "GET /osm/vnfpkgm/v1/vnf_packages",
            "GET /osm/nsd/v1/ns_descriptors",
            "GET /osm/nslcm/v1/ns_instances",
            "GET /osm/admin/v1/vim_accounts",
            "DELETE /osm/admin/v1/tokens",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn changed_packages_are_written_once_each_and_their_instance_not_at_all() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let mark = world.osm.journal_len();
    let next = Demo { version: "1.1", ..Demo::default() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Converged);
    let writes = world.writes_since(mark);
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(writes[0].ends_with("/package_content"), "VNFD before NSD: {writes:?}");
    assert!(writes[1].ends_with("/nsd_content"), "{writes:?}");
    for package in world.packages() {
        assert_eq!(package["version"], "1.1", "{package}");
    }
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "applied again: no write");
}

#[tokio::test(start_paused = true)]
async fn a_changed_value_is_one_upgrade_and_is_read_back() {
    let world = World::new(Profile::realistic());
    world.converge(&Demo::default().revision()).await;
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("3"), ..Demo::default() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark).len(), 1);
    let kdu = &world.instance("ldap")["_admin"]["deployed"]["K8s"][0];
    assert!(kdu["detailed-status"].as_str().unwrap().contains("'replicaCount': '3'"), "{kdu}");
}

#[tokio::test(start_paused = true)]
async fn a_number_and_its_text_are_one_value_to_helm_and_no_difference() {
    let world = World::new(Profile::instant());
    let demo = Demo { replicas: Some("2"), ..Demo::default() };
    world.converge(&demo.revision()).await;
    let mark = world.osm.journal_len();
    let mut files = demo.files();
    files.pop();
    files.push(instance("ldap", "openldap_ns", "replicaCount: 2"));
    let report = world.converge(&revision("number", &files)).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "`2` and `\"2\"` are one value");
}

#[tokio::test(start_paused = true)]
async fn a_failed_instantiation_is_reported_in_osms_words_and_not_repeated() {
    let world = World::new(Profile::realistic());
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "helm says: no such chart".to_owned() },
    });
    let demo = Demo::default().revision();
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
async fn a_failed_upgrade_is_reported_in_osms_words_and_not_repeated() {
    let world = World::new(Profile::realistic());
    world.converge(&Demo::default().revision()).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "timed out waiting for pods".to_owned() },
    });
    let next = Demo { replicas: Some("9"), ..Demo::default() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("the upgrade") && text.contains("timed out waiting for pods"), "{text}");
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&next).await.end, PassEnd::Stalled);
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "the same would fail again");
    // Another value is another matter.
    let other = Demo { replicas: Some("4"), ..Demo::default() }.revision();
    assert_eq!(world.converge(&other).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn a_pass_never_waits_and_leaves_an_instance_alone_while_osm_works_on_it() {
    let world = World::new(Profile::manual());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let demo = Demo::default().revision();
    let first = pass(&nbi, &demo, &stop, &mut ()).await;
    assert!(matches!(first.end, PassEnd::Waiting { .. }), "{first:?}");
    assert_eq!(detail(&first, "NS ldap").0, ItemStatus::Started);
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
    let second = pass(&nbi, &next, &stop, &mut ()).await;
    assert!(matches!(second.end, PassEnd::Waiting { .. }), "{second:?}");
    assert_eq!(detail(&second, "NS ldap").0, ItemStatus::AtWork);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    world.osm.end_operations(OperationResult::Ok);
    let third = pass(&nbi, &next, &stop, &mut ()).await;
    assert_eq!(detail(&third, "NS ldap").0, ItemStatus::Started, "now the upgrade");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_never_instantiated_is_instantiated_not_made_again() {
    let world = World::new(Profile::instant());
    let packages = Demo { replicas: None, ..Demo::default() };
    world.converge(&packages.revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged);
    let writes = world.writes_since(mark);
    assert!(writes.len() == 1 && writes[0].ends_with("/instantiate"), "{writes:?}");
    assert_eq!(world.instance("ldap")["operational-status"], "running");
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
    let report = pass(&nbi, &Demo::default().revision(), &stop, &mut ()).await;
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
async fn a_broken_file_never_stops_the_healthy_ones() {
    let world = World::new(Profile::instant());
    let mut files = Demo::default().files();
    files.push(("ns/broken.ops.yaml".to_owned(), "kind: NsInstance\nname: [\n".to_owned()));
    let report = world.converge(&revision("half", &files)).await;
    assert_eq!(report.end, PassEnd::Stalled, "a commit must help");
    assert_eq!(report.problems.len(), 1);
    assert_eq!(world.instance("ldap")["operational-status"], "running");
}

#[tokio::test(start_paused = true)]
async fn what_is_named_and_nowhere_to_be_found_blocks_with_its_place() {
    let check = async |files: Vec<(String, String)>, item: &str, expected: &str| {
        let world = World::new(Profile::instant());
        let report = world.converge(&revision("r", &files)).await;
        assert_eq!(report.end, PassEnd::Stalled, "{expected}");
        let (status, text) = detail(&report, item);
        assert_eq!(status, ItemStatus::Blocked);
        assert!(text.contains(expected), "{text}");
    };
    check(
        vec![config(""), nsd("lonely_ns", "nobodys_knf", "openldap", "1")],
        "NSD lonely_ns",
        "osm-pkgs/lonely_ns/lonely_ns.yaml:11:18: no healthy VNFD `nobodys_knf` in this repository",
    )
    .await;
    check(
        vec![config(""), instance("ldap", "nobodys_ns", "a: 1")],
        "NS ldap",
        "ns/ldap.ops.yaml:4:10: no healthy NSD `nobodys_ns` in this repository, and none in OSM",
    )
    .await;
    let mut files = Demo::default().files();
    let text = files.pop().unwrap().1.replace("mylocation1", "elsewhere");
    files.push(("ns/ldap.ops.yaml".to_owned(), text));
    check(
        files,
        "NS ldap",
        "ns/ldap.ops.yaml:6:17: OSM's project has no VIM account `elsewhere` (it has mylocation1)",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_nsd_is_left_alone() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let mark = world.osm.journal_len();
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(nsd("other_ns", "openldap_knf", "openldap", "1"));
    files.push(instance("ldap", "other_ns", "replicaCount: \"1\""));
    let report = world.converge(&revision("other", &files)).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("was made from NSD `openldap_ns`"), "{text}");
    assert_eq!(world.writes_since(mark), ["POST /osm/nsd/v1/ns_descriptors_content"]);
}

#[tokio::test(start_paused = true)]
async fn two_instances_of_one_name_are_left_alone() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances_content", body).await;
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("5"), ..Demo::default() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert!(detail(&report, "NS ldap").1.contains("several NS instances of this name"));
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_disabled_package_is_reported_and_not_enabled_by_an_upload() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let id = world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nsd/v1/ns_descriptors/{id}");
    world.by_hand("PATCH", &path, json!({ "nsdOperationalState": "DISABLED" })).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&Demo { version: "2", ..Demo::default() }.revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert!(detail(&report, "NSD openldap_ns").1.contains("someone disabled this package"));
    assert!(detail(&report, "NS ldap").1.contains("disabled"));
    let writes = world.writes_since(mark);
    assert!(
        writes.len() == 1 && writes[0].ends_with("/package_content"),
        "only the VNFD: {writes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_package_of_another_tool_is_replaced_once_and_then_known() {
    let world = World::new(Profile::instant());
    let (_, text) = vnfd("openldap_knf", "ldap", "1.0");
    let body: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    world.by_hand("POST", "/osm/vnfpkgm/v1/vnf_packages_content", body).await;
    let files = vec![config(""), vnfd("openldap_knf", "ldap", "1.0")];
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&revision("r", &files)).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark).len(), 1);
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&revision("r", &files)).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_owner_marks_packages_and_instances_and_keeps_others_off() {
    let world = World::new(Profile::instant());
    let ours = Demo { config: "owner: team-a/ldap\n", ..Demo::default() };
    assert_eq!(world.converge(&ours.revision()).await.end, PassEnd::Converged);
    for package in world.packages() {
        let name = package["_admin"]["storage"]["zipfile"].as_str().unwrap();
        assert!(name.contains(".team-a+ldap."), "{name}");
    }
    let mark = &world.instance("ldap")["additionalParamsForNs"]["osmops_owner"];
    assert_eq!(mark, "team-a/ldap");
    let theirs = Demo { config: "owner: team-b\n", version: "7", ..Demo::default() };
    let report = world.converge(&theirs.revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "VNFD openldap_knf");
    assert!(text.contains("uploaded for owner `team-a/ldap`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_in_mid_session_is_renewed_once() {
    let world = World::new(Profile::instant());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let demo = Demo::default().revision();
    pass(&nbi, &demo, &stop, &mut ()).await;
    world.osm.expire_tokens();
    let report = pass(&nbi, &demo, &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(nbi.request_counts().log_in, 2);
    // Near the end of its life a token is renewed before OSM refuses it.
    tokio::time::advance(Duration::from_secs(3599)).await;
    pass(&nbi, &demo, &stop, &mut ()).await;
    assert_eq!(nbi.request_counts().log_in, 3);
    assert!(world.osm.journal().iter().filter(|entry| entry.status == Some(401)).count() == 1);
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_sends_nothing_more() {
    let world = World::new(Profile::instant());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    stop.cancel();
    let report = pass(&nbi, &Demo::default().revision(), &stop, &mut ()).await;
    assert!(report.interrupted);
    assert_eq!(world.writes_since(0), Vec::<String>::new());
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
    let demo = revision("r", &files);
    let plan = osmops::reconcile::read_and_plan(&world.client(), &demo.desired).await.unwrap();
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
    let next = Demo { replicas: Some("2"), ..Demo::default() };
    assert_eq!(world.converge(&next.revision()).await.end, PassEnd::Stalled);
    let mut files = next.files();
    files[1] = vnfd("openldap_knf", "ldap", "1.1");
    let report = world.converge(&revision("mended", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let kdu = &world.instance("ldap")["_admin"]["deployed"]["K8s"][0];
    assert!(kdu["detailed-status"].as_str().unwrap().contains("'replicaCount': '2'"), "{kdu}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_waits_for_its_vnfd_even_where_the_nsd_is_unchanged() {
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
    let report = pass(&nbi, &revision("r", &files), &stop, &mut ()).await;
    assert_eq!(detail(&report, "VNFD openldap_knf").0, ItemStatus::Failed);
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Skipped);
    assert_eq!(detail(&report, "NS second").0, ItemStatus::Skipped);
    assert_eq!(world.writes_since(mark).len(), 1, "the VNFD's upload alone");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_not_silently_left_at_another_vim_account() {
    let world = World::new(Profile::instant());
    let demo = Demo::default();
    world.converge(&demo.revision()).await;
    let body = json!({
        "name": "mylocation2", "vim_type": "dummy", "vim_url": "http://vim",
        "vim_user": "u", "vim_password": "p", "vim_tenant_name": "t",
    });
    world.by_hand("POST", "/osm/admin/v1/vim_accounts", body).await;
    for (account, expected) in [
        ("mylocation2", "runs at another VIM account than `mylocation2`"),
        ("nowhere", "has no VIM account `nowhere` (it has mylocation1, mylocation2)"),
    ] {
        let mut files = demo.files();
        let text = files.pop().unwrap().1.replace("mylocation1", account);
        files.push(("ns/ldap.ops.yaml".to_owned(), text));
        let report = world.converge(&revision("moved", &files)).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (_, text) = detail(&report, "NS ldap");
        assert!(text.starts_with("ns/ldap.ops.yaml:6:17: ") && text.contains(expected), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_strange_names_stop_nobody() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "a\tname", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn uploads_that_osm_does_not_list_are_not_repeated_for_ever() {
    let world = World::new(Profile::instant());
    // Something on the way drops the header that carries the file name.
    let service = tower::ServiceExt::map_request(
        world.osm.service(),
        |mut request: http::Request<osmops::nbi::Body>| {
            request.headers_mut().remove("Content-Filename");
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
    let report = osmops::reconcile::converge(&nbi, &demo, hour, &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Stalled);
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
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(instance("ldap", "openldap_ns", "auth: {adminPassword: hunter2, user: bob}"));
    let demo = revision("r", &files);
    let report = world.converge(&demo).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("auth.adminPassword=*** failed"), "{text}");
    let plan = osmops::reconcile::read_and_plan(&world.client(), &demo.desired).await.unwrap();
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
    let report = osmops::reconcile::converge(&nbi, &demo, seconds, &stop, &mut ()).await;
    assert!(report.timed_out && !report.interrupted, "{report:#?}");
    assert!(!report.has_failures(), "what was not sent has not failed: {report:#?}");
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Unsent);
    assert_eq!(world.writes_since(0).len(), 1, "the first upload takes 20 s and is let end");
    // A time-out beyond all clocks is no crash.
    let report = osmops::reconcile::converge(&nbi, &demo, Duration::MAX, &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Converged);
}
