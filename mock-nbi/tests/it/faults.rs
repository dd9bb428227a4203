//! Faults by address, in process and over a socket, and what the journal says of them.

use std::io;

use mock_nbi::{Fault, FaultKind, MockNbi, Server};
use serde_json::{Value, json};

use crate::client::{STOCK, User, raw_exchange, send, stocked};

const PATH: &str = "/osm/admin/v1/vim_accounts";

fn fault(operation: &str, nth: u32, kind: FaultKind) -> Fault {
    Fault { operation: operation.into(), nth, kind }
}

/// How a client of either kind sees the answer to a request for the VIM accounts.
async fn seen_in_process(kind: FaultKind) -> String {
    let nbi = MockNbi::builder().build().unwrap();
    let user = User::login(&nbi).await;
    nbi.inject(fault("GET /admin/v1/vim_accounts", 1, kind));
    let wait = std::time::Duration::from_millis(300);
    match tokio::time::timeout(wait, user.try_call("GET", "/admin/v1/vim_accounts", None)).await {
        Err(_) => "nothing".into(),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => "cut".into(),
        // A socket's client has its connection already; to it this is one that is cut.
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => "cut".into(),
        // The body's error, wrapped by the collector.
        Ok(Err(_)) => "broken off".into(),
        Ok(Ok(answer)) => format!("{} {}", answer.status, answer.header("Content-Type")),
    }
}

async fn seen_over_a_socket(kind: FaultKind) -> String {
    let nbi = MockNbi::builder().build().unwrap();
    let server = nbi.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let user = User::login(&nbi).await;
    nbi.inject(fault("GET /admin/v1/vim_accounts", 1, kind));
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\n\r\n",
        user.token
    );
    let Some(answer) = raw_exchange(server.local_addr(), &request).await else {
        return "nothing".into();
    };
    let Ok(answer) = answer else {
        return "cut".into();
    };
    let answer = String::from_utf8(answer).unwrap();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return "cut".into();
    };
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.to_lowercase().strip_prefix(name).map(str::to_owned))
            .unwrap_or_default()
    };
    let length: usize = header("content-length: ").parse().unwrap();
    if body.len() < length {
        return "broken off".into();
    }
    format!("{} {}", head.split(' ').nth(1).unwrap(), header("content-type: "))
}

