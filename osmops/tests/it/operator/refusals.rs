//! What is refused is told with its reason, and goes on when it is mended.

use serde_json::{Value, json};

use super::artifacts::{Files, archive, demo, demo_with};
use super::world::{Stage, ready_at};

/// What is wrong with one deployment, and what is to be told of it.
struct Case {
    name: &'static str,
    spec: Value,
    reason: &'static str,
    message: &'static str,
}

/// Longer than `--artifact-bytes-max` allows, however well it is packed.
fn large() -> Files {
    let mut files = demo("test.0.0.7");
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'!' + (state >> 58) as u8)
    });
    files.push(("noise.txt".to_owned(), noise.take(200_000).collect()));
    files
}

/// An archive with an entry that leads out of its folder.
fn hostile() -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    let path = b"../../etc/passwd";
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_size(4);
    header.set_cksum();
    tar.append(&header, &b"evil"[..]).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// Three mistakes in two files.
fn mistaken() -> Files {
    let mut files = demo_with("test.0.0.7", "ldap.ops.yaml", "nsdName", "nsdNme");
    for (_, text) in files.iter_mut().filter(|(path, _)| path.ends_with("ldap.ops.yaml")) {
        *text = text.replace("name: ldap\n  params", "name: [ldap]\n  params");
    }
    files.push((
        "_deployment_/kdu/more.ops.yaml".to_owned(),
        "kind: NsInstance\nname: [\n".to_owned(),
    ));
    files
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table of what is told")]
async fn each_refusal_is_told_with_its_reason_and_what_helps() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_secret().await;
    stage.create_secret_with("half", json!({ "password": null, "project": "" })).await;
    stage.create_secret_with("away", json!({ "hostname": "http://127.0.0.1:9" })).await;
    stage.create_secret_with("wrong", json!({ "password": "not-the-password" })).await;
    stage.create_repository("demo").await;
    stage.publish_tag("test.0.0.7").await;
    let source = async |name: &'static str, bytes: Vec<u8>| {
        stage.create_repository(name).await;
        let artifact = stage.artifacts.add(name, bytes);
        stage.say_of_source(name, json!({ "artifact": artifact })).await;
        artifact
    };
    let mut digest = source("digest", archive(&demo("test.0.0.8"))).await;
    let found = digest["digest"].as_str().unwrap().to_owned();
    digest["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    stage.say_of_source("digest", json!({ "artifact": digest })).await;
    source("large", archive(&large())).await;
    source("hostile", hostile()).await;
    source("slow", archive(&demo("test.0.0.7"))).await;
    source("mistaken", archive(&mistaken())).await;
    stage.create_repository("unready").await;
    let unready = json!({
        "type": "Ready", "status": "False", "reason": "GitOperationFailed",
        "message": "couldn't find remote ref \"refs/heads/main\"",
        "lastTransitionTime": "2026-11-20T00:00:00Z",
    });
    stage.say_of_source("unready", json!({ "conditions": [unready] })).await;

    let from = |name: &str| json!({ "sourceRef": { "kind": "GitRepository", "name": name } });
    let with = |secret: &str| json!({ "connection": { "secretRef": { "name": secret } } });
    let cases = [
        Case {
            name: "digest",
            spec: from("digest"),
            reason: "ArtifactFailed",
            message: "GET http://source/digest.tar.gz: the artifact's digest is sha256:FOUND, but the source promises sha256:0000000000000000000000000000000000000000000000000000000000000000; nothing was unpacked",
        },
        Case {
            name: "large",
            spec: from("large"),
            reason: "ArtifactFailed",
            message: "GET http://source/large.tar.gz: the artifact has more than 100000 bytes (--artifact-bytes-max allows more)",
        },
        Case {
            name: "hostile",
            spec: from("hostile"),
            reason: "ArtifactFailed",
            message: "cannot unpack `hostile.tar.gz`: entry `../../etc/passwd` leads out of the archive's folder",
        },
        Case {
            name: "unready",
            spec: from("unready"),
            reason: "ArtifactFailed",
            message: "GitRepository/NAMESPACE/unready has no artifact: couldn't find remote ref \"refs/heads/main\"",
        },
        Case {
            name: "missing",
            spec: with("none"),
            reason: "AuthenticationFailed",
            message: "Secret/NAMESPACE/none with the connection to OSM is not there",
        },
        Case {
            name: "half",
            spec: with("half"),
            reason: "AuthenticationFailed",
            message: "Secret/NAMESPACE/half: `project`, `password` are missing or empty",
        },
        Case {
            name: "wrong",
            spec: with("wrong"),
            reason: "AuthenticationFailed",
            message: "POST http://osm/osm/admin/v1/tokens: OSM does not let user `admin` into project `admin`: Invalid username/password (check user, password and project)",
        },
        Case {
            name: "away",
            spec: with("away"),
            reason: "ReconciliationFailed",
            message: "POST http://127.0.0.1:9/osm/admin/v1/tokens: cannot reach OSM: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111) (is this OSM's address, and may this machine reach it?)",
        },
        Case {
            name: "mistaken",
            spec: from("mistaken"),
            reason: "BuildFailed",
            message: "_deployment_/kdu/ldap.ops.yaml:4:1: unknown key `nsdNme`, did you mean `nsdName`?; _deployment_/kdu/ldap.ops.yaml:8:9: `kdu.name` must be text, but is a list; _deployment_/kdu/more.ops.yaml:3:1: while parsing a node, did not find expected node content",
        },
        Case {
            name: "slow",
            spec: json!({ "sourceRef": { "kind": "GitRepository", "name": "slow" }, "timeout": "1s" }),
            reason: "ReconciliationFailed",
            message: "not done within 1s (spec.timeout); the next run goes on",
        },
        Case {
            name: "foreign",
            spec: json!({ "sourceRef": { "kind": "GitRepository", "name": "demo", "namespace": "elsewhere" } }),
            reason: "AccessDenied",
            message: "cannot access GitRepository/elsewhere/demo: references to other namespaces are refused (--no-cross-namespace-refs)",
        },
    ];
    for case in &cases {
        stage.create_deployment(case.name, case.spec.clone()).await;
    }
    stage.start_operator(&["--no-cross-namespace-refs", "--artifact-bytes-max", "100000"]);
    let (namespace, source) = (stage.namespace.clone(), stage.artifacts.base.clone());
    let osm = format!("http://{}", stage.osm.local_addr());
    let mut told = Vec::new();
    for case in &cases {
        let message = stage.refusal(case.name, case.reason, "").await;
        let event = format!("Warning {}: {message}", case.reason);
        stage.told("OsmDeployment", &event).await;
        let masked = message
            .replace(&namespace, "NAMESPACE")
            .replace(&source, "http://source")
            .replace(&osm, "http://osm")
            .replace(&found, "sha256:FOUND");
        told.push((case.name, masked));
    }
    let expected = cases.map(|case| (case.name, case.message.to_owned()));
    assert_eq!(told, expected, "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_end_when_what_is_wrong_is_mended() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_repository("demo").await;
    let whole = stage.publish_tag("test.0.0.7").await;
    stage.create_deployment("ldap", json!({})).await;
    stage.start_operator(&[]);

    stage.refusal("ldap", "AuthenticationFailed", "Secret/").await;
    stage.create_secret().await;
    stage.status("ldap", ready_at("test.0.0.7")).await;

    let mut gone = whole.clone();
    gone["url"] = json!(format!("{}/gone.tar.gz", stage.artifacts.base));
    stage.point_at(&gone).await;
    stage
        .refusal("ldap", "ArtifactFailed", "/gone.tar.gz: the artifact is there no more (404)")
        .await;

    let mark = stage.world.osm.journal_len();
    let misspelt = demo_with("test.0.0.8", "ldap.ops.yaml", "nsdName", "nsdNme");
    stage.publish("broken", &misspelt).await;
    let message = stage.refusal("ldap", "BuildFailed", "did you mean `nsdName`?").await;
    assert!(message.starts_with("_deployment_/kdu/ldap.ops.yaml:"), "{message}");
    assert_eq!(
        stage.world.writes_since(mark).len(),
        2,
        "the healthy packages are updated all the same"
    );

    let path = json!({ "spec": { "path": "elsewhere" } });
    stage.patch("ldap", path).await;
    stage.refusal("ldap", "BuildFailed", "spec.path is `elsewhere`").await;
    stage.publish_tag("test.0.0.8").await;
    stage.patch("ldap", json!({ "spec": { "path": "./" } })).await;
    stage.status("ldap", ready_at("test.0.0.8")).await;
}
