//! The fake NBI in process: making one, and what single requests take.

use axum::body::{Body, to_bytes};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode};
use mock_nbi::{MockNbi, Seed};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const INSTANCES_PATH: &str = "/nslcm/v1/ns_instances_content";
/// Instances that lists show.
const LISTED: usize = 100;

/// A fake with a site and packages of an NS of one KDU, and a user who is logged in.
struct Client {
    runtime: Runtime,
    nbi: MockNbi,
    token: String,
    nsd_id: String,
    vim_id: String,
}

impl Client {
    fn new() -> Self {
        let seed = "vim_accounts: [{name: site}]\nk8s_clusters: [{name: kube, vim_account: site}]";
        let seed = Seed::from_yaml(seed, "seed").expect("the seed above is one");
        let nbi = MockNbi::builder().seed(seed).build().expect("OSM takes the seed");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime without threads");
        let (token, nsd_id, vim_id) = (String::new(), String::new(), String::new());
        let mut client = Self { runtime, nbi, token, nsd_id, vim_id };
        client.token = client.log_in();
        client.send("POST", "/vnfpkgm/v1/vnf_packages_content", Some(&vnfd()));
        let made = client.send("POST", "/nsd/v1/ns_descriptors_content", Some(&nsd()));
        client.nsd_id = word(&made["id"]);
        client.vim_id = word(&client.send("GET", "/admin/v1/vim_accounts", None)[0]["_id"]);
        client
    }

    fn log_in(&self) -> String {
        let user = json!({"username": "admin", "password": "admin"});
        word(&self.send("POST", "/admin/v1/tokens", Some(&user))["id"])
    }

    fn create_instance(&self) -> String {
        let body = json!({
            "nsName": "ns", "nsdId": self.nsd_id, "nsDescription": "bench", "vimAccountId": self.vim_id,
        });
        word(&self.send("POST", INSTANCES_PATH, Some(&body))["id"])
    }

    /// The JSON of an answer, which must be a good one.
    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/osm{path}"))
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("Authorization", format!("Bearer {}", self.token))
            .body(body.map_or_else(Body::empty, |body| body.to_string().into()))
            .expect("a request");
        let (status, text) = self.runtime.block_on(async {
            let answer = self.nbi.service().answer(request).await.expect("no fault is armed");
            let status = answer.status();
            (status, to_bytes(answer.into_body(), usize::MAX).await.expect("a whole body"))
        });
        assert!(
            status.is_success(),
            "{method} {path}: {status} {}",
            String::from_utf8_lossy(&text)
        );
        if status == StatusCode::NO_CONTENT {
            return Value::Null;
        }
        serde_json::from_slice(&text).expect("JSON was asked for")
    }
}

fn word(value: &Value) -> String {
    value.as_str().expect("an id").to_owned()
}

fn vnfd() -> Value {
    json!({"vnfd": {
        "id": "knf", "product-name": "knf", "provider": "bench", "version": "1.0",
        "mgmt-cp": "mgmt-ext", "df": [{"id": "default-df"}],
        "ext-cpd": [{"id": "mgmt-ext", "k8s-cluster-net": "mgmtnet"}],
        "k8s-cluster": {"nets": [{"id": "mgmtnet"}]},
        "kdu": [{"name": "ldap", "helm-chart": "stable/openldap"}],
    }})
}

fn nsd() -> Value {
    json!({"nsd": {"nsd": [{
        "id": "ns", "name": "ns", "designer": "bench", "version": "1.0", "vnfd-id": ["knf"],
        "virtual-link-desc": [{"id": "mgmtnet", "mgmt-network": true}],
        "df": [{"id": "default-df", "vnf-profile": [{
            "id": "openldap", "vnfd-id": "knf",
            "virtual-link-connectivity": [{"virtual-link-profile-id": "mgmtnet",
                "constituent-cpd-id": [{"constituent-base-element-id": "openldap",
                    "constituent-cpd-id": "mgmt-ext"}]}],
        }]}],
    }]}})
}

fn making(criterion: &mut Criterion) {
    criterion.bench_function("nbi/build", |bencher| {
        bencher.iter(|| MockNbi::builder().build());
    });
}

fn requests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nbi");
    let client = Client::new();
    group.bench_function("token", |bencher| bencher.iter(|| client.log_in()));
    let id = (0..LISTED).map(|_| client.create_instance()).last().expect("some");
    let one = format!("/nslcm/v1/ns_instances/{id}");
    group.bench_function("show_instance", |bencher| {
        bencher.iter(|| client.send("GET", &one, None));
    });
    group.bench_function(format!("list_{LISTED}_instances"), |bencher| {
        bencher.iter(|| client.send("GET", "/nslcm/v1/ns_instances", None));
    });
    let client = Client::new();
    group.bench_function("create_instance", |bencher| bencher.iter(|| client.create_instance()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30);
    targets = making, requests
}
criterion_main!(benches);
