//! The data folder: what was answered is there after the process was killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::client::captured_package;

/// A running binary; killed when it is dropped.
struct Running {
    child: tokio::process::Child,
    base: String,
}

impl Running {
    async fn start(folder: &Path, arguments: &[&str]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_mock-nbi"));
        Self::of(command, folder, arguments).await
    }

    async fn of(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        command.args(["--listen", "127.0.0.1:0", "--log-level", "off"]).args(arguments);
        command.arg("--data").arg(folder).stdout(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let line = out.lines().next_line().await.unwrap().unwrap();
        let base = line.strip_prefix("mock-nbi listening on ").unwrap().to_owned();
        Self { child, base }
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A client that may lose its server; every answer is none then.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    fn at(base: &str, token: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, base: base.to_owned(), token: token.to_owned() }
    }

    async fn login(base: &str) -> Self {
        let mut client = Self::at(base, "none");
        let body = json!({"username": "admin", "password": "admin"});
        let (status, answer) = client.call("POST", "/admin/v1/tokens", Some(body)).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        client.token = answer["id"].as_str().unwrap().to_owned();
        client
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let (status, body) = self.send(method, path, "application/json", body).await?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Option<(u16, Vec<u8>)> {
        let accept =
            if path.ends_with("package_content") { "application/zip" } else { "application/json" };
        let url = match path.strip_prefix("/_mock") {
            Some(_) => format!("{}{path}", self.base.trim_end_matches("/osm")),
            None => format!("{}{path}", self.base),
        };
        let answer = self
            .http
            .request(method.parse().unwrap(), url)
            .header("Accept", accept)
            .header("Content-Type", content_type)
            .header("Authorization", format!("Bearer {}", self.token))
            .body(body)
            .send()
            .await
            .ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.bytes().await.ok()?.to_vec()))
    }
}

fn vim(name: &str) -> Value {
    json!({
        "name": name, "vim_type": "dummy", "vim_url": "http://u", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t",
    })
}

/// What was answered: by path, the name it must have, or none where it must be gone.
type Promises = Arc<Mutex<BTreeMap<String, Option<String>>>>;

/// Creates, renames and removes until the server is gone.
async fn work(client: Client, who: String, answers: Arc<AtomicUsize>, promises: Promises) {
    for round in 0.. {
        let name = format!("{who}-{round}");
        let made = client.call("POST", "/admin/v1/vim_accounts", Some(vim(&name))).await;
        let Some((status, answer)) = made else {
            return;
        };
        assert_eq!(status, 202, "{answer}");
        let path = format!("/admin/v1/vim_accounts/{}", answer["id"].as_str().unwrap());
        promises.lock().unwrap().insert(path.clone(), Some(name.clone()));
        answers.fetch_add(1, Ordering::SeqCst);
        let new_name = format!("{name}-renamed");
        if round % 3 == 1 {
            promises.lock().unwrap().remove(&path);
            let Some((202, _)) = client.call("PATCH", &path, Some(json!({"name": new_name}))).await
            else {
                return;
            };
            promises.lock().unwrap().insert(path, Some(new_name));
        } else if round % 3 == 2 {
            promises.lock().unwrap().remove(&path);
            let forced = format!("{path}?FORCE=true");
            let Some((204, _)) = client.call("DELETE", &forced, None).await else {
                return;
            };
            promises.lock().unwrap().insert(path, None);
        }
        answers.fetch_add(1, Ordering::SeqCst);
    }
}

async fn assert_kept(client: &Client, promises: &Promises) {
    let promises = promises.lock().unwrap().clone();
    for (path, name) in promises {
        let (status, record) = client.call("GET", &path, None).await.unwrap();
        match name {
            Some(name) => assert_eq!((status, record["name"].as_str()), (200, Some(name.as_str()))),
            None => assert_eq!(status, 404, "{path} was removed"),
        }
    }
}

#[tokio::test]
async fn nothing_that_was_answered_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let promises = Promises::default();
    let mut token: Option<String> = None;
    // So many answers after which the server is killed, whatever it is doing.
    for (round, answers_until_kill) in [1, 7, 60, 23].into_iter().enumerate() {
        let server = Running::start(folder.path(), &["--rng-seed", "1"]).await;
        let first = match &token {
            None => Client::login(&server.base).await,
            Some(token) => Client::at(&server.base, token),
        };
        assert_kept(&first, &promises).await;
        token = Some(first.token.clone());
        let answers = Arc::new(AtomicUsize::new(0));
        let mut workers = tokio::task::JoinSet::new();
        for number in 0..6 {
            let client = Client::at(&server.base, &first.token);
            let who = format!("r{round}-c{number}");
            workers.spawn(work(client, who, Arc::clone(&answers), Arc::clone(&promises)));
        }
        while answers.load(Ordering::SeqCst) < answers_until_kill {
            tokio::task::yield_now().await;
        }
        server.kill().await;
        while let Some(ended) = workers.join_next().await {
            ended.unwrap();
        }
    }
    let server = Running::start(folder.path(), &["--rng-seed", "1"]).await;
    let client = Client::at(&server.base, &token.unwrap());
    assert_kept(&client, &promises).await;
    assert!(promises.lock().unwrap().len() > 20);
}

