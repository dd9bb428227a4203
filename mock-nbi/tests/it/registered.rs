//! What OSM registers and the recordings do not show: made, listed, shown, changed, deleted.
//!
//! Source: NBI_FACTS.md section 6; the NBI of release 8, run beside the fake with the same requests.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{User, captured_package, send};

/// A collection, what is made in it, how it is changed, and the statuses of all that.
struct Course {
    path: &'static str,
    made: Value,
    change: Value,
    /// POST, the same POST again, PATCH, DELETE.
    statuses: [u16; 4],
}

async fn follow(release: Release, course: Course) {
    let nbi = MockNbi::builder().release(release).build().unwrap();
    let user = User::login(&nbi).await;
    let Course { path, made, change, statuses } = course;
    let before = user.get(path).await.as_array().unwrap().len();
    let first = user.call("POST", path, Some(made.clone())).await;
    assert_eq!(first.status, statuses[0], "POST {path}: {}", String::from_utf8_lossy(&first.body));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let again = user.call("POST", path, Some(made.clone())).await;
    assert_eq!(again.status, statuses[1], "the same again at {path}");
    let extra = usize::from(statuses[1] < 300);
    let one = format!("{path}/{id}");
    assert_eq!(user.get(path).await.as_array().unwrap().len(), before + 1 + extra);
    assert_eq!(user.get(&one).await["_id"], id.as_str());
    let changed = user.call("PATCH", &one, Some(change.clone())).await;
    assert_eq!(changed.status, statuses[2], "PATCH {one}");
    if statuses[2] < 300 {
        let shown = user.get(&one).await;
        for (key, value) in change.as_object().unwrap() {
            assert_eq!(&shown[key], value, "{key} of {one}");
        }
    }
    assert_eq!(user.call("PATCH", &format!("{path}/nobody"), Some(change)).await.status / 100, 4);
    assert_eq!(user.call("PUT", &one, Some(json!({}))).await.status, 405);
    assert_eq!(user.call("DELETE", &one, None).await.status, statuses[3], "DELETE {one}");
    assert_eq!(user.get(path).await.as_array().unwrap().len(), before + extra, "{path}");
}

