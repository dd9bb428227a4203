//! Descriptors in OSM become the declared ones: keys that were dropped, changes by other hands, and no
//! difference where OSM only writes otherwise what was declared.

use std::time::Duration;

use mock_nbi::{Collection, Fault, FaultKind, Profile, Release};
use osmops::observed::ObservedState;
use osmops::plan::{Plan, plan, render};
use osmops::reconcile::read_and_plan;
use osmops::report::PassEnd;
use osmops::revision::Revision;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{World, config, detail, nsd, revision, vnfd};

/// A revision of one package with this descriptor.
fn package(id: &str, descriptor: &str) -> Revision {
    let path = format!("osm-pkgs/{id}/descriptor.yaml");
    let revision = revision("r", &[config(""), (path, descriptor.to_owned())]);
    assert_eq!(revision.problems, []);
    revision
}

fn demo_vnfd(more: &str) -> String {
    vnfd("openldap_knf", "ldap", "1.0").1 + more
}

async fn planned(world: &World, revision: &Revision) -> Plan {
    read_and_plan(&world.client(), &revision.desired).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn keys_that_a_descriptor_dropped_are_removed_with_the_upload_that_drops_them() {
    for release in [Release::R8, Release::R10, Release::R19] {
        let world = World::of_release(release, Profile::instant());
        let (before, after) = match release {
            Release::R8 => (
                "vnfd:vnfd-catalog:\n  vnfd:\n  - id: a\n    name: a\n    vendor: us\n    description: d\n    \
                 mgmt-interface: {cp: x}\n    connection-point: [{name: x}]\n",
                "vnfd:vnfd-catalog:\n  vnfd:\n  - id: a\n    name: b\n    mgmt-interface: {cp: x}\n    \
                 connection-point: [{name: x}]\n",
            ),
            _ => (
                "vnfd: {id: a, provider: us, product-name: x, df: [{id: d}], k8s-cluster: {version: [v1], \
                 nets: [{id: n}]}}\n",
                "vnfd: {id: a, product-name: y, df: [{id: d}], k8s-cluster: {nets: [{id: n}]}}\n",
            ),
        };
        assert_eq!(world.converge(&package("a_knf", before)).await.end, PassEnd::Converged);
        let mark = world.osm.journal_len();
        let after = package("a_knf", after);
        let report = world.converge(&after).await;
        assert_eq!(report.end, PassEnd::Converged, "{release:?} {report:#?}");
        let changes: Vec<String> =
            report.changes.iter().map(|change| change.what.to_string()).collect();
        assert_eq!(changes, ["updated", "descriptor changed"], "{release:?}");
        assert_eq!(world.writes_since(mark).len(), 2, "{release:?}");
        let record = world.osm.records(Collection::VnfPackages).remove(0);
        for gone in ["provider", "vendor", "description"] {
            assert_eq!(record.get(gone), None, "{release:?} {record}");
        }
        assert_eq!(record.pointer("/k8s-cluster/version"), None, "{record}");
        let mark = world.osm.journal_len();
        assert_eq!(world.converge(&after).await.end, PassEnd::Converged);
        assert_eq!(world.writes_since(mark), Vec::<String>::new(), "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_osm_refuses_is_told_in_its_words_though_a_patch_was_to_follow() {
    let world = World::new(Profile::instant());
    let before = "vnfd: {id: a, provider: us, product-name: x, df: [{id: d}]}\n";
    assert_eq!(world.converge(&package("a_knf", before)).await.end, PassEnd::Converged);
    let body = Some("VNFD is in use".to_owned());
    world.osm.inject(Fault {
        operation: "PUT /vnfpkgm/v1/vnf_packages/{id}/package_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 422, body, retry_after: None },
    });
    let after = "vnfd: {id: a, product-name: y, df: [{id: d}]}\n";
    let report = world.converge(&package("a_knf", after)).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (status, text) = detail(&report, "VNFD a");
    assert_eq!(status, osmops::report::ItemStatus::Failed);
    assert!(text.contains("VNFD is in use"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_someone_edited_is_told_too_when_a_commit_changes_the_files() {
    let world = World::new(Profile::instant());
    let with = |version| revision("r", &[config(""), vnfd("openldap_knf", "ldap", version)]);
    world.converge(&with("1.0")).await;
    let id = world.osm.records(Collection::VnfPackages)[0]["_id"].as_str().unwrap().to_owned();
    let patch = json!({ "provider": "them", "description": "mine" });
    world.by_hand("PATCH", &format!("/osm/vnfpkgm/v1/vnf_packages/{id}"), patch).await;
    let text = render(&planned(&world, &with("1.1")).await);
    for line in [
        "~ VNFD openldap_knf: update package",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:3:12: version: \"1.0\" → \"1.1\"",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:5:13: provider: \"them\" → \"us\"",
        "    the files differ from the last upload (digest ",
        "~ VNFD openldap_knf: change descriptor of package",
        "description: \"mine\" → removed (not declared)",
    ] {
        assert_eq!(text.matches(line).count(), 1, "`{line}` is not once in:\n{text}");
    }
    assert_eq!(world.converge(&with("1.1")).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn what_someone_changed_in_a_descriptor_is_told_and_put_back_without_an_upload() {
    let world = World::new(Profile::instant());
    let files = [
        config(""),
        vnfd("openldap_knf", "ldap", "1.0"),
        nsd("openldap_ns", "openldap_knf", "m", "1"),
    ];
    let demo = revision("demo", &files);
    world.converge(&demo).await;
    let vnfd_id = world.osm.records(Collection::VnfPackages)[0]["_id"].as_str().unwrap().to_owned();
    let patch = json!({
        "version": "6.6",
        "description": "mine",
        "mgmt-cp": null,
        "kdu": [{"name": "ldap", "helm-chart": "stable/ldap:9.9.9"}, {"name": "extra", "helm-chart": "x/y"}],
    });
    world.by_hand("PATCH", &format!("/osm/vnfpkgm/v1/vnf_packages/{vnfd_id}"), patch).await;
    let nsd_id =
        world.osm.records(Collection::NsDescriptors)[0]["_id"].as_str().unwrap().to_owned();
    let patch = json!({ "designer": "them" });
    world.by_hand("PATCH", &format!("/osm/nsd/v1/ns_descriptors/{nsd_id}"), patch).await;
    let text = render(&planned(&world, &demo).await);
    for line in [
        "~ VNFD openldap_knf: change descriptor of package",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:3:12: version: \"6.6\" → \"1.0\"",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:16:17: kdu[ldap].helm-chart: \"stable/ldap:9.9.9\" → \
         \"stable/ldap:1.0.0\"",
        "kdu[extra]: {\"name\":\"extra\",\"helm-chart\":\"x/y\"} → removed (not declared)",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:17:12: mgmt-cp: (absent) → \"mgmt-ext\"",
        "    osm-pkgs/openldap_knf/openldap_knf.yaml:2:3: description: \"mine\" → removed (not declared)",
        "~ NSD openldap_ns: change descriptor of package",
        "designer: \"them\" → \"us\"",
        "2 to change",
    ] {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    let writes = world.writes_since(mark);
    assert!(writes.len() == 2 && writes.iter().all(|line| line.starts_with("PATCH")), "{writes:?}");
    assert!(planned(&world, &demo).await.actions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_later_osm_adds_to_its_lists_is_nobodys_change() {
    let world = World::new(Profile::instant());
    let demo = package("openldap_knf", &demo_vnfd(""));
    world.converge(&demo).await;
    let mark = world.osm.journal_len();
    let operation = "GET /vnfpkgm/v1/vnf_packages".to_owned();
    world.osm.inject(Fault { operation, nth: 1, kind: FaultKind::UnknownFields });
    assert!(planned(&world, &demo).await.actions.is_empty());
    let list = &world.osm.journal()[mark..];
    assert!(
        list.iter().any(|request| request.fault.as_deref() == Some("unknown-fields")),
        "{list:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_its_repair_does_not_remove_stalls() {
    let world = World::new(Profile::instant());
    let demo = package("openldap_knf", &demo_vnfd(""));
    world.converge(&demo).await;
    let id = world.osm.records(Collection::VnfPackages)[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/vnfpkgm/v1/vnf_packages/{id}");
    world.by_hand("PATCH", &path, json!({ "version": "6.6" })).await;
    // Something on the way says yes to patches and keeps their bodies to itself.
    let nbi = world.client_through(|request| {
        let (mut parts, body) = request.into_parts();
        if parts.method == http::Method::PATCH {
            parts.headers.remove("content-length");
            let body = json!({ "userDefinedData": { "a": 1 } }).to_string();
            return http::Request::from_parts(parts, axum::body::Body::from(body));
        }
        http::Request::from_parts(parts, axum::body::Body::new(body))
    });
    let mark = world.osm.journal_len();
    let report = World::converge_with(&nbi, &demo).await;
    assert_eq!(report.end, PassEnd::Stalled);
    let (_, text) = detail(&report, "VNFD openldap_knf");
    assert!(text.contains("descriptor was changed twice"), "{text}");
    assert_eq!(world.writes_since(mark).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_difference_that_comes_back_after_its_repair_is_told_and_repaired_again_an_hour_later() {
    let world = World::new(Profile::instant());
    let demo = package("openldap_knf", &demo_vnfd(""));
    world.converge(&demo).await;
    let id = world.osm.records(Collection::VnfPackages)[0]["_id"].as_str().unwrap().to_owned();
    let path = format!("/osm/vnfpkgm/v1/vnf_packages/{id}");
    let edit = json!({ "version": "6.6" });
    world.by_hand("PATCH", &path, edit.clone()).await;
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    world.by_hand("PATCH", &path, edit.clone()).await;
    world.osm.advance(Duration::from_secs(60));
    // Separate runs know it, because OSM keeps what was repaired.
    let mark = world.osm.journal_len();
    for _ in 0..2 {
        let report = world.converge(&demo).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (_, text) = detail(&report, "VNFD openldap_knf");
        let found = "version: \"6.6\" → \"1.0\"";
        assert!(text.contains("repaired 1m") && text.contains(found), "{text}");
    }
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    // Another difference is another matter, and so is the same one later.
    world.by_hand("PATCH", &path, json!({ "version": "7.7" })).await;
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    world.by_hand("PATCH", &path, edit).await;
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
    world.by_hand("PATCH", &path, json!({ "version": "6.6" })).await;
    world.osm.advance(Duration::from_secs(3601));
    assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_package_is_a_new_one_and_one_of_another_kind_is_another() {
    let world = World::new(Profile::instant());
    let old = package("openldap_knf", &demo_vnfd(""));
    assert_eq!(world.converge(&old).await.end, PassEnd::Converged);
    let renamed = demo_vnfd("").replace("id: openldap_knf", "id: other_knf");
    assert_eq!(world.converge(&package("openldap_knf", &renamed)).await.end, PassEnd::Converged);
    let mut ids: Vec<Value> =
        world.osm.records(Collection::VnfPackages).iter().map(|p| p["id"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, ["openldap_knf", "other_knf"], "the old one is left alone");
    let (_, text) = nsd("other_knf", "other_knf", "m", "1");
    assert_eq!(world.converge(&package("other_knf", &text)).await.end, PassEnd::Converged);
    assert_eq!(world.osm.records(Collection::NsDescriptors)[0]["id"], "other_knf");
    assert_eq!(world.osm.records(Collection::VnfPackages).len(), 2);
}

/// What real NBIs made of the descriptors that they were given: `release`, `kind`, `uploaded`, `record`.
const RECORDED: &str = include_str!("../data/recorded_descriptors.jsonl");

#[test]
fn records_of_real_osms_show_no_difference_to_what_was_uploaded() {
    let mut compared = 0;
    for line in RECORDED.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let folder = if recorded["kind"] == "vnfd" { "p_knf" } else { "p_ns" };
        let files = [
            config(""),
            (
                format!("osm-pkgs/{folder}/descriptor.yaml"),
                recorded["uploaded"].as_str().unwrap().to_owned(),
            ),
        ];
        let demo = revision("recorded", &files);
        let [declared] = demo.desired.packages.as_slice() else {
            // Uploaded against the rules to see what happens: nothing that a repository may hold.
            continue;
        };
        let observed = observed_record(declared, &recorded["record"]);
        let mut plan = plan(&demo.desired, &observed);
        // Its VNFD is not there, and that is no matter of its own content.
        plan.actions.retain(|action| action.item.to_string() != "NS");
        assert!(plan.is_converged(), "{}\n{}", recorded["uploaded"], render(&plan));
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

/// An OSM that has `declared` and lists `record` for it.
fn observed_record(declared: &osmops::desired::DesiredPackage, record: &Value) -> ObservedState {
    use osmops::ids::PackageId;
    use osmops::observed::{Content, ObservedPackage, PackageState};
    use osmops::package::UploadName;
    let digest = declared.digest.clone();
    let name = UploadName { folder: "p".to_owned(), owner: None, adopted: false, digest };
    let package = ObservedPackage {
        kind: declared.key.kind,
        record: PackageId::new(record["_id"].as_str().unwrap()).unwrap(),
        id: Some(declared.key.id.clone()),
        version: None,
        modified: osmops::moment::Moment::default(),
        state: PackageState::Usable,
        file_name: Some(name.to_string()),
        descriptor: Some(record.clone()),
        repaired: None,
        content: Content::NotRead,
        members: Vec::new(),
        kdus: Vec::new(),
        vnfds: Vec::new(),
    };
    ObservedState { packages: vec![package], ..ObservedState::default() }
}

/// One value written in one of several ways that OSM reads as the same, or as something else.
fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "a",
        "'1.10'",
        "1.10",
        "1.0",
        "010",
        "'010'",
        "1_000",
        "yes",
        "no",
        "'yes'",
        "True",
        "'true'",
        "0x1F",
        "1:30",
        "2024-01-02",
        "1.5e+3",
        "'1.5e+3'",
        "~",
        "\"\"",
        "a b: c",
        "-7",
        "1e3",
        "nfv:x",
        "stable/x:1.2",
    ])
    .prop_map(|word| if word == "a b: c" { "'a b: c'" } else { word })
}

fn number() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["4", "'4'", "04", "4.0", "0x4", "' 4 '", "1_0"])
}

fn decimal() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["4", "'4'", "4.5", "'4.50'", "0.125", "'1e2'"])
}

fn flag() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["true", "'true'", "True", "no", "'False'", "1", "'0'", "on"])
}

fn storage() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "root-storage",
        "nfv:root-storage",
        "etsi-nfv-descriptors:swap-storage",
        "persistent-storage",
        "persistent-storage:persistent-storage",
    ])
}

/// VNFDs of SOL006 with values written in all ways, keys in several spellings, and keys without values.
fn any_vnfd() -> impl Strategy<Value = String> {
    let words = proptest::collection::vec(word(), 8);
    let others = (flag(), flag(), number(), number(), decimal(), decimal(), storage());
    let keys = proptest::collection::vec(any::<bool>(), 10);
    (words, others, keys).prop_map(|(w, (f1, f2, n1, n2, d1, d2, st), k)| {
        let pick = |yes: bool, text: String| if yes { text } else { String::new() };
        let name = if k[0] { "product_name" } else { "product-name" };
        let mut text = format!("vnfd:\n  id: generated_knf\n  {name}: {}\n  version: {}\n", w[0], w[1]);
        text += &pick(k[1], format!("  provider: {}\n  localization-language:\n", w[2]));
        text += &pick(k[2], "  vnfm-info: []\n  security-group-rule: []\n".to_owned());
        text += &pick(
            k[3],
            format!("  k8s-cluster: {{version: {}, nets: [{{id: {n1}}}]}}\n", if k[4] { "[v1]" } else { "[v1, v2]" }),
        );
        text += &format!(
            "  kdu:\n  - {{name: one, helm-chart: stable/x}}\n  - {{name: two, helm-chart: {}}}\n",
            if k[5] { "http://host/chart" } else { "'stable/y'" }
        );
        text += &format!(
            "  virtual-storage-desc:\n  - {{id: s, type-of-storage: {st}, size-of-storage: {n1}}}\n  \
             sw-image-desc:\n  - {{id: i, name: {}, size: {n1}, min-ram: {d2}}}\n  virtual-compute-desc:\n  \
             - {{id: c, virtual-cpu: {{num-virtual-cpu: {n2}}}, virtual-memory: {{size: {n1}}}}}\n",
            w[3]
        );
        text += &format!(
            "  vdu:\n  - id: m\n    name: {}\n    sw-image-desc: i\n    virtual-compute-desc: c\n    \
             virtual-storage-desc: {}\n    int-cpd:\n    - id: eth0\n      port-security-enabled: {f1}\n      \
             virtual-network-interface-requirement:\n      - {{name: x, position: {n2}}}\n    alarm:\n    \
             - {{alarm-id: al, repeat: {f2}, operation: GT, value: {d1}}}\n",
            w[4],
            if k[6] { "s" } else { "[s]" }
        );
        text += "  ext-cpd:\n  - {id: mgmt, int-cpd: {vdu-id: m, cpd: eth0}}\n  mgmt-cp: mgmt\n";
        text + &format!(
            "  df:\n  - id: d\n    vdu-profile:\n    - {{id: m, min-number-of-instances: {n2}}}\n    \
             instantiation-level:\n    - id: l\n      vdu-level:\n      - {{vdu-id: m, number-of-instances: \
             {n2}}}\n{}",
            pick(
                k[7],
                format!(
                    "    scaling-aspect:\n    - id: g\n      aspect-delta-details: {{deltas: [{{id: e}}]}}\n      name: {}\n      scaling-policy:\n      - {{name: p, \
                     enabled: {f1}, cooldown-time: {n1}, scaling-criteria: [{{name: c, scale-in-threshold: {d2}}}]}}\n",
                    w[5]
                )
            )
        )
    })
}

/// Runs on paused time.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(future)
}

fn descriptor_in_osm(world: &World) -> Value {
    let mut record = world.osm.records(Collection::VnfPackages).remove(0);
    record.as_object_mut().unwrap().shift_remove("_admin");
    record.sort_all_objects();
    record
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn an_uploaded_descriptor_shows_no_difference(text in any_vnfd(), is_new in any::<bool>()) {
        run(async {
            let release = if is_new { Release::R19 } else { Release::R10 };
            let world = World::of_release(release, Profile::instant());
            let demo = package("generated_knf", &text);
            let report = world.converge(&demo).await;
            let refused = report.items.iter().any(|i| i.detail.as_deref().unwrap_or("").contains("refused"));
            if refused { eprintln!("REF {:?}", report.items[0].detail); }
            prop_assume!(!refused);
            prop_assert_eq!(report.end, PassEnd::Converged, "{}\n{:#?}\n{}", text, report, render(&planned(&world, &demo).await));
            prop_assert_eq!(world.writes_since(0).len(), 1, "{}\n{:#?}", text, report);
            // And whatever someone changes in it, it becomes as it was.
            let before = descriptor_in_osm(&world);
            let id = before["_id"].as_str().unwrap().to_owned();
            let path = format!("/osm/vnfpkgm/v1/vnf_packages/{id}");
            for edit in [
                json!({ "version": "edited" }),
                json!({ "default-localization-language": "edited", "product-info-name": "edited" }),
                json!({ "kdu": [{ "name": "one", "helm-chart": "stable/edited" }] }),
            ] {
                world.by_hand("PATCH", &path, edit).await;
                let report = world.converge(&demo).await;
                prop_assert_eq!(report.end, PassEnd::Converged, "{}\n{:#?}", text, report);
                prop_assert_eq!(descriptor_in_osm(&world), before.clone(), "{}", text);
            }
            Ok(())
        })?;
    }
}

#[test]
fn every_package_of_the_public_demo_shows_no_difference_once_uploaded() {
    let Some(trees) = std::env::var_os("OSMOPS_UPSTREAM_TREES") else {
        return;
    };
    let mut packages = 0;
    for entry in fs_err::read_dir(trees).unwrap() {
        let tree = osmops::tree::Tree::read_folder(&entry.unwrap().path()).unwrap();
        let name = osmops::ids::RevisionName::new("upstream").unwrap();
        let mut demo = Revision::read(&tree, name);
        demo.desired.instances.clear();
        if demo.desired.packages.is_empty() {
            continue;
        }
        packages += demo.desired.packages.len();
        run(async {
            let world = World::new(Profile::instant());
            assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
            assert_eq!(world.writes_since(0).len(), demo.desired.packages.len());
        });
    }
    assert_eq!(packages, 4, "two in each of the two trees that have any");
}
