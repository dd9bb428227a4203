//! The whole NBI as a file.

use super::{Call, Refusal, Reply};
use crate::world::World;

pub(super) const MEDIA_TYPE: &str = "application/gzip";

pub(super) fn save(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::Snapshot(world.snapshot()))
}

pub(super) fn load(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    world.restore(call.body).map_err(|error| Refusal::bad_request(&error))?;
    Ok(Reply::Nothing)
}
