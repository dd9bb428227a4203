//! The file name of an upload: it carries the owner and the digest of the tree.
//!
//! OSM stores the `Content-Filename` of an upload with the bytes and lists it, so the name tells for no
//! extra request whose upload OSM has and of which files.
//!
//! Source: OSM NBI `descriptor_topics.py`, `_admin.storage.zipfile`; seen on releases 10 and 19.

use std::fmt::{self, Write};

use crate::ids::Owner;

use super::TreeDigest;

/// The name of one upload: `<folder>.<owner>.<digest>.tar.gz`, with `-` for no owner and `~` after
/// one who took over the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadName {
    /// The package's folder.
    pub folder: String,
    /// Whose upload it is.
    pub owner: Option<Owner>,
    /// Whether the package was somebody else's before, so that its owner changes and never removes it.
    pub adopted: bool,
    /// Which files it holds.
    pub digest: TreeDigest,
}

impl UploadName {
    /// Reads a name that OSM stored; `None` when another tool chose it.
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_suffix(".tar.gz")?;
        let (rest, digest) = rest.rsplit_once('.')?;
        let (folder, owner) = rest.rsplit_once('.')?;
        let (owner, adopted) = match owner.strip_suffix(ADOPTED) {
            Some(owner) => (owner, true),
            None => (owner, false),
        };
        let owner = match owner {
            "-" => None,
            text => Some(Owner::new(text.replace('+', "/")).ok()?),
        };
        let digest = TreeDigest::parse(digest)?;
        Some(Self { folder: folder.to_owned(), owner, adopted, digest })
    }
}

impl fmt::Display for UploadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A folder's name may hold anything; a header and OSM's file store take less.
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        for c in self.folder.chars().take(FOLDER_CHARS_MAX) {
            f.write_char(if safe(c) { c } else { '_' })?;
        }
        // `/` separates namespace and name in an owner and would be a folder in OSM's file store.
        let owner = self.owner.as_ref().map_or("-".to_owned(), |o| o.as_str().replace('/', "+"));
        let adopted = if self.adopted { ADOPTED } else { "" };
        write!(f, ".{owner}{adopted}.{}.tar.gz", self.digest.as_str())
    }
}

/// No owner's name has it.
const ADOPTED: &str = "~";

/// Keeps the whole name below the 255 bytes that file systems take: 63 for the owner, 64 for the
/// digest, 10 for the dots, the sign of an adoption and the ending.
const FOLDER_CHARS_MAX: usize = 110;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_written() {
        let digest = TreeDigest::from_sha256([7; 32]);
        for owner in [None, Some("team-a"), Some("flux-system/ldap")] {
            let owner = owner.map(|o| Owner::new(o).unwrap());
            for adopted in [false, true] {
                let (owner, digest) = (owner.clone(), digest.clone());
                let name = UploadName { folder: "open.ldap_knf".into(), owner, adopted, digest };
                assert_eq!(UploadName::parse(&name.to_string()), Some(name));
            }
        }
    }

    #[test]
    fn names_of_other_tools_are_not_taken_for_ours() {
        for name in ["openldap_knf.tar.gz", "package.tar.gz", "a.b.c.tar.gz", "x.zip", ""] {
            assert_eq!(UploadName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn any_folder_name_gives_a_name_that_fits_in_a_header_and_a_file_system() {
        let digest = TreeDigest::from_sha256([7; 32]);
        let folder = "pâté/\n".repeat(60);
        let name = UploadName { folder, owner: None, adopted: false, digest }.to_string();
        assert!(name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic()), "{name}");
    }
}
