//! The queue of objects and its workers, in the words of Kubernetes' own work queues.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{ControllerLabels, Durations, durations, number};

/// There is one queue, for all kinds of objects.
const QUEUE: QueueLabels = QueueLabels { name: "osmops" };
const WORKERS: ControllerLabels = ControllerLabels { controller: "osmops" };

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    name: &'static str,
}

type Seconds = Family<QueueLabels, Gauge<f64, AtomicU64>>;

/// How busy the workers are.
#[derive(Debug)]
pub(in crate::operator) struct Load {
    /// Objects that are due and wait for a worker.
    pub(in crate::operator) depth: usize,
    /// For how long each that runs has run.
    pub(in crate::operator) running: Vec<Duration>,
    /// How many may run at once.
    pub(in crate::operator) workers: usize,
}

pub(super) struct Queue {
    depth: Family<QueueLabels, Gauge>,
    adds: Family<QueueLabels, Counter>,
    retries: Family<QueueLabels, Counter>,
    waited: Durations<QueueLabels>,
    worked: Durations<QueueLabels>,
    unfinished: Seconds,
    longest: Seconds,
    active: Family<ControllerLabels, Gauge>,
    workers: Family<ControllerLabels, Gauge>,
}

impl Queue {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let queue = Self {
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            waited: durations(),
            worked: durations(),
            unfinished: Family::default(),
            longest: Family::default(),
            active: Family::default(),
            workers: Family::default(),
        };
        let help = "Objects that are due and wait for a worker";
        registry.register("workqueue_depth", help, queue.depth.clone());
        let help = "Objects that were taken up";
        registry.register("workqueue_adds", help, queue.adds.clone());
        let help = "Runs that failed and are tried again after a pause";
        registry.register("workqueue_retries", help, queue.retries.clone());
        let help = "How long objects were due before a worker took them up";
        registry.register("workqueue_queue_duration_seconds", help, queue.waited.clone());
        let help = "How long workers were at work on an object";
        registry.register("workqueue_work_duration_seconds", help, queue.worked.clone());
        let help = "For how long the objects at work have been so, in sum";
        registry.register("workqueue_unfinished_work_seconds", help, queue.unfinished.clone());
        let help = "For how long the object that is longest at work has been so";
        let name = "workqueue_longest_running_processor_seconds";
        registry.register(name, help, queue.longest.clone());
        let help = "Objects that run now";
        registry.register("controller_runtime_active_workers", help, queue.active.clone());
        let help = "How many objects may run at once";
        let name = "controller_runtime_max_concurrent_reconciles";
        registry.register(name, help, queue.workers.clone());
        // There from the start, so that rates have a beginning.
        for counter in [&queue.adds, &queue.retries] {
            counter.get_or_create(&QUEUE).inc_by(0);
        }
        queue
    }

    pub(super) fn begins(&self, waited: Duration) {
        self.adds.get_or_create(&QUEUE).inc();
        self.waited.get_or_create(&QUEUE).observe(waited.as_secs_f64());
    }

    pub(super) fn ended(&self, took: Duration, is_tried_again: bool) {
        self.worked.get_or_create(&QUEUE).observe(took.as_secs_f64());
        if is_tried_again {
            self.retries.get_or_create(&QUEUE).inc();
        }
    }

    pub(super) fn load(&self, load: &Load) {
        self.depth.get_or_create(&QUEUE).set(number(load.depth));
        self.active.get_or_create(&WORKERS).set(number(load.running.len()));
        self.workers.get_or_create(&WORKERS).set(number(load.workers));
        let sum: Duration = load.running.iter().sum();
        self.unfinished.get_or_create(&QUEUE).set(sum.as_secs_f64());
        let longest = load.running.iter().max().copied().unwrap_or_default();
        self.longest.get_or_create(&QUEUE).set(longest.as_secs_f64());
    }
}
