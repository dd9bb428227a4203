//! The command line as a user runs it: what it prints, where, and its exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mock_nbi::{Fault, FaultKind, Profile, Server};

use crate::world::{Demo, PASSWORD, World};

fn repo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repos").join(name)
}

/// A command that knows nothing of the environment's OSM.
fn osmops(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_osmops"));
    for name in ["OSM_HOSTNAME", "OSM_USER", "OSM_PASSWORD", "OSM_PROJECT"] {
        command.env_remove(name);
    }
    command.env("NO_PROXY", "127.0.0.1").args(arguments).stdin(Stdio::null());
    command
}

/// A fake OSM that listens, in a runtime of its own: the command is another process.
pub(crate) struct Osm {
    pub(crate) world: World,
    pub(crate) runtime: tokio::runtime::Runtime,
    server: Server,
}

impl Osm {
    pub(crate) fn new() -> Self {
        Self::with(Profile::instant())
    }

    fn with(profile: Profile) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let world = World::new(profile);
        let server = runtime.block_on(world.osm.serve("127.0.0.1:0".parse().unwrap())).unwrap();
        Self { world, runtime, server }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.local_addr())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = osmops(arguments);
        command.env("OSM_HOSTNAME", self.url()).env("OSM_PROJECT", "admin");
        command.env("OSM_USER", "admin").env("OSM_PASSWORD", PASSWORD);
        command
    }

    fn fault(&self, operation: &str, kind: FaultKind) {
        self.world.osm.inject(Fault { operation: operation.to_owned(), nth: 1, kind });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs, and checks the exit code and that standard output and error together hold every part.
pub(crate) fn check(mut command: Command, code: i32, parts: &[&str]) -> Output {
    let output = command.output().unwrap();
    let all = String::from_utf8_lossy(&output.stdout).into_owned() + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{all}");
    for part in parts {
        assert!(all.contains(part), "`{part}` is missing in:\n{all}");
    }
    assert!(!all.contains("not-a-real-one"), "no password: {all}");
    output
}

fn path(name: &str) -> String {
    repo(name).to_str().unwrap().to_owned()
}

#[test]
fn bad_repositories_end_with_1_and_name_file_and_line() {
    let cases: [(&str, &[&str]); 10] = [
        ("no-config", &["osm_ops_config.yaml: no such file in the repository's root"]),
        ("target-dir-outside", &["osm_ops_config.yaml:1:12: `targetDir` is `../elsewhere`"]),
        ("ops-not-yaml", &["deploy/ldap.ops.yaml:10:19: "]),
        (
            "ops-misspelt-key",
            &["deploy/ldap.ops.yaml:4:1: unknown key `nsdNme`, did you mean `nsdName`?"],
        ),
        (
            "two-instances-of-one-name",
            &["deploy/second.ops.yaml:2:7: ", "deploy/ldap.ops.yaml:2:7"],
        ),
        ("package-without-descriptor", &["deploy/osm-pkgs/empty_knf: no VNFD or NSD"]),
        ("package-with-two-descriptors", &["openldap_vnfd.yaml`, `", "other_vnfd.yaml`"]),
        (
            "three-mistakes",
            &["ldap.ops.yaml:4:1: ", "ldap.ops.yaml:6:1: ", "empty_ns: ", "3 problems"],
        ),
        ("unknown-kind", &["deploy/ldap.ops.yaml:1:7: kind `KduNsAction`"]),
        ("unknown-member", &["deploy/ldap.ops.yaml:5:10: "]),
    ];
    for (name, parts) in cases {
        check(osmops(&["validate", &path(name)]), 1, parts);
    }
    let output = check(osmops(&["validate", &path("three-mistakes"), "--output", "json"]), 1, &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["problems"].as_array().unwrap().len(), 3, "{json}");
    assert_eq!(json["problems"][0]["at"]["line"], 4);
}

#[test]
fn a_healthy_repository_validates() {
    check(osmops(&["validate", &path("healthy")]), 0, &["2 packages, 1 NS instance, no problems"]);
}

#[test]
fn what_is_no_repository_is_said_so() {
    check(osmops(&["validate", "/nowhere/at/all"]), 1, &["error: ", "/nowhere/at/all"]);
    check(
        osmops(&["validate", &path("healthy/deploy/ldap.ops.yaml")]),
        1,
        &["neither a folder nor"],
    );
    check(osmops(&["frobnicate"]), 64, &["frobnicate"]);
    check(osmops(&["apply"]), 64, &["<PATH>"]);
    check(osmops(&["run", "--concurrent", "0"]), 64, &["--concurrent", "1 or more"]);
    check(osmops(&["--help"]), 0, &["Exit codes", "Examples", "validate", "pack"]);
    let long = "x".repeat(300);
    check(osmops(&["validate", &path("healthy"), "--revision", &long]), 1, &["--revision"]);
}

#[test]
fn a_missing_connection_says_how_to_give_one() {
    check(osmops(&["plan", &path("unknown-kdu")]), 1, &["deploy/ldap.ops.yaml:8:9"]);
    let osm = Osm::new();
    let mut command =
        osm.command(&["plan", &path("healthy"), "--connection-file", "/nowhere.yaml"]);
    command.env_remove("OSM_HOSTNAME");
    check(command, 1, &["--connection-file", "/nowhere.yaml"]);
    let folder = tempfile::tempdir().unwrap();
    let config = "connectionFile: /nowhere/nbi.yaml\n";
    fs_err::write(folder.path().join("osm_ops_config.yaml"), config).unwrap();
    let ops = repo("healthy/deploy/ldap.ops.yaml");
    fs_err::copy(ops, folder.path().join("ldap.osmops.yaml")).unwrap();
    let parts = ["osm_ops_config.yaml:1:17", "/nowhere/nbi.yaml", "OSM_HOSTNAME"];
    check(osmops(&["plan", folder.path().to_str().unwrap()]), 1, &parts);
}

#[test]
fn plan_apply_and_plan_again_tell_changes_by_their_exit_codes() {
    let osm = Osm::new();
    let healthy = path("healthy");
    let planned = check(osm.command(&["plan", &healthy]), 2, &["+ NS ldap", "3 to create"]);
    assert!(!text(&planned.stdout).contains('\u{1b}'), "no colours in a pipe");
    check(osm.command(&["apply", &healthy]), 3, &["started", "NS ldap: created"]);
    check(
        osm.command(&["apply", &healthy, "--wait"]),
        0,
        &["converged: 3 items", "0 of them writing"],
    );
    check(osm.command(&["plan", &healthy]), 0, &["= NS ldap: unchanged", "3 unchanged"]);
    let output = check(osm.command(&["apply", &healthy, "--wait", "--output", "json"]), 0, &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["end"]["is"], "converged");
    assert_eq!(json["requests"]["write"], 0);
    let painted = osm.command(&["plan", &healthy, "--color", "always"]).output().unwrap();
    assert!(text(&painted.stdout).contains('\u{1b}'));
}

#[test]
fn a_first_deployment_takes_13_requests_over_one_connection() {
    let osm = Osm::new();
    let output = check(osm.command(&["apply", &path("healthy"), "--wait", "-o", "json"]), 0, &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        json["requests"],
        serde_json::json!({"log_in": 1, "read": 7, "probe": 1, "write": 3, "log_out": 1})
    );
    let journal = osm.world.osm.journal();
    assert_eq!(journal.len(), 13);
    assert!(journal.iter().all(|entry| entry.connection == journal[0].connection));
}

#[test]
fn log_lines_are_those_of_the_original_in_console_or_json_form() {
    let osm = Osm::new();
    let healthy = path("healthy");
    let parts = [
        "New revision detected revision=healthy",
        "processing osm package=deploy/osm-pkgs/openldap_knf",
        "processing file=deploy/ldap.ops.yaml",
    ];
    check(osm.command(&["apply", &healthy, "--wait"]), 0, &parts);
    let output = check(osm.command(&["apply", &healthy, "--log-encoding", "json"]), 0, &[]);
    let lines: Vec<serde_json::Value> =
        text(&output.stderr).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["msg"], "New revision detected");
    assert_eq!(lines[0]["revision"], "healthy");
    assert_eq!(lines[1]["osm package"], "deploy/osm-pkgs/openldap_knf");
}

