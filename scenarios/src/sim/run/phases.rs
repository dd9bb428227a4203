//! The three phases of a run, and the loop that all of them share.

mod judged;
mod runs;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::commits::{News, Told};
use super::process::Process;
use super::{CONVERGE_WITHIN, FAULTS_FOR, LONGER_AFTER_EDITS, STILL_FOR, also_shown};
use crate::sim::fault::Kind;
use crate::sim::heal::heal;
use crate::sim::laws::{Law, ends};
use crate::sim::osm::canonical;
use crate::sim::reconciler::{Ended, Maker, Says};
use crate::sim::wire::{SharedRef, lock};
use crate::sim::world::{NEXT_PASSWORD, PASSWORD, SECRET_VALUE};
use judged::attempts_are_counted;

/// How long after the last fault it is quiet enough to look at the end.
const QUIET_AFTER: Duration = Duration::from_secs(60);

/// Whoever sends more than this goes round in circles.
const REQUESTS_MAX: usize = 20_000;

/// A run under way.
pub(super) struct Course<'m> {
    shared: SharedRef,
    maker: &'m dyn Maker,
    process: Process,
    processes: u32,
    news: News,
    pub(super) told: Told,
    password: &'static str,
    /// How the last run ended.
    last: Option<Ended>,
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
            told: Told::default(),
            password: PASSWORD,
            last: None,
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
        attempts_are_counted(&self.told, &mut lock(&self.shared));
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
        let is_edited_again = lock(&self.shared).edits > 1;
        let longer = if is_edited_again { LONGER_AFTER_EDITS } else { Duration::ZERO };
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
        for law in also_shown(&shared.hits.clone(), self.told.met_operation, self.news.is_other) {
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
        let (now, fingerprint) = (self.now(), self.told.fingerprint);
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
        self.told.differences(&lock(&self.shared))
    }

    /// Takes news in.
    fn hear(&mut self) {
        let now = self.now();
        if let Some(commit) = self.news.take(now) {
            self.healthy_items_match();
            attempts_are_counted(&self.told, &mut lock(&self.shared));
            self.told.news(commit, &mut lock(&self.shared));
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
            self.told.fingerprint += 1;
            self.processes += 1;
            lock(&self.shared).knows(self.process.number);
            let fresh = Process::start(&self.shared, self.maker, self.processes, self.password);
            self.process.reconciler = fresh.reconciler;
            self.process.crash = fresh.crash;
            self.process.number = fresh.number;
            self.last = None;
            self.sees();
        }
    }

    async fn sleep_until(&self, at: Duration) {
        let began: Instant = lock(&self.shared).began;
        sleep_until(began + at).await;
    }
}
