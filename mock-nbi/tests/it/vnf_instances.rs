//! VNF instances by themselves, and their operations, in ETSI SOL003's form.

use mock_nbi::{Collection, MockNbi, Profile, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, Stocked, User, stocked};

const INSTANCES: &str = "/vnflcm/v1/vnf_instances";

async fn stock() -> Stocked {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let builder = MockNbi::builder().release(Release::R19Recorded).seed(seed);
    stocked(&builder.build().unwrap()).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn operations_on_a_vnf_are_done_on_its_ns_and_shown_as_sol003_has_them() {
    let stock = stock().await;
    let body = stock.creation("ldap", &json!({}));
    let made = stock.user.call("POST", "/nslcm/v1/ns_instances", Some(body)).await.json();
    let ns_id = made["id"].as_str().unwrap();
    let vnf_id = stock.ns(ns_id).await["constituent-vnfr-ref"][0].as_str().unwrap().to_owned();
    let operate = async |operation: &str, body: Value| {
        let path = format!("/vnflcm/v1/vnf_instances/{vnf_id}/{operation}");
        stock.user.call("POST", &path, Some(body)).await
    };
    refused(&operate("instantiate", json!({})).await, 400, "'vnfName'");
    let body = json!({"vnfName": "v", "vnfDescription": "d", "vimAccountId": stock.vim_id});
    let started = operate("instantiate", body).await;
    assert_eq!(started.status, 202, "{}", String::from_utf8_lossy(&started.body));
    let op_id = started.json()["id"].as_str().unwrap().to_owned();
    let place = format!("/osm/vnflcm/v1/vnf_lcm_op_occs/{op_id}");
    assert_eq!(started.header("Location"), place);
    assert_eq!(stock.ns(ns_id).await["nsState"], "READY");
    let op = stock.user.get(&format!("/vnflcm/v1/vnf_lcm_op_occs/{op_id}")).await;
    assert_eq!(op["vnfInstanceId"], vnf_id.as_str());
    assert_eq!(op["_links"]["self"], place);
    assert!(op.get("operationParams").is_none() && op.get("nsInstanceId").is_none());
    assert_eq!(stock.user.get("/vnflcm/v1/vnf_lcm_op_occs").await, json!([op]));
    let scale = json!({"type": "SCALE_OUT", "aspectId": "no",
        "additionalParams": {"member-vnf-index": "openldap"}});
    // The chart's descriptor has nothing to scale.
    refused(&operate("scale", scale).await, 400, "'scaling-aspect'");
    assert_eq!(operate("terminate", json!({})).await.status, 202);
    assert_eq!(stock.ns(ns_id).await["nsState"], "NOT_INSTANTIATED");
}

/// A user with a VIM account and a VNFD of one machine, which can have a second one.
async fn site() -> (User, Value) {
    site_of(json!({"id": "vm", "name": "vm"})).await
}

/// The same, with more to say of the machine.
async fn site_of(mut machine: Value) -> (User, Value) {
    let seed = Seed::from_yaml("vim_accounts: [{name: site}]", "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(Release::R19).profile(Profile::instant()).seed(seed);
    let user = User::login(&nbi.build().unwrap()).await;
    machine["virtual-storage-desc"] = json!(["disk"]);
    machine["int-cpd"] = json!([{"id": "eth0-int",
        "virtual-network-interface-requirement": [{"name": "eth0"}]}]);
    let vnfd = json!({"vnfd": {
        "id": "box", "product-name": "box", "mgmt-cp": "outside",
        "ext-cpd": [{"id": "outside", "int-cpd": {"vdu-id": "vm", "cpd": "eth0-int"}}],
        "virtual-storage-desc": [{"id": "disk", "size-of-storage": "10"}],
        "vdu": [machine],
        "df": [{
            "id": "d",
            "vdu-profile": [{"id": "vm", "min-number-of-instances": 1}],
            "instantiation-level": [{"id": "l",
                "vdu-level": [{"vdu-id": "vm", "number-of-instances": 1}]}],
            "scaling-aspect": [{"id": "more", "name": "more", "max-scale-level": 1,
                "aspect-delta-details": {"deltas": [{"id": "one",
                    "vdu-delta": [{"id": "vm", "number-of-instances": 1}]}]}}],
        }],
    }});
    let made = user.call("POST", "/vnfpkgm/v1/vnf_packages_content", Some(vnfd)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let vim_id = user.get("/admin/v1/vim_accounts").await[0]["_id"].clone();
    let creation = json!({
        "vnfdId": "box", "vnfInstanceName": "one", "vnfInstanceDescription": "a box",
        "vimAccountId": vim_id,
        "additionalParams": {
            "virtual-link-desc": [{"id": "mgmt", "mgmt-network": true}],
            "virtual-link-profile-id": "mgmt", "constituent-cpd-id": "outside",
        },
    });
    (user, creation)
}

#[tokio::test(start_paused = true)]
async fn a_vnf_instance_has_an_nsd_and_an_ns_of_its_own() {
    let (user, creation) = site().await;
    let made = user.call("POST", INSTANCES, Some(creation.clone())).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json(), json!({"_id": id, "id": id}));
    let path = format!("{INSTANCES}/{id}");
    assert_eq!(made.header("Location"), format!("/osm{path}"));
    let vnfr = user.get(&path).await;
    assert_eq!(
        (&vnfr["vnfd-ref"], &vnfr["_admin"]["nsState"]),
        (&json!("box"), &json!("NOT_INSTANTIATED"))
    );
    assert_eq!(user.get(INSTANCES).await, json!([vnfr]));
    let nsr = user.get("/nslcm/v1/ns_instances").await[0].clone();
    assert_eq!((&nsr["name"], &nsr["_id"]), (&json!("one-ns"), &vnfr["nsr-id-ref"]));
    assert_eq!(nsr["nsd"]["description"], "a box");
    assert_eq!(
        nsr["vld"][0]["vnfd-connection-point-ref"][0]["vnfd-connection-point-ref"],
        "outside"
    );

    let operate = async |operation: &str, body: Value| {
        let answer = user.call("POST", &format!("{path}/{operation}"), Some(body)).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["nsName"], "one-ns");
        user.get(answer.header("Location").strip_prefix("/osm").unwrap()).await
    };
    operate(
        "instantiate",
        json!({"vnfName": "one-ns", "vnfDescription": "a box",
        "vimAccountId": creation["vimAccountId"]}),
    )
    .await;
    let held = user.call("DELETE", &path, None).await;
    assert_eq!(held.status, 409);
    assert!(held.detail().contains("cannot be deleted because it is in 'INSTANTIATED' state"));
    let more = json!({"type": "SCALE_OUT", "aspectId": "more",
        "additionalParams": {"member-vnf-index": "1"}});
    assert_eq!(operate("scale", more).await["operationState"], "COMPLETED");
    assert_eq!(user.get(&path).await["vdur"].as_array().unwrap().len(), 2);
    operate("terminate", json!({})).await;
    assert_eq!(user.call("DELETE", &path, None).await.status, 204);
    for collection in [Collection::NsInstances, Collection::VnfInstances, Collection::NsDescriptors]
    {
        assert!(user.nbi.records(collection).is_empty(), "{collection:?}");
    }
    refused(
        &user.call("POST", &format!("{path}/terminate"), Some(json!({}))).await,
        404,
        &user.call("GET", &path, None).await.detail().replace("projects_read", "projects_write"),
    );
}

#[tokio::test(start_paused = true)]
async fn a_vnf_instance_that_cannot_be_leaves_nothing_behind() {
    let (user, creation) = site().await;
    for key in ["vnfdId", "vnfInstanceName", "vnfInstanceDescription", "additionalParams"] {
        let mut part = creation.clone();
        part.as_object_mut().unwrap().remove(key);
        refused(&user.call("POST", INSTANCES, Some(part)).await, 400, &format!("'{key}'"));
    }
    let mut unknown = creation.clone();
    unknown["vnfdId"] = json!("no");
    let answer = user.call("POST", INSTANCES, Some(unknown)).await;
    let said = "Descriptor error at 'vnfd-id'='no' references a non existing vnfd";
    refused(&answer, 409, said);
    let mut more = creation;
    more["flavourId"] = json!("small");
    let answer = user.call("POST", INSTANCES, Some(more)).await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.detail().ends_with("while 'validating input parameters'"),
        "{}",
        answer.detail()
    );
    assert!(user.nbi.records(Collection::NsDescriptors).is_empty());
    assert!(user.nbi.records(Collection::NsInstances).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_a_device_takes_a_free_one_of_its_type_and_gives_it_back() {
    let (user, creation) = site_of(json!({"id": "vm", "name": "vm", "pdu-type": "gateway"})).await;
    let vim_id = creation["vimAccountId"].clone();
    let device = async |name: &str, kind: &str, interface: &str, vims: Value| {
        let device = json!({"name": name, "type": kind, "vim_accounts": vims, "interfaces": [
            {"name": interface, "mgmt": true, "ip-address": "10.0.0.7", "vim-network-name": "lan"}]});
        let made = user.call("POST", "/pdu/v1/pdu_descriptors", Some(device)).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        made.json()["id"].as_str().unwrap().to_owned()
    };
    device("other type", "router", "eth0", json!([vim_id])).await;
    device("other interface", "gateway", "eth9", json!([vim_id])).await;
    device("other site", "gateway", "eth0", json!(["d5a6ab54-9bb7-4dc8-9d61-1d3d9b6ee8a3"])).await;
    let made = user.call("POST", INSTANCES, Some(creation)).await.json();
    let instance = format!("{INSTANCES}/{}", made["id"].as_str().unwrap());
    let instantiate = async || {
        let body = json!({"vnfName": "n", "vnfDescription": "a box", "vimAccountId": vim_id});
        user.call("POST", &format!("{instance}/instantiate"), Some(body)).await
    };
    let refusal = instantiate().await;
    assert_eq!(refusal.status, 400);
    let said = format!("No PDU of type=gateway at vim_account={} found", vim_id.as_str().unwrap());
    assert!(refusal.detail().starts_with(&said), "{}", refusal.detail());
    let fitting = device("fitting", "gateway", "eth0", json!([vim_id])).await;
    assert_eq!(instantiate().await.status, 202);
    let vnfr = user.get(&instance).await;
    assert_eq!(vnfr["vdur"][0]["pdu-id"], fitting.as_str());
    assert_eq!(vnfr["vdur"][0]["interfaces"][0]["ip-address"], "10.0.0.7");
    let path = format!("/pdu/v1/pdu_descriptors/{fitting}");
    let usage = user.get(&path).await["_admin"].clone();
    assert_eq!(usage["usageState"], "IN_USE");
    assert_eq!(usage["usage"]["vnfr_id"], vnfr["_id"]);
    let terminate = format!("{instance}/terminate");
    assert_eq!(user.call("POST", &terminate, Some(json!({}))).await.status, 202);
    assert_eq!(user.call("DELETE", &instance, None).await.status, 204);
    assert_eq!(user.get(&path).await["_admin"]["usageState"], "NOT_IN_USE");
}
