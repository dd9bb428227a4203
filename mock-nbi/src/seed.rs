//! What is in OSM from the start, read from YAML and put in by OSM's own rules.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::archive;
use crate::data;
use crate::descriptor::{self, Kind};
use crate::operation::OperationResult;
use crate::problem::Problem;
use crate::snapshot::SnapshotError;
use crate::state::State;
use crate::state::db::{Collection, text};
use crate::state::packages::Upload;
use crate::state::session::{Access, Session};
use crate::store::DataError;

/// The first content of a fake NBI.
///
/// ```yaml
/// vim_accounts:
///   - name: mylocation1            # any other field of a VIM account may follow
/// k8s_clusters:
///   - name: kube1
///     vim_account: mylocation1     # by name
/// packages:
///   - folder: packages/openldap_knf
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    #[serde(default)]
    vim_accounts: Vec<VimSeed>,
    #[serde(default)]
    k8s_clusters: Vec<ClusterSeed>,
    #[serde(default)]
    packages: Vec<PackageSeed>,
}

#[derive(Clone, Debug, Deserialize)]
struct VimSeed {
    name: String,
    /// Fields over the defaults; OSM's own check refuses unknown ones.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
struct ClusterSeed {
    name: String,
    vim_account: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageSeed {
    folder: PathBuf,
}

/// Why a seed cannot be planted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The text is no seed: bad YAML, an unknown or a missing key. The message has line and column.
    #[error("{file}: {message}")]
    Malformed {
        /// Name of the file, as it was given.
        file: String,
        /// What is wrong and where.
        message: String,
    },
    /// OSM would refuse this item.
    #[error("{item}: refused with {status}: {detail}")]
    Refused {
        /// Which item of the seed.
        item: String,
        /// HTTP status of the refusal.
        status: u16,
        /// OSM's text.
        detail: String,
    },
    /// A cluster names a VIM account that the seed does not have.
    #[error("cluster `{cluster}`: no VIM account is named `{vim_account}`")]
    UnknownVim {
        /// The cluster's name.
        cluster: String,
        /// The name it gives.
        vim_account: String,
    },
    /// The snapshot cannot be used.
    #[error("the snapshot cannot be used")]
    Snapshot(#[from] SnapshotError),
    /// The data folder cannot be used.
    #[error("the data folder cannot be used")]
    Data(#[from] DataError),
    /// A package's folder cannot be read, or is none.
    #[error("package folder `{}`: {message}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl Seed {
    /// Whether it refers to folders of this machine.
    pub(crate) fn names_folders(&self) -> bool {
        !self.packages.is_empty()
    }

    /// Reads a seed; `file` is its name for messages.
    ///
    /// # Errors
    /// [`SeedError::Malformed`].
    pub fn from_yaml(text: &str, file: &str) -> Result<Self, SeedError> {
        // An empty file is an empty seed.
        if text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#')) {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|error| SeedError::Malformed {
            file: file.to_owned(),
            message: error.to_string(),
        })
    }
}

/// Puts a seed into a state; its operations have ended well afterwards.
pub(crate) fn plant(seed: &Seed, state: &mut State, now: f64) -> Result<(), SeedError> {
    let project = state.project_named("admin").unwrap_or_default();
    let session = Session {
        project_id: Some(project),
        access: Access::Write,
        force: false,
        public: None,
        set_project: None,
        user_id: String::new(),
        username: String::new(),
        is_admin_user: true,
        sees_everyone: true,
    };
    for vim in &seed.vim_accounts {
        let mut body = json!({
            "name": vim.name,
            "vim_type": "dummy",
            "description": null,
            "vim_url": "http://localhost/dummy",
            "vim_user": "u",
            "vim_password": "p",
            "vim_tenant_name": "p",
        });
        overlay(&mut body, &vim.fields);
        // It only keeps the place that OSM's client gives it.
        if !vim.fields.contains_key("description")
            && let Some(fields) = body.as_object_mut()
        {
            fields.shift_remove("description");
        }
        state
            .create_admin_item(&session, Collection::VimAccounts, &body, now)
            .map_err(|problem| refused(format!("VIM account `{}`", vim.name), problem))?;
    }
    for cluster in &seed.k8s_clusters {
        plant_cluster(cluster, state, &session, now)?;
    }
    state.end_operations(&OperationResult::Ok, now);
    for package in &seed.packages {
        plant_package(&package.folder, state, &session, now)?;
    }
    Ok(())
}

fn plant_cluster(
    cluster: &ClusterSeed,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
    let vim = state
        .db
        .iter(Collection::VimAccounts)
        .find(|vim| text(vim, "name") == cluster.vim_account)
        .ok_or_else(|| SeedError::UnknownVim {
            cluster: cluster.name.clone(),
            vim_account: cluster.vim_account.clone(),
        })?;
    let mut body = json!({
        "name": cluster.name,
        "vim_account": vim["_id"],
        "k8s_version": "1.20",
        "nets": {"mgmtnet": "mgmt"},
        "credentials": {"apiVersion": "v1", "clusters": []},
        "namespace": "kube-system",
    });
    overlay(&mut body, &cluster.fields);
    state
        .create_admin_item(session, Collection::K8sClusters, &body, now)
        .map_err(|problem| refused(format!("cluster `{}`", cluster.name), problem))?;
    Ok(())
}

fn overlay(body: &mut Value, fields: &Map<String, Value>) {
    for (key, value) in fields {
        body[key] = value.clone();
    }
}

fn refused(item: String, problem: Problem) -> SeedError {
    SeedError::Refused { item, status: problem.status.as_u16(), detail: problem.detail }
}

fn plant_package(
    folder: &Path,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
    let fault = |message: String| SeedError::Folder { folder: folder.to_owned(), message };
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| fault("has no name".into()))?;
    let packed = pack(name, folder).map_err(|error| fault(error.to_string()))?;
    let upload = Upload {
        raw: packed.into(),
        content_type: "application/gzip".into(),
        filename: Some(format!("{name}.tar.gz")),
        ..Upload::default()
    };
    let mut refusals = Vec::new();
    for kind in possible_kinds(&upload.raw) {
        let id = state.create_package(session, kind, &json!({}), now);
        match state.upload(session, kind, &id, &upload, now) {
            Ok(()) => return Ok(()),
            Err(problem) => {
                state.db.remove(kind.collection(), &id);
                refusals.push(problem);
            }
        }
    }
    let problem = refusals.pop().unwrap_or_else(|| Problem::bad_request("no content"));
    Err(refused(format!("package `{}`", folder.display()), problem))
}

