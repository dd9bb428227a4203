//! How objects go: at once, or when their last finalizer does.

use serde_json::{Value, json};

use super::checks::has_finalizers;
use super::fields::fields_of;
use super::kind::of_definition;
use super::refusal::Refusal;
use super::selector::Selector;
use super::state::{Page, Place, State, Target, seen};
use super::write::Writer;

/// Namespaces that may not be deleted.
const KEPT_NAMESPACES: [&str; 3] = ["default", "kube-system", "kube-public"];

/// What a delete request says besides.
#[derive(Debug, Clone, Default)]
pub(super) struct DeleteOptions {
    /// Only when it is this one.
    pub(super) uid: Option<String>,
    /// Only in this version.
    pub(super) version: Option<String>,
}

impl State {
    /// Deletes, or marks what has finalizers as to be deleted. Returns what the server answers.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub(super) fn delete(
        &mut self,
        target: &Target,
        options: &DeleteOptions,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let kind = target.kind.clone();
        let current = self.stored(target)?.clone();
        let metadata = &current.object["metadata"];
        let there = |field: &str| metadata[field].as_str().unwrap_or_default();
        if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != there("uid")) {
            return Err(Refusal::other_uid(&kind, target.name(), wanted, there("uid")));
        }
        let version = there("resourceVersion");
        if let Some(wanted) = options.version.as_deref().filter(|wanted| *wanted != version) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
                 ({version}). The object might have been modified"
            );
            return Err(Refusal::conflict(&kind, target.name(), &why));
        }
        let is_namespace = kind.kind == "Namespace";
        if is_namespace && KEPT_NAMESPACES.contains(&target.name()) {
            let why = "this namespace may not be deleted";
            return Err(Refusal::forbidden(&kind, target.name(), why));
        }
        if has_finalizers(&current.object) || is_namespace {
            if metadata["deletionTimestamp"].is_string() {
                return Ok(seen(&kind, &current.object));
            }
            let mut object = (*current.object).clone();
            let metadata = fields_of(&mut object, "metadata");
            metadata.insert("deletionTimestamp".to_owned(), json!(by.now));
            if !is_namespace {
                metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(0));
            }
            if let Some(generation) = metadata.get("generation").and_then(Value::as_u64) {
                metadata.insert("generation".to_owned(), json!(generation + 1));
            }
            if is_namespace {
                fields_of(&mut object, "status").insert("phase".to_owned(), json!("Terminating"));
            }
            return Ok(self.commit(target, target.place(), object, current.owners, by));
        }
        if !by.dry_run {
            if kind.kind == "CustomResourceDefinition" {
                self.remove_all_of(&current.object);
            }
            self.remove(target, &target.place());
        }
        let mut details =
            json!({ "name": target.name(), "kind": kind.plural, "uid": metadata["uid"] });
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        Ok(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        }))
    }

    /// Deletes all that is selected, and returns what that was.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub(super) fn delete_all(
        &mut self,
        target: &Target,
        selector: &Selector,
        by: Writer<'_>,
    ) -> Result<Page, Refusal> {
        let page = self.list(target, selector, None, None)?;
        for object in &page.items {
            let text =
                |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let target =
                Target { name: Some(text("name")), namespace: text("namespace"), ..target.clone() };
            self.delete(&target, &DeleteOptions::default(), by)?;
        }
        Ok(page)
    }

    /// What a definition defined goes with it.
    fn remove_all_of(&mut self, definition: &Value) {
        for kind in of_definition(definition) {
            let target = Target {
                kind: kind.clone(),
                namespace: String::new(),
                name: None,
                is_status: false,
            };
            let all: Vec<Place> = self
                .objects(&kind.group, &kind.plural)
                .map(|object| {
                    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
                    (text("namespace").to_owned(), text("name").to_owned())
                })
                .collect();
            for place in all {
                self.remove(&target, &place);
            }
        }
    }
}
