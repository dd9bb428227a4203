//! Requests that tests of what release 19 keeps in Git have in common.

use mock_nbi::{MockNbi, OperationResult, Profile, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, send};

pub const CLUSTERS: &str = "/k8scluster/v1/clusters";
pub const PROFILES: [&str; 4] =
    ["infra_controller_profiles", "infra_config_profiles", "resource_profiles", "app_profiles"];

/// A user of release 19 with a VIM account `site`.
pub async fn user() -> User {
    let nbi = MockNbi::builder().release(Release::R19).profile(Profile::manual()).build().unwrap();
    let user = User::login(&nbi).await;
    let vim = json!({
        "name": "site", "vim_type": "openstack", "vim_url": "u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t",
        "config": {"region_name": "north"},
    });
    expect(&user, "POST", "/admin/v1/vim_accounts", Some(vim), 202).await;
    user
}

pub async fn expect(
    user: &User,
    method: &str,
    path: &str,
    body: Option<Value>,
    status: u16,
) -> Answer {
    let answer = user.call(method, path, body).await;
    let said = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{method} {path}: {said}");
    answer
}

/// Sends a request that is refused, with these words.
pub async fn refuse(
    user: &User,
    (method, path): (&str, &str),
    body: Value,
    status: u16,
    words: &str,
) {
    let answer = expect(user, method, path, Some(body), status).await;
    assert_eq!(answer.detail(), words, "{method} {path}");
}

pub async fn make(user: &User, path: &str, body: Value) -> String {
    let answer = expect(user, "POST", path, Some(body), 201).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()["_id"], id.as_str());
    settle(user);
    id
}

/// Lets every operation end.
pub fn settle(user: &User) {
    user.nbi.end_operations(OperationResult::Ok);
}

pub async fn cluster(user: &User) -> String {
    let body = json!({
        "name": "Edge", "vim_account": "site", "k8s_version": "1.30",
        "private_subnet": ["subnet-a", "subnet-b"], "public_subnet": ["subnet-c"],
    });
    make(user, CLUSTERS, body).await
}

pub async fn upload_oka(user: &User, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {}", user.token);
    let headers = [
        ("Accept", "application/json"),
        ("Content-Type", "multipart/form-data; boundary=b"),
        ("Authorization", bearer.as_str()),
    ];
    let form = "--b\r\nContent-Disposition: form-data; name=\"package\"; filename=\"a.tar.gz\"\r\n\
                Content-Type: application/gzip\r\n\r\nbytes\r\n--b--\r\n";
    send(&user.nbi, method, &format!("/osm{path}"), &headers, Some(form.as_bytes())).await.unwrap()
}

pub const OKAS: &str = "/oka/v1/oka_packages";

pub async fn oka(user: &User) -> String {
    let made = upload_oka(user, "POST", &format!("{OKAS}?name=Pack&description=d")).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    settle(user);
    made.json()["_id"].as_str().unwrap().to_owned()
}
