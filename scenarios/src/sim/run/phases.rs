//! The three phases of a run, and the loop that all of them share.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::commits::News;
use super::process::{self, OBJECT, Process};
use super::{CONVERGE_WITHIN, FAULTS_FOR, STILL_FOR, also_shown};
use crate::sim::fault::{Kind, Own};
use crate::sim::hand::edit_newest;
use crate::sim::heal::heal;
use crate::sim::laws::{Law, ends, session};
use crate::sim::osm::{Osm, canonical};
use crate::sim::reconciler::{Ended, Maker, Says};
use crate::sim::wire::{SharedRef, foreign, lock};
use crate::sim::world::{NEXT_PASSWORD, PASSWORD, SECRET_VALUE};

/// How long a killed process takes to come back.
const RESTART_AFTER: Duration = Duration::from_secs(3);

/// How long after the last fault it is quiet enough to look at the end.
const QUIET_AFTER: Duration = Duration::from_secs(60);

/// No run takes longer: uploads have their limits.
const RUN_MAX: Duration = Duration::from_secs(24 * 3600);

/// More requests than this in ten minutes are no bounded rate: one in two seconds, beside those of a pass.
const REQUESTS_IN_TEN_MINUTES_MAX: usize = 300;

/// Whoever sends more than this goes round in circles.
const REQUESTS_MAX: usize = 20_000;

/// A run under way.
pub(super) struct Course<'m> {
    shared: SharedRef,
    maker: &'m dyn Maker,
    process: Process,
    processes: u32,
    news: News,
    /// The commit that the source told of last.
    commit: Option<usize>,
    /// Changes with everything that is news to the driver.
    fingerprint: u64,
    password: &'static str,
    /// How the last run ended.
    last: Option<Ended>,
    /// Whether a commit came while OSM was at work.
    met_operation: bool,
    /// Whether OSM matches, and is only to be read.
    is_still: bool,
    /// Whether OSM came to match.
    pub(super) has_converged: bool,
    /// How many things an operator mended.
    pub(super) mended: usize,
    /// The places of the first phase, where faults can be.
    pub(super) places: Vec<(String, u32)>,
}

impl<'m> Course<'m> {
    pub(super) fn new(shared: &SharedRef, maker: &'m dyn Maker) -> Self {
        let news = News::of(shared);
        Self {
            process: Process::start(shared, maker, 1, PASSWORD),
            shared: shared.clone(),
            maker,
            processes: 1,
            news,
            commit: None,
            fingerprint: 0,
            password: PASSWORD,
            last: None,
            met_operation: false,
            is_still: false,
            has_converged: false,
            mended: 0,
            places: Vec::new(),
        }
    }

    /// Commits and faults, until OSM matches the last commit or the time is over.
    pub(super) async fn faults(&mut self) {
        let limit = self.news.last + FAULTS_FOR;
        self.go_on(limit, true).await;
        let mut shared = lock(&self.shared);
        self.places.clone_from(&shared.places);
        shared.disarm();
    }

    /// Faults have stopped; what they left for good is mended.
    pub(super) async fn convergence(&mut self) {
        self.bounded_rate();
        let nbi = lock(&self.shared).nbi.clone();
        self.others_go_on();
        nbi.land_held_back();
        self.others_untouched();
        let mended = heal(&nbi).await;
        for what in &mended {
            lock(&self.shared).tell(0, format!("mended: {what}"));
        }
        self.mended = mended.len();
        if !mended.is_empty() {
            lock(&self.shared).note_foreign();
        }
        lock(&self.shared).tell(0, "no more faults");
        let limit = self.now() + CONVERGE_WITHIN;
        self.go_on(limit, false).await;
        let differences = self.differences();
        let said = self.last.as_ref().map_or("nothing", |last| last.says.word());
        let mut shared = lock(&self.shared);
        let at = shared.now();
        let is_ready = self.last.as_ref().is_some_and(|last| last.says == Says::Ready);
        self.has_converged = differences.is_empty() && is_ready;
        let mut left = differences;
        if left.is_empty() && !is_ready {
            left.push("all is, but nobody says so".to_owned());
        }
        let told = self.last.as_ref().map_or("", |last| last.told.as_str());
        let said = if left.is_empty() { said.to_owned() } else { format!("{said}: {told}") };
        ends::converged(&left, &said, at, &mut shared.verdicts);
        for law in also_shown(&shared.hits.clone(), self.met_operation) {
            shared.verdicts.test(law, at, left.is_empty(), || left.join("; "));
        }
    }

