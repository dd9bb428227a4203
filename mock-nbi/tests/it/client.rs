//! A small NBI client for tests, in process or over a socket.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use base64::Engine as _;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use mock_nbi::{MockNbi, Release, Seed};
use serde_json::{Value, json};
use tower::ServiceExt;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends a request in process.
pub async fn send(
    nbi: &MockNbi,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> io::Result<Answer> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.header("Content-Length", body.len());
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_vec()));
    let response = nbi.service().oneshot(request.body(body).unwrap()).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes().to_vec();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// A logged-in user of a fake in process, who speaks JSON.
pub struct User {
    pub nbi: MockNbi,
    pub token: String,
}

impl User {
    pub async fn login(nbi: &MockNbi) -> Self {
        let body = json!({"username": "admin", "password": "admin"}).to_string();
        let headers = [("Content-Type", "application/json"), ("Accept", "application/json")];
        let answer = send(nbi, "POST", "/osm/admin/v1/tokens", &headers, Some(body.as_bytes()));
        let token = answer.await.unwrap().json()["id"].as_str().unwrap().to_owned();
        Self { nbi: nbi.clone(), token }
    }

    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> io::Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        let body = body.map(|body| body.to_string());
        let target = format!("/osm{path}");
        send(&self.nbi, method, &target, &headers, body.as_ref().map(String::as_bytes)).await
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await.json()
    }

    /// Uploads an archive in one step; gives its id.
    pub async fn upload(&self, path: &str, archive: &[u8]) -> String {
        let answer = self.try_upload(path, archive).await.unwrap();
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn try_upload(&self, path: &str, archive: &[u8]) -> io::Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/gzip"),
            ("Authorization", bearer.as_str()),
        ];
        send(&self.nbi, "POST", &format!("/osm{path}"), &headers, Some(archive)).await
    }
}

/// The two packages of the Release 10 captures, as they were uploaded.
pub fn captured_package(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/recorded/r10/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs_err::read_to_string(path).unwrap();
    let exchange: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let body = exchange["req"]["body_b64"].as_str().unwrap();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

/// What a world with packages holds.
pub struct Stocked {
    pub user: User,
    pub nsd_id: String,
    pub vim_id: String,
}

/// A fake with a VIM, a cluster and the captured packages, for the seed `STOCK`.
pub async fn stocked(nbi: &MockNbi) -> Stocked {
    let user = User::login(nbi).await;
    user.upload("/vnfpkgm/v1/vnf_packages_content", &captured_package("nfpkg-create.jsonl")).await;
    let nsd_id = user
        .upload("/nsd/v1/ns_descriptors_content", &captured_package("nspkg-create.jsonl"))
        .await;
    let vims = user.get("/admin/v1/vim_accounts").await;
    Stocked { user, nsd_id, vim_id: vims[0]["_id"].as_str().unwrap().to_owned() }
}

/// Seed of a site with a cluster.
pub const STOCK: &str = "\
vim_accounts: [{name: mylocation1, description: null}]
k8s_clusters: [{name: kube, vim_account: mylocation1}]
";

impl Stocked {
    /// Creates an instance in one step; gives its id and the operation's.
    pub async fn create_ns(&self, name: &str, params: Value) -> (String, String) {
        let body = self.creation(name, &params);
        let answer = self.user.call("POST", "/nslcm/v1/ns_instances_content", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let answer = answer.json();
        let word = |key: &str| answer[key].as_str().unwrap().to_owned();
        (word("id"), word("nslcmop_id"))
    }

    pub fn creation(&self, name: &str, params: &Value) -> Value {
        json!({
            "nsName": name, "nsdId": self.nsd_id, "vimAccountId": self.vim_id,
            "additionalParamsForVnf": [{"member-vnf-index": "openldap", "additionalParamsForKdu":
                [{"kdu_name": "ldap", "additionalParams": params}]}],
        })
    }

    /// Starts an upgrade; gives the operation's id.
    pub async fn upgrade(&self, ns_id: &str, params: Value) -> String {
        let body = json!({
            "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
            "primitive_params": params,
        });
        let path = format!("/nslcm/v1/ns_instances/{ns_id}/action");
        let answer = self.user.call("POST", &path, Some(body)).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn ns(&self, ns_id: &str) -> Value {
        self.user.get(&format!("/nslcm/v1/ns_instances/{ns_id}")).await
    }

    pub async fn operation(&self, op_id: &str) -> Value {
        self.user.get(&format!("/nslcm/v1/ns_lcm_op_occs/{op_id}")).await
    }
}

/// Sends raw bytes over TCP and reads until the peer closes; none when it does not answer in time.
pub async fn raw_exchange(addr: SocketAddr, request: &str) -> Option<io::Result<Vec<u8>>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(addr).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(std::time::Duration::from_millis(300), exchange).await.ok()
}

/// A stock of release 8, whose descriptors are catalogues.
pub async fn old_stock() -> Stocked {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder().release(Release::R8).seed(seed).build().unwrap();
    let user = User::login(&nbi).await;
    let vnfd = json!({"vnfd-catalog": {"vnfd": [{
        "id": "old", "name": "old", "mgmt-interface": {"cp": "outside"},
        "connection-point": [{"name": "outside", "id": "outside"}, {"name": "data"}],
        "internal-vld": [{"id": "inner", "name": "inner",
            "internal-connection-point": [{"id-ref": "inside"}]}],
        "vdu": [{"id": "box", "name": "box", "count": "2",
            "internal-connection-point": [{"id": "inside", "name": "inside"}],
            "interface": [
                {"name": "eth0", "external-connection-point-ref": "outside"},
                {"name": "eth1", "internal-connection-point-ref": "inside"}],
            "supplemental-boot-data": {"boot-data-drive": "true"},
            "vdu-configuration": {"config-primitive": [{"name": "reboot"}]}}],
        "kdu": [{"name": "ldap", "helm-chart": "stable/openldap"}],
        "vnf-configuration": {
            "initial-config-primitive": [{"seq": "1", "name": "config",
                "parameter": [{"name": "file", "value": "<file>"}]}],
            "config-primitive": [{"name": "touch", "parameter": [{"name": "file"}]}]},
        "scaling-group-descriptor": [{"name": "more", "max-instance-count": "2",
            "vdu": [{"vdu-id-ref": "box", "count": "1"}]}],
    }]}});
    let nsd = json!({"nsd-catalog": {"nsd": [{
        "id": "old_ns", "name": "old_ns", "vendor": "us",
        "constituent-vnfd": [{"member-vnf-index": "1", "vnfd-id-ref": "old"}],
        "vld": [{"id": "mgmt", "name": "management", "mgmt-network": "true",
            "vnfd-connection-point-ref": [{"member-vnf-index-ref": "1", "vnfd-id-ref": "old",
                "vnfd-connection-point-ref": "outside"}]}],
    }]}});
    let made = user.call("POST", "/vnfpkgm/v1/vnf_packages_content", Some(vnfd)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let made = user.call("POST", "/nsd/v1/ns_descriptors_content", Some(nsd)).await;
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let nsd_id = made.json()["id"].as_str().unwrap().to_owned();
    let vim_id = user.get("/admin/v1/vim_accounts").await[0]["_id"].as_str().unwrap().to_owned();
    Stocked { user, nsd_id, vim_id }
}
