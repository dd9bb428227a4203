//! Executes the steps of a scenario on a target.
//!
//! In: a [`World`] and a [`Target`]. Out: a [`RunReport`], and a [`Story`] told on the way. Invariant:
//! the same code runs on every target; an expectation that does not hold stops nothing, so that one run
//! shows them all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use osmops::apply::ActionResult;
use osmops::desired::Drift;
use osmops::ids::OpId;
use osmops::moment::Moment;
use osmops::nbi::{Nbi, TimeLimits};
use osmops::plan::{Item, Plan, PlannedAction};
use osmops::reconcile::{Observer, OperationLook, PassOptions, converge, read_and_plan};
use osmops::report::{PassEnd, PassReport};
use osmops::request_counts::RequestCounts;
use osmops::revision::Revision;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use crate::check::Check;
use crate::check::{Last, check};
use crate::fake::{Fake, FakeError};
use crate::hand::{Hand, HandError, OsmState};
use crate::script::ScriptError;
use crate::step::{Expectation, Policy, Step};
use crate::story::Story;
use crate::target::Target;
use crate::world::World;

/// What a scenario came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Its name.
    pub scenario: String,
    /// Where it ran.
    pub target: String,
    /// Whether every expectation held.
    pub holds: bool,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// What each `apply` and `plan` sent, by the count of `osmops`.
    pub sessions: Vec<Session>,
    /// What OSM has at the end.
    pub osm: OsmState,
    /// Whether it was asked to stop before the end.
    pub interrupted: bool,
}

/// One `apply` or `plan`.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// `apply` or `plan`.
    pub verb: &'static str,
    /// The tag.
    pub tag: String,
    /// How an `apply` ended.
    pub end: Option<PassEnd>,
    /// Its requests.
    pub requests: RequestCounts,
}

/// Why a scenario could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot run on this target.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Something given could not be made.
    #[error("{file}:{line}: cannot make what is given", file = .file.display())]
    Given {
        /// The scenario file.
        file: PathBuf,
        /// Where it is given.
        line: u32,
        /// Why.
        #[source]
        source: HandError,
    },
    /// The operator's hand could not look at OSM.
    #[error("cannot look at the state of OSM")]
    Hand(#[from] HandError),
    /// The fake could not be steered.
    #[error(transparent)]
    Fake(#[from] FakeError),
    /// OSM could not be read for a `plan`.
    #[error("cannot plan")]
    Plan(#[source] osmops::nbi::NbiError),
}

/// Runs `world`'s script on `target` and tells `story` about it.
///
/// # Errors
/// [`RunError`], when it cannot go on; a failed expectation is no error.
///
/// # Cancel safety
/// `stop` is looked at between steps, by each `apply`, and while something given is made. Dropped,
/// OSM stays as it is then.
pub async fn run(
    world: &World,
    target: &Target,
    story: &mut Story,
    stop: &CancellationToken,
) -> Result<RunReport, RunError> {
    let script = &world.script;
    if target.fake.is_none() {
        script.check_portable(&target.what)?;
    }
    // Other NBIs do not tell their time; their operations are counted from the first.
    let opened_at = match &target.fake {
        Some(fake) => fake.now().await?,
        None => 0.0,
    };
    // A fake in a process of its own has another clock than the story.
    let is_ours = target.fake.is_some() && target.process.is_none();
    let epoch = is_ours.then(|| Moment::from_epoch_seconds(opened_at));
    story.begin(script, &target.what, epoch);
    let mut hand = Hand::log_in(target.transport.clone(), &target.connection).await?;
    story.given_begins(script.given.len());
    for given in &script.given {
        // A real OSM takes minutes for some; what is under way there goes on.
        let made = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            made = hand.make(&given.value, world) => made,
        };
        let failed =
            |source| RunError::Given { file: script.file.clone(), line: given.line, source };
        story.given(&given.value, made.map_err(failed)?);
    }
    let mut runner = Runner {
        world,
        target,
        hand,
        last: Last::default(),
        previous_tag: None,
        applied_tag: None,
        checks: Vec::new(),
        sessions: Vec::new(),
    };
    for (number, step) in script.steps.iter().enumerate() {
        if stop.is_cancelled() {
            break;
        }
        story.step_begins(number + 1, &step.value, runner.applied_tag.as_deref());
        runner.step(&step.value, story, stop).await?;
    }
    let osm = runner.hand.read_state().await?;
    let hand_requests = runner.hand.requests() + 1;
    runner.hand.log_out().await?;
    let connections = match &target.fake {
        Some(fake) => connections(fake).await?,
        None => 0,
    };
    let report = RunReport {
        scenario: script.name.clone(),
        target: target.what.clone(),
        holds: runner.checks.iter().all(|check| check.found_instead.is_none()),
        checks: runner.checks,
        sessions: runner.sessions,
        osm,
        interrupted: stop.is_cancelled(),
    };
    story.end(&report, opened_at, hand_requests, connections);
    Ok(report)
}

/// How many connections the fake saw; 0 in process.
async fn connections(fake: &Fake) -> Result<usize, FakeError> {
    let journal = fake.journal().await?;
    let numbers: BTreeSet<u64> = journal.iter().map(|served| served.connection).collect();
    Ok(numbers.into_iter().filter(|number| *number > 0).count())
}

/// A run under way.
struct Runner<'a> {
    world: &'a World,
    target: &'a Target,
    hand: Hand,
    last: Last,
    /// The tag that was looked at last; differences are told against it.
    previous_tag: Option<String>,
    applied_tag: Option<String>,
    checks: Vec<Check>,
    sessions: Vec<Session>,
}