#[tokio::test]
async fn packages_and_running_operations_outlive_a_kill_and_go_on_by_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--profile", "realistic"];
    let server = Running::start(folder.path(), &arguments).await;
    let client = Client::login(&server.base).await;
    let package = captured_package("nfpkg-create.jsonl");
    client.call("PUT", "/_mock/operations/mode", Some(json!({"mode": "manual"}))).await.unwrap();
    let path = "/vnfpkgm/v1/vnf_packages";
    let (_, made) = client.call("POST", path, Some(json!({}))).await.unwrap();
    let path = format!("{path}/{}/package_content", made["id"].as_str().unwrap());
    let (status, _) = client.send("PUT", &path, "application/gzip", package.clone()).await.unwrap();
    assert_eq!(status, 204);
    let (_, made) = client.call("POST", "/admin/v1/vim_accounts", Some(vim("v"))).await.unwrap();
    let vim_path = format!("/admin/v1/vim_accounts/{}", made["id"].as_str().unwrap());
    server.kill().await;

    let server = Running::start(folder.path(), &arguments).await;
    let client = Client::at(&server.base, &client.token);
    let (_, content) = client.send("GET", &path, "", Vec::new()).await.unwrap();
    assert!(content == package, "other bytes");
    let state = |record: Value| record["_admin"]["operationalState"].as_str().unwrap().to_owned();
    let (_, record) = client.call("GET", &vim_path, None).await.unwrap();
    assert_eq!(state(record), "PROCESSING");
    let end = Some(json!({"result": "ok"}));
    let (status, _) = client.call("POST", "/_mock/operations/end", end).await.unwrap();
    assert_eq!(status, 204);
    server.kill().await;

    let server = Running::start(folder.path(), &arguments).await;
    let client = Client::at(&server.base, &client.token);
    let (_, record) = client.call("GET", &vim_path, None).await.unwrap();
    assert_eq!(state(record), "ENABLED");
    client.call("POST", "/_mock/reset", None).await.unwrap();
    server.kill().await;

    let server = Running::start(folder.path(), &arguments).await;
    let client = Client::login(&server.base).await;
    assert_eq!(client.call("GET", &vim_path, None).await.unwrap().0, 404);
}

/// Uploads a package in one step; gives its id.
async fn upload(client: &Client, path: &str, file: &str) -> String {
    let package = captured_package(file);
    let (status, answer) = client.send("POST", path, "application/gzip", package).await.unwrap();
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    let answer = String::from_utf8(answer).unwrap();
    // Answers in YAML where the client asks for zip.
    serde_json::from_str::<Value>(&answer).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_running_instantiation_outlives_a_kill_and_ends_by_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.yaml");
    fs_err::write(&seed, crate::client::STOCK).unwrap();
    let seed = seed.to_str().unwrap();
    let arguments = ["--profile", "realistic", "--speed", "100", "--seed", seed];
    let data = folder.path().join("data");
    let server = Running::start(&data, &arguments).await;
    let client = Client::login(&server.base).await;
    upload(&client, "/vnfpkgm/v1/vnf_packages_content", "nfpkg-create.jsonl").await;
    let nsd_id = upload(&client, "/nsd/v1/ns_descriptors_content", "nspkg-create.jsonl").await;
    let (_, vims) = client.call("GET", "/admin/v1/vim_accounts", None).await.unwrap();
    let body = json!({"nsName": "ldap", "nsdId": nsd_id, "vimAccountId": vims[0]["_id"]});
    // An instantiation takes 0.6 s of this clock.
    client.call("POST", "/_mock/clock/freeze", None).await.unwrap();
    let path = "/nslcm/v1/ns_instances_content";
    let (status, made) = client.call("POST", path, Some(body)).await.unwrap();
    assert_eq!(status, 201, "{made}");
    let ns_path = format!("/nslcm/v1/ns_instances/{}", made["id"].as_str().unwrap());
    let op_path = format!("/nslcm/v1/ns_lcm_op_occs/{}", made["nslcmop_id"].as_str().unwrap());
    let by = Some(json!({"seconds": 0.1}));
    client.call("POST", "/_mock/clock/advance", by).await.unwrap();
    let (_, before) = client.call("GET", &op_path, None).await.unwrap();
    assert_eq!(before["operationState"], "PROCESSING");
    server.kill().await;

    let server = Running::start(&data, &arguments).await;
    let client = Client::at(&server.base, &client.token);
    let (_, after) = client.call("GET", &op_path, None).await.unwrap();
    assert_eq!(after, before, "its stage too");
    let (_, pending) = client.call("GET", "/_mock/operations", None).await.unwrap();
    assert_eq!(pending[0]["stage"], 2, "{pending}");
    client.call("POST", "/_mock/clock/unfreeze", None).await.unwrap();
    server.kill().await;

    let server = Running::start(&data, &arguments).await;
    let client = Client::at(&server.base, &client.token);
    let ended = loop {
        let (_, operation) = client.call("GET", &op_path, None).await.unwrap();
        if operation["operationState"] != "PROCESSING" {
            break operation;
        }
    };
    assert_eq!(ended["operationState"], "COMPLETED");
    let (_, ns) = client.call("GET", &ns_path, None).await.unwrap();
    assert_eq!(ns["nsState"], "READY");
    let took = ended["statusEnteredTime"].as_f64().unwrap() - ended["startTime"].as_f64().unwrap();
    assert!((0.59..0.7).contains(&took), "by the clock it took {took} s");
}

