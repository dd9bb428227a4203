//! What is in OSM from the start, read from YAML and put in by OSM's own rules.

mod package;

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::operation::OperationResult;
use crate::problem::Problem;
use crate::snapshot::SnapshotError;
use crate::state::State;
use crate::state::db::{Collection, text};
use crate::state::session::{Access, Session};
use crate::store::DataError;
use crate::yaml_file::complaint;

/// The first content of a fake NBI.
///
/// ```yaml
/// projects:
///   - name: tenant1                # any other field of a project may follow: quotas, ...
/// users:
///   - username: alice
///     password: Passw0rd!
///     project_role_mappings: [{project: tenant1, role: project_user}]
/// vim_accounts:
///   - name: mylocation1            # any other field of a VIM account may follow
/// k8s_clusters:
///   - name: kube1
///     vim_account: mylocation1     # by name
/// packages:
///   - folder: packages/openldap_knf
///   - folder: packages/openldap_ns
/// ns_instances:
///   - name: ldap                   # instantiated; any other field of an instantiation may follow
///     nsd: openldap_ns             # the descriptor's id
///     vim_account: mylocation1     # by name
/// ```
///
/// All belongs to project `admin`, and comes into being in this order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Bodies as OSM takes them; its own check refuses what they must not have.
    #[serde(default)]
    projects: Vec<Map<String, Value>>,
    #[serde(default)]
    users: Vec<Map<String, Value>>,
    #[serde(default)]
    vim_accounts: Vec<VimSeed>,
    #[serde(default)]
    k8s_clusters: Vec<ClusterSeed>,
    #[serde(default)]
    packages: Vec<PackageSeed>,
    #[serde(default)]
    ns_instances: Vec<InstanceSeed>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(expecting = "a VIM account")]
