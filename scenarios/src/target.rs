//! Where a scenario runs.
//!
//! In: a [`TargetSpec`]. Out: a [`Target`]: a connection and a transport for `osmops`, and the fake's
//! controls where there is a fake. Invariant: one target serves one scenario, except an NBI that somebody
//! else runs.

pub(crate) mod http;
mod sim;

use std::io;
use std::path::PathBuf;

use mock_nbi::Release;
use osmops::nbi::{Connection, Transport, TransportSetupError};
use osmops::secret::Secret;

use crate::fake::Fake;

pub use http::FakeProcess;

/// The user, password and project of the fake.
const FAKE_USER: &str = "admin";

/// How fast the fake's operations are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// They have ended when they are next looked at.
    Instant,
    /// As on a real OSM, so many times faster.
    Realistic {
        /// The factor.
        speed: f64,
    },
}

impl Pace {
    /// In the words of a story.
    pub fn words(self) -> String {
        match self {
            Pace::Instant => "operations end at once".to_owned(),
            Pace::Realistic { speed } if (speed - 1.0).abs() < f64::EPSILON => {
                "operations take as long as on a real OSM".to_owned()
            }
            Pace::Realistic { speed } => {
                format!("operations run {speed} times as fast as on a real OSM")
            }
        }
    }
}

/// Where to run.
#[derive(Debug, Clone)]
pub enum TargetSpec {
    /// The fake in this process, under tokio's paused clock.
    Sim {
        /// How fast operations are.
        pace: Pace,
    },
    /// A fake of our own in another process, over HTTP.
    FakeProcess {
        /// How fast operations are.
        pace: Pace,
        /// Leave it running afterwards.
        is_kept: bool,
    },
    /// An NBI that somebody else runs.
    Nbi(Connection),
}

/// An NBI to run against.
#[derive(Debug)]
pub struct Target {
    /// What it is, for people.
    pub what: String,
    /// Who asks, and where.
    pub connection: Connection,
    /// How requests get there.
    pub transport: Transport,
    /// The fake's controls; absent on any other NBI.
    pub fake: Option<Fake>,
    /// The process, when it is ours.
    pub process: Option<FakeProcess>,
}

/// Why a target could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No `mock-nbi` program.
    #[error(
        "no `mock-nbi` program in {}; build it with `cargo build -p mock-nbi`, or name it in MOCK_NBI",
        .folders.iter().map(|f| format!("`{}`", f.display())).collect::<Vec<_>>().join(" or ")
    )]
    NoProgram {
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// The program cannot be run.
    #[error("cannot run `{program}`", program = .program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program ended, or did not say where it listens.
    #[error("`{program}` did not say where it listens; its log says: {log}", program = .program.display())]
    NoAddress {
        /// The program.
        program: PathBuf,
        /// The end of what it wrote.
        log: String,
    },
    /// The fake in this process cannot be made.
    #[error("cannot make the fake NBI")]
    Fake(#[source] mock_nbi::SeedError),
    /// No transport to the NBI.
    #[error("cannot connect to the NBI")]
    Transport(#[source] TransportSetupError),
}

impl Target {
    /// Opens what `spec` says; a fake answers like `release`. The simulation needs a runtime whose clock is
    /// paused.
    ///
    /// # Errors
    /// [`TargetError`].
    ///
    /// # Cancel safety
    /// A process that was started is killed when the future is dropped.
    pub async fn open(spec: &TargetSpec, release: Release) -> Result<Self, TargetError> {
        match spec {
            TargetSpec::Sim { pace } => sim::open(*pace, release),
            TargetSpec::FakeProcess { pace, is_kept } => {
                http::start(*pace, *is_kept, release).await
            }
            TargetSpec::Nbi(connection) => Ok(Self {
                what: format!("the NBI at {}", connection.base),
                transport: Transport::network(connection).map_err(TargetError::Transport)?,
                connection: connection.clone(),
                fake: None,
                process: None,
            }),
        }
    }

    /// Ends what was started, or leaves it running when that was asked for and nobody `interrupted`.
    pub async fn close(self, interrupted: bool) {
        match self.process {
            Some(process) if process.is_kept && !interrupted => process.release(),
            Some(process) => process.stop().await,
            None => {}
        }
    }
}

/// The connection to a fake at `address`, a URL.
fn fake_connection(address: &str) -> Connection {
    let kind = osmops::nbi::Hostname::InFile;
    Connection {
        base: Connection::parse_address(address, kind).expect("the fake's address is a URL"),
        project: FAKE_USER.to_owned(),
        user: FAKE_USER.to_owned(),
        password: Secret::new(FAKE_USER),
        authorities: None,
        insecure_skip_verify: false,
    }
}

/// The word for a release, as `mock-nbi --release` takes it.
fn release_word(release: Release) -> &'static str {
    match release {
        Release::R8 => "8",
        Release::R10 => "10",
        Release::R19 => "19",
        Release::R19Recorded => "19-recorded",
    }
}
