//! The server binary: its first line, its refusals, its end.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn mock_nbi() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-nbi"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn it_says_where_it_listens_answers_and_stops_on_sigterm() {
    let mut child = mock_nbi()
        .args(["serve", "--listen", "127.0.0.1:0", "--release", "19-recorded", "--rng-seed", "1"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("mock-nbi listening on ").unwrap().to_owned();
    let answer = reqwest::get(format!("{url}/version")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("request=GET /osm/version") && log.contains("status=200"), "{log}");
    assert!(log.contains("rng_seed=1"), "{log}");
}

#[test]
fn it_refuses_what_it_should() {
    #[track_caller]
    fn check(args: &[&str], code: i32, expected: &str) {
        let output = mock_nbi().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{text}");
    }
    check(&["--listen", "0.0.0.0:0"], 64, "`--listen 0.0.0.0:0` is no loopback address");
    check(&["--speed", "0"], 64, "`--speed 0` must be above 0");
    check(&["--log-level", "=x="], 64, "`--log-level =x=`");
    check(&["--profile", "x"], 64, "invalid value 'x'");
    check(&["--seed", "/nonexistent.yaml"], 1, "/nonexistent.yaml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    check(&["--listen", &taken], 1, &format!("cannot listen on {taken}"));
}
