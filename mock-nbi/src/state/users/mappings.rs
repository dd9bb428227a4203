//! Which projects and roles a user gets and loses.
//!
//! Source: OSM NBI `admin_topics.py`, `UserTopicAuth.edit`.

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, list, text};
use crate::state::people;

/// What a change does to a user's mappings.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) added: Vec<Value>,
    /// As shown, with names.
    pub(super) removed: Vec<Value>,
}

impl State {
    /// Lays out what a change does to `user`, a record as it is shown.
    ///
    /// # Errors
    /// 404 for unknown projects and roles, and (release 19) for a mapping that the user does not
    /// have; 422 (release 19) for one that is given twice.
    pub(super) fn mapping_changes(&self, user: &Value, change: &Value) -> Result<Changes, Problem> {
        let have = list(user, "project_role_mappings");
        let mut changes = Changes::default();
        for wanted in list(change, "remove_project_role_mappings") {
            let fits = |mapping: &&Value| {
                names_project(wanted, mapping)
                    && (text(wanted, "role").is_empty() || names_role(wanted, mapping))
            };
            changes.removed.extend(have.iter().filter(fits).cloned());
            if self.release.has_strong_passwords() && changes.removed.is_empty() {
                return Err(self.not_mapped(wanted));
            }
        }
        for wanted in list(change, "add_project_role_mappings") {
            self.add(&mut changes, have, wanted)?;
        }
        let all = list(change, "project_role_mappings");
        if all.is_empty() {
            return Ok(changes);
        }
        let is_repeated = all.iter().enumerate().any(|(at, one)| all[..at].contains(one));
        if self.release.has_strong_passwords() && is_repeated {
            return Err(Problem::unprocessable("Project-role combination should not be repeated"));
        }
        for wanted in all {
            self.add(&mut changes, have, wanted)?;
        }
        for mapping in have {
            let is_wanted = all.iter().any(|wanted| is_same(wanted, mapping));
            if !is_wanted && !changes.removed.contains(mapping) {
                changes.removed.push(mapping.clone());
            }
        }
        Ok(changes)
    }

    /// Adds a mapping unless the user has it; one that was to be removed then stays.
    fn add(&self, changes: &mut Changes, have: &[Value], wanted: &Value) -> Result<(), Problem> {
        if let Some(mapping) = have.iter().find(|mapping| is_same(wanted, mapping)) {
            if let Some(at) = changes.removed.iter().position(|removed| removed == mapping) {
                changes.removed.remove(at);
            }
            return Ok(());
        }
        let project = people::expect(&self.db, Collection::Projects, text(wanted, "project"))?;
        let role = people::expect(&self.db, Collection::Roles, text(wanted, "role"))?;
        changes.added.push(json!({"project": project["_id"], "role": role["_id"]}));
        Ok(())
    }

    fn not_mapped(&self, wanted: &Value) -> Problem {
        let (project, role) = (text(wanted, "project"), text(wanted, "role"));
        let known = people::expect(&self.db, Collection::Projects, project).and_then(|_| {
            if role.is_empty() {
                return Ok(());
            }
            people::expect(&self.db, Collection::Roles, role).map(|_| ())
        });
        if let Err(problem) = known {
            return problem;
        }
        let role = if role.is_empty() { String::new() } else { format!(" or role '{role}'") };
        Problem::not_found(format!("User is not mapped with project '{project}'{role}"))
    }
}

fn is_same(wanted: &Value, mapping: &Value) -> bool {
    names_project(wanted, mapping) && names_role(wanted, mapping)
}

fn names_project(wanted: &Value, mapping: &Value) -> bool {
    wanted["project"] == mapping["project"] || wanted["project"] == mapping["project_name"]
}

fn names_role(wanted: &Value, mapping: &Value) -> bool {
    wanted["role"] == mapping["role"] || wanted["role"] == mapping["role_name"]
}
