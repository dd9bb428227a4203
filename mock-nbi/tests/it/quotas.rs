//! Quotas of devices, subscriptions and slices, and projects that something belongs to.

use mock_nbi::{MockNbi, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, User, send};

const URL: &str = "http://client/notify";

/// A user of a project of its own with these quotas; the project's id.
async fn tenant(release: Release, quotas: Value) -> (User, User, String) {
    let seed = Seed::from_yaml("vim_accounts: [{name: site}]", "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(release).seed(seed).build().unwrap();
    let urls = json!({"urls": [URL]}).to_string();
    send(&nbi, "PUT", "/_mock/callbacks", &[], Some(urls.as_bytes())).await.unwrap();
    let admin = User::login(&nbi).await;
    let project = json!({"name": "q", "quotas": quotas});
    let made = admin.call("POST", "/admin/v1/projects", Some(project)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let body = json!({"username": "admin", "password": "admin", "project_id": "q"});
    let mapping = json!({"add_project_role_mappings": [{"project": "q", "role": "system_admin"}]});
    let changed = admin.call("PATCH", "/admin/v1/users/admin", Some(mapping)).await;
    assert_eq!(changed.status, 204, "{}", String::from_utf8_lossy(&changed.body));
    let login = admin.call("POST", "/admin/v1/tokens", Some(body)).await;
    let token = login.json()["id"].as_str().unwrap().to_owned();
    (admin, User { nbi, token }, id)
}

#[track_caller]
fn exceeded(answer: &Answer, status: u16, quota: &str, project_id: &str) {
    let said = format!("quota ({quota}) exceeded for project q ({project_id})");
    assert!(answer.detail().contains(&said), "{}", answer.detail());
    assert_eq!(answer.status, status);
}

#[tokio::test(start_paused = true)]
async fn devices_and_subscriptions_count_and_force_lifts_their_quota() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let (_, user, id) = tenant(release, json!({"pduds": 1, "ns_subscriptions": 0})).await;
        let device = |name: &str| {
            json!({"name": name, "type": "t",
                "interfaces": [{"name": "e", "mgmt": true, "ip-address": "10.0.0.1"}]})
        };
        let path = "/pdu/v1/pdu_descriptors";
        assert_eq!(user.call("POST", path, Some(device("a"))).await.status, 201);
        exceeded(&user.call("POST", path, Some(device("b"))).await, 422, "pduds=1", &id);
        let forced = format!("{path}?FORCE=1");
        assert_eq!(user.call("POST", &forced, Some(device("b"))).await.status, 201);
        // The quota that OSM looks at is another than the one that a project can have.
        let wanted = json!({"CallbackUri": URL,
            "filter": {"notificationTypes": ["NsIdentifierCreationNotification"]}});
        let made = user.call("POST", "/nslcm/v1/subscriptions", Some(wanted)).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    }
}

#[tokio::test(start_paused = true)]
async fn slices_and_their_templates_count() {
    for release in [Release::R10, Release::R19] {
        let quotas = json!({"slice_templates": 1, "slice_instances": 0});
        let (_, user, id) = tenant(release, quotas).await;
        let path = "/nst/v1/netslice_templates_content";
        let template = |name: &str| json!({"nst": [{"id": name, "name": name}]});
        let made = user.call("POST", path, Some(template("a"))).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        let status = if release == Release::R10 { 401 } else { 422 };
        let second = user.call("POST", path, Some(template("b"))).await;
        exceeded(&second, status, "slice_templates=1", &id);
        let slice = json!({"nstId": made.json()["id"], "nsiName": "s", "vimAccountId": "v"});
        let refused = user.call("POST", "/nsilcm/v1/netslice_instances", Some(slice)).await;
        // Whatever a slice fails at is a 400.
        exceeded(&refused, 400, "slice_instances=0", &id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_project_stays_while_something_of_it_is_there() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let (admin, user, id) = tenant(release, json!({})).await;
        let path = "/nst/v1/netslice_templates_content";
        let template = json!({"nst": [{"id": "a", "name": "a"}]});
        let nst = user.call("POST", path, Some(template)).await.json()["id"].clone();
        let device = json!({"name": "d", "type": "t",
            "interfaces": [{"name": "e", "mgmt": true, "ip-address": "10.0.0.1"}]});
        let pdus = "/pdu/v1/pdu_descriptors";
        let pdu = user.call("POST", pdus, Some(device)).await.json()["id"].clone();
        let mapping = json!({"remove_project_role_mappings": [{"project": "q"}]});
        let changed = admin.call("PATCH", "/admin/v1/users/admin", Some(mapping)).await;
        assert_eq!(changed.status, 204, "{}", String::from_utf8_lossy(&changed.body));
        // A change of a user ends the user's sessions.
        let admin = User::login(&admin.nbi).await;
        let project = format!("/admin/v1/projects/{id}");
        for path in [
            format!("/nst/v1/netslice_templates/{}", nst.as_str().unwrap()),
            format!("{pdus}/{}", pdu.as_str().unwrap()),
        ] {
            let held = admin.call("DELETE", &project, None).await;
            assert_eq!(held.status, 409, "{}", String::from_utf8_lossy(&held.body));
            let gone = admin.call("DELETE", &format!("{path}?ADMIN=true"), None).await;
            assert_eq!(gone.status, 204, "{}", String::from_utf8_lossy(&gone.body));
        }
        // What was removed comes back as if it were an operation.
        assert_eq!(admin.call("DELETE", &project, None).await.status, 202);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_a_full_project_tells_what_was_being_done() {
    let (_, user, id) = tenant(Release::R10, json!({"ns_instances": 0})).await;
    let answer = user.call("POST", "/nslcm/v1/ns_instances", Some(json!({}))).await;
    let detail =
        format!("quota (ns_instances=0) exceeded for project q ({id}) while 'checking quotas'");
    assert_eq!((answer.status, answer.detail()), (401, detail));
}
