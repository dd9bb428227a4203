//! The queue of life-cycle operations: when each starts, moves on and ends.
//!
//! Pure: it is told the time and gives back what happens; [`crate::state::lcm`] writes the records.
//! Operations of one instance (or one admin item) run one after another in the order they came.
//!
//! Source: NBI_FACTS.md sections 6, 9 and 11; recorded case `ns_actions_queue`.

mod pending;
mod step;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::{Course, Kind, Profile};

pub use pending::{PendingOperation, SteerError};
pub(crate) use step::{Change, Ending, Step, Work};

/// The second stage of an instantiation, in which charts are installed, begins after this share of
/// its time; the first only reads the database.
const PREPARATION_SHARE: f64 = 0.05;

/// In the modes `ok` and `fail` an operation ends this long after it was asked for, so that a
/// client that reads straight after the request still sees it PROCESSING.
///
/// Source: times between `startTime` and `statusEnteredTime` in the recordings.
const MODE_DELAY: Duration = Duration::from_millis(20);

/// How operations go on, set over the profile by `PUT /_mock/operations/mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// They never start.
    Off,
    /// They end well, 20 ms after they were asked for.
    Ok,
    /// They fail, 20 ms after they were asked for.
    Fail,
    /// They start at once and end on request.
    Manual,
}

/// How an operation is to end, on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationResult {
    /// COMPLETED.
    Ok,
    /// FAILED.
    Fail {
        /// The text that OSM's life-cycle manager leaves.
        detail: String,
    },
}

/// One operation that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    work: Work,
    /// Forced outcome, from a fault.
    fails_with: Option<String>,
    /// Waiting: when it could start. Running: when it started.
    since: f64,
    is_running: bool,
    is_waiting: bool,
    is_held: bool,
    stage: u32,
}

/// Every operation that has not ended.
#[derive(Debug)]
pub(crate) struct Engine {
    profile: Profile,
    mode: Option<Mode>,
    pending: Vec<Pending>,
}

