//! The three phases of a run, and the loop that all of them share.

mod judged;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::commits::News;
use super::process::{self, OBJECT, Process};
use super::{CONVERGE_WITHIN, FAULTS_FOR, LONGER_AFTER_EDITS, STILL_FOR, also_shown};
use crate::sim::fault::{Kind, Own};
use crate::sim::hand::edit_newest;
use crate::sim::heal::heal;
use crate::sim::laws::twins::BOTH_REPLICAS;
use crate::sim::laws::{Law, ends, session};
use crate::sim::osm::{Osm, canonical};
use crate::sim::reconciler::{Ended, Maker, Says};
use crate::sim::wire::{SharedRef, lock};
use crate::sim::world::{NEXT_PASSWORD, PASSWORD, SECRET_VALUE};

/// How long a killed process takes to come back.
const RESTART_AFTER: Duration = Duration::from_secs(3);

/// How long after the last fault it is quiet enough to look at the end.
const QUIET_AFTER: Duration = Duration::from_secs(60);

/// No run takes longer: uploads have their limits.
const RUN_MAX: Duration = Duration::from_secs(24 * 3600);

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
    /// When it did, by OSM's clock.
    told_at: Option<f64>,
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
            told_at: None,
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
        self.attempts_are_counted();
        let nbi = lock(&self.shared).nbi.clone();
        self.others_go_on();
        lock(&self.shared).all_land();
        lock(&self.shared).others_untouched();
        let lost_packages = lock(&self.shared).hits.iter().any(Kind::is_foreign_hand);
        let mended = heal(&nbi, lost_packages).await;
        for what in &mended {
            lock(&self.shared).tell(0, format!("mended: {what}"));
        }
        self.mended = mended.len();
        if !mended.is_empty() {
            lock(&self.shared).note_foreign();
        }
        lock(&self.shared).tell(0, "no more faults");
        let edited = lock(&self.shared).hits.iter().any(Kind::is_edit);
        let longer = if edited { LONGER_AFTER_EDITS } else { Duration::ZERO };
        let limit = self.now() + CONVERGE_WITHIN + longer;
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
        for law in also_shown(&shared.hits.clone(), self.met_operation, self.news.is_other) {
            shared.verdicts.test(law, at, left.is_empty(), || left.join("; "));
        }
        drop(shared);
        if !self.has_converged {
            self.tells_what_is_wrong();
        }
    }

    /// Whether commits came otherwise than without faults.
    pub(super) fn comes_otherwise(&self) -> bool {
        self.news.is_other
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
        let mut shared = lock(&self.shared);
        shared.others_untouched();
        let at = shared.now();
        let journal = shared.nbi.journal();
        let holds = journal.iter().all(|request| {
            [PASSWORD, NEXT_PASSWORD, SECRET_VALUE]
                .iter()
                .all(|secret| !request.path.contains(secret) && !request.query.contains(secret))
        });
        shared.verdicts.test(Law::S10, at, holds, || "a secret is in a URL".to_owned());
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
            self.attempts_are_counted();
            let nbi = lock(&self.shared).nbi.clone();
            self.met_operation |= !nbi.pending_operations().is_empty();
            lock(&self.shared).tell(0, format!("commit {}", commit + 1));
            self.commit = Some(commit);
            self.told_at = Some(nbi.clock().now());
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
            lock(&self.shared).knows(self.process.number);
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
            let second = self.second_replica();
            second.begins(&self.shared, commit, is_whole);
            second
        });
        let stop = CancellationToken::new();
        let crash = self.process.crash.clone();
        let number = self.process.number;
        let ended = {
            let Self { process, news, shared, fingerprint, commit, met_operation, told_at, .. } =
                self;
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
                    *told_at = Some(shared.nbi.clock().now());
                    *fingerprint += 1;
                    drop(shared);
                    process::see(driver, now, *fingerprint);
                    if driver.step(now).cancel.contains(&OBJECT) {
                        stop.cancel();
                    }
                }
            }
        };
        self.is_alone_again(second.as_ref());
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

    /// Another one, which does not know what the first one makes at the same time.
    fn second_replica(&mut self) -> Process {
        self.processes += 1;
        let crash = self.process.crash.clone();
        lock(&self.shared).twins.open_window(BOTH_REPLICAS);
        Process::beside(&self.shared, self.maker, self.processes, self.password, crash)
    }

    /// The second replica, where there was one, is no more.
    fn is_alone_again(&self, second: Option<&Process>) {
        let mut shared = lock(&self.shared);
        shared.knows(BOTH_REPLICAS);
        if let Some(second) = second {
            shared.knows(second.number);
        }
    }

    /// A run ended by itself.
    fn ended(&mut self, number: u32, ended: Ended) {
        let now = self.now();
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        shared.tell(number, ended.says.word());
        let seen = shared.processes.entry(number).or_default();
        if ended.says == Says::Ready {
            let expected = seen.commit.map(|commit| &shared.world.commits[commit].expected);
            let verdicts = &mut shared.verdicts;
            match expected {
                Some(expected) => ends::ready(expected, &seen.reading, now, verdicts),
                None => verdicts
                    .test(Law::S7, now, false, || "ready without a whole artifact".to_owned()),
            }
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
            shared.knows(self.process.number);
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
}
