//! Templates of instantiation parameters (release 19), from their upload to the instances made of
//! them.

use mock_nbi::{Collection, MockNbi, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, Stocked, stocked};

const TEMPLATES: &str = "/nsd/v1/ns_config_template";

async fn stock(release: Release) -> Stocked {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    stocked(&MockNbi::builder().release(release).seed(seed).build().unwrap()).await
}

impl Stocked {
    fn template(&self, name: &str, config: &Value) -> Value {
        json!({"name": name, "nsdId": self.nsd_id, "config": config})
    }

    async fn post_template(&self, name: &str, config: &Value) -> Answer {
        self.user.call("POST", TEMPLATES, Some(self.template(name, config))).await
    }

    async fn create_template(&self, name: &str, config: &Value) -> String {
        let made = self.post_template(name, config).await;
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("Location"), format!("/osm{TEMPLATES}/{id}"));
        id
    }

    async fn put_template(&self, id: &str, body: Value) -> Answer {
        self.user.call("PUT", &format!("{TEMPLATES}/{id}/template_content"), Some(body)).await
    }
}

/// Parameters for the member of the captured NSD.
fn params(replicas: u8) -> Value {
    json!({"additionalParamsForVnf": [{"member-vnf-index": "openldap", "additionalParamsForKdu":
        [{"kdu_name": "ldap", "additionalParams": {"replicaCount": replicas}}]}]})
}

#[track_caller]
fn refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

const INVALID: &str = "Error in instantiation parameters validation: ";

