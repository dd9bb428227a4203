//! Bodies as Python reads them, and changes of lists inside records.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, send};

const RELEASES: [Release; 3] = [Release::R8, Release::R10, Release::R19];

async fn user(release: Release) -> User {
    User::login(&MockNbi::builder().release(release).build().unwrap()).await
}

/// Sends a body of a type.
async fn send_text(user: &User, path: &str, content_type: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", user.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", content_type),
        ("Accept", "application/json"),
    ];
    let target = format!("/osm{path}");
    send(&user.nbi, "POST", &target, &headers, Some(body.as_bytes())).await.unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn lists_of_a_device_are_edited_by_index_and_by_fields() {
    for release in RELEASES {
        let user = user(release).await;
        let interface = |name: &str| json!({"name": name, "mgmt": true, "ip-address": "10.0.0.1"});
        let device = json!({"name": "d", "type": "t", "vims": ["a", "b"],
            "interfaces": [interface("eth0"), interface("eth1")]});
        let made = user.call("POST", "/pdu/v1/pdu_descriptors", Some(device)).await;
        let path = format!("/pdu/v1/pdu_descriptors/{}", made.json()["id"].as_str().unwrap());
        let change = json!({
            "vims": {"$a": null, "$+": "c", "$+b": "b"},
            "interfaces": {"$name: eth1": {"mgmt": false}, "$[0]": null, "$+[0]": interface("eth2")},
        });
        let changed = user.call("PATCH", &path, Some(change)).await;
        assert_eq!(changed.status, 204, "{}", String::from_utf8_lossy(&changed.body));
        let shown = user.get(&path).await;
        assert_eq!(shown["vims"], json!(["b", "c"]));
        let mut second = interface("eth1");
        second["mgmt"] = json!(false);
        assert_eq!(shown["interfaces"], json!([interface("eth2"), second]));
        let both = json!({"vims": {"$[0]": "x", "$b": "y"}});
        let said = "database exception Conflict at 'vims:$b'. Several editions on array index 0";
        refused(&user.call("PATCH", &path, Some(both)).await, 404, said);
        assert_eq!(user.get(&path).await, shown, "a refused change changes nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_of_a_descriptor_are_edited_too_and_then_checked() {
    let user = user(Release::R10).await;
    let vnfd = json!({"vnfd": {"id": "k", "product-name": "k", "df": [{"id": "d"}],
        "kdu": [{"name": "a", "helm-chart": "repo/a"}]}});
    let made = user.call("POST", "/vnfpkgm/v1/vnf_packages_content", Some(vnfd)).await;
    let path = format!("/vnfpkgm/v1/vnf_packages/{}", made.json()["id"].as_str().unwrap());
    let patch = |change: Value| user.call("PATCH", &path, Some(json!({"kdu": change})));
    let changed = patch(json!({"$name: a": {"helm-chart": "repo/b"}})).await;
    assert_eq!(changed.status, 204, "{}", String::from_utf8_lossy(&changed.body));
    assert_eq!(user.get(&path).await["kdu"], json!([{"name": "a", "helm-chart": "repo/b"}]));
    let twice = patch(json!({"$+": {"name": "a"}})).await;
    refused(&twice, 422, "Error: identifier name 'a' is not unique and repeats at '.kdu[1]'");
    let mixed = patch(json!({"$[0]": null, "name": "b"})).await;
    let said = "database exception Found array edition (keys starting with '$') and pure \
                dictionary edition in the same dict at 'kdu'";
    refused(&mixed, 404, said);
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_in_no_calendar_is_no_yaml() {
    for release in RELEASES {
        let user = user(release).await;
        let said = "Invalid yaml format month must be in 1..12";
        let yaml = "application/yaml";
        let vim = "name: a\ndescription: 2001-13-01\n";
        refused(&send_text(&user, "/admin/v1/vim_accounts", yaml, vim).await, 400, said);
        let vnfd = "vnfd:\n  id: a\n  version: 2001-13-01\n";
        let path = "/vnfpkgm/v1/vnf_packages_content";
        refused(&send_text(&user, path, "text/plain", vnfd).await, 400, said);
    }
}

#[tokio::test(start_paused = true)]
async fn json_may_have_what_python_takes_for_a_number() {
    for release in RELEASES {
        let user = user(release).await;
        let vim = r#"{"name": "a", "vim_type": "dummy", "vim_url": "u", "vim_user": "u",
            "vim_password": "p", "vim_tenant_name": "t", "config": {"ratio": NaN}}"#;
        let made = send_text(&user, "/admin/v1/vim_accounts", "application/json", vim).await;
        assert_eq!(made.status, 202, "{}", String::from_utf8_lossy(&made.body));
    }
}
