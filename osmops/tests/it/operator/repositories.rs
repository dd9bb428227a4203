//! GitRepositories that are reconciled by themselves.

use crate::world::PASSWORD;

use super::artifacts::demo_with;
use super::world::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_reconciled_by_themselves_where_told_and_told_of_in_events() {
    let Some(mut stage) = Stage::set().await else { return };
    let connections = stage.folder.path().join("connections");
    fs_err::create_dir(&connections).unwrap();
    let file = format!(
        "hostname: {}\nproject: admin\nuser: admin\npassword: {PASSWORD}\n",
        stage.osm.local_addr()
    );
    fs_err::write(connections.join("nbi.yaml"), file).unwrap();
    let with_connection = |tag: &str, path: &str| {
        demo_with(tag, "osm_ops_config.yaml", "/etc/osmops/nbi-connection.yaml", path)
    };
    stage.create_repository("demo").await;
    stage.create_repository("other").await;
    stage.start_operator(&[
        "--git-repositories",
        "--connection-dir",
        connections.to_str().unwrap(),
    ]);
    stage.publish("outside", &with_connection("test.0.0.7", "/etc/passwd")).await;
    let events = stage.told("GitRepository", "which is not in").await;
    assert!(
        events[0].starts_with("Warning AuthenticationFailed: osm_ops_config.yaml:"),
        "{events:?}"
    );
    let nbi = connections.join("nbi.yaml");
    let nbi = nbi.to_str().unwrap();
    stage.publish("test.0.0.7", &with_connection("test.0.0.7", nbi)).await;
    stage.told("GitRepository", "Applied revision: test.0.0.7").await;
    let mark = stage.world.osm.journal_len();
    stage.publish("test.0.0.8", &with_connection("test.0.0.8", nbi)).await;
    stage.told("GitRepository", "Applied revision: test.0.0.8").await;
    assert_eq!(stage.world.writes_since(mark).len(), 2);
}
