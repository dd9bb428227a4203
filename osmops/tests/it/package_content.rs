//! Files of packages: told by their digest, compared where another tool uploaded them, and of any kind.

use std::collections::BTreeMap;
use std::io::Read;

use mock_nbi::{Collection, Fault, FaultKind, Profile, Release};
use osmops::package::ArchiveChunks;
use osmops::report::{ItemStatus, PassEnd};
use osmops::revision::Revision;
use serde_json::{Value, json};

use crate::world::{Demo, World, config, detail, revision, vnfd};

const VNFDS: &str = "/osm/vnfpkgm/v1/vnf_packages_content";

/// A package with files of all kinds, beside its descriptor and below it.
fn files(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut files = vec![config(""), vnfd("openldap_knf", "ldap", "1.0")];
    for (path, text) in more {
        files.push((format!("osm-pkgs/openldap_knf/{path}"), (*text).to_owned()));
    }
    files
}

fn packed(revision: &Revision) -> Vec<u8> {
    let package = revision.packages.values().next().unwrap();
    ArchiveChunks::new(package).flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

/// The same files as another tool packs them: other order, other folder, other times, no checksums.
fn packed_otherwise(revision: &Revision) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for file in revision.packages.values().next().unwrap().files.iter().rev() {
        let mut content = Vec::new();
        file.file.open().unwrap().read_to_end(&mut content).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o664);
        header.set_mtime(1_600_000_000);
        tar.append_data(&mut header, format!("other/{}", file.path), content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// The same files and a link, which no repository's package has.
fn packed_with_link(revision: &Revision) -> Vec<u8> {
    let package = revision.packages.values().next().unwrap();
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for file in &package.files {
        let mut content = Vec::new();
        file.file.open().unwrap().read_to_end(&mut content).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("p/{}", file.path), content.as_slice()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "p/README", "README.md").unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// What OSM has of the package's files, by path.
fn unpacked(archive: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().components().as_path().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        found.insert(path.replace("/./", "/"), text);
    }
    found
}

fn file_name(world: &World) -> String {
    let record = world.osm.records(Collection::VnfPackages).remove(0);
    record["_admin"]["storage"]["zipfile"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn packages_with_any_mix_of_yaml_files_are_taken_by_every_release() {
    let more = [
        ("values.yaml", "replicaCount: 1\n"),
        ("notes.yml", "{{ not: [yaml\n"),
        ("schema.json", "{}\n"),
        ("odd.yaml/inside.yaml", "x: 1\n"),
        ("helm-charts/ldap/Chart.yaml", "name: ldap\n"),
        ("helm-charts/ldap/templates/deployment.yaml", "{{ if .Values.x }}\n"),
    ];
    let demo = revision("mix", &files(&more));
    assert_eq!(demo.problems, []);
    for release in [Release::R10, Release::R19Recorded] {
        let world = World::of_release(release, Profile::instant());
        let report = world.converge(&demo).await;
        assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
        assert_eq!(world.writes_since(0).len(), 1);
    }
    let sent = unpacked(&packed(&demo));
    for (path, text) in more {
        assert_eq!(
            sent.get(&format!("openldap_knf/{path}")).map(String::as_str),
            Some(text),
            "{path}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_of_any_kind_is_uploaded_and_nothing_else_changes_anything() {
    let world = World::new(Profile::instant());
    let chart = "helm-charts/ldap/values.yaml";
    let first = revision("one", &files(&[(chart, "a: 1"), ("README.md", "one")]));
    assert_eq!(world.converge(&first).await.end, PassEnd::Converged);
    for change in [[(chart, "a: 2"), ("README.md", "one")], [(chart, "a: 2"), ("README.md", "two")]]
    {
        let mark = world.osm.journal_len();
        let next = revision("next", &files(&change));
        assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
        let writes = world.writes_since(mark);
        assert!(writes.len() == 1 && writes[0].ends_with("/package_content"), "{writes:?}");
        let mark = world.osm.journal_len();
        assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
        assert_eq!(world.writes_since(mark), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn equal_files_of_another_tool_are_compared_once_and_left_alone() {
    let demo = revision("demo", &files(&[("scripts/run.sh", "#!/bin/sh"), ("values.json", "{}")]));
    let world = World::new(Profile::instant());
    // Two JSON or YAML files side by side are more than other tools can send, so ours is used.
    world.upload_by_hand(VNFDS, packed(&demo)).await;
    let mark = world.osm.journal_len();
    let nbi = world.client();
    for _ in 0..3 {
        let plan = osmops::reconcile::read_and_plan(&nbi, &demo.desired).await.unwrap();
        assert!(plan.is_converged(), "{plan:#?}");
    }
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
    let downloads =
        world.sent_since(mark).iter().filter(|l| l.ends_with("/package_content")).count();
    assert_eq!(downloads, 1, "once a session");

    let world = World::new(Profile::instant());
    let plain = revision("plain", &files(&[("scripts/run.sh", "#!/bin/sh")]));
    world.upload_by_hand(VNFDS, packed_otherwise(&plain)).await;
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&plain).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn other_files_of_another_tool_are_replaced_and_then_ours() {
    let theirs = revision("theirs", &files(&[("scripts/run.sh", "#!/bin/bash")]));
    let ours = revision("ours", &files(&[("scripts/run.sh", "#!/bin/sh")]));
    let world = World::new(Profile::instant());
    world.upload_by_hand(VNFDS, packed(&theirs)).await;
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&ours).await.end, PassEnd::Converged);
    assert_eq!(world.writes_since(mark).len(), 1);
    assert!(file_name(&world).contains(".-."), "{}", file_name(&world));
    let mark = world.osm.journal_len();
    assert_eq!(world.converge(&ours).await.end, PassEnd::Converged);
    assert_eq!(world.sent_since(mark).len(), 4, "log-in, two lists, log-out");
}

#[tokio::test(start_paused = true)]
async fn a_descriptor_without_files_is_enough_for_a_package_that_has_no_more() {
    let (_, text) = vnfd("openldap_knf", "ldap", "1.0");
    let body: Value = serde_yaml::from_str(&text).unwrap();
    for (more, writes) in [(vec![], 0), (vec![("README.md", "read me")], 1)] {
        let world = World::new(Profile::instant());
        world.by_hand("POST", VNFDS, body.clone()).await;
        let mark = world.osm.journal_len();
        let demo = revision("r", &files(&more));
        assert_eq!(world.converge(&demo).await.end, PassEnd::Converged);
        assert_eq!(world.writes_since(mark).len(), writes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_name_is_lost_on_the_way_is_known_by_its_files() {
    let world = World::new(Profile::instant());
    let nbi = world.client_through(|mut request| {
        request.headers_mut().remove("Content-Filename");
        request.map(axum::body::Body::new)
    });
    let demo = Demo { replicas: None, ..Demo::default() }.revision();
    let report = World::converge_with(&nbi, &demo).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert_eq!(world.writes_since(0).len(), 2, "one for each package");
}

#[tokio::test(start_paused = true)]
async fn a_package_that_is_too_large_stalls_and_its_size_is_named() {
    for body in [None, Some("<html>413 Request Entity Too Large</html>".to_owned())] {
        let world = World::new(Profile::instant());
        world.osm.inject(Fault {
            operation: "POST /vnfpkgm/v1/vnf_packages_content".to_owned(),
            nth: 1,
            kind: FaultKind::Status { status: 413, body, retry_after: None },
        });
        let noise: String =
            (0..400_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
        let report = world.converge(&revision("big", &files(&[("image.bin", &noise)]))).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (status, text) = detail(&report, "VNFD openldap_knf");
        assert_eq!(status, ItemStatus::Failed);
        assert!(text.contains("413") && text.contains("MiB packed"), "{text}");
        assert_eq!(world.writes_since(0).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_package_in_use_that_release_19_will_not_change_stalls_in_osms_words() {
    let world = World::of_release(Release::R19Recorded, Profile::instant());
    assert_eq!(world.converge(&Demo::default().revision()).await.end, PassEnd::Converged);
    let next = Demo { version: "2.0", ..Demo::default() }.revision();
    for _ in 0..2 {
        let mark = world.osm.journal_len();
        let report = world.converge(&next).await;
        assert_eq!(report.end, PassEnd::Stalled);
        let (status, text) = detail(&report, "VNFD openldap_knf");
        assert_eq!(status, ItemStatus::Failed);
        assert!(
            text.contains("refused with 422")
                && text.contains("disallowed changes in the vnf descriptor"),
            "{text}"
        );
        assert_eq!(
            world.writes_since(mark).len(),
            1,
            "once in each run, and nothing that depends on it"
        );
    }
    // Once nothing uses it any more, it is taken.
    let id = world.instance("ldap")["_id"].as_str().unwrap().to_owned();
    world
        .by_hand("DELETE", &format!("/osm/nslcm/v1/ns_instances/{id}?FORCE=true"), json!({}))
        .await;
    assert_eq!(world.converge(&next).await.end, PassEnd::Converged);
}

#[tokio::test(start_paused = true)]
async fn files_that_osm_cannot_give_stop_nobody_and_are_replaced() {
    let world = World::new(Profile::instant());
    let demo = revision("demo", &files(&[]));
    world.upload_by_hand(VNFDS, packed(&demo)).await;
    world.osm.inject(Fault {
        operation: "GET /vnfpkgm/v1/vnf_packages/{id}/package_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 500, body: None, retry_after: None },
    });
    let report = world.converge(&demo).await;
    assert_eq!(report.end, PassEnd::Converged, "{report:#?}");
    assert!(file_name(&world).contains(".-."), "replaced by ours: {}", file_name(&world));
}

#[tokio::test(start_paused = true)]
async fn files_that_are_no_package_of_a_repository_are_downloaded_once_and_left_alone() {
    let mut files = files(&[("README.md", "read me")]);
    files[0] = config("owner: team-a\n");
    let demo = revision("demo", &files);
    let world = World::new(Profile::instant());
    world.upload_by_hand(VNFDS, packed_with_link(&demo)).await;
    let downloads = || {
        let sent = world.sent_since(0);
        sent.iter().filter(|line| line.starts_with("GET") && line.ends_with("_content")).count()
    };
    // What OSM cannot give is not known, and asked for again.
    world.osm.inject(Fault {
        operation: "GET /vnfpkgm/v1/vnf_packages/{id}/package_content".to_owned(),
        nth: 1,
        kind: FaultKind::Status { status: 500, body: None, retry_after: None },
    });
    let nbi = world.client();
    for expected in [1, 2, 2, 2] {
        let report = World::converge_with(&nbi, &demo).await;
        let (status, text) = detail(&report, "VNFD openldap_knf");
        assert_eq!(status, ItemStatus::Blocked);
        assert!(text.contains("bears no owner's mark"), "{text}");
        assert_eq!(downloads(), expected);
    }
}
