//! The file that remembers what was run: which commit, how much, with what result.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::explore::Tally;

/// Heads the file.
const HEAD: &str =
    "commit        what                                 runs        failed      machine time\n";

/// The file, and the commit that runs.
#[derive(Debug)]
pub struct Ledger {
    file: fs_err::File,
    commit: String,
}

impl Ledger {
    /// Opens it before anything runs: the work tree may have moved on by the end, and a file that cannot be written is
    /// better known at once.
    ///
    /// # Errors
    /// The file system's, naming the file.
    pub fn open(file: &Path) -> io::Result<Self> {
        let is_new = !file.exists();
        let commit = commit(file);
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(file)?;
        if is_new {
            file.write_all(HEAD.as_bytes())?;
        }
        Ok(Self { file, commit })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// The file system's, naming the file.
    pub fn append(&mut self, what: &str, tally: &Tally, took: Duration) -> io::Result<()> {
        let seconds = took.as_secs_f64();
        let (commit, runs, failed) = (&self.commit, tally.runs, tally.failed);
        writeln!(self.file, "{commit:<13} {what:<36} {runs:<11} {failed:<11} {seconds:.1} s")
    }
}

/// The commit of the work tree, with `+` where something of it is not committed; this `ledger` apart.
fn commit(ledger: &Path) -> String {
    let ask = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = ask(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let ledger = ask(&["ls-files", "--full-name", "--", &ledger.to_string_lossy()]);
    let ledger = ledger.filter(|name| !name.is_empty());
    // A line of it: two letters, a space, the file's name.
    let is_other = |line: &str| ledger.as_deref().is_none_or(|ledger| !line.ends_with(ledger));
    let is_clean = ask(&["status", "--porcelain", "--untracked-files=no"])
        .is_some_and(|text| !text.lines().any(is_other));
    if is_clean { commit } else { format!("{commit}+") }
}