    /// OSM matches, and stays so without a write.
    pub(super) async fn stillness(&mut self, state: &[String]) {
        if !self.has_converged {
            return;
        }
        self.is_still = true;
        let limit = self.now() + STILL_FOR;
        self.go_on(limit, false).await;
        let nbi = lock(&self.shared).nbi.clone();
        let world = lock(&self.shared).world.clone();
        let after = nbi.look(|look| canonical(look, world.leftovers.as_ref()));
        let mut shared = lock(&self.shared);
        let at = shared.now();
        shared.verdicts.test(Law::L1, at, after == state, || "it does not stay so".to_owned());
    }

    /// What is true of the whole run.
    pub(super) fn at_last(&self) {
        self.others_untouched();
        let mut shared = lock(&self.shared);
        let at = shared.now();
        let journal = shared.nbi.journal();
        let holds = journal.iter().all(|request| {
            [PASSWORD, NEXT_PASSWORD, SECRET_VALUE]
                .iter()
                .all(|secret| !request.path.contains(secret) && !request.query.contains(secret))
        });
        shared.verdicts.test(Law::S10, at, holds, || "a secret is in a URL".to_owned());
    }

    /// S1: what is not ours is as whoever changed it last left it.
    fn others_untouched(&self) {
        let mut shared = lock(&self.shared);
        let at = shared.now();
        let theirs = foreign(&shared.nbi, &shared.world.owner);
        if !theirs.is_empty() || !shared.foreign.is_empty() {
            let holds = theirs == shared.foreign;
            shared.verdicts.test(Law::S1, at, holds, || "records of others changed".to_owned());
        }
    }

    fn now(&self) -> Duration {
        lock(&self.shared).now()
    }

    fn sees(&mut self) {
        let (now, fingerprint) = (self.now(), self.fingerprint);
        self.process.see(now, fingerprint);
    }

    /// Runs what is due until `limit`, or until OSM matches for good in the phase with faults.
    async fn go_on(&mut self, limit: Duration, with_faults: bool) {
        loop {
            self.hear();
            let now = self.now();
            if now >= limit || self.is_over(now, with_faults) {
                return;
            }
            let step = self.process.driver.step(now);
            if step.run.is_empty() {
                let wakes = [step.wake, self.news.next(), lock(&self.shared).secret_due];
                let wake = wakes.into_iter().flatten().min().unwrap_or(limit).min(limit);
                let wake = if with_faults { wake.min(now + QUIET_AFTER) } else { wake };
                self.sleep_until(wake).await;
            } else {
                self.run_once().await;
            }
        }
    }

    /// Whether the phase has reached its end before its time.
    fn is_over(&self, now: Duration, with_faults: bool) -> bool {
        let requests = lock(&self.shared).nbi.journal_len();
        if requests > REQUESTS_MAX {
            let mut shared = lock(&self.shared);
            shared.verdicts.test(Law::L5, now, false, || format!("{requests} requests"));
            return true;
        }
        if self.is_still || self.news.next().is_some() {
            return false;
        }
        let is_ready = self.last.as_ref().is_some_and(|last| last.says == Says::Ready);
        let shared = lock(&self.shared);
        if !is_ready || shared.secret_due.is_some() {
            return false;
        }
        let is_quiet = shared.hits.is_empty() || now >= shared.last_hit + QUIET_AFTER;
        drop(shared);
        (is_quiet || !with_faults) && self.differences().is_empty()
    }

    /// What is not as the last commit has it.
    fn differences(&self) -> Vec<String> {
        let Some(commit) = self.commit else { return vec!["no commit".to_owned()] };
        let shared = lock(&self.shared);
        let osm = shared.nbi.look(Osm::read);
        shared.world.commits[commit].expected.differences(&osm)
    }

    /// Takes news in.
    fn hear(&mut self) {
        let now = self.now();
        if let Some(commit) = self.news.take(now) {
            self.healthy_items_match();
            let nbi = lock(&self.shared).nbi.clone();
            self.met_operation |= !nbi.pending_operations().is_empty();
            lock(&self.shared).tell(0, format!("commit {}", commit + 1));
            self.commit = Some(commit);
            self.fingerprint += 1;
            self.last = None;
            self.sees();
        }
        let due = lock(&self.shared).secret_due.filter(|due| *due <= now);
        if due.is_some() {
            let mut shared = lock(&self.shared);
            shared.secret_due = None;
            shared.tell(self.process.number, "reads the new Secret");
            drop(shared);
            self.password = NEXT_PASSWORD;
            self.fingerprint += 1;
            self.processes += 1;
            let fresh = Process::start(&self.shared, self.maker, self.processes, self.password);
            self.process.reconciler = fresh.reconciler;
            self.process.crash = fresh.crash;
            self.process.number = fresh.number;
            self.sees();
        }
    }

