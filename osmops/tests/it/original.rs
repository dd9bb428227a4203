//! What the original OSM Ops got wrong does not happen here. A table names the test that would show each
//! fault; those that no other file holds are below it.

use std::path::Path;

use mock_nbi::{Collection, Fault, FaultKind, Profile, ServeOptions, TlsIdentity};
use osmops::artifact::Artifact;
use osmops::ids::RevisionName;
use osmops::nbi::{Authorities, Nbi, TimeLimits, Transport};
use osmops::reconcile::{PassOptions, pass, read_and_plan};
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, connection, detail, instance, nsd, revision, vnfd};

/// Each fault of the original, and the test here that would fail if we had it too.
const FAULTS: [(&str, &str); 22] = [
    (
        "a first deployment stops half-way",
        "an_empty_osm_gets_packages_and_instance_from_one_revision_in_13_requests",
    ),
    (
        "errors of writes are swallowed",
        "a_refused_upload_is_reported_with_its_request_and_osms_words",
    ),
    ("of two files with one name only one counts", "two_files_of_one_name_both_count"),
    (
        "everything is sent again with every commit",
        "nothing_changed_means_a_log_in_four_lists_and_a_log_out",
    ),
    ("whole lists are read to find one record", "other_peoples_instances_are_not_even_read"),
    (
        "a package is packed, in memory, before it is known to be needed",
        "a_package_that_osm_has_is_not_packed",
    ),
    (
        "one log-in for each file",
        "a_hundred_instances_take_106_requests_one_change_one_write_and_no_change_none",
    ),
    ("one fault stops everything", "a_broken_file_never_stops_the_healthy_ones"),
    (
        "packages are made in the order of their names",
        "names_do_not_order_the_work_what_is_needed_does",
    ),
    ("a key without a value crashes it", "a_key_without_a_value_is_a_problem_with_its_place"),
    (
        "nothing is tried again",
        "failing_passes_are_tried_again_with_growing_pauses_and_then_given_up",
    ),
    (
        "packages with several YAML files are not understood",
        "a_package_may_hold_any_number_of_yaml_files",
    ),
    (
        "keys that a descriptor dropped stay in OSM",
        "keys_that_a_descriptor_dropped_are_removed_with_the_upload_that_drops_them",
    ),
    (
        "archives differ from run to run, without folders",
        "packing_twice_gives_equal_bytes_and_keeps_every_file",
    ),
    ("a connection for each upload", "an_upload_over_a_connection_arrives_whole"),
    ("no TLS", "osm_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted"),
    ("tokens are left behind", "a_first_deployment_takes_13_requests_over_one_connection"),
    ("OSM's own words are lost", "a_failed_operation_ends_with_1_and_osms_own_words"),
    (
        "`targetDir` and links lead out of the repository",
        "what_lies_outside_of_the_repository_is_not_read",
    ),
    ("YAML 1.1 surprises", "parameters_that_are_read_otherwise_than_written_are_told"),
    (
        "misspelt keys and further documents are passed over",
        "every_mistake_is_reported_with_its_place",
    ),
    (
        "declarations inside packages are taken for instances",
        "a_file_inside_a_package_declares_no_instance",
    ),
];

#[test]
fn every_fault_of_the_original_has_a_test_that_would_show_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["tests/it", "src/package", "src/artifact", "src/yaml", "src/repo"] {
        for entry in fs_err::read_dir(root.join(folder)).unwrap() {
            sources.push_str(&fs_err::read_to_string(entry.unwrap().path()).unwrap_or_default());
        }
    }
    for (fault, test) in FAULTS {
        assert!(is_run(&sources, test), "{fault}: no test `{test}`");
    }
}

/// Whether a function of this name is a test: an attribute above it says so, and none has it passed over.
fn is_run(sources: &str, name: &str) -> bool {
    let Some((before, _)) = sources.split_once(&format!("fn {name}(")) else { return false };
    let before = before.trim_end().trim_end_matches("async").trim_end();
    let attributes = before.lines().rev().map(str::trim).take_while(|line| line.starts_with("#["));
    let attributes: Vec<&str> = attributes.collect();
    let says = |words: &str| attributes.iter().any(|line| line.starts_with(words));
    (says("#[test]") || says("#[tokio::test")) && !says("#[ignore")
}

