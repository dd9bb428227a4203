//! Seeds: what a fake holds from the start.

use std::path::Path;

use mock_nbi::{Collection, MockNbi, Profile, Release, Seed, SeedError};
use serde_json::{Value, json};

use crate::client::{STOCK, User, captured_package, send, stocked};

/// The captured packages as folders, as a user has them.
fn unpack_packages(folder: &Path) {
    for file in ["nfpkg-create.jsonl", "nspkg-create.jsonl"] {
        let packed = captured_package(file);
        tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice())).unpack(folder).unwrap();
    }
}

/// A site with the captured packages, and an instance with these further lines.
fn with_instance(folder: &Path, further: &str) -> Seed {
    let folder = folder.display();
    let text = format!(
        "{STOCK}packages: [{{folder: {folder}/openldap_knf}}, {{folder: {folder}/openldap_ns}}]\n\
         ns_instances:\n  - name: ldap\n    nsd: openldap_ns\n    vim_account: mylocation1\n{further}"
    );
    Seed::from_yaml(&text, "seed.yaml").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_seeded_instance_runs_from_the_start_whatever_the_profile_says() {
    let folder = tempfile::tempdir().unwrap();
    unpack_packages(folder.path());
    let further = "    additionalParamsForVnf: [{member-vnf-index: openldap, \
                   additionalParamsForKdu: [{kdu_name: ldap, additionalParams: {replicaCount: '2'}}]}]\n";
    let seed = with_instance(folder.path(), further);
    let builder = MockNbi::builder().profile(Profile::manual()).seed(seed);
    let nbi = builder.build().unwrap();
    let user = User::login(&nbi).await;
    let instances = user.get("/nslcm/v1/ns_instances").await;
    let ns = &instances[0];
    assert_eq!((&ns["name"], &ns["nsState"]), (&json!("ldap"), &json!("READY")));
    let kdus = ns["_admin"]["deployed"]["K8s"].as_array().unwrap();
    assert_eq!(kdus.len(), 1, "its chart is installed");
    let operations = user.get("/nslcm/v1/ns_lcm_op_occs").await;
    assert_eq!(operations[0]["lcmOperationType"], "instantiate");
    assert_eq!(operations[0]["operationState"], "COMPLETED");
    let params = &operations[0]["operationParams"]["additionalParamsForVnf"][0];
    let value = &params["additionalParamsForKdu"][0]["additionalParams"]["replicaCount"];
    assert_eq!(value, "2");

    let id = ns["_id"].as_str().unwrap();
    let body = json!({"member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
        "primitive_params": {"replicaCount": "3"}});
    let answer =
        user.call("POST", &format!("/nslcm/v1/ns_instances/{id}/action"), Some(body)).await;
    assert_eq!(answer.status, 202, "it can be upgraded");
}

#[tokio::test(start_paused = true)]
async fn rules_for_so_many_operations_are_for_those_that_come_after_the_seed() {
    let rules = "rules:\n  - {operation: instantiate, times: 1, outcome: fail, detail: no room}\n  \
                 - {item: vim_account, times: 1, outcome: fail, detail: unreachable}\n";
    let profile = Profile::from_yaml(rules, "profile.yaml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    unpack_packages(folder.path());
    let nbi = MockNbi::builder().profile(profile).seed(with_instance(folder.path(), ""));
    let nbi = nbi.build().unwrap();
    let user = User::login(&nbi).await;
    let plant = async |site: &str| {
        let seed = json!({"vim_accounts": [{"name": site}]}).to_string();
        send(&nbi, "POST", "/_mock/seed", &[], Some(seed.as_bytes())).await.unwrap()
    };
    assert_eq!(plant("planted").await.status, 204);
    let state = async |site: &str| {
        let list = user.get(&format!("/admin/v1/vim_accounts?name={site}")).await;
        list[0]["_admin"]["operationalState"].clone()
    };
    assert_eq!(state("planted").await, "ENABLED");
    for (site, expected) in [("first", "ERROR"), ("second", "ENABLED")] {
        let body = json!({"name": site, "vim_type": "dummy", "vim_url": "http://u",
            "vim_user": "u", "vim_password": "p", "vim_tenant_name": "t"});
        assert_eq!(user.call("POST", "/admin/v1/vim_accounts", Some(body)).await.status, 202);
        assert_eq!(state(site).await, expected, "{site}");
    }
    let instance = user.get("/nslcm/v1/ns_instances").await[0].clone();
    assert_eq!(instance["nsState"], "READY");
    for (name, expected) in [("one", "FAILED"), ("two", "COMPLETED")] {
        let body = json!({"nsName": name, "nsdId": instance["nsd-id"],
            "vimAccountId": instance["datacenter"]});
        let path = "/nslcm/v1/ns_instances_content";
        let made = user.call("POST", path, Some(body)).await.json();
        let path = format!("/nslcm/v1/ns_lcm_op_occs/{}", made["nslcmop_id"].as_str().unwrap());
        assert_eq!(user.get(&path).await["operationState"], expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_seeded_instance_that_cannot_run_is_told_with_the_life_cycle_managers_words() {
    let profile = "rules: [{item: k8scluster, outcome: fail}]";
    let profile = Profile::from_yaml(profile, "profile.yaml").unwrap();
    let site = Seed::from_yaml("vim_accounts: [{name: mylocation1}]", "s").unwrap();
    let nbi = MockNbi::builder().profile(profile).seed(site).build().unwrap();
    let stock = stocked(&nbi).await;
    let plant = async || {
        let body = "ns_instances: [{name: ldap, nsd: openldap_ns, vim_account: mylocation1}]";
        let answer = send(&nbi, "POST", "/_mock/seed", &[], Some(body.as_bytes())).await.unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let (status, told) = plant().await;
    assert_eq!(status, 400);
    let expected = "NS instance `ldap`: refused with 400: No k8scluster with requirements='{}'";
    assert!(told.contains(expected), "{told}");

    let cluster = json!({"name": "kube", "vim_account": stock.vim_id, "k8s_version": "1.20",
        "nets": {"net1": "mgmt"}, "credentials": {}});
    let answer = stock.user.call("POST", "/admin/v1/k8sclusters", Some(cluster)).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let (status, told) = plant().await;
    assert_eq!(status, 400);
    assert!(told.contains("NS instance `ldap`: the instantiation ended FAILED: "), "{told}");
    assert!(told.contains("has not been initialized for 'helm-chart-v3'"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_seeded_user_logs_in_to_a_seeded_project_with_the_rights_of_the_role() {
    let text = "users:\n  - username: alice\n    password: Passw0rd!\n    project_role_mappings: \
                [{project: tenant1, role: project_user}]\nprojects: [{name: tenant1, quotas: \
                {vnfds: 1}}]\nvim_accounts: [{name: site1}]\n";
    for release in [Release::R8, Release::R10] {
        let seed = Seed::from_yaml(text, "seed.yaml").unwrap();
        let nbi = MockNbi::builder().release(release).seed(seed).build().unwrap();
        let body = json!({"username": "alice", "password": "Passw0rd!", "project_id": "tenant1"});
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        let body = body.to_string();
        let target = "/osm/admin/v1/tokens";
        let answer = send(&nbi, "POST", target, &headers, Some(body.as_bytes())).await.unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        assert_eq!(answer["project_name"], "tenant1");
        let token = answer["id"].as_str().unwrap().to_owned();
        let alice = User { nbi: nbi.clone(), token };
        assert_eq!(alice.get("/admin/v1/vim_accounts").await, json!([]), "the site is admin's");
        assert_eq!(alice.call("POST", "/admin/v1/users", Some(json!({}))).await.status, 401);
        let projects = User::login(&nbi).await.get("/admin/v1/projects").await;
        let quotas = projects.as_array().unwrap().iter().find(|one| one["name"] == "tenant1");
        assert_eq!(quotas.unwrap()["quotas"], json!({"vnfds": 1}));
    }
}

#[tokio::test(start_paused = true)]
async fn instances_are_seeded_over_the_control_api_from_packages_that_were_uploaded() {
    let nbi = MockNbi::builder().seed(Seed::from_yaml(STOCK, "s").unwrap()).build().unwrap();
    let stock = stocked(&nbi).await;
    let seed = |name: &str| {
        json!({"ns_instances": [
        {"name": name, "nsd": "openldap_ns", "vim_account": "mylocation1"}]})
    };
    let plant = async |seed: Value| {
        let body = seed.to_string();
        send(&nbi, "POST", "/_mock/seed", &[], Some(body.as_bytes())).await.unwrap()
    };
    assert_eq!(plant(seed("one")).await.status, 204);
    assert_eq!(plant(seed("two")).await.status, 204);
    let wrong =
        plant(json!({"ns_instances": [{"name": "x", "nsd": "y", "vim_account": "z"}]})).await;
    assert_eq!(wrong.status, 400);
    let instances = stock.user.get("/nslcm/v1/ns_instances").await;
    let names: Vec<&Value> = instances.as_array().unwrap().iter().map(|ns| &ns["name"]).collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn seeds_are_refused_with_the_item_that_is_wrong() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let seed = Seed::from_yaml(text, "seed.yaml").unwrap();
        let error: SeedError = MockNbi::builder().seed(seed).build().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    check(
        "vim_accounts: [{name: a}, {name: a}]",
        "VIM account `a`: refused with 409: name 'a' already exists for vim_accounts",
    );
    check("k8s_clusters: [{name: k, vim_account: x}]", "cluster `k`: no VIM account is named `x`");
    check("projects: [{name: a}, {name: a}]", "project `a`: refused with 409: project 'a' exists");
    check(
        "users: [{username: alice, password: p, projects: [x]}]",
        "user `alice`: refused with 404: project with {'name': 'x'} not found",
    );
    check(
        "ns_instances: [{name: ldap, nsd: n, vim_account: x}]",
        "NS instance `ldap`: no NSD has the id `n`",
    );
    check(
        "vim_accounts: [{name: a, colour: red}]",
        "VIM account `a`: refused with 422: Format error  'Additional properties are not allowed \
         ('colour' was unexpected)' ",
    );
}

#[test]
fn a_seed_takes_packages_from_folders() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("thing_knf");
    fs_err::create_dir(&package).unwrap();
    fs_err::write(package.join("vnfd.yaml"), "vnfd: {id: thing, version: '1', df: []}\n").unwrap();
    let text = format!("packages: [{{folder: {}}}]", package.display());
    let nbi = MockNbi::builder().seed(Seed::from_yaml(&text, "s").unwrap()).build().unwrap();
    let packages = nbi.records(Collection::VnfPackages);
    assert_eq!(packages[0]["id"], "thing");
    assert_eq!(packages[0]["_admin"]["storage"]["zipfile"], "thing_knf.tar.gz");
}

#[test]
fn a_seeded_package_that_is_refused_is_refused_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("nsd.yaml"), "nsd: {nsd: [{id: n, vnfd-id: [nobody]}]}\n")
        .unwrap();
    let text = format!("packages: [{{folder: {}}}]", folder.path().display());
    let seed = Seed::from_yaml(&text, "seed.yaml").unwrap();
    let error = MockNbi::builder().seed(seed).build().unwrap_err().to_string();
    let expected = "Descriptor error at 'vnfd-id'='nobody' references a non existing vnfd";
    assert!(error.ends_with(expected), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_seeded_package_is_packed_in_the_order_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("thing_knf");
    fs_err::create_dir_all(package.join("charts")).unwrap();
    fs_err::write(package.join("vnfd.yaml"), "vnfd: {id: thing, df: []}\n").unwrap();
    for name in ["h", "c", "f", "a", "g", "b", "e", "d"] {
        fs_err::write(package.join("charts").join(name), name).unwrap();
    }
    let text = format!("packages: [{{folder: {}}}]", package.display());
    let seed = Seed::from_yaml(&text, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().seed(seed).build().unwrap();
    let user = User::login(&nbi).await;
    let id = nbi.records(Collection::VnfPackages)[0]["_id"].clone();
    let path = format!("/vnfpkgm/v1/vnf_packages/{}/artifacts", id.as_str().unwrap());
    let bearer = format!("Bearer {}", user.token);
    let headers = [("Accept", "*/*"), ("Authorization", bearer.as_str())];
    let names =
        send(&nbi, "GET", &format!("/osm{path}/charts"), &headers, None).await.unwrap().body;
    assert_eq!(String::from_utf8(names).unwrap(), "---\n- a\n- b\n- c\n- d\n- e\n- f\n- g\n- h\n");
    let one = send(&nbi, "GET", &format!("/osm{path}/charts/e"), &headers, None).await.unwrap();
    assert_eq!(one.body, b"e");
}