impl Runner<'_> {
    async fn step(
        &mut self,
        step: &Step,
        story: &mut Story,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        match step {
            Step::Apply { tag, within, policy } => {
                self.apply(tag, *within, *policy, story, stop).await
            }
            Step::Plan { tag } => self.plan(tag, story).await,
            Step::ByHand(deed) => {
                self.hand.carry_out(deed).await?;
                story.done_by_hand();
                Ok(())
            }
            Step::Expect(expected) => self.expect(expected, story).await,
            Step::Fault(fault) => Ok(self.fake().inject(fault).await?),
            Step::Advance(by) => {
                story.advance(*by);
                Ok(self.fake().advance(*by).await?)
            }
            Step::Operations(mode) => Ok(self.fake().set_operations(*mode).await?),
            Step::EndOperations(how) => Ok(self.fake().end_operations(how).await?),
        }
    }

    /// The fake; steps that need it are refused before the first on targets that have none.
    fn fake(&self) -> &Fake {
        let fake = self.target.fake.as_ref();
        fake.expect("`run` checked that the script is portable when there is no fake")
    }

    /// Reads a tag's files and tells what changed since the one before.
    fn read_revision(&mut self, tag: &str, story: &mut Story) -> Revision {
        let checkout = self.world.checkout(tag);
        let before = self.previous_tag.replace(tag.to_owned());
        let before = before.map(|tag| self.world.checkout(&tag));
        story.commit(before, checkout);
        let revision = Revision::read(&checkout.tree, checkout.tag.clone());
        story.revision(&revision);
        revision
    }

    fn nbi(&self) -> Nbi {
        let connection = self.target.connection.clone();
        Nbi::new(connection, self.target.transport.clone(), TimeLimits::default())
    }

    async fn apply(
        &mut self,
        tag: &str,
        within: Duration,
        policy: Policy,
        story: &mut Story,
        stop: &CancellationToken,
    ) -> Result<(), RunError> {
        let mut revision = self.read_revision(tag, story);
        if let Some(prune) = &mut revision.desired.prune {
            prune.allow_large |= policy.allow_large_prune;
        }
        if policy.reports_drift {
            let applied = self.applied_tag.as_deref().unwrap_or(tag);
            let applied = self.world.checkout(applied);
            let applied = Revision::read(&applied.tree, applied.tag.clone()).desired;
            revision.desired.drift = Drift::Report { applied: Box::new(applied) };
        }
        let served = self.served_so_far().await?;
        let nbi = self.nbi();
        let mut watcher = Watcher::new(story);
        let report =
            converge(&nbi, &revision, &PassOptions::default(), within, stop, &mut watcher).await;
        self.applied_tag = Some(tag.to_owned());
        let operations_probed = watcher.probed.len() as u64;
        story.log_out(nbi.log_out().await);
        let requests = nbi.request_counts();
        story.applied(&report, within, &requests);
        self.tell_requests(served, story).await?;
        self.sessions.push(Session {
            verb: "apply",
            tag: tag.to_owned(),
            end: Some(report.end),
            requests,
        });
        self.last = Last {
            problems: report.problems.clone(),
            report: Some(report),
            plan: None,
            requests,
            operations_probed,
        };
        Ok(())
    }

    async fn plan(&mut self, tag: &str, story: &mut Story) -> Result<(), RunError> {
        let revision = self.read_revision(tag, story);
        let served = self.served_so_far().await?;
        let nbi = self.nbi();
        let plan = read_and_plan(&nbi, &revision.desired).await;
        story.log_out(nbi.log_out().await);
        let plan = plan.map_err(RunError::Plan)?;
        let requests = nbi.request_counts();
        story.only_planned(&plan, &requests);
        self.tell_requests(served, story).await?;
        self.sessions.push(Session { verb: "plan", tag: tag.to_owned(), end: None, requests });
        self.last = Last {
            report: None,
            plan: Some(plan),
            problems: revision.problems,
            requests,
            operations_probed: 0,
        };
        Ok(())
    }

    async fn expect(&mut self, expected: &Expectation, story: &mut Story) -> Result<(), RunError> {
        let osm = self.hand.read_state().await?;
        let checks = check(expected, &self.last, &osm);
        story.checked(&checks);
        self.checks.extend(checks);
        Ok(())
    }

    async fn served_so_far(&self) -> Result<usize, FakeError> {
        match &self.target.fake {
            Some(fake) => Ok(fake.journal().await?.len()),
            None => Ok(0),
        }
    }

    async fn tell_requests(&self, since: usize, story: &mut Story) -> Result<(), FakeError> {
        if let Some(fake) = &self.target.fake {
            let journal = fake.journal().await?;
            story.requests(journal.get(since..).unwrap_or_default());
        }
        Ok(())
    }
}

/// Hears what `osmops` does and tells it on.
struct Watcher<'a> {
    story: &'a mut Story,
    probed: BTreeSet<OpId>,
    passes: usize,
}

impl<'a> Watcher<'a> {
    fn new(story: &'a mut Story) -> Self {
        Self { story, probed: BTreeSet::new(), passes: 0 }
    }
}

impl Observer for Watcher<'_> {
    fn planned(&mut self, plan: &Plan) {
        self.passes += 1;
        self.story.planned(plan, self.passes);
    }

    fn action_starts(&mut self, action: &PlannedAction) {
        self.story.action_starts(action);
    }

    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult) {
        self.story.action_ended(action, result);
    }

    fn operation_seen(&mut self, look: &OperationLook) {
        self.probed.insert(look.operation.clone());
        self.story.operation_seen(look);
    }

    fn operation_forgotten(&mut self, item: &Item, operation: &OpId) {
        self.probed.insert(operation.clone());
        self.story.operation_forgotten(item);
    }

    fn pass_ended(&mut self, report: &PassReport) {
        self.story.pass_ended(report);
    }
}
