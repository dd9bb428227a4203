//! Any descriptor: read with places in its file, packed, and judged by fake NBIs.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use mock_nbi::{MockNbi, Release};
use osmops::package::Package;
use osmops::tree::{Tree, TreeFile, TreePath};
use serde_json::Value;

use crate::archive::digest_of_packed;
use crate::fake::fake;
use crate::text::check_place;

/// Reads a text as the descriptor of a VNF package and of an NS package, and uploads it to a fake.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    for folder in ["osm-pkgs/p_knf", "osm-pkgs/p_ns"] {
        read(folder, text);
    }
    for release in [Release::R10, Release::R19] {
        let osm = fake(release);
        crate::fake::run(async {
            let token = log_in(&osm).await;
            for path in ["/vnfpkgm/v1/vnf_packages_content", "/nsd/v1/ns_descriptors_content"] {
                let (status, answer) =
                    post(&osm, path, Some(&token), "application/yaml", text).await;
                assert!((200..500).contains(&status), "{status} {answer}");
            }
        });
    }
}

fn read(folder: &str, text: &str) {
    let folder = TreePath::parse(folder).expect("a path");
    let path = folder.join("descriptor.yaml");
    let tree = Tree::from_files([(path, TreeFile::in_memory(text.to_owned(), false))]);
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let check = |at: &osmops::source_pos::SourcePos| {
        if let Some((line, column)) = at.line_and_column() {
            check_place(plain, line, column);
        }
    };
    match Package::read(&tree, &folder) {
        Err(problems) => {
            assert!(!problems.is_empty());
            problems.iter().for_each(|problem| check(&problem.at()));
        }
        Ok(package) => {
            assert_eq!(digest_of_packed(&package), package.digest.as_str());
            let body = &package.descriptor.body;
            check(&package.descriptor.id.1);
            check_paths(body.json(), &mut Vec::new(), &|path| check(&body.position(path)));
        }
    }
}

/// Gives `check` the path of every value.
fn check_paths(value: &Value, path: &mut Vec<String>, check: &dyn Fn(&[String])) {
    check(path);
    let inside: Vec<(String, &Value)> = match value {
        Value::Array(items) => {
            items.iter().enumerate().map(|(place, item)| (place.to_string(), item)).collect()
        }
        Value::Object(entries) => entries.iter().map(|(key, item)| (key.clone(), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (step, item) in inside {
        path.push(step);
        check_paths(item, path, check);
        path.pop();
    }
}

async fn log_in(osm: &MockNbi) -> String {
    let body = r#"{"username": "admin", "password": "admin"}"#;
    let (_, answer) = post(osm, "/admin/v1/tokens", None, "application/json", body).await;
    answer["id"].as_str().expect("a token").to_owned()
}

async fn post(
    osm: &MockNbi,
    path: &str,
    token: Option<&str>,
    content_type: &str,
    body: &str,
) -> (u16, Value) {
    let mut request = Request::post(format!("http://osm/osm{path}"))
        .header("Accept", "application/json")
        .header("Content-Type", content_type)
        .header("Content-Length", body.len());
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let answer = osm.service().answer(request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}
