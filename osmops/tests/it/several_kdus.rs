//! Services with several VNFs and KDUs.

use std::time::Duration;

use mock_nbi::{Fault, FaultKind, Profile};
use osmops::desired::Drift;
use osmops::reconcile::{Observer, OperationLook, PassOptions, converge, pass};
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use tokio_util::sync::CancellationToken;

use crate::world::{World, config, detail, revision};

/// A VNFD with these KDUs.
fn vnfd(id: &str, kdus: &[&str]) -> (String, String) {
    let (path, text) = crate::world::vnfd(id, kdus[0], "1.0");
    let one = format!("  - name: {}\n    helm-chart: stable/{}:1.0.0\n", kdus[0], kdus[0]);
    let all: String = kdus
        .iter()
        .map(|kdu| format!("  - name: {kdu}\n    helm-chart: stable/{kdu}:1.0.0\n"))
        .collect();
    (path, text.replace(&one, &all))
}

const NSD: &str = "\
nsd:
  nsd:
  - id: shop_ns
    version: '1.0'
    name: shop_ns
    designer: us
    df:
    - id: default-df
      vnf-profile:
      - {id: front, vnfd-id: front_knf, virtual-link-connectivity: [{constituent-cpd-id: [{constituent-base-element-id: front, constituent-cpd-id: mgmt-ext}], virtual-link-profile-id: mgmtnet}]}
      - {id: back, vnfd-id: back_knf, virtual-link-connectivity: [{constituent-cpd-id: [{constituent-base-element-id: back, constituent-cpd-id: mgmt-ext}], virtual-link-profile-id: mgmtnet}]}
    virtual-link-desc:
    - {id: mgmtnet, mgmt-network: 'true'}
    vnfd-id: [front_knf, back_knf]
";

fn shop(kdus: &str) -> Revision {
    let head = "kind: NsInstance\nname: shop\nnsdName: shop_ns\nvimAccountName: mylocation1\n";
    let files = [
        config(""),
        vnfd("front_knf", &["web"]),
        vnfd("back_knf", &["db", "cache"]),
        ("osm-pkgs/shop_ns/shop_nsd.yaml".to_owned(), NSD.to_owned()),
        ("ns/shop.ops.yaml".to_owned(), format!("{head}{kdus}")),
    ];
    revision("shop", &files)
}

/// The service with these values of the two KDUs of one VNF.
fn back(db: u8, cache: u8) -> Revision {
    shop(&format!(
        "vnfName: back\nkdus:\n- {{name: db, params: {{n: {db}}}}}\n- {{name: cache, params: {{n: {cache}}}}}\n"
    ))
}

/// A request is answered with 422.
fn refused() -> FaultKind {
    let body = Some("no such thing".to_owned());
    FaultKind::Status { status: 422, body, retry_after: None }
}

fn values(world: &World) -> Vec<(String, String)> {
    let record = world.instance("shop");
    let deployed = record["_admin"]["deployed"]["K8s"].as_array().unwrap();
    let mut values: Vec<(String, String)> = deployed
        .iter()
        .map(|kdu| {
            let text = kdu["detailed-status"].as_str().unwrap();
            let config = text
                .split("'config': ")
                .nth(1)
                .map_or("", |rest| rest.split_inclusive('}').next().unwrap_or_default());
            (kdu["kdu-name"].as_str().unwrap().to_owned(), config.to_owned())
        })
        .collect();
    values.sort();
    values
}

