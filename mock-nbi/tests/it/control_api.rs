//! The control API is what its OpenAPI document says, route by route; and what its reports tell.

use mock_nbi::{FaultKind, MockNbi, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, User, send, stocked};

async fn steer(nbi: &MockNbi, method: &str, path: &str, body: Option<Value>) -> Answer {
    let body = body.map(|body| body.to_string());
    send(nbi, method, path, &[], body.as_ref().map(String::as_bytes)).await.unwrap()
}

async fn read(nbi: &MockNbi, path: &str) -> Value {
    let answer = steer(nbi, "GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}");
    answer.json()
}

/// A fake that has something to show at every route.
async fn busy() -> (MockNbi, User) {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().seed(seed).build().unwrap();
    let stock = stocked(&nbi).await;
    stock.create_ns("ldap", json!({"a": "1"})).await;
    stock.user.call("GET", "/nslcm/v1/ns_instance?a=b%20c", None).await;
    // One operation that has not ended.
    steer(&nbi, "PUT", "/_mock/operations/mode", Some(json!({"mode": "manual"}))).await;
    stock.create_ns("pending", json!({})).await;
    let kind = FaultKind::Hang;
    nbi.inject(mock_nbi::Fault { operation: "GET /version".into(), nth: 1, kind });
    (nbi, stock.user)
}

/// A body that a route takes, for those that want one.
fn sample_body(route: &str) -> Option<Value> {
    Some(match route {
        "POST /_mock/seed" => json!({"vim_accounts": [{"name": "another"}]}),
        "POST /_mock/clock/advance" => json!({"seconds": 1}),
        "PUT /_mock/callbacks" => json!({"urls": ["http://client/notify"]}),
        "PUT /_mock/operations/mode" => json!({"mode": "manual"}),
        "POST /_mock/operations/end" => json!({"result": "ok"}),
        "POST /_mock/operations/{id}/fail" => json!({"detail": "no"}),
        "POST /_mock/faults" => json!({"operation": "GET /version", "nth": 1, "kind": "hang"}),
        "PUT /_mock/shape" => json!({"latency_seconds": 0.5}),
        _ => return None,
    })
}

