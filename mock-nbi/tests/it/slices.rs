//! Network slice instances by the requests of the `osm` command line (`nsi-create`, `nsi-list`,
//! `nsi-show`, `nsi-op-list`, `nsi-op-show`, `nsi-delete`), and those beside them.

use mock_nbi::{Collection, MockNbi, OperationResult, Profile, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, User, old_stock, stocked};

const CONTENT: &str = "/nsilcm/v1/netslice_instances_content";
const SLICES: &str = "/nsilcm/v1/netslice_instances";

struct Site {
    user: User,
    nst_id: String,
    vim_id: String,
}

/// A site with a template of two subnets and two links, the second of each shared.
async fn site(release: Release) -> Site {
    site_of(release, Profile::instant()).await
}

async fn site_of(release: Release, profile: Profile) -> Site {
    let (stock, nsd, point) = if release == Release::R8 {
        (old_stock().await, "old_ns", "outside")
    } else {
        let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
        let nbi = MockNbi::builder().release(release).profile(profile).seed(seed);
        let nbi = nbi.build().unwrap();
        (stocked(&nbi).await, "openldap_ns", "mgmt-ext")
    };
    let link = |id: &str| {
        json!({"id": id, "name": id, "type": "ELAN",
            "nss-connection-point-ref": [{"nss-ref": id, "nsd-connection-point-ref": point}]})
    };
    let template = json!({"nst": [{"id": "slice", "name": "slice", "netslice-subnet": [
        {"id": "own", "nsd-ref": nsd, "description": "d", "is-shared-nss": "false"},
        {"id": "common", "nsd-ref": nsd, "description": "d", "is-shared-nss": "true"},
    ], "netslice-vld": [link("own"), link("common")]}]});
    let path = "/nst/v1/netslice_templates_content";
    let made = stock.user.call("POST", path, Some(template)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let nst_id = made.json()["id"].as_str().unwrap().to_owned();
    Site { user: stock.user, nst_id, vim_id: stock.vim_id }
}

impl Site {
    fn creation(&self, name: &str) -> Value {
        // What the first primitive of release 8's descriptor asks for.
        let params = |id: &str| {
            json!({"id": id, "additionalParamsForVnf": [
                {"member-vnf-index": "1", "additionalParams": {"file": "f"}}]})
        };
        json!({"nstId": self.nst_id, "nsiName": name, "nsiDescription": "default description",
            "vimAccountId": self.vim_id, "netslice-subnet": [params("own"), params("common")]})
    }

    /// Makes a slice in one step, as `nsi-create` does; gives its id and the operation's.
    async fn create(&self, name: &str) -> (String, String) {
        let answer = self.user.call("POST", CONTENT, Some(self.creation(name))).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let word = |key: &str| answer.json()[key].as_str().unwrap().to_owned();
        assert_eq!(answer.header("Location"), format!("/osm{CONTENT}/{}", word("id")));
        (word("id"), word("nsilcmop_id"))
    }

    async fn count(&self, path: &str) -> usize {
        self.user.get(path).await.as_array().unwrap().len()
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn the_command_lines_requests_make_show_and_delete_a_slice() {
    for release in [Release::R8, Release::R10, Release::R19Recorded] {
        let site = site(release).await;
        let (id, op_id) = site.create("s").await;
        assert_eq!(site.count(CONTENT).await, 1);
        let slice = site.user.get(&format!("{CONTENT}/{id}")).await;
        assert_eq!(slice["name"], "s");
        assert_eq!(slice["_admin"]["nsiState"], "INSTANTIATED");
        assert_eq!(slice["operational-status"], "running");
        assert_eq!(slice["detailed-status"], "done");
        let members = slice["_admin"]["nsrs-detailed-list"].as_array().unwrap();
        assert_eq!(members.len(), 2);
        assert_eq!(members[1]["shared"], true);
        assert_eq!(slice["nsr-ref-list"][0]["nsr-ref"], members[0]["nsrId"]);
        let subnet = &slice["network-slice-template"]["netslice-subnet"][0];
        assert_eq!(subnet["_id"], slice["_admin"]["netslice-subnet"][0]["nsdId"]);
        let ns = site.user.get("/nslcm/v1/ns_instances?name=s.own").await;
        assert_eq!(ns[0]["nsState"], "READY");
        let ops =
            site.user.get(&format!("/nsilcm/v1/nsi_lcm_op_occs?netsliceInstanceId={id}")).await;
        assert_eq!(ops.as_array().unwrap().len(), 1);
        let op = site.user.get(&format!("/nsilcm/v1/nsi_lcm_op_occs/{op_id}")).await;
        assert_eq!(op["operationState"], "COMPLETED");
        assert_eq!(op["operationParams"]["nslcmops_ids"].as_array().unwrap().len(), 2);
        let template = format!("/nst/v1/netslice_templates/{}", site.nst_id);
        assert_eq!(site.user.get(&template).await["_admin"]["usageState"], "IN_USE");
        let gone = site.user.call("DELETE", &format!("{CONTENT}/{id}"), None).await;
        assert_eq!(gone.status, 202);
        assert!(gone.json()["_id"].is_string());
        assert_eq!(site.count(CONTENT).await, 0);
        assert_eq!(site.count("/nslcm/v1/ns_instances").await, 0);
        assert_eq!(site.count("/nsilcm/v1/nsi_lcm_op_occs").await, 0);
        assert_eq!(site.user.get(&template).await["_admin"]["usageState"], "NOT_IN_USE");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slice_comes_in_two_steps_and_is_terminated_before_it_is_deleted() {
    let site = site(Release::R10).await;
    let made = site.user.call("POST", SLICES, Some(site.creation("s"))).await;
    assert_eq!(made.status, 201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{SLICES}/{id}");
    assert_eq!(site.user.get(&path).await["_admin"]["nsiState"], "NOT_INSTANTIATED");
    let operate = async |operation: &str, body: Value| {
        site.user.call("POST", &format!("{path}/{operation}"), Some(body)).await
    };
    let said =
        format!("netslice_instance '{id}' cannot be 'terminate' because it is not instantiated");
    refused(&operate("terminate", json!({})).await, 409, &said);
    let body = site.creation("s");
    let started = operate("instantiate", body.clone()).await;
    assert_eq!(started.status, 202);
    let op_id = started.json()["id"].as_str().unwrap().to_owned();
    let place = format!("/osm/nsilcm/v1/nsi_lcm_op_occs/{op_id}");
    assert_eq!(started.header("Location"), place);
    let said = format!(
        "netslice_instance '{id}' cannot be 'instantiate' because it is already instantiated"
    );
    refused(&operate("instantiate", body).await, 409, &said);
    let said = format!(
        "nsi '{id}' cannot be deleted because it is in 'INSTANTIATED' state. Launch 'terminate' \
         operation first; or force deletion"
    );
    refused(&site.user.call("DELETE", &path, None).await, 409, &said);
    // OSM's table has the URL; its code has no such operation.
    refused(&operate("action", json!({})).await, 400, "'action'");
    let member = site.user.get("/nslcm/v1/ns_instances").await[0]["_id"].clone();
    let member = format!("/nslcm/v1/ns_instances/{}/terminate", member.as_str().unwrap());
    let answer = site.user.call("POST", &member, Some(json!({}))).await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().ends_with(&format!("because is used by the slice {id}")));
    assert_eq!(operate("terminate", json!({})).await.status, 202);
    let slice = site.user.get(&path).await;
    assert_eq!(slice["_admin"]["nsiState"], "NOT_INSTANTIATED");
    assert_eq!(slice["operational-status"], "terminated");
    assert_eq!(site.user.call("DELETE", &path, None).await.status, 204);
    assert_eq!(site.count(SLICES).await, 0);
    assert_eq!(site.count("/nslcm/v1/ns_instances").await, 0);
}

#[tokio::test(start_paused = true)]
async fn slices_share_the_instance_of_a_shared_subnet() {
    let site = site(Release::R10).await;
    let (first, _) = site.create("a").await;
    let (second, _) = site.create("b").await;
    assert_eq!(site.count("/nslcm/v1/ns_instances").await, 3);
    let gone = site.user.call("DELETE", &format!("{CONTENT}/{first}"), None).await;
    assert_eq!(gone.status, 202);
    let left = site.user.get("/nslcm/v1/ns_instances").await;
    let names: Vec<&str> =
        left.as_array().unwrap().iter().map(|ns| ns["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a.common", "b.own"]);
    assert!(left.as_array().unwrap().iter().all(|ns| ns["nsState"] == "READY"), "{left}");
    site.user.call("DELETE", &format!("{CONTENT}/{second}"), None).await;
    assert_eq!(site.count("/nslcm/v1/ns_instances").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shared_instance_stands_at_the_links_of_shared_subnets() {
    for release in [Release::R8, Release::R10, Release::R19Recorded] {
        let site = site(release).await;
        let made = site.user.call("POST", SLICES, Some(site.creation("a"))).await;
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let lists = async |id: &str| {
            let slice = site.user.get(&format!("{SLICES}/{id}")).await;
            let links = slice["_admin"]["netslice-vld"].as_array().unwrap().clone();
            links.iter().map(|link| link["shared-nsrs-list"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(lists(&id).await, [json!([]), json!([])]);
        let path = format!("{SLICES}/{id}/instantiate");
        let started = site.user.call("POST", &path, Some(site.creation("a"))).await;
        assert_eq!(started.status, 202, "{}", String::from_utf8_lossy(&started.body));
        let shared = site.user.get("/nslcm/v1/ns_instances?name=a.common").await[0]["_id"].clone();
        assert_eq!(lists(&id).await, [json!([]), json!([shared])]);
        let (other, _) = site.create("b").await;
        assert_eq!(lists(&other).await, [json!([]), json!([shared])]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_impossible_slice_leaves_nothing_behind() {
    let site = site(Release::R10).await;
    let mut body = site.creation("s");
    body["nstId"] = json!("no");
    let answer = site.user.call("POST", CONTENT, Some(body)).await;
    assert_eq!(answer.status, 400);
    let said = "Error getting nstd id='no' from database: database exception";
    assert!(answer.detail().starts_with(said), "{}", answer.detail());
    let mut body = site.creation("s");
    body["vimAccountId"] = json!("00000000-0000-4000-8000-000000000000");
    assert_eq!(site.user.call("POST", CONTENT, Some(body)).await.status, 400);
    assert!(site.user.nbi.records(Collection::NsInstances).is_empty());
    assert!(site.user.nbi.records(Collection::SliceInstances).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_operation_on_a_slice_ends_with_those_on_its_instances() {
    let site = site_of(Release::R10, Profile::manual()).await;
    let (id, op_id) = site.create("s").await;
    let state = async |op_id: &str| {
        let path = format!("/nsilcm/v1/nsi_lcm_op_occs/{op_id}");
        site.user.get(&path).await["operationState"].clone()
    };
    assert_eq!(state(&op_id).await, "PROCESSING");
    site.user.nbi.end_operations(OperationResult::Ok);
    assert_eq!(state(&op_id).await, "COMPLETED");
    let path = format!("{SLICES}/{id}/terminate");
    let ended = site.user.call("POST", &path, Some(json!({}))).await;
    assert_eq!(ended.status, 202);
    let members =
        site.user.get(&format!("{SLICES}/{id}")).await["_admin"]["nsrs-detailed-list"].clone();
    // Who shares an instance forgets what started it; its own ones remember.
    for member in members.as_array().unwrap() {
        let is_shared = member["shared"] == true;
        assert_eq!(member["nslcmop_instantiate"].is_null(), is_shared, "{member}");
    }
    let op_id = ended.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(state(&op_id).await, "PROCESSING");
    site.user.nbi.end_operations(OperationResult::Ok);
    assert_eq!(state(&op_id).await, "COMPLETED");
}

#[tokio::test(start_paused = true)]
async fn a_slice_ends_though_an_instance_of_it_is_gone() {
    let site = site(Release::R10).await;
    let (id, _) = site.create("s").await;
    let own = site.user.get("/nslcm/v1/ns_instances?name=s.own").await[0]["_id"].clone();
    let own = format!("/nslcm/v1/ns_instances/{}?FORCE", own.as_str().unwrap());
    assert_eq!(site.user.call("DELETE", &own, None).await.status, 204);
    let gone = site.user.call("DELETE", &format!("{CONTENT}/{id}"), None).await;
    assert_eq!(gone.status, 202, "{}", String::from_utf8_lossy(&gone.body));
    assert_eq!(site.count(CONTENT).await, 0);
    assert_eq!(site.count("/nslcm/v1/ns_instances").await, 0);
}

#[tokio::test(start_paused = true)]
async fn release_19_leaves_an_idle_slice_that_is_deleted_in_one_step() {
    for (release, left) in [(Release::R10, 0), (Release::R19Recorded, 1)] {
        let site = site(release).await;
        let made = site.user.call("POST", SLICES, Some(site.creation("s"))).await;
        let path = format!("{CONTENT}/{}", made.json()["id"].as_str().unwrap());
        assert_eq!(site.user.call("DELETE", &path, None).await.status, 204, "{release:?}");
        assert_eq!(site.count(SLICES).await, left, "{release:?}");
    }
}
