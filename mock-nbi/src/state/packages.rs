//! VNF packages and NS descriptors: creation, upload, edition, removal, and what can be read back.
//!
//! Source: NBI_FACTS.md sections 7, 8 and 15.

mod checksum;
mod edit;
mod operations;
mod revisions;
mod templates;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::archive::{self, Archive};
use crate::descriptor::{self, Kind, PackageFiles};
use crate::problem::Problem;
use crate::python::{DESCRIPTOR, YamlSource, read_yaml, yaml_dump};
use crate::release::Release;
use crate::request::Overlay;
use crate::state::State;
use crate::state::chunks;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::merge::deep_update;
use crate::state::session::Session;

/// What was uploaded for a package.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Stored {
    /// A descriptor alone, without archive.
    Text(#[serde(with = "crate::base64_bytes")] Bytes),
    /// An archive, as it came, and what is in it.
    Packed {
        #[serde(with = "crate::base64_bytes")]
        bytes: Bytes,
        archive: Archive,
    },
}

/// An upload, its headers read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    /// Content of a raw body (an archive or text).
    pub(crate) raw: Bytes,
    /// Content of a body that was parsed as JSON or YAML.
    pub(crate) parsed: Option<Value>,
    pub(crate) content_type: String,
    /// `Content-Filename`.
    pub(crate) filename: Option<String>,
    /// `Content-File-MD5`.
    pub(crate) md5: Option<String>,
    /// `Digest`.
    pub(crate) digest: Option<String>,
    /// `Content-Range`.
    pub(crate) range: Option<String>,
    /// Query parameters, which are laid over the descriptor.
    pub(crate) overlay: Overlay,
}

impl Upload {
    /// Whether there is neither content nor a parameter.
    pub(crate) fn is_nothing(&self) -> bool {
        let is_empty = |data: &Value| data.as_object().is_some_and(serde_json::Map::is_empty);
        self.parsed.as_ref().is_some_and(is_empty) && self.overlay.is_empty()
    }

    /// Whether the content is an archive.
    fn is_packed(&self) -> bool {
        ["application/gzip", "application/x-gzip", "application/zip"]
            .iter()
            .any(|archive| self.content_type.contains(archive))
    }

    /// Name that the content is kept under.
    pub(crate) fn file_name(&self, release: Release) -> &str {
        let is_zip = release.has_zip_packages() && self.content_type.contains("application/zip");
        match &self.filename {
            Some(name) => name,
            None if is_zip => "package.zip",
            None if self.is_packed() => "package.tar.gz",
            None => "package",
        }
    }
}

impl Kind {
    pub(crate) fn collection(self) -> Collection {
        match self {
            Self::Vnfd => Collection::VnfPackages,
            Self::Nsd => Collection::NsDescriptors,
            Self::Nst => Collection::SliceTemplates,
            Self::ConfigTemplate => Collection::NsConfigTemplates,
        }
    }
}

impl State {
    /// Makes an empty package; `user_data` becomes its `userDefinedData`.
    pub(crate) fn create_package(
        &mut self,
        session: &Session,
        kind: Kind,
        user_data: &Value,
        now: f64,
    ) -> String {
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let mut admin = json!({"userDefinedData": user_data});
        if self.release.has_revisions() {
            admin["revision"] = json!(0);
        }
        for (key, value) in [
            ("created", json!(now)),
            ("modified", json!(now)),
            ("projects_read", json!(read)),
            ("projects_write", json!(write)),
            ("onboardingState", json!("CREATED")),
            ("operationalState", json!("DISABLED")),
            ("usageState", json!("NOT_IN_USE")),
        ] {
            set(&mut admin, key, value);
        }
        self.db.put(kind.collection(), json!({"_admin": admin, "_id": id}));
        id
    }

