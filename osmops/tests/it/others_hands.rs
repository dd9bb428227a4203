//! What passes make of what others did in OSM: their packages, their instances, their changes.

use mock_nbi::{Collection, Fault, FaultKind, Profile};
use osmops::report::PassEnd;
use serde_json::json;

use crate::world::{Demo, World, config, detail, instance, nsd, revision};

#[tokio::test(start_paused = true)]
async fn a_record_that_was_never_instantiated_is_made_anew_for_osm_would_use_its_old_values() {
    let world = World::new(Profile::instant());
    let packages = Demo { replicas: None, ..Demo::default() };
    world.converge(&packages.revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap", "nsdId": nsd, "vimAccountId": vim });
    let made = world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let mark = world.osm.journal_len();
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged);
    let record = format!("/osm/nslcm/v1/ns_instances/{}", made["id"].as_str().unwrap());
    let expected =
        [format!("DELETE {record}"), "POST /osm/nslcm/v1/ns_instances_content".to_owned()];
    assert_eq!(world.writes_since(mark), expected);
    let record = world.instance("ldap");
    assert_eq!(record["operational-status"], "running");
    let kdu = record["_admin"]["deployed"]["K8s"][0].to_string();
    assert!(kdu.contains("'replicaCount': '1'"), "{kdu}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_adopted_before_its_instantiation_keeps_its_place_and_is_upgraded_then() {
    let world = World::new(Profile::instant());
    let packages = Demo { replicas: None, config: "owner: a\n", ..Demo::default() };
    world.converge(&packages.revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap", "nsdId": nsd, "vimAccountId": vim });
    let made = world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let adopting = Demo { config: "owner: a\nadopt: true\n", ..Demo::default() };
    assert_eq!(world.converge(&adopting.revision()).await.end, PassEnd::Converged);
    let record = world.instance("ldap");
    assert_eq!(record["_id"], made["id"]);
    let kdu = record["_admin"]["deployed"]["K8s"][0].to_string();
    assert!(kdu.contains("'replicaCount': '1'"), "OSM took the record's own values first: {kdu}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_nsd_is_left_alone() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let mark = world.osm.journal_len();
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(nsd("other_ns", "openldap_knf", "openldap", "1"));
    files.push(instance("ldap", "other_ns", "replicaCount: \"1\""));
    let report = world.converge(&revision("other", &files)).await;
    let (_, text) = detail(&report, "NS ldap");
    assert!(
        text.contains(
            "ns/ldap.ops.yaml:4:10: NSD: openldap_ns → other_ns, which OSM cannot change"
        ),
        "{text}"
    );
    assert_eq!(world.writes_since(mark), ["POST /osm/nsd/v1/ns_descriptors_content"]);
}

#[tokio::test(start_paused = true)]
async fn two_instances_of_one_name_are_left_alone() {
    let world = World::new(Profile::instant());
    world.converge(&Demo::default().revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances_content", body).await;
    let mark = world.osm.journal_len();
    let next = Demo { replicas: Some("5"), ..Demo::default() }.revision();
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.contains("several NS instances of this name"), "{text}");
    for record in world.osm.records(Collection::NsInstances) {
        assert!(text.contains(record["_id"].as_str().unwrap()), "{record} in {text}");
    }
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_half_made_package_is_named_and_is_in_nobodys_way() {
    let world = World::new(Profile::instant());
    let made = world.by_hand("POST", "/osm/vnfpkgm/v1/vnf_packages", json!({})).await;
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged);
    let notes: Vec<String> = report.notes.iter().map(ToString::to_string).collect();
    let record = made["id"].as_str().unwrap();
    assert!(
        notes.len() == 1 && notes[0].contains("VNFD") && notes[0].contains(record),
        "{notes:?}"
    );
}

/// The demo's packages without its instance, and somebody disabled the NSD, which has this id.
async fn world_with_a_disabled_nsd() -> (World, String) {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let id = world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/nsd/v1/ns_descriptors/{id}");
    world.by_hand("PATCH", &path, json!({ "nsdOperationalState": "DISABLED" })).await;
    (world, id)
}

#[tokio::test(start_paused = true)]
async fn a_disabled_package_is_reported_and_not_enabled_by_an_upload() {
    let (world, _) = world_with_a_disabled_nsd().await;
    let mark = world.osm.journal_len();
    let report = world.converge(&Demo { version: "2", ..Demo::default() }.revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    assert!(detail(&report, "NSD openldap_ns").1.contains("someone disabled this package"));
    assert!(detail(&report, "NS ldap").1.contains("needs NSD openldap_ns, which is blocked"));
    let writes = world.writes_since(mark);
    assert!(
        writes.len() == 1 && writes[0].ends_with("/package_content"),
        "only the VNFD: {writes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_instance_is_made_of_a_disabled_nsd_that_the_repository_does_not_declare() {
    let (world, id) = world_with_a_disabled_nsd().await;
    let mark = world.osm.journal_len();
    let files = [config(""), instance("ldap", "openldap_ns", "replicaCount: \"1\"")];
    let report = world.converge(&revision("r", &files)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NS ldap");
    assert!(text.starts_with("ns/ldap.ops.yaml:4:10: someone disabled this package"), "{text}");
    assert!(text.contains(&id), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_nsd_waits_for_its_vnfd_that_lost_our_mark_with_its_content() {
    let world = World::new(Profile::instant());
    let ours = Demo { config: "owner: team-a\n", replicas: None, ..Demo::default() };
    world.converge(&ours.revision()).await;
    world.osm.inject(Fault {
        operation: "GET /vnfpkgm/v1/vnf_packages".to_owned(),
        nth: 1,
        kind: FaultKind::PackageWithoutContent,
    });
    let mark = world.osm.journal_len();
    let report = world.converge(&Demo { version: "2", ..ours }.revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "NSD openldap_ns");
    assert!(text.contains("needs VNFD openldap_knf, which is blocked"), "{text}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new(), "VNFD before NSD");
}

#[tokio::test(start_paused = true)]
async fn the_owner_marks_packages_and_instances_and_keeps_others_off() {
    let world = World::new(Profile::instant());
    let ours = Demo { config: "owner: team-a/ldap\n", ..Demo::default() };
    assert_eq!(world.converge(&ours.revision()).await.end, PassEnd::Converged);
    for package in world.packages() {
        let name = package["_admin"]["storage"]["zipfile"].as_str().unwrap();
        assert!(name.contains(".team-a+ldap."), "{name}");
    }
    let mark = &world.instance("ldap")["additionalParamsForNs"]["osmops_owner"];
    assert_eq!(mark, "team-a/ldap");
    let theirs = Demo { config: "owner: team-b\n", version: "7", ..Demo::default() };
    let report = world.converge(&theirs.revision()).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "VNFD openldap_knf");
    assert!(text.contains("uploaded for owner `team-a/ldap`"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_not_silently_left_at_another_vim_account() {
    let world = World::new(Profile::instant());
    let demo = Demo::default();
    world.converge(&demo.revision()).await;
    let body = json!({
        "name": "mylocation2", "vim_type": "dummy", "vim_url": "http://vim",
        "vim_user": "u", "vim_password": "p", "vim_tenant_name": "t",
    });
    world.by_hand("POST", "/osm/admin/v1/vim_accounts", body).await;
    for (account, expected) in [
        (
            "mylocation2",
            "VIM account: mylocation1 → mylocation2, which OSM cannot change on an instance",
        ),
        ("nowhere", "has no VIM account `nowhere` (it has mylocation1, mylocation2)"),
    ] {
        let mut files = demo.files();
        let text = files.pop().unwrap().1.replace("mylocation1", account);
        files.push(("ns/ldap.ops.yaml".to_owned(), text));
        let report = world.converge(&revision("moved", &files)).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (_, text) = detail(&report, "NS ldap");
        assert!(text.starts_with("ns/ldap.ops.yaml:6:17: ") && text.contains(expected), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_strange_names_stop_nobody() {
    let world = World::new(Profile::instant());
    world.converge(&Demo { replicas: None, ..Demo::default() }.revision()).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let vim = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let body = json!({ "nsName": "a\tname", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances", body).await;
    let report = world.converge(&Demo::default().revision()).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_vim_account_that_was_made_again_is_found_by_a_session_that_knew_the_old_one() {
    let world = World::new(Profile::instant());
    let (nbi, stop) = (world.client(), tokio_util::sync::CancellationToken::new());
    let options = osmops::reconcile::PassOptions::default();
    osmops::reconcile::pass(&nbi, &Demo::default().revision(), &options, &stop, &mut ()).await;
    let old = world.osm.records(Collection::VimAccounts)[0]["_id"].clone();
    let path = format!("/osm/admin/v1/vim_accounts/{}", old.as_str().unwrap());
    world.by_hand("PATCH", &path, json!({ "name": "old" })).await;
    let vim = json!({
        "name": "mylocation1", "vim_type": "dummy", "vim_url": "http://x", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "t",
    });
    let vim = world.by_hand("POST", "/osm/admin/v1/vim_accounts", vim).await["id"].clone();
    let cluster = json!({
        "name": "kube2", "vim_account": vim, "k8s_version": "1.20", "nets": { "n": "n" },
        "credentials": {},
    });
    world.by_hand("POST", "/osm/admin/v1/k8sclusters", cluster).await;
    let nsd = world.osm.records(Collection::NsDescriptors)[0]["_id"].clone();
    let body = json!({ "nsName": "ldap2", "nsdId": nsd, "vimAccountId": vim });
    world.by_hand("POST", "/osm/nslcm/v1/ns_instances_content", body).await;
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(instance("ldap2", "openldap_ns", "replicaCount: \"1\""));
    let again = revision("again", &files);
    let report = osmops::reconcile::pass(&nbi, &again, &options, &stop, &mut ()).await;
    let (status, text) = detail(&report, "NS ldap2");
    assert_ne!(status, osmops::report::ItemStatus::Blocked, "{text}");
}
