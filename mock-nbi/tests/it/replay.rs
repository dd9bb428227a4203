//! Repeats recorded exchanges with the fake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_nbi::{MockNbi, Release};
use regex::Regex;
use serde_json::{Value, json};

use crate::client::{Answer, send};
use crate::compare::{Comparison, Known, Patterns, json_text};
use crate::recorded::Case;

/// How an exchange went.
#[derive(Debug)]
pub struct Outcome {
    pub n: u64,
    /// `GET /osm/...`, as recorded.
    pub request: String,
    /// What differs; empty when it holds.
    pub found: Vec<String>,
    /// Patterns of the exceptions without which it would not hold.
    pub leaned_on: BTreeSet<String>,
}

/// A case under way.
pub struct Replay<'a> {
    pub nbi: MockNbi,
    patterns: &'a Patterns,
    /// Answers by number of the exchange.
    answers: BTreeMap<u64, Answer>,
    known: Known,
    outcomes: Vec<Outcome>,
}

/// `Set-Cookie` of every answer; the id is CherryPy's.
///
/// Source: NBI_FACTS.md section 1, and CherryPy 18.10.0 for `expires`.
static COOKIE: LazyLock<Regex> = LazyLock::new(|| {
    let date = "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT";
    Regex::new(&format!(
        "^session_id=[0-9a-f]{{40}}; expires={date}; HttpOnly; Max-Age=3600; Path=/; Secure$"
    ))
    .unwrap()
});

impl<'a> Replay<'a> {
    pub fn new(nbi: MockNbi, patterns: &'a Patterns) -> Self {
        let (answers, known) = (BTreeMap::new(), Known::default());
        Self { nbi, patterns, answers, known, outcomes: Vec::new() }
    }

    /// Replays a whole case against a fresh fake.
    pub async fn of_case(case: &Case, patterns: &'a Patterns) -> Vec<Outcome> {
        let nbi = MockNbi::builder().release(Release::R19Recorded).build().unwrap();
        let mut replay = Self::new(nbi, patterns);
        for line in &case.lines {
            if line.get("header").is_some() {
                replay.steer("lcm", &json!({"mode": line["lcm"]})).await;
            } else if let Some(control) = line.get("ctl") {
                replay.steer(control.as_str().unwrap(), &line["args"]).await;
            } else {
                replay.exchange(line).await;
            }
        }
        replay.outcomes
    }

    /// What was found since the last time.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
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
        let request = &line["req"];
        let word = |key: &str| request[key].as_str().unwrap_or_default();
        let mut target = self.known.translate(word("path"));
        if !word("query").is_empty() {
            target = format!("{target}?{}", self.known.translate(word("query")));
        }
        let has_body = request.get("body").is_some() || request.get("body_b64").is_some();
        let headers: Vec<(String, String)> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "Content-Length" || !has_body)
            .map(|(name, value)| (name.clone(), self.known.translate(value.as_str().unwrap())))
            .collect();
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let body = match request.get("body_b64").and_then(Value::as_str) {
            Some(base64) => Some(STANDARD.decode(base64).unwrap()),
            None => request["body"].as_str().map(|body| self.known.translate(body).into_bytes()),
        };
        self.let_time_pass(line);
        let answer = send(&self.nbi, word("method"), &target, &headers, body.as_deref());
        let answer = answer.await.unwrap();
        let n = line["n"].as_u64().unwrap();
        let (found, leaned_on) = self.judge(word("path"), &line["resp"], &answer);
        let request = format!("{} {}", word("method"), word("path"));
        self.outcomes.push(Outcome { n, request, found, leaned_on });
        self.answers.insert(n, answer);
    }

    /// As much time passes as did then, so that times differ where they differed.
    fn let_time_pass(&mut self, line: &Value) {
        let until = line["t_epoch"].as_f64().map(|then| then - self.nbi.clock().now());
        let passing = until.or(line["ms"].as_f64().map(|ms| ms / 1000.0));
        if let Ok(passing) = Duration::try_from_secs_f64(passing.unwrap_or_default()) {
            self.nbi.advance(passing);
        }
    }

    fn judge(&mut self, path: &str, want: &Value, got: &Answer) -> (Vec<String>, BTreeSet<String>) {
        let mut comparison = Comparison::new(&mut self.known, self.patterns, path);
        let status = want["status"].as_u64().unwrap();
        if status == u64::from(got.status) {
            judge_headers(&mut comparison, want, got);
            judge_body(&mut comparison, want, got);
            judge_length(&mut comparison, want, got);
        } else {
            let body = String::from_utf8_lossy(&got.body).into_owned();
            comparison.note("status", format!("is {}, not {status}: {body}", got.status));
        }
        (comparison.found, comparison.leaned_on)
    }
}

