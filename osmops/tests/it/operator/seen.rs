//! What is seen of the operator from outside: events, metrics, health and the dashboard.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::kube_api::eventually;

use super::world::{Stage, ready_at};

/// Who takes events, as Flux's notification-controller does.
struct Receiver {
    address: String,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// `status` is how it answers; `None` is never.
    async fn serve(status: Option<StatusCode>) -> Self {
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let take = move |State(events): State<Arc<Mutex<Vec<Value>>>>, body: axum::Json<Value>| async move {
            events.lock().unwrap().push(body.0);
            match status {
                Some(status) => status,
                None => std::future::pending().await,
            }
        };
        let routes =
            axum::Router::new().route("/", axum::routing::post(take)).with_state(events.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, events }
    }

    fn events(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_to_the_notification_controller_too_and_a_duplicate_is_no_failure() {
    let Some(mut stage) = Stage::set().await else { return };
    let receiver = Receiver::serve(Some(StatusCode::TOO_MANY_REQUESTS)).await;
    stage.start_operator(&["--events-addr", &receiver.address]);
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.publish_tag("test.0.0.7").await;
    stage.refusal("ldap", "AuthenticationFailed", "Secret/").await;
    stage.create_secret().await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    let told = |reason: &'static str, message: &'static str| {
        let receiver = &receiver;
        async move {
            eventually(message, || async {
                receiver.events().into_iter().find(|event| {
                    let text = event["message"].as_str().unwrap();
                    event["reason"] == reason && text.contains(message)
                })
            })
            .await
        }
    };
    let failed = told("AuthenticationFailed", "is not there").await;
    assert_eq!(failed["severity"], "error");
    let applied = told("ReconciliationSucceeded", "Applied revision: test.0.0.7").await;
    let about = &applied["involvedObject"];
    assert_eq!(about["kind"], "OsmDeployment");
    assert_eq!(about["apiVersion"], "osmops.io/v1alpha1");
    assert_eq!(about["name"], "ldap");
    assert_eq!(about["namespace"], stage.namespace);
    assert!(about["uid"].is_string());
    assert_eq!(applied["severity"], "info");
    assert_eq!(applied["reportingController"], "osmops");
    let revision = applied["metadata"]["osmops.io/revision"].as_str().unwrap();
    assert!(revision.starts_with("test.0.0.7@sha1:"), "{revision}");
    assert!(applied["timestamp"].as_str().unwrap().ends_with('Z'));
    told("Progressing", "NS ldap: created").await;
    assert!(!stage.log().contains("cannot tell"), "{}", stage.log());
    // Every Event of Kubernetes was told, once.
    let events = stage.events("OsmDeployment").await;
    assert_eq!(receiver.events().len(), events.len(), "{events:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_delays_neither_a_run_nor_the_end() {
    let Some(mut stage) = Stage::set().await else { return };
    let receiver = Receiver::serve(None).await;
    stage.start_operator(&["--events-addr", &receiver.address]);
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.publish_tag("test.0.0.7").await;
    stage.status("ldap", ready_at("test.0.0.7")).await;
    eventually("it was told something", || async { (!receiver.events().is_empty()).then_some(()) })
        .await;
    let mut operator = stage.operator.take().unwrap();
    let told = Instant::now();
    operator.signal("TERM");
    assert!(operator.ended().await.success());
    assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
}

/// Carries bytes to the API server, until it is told to hold them back without a word.
struct Line {
    address: String,
    is_dead: Arc<AtomicBool>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let is_dead = Arc::new(AtomicBool::new(false));
        let dead = is_dead.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(carry(from_client, to_server, dead.clone()));
                tokio::spawn(carry(from_server, to_client, dead.clone()));
            }
        });
        Self { address, is_dead }
    }
}

