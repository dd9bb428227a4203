//! Input that no honest client sends: refused, in bounded memory, and the fake lives on.

use std::time::Duration;

use http_body_util::BodyExt as _;
use mock_nbi::{Collection, MockNbi, Profile, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, User, send};

const PACKAGES: &str = "/vnfpkgm/v1/vnf_packages";

fn fake() -> MockNbi {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    MockNbi::builder().seed(seed).build().unwrap()
}

async fn send_as(user: &User, call: (&str, &str), headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", user.token);
    let mut all = vec![("Authorization", bearer.as_str()), ("Accept", "application/json")];
    all.extend(headers);
    let target = format!("/osm{}", call.1);
    send(&user.nbi, call.0, &target, &all, Some(body)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn query_keys_make_no_bottomless_bodies() {
    let user = User::login(&fake()).await;
    let target = format!("{PACKAGES}?{}a=1", "a.".repeat(30_000));
    let answer = user.call("POST", &target, Some(json!({}))).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (400, "maximum recursion depth exceeded")
    );
    let target = format!("{PACKAGES}?name=%ff");
    assert_eq!(user.call("GET", &target, None).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_swell_are_refused() {
    let user = User::login(&fake()).await;
    let items = 20_000;
    let bomb = format!("a: &a [{}1]\nb: [{}*a]\n", "1,".repeat(items), "*a, ".repeat(items));
    let wide = format!("[{}0]", "0,".repeat(2_000_000));
    let form = "a&".repeat(600_000);
    for (content_type, body) in [
        ("application/yaml", bomb.as_str()),
        ("application/json", wide.as_str()),
        ("application/x-www-form-urlencoded", form.as_str()),
    ] {
        let headers = [("Content-Type", content_type)];
        let answer = send_as(&user, ("POST", PACKAGES), &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 413, "{content_type}");
    }
    assert!(user.nbi.records(Collection::VnfPackages).is_empty());
}

#[tokio::test(start_paused = true)]
async fn parts_of_an_upload_are_counted_and_add_up_to_one_upload_at_most() {
    let user = User::login(&fake()).await;
    let made = user.call("POST", PACKAGES, Some(json!({}))).await;
    let path = format!("{PACKAGES}/{}/package_content", made.json()["id"].as_str().unwrap());
    let part = vec![0; 40 * 1024 * 1024];
    let end = part.len();
    let mut statuses = Vec::new();
    for range in [
        "bytes 0-18446744073709551615/18446744073709551615".to_owned(),
        format!("bytes 0-{}/{}", end - 1, 4 * end),
        format!("bytes {end}-{}/{}", 2 * end - 1, 4 * end),
        format!("bytes {}-{}/{}", 2 * end, 3 * end - 1, 4 * end),
    ] {
        let headers = [("Content-Type", "application/gzip"), ("Content-Range", range.as_str())];
        let answer = send_as(&user, ("PUT", &path), &headers, &part).await;
        statuses.push(answer.status);
    }
    // What came before the part that was too much is forgotten with it.
    assert_eq!(statuses, [416, 204, 413, 404]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_any_number_of_machines_is_refused() {
    let user = User::login(&fake()).await;
    let yaml = [("Content-Type", "application/yaml")];
    let vnfd = "vnfd: {id: v, mgmt-cp: c, ext-cpd: [{id: c}], vdu: [{id: m, \
                virtual-storage-desc: [s]}], virtual-storage-desc: [{id: s}], df: [{id: d, instantiation-level: [{id: l, vdu-level: \
                [{vdu-id: m, number-of-instances: 65535}]}]}]}";
    let path = "/vnfpkgm/v1/vnf_packages_content";
    let answer = send_as(&user, ("POST", path), &yaml, vnfd.as_bytes()).await;
    assert_eq!(answer.status, 201);
    let nsd =
        "nsd: {nsd: [{id: n, vnfd-id: [v], df: [{id: d, vnf-profile: [{id: '1', vnfd-id: v}]}]}]}";
    let path = "/nsd/v1/ns_descriptors_content";
    let made = send_as(&user, ("POST", path), &yaml, nsd.as_bytes()).await;
    let vims = user.get("/admin/v1/vim_accounts").await;
    let body = json!({"nsName": "a", "nsdId": made.json()["id"], "vimAccountId": vims[0]["_id"]});
    let answer = user.call("POST", "/nslcm/v1/ns_instances_content", Some(body));
    assert_eq!(answer.await.status, 413);
    assert!(user.nbi.records(Collection::VnfInstances).is_empty());
}

#[tokio::test(start_paused = true)]
async fn descriptors_that_are_no_mappings_are_refused_with_pythons_complaint() {
    let user = User::login(&fake()).await;
    let made = user.call("POST", PACKAGES, Some(json!({}))).await.json();
    let path = format!("/vnfpkgm/v1/vnf_packages_content/{}", made["id"].as_str().unwrap());
    let answer = user.call("PUT", &path, Some(json!([1]))).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (400, "'list' object has no attribute 'get'")
    );
}

#[tokio::test(start_paused = true)]
async fn the_control_api_refuses_what_cannot_be() {
    let nbi = fake();
    let steer = async |path: &str, body: Value| {
        let body = body.to_string();
        let answer = send(&nbi, "POST", path, &[], Some(body.as_bytes()));
        answer.await.unwrap().status
    };
    for wrong in [
        json!({"operation": "GET /nsd/v1/ns_descriptor", "nth": 1, "kind": "hang"}),
        json!({"operation": "GET /version", "nth": 0, "kind": "hang"}),
        json!({"operation": "GET /version", "nth": 1, "kind": {"status": {"status": 100}}}),
    ] {
        assert_eq!(steer("/_mock/faults", wrong).await, 400);
    }
    assert_eq!(steer("/_mock/_mock/reset", json!({})).await, 404);
}

#[tokio::test(start_paused = true)]
async fn time_may_come_to_its_end() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder()
        .seed(seed)
        .profile(Profile::realistic().speeded_up(1e-300))
        .build()
        .unwrap();
    let user = User::login(&nbi).await;
    let vims = user.get("/admin/v1/vim_accounts").await;
    let path = format!("/admin/v1/vim_accounts/{}", vims[0]["_id"].as_str().unwrap());
    for name in ["b", "c"] {
        let answer = user.call("PATCH", &path, Some(json!({"name": name})));
        assert_eq!(answer.await.status, 202);
    }
    let settled = nbi.service().answer(
        http::Request::post("/_mock/operations/settle").body(axum::body::Body::empty()).unwrap(),
    );
    let settled = settled.await.unwrap();
    assert_eq!(settled.status(), 204);
    settled.into_body().collect().await.unwrap();
    nbi.advance(Duration::MAX);
    assert_eq!(nbi.records(Collection::VimAccounts)[0]["name"], "c");
}
