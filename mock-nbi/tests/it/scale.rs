//! Worlds too large to be kept and answered in one piece.

use mock_nbi::{Collection, MockNbi};
use serde_json::{Value, json};

use crate::client::{User, send};

/// More than a collection keeps unpacked, and than a list builds at once.
const MANY: usize = 1_200;

async fn crowded() -> (MockNbi, User) {
    let nbi = MockNbi::builder().build().unwrap();
    let user = User::login(&nbi).await;
    for number in 0..MANY {
        let body = json!({
            "name": format!("vim-{number}"), "description": format!("number {}", number % 7),
            "vim_type": "dummy", "vim_url": "http://u", "vim_user": "u", "vim_password": "p",
            "vim_tenant_name": "t",
        });
        let path = "/admin/v1/vim_accounts?FORCE=true";
        assert_eq!(user.call("POST", path, Some(body)).await.status, 202);
    }
    (nbi, user)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_long_list_has_all_records_in_order_in_json_and_yaml_and_says_its_length() {
    let (nbi, user) = crowded().await;
    let records: Vec<Value> = nbi.records(Collection::VimAccounts);
    assert_eq!(records.len(), MANY);
    let bearer = format!("Bearer {}", user.token);
    for accept in ["application/json", "application/yaml"] {
        let headers = [("Authorization", bearer.as_str()), ("Accept", accept)];
        let answer = send(&nbi, "GET", "/osm/admin/v1/vim_accounts", &headers, None).await.unwrap();
        assert_eq!(answer.header("Content-Length"), answer.body.len().to_string());
        let list: Value = serde_yaml::from_slice(&answer.body).unwrap();
        assert_eq!(names(&list), names(&Value::from(records.clone())), "{accept}");
        let journal = nbi.journal();
        assert_eq!(journal.last().unwrap().response_bytes, answer.body.len() as u64);
    }
}

#[tokio::test]
async fn filters_find_the_same_among_packed_records_and_live_ones() {
    let (_, user) = crowded().await;
    let found = user.get("/admin/v1/vim_accounts?description=number%203&name.neq=vim-3").await;
    let expected: Vec<String> =
        (0..MANY).filter(|n| n % 7 == 3 && *n != 3).map(|n| format!("vim-{n}")).collect();
    assert_eq!(names(&found), expected);
    let found = user.get("/admin/v1/vim_accounts?name=vim-1199,vim-0,vim-5&name.neq=vim-5").await;
    assert_eq!(names(&found), ["vim-0", "vim-1199"]);
    let body = json!({
        "name": "vim-0", "vim_type": "dummy", "vim_url": "http://u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t",
    });
    assert_eq!(user.call("POST", "/admin/v1/vim_accounts?FORCE", Some(body)).await.status, 409);
}