#[tokio::test]
async fn a_folder_is_used_by_one_process_of_one_release() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-nbi"));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path()).args(arguments);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let server = Running::start(folder.path(), &[]).await;
    Client::login(&server.base).await;
    assert!(refusal(&[]).contains("in use by another process"));
    server.kill().await;
    let other = refusal(&["--release", "19-recorded"]);
    assert!(other.contains("it is of release 10, and this OSM is of 19-recorded"), "{other}");
    fs_err::write(folder.path().join("mock-nbi.redb"), "something else").unwrap();
    assert!(refusal(&[]).contains("is no data of this mock-nbi"));
}

/// A file may grow to two megabytes here, as on a disk that is full then.
#[tokio::test]
async fn a_full_disk_is_an_error_and_no_lie() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("bash");
    let limited = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\"";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_mock-nbi")]);
    let server = Running::of(command, folder.path(), &[]).await;
    let client = Client::login(&server.base).await;
    let mut promised = Vec::new();
    let refusal = loop {
        let mut body = vim(&format!("v{}", promised.len()));
        // Text that does not compress.
        let noise = |n: usize| {
            format!("{:x}", (n + 77_777 * promised.len()).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        };
        body["config"] = json!({"noise": (0..4000).map(noise).collect::<String>()});
        let (status, answer) =
            client.call("POST", "/admin/v1/vim_accounts", Some(body)).await.unwrap();
        if status != 202 {
            break (status, answer);
        }
        promised.push(answer["id"].as_str().unwrap().to_owned());
        assert!(promised.len() < 1000);
    };
    assert_eq!((refusal.0, &refusal.1["code"]), (500, &json!("INTERNAL_SERVER_ERROR")));
    // What is not written is not shown either.
    let (status, _) = client.call("GET", "/admin/v1/vim_accounts", None).await.unwrap();
    assert_eq!(status, 500);
    // The journal tells what was sent.
    let (status, journal) = client.call("GET", "/_mock/journal", None).await.unwrap();
    assert_eq!(status, 200, "{journal}");
    let statuses: Vec<&Value> =
        journal.as_array().unwrap().iter().map(|entry| &entry["status"]).collect();
    let (good, failed) = statuses.split_at(promised.len() + 1);
    assert!(good.iter().all(|status| **status != 500), "{good:?}");
    assert_eq!(failed, [500, 500]);
    // So do the counts: nothing that was not answered.
    let (_, driven) = client.call("GET", "/_mock/conformance", None).await.unwrap();
    let creations = driven
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["operation"] == "POST /admin/v1/vim_accounts");
    let counts: Vec<&Value> = creations.unwrap()["clients"].as_object().unwrap().values().collect();
    assert_eq!(counts, [&json!({"202": promised.len(), "500": 1})]);
    server.kill().await;
    let server = Running::start(folder.path(), &[]).await;
    let client = Client::at(&server.base, &client.token);
    for id in &promised {
        let path = format!("/admin/v1/vim_accounts/{id}");
        assert_eq!(client.call("GET", &path, None).await.unwrap().0, 200);
    }
    assert!(!promised.is_empty());
}
