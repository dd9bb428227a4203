//! `recreate: true`: what OSM cannot change is removed and made anew, over several passes.

use mock_nbi::{Collection, Fault, FaultKind, Profile, Release};
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use serde_json::json;

use crate::world::{Demo, World, detail, instance, nsd, revision};

fn from_nsd(nsd_id: &str, vim_account: &str, more: &str) -> Revision {
    let mut files = Demo { replicas: None, ..Demo::default() }.files();
    files.push(nsd("other_ns", "openldap_knf", "openldap", "1"));
    let (path, text) = instance("ldap", nsd_id, "replicaCount: 1");
    files.push((path, text.replace("mylocation1", vim_account) + more));
    revision("r", &files)
}

async fn second_site(world: &World) {
    let body = json!({
        "name": "mylocation2", "vim_type": "dummy", "vim_url": "http://vim",
        "vim_user": "u", "vim_password": "p", "vim_tenant_name": "t",
    });
    let made = world.by_hand("POST", "/osm/admin/v1/vim_accounts", body).await;
    let body = json!({
        "name": "kube2", "vim_account": made["id"], "k8s_version": "1.20", "nets": {"net1": null},
        "credentials": {},
    });
    world.by_hand("POST", "/osm/admin/v1/k8sclusters", body).await;
}

#[tokio::test(start_paused = true)]
async fn another_nsd_or_vim_account_makes_the_instance_anew_only_where_it_is_asked_for() {
    for (nsd, account) in [("other_ns", "mylocation1"), ("openldap_ns", "mylocation2")] {
        let world = World::new(Profile::realistic());
        second_site(&world).await;
        world.converge(&from_nsd("openldap_ns", "mylocation1", "")).await;
        let old = world.instance("ldap")["_id"].clone();
        let mark = world.osm.journal_len();
        let report = world.converge(&from_nsd(nsd, account, "")).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (_, text) = detail(&report, "NS ldap");
        assert!(text.contains("`recreate: true` would terminate"), "{text}");
        assert_eq!(world.writes_since(mark), Vec::<String>::new());
        let anew = from_nsd(nsd, account, "recreate: true\n");
        let plan = osmops::reconcile::read_and_plan(&world.client(), &anew.desired).await.unwrap();
        let text = osmops::plan::render(&plan);
        assert!(text.contains(", to make it anew\n"), "{text}");
        let report = world.converge(&anew).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        let record = world.instance("ldap");
        assert_ne!(record["_id"], old);
        assert_eq!(record["nsd-ref"], nsd);
        assert_eq!(world.writes_since(mark).len(), 2, "{:?}", world.writes_since(mark));
        assert_eq!(world.converge(&anew).await.requests.write, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_that_could_not_be_made_again() {
    let world = World::new(Profile::instant());
    world.converge(&from_nsd("openldap_ns", "mylocation1", "")).await;
    for (nsd, account) in [("nobodys_ns", "mylocation1"), ("other_ns", "nowhere")] {
        let mark = world.osm.journal_len();
        let report = world.converge(&from_nsd(nsd, account, "recreate: true\n")).await;
        assert_eq!(report.end, PassEnd::Stalled);
        assert_eq!(
            world.writes_since(mark),
            Vec::<String>::new(),
            "{:?}",
            detail(&report, "NS ldap")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_removal_is_looked_up() {
    let world = World::new(Profile::realistic());
    world.converge(&from_nsd("openldap_ns", "mylocation1", "")).await;
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/terminate".to_owned(),
        nth: 1,
        kind: FaultKind::ResetAfter,
    });
    let report = world.converge(&from_nsd("other_ns", "mylocation1", "recreate: true\n")).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(world.osm.records(Collection::NsInstances).len(), 1);
    assert_eq!(world.instance("ldap")["nsd-ref"], "other_ns");
}

/// Where OSM keeps packages in use from being changed.
const STRICT: [Release; 2] = [Release::R19, Release::R19Recorded];

/// The demo as release 19 takes it, without versions of charts in descriptors.
fn strict(demo: &Demo) -> Vec<(String, String)> {
    let mut files = demo.files();
    files[1].1 = files[1].1.replace(":1.0.0", "");
    files
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_its_package_broke_makes_way_for_the_mended_one() {
    for release in STRICT {
        let world = World::of_release(release, Profile::instant());
        world.osm.inject(Fault {
            operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
            nth: 1,
            kind: FaultKind::OperationFails { detail: "no such chart".to_owned() },
        });
        let wrong = Demo { config: "retry: {attempts: 1}\n", ..Demo::default() };
        let report = world.converge(&revision("wrong", &strict(&wrong))).await;
        assert_eq!(report.end, PassEnd::Stalled);
        assert_eq!(world.instance("ldap")["nsState"], "BROKEN", "{report:#?}");
        let mended = Demo { version: "1.1", ..wrong };
        let report = world.converge(&revision("mended", &strict(&mended))).await;
        assert_eq!(report.end, PassEnd::Converged, "{release:?} {report:#?}");
        assert_eq!(world.instance("ldap")["nsState"], "READY");
        assert!(world.packages().iter().all(|package| package["version"] == "1.1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_instance_is_not_removed_for_packages_that_osm_refuses() {
    for release in STRICT {
        let world = World::of_release(release, Profile::instant());
        let files = |version: &'static str, nsd_id: &str| {
            let mut files = strict(&Demo { version, replicas: None, ..Demo::default() });
            files.push(nsd("other_ns", "openldap_knf", "openldap", "1"));
            let (path, text) = instance("ldap", nsd_id, "replicaCount: 1");
            files.push((path, text + "recreate: true\n"));
            revision("r", &files)
        };
        let report = world.converge(&files("1.0", "openldap_ns")).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        let old = world.instance("ldap")["_id"].clone();
        let report = world.converge(&files("1.1", "other_ns")).await;
        assert_eq!(report.end, PassEnd::Stalled, "{release:?} {report:#?}");
        let (_, text) = detail(&report, "VNFD openldap_knf");
        assert!(text.contains("refused with 422"), "{text}");
        assert_eq!(detail(&report, "NS ldap").0, ItemStatus::Skipped);
        assert_eq!(world.instance("ldap")["_id"], old);
        assert_eq!(world.instance("ldap")["nsState"], "READY");
        // By itself it is done.
        assert_eq!(world.converge(&files("1.0", "other_ns")).await.end, PassEnd::Converged);
        assert_eq!(world.instance("ldap")["nsd-ref"], "other_ns");
    }
}
