//! How content gets into a package: in parts, in forms, with checksums, as archives of all kinds.

use mock_nbi::{MockNbi, Release};
use serde_json::{Value, json};

use crate::client::{Answer, User, captured_package, send};

const VNF: &str = "/vnfpkgm/v1/vnf_packages_content";
const KNF: &[u8] =
    b"vnfd: {id: k, product-name: k, df: [{id: d}], kdu: [{name: a, helm-chart: repo/chart}]}";

async fn user(release: Release) -> User {
    User::login(&MockNbi::builder().release(release).build().unwrap()).await
}

/// Sends a body with some headers of its own.
async fn send_with(
    user: &User,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let bearer = format!("Bearer {}", user.token);
    let mut all = vec![("Authorization", bearer.as_str())];
    if headers.iter().all(|(name, _)| *name != "Accept") {
        all.push(("Accept", "application/json"));
    }
    all.extend(headers);
    send(&user.nbi, method, &format!("/osm{path}"), &all, Some(body)).await.unwrap()
}

/// Sends a part of a text.
async fn send_part(user: &User, id: Option<&str>, range: &str, body: &[u8]) -> Answer {
    let mut headers = vec![("Content-Type", "text/plain"), ("Content-Range", range)];
    headers.extend(id.map(|id| ("Transaction-Id", id)));
    send_with(user, "POST", VNF, &headers, body).await
}

#[track_caller]
fn check(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail().as_str()), (status, detail));
}

