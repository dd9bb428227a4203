//! Reset, seed, clock, tokens, shape, metrics.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::{Call, Refusal, Reply};
use crate::metrics::{self, Census};
use crate::seed::{self, Seed};
use crate::shape::Shape;
use crate::state::db::Collection;
use crate::world::World;

/// States of an operation occurrence. Source: NBI_FACTS.md section 11.
const OPERATION_STATES: &[&str] = &[
    "PROCESSING",
    "COMPLETED",
    "PARTIALLY_COMPLETED",
    "FAILED",
    "FAILED_TEMP",
    "ROLLING_BACK",
    "ROLLED_BACK",
];

pub(super) fn metrics(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    let text =
        world.metrics.render(&census(world)).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Reply::Text(metrics::MEDIA_TYPE, text))
}

/// How many records of each kind there are, and how many operations in each state.
pub(super) fn census(world: &World) -> Census {
    let db = &world.state.db;
    let records = Collection::ALL
        .iter()
        .map(|collection| (collection.table().to_owned(), db.len(*collection)))
        .collect();
    // Counted by an index: Prometheus asks often, and looking at each operation takes long.
    let operations = OPERATION_STATES
        .iter()
        .map(|state| {
            ((*state).to_owned(), db.count_with(Collection::Operations, "operationState", state))
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    Census { records, operations }
}

pub(super) fn reset(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    world.reset();
    Ok(Reply::Nothing)
}

pub(super) fn seed(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let body = std::str::from_utf8(call.body).map_err(|error| Refusal::bad_request(&error))?;
    let seed = Seed::from_yaml(body, "body").map_err(|error| Refusal::bad_request(&error))?;
    if seed.names_folders() {
        let reason = "`packages` names folders of the server's machine; upload them to the NBI";
        return Err(Refusal::bad_request(&reason));
    }
    seed::plant(&seed, &mut world.state, call.now).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Reply::Nothing)
}

fn time(world: &mut World) -> Reply {
    let now = world.settle();
    Reply::Data(json!({"now": now, "frozen": world.clock.is_frozen()}))
}

pub(super) fn clock(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(time(world))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    seconds: f64,
}

pub(super) fn advance(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let wanted: AdvanceBody = call.read()?;
    let by = Duration::try_from_secs_f64(wanted.seconds)
        .map_err(|error| Refusal::bad_request(&error))?;
    world.clock.advance(by);
    Ok(time(world))
}

pub(super) fn freeze(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    world.clock.freeze();
    Ok(time(world))
}

pub(super) fn unfreeze(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    world.clock.unfreeze();
    Ok(time(world))
}

pub(super) fn expire_token(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    if world.state.tokens.expire(call.id(), call.now) {
        Ok(Reply::Nothing)
    } else {
        Err(Refusal::not_found("no such token"))
    }
}

pub(super) fn shape(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::Data(json!(world.shape)))
}

pub(super) fn set_shape(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let wanted: Shape = call.read()?;
    wanted.check().map_err(|reason| Refusal::bad_request(&reason))?;
    world.shape = wanted;
    Ok(Reply::Nothing)
}
