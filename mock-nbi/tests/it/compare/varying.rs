//! What may vary from run to run.
//!
//! Source: the README of the recordings, "What varies from run to run".

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// What kind of thing varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Uuid,
    Token,
    /// A helm release: chart and ten digits.
    Release,
    /// A memory address of the server's process.
    Address,
    Time,
    Port,
    /// What is encrypted or hashed.
    Secret,
}

impl Class {
    /// Whether equal ones must stay equal, and different ones different.
    pub fn has_identity(self) -> bool {
        matches!(self, Self::Uuid | Self::Token | Self::Release | Self::Secret)
    }
}

const TIMES: &[&str] = &[
    "created",
    "modified",
    "issued_at",
    "expires",
    "last_login",
    "create-time",
    "created-time",
    "startTime",
    "statusEnteredTime",
    "last_token_time",
    "status-time",
];
const SECRETS: &[&str] =
    &["vim_password", "wim_password", "password", "secret", "salt", "cacert", "client-secret"];

/// Which kind of thing stands at this place, as far as the key tells.
pub fn class_of_key(at: &str) -> Option<Class> {
    let key = at.rsplit('/').next().unwrap_or_default();
    match key {
        _ if TIMES.contains(&key) => Some(Class::Time),
        _ if SECRETS.contains(&key) || at.contains("/password_history/") => Some(Class::Secret),
        "remote_port" => Some(Class::Port),
        _ => None,
    }
}

/// What characters a secret is made of: `hex` or `base64`.
pub fn alphabet(text: &str) -> &'static str {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    match text {
        "" => "nothing",
        _ if is_hex => "hex",
        _ if text.len().is_multiple_of(4) && text.bytes().all(is_base64) => "base64",
        _ => "other",
    }
}

/// A text that the recordings' stand-in for the life-cycle manager invented, or that shows the
/// inside of the server's process.
#[derive(Debug)]
pub struct Pattern {
    pub name: String,
    pub regex: Option<Regex>,
    /// Whether the text may stand on one side only.
    pub is_optional: bool,
    /// Places whose whole values are let through, as long as they are of the same type.
    pub place: Option<Regex>,
}

/// The patterns of the list of exceptions.
#[derive(Debug, Default)]
pub struct Patterns(pub Vec<Pattern>);

impl Patterns {
    pub fn as_slice(&self) -> &[Pattern] {
        &self.0
    }

    /// The pattern that lets every value of this place through.
    pub fn for_place(&self, at: &str) -> Option<&Pattern> {
        self.0.iter().find(|pattern| pattern.place.as_ref().is_some_and(|place| place.is_match(at)))
    }
}

/// A text without what varies in it, and what was taken out.
#[derive(Debug, Default)]
pub struct Skeleton {
    pub bones: String,
    pub words: Vec<(Class, String)>,
    /// Bytes that patterns took out.
    pub invented: usize,
    pub leaned_on: BTreeSet<String>,
}

static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9_-]+").unwrap());
static UNEXPECTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"Additional properties are not allowed \(((?:'[^']*'(?:, )?)+) w").unwrap()
});

impl Skeleton {
    pub fn of(text: &str, patterns: &[Pattern]) -> Self {
        let mut skeleton = Self::default();
        let mut text = with_sorted_names(text);
        for pattern in patterns {
            let Some(regex) = &pattern.regex else { continue };
            let taken: Vec<String> =
                regex.find_iter(&text).map(|found| found.as_str().to_owned()).collect();
            if !taken.is_empty() {
                skeleton.leaned_on.insert(pattern.name.clone());
                let mark = format!("<{}>", pattern.name);
                let mark = if pattern.is_optional { "" } else { mark.as_str() };
                text = regex.replace_all(&text, mark).into_owned();
                skeleton.invented += taken.iter().map(String::len).sum::<usize>();
            }
        }
        let mut end = 0;
        for word in WORD.find_iter(&text) {
            skeleton.bones.push_str(&text[end..word.start()]);
            end = word.end();
            match class_of_word(word.as_str()) {
                Some((class, kept)) => {
                    skeleton.bones.push_str(&format!("<{class:?} {kept}>"));
                    skeleton.words.push((class, word.as_str().to_owned()));
                }
                None => skeleton.bones.push_str(word.as_str()),
            }
        }
        skeleton.bones.push_str(&text[end..]);
        skeleton
    }
}

/// The kind of a word that varies, and what of it does not.
fn class_of_word(word: &str) -> Option<(Class, &str)> {
    if is_uuid(word) {
        return Some((Class::Uuid, ""));
    }
    if word.len() == 43 || (word.len() == 32 && !word.contains(['-', '_'])) {
        return Some((Class::Token, if word.len() == 43 { "43" } else { "32" }));
    }
    if word.starts_with("0x") && word.len() > 6 {
        return Some((Class::Address, ""));
    }
    let (head, digits) = word.rsplit_once('-')?;
    let is_release = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_release.then_some((Class::Release, head))
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| is_hex(byte) || byte == b'-')
}

/// The names of unexpected properties come in the order of a Python set.
fn with_sorted_names(text: &str) -> String {
    let sorted = UNEXPECTED.replace(text, |found: &regex::Captures<'_>| {
        let mut names: Vec<&str> = found[1].split(", ").collect();
        names.sort_unstable();
        found[0].replace(&found[1], &names.join(", "))
    });
    sorted.into_owned()
}
