//! How `osmops run` fares with 1,000 OsmDeployments, each of a GitRepository of its own with a package pair
//! and an NS instance: memory, passes that find nothing to do, and the time from a change to the first
//! request to OSM. Ends with an error where an aim is missed.
//!
//! ```text
//! cargo build --release -p osmops && cargo run --release -p benches --example operator [PROGRAMS [OBJECTS]]
//! ```
//!
//! The operator is a process of its own, of `target/release` or the folder that is named; its memory and its
//! processor time are what Linux says of it. The Kubernetes API, Flux's artifacts and OSM are in this process, and
//! share the processors with it.

#![expect(clippy::print_stdout, reason = "what it measures is printed")]
#![expect(clippy::print_stderr, reason = "how far it is, too")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use mock_nbi::{MockNbi, Profile, Seed};
use scenarios::kube::{KubeApi, Served};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

/// How many OsmDeployments there are, unless told.
const OBJECTS: usize = 1000;

/// How many changes are timed, where there are so many objects.
const CHANGES: usize = 100;

const MEMORY_MIB_MAX: f64 = 100.0;
const PASSES_PER_SECOND_MIN: f64 = 200.0;
const FIRST_REQUEST_MAX: Duration = Duration::from_secs(1);

/// How long any part may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often it is told how far things are.
const TELL_PAUSE: Duration = Duration::from_secs(5);

/// How often what others do is looked at, which costs them time too.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

const SOURCES: &str = "source.toolkit.fluxcd.io/v1";
const OURS: &str = "osmops.io/v1alpha1";
const NAMESPACE: &str = "flux-system";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let programs = std::env::args_os().nth(1).map_or("target/release".into(), PathBuf::from);
    let objects = std::env::args().nth(2).map_or(Ok(OBJECTS), |count| count.parse())?;
    let mut stage = Stage::set(&programs, objects).await?;
    let began = Instant::now();
    stage.start_operator()?;
    stage.until_ready_at(1, objects).await?;
    let first = began.elapsed();
    println!("{objects} OsmDeployments, each with a VNFD, an NSD and an NS instance");
    println!("{:<56} {:>9.1} s", "started, and everything made in OSM", first.as_secs_f64());

    let after_making = stage.operator()?.memory_mib("VmRSS:")?;
    println!("{:<56} {after_making:>9.1} MiB", "memory then");

    let Idle { rate, requests, processor } = stage.idle_passes().await?;
    println!("{:<56} {rate:>9.0} /s", "passes that find nothing to do");
    println!("{:<56} {requests:>9.2}", "requests to OSM for each of them");
    println!(
        "{:<56} {:>9.2} ms",
        "the operator's processor time for each of them",
        processor * 1e3
    );

    let mut times = stage.changes().await?;
    times.sort();
    let (median, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!(
        "{:<56} {:>9.1} ms",
        "from a new revision to the first request, median",
        millis(median)
    );
    println!("{:<56} {:>9.1} ms", "and 99 of 100", millis(p99));

    let peak = stage.operator()?.memory_mib("VmHWM:")?;
    println!("{:<56} {peak:>9.1} MiB", "memory at its peak");
    if peak > MEMORY_MIB_MAX || rate < PASSES_PER_SECOND_MIN || p99 > FIRST_REQUEST_MAX {
        return Err("an aim is missed".into());
    }
    Ok(())
}

/// What is said of an OsmDeployment that failed.
fn failure(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array()?;
    let failed =
        conditions.iter().find(|one| one["type"] == "Ready" && one["status"] == "False")?;
    Some(format!("{}: {}", failed["reason"], failed["message"]))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Passes that find nothing to do.
struct Idle {
    /// A second.
    rate: f64,
    /// To OSM, for each.
    requests: f64,
    /// The operator's processor time for each, in seconds.
    processor: f64,
}

/// Everything that the operator talks to, and the operator.
struct Stage {
    // Ends before what it talks to.
    operator: Option<Operator>,
    programs: PathBuf,
    objects: usize,
    kube: KubeApi,
    served: Served,
    osm: MockNbi,
    /// When each request reached OSM.
    arrivals: UnboundedReceiver<Instant>,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    base: String,
    folder: tempfile::TempDir,
}

struct Operator {
    process: Child,
    log: PathBuf,
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Operator {
    /// A line of `/proc/PID/status`.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn memory_mib(&self, line: &str) -> Outcome<f64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let found =
            status.lines().find_map(|text| text.strip_prefix(line)).ok_or("no such line")?;
        let kib: u64 = found.trim().trim_end_matches(" kB").parse()?;
        Ok(kib as f64 / 1024.0)
    }

    /// Seconds of processor time so far.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn processor_seconds(&self) -> Outcome<f64> {
        // Linux counts in hundredths; the name, which may hold anything, ends with the last parenthesis.
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(ticks.sum::<Result<u64, _>>()? as f64 / 100.0)
    }

    /// Where `/metrics` is, as the log says it.
    fn metrics(&self) -> Outcome<String> {
        let log = fs_err::read_to_string(&self.log)?;
        let (_, rest) = log.split_once("metrics on http://").ok_or("the log names no metrics")?;
        let end = rest.find(|letter: char| letter.is_whitespace() || letter == '"');
        Ok(rest[..end.unwrap_or(rest.len())].to_owned())
    }
}

