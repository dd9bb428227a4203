//! The digest that Flux promises of an artifact's file: `algorithm:hex`.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// A digest as it was promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    algorithm: Algorithm,
    hex: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDigest {
    /// There is none, so that nothing can be checked.
    #[error("the source gives no digest of its artifact, so that it cannot be checked")]
    Absent,
    /// Not `algorithm:hex`, or of the wrong length.
    #[error(
        "`{text}` is no digest: `sha256`, `sha384`, `sha512` or `blake3`, a colon and hexadecimal digits"
    )]
    Malformed {
        /// As given.
        text: String,
    },
}

impl FileDigest {
    /// Reads `algorithm:hex`.
    ///
    /// # Errors
    /// [`BadDigest`].
    pub fn parse(text: &str) -> Result<Self, BadDigest> {
        if text.is_empty() {
            return Err(BadDigest::Absent);
        }
        let malformed = || BadDigest::Malformed { text: text.to_owned() };
        let (algorithm, hex) = text.split_once(':').ok_or_else(malformed)?;
        let (algorithm, digits) = match algorithm {
            "sha256" => (Algorithm::Sha256, 64),
            "sha384" => (Algorithm::Sha384, 96),
            "sha512" => (Algorithm::Sha512, 128),
            "blake3" => (Algorithm::Blake3, 64),
            _ => return Err(malformed()),
        };
        if hex.len() != digits || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(malformed());
        }
        Ok(Self { algorithm, hex: hex.to_ascii_lowercase() })
    }

    /// Starts reading a file of which this digest was promised.
    pub(super) fn hasher(&self) -> Hasher {
        match self.algorithm {
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha384 => Hasher::Sha384(Sha384::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
            Algorithm::Blake3 => Hasher::Blake3(Box::default()),
        }
    }
}

impl std::fmt::Display for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.algorithm {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha384 => "sha384",
            Algorithm::Sha512 => "sha512",
            Algorithm::Blake3 => "blake3",
        };
        write!(f, "{name}:{}", self.hex)
    }
}

/// A file's digest while its bytes pass.
pub(super) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    pub(super) fn finish(self) -> FileDigest {
        let (algorithm, hex) = match self {
            Hasher::Sha256(hasher) => (Algorithm::Sha256, hex::encode(hasher.finalize())),
            Hasher::Sha384(hasher) => (Algorithm::Sha384, hex::encode(hasher.finalize())),
            Hasher::Sha512(hasher) => (Algorithm::Sha512, hex::encode(hasher.finalize())),
            Hasher::Blake3(hasher) => (Algorithm::Blake3, hasher.finalize().to_hex().to_string()),
        };
        FileDigest { algorithm, hex }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests of `abc`. Source: FIPS 180-2, appendices B and C, and BLAKE3's own `b3sum`.
    const OF_ABC: [&str; 4] = [
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
    ];

    #[test]
    fn four_algorithms_are_understood() {
        for text in OF_ABC {
            let promised = FileDigest::parse(text).unwrap();
            let mut hasher = promised.hasher();
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish(), promised);
            assert_eq!(promised.to_string(), text);
        }
        assert_eq!(FileDigest::parse(""), Err(BadDigest::Absent));
        for text in ["md5:900150983cd24fb0d6963f7d28e17f72", "sha256:12", "abc", "sha256:"] {
            assert!(matches!(FileDigest::parse(text), Err(BadDigest::Malformed { .. })), "{text}");
        }
    }
}
