//! What the command line says of removals and of drift, beside what the repository says.

use std::path::Path;

use serde_json::json;

use crate::cli::{Osm, check};
use crate::world::{Demo, config};

/// Writes files into a folder; gives its path.
fn folder(root: &Path, name: &str, files: &[(String, String)]) -> String {
    for (path, text) in files {
        let path = root.join(name).join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    root.join(name).to_str().unwrap().to_owned()
}

#[test]
fn removing_everything_needs_a_word_on_the_command_line() {
    let osm = Osm::new();
    let root = tempfile::tempdir().unwrap();
    let demo = Demo { config: "owner: team-a\nprune: true\n", ..Demo::default() };
    let full = folder(root.path(), "full", &demo.files());
    let empty = folder(root.path(), "empty", &[config(demo.config)]);
    check(osm.command(&["apply", &full, "--wait"]), 0, &["converged"]);
    let refused = ["everything would go: 3 of 3 items", "--allow-large-prune"];
    check(osm.command(&["plan", &empty]), 1, &refused);
    check(osm.command(&["apply", &empty, "--wait"]), 1, &refused);
    check(osm.command(&["plan", &empty, "--allow-large-prune"]), 2, &["- NS ldap: terminate"]);
    let done = ["NS ldap: termination started", "VNFD openldap_knf: deleted", "converged"];
    check(osm.command(&["apply", &empty, "--allow-large-prune", "--wait"]), 0, &done);
    assert_eq!(osm.world.packages().len(), 0);
}

#[test]
fn drift_is_repaired_or_only_reported_as_the_command_line_says() {
    let osm = Osm::new();
    let root = tempfile::tempdir().unwrap();
    let with = |replicas| Demo { replicas: Some(replicas), ..Demo::default() }.files();
    let v1 = folder(root.path(), "v1", &with("5"));
    let v2 = folder(root.path(), "v2", &with("6"));
    check(osm.command(&["apply", &v1, "--wait"]), 0, &["converged"]);
    check(osm.command(&["apply", &v1, "--drift", "report"]), 0, &["0 of them writing"]);
    let id = osm.world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    let body = json!({
        "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
        "primitive_params": { "replicaCount": "2" },
    });
    let path = format!("/osm/nslcm/v1/ns_instances/{id}/action");
    osm.runtime.block_on(osm.world.by_hand("POST", &path, body));
    let told = ["replicaCount: \"2\" → \"5\" (\"2\" was set by operation", "0 of them writing"];
    check(osm.command(&["apply", &v1, "--drift", "report", "--wait"]), 1, &told);
    check(osm.command(&["plan", &v1]), 2, &told[..1]);
    let commit = ["apply", &v2, "--drift", "report", "--applied", &v1, "--wait"];
    check(osm.command(&commit), 0, &["NS ldap: upgrade of KDU openldap/ldap started", "converged"]);
    check(
        osm.command(&["apply", &v1, "--applied", "/nowhere", "--drift", "report"]),
        1,
        &["--applied"],
    );
}