impl Stage {
    async fn set(programs: &Path, objects: usize) -> Outcome<Self> {
        let seed = "vim_accounts: [{name: site}]\nk8s_clusters: [{name: kube, vim_account: site}]";
        let seed = Seed::from_yaml(seed, "seed")?;
        let osm = MockNbi::builder().profile(Profile::instant()).seed(seed).build()?;
        raise_quotas(&osm, objects).await?;
        let (sender, arrivals) = unbounded_channel();
        let osm_address = serve_osm(&osm, sender).await?;
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let base = serve_files(files.clone()).await?;
        #[expect(clippy::disallowed_methods, reason = "here the program reads the machine's clock")]
        let kube = KubeApi::new(std::time::SystemTime::now());
        let served = kube.serve("127.0.0.1:0".parse()?).await?;
        let folder = tempfile::tempdir()?;
        let (operator, programs) = (None, programs.to_owned());
        let stage =
            Self { operator, programs, objects, kube, served, osm, arrivals, files, base, folder };
        stage.define()?;
        let data = json!({
            "hostname": osm_address, "project": "admin", "user": "admin", "password": "admin",
        });
        stage.apply("v1", "Secret", "osm", json!({ "stringData": data }))?;
        for number in 0..objects {
            let name = format!("n{number}");
            let spec = json!({ "url": "https://git.example/demo.git", "interval": "1m" });
            stage.apply(SOURCES, "GitRepository", &name, json!({ "spec": spec }))?;
            stage.publish(number, 1).await?;
            let spec = json!({
                "interval": "60m", "sourceRef": { "kind": "GitRepository", "name": name },
                "connection": { "secretRef": { "name": "osm" } },
            });
            stage.apply(OURS, "OsmDeployment", &name, json!({ "spec": spec }))?;
        }
        Ok(stage)
    }

    /// Flux's sources, our resource and a namespace.
    fn define(&self) -> Outcome<()> {
        let mut texts = vec![osmops::operator::crd::definition()];
        for entry in fs_err::read_dir("osmops/tests/crds")? {
            texts.push(fs_err::read_to_string(entry?.path())?);
        }
        for text in &texts {
            let text = text.trim_start_matches("---\n");
            self.kube.apply(&serde_yaml::from_str(text)?).map_err(|refusal| refusal.message)?;
        }
        let metadata = json!({ "name": NAMESPACE });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        self.kube.apply(&namespace).map_err(|refusal| refusal.message)?;
        Ok(())
    }

    fn apply(&self, api_version: &str, kind: &str, name: &str, more: Value) -> Outcome<()> {
        let metadata = json!({ "name": name, "namespace": NAMESPACE });
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        if let (Some(fields), Value::Object(more)) = (object.as_object_mut(), more) {
            fields.extend(more);
        }
        self.kube.apply(&object).map_err(|refusal| refusal.message)?;
        Ok(())
    }

    /// As source-controller tells of a new revision.
    async fn publish(&self, number: usize, version: usize) -> Outcome<()> {
        let bytes = archive(&repository(number, version))?;
        let path = format!("/{number}-{version}.tar.gz");
        let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
        self.files.lock().map_err(|_| "a server panicked")?.insert(path.clone(), bytes);
        let artifact = json!({
            "url": format!("{}{path}", self.base), "path": path, "digest": digest,
            "revision": format!("{version}@sha1:0"), "lastUpdateTime": "2026-11-20T00:00:00Z",
        });
        let path =
            format!("/apis/{SOURCES}/namespaces/{NAMESPACE}/gitrepositories/n{number}/status");
        self.patch(&path, json!({ "status": { "artifact": artifact } })).await
    }

    async fn patch(&self, path: &str, patch: Value) -> Outcome<()> {
        let request = Request::patch(format!("http://kube{path}"))
            .header("Content-Type", "application/merge-patch+json")
            .body(Body::from(patch.to_string()))?;
        let response = self.kube.service().oneshot(request).await?;
        if response.status() == StatusCode::OK {
            return Ok(());
        }
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        Err(String::from_utf8_lossy(&body).into_owned().into())
    }