    /// Gives a package its content; onboarded ones are updated, their descriptor merged.
    ///
    /// # Errors
    /// 404 unknown, 409 checksum or id conflicts, 400 and 422 for what is wrong in the content.
    /// The package is then as it was.
    pub(crate) fn upload(
        &mut self,
        session: &Session,
        kind: Kind,
        id: &str,
        upload: &Upload,
        now: f64,
    ) -> Result<(), Problem> {
        let old = session.find(&self.db, kind.collection(), id)?.into_owned();
        let (content, stored, mut storage) = self.open(upload)?;
        self.check_changes_in_use(kind, id, &content)?;
        let mut descriptor = descriptor::remove_envelope(kind, self.release, &content)?;
        upload.overlay.lay_over(&mut descriptor)?;
        let mut merged = old.clone();
        let admin = admin_of(&mut merged);
        let mut folder = id.to_owned();
        if self.release.has_revisions() {
            let revision = old["_admin"]["revision"].as_u64().unwrap_or(0) + 1;
            set(admin, "revision", revision);
            folder = format!("{id}:{revision}");
        }
        set(&mut storage, "folder", folder);
        set(admin, "storage", storage);
        set(admin, "onboardingState", "ONBOARDED");
        set(admin, "operationalState", "ENABLED");
        set(admin, "modified", now);
        deep_update(&mut merged, &descriptor)?;
        session.share(&mut merged);
        let record = self.validated(session, kind, &old, merged, &descriptor, Some(&stored))?;
        if kind == Kind::Vnfd {
            self.keep_revision(&record);
        }
        self.db.put(kind.collection(), record);
        self.files.insert((kind.collection(), id.to_owned()), stored);
        Ok(())
    }

    /// While an NS uses a package, only some parts of it may change.
    fn check_changes_in_use(&self, kind: Kind, id: &str, content: &Value) -> Result<(), Problem> {
        let is_free = kind == Kind::ConfigTemplate || !self.release.tracks_package_use();
        if is_free || !self.is_used(kind, id) {
            return Ok(());
        }
        let Some(stored) = self.files.get(&(kind.collection(), id.to_owned())) else {
            return Ok(());
        };
        let old = read_yaml(stored.descriptor_text(), YamlSource::Text)?;
        descriptor::check_changes(kind, &old, content)
    }

    /// The descriptor in an upload, what to keep of it, and its `storage` record.
    fn open(&self, upload: &Upload) -> Result<(Value, Stored, Value), Problem> {
        let mut storage = json!({"fs": "mongo", "path": "/app/storage/", "folder": ""});
        let file_name = upload.file_name(self.release);
        if !upload.is_packed() {
            // What came as data is written down sorted by key, and read again from there.
            let (text, content) = match &upload.parsed {
                Some(data) if !data.is_object() => return Err(chunks::unreadable(data)),
                Some(value) => (yaml_dump(value, DESCRIPTOR).into(), Some(sorted(value))),
                None => (upload.raw.clone(), None),
            };
            checksum::check(upload, &text, self.release)?;
            set(&mut storage, "descriptor", file_name);
            if file_name.ends_with(".json") {
                return Err(Problem::bad_request("'bytes' object has no attribute 'read'"));
            }
            let content = content.map_or_else(|| read_yaml(&text, YamlSource::Bytes), Ok)?;
            return Ok((content, Stored::Text(text), storage));
        }
        checksum::check(upload, &upload.raw, self.release)?;
        let is_zip = upload.content_type.contains("application/zip");
        let archive = if is_zip && self.release.has_zip_packages() {
            archive::read_zip(&upload.raw)?
        } else {
            archive::read_tar_gz(&upload.raw)?
        };
        if archive.descriptor.ends_with(".json") {
            return Err(Problem::bad_request(if self.release.has_sol006_descriptors() {
                "Invalid json format the JSON object must be str, bytes or bytearray, not GridOut"
            } else {
                "'str' object has no attribute 'read'"
            }));
        }
        let content = read_yaml(&archive.descriptor_text, YamlSource::Text)?;
        set(&mut storage, "pkg-dir", archive.folder.as_str());
        set(&mut storage, "descriptor", archive.descriptor.as_str());
        set(&mut storage, "zipfile", file_name);
        Ok((content, Stored::Packed { bytes: upload.raw.clone(), archive }, storage))
    }