struct VimSeed {
    name: String,
    /// Fields over the defaults; OSM's own check refuses unknown ones.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(expecting = "a cluster")]
struct ClusterSeed {
    name: String,
    vim_account: String,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a package")]
struct PackageSeed {
    folder: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(expecting = "an NS instance")]
struct InstanceSeed {
    name: String,
    nsd: String,
    vim_account: String,
    /// Further fields of an instantiation, as OSM spells them.
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Why a seed cannot be planted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The text is no seed: bad YAML, an unknown or a missing key.
    #[error("{0}")]
    Malformed(String),
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
    /// An item names a VIM account that OSM does not have.
    #[error("{item}: no VIM account is named `{vim_account}`")]
    UnknownVim {
        /// Which item of the seed.
        item: String,
        /// The name it gives.
        vim_account: String,
    },
    /// An NS instance names an NSD that OSM does not have.
    #[error("NS instance `{instance}`: no NSD has the id `{nsd}`")]
    UnknownNsd {
        /// The instance's name.
        instance: String,
        /// The id it gives.
        nsd: String,
    },
    /// An instantiation ended badly, by the rules of OSM's life-cycle manager.
    #[error("NS instance `{instance}`: the instantiation ended {state}: {detail}")]
    NotInstantiated {
        /// The instance's name.
        instance: String,
        /// State of the operation.
        state: String,
        /// The life-cycle manager's words.
        detail: String,
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
        serde_yaml::from_str(text).map_err(|error| SeedError::Malformed(complaint(file, &error)))
    }
}

/// Puts a seed into a state; its operations have ended well afterwards, and the rules of a profile
/// that are for so many operations are for those to come.
///
/// # Errors
/// The first item that cannot be planted; those before it are.
pub(crate) fn plant(seed: &Seed, state: &mut State, now: f64) -> Result<(), SeedError> {
    let used = state.engine.rules_used();
    let planted = plant_all(seed, state, now);
    state.engine.forget_uses(used);
    planted
}

fn plant_all(seed: &Seed, state: &mut State, now: f64) -> Result<(), SeedError> {
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
    for project in &seed.projects {
        let project = Value::Object(project.clone());
        state
            .create_project(&project, now)
            .map_err(|problem| refused(item("project", &project["name"]), problem))?;
    }
    for user in &seed.users {
        let user = Value::Object(user.clone());
        state
            .create_user(&session, &user, now)
            .map_err(|problem| refused(item("user", &user["username"]), problem))?;
    }
    for vim in &seed.vim_accounts {
        plant_vim(vim, state, &session, now)?;
    }
    for cluster in &seed.k8s_clusters {
        plant_cluster(cluster, state, &session, now)?;
    }
    state.end_operations(&OperationResult::Ok, now);
    for package in &seed.packages {
        package::plant(&package.folder, state, &session, now)?;
    }
    for instance in &seed.ns_instances {
        plant_instance(instance, state, &session, now)?;
    }
    Ok(())
}

/// How messages name an item whose name may be missing or no text.
fn item(kind: &str, name: &Value) -> String {
    format!("{kind} `{}`", name.as_str().unwrap_or_default())
}

fn plant_vim(
    vim: &VimSeed,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
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
        .create_admin_item(session, Collection::VimAccounts, &body, now)
        .map_err(|problem| refused(format!("VIM account `{}`", vim.name), problem))?;
    Ok(())
}

fn plant_cluster(
    cluster: &ClusterSeed,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
    let item = format!("cluster `{}`", cluster.name);
    let vim_id = vim_id(state, &item, &cluster.vim_account)?;
    let mut body = json!({
        "name": cluster.name,
        "vim_account": vim_id,
        "k8s_version": "1.20",
        "nets": {"mgmtnet": "mgmt"},
        "credentials": {"apiVersion": "v1", "clusters": []},
        "namespace": "kube-system",
    });
    overlay(&mut body, &cluster.fields);
    state
        .create_admin_item(session, Collection::K8sClusters, &body, now)
        .map_err(|problem| refused(item, problem))?;
    Ok(())
}

fn plant_instance(
    instance: &InstanceSeed,
    state: &mut State,
    session: &Session,
    now: f64,
) -> Result<(), SeedError> {
    let item = format!("NS instance `{}`", instance.name);
    let nsd = state.db.with(Collection::NsDescriptors, "id", &instance.nsd).next();
    let nsd_id = nsd.map(|nsd| nsd["_id"].clone()).ok_or_else(|| SeedError::UnknownNsd {
        instance: instance.name.clone(),
        nsd: instance.nsd.clone(),
    })?;
    let mut body = json!({
        "nsName": instance.name,
        "nsdId": nsd_id,
        "vimAccountId": vim_id(state, &item, &instance.vim_account)?,
    });
    overlay(&mut body, &instance.fields);
    let (_, op_id) = state
        .create_and_instantiate_ns(session, &mut body, now)
        .map_err(|problem| refused(item, problem))?;
    state.end_operations(&OperationResult::Ok, now);
    let operation = state.db.get(Collection::Operations, &op_id).unwrap_or_default();
    if text(&operation, "operationState") != "COMPLETED" {
        return Err(SeedError::NotInstantiated {
            instance: instance.name.clone(),
            state: text(&operation, "operationState").to_owned(),
            detail: text(&operation, "detailed-status").to_owned(),
        });
    }
    Ok(())
}

fn vim_id(state: &State, item: &str, name: &str) -> Result<Value, SeedError> {
    let mut vims = state.db.iter(Collection::VimAccounts);
    vims.find(|vim| text(vim, "name") == name).map(|vim| vim["_id"].clone()).ok_or_else(|| {
        SeedError::UnknownVim { item: item.to_owned(), vim_account: name.to_owned() }
    })
}

fn overlay(body: &mut Value, fields: &Map<String, Value>) {
    for (key, value) in fields {
        body[key] = value.clone();
    }
}

fn refused(item: String, problem: Problem) -> SeedError {
    SeedError::Refused { item, status: problem.status.as_u16(), detail: problem.detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors_that_name_the_line() {
        let error = Seed::from_yaml("vim_accounts: []\nvims: []\n", "seed.yaml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("seed.yaml:2:1: unknown field `vims`"), "{text}");
        assert!(!text.contains("line 2"), "the place is told once: {text}");
        let error = Seed::from_yaml("vim_accounts: [site1]\n", "seed.yaml").unwrap_err();
        let expected = "seed.yaml:1:16: vim_accounts[0]: invalid type: string \"site1\", expected a \
                        VIM account";
        assert_eq!(error.to_string(), expected);
    }
}
