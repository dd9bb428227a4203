//! A Kubernetes API server for tests: a real one where one is named, otherwise the one in memory.
//!
//! `OSMOPS_TEST_KUBECONFIG` names the kubeconfig of a real one that is there (tests make namespaces and
//! definitions in it). `KUBEBUILDER_ASSETS` names a folder with `etcd` and `kube-apiserver`, as Kubernetes' own
//! tests have it, of which each test starts its own; `openssl` makes the key that the server wants. With
//! neither, `scenarios::kube` is served in this process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Api, Client, Config};
use serde_json::{Value, json};

/// How long a server may take to start, and a definition to be known.
const START_TIME_MAX: Duration = Duration::from_secs(60);

pub(crate) struct KubeApi {
    pub(crate) client: Client,
    pub(crate) kubeconfig: PathBuf,
    _server: Server,
}

/// What ends with a test.
enum Server {
    /// It was there before.
    Named,
    Started(#[expect(dead_code, reason = "held until the test ends")] Started),
    InMemory(
        #[expect(dead_code, reason = "held until the test ends")]
        (scenarios::kube::Served, tempfile::TempDir),
    ),
}

/// A real server of our own; it goes away with its folder.
struct Started {
    processes: Vec<Child>,
    _folder: tempfile::TempDir,
}

impl Drop for Started {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl KubeApi {
    /// Ready, and with the definitions of Flux's sources and ours.
    pub(crate) async fn find() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(path) = variable("OSMOPS_TEST_KUBECONFIG") {
            return Some(Self::open(PathBuf::from(path), Server::Named).await);
        }
        if let Some(assets) = variable("KUBEBUILDER_ASSETS") {
            let (server, kubeconfig) = start(Path::new(&assets));
            return Some(Self::open(kubeconfig, Server::Started(server)).await);
        }
        Some(Self::in_memory().await)
    }

    async fn in_memory() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "as a real server, it has the machine's clock"
        )]
        let api = scenarios::kube::KubeApi::new(std::time::SystemTime::now());
        let served = api.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs_err::write(&kubeconfig, served.kubeconfig()).unwrap();
        Self::open(kubeconfig, Server::InMemory((served, folder))).await
    }

    async fn open(kubeconfig: PathBuf, server: Server) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = Kubeconfig::read_from(&kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let api = Self { client, kubeconfig, _server: server };
        api.wait_until_ready().await;
        api.install_definitions().await;
        api
    }

    async fn wait_until_ready(&self) {
        eventually("the API server is ready", || async {
            // Its own roles are made only after it answers.
            let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
            self.client.request_text(request).await.ok().filter(|text| text == "ok").map(|_| ())
        })
        .await;
    }

    /// Flux's sources and our own.
    async fn install_definitions(&self) {
        self.install(&osmops::operator::crd::definition()).await;
        for entry in fs_err::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crds")).unwrap() {
            self.install(&fs_err::read_to_string(entry.unwrap().path()).unwrap()).await;
        }
    }

    /// Makes a definition known, and waits until its kind is served.
    pub(crate) async fn install(&self, definition: &str) {
        let gvk = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let api: Api<DynamicObject> =
            Api::all_with(self.client.clone(), &ApiResource::from_gvk(&gvk));
        let definition: DynamicObject = serde_yaml::from_str(definition).unwrap();
        let name = definition.metadata.name.clone().unwrap();
        match api.create(&PostParams::default(), &definition).await {
            Ok(_) => {}
            // There is one already, which may be an older one.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let patch = Patch::Merge(&definition);
                api.patch(&name, &PatchParams::default(), &patch).await.unwrap();
            }
            Err(error) => panic!("{error}"),
        }
        eventually(&format!("{name} is served"), || async {
            let object = api.get(&name).await.ok()?;
            let conditions = object.data["status"]["conditions"].as_array()?;
            let is_served = |c: &Value| c["type"] == "Established" && c["status"] == "True";
            conditions.iter().any(is_served).then_some(())
        })
        .await;
    }

    /// A namespace of the test's own.
    pub(crate) async fn namespace(&self) -> String {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let namespace = json!({ "metadata": { "generateName": "osmops-test-" } });
        let namespace: Namespace = serde_json::from_value(namespace).unwrap();
        let made = api.create(&PostParams::default(), &namespace).await.unwrap();
        made.metadata.name.unwrap()
    }

    pub(crate) fn objects(
        &self,
        namespace: &str,
        api_version: &str,
        kind: &str,
    ) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let mut resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        if kind == "GitRepository" {
            resource.plural = "gitrepositories".to_owned();
        }
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    pub(crate) async fn create(&self, namespace: &str, object: Value) -> DynamicObject {
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        let api = self.objects(namespace, &text("apiVersion"), &text("kind"));
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap()
    }
}

/// One right of the operator's: to do `verb` to `resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) resource: String,
    pub(crate) verb: String,
}

/// The roles of the manifests, as objects.
fn manifest_roles() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kind/manifests/rbac.yaml");
    let manifests = fs_err::read_to_string(path).unwrap();
    let objects = manifests.split("\n---\n").map(|text| serde_yaml::from_str(text).unwrap());
    let is_role = |object: &Value| object["kind"] == "ClusterRole" || object["kind"] == "Role";
    objects.filter(is_role).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Every right that the manifests give the operator.