/// OSM is told by the URL which kind a package is; here the descriptor's envelope says so. Without
/// one it is what it can be.
fn possible_kinds(packed: &[u8]) -> Vec<Kind> {
    let text = archive::read_tar_gz(packed).map(|archive| archive.descriptor_text);
    let text = text.ok().and_then(|text| String::from_utf8(text.to_vec()).ok());
    let content = text.and_then(|text| data::from_yaml(&text).ok()).unwrap_or_default();
    let both = [Kind::Nsd, Kind::Vnfd];
    match both.into_iter().find(|kind| descriptor::has_envelope(*kind, &content)) {
        Some(kind) => vec![kind],
        None => both.to_vec(),
    }
}

/// The folder as a package: same files in, same bytes out.
fn pack(name: &str, folder: &Path) -> io::Result<Vec<u8>> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    builder.mode(tar::HeaderMode::Deterministic);
    let mut rest = vec![(PathBuf::from(name), folder.to_owned())];
    while let Some((inside, place)) = rest.pop() {
        builder.append_path_with_name(&place, &inside)?;
        let is_folder = inside == Path::new(name) || fs_err::symlink_metadata(&place)?.is_dir();
        if !is_folder {
            continue;
        }
        let mut names = Vec::new();
        for entry in fs_err::read_dir(&place)? {
            names.push(entry?.file_name());
        }
        // The last one is taken first.
        names.sort_by(|one, two| two.cmp(one));
        rest.extend(names.into_iter().map(|name| (inside.join(&name), place.join(&name))));
    }
    builder.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors_that_name_the_line() {
        let error = Seed::from_yaml("vim_accounts: []\nvims: []\n", "seed.yaml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("seed.yaml: ") && text.contains("vims"), "{text}");
        assert!(text.contains("line 2"), "{text}");
    }
}
