//! Each metric's name and help text.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::driver::Outcome;
use super::names::ObjectKey;
use super::run::Ran;
use super::sessions::Sessions;

/// From 10 ms to half an hour, as Flux's controllers have it.
const DURATION_BUCKETS: [f64; 12] =
    [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 900.0, 1800.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ObjectLabels {
    kind: &'static str,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    name: &'static str,
}

/// What is counted.
pub(super) struct Metrics {
    registry: Registry,
    durations: Family<ObjectLabels, Histogram, fn() -> Histogram>,
    results: Family<ResultLabels, Counter>,
    depth: Family<QueueLabels, Gauge>,
    running: Gauge,
    watch_errors: Counter,
}

impl Metrics {
    /// Nothing has happened yet.
    pub(super) fn new(sessions: Arc<Sessions>) -> Self {
        let constructor: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        let mut metrics = Self {
            registry: Registry::default(),
            durations: Family::new_with_constructor(constructor),
            results: Family::default(),
            depth: Family::default(),
            running: Gauge::default(),
            watch_errors: Counter::default(),
        };
        let registry = &mut metrics.registry;
        let help = "How long runs over an object took";
        registry.register("gotk_reconcile_duration_seconds", help, metrics.durations.clone());
        let help = "Runs by how they ended";
        registry.register("controller_runtime_reconcile", help, metrics.results.clone());
        let help = "Objects that are due and wait for a worker";
        registry.register("workqueue_depth", help, metrics.depth.clone());
        let help = "Objects that run now";
        registry.register("osmops_runs_active", help, metrics.running.clone());
        let help = "Watches of the Kubernetes API that failed and were taken up again";
        registry.register("osmops_watch_errors", help, metrics.watch_errors.clone());
        registry.register_collector(Box::new(Requests(sessions)));
        metrics
    }

    /// A run ended.
    pub(super) fn ran(&self, key: &ObjectKey, ran: Ran, took: Duration) {
        let labels = ObjectLabels {
            kind: key.kind(),
            name: key.name().name.clone(),
            namespace: key.name().namespace.clone(),
        };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        let result = match ran.outcome {
            _ if ran.is_failure => "error",
            Outcome::Settled | Outcome::Finished => "success",
            Outcome::Failed { .. }
            | Outcome::Again { .. }
            | Outcome::AwaitsDependency { .. }
            | Outcome::Cancelled => "requeue_after",
        };
        self.results.get_or_create(&ResultLabels { controller: key.kind(), result }).inc();
    }

    /// An object is no more, and neither are its series.
    pub(super) fn gone(&self, key: &ObjectKey) {
        let name = key.name();
        let labels = ObjectLabels {
            kind: key.kind(),
            name: name.name.clone(),
            namespace: name.namespace.clone(),
        };
        self.durations.remove(&labels);
    }

    /// How busy the workers are.
    pub(super) fn load(&self, depth: usize, running: usize) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.depth.get_or_create(&QueueLabels { name: "osmops" }).set(number(depth));
        self.running.set(number(running));
    }

    /// A watch failed.
    pub(super) fn watch_failed(&self) {
        self.watch_errors.inc();
    }

    /// Everything, as Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// Requests to OSM, counted by the sessions.
#[derive(Debug)]
struct Requests(Arc<Sessions>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PurposeLabels {
    purpose: &'static str,
}

impl Collector for Requests {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.0.request_counts();
        let help = "Requests to OSM by what they are for";
        let mut family =
            encoder.encode_descriptor("osmops_nbi_requests", help, None, MetricType::Counter)?;
        for (purpose, count) in [
            ("log_in", counts.log_in),
            ("read", counts.read),
            ("probe", counts.probe),
            ("write", counts.write),
            ("log_out", counts.log_out),
        ] {
            let labels = PurposeLabels { purpose };
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let help = "Sessions with OSMs: one for each address, project and user";
        let gauge = ConstGauge::new(i64::try_from(self.0.count()).unwrap_or(i64::MAX));
        let encoder =
            encoder.encode_descriptor("osmops_nbi_sessions", help, None, gauge.metric_type())?;
        gauge.encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nbi::TimeLimits;
    use crate::operator::names::Name;

    #[test]
    fn metrics_have_the_names_that_flux_s_dashboards_read() {
        let metrics = Metrics::new(Arc::new(Sessions::new(TimeLimits::default(), 1)));
        let key = ObjectKey::Deployment(Name::new("ns", "ldap"));
        let ran = Ran { outcome: Outcome::Settled, is_failure: false };
        metrics.ran(&key, ran, Duration::from_millis(20));
        metrics.load(3, 1);
        let text = metrics.text();
        for line in [
            "gotk_reconcile_duration_seconds_bucket{le=\"0.03\",kind=\"OsmDeployment\",name=\"ldap\",namespace=\"ns\"} 1",
            "controller_runtime_reconcile_total{controller=\"OsmDeployment\",result=\"success\"} 1",
            "workqueue_depth{name=\"osmops\"} 3",
            "osmops_runs_active 1",
            "osmops_nbi_requests_total{purpose=\"write\"} 0",
            "osmops_nbi_sessions 0",
        ] {
            assert!(text.contains(line), "`{line}` is missing in:\n{text}");
        }
        metrics.gone(&key);
        assert!(!metrics.text().contains("name=\"ldap\""), "{}", metrics.text());
    }
}
