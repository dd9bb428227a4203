//! Tokens, cookies and query words, beyond what the recordings show.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, captured_package, send};

const JSON: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json")];

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn call(nbi: &MockNbi, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<(&str, &str)> = JSON.iter().chain(headers).copied().collect();
    send(nbi, method, &format!("/osm{path}"), &headers, None).await.unwrap()
}

async fn login(nbi: &MockNbi) -> Answer {
    let body = json!({"username": "admin", "password": "admin"}).to_string();
    send(nbi, "POST", "/osm/admin/v1/tokens", &JSON, Some(body.as_bytes())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_cookie_of_a_login_is_as_good_as_its_token() {
    let nbi = MockNbi::builder().build().unwrap();
    let cookie = cookie_of(&login(&nbi).await);
    let with = [("Cookie", cookie.as_str())];
    let answer = call(&nbi, "GET", "/admin/v1/vim_accounts", &with).await;
    assert_eq!(answer.status, 200);
    assert_eq!(cookie_of(&answer), cookie, "the session goes on under its id");
    // A token that is no good ends the session.
    let bad = [("Cookie", cookie.as_str()), ("Authorization", "Bearer nonsense")];
    assert_eq!(call(&nbi, "GET", "/admin/v1/vim_accounts", &bad).await.status, 401);
    let answer = call(&nbi, "GET", "/admin/v1/vim_accounts", &with).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (401, "Needed a token or Authorization http header")
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_the_own_token_logs_the_session_out() {
    let nbi = MockNbi::builder().build().unwrap();
    let cookie = cookie_of(&login(&nbi).await);
    let with = [("Cookie", cookie.as_str())];
    assert_eq!(call(&nbi, "DELETE", "/admin/v1/tokens", &with).await.status, 200);
    let answer = call(&nbi, "GET", "/admin/v1/tokens", &with).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (401, "Needed a token or Authorization http header")
    );
}

#[tokio::test(start_paused = true)]
async fn a_foreign_cookie_is_replaced_and_opens_nothing() {
    let nbi = MockNbi::builder().build().unwrap();
    login(&nbi).await;
    let answer = call(&nbi, "GET", "/admin/v1/tokens", &[("Cookie", "session_id=mine")]).await;
    assert_eq!(answer.status, 401);
    assert_ne!(cookie_of(&answer), "session_id=mine");
}

#[tokio::test(start_paused = true)]
async fn bearer_is_read_as_first_and_last_word() {
    let nbi = MockNbi::builder().build().unwrap();
    let token = login(&nbi).await.json()["id"].as_str().unwrap().to_owned();
    for (header, status) in [
        (format!("bearer {token}"), 200),
        (format!("Bearer some words {token}"), 200),
        (token.clone(), 401),
        ("Bearer".into(), 401),
        (format!("Basic {token}"), 401),
    ] {
        let answer = call(&nbi, "GET", "/admin/v1/tokens", &[("Authorization", &header)]).await;
        assert_eq!(answer.status, status, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_user_is_told_before_a_missing_password() {
    let nbi = MockNbi::builder().build().unwrap();
    for (body, status, detail) in [
        (json!({"username": "nobody"}), 401, "Invalid username/password"),
        (json!({"username": "admin"}), 400, "'NoneType' object has no attribute 'encode'"),
        (
            json!({"username": "admin", "password": 5}),
            400,
            "'int' object has no attribute 'encode'",
        ),
        (
            json!({"username": ""}),
            401,
            "Provide credentials: username/password or Authorization Bearer token",
        ),
        (
            json!({"username": "admin", "password": "admin", "project_id": "no"}),
            404,
            "database exception database exception Not found any project with filter='{'name': 'no'}'",
        ),
    ] {
        let text = body.to_string();
        let answer = send(&nbi, "POST", "/osm/admin/v1/tokens", &JSON, Some(text.as_bytes()));
        let answer = answer.await.unwrap();
        assert_eq!((answer.status, answer.detail().as_str()), (status, detail), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_tokens_are_shown_to_administrators_only() {
    let nbi = MockNbi::builder().build().unwrap();
    let admin = User::login(&nbi).await;
    let user = json!({"username": "u", "password": "p", "projects": ["admin"]});
    assert_eq!(admin.call("POST", "/admin/v1/users", Some(user)).await.status, 201);
    let project = json!({"name": "p"});
    assert_eq!(admin.call("POST", "/admin/v1/projects", Some(project)).await.status, 201);
    let mappings = json!({"project_role_mappings": [{"project": "p", "role": "project_user"}]});
    assert_eq!(admin.call("PATCH", "/admin/v1/users/u", Some(mappings)).await.status, 204);
    let body = json!({"username": "u", "password": "p"}).to_string();
    let answer = send(&nbi, "POST", "/osm/admin/v1/tokens", &JSON, Some(body.as_bytes()));
    let token = answer.await.unwrap().json()["id"].as_str().unwrap().to_owned();
    let shown = admin.call("GET", &format!("/admin/v1/tokens/{token}"), None).await;
    assert_eq!(shown.status, 200);
    let other = User { nbi: nbi.clone(), token };
    let refused = other.call("GET", &format!("/admin/v1/tokens/{}", admin.token), None).await;
    assert_eq!((refused.status, refused.detail().as_str()), (401, "needed admin privileges"));
    // Deleting needs no more than the id, here or as a parameter.
    let path = format!("/admin/v1/tokens?id={}", admin.token);
    assert_eq!(other.call("DELETE", &path, None).await.status, 200);
    assert_eq!(admin.call("GET", "/admin/v1/tokens", None).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_token_is_missed_in_the_words_of_the_release() {
    for (release, detail) in [
        (Release::R10, "Token 'x' not found"),
        (
            Release::R19,
            "database exception database exception Not found any token with filter='{'_id': 'x'}'",
        ),
    ] {
        let nbi = MockNbi::builder().release(release).build().unwrap();
        let answer = call(&nbi, "DELETE", "/admin/v1/tokens/x", &[]).await;
        assert_eq!((answer.status, answer.detail().as_str()), (404, detail));
    }
}

#[tokio::test(start_paused = true)]
async fn admin_creates_for_nobody_and_public_for_everybody() {
    let nbi = MockNbi::builder().build().unwrap();
    let admin = User::login(&nbi).await;
    let repo = |name: &str| json!({"name": name, "type": "osm", "url": "http://u"});
    let projects = |record: &Value| {
        let admin = &record["_admin"];
        (
            admin["projects_read"].as_array().unwrap().len(),
            admin["projects_write"].as_array().unwrap().len(),
        )
    };
    for (word, expected) in [("", (1, 1)), ("?PUBLIC", (2, 1)), ("?ADMIN", (0, 0))] {
        let path = format!("/admin/v1/osmrepos{word}");
        let made = admin.call("POST", &path, Some(repo("r"))).await.json();
        let path = format!("/admin/v1/osmrepos/{}?ADMIN", made["id"].as_str().unwrap());
        assert_eq!(projects(&admin.get(&path).await), expected, "{word}");
    }
    assert_eq!(admin.get("/admin/v1/osmrepos").await.as_array().unwrap().len(), 2);
    assert_eq!(admin.get("/admin/v1/osmrepos?ADMIN").await.as_array().unwrap().len(), 3);
    let private = admin.get("/admin/v1/osmrepos?PUBLIC=false").await;
    assert_eq!(private.as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn making_a_record_public_takes_the_right_to_write_from_all() {
    let nbi = MockNbi::builder().build().unwrap();
    let admin = User::login(&nbi).await;
    let repo = json!({"name": "r", "type": "osm", "url": "http://u"});
    let made = admin.call("POST", "/admin/v1/osmrepos", Some(repo)).await.json();
    let path = format!("/admin/v1/osmrepos/{}", made["id"].as_str().unwrap());
    let change = Some(json!({"description": "d"}));
    assert_eq!(admin.call("PATCH", &format!("{path}?PUBLIC"), change.clone()).await.status, 204);
    let record = admin.get(&path).await;
    assert_eq!(record["_admin"]["projects_write"], json!([]));
    assert_eq!(record["_admin"]["projects_read"][1], "ANY");
    assert_eq!(admin.call("PATCH", &path, change).await.status, 404);
    let answer = admin.call("DELETE", &path, None).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (401, "You have not write permission to delete it")
    );
    let path = format!("{path}?ADMIN&SET_PROJECT=x");
    let both = admin.call("PATCH", &path, Some(json!({"name": "s"}))).await;
    assert_eq!(
        (both.status, both.detail().as_str()),
        (422, "Cannot edit content and set to project (query string SET_PROJECT) at same time")
    );
}

#[tokio::test(start_paused = true)]
async fn a_package_is_made_public_and_private_with_a_change_of_its_content() {
    let nbi = MockNbi::builder().build().unwrap();
    let admin = User::login(&nbi).await;
    let id = admin
        .upload("/vnfpkgm/v1/vnf_packages_content", &captured_package("nfpkg-create.jsonl"))
        .await;
    let path = format!("/vnfpkgm/v1/vnf_packages/{id}");
    let change = || Some(json!({"description": "d"}));
    assert_eq!(admin.call("PATCH", &format!("{path}?PUBLIC"), change()).await.status, 204);
    let record = admin.get(&path).await;
    let project = record["_admin"]["projects_read"][0].clone();
    assert_eq!(record["_admin"]["projects_read"][1], "ANY");
    assert_eq!(record["_admin"]["projects_write"], json!([]));
    let private = format!("{path}?PUBLIC=false&ADMIN");
    assert_eq!(admin.call("PATCH", &private, change()).await.status, 204);
    let record = admin.get(&path).await;
    assert_eq!(record["_admin"]["projects_read"], json!([project]));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_made_old_are_refused_and_a_new_one_is_good() {
    let nbi = MockNbi::builder().build().unwrap();
    let (first, second) = (User::login(&nbi).await, User::login(&nbi).await);
    nbi.expire_tokens();
    for user in [first, second] {
        assert_eq!(user.call("GET", "/admin/v1/vim_accounts", None).await.status, 401);
    }
    let third = User::login(&nbi).await;
    assert_eq!(third.call("GET", "/admin/v1/vim_accounts", None).await.status, 200);
}
