//! Tokens: for which project, with which roles, how long; and accounts of release 19.

use std::time::Duration;

use mock_nbi::{Collection, Release};
use serde_json::{Value, json};

use crate::client::User;
use crate::people::{STRONG, fake, try_login, user_with};

#[tokio::test(start_paused = true)]
async fn a_token_is_for_a_project_of_its_user_and_has_the_roles_there() {
    for release in [Release::R8, Release::R10, Release::R19Recorded] {
        let admin = User::login(&fake(release)).await;
        user_with(&admin, json!({"vnfds": true})).await;
        for name in ["q", "z"] {
            let project = Some(json!({"name": name}));
            assert_eq!(admin.call("POST", "/admin/v1/projects", project).await.status, 201);
        }
        let mapping = |project: &str, role: &str| json!({"project": project, "role": role});
        let more = [mapping("q", "project_user"), mapping("q", "r"), mapping("p", "r")];
        let user = admin.get("/admin/v1/users?username=u").await[0]["_id"].clone();
        let path = format!("/admin/v1/users/{}", user.as_str().unwrap());
        let change = json!({"add_project_role_mappings": more});
        assert_eq!(admin.call("PATCH", &path, Some(change)).await.status, 204);
        let log_in = async |project: Value| {
            let body = json!({"username": "u", "password": STRONG, "project_id": project});
            try_login(&admin.nbi, body).await
        };
        let id_of = |name: &str| {
            let projects = admin.nbi.records(Collection::Projects);
            projects.iter().find(|it| it["name"] == name).unwrap()["_id"].clone()
        };
        for (project, name, roles) in [
            (Value::Null, "p", vec!["r"]),
            (json!(""), "p", vec!["r"]),
            (json!("p"), "p", vec!["r"]),
            (json!("q"), "q", vec!["project_user", "r"]),
            (id_of("q"), "q", vec!["project_user", "r"]),
        ] {
            let token = log_in(project).await.json();
            assert_eq!(
                (&token["project_name"], &token["project_id"]),
                (&json!(name), &id_of(name))
            );
            let names: Vec<&str> = token["roles"]
                .as_array()
                .unwrap()
                .iter()
                .map(|role| role["name"].as_str().unwrap())
                .collect();
            assert_eq!(names, roles, "{release:?}");
            assert_eq!(token["admin"], false);
        }
        let refused = log_in(json!("z")).await;
        let detail = "project z not allowed for this user";
        assert_eq!((refused.status, refused.detail().as_str()), (401, detail));
        assert_eq!(admin.get("/").await["admin"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn an_administrator_of_everything_may_act_for_all_by_role() {
    for (permissions, is_admin) in [
        (json!({"admin": true, "default": true}), true),
        (json!({"admin": true, "default": false}), false),
        (json!({"admin": false, "default": true}), false),
    ] {
        let admin = User::login(&fake(Release::R19)).await;
        user_with(&admin, permissions.clone()).await;
        // The first log-in is for changing the password.
        let first =
            try_login(&admin.nbi, json!({"username": "u", "password": STRONG})).await.json();
        let admin_id = admin.get("/admin/v1/users/admin").await["_id"].clone();
        let change = json!({"password": "Passw0rd!New", "system_admin_id": admin_id});
        let path = format!("/admin/v1/users/{}", first["user_id"].as_str().unwrap());
        assert_eq!(admin.call("PATCH", &path, Some(change)).await.status, 204);
        let credentials = json!({"username": "u", "password": "Passw0rd!New"});
        let token = try_login(&admin.nbi, credentials).await.json();
        assert_eq!(token["admin_show"], is_admin, "{permissions}");
        assert_eq!(token["user_show"], !is_admin, "{permissions}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_role_allows_is_looked_up_anew_when_it_changes() {
    let admin = User::login(&fake(Release::R10)).await;
    let user = user_with(&admin, json!({"vnfds": true})).await;
    let status = async |path: &str| user.call("GET", path, None).await.status;
    assert_eq!(status("/vnfpkgm/v1/vnf_packages").await, 200);
    assert_eq!(status("/nsd/v1/ns_descriptors").await, 401);
    let change = json!({"permissions": {"vnfds": false, "nsds": true}});
    assert_eq!(admin.call("PATCH", "/admin/v1/roles/r", Some(change)).await.status, 204);
    assert_eq!(status("/vnfpkgm/v1/vnf_packages").await, 401);
    assert_eq!(status("/nsd/v1/ns_descriptors").await, 200);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_listed_while_they_are_good() {
    let nbi = fake(Release::R10);
    let first = User::login(&nbi).await;
    nbi.advance(Duration::from_secs(1800));
    let second = User::login(&nbi).await;
    let ids = |list: Value| -> Vec<String> {
        let list = list.as_array().unwrap().clone();
        list.iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
    };
    let listed = ids(second.get("/admin/v1/tokens").await);
    assert_eq!(listed, [first.token.clone(), second.token.clone()]);
    nbi.advance(Duration::from_secs(1801));
    assert_eq!(ids(second.get("/admin/v1/tokens").await), std::slice::from_ref(&second.token));
    let path = format!("/admin/v1/tokens/{}", second.token);
    assert_eq!(second.call("DELETE", &path, None).await.status, 200);
    assert_eq!(second.call("GET", "/admin/v1/tokens", None).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_python_counts_as_none_are_none() {
    let nbi = fake(Release::R10);
    User::login(&nbi).await;
    let none = "Provide credentials: username/password or Authorization Bearer token";
    for username in [json!(null), json!(false), json!(""), json!(0), json!([]), json!({})] {
        let body = json!({"username": username, "password": "admin"});
        let answer = try_login(&nbi, body).await;
        assert_eq!((answer.status, answer.detail().as_str()), (401, none), "{username}");
    }
    for username in [json!(true), json!(1), json!(["a"]), json!({"a": 1}), json!("nobody")] {
        let body = json!({"username": username, "password": "admin"});
        let answer = try_login(&nbi, body).await;
        let detail = "Invalid username/password";
        assert_eq!((answer.status, answer.detail().as_str()), (401, detail), "{username}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_unlocked_or_renewed_is_as_good_as_its_end_and_its_failures_allow() {
    const DAY: f64 = 86_400.0;
    let nbi = fake(Release::R19);
    let admin = User::login(&nbi).await;
    user_with(&admin, json!({"vnfds": true})).await;
    nbi.clock().freeze();
    let now = nbi.clock().now();
    let admin_id = admin.get("/admin/v1/users/admin").await["_id"].clone();
    let id = admin.get("/admin/v1/users/u").await["_id"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/users/{id}");
    for (what, failures, end, status) in [
        ("unlock", 5, now + 1.0, "active"),
        ("unlock", 5, now, "active"),
        ("unlock", 5, now - 1.0, "expired"),
        ("renew", 4, now - 1.0, "active"),
        ("renew", 5, now - 1.0, "locked"),
    ] {
        let was = |user: &mut Value| {
            user["_admin"]["retry_count"] = json!(failures);
            user["_admin"]["account_expire_time"] = json!(end);
            user["_admin"]["user_status"] = json!("locked");
        };
        assert!(nbi.edit(Collection::Users, &id, was));
        let change = json!({what: true, "system_admin_id": admin_id});
        assert_eq!(admin.call("PATCH", &path, Some(change)).await.status, 204);
        let users = nbi.records(Collection::Users);
        let kept = &users.iter().find(|user| user["_id"] == id.as_str()).unwrap()["_admin"];
        assert_eq!(kept["user_status"], status, "{what} {failures} {end}");
        let (count, end) = if what == "unlock" { (0, end) } else { (failures, now + 90.0 * DAY) };
        assert_eq!(
            (&kept["retry_count"], kept["account_expire_time"].as_f64()),
            (&json!(count), Some(end))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn since_release_19_who_may_not_change_roles_maps_nobody_to_a_project() {
    let admin = User::login(&fake(Release::R19Recorded)).await;
    let user = user_with(&admin, json!({"users": true})).await;
    let id = admin.get("/admin/v1/users?username=u").await[0]["_id"].clone();
    let mapping = json!({"project": "p", "role": "project_user"});
    let change = json!({"add_project_role_mappings": [mapping]});
    let path = format!("/admin/v1/users/{}", id.as_str().unwrap());
    let answer = user.call("PATCH", &path, Some(change.clone())).await;
    let detail = "User u has no privileges to edit or delete project-role mappings";
    assert_eq!((answer.status, answer.detail().as_str()), (422, detail));
    assert_eq!(admin.call("PATCH", &path, Some(change)).await.status, 204);
}
