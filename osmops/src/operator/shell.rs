//! Carries out what the driver decides: the one loop that takes up changes, starts runs and hears of
//! their ends.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, SelectAll};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::cluster::Cluster;
use super::driver::{Driver, Outcome, Policy};
use super::http::{Health, TICK};
use super::metrics::{Load, Metrics};
use super::names::ObjectKey;
use super::run::{Context, Memory, Ran, Turn, run};
use super::watches::Heard;

/// The loop and what it knows.
pub(super) struct Shell {
    context: Arc<Context>,
    cluster: Cluster,
    driver: Driver<ObjectKey>,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    started: Instant,
    runs: JoinSet<Ended>,
    running: HashMap<Id, Running>,
    memories: HashMap<ObjectKey, Memory>,
    /// Tells the runs of this process from those of an earlier one.
    process_id: u64,
    run_count: u64,
    is_listed: bool,
    workers: usize,
}

struct Running {
    key: ObjectKey,
    stop: CancellationToken,
    since: Instant,
}

struct Ended {
    memory: Memory,
    ran: Ran,
}

impl Shell {
    pub(super) fn new(
        context: Arc<Context>,
        cluster: Cluster,
        policy: Policy,
        metrics: Arc<Metrics>,
        health: Arc<Health>,
    ) -> Self {
        Self {
            context,
            cluster,
            workers: policy.concurrent,
            driver: Driver::new(policy),
            metrics,
            health,
            started: Instant::now(),
            runs: JoinSet::new(),
            running: HashMap::new(),
            memories: HashMap::new(),
            process_id: RandomState::new().hash_one(std::process::id()),
            run_count: 0,
            is_listed: false,
        }
    }

    /// Turns until `stop`, then waits for what still runs, but not longer than `patience`. Whether all of it
    /// ended.
    pub(super) async fn run(
        mut self,
        mut changes: SelectAll<BoxStream<'static, Heard>>,
        stop: CancellationToken,
        patience: Duration,
    ) -> bool {
        loop {
            let wake = self.step();
            self.health.tick(self.is_listed);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                Some(heard) = changes.next() => self.heard(heard),
                () = sleep_until(wake) => {}
            }
        }
        self.health.stopping();
        self.end(patience).await
    }

    /// Starts what is due; returns when to look again.
    fn step(&mut self) -> Instant {
        let now = self.started.elapsed();
        let step = self.driver.step(now);
        self.context.sessions.forget_old_lists();
        for key in step.cancel {
            for running in self.running.values().filter(|running| running.key == key) {
                running.stop.cancel();
            }
        }
        for (key, waited) in step.run.into_iter().zip(step.waited) {
            self.metrics.begins(waited);
            self.start(key, self.started + now.saturating_sub(waited));
        }
        self.metrics.load(&Load {
            depth: self.driver.depth(now),
            running: self.running.values().map(|running| running.since.elapsed()).collect(),
            workers: self.workers,
        });
        let wake = step.wake.map(|wake| self.started + wake);
        let tick = Instant::now() + TICK;
        wake.map_or(tick, |wake| wake.min(tick))
    }

    fn start(&mut self, key: ObjectKey, due: Instant) {
        let Some(task) = self.cluster.task(&key) else {
            // It went away between two steps; the driver has heard of it, or is about to.
            self.driver.ended(self.started.elapsed(), &key, Outcome::Settled);
            return;
        };
        self.run_count += 1;
        let stop = CancellationToken::new();
        let name = key.name();
        let span = tracing::info_span!(
            "reconcile",
            controller = key.controller(),
            controllerKind = key.kind(),
            namespace = name.namespace,
            name = name.name,
            reconcileID = format!("{:016x}-{}", self.process_id, self.run_count),
            revision = tracing::field::Empty,
        );
        let running = Running { key: key.clone(), stop: stop.clone(), since: Instant::now() };
        let mut memory = self.memories.remove(&key).unwrap_or_default();
        let context = self.context.clone();
        let one = async move {
            let ran = run(&context, &key, &task, &mut memory, &Turn { due, stop }).await;
            Ended { memory, ran }
        };
        let id = self.runs.spawn(one.instrument(span)).id();
        self.running.insert(id, running);
    }

    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let Some(running) = self.running.remove(&id) else { return };
        let key = running.key;
        let ran = match ended {
            Some(ended) => {
                self.memories.insert(key.clone(), ended.memory);
                ended.ran
            }
            None => {
                // A fault of ours; the panic itself is on standard error.
                tracing::error!("{key}: the run ended without a result");
                Ran { outcome: Outcome::Failed { not_before: None }, is_failure: true }
            }
        };
        self.metrics.ran(&key, ran, running.since.elapsed());
        self.driver.ended(self.started.elapsed(), &key, ran.outcome);
        if self.cluster.input(&key).is_none() {
            self.forget(&key);
        }
    }

    fn heard(&mut self, heard: Heard) {
        let change = match heard.change {
            Ok(change) => change,
            Err(error) => {
                tracing::warn!("watch of {}: {error}", heard.watch);
                self.health.watch_failed(heard.watch, error);
                self.metrics.watch_failed();
                return;
            }
        };
        self.health.heard(heard.watch);
        let concerned = self.cluster.apply(change);
        if self.is_listed {
            self.tell_driver(concerned);
        } else if self.cluster.is_listed() {
            // What a run needs to know is whole only now.
            self.is_listed = true;
            tracing::info!("everything is listed");
            let all = self.cluster.keys();
            self.tell_driver(all.into_iter().collect());
        }
    }

    fn tell_driver(&mut self, concerned: BTreeSet<ObjectKey>) {
        let now = self.started.elapsed();
        for key in concerned {
            match self.cluster.input(&key) {
                Some(input) => self.driver.seen(now, &key, input),
                None => {
                    self.driver.gone(&key);
                    self.forget(&key);
                }
            }
            if let ObjectKey::Deployment(name) = &key
                && self.cluster.is_ready(name)
            {
                for dependent in self.cluster.dependents(name) {
                    self.driver.dependency_ready(now, &dependent);
                }
            }
        }
    }

    fn forget(&mut self, key: &ObjectKey) {
        self.memories.remove(key);
        self.metrics.gone(key);
    }

    /// Lets what runs end, between two requests.
    async fn end(mut self, patience: Duration) -> bool {
        let count = self.running.len();
        if count == 0 {
            return true;
        }
        tracing::info!("stopping: {count} runs are let end");
        for running in self.running.values() {
            running.stop.cancel();
        }
        let all = async { while self.runs.join_next().await.is_some() {} };
        let all_ended = timeout(patience, all).await.is_ok();
        if !all_ended {
            tracing::warn!(
                "runs that did not end in time are cut off; OSM is asked what became of them"
            );
        }
        all_ended
    }
}
