//! Events have two shapes, the core group's and `events.k8s.io`'s, which are views of the same objects. They
//! are kept in the core group's.

use serde_json::Value;

/// The core group's name, and the newer one.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// As `events.k8s.io` shows it.
pub(super) fn newer(event: &Value) -> Value {
    renamed(event, |name| NAMES.iter().find(|(core, _)| *core == name).map(|(_, newer)| *newer))
}

/// As the core group shows it, and as it is kept.
pub(super) fn core(event: &Value) -> Value {
    renamed(event, |name| NAMES.iter().find(|(_, newer)| *newer == name).map(|(core, _)| *core))
}

fn renamed(event: &Value, other: impl Fn(&str) -> Option<&'static str>) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let renamed =
        fields.map(|(name, value)| (other(name).unwrap_or(name).to_owned(), value.clone()));
    Value::Object(renamed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_shapes_say_the_same() {
        let newer_event = json!({ "note": "n", "regarding": { "name": "a" }, "type": "Normal" });
        let kept = core(&newer_event);
        assert_eq!(
            kept,
            json!({ "message": "n", "involvedObject": { "name": "a" }, "type": "Normal" })
        );
        assert_eq!(newer(&kept), newer_event);
    }
}
