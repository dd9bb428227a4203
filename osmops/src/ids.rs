//! Names and ids, each its own type, so that two of them cannot be swapped.
//!
//! Ids come from OSM (`_id`, 36 characters); names come from files in the repository. Both are opaque
//! text here. Invariant: never empty, no control characters, at most [`TEXT_CHARS_MAX`] characters.

use std::fmt;

/// The longest name or id accepted, in characters.
///
/// Source: OSM NBI `validation.py`: `name_schema` and `id_schema` have a `maxLength` of 255.
pub const TEXT_CHARS_MAX: usize = 255;

/// What is wrong with a text that should have been a name or an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or only white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`TEXT_CHARS_MAX`].
    #[error("has {chars} characters, more than {TEXT_CHARS_MAX}")]
    TooLong {
        /// How many characters it has.
        chars: usize,
    },
    /// Holds a line break, a tab or another control character.
    #[error("holds a control character")]
    ControlCharacter,
    /// A character that OSM refuses in this kind of name, or that its ids never have.
    #[error("holds `{found}`, which OSM does not take there")]
    StrangeCharacter {
        /// The first such character.
        found: char,
    },
}

fn check(text: &str) -> Result<(), TextError> {
    if text.trim().is_empty() {
        Err(TextError::Empty)
    } else if text.chars().count() > TEXT_CHARS_MAX {
        Err(TextError::TooLong { chars: text.chars().count() })
    } else if text.chars().any(char::is_control) {
        Err(TextError::ControlCharacter)
    } else {
        Ok(())
    }
}

/// OSM's ids are UUIDs, or a UUID with `:` and a number. They become part of URLs.
fn check_id(text: &str) -> Result<(), TextError> {
    check(text)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    match text.chars().find(|c| !allowed(*c)) {
        Some(found) => Err(TextError::StrangeCharacter { found }),
        None => Ok(()),
    }
}

/// Names of instances and VIM accounts.
///
/// Source: OSM NBI `validation.py`: `name_schema` has the pattern `^[^,;()\'"]+$`.
fn check_name(text: &str) -> Result<(), TextError> {
    check(text)?;
    match text.chars().find(|c| ",;()'\"".contains(*c)) {
        Some(found) => Err(TextError::StrangeCharacter { found }),
        None => Ok(()),
    }
}

macro_rules! text_type {
    ($check:ident: $($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` as it is, after checking what holds for every name and id.
            ///
            /// # Errors
            /// [`TextError`], when `text` is empty, too long or holds characters that it must not.
            pub fn new(text: impl Into<String>) -> Result<Self, TextError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

text_type! {
    check_id:
    /// OSM's `_id` of a VNF package or an NS descriptor.
    PackageId;
    /// OSM's `_id` of an NS instance.
    NsId;
    /// OSM's `_id` of a life-cycle operation occurrence.
    OpId;
    /// OSM's `_id` of a VIM account.
    VimAccountId;
}

text_type! {
    check_name:
    /// The name of an NS instance. OSM allows two instances of one name.
    NsName;
    /// The name of a VIM account, unique in its project.
    VimAccountName;
}

text_type! {
    check:
    /// The `id` that a VNFD or NSD gives itself; what instances and other descriptors refer to.
    DescriptorId;
    /// A VNF's index in its NSD (`vnf-profile.id`); the repository's files call it `vnfName`.
    MemberIndex;
    /// The name of a Kubernetes deployment unit in its VNFD.
    KduName;
    /// Who declares: the text that marks in OSM what we made.
    Owner;
    /// What a source calls one state of a repository, as `test.0.0.7` or `main@sha1:3c5f…`.
    RevisionName;
}

/// VNF package or NS descriptor: OSM's two kinds of packages.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// A VNF package; its descriptor is a VNFD.
    Vnfd,
    /// An NS package; its descriptor is an NSD.
    Nsd,
}

impl fmt::Display for PackageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PackageKind::Vnfd => "VNFD",
            PackageKind::Nsd => "NSD",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_no_name_may_be_are_refused() {
        assert_eq!(NsName::new(" "), Err(TextError::Empty));
        assert_eq!(NsName::new("a\nb"), Err(TextError::ControlCharacter));
        assert_eq!(NsName::new("x".repeat(256)), Err(TextError::TooLong { chars: 256 }));
        assert_eq!(NsName::new("ldap").unwrap().as_str(), "ldap");
        assert_eq!(NsName::new("Ж".repeat(255)).map(|_| ()), Ok(()));
        assert_eq!(NsName::new("a (b)"), Err(TextError::StrangeCharacter { found: '(' }));
        assert_eq!(NsId::new("a/../b"), Err(TextError::StrangeCharacter { found: '/' }));
    }
}