    /// What a fault before a run does to time, and to OSM.
    async fn time_goes_by(&self, fault: Option<&Kind>) {
        match fault {
            Some(Kind::Own(Own::Pause { seconds })) => {
                tokio::time::advance(Duration::from_secs(*seconds)).await;
            }
            Some(Kind::Own(Own::Jump { seconds })) => {
                let nbi = lock(&self.shared).nbi.clone();
                nbi.advance(Duration::from_secs(*seconds));
            }
            Some(Kind::Own(Own::PackageEdited)) => {
                let shared = lock(&self.shared);
                edit_newest(&shared.nbi, &shared.world.owner);
            }
            _ => {}
        }
    }

    /// One run, with whatever happens meanwhile.
    async fn run_once(&mut self) {
        let fault = lock(&self.shared).step("run");
        self.time_goes_by(fault.as_ref()).await;
        let of = self.commit;
        let commit = of.unwrap_or_default();
        let world = lock(&self.shared).world.clone();
        let source = process::source(&world, commit, fault.as_ref());
        let is_whole = matches!(source, crate::sim::reconciler::Source::Whole(_));
        self.process.begins(&self.shared, commit, is_whole);
        let mut second = (fault == Some(Kind::Own(Own::SecondReplica))).then(|| {
            self.processes += 1;
            let crash = self.process.crash.clone();
            Process::beside(&self.shared, self.maker, self.processes, self.password, crash)
        });
        if let Some(second) = &second {
            second.begins(&self.shared, commit, is_whole);
        }
        let stop = CancellationToken::new();
        let crash = self.process.crash.clone();
        let number = self.process.number;
        let ended = {
            let Self { process, news, shared, fingerprint, commit, met_operation, .. } = self;
            let began = lock(shared).began;
            let overdue = Instant::now() + RUN_MAX;
            let beside = second.as_mut().map(|second| second.reconciler.run(source, &stop));
            let Process { driver, reconciler, .. } = process;
            let mut running = std::pin::pin!(process::both(reconciler.run(source, &stop), beside));
            loop {
                let next = news.next().map_or(overdue, |at| overdue.min(began + at));
                tokio::select! {
                    biased;
                    () = crash.notified() => break None,
                    ended = &mut running => break Some(ended),
                    () = sleep_until(next) => {}
                }
                if Instant::now() >= overdue {
                    let mut shared = lock(shared);
                    let at = shared.now();
                    let how = || "a run does not end".to_owned();
                    shared.verdicts.test(Law::L1, at, false, how);
                    break None;
                }
                let now = lock(shared).now();
                if let Some(news) = news.take(now) {
                    let mut shared = lock(shared);
                    *met_operation |= !shared.nbi.pending_operations().is_empty();
                    shared.tell(0, format!("commit {}", news + 1));
                    *commit = Some(news);
                    *fingerprint += 1;
                    drop(shared);
                    process::see(driver, now, *fingerprint);
                    if driver.step(now).cancel.contains(&OBJECT) {
                        stop.cancel();
                    }
                }
            }
        };
        match ended {
            Some(_) if fault == Some(Kind::Own(Own::CrashUntold)) => self.restart().await,
            Some(ended) => self.ended(number, ended),
            None => self.restart().await,
        }
        if self.commit != of {
            // What it said was about an earlier commit.
            self.last = None;
        }
    }

    /// A run ended by itself.
    fn ended(&mut self, number: u32, ended: Ended) {
        let now = self.now();
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        shared.tell(number, ended.says.word());
        let seen = shared.processes.entry(number).or_default();
        if ended.says == Says::Ready
            && let Some(commit) = seen.commit
        {
            let expected = &shared.world.commits[commit].expected;
            let verdicts = &mut shared.verdicts;
            ends::ready(expected, &seen.reading, seen.wrote_since, now, verdicts);
            ends::has_read(expected, seen.asked, now, verdicts);
        }
        if self.is_still {
            ends::only_reads(seen.asked, now, &mut shared.verdicts);
        }
        if !ended.told.is_empty() {
            let bearer = seen.session.bearer.trim_start_matches("Bearer ");
            let secrets = [PASSWORD, NEXT_PASSWORD, SECRET_VALUE, bearer];
            session::keeps_secrets(&ended.told, &secrets, now, &mut shared.verdicts);
        }
        drop(guard);
        self.process.driver.ended(now, &OBJECT, ended.outcome);
        self.last = Some(ended);
    }

