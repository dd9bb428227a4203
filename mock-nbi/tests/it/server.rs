//! The server binary: its first line, its refusals, its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

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

/// Starts it; gives the child and the first lines of its stdout.
fn started(args: &[&str], lines: usize) -> (Child, Vec<String>) {
    let mut child = mock_nbi().args(args).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = out.lines().take(lines).map(Result::unwrap).collect();
    (child, lines)
}

fn stop(mut child: Child) {
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

async fn version_over_https(url: &str, certificate: &[u8]) -> u16 {
    let root = reqwest::Certificate::from_pem(certificate).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).build().unwrap();
    client.get(format!("{url}/version")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn it_speaks_https_with_a_certificate_of_its_own_or_a_given_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let own = path("own.pem");
    let args = ["--listen", "localhost:0", "--tls", "--tls-cert-out", &own];
    let (child, lines) = started(&args, 2);
    let url = lines[0].strip_prefix("mock-nbi listening on ").unwrap();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let fingerprint = lines[1].strip_prefix("certificate SHA-256 ").unwrap();
    assert_eq!(fingerprint.split(':').count(), 32);
    assert_eq!(version_over_https(url, &fs_err::read(&own).unwrap()).await, 200);
    stop(child);

    let given = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    fs_err::write(&certificate, given.cert.pem()).unwrap();
    fs_err::write(&key, given.signing_key.serialize_pem()).unwrap();
    let args = ["--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key];
    let (child, lines) = started(&args, 1);
    let url = lines[0].strip_prefix("mock-nbi listening on ").unwrap();
    assert_eq!(version_over_https(url, given.cert.pem().as_bytes()).await, 200);
    stop(child);
}

#[tokio::test]
async fn beyond_loopback_it_prints_the_control_token() {
    let (child, lines) = started(&["--listen", "0.0.0.0:0", "--allow-remote"], 2);
    let port = lines[0].trim_end_matches("/osm").rsplit(':').next().unwrap();
    let token = lines[1].strip_prefix("control token ").unwrap();
    let url = format!("http://127.0.0.1:{port}/_mock/clock");
    let client = reqwest::Client::new();
    assert_eq!(client.get(&url).send().await.unwrap().status().as_u16(), 401);
    assert_eq!(client.get(&url).bearer_auth(token).send().await.unwrap().status().as_u16(), 200);
    stop(child);
}

#[test]
fn the_kinds_of_faults_are_listed_and_the_readme_has_them_all() {
    let output = mock_nbi().arg("faults").output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs_err::read_to_string(readme).unwrap();
    for help in mock_nbi::FaultKind::catalogue() {
        assert!(listed.contains(help.about), "{}", help.name);
        let line = readme.lines().find(|line| line.ends_with(&format!("| {} |", help.about)));
        assert!(line.is_some_and(|line| line.contains(help.name)), "{} in the README", help.name);
    }
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
    check(&["--listen", "localhost"], 64, "`--listen localhost` is no HOST:PORT");
    check(&["--listen", "no.such.host.invalid:1"], 1, "`--listen no.such.host.invalid:1`");
    check(&["--tls-cert", "x"], 64, "--tls-key");
    check(&["--tls", "--tls-cert", "x", "--tls-key", "y"], 64, "cannot be used with");
    check(&["--tls-cert", "/nonexistent", "--tls-key", "y"], 1, "/nonexistent");
    check(&["--speed", "0"], 64, "`--speed 0` must be above 0");
    check(&["--log-level", "=x="], 64, "`--log-level =x=`");
    check(
        &["--profile", "x"],
        64,
        "`--profile x` is neither instant, realistic, manual nor a file",
    );
    check(&["--seed", "/nonexistent.yaml"], 1, "/nonexistent.yaml");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    check(&["--listen", &taken], 1, &format!("cannot listen on {taken}"));
}