#[tokio::test(start_paused = true)]
async fn parts_must_follow_each_other_and_the_last_one_onboards() {
    let user = user(Release::R10).await;
    let total = KNF.len();
    let (first, second) = KNF.split_at(20);
    let begun = send_part(&user, None, &format!("bytes 0-19/{total}"), first).await;
    assert_eq!(begun.status, 201);
    let id = begun.header("Transaction-Id").to_owned();
    assert_eq!(begun.json(), json!({"id": id}));
    assert_eq!(begun.header("Location"), "");
    let gap = send_part(&user, Some(&id), &format!("bytes 30-40/{total}"), second).await;
    let wrong_start = "invalid Content-Range start sequence, expected '20' but received '30'";
    check(&gap, 416, wrong_start);
    let last = format!("bytes 20-{}/{total}", total - 1);
    let elsewhere = [
        ("Content-Type", "text/plain"),
        ("Content-Range", last.as_str()),
        ("Transaction-Id", id.as_str()),
        ("Content-Filename", "other"),
    ];
    let other_name = send_with(&user, "POST", VNF, &elsewhere, second).await;
    let other_file = "invalid Content-Range start sequence, expected '0' but received '20'";
    check(&other_name, 416, other_file);
    let whole = send_part(&user, Some(&id), &last, second).await;
    assert_eq!(whole.status, 201);
    assert_eq!(whole.header("Location"), format!("/osm{VNF}/{id}"));
    assert_eq!(user.get(&format!("/vnfpkgm/v1/vnf_packages/{id}")).await["id"], "k");
    let again = send_part(&user, Some(&id), &last, second).await;
    check(&again, 404, "invalid Transaction-Id header");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_another_length_than_it_says_stays_there_nevertheless() {
    let user = user(Release::R8).await;
    let id = send_part(&user, None, "bytes 0-9/100", &KNF[..10]).await;
    let id = id.header("Transaction-Id").to_owned();
    let longer = send_part(&user, Some(&id), "bytes 10-19/100", &KNF[10..21]).await;
    check(&longer, 416, "Mismatch between Content-Range header 10-19 and body length of 11");
    let resumed = send_part(&user, Some(&id), "bytes 20-29/100", &KNF[20..30]).await;
    let start = "invalid Content-Range start sequence, expected '21' but received '20'";
    check(&resumed, 416, start);
    let resumed = send_part(&user, Some(&id), "bytes 21-29/100", &KNF[21..30]).await;
    assert_eq!(resumed.status, 201);
}

#[tokio::test(start_paused = true)]
async fn release_19_forgets_the_first_part_before_the_second_comes() {
    let user = user(Release::R19).await;
    let id = send_part(&user, None, "bytes 0-9/100", &KNF[..10]).await;
    let id = id.header("Transaction-Id").to_owned();
    let second = send_part(&user, Some(&id), "bytes 10-19/100", &KNF[10..20]).await;
    check(&second, 404, "invalid Transaction-Id header");
    let all = format!("bytes 0-{}/{}", KNF.len() - 1, KNF.len());
    assert_eq!(send_part(&user, Some(&id), &all, KNF).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn ranges_in_other_words_are_refused_after_the_package_was_found() {
    let user = user(Release::R10).await;
    let malformed = "invalid Content-Range header format. Expected 'bytes start-end/total'";
    for range in ["items 0-1/2", "bytes", "bytes 0-1", "/"] {
        check(&send_part(&user, None, range, KNF).await, 416, malformed);
    }
    for (range, word) in [("bytes a-1/2", "a"), ("bytes 0-1/*", "*")] {
        let detail = format!("invalid literal for int() with base 10: '{word}'");
        check(&send_part(&user, None, range, KNF).await, 400, &detail);
    }
    assert_eq!(send_part(&user, Some("none"), "bytes", KNF).await.status, 404);
    assert_eq!(user.get("/vnfpkgm/v1/vnf_packages").await, json!([]));
    let data = [("Content-Type", "application/yaml"), ("Content-Range", "bytes 0-1/2")];
    check(
        &send_with(&user, "POST", VNF, &data, KNF).await,
        400,
        "cannot access local variable 'indata_len' where it is not associated with a value",
    );
    let list = [("Content-Type", "application/json"), ("Content-Range", "bytes 0-1/2")];
    let refused = send_with(&user, "POST", VNF, &list, b"[1]").await;
    check(&refused, 400, "'list' object has no attribute 'read'");
}

fn form(content_type: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x\r\nContent-Disposition: form-data; name=\"descriptor_file\"; filename=\"p\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--x--\r\n"].concat()
}

#[tokio::test(start_paused = true)]
async fn a_form_brings_its_descriptor_file() {
    let form_type = [("Content-Type", "multipart/form-data; boundary=x")];
    let user = user(Release::R10).await;
    let text = send_with(&user, "POST", VNF, &form_type, &form("text/plain", KNF)).await;
    assert_eq!(text.status, 201, "{}", text.detail());
    let package = captured_package("nfpkg-create.jsonl");
    let packed = form("application/gzip", &package);
    let packed = send_with(&user, "POST", VNF, &form_type, &packed).await;
    assert_eq!(packed.status, 201, "{}", packed.detail());
    let id = packed.json()["id"].as_str().unwrap().to_owned();
    let record = user.get(&format!("/vnfpkgm/v1/vnf_packages/{id}")).await;
    assert_eq!(record["_admin"]["storage"]["zipfile"], "package.tar.gz");
    let no_file =
        b"--x\r\nContent-Disposition: form-data; name=\"descriptor_file\"\r\n\r\na\r\n--x--\r\n";
    check(
        &send_with(&user, "POST", VNF, &form_type, no_file).await,
        400,
        "Invalid input format 'str' object has no attribute 'file'",
    );
    let path = format!("/vnfpkgm/v1/vnf_packages/{id}/package_content");
    let nothing = send_with(&user, "PUT", &path, &form_type, b"--x--\r\n").await;
    check(&nothing, 400, "Nothing to update. Provide payload and/or query string");
    let cut = send_with(&user, "POST", VNF, &form_type, b"--x\r\nContent-").await;
    assert_eq!(cut.status, 400);
    let no_boundary = [("Content-Type", "multipart/form-data")];
    assert_eq!(send_with(&user, "POST", VNF, &no_boundary, b"--x--").await.status, 500);
}

#[tokio::test(start_paused = true)]
async fn release_19_reads_a_forms_file_as_empty() {
    let user = user(Release::R19).await;
    let form_type = [("Content-Type", "multipart/form-data; boundary=x")];
    let empty = send_with(&user, "POST", VNF, &form_type, &form("text/plain", KNF)).await;
    check(&empty, 400, "'df'");
}

#[tokio::test(start_paused = true)]
async fn checksums_are_those_of_the_content_whatever_it_is() {
    let user = user(Release::R19).await;
    let md5 = [("Content-Type", "text/plain"), ("Content-File-MD5", "0")];
    check(&send_with(&user, "POST", VNF, &md5, KNF).await, 409, "Error, MD5 mismatch");
    let digest = |value: &'static str| [("Content-Type", "text/plain"), ("Digest", value)];
    for (value, status, detail) in [
        ("sha-384=AAAA", 409, "Error, SHA384 mismatch"),
        ("sha-384=A", 400, "Incorrect padding"),
        ("sha-256=AAAA", 400, "Unsupported digest algorithm: sha-256"),
        ("sha-384", 400, "not enough values to unpack (expected 2, got 1)"),
    ] {
        check(&send_with(&user, "POST", VNF, &digest(value), KNF).await, status, detail);
    }
    let right = "SHA-384=7fwZBKBVZQ85OM3o9jm4B//UAMq+ZL7Q1ntVgdUTjns5jKu2LupAzmA5RMPmkJwP";
    let answer = send_with(&user, "POST", VNF, &digest(right), KNF).await;
    assert_eq!(answer.status, 201, "{}", answer.detail());
}

#[tokio::test(start_paused = true)]
async fn digests_are_not_looked_at_before_release_19() {
    let digest = [("Content-Type", "text/plain"), ("Digest", "sha-384=AAAA")];
    for (release, status) in [(Release::R10, 201), (Release::R19, 409)] {
        let user = user(release).await;
        let answer = send_with(&user, "POST", VNF, &digest, KNF).await;
        assert_eq!(answer.status, status, "{release:?}: {}", answer.detail());
    }
}

#[tokio::test(start_paused = true)]
async fn data_is_kept_sorted_and_text_as_it_came() {
    let user = user(Release::R10).await;
    let yaml = [("Content-Type", "application/yaml")];
    let id = send_with(&user, "POST", VNF, &yaml, KNF).await.json()["id"].clone();
    let path = format!("/vnfpkgm/v1/vnf_packages/{}", id.as_str().unwrap());
    let record = user.get(&path).await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&record)[..5], ["_id", "df", "id", "kdu", "product-name"]);
    assert_eq!(keys(&record["kdu"][0]), ["helm-chart", "name"]);
    check(
        &send_with(
            &user,
            "GET",
            &format!("{path}/artifacts"),
            &[("Accept", "application/json, text/plain")],
            b"",
        )
        .await,
        400,
        "Packages does not contains artifacts",
    );
    let named = [("Content-Type", "text/plain"), ("Content-Filename", "k.json")];
    let refused = send_with(&user, "PUT", &format!("{path}/package_content"), &named, KNF).await;
    check(&refused, 400, "'bytes' object has no attribute 'read'");
    let list = [("Content-Type", "application/json")];
    let refused = send_with(&user, "POST", VNF, &list, b"[1]").await;
    check(&refused, 400, "'list' object has no attribute 'read'");
}

