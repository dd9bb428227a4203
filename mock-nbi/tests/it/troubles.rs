//! The faults beyond plain refusals: what they do to OSM, and what the client sees.

use std::io;
use std::time::Duration;

use mock_nbi::{
    Collection, Fault, FaultKind, MockNbi, OperationResult, RestState, Seed, TokensAfter,
};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, Stocked, User, captured_package, stocked};

const VIMS: &str = "/admin/v1/vim_accounts";
const LIST_VIMS: &str = "GET /admin/v1/vim_accounts";
const CREATE_VIM: &str = "POST /admin/v1/vim_accounts";
const CREATE_NS: &str = "POST /nslcm/v1/ns_instances_content";

fn inject(nbi: &MockNbi, operation: &str, kind: FaultKind) {
    nbi.inject(Fault { operation: operation.into(), nth: 1, kind });
}

fn vim(name: &str) -> Option<Value> {
    Some(json!({"name": name, "vim_type": "dummy", "vim_url": "u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t"}))
}

async fn logged_in() -> User {
    User::login(&MockNbi::builder().build().unwrap()).await
}

async fn with_instance() -> (Stocked, String) {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let stock = stocked(&MockNbi::builder().seed(seed).build().unwrap()).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"a": "1"})).await;
    (stock, ns_id)
}

