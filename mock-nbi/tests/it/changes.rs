//! What changes under an NS instance of release 19, and what its operations go by then.

use mock_nbi::{Collection, MockNbi, OperationResult, Profile, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, User};

const PACKAGES: &str = "/vnfpkgm/v1/vnf_packages";

/// A VNFD of one chart.
fn chart(kdu: &str, software: &str) -> Value {
    json!({"vnfd": {
        "id": "vnf", "product-name": "vnf", "mgmt-cp": "outside", "software-version": software,
        "df": [{"id": "d"}], "ext-cpd": [{"id": "outside", "k8s-cluster-net": "net"}],
        "k8s-cluster": {"nets": [{"id": "net"}]},
        "kdu": [{"name": kdu, "helm-chart": "stable/openldap"}],
    }})
}

/// A VNFD of one machine.
fn machine(memory: &str, software: &str) -> Value {
    json!({"vnfd": {
        "id": "vnf", "product-name": "vnf", "mgmt-cp": "outside", "software-version": software,
        "ext-cpd": [{"id": "outside", "int-cpd": {"vdu-id": "vm", "cpd": "eth0-int"}}],
        "virtual-compute-desc": [{"id": "c", "virtual-memory": {"size": memory}}],
        "virtual-storage-desc": [{"id": "disk", "size-of-storage": "10"}],
        "vdu": [{"id": "vm", "name": "vm", "virtual-compute-desc": "c",
            "virtual-storage-desc": ["disk"],
            "int-cpd": [{"id": "eth0-int",
                "virtual-network-interface-requirement": [{"name": "eth0"}]}]}],
        "df": [{"id": "d", "vdu-profile": [{"id": "vm"}], "instantiation-level": [{"id": "l",
            "vdu-level": [{"vdu-id": "vm", "number-of-instances": 1}]}]}],
    }})
}

fn ns_of_one() -> Value {
    json!({"nsd": {"nsd": [{
        "id": "ns", "name": "ns", "vnfd-id": ["vnf"],
        "virtual-link-desc": [{"id": "net", "mgmt-network": true}],
        "df": [{"id": "d", "vnf-profile": [{"id": "one", "vnfd-id": "vnf",
            "virtual-link-connectivity": [{"virtual-link-profile-id": "net",
                "constituent-cpd-id": [{"constituent-base-element-id": "one",
                    "constituent-cpd-id": "outside"}]}]}]}],
    }]}})
}

/// An instance that runs, of a package that was uploaded as JSON.
struct Site {
    user: User,
    vnfd_id: String,
    nsd_id: String,
    ns_id: String,
    vnf_id: String,
}

impl Site {
    async fn of(release: Release, vnfd: Value) -> Self {
        let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
        let builder = MockNbi::builder().release(release).profile(Profile::manual()).seed(seed);
        let user = User::login(&builder.build().unwrap()).await;
        let made = async |path: &str, body: Value| {
            let answer = user.call("POST", path, Some(body)).await;
            assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
            answer.json()["id"].as_str().unwrap().to_owned()
        };
        let vnfd_id = made("/vnfpkgm/v1/vnf_packages_content", vnfd).await;
        let nsd_id = made("/nsd/v1/ns_descriptors_content", ns_of_one()).await;
        let vim = user.get("/admin/v1/vim_accounts").await[0]["_id"].clone();
        let body = json!({"nsName": "n", "nsdId": nsd_id, "vimAccountId": vim});
        let ns_id = made("/nslcm/v1/ns_instances_content", body).await;
        user.nbi.end_operations(OperationResult::Ok);
        let path = format!("/nslcm/v1/ns_instances/{ns_id}");
        let vnf_id = user.get(&path).await["constituent-vnfr-ref"][0].as_str().unwrap().to_owned();
        Self { user, vnfd_id, nsd_id, ns_id, vnf_id }
    }

    async fn ns(&self) -> Value {
        self.user.get(&format!("/nslcm/v1/ns_instances/{}", self.ns_id)).await
    }

    async fn vnf(&self) -> Value {
        self.user.get(&format!("/nslcm/v1/vnf_instances/{}", self.vnf_id)).await
    }

