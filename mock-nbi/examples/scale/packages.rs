//! Packages as the captures of a real Release 10 have them, under any name.

use std::io::Read as _;

use anyhow::Context as _;
use base64::Engine as _;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

/// Descriptor ids in the captured packages.
const VNFD_ID: &str = "openldap_knf";
const NSD_ID: &str = "openldap_ns";

/// A package to make others of.
pub(crate) struct Template {
    files: Vec<(tar::Header, Vec<u8>)>,
}

impl Template {
    /// The captured VNF package.
    pub(crate) fn vnf() -> anyhow::Result<Self> {
        Self::captured("nfpkg-create.jsonl")
    }

    /// The captured NS package.
    pub(crate) fn ns() -> anyhow::Result<Self> {
        Self::captured("nspkg-create.jsonl")
    }

    fn captured(file: &str) -> anyhow::Result<Self> {
        let path = format!("{}/tests/recorded/r10/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = fs_err::read_to_string(path)?;
        let exchange: Value = serde_json::from_str(text.lines().nth(1).context("one exchange")?)?;
        let body = exchange["req"]["body_b64"].as_str().context("a body")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(body)?;
        let mut files = Vec::new();
        for entry in tar::Archive::new(GzDecoder::new(bytes.as_slice())).entries()? {
            let mut entry = entry?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.push((entry.header().clone(), content));
        }
        Ok(Self { files })
    }

    /// The package with `suffix` at the end of its descriptor's id and those it names.
    pub(crate) fn named(&self, suffix: &str) -> anyhow::Result<Vec<u8>> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (header, content) in &self.files {
            let mut header = header.clone();
            let path = header.path()?.to_string_lossy().into_owned();
            let text = String::from_utf8(content.clone());
            let content = match text {
                Ok(text) if path.ends_with("yaml") && path.matches('/').count() == 1 => text
                    .replace(VNFD_ID, &format!("{VNFD_ID}{suffix}"))
                    .replace(NSD_ID, &format!("{NSD_ID}{suffix}"))
                    .into_bytes(),
                _ => content.clone(),
            };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_slice())?;
        }
        Ok(builder.into_inner()?.finish()?)
    }
}
