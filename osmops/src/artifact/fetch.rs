//! Downloads an artifact within limits, checks its digest, and only then unpacks it.

use std::io::{self, Seek, Write};
use std::time::Duration;

use url::Url;

use crate::ids::RevisionName;

use super::digest::{BadDigest, FileDigest};
use super::{Artifact, ArtifactError};

/// An artifact that some server has.
#[derive(Debug, Clone)]
pub struct Remote<'a> {
    /// Where.
    pub url: &'a str,
    /// What its file must be, as `algorithm:hex`.
    pub digest: &'a str,
    /// What to call it.
    pub revision: RevisionName,
    /// `host:port` to ask instead of the URL's own, where that name is not known (outside a cluster).
    pub host: Option<&'a str>,
}

/// How much a download may take.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// The longest file.
    pub bytes_max: u64,
    /// The longest time.
    pub time_max: Duration,
}

impl Default for FetchLimits {
    /// Packages with images have hundreds of megabytes; within a cluster they come in seconds.
    fn default() -> Self {
        Self { bytes_max: 1024 * 1024 * 1024, time_max: Duration::from_secs(120) }
    }
}

/// Why an artifact is not there to be used.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The source's digest is none.
    #[error("the artifact cannot be checked")]
    BadDigest(#[from] BadDigest),
    /// The source's URL is none.
    #[error("`{url}` is no artifact's address ({reason})")]
    BadUrl {
        /// As given.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server has it no more: the source has a newer one, which it will tell soon.
    #[error("GET {url}: the artifact is there no more (404)")]
    Gone {
        /// What was asked.
        url: String,
    },
    /// The server gave no file.
    #[error("GET {url}: refused with {status}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// No connection, or one that was cut.
    #[error("GET {url}: cannot fetch the artifact")]
    Unreachable {
        /// What was asked.
        url: String,
        /// The network's word.
        #[source]
        source: reqwest::Error,
    },
    /// It took too long.
    #[error(
        "GET {url}: no whole artifact within {}; does a NetworkPolicy keep this pod from Flux's source-controller?",
        humantime::format_duration(*limit)
    )]
    TimedOut {
        /// What was asked.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// More bytes than are taken.
    #[error("GET {url}: the artifact has more than {limit_bytes} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// Not the file that was promised. It was not unpacked.
    #[error(
        "GET {url}: the artifact's digest is {found}, but the source promises {wanted}; nothing was unpacked"
    )]
    DigestMismatch {
        /// What was asked.
        url: String,
        /// What was promised.
        wanted: FileDigest,
        /// What came.
        found: FileDigest,
    },
    /// The disk does not take it.
    #[error("cannot keep the artifact on disk")]
    Unwritable(#[source] io::Error),
    /// It is no archive that may be unpacked.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl FetchError {
    /// Whether it may be fetched later, with nobody's help.
    pub fn may_pass(&self) -> bool {
        match self {
            FetchError::Gone { .. }
            | FetchError::Refused { .. }
            | FetchError::Unreachable { .. }
            | FetchError::TimedOut { .. }
            | FetchError::DigestMismatch { .. }
            | FetchError::Unwritable(_) => true,
            FetchError::BadDigest(_)
            | FetchError::BadUrl { .. }
            | FetchError::TooLarge { .. }
            | FetchError::Artifact(_) => false,
        }
    }
}

/// Downloads, checks and unpacks. The file goes to a temporary one without a name, the unpacked folder away
/// with the [`Artifact`].
///
/// # Errors
/// [`FetchError`], naming the address.
///
/// # Cancel safety
/// Dropped, nothing stays.
pub async fn fetch(
    client: &reqwest::Client,
    remote: &Remote<'_>,
    limits: &FetchLimits,
) -> Result<Artifact, FetchError> {
    let wanted = FileDigest::parse(remote.digest)?;
    let url = address(remote)?;
    let download = download(client, &url, &wanted, limits.bytes_max);
    let file = tokio::time::timeout(limits.time_max, download).await.unwrap_or_else(|_| {
        Err(FetchError::TimedOut { url: url.to_string(), limit: limits.time_max })
    })?;
    let name = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or("artifact");
    let (name, revision) = (name.to_owned(), remote.revision.clone());
    let span = tracing::Span::current();
    let unpacking = move || span.in_scope(|| Artifact::from_checked_archive(file, &name, revision));
    let unpacked = tokio::task::spawn_blocking(unpacking).await;
    unpacked
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
        .map_err(Into::into)
}

fn address(remote: &Remote<'_>) -> Result<Url, FetchError> {
    let bad = |reason: String| FetchError::BadUrl { url: remote.url.to_owned(), reason };
    let mut url = Url::parse(remote.url).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https are spoken".to_owned()));
    }
    if let Some(host) = remote.host {
        let other = Url::parse(&format!("{}://{host}", url.scheme()));
        let other =
            other.map_err(|error| bad(format!("instead of its host, `{host}`: {error}")))?;
        url.set_host(other.host_str()).map_err(|error| bad(error.to_string()))?;
        url.set_port(other.port()).map_err(|()| bad("it takes no port".to_owned()))?;
    }
    Ok(url)
}

/// The checked file, rewound.
async fn download(
    client: &reqwest::Client,
    url: &Url,
    wanted: &FileDigest,
    limit_bytes: u64,
) -> Result<io::BufReader<fs_err::File>, FetchError> {
    let text = url.to_string();
    let unreachable = |source: reqwest::Error| FetchError::Unreachable {
        url: text.clone(),
        source: source.without_url(),
    };
    let mut response = client.get(url.clone()).send().await.map_err(unreachable)?;
    match response.status().as_u16() {
        200 => {}
        404 => return Err(FetchError::Gone { url: text }),
        status => return Err(FetchError::Refused { url: text, status }),
    }
    let file = tempfile::tempfile().map_err(FetchError::Unwritable)?;
    let mut file = fs_err::File::from_parts(file, "the downloaded artifact");
    let mut hasher = wanted.hasher();
    let mut bytes = 0_u64;
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        bytes += piece.len() as u64;
        if bytes > limit_bytes {
            return Err(FetchError::TooLarge { url: text, limit_bytes });
        }
        hasher.update(&piece);
        // The page cache takes pieces of this size at once.
        file.write_all(&piece).map_err(FetchError::Unwritable)?;
    }
    let found = hasher.finish();
    if found != *wanted {
        return Err(FetchError::DigestMismatch { url: text, wanted: wanted.clone(), found });
    }
    file.rewind().map_err(FetchError::Unwritable)?;
    Ok(io::BufReader::new(file))
}