async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    is_dead: Arc<AtomicBool>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while is_dead.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_hears_nothing_any_more_makes_the_operator_unhealthy() {
    let Some(mut stage) = Stage::set().await else { return };
    let text = fs_err::read_to_string(&stage.kube.kubeconfig).unwrap();
    let mut config: Value = serde_yaml::from_str(&text).unwrap();
    let server = &mut config["clusters"][0]["cluster"]["server"];
    let (scheme, address) = server.as_str().unwrap().split_once("://").unwrap();
    let (scheme, line) = (scheme.to_owned(), Line::to(address.to_owned()).await);
    *server = json!(format!("{scheme}://{}", line.address));
    let kubeconfig = stage.folder.path().join("kubeconfig.line");
    fs_err::write(&kubeconfig, config.to_string()).unwrap();

    stage.start_operator_as(&kubeconfig, &["--watch-timeout", "3s"]);
    let operator = stage.operator.take().unwrap();
    let says = |path: &'static str, wanted: u16| {
        let operator = &operator;
        async move {
            eventually(path, || async {
                let (status, text) = operator.get("health", path).await;
                (status == wanted).then_some(text)
            })
            .await
        }
    };
    says("/readyz", 200).await;
    line.is_dead.store(true, Ordering::Relaxed);
    let why = says("/healthz", 503).await;
    assert!(why.starts_with("nothing was heard of "), "{why}");
    says("/readyz", 503).await;
    line.is_dead.store(false, Ordering::Relaxed);
    says("/healthz", 200).await;
    says("/readyz", 200).await;
}

/// Names of metrics in a text of whatever language.
fn metrics_in(text: &str) -> BTreeSet<String> {
    const FAMILIES: [&str; 6] =
        ["gotk_", "controller_runtime_", "workqueue_", "rest_client_", "osmops_", "process_"];
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| FAMILIES.iter().any(|family| word.starts_with(family));
    words.filter(is_metric).map(str::to_owned).collect()
}

fn kind_folder(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kind").join(path);
    fs_err::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_metrics_that_there_are_and_an_object_takes_its_series_along() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.start_operator(&[]);
    // A failure first, so that what counts failures is there.
    stage.create_repository("demo").await;
    stage.create_deployment("ldap", json!({ "deletionPolicy": "Delete" })).await;
    stage.publish_tag("test.0.0.7").await;
    stage.refusal("ldap", "AuthenticationFailed", "Secret/").await;
    stage.create_secret().await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let operator = stage.operator.as_ref().unwrap();
    let (status, scrape) = operator.get("metrics", "/metrics").await;
    assert_eq!(status, 200);
    let samples: Vec<&str> = scrape.lines().filter(|line| !line.starts_with('#')).collect();
    let there: BTreeSet<String> = samples.iter().flat_map(|line| metrics_in(line)).collect();
    let dashboard: Value = serde_json::from_str(&kind_folder("dashboard.json")).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array();
        assert!(panel["type"] == "row" || targets.is_some_and(|all| !all.is_empty()), "{panel}");
        for target in targets.into_iter().flatten() {
            let metrics = metrics_in(target["expr"].as_str().unwrap());
            assert!(!metrics.is_empty(), "{target}");
            asked.extend(metrics);
        }
    }
    let missing: Vec<&String> = asked.difference(&there).collect();
    assert!(missing.is_empty(), "{missing:?} not in:\n{scrape}");
    // The page that explains them names them, and no others.
    let bare = |name: &String| {
        let parts = ["_bucket", "_count", "_sum"];
        let part = parts.iter().find_map(|part| name.strip_suffix(part));
        part.unwrap_or(name).to_owned()
    };
    let (asked, there): (BTreeSet<String>, BTreeSet<String>) =
        (asked.iter().map(bare).collect(), there.iter().map(bare).collect());
    let explained = metrics_in(&kind_folder("README.md"));
    let unexplained: Vec<&String> = asked.difference(&explained).collect();
    assert!(unexplained.is_empty(), "kind/README.md does not name {unexplained:?}");
    let unknown: Vec<&String> = explained.difference(&there).collect();
    assert!(unknown.is_empty(), "kind/README.md names {unknown:?}, which are not in:\n{scrape}");

    let count = |operation: &str, status: u16| {
        format!("osmops_nbi_requests_total{{operation=\"{operation}\",status=\"{status}\"}}")
    };
    for line in [
        count("POST /admin/v1/tokens", 200),
        count("POST /nslcm/v1/ns_instances_content", 201),
        "osmops_operations_started_total 1".to_owned(),
        "osmops_operations_ended_total{state=\"COMPLETED\"} 1".to_owned(),
        "osmops_nbi_tokens 1".to_owned(),
    ] {
        assert!(scrape.contains(&line), "`{line}` is missing in:\n{scrape}");
    }

    assert!(scrape.contains("name=\"ldap\""));
    stage.deployments().delete("ldap", &Default::default()).await.unwrap();
    eventually("its series are gone", || async {
        let (_, scrape) = operator.get("metrics", "/metrics").await;
        (!scrape.contains("name=\"ldap\"")).then_some(())
    })
    .await;
}
