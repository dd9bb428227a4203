//! The journal and what is told from it.

use std::str::FromStr;

use serde_json::{Value, json};

use super::{Call, Refusal, Reply};
use crate::journal::JournalEntry;
use crate::world::World;

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let entries = selected(world, call)?;
    Ok(Reply::Data(json!(entries)))
}

pub(super) fn clear(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    world.journal.clear();
    Ok(Reply::Nothing)
}

/// The entries that the query asks for.
pub(super) fn selected<'a>(
    world: &'a World,
    call: &Call,
) -> Result<Vec<&'a JournalEntry>, Refusal> {
    let method = call.query("method");
    let path = call.query("path").unwrap_or_default();
    let status: Option<u16> = number(call, "status")?;
    let since: u64 = number(call, "since")?.unwrap_or(0);
    let limit: usize = number(call, "limit")?.unwrap_or(usize::MAX);
    let only_writes: bool = number(call, "writes")?.unwrap_or(false);
    let is_wanted = |entry: &&JournalEntry| {
        entry.n > since
            && entry.path.starts_with(path)
            && method.is_none_or(|method| entry.method.eq_ignore_ascii_case(method))
            && status.is_none_or(|status| entry.status == Some(status))
            && (!only_writes || entry.is_write())
    };
    let wanted: Vec<&JournalEntry> = world.journal.entries().iter().filter(is_wanted).collect();
    let first = wanted.len().saturating_sub(limit);
    Ok(wanted.into_iter().skip(first).collect())
}

fn number<T: FromStr>(call: &Call, name: &str) -> Result<Option<T>, Refusal> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| Refusal::bad_request(&format!("`{name}={text}` is no value for it")))
    };
    call.query(name).map(parse).transpose()
}

pub(super) fn near_misses(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    let misses: Vec<Value> = world
        .journal
        .entries()
        .iter()
        .filter_map(|entry| {
            let meant = entry.near_miss.as_ref()?;
            Some(json!({"n": entry.n, "request": format!("{} {}", entry.method, entry.path),
                "status": entry.status, "meant": meant}))
        })
        .collect();
    Ok(Reply::Data(misses.into()))
}

pub(super) fn conformance(world: &mut World, _: &Call) -> Result<Reply, Refusal> {
    Ok(Reply::Data(world.driven.to_value()))
}
