//! The control API, and the server's start and stop.

use std::time::Duration;

use mock_nbi::{Collection, MockNbi, Profile, Seed};
use serde_json::{Value, json};

use crate::client::{STOCK, User, send, stocked};

async fn steer(nbi: &MockNbi, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = body.to_string();
    let target = format!("/_mock{path}");
    let answer = send(nbi, method, &target, &[], Some(body.as_bytes())).await.unwrap();
    let value = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (answer.status, value)
}

#[tokio::test(start_paused = true)]
async fn modes_override_the_profile_and_settle_waits_for_what_can_end() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().seed(seed).build().unwrap();
    let stock = stocked(&nbi).await;
    assert_eq!(steer(&nbi, "PUT", "/operations/mode", json!({"mode": "off"})).await.0, 204);
    let (ns_id, op_id) = stock.create_ns("ldap", json!({"a": 1})).await;
    assert_eq!(steer(&nbi, "POST", "/operations/settle", json!({})).await.0, 204);
    assert_eq!(stock.operation(&op_id).await["operationState"], "PROCESSING");
    steer(&nbi, "PUT", "/operations/mode", json!({"mode": "fail"})).await;
    steer(&nbi, "POST", "/operations/settle", json!({})).await;
    assert_eq!(stock.ns(&ns_id).await["nsState"], "BROKEN");
    assert_eq!(steer(&nbi, "PUT", "/operations/mode", json!({"mode": "x"})).await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn reset_empties_the_nbi_and_gives_the_profile_back_its_say() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().seed(seed).build().unwrap();
    stocked(&nbi).await;
    steer(&nbi, "PUT", "/operations/mode", json!({"mode": "off"})).await;
    assert_eq!(steer(&nbi, "POST", "/reset", json!({})).await.0, 204);
    assert!(nbi.records(Collection::VimAccounts).is_empty());
    assert_eq!(nbi.journal_len(), 0);
    let user = User::login(&nbi).await;
    let body = json!({"name": "a", "vim_type": "dummy", "vim_url": "u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t"});
    user.call("POST", "/admin/v1/vim_accounts", Some(body)).await;
    let vims = user.get("/admin/v1/vim_accounts").await;
    assert_eq!(vims[0]["_admin"]["operationalState"], "ENABLED");
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_read_and_advanced() {
    let nbi = MockNbi::builder().build().unwrap();
    let (_, now) = steer(&nbi, "GET", "/clock", json!({})).await;
    assert_eq!(now, json!({"now": 1_700_000_000.0, "frozen": false}));
    let (status, now) = steer(&nbi, "POST", "/clock/advance", json!({"seconds": 2.5})).await;
    assert_eq!((status, now), (200, json!({"now": 1_700_000_002.5, "frozen": false})));
    assert_eq!(steer(&nbi, "POST", "/clock/advance", json!({"seconds": -1})).await.0, 400);
    assert_eq!(steer(&nbi, "GET", "/nonsense", json!({})).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_token_can_be_made_to_expire() {
    let nbi = MockNbi::builder().build().unwrap();
    let user = User::login(&nbi).await;
    let path = format!("/tokens/{}/expire", user.token);
    assert_eq!(steer(&nbi, "POST", &path, json!({})).await.0, 204);
    assert_eq!(user.call("GET", "/admin/v1/vim_accounts", None).await.status, 401);
    assert_eq!(steer(&nbi, "POST", "/tokens/nope/expire", json!({})).await.0, 404);
}

#[tokio::test]
async fn the_server_stops_with_a_hanging_request_under_way() {
    let nbi = MockNbi::builder().profile(Profile::instant()).build().unwrap();
    let server = nbi.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = server.local_addr();
    let url = format!("http://{addr}/osm/version");
    let body = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert_eq!(body, "---\ndate: '2020-04-17'\nversion: 7.0.1.post23\n");
    nbi.inject(mock_nbi::Fault {
        operation: "GET /version".into(),
        nth: 1,
        kind: mock_nbi::FaultKind::Hang,
    });
    let hanging = tokio::spawn(reqwest::get(url.clone()));
    while nbi.journal_len() < 2 {
        tokio::task::yield_now().await;
    }
    let stop = tokio::time::timeout(Duration::from_secs(5), server.shutdown()).await;
    assert!(stop.is_ok());
    assert!(hanging.await.unwrap().is_err());
    assert!(reqwest::get(url).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn bodies_over_the_limit_are_refused_before_they_are_looked_at() {
    let nbi = MockNbi::builder().build().unwrap();
    let body = vec![b' '; 64 * 1024 * 1024 + 1];
    let target = "/osm/vnfpkgm/v1/vnf_packages_content";
    let answer = send(&nbi, "POST", target, &[], Some(&body)).await.unwrap();
    assert_eq!((answer.status, answer.header("Content-Type")), (413, "text/html;charset=utf-8"));
    assert_eq!(nbi.journal()[0].status, Some(413));
}
