//! The OpenAPI 3.1 document, made from the table of routes.

use serde_json::{Map, Value, json};

use super::table::{AnswerKind, ROUTES, Route};
use super::{Call, Refusal, Reply};
use crate::fault::CATALOGUE;
use crate::world::World;

/// JSON schemas of bodies and answers by name.
const SCHEMAS: &str = include_str!("schemas.json");

pub(super) fn answer(_: &mut World, _: &Call) -> Result<Reply, Refusal> {
    document().map(Reply::Data).map_err(|error| Refusal::bad_request(&error))
}

fn document() -> serde_json::Result<Value> {
    let mut schemas: Map<String, Value> = serde_json::from_str(SCHEMAS)?;
    schemas.insert("FaultKind".into(), fault_kinds());
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route);
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of mock-nbi",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Steers OSM's north-bound interface in memory. The interface itself, \
                            under /osm, is OSM's and is not described here. Beyond loopback every \
                            request carries the control token.",
        },
        "security": [{}, {"controlToken": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"controlToken": {"type": "http", "scheme": "bearer"}},
        },
    }))
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn operation(route: &Route) -> Value {
    let good = match route.answer {
        AnswerKind::Nothing => ("204", json!({"description": "Done"})),
        AnswerKind::Json(schema) => (
            "200",
            json!({"description": "OK",
                "content": {"application/json": {"schema": reference(schema)}}}),
        ),
        AnswerKind::Text(media_type) => (
            "200",
            json!({"description": "OK", "content": {media_type: {"schema": {"type": "string"}}}}),
        ),
    };
    let refused = json!({"description": "Refused",
        "content": {"application/json": {"schema": reference("Error")}}});
    let mut operation = json!({"summary": route.about, "responses": {}});
    operation["responses"][good.0] = good.1;
    operation["responses"]["4XX"] = refused;
    if let Some(schema) = route.body {
        let is_json = route.body_type == super::table::JSON;
        let schema = if is_json { reference(schema) } else { json!({}) };
        operation["requestBody"] =
            json!({"required": true, "content": {route.body_type: {"schema": schema}}});
    }
    let in_path =
        route.path.split('/').filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'));
    let text = json!({"type": "string"});
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}));
    let in_query = route.query.iter().map(
        |(name, about)| json!({"name": name, "in": "query", "description": about, "schema": text}),
    );
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

fn fault_kinds() -> Value {
    let kinds = CATALOGUE.iter().map(|entry| {
        let example = entry.example();
        match &example {
            Value::String(_) => json!({"const": example, "description": entry.about}),
            _ => json!({
                "type": "object",
                "properties": {entry.name: {"type": "object"}},
                "required": [entry.name],
                "additionalProperties": false,
                "description": entry.about,
                "examples": [example],
            }),
        }
    });
    json!({"oneOf": kinds.collect::<Vec<Value>>()})
}
