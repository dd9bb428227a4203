//! The `scenario` program: arguments, exit codes, and what it leaves behind.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::support::{build_fake, cases, program};

fn case(name: &str) -> PathBuf {
    cases().join(format!("{name}.yaml"))
}

fn run(arguments: &[&str], file: &Path) -> (i32, String, String) {
    let output = program().arg("run").args(arguments).arg(file).output().unwrap();
    texts(&output)
}

fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap();
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn wrong_usage_exits_with_64_and_help_with_0() {
    let code = |arguments: &[&str]| program().args(arguments).output().unwrap().status.code();
    assert_eq!(code(&["run"]), Some(64));
    assert_eq!(code(&["fly"]), Some(64));
    assert_eq!(code(&["run", "x.yaml", "--speed", "0"]), Some(64));
    assert_eq!(code(&["run", "x.yaml", "--keep"]), Some(64));
    assert_eq!(code(&["run", "x.yaml", "--keep", "--nbi", "http://127.0.0.1:9"]), Some(64));
    assert_eq!(code(&["run", "x.yaml", "--story", "--output", "json"]), Some(64));
    assert_eq!(code(&["sim", "--world", "nowhere"]), Some(64));
    assert_eq!(code(&["sim", "--plan", "run#1"]), Some(64));
    assert_eq!(code(&["sim", "--one-in", "0"]), Some(64));
    assert_eq!(code(&["sim", "--jobs", "0", "--seeds", "1"]), Some(64));
    assert_eq!(code(&["sim", "--seed", "1", "--ledger", "ledger.txt"]), Some(64));
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["run", "--help"]), Some(0));
    let help = program().arg("--help").output().unwrap();
    assert!(texts(&help).1.contains("Exit codes: 0"));
}

#[test]
fn list_names_every_scenario_and_where_it_can_run() {
    let (code, out, _) = texts(&program().arg("list").output().unwrap());
    assert_eq!(code, 0);
    assert!(out.contains("packaging (on any OSM)"), "{out}");
    assert!(out.contains("failed-operation (on the fake OSM only)"), "{out}");
}

#[test]
fn a_scenario_that_holds_exits_with_0_and_its_json_says_so() {
    let (code, out, err) = run(&["--output", "json"], &case("packaging"));
    assert_eq!(code, 0, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report[0]["holds"], true);
    assert_eq!(report[0]["sessions"][2]["requests"]["write"], 0);
    assert_eq!(report[0]["osm"]["packages"][1]["version"], "1.1");
}

#[test]
fn an_expectation_that_does_not_hold_exits_with_1_and_names_its_line() {
    let text = fs_err::read_to_string(case("legacy")).unwrap();
    let text = text.replace("../trees", &cases().join("../trees").to_string_lossy());
    let text = text.replacen("end: stalled", "end: converged", 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("legacy.yaml");
    fs_err::write(&file, text).unwrap();
    let (code, out, _) = run(&[], &file);
    assert_eq!(code, 1);
    assert!(out.contains("line 12: the commit ended converged; found: stalled"), "{out}");
}

#[test]
fn a_broken_file_exits_with_1_and_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.yaml");
    fs_err::write(&file, "purpose: p\nrepository: {trees: t}\nsteps: [{aply: v1}]\n").unwrap();
    let (code, _, err) = run(&[], &file);
    assert_eq!(code, 1);
    assert!(err.contains("s.yaml:3:10: unknown key `aply`, did you mean `apply`?"), "{err}");
}

/// Runs a scenario on the demo's trees that has these givens and steps.
fn run_text(folder: &Path, given_and_steps: &str) -> (i32, String, String) {
    let trees = cases().join("../trees/packaging");
    let file = folder.join("s.yaml");
    let repository = format!("repository: {{trees: {}}}", trees.display());
    fs_err::write(&file, format!("purpose: p\n{repository}\n{given_and_steps}")).unwrap();
    run(&["--profile", "instant"], &file)
}

#[test]
fn what_a_file_names_and_is_not_there_is_reported_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = run_text(folder.path(), "steps:\n  - plan: v9\n");
    assert_eq!(code, 1);
    assert!(err.contains("s.yaml:4: the tag `v9` cannot be read: no tag `v9` in"), "{err}");
    let text = "given: [{k8s_cluster: c, at: nowhere}]\nsteps: [{plan: test.0.0.7}]\n";
    let (code, _, err) = run_text(folder.path(), text);
    assert_eq!(code, 1);
    assert!(err.contains("s.yaml:3: cannot make what is given: OSM has no VIM account"), "{err}");
}

#[test]
fn nothing_holds_of_an_apply_that_was_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = "steps:
  - expect:
      changes: []
      problems: []
      failures: []
      requests: {writes: 0}
  - plan: test.0.0.7
  - expect:
      changes: []
      failures: []
";
    let (code, out, _) = run_text(folder.path(), text);
    assert_eq!(code, 1);
    let found: Vec<&str> = out.lines().filter_map(|line| line.split("found: ").nth(1)).collect();
    let (neither, no_apply) = ("no apply and no plan before this", "no apply before this");
    assert_eq!(found, [no_apply, neither, neither, no_apply, no_apply, no_apply], "{out}");
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let list = program().arg("list").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut list = list.unwrap();
    drop(list.stdout.take());
    let (code, _, err) = texts(&list.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn nothing_listening_exits_with_1_and_names_the_request() {
    let (code, _, err) = run(&["--nbi", "http://127.0.0.1:9"], &case("packaging"));
    assert_eq!(code, 1);
    assert!(err.contains("POST /osm/admin/v1/tokens: no answer"), "{err}");
}

#[test]
fn a_missing_fake_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("scenario");
    fs_err::copy(env!("CARGO_BIN_EXE_scenario"), &alone).unwrap();
    let mut command = Command::new(&alone);
    command.env_remove("MOCK_NBI").args(["run", "--target", "http"]).arg(case("packaging"));
    let (code, _, err) = texts(&command.output().unwrap());
    assert_eq!(code, 1);
    assert!(err.contains("build it with `cargo build -p mock-nbi`"), "{err}");
}

/// A program in a process group of its own, interrupted as a whole when the test is over, whichever way.
struct Group(Child);

impl Group {
    /// What a terminal does at Ctrl-C.
    fn interrupt(&self) {
        let group = format!("-{}", self.0.id());
        let status = Command::new("kill").args(["-INT", "--", &group]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.interrupt();
            let _ = self.0.wait();
        }
    }
}

#[test]
fn ctrl_c_leaves_no_process_behind_even_when_one_was_to_be_kept() {
    build_fake();
    for arguments in [["--story"].as_slice(), &["--story", "--keep"]] {
        let mut command = program();
        command.args(["run", "--target", "http", "--speed", "50"]).args(arguments);
        command.arg(case("packaging")).stdout(Stdio::piped()).process_group(0);
        let mut child = Group(command.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains("http://127.0.0.1:")).unwrap();
        let port = line.split("http://127.0.0.1:").nth(1).unwrap();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let address = format!("127.0.0.1:{port}");
        let is_there = || std::net::TcpStream::connect(&address).is_ok();
        assert!(is_there(), "{address}");
        child.interrupt();
        let rest: Vec<String> = lines.collect();
        assert_eq!(child.0.wait().unwrap().code(), Some(130), "{rest:#?}");
        let told = rest.iter().any(|line| line.starts_with("✗ Interrupted"));
        assert!(told, "the end is not told: {rest:#?}");
        assert!(!is_there(), "the fake at {address} is still there");
    }
}
