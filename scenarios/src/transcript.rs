//! A simulated run as text that is the same every time.
//!
//! In: a [`World`]. Out: the whole [`Story`] with every request in it. Nothing is masked: clock, ids and
//! order are the simulation's own.

use tokio_util::sync::CancellationToken;

use crate::run::{RunError, RunReport, run};
use crate::story::{Story, StoryOptions};
use crate::target::{Pace, Target, TargetError, TargetSpec};
use crate::world::World;

/// Why there is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The simulation cannot be set up.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The scenario cannot be run to its end.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No runtime with a clock of its own.
    #[error("cannot make a runtime for the simulation")]
    Runtime(#[source] std::io::Error),
}

/// Runs `world` in the simulation, in as much real time as the work takes.
///
/// # Errors
/// [`TranscriptError`]; a failed expectation is none.
pub fn simulate(
    world: &World,
    pace: Pace,
    options: StoryOptions,
) -> Result<(RunReport, String), TranscriptError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(TranscriptError::Runtime)?;
    runtime.block_on(async {
        let target = Target::open(&TargetSpec::Sim { pace }, world.script.release).await?;
        let mut story = Story::new(options);
        let report = run(world, &target, &mut story, &CancellationToken::new()).await?;
        Ok((report, story.into_text()))
    })
}
