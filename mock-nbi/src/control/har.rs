//! The journal as an HTTP archive (HAR 1.2).

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Refusal, Reply, journal};
use crate::clock::timestamp;
use crate::journal::JournalEntry;
use crate::request::parse_params;
use crate::world::World;

pub(super) fn answer(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let entries: Vec<Value> = journal::selected(world, call)?.into_iter().map(entry).collect();
    Ok(Reply::Data(json!({"log": {
        "version": "1.2",
        "creator": {"name": "mock-nbi", "version": env!("CARGO_PKG_VERSION")},
        "entries": entries,
    }})))
}

fn entry(entry: &JournalEntry) -> Value {
    let query: Vec<Value> = parse_params(&entry.query)
        .into_iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let mark = if entry.query.is_empty() { "" } else { "?" };
    let reason = entry.status.and_then(|status| StatusCode::from_u16(status).ok());
    let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
    let mut exchange = json!({
        "startedDateTime": timestamp(entry.at).to_string(),
        "time": entry.ms,
        "request": {
            "method": entry.method,
            // The journal does not keep by which name the fake was called.
            "url": format!("http://mock-nbi{}{mark}{}", entry.path, entry.query),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": "User-Agent", "value": entry.user_agent}],
            "queryString": query,
            "headersSize": -1,
            "bodySize": entry.request_bytes,
        },
        "response": {
            // The format's way to say that there was no answer.
            "status": entry.status.unwrap_or(0),
            "statusText": reason,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [],
            "content": {"size": entry.response_bytes, "mimeType": entry.response_type},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": entry.response_bytes,
        },
        "cache": {},
        "timings": {"send": 0, "wait": entry.ms, "receive": 0},
        "connection": entry.connection.to_string(),
    });
    if let Some(fault) = &entry.fault {
        exchange["comment"] = json!(format!("fault: {fault}"));
    }
    exchange
}