#[test]
fn a_function_that_lost_its_attribute_is_no_test() {
    let sources = "#[test]\nfn a() {}\nfn b() {}\n    #[tokio::test(start_paused = true)]\n    \
                   async fn c() {}\n#[test]\n#[ignore]\nfn d() {}\n";
    let run: Vec<&str> =
        ["a", "b", "c", "d", "e"].into_iter().filter(|n| is_run(sources, n)).collect();
    assert_eq!(run, ["a", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_upload_is_reported_with_its_request_and_osms_words() {
    let world = World::new(Profile::instant());
    world.osm.inject(Fault {
        operation: "POST /nsd/v1/ns_descriptors_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status {
            status: 422,
            body: Some("no room for this NSD".to_owned()),
            retry_after: None,
        },
    });
    let (nbi, demo, stop) = (world.client(), Demo::default().revision(), CancellationToken::new());
    let report = pass(&nbi, &demo, &PassOptions::default(), &stop, &mut ()).await;
    assert!(report.has_failures());
    let (status, text) = detail(&report, "NSD openldap_ns");
    assert_eq!(status, ItemStatus::Failed);
    let request = "POST http://osm/osm/nsd/v1/ns_descriptors_content: refused with 422";
    assert!(text.starts_with(request) && text.contains("no room for this NSD"), "{text}");
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Skipped);
    assert!(text.contains("NSD openldap_ns was not done"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn two_files_of_one_name_both_count() {
    let world = World::new(Profile::instant());
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    for (folder, name) in [("north", "ldap-n"), ("south", "ldap-s")] {
        let (_, text) = instance(name, "openldap_ns", "replicaCount: \"1\"");
        files.push((format!("{folder}/ldap.ops.yaml"), text));
    }
    let report = world.converge(&revision("two", &files)).await;
    assert_eq!(report.end, PassEnd::Converged);
    assert_eq!(world.osm.records(Collection::NsInstances).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_osm_has_is_not_packed() {
    let world = World::new(Profile::instant());
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in Demo::default().files() {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    let read = || {
        let artifact = Artifact::open(folder.path()).unwrap();
        Revision::read(&artifact.tree, RevisionName::new("r").unwrap())
    };
    assert_eq!(world.converge(&read()).await.end, PassEnd::Converged);
    let again = read();
    // Whoever packed them now would not find them.
    fs_err::remove_dir_all(folder.path().join("osm-pkgs")).unwrap();
    assert_eq!(world.converge(&again).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn names_do_not_order_the_work_what_is_needed_does() {
    let world = World::new(Profile::instant());
    let files = [
        config(""),
        vnfd("z_last", "ldap", "1"),
        nsd("a_first", "z_last", "openldap", "1"),
        instance("0", "a_first", "replicaCount: \"1\""),
    ];
    let report = world.converge(&revision("names", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let made: Vec<String> = report.changes.iter().map(|change| change.item.to_string()).collect();
    assert_eq!(made, ["VNFD z_last", "NSD a_first", "NS 0"]);
}

#[test]
fn a_key_without_a_value_is_a_problem_with_its_place() {
    let text = "kind: NsInstance\nname:\nnsdName: a\nvnfName: b\nvimAccountName: c\nkdu:\n";
    let files = [config(""), ("ns/x.ops.yaml".to_owned(), text.to_owned())];
    let problems: Vec<String> =
        revision("null", &files).problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("ns/x.ops.yaml:2:") && problems[0].contains("`name`"));
    assert!(problems[1].starts_with("ns/x.ops.yaml:6:") && problems[1].contains("`kdu`"));
}

#[tokio::test(start_paused = true)]
async fn a_package_may_hold_any_number_of_yaml_files() {
    let world = World::new(Profile::instant());
    let mut files = Demo::default().files();
    for path in ["charts/ldap/Chart.yaml", "charts/ldap/values.yaml", "cloud_init/boot.yml"] {
        files.push((format!("osm-pkgs/openldap_knf/{path}"), "name: ldap\n".to_owned()));
    }
    let report = world.converge(&revision("charts", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
}

#[tokio::test]
async fn osm_is_reached_over_tls_and_only_with_a_certificate_that_is_trusted() {
    let world = World::new(Profile::instant());
    let identity = TlsIdentity::self_signed().unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(authority.path(), identity.certificate_pem()).unwrap();
    let options = ServeOptions::at("127.0.0.1:0".parse().unwrap()).tls(identity);
    let server = world.osm.serve_with(options).await.unwrap();
    let desired = Demo::default().revision().desired;
    let attempt = async |trusts: bool| {
        let mut connection = connection(&format!("https://{}", server.local_addr()));
        connection.authorities = trusts.then(|| Authorities::File(authority.path().to_path_buf()));
        let transport = Transport::network(&connection).unwrap();
        let nbi = Nbi::new(connection, transport, TimeLimits::default());
        read_and_plan(&nbi, &desired).await.map_err(|error| osmops::failure::chain(&error))
    };
    let refused = attempt(false).await.unwrap_err();
    assert!(refused.to_lowercase().contains("certificate"), "{refused}");
    assert_eq!(attempt(true).await.unwrap().actions.len(), 3);
}

#[test]
fn what_lies_outside_of_the_repository_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repository");
    fs_err::create_dir_all(root.join("ns")).unwrap();
    let (_, text) = instance("outside", "openldap_ns", "replicaCount: \"1\"");
    fs_err::write(folder.path().join("outside.ops.yaml"), text).unwrap();
    let link = root.join("ns/link.ops.yaml");
    std::os::unix::fs::symlink(folder.path().join("outside.ops.yaml"), link).unwrap();
    let read = |config: &str| {
        fs_err::write(root.join("osm_ops_config.yaml"), config).unwrap();
        let artifact = Artifact::open(&root).unwrap();
        Revision::read(&artifact.tree, RevisionName::new("r").unwrap())
    };
    let linked = read("fileExtensions: [.ops.yaml]\nconnectionFile: /etc/nbi.yaml\n");
    assert!(linked.desired.instances.is_empty(), "{:#?}", linked.desired);
    let outside = read("targetDir: ../\nconnectionFile: /etc/nbi.yaml\n");
    let problems: Vec<String> = outside.problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].starts_with("osm_ops_config.yaml:1:12"), "{problems:?}");
}

#[test]
fn an_empty_suffix_names_no_files_and_case_and_spaces_do_not_count() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let read = revision(
        "r",
        &[
            file("osm_ops_config.yaml", "fileExtensions: [' ', ' .Mine.YAML ']\n"),
            file("ns/one.mine.yaml", "kind: NsInstance\n"),
            file("ns/two.ops.yaml", "kind: NsInstance\n"),
        ],
    );
    let problems: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert!(!problems.is_empty());
    assert!(problems.iter().all(|it| it.starts_with("ns/one.mine.yaml:1:1")), "{problems:?}");
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_declares_nothing_asks_osm_for_nothing() {
    let world = World::new(Profile::instant());
    let files = Demo { replicas: None, ..Demo::default() }.files();
    let nothing = revision("nothing", &files[..1]);
    let plan = read_and_plan(&world.client(), &nothing.desired).await.unwrap();
    assert!(plan.entries.is_empty());
    assert_eq!(world.osm.journal_len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_inside_a_package_declares_no_instance() {
    let world = World::new(Profile::instant());
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    let (_, text) = instance("example", "openldap_ns", "replicaCount: \"1\"");
    files.push(("osm-pkgs/openldap_ns/examples/ldap.ops.yaml".to_owned(), text));
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let inside = revision("inside", &files);
    let report = pass(&nbi, &inside, &PassOptions::default(), &stop, &mut ()).await;
    assert_eq!(report.items.len(), 2, "{report:#?}");
    assert!(world.osm.records(Collection::NsInstances).is_empty());
}
