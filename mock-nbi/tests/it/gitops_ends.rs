//! How operations on clusters, profiles, KSUs and OKAs of release 19 end, well and badly.
//!
//! Source: OSM LCM `gitops.py` and OSM NBI `k8s_topics.py` of release 19.

use mock_nbi::OperationResult;
use serde_json::{Value, json};

use crate::client::User;
use crate::gitops_calls::{
    CLUSTERS, OKAS, PROFILES, cluster, expect, make, oka, refuse, settle, user,
};

const KSUS: &str = "/ksu/v1/ksus";

/// Lets every operation fail.
fn fail(user: &User) {
    user.nbi.end_operations(OperationResult::Fail { detail: String::new() });
}

/// Checks words of a record, each at a JSON pointer.
#[track_caller]
fn says(record: &Value, words: &[(&str, Value)]) {
    for (place, word) in words {
        assert_eq!(record.pointer(place), Some(word), "{place} of {record}");
    }
}

async fn count(user: &User, path: &str) -> usize {
    user.get(path).await.as_array().unwrap().len()
}

/// Makes a KSU of a profile of a cluster; gives its id.
async fn ksu(user: &User, name: &str, profile: &Value, oka: Value) -> String {
    let ksu = json!({"name": name, "description": "d", "profile": profile, "oka": [oka]});
    let made = expect(user, "POST", KSUS, Some(json!({"ksus": [ksu]})), 202).await;
    settle(user);
    made.json()["id"][0].as_str().unwrap().to_owned()
}

async fn own_profile(user: &User, cluster: &str) -> Value {
    let record = user.get(cluster).await;
    json!({"profile_type": "app_profiles", "_id": record["app_profiles"][0]})
}

