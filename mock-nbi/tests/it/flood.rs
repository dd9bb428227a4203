//! Floods over real sockets: refused early, in bounded memory, and the fake lives on.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MIB: usize = 1024 * 1024;
/// What the process may hold at its worst: one body of the largest size that is taken, copied once,
/// and itself.
const PEAK_MAX_MIB: u64 = 320;

/// A fake in a process of its own, so that its memory can be measured.
struct Process {
    child: Child,
    addr: SocketAddr,
}

impl Process {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mock-nbi"))
            .args(["--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("mock-nbi listening on http://").unwrap();
        Self { child, addr: addr.strip_suffix("/osm").unwrap().parse().unwrap() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    async fn token(&self) -> String {
        let login = json!({"username": "admin", "password": "admin"});
        let client = reqwest::Client::new();
        let request = client.post(self.url("/osm/admin/v1/tokens")).json(&login);
        let answer = request.header("Accept", "application/json").send().await.unwrap();
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Sends a request's head, then pieces of body until the server answers or closes; gives the
    /// answer's status and how many bytes were sent.
    async fn pour(&self, head: &str, piece: &[u8], bytes: usize) -> (String, usize) {
        let stream = TcpStream::connect(self.addr).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let answer = tokio::spawn(async move {
            let mut first = [0; 12];
            let _ = from.read_exact(&mut first).await;
            // The rest is read too, so that the server is not blocked.
            let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
            String::from_utf8_lossy(&first).into_owned()
        });
        to.write_all(head.as_bytes()).await.unwrap();
        let mut sent = 0;
        while sent < bytes && to.write_all(piece).await.is_ok() {
            sent += piece.len();
        }
        drop(to);
        (answer.await.unwrap(), sent)
    }

    /// Answers as ever, said nothing of a panic, and never held too much.
    async fn ends_well(mut self) {
        let answer = reqwest::get(self.url("/osm/version")).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let peak = self.peak_mib();
        let stop = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(stop.unwrap().success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        assert!(!log.contains("panicked"), "{log}");
        assert!(peak < PEAK_MAX_MIB, "held {peak} MiB");
    }

    /// The most memory that the process held so far.
    fn peak_mib(&self) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
    }
}

#[tokio::test]
async fn an_upload_of_a_gigabyte_is_refused_early_announced_or_not() {
    let process = Process::start(&[]);
    let path = "/osm/vnfpkgm/v1/vnf_packages_content";
    let gibibyte = 1024 * MIB;
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {gibibyte}\r\n\r\n");
    let (status, _) = process.pour(&head, &vec![0; MIB], gibibyte).await;
    assert_eq!(status, "HTTP/1.1 413");
    assert!(process.peak_mib() < 64, "{}", process.peak_mib());
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &vec![0; MIB], b"\r\n"].concat();
    let (status, _) = process.pour(&head, &chunk, gibibyte).await;
    assert_eq!(status, "HTTP/1.1 413");
    process.ends_well().await;
}

#[tokio::test]
async fn bodies_that_break_off_have_no_effect() {
    let process = Process::start(&[]);
    let path = "/osm/vnfpkgm/v1/vnf_packages_content";
    for head in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n");
        let (status, _) = process.pour(&head, b"3e8\r\nhalf", 9).await;
        assert!(!status.starts_with("HTTP/1.1 2"), "{status}");
    }
    let journal = reqwest::get(process.url("/_mock/journal")).await.unwrap();
    assert_eq!(journal.json::<Value>().await.unwrap(), json!([]));
    process.ends_well().await;
}

/// A package whose one chart is so many zeros.
fn bomb(zeros: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |name: &str, size: usize, content: &mut dyn std::io::Read| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, content).unwrap();
    };
    let descriptor = b"vnfd: {id: v, df: [{id: d}]}\n";
    add("p/vnfd.yaml", descriptor.len(), &mut descriptor.as_slice());
    add("p/zeros", zeros, &mut std::io::repeat(0).take(zeros as u64));
    builder.into_inner().unwrap().finish().unwrap()
}

#[tokio::test]
async fn bombs_and_depths_are_refused() {
    let process = Process::start(&[]);
    let token = process.token().await;
    let client = reqwest::Client::new();
    let post = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = client.post(process.url(path)).bearer_auth(&token);
        let request = request.header("Content-Type", content_type).body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let (packages, vims) = ("/osm/vnfpkgm/v1/vnf_packages_content", "/osm/admin/v1/vim_accounts");
    let status = post(packages, "application/gzip", bomb(1024 * MIB)).await;
    assert!((400..500).contains(&status), "{status}");
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let block = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    for (content_type, body) in [
        ("application/json", deep.clone()),
        ("application/yaml", deep),
        ("application/yaml", block.into_bytes()),
        ("application/json", vec![0xff; 1000]),
        ("application/yaml", vec![0xfe; 1000]),
        ("application/x-www-form-urlencoded", vec![b'&'; 2 * MIB]),
        ("multipart/form-data; boundary=x", b"--x".repeat(100_000)),
    ] {
        for path in [packages, vims] {
            let status = post(path, content_type, body.clone()).await;
            assert!((400..500).contains(&status), "{path} {content_type}: {status}");
        }
    }
    let gzipped = client.post(process.url(vims)).bearer_auth(&token);
    let gzipped = gzipped.header("Content-Encoding", "gzip").body(bomb(MIB)).send().await.unwrap();
    assert_eq!(gzipped.status().as_u16(), 400);
    process.ends_well().await;
}

#[tokio::test]
async fn thousands_of_idle_connections_leave_room_for_more() {
    let process = Process::start(&["--max-connections", "500"]);
    let connect = async |nth: usize| {
        let mut stream = TcpStream::connect(process.addr).await.unwrap();
        // Some say nothing, some begin a request and never end it.
        if nth.is_multiple_of(2) {
            let _ = stream.write_all(b"GET /osm/version HTTP/1.1\r\nX: ").await;
        }
        stream
    };
    let mut idle = Vec::new();
    for batch in 0..12 {
        let streams = (0..250).map(|nth| connect(250 * batch + nth));
        idle.extend(futures_util::future::join_all(streams).await);
    }
    assert_eq!(idle.len(), 3_000);
    let metrics = reqwest::get(process.url("/_mock/metrics")).await.unwrap().text().await.unwrap();
    let open = metrics.lines().find_map(|line| line.strip_prefix("mock_nbi_open_connections "));
    assert!(open.unwrap().parse::<u32>().unwrap() <= 563, "{open:?}");
    assert!(process.peak_mib() < 64, "{}", process.peak_mib());
    process.ends_well().await;
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let process = Process::start(&[]);
    let head = "GET /osm/version HTTP/1.1\r\nHost: x\r\n";
    let (status, sent) = process.pour(head, b"X-Header: flood\r\n", 100 * MIB).await;
    assert_eq!(status, "HTTP/1.1 431");
    assert!(sent < 8 * MIB, "{sent}");
    process.ends_well().await;
}
