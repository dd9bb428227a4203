//! The operator's hand: makes what a scenario gives, and looks at what OSM has, through the NBI.
//!
//! In: a [`Transport`]. Out: records of OSM as plain values. Invariant: uses nothing of `osmops` but its
//! transport, so that what it sees does not depend on how `osmops` reads; its requests are not counted
//! as those of `osmops`.

mod deeds;
mod state;

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use osmops::nbi::{Connection, Transport, full};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::step::Given;
use crate::world::{PackageArchive, World};

pub use state::{InstanceSeen, OperationSeen, OsmState, PackageSeen};

/// The longest wait for one answer: onboarding takes a real OSM 20 s.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// The longest wait for an account, a cluster or an instance to be made; a real OSM takes minutes.
const READY_TIME_MAX: Duration = Duration::from_secs(600);

/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Talks to one NBI as an operator would.
#[derive(Debug)]
pub struct Hand {
    transport: Transport,
    base: String,
    project: String,
    bearer: String,
    requests: u64,
}

/// What became of something that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    Now,
    /// It was there.
    Before,
}

/// Why the hand could not do something.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// No answer.
    #[error("{method} {path}: no answer")]
    NoAnswer {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: osmops::nbi::BoxError,
    },
    /// An answer that says no.
    #[error("{method} {path}: refused with {status}: {words}")]
    Refused {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: StatusCode,
        /// The answer's body.
        words: String,
    },
    /// An answer without what it must have.
    #[error("{method} {path}: the answer has no `{key}`")]
    Incomplete {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// What is missing.
        key: &'static str,
    },
    /// Something that is not there.
    #[error("OSM has no {what} `{name}`")]
    Absent {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something that never became ready.
    #[error(
        "{what} `{name}` is in state {state} after {}",
        humantime::format_duration(READY_TIME_MAX)
    )]
    NotReady {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its state.
        state: String,
    },
}

enum Content<'a> {
    Nothing,
    Json(Value),
    Package(&'a PackageArchive),
}

impl Hand {
    /// Logs in.
    ///
    /// # Errors
    /// [`HandError`], as when the password is wrong.
    ///
    /// # Cancel safety
    /// Dropped before its end, a token may be left, which OSM forgets within the hour.
    pub async fn log_in(transport: Transport, connection: &Connection) -> Result<Self, HandError> {
        let base = connection.base.as_str().trim_end_matches('/').to_owned();
        let project = connection.project.clone();
        let mut hand = Self { transport, base, project, bearer: String::new(), requests: 0 };
        let path = "/osm/admin/v1/tokens";
        let body = json!({
            "username": connection.user,
            "password": connection.password.reveal(),
            "project_id": connection.project,
        });
        let token = hand.call(Method::POST, path, Content::Json(body)).await?;
        hand.bearer = format!("Bearer {}", text(&token, "id", &Method::POST, path)?);
        Ok(hand)
    }

    /// Gives the token back.
    ///
    /// # Errors
    /// [`HandError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, OSM forgets the token within the hour.
    pub async fn log_out(mut self) -> Result<(), HandError> {
        let path = "/osm/admin/v1/tokens";
        self.call(Method::DELETE, path, Content::Nothing).await?;
        Ok(())
    }

    /// How many requests were sent so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Makes `given` unless OSM has it, and waits until it can be used.
    ///
    /// # Errors
    /// [`HandError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, it may or may not be made; called again, it looks first.
    pub async fn make(&mut self, given: &Given, world: &World) -> Result<Made, HandError> {
        match given {
            Given::VimAccount { name } => {
                let body = json!({
                    "name": name,
                    "vim_type": "dummy",
                    "vim_url": "http://localhost/dummy",
                    "vim_user": "u",
                    "vim_password": "p",
                    "vim_tenant_name": "p",
                });
                self.register("VIM account", "vim_accounts", name, body).await
            }
            Given::K8sCluster { name, vim_account } => {
                let vim = self.id_of("VIM account", VIM_ACCOUNTS, vim_account).await?;
                let body = json!({
                    "name": name,
                    "vim_account": vim,
                    "k8s_version": "v1.21",
                    "nets": {"net1": null},
                    "credentials": {},
                });
                self.register("K8s cluster", "k8sclusters", name, body).await
            }
            Given::Quota { of, at_most } => {
                let path = format!("/osm/admin/v1/projects/{}", self.project);
                let body = json!({ "name": self.project, "quotas": { of: at_most } });
                self.call(Method::PATCH, &path, Content::Json(body)).await?;
                Ok(Made::Now)
            }
            Given::Package { folder } => self.onboard(world.package(folder)).await,
            Given::NsInstance { name, nsd, vim_account, kdus, owner } => {
                self.instantiate(name, nsd, vim_account, kdus, owner.as_deref()).await
            }
        }
    }

