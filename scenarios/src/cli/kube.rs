//! `scenario kube`: a Kubernetes API in memory, for trying `osmops run` without a cluster.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use scenarios::kube::KubeApi;
use serde::Deserialize;
use serde_json::Value;

use super::{interrupted, print_line};

#[derive(Debug, Args)]
pub(super) struct KubeArguments {
    /// Manifests to apply at the start: YAML files, or folders of them
    #[arg(value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// Where to listen; a port of 0 is any free one. There is no TLS and no password: loopback only
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// Write a kubeconfig that leads here
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "an IP address and a port are needed".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("whoever reaches it may do everything: only loopback addresses are listened on"
            .to_owned())
    }
}

/// Serves until interrupted.
pub(super) fn run(arguments: &KubeArguments) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "here the program reads the machine's clock")]
    let api = KubeApi::new(std::time::SystemTime::now());
    for manifest in &arguments.manifests {
        apply(&api, manifest)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    runtime.block_on(async {
        let listen = arguments.listen;
        let served =
            api.serve(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        if let Some(path) = &arguments.kubeconfig {
            fs_err::write(path, served.kubeconfig())?;
        }
        print_line(&format!("Kubernetes API on http://{}", served.address()))?;
        if let Some(path) = &arguments.kubeconfig {
            print_line(&format!("export KUBECONFIG={}", fs_err::canonicalize(path)?.display()))?;
        }
        interrupted().await;
        Ok(())
    })
}

/// Applies every document of a file, or of a folder's YAML files in the order of their names.
fn apply(api: &KubeApi, path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        let mut files: Vec<PathBuf> =
            fs_err::read_dir(path)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "yaml" || e == "yml"));
        files.sort();
        return files.iter().try_for_each(|file| apply(api, file));
    }
    let text = fs_err::read_to_string(path)?;
    for document in serde_yaml::Deserializer::from_str(&text) {
        let object = Value::deserialize(document)
            .with_context(|| format!("{} is no YAML", path.display()))?;
        if object.is_null() {
            continue;
        }
        let name = &object["metadata"]["name"];
        api.apply(&object).map_err(|refusal| {
            let kind = object["kind"].as_str().unwrap_or("object");
            anyhow::anyhow!("{}: {kind} {name}: {}", path.display(), refusal.message)
        })?;
    }
    Ok(())
}