    async fn replace_package(&self, vnfd: Value) {
        let path = format!("{PACKAGES}/{}/package_content", self.vnfd_id);
        let answer = self.user.call("PUT", &path, Some(vnfd)).await;
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
    }

    async fn operate(&self, operation: &str, body: Value) -> Answer {
        let path = format!("/nslcm/v1/ns_instances/{}/{operation}", self.ns_id);
        self.user.call("POST", &path, Some(body)).await
    }

    /// Starts an operation and lets it end so; gives its record.
    async fn done(&self, operation: &str, body: Value, result: OperationResult) -> Value {
        let answer = self.operate(operation, body).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        self.user.nbi.end_operations(result);
        self.operation(&answer).await
    }

    async fn operation(&self, answer: &Answer) -> Value {
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        self.user.get(&format!("/nslcm/v1/ns_lcm_op_occs/{id}")).await
    }

    async fn update(&self, kind: &str, key: &str, data: Value) -> Value {
        let body = json!({"updateType": kind, key: data});
        self.done("update", body, OperationResult::Ok).await
    }

    async fn change_package(&self) -> Value {
        let data = json!({"vnfInstanceId": self.vnf_id, "vnfdId": self.vnfd_id});
        self.update("CHANGE_VNFPKG", "changeVnfPackageData", data).await
    }
}

fn upgrade(kdu: &str) -> Value {
    json!({"member_vnf_index": "one", "kdu_name": kdu, "primitive": "upgrade",
        "primitive_params": {"replicaCount": "2"}})
}

