//! The recorded cases, replayed: the fake must answer like the real NBI.

use std::collections::BTreeMap;

use base64::Engine as _;
use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, send};
use crate::compare::{differences, is_uuid};

/// Cases that do not hold yet, each with its reason. One that begins to hold must leave the list.
const NOT_YET: &[(&str, &str)] = &[
    ("public_and_set_project", "projects and users cannot be made yet"),
    ("token_project_scope", "projects and users cannot be made yet"),
    (
        "vnf_invalid_descriptors",
        "the text for a bad `helm-version` names internals of the full SOL006 model",
    ),
];

#[tokio::test(start_paused = true)]
async fn recorded_cases_hold() {
    let folder = format!("{}/tests/recorded/r19", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 38, "only {} recorded cases", files.len());
    let mut complaints = Vec::new();
    for file in files {
        let case = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs_err::read_to_string(&file).unwrap();
        let found = Replay::of_case(&text).await;
        let reason = NOT_YET.iter().find(|(listed, _)| *listed == case);
        match (reason, found.is_empty()) {
            (Some(_), true) => complaints.push(format!("{case} holds now: take it off the list")),
            (None, false) => complaints.extend(found.into_iter().map(|f| format!("{case}{f}"))),
            _ => {}
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// A case under way.
pub struct Replay {
    pub nbi: MockNbi,
    /// Answers by number of the exchange.
    answers: BTreeMap<u64, Answer>,
    /// Ids of the recording and what stands for them here.
    ids: BTreeMap<String, String>,
    found: Vec<String>,
}

impl Replay {
    pub fn new(nbi: MockNbi) -> Self {
        Self { nbi, answers: BTreeMap::new(), ids: BTreeMap::new(), found: Vec::new() }
    }

    /// Everything that differs in a case.
    async fn of_case(text: &str) -> Vec<String> {
        let nbi = MockNbi::builder().release(Release::R19Recorded).build().unwrap();
        let mut replay = Self::new(nbi);
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            if line.get("header").is_some() {
                replay.steer("lcm", &json!({"mode": line["lcm"]})).await;
            } else if let Some(control) = line.get("ctl") {
                replay.steer(control.as_str().unwrap(), &line["args"]).await;
            } else {
                replay.exchange(&line).await;
            }
        }
        replay.found
    }

    /// What differed so far.
    pub fn found(&self) -> &[String] {
        &self.found
    }

    async fn steer(&self, what: &str, args: &Value) {
        let (method, path, body) = match what {
            "lcm" => ("PUT", "/operations/mode".to_owned(), json!({"mode": args["mode"]})),
            "lcm-run" => ("POST", "/operations/end".to_owned(), args.clone()),
            "lcm-wait" => ("POST", "/operations/settle".to_owned(), json!({})),
            "expire-token" => {
                let answer = &self.answers[&args["from"].as_u64().unwrap()];
                let id = answer.json()["id"].as_str().unwrap().to_owned();
                ("POST", format!("/tokens/{id}/expire"), json!({}))
            }
            other => panic!("unknown control `{other}`"),
        };
        let target = format!("/_mock{path}");
        let body = body.to_string();
        let answer = send(&self.nbi, method, &target, &[], Some(body.as_bytes())).await.unwrap();
        assert!(answer.status < 300, "{what}: {}", answer.status);
    }

    /// Repeats an exchange and notes what differs.
    pub async fn exchange(&mut self, line: &Value) {
        let (wanted_request, want) = (&line["req"], &line["resp"]);
        let word = |key: &str| wanted_request[key].as_str().unwrap_or_default();
        let mut target = self.translate(word("path"));
        if !word("query").is_empty() {
            target = format!("{target}?{}", self.translate(word("query")));
        }
        let headers: Vec<(String, String)> = wanted_request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "Content-Length" || wanted_request.get("body").is_none())
            .filter(|(name, _)| {
                *name != "Content-Length" || wanted_request.get("body_b64").is_none()
            })
            .map(|(name, value)| (name.clone(), self.translate(value.as_str().unwrap())))
            .collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = match wanted_request.get("body_b64").and_then(Value::as_str) {
            Some(base64) => Some(base64::engine::general_purpose::STANDARD.decode(base64).unwrap()),
            None => wanted_request["body"].as_str().map(|body| self.translate(body).into_bytes()),
        };
        let answer = send(&self.nbi, word("method"), &target, &headers, body.as_deref());
        let answer = answer.await.unwrap();
        let n = line["n"].as_u64().unwrap();
        for difference in self.judge(want, &answer) {
            self.found.push(format!("#{n} {} {}: {difference}", word("method"), word("path")));
        }
        self.answers.insert(n, answer);
    }

    fn judge(&mut self, want: &Value, got: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        let status = want["status"].as_u64().unwrap();
        if status != u64::from(got.status) {
            let body = String::from_utf8_lossy(&got.body).into_owned();
            found.push(format!("status {} not {status}: {body}", got.status));
            return found;
        }
        let media = |text: &str| text.split(';').next().unwrap_or_default().to_owned();
        if let Some(wanted) = want["headers"].get("Content-Type").and_then(Value::as_str)
            && media(wanted) != media(got.header("Content-Type"))
        {
            found.push(format!("type {} not {wanted}", got.header("Content-Type")));
        }
        for name in ["Location", "Www-Authenticate"] {
            let wanted = want["headers"].get(name).and_then(Value::as_str).unwrap_or_default();
            let is_absolute = wanted.starts_with("http");
            let is_nginx = want["headers"].get("Content-Type").is_none();
            let same = crate::compare::mask(wanted) == crate::compare::mask(got.header(name));
            if !is_absolute && !is_nginx && !same {
                found.push(format!("{name} {} not {wanted}", got.header(name)));
            }
        }
        let wanted_body = &want["body"];
        match want["body_kind"].as_str().unwrap() {
            "empty" if got.body.is_empty() => {}
            "json" => match serde_json::from_slice::<Value>(&got.body) {
                Ok(body) => found.extend(self.learn(wanted_body, &body)),
                Err(error) => found.push(error.to_string()),
            },
            "yaml" => match serde_yaml::from_slice::<Value>(&got.body) {
                Ok(body) => found.extend(self.learn(wanted_body, &body)),
                Err(error) => found.push(error.to_string()),
            },
            "base64" => {
                let engine = base64::engine::general_purpose::STANDARD;
                if engine.decode(wanted_body.as_str().unwrap()).unwrap() != got.body {
                    found.push("bytes differ".into());
                }
            }
            "text" => {
                let text = String::from_utf8_lossy(&got.body);
                let wanted = wanted_body.as_str().unwrap();
                // Pages of the web server show its file names and line numbers.
                let is_page = wanted.starts_with("<!DOCTYPE") || wanted.contains("http://");
                if !is_page && text != wanted {
                    found.push(format!("text {text:?} not {wanted:?}"));
                }
            }
            kind => found.push(format!("body is not {kind}")),
        }
        found
    }

    /// Compares two bodies and notes which of our ids stands for which recorded one.
    fn learn(&mut self, want: &Value, got: &Value) -> Vec<String> {
        pair_ids(want, got, &mut self.ids);
        differences(want, got)
    }

    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in &self.ids {
            text = text.replace(recorded, ours);
        }
        text
    }
}

fn pair_ids(want: &Value, got: &Value, ids: &mut BTreeMap<String, String>) {
    match (want, got) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                if let Some(other) = b.get(key) {
                    pair_ids(value, other, ids);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            a.iter().zip(b).for_each(|(a, b)| pair_ids(a, b, ids));
        }
        (Value::String(a), Value::String(b)) => {
            let is_token = |text: &str| {
                [32, 43].contains(&text.len())
                    && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
            };
            if (is_uuid(a) && is_uuid(b)) || (is_token(a) && is_token(b)) {
                ids.entry(a.clone()).or_insert_with(|| b.clone());
            }
        }
        _ => {}
    }
}
