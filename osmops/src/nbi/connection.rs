//! Where OSM is, who asks, and whom to trust.

use std::path::{Path, PathBuf};

use url::Url;

use crate::repo::ConnectionFile;
use crate::secret::Secret;

/// What a host name without a URL means; the two sources that give one differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostname {
    /// `host:port` of a connection file: plain http, as in files of the original OSM Ops.
    InFile,
    /// `OSM_HOSTNAME`: https on port 9999, as the `osm` client has it.
    InEnvironment,
}

/// The port of the NBI when a URL or host name gives none.
///
/// Source: the `osm` client, `osmclient/scripts/osm.py`: `OSM_SOL005_PORT`'s default.
const NBI_PORT: u16 = 9999;

/// Certificate authorities, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// In this file.
    File(PathBuf),
    /// In this text, which has this name in messages.
    Text {
        /// Where it comes from.
        name: String,
        /// The certificates.
        pem: String,
    },
}

/// Everything that is needed to talk to one OSM as one user in one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Scheme, host and port; no path.
    pub base: Url,
    /// The OSM project.
    pub project: String,
    /// Who logs in.
    pub user: String,
    /// With what.
    pub password: Secret,
    /// The authorities to trust for https, instead of the built-in ones.
    pub authorities: Option<Authorities>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// Why a host name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Not a host name, a host with a port, or a URL.
    #[error(
        "`{text}` is no OSM address: use `host`, `host:port` or `https://host:port` ({reason})"
    )]
    BadAddress {
        /// As given.
        text: String,
        /// The parser's word.
        reason: String,
    },
    /// User and password in an address, where messages would show them.
    #[error("an OSM address must not hold a user or password; give them by their own names")]
    HoldsPassword,
    /// A scheme other than http and https.
    #[error("`{text}` is no OSM address: only http and https are spoken")]
    BadScheme {
        /// As given.
        text: String,
    },
}

impl Connection {
    /// Reads an address: a URL says itself, a bare name means what its source says.
    ///
    /// # Errors
    /// [`ConnectionError`], when it is neither.
    pub fn parse_address(text: &str, kind: Hostname) -> Result<Url, ConnectionError> {
        let (full, port) = match (text.contains("://"), kind) {
            (true, _) => (text.to_owned(), None),
            (false, Hostname::InFile) => (format!("http://{text}"), None),
            (false, Hostname::InEnvironment) => (format!("https://{text}"), Some(NBI_PORT)),
        };
        let bad = |reason: String| ConnectionError::BadAddress { text: text.to_owned(), reason };
        // Before anything quotes it.
        if text.contains('@') {
            return Err(ConnectionError::HoldsPassword);
        }
        let mut url = Url::parse(&full).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConnectionError::BadScheme { text: text.to_owned() });
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it names no host".to_owned()));
        }
        if let (None, Some(port)) = (url.port(), port)
            && !text.ends_with(":443")
        {
            url.set_port(Some(port)).map_err(|()| bad("it takes no port".to_owned()))?;
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        // Requests are made of http's own type, which takes a little less than URLs may hold.
        url.as_str().parse::<http::Uri>().map_err(|error| bad(error.to_string()))?;
        Ok(url)
    }

    /// Takes over what a connection file says; a relative `caFile` is taken from `folder`.
    ///
    /// # Errors
    /// [`ConnectionError`], when its `hostname` is no address; it stands at `file.hostname.1`.
    pub fn from_file(file: ConnectionFile, folder: &Path) -> Result<Self, ConnectionError> {
        Ok(Self {
            base: Self::parse_address(&file.hostname.0, Hostname::InFile)?,
            project: file.project,
            user: file.user,
            password: file.password,
            authorities: file.ca_file.map(|path| Authorities::File(folder.join(path))),
            insecure_skip_verify: file.insecure_skip_verify,
        })
    }

    /// Whether the password would cross the network in the clear: plain http to another machine.
    pub fn is_in_the_clear(&self) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        self.base.scheme() == "http" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_mean_what_their_source_says() {
        use Hostname::{InEnvironment, InFile};
        let check = |text: &str, kind, expected: &str| {
            assert_eq!(Connection::parse_address(text, kind).unwrap().as_str(), expected, "{text}");
        };
        check("host.ie:8008", InFile, "http://host.ie:8008/");
        check("[::1]:9999", InFile, "http://[::1]:9999/");
        check("https://osm.example/osm/", InFile, "https://osm.example/");
        check("nbi", InEnvironment, "https://nbi:9999/");
        check("nbi:80", InEnvironment, "https://nbi:80/");
        check("nbi:443", InEnvironment, "https://nbi/");
        check("http://nbi", InEnvironment, "http://nbi/");
        for text in ["", "a b", "ftp://x", "http://", "host:port", "http://a{b:1", "http://u:p@h"] {
            assert!(Connection::parse_address(text, InFile).is_err(), "{text}");
        }
    }
}