#[tokio::test(start_paused = true)]
async fn removals_in_release_8_leave_the_default_type() {
    for (release, expected) in [
        (Release::R8, "text/html;charset=utf-8"),
        (Release::R19, "application/json; charset=utf-8"),
    ] {
        let user = user(release).await;
        let created = user.call("POST", "/vnfpkgm/v1/vnf_packages", Some(json!({}))).await;
        let id = created.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/vnfpkgm/v1/vnf_packages/{id}");
        let removed = user.call("DELETE", &path, None).await;
        assert_eq!((removed.status, removed.header("Content-Type")), (204, expected));
    }
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test(start_paused = true)]
async fn release_19_takes_zips_and_earlier_ones_take_a_tar_under_that_name() {
    let packed = zip_of(&[("vnfd.yaml", KNF), ("Scripts/charms/c", b"charm")]);
    let zip = [("Content-Type", "application/zip")];
    let user_19 = user(Release::R19).await;
    let answer = send_with(&user_19, "POST", VNF, &zip, &packed).await;
    assert_eq!(answer.status, 201, "{}", answer.detail());
    let path = format!("/vnfpkgm/v1/vnf_packages/{}", answer.json()["id"].as_str().unwrap());
    let storage = user_19.get(&path).await["_admin"]["storage"].clone();
    assert_eq!(storage["pkg-dir"], "");
    assert_eq!(storage["descriptor"], "vnfd.yaml");
    assert_eq!(storage["zipfile"], "package.zip");
    for (below, accept, expected) in [
        ("package_content", "application/zip", packed.as_slice()),
        ("package_content", "text/plain", KNF),
        ("vnfd", "text/plain", KNF),
        ("artifacts/Scripts/charms/c", "*/*", b"charm"),
    ] {
        let accept = [("Accept", accept)];
        let got = send_with(&user_19, "GET", &format!("{path}/{below}"), &accept, b"").await;
        assert_eq!(got.body, expected, "{below}");
    }
    let tar = captured_package("nfpkg-create.jsonl");
    check(&send_with(&user_19, "POST", VNF, &zip, &tar).await, 400, "File is not a zip file");
    let user_10 = user(Release::R10).await;
    assert_eq!(send_with(&user_10, "POST", VNF, &zip, &tar).await.status, 201);
    let refused = send_with(&user_10, "POST", VNF, &zip, &packed).await;
    assert!(refused.detail().starts_with("invalid file content"), "{}", refused.detail());
}