async fn names_of_vims(user: &User) -> Vec<String> {
    let vims = user.get(VIMS).await;
    vims.as_array().unwrap().iter().map(|vim| vim["name"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn is_cut(outcome: io::Result<Answer>, kind: io::ErrorKind) {
    assert_eq!(outcome.unwrap_err().kind(), kind);
}

#[tokio::test(start_paused = true)]
async fn a_request_delivered_twice_takes_effect_twice_and_one_answer_is_seen() {
    for (kind, status) in [(FaultKind::Duplicate, 202), (FaultKind::Redelivered, 409)] {
        let user = logged_in().await;
        inject(&user.nbi, CREATE_VIM, kind);
        assert_eq!(user.call("POST", VIMS, vim("a")).await.status, status);
        assert_eq!(names_of_vims(&user).await, ["a"]);
    }
    let (stock, ns_id) = with_instance().await;
    inject(&stock.user.nbi, "POST /nslcm/v1/ns_instances/{id}/action", FaultKind::Duplicate);
    let op_id = stock.upgrade(&ns_id, json!({"a": "2"})).await;
    let operations = stock.user.nbi.records(Collection::Operations);
    assert_eq!(operations.len(), 3);
    assert_eq!(operations[1]["_id"], *op_id);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_write_lands_after_the_retry_or_in_time() {
    let user = logged_in().await;
    inject(&user.nbi, CREATE_VIM, FaultKind::LandsAfterRetry);
    is_cut(user.try_call("POST", VIMS, vim("late")).await, io::ErrorKind::ConnectionReset);
    assert!(names_of_vims(&user).await.is_empty());
    assert_eq!(user.call("POST", VIMS, vim("retry")).await.status, 202);
    assert_eq!(names_of_vims(&user).await, ["retry", "late"]);

    inject(&user.nbi, CREATE_VIM, FaultKind::LandsLate { seconds: 5.0 });
    is_cut(user.try_call("POST", VIMS, vim("later")).await, io::ErrorKind::ConnectionReset);
    user.nbi.advance(Duration::from_secs(4));
    assert_eq!(names_of_vims(&user).await, ["retry", "late"]);
    let now = user.nbi.clock().now();
    user.nbi.advance(Duration::from_secs(60));
    let vims = user.nbi.records(Collection::VimAccounts);
    assert_eq!(vims[2]["name"], "later");
    assert_eq!(vims[2]["_admin"]["created"], now + 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_connection_answers_once_and_is_cut_before_the_next_request_takes_effect() {
    let user = logged_in().await;
    inject(&user.nbi, LIST_VIMS, FaultKind::StaleConnection);
    assert!(names_of_vims(&user).await.is_empty());
    is_cut(user.try_call("POST", VIMS, vim("a")).await, io::ErrorKind::ConnectionReset);
    assert!(names_of_vims(&user).await.is_empty());
    assert_eq!(user.nbi.journal()[2].fault.as_deref(), Some("stale-connection"));
}

#[tokio::test]
async fn a_stale_connection_is_cut_over_a_socket_and_a_new_one_works() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let nbi = MockNbi::builder().build().unwrap();
    let server = nbi.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    inject(&nbi, "GET /version", FaultKind::StaleConnection);
    let request = b"GET /osm/version HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = tokio::net::TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut first = vec![0; 12];
    stream.read_exact(&mut first).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let answers = String::from_utf8([first, rest].concat()).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    let url = format!("http://{}/osm/version", server.local_addr());
    assert_eq!(reqwest::get(url).await.unwrap().status().as_u16(), 200);
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_takes_a_refused_connection_and_a_dripping_answer_takes_its_time() {
    let user = logged_in().await;
    inject(&user.nbi, CREATE_VIM, FaultKind::Refused);
    is_cut(user.try_call("POST", VIMS, vim("a")).await, io::ErrorKind::ConnectionRefused);
    assert!(names_of_vims(&user).await.is_empty());
    user.call("POST", VIMS, vim("a")).await;
    let whole = user.get(VIMS).await;
    inject(&user.nbi, LIST_VIMS, FaultKind::Drip { bytes: 100, every: 1.0 });
    let started = tokio::time::Instant::now();
    assert_eq!(user.get(VIMS).await, whole);
    let bytes = user.nbi.journal().last().unwrap().response_bytes;
    let pauses = Duration::from_secs(bytes.div_ceil(100) - 1);
    assert!(started.elapsed() >= pauses && pauses > Duration::from_secs(5), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_come_in_the_dialect_of_who_refuses() {
    let (stock, ns_id) = with_instance().await;
    let user = &stock.user;
    let show = "GET /nslcm/v1/ns_instances/{id}";
    let path = format!("/nslcm/v1/ns_instances/{ns_id}");
    let html = "text/html;charset=utf-8";
    let json_type = "application/json; charset=utf-8";
    let not_found = FaultKind::Status { status: 404, body: None, retry_after: None };
    for (kind, status, content_type, words) in [
        (FaultKind::ServerError, 500, html, "unexpected condition"),
        (FaultKind::TooLarge, 413, html, "Request Entity Too Large"),
        (FaultKind::InternalError, 400, json_type, "'NoneType' object is not subscriptable"),
        (
            FaultKind::QuotaRefused,
            401,
            json_type,
            "quota (ns_instances=500) exceeded for project admin (",
        ),
        (not_found, 404, json_type, "database exception database exception Not found any nsr with"),
    ] {
        inject(&user.nbi, show, kind.clone());
        let answer = user.call("GET", &path, None).await;
        assert_eq!((answer.status, answer.header("Content-Type")), (status, content_type));
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(body.contains(words), "{kind:?}: {body}");
        assert!(answer.header("Www-Authenticate").is_empty());
    }
    inject(&user.nbi, show, FaultKind::YamlBody);
    let answer = user.call("GET", &path, None).await;
    assert_eq!(answer.header("Content-Type"), "application/yaml");
    assert!(answer.body.starts_with(b"---\n"));
    inject(&user.nbi, show, FaultKind::UnknownFields);
    let answer = user.call("GET", &path, None).await.json();
    assert_eq!((&answer["name"], answer["x-of-tomorrow"].is_object()), (&json!("ldap"), true));
}

#[tokio::test(start_paused = true)]
async fn tokens_run_out_are_revoked_or_get_lost_in_a_restart() {
    for (kind, words) in [
        (FaultKind::TokenExpired, "Expired Token or Authorization HTTP header"),
        (FaultKind::TokenRevoked, "Invalid Token or Authorization HTTP header"),
    ] {
        let user = logged_in().await;
        inject(&user.nbi, LIST_VIMS, kind);
        for _ in 0..2 {
            let answer = user.call("GET", VIMS, None).await;
            assert_eq!((answer.status, answer.detail().as_str()), (401, words));
        }
    }
    for (tokens, status) in [(TokensAfter::Kept, 200), (TokensAfter::Lost, 401)] {
        let user = logged_in().await;
        inject(&user.nbi, CREATE_VIM, FaultKind::Restart { tokens });
        is_cut(user.try_call("POST", VIMS, vim("a")).await, io::ErrorKind::ConnectionReset);
        assert_eq!(user.call("GET", VIMS, None).await.status, status);
        assert!(user.nbi.records(Collection::VimAccounts).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_package_and_an_instance_are_left_half_made() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let user = User::login(&MockNbi::builder().seed(seed).build().unwrap()).await;
    let upload = "POST /vnfpkgm/v1/vnf_packages_content";
    inject(&user.nbi, upload, FaultKind::PackageWithoutContent);
    let archive = captured_package("nfpkg-create.jsonl");
    let path = "/vnfpkgm/v1/vnf_packages_content";
    is_cut(user.try_upload(path, &archive).await, io::ErrorKind::ConnectionReset);
    let packages = user.nbi.records(Collection::VnfPackages);
    assert_eq!((packages.len(), &packages[0]["_admin"]["onboardingState"]), (1, &json!("CREATED")));

    let (stock, ns_id) = with_instance().await;
    let user = &stock.user;
    inject(&user.nbi, CREATE_NS, FaultKind::InstanceWithoutOperation);
    let body = stock.creation("half", &json!({}));
    is_cut(
        user.try_call("POST", "/nslcm/v1/ns_instances_content", Some(body)).await,
        io::ErrorKind::ConnectionReset,
    );
    let instances = user.nbi.records(Collection::NsInstances);
    assert_eq!(
        (&instances[1]["name"], &instances[1]["nsState"]),
        (&json!("half"), &json!("NOT_INSTANTIATED"))
    );
    assert_eq!(user.nbi.records(Collection::Operations).len(), 1);
    inject(&user.nbi, "GET /nslcm/v1/ns_instances/{id}", FaultKind::InstanceWithoutOperation);
    stock.ns(&ns_id).await;
    assert!(user.nbi.records(Collection::Operations).is_empty());
    inject(&user.nbi, "GET /vnfpkgm/v1/vnf_packages", FaultKind::PackageWithoutContent);
    let packages = user.get("/vnfpkgm/v1/vnf_packages").await;
    assert_eq!(packages[0]["onboardingState"], "CREATED");
}

#[tokio::test(start_paused = true)]
async fn a_stale_list_shows_what_it_showed_the_last_time() {
    let user = logged_in().await;
    user.nbi.inject(Fault { operation: LIST_VIMS.into(), nth: 2, kind: FaultKind::StaleList });
    user.call("POST", VIMS, vim("a")).await;
    assert_eq!(names_of_vims(&user).await, ["a"]);
    user.call("POST", VIMS, vim("b")).await;
    assert_eq!(names_of_vims(&user).await, ["a"]);
    assert_eq!(names_of_vims(&user).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_stale_at_once_shows_what_was_when_the_fault_was_armed() {
    let user = logged_in().await;
    inject(&user.nbi, LIST_VIMS, FaultKind::StaleList);
    user.call("POST", VIMS, vim("a")).await;
    assert!(names_of_vims(&user).await.is_empty());
    assert_eq!(names_of_vims(&user).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_fails_for_a_vim_in_error() {
    let (stock, _) = with_instance().await;
    inject(&stock.user.nbi, CREATE_NS, FaultKind::VimDisabled);
    let (ns_id, op_id) = stock.create_ns("b", json!({})).await;
    assert_eq!(stock.operation(&op_id).await["operationState"], "FAILED");
    let detail = stock.ns(&ns_id).await["errorDetail"].as_str().unwrap().to_owned();
    assert!(detail.contains("is not available. operationalState=ERROR"), "{detail}");
    let vims = stock.user.get(VIMS).await;
    assert_eq!(vims[0]["_admin"]["operationalState"], "ERROR");
}

#[tokio::test(start_paused = true)]
async fn operations_come_to_rest_get_stuck_or_are_lost() {
    let (stock, ns_id) = with_instance().await;
    let nbi = &stock.user.nbi;
    let action = "POST /nslcm/v1/ns_instances/{id}/action";
    for (state, word) in [
        (RestState::FailedTemp, "FAILED_TEMP"),
        (RestState::PartiallyCompleted, "PARTIALLY_COMPLETED"),
        (RestState::RollingBack, "ROLLING_BACK"),
        (RestState::RolledBack, "ROLLED_BACK"),
        (RestState::Completed, "COMPLETED"),
    ] {
        inject(nbi, action, FaultKind::OperationRests { state, detail: Some("so be it".into()) });
        let op_id = stock.upgrade(&ns_id, json!({"a": "2"})).await;
        let operation = stock.operation(&op_id).await;
        assert_eq!(operation["operationState"], word);
        let is_told = operation["errorMessage"].to_string().contains("so be it");
        assert_eq!(is_told, !matches!(word, "COMPLETED" | "PARTIALLY_COMPLETED"), "{operation}");
    }
    inject(nbi, action, FaultKind::OperationLost);
    let lost = stock.upgrade(&ns_id, json!({"a": "3"})).await;
    inject(nbi, action, FaultKind::OperationStuck);
    let stuck = stock.upgrade(&ns_id, json!({"a": "4"})).await;
    let behind = stock.upgrade(&ns_id, json!({"a": "5"})).await;
    nbi.advance(Duration::from_secs(3_000));
    for id in [&lost, &stuck, &behind] {
        assert_eq!(stock.operation(id).await["operationState"], "PROCESSING");
    }
    assert_eq!(stock.ns(&ns_id).await["currentOperationID"], *stuck);
    assert!(stock.operation(&lost).await["queuePosition"].is_null());
    nbi.end_operation(&stuck, OperationResult::Ok).unwrap();
    assert_eq!(stock.operation(&behind).await["operationState"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_reached() {
    let user = logged_in().await;
    user.call("POST", VIMS, vim("a")).await;
    inject(&user.nbi, CREATE_VIM, FaultKind::QuotaReached);
    let answer = user.call("POST", VIMS, vim("b")).await;
    assert!(matches!(answer.status, 401 | 422), "{}", answer.status);
    assert!(answer.detail().starts_with("quota (vim_accounts=1) exceeded for project admin"));
    assert_eq!(names_of_vims(&user).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn someone_edits_deletes_copies_and_renews_records() {
    let user = logged_in().await;
    user.call("POST", VIMS, vim("a")).await;
    let id = user.get(VIMS).await[0]["_id"].as_str().unwrap().to_owned();
    let patch = json!({"description": "mine"}).as_object().unwrap().clone();
    user.nbi.advance(Duration::from_secs(9));
    inject(&user.nbi, "GET /admin/v1/vim_accounts/{id}", FaultKind::Edit { patch });
    let edited = user.get(&format!("{VIMS}/{id}")).await;
    assert_eq!(edited["description"], "mine");
    assert_eq!(edited["_admin"]["modified"], user.nbi.clock().now());

    inject(&user.nbi, LIST_VIMS, FaultKind::SameName);
    assert_eq!(names_of_vims(&user).await, ["a", "a"]);
    inject(&user.nbi, "GET /admin/v1/vim_accounts/{id}", FaultKind::Delete);
    assert_eq!(user.call("GET", &format!("{VIMS}/{id}"), None).await.status, 404);
    assert_eq!(names_of_vims(&user).await, ["a"]);
    let left = user.get(VIMS).await[0]["_id"].as_str().unwrap().to_owned();
    inject(&user.nbi, LIST_VIMS, FaultKind::NewId);
    let renewed = user.get(VIMS).await;
    assert_eq!(renewed.as_array().unwrap().len(), 1);
    assert_ne!(renewed[0]["_id"], *left);
    inject(&user.nbi, CREATE_VIM, FaultKind::SameName);
    assert_eq!(user.call("POST", VIMS, vim("b")).await.status, 409);
}

#[tokio::test(start_paused = true)]
async fn someone_scales_renews_and_ends_an_instance() {
    let (stock, ns_id) = with_instance().await;
    let user = &stock.user;
    let show = "GET /nslcm/v1/ns_instances/{id}";
    inject(&user.nbi, show, FaultKind::Scale);
    let ns = stock.ns(&ns_id).await;
    let helm = ns["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str().unwrap();
    assert!(helm.contains("'replicaCount': '2'"), "{helm}");

    inject(&user.nbi, show, FaultKind::NewId);
    assert_eq!(
        user.call("GET", &format!("/nslcm/v1/ns_instances/{ns_id}"), None).await.status,
        404
    );
    let ns = user.nbi.records(Collection::NsInstances)[0].clone();
    let operations = user.nbi.records(Collection::Operations);
    assert!(operations.iter().all(|op| op["nsInstanceId"] == ns["_id"]), "{operations:?}");
    assert_eq!(user.nbi.records(Collection::VnfInstances)[0]["nsr-id-ref"], ns["_id"]);

    let kind = FaultKind::OtherRequest {
        method: "POST".into(),
        path: "/nslcm/v1/ns_instances/{id}/terminate".into(),
        body: Some(json!({"autoremove": false})),
    };
    inject(&user.nbi, "GET /nslcm/v1/ns_instances", kind);
    let listed = user.get("/nslcm/v1/ns_instances").await;
    assert_eq!(listed[0]["nsState"], "NOT_INSTANTIATED");
}

#[tokio::test(start_paused = true)]
async fn faults_see_methods_and_ids_that_the_query_gives() {
    let user = logged_in().await;
    inject(&user.nbi, "DELETE /admin/v1/vim_accounts/{id}", FaultKind::TooLarge);
    let answer = user.call("GET", &format!("{VIMS}/x?METHOD=DELETE"), None).await;
    assert_eq!(answer.status, 413);
    inject(&user.nbi, "GET /admin/v1/vim_accounts/{id}", FaultKind::TooLarge);
    assert_eq!(user.call("GET", &format!("{VIMS}?_id=x"), None).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn the_same_faults_give_the_same_bytes() {
    let run = async || {
        let (stock, ns_id) = with_instance().await;
        for kind in [FaultKind::Scale, FaultKind::SameName, FaultKind::NewId, FaultKind::Duplicate]
        {
            inject(&stock.user.nbi, "GET /nslcm/v1/ns_instances/{id}", kind);
            stock.user.call("GET", &format!("/nslcm/v1/ns_instances/{ns_id}"), None).await;
        }
        let records: Vec<Value> = stock.user.nbi.records(Collection::NsInstances);
        (records, stock.user.nbi.journal())
    };
    assert_eq!(run().await, run().await);
}
