//! `osmops run` as its users run it: a process beside a real Kubernetes API server, a fake OSM and a server
//! that has Flux's artifacts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use mock_nbi::{Profile, Server};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kube_api::{KubeApi, eventually};
use crate::world::{PASSWORD, World};

const SOURCES: &str = "source.toolkit.fluxcd.io/v1";
const OURS: &str = "osmops.io/v1alpha1";

/// How long anything may take that takes a second when the machine is idle.
const PATIENCE: Duration = Duration::from_secs(60);

/// One test's namespace, OSM, artifacts and operator.
struct Stage {
    // Ends before what it talks to.
    operator: Option<Operator>,
    kube: KubeApi,
    namespace: String,
    world: World,
    osm: Server,
    artifacts: Artifacts,
    folder: tempfile::TempDir,
}

struct Operator {
    process: Child,
    log: PathBuf,
}

impl Drop for Operator {
    #[expect(clippy::print_stderr, reason = "a failed test shows the operator's log")]
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", fs_err::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// Flux's artifact server, as far as a fetch sees it.
struct Artifacts {
    base: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Artifacts {
    async fn serve() -> Self {
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let served = files.clone();
        let routes = axum::Router::new().fallback(move |uri: http::Uri| {
            let file = served.lock().unwrap().get(uri.path()).cloned();
            async move { file.ok_or(http::StatusCode::NOT_FOUND) }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base, files }
    }

    /// What a source's status says of these bytes.
    fn add(&self, revision: &str, bytes: Vec<u8>) -> Value {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        let path = format!("/{revision}.tar.gz");
        self.files.lock().unwrap().insert(path.clone(), bytes);
        json!({
            "url": format!("{}{path}", self.base), "path": path, "digest": digest,
            "revision": format!("{revision}@sha1:{}", "0".repeat(40)),
            "lastUpdateTime": "2026-11-20T00:00:00Z",
        })
    }
}

/// As source-controller packs a revision.
fn archive(files: &[(String, String)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// The files of a tag of the demo.
fn demo(tag: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/trees/packaging").join(tag);
    let tree = osmops::tree::Tree::read_folder(&root).unwrap();
    let all = osmops::tree::TreePath::root();
    let text =
        |path: &osmops::tree::TreePath| fs_err::read_to_string(root.join(path.as_str())).unwrap();
    tree.files_below(&all).map(|(path, _)| (path.to_string(), text(path))).collect()
}

impl Stage {
    async fn set() -> Option<Self> {
        let kube = KubeApi::find().await?;
        let namespace = kube.namespace().await;
        let world = World::new(Profile::instant());
        let osm = world.osm.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let artifacts = Artifacts::serve().await;
        let folder = tempfile::tempdir().unwrap();
        Some(Self { kube, namespace, world, osm, artifacts, operator: None, folder })
    }

    /// Starts the operator for this namespace alone.
    fn start_operator(&mut self, arguments: &[&str]) {
        let kubeconfig = self.kube.kubeconfig.clone();
        self.start_operator_as(&kubeconfig, arguments);
    }

    fn start_operator_as(&mut self, kubeconfig: &Path, arguments: &[&str]) {
        let log = self.folder.path().join("operator.log");
        let stderr = fs_err::File::create(&log).unwrap().into_parts().0;
        let mut command = Command::new(env!("CARGO_BIN_EXE_osmops"));
        command.args(["run", "--watch-all-namespaces=false", "--namespace", &self.namespace]);
        command.args(["--metrics-addr", "127.0.0.1:0", "--health-addr", "127.0.0.1:0"]);
        command.args(["--log-level", "debug", "--log-encoding", "json"]).args(arguments);
        command.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1");
        command.env_remove("SOURCE_HOST").env_remove("RUNTIME_NAMESPACE");
        // What `run` must not read.
        command.env("OSM_HOSTNAME", "http://127.0.0.1:9").env("OSM_PASSWORD", "of-the-environment");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        self.operator = Some(Operator { process: process.unwrap(), log });
    }

    fn log(&self) -> String {
        fs_err::read_to_string(&self.operator.as_ref().unwrap().log).unwrap()
    }

    async fn create(&self, object: Value) {
        self.kube.create(&self.namespace, object).await;
    }

    async fn create_secret(&self) {
        let data = json!({
            "hostname": format!("http://{}", self.osm.local_addr()),
            "project": "admin", "user": "admin", "password": PASSWORD,
        });
        let metadata = json!({ "name": "osm" });
        self.create(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data }))
            .await;
    }

    async fn create_repository(&self, name: &str) {
        let spec = json!({ "url": "https://git.example/demo.git", "interval": "1m0s" });
        self.create(json!({
            "apiVersion": SOURCES, "kind": "GitRepository", "metadata": { "name": name }, "spec": spec,
        }))
        .await;
    }

    async fn create_deployment(&self, name: &str, more: Value) {
        let mut spec = json!({
            "interval": "10m",
            "sourceRef": { "kind": "GitRepository", "name": "demo" },
            "connection": { "secretRef": { "name": "osm" } },
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.create(json!({
            "apiVersion": OURS, "kind": "OsmDeployment", "metadata": { "name": name }, "spec": spec,
        }))
        .await;
    }

    fn repositories(&self) -> Api<DynamicObject> {
        self.kube.objects(&self.namespace, SOURCES, "GitRepository")
    }

    fn deployments(&self) -> Api<DynamicObject> {
        self.kube.objects(&self.namespace, OURS, "OsmDeployment")
    }

    /// As source-controller tells of a new revision.
    async fn point_at(&self, artifact: &Value) {
        let patch = Patch::Merge(json!({ "status": { "artifact": artifact } }));
        self.repositories().patch_status("demo", &PatchParams::default(), &patch).await.unwrap();
    }

    async fn patch(&self, name: &str, patch: Value) {
        let patch = Patch::Merge(patch);
        self.deployments().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits for a deployment's status to be so, and returns it.
    async fn status(&self, name: &str, wanted: impl Fn(&Value) -> bool + Clone) -> Value {
        let is_so = move |object: Option<&DynamicObject>| {
            object.is_some_and(|object| wanted(&object.data["status"]))
        };
        let waiting = await_condition(self.deployments(), name, is_so);
        let Ok(object) = tokio::time::timeout(PATIENCE, waiting).await else {
            let object = self.deployments().get(name).await.unwrap();
            panic!("{name} has another status: {:#}", object.data["status"]);
        };
        object.unwrap().unwrap().data["status"].clone()
    }

    /// Waits for `Ready` to be false for this reason, and returns its message.
    async fn refusal(&self, name: &str, reason: &str, part: &str) -> String {
        let (reason, part) = (reason.to_owned(), part.to_owned());
        let status = self.status(name, move |status| {
            let ready = condition(status, "Ready");
            let message = ready["message"].as_str().unwrap_or_default();
            ready["status"] == "False" && ready["reason"] == reason && message.contains(&part)
        });
        condition(&status.await, "Ready")["message"].as_str().unwrap().to_owned()
    }

    /// Every Event on an object of this kind, as `type reason: note`.
    async fn events(&self, kind: &str) -> Vec<String> {
        let api = self.kube.objects(&self.namespace, "events.k8s.io/v1", "Event");
        let mut events = api.list(&Default::default()).await.unwrap().items;
        events.retain(|event| event.data["regarding"]["kind"] == kind);
        events.sort_by_key(|event| event.data["eventTime"].to_string());
        let text =
            |event: &DynamicObject, key: &str| event.data[key].as_str().unwrap_or("").to_owned();
        let line = |event: &DynamicObject| {
            format!("{} {}: {}", text(event, "type"), text(event, "reason"), text(event, "note"))
        };
        events.iter().map(line).collect()
    }
}

fn condition(status: &Value, kind: &str) -> Value {
    let conditions = status["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == kind));
    found.cloned().unwrap_or_default()
}

/// A status that says ready, of this revision.
fn ready_at(tag: &'static str) -> impl Fn(&Value) -> bool + Clone {
    move |status: &Value| {
        let applied = status["lastAppliedRevision"].as_str().unwrap_or_default();
        condition(status, "Ready")["status"] == "True" && applied.starts_with(tag)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_follows_its_source_and_only_what_changed_is_written() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.refusal("ldap", "ArtifactFailed", "GitRepository/").await;

    let first = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&first).await;
    let status = stage.status("ldap", ready_at("test.0.0.7")).await;
    assert_eq!(status["inventory"], json!(["VNFD openldap_knf", "NSD openldap_ns", "NS ldap"]));
    assert_eq!(status["conditions"].as_array().unwrap().len(), 1, "{status:#}");
    assert_eq!(stage.world.instance("ldap")["operational-status"], "running");

    let mark = stage.world.osm.journal_len();
    let second = stage.artifacts.add("test.0.0.8", archive(&demo("test.0.0.8")));
    stage.point_at(&second).await;
    let status = stage.status("ldap", ready_at("test.0.0.8")).await;
    let writes = stage.world.writes_since(mark);
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert!(
        writes[0].contains("/vnf_packages/") && writes[0].ends_with("/package_content"),
        "{writes:?}"
    );
    assert!(
        writes[1].contains("/ns_descriptors/") && writes[1].ends_with("/nsd_content"),
        "{writes:?}"
    );
    let revisions: Vec<&str> = status["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["revision"].as_str().unwrap())
        .collect();
    assert!(revisions[0].starts_with("test.0.0.8") && revisions[1].starts_with("test.0.0.7"));

    // By hand: looked at, answered, nothing written.
    let mark = stage.world.osm.journal_len();
    let asked = json!({ "reconcile.fluxcd.io/requestedAt": "now" });
    stage.patch("ldap", json!({ "metadata": { "annotations": asked } })).await;
    stage.status("ldap", |status| status["lastHandledReconcileAt"] == "now").await;
    assert_eq!(stage.world.writes_since(mark), [""; 0]);
    assert!(stage.world.osm.journal_len() > mark, "OSM was read");

    let events = stage.events("OsmDeployment").await;
    let applied =
        |tag: &str| format!("Normal ReconciliationSucceeded: Applied revision: {tag}@sha1:");
    for beginning in [
        "Warning ArtifactFailed: GitRepository/",
        "Normal Progressing: VNFD openldap_knf: created; NSD openldap_ns: created; NS ldap: created",
        &applied("test.0.0.7"),
        "Normal Progressing: VNFD openldap_knf: updated; NSD openldap_ns: updated",
        &applied("test.0.0.8"),
    ] {
        let count = events.iter().filter(|event| event.starts_with(beginning)).count();
        assert_eq!(count, 1, "`{beginning}` once in {events:#?}");
    }
    assert!(!stage.log().contains("of-the-environment"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_what_is_wrong_and_end_when_it_is_mended() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_repository("demo").await;
    let whole = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&whole).await;
    stage.create_deployment("ldap", json!({})).await;
    stage.start_operator(&[]);

    stage.refusal("ldap", "ReconciliationFailed", "Secret/").await;
    stage.create_secret().await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let mut wrong = stage.artifacts.add("wrong", archive(&demo("test.0.0.8")));
    wrong["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    stage.point_at(&wrong).await;
    let message = stage.refusal("ldap", "ArtifactFailed", "nothing was unpacked").await;
    assert!(
        message.contains("/wrong.tar.gz") && message.contains("the source promises sha256:0000")
    );

    let mut gone = whole.clone();
    gone["url"] = json!(format!("{}/gone.tar.gz", stage.artifacts.base));
    stage.point_at(&gone).await;
    stage
        .refusal("ldap", "ArtifactFailed", "/gone.tar.gz: the artifact is there no more (404)")
        .await;

    let mut files = demo("test.0.0.8");
    for (path, text) in &mut files {
        if path.ends_with("ldap.ops.yaml") {
            *text = text.replace("nsdName", "nsdNme");
        }
    }
    let mark = stage.world.osm.journal_len();
    let broken = stage.artifacts.add("broken", archive(&files));
    stage.point_at(&broken).await;
    let message = stage.refusal("ldap", "BuildFailed", "did you mean `nsdName`?").await;
    assert!(message.starts_with("_deployment_/kdu/ldap.ops.yaml:"), "{message}");
    assert_eq!(
        stage.world.writes_since(mark).len(),
        2,
        "the healthy packages are updated all the same"
    );

    let path = json!({ "spec": { "path": "elsewhere" } });
    stage.patch("ldap", path).await;
    stage.refusal("ldap", "BuildFailed", "spec.path is `elsewhere`").await;
    let mended = stage.artifacts.add("test.0.0.8", archive(&demo("test.0.0.8")));
    stage.point_at(&mended).await;
    stage.patch("ldap", json!({ "spec": { "path": "./" } })).await;
    stage.status("ldap", ready_at("test.0.0.8")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_mode_writes_nothing_and_a_dependent_starts_when_its_dependency_is_ready() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage
        .create_deployment("after", json!({ "dependsOn": [{ "name": "first" }], "mode": "plan" }))
        .await;
    stage.refusal("after", "DependencyNotReady", "/first is not there").await;
    let artifact = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&artifact).await;
    stage.create_deployment("first", json!({ "mode": "plan" })).await;
    let status = stage.status("first", |status| status["plan"].is_string()).await;
    assert!(
        status["plan"].as_str().unwrap().starts_with("+ VNFD openldap_knf: create"),
        "{status:#}"
    );
    assert_eq!(status["lastAppliedRevision"], Value::Null);
    stage.status("after", |status| condition(status, "Ready")["status"] == "True").await;
    let writes = stage.world.writes_since(0);
    assert!(writes.iter().all(|write| write.contains("/tokens")), "{writes:?}");

    stage.patch("first", json!({ "spec": { "suspend": true } })).await;
    stage.patch("first", json!({ "spec": { "mode": "apply" } })).await;
    stage.patch("first", json!({ "spec": { "suspend": false } })).await;
    stage.status("first", ready_at("test.0.0.7")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_reconciled_by_themselves_where_told_and_told_of_in_events() {
    let Some(mut stage) = Stage::set().await else { return };
    let connections = stage.folder.path().join("connections");
    fs_err::create_dir(&connections).unwrap();
    let file = format!(
        "hostname: {}\nproject: admin\nuser: admin\npassword: {PASSWORD}\n",
        stage.osm.local_addr()
    );
    fs_err::write(connections.join("nbi.yaml"), file).unwrap();
    let with_connection = |tag: &str, path: &str| {
        let mut files = demo(tag);
        for (name, text) in &mut files {
            if name == "osm_ops_config.yaml" {
                *text = text.replace("/etc/osmops/nbi-connection.yaml", path);
            }
        }
        archive(&files)
    };
    stage.create_repository("demo").await;
    stage.create_repository("other").await;
    stage.start_operator(&[
        "--git-repositories",
        "--connection-dir",
        connections.to_str().unwrap(),
    ]);
    let outside = stage.artifacts.add("outside", with_connection("test.0.0.7", "/etc/passwd"));
    stage.point_at(&outside).await;
    let told = |part: &'static str| {
        let stage = &stage;
        async move {
            eventually(part, || async {
                let events = stage.events("GitRepository").await;
                events.iter().any(|event| event.contains(part)).then_some(events)
            })
            .await
        }
    };
    let events = told("which is not in").await;
    assert!(
        events[0].starts_with("Warning ReconciliationFailed: osm_ops_config.yaml:"),
        "{events:?}"
    );
    let nbi = connections.join("nbi.yaml");
    let first =
        stage.artifacts.add("test.0.0.7", with_connection("test.0.0.7", nbi.to_str().unwrap()));
    stage.point_at(&first).await;
    told("Applied revision: test.0.0.7").await;
    let mark = stage.world.osm.journal_len();
    let second =
        stage.artifacts.add("test.0.0.8", with_connection("test.0.0.8", nbi.to_str().unwrap()));
    stage.point_at(&second).await;
    told("Applied revision: test.0.0.8").await;
    assert_eq!(stage.world.writes_since(mark).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_the_run_end_and_gives_the_token_back() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    let artifact = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&artifact).await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    let mut operator = stage.operator.take().unwrap();
    let id = operator.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(operator.process.wait().unwrap().success());
    let last = stage.world.sent_since(0).pop();
    assert_eq!(last.as_deref(), Some("DELETE /osm/admin/v1/tokens"));
    let log = fs_err::read_to_string(&operator.log).unwrap();
    assert!(!log.contains("\"password\"") && !log.contains("Bearer "), "{log}");

    // Started again, it finds everything as it should be.
    let mark = stage.world.osm.journal_len();
    stage.start_operator(&[]);
    eventually("the operator has looked", || async {
        let sent = stage.world.sent_since(mark);
        sent.iter().any(|line| line.ends_with("/ns_instances")).then_some(())
    })
    .await;
    assert!(stage.world.writes_since(mark).iter().all(|write| write.contains("/tokens")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_no_more_is_removed_where_the_deployment_says_prune() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    let first = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&first).await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let mut files = demo("test.0.0.8");
    files.retain(|(path, _)| !path.ends_with("ldap.ops.yaml"));
    let config = files.iter_mut().find(|(path, _)| path.ends_with("osm_ops_config.yaml"));
    config.unwrap().1.push_str("\nallowLargePrune: true\n");
    let without = stage.artifacts.add("without", archive(&files));
    stage.point_at(&without).await;
    stage.status("ldap", ready_at("without")).await;
    stage.world.instance("ldap");

    stage.patch("ldap", json!({ "spec": { "prune": true } })).await;
    let pruned = |status: &Value| {
        condition(status, "Ready")["status"] == "True" && status["observedGeneration"] == 2
    };
    let status = stage.status("ldap", pruned).await;
    assert_eq!(stage.world.osm.records(mock_nbi::Collection::NsInstances), [Value::Null; 0]);
    assert_eq!(stage.world.packages().len(), 2, "the declared packages stay");
    assert_eq!(status["inventory"], json!(["VNFD openldap_knf", "NSD openldap_ns"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_rights_are_enough() {
    let Some(mut stage) = Stage::set().await else { return };
    let kubeconfig = stage.kube.as_operator(&stage.namespace, stage.folder.path()).await;
    stage.start_operator_as(&kubeconfig, &[]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    let artifact = stage.artifacts.add("test.0.0.7", archive(&demo("test.0.0.7")));
    stage.point_at(&artifact).await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    eventually("the Event is told", || async {
        let events = stage.events("OsmDeployment").await;
        events.iter().any(|event| event.contains("Applied revision")).then_some(())
    })
    .await;
    assert!(!stage.log().contains("forbidden"), "{}", stage.log());
}
