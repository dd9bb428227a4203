//! NS instances beyond what the recordings show: release 8's descriptors, and the operations that
//! release 19 has more.

use std::time::Duration;

use mock_nbi::{Collection, MockNbi, Profile, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, Stocked, User, old_stock, stocked};

const INSTANCES: &str = "/nslcm/v1/ns_instances";

async fn stock_of(release: Release, profile: Profile) -> Stocked {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    stocked(&MockNbi::builder().release(release).profile(profile).seed(seed).build().unwrap()).await
}

/// Starts an operation on an instance.
async fn operate(user: &User, ns_id: &str, operation: &str, body: Value) -> Answer {
    user.call("POST", &format!("{INSTANCES}/{ns_id}/{operation}"), Some(body)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

/// The operation that an answer names.
async fn started(user: &User, answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let place = answer.header("Location").strip_prefix("/osm").unwrap();
    assert!(place.ends_with(answer.json()["id"].as_str().unwrap()));
    user.get(place).await
}

fn old_creation(stock: &Stocked) -> Value {
    json!({
        "nsName": "n", "nsdId": stock.nsd_id, "vimAccountId": stock.vim_id,
        "additionalParamsForVnf": [{"member-vnf-index": "1", "additionalParams": {"file": "f"}}],
    })
}

async fn old_instance(stock: &Stocked) -> String {
    let path = "/nslcm/v1/ns_instances_content";
    let made = stock.user.call("POST", path, Some(old_creation(stock))).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    made.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn release_8_makes_instances_of_catalogue_descriptors() {
    let stock = old_stock().await;
    let id = old_instance(&stock).await;
    let nsr = stock.ns(&id).await;
    assert_eq!(nsr["nsState"], "READY");
    assert!(nsr.get("flavor").is_none());
    let kept: Vec<&String> = nsr["nsd"].as_object().unwrap().keys().collect();
    assert!(!kept.iter().any(|key| *key == "vendor"), "{kept:?}");
    assert_eq!(nsr["nsd"]["constituent-vnfd"][0]["vnfd-id-ref"], "old");
    assert_eq!(nsr["vld"][0]["id"], "mgmt");
    let vnfr = stock.user.get("/nslcm/v1/vnf_instances").await[0].clone();
    assert_eq!(vnfr["member-vnf-index-ref"], "1");
    assert_eq!(vnfr["vnfd-ref"], "old");
    assert_eq!(vnfr["additionalParamsForVnf"], json!({"file": "f"}));
    assert_eq!(
        vnfr["connection-point"],
        json!([
            {"name": "outside", "connection-point-id": "outside", "id": "outside"},
            {"name": "data", "connection-point-id": null, "id": null},
        ])
    );
    assert_eq!(vnfr["vld"], json!([{"id": "inner"}]));
    assert_eq!(vnfr["kdur"][0]["helm-chart"], "stable/openldap");
    let machines = vnfr["vdur"].as_array().unwrap();
    assert_eq!(machines.len(), 2);
    assert_eq!(machines[1]["count-index"], 1);
    assert_eq!(machines[0]["additionalParams"], json!({"file": "f"}), "its VNF's");
    assert_eq!(machines[0]["boot-data-drive"], true);
    let interfaces = machines[0]["interfaces"].as_array().unwrap();
    assert_eq!(interfaces[0]["ns-vld-id"], "mgmt");
    assert_eq!(interfaces[0]["mgmt-vnf"], true);
    assert_eq!(interfaces[1]["vnf-vld-id"], "inner");
}

#[tokio::test(start_paused = true)]
async fn release_8_refuses_an_instance_without_what_its_first_primitive_needs() {
    let stock = old_stock().await;
    let mut body = old_creation(&stock);
    body["additionalParamsForVnf"] = json!([]);
    let answer = stock.user.call("POST", INSTANCES, Some(body)).await;
    refused(
        &answer,
        400,
        "Parameter '<file>' needed for vnfd[id=old]:vnf-configuration:\
         initial-config-primitive[name=config] not supplied while 'filling vnfr  vnfd-id='old' \
         constituent-vnfd='1''",
    );
    assert!(stock.user.nbi.records(Collection::NsInstances).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_member_of_which_nothing_is_said_is_refused() {
    let stock = old_stock().await;
    let mut body = old_creation(&stock);
    body["vnf"] = json!([{"member-vnf-index": "1"}]);
    let answer = stock.user.call("POST", INSTANCES, Some(body)).await;
    assert_eq!(answer.status, 422);
    let said = "{'member-vnf-index': '1'} does not have enough properties";
    assert!(answer.detail().contains(said), "{}", answer.detail());
}

#[tokio::test(start_paused = true)]
async fn release_8_takes_actions_and_scalings_that_its_descriptors_have() {
    let stock = old_stock().await;
    let id = old_instance(&stock).await;
    let action = |body: Value| operate(&stock.user, &id, "action", body);
    let touch = json!({"member_vnf_index": "1", "primitive": "touch",
        "primitive_params": {"file": "x"}});
    assert_eq!(started(&stock.user, &action(touch).await).await["operationState"], "COMPLETED");
    let reboot = json!({"member_vnf_index": "1", "vdu_id": "box", "primitive": "reboot",
        "primitive_params": {}});
    assert_eq!(action(reboot).await.status, 202);
    let upgrade = json!({"member_vnf_index": "1", "kdu_name": "ldap", "primitive": "upgrade",
        "primitive_params": {"a": "1"}});
    assert_eq!(started(&stock.user, &action(upgrade).await).await["operationState"], "COMPLETED");
    let unknown = json!({"member_vnf_index": "1", "primitive": "reboot", "primitive_params": {}});
    let said = "Invalid primitive 'reboot' is not present at vnfd/nsd";
    refused(&action(unknown).await, 400, said);
    let member = json!({"member_vnf_index": "2", "primitive": "touch", "primitive_params": {}});
    let said = "Invalid parameter member_vnf_index='2' is not one of the nsd:constituent-vnfd";
    refused(&action(member).await, 400, said);
    let scale = |group: &str| {
        json!({"scaleType": "SCALE_VNF", "scaleVnfData": {"scaleVnfType": "SCALE_OUT",
            "scaleByStepData": {"scaling-group-descriptor": group, "member-vnf-index": "1"}}})
    };
    let answer = operate(&stock.user, &id, "scale", scale("no")).await;
    refused(
        &answer,
        400,
        "Invalid scaleVnfData:scaleByStepData:scaling-group-descriptor 'no' is not present at \
         vnfd:scaling-group-descriptor",
    );
    let answer = operate(&stock.user, &id, "scale", scale("more")).await;
    assert_eq!(started(&stock.user, &answer).await["operationState"], "COMPLETED");
    let vnfr = stock.user.get("/nslcm/v1/vnf_instances").await[0].clone();
    assert_eq!(vnfr["vdur"].as_array().unwrap().len(), 3);
    let mut inwards = scale("more");
    inwards["scaleVnfData"]["scaleVnfType"] = json!("SCALE_IN");
    operate(&stock.user, &id, "scale", inwards.clone()).await;
    let vnfr = stock.user.get("/nslcm/v1/vnf_instances").await[0].clone();
    assert_eq!(vnfr["vdur"].as_array().unwrap().len(), 2);
    let answer = operate(&stock.user, &id, "scale", inwards).await;
    assert_eq!(started(&stock.user, &answer).await["operationState"], "FAILED");
}

#[tokio::test(start_paused = true)]
async fn release_8_checks_members_and_links_of_an_instantiation() {
    let stock = old_stock().await;
    let instantiate = async |key: &str, item: Value| {
        let mut body = old_creation(&stock);
        body[key] = json!([item]);
        stock.user.call("POST", "/nslcm/v1/ns_instances_content", Some(body)).await
    };
    let place = "Invalid parameter vnf[member-vnf-index='1']";
    let vdu = |vdu: Value| json!({"member-vnf-index": "1", "vdu": [vdu]});
    let answer = instantiate("vnf", vdu(json!({"id": "no", "interface": [{"name": "x"}]}))).await;
    refused(&answer, 400, &format!("{place}:vdu[id='no'] is is not present at vnfd:vdu"));
    let answer = instantiate("vnf", vdu(json!({"id": "box", "interface": [{"name": "x"}]}))).await;
    let said =
        format!("{place}:vdu[id='box']:interface[name='x'] is not present at vnfd:vdu:interface");
    refused(&answer, 400, &said);
    let link = json!({"member-vnf-index": "1",
        "internal-vld": [{"name": "no", "vim-network-name": "n"}]});
    let said = format!("{place}:internal-vld:name='no' is not present at vnfd 'old'");
    refused(&instantiate("vnf", link).await, 400, &said);
    let answer = instantiate("vld", json!({"name": "no", "vim-network-name": "n"})).await;
    refused(&answer, 400, "Invalid parameter vld:name='no' is not present at nsd:vld");
    let named = json!({"name": "management", "vim-network-name": "n"});
    assert_eq!(instantiate("vld", named).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn release_8_shows_no_links_where_the_descriptor_has_none() {
    let stock = old_stock().await;
    let nsd = json!({"nsd-catalog": {"nsd": [{"id": "bare", "name": "bare",
        "constituent-vnfd": [{"member-vnf-index": "1", "vnfd-id-ref": "old"}]}]}});
    let made = stock.user.call("POST", "/nsd/v1/ns_descriptors_content", Some(nsd)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let mut body = old_creation(&stock);
    body["nsdId"] = made.json()["id"].clone();
    let made = stock.user.call("POST", INSTANCES, Some(body)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let nsr = stock.ns(made.json()["id"].as_str().unwrap()).await;
    assert!(nsr.get("vld").is_none(), "{nsr}");
}

#[tokio::test(start_paused = true)]
async fn operations_of_release_19_are_unknown_before() {
    for release in [Release::R8, Release::R10] {
        let user = User::login(&MockNbi::builder().release(release).build().unwrap()).await;
        for operation in ["heal", "update", "migrate"] {
            let answer = operate(&user, "x", operation, json!({})).await;
            refused(&answer, 405, &format!("Unexpected URL item {operation}"));
        }
        let answer = user.call("POST", "/nslcm/v1/ns_lcm_op_occs/x/cancel", Some(json!({}))).await;
        refused(&answer, 405, "Unexpected URL item cancel");
        let answer = user.call("POST", "/nslcm/v1/ns_instances_terminate", Some(json!({}))).await;
        refused(&answer, 405, "Unexpected URL item ns_instances_terminate");
        for topic in ["vnf_instances", "vnf_lcm_op_occs", "subscriptions"] {
            let answer = user.call("GET", &format!("/vnflcm/v1/{topic}"), None).await;
            refused(&answer, 405, "URL main_topic 'vnflcm' not supported");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_healed_by_the_id_of_its_vnf() {
    let stock = stock_of(Release::R19Recorded, Profile::instant()).await;
    let (id, _) = stock.create_ns("ldap", json!({})).await;
    let nsr = stock.ns(&id).await;
    let vnf = nsr["constituent-vnfr-ref"][0].clone();
    let answer =
        operate(&stock.user, &id, "heal", json!({"healVnfData": [{"vnfInstanceId": vnf}]})).await;
    assert_eq!(answer.json()["nsName"], "ldap");
    let op = started(&stock.user, &answer).await;
    assert_eq!(op["lcmOperationType"], "heal");
    assert_eq!(op["operationState"], "COMPLETED");
    assert_eq!(stock.ns(&id).await["operational-status"], "running");
    let wrong = json!({"healVnfData": [{"vnfInstanceId": vnf,
        "additionalParams": {"vdu": [{"vdu-id": "no"}]}}]});
    let said = "Invalid parameter vdu_id='no' not present at vnfd:vdu:id";
    refused(&operate(&stock.user, &id, "heal", wrong).await, 400, said);
}

#[tokio::test(start_paused = true)]
async fn an_update_wants_what_its_type_needs_and_does_it() {
    let stock = stock_of(Release::R19Recorded, Profile::instant()).await;
    let (id, _) = stock.create_ns("ldap", json!({})).await;
    let update = |body: Value| operate(&stock.user, &id, "update", body);
    let bare = update(json!({"updateType": "REMOVE_VNF"})).await;
    assert_eq!(bare.status, 400);
    assert!(bare.detail().contains("Ns update request could not be processed with error"));
    let vnf = stock.ns(&id).await["constituent-vnfr-ref"][0].clone();
    let vnfd = stock.user.get("/nslcm/v1/vnf_instances").await[0]["vnfd-id"].clone();
    let change = json!({"updateType": "CHANGE_VNFPKG",
        "changeVnfPackageData": {"vnfInstanceId": vnf, "vnfdId": vnfd}});
    let op = started(&stock.user, &update(change.clone()).await).await;
    assert_eq!((&op["operationState"], &op["errorMessage"]), (&json!("COMPLETED"), &json!("")));
    let mut hasty = change;
    hasty["timeout_ns_update"] = json!(10);
    let said = format!(
        "Error in validating ns-update request: 10 second is not enough to upgrade the VNF \
         instance: {}",
        vnf.as_str().unwrap()
    );
    refused(&update(hasty).await, 422, &said);
    // The last VNF stays.
    let remove = json!({"updateType": "REMOVE_VNF", "removeVnfInstanceId": vnf});
    let op = started(&stock.user, &update(remove).await).await;
    assert_eq!(op["operationState"], "FAILED");
    assert!(op["detailed-status"].as_str().unwrap().contains("Cannot terminate the last VNF"));
    let wrong = json!({"updateType": "OPERATE_VNF",
        "operateVnfData": {"vnfInstanceId": vnf, "changeStateTo": "sleep"}});
    let said = "The operate type should be either start, stop, console or rebuild not sleep";
    refused(&update(wrong).await, 422, said);
}

#[tokio::test(start_paused = true)]
async fn a_migration_is_an_operation_like_others() {
    let stock = stock_of(Release::R19Recorded, Profile::instant()).await;
    let (id, _) = stock.create_ns("ldap", json!({})).await;
    let vnf = stock.ns(&id).await["constituent-vnfr-ref"][0].clone();
    let body = json!({"vnfInstanceId": vnf, "migrateToHost": "host2"});
    let op = started(&stock.user, &operate(&stock.user, &id, "migrate", body).await).await;
    assert_eq!(op["lcmOperationType"], "migrate");
    assert_eq!(op["operationState"], "COMPLETED");
    assert_eq!(op["operationParams"]["migrateToHost"], "host2");
    let answer = operate(&stock.user, &id, "migrate", json!({})).await;
    refused(&answer, 422, "Format error  ''vnfInstanceId' is a required property' ");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_operation_is_cancelled_and_an_ended_one_is_not() {
    let stock = stock_of(Release::R19Recorded, Profile::manual()).await;
    let (id, first) = stock.create_ns("ldap", json!({})).await;
    let second = stock.upgrade(&id, json!({"a": "1"})).await;
    let cancel = async |op: &str, mode: &str| {
        let path = format!("/nslcm/v1/ns_lcm_op_occs/{op}/cancel");
        stock.user.call("POST", &path, Some(json!({"cancelMode": mode}))).await
    };
    let answer = cancel(&second, "GRACEFUL").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("Location"), format!("/osm/nslcm/v1/ns_lcm_op_occs/{second}"));
    // It waits for the first, so that nothing is to be undone.
    let dropped = stock.operation(&second).await;
    assert_eq!(dropped["operationState"], "FAILED_TEMP");
    assert_eq!(
        dropped["errorMessage"],
        "FAILED Waiting for previous operations to terminate: Operation was cancelled"
    );
    assert_eq!(dropped["isCancelPending"], false);
    assert_eq!(cancel(&first, "FORCEFUL").await.status, 202);
    stock.user.nbi.advance(Duration::from_secs(60));
    assert_ne!(stock.operation(&first).await["operationState"], "PROCESSING");
    let said = "Operation is not in STARTING, PROCESSING or ROLLING_BACK state";
    refused(&cancel(&first, "FORCEFUL").await, 409, said);
    let answer = cancel(&first, "NOW").await;
    assert_eq!(answer.status, 422);
}

#[tokio::test(start_paused = true)]
async fn several_instances_are_terminated_at_once() {
    let stock = stock_of(Release::R19Recorded, Profile::instant()).await;
    let (first, _) = stock.create_ns("a", json!({})).await;
    let (second, _) = stock.create_ns("b", json!({})).await;
    let (kept, _) = stock.create_ns("c", json!({})).await;
    let body = json!({"ns_ids": [first, second]});
    let answer =
        stock.user.call("POST", "/nslcm/v1/ns_instances_terminate", Some(body.clone())).await;
    assert_eq!((answer.status, answer.json()), (202, body));
    let left = stock.user.get(INSTANCES).await;
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["_id"], kept.as_str());
}

#[tokio::test(start_paused = true)]
async fn reports_are_given_of_instances_that_are_there() {
    for release in [Release::R8, Release::R10, Release::R19Recorded] {
        let user = User::login(&MockNbi::builder().release(release).build().unwrap()).await;
        let id = "00000000-0000-4000-8000-000000000000";
        let path = format!("/nspm/v1/pm_jobs/{id}/reports/{id}");
        assert_eq!(user.call("GET", &path, None).await.status, 404);
    }
    let stock = stock_of(Release::R10, Profile::instant()).await;
    let (id, _) = stock.create_ns("ldap", json!({})).await;
    let report = stock.user.get(&format!("/nspm/v1/pm_jobs/{id}/reports/{id}")).await;
    assert_eq!(report, json!({"entries": []}));
}

#[tokio::test(start_paused = true)]
async fn a_deployment_of_a_kdu_has_the_name_that_was_asked_for_where_releases_take_one() {
    let creation = |stock: &Stocked, more: Value| {
        let mut body = stock.creation("n", &json!({"a": "1"}));
        let kdu = &mut body["additionalParamsForVnf"][0]["additionalParamsForKdu"][0];
        kdu.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let path = "/nslcm/v1/ns_instances_content";
    for (release, is_asked) in [(Release::R10, true), (Release::R19Recorded, false)] {
        let stock = stock_of(release, Profile::instant()).await;
        for (more, expected) in [
            (json!({"kdu-deployment-name": "mine"}), is_asked.then_some("mine")),
            (json!({}), None),
        ] {
            let made = stock.user.call("POST", path, Some(creation(&stock, more))).await;
            assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
            let ns = stock.ns(made.json()["id"].as_str().unwrap()).await;
            let name = ns["_admin"]["deployed"]["K8s"][0]["kdu-instance"].as_str().unwrap();
            match expected {
                Some(expected) => assert_eq!(name, expected, "{release:?}"),
                None => {
                    let (_, end) = name.rsplit_once('-').unwrap();
                    let is_number = end.bytes().all(|byte| byte.is_ascii_digit());
                    assert_eq!((end.len(), is_number), (10, true), "{release:?} {name}");
                }
            }
        }
    }
    let old = old_stock().await;
    let mut body = old_creation(&old);
    body["additionalParamsForVnf"][0]["additionalParamsForKdu"] =
        json!([{"kdu_name": "ldap", "kdu-deployment-name": "mine"}]);
    let answer = old.user.call("POST", path, Some(body)).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.detail().contains("'kdu-deployment-name' was unexpected"),
        "{}",
        answer.detail()
    );
}