#[tokio::test(start_paused = true)]
async fn each_kdu_of_each_vnf_gets_its_own_values_and_only_what_differs_is_upgraded() {
    let world = World::new(Profile::realistic());
    let vnfs = |web: u8, db: u8, cache: u8| {
        shop(&format!(
            "vnfs:\n- vnfName: front\n  kdu: {{name: web, params: {{n: {web}}}}}\n\
             - vnfName: back\n  kdus:\n  - {{name: db, params: {{n: {db}}}}}\n  - {{name: cache, params: {{n: {cache}}}}}\n"
        ))
    };
    let first = vnfs(1, 2, 3);
    assert_eq!(first.problems, []);
    assert_eq!(world.converge(&first).await.end, PassEnd::Converged);
    let pair = |name: &str, values: &str| (name.to_owned(), values.to_owned());
    let expected = [pair("cache", "{'n': 3}"), pair("db", "{'n': 2}"), pair("web", "{'n': 1}")];
    assert_eq!(values(&world), expected);
    let mark = world.osm.journal_len();
    let report = world.converge(&vnfs(5, 2, 6)).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(world.writes_since(mark).len(), 2, "{report:#?}");
    let expected = [pair("cache", "{'n': 6}"), pair("db", "{'n': 2}"), pair("web", "{'n': 5}")];
    assert_eq!(values(&world), expected);
    assert_eq!(world.converge(&vnfs(5, 2, 6)).await.requests.write, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_upgrade_is_told_though_that_of_another_kdu_was_started() {
    let world = World::new(Profile::realistic());
    assert_eq!(world.converge(&back(1, 1)).await.end, PassEnd::Converged);
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: refused(),
    });
    let options = PassOptions { writes_at_once: 1 };
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let report = pass(&nbi, &back(2, 2), &options, &stop, &mut ()).await;
    let (status, text) = detail(&report, "NS shop");
    assert_eq!(status, ItemStatus::Failed);
    assert!(text.contains("no such thing"), "{text}");
    assert!(report.has_failures());
    assert_eq!(report.changes.len(), 1, "the other KDU's upgrade");
    assert_eq!(report.operations().len(), 1, "it is followed");
    assert!(matches!(report.end, PassEnd::Waiting { .. }), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_over_is_told_as_such_though_another_upgrade_failed_for_good() {
    let world = World::new(Profile::realistic());
    assert_eq!(world.converge(&back(1, 1)).await.end, PassEnd::Converged);
    let faults = [
        // The first upgrade is refused; the second one waits for another token until the time is over.
        ("POST /nslcm/v1/ns_instances/{id}/action", 1, refused()),
        ("POST /nslcm/v1/ns_instances/{id}/action", 2, FaultKind::TokenRevoked),
        ("POST /admin/v1/tokens", 2, FaultKind::Late { seconds: 20.0 }),
    ];
    for (operation, nth, kind) in faults {
        world.osm.inject(Fault { operation: operation.to_owned(), nth, kind });
    }
    let mark = world.osm.journal_len();
    let options = PassOptions { writes_at_once: 1 };
    let (nbi, stop) = (world.client(), CancellationToken::new());
    let timeout = Duration::from_secs(10);
    let report = converge(&nbi, &back(2, 2), &options, timeout, &stop, &mut ()).await;
    assert_eq!(report.end, PassEnd::Stalled, "{report:#?}");
    assert!(report.timed_out && !report.interrupted, "{report:#?}");
    assert_eq!(world.writes_since(mark).len(), 2, "both were refused");
}

/// How operations ended.
#[derive(Default)]
struct Ends(Vec<String>);

impl Observer for Ends {
    fn operation_seen(&mut self, look: &OperationLook) {
        if look.state.end().is_some() {
            self.0.push(format!("{}: {} {}", look.item, look.what, look.state));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_fails_is_followed_and_told_though_that_of_another_kdu_completes() {
    let world = World::new(Profile::realistic());
    assert_eq!(world.converge(&back(1, 1)).await.end, PassEnd::Converged);
    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "no such chart".to_owned() },
    });
    let (nbi, stop, options) = (world.client(), CancellationToken::new(), PassOptions::default());
    let report = pass(&nbi, &back(2, 2), &options, &stop, &mut ()).await;
    let shop = report.items.iter().find(|item| item.item.to_string() == "NS shop").unwrap();
    let told: Vec<&str> = shop.operations.iter().map(|op| op.what.as_str()).collect();
    assert_eq!(told, ["upgrade of KDU back/db", "upgrade of KDU back/cache"]);
    let text = "upgrade of KDU back/db started; upgrade of KDU back/cache started";
    assert_eq!(shop.detail.as_deref(), Some(text));
    let mut ends = Ends::default();
    let hour = Duration::from_secs(3600);
    let report = converge(&nbi, &back(2, 2), &options, hour, &stop, &mut ends).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    let expected = ["NS shop: upgrade of KDU back/db COMPLETED"];
    assert_eq!(ends.0[ends.0.len() - 1..], expected, "its second attempt");

    world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail: "no such chart".to_owned() },
    });
    let mut ends = Ends::default();
    converge(&nbi, &back(3, 3), &options, hour, &stop, &mut ends).await;
    ends.0.sort();
    let expected = ["cache COMPLETED", "db COMPLETED", "db FAILED"]
        .map(|end| format!("NS shop: upgrade of KDU back/{end}"));
    assert_eq!(ends.0, expected, "each operation is followed to its end");
}

