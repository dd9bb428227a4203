//! One test's stage, and the objects on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use mock_nbi::{Profile, Server};
use serde_json::{Value, json};

use crate::kube_api::{KubeApi, eventually};
use crate::world::{PASSWORD, World};

use super::artifacts::{Artifacts, Files, archive, demo};

const SOURCES: &str = "source.toolkit.fluxcd.io/v1";
const OURS: &str = "osmops.io/v1alpha1";

/// How long anything may take that takes a second when the machine is idle.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// One test's namespace, OSM, artifacts and operator.
pub(super) struct Stage {
    // Ends before what it talks to.
    pub(super) operator: Option<Operator>,
    pub(super) kube: KubeApi,
    pub(super) namespace: String,
    pub(super) world: World,
    pub(super) osm: Server,
    pub(super) artifacts: Artifacts,
    pub(super) folder: tempfile::TempDir,
}

pub(super) struct Operator {
    pub(super) process: Child,
    log: PathBuf,
}

impl Operator {
    pub(super) fn log(&self) -> String {
        fs_err::read_to_string(&self.log).unwrap()
    }

    /// Sends it a signal, as `kill` names it.
    pub(super) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), id]).status().unwrap().success());
    }

    /// Waits until its log has this.
    pub(super) async fn logged(&self, part: &str) {
        eventually(part, || async { self.log().contains(part).then_some(()) }).await;
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let process = Mutex::new(&mut self.process);
        eventually("the operator ends", || async { process.lock().unwrap().try_wait().unwrap() })
            .await
    }

    /// What it answers on its port for `metrics` or for `health`.
    pub(super) async fn get(&self, port: &str, path: &str) -> (u16, String) {
        let address = eventually("it listens", || async {
            let log = self.log();
            let address = log.split_once(&format!("{port} on "))?.1;
            Some(address.split(['"', '\n']).next()?.to_owned())
        })
        .await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{address}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
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

impl Stage {
    /// Nothing but a namespace; `None` where there is no API server.
    pub(super) async fn set() -> Option<Self> {
        Self::set_with(Profile::instant()).await
    }

    /// With an OSM whose operations go by `profile`.
    pub(super) async fn set_with(profile: Profile) -> Option<Self> {
        let kube = KubeApi::find().await?;
        let namespace = kube.namespace().await;
        let world = World::new(profile);
        let osm = world.osm.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let artifacts = Artifacts::serve().await;
        let folder = tempfile::tempdir().unwrap();
        Some(Self { kube, namespace, world, osm, artifacts, operator: None, folder })
    }

    /// With an operator, a Secret, a GitRepository `demo` that was not fetched yet, and an OsmDeployment
    /// `ldap` of it with this in its spec.
    pub(super) async fn with_ldap(spec: Value) -> Option<Self> {
        Self::with_ldap_in(Profile::instant(), spec).await
    }

    /// The same, with an OSM whose operations go by `profile`.
    pub(super) async fn with_ldap_in(profile: Profile, spec: Value) -> Option<Self> {
        let mut stage = Self::set_with(profile).await?;
        stage.start_operator(&[]);
        stage.create_secret().await;
        stage.create_repository("demo").await;
        stage.create_deployment("ldap", spec).await;
        Some(stage)
    }

    /// Starts the operator for this namespace alone.
    pub(super) fn start_operator(&mut self, arguments: &[&str]) {
        let kubeconfig = self.kube.kubeconfig.clone();
        self.start_operator_as(&kubeconfig, arguments);
    }

    pub(super) fn start_operator_as(&mut self, kubeconfig: &Path, arguments: &[&str]) {
        self.operator = Some(self.spawn("operator", kubeconfig, arguments));
    }

    /// One more operator for this namespace; its log has this name.
    pub(super) fn spawn(&self, name: &str, kubeconfig: &Path, arguments: &[&str]) -> Operator {
        let log = self.folder.path().join(format!("{name}.log"));
        let stderr = fs_err::File::create(&log).unwrap().into_parts().0;
        let mut command = Command::new(env!("CARGO_BIN_EXE_osmops"));
        command.args(["run", "--watch-all-namespaces=false", "--namespace", &self.namespace]);
        command.args(["--metrics-addr", "127.0.0.1:0", "--health-addr", "127.0.0.1:0"]);
        command.args(["--log-encoding", "json"]).args(arguments);
        if !arguments.contains(&"--log-level") {
            command.args(["--log-level", "debug"]);
        }
        command.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1");
        command.env_remove("SOURCE_HOST").env_remove("RUNTIME_NAMESPACE");
        // What `run` must not read.
        command.env("OSM_HOSTNAME", "http://127.0.0.1:9").env("OSM_PASSWORD", "of-the-environment");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        Operator { process: process.unwrap(), log }
    }

    pub(super) fn log(&self) -> String {
        self.operator.as_ref().unwrap().log()
    }

    /// What `/metrics` says.
    pub(super) async fn metrics(&self) -> String {
        let log = self.log();
        let (_, rest) = log.split_once("metrics on http://").expect("it says where");
        let address = rest.split('"').next().unwrap();
        let answer = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = answer.get(format!("http://{address}/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Creates an object; `more` stands beside its metadata.
    pub(super) async fn create(&self, api_version: &str, kind: &str, name: &str, more: Value) {
        let metadata = json!({ "name": name });
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.kube.create(&self.namespace, object).await;
    }

    /// The connection to OSM.
    pub(super) async fn create_secret(&self) {
        self.create_secret_with("osm", json!({})).await;
    }

    /// The connection to OSM with other values; null leaves a key out.
    pub(super) async fn create_secret_with(&self, name: &str, other: Value) {
        let mut data = json!({
            "hostname": format!("http://{}", self.osm.local_addr()),
            "project": "admin", "user": "admin", "password": PASSWORD,
        });
        let values = data.as_object_mut().unwrap();
        values.extend(other.as_object().unwrap().clone());
        values.retain(|_, value| !value.is_null());
        self.create("v1", "Secret", name, json!({ "stringData": data })).await;
    }

    pub(super) async fn create_repository(&self, name: &str) {
        let spec = json!({ "url": "https://git.example/demo.git", "interval": "1m0s" });
        self.create(SOURCES, "GitRepository", name, json!({ "spec": spec })).await;
    }

    /// An OsmDeployment of the GitRepository `demo`, with this in its spec.
    pub(super) async fn create_deployment(&self, name: &str, more: Value) {
        let mut spec = json!({
            "interval": "10m",
            "sourceRef": { "kind": "GitRepository", "name": "demo" },
            "connection": { "secretRef": { "name": "osm" } },
        });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.create(OURS, "OsmDeployment", name, json!({ "spec": spec })).await;
    }

    pub(super) fn repositories(&self) -> Api<DynamicObject> {
        self.kube.objects(&self.namespace, SOURCES, "GitRepository")
    }

    pub(super) fn deployments(&self) -> Api<DynamicObject> {
        self.kube.objects(&self.namespace, OURS, "OsmDeployment")
    }

    pub(super) fn secrets(&self) -> Api<DynamicObject> {
        self.kube.objects(&self.namespace, "v1", "Secret")
    }

    /// As source-controller tells of a new revision of `demo`.
    pub(super) async fn point_at(&self, artifact: &Value) {
        self.say_of_source("demo", json!({ "artifact": artifact })).await;
    }

    /// What source-controller says in a GitRepository's status.
    pub(super) async fn say_of_source(&self, name: &str, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.repositories().patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Makes these files the newest revision of `demo`, and returns the artifact.
    pub(super) async fn publish(&self, revision: &str, files: &Files) -> Value {
        let artifact = self.artifacts.add(revision, archive(files));
        self.point_at(&artifact).await;
        artifact
    }

    /// Makes a tag of the demo the newest revision, and returns the artifact.
    pub(super) async fn publish_tag(&self, tag: &str) -> Value {
        self.publish(tag, &demo(tag)).await
    }

    /// Changes a deployment.
    pub(super) async fn patch(&self, name: &str, patch: Value) {
        let patch = Patch::Merge(patch);
        self.deployments().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Asks for a run by hand.
    pub(super) async fn ask(&self, name: &str, at: &str) {
        let asked = json!({ "reconcile.fluxcd.io/requestedAt": at });
        self.patch(name, json!({ "metadata": { "annotations": asked } })).await;
    }

    /// Waits until a run that was asked for has ended.
    pub(super) async fn is_answered(&self, name: &str, at: &'static str) {
        self.status(name, move |status| status["lastHandledReconcileAt"] == at).await;
    }

    /// Waits for a deployment's status to be so, and returns it.
    pub(super) async fn status(
        &self,
        name: &str,
        wanted: impl Fn(&Value) -> bool + Clone,
    ) -> Value {
        let is_so = move |object: Option<&DynamicObject>| {
            object.is_some_and(|object| wanted(&object.data["status"]))
        };
        let waiting = async {
            loop {
                // A watch ends when another test installs the definitions.
                let object = await_condition(self.deployments(), name, is_so.clone()).await;
                if let Ok(object) = object {
                    return object;
                }
            }
        };
        let Ok(object) = tokio::time::timeout(PATIENCE, waiting).await else {
            let object = self.deployments().get(name).await.unwrap();
            panic!("{name} has another status: {:#}", object.data["status"]);
        };
        object.unwrap().data["status"].clone()
    }

    /// Waits for `Ready` to be false for this reason, and returns its message.
    pub(super) async fn refusal(&self, name: &str, reason: &str, part: &str) -> String {
        let (reason, part) = (reason.to_owned(), part.to_owned());
        let status = self.status(name, move |status| {
            let ready = condition(status, "Ready");
            let message = ready["message"].as_str().unwrap_or_default();
            ready["status"] == "False" && ready["reason"] == reason && message.contains(&part)
        });
        condition(&status.await, "Ready")["message"].as_str().unwrap().to_owned()
    }

    /// Waits for an Event on an object of this kind whose line has `part`, and returns all of them.
    pub(super) async fn told(&self, kind: &str, part: &str) -> Vec<String> {
        eventually(part, || async {
            let events = self.events(kind).await;
            events.iter().any(|event| event.contains(part)).then_some(events)
        })
        .await
    }

    /// Every Event on an object of this kind, as `type reason: note`.
    pub(super) async fn events(&self, kind: &str) -> Vec<String> {
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

/// The condition of this type; null when there is none.
pub(super) fn condition(status: &Value, kind: &str) -> Value {
    let conditions = status["conditions"].as_array();
    let found = conditions.and_then(|all| all.iter().find(|one| one["type"] == kind));
    found.cloned().unwrap_or_default()
}

/// A status that says ready, of this revision.
pub(super) fn ready_at(tag: &'static str) -> impl Fn(&Value) -> bool + Clone {
    move |status: &Value| {
        let applied = status["lastAppliedRevision"].as_str().unwrap_or_default();
        condition(status, "Ready")["status"] == "True" && applied.starts_with(tag)
    }
}
