//! Why a request is refused, in the words and with the `Status` body of a real API server.

use serde_json::{Value, json};

use super::kind::Kind;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// Why, in one word; empty where a real server has none.
    pub reason: &'static str,
    /// Why, in full.
    pub message: String,
    /// About what.
    details: Option<Value>,
}

/// One mistake in an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    /// Where, as `spec.interval`.
    pub(super) field: String,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Mistake {
    pub(super) fn required(field: impl Into<String>, more: &str) -> Self {
        let more = if more.is_empty() { String::new() } else { format!(": {more}") };
        Self {
            field: field.into(),
            reason: "FieldValueRequired",
            message: format!("Required value{more}"),
        }
    }

    /// `value` as it is to be shown.
    pub(super) fn invalid(field: impl Into<String>, value: &str, why: &str) -> Self {
        let message = format!("Invalid value: {value}: {why}");
        Self { field: field.into(), reason: "FieldValueInvalid", message }
    }

    pub(super) fn forbidden(field: &str, why: &str) -> Self {
        let message = format!("Forbidden: {why}");
        Self { field: field.to_owned(), reason: "FieldValueForbidden", message }
    }
}

impl Refusal {
    /// The body that tells of it.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status["code"] = json!(self.code);
        status
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { code: 400, reason: "BadRequest", message: message.into(), details: None }
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.plural_and_group());
        Self { code: 404, reason: "NotFound", message, details: Some(about(kind, name)) }
    }

    /// A group that has no such kind.
    pub(super) fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self { code: 404, reason: "NotFound", message, details: Some(json!({})) }
    }

    pub(super) fn namespace_not_found(name: &str) -> Self {
        let message = format!("namespaces \"{name}\" not found");
        let details = json!({ "name": name, "kind": "namespaces" });
        Self { code: 404, reason: "NotFound", message, details: Some(details) }
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.plural_and_group());
        Self { code: 409, reason: "AlreadyExists", message, details: Some(about(kind, name)) }
    }

    /// What was to be changed is not as the request takes it to be.
    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let plural = kind.plural_and_group();
        let message = format!("Operation cannot be fulfilled on {plural} \"{name}\": {why}");
        Self { code: 409, reason: "Conflict", message, details: Some(about(kind, name)) }
    }

    /// A delete that means another object of this name.
    pub(super) fn other_uid(kind: &Kind, name: &str, wanted: &str, there: &str) -> Self {
        let kind = Kind { plural: kind.kind.clone(), ..kind.clone() };
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({there}). The object might \
             have been deleted and then recreated"
        );
        Self::conflict(&kind, name, &why)
    }

    /// Others own fields that an apply sets: their managers and fields.
    pub(super) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let count = match conflicts.len() {
            1 => "1 conflict".to_owned(),
            count => format!("{count} conflicts"),
        };
        let causes = conflicts.iter().map(|(manager, field)| {
            let message = format!("conflict with {manager:?}");
            json!({ "reason": "FieldManagerConflict", "message": message, "field": field })
        });
        let details = json!({ "causes": causes.collect::<Vec<_>>() });
        let mut message = format!("Apply failed with {count}:");
        let mut managers: Vec<&String> = conflicts.iter().map(|(manager, _)| manager).collect();
        managers.dedup();
        if let ([manager], [(_, field)]) = (managers.as_slice(), conflicts) {
            message.push_str(&format!(" conflict with {manager:?}: {field}"));
        } else {
            for manager in managers {
                message.push_str(&format!(" conflicts with {manager:?}:"));
                for (_, field) in conflicts.iter().filter(|(other, _)| other == manager) {
                    message.push_str(&format!("\n- {field}"));
                }
            }
        }
        Self { code: 409, reason: "Conflict", message, details: Some(details) }
    }

    pub(super) fn invalid(kind: &Kind, name: &str, mistakes: &[Mistake]) -> Self {
        Self::invalid_as(&kind.kind_and_group(), &kind.group, &kind.kind, name, mistakes)
    }

    /// Refuses what `title` names: of a request's options, say, rather than of an object.
    pub(super) fn invalid_as(
        title: &str,
        group: &str,
        kind: &str,
        name: &str,
        mistakes: &[Mistake],
    ) -> Self {
        let told = |mistake: &Mistake| format!("{}: {}", mistake.field, mistake.message);
        let all: Vec<String> = mistakes.iter().map(told).collect();
        let all =
            if let [one] = all.as_slice() { one.clone() } else { format!("[{}]", all.join(", ")) };
        let message = format!("{title} \"{name}\" is invalid: {all}");
        let cause = |mistake: &Mistake| json!({ "reason": mistake.reason, "message": mistake.message, "field": mistake.field });
        let mut details = json!({ "kind": kind });
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        details["causes"] = mistakes.iter().map(cause).collect();
        Self { code: 422, reason: "Invalid", message, details: Some(details) }
    }

    pub(super) fn unauthorized() -> Self {
        let message = "Unauthorized".to_owned();
        Self { code: 401, reason: "Unauthorized", message, details: None }
    }

    pub(super) fn no_field_manager() -> Self {
        let mistake = Mistake::required("fieldManager", "is required for apply patch");
        Self::invalid_as("PatchOptions.meta.k8s.io", "meta.k8s.io", "PatchOptions", "", &[mistake])
    }

    pub(super) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let plural = kind.plural_and_group();
        let what = if name.is_empty() { plural } else { format!("{plural} \"{name}\"") };
        let message = format!("{what} is forbidden: {why}");
        Self { code: 403, reason: "Forbidden", message, details: Some(about(kind, name)) }
    }

    /// Nothing is made in a namespace that is about to go.
    pub(super) fn terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut refusal = Self::forbidden(kind, name, &why);
        let cause = json!([{
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        }]);
        if let Some(details) = &mut refusal.details {
            details["causes"] = cause;
        }
        refusal
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self { code: 405, reason: "MethodNotAllowed", message, details: Some(json!({})) }
    }

    /// A body that is read elsewhere and not here.
    pub(super) fn unsupported(message: &str) -> Self {
        let message = message.to_owned();
        Self { code: 415, reason: "UnsupportedMediaType", message, details: None }
    }

    pub(super) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::unsupported(&message)
    }

    /// A JSON patch that does not fit the object.
    pub(super) fn unfit_patch() -> Self {
        let message = "the server rejected our request due to an error in our request".to_owned();
        Self { code: 422, reason: "Invalid", message, details: Some(json!({})) }
    }

    /// What is asked for is forgotten: a list's next page, or a watch's past.
    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self { code: 410, reason: "Expired", message: message.into(), details: None }
    }

    pub(super) fn too_large() -> Self {
        let message = "Request entity too large: limit is 3145728".to_owned();
        Self { code: 413, reason: "RequestEntityTooLarge", message, details: None }
    }

    /// Where a real server lets a fault of its own show.
    pub(super) fn internal(message: &str) -> Self {
        Self { code: 500, reason: "", message: message.to_owned(), details: None }
    }
}

fn about(kind: &Kind, name: &str) -> Value {
    let mut details = json!({ "kind": kind.plural });
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    details
}