#[test]
fn an_artifact_is_read_from_a_file_or_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("healthy.tar.gz");
    let file = fs_err::File::create(&archive).unwrap();
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
    builder.append_dir_all(".", repo("healthy")).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    let name = archive.to_str().unwrap();
    let parts = ["healthy@sha256:", "no problems", "Extracted tarball into", "6 files, 4 dirs"];
    check(osmops(&["validate", name, "--log-level", "info"]), 0, &parts);
    let mut command = osmops(&["validate", "-"]);
    command.stdin(fs_err::File::open(&archive).unwrap().into_file());
    check(command, 0, &["stdin@sha256:", "no problems"]);
    let broken = folder.path().join("broken.tar.gz");
    let whole = fs_err::read(&archive).unwrap();
    fs_err::write(&broken, &whole[..whole.len() / 2]).unwrap();
    check(osmops(&["validate", broken.to_str().unwrap()]), 1, &["broken.tar.gz", "not a whole"]);
}

#[test]
fn trouble_with_osm_ends_with_1_and_names_the_request() {
    let healthy = path("healthy");
    let apply = ["apply", &healthy, "--wait", "--request-timeout", "300ms"];
    let osm = Osm::new();
    let mut command = osm.command(&apply);
    command.env("OSM_PASSWORD", "wrong");
    let tokens = format!("POST {}/osm/admin/v1/tokens", osm.url());
    check(command, 1, &[&tokens, "Invalid username/password", "user `admin`", "stalled"]);
    // A fresh OSM each time: a second log-in within two seconds is delayed.
    for (kind, expected) in [
        (FaultKind::Hang, "/vnf_packages: no answer within 300ms"),
        (FaultKind::NotJson, "/vnf_packages: answered with 200 OK, and not as OSM does"),
        (FaultKind::Html { status: 502 }, "/vnf_packages: answered with 502 Bad Gateway"),
    ] {
        let osm = Osm::new();
        osm.fault("GET /vnfpkgm/v1/vnf_packages", kind);
        check(osm.command(&apply), 1, &["GET http://", expected]);
    }
    let command = osm.command(&apply);
    let Osm { runtime, server, .. } = osm;
    runtime.block_on(server.shutdown());
    check(command, 1, &[&tokens, "cannot reach OSM", "efused"]);
}

