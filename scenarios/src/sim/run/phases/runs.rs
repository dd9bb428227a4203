//! Single runs: how they begin, what happens meanwhile, and what they say in the end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Course;
use super::judged::attempts_are_counted;
use crate::sim::fault::{Kind, Own};
use crate::sim::hand::edit_newest;
use crate::sim::laws::twins::BOTH_REPLICAS;
use crate::sim::laws::{Law, ends, session};
use crate::sim::reconciler::{Ended, Says, Source};
use crate::sim::run::process::{self, OBJECT, Process};
use crate::sim::wire::lock;
use crate::sim::world::{NEXT_PASSWORD, PASSWORD, SECRET_VALUE, SimWorld};

/// How long a killed process takes to come back.
const RESTART_AFTER: Duration = Duration::from_secs(3);

/// No run takes longer: uploads have their limits.
const RUN_MAX: Duration = Duration::from_secs(24 * 3600);

impl Course<'_> {
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
    pub(super) async fn run_once(&mut self) {
        let fault = lock(&self.shared).step("run");
        self.time_goes_by(fault.as_ref()).await;
        let of = self.told.commit;
        let world = lock(&self.shared).world.clone();
        let (source, mut second) = self.begins(&world, fault.as_ref());
        let number = self.process.number;
        let numbers = [Some(number), second.as_ref().map(|second| second.number)];
        let ended = self.until_it_ends(source, second.as_mut(), &numbers).await;
        self.is_alone_again(second.as_ref());
        for number in numbers.into_iter().flatten() {
            self.stopped_in_time(number);
        }
        match ended {
            Some(_) if fault == Some(Kind::Own(Own::CrashUntold)) => self.restart().await,
            Some((ended, beside)) => {
                self.says(number, &ended);
                if let (Some(second), Some(beside)) = (&second, &beside) {
                    self.says(second.number, beside);
                }
                let now = self.now();
                self.process.driver.ended(now, &OBJECT, ended.outcome);
                self.last = Some(ended);
            }
            None => self.restart().await,
        }
        if self.told.commit != of {
            // What it said was about an earlier commit.
            self.last = None;
        }
    }

    /// What the run is given, and the second replica that runs at the same time, where the fault is one.
    fn begins<'w>(
        &mut self,
        world: &'w SimWorld,
        fault: Option<&Kind>,
    ) -> (Source<'w>, Option<Process>) {
        let commit = self.told.commit.unwrap_or_default();
        let source = process::source(world, commit, fault);
        let is_whole = matches!(source, Source::Whole(_));
        self.process.begins(&self.shared, commit, is_whole);
        let second = (fault == Some(&Kind::Own(Own::SecondReplica))).then(|| {
            let second = self.second_replica();
            second.begins(&self.shared, commit, is_whole);
            second
        });
        (source, second)
    }

    /// What the run, and that of a second replica, said in the end: nothing if the process was killed before. A commit
    /// that comes meanwhile stops it.
    async fn until_it_ends(
        &mut self,
        source: Source<'_>,
        second: Option<&mut Process>,
        numbers: &[Option<u32>],
    ) -> Option<(Ended, Option<Ended>)> {
        let stop = CancellationToken::new();
        let crash = self.process.crash.clone();
        let Self { process, news, shared, told, .. } = self;
        let began = lock(shared).began;
        let overdue = Instant::now() + RUN_MAX;
        let beside = second.map(|second| second.reconciler.run(source, &stop));
        let Process { driver, reconciler, .. } = process;
        let mut running = std::pin::pin!(process::both(reconciler.run(source, &stop), beside));
        loop {
            let next = news.next().map_or(overdue, |at| overdue.min(began + at));
            tokio::select! {
                biased;
                () = crash.notified() => return None,
                ended = &mut running => return Some(ended),
                () = sleep_until(next) => {}
            }
            let mut shared = lock(shared);
            let now = shared.now();
            if Instant::now() >= overdue {
                shared.verdicts.test(Law::L1, now, false, || "a run does not end".to_owned());
                return None;
            }
            let Some(commit) = news.take(now) else { continue };
            attempts_are_counted(told, &mut shared);
            let before = told.commit;
            told.news(commit, &mut shared);
            if told.commit != before {
                for number in numbers.iter().flatten() {
                    shared.seen(*number).is_over = true;
                }
            }
            process::see(driver, now, told.fingerprint);
            if driver.step(now).cancel.contains(&OBJECT) {
                stop.cancel();
            }
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

    /// S5: once a later commit was observed, the run sent no more writes.
    fn stopped_in_time(&self, number: u32) {
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        let at = shared.now();
        let seen = shared.processes.entry(number).or_default();
        if seen.is_over {
            let sent = seen.sent_though_over.take();
            let how = || {
                format!("{} after a later commit was observed", sent.clone().unwrap_or_default())
            };
            shared.verdicts.test(Law::S5, at, sent.is_none(), how);
        }
    }

    /// A run of this process ended by itself.
    fn says(&self, number: u32, ended: &Ended) {
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
    }

    /// The process was killed; another one comes up.
    async fn restart(&mut self) {
        {
            let mut shared = lock(&self.shared);
            shared.tell(self.process.number, "is killed");
            shared.knows(self.process.number);
        }
        self.last = None;
        let due = self.now() + RESTART_AFTER;
        self.sleep_until(due).await;
        self.processes += 1;
        self.process = Process::start(&self.shared, self.maker, self.processes, self.password);
        lock(&self.shared).tell(self.process.number, "starts");
        if self.told.commit.is_some() {
            self.sees();
        }
    }
}
