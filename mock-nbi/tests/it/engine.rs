//! Operations of OSM over time, and determinism.

use std::time::Duration;

use mock_nbi::{Clock, Collection, MockNbi, OperationResult, Profile, Release, Seed};
use serde_json::{Value, json};

use crate::client::{STOCK, Stocked, stocked};

fn world(profile: Profile) -> MockNbi {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    MockNbi::builder()
        .profile(profile)
        .clock(Clock::starting_at(1_700_000_000.0))
        .rng_seed(7)
        .seed(seed)
        .build()
        .unwrap()
}

/// What helm holds, as OSM shows it in the record.
fn helm_status(ns: &Value) -> String {
    ns["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn instant_operations_have_ended_when_they_are_next_read() {
    let stock = stocked(&world(Profile::instant())).await;
    let (ns_id, op_id) = stock.create_ns("ldap", json!({"replicaCount": "2"})).await;
    let op = stock.operation(&op_id).await;
    assert_eq!((&op["operationState"], &op["stage"]), (&json!("COMPLETED"), &json!("")));
    let ns = stock.ns(&ns_id).await;
    assert_eq!(ns["nsState"], "READY");
    assert!(helm_status(&ns).starts_with("{'config': {'replicaCount': '2'}, 'info': "));
}

#[tokio::test(start_paused = true)]
async fn realistic_instantiation_takes_a_minute_and_shows_what_it_is_at() {
    let nbi = world(Profile::realistic());
    let stock = stocked(&nbi).await;
    let (ns_id, op_id) = stock.create_ns("ldap", json!({"a": 1})).await;
    assert_eq!(stock.operation(&op_id).await["stage"], Value::Null);
    nbi.advance(Duration::from_secs(1));
    assert_eq!(stock.ns(&ns_id).await["nsState"], "BUILDING");
    let stage = stock.operation(&op_id).await["stage"].clone();
    assert_eq!(stage, "Stage 1/5: preparation of the environment.");
    tokio::time::advance(Duration::from_secs(15)).await;
    let stage = stock.operation(&op_id).await["stage"].as_str().unwrap().to_owned();
    assert!(stage.starts_with("Stage 2/5"), "{stage}");
    nbi.advance(Duration::from_secs(60));
    let op = stock.operation(&op_id).await;
    assert_eq!(op["operationState"], "COMPLETED");
    let took = op["statusEnteredTime"].as_f64().unwrap() - op["startTime"].as_f64().unwrap();
    assert!((took - 60.2).abs() < 0.001, "{took}");
}

#[tokio::test(start_paused = true)]
async fn realistic_uploads_keep_the_client_waiting() {
    let begin = tokio::time::Instant::now();
    stocked(&world(Profile::realistic().speeded_up(2.0))).await;
    assert_eq!(begin.elapsed().as_secs(), 14);
}

#[tokio::test(start_paused = true)]
async fn operations_of_an_instance_queue_and_end_on_request_under_the_manual_profile() {
    let nbi = world(Profile::manual());
    let stock = stocked(&nbi).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"replicaCount": "1"})).await;
    assert_eq!(stock.ns(&ns_id).await["currentOperation"], "INSTANTIATING");
    let second = stock.upgrade(&ns_id, json!({"replicaCount": "2"})).await;
    assert_eq!(stock.operation(&second).await["stage"], Value::Null);
    nbi.end_operations(OperationResult::Ok);
    let ns = stock.ns(&ns_id).await;
    assert_eq!((&ns["nsState"], &ns["currentOperation"]), (&json!("READY"), &json!("IDLE")));
    assert!(helm_status(&ns).contains("'replicaCount': '2'"), "{}", helm_status(&ns));
}

