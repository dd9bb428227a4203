//! Users, projects, roles, rights and quotas, beyond what the recordings show.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, send};

const RELEASES: [Release; 4] = [Release::R8, Release::R10, Release::R19, Release::R19Recorded];
pub const STRONG: &str = "Passw0rd!Ok";

pub fn fake(release: Release) -> MockNbi {
    MockNbi::builder().release(release).build().unwrap()
}

pub async fn try_login(nbi: &MockNbi, credentials: Value) -> Answer {
    let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
    let body = credentials.to_string();
    send(nbi, "POST", "/osm/admin/v1/tokens", &headers, Some(body.as_bytes())).await.unwrap()
}

async fn login(nbi: &MockNbi, username: &str) -> User {
    let answer = try_login(nbi, json!({"username": username, "password": STRONG})).await;
    assert_eq!(answer.status, 200, "{}", answer.detail());
    User { nbi: nbi.clone(), token: answer.json()["id"].as_str().unwrap().to_owned() }
}

/// Makes a role and a user of it in a project of its own; gives the user, logged in.
pub async fn user_with(admin: &User, permissions: Value) -> User {
    let role = json!({"name": "r", "permissions": permissions});
    assert_eq!(admin.call("POST", "/admin/v1/roles", Some(role)).await.status, 201);
    let project = json!({"name": "p"});
    assert_eq!(admin.call("POST", "/admin/v1/projects", Some(project)).await.status, 201);
    let mappings = json!([{"project": "p", "role": "r"}]);
    let user = json!({"username": "u", "password": STRONG, "project_role_mappings": mappings});
    assert_eq!(admin.call("POST", "/admin/v1/users", Some(user)).await.status, 201);
    login(&admin.nbi, "u").await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn roles_are_checked_completed_and_guarded() {
    for release in RELEASES {
        let admin = User::login(&fake(release)).await;
        let post = |body: Value| admin.call("POST", "/admin/v1/roles", Some(body));
        refused(
            &post(json!({"name": "x", "permissions": {"vnfds:": true}})).await,
            422,
            "Operation cannot end with ':'",
        );
        refused(
            &post(json!({"name": "x", "permissions": {"vnfd": true}})).await,
            422,
            "Invalid permission 'vnfd'",
        );
        refused(
            &post(json!({"name": "project_user"})).await,
            409,
            "role name 'project_user' exists",
        );
        assert_eq!(post(json!({"name": "x"})).await.status, 201);
        let role = json!({"default": false, "admin": false});
        if release != Release::R8 {
            assert_eq!(admin.get("/admin/v1/roles/x").await["permissions"], role);
        }
        assert_eq!(admin.get("/admin/v1/roles?name=x").await[0]["permissions"], role);
        for name in ["system_admin", "project_admin"] {
            let path = format!("/admin/v1/roles/{name}");
            let rename = Some(json!({"name": "y"}));
            refused(
                &admin.call("PATCH", &path, rename).await,
                403,
                &format!("You cannot rename role '{name}'"),
            );
            refused(
                &admin.call("DELETE", &path, None).await,
                403,
                &format!("You cannot delete role '{name}'"),
            );
        }
        let change = json!({"permissions": {"vnfds": true, "admin": null}});
        assert_eq!(admin.call("PATCH", "/admin/v1/roles/x", Some(change)).await.status, 204);
        let changed = json!({"default": false, "vnfds": true, "admin": false});
        assert_eq!(admin.get("/admin/v1/roles?name=x").await[0]["permissions"], changed);
        let gone = admin.call("DELETE", "/admin/v1/roles/x", None).await;
        let key = if matches!(release, Release::R8 | Release::R10) { "op_id" } else { "_id" };
        assert_eq!((gone.status, gone.json()), (202, json!({key: {"deleted": 1}})));
        refused(
            &admin.call("DELETE", "/admin/v1/roles/x", None).await,
            404,
            "Not found any role with filter {'name': 'x'}",
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_in_use_stays_unless_forced_and_takes_its_tokens_along() {
    let admin = User::login(&fake(Release::R10)).await;
    let user = user_with(&admin, json!({"vnfds": true})).await;
    let id = admin.get("/admin/v1/roles/r").await["_id"].as_str().unwrap().to_owned();
    refused(
        &admin.call("DELETE", "/admin/v1/roles/r", None).await,
        409,
        &format!("Role 'r' ({id}) is being used by user 'u'"),
    );
    assert_eq!(admin.call("DELETE", "/admin/v1/roles/r?FORCE", None).await.status, 202);
    let answer = user.call("GET", "/vnfpkgm/v1/vnf_packages", None).await;
    refused(&answer, 401, "Invalid Token or Authorization HTTP header");
}

#[tokio::test(start_paused = true)]
async fn a_role_counts_by_the_name_it_had_when_the_token_was_made() {
    let admin = User::login(&fake(Release::R10)).await;
    let user = user_with(&admin, json!({"vnfds": true})).await;
    assert_eq!(user.call("GET", "/vnfpkgm/v1/vnf_packages", None).await.status, 200);
    let change = json!({"name": "r2"});
    assert_eq!(admin.call("PATCH", "/admin/v1/roles/r", Some(change)).await.status, 204);
    let answer = user.call("GET", "/vnfpkgm/v1/vnf_packages", None).await;
    refused(&answer, 401, "Access denied: lack of permissions.");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_list_people_sees_what_is_its_own() {
    let admin = User::login(&fake(Release::R10)).await;
    let user = user_with(&admin, json!({"vnfds": true})).await;
    let names = |list: Value, key: &str| -> Vec<String> {
        let list = list.as_array().unwrap().clone();
        list.iter().map(|record| record[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(user.get("/admin/v1/users").await, "username"), ["u"]);
    assert_eq!(names(user.get("/admin/v1/projects").await, "name"), ["p"]);
    assert_eq!(names(user.get("/admin/v1/roles").await, "name"), ["r"]);
    assert_eq!(user.call("GET", "/admin/v1/users/u", None).await.status, 200);
    let other = user.call("GET", "/admin/v1/users/admin", None).await;
    refused(&other, 401, "Access denied: lack of permissions.");
    refused(&user.call("GET", "/admin/v1/projects/admin", None).await, 404, "Project not found");
    refused(
        &user.call("GET", "/admin/v1/projects?ADMIN", None).await,
        401,
        "Only admin projects can use 'ADMIN' query string",
    );
    // What the last look found is shown with the token.
    let token = user.get("/").await;
    assert_eq!(
        (&token["admin"], &token["allow_show_user_project_role"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test(start_paused = true)]
async fn query_words_given_twice_are_stumbled_over() {
    let admin = User::login(&fake(Release::R10)).await;
    let answer = admin.call("GET", "/admin/v1/users?FORCE&FORCE", None).await;
    refused(&answer, 400, "'list' object has no attribute 'lower'");
}

#[tokio::test(start_paused = true)]
async fn quotas_hold_for_their_topic_until_they_are_lifted_or_forced() {
    for (release, package, account) in
        [(Release::R8, 401, 422), (Release::R10, 401, 422), (Release::R19, 422, 422)]
    {
        let admin = User::login(&fake(release)).await;
        let quotas = json!({"vnfds": 1, "vim_accounts": 0, "sdn_controllers": 0});
        let project = json!({"name": "q", "quotas": quotas});
        let project = admin.call("POST", "/admin/v1/projects", Some(project)).await.json();
        let id = project["id"].as_str().unwrap();
        let mapping =
            json!({"add_project_role_mappings": [{"project": "q", "role": "system_admin"}]});
        assert_eq!(admin.call("PATCH", "/admin/v1/users/admin", Some(mapping)).await.status, 204);
        let scoped = json!({"username": "admin", "password": "admin", "project_id": "q"});
        let token = try_login(&admin.nbi, scoped).await.json()["id"].as_str().unwrap().to_owned();
        let user = User { nbi: admin.nbi.clone(), token };
        let packages = "/vnfpkgm/v1/vnf_packages";
        assert_eq!(user.call("POST", packages, Some(json!({}))).await.status, 201);
        refused(
            &user.call("POST", packages, Some(json!({}))).await,
            package,
            &format!("quota (vnfds=1) exceeded for project q ({id})"),
        );
        assert_eq!(
            user.call("POST", &format!("{packages}?FORCE"), Some(json!({}))).await.status,
            201
        );
        refused(
            &user.call("POST", "/admin/v1/vim_accounts", Some(json!({}))).await,
            account,
            &format!("quota (vim_accounts=0) exceeded for project q ({id})"),
        );
        refused(
            &user.call("POST", "/admin/v1/sdns", Some(json!({}))).await,
            account,
            &format!("quota (sdn_controllers=0) exceeded for project q ({id})"),
        );
        let lifted = json!({"name": "q", "quotas": {"vim_accounts": null}});
        assert_eq!(admin.call("PATCH", "/admin/v1/projects/q", Some(lifted)).await.status, 204);
        let answer = user.call("POST", "/admin/v1/vim_accounts", Some(json!({}))).await;
        refused(&answer, 422, "Format error  ''name' is a required property' ");
        let listed = admin.get("/admin/v1/projects?name=q").await;
        assert_eq!(listed[0]["quotas"], json!({"vnfds": 1, "sdn_controllers": 0}));
    }
}

#[tokio::test(start_paused = true)]
async fn quotas_of_project_admin_change_only_with_its_name() {
    let admin = User::login(&fake(Release::R10)).await;
    let change = |body| admin.call("PATCH", "/admin/v1/projects/admin", Some(body));
    let answer = change(json!({"quotas": {"vnfds": 0}})).await;
    refused(&answer, 409, "You cannot rename project 'admin'");
    assert_eq!(change(json!({"name": "admin", "quotas": {"vnfds": 0}})).await.status, 204);
    assert_eq!(admin.call("POST", "/vnfpkgm/v1/vnf_packages", Some(json!({}))).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_project_with_packages_stays_unless_forced() {
    let admin = User::login(&fake(Release::R10)).await;
    assert_eq!(
        admin.call("POST", "/admin/v1/projects", Some(json!({"name": "p"}))).await.status,
        201
    );
    let id = admin.get("/admin/v1/projects/p").await["_id"].as_str().unwrap().to_owned();
    let package = admin.call("POST", "/vnfpkgm/v1/vnf_packages", Some(json!({}))).await.json();
    let path = format!("/vnfpkgm/v1/vnf_packages/{}", package["id"].as_str().unwrap());
    let share = format!("{path}?ADMIN&SET_PROJECT={id}");
    let answer = admin.call("PATCH", &share, Some(json!({}))).await;
    assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    // OSM stumbles over a package that has no descriptor yet.
    refused(&admin.call("DELETE", "/admin/v1/projects/p", None).await, 400, "'id'");
    assert_eq!(admin.call("DELETE", "/admin/v1/projects/p?FORCE", None).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn release_8_shows_no_single_user_but_changes_any() {
    let admin = User::login(&fake(Release::R8)).await;
    user_with(&admin, json!({"vnfds": true})).await;
    assert_eq!(admin.call("GET", "/admin/v1/users/u", None).await.status, 400);
    let change = json!({"username": "v", "password": "weak"});
    assert_eq!(admin.call("PATCH", "/admin/v1/users/u", Some(change)).await.status, 204);
    let answer = try_login(&admin.nbi, json!({"username": "v", "password": "weak"})).await;
    assert_eq!(answer.status, 200);
    let record = &admin.get("/admin/v1/users?username=v").await[0];
    assert_eq!(record["password"].as_str().unwrap().len(), 64);
    assert_eq!(record["_admin"]["salt"].as_str().unwrap().len(), 32);
    assert!(record.get("hashing_function").is_none());
}

#[tokio::test(start_paused = true)]
async fn losing_a_mapping_costs_the_tokens_as_the_release_has_it() {
    for (release, status) in [(Release::R10, 401), (Release::R19Recorded, 200)] {
        let admin = User::login(&fake(release)).await;
        let user = user_with(&admin, json!({"vnfds": true})).await;
        let id = admin.get("/admin/v1/users/u").await["_id"].as_str().unwrap().to_owned();
        let path = format!("/admin/v1/users/{id}");
        let more =
            json!({"add_project_role_mappings": [{"project": "admin", "role": "project_user"}]});
        assert_eq!(admin.call("PATCH", &path, Some(more)).await.status, 204);
        let less = json!({"remove_project_role_mappings": [{"project": "p"}]});
        assert_eq!(admin.call("PATCH", &path, Some(less.clone())).await.status, 204);
        assert_eq!(user.call("GET", "/vnfpkgm/v1/vnf_packages", None).await.status, status);
    }
    // Everywhere, when it is the mapping of the administrator's own project.
    let admin = User::login(&fake(Release::R19Recorded)).await;
    let user = user_with(&admin, json!({"vnfds": true})).await;
    let more = json!({"add_project_role_mappings": [{"project": "admin", "role": "project_user"}]});
    assert_eq!(admin.call("PATCH", "/admin/v1/users/u", Some(more)).await.status, 204);
    let less = json!({"remove_project_role_mappings": [{"project": "admin"}]});
    assert_eq!(admin.call("PATCH", "/admin/v1/users/u", Some(less)).await.status, 204);
    assert_eq!(user.call("GET", "/vnfpkgm/v1/vnf_packages", None).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn system_admin_cannot_be_taken_from_admin() {
    let admin = User::login(&fake(Release::R10)).await;
    let less = json!({"remove_project_role_mappings": [{"project": "admin"}]});
    refused(
        &admin.call("PATCH", "/admin/v1/users/admin", Some(less)).await,
        403,
        "You cannot remove system_admin role from admin user",
    );
}

#[tokio::test(start_paused = true)]
async fn release_19_wants_new_users_to_change_their_password_and_locks_out_guessers() {
    let nbi = fake(Release::R19);
    let admin = User::login(&nbi).await;
    assert_eq!(admin.get("/").await["admin_show"], true);
    user_with(&admin, json!({"vnfds": true, "users": true})).await;
    let first = try_login(&nbi, json!({"username": "u", "password": STRONG})).await.json();
    assert_eq!(first["message"], "change_password");
    let id = first["user_id"].as_str().unwrap();
    let user = User { nbi: nbi.clone(), token: first["id"].as_str().unwrap().to_owned() };
    let path = format!("/admin/v1/users/{id}");
    let new = "Passw0rd!New";
    let change = |body: Value| user.call("PATCH", &path, Some(body));
    refused(
        &change(json!({"password": new})).await,
        400,
        "Password change requires old password or admin ID",
    );
    refused(
        &change(json!({"password": new, "old_password": "x"})).await,
        409,
        "Incorrect password",
    );
    refused(
        &change(json!({"password": STRONG, "old_password": STRONG})).await,
        409,
        "Password is used before",
    );
    assert_eq!(change(json!({"password": new, "old_password": STRONG})).await.status, 204);
    let kept = admin.get(&path).await["_admin"].clone();
    let ends =
        |key: &str| (kept[key].as_f64().unwrap() - kept["modified"].as_f64().unwrap()) / 86_400.0;
    assert!((29.9..30.1).contains(&ends("password_expire_time")), "{kept}");
    assert!((89.9..90.1).contains(&ends("account_expire_time")), "{kept}");
    let again = try_login(&nbi, json!({"username": "u", "password": new})).await.json();
    assert_eq!((&again["username"], &again["user_show"]), (&json!("u"), &json!(true)));

    for attempt in 1..=5 {
        let answer = try_login(&nbi, json!({"username": "u", "password": "no"})).await;
        let detail = if attempt < 5 {
            "Invalid username/password"
        } else {
            "Failed to login as the account is locked due to MANY FAILED ATTEMPTS"
        };
        refused(&answer, 401, detail);
    }
    let locked = try_login(&nbi, json!({"username": "u", "password": new})).await;
    assert_eq!(locked.status, 401);
    let admin_id = admin.get("/admin/v1/users/admin").await["_id"].clone();
    let unlock = json!({"unlock": true, "system_admin_id": admin_id});
    assert_eq!(admin.call("PATCH", &path, Some(unlock)).await.status, 204);
    let free = try_login(&nbi, json!({"username": "u", "password": new})).await;
    assert_eq!(free.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_of_release_19_ends_after_90_days_until_it_is_renewed() {
    let nbi = fake(Release::R19);
    let admin = User::login(&nbi).await;
    user_with(&admin, json!({"vnfds": true})).await;
    nbi.advance(std::time::Duration::from_secs(91 * 86_400));
    let answer = try_login(&nbi, json!({"username": "u", "password": STRONG})).await;
    refused(&answer, 401, "Account expired");
    let admin = User::login(&nbi).await;
    let id = admin.get("/admin/v1/users/u").await["_id"].as_str().unwrap().to_owned();
    let path = format!("/admin/v1/users/{id}");
    let no_one = admin.call("PATCH", &path, Some(json!({"renew": true}))).await;
    refused(&no_one, 409, "system_admin_id is the required field to renew the user");
    let admin_id = admin.get("/admin/v1/users/admin").await["_id"].clone();
    let renew = json!({"renew": true, "system_admin_id": admin_id});
    assert_eq!(admin.call("PATCH", &path, Some(renew)).await.status, 204);
    let answer = try_login(&nbi, json!({"username": "u", "password": STRONG})).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_release_knows_its_own_urls_and_calls_them_as_its_roles_do() {
    for (release, is_new) in [(Release::R8, false), (Release::R10, true), (Release::R19, true)] {
        let admin = User::login(&fake(release)).await;
        let status = if is_new { 200 } else { 405 };
        assert_eq!(admin.call("GET", "/admin/v1/vca", None).await.status, status);
        let finer = ["vnfds:id:vnfd", "nsds:content:get", "ns_instances:content", "vca:id:get"];
        for permission in finer {
            let role = json!({"name": permission, "permissions": {permission: true}});
            let answer = admin.call("POST", "/admin/v1/roles", Some(role)).await;
            assert_eq!(answer.status == 201, is_new, "{release:?} {permission}");
        }
        // In release 8 the upload in one step is allowed with the package's own permission.
        let user = user_with(&admin, json!({"vnfds:get": true})).await;
        let answer = user.call("GET", "/vnfpkgm/v1/vnf_packages_content", None).await;
        assert_eq!(answer.status == 200, !is_new, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn mappings_are_given_whole_or_as_changes_and_not_as_both() {
    let admin = User::login(&fake(Release::R10)).await;
    user_with(&admin, json!({"vnfds": true})).await;
    let whole = json!([{"project": "admin", "role": "project_user"}]);
    for key in ["add_project_role_mappings", "remove_project_role_mappings"] {
        let both = json!({"project_role_mappings": whole, key: whole});
        refused(
            &admin.call("PATCH", "/admin/v1/users/u", Some(both)).await,
            400,
            "Option 'project_role_mappings' is incompatible with 'add_project_role_mappings' or \
             'remove_project_role_mappings'",
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_is_taken_by_its_project_and_role() {
    let admin = User::login(&fake(Release::R10)).await;
    user_with(&admin, json!({"vnfds": true})).await;
    let path = "/admin/v1/users/u";
    let more = json!({"add_project_role_mappings": [{"project": "p", "role": "project_user"}]});
    assert_eq!(admin.call("PATCH", path, Some(more)).await.status, 204);
    let less = json!({"remove_project_role_mappings": [{"project": "p", "role": "r"}]});
    assert_eq!(admin.call("PATCH", path, Some(less)).await.status, 204);
    let left = admin.get(path).await["project_role_mappings"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(
        (&left[0]["project_name"], &left[0]["role_name"]),
        (&json!("p"), &json!("project_user"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_is_not_called_like_an_id() {
    let admin = User::login(&fake(Release::R10)).await;
    let name = "0c0a0b0d-1111-4222-8333-444455556666";
    let said = format!("role name '{name}' cannot have an uuid format");
    let named = || Some(json!({"name": name}));
    refused(&admin.call("POST", "/admin/v1/roles", named()).await, 422, &said);
    assert_eq!(admin.call("POST", "/admin/v1/roles", Some(json!({"name": "x"}))).await.status, 201);
    refused(&admin.call("PATCH", "/admin/v1/roles/x", named()).await, 422, &said);
}

#[tokio::test(start_paused = true)]
async fn a_changed_password_ends_30_days_later_where_accounts_end_and_never_for_admin() {
    const OTHER: &str = "Passw0rd!New";
    for (release, ends) in [(Release::R19, true), (Release::R19Recorded, false)] {
        let nbi = fake(release);
        let admin = User::login(&nbi).await;
        user_with(&admin, json!({"vnfds": true})).await;
        nbi.advance(std::time::Duration::from_secs(10 * 86_400));
        let admin = User::login(&nbi).await;
        let admin_id = admin.get("/admin/v1/users/admin").await["_id"].clone();
        for (name, is_ending) in [("u", ends), ("admin", false)] {
            let path = format!("/admin/v1/users/{name}");
            let user = admin.get(&path).await;
            let path = format!("/admin/v1/users/{}", user["_id"].as_str().unwrap());
            let before = user["_admin"]["password_expire_time"].clone();
            let change = Some(json!({"password": OTHER, "system_admin_id": admin_id}));
            let answer = admin.call("PATCH", &path, change).await;
            assert_eq!(answer.status, 204, "{name}: {}", String::from_utf8_lossy(&answer.body));
            let kept = admin.get(&path).await["_admin"].clone();
            if is_ending {
                let modified = kept["modified"].as_f64().unwrap();
                let days = (kept["password_expire_time"].as_f64().unwrap() - modified) / 86_400.0;
                assert!((29.9..30.1).contains(&days), "{release:?} {name} {kept}");
            } else {
                assert_eq!(kept["password_expire_time"], before, "{release:?} {name} {kept}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_administrator_s_log_in_gives_accounts_without_an_end_90_days() {
    let nbi = fake(Release::R19);
    let admin = User::login(&nbi).await;
    user_with(&admin, json!({"vnfds": true})).await;
    let id = admin.get("/admin/v1/users/u").await["_id"].as_str().unwrap().to_owned();
    let forget = |user: &mut Value| {
        user["_admin"].as_object_mut().unwrap().remove("account_expire_time");
    };
    assert!(nbi.edit(mock_nbi::Collection::Users, &id, forget));
    nbi.clock().freeze();
    let now = nbi.clock().now();
    let admin = User::login(&nbi).await;
    let kept = admin.get(&format!("/admin/v1/users/{id}")).await["_admin"].clone();
    let days = (kept["account_expire_time"].as_f64().unwrap() - now) / 86_400.0;
    assert!((89.9..90.1).contains(&days), "{kept}");
}

#[tokio::test(start_paused = true)]
async fn an_account_is_good_until_its_very_end() {
    let nbi = fake(Release::R19);
    let admin = User::login(&nbi).await;
    user_with(&admin, json!({"vnfds": true})).await;
    let id = admin.get("/admin/v1/users/u").await["_id"].as_str().unwrap().to_owned();
    nbi.clock().freeze();
    let now = nbi.clock().now();
    let end = |user: &mut Value| user["_admin"]["account_expire_time"] = json!(now);
    assert!(nbi.edit(mock_nbi::Collection::Users, &id, end));
    let answer = try_login(&nbi, json!({"username": "u", "password": STRONG})).await;
    assert_eq!(answer.status, 200);
    let kept = admin.get(&format!("/admin/v1/users/{id}")).await["_admin"].clone();
    assert_ne!(kept["user_status"], "expired", "{kept}");
}
