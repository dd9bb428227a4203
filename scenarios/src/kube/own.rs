//! What built-in kinds do of their own: defaults, names and the few checks that clients run into.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};
use std::sync::LazyLock;

use super::fields::{fields_of, fields_of_object};
use super::kind::Kind;
use super::refusal::Mistake;

/// The longest text of an Event, in characters.
const EVENT_TEXT_MAX: usize = 1024;

/// Sets what the server sets.
pub(super) fn prepare(kind: &Kind, object: &mut Value, now: &str) {
    match kind.kind.as_str() {
        "Secret" => {
            secret(object);
            drop_empty_data(object);
        }
        "ConfigMap" => drop_empty_data(object),
        "Namespace" => {
            fields_of_object(object)
                .entry("status")
                .or_insert_with(|| json!({ "phase": "Active" }));
            fields_of(object, "spec").insert("finalizers".to_owned(), json!(["kubernetes"]));
        }
        "CustomResourceDefinition" => definition(object, now),
        _ => {}
    }
}

fn secret(object: &mut Value) {
    if let Some(Value::Object(texts)) = fields_of_object(object).shift_remove("stringData") {
        let data = fields_of(object, "data");
        for (key, text) in texts {
            let bytes = text.as_str().unwrap_or_default();
            data.insert(key, json!(STANDARD.encode(bytes)));
        }
    }
    fields_of_object(object).entry("type").or_insert_with(|| json!("Opaque"));
}

fn drop_empty_data(object: &mut Value) {
    if object["data"].as_object().is_some_and(serde_json::Map::is_empty) {
        fields_of_object(object).shift_remove("data");
    }
}

fn definition(object: &mut Value, now: &str) {
    let kind = object["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
    fields_of(object, "spec").entry("conversion").or_insert_with(|| json!({ "strategy": "None" }));
    let names =
        fields_of_object(fields_of(object, "spec").entry("names").or_insert_with(|| json!({})));
    names.entry("singular").or_insert_with(|| json!(kind.to_lowercase()));
    names.entry("listKind").or_insert_with(|| json!(format!("{kind}List")));
    let names = names.clone();
    if object.get("status").is_some() {
        fields_of(object, "status").insert("acceptedNames".to_owned(), Value::Object(names));
        return;
    }
    let versions = object["spec"]["versions"].as_array().cloned().unwrap_or_default();
    let stored: Vec<&Value> =
        versions.iter().filter(|version| version["storage"] == true).map(|v| &v["name"]).collect();
    let condition = |kind: &str, reason: &str, message: &str| json!({ "type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now });
    object["status"] = json!({
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "acceptedNames": names, "storedVersions": stored,
    });
}

/// What is wrong with an object's name.
pub(super) fn name_mistakes(kind: &Kind, object: &Value) -> Vec<Mistake> {
    const PART: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    static LABEL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!("^{PART}$")).expect("it is a valid pattern"));
    static SUBDOMAIN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(&format!(r"^{PART}(\.{PART})*$")).expect("it is a valid pattern")
    });
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return vec![Mistake::required("metadata.name", "name or generateName is required")];
    }
    let (is_label, longest) =
        (kind.kind == "Namespace", if kind.kind == "Namespace" { 63 } else { 253 });
    if name.len() > longest {
        let why = format!("must be no more than {longest} characters");
        return vec![Mistake::invalid("metadata.name", &format!("{name:?}"), &why)];
    }
    // Roles may have any name that fits in a URL.
    let is_free = kind.group == "rbac.authorization.k8s.io";
    let (pattern, why) = if is_label {
        (
            &LABEL,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
             and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        )
    } else {
        (
            &SUBDOMAIN,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
             must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        )
    };
    if is_free || pattern.is_match(name) {
        return Vec::new();
    }
    vec![Mistake::invalid("metadata.name", &format!("{name:?}"), why)]
}

/// What else is wrong with an object of a built-in kind, as it is kept.
pub(super) fn mistakes(kind: &Kind, object: &Value) -> Vec<Mistake> {
    match kind.kind.as_str() {
        "Event" if kind.is_newer_event() => event_mistakes(object),
        "Secret" => secret_mistakes(object),
        _ => Vec::new(),
    }
}

fn event_mistakes(event: &Value) -> Vec<Mistake> {
    let mut found = Vec::new();
    let text = |name: &str| event[name].as_str().unwrap_or_default();
    if text("eventTime").is_empty() {
        found.push(Mistake::required("eventTime", ""));
    }
    for (name, shown) in [
        ("reportingComponent", "reportingController"),
        ("reportingInstance", "reportingInstance"),
        ("action", "action"),
        ("reason", "reason"),
    ] {
        if text(name).is_empty() {
            found.push(Mistake::required(shown, ""));
        }
    }
    if text("message").chars().count() > EVENT_TEXT_MAX {
        let shown = format!("{:?}", text("message"));
        let why = format!("can have at most {EVENT_TEXT_MAX} characters");
        found.push(Mistake::invalid("message", &shown, &why));
    }
    if !["Normal", "Warning"].contains(&text("type")) {
        let shown = format!("{:?}", text("type"));
        found.push(Mistake::invalid("type", &shown, "has invalid value: "));
    }
    found
}

fn secret_mistakes(secret: &Value) -> Vec<Mistake> {
    let values = secret["data"].as_object().into_iter().flatten();
    let broken = values
        .filter(|(_, value)| value.as_str().is_none_or(|text| STANDARD.decode(text).is_err()));
    broken
        .map(|(key, _)| Mistake::invalid(format!("data[{key}]"), "\"\"", "is no base64"))
        .collect()
}