#[tokio::test(start_paused = true)]
async fn values_are_laid_over_the_instantiation_and_then_over_what_is_in_force() {
    let stock = stocked(&world(Profile::instant())).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"a": "1", "nested": {"x": 1, "y": 1}})).await;
    stock.upgrade(&ns_id, json!({"a": "2", "b": "3", "kdu_model": "stable/openldap:9"})).await;
    let ns = stock.ns(&ns_id).await;
    let config = "{'config': {'a': '2', 'nested': {'x': 1, 'y': 1}, 'b': '3'}, ";
    assert!(helm_status(&ns).starts_with(config), "{}", helm_status(&ns));
    // OSM keeps the chart of the instantiation there, whatever an upgrade asked for.
    assert_eq!(ns["_admin"]["deployed"]["K8s"][0]["kdu-model"], "stable/openldap:1.2.3");
    // An upgrade sends the instantiation's values again, not those of the upgrade before.
    stock.upgrade(&ns_id, json!({"c": "4"})).await;
    let config = "{'config': {'a': '1', 'nested': {'x': 1, 'y': 1}, 'b': '3', 'c': '4'}, ";
    assert!(helm_status(&stock.ns(&ns_id).await).starts_with(config));
    let vnfr = &stock.user.get("/nslcm/v1/vnf_instances").await[0];
    assert_eq!(vnfr["kdur"][0]["additionalParams"]["a"], "1");
    assert_eq!(vnfr["kdur"][0]["additionalParams"]["nested"], "!!yaml x: 1\ny: 1\n");
}

