//! `/_mock/`: how tests and tools outside steer the fake. Nothing here is OSM's.
//!
//! JSON in and out; 200 with a body, 204 without, 400 for a body that does not fit, 404 for an
//! unknown path. Requests here are not kept in the journal.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::fault::Fault;
use crate::operation::{Mode, OperationResult};
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeBody {
    mode: Mode,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum EndWord {
    Ok,
    Fail,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndBody {
    result: EndWord,
    #[serde(default)]
    detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    seconds: f64,
}

/// Answers a request of the control API.
pub(crate) fn answer(world: &mut World, parts: &Parts, body: &Bytes) -> Response<Body> {
    let path = parts.uri.path();
    let below = path.strip_prefix("/_mock").unwrap_or(path);
    let steps: Vec<&str> = below.split('/').skip(1).collect();
    let (status, value) = match act(world, &parts.method, &steps, body) {
        Ok(Some(value)) => (StatusCode::OK, Some(value)),
        Ok(None) => (StatusCode::NO_CONTENT, None),
        Err(refusal) => (refusal.status, Some(json!({"error": refusal.reason}))),
    };
    Answer::of_control(status, value.as_ref()).into_response()
}

struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn bad_body(error: &dyn std::fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: error.to_string() }
    }

    fn not_found(reason: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, reason: reason.into() }
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad_body(&error))
}

fn act(
    world: &mut World,
    method: &Method,
    steps: &[&str],
    body: &Bytes,
) -> Result<Option<Value>, Refusal> {
    let now = world.settle();
    match (method.as_str(), steps) {
        ("POST", ["reset"]) => world.reset(),
        ("PUT", ["operations", "mode"]) => {
            let wanted: ModeBody = read(body)?;
            world.state.engine.set_mode(Some(wanted.mode), now);
        }
        ("POST", ["operations", "end"]) => {
            let wanted: EndBody = read(body)?;
            let result = match wanted.result {
                EndWord::Ok => OperationResult::Ok,
                EndWord::Fail => OperationResult::Fail { detail: wanted.detail },
            };
            world.state.end_operations(&result, now);
        }
        ("POST", ["operations", "settle"]) => settle_all(world),
        ("POST", ["tokens", id, "expire"]) => {
            if !world.state.tokens.expire(id, now) {
                return Err(Refusal::not_found("no such token"));
            }
        }
        ("GET", ["journal"]) => return Ok(Some(json!(world.journal.entries()))),
        ("DELETE", ["journal"]) => world.journal.clear(),
        ("POST", ["faults"]) => {
            let fault: Fault = read(body)?;
            fault.check().map_err(|error| Refusal::bad_body(&error))?;
            world.faults.inject(fault);
        }
        ("DELETE", ["faults"]) => world.faults.clear(),
        ("GET", ["faults"]) => {
            return Ok(Some(json!(world.faults.armed().collect::<Vec<_>>())));
        }
        ("GET", ["clock"]) => return Ok(Some(json!({"now": now}))),
        ("POST", ["clock", "advance"]) => {
            let wanted: AdvanceBody = read(body)?;
            let by = Duration::try_from_secs_f64(wanted.seconds)
                .map_err(|error| Refusal::bad_body(&error))?;
            world.clock.advance(by);
            let now = world.settle();
            return Ok(Some(json!({"now": now})));
        }
        _ => {
            return Err(Refusal::not_found(format!("no {method} at this path of the control API")));
        }
    }
    Ok(None)
}

/// Moves the clock on, step by step, until no operation is pending that would end by itself.
fn settle_all(world: &mut World) {
    while let Some(due) = world.state.engine.next_time() {
        let ahead = due - world.clock.now();
        if ahead > 0.0 {
            // A little more, so that rounding cannot leave the step undone.
            let by = Duration::try_from_secs_f64(ahead + 1e-6).unwrap_or(Duration::MAX);
            world.clock.advance(by);
        }
        if world.settle() < due {
            // The clock has come to its end.
            return;
        }
    }
}
