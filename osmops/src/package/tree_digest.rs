//! One digest for all files of a package, whatever order they come in.

use std::collections::BTreeMap;
use std::io;

use sha2::{Digest, Sha256};

/// How much is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Stands for all files of a package: SHA-256, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct TreeDigest(String);

impl TreeDigest {
    pub(super) fn from_sha256(bytes: [u8; 32]) -> Self {
        Self(hex::encode(bytes))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, enough for a person to tell two apart.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 64 && text.bytes().all(digits)).then(|| Self(text.to_owned()))
    }
}

/// Gathers files into a [`TreeDigest`]: the SHA-256 of each file's path, executable bit and SHA-256, in the
/// order of their paths. So an archive can be hashed while it is read, in any order.
#[derive(Default)]
pub(super) struct TreeHasher {
    files: BTreeMap<String, (bool, [u8; 32])>,
}

impl TreeHasher {
    /// Reads a file to its end. Of two files of one path the later counts, as it does when an archive is
    /// unpacked.
    pub(super) fn add(
        &mut self,
        path: &str,
        executable: bool,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let length = read(&mut buffer)?;
            if length == 0 {
                break;
            }
            hash.update(buffer.get(..length).unwrap_or_default());
        }
        self.files.insert(path.to_owned(), (executable, hash.finalize().into()));
        Ok(())
    }

    pub(super) fn finish(self) -> TreeDigest {
        let mut digest = Sha256::new();
        for (path, (executable, hash)) in self.files {
            digest.update((path.len() as u64).to_be_bytes());
            digest.update(path.as_bytes());
            digest.update([u8::from(executable)]);
            digest.update(hash);
        }
        TreeDigest::from_sha256(digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_64_small_digits_and_its_first_12_tell_it_in_short() {
        let digest = TreeDigest::from_sha256([0xab; 32]);
        assert_eq!(digest.as_str(), "ab".repeat(32));
        assert_eq!(digest.short(), "abababababab");
        assert_eq!(TreeDigest::parse(&"ab".repeat(32)), Some(digest));
        for text in ["AB".repeat(32), "ab".repeat(31), "ag".repeat(32)] {
            assert_eq!(TreeDigest::parse(&text), None, "{text}");
        }
    }
}
