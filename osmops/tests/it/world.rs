//! A fake OSM with a VIM account and a K8s cluster, a repository in memory, and our client between them.

use std::time::Duration;

use http_body_util::BodyExt;
use mock_nbi::{Collection, JournalEntry, MockNbi, Profile, Release, Seed};
use osmops::ids::RevisionName;
use osmops::nbi::{Connection, Nbi, TimeLimits, Transport};
use osmops::reconcile::{PassOptions, converge};
use osmops::report::{ItemStatus, PassReport};
use osmops::revision::Revision;
use osmops::secret::Secret;
use osmops::tree::{Tree, TreeFile, TreePath};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What an operator set up before anything is deployed.
const SEED: &str = "\
vim_accounts: [{name: mylocation1}]
k8s_clusters: [{name: kube1, vim_account: mylocation1}]
";

/// The password of the fake's only user.
pub(crate) const PASSWORD: &str = "admin";

pub(crate) struct World {
    pub(crate) osm: MockNbi,
}

impl World {
    pub(crate) fn new(profile: Profile) -> Self {
        Self::of_release(Release::R10, profile)
    }

    pub(crate) fn of_release(release: Release, profile: Profile) -> Self {
        let seed = Seed::from_yaml(SEED, "seed.yaml").unwrap();
        let builder = MockNbi::builder().release(release).profile(profile).seed(seed);
        Self { osm: builder.build().unwrap() }
    }

    /// A client without a token.
    pub(crate) fn client(&self) -> Nbi {
        self.client_with(TimeLimits::default())
    }

    pub(crate) fn client_with(&self, limits: TimeLimits) -> Nbi {
        Self::client_of(&self.osm, connection("http://osm"), limits)
    }

    pub(crate) fn client_of(osm: &MockNbi, connection: Connection, limits: TimeLimits) -> Nbi {
        let service = tower::ServiceExt::map_request(
            osm.service(),
            |request: http::Request<osmops::nbi::Body>| request.map(axum::body::Body::new),
        );
        Nbi::new(connection, Transport::service(service), limits)
    }