#[tokio::test(start_paused = true)]
async fn accounts_and_repositories_are_made_changed_and_deleted() {
    for release in [Release::R10, Release::R19] {
        let vim = json!({
            "name": "a", "vim_type": "dummy", "vim_url": "u", "vim_user": "u", "vim_password": "p",
            "vim_tenant_name": "t",
        });
        let wim = json!({
            "name": "a", "wim_type": "onos", "wim_url": "u", "user": "u", "password": "p",
        });
        let repo = json!({"name": "a", "type": "helm-chart", "url": "http://x"});
        let change = || json!({"description": "changed"});
        for (path, made, statuses) in [
            ("/admin/v1/vims", vim, [202, 409, 202, 202]),
            ("/admin/v1/wim_accounts", wim, [202, 409, 202, 202]),
            ("/admin/v1/k8srepos", repo, [202, 409, 405, 202]),
            // Names of OSM repositories need not be unique, and nothing is started.
            (
                "/admin/v1/osmrepos",
                json!({"name": "a", "type": "osm", "url": "http://x"}),
                [201, 201, 204, 204],
            ),
        ] {
            follow(release, Course { path, made, change: change(), statuses }).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn roles_are_made_changed_and_deleted() {
    for release in [Release::R10, Release::R19] {
        let made = json!({"name": "reader", "permissions": {"vim_accounts:get": true}});
        let change = json!({"name": "reader2"});
        let statuses = [201, 409, 204, 202];
        follow(release, Course { path: "/admin/v1/roles", made, change, statuses }).await;
    }
}

/// Files of a package one by one, an update of an NSD by its id, and its deletion there.
#[tokio::test(start_paused = true)]
async fn packages_give_their_files_and_nsds_are_updated_and_deleted_as_content() {
    let nbi = MockNbi::builder().release(Release::R10).build().unwrap();
    let user = User::login(&nbi).await;
    let vnfd = captured_package("nfpkg-create.jsonl");
    let nsd = captured_package("nspkg-create.jsonl");
    let vnfd = user.upload("/vnfpkgm/v1/vnf_packages_content", &vnfd).await;
    let nsd = user.upload("/nsd/v1/ns_descriptors_content", &nsd).await;
    let bearer = format!("Bearer {}", user.token);
    let headers = [("Accept", "*/*"), ("Authorization", bearer.as_str())];
    let target = format!("/osm/vnfpkgm/v1/vnf_packages/{vnfd}/artifacts");
    let names = send(&nbi, "GET", &target, &headers, None).await.unwrap();
    let names = String::from_utf8(names.body).unwrap();
    assert_eq!(names, "---\n- openldap_vnfd.yaml\n- checksums.txt\n");
    let one = format!("{target}/openldap_vnfd.yaml");
    let file = send(&nbi, "GET", &one, &headers, None).await.unwrap();
    assert_eq!((file.status, file.header("Content-Type")), (200, "application/octet-stream"));
    assert!(String::from_utf8(file.body).unwrap().starts_with("vnfd:"));
    let missing = send(&nbi, "GET", &format!("{target}/nosuch"), &headers, None).await.unwrap();
    assert_eq!(missing.status, 404);
    let path = format!("/nsd/v1/ns_descriptors_content/{nsd}");
    let changed = json!({"nsd": {"nsd": [{"id": "openldap_ns", "description": "changed"}]}});
    assert_eq!(user.call("PUT", &path, Some(changed)).await.status, 204);
    assert_eq!(user.get(&path).await["description"], "changed");
    assert_eq!(user.call("DELETE", &path, None).await.status, 204);
    assert_eq!(user.call("GET", &path, None).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn nst_content_is_listed_shown_given_and_deleted_as_the_other_packages_are() {
    let nbi = MockNbi::builder().release(Release::R10).build().unwrap();
    let user = User::login(&nbi).await;
    user.upload("/vnfpkgm/v1/vnf_packages_content", &captured_package("nfpkg-create.jsonl")).await;
    user.upload("/nsd/v1/ns_descriptors_content", &captured_package("nspkg-create.jsonl")).await;
    let list = "/nst/v1/netslice_templates_content";
    let nst = json!({"nst": [{"id": "s", "name": "s", "netslice-subnet":
        [{"id": "a", "nsd-ref": "openldap_ns", "is-shared-nss": false}]}]});
    let made = user.call("POST", list, Some(nst.clone())).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    for path in [list, "/nst/v1/netslice_templates"] {
        assert_eq!(user.get(path).await[0]["_id"], id.as_str());
    }
    assert_eq!(user.get(&format!("{list}/{id}")).await["name"], "s");
    let bearer = format!("Bearer {}", user.token);
    let headers = [("Accept", "text/plain"), ("Authorization", bearer.as_str())];
    for below in ["nst", "nst_content"] {
        let target = format!("/osm/nst/v1/netslice_templates/{id}/{below}");
        let file = send(&nbi, "GET", &target, &headers, None).await.unwrap();
        let text = String::from_utf8(file.body).unwrap();
        assert_eq!(file.status, 200, "{below}: {text}");
        assert!(text.contains("nsd-ref: openldap_ns"), "{text}");
    }
    let target = format!("/osm/nst/v1/netslice_templates/{id}/artifacts");
    for target in [target.clone(), format!("{target}/nosuch")] {
        // It came without an archive.
        let refused = send(&nbi, "GET", &target, &headers, None).await.unwrap();
        assert_eq!(refused.status, 400, "{}", String::from_utf8_lossy(&refused.body));
    }
    let change = json!({"nst": [{"id": "s", "name": "t"}]});
    let path = format!("{list}/{id}");
    assert_eq!(user.call("PUT", &path, Some(change)).await.status, 204);
    assert_eq!(user.get(&path).await["name"], "t");
    assert_eq!(user.call("DELETE", &path, None).await.status, 204);
    assert_eq!(user.call("GET", &path, None).await.status, 404);
}