    /// The process was killed; another one comes up.
    async fn restart(&mut self) {
        {
            let mut shared = lock(&self.shared);
            shared.crashed = false;
            shared.tell(self.process.number, "is killed");
        }
        self.last = None;
        let due = self.now() + RESTART_AFTER;
        self.sleep_until(due).await;
        self.processes += 1;
        self.process = Process::start(&self.shared, self.maker, self.processes, self.password);
        lock(&self.shared).tell(self.process.number, "starts");
        if self.commit.is_some() {
            self.sees();
        }
    }

    async fn sleep_until(&self, at: Duration) {
        let began: Instant = lock(&self.shared).began;
        sleep_until(began + at).await;
    }

    /// L3: before the next commit comes, what is healthy in one with a broken file matches.
    fn healthy_items_match(&self) {
        let Some(commit) = self.commit else { return };
        let shared = lock(&self.shared);
        let is_broken = !shared.world.commits[commit].revision.problems.is_empty();
        let settled = shared.hits.is_empty() && !shared.world.has_earlier_lives;
        drop(shared);
        let at_rest = self.last.as_ref().is_some_and(|last| last.says == Says::Stalled);
        if is_broken && settled && at_rest {
            let differences = self.differences();
            let mut shared = lock(&self.shared);
            let at = shared.now();
            let how = || differences.join("; ");
            shared.verdicts.test(Law::L3, at, differences.is_empty(), how);
        }
    }

    /// L3: where an operation of one instance never ends, the others match all the same.
    fn others_go_on(&self) {
        let shared = lock(&self.shared);
        let is_lasting = |kind: &Kind| {
            use mock_nbi::{FaultKind, RestState};
            matches!(
                kind,
                Kind::Osm(
                    FaultKind::OperationStuck
                        | FaultKind::OperationLost
                        | FaultKind::OperationRests { state: RestState::RollingBack, .. }
                )
            )
        };
        let Some(commit) = self.commit else { return };
        if shared.hits.is_empty() || !shared.hits.iter().all(is_lasting) {
            return;
        }
        let osm = shared.nbi.look(Osm::read);
        let stuck: Vec<&str> =
            osm.instances.iter().filter(|i| i.is_processing).map(|i| i.name.as_str()).collect();
        let expected = &shared.world.commits[commit].expected;
        let held_up = expected.held_up_by(&stuck);
        // What is to go and does not keeps its packages.
        let has_stray = stuck.iter().any(|name| expected.instance(name).is_none());
        let differences = expected.differences(&osm);
        let others: Vec<String> = differences
            .into_iter()
            .filter(|difference| {
                let is_needed = difference.ends_with("not removed") && has_stray;
                !is_needed
                    && !held_up.iter().any(|name| difference.contains(&format!("NS {name}:")))
            })
            .collect();
        drop(shared);
        if !stuck.is_empty() {
            let mut shared = lock(&self.shared);
            let at = shared.now();
            shared.verdicts.test(Law::L3, at, others.is_empty(), || {
                format!("{stuck:?} at work, and others wait: {}", others.join("; "))
            });
        }
    }

    /// L5: what does not come to match says so, and asks no more than it must.
    fn bounded_rate(&self) {
        if self.differences().is_empty() {
            return;
        }
        let mut shared = lock(&self.shared);
        let at = shared.now();
        let since = shared.nbi.clock().now() - 600.0;
        let journal = shared.nbi.journal();
        let asked = journal.iter().rev().take_while(|request| request.at >= since).count();
        shared.verdicts.test(Law::L5, at, asked <= REQUESTS_IN_TEN_MINUTES_MAX, || {
            format!("{asked} requests in ten minutes")
        });
        let said = self.last.as_ref();
        let holds = said.is_none_or(|last| {
            last.says != Says::Ready && !last.told.is_empty() || last.says == Says::Progressing
        });
        shared.verdicts.test(Law::L5, at, holds, || "it does not say what is wrong".to_owned());
    }
}