fn fail() -> OperationResult {
    OperationResult::Fail { detail: "no".into() }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

/// State, `errorMessage` and `detailed-status` of an operation.
fn outcome(operation: &Value) -> (&str, &str, &Value) {
    let word = |key: &str| operation[key].as_str().unwrap_or("none");
    (word("operationState"), word("errorMessage"), &operation["detailed-status"])
}

#[tokio::test(start_paused = true)]
async fn operations_go_by_the_revision_that_the_instance_was_made_of() {
    let no = |kdu: &str| format!("Invalid parameter kdu_name='{kdu}' not present at vnfd:kdu:name");
    let site = Site::of(Release::R19, chart("old", "1.0")).await;
    site.replace_package(chart("new", "2.0")).await;
    assert_eq!(site.vnf().await["revision"], 1);
    refused(&site.operate("action", upgrade("new")).await, 400, &no("new"));
    let done = site.done("action", upgrade("old"), OperationResult::Ok).await;
    assert_eq!(done["operationState"], "COMPLETED");

    let site = Site::of(Release::R10, chart("old", "1.0")).await;
    site.replace_package(chart("new", "2.0")).await;
    refused(&site.operate("action", upgrade("old")).await, 400, &no("old"));
}

#[tokio::test(start_paused = true)]
async fn a_chart_does_not_survive_a_change_to_a_package_of_other_software() {
    let site = Site::of(Release::R19, chart("old", "1.0")).await;
    let same = site.change_package().await;
    assert_eq!(outcome(&same), ("COMPLETED", "", &Value::Null), "there was nothing to do");
    site.replace_package(chart("old", "2.0")).await;
    let changed = site.change_package().await;
    // OSM looks for machines in it.
    let told = "Error updating VNF 'vdu'";
    assert_eq!(outcome(&changed), ("FAILED", told, &json!(told)));
    let ns = site.ns().await;
    assert_eq!(
        (&ns["operational-status"], &ns["detailed-status"]),
        (&json!("failed"), &json!(told))
    );
    assert_eq!(site.vnf().await["revision"], 2, "and yet it counts as changed");
}

#[tokio::test(start_paused = true)]
async fn machines_are_made_anew_when_their_package_has_other_software() {
    let site = Site::of(Release::R19, machine("1.0", "1.0")).await;
    let vertical = json!({"vnfInstanceId": site.vnf_id, "vnfdId": site.vnfd_id, "vduId": "vm",
        "countIndex": 0});
    let scaled = site.update("VERTICAL_SCALE", "verticalScaleVnf", vertical.clone()).await;
    let told = format!(
        "FAILED Checking for flavor change: No change in software_version of vnfd {}",
        site.vnfd_id
    );
    assert_eq!(outcome(&scaled), ("FAILED", told.as_str(), &json!(told)));

    let before = site.vnf().await;
    site.replace_package(machine("2.0", "2.0")).await;
    let scaled = site.update("VERTICAL_SCALE", "verticalScaleVnf", vertical).await;
    assert_eq!(outcome(&scaled), ("COMPLETED", "", &json!("Done")));
    let changed = site.change_package().await;
    assert_eq!(outcome(&changed), ("COMPLETED", "", &json!("Done")));
    let after = site.vnf().await;
    assert_eq!((&before["revision"], &after["revision"]), (&json!(1), &json!(2)));
    let machine = &after["vdur"][0];
    assert_ne!(machine["_id"], before["vdur"][0]["_id"]);
    assert_eq!(changed["operationParams"]["newVdur"][0]["_id"], machine["_id"]);
    assert_eq!(machine["status"], "ACTIVE");
    let ns = site.ns().await;
    let flavors = ns["flavor"].as_array().unwrap();
    assert_eq!(flavors.len(), 2);
    assert_eq!(flavors[1]["name"], "vm-one-2-flv");
    assert_eq!(machine["ns-flavor-id"], flavors[1]["id"]);
    assert_eq!(flavors[1]["memory-mb"], 2048.0);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_not_there_is_not_started() {
    let site = Site::of(Release::R19, machine("1.0", "1.0")).await;
    let operate = async |state: &str, count: u8| {
        let data = json!({"vnfInstanceId": site.vnf_id, "changeStateTo": state,
            "additionalParam": {"vdu_id": "vm", "count-index": count}});
        site.update("OPERATE_VNF", "operateVnfData", data).await
    };
    assert_eq!(outcome(&operate("stop", 0).await), ("COMPLETED", "", &json!("Done")));
    let told = "Target vdu is not found";
    assert_eq!(outcome(&operate("console", 1).await), ("FAILED", told, &json!(told)));
    let told = "FAILED Getting nsr from database: Traceback (most recent call last):\nTypeError: \
                object of type 'NoneType' has no len()\n";
    assert_eq!(outcome(&operate("start", 1).await), ("FAILED", told, &json!(told)));
    let data = json!({"vnfInstanceId": site.vnf_id, "changeStateTo": "stop"});
    let bare = site.update("OPERATE_VNF", "operateVnfData", data).await;
    assert!(bare["errorMessage"].as_str().unwrap().ends_with("KeyError: 'additionalParam'\n"));
    let other = json!({"vnfInstanceId": site.vnf_id, "vnfdId": site.vnfd_id});
    let modified = site.update("MODIFY_VNF_INFORMATION", "modifyVnfInfoData", other).await;
    assert_eq!(outcome(&modified), ("COMPLETED", "", &Value::Null), "OSM does nothing of it");
}

#[tokio::test(start_paused = true)]
async fn healings_and_migrations_that_fail_leave_their_own_words() {
    let site = Site::of(Release::R19, machine("1.0", "1.0")).await;
    let heal = json!({"healVnfData": [{"vnfInstanceId": site.vnf_id}]});
    let made = site.vnf().await["_admin"]["modified"].as_f64().unwrap();
    site.user.nbi.advance(std::time::Duration::from_secs(5));
    let healed = site.done("heal", heal.clone(), OperationResult::Ok).await;
    assert_eq!(outcome(&healed), ("COMPLETED", "none", &json!("Done")));
    assert!(site.vnf().await["_admin"]["modified"].as_f64().unwrap() >= made + 5.0);
    let healed = site.done("heal", heal, fail()).await;
    let told = "FAILED Getting vnfrs from db: no";
    assert_eq!(outcome(&healed), ("FAILED", told, &json!(told)));
    let ns = site.ns().await;
    assert_eq!(ns["operational-status"], "running");
    let told = format!(
        "FAILED healing nslcmop={} Getting vnfrs from db: no",
        healed["_id"].as_str().unwrap()
    );
    assert_eq!(ns["detailed-status"], told);

    let migrate = json!({"vnfInstanceId": site.vnf_id, "migrateToHost": "h"});
    let migrated = site.done("migrate", migrate, fail()).await;
    let told = "FAILED Getting nslcmop from database: no";
    assert_eq!(outcome(&migrated), ("FAILED", "", &json!(told)), "the message stays empty");
    assert_eq!(site.ns().await["currentOperation"], "IDLE");
}

#[tokio::test(start_paused = true)]
async fn cancelled_by_force_a_running_operation_makes_room_for_the_next() {
    let site = Site::of(Release::R19, chart("old", "1.0")).await;
    let running = site.operate("action", upgrade("old")).await;
    let next = site.operate("action", upgrade("old")).await;
    let last = site
        .operate(
            "update",
            json!({"updateType": "REMOVE_VNF",
        "removeVnfInstanceId": site.vnf_id}),
        )
        .await;
    let cancel = async |operation: &Answer, mode: &str| {
        let id = operation.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/nslcm/v1/ns_lcm_op_occs/{id}/cancel");
        let answer = site.user.call("POST", &path, Some(json!({"cancelMode": mode}))).await;
        assert_eq!(answer.status, 202);
        site.operation(operation).await
    };
    let dropped = cancel(&last, "FORCEFUL").await;
    let told = "FAILED Waiting for previous operations to terminate: Operation was cancelled";
    assert_eq!(outcome(&dropped), ("FAILED_TEMP", told, &json!(told)));
    assert_eq!(site.ns().await["currentOperation"], "RUNNING ACTION");
    let cancelled = cancel(&running, "FORCEFUL").await;
    let told = "FAILED Executing kdu upgrade: Operation was cancelled";
    assert_eq!(outcome(&cancelled), ("FAILED_TEMP", told, &json!(told)));
    assert_eq!(cancelled["isCancelPending"], false);
    assert!(cancelled.get("cancelMode").is_none());
    let ns = site.ns().await;
    assert_eq!(ns["currentOperationID"], next.json()["id"]);
    site.user.nbi.end_operations(OperationResult::Ok);
    assert_eq!(site.operation(&next).await["operationState"], "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn packages_that_were_deleted_by_force_are_missed() {
    let gone = |what: &str, id: &str| {
        format!(
            "database exception database exception Not found any {what} with \
             filter='{{'_id': '{id}'}}'"
        )
    };
    for release in [Release::R10, Release::R19] {
        let site = Site::of(release, chart("old", "1.0")).await;
        let force = async |path: String| {
            let answer = site.user.call("DELETE", &format!("{path}?FORCE"), None).await;
            assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        };
        force(format!("/nsd/v1/ns_descriptors/{}", site.nsd_id)).await;
        if release == Release::R19 {
            let data = json!({"vnfInstanceId": site.vnf_id, "vnfdId": site.vnfd_id});
            let body = json!({"updateType": "CHANGE_VNFPKG", "changeVnfPackageData": data});
            refused(&site.operate("update", body).await, 404, &gone("nsd", &site.nsd_id));
        }
        force(format!("{PACKAGES}/{}", site.vnfd_id)).await;
        let told =
            format!("vnfd id={} has been deleted!. Operation cannot be performed", site.vnfd_id);
        refused(&site.operate("action", upgrade("old")).await, 400, &told);
        let report = format!("/nspm/v1/pm_jobs/{0}/reports/{0}", site.ns_id);
        let report = site.user.call("GET", &report, None).await;
        refused(&report, 404, &gone("vnfd", &site.vnfd_id));
        // Release 19 says what it misses, and yet the instance is gone.
        let path = format!("/nslcm/v1/ns_instances/{}?FORCE", site.ns_id);
        let answer = site.user.call("DELETE", &path, None).await;
        match release {
            Release::R19 => refused(&answer, 404, &gone("nsd", &site.nsd_id)),
            _ => assert_eq!(answer.status, 204),
        }
        assert_eq!(site.user.get("/nslcm/v1/ns_instances").await, json!([]));
        assert_eq!(site.user.get("/nslcm/v1/vnf_instances").await, json!([]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_package_leaves_none_of_its_revisions() {
    let site = Site::of(Release::R19, chart("old", "1.0")).await;
    site.replace_package(chart("old", "2.0")).await;
    site.replace_package(chart("old", "3.0")).await;
    let revisions = || site.user.nbi.records(Collection::VnfPackageRevisions).len();
    assert_eq!(revisions(), 3);
    site.done("terminate", json!({}), OperationResult::Ok).await;
    for path in [
        format!("/nslcm/v1/ns_instances/{}", site.ns_id),
        format!("/nsd/v1/ns_descriptors/{}", site.nsd_id),
        format!("{PACKAGES}/{}", site.vnfd_id),
    ] {
        let gone = site.user.call("DELETE", &path, None).await;
        assert_eq!(gone.status, 204, "{path}: {}", String::from_utf8_lossy(&gone.body));
    }
    assert_eq!(revisions(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_instance_tells_of_an_update_only_where_machines_were_made_anew() {
    let site = Site::of(Release::R19, machine("1.0", "1.0")).await;
    let mark = |ns: &mut Value| ns["detailed-status"] = json!("as before");
    assert!(site.user.nbi.edit(Collection::NsInstances, &site.ns_id, mark));
    assert_eq!(site.change_package().await["operationState"], "COMPLETED");
    assert_eq!(site.ns().await["detailed-status"], "as before");
    site.replace_package(machine("2.0", "2.0")).await;
    assert_eq!(site.change_package().await["operationState"], "COMPLETED");
    assert_eq!(site.ns().await["detailed-status"], "Done");
}

#[tokio::test(start_paused = true)]
async fn an_update_is_checked_where_it_says_something_and_given_the_time_it_needs() {
    let site = Site::of(Release::R19, machine("1.0", "1.0")).await;
    let vertical = |data: Value| json!({"updateType": "VERTICAL_SCALE", "verticalScaleVnf": data});
    let wrong = json!({"vnfInstanceId": site.vnf_id, "vnfdId": site.vnfd_id, "vduId": "no",
        "countIndex": 0});
    let said = "Invalid parameter vdu_id='no' not present at vnfd:vdu:id";
    refused(&site.operate("update", vertical(wrong)).await, 400, said);
    let data = json!({"vnfInstanceId": site.vnf_id, "vnfdId": site.vnfd_id});
    let change = |seconds: u32| {
        json!({"updateType": "CHANGE_VNFPKG", "changeVnfPackageData": data,
            "timeout_ns_update": seconds})
    };
    assert_eq!(site.operate("update", change(299)).await.status, 422);
    assert_eq!(site.operate("update", change(300)).await.status, 202);
}

#[tokio::test(start_paused = true)]
async fn a_vnf_has_the_address_of_its_management_interface() {
    let mut vnfd = machine("1.0", "1.0");
    let points = vnfd["vnfd"]["vdu"][0]["int-cpd"].as_array_mut().unwrap();
    points.insert(
        0,
        json!({"id": "data-int",
        "virtual-network-interface-requirement": [{"name": "data"}]}),
    );
    let site = Site::of(Release::R19, vnfd).await;
    let vnf = site.vnf().await;
    let interfaces = vnf["vdur"][0]["interfaces"].as_array().unwrap();
    assert_eq!(interfaces.len(), 2);
    let managed: Vec<&Value> =
        interfaces.iter().filter(|interface| interface["mgmt-interface"] == true).collect();
    assert_eq!(managed.len(), 1, "{interfaces:?}");
    assert!(managed[0]["ip-address"].is_string());
    assert_eq!(vnf["ip-address"], managed[0]["ip-address"]);
    assert_eq!(vnf["vdur"][0]["ip-address"], managed[0]["ip-address"]);
    assert!(interfaces[0]["ip-address"] != interfaces[1]["ip-address"], "{interfaces:?}");
}
