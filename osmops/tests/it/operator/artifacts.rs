//! Flux's artifact server, as far as a fetch sees it, and what it serves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Answers with the files that it was given, and 404. What is called slow takes a minute.
pub(super) struct Artifacts {
    pub(super) base: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Artifacts {
    pub(super) async fn serve() -> Self {
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let served = files.clone();
        let routes = axum::Router::new().fallback(move |uri: http::Uri| {
            let file = served.lock().unwrap().get(uri.path()).cloned();
            async move {
                if uri.path().contains("slow") {
                    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                }
                file.ok_or(http::StatusCode::NOT_FOUND)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base, files }
    }

    /// What a source's status says of these bytes.
    pub(super) fn add(&self, revision: &str, bytes: Vec<u8>) -> Value {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        let path = format!("/{revision}.tar.gz");
        self.files.lock().unwrap().insert(path.clone(), bytes);
        json!({
            "url": format!("{}{path}", self.base), "path": path, "digest": digest,
            "revision": format!("{revision}@sha1:{}", "0".repeat(40)),
            "lastUpdateTime": "2026-11-20T00:00:00Z",
        })
    }
}

/// Files of a revision, by path.
pub(super) type Files = Vec<(String, String)>;

/// As source-controller packs a revision.
pub(super) fn archive(files: &Files) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// The files of a tag of the demo.
pub(super) fn demo(tag: &str) -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/trees/packaging").join(tag);
    let tree = osmops::tree::Tree::read_folder(&root).unwrap();
    let all = osmops::tree::TreePath::root();
    let text =
        |path: &osmops::tree::TreePath| fs_err::read_to_string(root.join(path.as_str())).unwrap();
    tree.files_below(&all).map(|(path, _)| (path.to_string(), text(path))).collect()
}

/// The files of a tag of the demo, with every `from` in the files of this name made `to`.
pub(super) fn demo_with(tag: &str, name: &str, from: &str, to: &str) -> Files {
    let mut files = demo(tag);
    for (path, text) in files.iter_mut().filter(|(path, _)| path.ends_with(name)) {
        let changed = text.replace(from, to);
        assert_ne!(*text, changed, "{path} has no `{from}`");
        *text = changed;
    }
    files
}
