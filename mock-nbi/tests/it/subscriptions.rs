//! Subscriptions to what happens to NS and VNF instances.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, send};

const URL: &str = "http://client/notify";

async fn user_with_callback(release: Release) -> User {
    let nbi = MockNbi::builder().release(release).build().unwrap();
    let body = json!({"urls": [URL]}).to_string();
    let answer = send(&nbi, "PUT", "/_mock/callbacks", &[], Some(body.as_bytes())).await.unwrap();
    assert!(answer.status < 300);
    User::login(&nbi).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

fn filter() -> Value {
    json!({"notificationTypes": ["NsLcmOperationOccurrenceNotification"],
        "operationTypes": ["TERMINATE", "INSTANTIATE"]})
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_kept_where_its_address_answers() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let user = user_with_callback(release).await;
        let path = "/nslcm/v1/subscriptions";
        let body = json!({"filter": filter(), "CallbackUri": URL, "authentication":
            {"authType": "basic", "paramsBasic": {"userName": "u", "password": "p"}}});
        let made = user.call("POST", path, Some(body.clone())).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("Location"), format!("/osm{path}/{id}"));
        assert_eq!(made.json()["callbackUri"], URL);
        let record = user.get(&format!("{path}/{id}")).await;
        // The first list is sorted, as it is where OSM compares subscriptions.
        assert_eq!(record["filter"]["notificationTypes"], filter()["notificationTypes"]);
        assert_ne!(record["authentication"]["paramsBasic"]["password"], "p");
        let again = user.call("POST", path, Some(body)).await;
        refused(&again, 409, &format!("Subscription already exists with id: {id}"));
        assert_eq!(user.get(path).await.as_array().unwrap().len(), 1);
        assert_eq!(user.call("DELETE", &format!("{path}/{id}"), None).await.status, 204);
        assert_eq!(user.get(path).await, json!([]));
    }
}

#[tokio::test(start_paused = true)]
async fn vnf_subscriptions_are_told_from_those_of_ns_by_their_words() {
    let user = user_with_callback(Release::R19).await;
    let path = "/vnflcm/v1/subscriptions";
    let body = |kind: &str| json!({"filter": {"VnfInstanceSubscriptionFilter": {}, "notificationTypes": [kind]}, "CallbackUri": URL});
    let wrong = user.call("POST", path, Some(body("NsIdentifierCreationNotification"))).await;
    assert_eq!(wrong.status, 422);
    let made = user.call("POST", path, Some(body("VnfIdentifierCreationNotification"))).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(user.get(&format!("{path}/{id}")).await["CallbackUri"], URL);
    assert_eq!(user.get(path).await.as_array().unwrap().len(), 1);
    assert_eq!(user.call("DELETE", &format!("{path}/{id}"), None).await.status, 204);
    assert_eq!(user.call("GET", &format!("{path}/{id}"), None).await.status, 404);
}
