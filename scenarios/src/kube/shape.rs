//! How an answer shows objects: whole, their metadata alone, or as `kubectl get` prints them.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::{Value, json};

use super::kind::Kind;
use super::state::Page;

/// What of objects is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    Metadata,
    Table,
}

const META: &str = "meta.k8s.io/v1";

impl Shape {
    /// The first that `Accept` names and that is known.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(http::header::ACCEPT).iter();
        let accepted =
            accepted.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        let known = |text: &str| {
            let mut parts = text.split(';').map(str::trim);
            if !matches!(parts.next()?, "application/json" | "*/*") {
                return None;
            }
            let named = parts.find_map(|part| part.strip_prefix("as="));
            match named {
                None => Some(Shape::Whole),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                    Some(Shape::Metadata)
                }
                Some("Table")
                    if text.contains("v=v1;")
                        || text.contains("v=v1") && !text.contains("v1beta1") =>
                {
                    Some(Shape::Table)
                }
                Some(_) => None,
            }
        };
        accepted.into_iter().find_map(known).unwrap_or(Shape::Whole)
    }

    /// One object, as it is seen at `now`.
    pub(super) fn object(self, kind: &Kind, object: Value, now: SystemTime) -> Value {
        match self {
            Shape::Whole => object,
            Shape::Metadata => metadata_of(&object),
            Shape::Table => {
                let version = object["metadata"]["resourceVersion"].clone();
                table(
                    kind,
                    std::slice::from_ref(&object),
                    &json!({ "resourceVersion": version }),
                    now,
                )
            }
        }
    }

    /// A list.
    pub(super) fn list(self, kind: &Kind, page: Page, now: SystemTime) -> Value {
        let mut metadata = json!({ "resourceVersion": page.version.to_string() });
        if let Some((token, left)) = page.more {
            metadata["continue"] = json!(token);
            if let Some(left) = left {
                metadata["remainingItemCount"] = json!(left);
            }
        }
        let (api_version, list_kind) = match self {
            Shape::Table => return table(kind, &page.items, &metadata, now),
            Shape::Metadata => (META.to_owned(), "PartialObjectMetadataList".to_owned()),
            Shape::Whole => (kind.api_version(), format!("{}List", kind.kind)),
        };
        let item = |mut object: Value| match self {
            Shape::Whole => {
                // Lists of built-in kinds say what they hold once.
                if let (None, Some(fields)) = (&kind.definition, object.as_object_mut()) {
                    fields.shift_remove("apiVersion");
                    fields.shift_remove("kind");
                }
                object
            }
            Shape::Metadata | Shape::Table => metadata_of(&object),
        };
        let items: Vec<Value> = page.items.into_iter().map(item).collect();
        json!({ "kind": list_kind, "apiVersion": api_version, "metadata": metadata, "items": items })
    }
}

fn metadata_of(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": META, "metadata": object["metadata"] })
}

fn table(kind: &Kind, objects: &[Value], metadata: &Value, now: SystemTime) -> Value {
    let mut columns =
        vec![json!({ "name": "Name", "type": "string", "format": "name", "priority": 0 })];
    let mut paths = vec![(".metadata.name".to_owned(), false)];
    let age = json!({ "name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp" });
    let own = if kind.columns.is_empty() { std::slice::from_ref(&age) } else { &kind.columns };
    for column in own {
        let is_date = column["type"] == "date";
        let shown = if is_date { json!("string") } else { column["type"].clone() };
        let priority = column["priority"].as_u64().unwrap_or(0);
        columns.push(
            json!({ "name": column["name"], "type": shown, "format": "", "priority": priority }),
        );
        paths.push((column["jsonPath"].as_str().unwrap_or_default().to_owned(), is_date));
    }
    let cell = |object: &Value, (path, is_date): &(String, bool)| {
        let value = at(object, path).cloned().unwrap_or(Value::Null);
        match value.as_str() {
            Some(time) if *is_date => json!(age_of(time, now)),
            _ => value,
        }
    };
    let row = |object: &Value| {
        let cells: Vec<Value> = paths.iter().map(|path| cell(object, path)).collect();
        json!({ "cells": cells, "object": metadata_of(object) })
    };
    let rows: Vec<Value> = objects.iter().map(row).collect();
    json!({
        "kind": "Table", "apiVersion": META, "metadata": metadata, "columnDefinitions": columns, "rows": rows,
    })
}

/// What a column's path leads to: names, and `[?(@.type=="Ready")]`.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = object;
    let mut rest = path;
    while let Some(after) = rest.strip_prefix('.') {
        let end = after.find(['.', '[']).unwrap_or(after.len());
        at = at.get(&after[..end])?;
        rest = &after[end..];
        if let Some(filter) = rest.strip_prefix("[?(@.") {
            let (condition, after) = filter.split_once(")]")?;
            let (key, value) = condition.split_once("==")?;
            let value = value.trim_matches(['"', '\'']);
            at = at.as_array()?.iter().find(|item| item[key] == value)?;
            rest = after;
        }
    }
    Some(at)
}

/// As `kubectl` shows how long ago something was: `12s`, `5m`, `3h`, `8d`.
fn age_of(time: &str, now: SystemTime) -> String {
    let then = humantime::parse_rfc3339(time).unwrap_or(now);
    let seconds = now.duration_since(then).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_find_what_their_paths_lead_to() {
        let object = json!({ "spec": { "a": 1 }, "status": { "conditions": [
            { "type": "Stalled", "status": "False" }, { "type": "Ready", "status": "True" },
        ] } });
        let found = |path: &str| at(&object, path).cloned();
        assert_eq!(found(".spec.a"), Some(json!(1)));
        assert_eq!(found(r#".status.conditions[?(@.type=="Ready")].status"#), Some(json!("True")));
        assert_eq!(found(".spec.b"), None);
    }

    #[test]
    fn clients_choose_what_they_are_shown() {
        let shape = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::ACCEPT, http::HeaderValue::from_static(accept));
            Shape::of(&headers)
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(shape(kubectl), Shape::Table);
        assert_eq!(
            shape("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"),
            Shape::Metadata
        );
        assert_eq!(shape("application/vnd.kubernetes.protobuf, application/json"), Shape::Whole);
    }
}
