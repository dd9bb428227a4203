//! A small Kubernetes API in memory: enough for `osmops run`, Flux's sources and `kubectl`, with the rules and
//! the words of a real API server.
//!
//! It has the built-in kinds that the operator and its manifests name, and those that CustomResourceDefinitions
//! define: list in pages, watch with resource versions, bookmarks and 410, get, create, replace, merge and JSON
//! patch, server-side apply, finalizers, the status subresource, schemas (defaults, unknown fields, checks),
//! label and field selectors, and role-based access for whoever impersonates somebody. Where it differs from a
//! real server, it is wrong: `osmops/tests/it/kube_contract.rs` sends the same requests to both.
//!
//! Not there: `managedFields` are used and not shown; CEL rules are not evaluated; unknown fields of built-in
//! kinds are kept; a namespace that is deleted stays `Terminating`, as without a controller manager; no
//! protobuf, no `/openapi`, no admission, nothing that runs pods.

mod address;
mod checks;
mod delete;
mod discovery;
mod event;
mod fields;
mod kind;
mod own;
mod owners;
mod patch;
mod refusal;
mod rights;
mod schema;
mod selector;
mod service;
mod shape;
mod state;
mod watch;
mod write;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use state::{State, Target};
use write::Writer;

pub use refusal::Refusal;

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// A Kubernetes API in memory. Clones are the same one.
#[derive(Debug, Clone)]
pub struct KubeApi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The latest resource version, for watches that wait for news.
    versions: tokio::sync::watch::Sender<u64>,
    /// What time it was when this was made; it goes on with tokio's clock.
    began: (SystemTime, Instant),
}

/// A listening API; it stops when this is dropped. The objects stay with [`KubeApi`].
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    _stop: DropGuard,
}

impl KubeApi {
    /// An empty cluster, made at this time.
    pub fn new(now: SystemTime) -> Self {
        let state = Mutex::new(State::new());
        let versions = tokio::sync::watch::Sender::new(0);
        let shared = Shared { state, versions, began: (now, Instant::now()) };
        let api = Self { shared: Arc::new(shared) };
        for name in NAMESPACES {
            let namespace =
                json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            api.apply(&namespace).expect("a namespace can be made");
        }
        api
    }

    /// The API without a network.
    pub fn service(
        &self,
    ) -> impl tower::Service<
        Request<Body>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static {
        self.service_until(CancellationToken::new())
    }

    fn service_until(
        &self,
        stop: CancellationToken,
    ) -> impl tower::Service<
        Request<Body>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static {
        let shared = self.shared.clone();
        tower::service_fn(move |request: Request<Body>| {
            let answer = service::answer(shared.clone(), stop.clone(), request);
            async move { Ok(answer.await) }
        })
    }

    /// Listens, with plain HTTP.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn serve(&self, address: SocketAddr) -> std::io::Result<Served> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let routes = Router::new().fallback_service(self.service_until(stop.clone()));
        let serving =
            axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
        // It ends with `stop`, and has nobody to tell of a listener that broke.
        tokio::spawn(async move { serving.await });
        Ok(Served { address, _stop: stop.drop_guard() })
    }

    /// Makes an object, or changes the one that is there, as `kubectl apply --server-side` does.
    ///
    /// # Errors
    /// [`Refusal`], in the words of a real server.
    pub fn apply(&self, object: &Value) -> Result<Value, Refusal> {
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (api_version, kind) = (said(&object["apiVersion"]), said(&object["kind"]));
        let mut state = self.shared.state();
        let is_it =
            |known: &&Arc<kind::Kind>| known.api_version() == api_version && known.kind == kind;
        let kind = state.kinds().iter().find(is_it).cloned().ok_or_else(|| {
            Refusal::bad_request(format!("no matches for kind {kind:?} in version {api_version:?}"))
        })?;
        let namespace = match said(&object["metadata"]["namespace"]) {
            _ if !kind.is_namespaced => String::new(),
            namespace if namespace.is_empty() => "default".to_owned(),
            namespace => namespace,
        };
        let name = Some(said(&object["metadata"]["name"]));
        let target = Target { kind, namespace, name, is_status: false };
        let now = rfc3339(self.shared.now());
        let by = Writer { manager: "scenario", now: &now, dry_run: false };
        let patch = patch::Patch::Apply { object: object.clone(), force: true };
        let applied = state.patch(&target, &patch, by)?;
        self.shared.wrote(&state);
        Ok(applied)
    }

    /// Every object of this kind, in the order of namespaces and names, as its first version shows it.
    pub fn objects(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let state = self.shared.state();
        let is_it =
            |known: &&Arc<kind::Kind>| known.api_version() == api_version && known.kind == kind;
        let Some(kind) = state.kinds().iter().find(is_it) else { return Vec::new() };
        let resource = kind.resource();
        let all = state.objects(&resource.group, &resource.plural);
        all.map(|object| state::seen(kind, object)).collect()
    }

    /// How many changes there were.
    pub fn version(&self) -> u64 {
        self.shared.state().version()
    }

    /// Forgets what changed, as a real server does in time: watches that go on from earlier are refused with
    /// 410, and have to list anew.
    pub fn forget_changes(&self) {
        self.shared.state().forget_changes();
    }
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients read to find it, as JSON, which is YAML too.
    pub fn kubeconfig(&self) -> String {
        let address = self.address;
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "in-memory",
            "clusters": [{ "name": "in-memory", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "admin", "user": {} }],
            "contexts": [{ "name": "in-memory", "context": {
                "cluster": "in-memory", "user": "admin", "namespace": "flux-system",
            } }],
        });
        config.to_string()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A request that panicked changed at most what it was about.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        self.began.0 + self.began.1.elapsed()
    }

    /// Wakes the watches.
    fn wrote(&self, state: &State) {
        self.versions.send_replace(state.version());
    }
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests;