#[tokio::test(start_paused = true)]
async fn what_ended_is_at_rest_and_says_how() {
    for is_well in [true, false] {
        let user = user().await;
        let body = json!({"name": "Edge", "vim_account": "site", "k8s_version": "1.30"});
        let id = expect(&user, "POST", CLUSTERS, Some(body), 201).await.json()["id"].clone();
        let one = format!("{CLUSTERS}/{}", id.as_str().unwrap());
        if is_well {
            settle(&user);
        } else {
            fail(&user);
        }
        let pick = |well: &str, badly: &str| json!(if is_well { well } else { badly });
        let words = [
            ("/state", pick("CREATED", "FAILED_CREATION")),
            ("/resourceState", pick("READY", "ERROR")),
            ("/operatingState", json!("IDLE")),
            ("/current_operation", Value::Null),
            ("/operationHistory/0/workflowState", pick("COMPLETED", "ERROR")),
            ("/operationHistory/0/resourceState", pick("READY", "NOT_READY")),
            ("/operationHistory/0/operationState", pick("COMPLETED", "FAILED")),
            ("/operationHistory/0/result", json!(is_well)),
        ];
        let record = user.get(&one).await;
        says(&record, &words);
        assert!(record["operationHistory"][0]["endDate"].is_number());
        for kind in PROFILES {
            says(&user.get(&format!("{one}/{kind}")).await[0], &words);
        }
        let older = &user.get("/admin/v1/k8sclusters").await[0]["_admin"];
        let words = [
            ("/operationalState", pick("ENABLED", "ERROR")),
            ("/operations/0/operationState", pick("COMPLETED", "FAILED")),
            ("/operations/0/statusEnteredTime", record["operationHistory"][0]["endDate"].clone()),
        ];
        says(older, &words);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_stays_as_it_was_when_its_operations_fail() {
    let user = user().await;
    let one = format!("{CLUSTERS}/{}", cluster(&user).await);
    let profile = json!({"name": "p", "description": "d"});
    let profile = make(&user, "/k8scluster/v1/app_profiles", profile).await;
    expect(&user, "POST", &format!("{one}/scale"), Some(json!({"node_count": 4})), 201).await;
    fail(&user);
    let words = [
        ("/state", json!("CREATED")),
        ("/resourceState", json!("ERROR")),
        ("/node_count", json!(0)),
        ("/operationHistory/1/operationType", json!("scale")),
        ("/operationHistory/1/result", json!(false)),
        ("/operationHistory/0/result", json!(true)),
    ];
    says(&user.get(&one).await, &words);
    let upgrade = json!({"k8s_version": "1.31"});
    expect(&user, "POST", &format!("{one}/upgrade"), Some(upgrade), 201).await;
    fail(&user);
    says(&user.get(&one).await, &[("/k8s_version", json!("1.30"))]);
    let add = json!({"add_profile": [{"id": profile}]});
    expect(&user, "PATCH", &format!("{one}/app_profiles"), Some(add), 204).await;
    fail(&user);
    assert_eq!(count(&user, &format!("{one}/app_profiles")).await, 1);
    let op_id = user.get(&format!("{one}/get_creds")).await["op_id"].clone();
    fail(&user);
    let file = format!("{one}/get_creds_file/{}", op_id.as_str().unwrap());
    let words = "Not possible to get the credentials of the cluster";
    assert_eq!(expect(&user, "GET", &file, None, 422).await.detail(), words);
    assert!(user.get(&one).await.get("credentials").is_none());
    expect(&user, "DELETE", &one, None, 204).await;
    fail(&user);
    says(&user.get(&one).await, &[("/state", json!("FAILED_DELETION"))]);
    assert_eq!(count(&user, "/admin/v1/k8sclusters").await, 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_name_the_cluster_and_those_that_were_given_stay() {
    let user = user().await;
    let given = json!({"name": "there", "vim_account": "site", "credentials": {"a": 1},
        "bootstrap": true});
    let there = make(&user, &format!("{CLUSTERS}/register"), given).await;
    let here = cluster(&user).await;
    for id in [&there, &here] {
        user.get(&format!("{CLUSTERS}/{id}/get_creds")).await;
    }
    settle(&user);
    says(&user.get(&format!("{CLUSTERS}/{there}")).await, &[("/credentials", json!({"a": 1}))]);
    let record = user.get(&format!("{CLUSTERS}/{here}")).await;
    let entry = json!([{"name": "edge", "cluster": {"server": "https://edge.example"}}]);
    says(&record, &[("/credentials/clusters", entry), ("/credentials/kind", json!("Config"))]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_takes_its_own_profiles_with_it_and_no_others() {
    let user = user().await;
    let edge = format!("{CLUSTERS}/{}", cluster(&user).await);
    let other = json!({"name": "other", "vim_account": "site", "k8s_version": "1"});
    let other = format!("{CLUSTERS}/{}", make(&user, CLUSTERS, other).await);
    let shared =
        make(&user, "/k8scluster/v1/app_profiles", json!({"name": "p", "description": "d"}));
    let shared = shared.await;
    let add = json!({"add_profile": [{"id": shared}]});
    expect(&user, "PATCH", &format!("{edge}/app_profiles"), Some(add), 204).await;
    settle(&user);
    let own = own_profile(&user, &edge).await["_id"].as_str().unwrap().to_owned();
    expect(&user, "DELETE", &edge, None, 204).await;
    settle(&user);
    expect(&user, "GET", &edge, None, 404).await;
    expect(&user, "GET", &format!("/k8scluster/v1/app_profiles/{own}"), None, 404).await;
    expect(&user, "GET", &format!("/k8scluster/v1/app_profiles/{shared}"), None, 200).await;
    for kind in PROFILES {
        assert_eq!(count(&user, &format!("{other}/{kind}")).await, 1, "{kind}");
    }
    let older = user.get("/admin/v1/k8sclusters").await;
    assert_eq!((older.as_array().unwrap().len(), &older[0]["name"]), (1, &json!("other")));
}

#[tokio::test(start_paused = true)]
async fn ksus_are_listed_and_counted_on_the_clusters_of_their_profile() {
    let user = user().await;
    let edge = format!("{CLUSTERS}/{}", cluster(&user).await);
    let given = json!({"name": "there", "vim_account": "site", "credentials": {},
        "bootstrap": true});
    let there = make(&user, &format!("{CLUSTERS}/register"), given).await;
    let there = format!("{CLUSTERS}/{there}");
    let other = json!({"name": "other", "vim_account": "site", "k8s_version": "1"});
    let other = format!("{CLUSTERS}/{}", make(&user, CLUSTERS, other).await);
    let chart = json!({"sw_catalog_path": "apps/x/chart"});
    ksu(&user, "a", &own_profile(&user, &edge).await, chart.clone()).await;
    ksu(&user, "b", &own_profile(&user, &there).await, chart).await;
    let listed = user.get(&format!("{edge}/ksus")).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    says(&listed, &[("/count", json!(1)), ("/data/0/name", json!("a"))]);
    assert_eq!(user.get(&format!("{other}/ksus")).await, json!({"count": 0, "data": []}));
    // Nobody counts those of a cluster that OSM did not make.
    let answer = expect(&user, "GET", &format!("{there}/ksus"), None, 400).await;
    assert_eq!(answer.detail(), "'ksu_count'");
}

#[tokio::test(start_paused = true)]
async fn a_ksu_is_copied_by_a_clone_that_ends_well_and_by_nothing_else() {
    let user = user().await;
    let edge = format!("{CLUSTERS}/{}", cluster(&user).await);
    let profile = own_profile(&user, &edge).await;
    let id = ksu(&user, "a", &profile, json!({"sw_catalog_path": "apps/x/chart"})).await;
    let one = format!("{KSUS}/{id}");
    let oka_id = oka(&user).await;
    let change = json!({"name": "a2", "description": "d", "profile": profile,
        "oka": [{"_id": oka_id, "sw_catalog_path": ""}]});
    expect(&user, "PATCH", &one, Some(change.clone()), 204).await;
    fail(&user);
    says(&user.get(&one).await, &[("/name", json!("a"))]);
    expect(&user, "PATCH", &one, Some(change), 204).await;
    settle(&user);
    says(&user.get(&one).await, &[("/name", json!("a2"))]);
    assert_eq!(count(&user, KSUS).await, 1);
    let target = json!({"name": "copy", "profile": profile});
    expect(&user, "POST", &format!("{one}/clone"), Some(target.clone()), 201).await;
    fail(&user);
    assert_eq!(count(&user, KSUS).await, 1);
    expect(&user, "POST", &format!("{one}/clone"), Some(target), 201).await;
    settle(&user);
    let copies = user.get(&format!("{KSUS}?name=copy")).await;
    assert_eq!(copies.as_array().unwrap().len(), 1);
    assert_ne!(copies[0]["_id"], id.as_str());
    let words = [
        ("/description", json!("d")),
        ("/oka", json!([{"_id": oka_id}])),
        ("/operationHistory", json!([])),
    ];
    says(&copies[0], &words);
    let original = user.get(&one).await;
    for key in ["description", "profile", "oka", "git_name"] {
        assert_eq!(copies[0][key], original[key], "{key}");
    }
    says(&original, &[("/name", json!("a2")), ("/state", json!("CREATED"))]);
}

#[tokio::test(start_paused = true)]
async fn an_oka_is_free_again_when_the_last_ksu_of_it_is_gone() {
    let user = user().await;
    let edge = format!("{CLUSTERS}/{}", cluster(&user).await);
    let profile = own_profile(&user, &edge).await;
    let oka_id = oka(&user).await;
    let oka = format!("{OKAS}/{oka_id}");
    let usage = async || user.get(&oka).await["_admin"]["usageState"].clone();
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        ids.push(ksu(&user, name, &profile, json!({"_id": oka_id})).await);
        assert_eq!(usage().await, "IN_USE");
    }
    for (id, after) in ids.iter().zip(["IN_USE", "NOT_IN_USE"]) {
        expect(&user, "DELETE", &format!("{KSUS}/{id}"), None, 202).await;
        assert_eq!(usage().await, "IN_USE");
        settle(&user);
        assert_eq!(usage().await, after);
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_profile_a_ksu_that_failed_goes_at_once_and_no_other_goes() {
    let user = user().await;
    let path = "/k8scluster/v1/app_profiles";
    let profile = make(&user, path, json!({"name": "p", "description": "d"})).await;
    let place = json!({"profile_type": "app_profiles", "_id": profile});
    let chart = json!({"sw_catalog_path": "apps/x/chart"});
    let gone = format!("{KSUS}/{}", ksu(&user, "a", &place, chart.clone()).await);
    let stuck = format!("{KSUS}/{}", ksu(&user, "b", &place, chart.clone()).await);
    let failed = json!({"name": "c", "description": "d", "profile": place, "oka": [chart]});
    let made = expect(&user, "POST", KSUS, Some(json!({"ksus": [failed]})), 202).await;
    fail(&user);
    let failed = format!("{KSUS}/{}", made.json()["id"][0].as_str().unwrap());
    expect(&user, "DELETE", &gone, None, 202).await;
    says(&user.get(&gone).await, &[("/state", json!("IN_DELETION"))]);
    settle(&user);
    expect(&user, "GET", &gone, None, 404).await;
    expect(&user, "DELETE", &format!("{path}/{profile}"), None, 202).await;
    settle(&user);
    expect(&user, "DELETE", &failed, None, 202).await;
    expect(&user, "GET", &failed, None, 404).await;
    expect(&user, "DELETE", &stuck, None, 404).await;
    says(&user.get(&stuck).await, &[("/state", json!("CREATED"))]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_cannot_have_the_name_of_what_would_go_by_it() {
    let user = user().await;
    let one = format!("{CLUSTERS}/{}", cluster(&user).await);
    for kind in PROFILES {
        let profile = json!({"name": kind, "description": "d"});
        make(&user, &format!("/k8scluster/v1/{kind}"), profile).await;
        let body = json!({"name": kind, "vim_account": "site", "k8s_version": "1"});
        let answer = expect(&user, "POST", CLUSTERS, Some(body), 409).await.detail();
        let (words, rest) = answer.split_once(" in topic ").unwrap();
        assert_eq!(words, format!("name '{kind}' already exists"));
        let table = rest.strip_suffix(" while 'name unique check'").unwrap().trim_matches('\'');
        let words = format!("name '{kind}' already exists for {table}");
        refuse(&user, ("PATCH", &one), json!({"name": kind}), 409, &words).await;
        assert_eq!(user.get(&one).await["name"], "Edge");
    }
    expect(&user, "PATCH", &one, Some(json!({"name": "Edge", "description": "d"})), 204).await;
    expect(&user, "PATCH", &one, Some(json!({"name": "Edge2"})), 204).await;
    for kind in PROFILES {
        assert_eq!(user.get(&format!("{one}/{kind}")).await[0]["name"], "Edge2", "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn subnets_are_given_of_both_kinds_and_in_number() {
    let user = user().await;
    let both = "'public_subnet' must be provided if 'private_subnet' is given and viceversa.";
    let new = |private: &[&str], public: &[&str]| {
        let mut body = json!({"name": "b", "vim_account": "site", "k8s_version": "1"});
        for (key, subnets) in [("private_subnet", private), ("public_subnet", public)] {
            if !subnets.is_empty() {
                body[key] = json!(subnets);
            }
        }
        body
    };
    for (private, public, words) in [
        (&["subnet-a", "subnet-b"][..], &[][..], both),
        (&[], &["subnet-c"], both),
        (&["subnet-a"], &["subnet-c"], "private_subnet must contain exactly 2 items, got 1"),
        (
            &["subnet-a", "subnet-b"],
            &["subnet-c", "subnet-d"],
            "public_subnet must contain exactly 1 items, got 2",
        ),
    ] {
        refuse(&user, ("POST", CLUSTERS), new(private, public), 400, words).await;
    }
    expect(&user, "POST", CLUSTERS, Some(new(&[], &[])), 201).await;
}

#[tokio::test(start_paused = true)]
async fn clusters_are_listed_as_a_filter_wants_them() {
    let user = user().await;
    cluster(&user).await;
    assert_eq!(count(&user, CLUSTERS).await, 1);
    assert_eq!(count(&user, &format!("{CLUSTERS}?name=Edge")).await, 1);
    assert_eq!(count(&user, &format!("{CLUSTERS}?name=other")).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_ksu_keeps_its_name_or_takes_one_that_is_free() {
    let user = user().await;
    let edge = format!("{CLUSTERS}/{}", cluster(&user).await);
    let profile = own_profile(&user, &edge).await;
    let chart = json!({"sw_catalog_path": "apps/x/chart"});
    let one = format!("{KSUS}/{}", ksu(&user, "a", &profile, chart.clone()).await);
    ksu(&user, "b", &profile, chart).await;
    let oka = json!({"_id": oka(&user).await, "sw_catalog_path": ""});
    for (name, status) in [("a", 204), ("b", 409), ("c", 204)] {
        let change =
            json!({"name": name, "description": "d", "profile": profile, "oka": [oka.clone()]});
        expect(&user, "PATCH", &one, Some(change), status).await;
        settle(&user);
    }
    assert_eq!(user.get(&one).await["name"], "c");
}
