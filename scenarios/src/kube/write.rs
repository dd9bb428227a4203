//! What becomes of an object that is created, replaced, patched or applied.

use serde_json::{Value, json};

use super::checks::{
    check, check_applied, check_finalizers, check_precondition, declares_otherwise, has_finalizers,
    kept_form, read, schema_of,
};
use super::fields::{fields_of, fields_of_object, set};
use super::own;
use super::owners::Owners;
use super::patch::Patch;
use super::refusal::{Mistake, Refusal};
use super::state::{Place, State, Stored, Target, seen};

/// What the server says of an object in `metadata`, whatever a request says.
const SERVER_S: [&str; 7] = [
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Who writes, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    /// The field manager.
    pub(super) manager: &'a str,
    /// RFC 3339, in seconds.
    pub(super) now: &'a str,
    /// Only tell what would be.
    pub(super) dry_run: bool,
}

impl State {
    /// # Errors
    /// Any [`Refusal`].
    pub(super) fn create(
        &mut self,
        target: &Target,
        body: &Value,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let kind = target.kind.clone();
        let mut object = read(&kind, body)?;
        let named =
            |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty())
        {
            let why = "resourceVersion should not be set on objects to be created";
            return Err(Refusal::internal(why));
        }
        match object["metadata"]["namespace"].as_str() {
            Some(other) if kind.is_namespaced && !other.is_empty() && other != target.namespace => {
                return Err(Refusal::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            _ => {}
        }
        self.check_namespace(target, &named(&object))?;
        let number = self.next_number();
        let prefix = object["metadata"]["generateName"].as_str().unwrap_or_default();
        if named(&object).is_empty() && !prefix.is_empty() {
            object["metadata"]["name"] = json!(format!("{prefix}{}", suffix(number)));
        }
        let name = named(&object);
        let place = (target.namespace.clone(), name.clone());
        let exact = Target { name: Some(name.clone()), ..target.clone() };
        let metadata = fields_of(&mut object, "metadata");
        for field in SERVER_S {
            metadata.shift_remove(field);
        }
        if kind.is_namespaced {
            metadata.insert("namespace".to_owned(), json!(target.namespace));
        }
        metadata.insert("uid".to_owned(), json!(uid(number)));
        metadata.insert("creationTimestamp".to_owned(), json!(by.now));
        if kind.counts_generations {
            metadata.insert("generation".to_owned(), json!(1));
        }
        if kind.has_status {
            fields_of_object(&mut object).shift_remove("status");
        }
        own::prepare(&kind, &mut object, by.now);
        check(&kind, &mut object)?;
        if self.stored(&exact).is_ok() {
            return Err(Refusal::already_exists(&kind, &name));
        }
        let mut owners = Owners::default();
        owners.wrote(by.manager, None, &object, schema_of(&kind));
        Ok(self.commit(&exact, place, object, owners, by))
    }

    /// Replaces an object, or its status.
    ///
    /// # Errors
    /// Any [`Refusal`].
    pub(super) fn put(
        &mut self,
        target: &Target,
        body: &Value,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let object = read(&target.kind, body)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if name != target.name() {
            let (own, url) = (name, target.name());
            let why = format!(
                "the name of the object ({own}) does not match the name on the URL ({url})"
            );
            return Err(Refusal::bad_request(why));
        }
        let current = match self.stored(target) {
            Ok(stored) => stored.clone(),
            Err(_) if target.kind.is_made_by_put && !target.is_status => {
                let place = Target { name: None, ..target.clone() };
                return self.create(&place, &object, by);
            }
            Err(refusal) => return Err(refusal),
        };
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if version.is_empty() && !target.kind.takes_any_version {
            let why = "must be specified for an update";
            let mistake = Mistake::invalid("metadata.resourceVersion", "0x0", why);
            let title = target.kind.plural_and_group();
            let (group, plural) = (&target.kind.group, &target.kind.plural);
            return Err(Refusal::invalid_as(&title, group, plural, target.name(), &[mistake]));
        }
        self.replace(target, &current, object, None, by)
    }

    /// # Errors
    /// Any [`Refusal`].
    pub(super) fn patch(
        &mut self,
        target: &Target,
        patch: &Patch,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let kind = target.kind.clone();
        let current = match (self.stored(target), patch) {
            (Ok(stored), _) => stored.clone(),
            (Err(_), Patch::Apply { object, .. }) if !target.is_status => {
                return self.apply_anew(target, object, by);
            }
            (Err(refusal), _) => return Err(refusal),
        };
        if let Patch::Apply { object, force } = patch {
            let mut owners = current.owners.clone();
            let applied = kept_form(&kind, check_applied(target, object)?);
            let schema = schema_of(&kind);
            let object = owners
                .apply(by.manager, &current.object, &applied, schema, *force)
                .map_err(|conflicts| Refusal::apply_conflict(&conflicts))?;
            return self.replace(target, &current, object, Some(owners), by);
        }
        let patched = patch.of(seen(&kind, &current.object))?;
        let object = read(&kind, &patched)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if name != target.name() {
            let (own, url) = (name, target.name());
            let why = format!(
                "the name of the object ({own}) does not match the name on the URL ({url})"
            );
            return Err(Refusal::bad_request(why));
        }
        self.replace(target, &current, object, None, by)
    }

    /// Applies what is not there.
    fn apply_anew(
        &mut self,
        target: &Target,
        object: &Value,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let mut object = check_applied(target, object)?.clone();
        object["metadata"]["name"] = json!(target.name());
        let place = Target { name: None, ..target.clone() };
        let made = self.create(&place, &object, by)?;
        if !by.dry_run {
            let stored = self.stored(target)?.clone();
            let mut owners = Owners::default();
            let applied = kept_form(&target.kind, &object);
            let schema = schema_of(&target.kind);
            // Everything is as it says, so nothing can stand against it.
            let _ = owners.apply(by.manager, &stored.object, &applied, schema, true);
            self.reowned(target, owners);
        }
        Ok(made)
    }

    /// Puts `object` in the place of `current`, as far as the request may.
    fn replace(
        &mut self,
        target: &Target,
        current: &Stored,
        mut object: Value,
        owners: Option<Owners>,
        by: Writer<'_>,
    ) -> Result<Value, Refusal> {
        let kind = target.kind.clone();
        let before = &*current.object;
        check_precondition(target, before, &object)?;
        if target.is_status {
            let status = object.get("status").cloned();
            object = before.clone();
            set(fields_of_object(&mut object), "status", status);
        } else {
            let metadata = fields_of(&mut object, "metadata");
            for field in SERVER_S {
                set(metadata, field, before["metadata"].get(field).cloned());
            }
            if kind.has_status {
                set(fields_of_object(&mut object), "status", before.get("status").cloned());
            }
            own::prepare(&kind, &mut object, by.now);
        }
        check_finalizers(&kind, before, &object)?;
        check(&kind, &mut object)?;
        if object == *before {
            return Ok(seen(&kind, before));
        }
        let generation = before["metadata"]["generation"].as_u64();
        if let Some(generation) = generation.filter(|_| declares_otherwise(&kind, before, &object))
        {
            object["metadata"]["generation"] = json!(generation + 1);
        }
        let owners = owners.unwrap_or_else(|| {
            let mut owners = current.owners.clone();
            owners.wrote(by.manager, Some(before), &object, schema_of(&kind));
            owners
        });
        let place = target.place();
        if object["metadata"]["deletionTimestamp"].is_string()
            && !has_finalizers(&object)
            && kind.kind != "Namespace"
        {
            if !by.dry_run {
                self.remove(target, &place);
            }
            return Ok(seen(&kind, &object));
        }
        Ok(self.commit(target, place, object, owners, by))
    }

    fn check_namespace(&self, target: &Target, name: &str) -> Result<(), Refusal> {
        if !target.kind.is_namespaced {
            return Ok(());
        }
        let namespace = self
            .objects("", "namespaces")
            .find(|object| object["metadata"]["name"] == target.namespace.as_str())
            .ok_or_else(|| Refusal::namespace_not_found(&target.namespace))?;
        if namespace["metadata"]["deletionTimestamp"].is_string() {
            return Err(Refusal::terminating(&target.kind, name, &target.namespace));
        }
        Ok(())
    }

    pub(super) fn commit(
        &mut self,
        target: &Target,
        place: Place,
        object: Value,
        owners: Owners,
        by: Writer<'_>,
    ) -> Value {
        if by.dry_run {
            return seen(&target.kind, &object);
        }
        let kept = self.keep(target, place, object, owners);
        seen(&target.kind, &kept)
    }
}

/// What is added to `generateName`: five of the letters that real servers use.
fn suffix(number: u64) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    // Multiplied by an odd number, neighbours differ in all letters and none comes twice soon.
    let mut rest = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
    let letter = |_| {
        let letter = LETTERS[(rest % 27) as usize];
        rest /= 27;
        char::from(letter)
    };
    (0..5).map(letter).collect()
}

/// As an id of version 4 looks.
fn uid(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        mixed >> 32,
        mixed >> 16 & 0xffff,
        number & 0xffff_ffff_ffff
    )
}