#[test]
fn what_osm_lacks_ends_with_1_and_names_file_and_line() {
    let osm = Osm::new();
    let parts = [
        "openldap_nsd.yaml:11:18: no healthy VNFD `mariadb_knf` in this repository, and none in OSM",
        "stalled",
    ];
    check(osm.command(&["apply", &path("nsd-of-unknown-vnfd"), "--wait"]), 1, &parts);
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in Demo::default().files() {
        let file = folder.path().join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, content.replace("mylocation1", "elsewhere")).unwrap();
    }
    let root = folder.path().to_str().unwrap();
    let parts = ["ns/ldap.ops.yaml:6:17: OSM's project has no VIM account `elsewhere`"];
    check(osm.command(&["plan", root]), 1, &parts);
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied);
        } else {
            fs_err::copy(path, copied).unwrap();
        }
    }
}

#[test]
fn a_failed_operation_ends_with_1_and_osms_own_words() {
    let osm = Osm::new();
    let detail = "Instantiating: helm says: no such chart".to_owned();
    osm.fault("POST /nslcm/v1/ns_instances_content", FaultKind::OperationFails { detail });
    let parts = ["helm says: no such chart", "deploy/ldap.ops.yaml:2:7", "stalled"];
    let folder = tempfile::tempdir().unwrap();
    copy(&repo("healthy"), folder.path());
    let config = folder.path().join("osm_ops_config.yaml");
    let text = fs_err::read_to_string(&config).unwrap();
    fs_err::write(&config, format!("{text}\nretry: {{attempts: 1}}\n")).unwrap();
    check(osm.command(&["apply", folder.path().to_str().unwrap(), "--wait"]), 1, &parts);
}

