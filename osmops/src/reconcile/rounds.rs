//! Passes over an object's revision again and again, with looks at OSM's operations between them.

use std::time::Duration;

use crate::failure::Failure;
use crate::nbi::Nbi;
use crate::report::{PassEnd, PassReport};
use crate::revision::Revision;

use super::{Following, Observer, Progress};

/// How soon to look at an operation for the first time; later looks come after longer pauses.
pub const FIRST_LOOK: Duration = Duration::from_secs(1);

/// What is kept from one pass to the next: what was sent, and the operations that are worth a look before the next pass.
#[derive(Default)]
pub struct Rounds {
    progress: Progress,
    following: Option<Following>,
}

/// What a look at operations found.
#[derive(Debug)]
pub enum Look {
    /// They still run.
    AtWork {
        /// How soon to look again.
        again_after: Duration,
    },
    /// OSM does not say, and may later.
    Unknown(Failure),
    /// It is time for the next pass.
    Over,
}

impl Rounds {
    /// Looks at the operations that ran when the last pass ended. Where they were lost sight of, the next pass finds out
    /// what became of them.
    pub async fn look(&mut self, nbi: &Nbi, observer: &mut dyn Observer) -> Look {
        let Some(following) = &mut self.following else { return Look::Over };
        match following.look(nbi, observer).await {
            Ok(false) => Look::AtWork { again_after: following.pause() },
            Err(error) if error.is_transient() => Look::Unknown(error.failure()),
            Ok(true) | Err(_) => {
                self.following = None;
                Look::Over
            }
        }
    }

    /// Takes what a pass came to, adds to it what earlier ones sent, and gives how long to wait where OSM is at work.
    pub fn passed(&mut self, revision: &Revision, report: &mut PassReport) -> Duration {
        self.progress.add(report);
        let pause = match report.end {
            PassEnd::Waiting { poll_after } => {
                self.progress.pause_while_waiting(report, poll_after)
            }
            PassEnd::Converged | PassEnd::Failed | PassEnd::Stalled => FIRST_LOOK,
        };
        if report.end == PassEnd::Converged {
            self.progress = Progress::default();
        }
        let following = Following::of(revision, report, pause);
        let is_at_work = matches!(report.end, PassEnd::Waiting { .. });
        self.following = (is_at_work && !following.is_empty()).then_some(following);
        pause
    }
}
