//! Any requests, one after another, to a fake NBI in this process: every answer is one that an NBI may give.
//!
//! A text holds requests with a line of `----` between them. A request is a line with method and
//! target, lines with headers, an empty line, a body. `$TOKEN` stands for a good token, `$1`, `$2`,
//! ... for the `id` in the answer to the first, second, ... request.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use mock_nbi::{MockNbi, Seed};
use serde_json::Value;

use crate::text::{pieces, split};

/// Virtual seconds after which an answer counts as one that never comes (faults can do that).
const PATIENCE: Duration = Duration::from_secs(100_000);

const SEED: &str = "\
vim_accounts: [{name: site}]
k8s_clusters: [{name: kube, vim_account: site}]
";

/// Sends every request of a text; panics when an answer is none that the fake may give.
pub fn run(text: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let seed = Seed::from_yaml(SEED, "seed").expect("a seed");
        let nbi = MockNbi::builder().seed(seed).build().expect("a fake");
        let mut ids = vec![token(&nbi).await];
        for request in pieces(text) {
            let id = send(&nbi, request, &ids).await;
            ids.push(id.unwrap_or_default());
        }
    });
}

async fn token(nbi: &MockNbi) -> String {
    let login =
        b"POST /osm/admin/v1/tokens\nContent-Type: application/json\nAccept: application/json\n\
                  \n{\"username\": \"admin\", \"password\": \"admin\"}";
    send(nbi, login, &[]).await.expect("a token")
}

/// Sends one request, if it is one; gives the `id` of the answer.
async fn send(nbi: &MockNbi, text: &[u8], ids: &[String]) -> Option<String> {
    let (head, body) = split(text, b"\n\n");
    let head = fill(&String::from_utf8_lossy(head), ids);
    let body = match std::str::from_utf8(body) {
        Ok(text) => fill(text, ids).into_bytes(),
        Err(_) => body.to_vec(),
    };
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value);
    }
    if !body.is_empty() {
        request = request.header("Content-Length", body.len());
    }
    let request = request.body(Body::from(body)).ok()?;
    let is_head = request.method() == http::Method::HEAD;
    let answer = tokio::time::timeout(PATIENCE, nbi.service().answer(request)).await.ok()?.ok()?;
    let status = answer.status().as_u16();
    assert!((200..600).contains(&status), "{status}");
    let content_type = answer.headers().get("Content-Type");
    let is_json = content_type.is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
    let body = tokio::time::timeout(PATIENCE, answer.into_body().collect()).await.ok()?.ok()?;
    let body = body.to_bytes();
    if !is_json || is_head || body.is_empty() || body.starts_with(b"{\"this\"") {
        return None;
    }
    let value: Value = serde_json::from_slice(&body).expect("JSON where it is announced");
    if status >= 400 && value.get("detail").is_some() {
        assert_eq!(value["status"], status);
    }
    value.get("id").and_then(Value::as_str).map(str::to_owned)
}

fn fill(text: &str, ids: &[String]) -> String {
    let mut filled = text.to_owned();
    for (place, id) in ids.iter().enumerate().rev() {
        let name = if place == 0 { "$TOKEN".to_owned() } else { format!("${place}") };
        filled = filled.replace(&name, id);
    }
    filled
}