    /// A client whose requests are changed on the way.
    pub(crate) fn client_through(
        &self,
        change: impl Fn(http::Request<osmops::nbi::Body>) -> http::Request<axum::body::Body>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Nbi {
        let service = tower::ServiceExt::map_request(self.osm.service(), change);
        Nbi::new(connection("http://osm"), Transport::service(service), TimeLimits::default())
    }

    /// Passes until converged, and a log-out, as `osmops apply --wait` does it.
    pub(crate) async fn converge(&self, revision: &Revision) -> PassReport {
        Self::converge_with(&self.client(), revision).await
    }

    pub(crate) async fn converge_with(nbi: &Nbi, revision: &Revision) -> PassReport {
        let (stop, options) = (CancellationToken::new(), PassOptions::default());
        let timeout = Duration::from_secs(3600);
        let mut report = converge(nbi, revision, &options, timeout, &stop, &mut ()).await;
        let _ = nbi.log_out().await;
        report.requests = nbi.request_counts();
        report
    }

    /// What was sent since `mark`, as `METHOD path`.
    pub(crate) fn sent_since(&self, mark: usize) -> Vec<String> {
        let line = |entry: &JournalEntry| format!("{} {}", entry.method, entry.path);
        self.osm.journal()[mark..].iter().map(line).collect()
    }

    /// What was sent since `mark` and writes.
    pub(crate) fn writes_since(&self, mark: usize) -> Vec<String> {
        let line = |entry: &JournalEntry| format!("{} {}", entry.method, entry.path);
        self.osm.journal()[mark..].iter().filter(|entry| entry.is_write()).map(line).collect()
    }

    pub(crate) fn instance(&self, name: &str) -> Value {
        let mut found = self.osm.records(Collection::NsInstances);
        found.retain(|record| record["name"] == name);
        assert_eq!(found.len(), 1, "one instance `{name}`");
        found.remove(0)
    }

    pub(crate) fn packages(&self) -> Vec<Value> {
        let mut records = self.osm.records(Collection::VnfPackages);
        records.extend(self.osm.records(Collection::NsDescriptors));
        records
    }

    /// A request of somebody else's: another tool, or an operator's hand.
    pub(crate) async fn by_hand(&self, method: &str, path: &str, body: Value) -> Value {
        let token = self.token_by_hand().await;
        self.raw(method, path, Some(token), &body).await
    }

    /// The tokens of a user who is logged in elsewhere too.
    pub(crate) async fn tokens_of(&self, user: &str, password: &str) -> Vec<String> {
        let token = self.token_of(user, password).await;
        let tokens = self.raw("GET", "/osm/admin/v1/tokens", Some(token), &Value::Null).await;
        let id = |token: &Value| token["id"].as_str().unwrap().to_owned();
        tokens.as_array().unwrap().iter().map(id).collect()
    }

    async fn token_by_hand(&self) -> String {
        self.token_of("admin", PASSWORD).await
    }

    async fn token_of(&self, user: &str, password: &str) -> String {
        let log_in = serde_json::json!({ "username": user, "password": password });
        let token = self.raw("POST", "/osm/admin/v1/tokens", None, &log_in).await;
        format!("Bearer {}", token["id"].as_str().unwrap())
    }

    /// A package of somebody else's, made of an archive.
    pub(crate) async fn upload_by_hand(&self, path: &str, archive: Vec<u8>) {
        let request = http::Request::post(format!("http://osm{path}"))
            .header("Accept", "application/json")
            .header("Authorization", self.token_by_hand().await)
            .header("Content-Type", "application/gzip")
            .header("Content-Length", archive.len())
            .body(axum::body::Body::from(archive))
            .unwrap();
        let response = tower::ServiceExt::oneshot(self.osm.service(), request).await.unwrap();
        assert_eq!(response.status(), 201);
    }

    /// Somebody upgrades the demo's instance through OSM; gives the operation.
    pub(crate) async fn upgrade_by_hand(&self, replicas: &str) -> String {
        let id = self.instance("ldap")["_id"].as_str().unwrap().to_owned();
        let body = serde_json::json!({
            "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
            "primitive_params": { "replicaCount": replicas },
        });
        let path = format!("/osm/nslcm/v1/ns_instances/{id}/action");
        let started = self.by_hand("POST", &path, body).await;
        started["id"].as_str().unwrap().to_owned()
    }

    /// An instance of the demo's NSD, or of one with the same members, that somebody made.
    pub(crate) async fn instance_by_hand(
        &self,
        name: &str,
        nsd: &str,
        owner: Option<&str>,
        values: Value,
    ) -> String {
        let id_of = |collection: Collection, key: &str, value: &str| {
            let records = self.osm.records(collection);
            let found = records.iter().find(|record| record[key] == value);
            found.unwrap_or_else(|| panic!("no `{value}`"))["_id"].clone()
        };
        let kdu = serde_json::json!({ "kdu_name": "ldap", "additionalParams": values });
        let vnf =
            serde_json::json!({ "member-vnf-index": "openldap", "additionalParamsForKdu": [kdu] });
        let mut body = serde_json::json!({
            "nsName": name,
            "nsdId": id_of(Collection::NsDescriptors, "id", nsd),
            "vimAccountId": id_of(Collection::VimAccounts, "name", "mylocation1"),
            "additionalParamsForVnf": [vnf],
        });
        if let Some(owner) = owner {
            body["additionalParamsForNs"] = serde_json::json!({ "osmops_owner": owner });
        }
        let made = self.by_hand("POST", "/osm/nslcm/v1/ns_instances_content", body).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Tells the fake how operations end from now: `off`, `ok`, `fail` or `manual`.
    pub(crate) async fn operations_mode(&self, mode: &str) {
        let body = serde_json::json!({ "mode": mode });
        self.raw("PUT", "/_mock/operations/mode", None, &body).await;
    }

    async fn raw(&self, method: &str, path: &str, token: Option<String>, body: &Value) -> Value {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("http://osm{path}"))
            .header("Accept", "application/json")
            .header("Content-Type", "application/json");
        if let Some(token) = token {
            request = request.header("Authorization", token);
        }
        let body = body.to_string();
        let request = request.header("Content-Length", body.len());
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let response = tower::ServiceExt::oneshot(self.osm.service(), request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(
            status.is_success(),
            "{method} {path}: {status} {}",
            String::from_utf8_lossy(&bytes)
        );
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    }
}

pub(crate) fn connection(base: &str) -> Connection {
    Connection {
        base: Connection::parse_address(base, osmops::nbi::Hostname::InFile).unwrap(),
        project: "admin".to_owned(),
        user: "admin".to_owned(),
        password: Secret::new(PASSWORD),
        authorities: None,
        insecure_skip_verify: false,
    }
}

/// A revision of files that are held in memory.
pub(crate) fn revision(name: &str, files: &[(String, String)]) -> Revision {
    let files = files.iter().map(|(path, text)| {
        (TreePath::parse(path).unwrap(), TreeFile::in_memory(text.clone(), false))
    });
    Revision::read(&Tree::from_files(files), RevisionName::new(name).unwrap())
}

/// A revision of the OpenLDAP demo.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    pub(crate) version: &'static str,
    pub(crate) replicas: Option<&'static str>,
    pub(crate) config: &'static str,
}

impl Default for Demo {
    fn default() -> Self {
        Self { version: "1.0", replicas: Some("1"), config: "" }
    }
}

impl Demo {
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![
            config(self.config),
            vnfd("openldap_knf", "ldap", self.version),
            nsd("openldap_ns", "openldap_knf", "openldap", self.version),
        ];
        if let Some(replicas) = self.replicas {
            files.push(instance("ldap", "openldap_ns", &format!("replicaCount: \"{replicas}\"")));
        }
        files
    }