fn schema_errors(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    let validator = jsonschema::validator_for(&whole).unwrap();
    validator.iter_errors(value).map(|error| error.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_route_answers_as_the_openapi_document_says() {
    let (nbi, _) = busy().await;
    let document = read(&nbi, "/_mock/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let (nbi, user) = busy().await;
            let method = method.to_uppercase();
            let route = format!("{method} {path}");
            let body = sample_body(&route);
            let wanted = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(body.is_some(), wanted.is_object(), "{route}: sample body");
            if let Some(body) = &body {
                assert_eq!(schema_errors(&document, wanted, body), [""; 0], "{route}");
            }
            let pending = nbi.pending_operations()[0].id.clone();
            let id = if path.contains("/tokens/") { &user.token } else { &pending };
            let answer = if operation["requestBody"]["content"]["application/gzip"].is_object() {
                let snapshot = nbi.snapshot();
                send(&nbi, &method, path, &[], Some(&snapshot)).await.unwrap()
            } else {
                steer(&nbi, &method, &path.replace("{id}", id), body).await
            };
            let expected = &operation["responses"][answer.status.to_string()];
            assert!(expected.is_object(), "{route}: {}", answer.status);
            let content = &expected["content"];
            if answer.status == 204 {
                assert!(answer.body.is_empty() && content.is_null(), "{route}");
            } else {
                let content = &content[answer.header("Content-Type")];
                assert!(content.is_object(), "{route}: {}", answer.header("Content-Type"));
                if content["schema"]["type"] != "string" {
                    let errors = schema_errors(&document, &content["schema"], &answer.json());
                    assert_eq!(errors, [""; 0], "{route}");
                }
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    let refused = steer(&nbi, "GET", "/_mock/nothing", None).await;
    let error = json!({"$ref": "#/components/schemas/Error"});
    assert_eq!(schema_errors(&document, &error, &refused.json()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn faults_of_every_kind_are_armed_as_their_examples_stand() {
    let (nbi, _) = busy().await;
    let document = read(&nbi, "/_mock/openapi.json").await;
    let schema = json!({"$ref": "#/components/schemas/Fault"});
    steer(&nbi, "DELETE", "/_mock/faults", None).await;
    for help in FaultKind::catalogue() {
        let fault = json!({"operation": "GET /version", "nth": 9, "kind": help.example()});
        assert_eq!(schema_errors(&document, &schema, &fault), [""; 0]);
        assert_eq!(
            steer(&nbi, "POST", "/_mock/faults", Some(fault)).await.status,
            204,
            "{}",
            help.name
        );
    }
    let armed = read(&nbi, "/_mock/faults").await;
    assert_eq!(armed.as_array().unwrap().len(), FaultKind::catalogue().len());
    assert_eq!(nbi.armed_faults().len(), FaultKind::catalogue().len());
}

#[tokio::test(start_paused = true)]
async fn one_operation_is_held_released_finished_or_failed() {
    let (nbi, user) = busy().await;
    let operations = read(&nbi, "/_mock/operations").await;
    assert_eq!(operations.as_array().unwrap().len(), 1);
    let id = operations[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&operations[0]["operation"], &operations[0]["state"]),
        (&json!("instantiate"), &json!("running"))
    );
    let act = async |word: &str, body| {
        let path = format!("/_mock/operations/{id}/{word}");
        steer(&nbi, "POST", &path, body).await.status
    };
    assert_eq!(act("hold", None).await, 204);
    steer(&nbi, "PUT", "/_mock/operations/mode", Some(json!({"mode": "ok"}))).await;
    nbi.advance(std::time::Duration::from_secs(60));
    assert!(nbi.pending_operations()[0].is_held);
    steer(&nbi, "PUT", "/_mock/operations/mode", Some(json!({"mode": "manual"}))).await;
    assert_eq!(act("release", None).await, 204);
    assert!(!nbi.pending_operations()[0].is_held);
    assert_eq!(act("fail", Some(json!({"detail": "no room"}))).await, 204);
    let operation = user.get(&format!("/nslcm/v1/ns_lcm_op_occs/{id}")).await;
    assert_eq!(operation["operationState"], "FAILED");
    assert!(operation["errorMessage"].as_str().unwrap().contains("no room"));
    assert_eq!(act("finish", None).await, 404);
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_filtered_by_its_query() {
    let (nbi, user) = busy().await;
    let whole = nbi.journal_len();
    let lines = async |query: &str| {
        let entries = read(&nbi, &format!("/_mock/journal?{query}")).await;
        let line = |entry: &Value| format!("{} {}", entry["method"].as_str().unwrap(), entry["n"]);
        entries.as_array().unwrap().iter().map(line).collect::<Vec<String>>()
    };
    assert_eq!(lines("writes=true").await, ["POST 2", "POST 3", "POST 5", "POST 7"]);
    assert_eq!(lines("method=post&limit=2").await, ["POST 5", "POST 7"]);
    assert_eq!(lines("path=/osm/admin&since=1").await, ["GET 4"]);
    assert_eq!(lines("status=405").await, ["GET 6"]);
    assert_eq!(lines("").await.len(), whole);
    assert_eq!(steer(&nbi, "GET", "/_mock/journal?limit=x", None).await.status, 400);
    drop(user);
}

#[tokio::test(start_paused = true)]
async fn a_url_that_osm_lacks_is_answered_as_by_osm_and_what_was_meant_is_reported() {
    let (nbi, _) = busy().await;
    let misses = read(&nbi, "/_mock/near-misses").await;
    assert_eq!(
        misses,
        json!([{"n": 6, "request": "GET /osm/nslcm/v1/ns_instance", "status": 405,
            "meant": "/osm/nslcm/v1/ns_instances"}])
    );
}

#[tokio::test(start_paused = true)]
async fn the_archive_has_the_journals_entries() {
    let (nbi, _) = busy().await;
    let archive = read(&nbi, "/_mock/journal.har?status=405").await;
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["startedDateTime"], "2023-11-14T22:13:20Z");
    let request = &entries[0]["request"];
    assert_eq!(request["url"], "http://mock-nbi/osm/nslcm/v1/ns_instance?a=b%20c");
    assert_eq!(request["queryString"], json!([{"name": "a", "value": "b c"}]));
    let response = &entries[0]["response"];
    assert_eq!(
        (&response["status"], &response["statusText"]),
        (&json!(405), &json!("Method Not Allowed"))
    );
}

#[tokio::test(start_paused = true)]
async fn conformance_tells_who_drove_what() {
    let nbi = MockNbi::builder().build().unwrap();
    for agent in ["curl/8", "curl/8", "osm"] {
        send(&nbi, "GET", "/osm/version", &[("User-Agent", agent)], None).await.unwrap();
    }
    send(&nbi, "GET", "/osm/nonsense/v1/x", &[], None).await.unwrap();
    steer(&nbi, "DELETE", "/_mock/journal", None).await;
    assert_eq!(
        read(&nbi, "/_mock/conformance").await,
        json!([
            {"operation": "GET /version", "requests": 3,
                "clients": {"curl/8": {"200": 2}, "osm": {"200": 1}}},
            {"operation": "unknown", "requests": 1, "clients": {"": {"405": 1}}},
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn seeds_come_over_http_but_no_folders() {
    let nbi = MockNbi::builder().build().unwrap();
    let answer = send(&nbi, "POST", "/_mock/seed", &[], Some(STOCK.as_bytes())).await.unwrap();
    assert_eq!(answer.status, 204);
    assert_eq!(nbi.records(mock_nbi::Collection::K8sClusters).len(), 1);
    for wrong in [json!({"packages": [{"folder": "/etc"}]}), json!({"vims": []})] {
        assert_eq!(steer(&nbi, "POST", "/_mock/seed", Some(wrong)).await.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_for_people_shows_records_and_requests_and_escapes_what_clients_sent() {
    let nbi = MockNbi::builder().build().unwrap();
    send(&nbi, "GET", "/osm/x/v1/&lt", &[], None).await.unwrap();
    let page = steer(&nbi, "GET", "/_mock/", None).await;
    let page = String::from_utf8(page.body).unwrap();
    assert!(
        page.contains("<td>roles</td><td>4</td>") && page.contains("GET /osm/x/v1/&amp;lt"),
        "{page}"
    );
}

#[tokio::test(start_paused = true)]
async fn query_words_that_a_route_lacks_are_refused() {
    let nbi = MockNbi::builder().build().unwrap();
    for path in ["/_mock/journal?methods=GET", "/_mock/clock?a=b", "/_mock/journal.har?x"] {
        assert_eq!(steer(&nbi, "GET", path, None).await.status, 400, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_time_it_still_answers() {
    let nbi = MockNbi::builder().build().unwrap();
    for _ in 0..2 {
        let by = json!({"seconds": 1e19});
        assert_eq!(steer(&nbi, "POST", "/_mock/clock/advance", Some(by)).await.status, 200);
    }
    let answer = steer(&nbi, "GET", "/osm/version", None).await;
    let cookie = answer.header("Set-Cookie");
    assert!(cookie.contains("expires=Thu, 30 Dec 9999 "), "{cookie}");
    let archive = read(&nbi, "/_mock/journal.har").await;
    let date = archive["log"]["entries"][0]["startedDateTime"].as_str().unwrap();
    assert!(date.starts_with("9999-12-30T"), "{date}");
}

#[tokio::test(start_paused = true)]
async fn operations_are_counted_by_their_state() {
    let (nbi, _) = busy().await;
    let counts = async || {
        let text = steer(&nbi, "GET", "/_mock/metrics", None).await.body;
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("mock_nbi_operations{state="));
        let mut counts: Vec<String> = lines.map(str::to_owned).collect();
        counts.sort();
        counts
    };
    assert_eq!(counts().await, ["\"COMPLETED\"} 1", "\"PROCESSING\"} 1"]);
    steer(&nbi, "POST", "/_mock/operations/end", Some(json!({"result": "fail"}))).await;
    assert_eq!(counts().await, ["\"COMPLETED\"} 1", "\"FAILED\"} 1"]);
}
