//! A fake of our own in another process, over HTTP on loopback.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mock_nbi::Release;
use osmops::nbi::Transport;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::fake::Fake;

use super::{Pace, Target, TargetError, fake_connection, release_word};

/// What the program prints before its address.
const LISTENING: &str = "mock-nbi listening on ";

/// How long it may take to say where it listens; it needs milliseconds.
const START_TIME_MAX: Duration = Duration::from_secs(20);

/// How much of its log an error shows, in characters.
const LOG_CHARS_MAX: usize = 1_000;

/// A running `mock-nbi`. It is killed when this is dropped, unless it is to be kept.
#[derive(Debug)]
pub struct FakeProcess {
    child: Child,
    /// Its process id.
    pub pid: u32,
    /// Whether it stays when the scenario is over.
    pub is_kept: bool,
    /// Its log.
    pub log: PathBuf,
    _log: Option<NamedTempFile>,
}

impl FakeProcess {
    /// Kills it, waits for its end, and removes its log.
    pub async fn stop(mut self) {
        // It may have ended by itself; gone is gone, the log's file too.
        let _ = self.child.kill().await;
        let _ = fs_err::remove_file(&self.log);
    }

    /// Leaves it to whoever runs the scenario.
    pub fn release(self) {
        // Dropping the child would kill it. This program is about to end, and with it the little that
        // is leaked here.
        std::mem::forget(self.child);
    }
}

pub(super) async fn start(
    pace: Pace,
    is_kept: bool,
    release: Release,
) -> Result<Target, TargetError> {
    let program = find_program()?;
    let not_started = |source| TargetError::NotStarted { program: program.clone(), source };
    let log = NamedTempFile::with_prefix("mock-nbi-").map_err(not_started)?;
    let (log_path, log) = if is_kept {
        // What outlives us needs a log that does so too.
        let kept = log.keep().map_err(|error| not_started(error.error))?;
        (kept.1, None)
    } else {
        (log.path().to_owned(), Some(log))
    };
    let log_file = fs_err::OpenOptions::new().append(true).open(&log_path).map_err(not_started)?;
    let mut command = Command::new(&program);
    let release = release_word(release);
    command.args(["serve", "--listen", "127.0.0.1:0", "--release", release, "--profile"]);
    match pace {
        Pace::Instant => command.arg("instant"),
        Pace::Realistic { speed } => command.args(["realistic", "--speed", &speed.to_string()]),
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log_file.into_parts().0)
        .kill_on_drop(true)
        // Out of reach of the terminal's Ctrl-C: who interrupts a scenario still has its end told, and
        // what is kept stays. `stop` ends it.
        .process_group(0);
    let mut child = command.spawn().map_err(not_started)?;
    let Some(address) = read_address(&mut child).await else {
        // What said nothing is of no use to anybody.
        let _ = child.kill().await;
        let log = tail(&log_path);
        return Err(TargetError::NoAddress { program, log });
    };
    let connection = fake_connection(&address);
    let transport = Transport::network(&connection).map_err(TargetError::Transport)?;
    let words = pace.words();
    Ok(Target {
        what: format!("a fake NBI (Release {release}) of its own at {address}; {words}"),
        fake: Some(Fake::new(transport.clone(), connection.base.as_str())),
        connection,
        transport,
        process: Some(FakeProcess {
            pid: child.id().unwrap_or_default(),
            child,
            is_kept,
            log: log_path,
            _log: log,
        }),
    })
}

/// `MOCK_NBI`, or the program beside ours; tests lie one folder deeper than programs.
fn find_program() -> Result<PathBuf, TargetError> {
    if let Some(program) = std::env::var_os("MOCK_NBI") {
        return Ok(program.into());
    }
    find_beside("mock-nbi").map_err(|folders| TargetError::NoProgram { folders })
}

/// A program of this workspace: beside this one, or one folder up.
///
/// # Errors
/// The folders where it is not.
pub(crate) fn find_beside(name: &str) -> Result<PathBuf, Vec<PathBuf>> {
    let own = std::env::current_exe().unwrap_or_default();
    let folders: Vec<PathBuf> = own.ancestors().skip(1).take(2).map(Path::to_owned).collect();
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let found = folders.iter().map(|folder| folder.join(&name)).find(|p| p.is_file());
    found.ok_or(folders)
}

async fn read_address(child: &mut Child) -> Option<String> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    let reading = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix(LISTENING) {
                return Some(address.trim().trim_end_matches("/osm").to_owned());
            }
        }
        None
    };
    timeout(START_TIME_MAX, reading).await.ok().flatten()
}

fn tail(log: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = fs_err::File::open(log) {
        // What can be read of it is better than nothing.
        let _ = file.read_to_string(&mut text);
    }
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(LOG_CHARS_MAX);
    if text.is_empty() {
        return "nothing".to_owned();
    }
    text.chars().skip(skipped).collect()
}
