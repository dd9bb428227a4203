//! The server on a socket: protocols, TLS, who may steer it, and what it lets clients use up.

use std::net::SocketAddr;
use std::time::Duration;

use mock_nbi::{Fault, FaultKind, Limits, MockNbi, ServeOptions, Server, Shape, TlsIdentity};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn serve(options: ServeOptions) -> (MockNbi, Server) {
    let nbi = MockNbi::builder().build().unwrap();
    let server = nbi.serve_with(options).await.unwrap();
    (nbi, server)
}

async fn limited(limits: Limits) -> (MockNbi, Server) {
    serve(ServeOptions::at(loopback()).limits(limits)).await
}

/// Sends bytes and reads until the server ends the connection.
async fn talk(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn https_with_its_own_certificate_speaks_http_2_and_1() {
    let identity = TlsIdentity::self_signed().unwrap();
    let root = reqwest::Certificate::from_pem(identity.certificate_pem().as_bytes()).unwrap();
    let (_nbi, server) = serve(ServeOptions::at(loopback()).tls(identity)).await;
    assert_eq!(server.scheme(), "https");
    let url = format!("https://localhost:{}/osm/version", server.local_addr().port());
    for (is_old, expected) in [(false, http::Version::HTTP_2), (true, http::Version::HTTP_11)] {
        let client = reqwest::Client::builder().tls_certs_only([root.clone()]);
        let client = if is_old { client.http1_only() } else { client };
        let answer = client.build().unwrap().get(&url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, expected));
    }
    let plain = talk(&server, b"GET /osm/version HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!plain.starts_with("HTTP"), "{plain}");
    server.shutdown().await;
}

#[tokio::test]
async fn http_2_without_tls_is_spoken_to_those_who_know() {
    let (nbi, server) = serve(ServeOptions::at(loopback())).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/osm/version", server.local_addr());
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    assert_eq!(nbi.journal()[0].status, Some(200));
    server.shutdown().await;
}

#[tokio::test]
async fn the_control_api_is_for_those_with_the_token_and_the_nbi_for_all() {
    let (_nbi, server) = serve(ServeOptions::at(loopback()).control_token("secret")).await;
    let base = format!("http://{}", server.local_addr());
    let client = reqwest::Client::new();
    let status = async |path: &str, token: Option<&str>| {
        let mut request = client.get(format!("{base}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/_mock/journal", None).await, 401);
    assert_eq!(status("/_mock/metrics", Some("guess")).await, 401);
    assert_eq!(status("/_mock/journal", Some("secret")).await, 200);
    assert_eq!(status("/osm/version", None).await, 200);
    let foreign = client.post(format!("{base}/_mock/reset")).bearer_auth("secret");
    let foreign = foreign.header("Origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status().as_u16(), 403);
    server.shutdown().await;
}

#[tokio::test]
async fn beyond_loopback_a_control_token_is_made() {
    let (_nbi, server) = serve(ServeOptions::at("0.0.0.0:0".parse().unwrap())).await;
    let token = server.control_token().unwrap().to_owned();
    assert_eq!(token.len(), 32);
    let url = format!("http://127.0.0.1:{}/_mock/clock", server.local_addr().port());
    assert_eq!(reqwest::get(&url).await.unwrap().status().as_u16(), 401);
    let client = reqwest::Client::new();
    let answer = client.get(&url).bearer_auth(token).send().await.unwrap();
    assert!(answer.json::<Value>().await.unwrap()["now"].is_number());
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn connections_without_a_request_are_closed_in_time() {
    let (_nbi, server) = limited(Limits::default()).await;
    let started = tokio::time::Instant::now();
    for begun in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /osm/version HTTP/1.1\r\nHost:"]
    {
        let answer = talk(&server, begun.as_bytes()).await;
        assert!(!answer.contains(" 200 "), "{begun}: {answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(4 * 75 + 60), "{:?}", started.elapsed());
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_half_way_is_answered_with_408() {
    let (nbi, server) = limited(Limits::default()).await;
    let head = "POST /osm/admin/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf";
    let answer = talk(&server, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(nbi.journal()[0].status, Some(408));
    server.shutdown().await;
}

/// Connects, asks, and reads no more than the beginning of the answer, if there is one.
async fn ask(server: &Server) -> (TcpStream, bool) {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    let request = b"GET /osm/version HTTP/1.1\r\nHost: x\r\n\r\n";
    let _ = stream.write_all(request).await;
    let mut first = [0; 12];
    let is_answered = stream.read_exact(&mut first).await.is_ok();
    (stream, is_answered && &first == b"HTTP/1.1 200")
}

#[tokio::test]
async fn one_connection_too_many_takes_the_place_of_the_longest_idle_one() {
    let (_nbi, server) = limited(Limits { connections: 2, ..Limits::default() }).await;
    let (mut oldest, _) = ask(&server).await;
    let (_newer, _) = ask(&server).await;
    assert!(ask(&server).await.1);
    let mut rest = Vec::new();
    // Ends because the server closed it.
    let _ = oldest.read_to_end(&mut rest).await;
    server.shutdown().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_when_all_others_are_busy() {
    let (nbi, server) = limited(Limits { connections: 2, ..Limits::default() }).await;
    let mut busy = Vec::new();
    for nth in 1..=2 {
        let operation = "GET /version".to_owned();
        nbi.inject(Fault { operation, nth: 1, kind: FaultKind::Hang });
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        stream.write_all(b"GET /osm/version HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        busy.push(stream);
        while nbi.journal_len() < nth {
            tokio::task::yield_now().await;
        }
    }
    assert!(!ask(&server).await.1);
    server.shutdown().await;
}

#[tokio::test]
async fn heads_over_the_limits_are_refused() {
    let (nbi, server) = limited(Limits { headers: 10, ..Limits::default() }).await;
    let many = "X-A: 1\r\n".repeat(20);
    let answer = talk(&server, format!("GET /osm/version HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let long = format!("GET /osm/version HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    let answer = talk(&server, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(nbi.journal_len(), 0);
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_line_has_a_latency_and_a_bandwidth() {
    let shape = Shape { latency_seconds: 2.0, bytes_per_second: Some(10) };
    let nbi = MockNbi::builder().shape(shape).build().unwrap();
    let started = tokio::time::Instant::now();
    let answer = crate::client::send(&nbi, "GET", "/osm/version", &[], None).await.unwrap();
    let expected = Duration::from_secs_f64(2.0 + answer.body.len() as f64 / 10.0);
    let taken = started.elapsed();
    assert!(taken >= expected && taken < expected + Duration::from_millis(10), "{taken:?}");
    assert_eq!(nbi.journal()[0].ms, u64::try_from(expected.as_millis()).unwrap());
    assert_eq!(answer.header("Content-Length"), answer.body.len().to_string());
}

#[tokio::test]
async fn metrics_tell_requests_connections_and_records() {
    let (_nbi, server) = serve(ServeOptions::at(loopback())).await;
    let base = format!("http://{}", server.local_addr());
    let client = reqwest::Client::new();
    for path in ["/osm/version", "/osm/nonsense/v1/x/y", "/osm/nonsense/v1/x/z"] {
        client.get(format!("{base}{path}")).send().await.unwrap();
    }
    let answer = client.get(format!("{base}/_mock/metrics")).send().await.unwrap();
    // The format in which a counter's samples end with `_total`, and the text with `# EOF`.
    let media_type = answer.headers()["content-type"].to_str().unwrap();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"), "{media_type}");
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in [
        "mock_nbi_requests_total{operation=\"GET /version\",status=\"200\"} 1",
        "mock_nbi_requests_total{operation=\"unknown\",status=\"405\"} 2",
        "mock_nbi_open_connections 1",
        "mock_nbi_records{collection=\"roles\"} 4",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    server.shutdown().await;
}
