//! Scenario file → steps.
//!
//! In: the text of a YAML file. Out: a [`Script`], or every mistake with its line and column. Invariant:
//! unknown keys are mistakes; nothing but the file itself is read.

mod decode;

use std::io;
use std::path::{Path, PathBuf};

use mock_nbi::Release;
use osmops::yaml::parse_documents;

use crate::step::{Given, Placed, Step};

/// A scenario file, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The file's name without `.yaml`.
    pub name: String,
    /// The file, as it was given.
    pub file: PathBuf,
    /// What it is for.
    pub purpose: String,
    /// Where its tags are.
    pub repository: Placed<Source>,
    /// Whether the public demo repository has the same tags, so that it can be run on them too.
    pub is_upstream: bool,
    /// The release that the fake answers like; an NBI that somebody else runs is what it is.
    pub release: Release,
    /// What OSM has before the first step.
    pub given: Vec<Placed<Given>>,
    /// The steps.
    pub steps: Vec<Placed<Step>>,
}

/// Where the tags of a scenario's repository are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder with a folder for each tag, relative to the scenario file.
    Trees(String),
    /// A Git repository with tags: a path relative to the scenario file, or a URL.
    Git(String),
}

/// Why a file is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It cannot be read; the cause names it.
    #[error("cannot read the scenario file")]
    Unreadable(#[source] io::Error),
    /// Its text is not what a scenario file may say.
    #[error("{}", list(.file, .mistakes))]
    Mistakes {
        /// The file.
        file: PathBuf,
        /// All of them, in the order of the file.
        mistakes: Vec<Mistake>,
    },
    /// It has a step that only the fake can do, and the target is another NBI.
    #[error(
        "{}:{line}: the step `{verb}` works on the fake NBI only, so this scenario cannot run on {target}",
        .file.display()
    )]
    FakeOnly {
        /// The file.
        file: PathBuf,
        /// The step's line.
        line: u32,
        /// The step.
        verb: &'static str,
        /// The target.
        target: String,
    },
}

/// One mistake in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

fn list(file: &Path, mistakes: &[Mistake]) -> String {
    let line = |m: &Mistake| format!("{}:{}:{}: {}", file.display(), m.line, m.column, m.message);
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Script {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// [`ScriptError::Unreadable`] or [`ScriptError::Mistakes`], all of them at once.
    pub fn read(file: &Path) -> Result<Self, ScriptError> {
        let text = fs_err::read_to_string(file).map_err(ScriptError::Unreadable)?;
        Self::parse(file, &text)
    }

    /// Decodes `text`, which stands in `file`.
    ///
    /// # Errors
    /// [`ScriptError::Mistakes`], all of them at once.
    pub fn parse(file: &Path, text: &str) -> Result<Self, ScriptError> {
        let failed = |mistakes| ScriptError::Mistakes { file: file.to_owned(), mistakes };
        let documents = parse_documents(text).map_err(|error| {
            failed(vec![Mistake { line: error.line, column: error.column, message: error.message }])
        })?;
        let at = |line, column, message: &str| {
            failed(vec![Mistake { line, column, message: message.to_owned() }])
        };
        match documents.as_slice() {
            [document] => decode::script(file, document).map_err(failed),
            [] => Err(at(1, 1, "the file is empty")),
            [_, second, ..] => Err(at(second.line, second.column, "a second document")),
        }
    }

    /// Checks that every step can be done on an NBI that is not the fake; `target` is what messages
    /// call it.
    ///
    /// # Errors
    /// [`ScriptError::FakeOnly`], naming the first step that cannot.
    pub fn check_portable(&self, target: &str) -> Result<(), ScriptError> {
        match self.steps.iter().find(|step| step.value.is_fake_only()) {
            None => Ok(()),
            Some(step) => Err(ScriptError::FakeOnly {
                file: self.file.clone(),
                line: step.line,
                verb: step.value.verb(),
                target: target.to_owned(),
            }),
        }
    }

    /// Every tag that is applied or planned, in the order of the steps, each once, with the line of its
    /// first step.
    pub fn tags(&self) -> Vec<Placed<&str>> {
        let mut tags: Vec<Placed<&str>> = Vec::new();
        for step in &self.steps {
            if let Step::Apply { tag, .. } | Step::Plan { tag } = &step.value
                && !tags.iter().any(|known| known.value == tag)
            {
                tags.push(Placed { line: step.line, value: tag });
            }
        }
        tags
    }

    /// A path of the file, made absolute or relative to where the program runs.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }
}