#[tokio::test(start_paused = true)]
async fn a_template_is_made_whole_and_shown_as_it_is_kept() {
    let stock = stock(Release::R19Recorded).await;
    let part = stock.user.call("POST", TEMPLATES, Some(json!({"name": "a"}))).await;
    refused(&part, 422, "Format error  ''nsdId' is a required property' ");
    let mut more = stock.template("a", &json!({}));
    more["vendor"] = json!("us");
    let more = stock.user.call("POST", TEMPLATES, Some(more)).await;
    assert!(more.detail().contains("('vendor' was unexpected)"), "{}", more.detail());
    assert!(stock.user.nbi.records(Collection::NsConfigTemplates).is_empty());

    let id = stock.create_template("a", &params(1)).await;
    let path = format!("{TEMPLATES}/{id}");
    let shown = stock.user.get(&path).await;
    assert_eq!(shown["config"], params(1));
    assert_eq!(shown["_admin"]["onboardingState"], "ONBOARDED");
    assert_eq!(shown["_admin"]["usageState"], "NOT_IN_USE");
    assert_eq!(shown["_admin"]["revision"], 1);
    assert_eq!(shown["_admin"]["storage"]["descriptor"], "package");
    assert!(shown.get("_links").is_none());
    assert_eq!(stock.user.get(&format!("{path}/template_content")).await, shown);
    assert_eq!(stock.user.get(TEMPLATES).await, json!([shown]));
    let patched = stock.user.call("PATCH", &path, Some(json!({"name": "b"}))).await;
    refused(&patched, 405, "Method PATCH not supported for this URL");
    assert_eq!(stock.user.call("DELETE", &path, None).await.status, 204);
    assert_eq!(stock.user.call("GET", &path, None).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn another_upload_changes_name_and_parameters_and_not_the_nsd() {
    let stock = stock(Release::R19Recorded).await;
    stock.create_template("a", &json!({})).await;
    let taken = stock.post_template("a", &json!({})).await;
    refused(&taken, 422, &format!("{INVALID}a of the template already exist"));
    let id = stock.create_template("b", &params(1)).await;
    let taken = stock.put_template(&id, json!({"name": "a"})).await;
    refused(&taken, 422, &format!("{INVALID}a of the template already exist"));
    let moved = stock.put_template(&id, json!({"nsdId": stock.nsd_id})).await;
    refused(&moved, 422, &format!("{INVALID}Nsd id cannot be edited"));
    let networks = json!({"vld": [{"name": "mgmtnet", "vim-network-name": "public"}]});
    let changed = stock.put_template(&id, json!({"name": "c", "config": networks})).await;
    assert_eq!(changed.status, 204);
    let shown = stock.user.get(&format!("{TEMPLATES}/{id}")).await;
    assert_eq!(shown["name"], "c");
    assert_eq!(shown["config"], networks, "parameters come whole");
    assert_eq!(shown["_admin"]["revision"], 2);
}

#[tokio::test(start_paused = true)]
async fn parameters_are_checked_as_an_instantiation_checks_them() {
    let stock = stock(Release::R19Recorded).await;
    let both = json!({"vnf": [{"member-vnf-index": "1",
        "vdu": [{"id": "v", "vim-flavor-name": "a", "vim-flavor-id": "b"}]}]});
    let exclusive = "Instantiation parameters vim-flavor-name and vim-flavor-id are mutually \
                     exclusive";
    for (config, complaint) in [
        (json!({"additionalParamsForNs": {"a": 1}}), "'additionalParamsForNs'"),
        (json!({"vnf": [{"member-vnf-index": "1"}]}), "'NoneType' object is not iterable"),
        (json!({"vnf": ["a"]}), "'str' object has no attribute 'get'"),
        (json!({"vnf": 5}), "'int' object is not iterable"),
        (both, exclusive),
        (json!({"vld": [{}]}), "Format error at '0' ''name' is a required property' "),
        (json!({"additionalParamsForVnf": {}}), "Format error  '{} is not of type 'array'' "),
    ] {
        let answer = stock.post_template("a", &config).await;
        refused(&answer, 422, &format!("{INVALID}{complaint}"));
    }
    let id = stock.create_template("a", &params(1)).await;
    let listed = stock.put_template(&id, json!({"config": [1]})).await;
    refused(&listed, 422, &format!("{INVALID}'list' object has no attribute 'items'"));
}

#[tokio::test(start_paused = true)]
async fn an_instance_takes_the_parameters_of_its_template_and_holds_it() {
    let stock = stock(Release::R19Recorded).await;
    let template = stock.create_template("a", &params(3)).await;
    let mut body = stock.creation("n", &json!({"replicaCount": 1}));
    body["nsConfigTemplateId"] = json!(template);
    let made = stock.user.call("POST", "/nslcm/v1/ns_instances_content", Some(body.clone())).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let ns_id = made.json()["id"].as_str().unwrap().to_owned();
    let vnfr = &stock.user.get("/nslcm/v1/vnfrs").await[0];
    assert_eq!(vnfr["kdur"][0]["additionalParams"], "{\"replicaCount\": 3}");
    let nsr = stock.user.get(&format!("/nslcm/v1/ns_instances/{ns_id}")).await;
    assert_eq!(nsr["instantiate_params"]["nsConfigTemplateId"], template);

    let path = format!("{TEMPLATES}/{template}");
    assert_eq!(stock.user.get(&path).await["_admin"]["usageState"], "IN_USE");
    let held = stock.user.call("DELETE", &path, None).await;
    refused(&held, 409, "There is at least one NS instance using this template");
    let forced = format!("/nslcm/v1/ns_instances/{ns_id}?FORCE=1");
    assert_eq!(stock.user.call("DELETE", &forced, None).await.status, 204);
    assert_eq!(stock.user.get(&path).await["_admin"]["usageState"], "NOT_IN_USE");

    body["nsConfigTemplateId"] = json!("00000000-0000-4000-8000-000000000000");
    let unknown = stock.user.call("POST", "/nslcm/v1/ns_instances", Some(body)).await;
    refused(&unknown, 400, "'NoneType' object has no attribute 'get'");
}

#[tokio::test(start_paused = true)]
async fn templates_go_with_their_nsd() {
    let stock = stock(Release::R19Recorded).await;
    stock.create_template("a", &json!({})).await;
    stock.create_template("b", &json!({})).await;
    let nsd = format!("/nsd/v1/ns_descriptors/{}", stock.nsd_id);
    assert_eq!(stock.user.call("DELETE", &nsd, None).await.status, 204);
    assert_eq!(stock.user.get(TEMPLATES).await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn earlier_releases_have_no_templates() {
    let stock = stock(Release::R10).await;
    for path in [TEMPLATES.to_owned(), format!("{TEMPLATES}/x/template_content")] {
        let answer = stock.user.call("GET", &path, None).await;
        refused(&answer, 405, "Unexpected URL item ns_config_template");
    }
}
