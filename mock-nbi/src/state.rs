//! The rules of OSM, without HTTP.
//!
//! Comes in: a session (who asks), parsed bodies, the time. Goes out: records, or a
//! [`crate::problem::Problem`]. Invariant: nothing here sleeps, reads a clock or knows a URL.

pub(crate) mod address;
pub(crate) mod admin;
pub(crate) mod chunks;
pub(crate) mod db;
pub(crate) mod forced;
pub(crate) mod gitops;
pub(crate) mod helm;
pub(crate) mod installed;
pub(crate) mod instances;
pub(crate) mod kept;
pub(crate) mod lcm;
pub(crate) mod merge;
pub(crate) mod ordered;
pub(crate) mod packages;
pub(crate) mod params;
pub(crate) mod passwords;
pub(crate) mod pdus;
pub(crate) mod people;
pub(crate) mod projects;
pub(crate) mod quota;
pub(crate) mod records;
pub(crate) mod rights;
pub(crate) mod roles;
pub(crate) mod session;
pub(crate) mod slices;
pub(crate) mod subscriptions;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod vdu;
pub(crate) mod websessions;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::ids::Ids;
use crate::operation::{Engine, OperationResult};
use crate::problem::Problem;
use crate::profile::Profile;
use crate::release::Release;
use crate::request::Request;

use chunks::Partial;
use db::{Collection, Db, admin_of};
use forced::{Forced, ForcedOperations};
use helm::HelmReleases;
use kept::Kept;
use ordered::Ordered;
use packages::Stored;
use session::Session;
use tokens::Tokens;
use websessions::WebSessions;

/// Everything one fake NBI knows.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) release: Release,
    pub(crate) ids: Ids,
    pub(crate) db: Db,
    pub(crate) tokens: Tokens,
    pub(crate) websessions: WebSessions,
    pub(crate) engine: Engine,
    pub(crate) files: Ordered<(Collection, String), Stored>,
    /// Uploads of which not all parts have come.
    pub(crate) chunks: Ordered<(Collection, String), Partial>,
    pub(crate) helm: HelmReleases,
    /// What is to become of the next life-cycle operation that is submitted.
    pub(crate) forced_next: Option<Forced>,
    pub(crate) forced: ForcedOperations,
    /// Addresses that answer to OSM when a subscription names them.
    pub(crate) callbacks: BTreeSet<String>,
    /// Whether a cluster was edited since the start, after which OSM takes no profiles for clusters.
    pub(crate) has_edited_cluster: bool,
}

impl State {
    /// A state without anything.
    pub(crate) fn empty(release: Release, profile: Profile, rng_seed: u64) -> Self {
        Self {
            release,
            ids: Ids::seeded(rng_seed),
            db: if release.has_ids_first() { Db::with_ids_first() } else { Db::default() },
            tokens: Tokens::default(),
            websessions: WebSessions::default(),
            engine: Engine::new(profile, rng_seed),
            files: Ordered::default(),
            chunks: Ordered::default(),
            helm: HelmReleases::default(),
            forced_next: None,
            callbacks: BTreeSet::new(),
            has_edited_cluster: false,
            forced: ForcedOperations::new(),
        }
    }

    /// An NBI as it is installed: project and user `admin`, four built-in roles.
    pub(crate) fn installed(release: Release, profile: Profile, rng_seed: u64, now: f64) -> Self {
        let mut state = Self::empty(release, profile, rng_seed);
        installed::fill(&mut state, now);
        state
    }

    /// What it keeps beside its records, each sort with its name in snapshots. Everything that is
    /// to outlive a restart is here, among the records, or in a snapshot's `rest`.
    pub(crate) fn kept(&mut self) -> Vec<(&'static str, &mut dyn Kept)> {
        // Taken apart, so that who adds a field is asked where it belongs.
        let Self {
            release: _,
            ids: _,
            db: _,
            tokens,
            websessions: _,
            engine,
            files,
            chunks,
            helm,
            forced_next: _,
            callbacks: _,
            has_edited_cluster: _,
            forced: _,
        } = self;
        vec![
            ("file", files),
            ("upload", chunks),
            ("token", tokens),
            ("helm", &mut helm.by_ns),
            ("operation", engine),
        ]
    }

    /// Notes from now on what is written.
    pub(crate) fn track(&mut self) {
        self.db.track();
        self.kept().into_iter().for_each(|(_, kept)| kept.track());
    }

    /// Lets everything happen that is due at `now`.
    pub(crate) fn settle(&mut self, now: f64) {
        while let Some(step) = self.engine.next_step(now) {
            self.take_step(&step, now);
        }
    }

    /// Ends every pending operation, those in line too.
    pub(crate) fn end_operations(&mut self, result: &OperationResult, now: f64) {
        while let Some(step) = self.engine.force_step(now, result) {
            self.take_step(&step, now);
        }
    }

    /// The token of a request: that of its header, else that which its cookie stands for.
    ///
    /// # Errors
    /// 401 with what is wrong, as `Www-Authenticate` too; the cookie then stands for nothing.
    pub(crate) fn authenticate(&mut self, request: &Request, now: f64) -> Result<Value, Problem> {
        let session = request.session_id.as_str();
        let id = match request.bearer() {
            Some(token) => Some(token.to_owned()),
            None => self.websessions.token(session, now),
        };
        let found = self.tokens.authenticate(id.as_deref(), now);
        if found.is_err() {
            self.websessions.forget(session, now);
        }
        found
    }

    /// Takes the session's project off a record that others see too; says whether there were any.
    ///
    /// # Errors
    /// 401 where the session may see the record and not change it.
    pub(crate) fn unshare(
        &mut self,
        session: &Session,
        collection: Collection,
        record: &Value,
    ) -> Result<bool, Problem> {
        let Some(project) = &session.project_id else {
            return Ok(false);
        };
        let mut record = record.clone();
        let admin = admin_of(&mut record);
        let others = |key: &str| -> Vec<Value> {
            db::list(admin, key).iter().filter(|name| *name != project).cloned().collect()
        };
        let (read, write) = (others("projects_read"), others("projects_write"));
        if read.iter().any(|name| name != "ANY") {
            db::set(admin, "projects_read", read);
            db::set(admin, "projects_write", write);
            self.db.put(collection, record);
            return Ok(true);
        }
        let may_write = |name: &Value| name == project || name == "ANY";
        if db::list(admin, "projects_write").iter().any(may_write) {
            return Ok(false);
        }
        Err(Problem::unauthorized("You have not write permission to delete it"))
    }

    /// The id of the project with this name.
    pub(crate) fn project_named(&self, name: &str) -> Option<String> {
        self.db.ids_with(Collection::Projects, "name", name).into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_of_one_project_is_deleted_by_those_who_may_write_it() {
        let session = Session::of_project(Some("p"));
        for (write, expected) in [
            (json!(["p"]), Ok(false)),
            (json!(["ANY"]), Ok(false)),
            (json!(["other"]), Err(401)),
            (json!([]), Err(401)),
        ] {
            let mut state = State::empty(Release::R10, Profile::instant(), 1);
            let admin = json!({"projects_read": ["p", "ANY"], "projects_write": write});
            let record = json!({"_id": "v", "_admin": admin});
            let got = state.unshare(&session, Collection::VimAccounts, &record);
            assert_eq!(got.map_err(|refusal| refusal.status.as_u16()), expected, "{record}");
        }
    }
}