    /// Everything that OSM has, as far as a scenario looks at it: four reads.
    ///
    /// # Errors
    /// [`HandError`].
    pub async fn read_state(&mut self) -> Result<OsmState, HandError> {
        let vnfds = self.read("/osm/vnfpkgm/v1/vnf_packages").await?;
        let nsds = self.read("/osm/nsd/v1/ns_descriptors").await?;
        let instances = self.read("/osm/nslcm/v1/ns_instances").await?;
        let operations = self.read("/osm/nslcm/v1/ns_lcm_op_occs").await?;
        Ok(OsmState::of(&vnfds, &nsds, &instances, &operations))
    }

    async fn register(
        &mut self,
        what: &'static str,
        collection: &str,
        name: &str,
        body: Value,
    ) -> Result<Made, HandError> {
        let path = format!("/osm/admin/v1/{collection}");
        let found = self.read(&format!("{path}?name={name}")).await?;
        if found.as_array().is_some_and(|list| !list.is_empty()) {
            return Ok(Made::Before);
        }
        let created = self.call(Method::POST, &path, Content::Json(body)).await?;
        let id = text(&created, "id", &Method::POST, &path)?;
        let state = |record: &Value| {
            let state = record.pointer("/_admin/operationalState");
            state.and_then(Value::as_str).unwrap_or("unknown").to_owned()
        };
        let record = format!("{path}/{id}");
        self.wait_until(what, name, &record, state, &["ENABLED"], &["ERROR"]).await?;
        Ok(Made::Now)
    }

    async fn onboard(&mut self, package: &PackageArchive) -> Result<Made, HandError> {
        let collection = if package.is_nsd {
            "/osm/nsd/v1/ns_descriptors"
        } else {
            "/osm/vnfpkgm/v1/vnf_packages"
        };
        let found = self.read(&format!("{collection}?id={}", package.id)).await?;
        if found.as_array().is_some_and(|list| !list.is_empty()) {
            return Ok(Made::Before);
        }
        let path = format!("{collection}_content");
        self.call(Method::POST, &path, Content::Package(package)).await?;
        Ok(Made::Now)
    }

    /// Looks at a record until its state is one of `good`; one of `bad` is an error at once.
    async fn wait_until(
        &mut self,
        what: &'static str,
        name: &str,
        path: &str,
        state: impl Fn(&Value) -> String,
        good: &[&str],
        bad: &[&str],
    ) -> Result<(), HandError> {
        let looks = READY_TIME_MAX.as_secs() / LOOK_PAUSE.as_secs();
        let mut last = String::new();
        for _ in 0..looks {
            last = state(&self.read(path).await?);
            if good.contains(&last.as_str()) {
                return Ok(());
            }
            if bad.contains(&last.as_str()) {
                break;
            }
            sleep(LOOK_PAUSE).await;
        }
        Err(HandError::NotReady { what, name: name.to_owned(), state: last })
    }

    /// OSM's `_id` of the first record that `list` (a path that ends in `?key=`) finds by `name`.
    async fn id_of(
        &mut self,
        what: &'static str,
        list: &str,
        name: &str,
    ) -> Result<String, HandError> {
        let found = self.read(&format!("{list}{name}")).await?;
        let id = found.pointer("/0/_id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| HandError::Absent { what, name: name.to_owned() })
    }

    async fn read(&mut self, path: &str) -> Result<Value, HandError> {
        self.call(Method::GET, path, Content::Nothing).await
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        content: Content<'_>,
    ) -> Result<Value, HandError> {
        self.requests += 1;
        let no_answer =
            |source| HandError::NoAnswer { method: method.clone(), path: path.to_owned(), source };
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header(ACCEPT, "application/json");
        if !self.bearer.is_empty() {
            request = request.header(AUTHORIZATION, &self.bearer);
        }
        let bytes = match content {
            Content::Nothing => Vec::new(),
            Content::Json(value) => {
                request = request.header(CONTENT_TYPE, "application/json");
                value.to_string().into_bytes()
            }
            Content::Package(package) => {
                request = request
                    .header(CONTENT_TYPE, "application/gzip")
                    .header("Content-Filename", &package.file_name);
                package.bytes.clone()
            }
        };
        let request = request
            .header(CONTENT_LENGTH, bytes.len())
            .body(full(bytes))
            .map_err(|error| no_answer(error.into()))?;
        let exchange = async {
            let answer = self.transport.send(request).await;
            let answer = answer.map_err(|error| no_answer(error.into()))?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(no_answer)?;
            Ok((status, body.to_bytes()))
        };
        let (status, body) = timeout(ANSWER_TIME_MAX, exchange)
            .await
            .unwrap_or_else(|elapsed| Err(no_answer(elapsed.into())))?;
        if !status.is_success() {
            let words = String::from_utf8_lossy(&body);
            return Err(HandError::Refused {
                method,
                path: path.to_owned(),
                status,
                words: words.split_whitespace().collect::<Vec<_>>().join(" "),
            });
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| no_answer(error.into()))
    }
}

/// Finds VIM accounts by name.
const VIM_ACCOUNTS: &str = "/osm/admin/v1/vim_accounts?name=";

fn text(
    value: &Value,
    key: &'static str,
    method: &Method,
    path: &str,
) -> Result<String, HandError> {
    let found = value.get(key).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| HandError::Incomplete {
        method: method.clone(),
        path: path.to_owned(),
        key,
    })
}
