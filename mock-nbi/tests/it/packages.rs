//! Packages of all kinds beyond what the recordings show.

use mock_nbi::{Collection, MockNbi, Release};
use serde_json::json;

use crate::client::{Answer, User, send};

const VNF: &str = "/vnfpkgm/v1/vnf_packages_content";
const KNF: &str =
    "vnfd: {id: k, product-name: k, df: [{id: d}], kdu: [{name: a, helm-chart: repo/chart}]}";
const NSD: &str = "nsd: {nsd: [{id: n, vnfd-id: [k], \
                   df: [{id: d, vnf-profile: [{id: '1', vnfd-id: k}]}]}]}";

async fn user(release: Release) -> User {
    User::login(&MockNbi::builder().release(release).build().unwrap()).await
}

/// Sends a YAML body.
async fn send_yaml(user: &User, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", user.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/yaml"),
        ("Accept", "application/json"),
    ];
    let target = format!("/osm{path}");
    send(&user.nbi, method, &target, &headers, Some(body.as_bytes())).await.unwrap()
}

/// Creates something and gives its id.
async fn create(user: &User, path: &str, body: &str) -> String {
    let answer = send_yaml(user, "POST", path, body).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_list_of_one_that_is_no_descriptor_is_refused_in_python_s_words() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let user = user(release).await;
        let path = "/nsd/v1/ns_descriptors_content";
        for (element, detail) in [
            ("text", "string indices must be integers, not 'str'"),
            ("''", "'str' object does not support item assignment"),
            ("[text]", "list indices must be integers or slices, not str"),
            ("7", "'int' object is not iterable"),
        ] {
            let body = format!("nsd: {{nsd: [{element}]}}\nnsd-catalog: {{nsd: [{element}]}}");
            let refused = send_yaml(&user, "POST", path, &body).await;
            assert_eq!((refused.status, refused.detail().as_str()), (400, detail), "{element}");
        }
        assert_eq!(user.nbi.records(Collection::NsDescriptors).len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn slice_templates_are_made_of_ns_descriptors_and_hold_them() {
    let user = user(Release::R10).await;
    let path = "/nst/v1/netslice_templates_content";
    let nst = "nst: [{id: s, netslice-subnet: [{id: a, nsd-ref: n, is-shared-nss: 'false'}]}]";
    let missing = send_yaml(&user, "POST", path, nst).await;
    assert_eq!(missing.status, 409);
    assert_eq!(
        missing.detail(),
        "Descriptor error at 'netslice-subnet':'nsd-ref'='n' references a non existing nsd"
    );
    create(&user, VNF, KNF).await;
    let nsd = create(&user, "/nsd/v1/ns_descriptors_content", NSD).await;
    let id = create(&user, path, nst).await;
    let template = user.get(&format!("/nst/v1/netslice_templates/{id}")).await;
    assert_eq!(template["netslice-subnet"][0]["is-shared-nss"], false);
    assert_eq!(template["_links"]["nst"]["href"], format!("/nst/v1/netslice_templates/{id}/nst"));
    assert_eq!(template["onboardingState"], "ONBOARDED");
    let held = user.call("DELETE", &format!("/nsd/v1/ns_descriptors/{nsd}"), None).await;
    assert_eq!(held.status, 409);
    assert_eq!(
        held.detail(),
        "There is at least one NetSlice Template referencing this descriptor"
    );
    let gone = user.call("DELETE", &format!("/nst/v1/netslice_templates/{id}"), None).await;
    assert_eq!(gone.status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_slice_template_comes_in_two_steps_too() {
    let user = user(Release::R10).await;
    let made = user.call("POST", "/nst/v1/netslice_templates", Some(json!({}))).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/nst/v1/netslice_templates/{id}/nst_content");
    let sent = send_yaml(&user, "PUT", &path, "nst: [{id: s, bogus: 1}]").await;
    assert_eq!(sent.status, 422);
    let sent = send_yaml(&user, "PUT", &path, "nst: [{id: s, name: x}]").await;
    assert_eq!(sent.status, 204);
    assert_eq!(user.get(&format!("/nst/v1/netslice_templates/{id}")).await["name"], "x");
}

#[tokio::test(start_paused = true)]
async fn operations_on_packages_need_a_kdu_and_its_repository() {
    let user = user(Release::R10).await;
    let id =
        create(&user, VNF, "vnfd: {id: k, df: [], kdu: [{name: a, helm-chart: chart}, {name: b}]}")
            .await;
    let path = format!("/vnfpkgm/v1/vnf_packages/{id}/action");
    let ask = |kdu: &str| json!({"kdu_name": kdu, "primitive": "inspect", "primitive_params": {}});
    let unknown = user.call("POST", &path, Some(ask("x"))).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.detail(), format!("Not found vnfd[id='{id}']:kdu[name='x']"));
    let bare = user.call("POST", &path, Some(ask("b"))).await;
    assert!(bare.detail().starts_with("Found neither 'helm-chart' nor 'juju-bundle'"));
    let asked = user.call("POST", &path, Some(ask("a"))).await;
    assert_eq!(asked.status, 202);
    let operation = asked.header("Location").strip_prefix("/osm").unwrap().to_owned();
    let operation = user.get(&operation).await;
    assert_eq!(operation["operationParams"]["helm-chart"], "chart");
    assert_eq!(operation["operationState"], "PROCESSING");
    user.call("DELETE", &format!("/vnfpkgm/v1/vnf_packages/{id}"), None).await;
    assert!(user.nbi.records(Collection::PackageOperations).is_empty());
}

#[tokio::test(start_paused = true)]
async fn release_8_takes_catalogues_only_and_the_others_sol006_only() {
    let old_vnfd = "vnfd-catalog: {vnfd: [{id: v, name: v, vdu: [{id: m, name: m, count: '1'}], \
                    mgmt-interface: {cp: c}, connection-point: [{name: c}]}]}";
    let old_nsd = "nsd:nsd-catalog: {nsd: [{id: n, constituent-vnfd: \
                   [{member-vnf-index: '1', vnfd-id-ref: v}]}]}";
    let old = user(Release::R8).await;
    let refused = send_yaml(&old, "POST", "/nsd/v1/ns_descriptors_content", old_nsd).await;
    assert_eq!(
        refused.detail(),
        "Descriptor error at 'constituent-vnfd':'vnfd-id-ref'='v' references a non existing vnfd"
    );
    let id = create(&old, VNF, old_vnfd).await;
    create(&old, "/nsd/v1/ns_descriptors_content", old_nsd).await;
    let record = old.get(&format!("/vnfpkgm/v1/vnf_packages/{id}")).await;
    assert_eq!(record["vdu"][0]["count"], "1");
    assert_eq!(record["_admin"]["type"], "vnfd");
    let held = old.call("DELETE", &format!("/vnfpkgm/v1/vnf_packages/{id}"), None).await;
    assert_eq!(held.detail(), "There is at least one NSD referencing this descriptor");
    let sol006 = send_yaml(&old, "POST", VNF, KNF).await;
    assert_eq!(sol006.status, 400);
    assert_eq!(sol006.detail(), "'vnfd' must be a list of only one element");
    for release in [Release::R10, Release::R19] {
        let refused = send_yaml(&user(release).await, "POST", VNF, old_vnfd).await;
        assert!(refused.detail().starts_with("ERROR: Unsupported descriptor format."));
    }
}

#[tokio::test(start_paused = true)]
async fn edits_are_checked_with_the_files_of_the_package() {
    let user = user(Release::R10).await;
    let id = create(&user, VNF, KNF).await;
    let path = format!("/vnfpkgm/v1/vnf_packages/{id}");
    let patch = |body| user.call("PATCH", &path, Some(body));
    assert_eq!(patch(json!({"description": "x", "provider": 5})).await.status, 204);
    let record = user.get(&path).await;
    assert_eq!((&record["description"], &record["provider"]), (&json!("x"), &json!("5")));
    assert_eq!(patch(json!({"description": null})).await.status, 204);
    assert!(user.get(&path).await.get("description").is_none());
    assert_eq!(patch(json!({"bogus": 1})).await.status, 422);
    let bad = patch(json!({"userDefinedData": [1]})).await;
    assert_eq!(bad.status, 400);
    assert_eq!(
        bad.detail(),
        "userDefinedData should be an object, but is '<class 'list'>' instead"
    );
    let off = json!({"operationalState": "DISABLED"});
    assert_eq!(patch(off.clone()).await.status, 204);
    assert_eq!(patch(off).await.detail(), "operationalState already DISABLED");
    let charts = json!({"df": [{"id": "d", "lcm-operations-configuration":
        {"operate-vnf-op-config": {"day1-2": [{"id": "k", "execution-environment-list":
            [{"id": "e", "juju": {"charm": "c"}}]}]}}}]});
    let refused = patch(charts).await;
    assert_eq!(refused.detail(), "Charm defined in vnf[id=k] but not present in package");
}

#[tokio::test(start_paused = true)]
async fn an_internal_link_of_release_8_names_an_ip_profile_that_is_there() {
    let vnfd = |link: &str| {
        format!(
            "vnfd-catalog: {{vnfd: [{{id: v, name: v, vdu: [{{id: m, name: m, count: '1'}}], \
             mgmt-interface: {{cp: c}}, connection-point: [{{name: c}}], \
             ip-profiles: [{{name: there}}], internal-vld: [{{id: l, name: l{link}}}]}}]}}"
        )
    };
    let user = user(Release::R8).await;
    let refused = send_yaml(&user, "POST", VNF, &vnfd(", ip-profile-ref: gone")).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.detail(), "internal-vld[id='l']:ip-profile-ref='gone' does not exist");
    create(&user, VNF, &vnfd(", ip-profile-ref: there")).await;
    let user = self::user(Release::R8).await;
    create(&user, VNF, &vnfd("")).await;
}
