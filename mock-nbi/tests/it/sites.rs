//! What OSM registers, beyond what the recordings show.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User};

async fn user_of(release: Release) -> User {
    User::login(&MockNbi::builder().release(release).build().unwrap()).await
}

fn vim(name: &str) -> Value {
    json!({
        "name": name, "vim_type": "openstack", "vim_url": "http://u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t",
    })
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn secrets_of_a_vim_are_encrypted_and_the_rest_is_not() {
    let user = user_of(Release::R10).await;
    let mut body = vim("v");
    body["config"] = json!({"admin_password": "s", "vrops_password": "s", "password": "plain"});
    let made = user.call("POST", "/admin/v1/vim_accounts", Some(body)).await.json();
    let path = format!("/admin/v1/vim_accounts/{}", made["id"].as_str().unwrap());
    let record = user.get(&path).await;
    assert_eq!(record["vim_password"].as_str().unwrap().len(), 24);
    assert_eq!(record["config"]["admin_password"], record["config"]["vrops_password"]);
    assert_eq!(record["config"]["admin_password"].as_str().unwrap().len(), 24);
    assert_eq!(record["config"]["password"], "plain");
    let change = json!({"config": {"nsx_password": "s"}});
    assert_eq!(user.call("PATCH", &path, Some(change)).await.status, 202);
    let changed = user.get(&path).await;
    assert_eq!(changed["config"]["nsx_password"], record["config"]["admin_password"]);
    let number = json!({"config": {"nsx_password": 5}});
    let answer = user.call("PATCH", &path, Some(number)).await;
    refused(&answer, 400, "object of type 'int' has no len()");
}

#[tokio::test(start_paused = true)]
async fn release_8_leaves_the_password_of_a_wim_as_it_is() {
    for (release, is_plain) in [(Release::R8, true), (Release::R10, false), (Release::R19, false)] {
        let user = user_of(release).await;
        let body = json!({"name": "w", "wim_type": "odl", "wim_url": "http://u", "password": "p"});
        let made = user.call("POST", "/admin/v1/wim_accounts", Some(body)).await;
        assert_eq!(made.status, 202);
        let record = user.get("/admin/v1/wim_accounts").await[0].clone();
        assert_eq!(record["password"] == "p", is_plain, "{release:?}");
        assert_eq!(record["schema_version"], "1.11");
    }
}

#[tokio::test(start_paused = true)]
async fn an_openstack_of_release_19_has_room_for_its_resources() {
    for (release, has) in [(Release::R10, false), (Release::R19, true)] {
        let user = user_of(release).await;
        user.call("POST", "/admin/v1/vim_accounts", Some(vim("v"))).await;
        let record = user.get("/admin/v1/vim_accounts").await[0].clone();
        assert_eq!(record.get("resources").is_some(), has, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_release_8_lacks_it_refuses() {
    let user = user_of(Release::R8).await;
    let mut body = vim("v");
    body["prometheus-config"] = json!({});
    let answer = user.call("POST", "/admin/v1/vim_accounts", Some(body)).await;
    let detail = "Format error  'Additional properties are not allowed ('prometheus-config' was \
                  unexpected)' ";
    refused(&answer, 422, detail);
    let mut body = vim("v");
    body["vim_user"] = json!("a.b");
    let answer = user.call("POST", "/admin/v1/vim_accounts", Some(body.clone())).await;
    assert_eq!(answer.status, 422);
    let later = user_of(Release::R10).await;
    assert_eq!(later.call("POST", "/admin/v1/vim_accounts", Some(body)).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_vca_that_a_vim_names_stays_unless_forced() {
    let user = user_of(Release::R10).await;
    let vca = json!({
        "name": "v", "endpoints": ["e"], "user": "u", "secret": "s", "cacert": "c",
        "lxd-cloud": "c", "lxd-credentials": "c", "k8s-cloud": "k", "k8s-credentials": "k",
    });
    let id = user.call("POST", "/admin/v1/vca", Some(vca)).await.json()["id"].clone();
    let mut body = vim("v");
    body["vca"] = id.clone();
    assert_eq!(user.call("POST", "/admin/v1/vim_accounts", Some(body)).await.status, 202);
    let path = format!("/admin/v1/vca/{}", id.as_str().unwrap());
    let answer = user.call("DELETE", &path, None).await;
    refused(&answer, 409, "There is at least one VIM account using this vca");
    assert_eq!(user.call("DELETE", &format!("{path}?FORCE"), None).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn an_sdn_controller_is_given_by_url_or_by_address_and_port() {
    let user = user_of(Release::R10).await;
    let both = "You must provide both 'ip' and 'port' (deprecated); or just 'url' (prefered)";
    for (more, expected) in [
        (json!({}), "You must provide 'url'"),
        (json!({"ip": "10.0.0.1"}), both),
        (json!({"ip": "10.0.0.1", "port": 1, "url": "http://u"}), both),
    ] {
        let mut body = json!({"name": "s", "type": "onos"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        refused(&user.call("POST", "/admin/v1/sdns", Some(body)).await, 422, expected);
    }
    let body = json!({"name": "s", "type": "onos", "url": "http://u"});
    assert_eq!(user.call("POST", "/admin/v1/sdns", Some(body)).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn new_clusters_list_the_repositories_there_are_and_forced_removal_leaves_them_listed() {
    let user = user_of(Release::R10).await;
    let repo = json!({"name": "r", "type": "helm-chart", "url": "http://u"});
    let repo = user.call("POST", "/admin/v1/k8srepos", Some(repo)).await.json();
    let cluster = json!({
        "name": "c", "vim_account": "00000000-0000-4000-8000-000000000000", "k8s_version": "1",
        "nets": {"n": null}, "credentials": {"password": "p", "sub": [{"Client-Secret": "s"}]},
    });
    user.call("POST", "/admin/v1/k8sclusters", Some(cluster)).await;
    let listed = || async { user.get("/admin/v1/k8sclusters").await[0].clone() };
    let record = listed().await;
    assert_eq!(record["_admin"]["helm_chart_repos"], json!([repo["id"]]));
    assert_eq!(record["credentials"]["password"].as_str().unwrap().len(), 24);
    assert_eq!(record["credentials"]["sub"][0]["Client-Secret"].as_str().unwrap().len(), 24);
    let path = format!("/admin/v1/k8srepos/{}", repo["id"].as_str().unwrap());
    assert_eq!(user.call("PATCH", &path, Some(json!({"name": "x"}))).await.status, 405);
    assert_eq!(user.call("DELETE", &format!("{path}?FORCE"), None).await.status, 204);
    assert_eq!(listed().await["_admin"]["helm_chart_repos"], json!([repo["id"]]));
    let gone = user.call("DELETE", &path, None).await;
    let id = repo["id"].as_str().unwrap();
    refused(
        &gone,
        404,
        &format!(
            "database exception database exception Not found any k8srepo with \
             filter='{{'_id': '{id}'}}'"
        ),
    );
}

#[tokio::test(start_paused = true)]
async fn names_with_signs_that_osm_forbids_are_refused() {
    let user = user_of(Release::R10).await;
    for name in ["a,b", "a;b", "a(b", "it's"] {
        let answer = user.call("POST", "/admin/v1/vim_accounts", Some(vim(name))).await;
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.detail().contains(" does not match "), "{}", answer.detail());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_release_19_is_not_deployed_to_with_helm_2() {
    for (release, method, status) in [
        (Release::R10, "helm-chart", 202),
        (Release::R10, "helm-chart-v3", 202),
        (Release::R19, "helm-chart", 422),
        (Release::R19, "helm-chart-v3", 202),
    ] {
        let user = user_of(release).await;
        let cluster = json!({
            "name": "c", "vim_account": "00000000-0000-4000-8000-000000000000", "k8s_version": "1",
            "nets": {"n": null}, "credentials": {},
            "deployment_methods": {"juju-bundle": false, method: true},
        });
        let answer = user.call("POST", "/admin/v1/k8sclusters", Some(cluster)).await;
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{release:?} {method}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_in_use_is_refused_in_a_change_too_unless_it_is_forced() {
    let user = user_of(Release::R10).await;
    let mut path = String::new();
    for name in ["a", "b"] {
        let made = user.call("POST", "/admin/v1/vim_accounts", Some(vim(name))).await.json();
        path = format!("/admin/v1/vim_accounts/{}", made["id"].as_str().unwrap());
    }
    let change = || Some(json!({"name": "a"}));
    let answer = user.call("PATCH", &path, change()).await;
    refused(&answer, 409, "name 'a' already exists for vim_accounts");
    assert_eq!(user.call("PATCH", &format!("{path}?FORCE"), change()).await.status, 202);
    assert_eq!(user.get(&path).await["name"], "a");
}

#[tokio::test(start_paused = true)]
async fn repositories_of_charts_take_credentials_in_release_19() {
    for (release, status) in [(Release::R10, 422), (Release::R19, 202)] {
        let user = user_of(release).await;
        let plain = json!({"name": "r", "type": "helm-chart", "url": "http://u"});
        for (key, value) in [("user", "u"), ("password", "p"), ("cacert", "c")] {
            let mut body = plain.clone();
            body["name"] = json!(key);
            body[key] = json!(value);
            let answer = user.call("POST", "/admin/v1/k8srepos", Some(body)).await;
            assert_eq!(answer.status, status, "{release:?} {key}: {}", answer.detail());
        }
        assert_eq!(user.call("POST", "/admin/v1/k8srepos", Some(plain)).await.status, 202);
    }
}
