//! Faults: armed, listed, disarmed.

use serde_json::json;

use super::{Call, Refusal, Reply};
use crate::fault::Fault;
use crate::world::World;

pub(super) fn arm(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let fault: Fault = call.read()?;
    fault.check().map_err(|error| Refusal::bad_request(&error))?;
    world.arm(fault);
    Ok(Reply::Nothing)
}

pub(super) fn list(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::Data(json!(world.faults.armed().collect::<Vec<_>>())))
}

pub(super) fn clear(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    world.faults.clear();
    Ok(Reply::Nothing)
}
