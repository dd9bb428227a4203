//! What passes do to an OSM: asserted on what was sent and on what OSM then has.

use mock_nbi::{Collection, OperationResult, Profile};
use osmops::reconcile::{PassOptions, pass};
use osmops::report::{ItemStatus, PassEnd};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, detail, instance, nsd, revision};

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
async fn another_description_of_an_instance_is_told_and_changes_nothing() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let mark = world.osm.journal_len();
    let told = "ns/ldap.ops.yaml:3:14: description: OSM has \"a service\", \
                declared is \"a directory\"; OSM sets it only when an instance is made";
    for (description, expected) in [("a service", None), ("a directory", Some(told))] {
        let mut files = Demo::default().files();
        let text = files.pop().unwrap().1.replace("a service", description);
        files.push(("ns/ldap.ops.yaml".to_owned(), text));
        let report = world.converge(&revision("described", &files)).await;
        assert_eq!(report.end, PassEnd::Converged);
        let notes = report.items.iter().flat_map(|item| &item.notes);
        let notes: Vec<String> = notes.map(ToString::to_string).collect();
        assert_eq!(notes, Vec::from_iter(expected), "{description}");
    }
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_pass_never_waits_and_leaves_an_instance_alone_while_osm_works_on_it() {
    let world = World::new(Profile::manual());
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let demo = Demo::default().revision();
    let first = pass(&nbi, &demo, &PassOptions::default(), &stop, &mut ()).await;
    assert!(matches!(first.end, PassEnd::Waiting { .. }), "{first:?}");
    assert_eq!(detail(&first, "NS ldap").0, ItemStatus::Started);
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("2"), ..Demo::default() }.revision();
    let second = pass(&nbi, &next, &PassOptions::default(), &stop, &mut ()).await;
    assert!(matches!(second.end, PassEnd::Waiting { .. }), "{second:?}");
    assert_eq!(detail(&second, "NS ldap").0, ItemStatus::AtWork);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    world.osm.end_operations(OperationResult::Ok);
    let third = pass(&nbi, &next, &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(detail(&third, "NS ldap").0, ItemStatus::Started, "now the upgrade");
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
async fn an_upgrade_that_is_queued_and_not_begun_is_waited_for_and_not_doubled() {
    let world = World::new(Profile::instant());
    let demo = Demo::default();
    world.converge(&demo.revision()).await;
    let id = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    world.operations_mode("off").await;
    let body = json!({
        "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
        "primitive_params": { "replicaCount": "2" },
    });
    world.by_hand("POST", &format!("/osm/nslcm/v1/ns_instances/{id}/action"), body).await;
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("2"), ..demo }.revision();
    let report =
        pass(&world.client(), &next, &PassOptions::default(), &CancellationToken::new(), &mut ())
            .await;
    assert_eq!(detail(&report, "NS ldap").0, ItemStatus::AtWork, "{report:#?}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_made_of_a_package_whose_declared_files_cannot_be_sent() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let mark = world.osm.journal_len();
    let mut files = Demo::default().files();
    files[2] = nsd("openldap_ns", "nobodys_knf", "openldap", "1.1");
    let report = world.converge(&revision("r", &files)).await;
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(text.contains("needs NSD openldap_ns, which is blocked itself"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_misspelt_kdu_is_found_in_osms_vnfd_where_the_repository_has_none() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let mark = world.osm.journal_len();
    let mut files = Demo::default().files();
    files.remove(1);
    let text = files.pop().unwrap().1.replace("  name: ldap\n  params", "  name: ldpa\n  params");
    files.push(("ns/ldap.ops.yaml".to_owned(), text));
    let report = world.converge(&revision("r", &files)).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.starts_with("ns/ldap.ops.yaml:8:9: ") && text.contains("`ldpa`"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}
