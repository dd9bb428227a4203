//! Each metric's name and help text. Names of Flux's controllers where they have one.

mod nbi;
mod passes;
mod process;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::driver::Outcome;
use super::names::ObjectKey;
use super::run::Ran;
use super::sessions::Sessions;

pub(super) use nbi::NbiMetrics;
pub(super) use passes::Counted;
pub(super) use queue::Load;
use queue::Queue;

/// From 10 ms to half an hour, as Flux's controllers have it.
const DURATION_BUCKETS: [f64; 12] =
    [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 900.0, 1800.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabels {
    kind: &'static str,
    name: String,
    namespace: String,
}

impl ObjectLabels {
    fn of(key: &ObjectKey) -> Self {
        let name = key.name();
        Self { kind: key.kind(), name: name.name.clone(), namespace: name.namespace.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KubernetesLabels {
    code: String,
    host: String,
    method: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: String,
}

type Durations<L> = Family<L, Histogram, fn() -> Histogram>;

fn durations<L: Clone + std::hash::Hash + Eq>() -> Durations<L> {
    Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS))
}

/// What is counted.
pub(super) struct Metrics {
    registry: Registry,
    durations: Durations<ObjectLabels>,
    times: Durations<ControllerLabels>,
    results: Family<ResultLabels, Counter>,
    errors: Family<ControllerLabels, Counter>,
    queue: Queue,
    planned: Family<ObjectLabels, Gauge>,
    operations_started: Counter,
    operations_ended: Family<StateLabels, Counter>,
    kubernetes: Family<KubernetesLabels, Counter>,
    watch_errors: Counter,
    notices_lost: Counter,
}

impl Metrics {
    /// Nothing has happened yet.
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        let mut registry = Registry::default();
        let queue = Queue::new(&mut registry);
        nbi::register(&mut registry, sessions);
        process::register(&mut registry);
        let mut metrics = Self {
            registry,
            durations: durations(),
            times: durations(),
            results: Family::default(),
            errors: Family::default(),
            queue,
            planned: Family::default(),
            operations_started: Counter::default(),
            operations_ended: Family::default(),
            kubernetes: Family::default(),
            watch_errors: Counter::default(),
            notices_lost: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let help = "How long runs over an object took";
        registry.register("gotk_reconcile_duration_seconds", help, self.durations.clone());
        let help = "How long runs took";
        registry.register("controller_runtime_reconcile_time_seconds", help, self.times.clone());
        let help = "Runs by how they ended";
        registry.register("controller_runtime_reconcile", help, self.results.clone());
        let help = "Runs that ended with something wrong";
        registry.register("controller_runtime_reconcile_errors", help, self.errors.clone());
        let help = "Requests to the Kubernetes API by method and status";
        registry.register("rest_client_requests", help, self.kubernetes.clone());
        let help = "How many requests to OSM the object's last plan had";
        registry.register("osmops_plan_actions", help, self.planned.clone());
        let help = "Operations of OSM that were started";
        registry.register("osmops_operations_started", help, self.operations_started.clone());
        let help = "Operations of OSM that were seen to end, by their last state";
        registry.register("osmops_operations_ended", help, self.operations_ended.clone());
        let help = "Watches of the Kubernetes API that failed and were taken up again";
        registry.register("osmops_watch_errors", help, self.watch_errors.clone());
        let help = "Events that never reached --events-addr";
        registry.register("osmops_events_lost", help, self.notices_lost.clone());
    }

    /// A run begins, over an object that was due for so long.
    pub(super) fn begins(&self, waited: Duration) {
        self.queue.begins(waited);
    }

    /// A run ended.
    pub(super) fn ran(&self, key: &ObjectKey, ran: Ran, took: Duration) {
        let seconds = took.as_secs_f64();
        let controller = key.controller();
        self.durations.get_or_create(&ObjectLabels::of(key)).observe(seconds);
        self.times.get_or_create(&ControllerLabels { controller }).observe(seconds);
        let result = match ran.outcome {
            _ if ran.is_failure => "error",
            Outcome::Settled | Outcome::Finished => "success",
            Outcome::Failed { .. }
            | Outcome::Again { .. }
            | Outcome::AwaitsDependency { .. }
            | Outcome::Cancelled => "requeue_after",
        };
        self.results.get_or_create(&ResultLabels { controller, result }).inc();
        if ran.is_failure {
            self.errors.get_or_create(&ControllerLabels { controller }).inc();
        }
        self.queue.ended(took, matches!(ran.outcome, Outcome::Failed { .. }));
    }

    /// An object is no more, and neither are its series.
    pub(super) fn gone(&self, key: &ObjectKey) {
        let labels = ObjectLabels::of(key);
        self.durations.remove(&labels);
        self.planned.remove(&labels);
    }

    /// How busy the workers are.
    pub(super) fn load(&self, load: &Load) {
        self.queue.load(load);
    }

    /// A plan for an object was made.
    pub(super) fn planned(&self, key: &ObjectKey, actions: usize) {
        self.planned.get_or_create(&ObjectLabels::of(key)).set(number(actions));
    }

    /// OSM took on an operation.
    pub(super) fn operation_started(&self) {
        self.operations_started.inc();
    }

    /// An operation was seen to have ended.
    pub(super) fn operation_ended(&self, state: impl Into<String>) {
        self.operations_ended.get_or_create(&StateLabels { state: state.into() }).inc();
    }

    /// The Kubernetes API answered, or did not.
    pub(super) fn kubernetes_answered(
        &self,
        method: &Method,
        host: &str,
        status: Option<StatusCode>,
    ) {
        let code = status.map_or("<error>".to_owned(), |status| status.as_str().to_owned());
        let labels = KubernetesLabels { code, host: host.to_owned(), method: method.to_string() };
        self.kubernetes.get_or_create(&labels).inc();
    }

    /// A watch failed.
    pub(super) fn watch_failed(&self) {
        self.watch_errors.inc();
    }

    /// An event did not reach its receiver.
    pub(super) fn notice_lost(&self) {
        self.notices_lost.inc();
    }

    /// Everything, as Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbi::TimeLimits;
    use crate::operator::fence::Fence;
    use crate::operator::names::Name;

    #[test]
    fn metrics_have_the_names_that_flux_s_dashboards_read() {
        let sessions = Sessions::new(TimeLimits::default(), 1, Fence::default());
        let metrics = Metrics::new(Arc::new(sessions));
        let key = ObjectKey::Deployment(Name::new("ns", "ldap"));
        let ran = Ran { outcome: Outcome::Settled, is_failure: false };
        metrics.begins(Duration::from_millis(5));
        metrics.ran(&key, ran, Duration::from_millis(20));
        metrics.load(&Load { depth: 3, running: vec![Duration::from_secs(2)], workers: 4 });
        metrics.planned(&key, 3);
        metrics.kubernetes_answered(&Method::GET, "kube:443", Some(StatusCode::OK));
        let text = metrics.text();
        for line in [
            "gotk_reconcile_duration_seconds_bucket{le=\"0.03\",kind=\"OsmDeployment\",name=\"ldap\",namespace=\"ns\"} 1",
            "controller_runtime_reconcile_total{controller=\"osmdeployment\",result=\"success\"} 1",
            "controller_runtime_reconcile_time_seconds_count{controller=\"osmdeployment\"} 1",
            "controller_runtime_active_workers{controller=\"osmops\"} 1",
            "controller_runtime_max_concurrent_reconciles{controller=\"osmops\"} 4",
            "workqueue_depth{name=\"osmops\"} 3",
            "workqueue_adds_total{name=\"osmops\"} 1",
            "workqueue_queue_duration_seconds_bucket{le=\"0.01\",name=\"osmops\"} 1",
            "workqueue_work_duration_seconds_count{name=\"osmops\"} 1",
            "workqueue_longest_running_processor_seconds{name=\"osmops\"} 2.0",
            "rest_client_requests_total{code=\"200\",host=\"kube:443\",method=\"GET\"} 1",
            "osmops_plan_actions{kind=\"OsmDeployment\",name=\"ldap\",namespace=\"ns\"} 3",
            "osmops_nbi_sessions 0",
            "osmops_build_info{version=",
        ] {
            assert!(text.contains(line), "`{line}` is missing in:\n{text}");
        }
        metrics.gone(&key);
        assert!(!metrics.text().contains("name=\"ldap\""), "{}", metrics.text());
    }
}