impl Engine {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, mode: None, pending: Vec::new() }
    }

    pub(crate) fn profile(&self) -> Profile {
        self.profile
    }

    /// Adds an operation behind those of the same instance.
    pub(crate) fn submit(&mut self, work: Work, now: f64, fails_with: Option<String>) {
        self.pending.push(Pending {
            work,
            fails_with,
            since: now,
            is_running: false,
            is_waiting: false,
            is_held: false,
            stage: 1,
        });
    }

    /// Forgets every operation of an instance or item that is gone.
    pub(crate) fn forget(&mut self, queue: &str) {
        self.pending.retain(|pending| pending.work.queue() != queue);
    }

    /// Sets the mode (none: the profile's own way); what is pending follows it from `now` on.
    pub(crate) fn set_mode(&mut self, mode: Option<Mode>, now: f64) {
        self.mode = mode;
        for pending in &mut self.pending {
            pending.since = pending.since.max(now);
        }
    }

    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter()
    }

    pub(crate) fn restore(&mut self, mode: Option<Mode>, kept: impl IntoIterator<Item = Pending>) {
        self.mode = mode;
        self.pending.extend(kept);
    }

    /// Gives the earliest step due at `now` and counts it as done. Of two at one time, that of the
    /// operation which was asked for first.
    pub(crate) fn next_step(&mut self, now: f64) -> Option<Step> {
        let (index, at) = self.next_due()?;
        if at > now { None } else { self.advance(index, at) }
    }

    /// When the next step is due, if any ever is.
    pub(crate) fn next_time(&self) -> Option<f64> {
        self.next_due().map(|(_, at)| at)
    }

    /// Gives the next step of ending everything that is pending, whatever the mode says.
    pub(crate) fn force_step(&mut self, now: f64, result: &OperationResult) -> Option<Step> {
        self.force(0, now, result)
    }

    fn force(&mut self, index: usize, now: f64, result: &OperationResult) -> Option<Step> {
        let pending = self.pending.get_mut(index)?;
        if !pending.is_running {
            pending.is_running = true;
            pending.since = now;
            return Some(Step { at: now, work: pending.work.clone(), change: Change::Start });
        }
        let ending = match result {
            OperationResult::Ok => Ending::Well,
            OperationResult::Fail { detail } if detail.is_empty() => Ending::Badly(None),
            OperationResult::Fail { detail } => Ending::Badly(Some(detail.clone())),
        };
        Some(self.end(index, now, ending))
    }

    /// Gives the next step of ending one operation.
    ///
    /// # Errors
    /// [`SteerError::Unknown`], and [`SteerError::Behind`] where others of its instance come first.
    pub(crate) fn force_one(
        &mut self,
        id: &str,
        now: f64,
        result: &OperationResult,
    ) -> Result<Step, SteerError> {
        let unknown = || SteerError::Unknown(id.to_owned());
        let index = self.pending.iter().position(|p| p.work.op_id() == id).ok_or_else(unknown)?;
        let queue = self.pending[index].work.queue();
        let first = self.pending.iter().find(|p| p.work.queue() == queue).map(|p| p.work.op_id());
        match first {
            Some(first) if first != id => Err(SteerError::Behind { id: id.to_owned(), first }),
            _ => self.force(index, now, result).ok_or_else(unknown),
        }
    }

    /// Whether an operation of this id has not ended.
    pub(crate) fn is_pending(&self, id: &str) -> bool {
        self.pending.iter().any(|pending| pending.work.op_id() == id)
    }

    /// Keeps an operation where it is until it is released; `is_held` false releases it, and the
    /// time of its stage begins anew.
    ///
    /// # Errors
    /// [`SteerError::Unknown`].
    pub(crate) fn hold(&mut self, id: &str, is_held: bool, now: f64) -> Result<(), SteerError> {
        let pending = self.pending.iter_mut().find(|pending| pending.work.op_id() == id);
        let pending = pending.ok_or_else(|| SteerError::Unknown(id.to_owned()))?;
        if pending.is_held && !is_held {
            pending.since = pending.since.max(now);
        }
        pending.is_held = is_held;
        Ok(())
    }

    /// What is pending, in the order it was asked for.
    pub(crate) fn list(&self) -> Vec<PendingOperation> {
        let mut before: HashMap<&str, usize> = HashMap::new();
        let view = |pending: &Pending, behind: usize| PendingOperation {
            id: pending.work.op_id(),
            of: pending.work.queue().to_owned(),
            operation: match pending.work.kind() {
                Kind::Instantiate => "instantiate",
                Kind::Action => "action",
                Kind::Scale => "scale",
                Kind::Terminate => "terminate",
                Kind::Admin => "admin",
            },
            state: match (pending.is_running, pending.is_waiting) {
                (true, _) => "running",
                (false, true) => "waiting",
                (false, false) => "asked",
            },
            stage: if pending.is_running { pending.stage } else { 0 },
            is_held: pending.is_held,
            behind,
            since: pending.since,
            due: self.due(pending).filter(|_| behind == 0),
        };
        let all = self.pending.iter().map(|pending| {
            let behind = before.entry(pending.work.queue()).or_default();
            *behind += 1;
            view(pending, *behind - 1)
        });
        all.collect()
    }

    fn next_due(&self) -> Option<(usize, f64)> {
        let mut heads: HashSet<&str> = HashSet::new();
        let mut first: Option<(usize, f64)> = None;
        for (index, pending) in self.pending.iter().enumerate() {
            let is_behind = !heads.insert(pending.work.queue());
            if is_behind && (pending.is_waiting || pending.work.kind() == Kind::Admin) {
                continue;
            }
            if let Some(due) = self.due(pending)
                && first.is_none_or(|(_, earliest)| due < earliest)
            {
                first = Some((index, due));
            }
        }
        first
    }

    fn due(&self, pending: &Pending) -> Option<f64> {
        if pending.is_held {
            return None;
        }
        let course = self.course(pending.work.kind());
        if !pending.is_running {
            return course.starts_after.map(|wait| pending.since + wait.as_secs_f64());
        }
        let is_preparing = pending.stage == 1 && shows_stages(&pending.work, course);
        let share = if is_preparing { PREPARATION_SHARE } else { 1.0 };
        course.lasts.map(|lasts| pending.since + lasts.as_secs_f64() * share)
    }

    fn course(&self, kind: Kind) -> Course {
        match self.mode {
            None => self.profile.course(kind),
            Some(Mode::Off) => Course { starts_after: None, lasts: None, ends_well: true },
            Some(Mode::Manual) => {
                Course { starts_after: Some(Duration::ZERO), lasts: None, ends_well: true }
            }
            Some(mode @ (Mode::Ok | Mode::Fail)) => Course {
                starts_after: Some(MODE_DELAY),
                lasts: Some(Duration::ZERO),
                ends_well: mode == Mode::Ok,
            },
        }
    }

    fn advance(&mut self, index: usize, at: f64) -> Option<Step> {
        let course = self.course(self.pending.get(index)?.work.kind());
        let (before, rest) = self.pending.split_at_mut_checked(index)?;
        let pending = rest.first_mut()?;
        if before.iter().any(|earlier| earlier.work.queue() == pending.work.queue()) {
            pending.is_waiting = true;
            return Some(Step { at, work: pending.work.clone(), change: Change::Wait });
        }
        if !pending.is_running {
            pending.is_running = true;
            pending.since = at;
            return Some(Step { at, work: pending.work.clone(), change: Change::Start });
        }
        if pending.stage == 1 && shows_stages(&pending.work, course) {
            pending.stage += 1;
            let change = Change::Stage(pending.stage);
            return Some(Step { at, work: pending.work.clone(), change });
        }
        let ending = match &pending.fails_with {
            Some(detail) => Ending::Badly(Some(detail.clone())),
            None if course.ends_well => Ending::Well,
            None => Ending::Badly(None),
        };
        Some(self.end(index, at, ending))
    }

    fn end(&mut self, index: usize, at: f64, ending: Ending) -> Step {
        let ended = self.pending.remove(index);
        let ending = match ended.fails_with {
            Some(detail) => Ending::Badly(Some(detail)),
            None => ending,
        };
        for next in &mut self.pending {
            if next.work.queue() == ended.work.queue() {
                next.since = next.since.max(at);
            }
        }
        Step { at, work: ended.work, change: Change::End(ending) }
    }
}