    fn start_operator(&mut self) -> Outcome<()> {
        let kubeconfig = self.folder.path().join("kubeconfig");
        fs_err::write(&kubeconfig, self.served.kubeconfig())?;
        let log = self.folder.path().join("operator.log");
        let mut command = Command::new(self.programs.join("osmops"));
        command.args(["run", "--metrics-addr", "127.0.0.1:0", "--health-addr", "127.0.0.1:0"]);
        command.env("KUBECONFIG", kubeconfig).env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
        // As in `kind/manifests/deployment.yaml`.
        command.env("MIMALLOC_PURGE_DELAY", "0");
        let stderr = fs_err::File::create(&log)?.into_parts().0;
        let process = command.stdout(Stdio::null()).stderr(stderr).spawn()?;
        self.operator = Some(Operator { process, log });
        Ok(())
    }

    fn operator(&self) -> Outcome<&Operator> {
        Ok(self.operator.as_ref().ok_or("no operator runs")?)
    }

    /// Waits until so many deployments are ready at this version.
    async fn until_ready_at(&self, version: usize, count: usize) -> Outcome<()> {
        let revision = format!("{version}@sha1:0");
        let is_ready = |object: &Value| {
            let status = &object["status"];
            let conditions = status["conditions"].as_array().into_iter().flatten();
            let mut ready = conditions.filter(|one| one["type"] == "Ready");
            status["lastAppliedRevision"] == revision.as_str()
                && ready.any(|one| one["status"] == "True")
        };
        let began = Instant::now();
        let mut told = began;
        loop {
            let objects = self.kube.objects(OURS, "OsmDeployment");
            let ready = objects.iter().filter(|object| is_ready(object)).count();
            if ready >= count {
                return Ok(());
            }
            if told.elapsed() > TELL_PAUSE {
                told = Instant::now();
                eprintln!("{:>5} s: {ready} of {count} ready", began.elapsed().as_secs());
            }
            if let Some(message) = objects.iter().find_map(failure) {
                return Err(format!("{ready} of {count} ready, and one failed: {message}").into());
            }
            if began.elapsed() > PATIENCE {
                let log = self.log_end();
                let limit = PATIENCE.as_secs();
                return Err(format!(
                    "{ready} of {count} ready after {limit} s; the log ends:\n{log}"
                )
                .into());
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    fn log_end(&self) -> String {
        let log =
            self.operator().ok().and_then(|operator| fs_err::read_to_string(&operator.log).ok());
        let lines: Vec<String> =
            log.unwrap_or_default().lines().rev().take(20).map(str::to_owned).collect();
        lines.join("\n")
    }

    /// How many runs there were, by the operator's metrics.
    async fn runs(&self) -> Outcome<f64> {
        let address = self.operator()?.metrics()?;
        let text = get(&address, "/metrics").await?;
        let lines =
            text.lines().filter(|line| line.starts_with("controller_runtime_reconcile_total{"));
        let counts = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(counts.sum())
    }

    /// The Secret is touched, which concerns all of them, and changes nothing.
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    async fn idle_passes(&mut self) -> Outcome<Idle> {
        const ROUNDS: usize = 5;
        // What was started last may still be looked at.
        sleep(Duration::from_secs(3)).await;
        let path = format!("/api/v1/namespaces/{NAMESPACE}/secrets/osm");
        while self.arrivals.try_recv().is_ok() {}
        let (mut took, mut passes) = (Duration::ZERO, 0.0);
        let processor = self.operator()?.processor_seconds()?;
        for round in 0..ROUNDS {
            let before = self.runs().await?;
            let began = Instant::now();
            let touched = json!({ "metadata": { "annotations": { "round": round.to_string() } } });
            self.patch(&path, touched).await?;
            let waiting = async {
                while self.runs().await? < before + self.objects as f64 {
                    sleep(LOOK_PAUSE).await;
                }
                Outcome::Ok(began.elapsed())
            };
            took += timeout(PATIENCE, waiting).await.map_err(|_| "the passes do not end")??;
            passes += self.objects as f64;
        }
        let mut requests = 0;
        while self.arrivals.try_recv().is_ok() {
            requests += 1;
        }
        let processor = self.operator()?.processor_seconds()? - processor;
        Ok(Idle {
            rate: passes / took.as_secs_f64(),
            requests: f64::from(requests) / passes,
            processor: processor / passes,
        })
    }

    /// How long it takes from each of some changes to the first request.
    async fn changes(&mut self) -> Outcome<Vec<Duration>> {
        let mut times = Vec::new();
        let changes = CHANGES.min(self.objects);
        for nth in 0..changes {
            let number = nth * (self.objects / changes);
            while self.arrivals.try_recv().is_ok() {}
            let began = Instant::now();
            self.publish(number, 2).await?;
            let arrived =
                timeout(PATIENCE, self.arrivals.recv()).await?.ok_or("no request comes")?;
            times.push(arrived.duration_since(began));
            self.until_ready_at(2, nth + 1).await?;
        }
        assert_eq!(self.osm.records(mock_nbi::Collection::NsInstances).len(), self.objects);
        Ok(times)
    }
}

/// OSM lets a project have 500 of each kind, unless told.
async fn raise_quotas(osm: &MockNbi, objects: usize) -> Outcome<()> {
    let ask = async |path: &str, token: &str, method: &str, body: Value| -> Outcome<Value> {
        let body = body.to_string();
        let request =
            Request::builder().method(method).uri(format!("http://osm/osm/admin/v1{path}"));
        let request = request.header("Accept", "application/json").header("Authorization", token);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("Content-Length", body.len()).body(Body::from(body))?;
        let answer = osm.service().oneshot(request).await.map_err(|_| "OSM cuts the connection")?;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await?;
        if !status.is_success() {
            return Err(String::from_utf8_lossy(&body).into_owned().into());
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    };
    let log_in = json!({ "username": "admin", "password": "admin" });
    let token = ask("/tokens", "", "POST", log_in).await?;
    let bearer = format!("Bearer {}", token["id"].as_str().ok_or("no token")?);
    let quotas = json!({ "vnfds": objects, "nsds": objects, "ns_instances": objects });
    ask("/projects/admin", &bearer, "PATCH", json!({ "name": "admin", "quotas": quotas })).await?;
    Ok(())
}

/// Serves a fake OSM that tells when requests arrive.
async fn serve_osm(osm: &MockNbi, arrivals: UnboundedSender<Instant>) -> Outcome<String> {
    let osm = osm.clone();
    let routes = axum::Router::new().fallback(move |request: Request<Body>| {
        // Nobody listens any more when the program ends.
        let _ = arrivals.send(Instant::now());
        let answer = osm.service().oneshot(request);
        // A connection that the fake cuts on purpose; none is asked for here.
        async move { answer.await.map_err(|_| StatusCode::BAD_GATEWAY) }
    });
    listen(routes).await
}

/// Serves what is in `files`.
async fn serve_files(files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>) -> Outcome<String> {
    let routes = axum::Router::new().fallback(move |uri: http::Uri| {
        let file = files.lock().ok().and_then(|files| files.get(uri.path()).cloned());
        async move { file.ok_or(StatusCode::NOT_FOUND) }
    });
    listen(routes).await
}

async fn listen(routes: axum::Router) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(base)
}

async fn get(address: &str, path: &str) -> Outcome<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

/// The files of a repository.
fn repository(number: usize, version: usize) -> Vec<(String, String)> {
    let (vnfd, nsd) = (format!("p{number}_knf"), format!("p{number}_ns"));
    let config = "fileExtensions: [.ops.yaml]\nconnectionFile: /etc/osmops/nbi-connection.yaml\n";
    let vnfd_text = format!(
        "vnfd:\n  id: {vnfd}\n  version: '{version}.0'\n  product-name: {vnfd}\n  provider: us\n  df:\n  \
         - id: default-df\n  ext-cpd:\n  - id: mgmt-ext\n    k8s-cluster-net: mgmtnet\n  k8s-cluster:\n    nets:\n    \
         - id: mgmtnet\n  kdu:\n  - name: kdu\n    helm-chart: stable/x:1.0.0\n  mgmt-cp: mgmt-ext\n"
    );
    let nsd_text = format!(
        "nsd:\n  nsd:\n  - id: {nsd}\n    version: '1.0'\n    name: {nsd}\n    designer: us\n    df:\n    \
         - id: default-df\n      vnf-profile:\n      - id: member\n        vnfd-id: {vnfd}\n        \
         virtual-link-connectivity:\n        - constituent-cpd-id:\n          \
         - constituent-base-element-id: member\n            constituent-cpd-id: mgmt-ext\n          \
         virtual-link-profile-id: mgmtnet\n    virtual-link-desc:\n    - id: mgmtnet\n      \
         mgmt-network: 'true'\n    vnfd-id:\n    - {vnfd}\n"
    );
    let instance = format!(
        "kind: NsInstance\nname: i{number}\ndescription: number {number}\nnsdName: {nsd}\nvnfName: member\n\
         vimAccountName: site\nkdu:\n  name: kdu\n  params:\n    replicaCount: \"2\"\n"
    );
    vec![
        ("osm_ops_config.yaml".to_owned(), config.to_owned()),
        (format!("osm-pkgs/{vnfd}/vnfd.yaml"), vnfd_text),
        (format!("osm-pkgs/{nsd}/nsd.yaml"), nsd_text),
        ("ns/instance.ops.yaml".to_owned(), instance),
    ]
}

fn archive(files: &[(String, String)]) -> Outcome<Vec<u8>> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes())?;
    }
    Ok(tar.into_inner()?.finish()?)
}