#[tokio::test(start_paused = true)]
async fn kdus_in_another_order_are_no_commit_so_that_drift_stays_reported() {
    let world = World::new(Profile::instant());
    let [one, other] = [["db", "cache"], ["cache", "db"]].map(|[first, second]| {
        shop(&format!(
            "vnfName: back\nkdus:\n- {{name: {first}, params: {{n: 1}}}}\n- {{name: {second}, params: {{n: 1}}}}\n"
        ))
    });
    assert_eq!(world.converge(&one).await.end, PassEnd::Converged);
    let id = world.instance("shop")["_id"].as_str().unwrap().to_owned();
    let body = serde_json::json!({
        "member_vnf_index": "back", "kdu_name": "db", "primitive": "upgrade",
        "primitive_params": { "n": 7 },
    });
    world.by_hand("POST", &format!("/osm/nslcm/v1/ns_instances/{id}/action"), body).await;
    let mark = world.osm.journal_len();
    let mut next = other;
    next.desired.drift = Drift::Report { applied: Box::new(one.desired.clone()) };
    let report = world.converge(&next).await;
    assert_eq!(report.end, PassEnd::Stalled, "{report:#?}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn several_kdus_of_one_vnf_are_declared_beside_its_name() {
    let world = World::new(Profile::instant());
    let revision = shop("vnfName: back\nkdus:\n- {name: cache, params: {n: 1}}\n- name: db\n");
    assert_eq!(revision.problems, []);
    assert_eq!(world.converge(&revision).await.end, PassEnd::Converged);
    assert_eq!(values(&world)[0].1, "{'n': 1}");
}

#[test]
fn what_contradicts_itself_is_named_with_its_line() {
    let check = |kdus: &str, expected: &str| {
        let problems: Vec<String> = shop(kdus).problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [format!("ns/shop.ops.yaml:{expected}")], "{kdus}");
    };
    check(
        "vnfName: back\nkdu: {name: db}\nkdus:\n- name: cache\n",
        "8:3: `kdus` cannot stand beside `kdu`; put all KDUs into `kdus`",
    );
    check(
        "vnfName: back\nvnfs:\n- vnfName: front\n  kdu: {name: web}\n",
        "5:10: `vnfName` cannot stand beside `vnfs`; move it into an item of `vnfs`",
    );
    check(
        "vnfName: back\nkdus:\n- name: db\n- name: db\n",
        "8:9: `kdu.name` `db` of VNF `back` is declared already at ns/shop.ops.yaml:7:9",
    );
    check(
        "vnfs:\n- {vnfName: back, kdu: {name: db}}\n- {vnfName: back, kdu: {name: db}}\n",
        "7:31: `kdu.name` `db` of VNF `back` is declared already at ns/shop.ops.yaml:6:31",
    );
    check("vnfName: back\n", "1:1: `kdu` is missing");
    check("vnfName: back\nkdus: []\n", "6:7: `kdus` must be a list of KDUs, but is empty");
    check("vnfs: back\n", "5:7: `vnfs` must be a list of VNFs, but is text");
    check(
        "vnfs:\n- vnfName: front\n  kdu: {nme: web}\n",
        "7:9: unknown key `kdu.nme`, did you mean `kdu.name`?",
    );
    check(
        "vnfName: front\nkdu: {name: web, params: {kdu_reset_values: 'true'}}\n",
        "6:27: `kdu.params` has `kdu_reset_values`, which is an option of OSM's upgrade and no value of the chart",
    );
    check(
        "vnfName: back\nkdus:\n- name: db\n- name: web\n",
        "8:9: VNFD `back_knf` has no KDU `web` (its KDUs are `db`, `cache`)",
    );
}
