//! What is in OSM when it is installed: the built-in roles, project and user `admin`.
//!
//! Source: OSM NBI `auth.py`, `init_db`, and `roles_to_operations.yml` of release 8 (that of later
//! releases was not at hand); recorded cases `projects_crud` and `users_crud`.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::state::State;
use crate::state::db::{Collection, set};
use crate::state::users;

/// How long before the fake starts OSM was installed; the first log-in is not delayed then.
const AGE_SECONDS: f64 = 60.0;

/// Fills an empty state.
pub(super) fn fill(state: &mut State, now: f64) {
    let now = now - AGE_SECONDS;
    let project_id = Value::from(state.ids.uuid());
    let mut system_admin = Value::Null;
    for role in ROLES.iter() {
        let id = state.ids.uuid();
        let mut role = role.clone();
        set(&mut role, "_admin", json!({"created": now, "modified": now}));
        set(&mut role, "_id", id.as_str());
        if role["name"] == "system_admin" {
            system_admin = Value::from(id);
        }
        state.db.put(Collection::Roles, role);
    }
    let mut project = json!({
        "name": "admin",
        "_id": project_id,
        "_admin": {"created": now, "modified": now},
    });
    if state.release.has_git_names() {
        set(&mut project, "git_name", "osm_admin");
    }
    state.db.put(Collection::Projects, project);
    users::installed_admin(state, &project_id, &system_admin, now);
}

/// The built-in roles, the same in every world.
static ROLES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let role = |(name, permissions)| json!({"name": name, "permissions": permissions});
    roles().into_iter().map(role).collect()
});

fn roles() -> [(&'static str, Value); 4] {
    [
        ("system_admin", json!({"default": true, "admin": true})),
        (
            "account_manager",
            json!({
                "default": false,
                "admin": false,
                "force": true,
                "tokens": true,
                "users": true,
                "projects": true,
                "roles": true,
            }),
        ),
        (
            "project_admin",
            json!({
                "default": true,
                "admin": false,
                "users": false,
                "projects": false,
                "roles": false,
            }),
        ),
        ("project_user", project_user()),
    ]
}

/// Packages and instances, and the rest only to look at.
fn project_user() -> Value {
    let mut permissions = json!({
        "default": false,
        "admin": false,
        "force": false,
        "public": true,
        "set_project": true,
        "vnfds": true,
        "nsds": true,
        "slice_templates": true,
        "ns_instances": true,
        "vnf_instances": true,
        "slice_instances": true,
        "users": false,
        "projects": false,
        "roles": false,
    });
    for topic in
        ["vims", "vim_accounts", "sdn_controllers", "k8sclusters", "wims", "wim_accounts", "pduds"]
    {
        // The repositories stand between clusters and WIMs.
        if topic == "wims" {
            set(&mut permissions, "k8srepos", true);
            set(&mut permissions, "osmrepos", true);
        }
        set(&mut permissions, topic, false);
        set(&mut permissions, &format!("{topic}:get"), true);
        set(&mut permissions, &format!("{topic}:id:get"), true);
    }
    permissions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;

    #[test]
    fn what_is_there_from_the_start_is_a_minute_old() {
        let state = State::installed(Release::R10, Profile::instant(), 1, 1000.0);
        for collection in [Collection::Projects, Collection::Roles] {
            for record in state.db.iter(collection) {
                assert_eq!(record["_admin"]["created"], 940.0, "{record}");
            }
        }
    }

    #[test]
    fn project_user_lists_the_repositories_between_clusters_and_wims() {
        let permissions = project_user();
        let keys: Vec<&str> = permissions.as_object().unwrap().keys().map(String::as_str).collect();
        let at = keys.iter().position(|key| *key == "k8srepos").unwrap();
        let around = ["k8sclusters:id:get", "k8srepos", "osmrepos", "wims"];
        assert_eq!(keys[at - 1..at + 3], around);
    }

    #[test]
    fn the_first_project_has_a_name_for_git_since_release_19() {
        for (release, git_name) in
            [(Release::R8, None), (Release::R10, None), (Release::R19, Some("osm_admin"))]
        {
            let state = State::installed(release, Profile::instant(), 1, 1000.0);
            let project = state.db.iter(Collection::Projects).next().unwrap();
            let shown = project.get("git_name").and_then(Value::as_str);
            assert_eq!(shown, git_name, "{release:?}");
        }
    }
}