/// Headers that the server itself makes, less those that proxies in front of it own.
const HEADERS: &[&str] =
    &["Content-Type", "Location", "Www-Authenticate", "Transaction-Id", "Server"];

fn judge_headers(comparison: &mut Comparison<'_>, want: &Value, got: &Answer) {
    let Some(wanted) = want["headers"].as_object().filter(|headers| headers.len() > 1) else {
        // What users wrote down has no headers, or one.
        return;
    };
    let is_proxied =
        wanted.get("Server").is_some_and(|name| name.as_str().unwrap().contains("nginx"));
    for name in HEADERS.iter().filter(|name| !is_proxied || **name != "Server") {
        match (wanted.get(*name).and_then(Value::as_str), got.headers.get(*name)) {
            (Some(want), Some(got)) => comparison.texts(want, got.to_str().unwrap(), name),
            (Some(want), None) => comparison.note(name, format!("is missing: {want}")),
            (None, Some(got)) => comparison.note(name, format!("is too much: {got:?}")),
            (None, None) => {}
        }
    }
    if want["set_cookie"] == true && !COOKIE.is_match(got.header("Set-Cookie")) {
        comparison.note("Set-Cookie", format!("is {}", got.header("Set-Cookie")));
    }
}

fn judge_body(comparison: &mut Comparison<'_>, want: &Value, got: &Answer) {
    let wanted = &want["body"];
    let kind = want["body_kind"].as_str().unwrap();
    match kind {
        "empty" if got.body.is_empty() => {}
        "json" => match serde_json::from_slice::<Value>(&got.body) {
            Ok(body) => {
                comparison.values(wanted, &body, "");
                if json_text(&body).as_bytes() != got.body {
                    comparison.note("body", "is not written as Python writes it");
                }
            }
            Err(error) => comparison.note("body", error),
        },
        "yaml" => match serde_yaml::from_slice::<Value>(&got.body) {
            Ok(body) => comparison.values(wanted, &body, ""),
            Err(error) => comparison.note("body", error),
        },
        "base64" if STANDARD.decode(wanted.as_str().unwrap()).unwrap() == got.body => {}
        "base64" => comparison.note("body", "has other bytes"),
        "text" => {
            let text = String::from_utf8_lossy(&got.body);
            comparison.texts(wanted.as_str().unwrap(), &text, "body");
        }
        kind => comparison.note("body", format!("is not {kind}")),
    }
}

/// The number of bytes must differ by just as much as what may vary does.
fn judge_length(comparison: &mut Comparison<'_>, want: &Value, got: &Answer) {
    let announced = got.headers.get("Content-Length").map(|value| value.to_str().unwrap());
    let Some(length) = want["headers"].get("Content-Length").and_then(Value::as_str) else {
        if want["headers"].as_object().is_some_and(|headers| headers.len() > 1)
            && announced.is_some()
        {
            comparison.note("Content-Length", "is too much");
        }
        return;
    };
    // HEAD announces what GET would send. Where the recording's paths were edited afterwards, its
    // length is no longer that of its body; such a body is compared as values only.
    let is_head = want["body_kind"] == "empty";
    let is_edited =
        want["body_kind"] == "json" && json_text(&want["body"]).len().to_string() != length;
    let text = want["body"].to_string();
    let is_edited =
        is_edited || text.contains("\"/app/storage/\"") || text.contains("/usr/lib/python3/");
    if !comparison.found.is_empty() || is_head || is_edited {
        return;
    }
    let wanted = length.parse::<i64>().unwrap() + comparison.longer_by;
    let bytes = i64::try_from(got.body.len()).unwrap();
    if bytes != wanted {
        comparison.note("body", format!("has {bytes} bytes, not {wanted}"));
    }
    if announced != Some(bytes.to_string().as_str()) {
        comparison.note("Content-Length", format!("is {announced:?} for {bytes} bytes"));
    }
}