#[tokio::test]
async fn faults_look_the_same_in_process_and_over_a_socket() {
    let json = "application/json; charset=utf-8";
    let status = FaultKind::Status { status: 503, body: None, retry_after: Some(2) };
    for (kind, expected) in [
        (status, format!("503 {json}")),
        (FaultKind::Html { status: 502 }, "502 text/html".to_owned()),
        (FaultKind::NotJson, format!("200 {json}")),
        (FaultKind::Hang, "nothing".to_owned()),
        (FaultKind::ResetBefore, "cut".to_owned()),
        (FaultKind::ResetAfter, "cut".to_owned()),
        (FaultKind::Truncated, "broken off".to_owned()),
        (FaultKind::Late { seconds: 0.01 }, format!("200 {json}")),
        (FaultKind::Refused, "cut".to_owned()),
        (FaultKind::Drip { bytes: 1, every: 0.01 }, format!("200 {json}")),
        (FaultKind::YamlBody, "200 application/yaml".to_owned()),
        (FaultKind::UnknownFields, format!("200 {json}")),
        (FaultKind::InternalError, format!("400 {json}")),
        (FaultKind::ServerError, "500 text/html;charset=utf-8".to_owned()),
        (FaultKind::TooLarge, "413 text/html;charset=utf-8".to_owned()),
        (FaultKind::QuotaRefused, format!("401 {json}")),
        (FaultKind::TokenRevoked, format!("401 {json}")),
        (FaultKind::LandsAfterRetry, "cut".to_owned()),
    ] {
        assert_eq!(seen_in_process(kind.clone()).await, expected, "{kind:?} in process");
        assert_eq!(seen_over_a_socket(kind.clone()).await, expected, "{kind:?} over a socket");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_before_has_no_effect_and_one_after_has() {
    let nbi = MockNbi::builder().build().unwrap();
    let user = User::login(&nbi).await;
    let post = "POST /admin/v1/vim_accounts";
    nbi.inject(fault(post, 1, FaultKind::ResetBefore));
    nbi.inject(fault(post, 2, FaultKind::ResetAfter));
    for (name, count) in [("a", 0), ("b", 1)] {
        let body = json!({"name": name, "vim_type": "dummy", "vim_url": "u", "vim_user": "u",
            "vim_password": "p", "vim_tenant_name": "t"});
        let error = user.try_call("POST", "/admin/v1/vim_accounts", Some(body)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(user.get("/admin/v1/vim_accounts").await.as_array().unwrap().len(), count);
    }
    let entry = &nbi.journal()[1];
    assert_eq!((entry.method.as_str(), entry.status), ("POST", None));
    assert!(entry.is_write());
}

#[tokio::test(start_paused = true)]
async fn ids_in_an_address_stand_for_any_and_a_scripted_operation_fails_with_its_text() {
    let seed = mock_nbi::Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().seed(seed).build().unwrap();
    let stock = stocked(&nbi).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"a": "1"})).await;
    let kind = FaultKind::OperationFails { detail: "timed out".into() };
    nbi.inject(fault("POST /nslcm/v1/ns_instances/{id}/action", 2, kind));
    let good = stock.upgrade(&ns_id, json!({"a": "2"})).await;
    let bad = stock.upgrade(&ns_id, json!({"a": "3"})).await;
    assert_eq!(stock.operation(&good).await["operationState"], "COMPLETED");
    let op = stock.operation(&bad).await;
    assert_eq!(op["operationState"], "FAILED");
    assert_eq!(op["errorMessage"], "FAILED Executing kdu upgrade: timed out");
    let ns = stock.ns(&ns_id).await;
    assert_eq!((&ns["nsState"], &ns["currentOperation"]), (&json!("READY"), &json!("IDLE")));
    let status = ns["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str().unwrap();
    assert!(status.starts_with("{'config': {'a': '2'}"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_writes_from_reads_and_keeps_no_secret() {
    let nbi = MockNbi::builder().build().unwrap();
    let user = User::login(&nbi).await;
    user.get("/admin/v1/vim_accounts?name=x").await;
    let query = "/osm/admin/v1/tokens?username=admin&password=admin";
    send(&nbi, "POST", query, &[], Some(b"{}")).await.unwrap();
    let journal = nbi.journal();
    assert_eq!(nbi.journal_len(), 3);
    assert!(journal.iter().all(|entry| !entry.is_write() && entry.connection == 0));
    let text = serde_json::to_value(&journal).unwrap();
    assert_eq!(text[1]["query"], "name=x");
    assert_eq!(text[2]["query"], "username=admin&password=***");
    let keys: Vec<&String> = text[0].as_object().unwrap().keys().collect();
    let wanted = [
        "n",
        "at",
        "method",
        "path",
        "query",
        "status",
        "request_bytes",
        "response_bytes",
        "connection",
        "operation",
        "user_agent",
        "response_type",
        "ms",
        "fault",
        "near_miss",
    ];
    assert_eq!(keys, wanted);
    assert!(text[0]["request_bytes"].as_u64().unwrap() > 0);
}

/// Sends a request over a fresh connection; gives status and JSON body.
async fn over_http(server: &Server, method: &str, path: &str, body: Value) -> (u16, Value) {
    let url = format!("http://{}{path}", server.local_addr());
    let client = reqwest::Client::new();
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let answer = client.request(method, url).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn the_control_api_steers_faults_and_numbers_connections() {
    let nbi = MockNbi::builder().build().unwrap();
    let server = nbi.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let login = json!({"username": "admin", "password": "admin"});
    let injected = json!({"operation": "POST /admin/v1/tokens", "nth": 1,
        "kind": {"status": {"status": 503, "retry-after": 1}}});
    assert_eq!(over_http(&server, "POST", "/_mock/faults", injected.clone()).await.0, 204);
    let (_, armed) = over_http(&server, "GET", "/_mock/faults", json!({})).await;
    assert_eq!(armed[0]["operation"], injected["operation"]);
    assert_eq!(over_http(&server, "POST", "/osm/admin/v1/tokens", login.clone()).await.0, 503);
    assert_eq!(over_http(&server, "POST", "/osm/admin/v1/tokens", login).await.0, 200);
    let bad = json!({"operation": "x", "nth": 1, "kind": "nonsense"});
    assert_eq!(over_http(&server, "POST", "/_mock/faults", bad).await.0, 400);
    let (_, journal) = over_http(&server, "GET", "/_mock/journal", json!({})).await;
    assert_eq!(journal.as_array().unwrap().len(), 2);
    assert_ne!(journal[0]["connection"], journal[1]["connection"]);
    assert_eq!(over_http(&server, "DELETE", "/_mock/journal", json!({})).await.0, 204);
    assert_eq!(nbi.journal_len(), 0);
    server.shutdown().await;
}