#[test]
fn flags_count_before_the_environment_and_the_environment_before_the_repository() {
    let osm = Osm::new();
    let healthy = path("healthy");
    let url = osm.url();
    // The repository's own connection file names localhost:9999 and another password.
    check(osm.command(&["plan", &healthy]), 2, &["3 to create"]);
    let mut command = osm.command(&["plan", &healthy, "--osm-url", &url]);
    command.env("OSM_HOSTNAME", "127.0.0.1:1");
    check(command, 2, &["3 to create"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nbi.yaml");
    let connection =
        format!("hostname: {url}\nproject: admin\nuser: admin\npassword: {PASSWORD}\n");
    fs_err::write(&file, connection).unwrap();
    let mut command = osm.command(&["plan", &healthy, "--connection-file", file.to_str().unwrap()]);
    command.env("OSM_HOSTNAME", "127.0.0.1:1").env("OSM_PASSWORD", "wrong");
    check(command, 2, &["3 to create"]);
}

#[test]
fn packing_twice_gives_equal_bytes_and_a_file_that_others_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let package = repo("healthy/deploy/osm-pkgs/openldap_knf");
    let archives: Vec<Vec<u8>> = ["a.tar.gz", "b.tar.gz"]
        .map(|name| {
            let target = folder.path().join(name);
            let arguments = ["pack", package.to_str().unwrap(), "-o", target.to_str().unwrap()];
            check(osmops(&arguments), 0, &["VNFD openldap_knf 1.0, 1 file"]);
            fs_err::read(target).unwrap()
        })
        .to_vec();
    assert_eq!(archives[0], archives[1]);
    let to_stdout = check(osmops(&["pack", package.to_str().unwrap(), "-o", "-"]), 0, &[]);
    assert_eq!(to_stdout.stdout, archives[0]);
    let without = repo("package-without-descriptor/deploy/osm-pkgs/empty_knf");
    check(osmops(&["pack", without.to_str().unwrap()]), 1, &["empty_knf: no VNFD or NSD"]);
}

#[test]
fn what_could_not_be_finished_is_said_in_other_words_than_what_was_started() {
    let osm = Osm::with(Profile::manual());
    let healthy = path("healthy");
    let waiting = osm.command(&["apply", &healthy, "--wait", "--timeout", "1200ms"]);
    let made = "+ NS ldap: created, instantiation started";
    check(waiting, 3, &["the time is over: revision healthy is not verified", made]);
    check(
        osm.command(&["apply", &healthy]),
        3,
        &[
            "waiting: revision healthy is not verified yet",
            "OSM is at work on it: its instantiation (operation ",
        ],
    );
    let osm = Osm::new();
    let kind = FaultKind::Status { status: 422, body: None, retry_after: None };
    osm.fault("POST /nsd/v1/ns_descriptors_content", kind);
    check(osm.command(&["apply", &healthy]), 1, &["failed in part", "refused with 422"]);
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let osm = Osm::new();
    let mut command = osm.command(&["plan", &path("healthy")]);
    command.env("OSM_HOSTNAME", "http://admin:s3cret@127.0.0.1:1");
    let output = check(command, 1, &["OSM_HOSTNAME", "must not hold a user or password"]);
    assert!(!text(&output.stderr).contains("s3cret"));
}

#[test]
fn json_is_printed_for_machines_even_when_osm_is_away() {
    let mut command = Osm::new().command(&["plan", &path("healthy"), "-o", "json"]);
    command.env("OSM_HOSTNAME", "http://127.0.0.1:1");
    let output = check(command, 1, &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["stopped"].as_str().unwrap().contains("cannot reach OSM"), "{json}");
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let mut command = osmops(&["validate", &path("healthy")]);
    command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    check(command, 1, &["cannot write to standard output"]);
}

#[test]
fn a_package_is_not_packed_into_itself() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("vnfd.yaml"), "vnfd: {id: a}\n").unwrap();
    let mut command = osmops(&["pack", "."]);
    command.current_dir(folder.path());
    check(command, 1, &["would become a part of the package itself"]);
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_ca_file_is_taken_from_beside_the_connection_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nbi.yaml");
    let text = "hostname: https://127.0.0.1:1\nproject: p\nuser: u\npassword: w\ncaFile: ca.pem\n";
    fs_err::write(&file, text).unwrap();
    let arguments = ["plan", &path("healthy"), "--connection-file", file.to_str().unwrap()];
    let expected = folder.path().join("ca.pem");
    check(osmops(&arguments), 1, &["no certificate authorities", expected.to_str().unwrap()]);
    fs_err::write(&file, "hostname: 'a b'\nproject: p\nuser: u\npassword: w\n").unwrap();
    check(osmops(&arguments), 1, &["nbi.yaml:1:11: `hostname`: `a b` is no OSM address"]);
}

#[test]
fn a_broken_file_makes_a_started_apply_end_with_1() {
    let osm = Osm::with(Profile::manual());
    let folder = tempfile::tempdir().unwrap();
    let mut files = Demo::default().files();
    files.push(("ns/broken.ops.yaml".to_owned(), "kind: [\n".to_owned()));
    for (name, content) in files {
        let file = folder.path().join(name);
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(file, content).unwrap();
    }
    let root = folder.path().to_str().unwrap();
    let parts = ["ns/broken.ops.yaml:2:1", "NS ldap: created", "1 problem of its own"];
    check(osm.command(&["apply", root]), 1, &parts);
}

#[test]
fn what_is_printed_for_machines_is_as_its_schema_says() {
    let osm = Osm::new();
    let json = |mut command: Command| -> serde_json::Value {
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let check = |document: &str, repository: &str| {
        let schema = json(osmops(&["schema", document]));
        assert!(schema["title"].is_string(), "{schema}");
        let validator = jsonschema::validator_for(&schema).unwrap();
        let printed = json(osm.command(&[document, repository, "--output", "json"]));
        let faults: Vec<_> = validator.iter_errors(&printed).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{document} {repository}: {faults:#?}\n{printed:#}");
        assert!(!validator.is_valid(&serde_json::json!({ "revision": 1 })));
    };
    for repository in ["healthy", "three-mistakes"] {
        for document in ["validate", "plan", "apply", "plan"] {
            check(document, &path(repository));
        }
    }
    osm.fault("GET /vnfpkgm/v1/vnf_packages", FaultKind::Html { status: 502 });
    check("plan", &path("healthy"));
}