#[tokio::test(start_paused = true)]
async fn a_failed_instantiation_can_be_terminated_and_tried_again_on_the_same_record() {
    let nbi = world(Profile::manual());
    let stock = stocked(&nbi).await;
    let (ns_id, op_id) = stock.create_ns("ldap", json!({"a": 1})).await;
    nbi.end_operations(OperationResult::Fail { detail: "no such chart".into() });
    let ns = stock.ns(&ns_id).await;
    assert_eq!((&ns["nsState"], &ns["errorDetail"]), (&json!("BROKEN"), &json!("no such chart")));
    assert_eq!(stock.operation(&op_id).await["operationState"], "FAILED");
    let path = format!("/nslcm/v1/ns_instances/{ns_id}");
    assert_eq!(stock.user.call("DELETE", &path, None).await.status, 409);
    let body = json!({"autoremove": false});
    let terminate = format!("{path}/terminate");
    assert_eq!(stock.user.call("POST", &terminate, Some(body)).await.status, 202);
    nbi.end_operations(OperationResult::Ok);
    assert_eq!(stock.ns(&ns_id).await["nsState"], "NOT_INSTANTIATED");
    let body = stock.creation("ldap", &json!({"a": 2}));
    let again = stock.user.call("POST", &format!("{path}/instantiate"), Some(body)).await;
    assert_eq!(again.status, 202, "{}", again.detail());
    nbi.end_operations(OperationResult::Ok);
    assert_eq!(stock.ns(&ns_id).await["nsState"], "READY");
    let history = format!("/nslcm/v1/ns_lcm_op_occs?nsInstanceId={ns_id}");
    assert_eq!(stock.user.get(&history).await.as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn deletion_removes_the_record_when_the_termination_ends() {
    let nbi = world(Profile::realistic());
    let stock = stocked(&nbi).await;
    let (ns_id, _) = stock.create_ns("ldap", json!({"a": 1})).await;
    nbi.advance(Duration::from_secs(120));
    let path = format!("/nslcm/v1/ns_instances_content/{ns_id}");
    assert_eq!(stock.user.call("DELETE", &path, None).await.status, 202);
    nbi.advance(Duration::from_secs(5));
    assert_eq!(stock.ns(&ns_id).await["nsState"], "TERMINATING");
    nbi.advance(Duration::from_secs(20));
    assert_eq!(stock.user.call("GET", &path, None).await.status, 404);
    assert!(nbi.records(Collection::VnfInstances).is_empty());
    assert!(nbi.records(Collection::Operations).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_second_token_within_two_seconds_comes_a_second_later_and_tokens_end_after_an_hour() {
    let nbi = world(Profile::instant());
    let begin = tokio::time::Instant::now();
    let Stocked { user, .. } = stocked(&nbi).await;
    let again = crate::client::User::login(&nbi).await;
    assert_eq!(begin.elapsed().as_secs(), 1);
    assert_eq!(user.token.len(), 32);
    nbi.advance(Duration::from_secs(3602));
    let answer = again.call("GET", "/admin/v1/vim_accounts", None).await;
    assert_eq!(
        (answer.status, answer.detail().as_str()),
        (401, "Expired Token or Authorization HTTP header")
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_and_requests_give_the_same_ids_records_and_journal() {
    async fn run() -> (Vec<Value>, String) {
        let nbi = world(Profile::realistic());
        let stock = stocked(&nbi).await;
        let (ns_id, _) = stock.create_ns("ldap", json!({"a": 1})).await;
        nbi.advance(Duration::from_secs(100));
        stock.ns(&ns_id).await;
        (nbi.records(Collection::NsInstances), serde_json::to_string(&nbi.journal()).unwrap())
    }
    let (one, two) = (run().await, run().await);
    assert_eq!(one, two);
    assert!(!one.0.is_empty());
}

async fn stock_of(release: Release) -> Stocked {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    stocked(&MockNbi::builder().release(release).seed(seed).build().unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn rules_of_a_profile_know_an_operation_by_its_descriptor_member_and_primitive() {
    for (rule, state) in [
        ("nsd: openldap_ns", "FAILED"),
        ("member: openldap", "FAILED"),
        ("primitive: upgrade", "FAILED"),
        ("nsd: other", "COMPLETED"),
        ("member: other", "COMPLETED"),
        ("primitive: rollback", "COMPLETED"),
    ] {
        let text = format!("rules: [{{operation: action, {rule}, outcome: fail, detail: no}}]\n");
        let stock = stocked(&world(Profile::from_yaml(&text, "p").unwrap())).await;
        let (ns_id, _) = stock.create_ns("ldap", json!({"a": 1})).await;
        let op_id = stock.upgrade(&ns_id, json!({"a": "2"})).await;
        assert_eq!(stock.operation(&op_id).await["operationState"], state, "{rule}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_without_parameters_fails_except_in_the_recordings() {
    for (release, state) in [(Release::R10, "FAILED"), (Release::R19Recorded, "COMPLETED")] {
        let stock = stock_of(release).await;
        let (ns_id, _) = stock.create_ns("ldap", json!({"a": 1})).await;
        let op_id = stock.upgrade(&ns_id, json!({})).await;
        assert_eq!(stock.operation(&op_id).await["operationState"], state, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_first_cluster_is_not_ready_is_broken_before_anything_was_begun() {
    let nbi = world(Profile::manual());
    let stock = stocked(&nbi).await;
    let (ns_id, op_id) = stock.create_ns("ldap", json!({"a": 1})).await;
    let cluster = nbi.records(Collection::K8sClusters)[0]["_id"].clone();
    let forget = |record: &mut Value| {
        for kind in ["helm-chart", "helm-chart-v3"] {
            record["_admin"][kind] = Value::Null;
        }
    };
    assert!(nbi.edit(Collection::K8sClusters, cluster.as_str().unwrap(), forget));
    nbi.end_operations(OperationResult::Ok);
    assert_eq!(stock.operation(&op_id).await["operationState"], "FAILED");
    let ns = stock.ns(&ns_id).await;
    assert_eq!((&ns["nsState"], &ns["operational-status"]), (&json!("BROKEN"), &json!("running")));
    let vnfr = stock.user.get("/nslcm/v1/vnf_instances").await[0].clone();
    assert_ne!(vnfr["kdur"][0]["status"], "ERROR");
}

#[tokio::test(start_paused = true)]
async fn release_19_leaves_an_idle_instance_that_is_deleted_in_one_step() {
    for (release, left) in [(Release::R10, 0), (Release::R19Recorded, 1)] {
        let stock = stock_of(release).await;
        let body = stock.creation("ldap", &json!({"a": 1}));
        let made = stock.user.call("POST", "/nslcm/v1/ns_instances", Some(body)).await;
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/nslcm/v1/ns_instances_content/{id}");
        assert_eq!(stock.user.call("DELETE", &path, None).await.status, 204, "{release:?}");
        let records = stock.user.nbi.records(Collection::NsInstances);
        assert_eq!(records.len(), left, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_vnf_package_is_held_by_the_instances_made_of_it() {
    let stock = stock_of(Release::R10).await;
    stock.create_ns("ldap", json!({"a": 1})).await;
    let vnfd = stock.user.get("/vnfpkgm/v1/vnf_packages").await[0]["_id"].clone();
    let path = format!("/vnfpkgm/v1/vnf_packages/{}", vnfd.as_str().unwrap());
    let held = stock.user.call("DELETE", &path, None).await;
    let said = "There is at least one VNF instance using this descriptor";
    assert_eq!((held.status, held.detail().as_str()), (409, said));
}
