//! The rules of OSM, without HTTP.
//!
//! Comes in: a session (who asks), parsed bodies, the time. Goes out: records, or a
//! [`crate::problem::Problem`]. Invariant: nothing here sleeps, reads a clock or knows a URL.

pub(crate) mod admin;
pub(crate) mod chunks;
pub(crate) mod db;
pub(crate) mod helm;
pub(crate) mod instances;
pub(crate) mod lcm;
pub(crate) mod packages;
pub(crate) mod records;
pub(crate) mod session;
pub(crate) mod tokens;
pub(crate) mod vdu;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::ids::Ids;
use crate::operation::{Engine, OperationResult, Work};
use crate::profile::Profile;
use crate::release::Release;

use db::{Collection, Db, admin_of};
use helm::HelmReleases;
use packages::Stored;
use session::Session;
use tokens::Tokens;

/// Everything one fake NBI knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) release: Release,
    pub(crate) ids: Ids,
    pub(crate) db: Db,
    pub(crate) tokens: Tokens,
    pub(crate) engine: Engine,
    pub(crate) files: IndexMap<(Collection, String), Stored>,
    /// Uploads of which not all parts have come.
    pub(crate) chunks: IndexMap<(Collection, String), Vec<u8>>,
    pub(crate) helm: HelmReleases,
    /// The next life-cycle operation that is submitted is to fail with this text.
    pub(crate) fails_next: Option<String>,
}

impl State {
    /// An NBI as it is installed: project and user `admin`, four built-in roles.
    pub(crate) fn installed(release: Release, profile: Profile, rng_seed: u64, now: f64) -> Self {
        let mut state = Self {
            release,
            ids: Ids::seeded(rng_seed),
            db: Db::default(),
            tokens: Tokens::default(),
            engine: Engine::new(profile),
            files: IndexMap::new(),
            chunks: IndexMap::new(),
            helm: HelmReleases::default(),
            fails_next: None,
        };
        let project_id = state.ids.uuid();
        let admin = json!({"created": now, "modified": now});
        state.db.put(
            Collection::Projects,
            json!({"name": "admin", "_id": project_id, "_admin": admin, "admin": true}),
        );
        let mut admin_role = String::new();
        for (name, permissions) in built_in_roles() {
            let id = state.ids.uuid();
            if name == "system_admin" {
                admin_role.clone_from(&id);
            }
            let role =
                json!({"_id": id, "name": name, "_admin": admin, "permissions": permissions});
            state.db.put(Collection::Roles, role);
        }
        let user = json!({
            "_id": state.ids.uuid(),
            "username": "admin",
            "password": "admin",
            "_admin": admin,
            "project_role_mappings": [{"project": project_id, "role": admin_role}],
        });
        state.db.put(Collection::Users, user);
        state
    }

    /// Lets everything happen that is due at `now`.
    pub(crate) fn settle(&mut self, now: f64) {
        while let Some(step) = self.engine.next_step(now) {
            lcm::apply(self, &step);
        }
    }

    /// Ends every pending operation, those in line too.
    pub(crate) fn end_operations(&mut self, result: &OperationResult, now: f64) {
        while let Some(step) = self.engine.force_step(now, result) {
            lcm::apply(self, &step);
        }
    }

    /// Hands an operation to the engine.
    pub(crate) fn submit(&mut self, work: Work, now: f64) {
        let fails_with = self.fails_next.take();
        self.engine.submit(work, now, fails_with);
    }

    /// Takes the session's project off a record that others see too; says whether there were any.
    pub(crate) fn unshare(
        &mut self,
        session: &Session,
        collection: Collection,
        record: &Value,
    ) -> bool {
        let Some(project) = &session.project_id else {
            return false;
        };
        let mut record = record.clone();
        let admin = admin_of(&mut record);
        let others = |key: &str| -> Vec<Value> {
            db::list(admin, key).iter().filter(|name| *name != project).cloned().collect()
        };
        let (read, write) = (others("projects_read"), others("projects_write"));
        let is_shared = read.iter().any(|name| name != "ANY");
        if is_shared {
            db::set(admin, "projects_read", read);
            db::set(admin, "projects_write", write);
            self.db.put(collection, record);
        }
        is_shared
    }

    /// The id of the project with this name.
    pub(crate) fn project_named(&self, name: &str) -> Option<String> {
        self.db.ids_with(Collection::Projects, "name", name).into_iter().next()
    }
}

/// Names and permissions of the roles every OSM has.
///
/// Source: OSM NBI `roles_to_operations.yml` of about Release 9; the recordings of 19 do not show
/// theirs.
fn built_in_roles() -> [(&'static str, Value); 4] {
    [
        ("system_admin", json!({"default": true, "admin": true})),
        (
            "account_manager",
            json!({"default": false, "admin": false, "tokens": true, "users": true,
                "projects": true, "roles": true}),
        ),
        (
            "project_admin",
            json!({"default": true, "users:post": false, "users:id:post": false,
                "users:id:delete": false, "users:id:put": false, "projects": false,
                "roles": false}),
        ),
        (
            "project_user",
            json!({"default": true, "ns_instances": false, "ns_instances:get": true,
                "vnf_instances": false, "users": false, "users:id:get": true,
                "users:id:put": true, "users:id:patch": true, "projects": false,
                "vims": false, "vims:get": true, "vims:id:get": true,
                "vim_accounts": false, "vim_accounts:get": true, "vim_accounts:id:get": true,
                "sdn_controllers": false, "sdn_controllers:get": true,
                "sdn_controllers:id:get": true, "wims": false, "wims:get": true,
                "wims:id:get": true, "wim_accounts": false, "wim_accounts:get": true,
                "wim_accounts:id:get": true}),
        ),
    ]
}