    pub(crate) fn revision(&self) -> Revision {
        let revision = revision("demo", &self.files());
        assert_eq!(revision.problems, []);
        revision
    }
}

pub(crate) fn config(more: &str) -> (String, String) {
    let text = format!("fileExtensions: [.ops.yaml]\nconnectionFile: /etc/nbi.yaml\n{more}");
    ("osm_ops_config.yaml".to_owned(), text)
}

pub(crate) fn vnfd(id: &str, kdu: &str, version: &str) -> (String, String) {
    let text = format!(
        "vnfd:\n  id: {id}\n  version: '{version}'\n  product-name: {id}\n  provider: us\n  df:\n  - id: default-df\n  \
         ext-cpd:\n  - id: mgmt-ext\n    k8s-cluster-net: mgmtnet\n  k8s-cluster:\n    nets:\n    - id: mgmtnet\n  \
         kdu:\n  - name: {kdu}\n    helm-chart: stable/{kdu}:1.0.0\n  mgmt-cp: mgmt-ext\n"
    );
    (format!("osm-pkgs/{id}/{id}.yaml"), text)
}

pub(crate) fn nsd(id: &str, vnfd: &str, member: &str, version: &str) -> (String, String) {
    let text = format!(
        "nsd:\n  nsd:\n  - id: {id}\n    version: '{version}'\n    name: {id}\n    designer: us\n    df:\n    - id: default-df\n      \
         vnf-profile:\n      - id: {member}\n        vnfd-id: {vnfd}\n        virtual-link-connectivity:\n        \
         - constituent-cpd-id:\n          - constituent-base-element-id: {member}\n            \
         constituent-cpd-id: mgmt-ext\n          virtual-link-profile-id: mgmtnet\n    \
         virtual-link-desc:\n    - id: mgmtnet\n      mgmt-network: 'true'\n    vnfd-id:\n    - {vnfd}\n"
    );
    (format!("osm-pkgs/{id}/{id}.yaml"), text)
}

/// An instance of the demo's NSD, or of one with the same members.
pub(crate) fn instance(name: &str, nsd: &str, param: &str) -> (String, String) {
    let text = format!(
        "kind: NsInstance\nname: {name}\ndescription: a service\nnsdName: {nsd}\nvnfName: openldap\n\
         vimAccountName: mylocation1\nkdu:\n  name: ldap\n  params:\n    {param}\n"
    );
    (format!("ns/{name}.ops.yaml"), text)
}

/// What became of an item, and what is said of it.
pub(crate) fn detail(report: &PassReport, item: &str) -> (ItemStatus, String) {
    let found = report.items.iter().find(|report| report.item.to_string() == item);
    let found = found.unwrap_or_else(|| panic!("no `{item}` in {report:#?}"));
    (found.status, found.detail.clone().unwrap_or_default())
}
