//! Passes over a revision, and the looks at operations between them.

use std::time::Duration;

use crate::failure::chain;
use crate::nbi::{Connection, Nbi};
use crate::observe::Lists;
use crate::operator::driver::Outcome;
use crate::operator::end::{End, Reason};
use crate::plan::render;
use crate::reconcile::{FIRST_LOOK, Look, Observer, pass_with_lists, read_lists_and_plan};
use crate::report::{PassEnd, PassReport};
use crate::revision::Revision;

use super::{Context, Memory, Turn, Waiting};

/// Looks at operations that ran when the last pass ended. While one still does, that is all there is to do.
pub(super) async fn look_first(memory: &mut Memory) -> Option<End> {
    let waiting = memory.waiting.as_ref()?;
    match memory.rounds.look(&waiting.nbi, &mut memory.counted).await {
        Look::AtWork { again_after } => {
            let outcome = Outcome::Again { after: again_after };
            Some(End { outcome, ..waiting.end.clone() })
        }
        Look::Unknown(failure) => {
            let outcome = Outcome::Failed { not_before: failure.retry_after };
            Some(End { outcome, ..End::failed(Reason::ReconciliationFailed, failure.message) })
        }
        Look::Over => {
            memory.waiting = None;
            None
        }
    }
}

/// The session, and its lists as they were asked for after the run became due: never from before what the
/// object's last run wrote, nor from before the change that calls for this one.
fn session(context: &Context, connection: &Connection, turn: &Turn) -> Result<(Nbi, Lists), End> {
    if connection.is_in_the_clear() {
        let base = &connection.base;
        tracing::debug!("{base} is plain http: the password crosses the network in the clear");
    }
    match context.sessions.of(connection) {
        Ok((nbi, lists)) => Ok((nbi, Lists::Shared { lists, after: turn.due })),
        Err(error) => Err(End::stalled(Reason::ReconciliationFailed, chain(&error))),
    }
}

/// One pass. `tell` makes an end of what became of it and of how long to wait where OSM is at work.
pub(super) async fn apply(
    context: &Context,
    revision: &Revision,
    connection: &Connection,
    tell: impl Fn(&PassReport, Duration) -> End,
    memory: &mut Memory,
    turn: &Turn,
) -> Result<End, End> {
    if revision.desired.is_empty() {
        return Ok(tell(&PassReport::without_osm(revision), FIRST_LOOK));
    }
    let (nbi, lists) = session(context, connection, turn)?;
    let (options, stop) = (&context.options, &turn.stop);
    let counted = &mut memory.counted;
    let mut report = pass_with_lists(&nbi, &lists, revision, options, stop, counted).await;
    let pause = memory.rounds.passed(revision, &mut report);
    let end = tell(&report, pause);
    if matches!(report.end, PassEnd::Waiting { .. }) {
        let end = End { changes: Vec::new(), ..end.clone() };
        memory.waiting = Some(Waiting { nbi, end });
    }
    Ok(end)
}

/// Only reads, and tells what would be done.
pub(super) async fn plan(
    context: &Context,
    revision: &Revision,
    connection: &Connection,
    memory: &mut Memory,
    turn: &Turn,
) -> Result<End, End> {
    let (nbi, lists) = session(context, connection, turn)?;
    if !revision.problems.is_empty() {
        let problems: Vec<String> = revision.problems.iter().map(ToString::to_string).collect();
        return Err(End::stalled(Reason::BuildFailed, problems.join("; ")));
    }
    match read_lists_and_plan(&nbi, &lists, &revision.desired).await {
        Ok(plan) => {
            memory.counted.planned(&plan);
            Ok(End::of_plan(&plan, render(&plan), revision.name.as_str()))
        }
        Err(error) => {
            let failure = error.failure();
            let reason = if failure.log_in_refused {
                Reason::AuthenticationFailed
            } else {
                Reason::ReconciliationFailed
            };
            let message = match failure.help {
                Some(help) => format!("{} ({help})", failure.message),
                None => failure.message,
            };
            if failure.may_pass {
                let outcome = Outcome::Failed { not_before: failure.retry_after };
                Err(End { outcome, ..End::failed(reason, message) })
            } else {
                Err(End::stalled(reason, message))
            }
        }
    }
}
