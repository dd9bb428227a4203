//! Whose something in OSM is, and what of it may be touched.

use mock_nbi::{Collection, Profile};
use osmops::report::{ItemStatus, PassEnd};
use serde_json::{Value, json};

use crate::world::{Demo, World, config, detail, instance, revision, vnfd};

const OWNER: &str = "owner: team-a\n";

/// A world with the demo's packages, uploaded for team A.
async fn world_with_packages() -> World {
    let world = World::new(Profile::instant());
    let packages = Demo { config: OWNER, replicas: None, ..Demo::default() };
    assert_eq!(world.converge(&packages.revision()).await.end, PassEnd::Converged);
    world
}

/// The demo, with more lines in the document of its instance.
fn demo_with(config: &'static str, more: &str) -> osmops::revision::Revision {
    let mut files = Demo { config, replicas: Some("5"), ..Demo::default() }.files();
    let last = files.last_mut().unwrap();
    last.1.push_str(more);
    revision("demo", &files)
}

#[tokio::test(start_paused = true)]
async fn an_instance_without_a_mark_is_left_alone_and_it_is_said_what_adopting_it_would_change() {
    let world = world_with_packages().await;
    world.instance_by_hand("ldap", "openldap_ns", None, json!({"replicaCount": "2"})).await;
    let mark = world.osm.journal_len();
    let demo = demo_with(OWNER, "");
    let plan = osmops::reconcile::read_and_plan(&world.client(), &demo.desired).await.unwrap();
    let plan = osmops::plan::render(&plan);
    assert!(plan.contains("! NS ldap: left alone\n"), "{plan}");
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "NS ldap");
    assert_eq!(status, ItemStatus::Blocked);
    assert!(
        text.contains("bears no owner's mark: it was made by hand, or before there was an owner"),
        "{text}"
    );
    assert!(text.contains("upgrade KDU openldap/ldap"), "{text}");
    assert!(text.contains("ns/ldap.ops.yaml:10:5: replicaCount: \"2\" → \"5\""), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn adopt_in_the_document_or_in_the_configuration_takes_an_unmarked_instance_over() {
    for (config, more) in [(OWNER, "adopt: true\n"), ("owner: team-a\nadopt: true\n", "")] {
        let world = world_with_packages().await;
        world.instance_by_hand("ldap", "openldap_ns", None, json!({"replicaCount": "2"})).await;
        let mark = world.osm.journal_len();
        let report = world.converge(&demo_with(config, more)).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        let writes = world.writes_since(mark);
        assert!(writes.len() == 1 && writes[0].ends_with("/action"), "{writes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_another_owners_mark_is_never_touched_whatever_is_said() {
    for config in ["", OWNER, "owner: team-a\nadopt: true\n"] {
        let world = world_with_packages().await;
        world.instance_by_hand("ldap", "openldap_ns", Some("team-b"), json!({})).await;
        let mark = world.osm.journal_len();
        let report = world.converge(&demo_with(config, "adopt: true\n")).await;
        assert_eq!(report.end, PassEnd::Stalled, "{config}");
        let (_, text) = detail(&report, "NS ldap");
        assert!(text.contains("of this name was made for owner `team-b`"), "{text}");
        let on_instances = |line: &String| line.contains("ns_instances");
        assert!(!world.writes_since(mark).iter().any(on_instances), "{config}");
    }
}

#[tokio::test(start_paused = true)]
async fn our_mark_tells_our_instance_from_others_of_its_name() {
    let world = world_with_packages().await;
    world.instance_by_hand("ldap", "openldap_ns", None, json!({})).await;
    world.instance_by_hand("ldap", "openldap_ns", Some("team-b"), json!({})).await;
    world.instance_by_hand("ldap", "openldap_ns", Some("team-a"), json!({})).await;
    let named: Vec<Value> = world.osm.records(Collection::NsInstances);
    let ours = named.iter().find(|ns| ns["additionalParamsForNs"]["osmops_owner"] == "team-a");
    let ours = ours.unwrap()["_id"].as_str().unwrap();
    let mark = world.osm.journal_len();
    let report = world.converge(&demo_with(OWNER, "")).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(
        world.writes_since(mark),
        [format!("POST /osm/nslcm/v1/ns_instances/{ours}/action")]
    );
}

#[tokio::test(start_paused = true)]
async fn other_files_without_a_mark_are_replaced_only_when_the_configuration_says_adopt() {
    let world = World::new(Profile::instant());
    let (_, text) = vnfd("openldap_knf", "ldap", "0.9");
    let body: Value = serde_yaml::from_str(&text).unwrap();
    world.by_hand("POST", "/osm/vnfpkgm/v1/vnf_packages_content", body).await;
    let mark = world.osm.journal_len();
    let files = vec![config(OWNER), vnfd("openldap_knf", "ldap", "1.0")];
    let report = world.converge(&revision("r", &files)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "VNFD openldap_knf");
    assert!(
        text.contains("OSM's package (made from a descriptor alone) bears no owner's mark"),
        "{text}"
    );
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    let files = vec![config("owner: team-a\nadopt: true\n"), files[1].clone()];
    assert_eq!(world.converge(&revision("r", &files)).await.end, PassEnd::Converged);
    let name = world.packages()[0]["_admin"]["storage"]["zipfile"].clone();
    assert!(name.as_str().unwrap().contains(".team-a~."), "{name}");
}

#[tokio::test(start_paused = true)]
async fn a_package_that_was_adopted_is_changed_and_never_removed() {
    let world = World::new(Profile::instant());
    let (_, text) = vnfd("their_knf", "ldap", "0.9");
    let body: Value = serde_yaml::from_str(&text).unwrap();
    world.by_hand("POST", "/osm/vnfpkgm/v1/vnf_packages_content", body).await;
    let ours = vnfd("our_knf", "ldap", "1.0");
    let own = vnfd("own_knf", "ldap", "1.0");
    for version in ["1.0", "1.1"] {
        let adopting = config("owner: team-a\nprune: true\nadopt: true\n");
        let files = [adopting, ours.clone(), own.clone(), vnfd("their_knf", "ldap", version)];
        assert_eq!(world.converge(&revision("r", &files)).await.end, PassEnd::Converged);
        let their = world.packages().into_iter().find(|package| package["id"] == "their_knf");
        assert_eq!(their.unwrap()["version"], version);
    }
    let files = [config("owner: team-a\nprune: true\n"), ours];
    let report = world.converge(&revision("r", &files)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let mut left: Vec<Value> = world.packages().iter().map(|p| p["id"].clone()).collect();
    left.sort_by_key(ToString::to_string);
    assert_eq!(left, ["our_knf", "their_knf"], "what we made goes, what was adopted stays");
}

#[tokio::test(start_paused = true)]
async fn files_uploaded_before_there_was_an_owner_are_ours_while_they_are_as_declared() {
    let world = World::new(Profile::instant());
    let before = vec![config(""), vnfd("openldap_knf", "ldap", "1.0")];
    world.converge(&revision("r", &before)).await;
    let mark = world.osm.journal_len();
    let same = vec![config(OWNER), before[1].clone()];
    assert_eq!(world.converge(&revision("r", &same)).await.end, PassEnd::Converged);
    let changed = vec![config(OWNER), vnfd("openldap_knf", "ldap", "1.1")];
    let report = world.converge(&revision("r", &changed)).await;
    let (_, text) = detail(&report, "VNFD openldap_knf");
    assert!(text.contains("version: \"1.0\" → \"1.1\""), "what adopting would change: {text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_an_owner_a_name_is_enough_for_what_bears_no_mark() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    world.instance_by_hand("ldap", "openldap_ns", None, json!({})).await;
    let mut files = Demo::default().files();
    files.pop();
    files.push(instance("ldap", "openldap_ns", "replicaCount: \"4\""));
    assert_eq!(world.converge(&revision("r", &files)).await.end, PassEnd::Converged);
    assert_eq!(world.osm.records(Collection::NsInstances).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_instances_with_our_mark_the_newer_goes_without_prune_but_not_for_a_broken_revision()
{
    let world = world_with_packages().await;
    world.converge(&demo_with(OWNER, "")).await;
    let first = world.instance("ldap")["_id"].clone();
    world.osm.advance(std::time::Duration::from_secs(60));
    world.instance_by_hand("ldap", "openldap_ns", Some("team-a"), json!({})).await;
    world.instance_by_hand("ldap", "openldap_ns", None, json!({})).await;
    let mark = world.osm.journal_len();
    let mut files = Demo { config: OWNER, replicas: Some("5"), ..Demo::default() }.files();
    files.push(("ns/broken.ops.yaml".to_owned(), "kind: [\n".to_owned()));
    let report = world.converge(&revision("broken", &files)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert!(detail(&report, "NS ldap").1.contains("several NS instances of this name"));
    assert_eq!(world.writes_since(mark), Vec::<String>::new());

    let report = world.converge(&demo_with(OWNER, "")).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let left = world.osm.records(Collection::NsInstances);
    let marked = |ns: &&Value| ns["additionalParamsForNs"]["osmops_owner"] == "team-a";
    let ours: Vec<&Value> = left.iter().filter(marked).map(|ns| &ns["_id"]).collect();
    assert_eq!(ours, [&first]);
    assert_eq!(left.len(), 2, "somebody else's stays");
}