    /// The record with its descriptor part checked and in OSM's types; `edit` is what was laid over
    /// it, `stored` what comes with it where that is not what the package has.
    fn validated(
        &self,
        session: &Session,
        kind: Kind,
        old: &Value,
        mut merged: Value,
        edit: &Value,
        stored: Option<&Stored>,
    ) -> Result<Value, Problem> {
        let id = text(old, "_id").to_owned();
        let mut admin = merged.get("_admin").cloned().unwrap_or_default();
        if let Some(fields) = merged.as_object_mut() {
            fields.shift_remove("_admin");
            fields.shift_remove("_id");
        }
        let stored = stored.or_else(|| self.files.get(&(kind.collection(), id.clone())));
        let files = stored.map(Stored::package_files).unwrap_or_default();
        let checked = descriptor::validate(kind, self.release, &merged, files, session.force)?;
        let mut record = json!({"_id": id});
        if let (Some(record), Value::Object(checked)) = (record.as_object_mut(), checked) {
            record.extend(checked);
        }
        if let Some(vnf_type) = vnf_type(kind, &record) {
            set(&mut admin, "type", vnf_type);
        }
        set(&mut record, "_admin", admin);
        if !session.force {
            self.check_others(session, kind, &record, edit)?;
        }
        if kind == Kind::ConfigTemplate {
            self.check_template(old, edit, &mut record)?;
        }
        Ok(record)
    }

    /// Checks a descriptor against the others of the project: its id, and what it refers to.
    fn check_others(
        &self,
        session: &Session,
        kind: Kind,
        record: &Value,
        edit: &Value,
    ) -> Result<(), Problem> {
        let (id, descriptor_id) = (text(record, "_id"), text(record, "id"));
        let is_taken = self
            .db
            .with(kind.collection(), "id", descriptor_id)
            .any(|other| session.sees(&other) && text(&other, "_id") != id);
        if edit.get("id").is_some() && is_taken {
            return Err(Problem::conflict(format!(
                "{} with id '{descriptor_id}' already exists for this project",
                kind.collection().singular()
            )));
        }
        let named = if kind == Kind::Nst { Kind::Nsd } else { Kind::Vnfd };
        descriptor::check_references(kind, self.release, record, &|name| {
            self.db.find_with(named.collection(), "id", name, |named| session.sees(named))
        })
    }

    /// Whether an NS instance holds this package.
    pub(crate) fn is_used(&self, kind: Kind, id: &str) -> bool {
        let (collection, place) = match kind {
            Kind::Vnfd => (Collection::VnfInstances, "vnfd-id"),
            Kind::Nsd => (Collection::NsInstances, "nsd-id"),
            Kind::Nst => (Collection::SliceInstances, "_admin.nst-id"),
            Kind::ConfigTemplate => {
                (Collection::NsInstances, "instantiate_params.nsConfigTemplateId")
            }
        };
        self.db.count_with(collection, place, id) > 0
    }

    /// What was uploaded for a package.
    ///
    /// # Errors
    /// 404 unknown, 409 when nothing was uploaded yet.
    pub(crate) fn package_files(
        &self,
        session: &Session,
        kind: Kind,
        id: &str,
    ) -> Result<&Stored, Problem> {
        let record = session.find(&self.db, kind.collection(), id)?;
        self.files.get(&(kind.collection(), id.to_owned())).ok_or_else(|| {
            Problem::conflict(format!(
                "Cannot get content because this resource is not at 'ONBOARDED' state. \
                 onboardingState is {}",
                text(&record["_admin"], "onboardingState")
            ))
        })
    }
}

/// The same with the keys of all objects in order, as they are after a round through a file.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        scalar => scalar.clone(),
    }
}

/// What kind of VNF the VDUs make: `vnfd`, `pnfd` or `hnfd` (hybrid).
fn vnf_type(kind: Kind, record: &Value) -> Option<&'static str> {
    let vdus = list(record, "vdu");
    let is_physical = |vdu: &Value| descriptor::is_truthy(vdu.get("pdu-type"));
    match (vdus.iter().any(is_physical), vdus.iter().any(|vdu| !is_physical(vdu))) {
        _ if kind != Kind::Vnfd => None,
        (true, true) => Some("hnfd"),
        (true, false) => Some("pnfd"),
        (false, true) => Some("vnfd"),
        (false, false) => None,
    }
}

impl Stored {
    /// The descriptor file.
    pub(crate) fn descriptor_text(&self) -> &Bytes {
        match self {
            Self::Text(text) => text,
            Self::Packed { archive, .. } => &archive.descriptor_text,
        }
    }

    fn package_files(&self) -> PackageFiles<'_> {
        match self {
            Self::Text(_) => PackageFiles::default(),
            Self::Packed { archive, .. } => PackageFiles::new(&archive.files, &archive.folder),
        }
    }
}

#[cfg(test)]
mod tests;