/// Whether a client can see more than one stage: not where the operation takes no time.
fn shows_stages(work: &Work, course: Course) -> bool {
    let takes_time = course.lasts.is_some_and(|lasts| lasts > Duration::ZERO);
    takes_time && work.kind() == Kind::Instantiate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(ns_id: &str, op_id: &str, kind: Kind) -> Work {
        Work::Ns { ns_id: ns_id.into(), op_id: op_id.into(), kind }
    }

    fn steps_until(engine: &mut Engine, now: f64) -> Vec<String> {
        std::iter::from_fn(|| engine.next_step(now))
            .map(|step| {
                let Work::Ns { op_id, .. } = &step.work else {
                    return String::new();
                };
                let change = match step.change {
                    Change::Wait => "wait".to_owned(),
                    Change::Start => "start".to_owned(),
                    Change::Stage(stage) => format!("stage {stage}"),
                    Change::End(Ending::Well) => "well".to_owned(),
                    Change::End(Ending::Badly(detail)) => format!("badly {detail:?}"),
                };
                format!("{:.1} {op_id} {change}", step.at)
            })
            .collect()
    }

    #[test]
    fn operations_of_one_instance_run_in_order_and_others_beside_them() {
        let mut engine = Engine::new(Profile::realistic());
        engine.submit(work("a", "a1", Kind::Action), 0.0, None);
        engine.submit(work("a", "a2", Kind::Action), 1.0, Some("no".into()));
        engine.submit(work("b", "b1", Kind::Terminate), 1.0, None);
        let want = [
            "0.2 a1 start",
            "1.2 a2 wait",
            "1.2 b1 start",
            "15.2 a1 well",
            "15.4 a2 start",
            "21.2 b1 well",
            "30.4 a2 badly Some(\"no\")",
        ];
        assert_eq!(steps_until(&mut engine, 100.0), want);
    }

    #[test]
    fn an_instantiation_shows_its_stages() {
        let mut engine = Engine::new(Profile::realistic().speeded_up(2.0));
        engine.submit(work("a", "op", Kind::Instantiate), 0.0, None);
        assert_eq!(
            steps_until(&mut engine, 100.0),
            ["0.1 op start", "1.6 op stage 2", "30.1 op well"]
        );
    }

    #[test]
    fn in_manual_profile_operations_start_and_end_on_request_only() {
        let mut engine = Engine::new(Profile::manual());
        engine.submit(work("a", "op", Kind::Instantiate), 0.0, None);
        assert_eq!(steps_until(&mut engine, 1e9), ["0.0 op start"]);
        let step = engine.force_step(5.0, &OperationResult::Ok).unwrap();
        assert_eq!(step.change, Change::End(Ending::Well));
        assert_eq!(engine.force_step(5.0, &OperationResult::Ok), None);
    }

    #[test]
    fn a_new_mode_takes_hold_of_what_is_pending() {
        let mut engine = Engine::new(Profile::instant());
        engine.set_mode(Some(Mode::Off), 0.0);
        engine.submit(work("a", "op", Kind::Action), 0.0, None);
        assert!(steps_until(&mut engine, 50.0).is_empty());
        engine.set_mode(Some(Mode::Fail), 50.0);
        assert_eq!(steps_until(&mut engine, 60.0), ["50.0 op start", "50.0 op badly None"]);
    }
}