#[tokio::test(start_paused = true)]
async fn a_package_brings_the_charms_that_its_descriptor_names() {
    const CHARMED: &[u8] = b"vnfd: {id: k, product-name: k, \
        kdu: [{name: a, helm-chart: repo/chart}], \
        df: [{id: d, lcm-operations-configuration: {operate-vnf-op-config: {day1-2: [\
        {id: k, execution-environment-list: [{id: e, juju: {charm: c}}]}]}}}]}";
    let user = user(Release::R19).await;
    let zip = [("Content-Type", "application/zip")];
    let bare = zip_of(&[("vnfd.yaml", CHARMED)]);
    let refused = send_with(&user, "POST", VNF, &zip, &bare).await;
    check(&refused, 400, "Charm defined in vnf[id=k] but not present in package");
    let whole = zip_of(&[("vnfd.yaml", CHARMED), ("Scripts/charms/c/metadata.yaml", b"name: c")]);
    let answer = send_with(&user, "POST", VNF, &zip, &whole).await;
    assert_eq!(answer.status, 201, "{}", answer.detail());
}

#[tokio::test(start_paused = true)]
async fn yaml_bodies_that_are_no_text_are_told_as_pyyaml_does() {
    let user = user(Release::R10).await;
    let yaml = [("Content-Type", "application/yaml")];
    check(
        &send_with(&user, "POST", VNF, &yaml, b"a: \xc3(").await,
        400,
        "Invalid yaml format unacceptable character #x00c3: invalid continuation byte\n  in \
         \"None\", position 3",
    );
}

#[tokio::test(start_paused = true)]
async fn parts_together_bring_as_much_as_one_upload_could() {
    const PART: usize = 32 << 20;
    let user = user(Release::R10).await;
    let part = vec![b' '; PART];
    let begun = send_part(&user, None, &format!("bytes 0-{}/{}", PART - 1, 3 * PART), &part).await;
    let id = begun.header("Transaction-Id").to_owned();
    let range = format!("bytes {PART}-{}/{}", 2 * PART - 1, 3 * PART);
    assert_eq!(send_part(&user, Some(&id), &range, &part).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn parts_together_bring_no_more_than_one_upload_could() {
    const PART: usize = 33 << 20;
    let user = user(Release::R10).await;
    let part = vec![b' '; PART];
    let range = |from: usize| format!("bytes {from}-{}/{}", from + PART - 1, 3 * PART);
    let begun = send_part(&user, None, &range(0), &part).await;
    assert_eq!(begun.status, 201);
    let id = begun.header("Transaction-Id").to_owned();
    assert_eq!(send_part(&user, Some(&id), &range(PART), &part).await.status, 413);
    let gone = send_part(&user, Some(&id), &range(PART), &part[..1]).await;
    check(&gone, 404, "invalid Transaction-Id header");
}