pub(crate) fn manifest_rights() -> Vec<Right> {
    let mut rights = Vec::new();
    for role in manifest_roles() {
        for rule in role["rules"].as_array().unwrap() {
            for resource in texts(&rule["resources"]) {
                let verbs = texts(&rule["verbs"]).into_iter();
                rights.extend(verbs.map(|verb| Right { resource: resource.clone(), verb }));
            }
        }
    }
    rights
}

/// The rules without a right. One rule may give it to several resources.
fn rules_without(rules: &Value, missing: &Right) -> Value {
    let mut kept = Vec::new();
    for rule in rules.as_array().unwrap() {
        for resource in texts(&rule["resources"]) {
            let mut verbs = texts(&rule["verbs"]);
            verbs.retain(|verb| resource != missing.resource || *verb != missing.verb);
            let mut rule = rule.clone();
            rule["resources"] = json!([resource]);
            rule["verbs"] = json!(verbs);
            if !verbs.is_empty() {
                kept.push(rule);
            }
        }
    }
    json!(kept)
}

impl KubeApi {
    /// A kubeconfig, in `folder`, of a service account `osmops` of this namespace, which may do in it what
    /// the manifests let the operator do, but for what is `missing`.
    pub(crate) async fn as_operator(
        &self,
        namespace: &str,
        folder: &Path,
        missing: Option<&Right>,
    ) -> PathBuf {
        for mut role in manifest_roles() {
            // Rights in one namespace are enough, for an operator that watches one.
            role["kind"] = json!("Role");
            role["metadata"]["namespace"] = json!(namespace);
            if let Some(missing) = missing {
                role["rules"] = rules_without(&role["rules"], missing);
            }
            let name = role["metadata"]["name"].clone();
            let account =
                json!([{ "kind": "ServiceAccount", "name": "osmops", "namespace": namespace }]);
            let reference =
                json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name });
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": { "name": name }, "roleRef": reference, "subjects": account,
            });
            self.create(namespace, role).await;
            self.create(namespace, binding).await;
        }
        let metadata = json!({ "name": "osmops" });
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
        self.create(namespace, account).await;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let (params, request) = (PostParams::default(), TokenRequest::default());
        let made = accounts.create_token_request("osmops", &params, &request).await.unwrap();
        let token = made.status.unwrap().token;
        let text = fs_err::read_to_string(&self.kubeconfig).unwrap();
        let mut config: Value = serde_yaml::from_str(&text).unwrap();
        config["users"][0]["user"] = json!({ "token": token });
        let path = folder.join("kubeconfig.operator");
        fs_err::write(&path, config.to_string()).unwrap();
        path
    }
}

/// Asks until there is an answer; the server is another process, which tells nobody when it is ready.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let asking = async {
        loop {
            match ask().await {
                Some(answer) => return answer,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let answer = tokio::time::timeout(START_TIME_MAX, asking).await;
    answer.unwrap_or_else(|_| panic!("not within {START_TIME_MAX:?}: {what}"))
}

fn start(assets: &Path) -> (Started, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let key = Command::new("openssl").args(["genrsa", "-out", &at("sa.key"), "2048"]).output();
    assert!(key.expect("openssl is there").status.success(), "openssl makes a key");
    let [etcd_port, peer_port, port] = free_ports();
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    fs_err::write(folder.path().join("tokens.csv"), "admin,admin,admin,\"system:masters\"\n")
        .unwrap();
    let run = |program: &str, arguments: &[String]| {
        let log = fs_err::File::create(at(&format!("{program}.log"))).unwrap();
        let mut command = Command::new(assets.join(program));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log.into_parts().0).spawn().unwrap()
    };
    let etcd = run(
        "etcd",
        &[
            format!("--data-dir={}", at("etcd")),
            format!("--listen-client-urls={}", url(etcd_port)),
            format!("--advertise-client-urls={}", url(etcd_port)),
            format!("--listen-peer-urls={}", url(peer_port)),
            format!("--initial-advertise-peer-urls={}", url(peer_port)),
            format!("--initial-cluster=default={}", url(peer_port)),
            "--unsafe-no-fsync".to_owned(),
        ],
    );
    let server = run(
        "kube-apiserver",
        &[
            format!("--etcd-servers={}", url(etcd_port)),
            format!("--cert-dir={}", at("certs")),
            format!("--secure-port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            format!("--service-account-key-file={}", at("sa.key")),
            format!("--service-account-signing-key-file={}", at("sa.key")),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--token-auth-file={}", at("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--disable-admission-plugins=ServiceAccount".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ],
    );
    let kubeconfig = folder.path().join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true,
        }}],
        "users": [{ "name": "admin", "user": { "token": "admin" } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
    });
    fs_err::write(&kubeconfig, text.to_string()).unwrap();
    (Started { processes: vec![etcd, server], _folder: folder }, kubeconfig)
}

/// Free a moment ago; both servers want theirs by number.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
