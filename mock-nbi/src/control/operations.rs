//! Life-cycle operations: how they go on and end.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::{Call, Refusal, Reply};
use crate::operation::{Mode, OperationResult, SteerError};
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeBody {
    mode: Mode,
}

pub(super) fn set_mode(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let wanted: ModeBody = call.read()?;
    world.state.engine.set_mode(Some(wanted.mode), call.now);
    Ok(Reply::Nothing)
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

pub(super) fn end_all(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let wanted: EndBody = call.read()?;
    let result = match wanted.result {
        EndWord::Ok => OperationResult::Ok,
        EndWord::Fail => OperationResult::Fail { detail: wanted.detail },
    };
    world.state.end_operations(&result, call.now);
    Ok(Reply::Nothing)
}

pub(super) fn list(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::Data(json!(world.state.engine.list())))
}

pub(super) fn finish(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    end(world, call, &OperationResult::Ok)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailBody {
    #[serde(default)]
    detail: String,
}

pub(super) fn fail(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let FailBody { detail } = call.read()?;
    end(world, call, &OperationResult::Fail { detail })
}

fn end(world: &mut World, call: &Call, result: &OperationResult) -> Result<Reply, Refusal> {
    let ended = world.state.end_operation(call.id(), result, call.now);
    ended.map(|()| Reply::Nothing).map_err(|error| refusal(&error))
}

pub(super) fn hold(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let held = world.state.engine.hold(call.id(), true, call.now);
    held.map(|()| Reply::Nothing).map_err(|error| refusal(&error))
}

pub(super) fn release(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let released = world.state.engine.hold(call.id(), false, call.now);
    released.map(|()| Reply::Nothing).map_err(|error| refusal(&error))
}

fn refusal(error: &SteerError) -> Refusal {
    match error {
        SteerError::Unknown(_) => Refusal::not_found(error.to_string()),
        SteerError::Behind { .. } => Refusal::bad_request(error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Callbacks {
    urls: Vec<String>,
}

pub(super) fn set_callbacks(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let wanted: Callbacks = call.read()?;
    world.state.callbacks = wanted.urls.into_iter().collect();
    Ok(Reply::Nothing)
}

/// Moves the clock on, step by step, until no operation is pending that would end by itself.
pub(super) fn settle(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    while let Some(due) = world.state.engine.next_time() {
        let ahead = due - world.clock.now();
        if ahead > 0.0 {
            // A little more, so that rounding cannot leave the step undone.
            let by = Duration::try_from_secs_f64(ahead + 1e-6).unwrap_or(Duration::MAX);
            world.clock.advance(by);
        }
        if world.settle() < due {
            // The clock has come to its end.
            break;
        }
    }
    Ok(Reply::Nothing)
}
