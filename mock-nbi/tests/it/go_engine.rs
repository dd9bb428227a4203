//! The request sequence of the original OSM Ops, written in Go, as its engine sends it.
//!
//! Source: NBI_FACTS.md section 14, and the engine itself, which was run against the fake unchanged.

use mock_nbi::{MockNbi, Release, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, STOCK, captured_package, send};

/// One run of the engine: it logs in anew and reads lists when it first needs them.
struct Run {
    nbi: MockNbi,
    token: String,
    /// `METHOD path status` of everything sent.
    sent: Vec<String>,
}

impl Run {
    async fn start(nbi: &MockNbi) -> Self {
        let mut run = Self { nbi: nbi.clone(), token: String::new(), sent: Vec::new() };
        let body = r#"{"username":"admin","password":"admin","project_id":"admin"}"#;
        let headers = [("Content-Type", "application/yaml")];
        let answer = run.send("POST", "/osm/admin/v1/tokens", &headers, Some(body.as_bytes()));
        let token = answer.await.json();
        assert!(token["expires"].is_f64(), "the engine reads it as a float");
        run.token = token["id"].as_str().unwrap().to_owned();
        run
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![
            ("User-Agent", "Go-http-client/1.1"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
        ];
        if !self.token.is_empty() {
            all.push(("Authorization", &bearer));
        }
        all.extend(headers);
        let answer = send(&self.nbi, method, path, &all, body).await.unwrap();
        let masked: Vec<&str> =
            path.split('/').map(|part| if part.len() == 36 { "ID" } else { part }).collect();
        self.sent.push(format!("{method} {} {}", masked.join("/"), answer.status));
        answer
    }

    /// The id of the record whose `key` is `name`, as the engine looks it up.
    async fn look_up(&mut self, path: &str, key: &str, name: &str) -> Option<String> {
        let records = self.send("GET", path, &[], None).await.json();
        let found = records.as_array().unwrap().iter().find(|record| record[key] == name)?;
        Some(found["_id"].as_str().unwrap().to_owned())
    }

    async fn put_package(&mut self, list: &str, content: &str, package: &Package) {
        match self.look_up(list, "id", package.id).await {
            None => {
                let name = format!("{}.tar.gz", package.id);
                let headers = [
                    ("Content-Type", "application/gzip"),
                    ("Content-Filename", name.as_str()),
                    ("Content-File-MD5", package.md5.as_str()),
                ];
                self.send("POST", content, &headers, Some(&package.archive)).await;
            }
            Some(id) => {
                let headers = [("Content-Type", "application/yaml")];
                let path = format!("{content}/{id}");
                self.send("PUT", &path, &headers, Some(package.descriptor.as_bytes())).await;
            }
        }
    }

    async fn post_json(&mut self, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/yaml")];
        self.send("POST", path, &headers, Some(body.to_string().as_bytes())).await
    }
}

struct Package {
    id: &'static str,
    archive: Vec<u8>,
    md5: String,
    descriptor: String,
}

impl Package {
    /// One of the packages that were captured on their way to a real release 10.
    fn captured(id: &'static str, file: &str, descriptor: &str) -> Self {
        use md5::Digest as _;
        let archive = captured_package(file);
        let mut reader = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
        let mut text = String::new();
        for entry in reader.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().ends_with(descriptor) {
                std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
            }
        }
        let md5 = hex::encode(md5::Md5::digest(&archive));
        Self { id, archive, md5, descriptor: text }
    }

    /// A package with nothing but a descriptor.
    fn of_descriptor(id: &'static str, descriptor: &Value) -> Self {
        use md5::Digest as _;
        let text = serde_yaml::to_string(descriptor).unwrap();
        let zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let mut builder = tar::Builder::new(zipped);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{id}/{id}.yaml"), text.as_bytes()).unwrap();
        let archive = builder.into_inner().unwrap().finish().unwrap();
        let md5 = hex::encode(md5::Md5::digest(&archive));
        Self { id, archive, md5, descriptor: text }
    }
}

const VNFDS: &str = "/osm/vnfpkgm/v1/vnf_packages_content";
const NSDS: &str = "/osm/nsd/v1/ns_descriptors";
const NSD_CONTENT: &str = "/osm/nsd/v1/ns_descriptors_content";
const INSTANCES: &str = "/osm/nslcm/v1/ns_instances_content";

