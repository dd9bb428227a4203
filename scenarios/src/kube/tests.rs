//! The API in process, in virtual time: what takes a real server minutes.

use std::time::Duration;

use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn api_with(names: &[&str]) -> KubeApi {
    let api = KubeApi::new(SystemTime::UNIX_EPOCH);
    for name in names {
        put(&api, name, "1");
    }
    api
}

fn put(api: &KubeApi, name: &str, value: &str) {
    let metadata = json!({ "name": name, "namespace": "default" });
    let data = json!({ "value": value });
    let map =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data });
    api.apply(&map).unwrap();
}

/// All lines of an answer.
async fn get(api: &KubeApi, query: &str) -> Vec<Value> {
    let request = Request::get(format!("http://kube{MAPS}?{query}")).body(Body::empty()).unwrap();
    let response = api.service().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_says_how_far_it_came_and_ends_in_time() {
    let api = api_with(&["a"]);
    let version = api.version();
    let began = Instant::now();
    let query =
        format!("watch=1&resourceVersion={version}&timeoutSeconds=150&allowWatchBookmarks=true");
    let told = get(&api, &query).await;
    assert_eq!(began.elapsed(), Duration::from_secs(150));
    assert_eq!(told.len(), 3, "{told:?}");
    for event in told {
        assert_eq!(event["type"], "BOOKMARK");
        assert_eq!(event["object"]["metadata"]["resourceVersion"], version.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_hears_what_happens_while_it_waits() {
    let api = api_with(&["a"]);
    let query = format!("watch=1&resourceVersion={}&timeoutSeconds=10", api.version());
    let changing = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        put(&api, "a", "2");
        put(&api, "a", "2");
    };
    let (told, ()) = tokio::join!(get(&api, &query), changing);
    assert_eq!(told.len(), 1, "the same again is no change: {told:?}");
    assert_eq!(
        (&told[0]["type"], &told[0]["object"]["data"]["value"]),
        (&json!("MODIFIED"), &json!("2"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_for_watches_and_pages() {
    let api = api_with(&["a", "b"]);
    let version = api.version();
    let page = get(&api, "limit=1").await.remove(0);
    put(&api, "c", "1");
    api.forget_changes();
    let told = get(&api, &format!("watch=1&resourceVersion={version}")).await;
    assert_eq!((&told[0]["type"], &told[0]["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(told.len(), 1, "it ends with that");
    let rest = page["metadata"]["continue"].as_str().unwrap();
    let refused = get(&api, &format!("limit=1&continue={rest}")).await.remove(0);
    assert_eq!((&refused["code"], &refused["reason"]), (&json!(410), &json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn later_pages_show_what_there_was_at_the_first() {
    let api = api_with(&["a", "b", "d"]);
    let page = get(&api, "limit=2").await.remove(0);
    assert_eq!(names(&page), ["a", "b"]);
    assert_eq!(page["metadata"]["remainingItemCount"], 1);
    put(&api, "c", "1");
    put(&api, "d", "2");
    let rest = page["metadata"]["continue"].as_str().unwrap();
    let rest = get(&api, &format!("limit=2&continue={rest}")).await.remove(0);
    assert_eq!(names(&rest), ["d"]);
    assert_eq!(rest["items"][0]["data"]["value"], "1");
    assert_eq!(rest["metadata"]["resourceVersion"], page["metadata"]["resourceVersion"]);
}