/// One reconciliation of one `ops` file; `nsd` is what the engine's list of NSDs held when it was
/// read, before the packages were sent.
async fn reconcile(nbi: &MockNbi, packages: &[Package; 2], replicas: &str) -> Vec<String> {
    let mut run = Run::start(nbi).await;
    run.put_package(VNFDS, VNFDS, &packages[0]).await;
    run.put_package(NSDS, NSD_CONTENT, &packages[1]).await;
    let is_listed = run.sent.last().unwrap().starts_with("PUT");
    let params = json!({"replicaCount": replicas});
    if let Some(id) = run.look_up(INSTANCES, "name", "ldap").await {
        let body = json!({
            "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
            "primitive_params": params,
        });
        run.post_json(&format!("/osm/nslcm/v1/ns_instances/{id}/action"), &body).await;
    } else if is_listed {
        // The engine keeps the list of NSDs that it read for the package.
        let listed = send_quietly(&run, NSDS).await;
        let vim = run.look_up("/osm/admin/v1/vim_accounts", "name", "mylocation1").await;
        let body = json!({
            "nsName": "ldap", "nsdId": listed[0]["_id"], "nsDescription": "Demo LDAP NS instance",
            "vimAccountId": vim.unwrap(),
            "additionalParamsForVnf": [{"member-vnf-index": "openldap", "additionalParamsForKdu":
                [{"kdu_name": "ldap", "additionalParams": params}]}],
        });
        run.post_json(INSTANCES, &body).await;
    }
    run.sent
}

async fn send_quietly(run: &Run, path: &str) -> Value {
    let bearer = format!("Bearer {}", run.token);
    let headers = [("Accept", "application/json"), ("Authorization", bearer.as_str())];
    send(&run.nbi, "GET", path, &headers, None).await.unwrap().json()
}

#[tokio::test(start_paused = true)]
async fn the_original_engine_creates_and_upgrades_what_it_declares() {
    let packages = [
        Package::captured("openldap_knf", "nfpkg-create.jsonl", "openldap_vnfd.yaml"),
        Package::captured("openldap_ns", "nspkg-create.jsonl", "openldap_nsd.yaml"),
    ];
    create_and_upgrade(Release::R10, &packages).await;
}

#[tokio::test(start_paused = true)]
async fn the_original_engine_does_the_same_in_release_8_with_its_descriptors() {
    let vnfd = json!({"vnfd:vnfd-catalog": {"vnfd": [{
        "id": "openldap_knf", "name": "openldap_knf", "short-name": "openldap_knf",
        "version": "1.0", "mgmt-interface": {"cp": "mgmt"}, "connection-point": [{"name": "mgmt"}],
        "k8s-cluster": {"nets": [{"id": "net", "external-connection-point-ref": "mgmt"}]},
        "kdu": [{"name": "ldap", "helm-chart": "stable/openldap:1.2.3"}],
    }]}});
    let nsd = json!({"nsd:nsd-catalog": {"nsd": [{
        "id": "openldap_ns", "name": "openldap_ns", "short-name": "openldap_ns", "version": "1.0",
        "constituent-vnfd": [{"member-vnf-index": "openldap", "vnfd-id-ref": "openldap_knf"}],
        "vld": [{"id": "net", "name": "net", "type": "ELAN", "mgmt-network": true,
            "vnfd-connection-point-ref": [{"member-vnf-index-ref": "openldap",
                "vnfd-id-ref": "openldap_knf", "vnfd-connection-point-ref": "mgmt"}]}],
    }]}});
    let packages = [
        Package::of_descriptor("openldap_knf", &vnfd),
        Package::of_descriptor("openldap_ns", &nsd),
    ];
    create_and_upgrade(Release::R8, &packages).await;
}

async fn create_and_upgrade(release: Release, packages: &[Package; 2]) {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(release).seed(seed).build().unwrap();
    let first = reconcile(&nbi, packages, "1").await;
    let want = [
        "POST /osm/admin/v1/tokens 200",
        "GET /osm/vnfpkgm/v1/vnf_packages_content 200",
        "POST /osm/vnfpkgm/v1/vnf_packages_content 201",
        "GET /osm/nsd/v1/ns_descriptors 200",
        "POST /osm/nsd/v1/ns_descriptors_content 201",
        "GET /osm/nslcm/v1/ns_instances_content 200",
    ];
    assert_eq!(first, want);
    let packages_again = [
        "POST /osm/admin/v1/tokens 200",
        "GET /osm/vnfpkgm/v1/vnf_packages_content 200",
        "PUT /osm/vnfpkgm/v1/vnf_packages_content/ID 204",
        "GET /osm/nsd/v1/ns_descriptors 200",
        "PUT /osm/nsd/v1/ns_descriptors_content/ID 204",
        "GET /osm/nslcm/v1/ns_instances_content 200",
    ];
    let second = reconcile(&nbi, packages, "1").await;
    let created =
        ["GET /osm/admin/v1/vim_accounts 200", "POST /osm/nslcm/v1/ns_instances_content 201"];
    assert_eq!(second, [packages_again.as_slice(), &created].concat());
    for replicas in ["1", "3"] {
        let later = reconcile(&nbi, packages, replicas).await;
        let upgraded = ["POST /osm/nslcm/v1/ns_instances/ID/action 202"];
        assert_eq!(later, [packages_again.as_slice(), &upgraded].concat());
    }
    let mut run = Run::start(&nbi).await;
    let instances = run.send("GET", INSTANCES, &[], None).await.json();
    let kdu = &instances[0]["_admin"]["deployed"]["K8s"][0];
    assert!(kdu["detailed-status"].as_str().unwrap().contains("'replicaCount': '3'"), "{kdu}");
}
