//! What Prometheus reads at `/_mock/metrics`.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Names and values, in a fixed order.
type Labels = Vec<(&'static str, String)>;

/// Bounds of durations: from 0.1 ms, four times as much each, to 26 s.
/// What [`Metrics::render`] gives; Prometheus reads it as well as its older text format, where names of
/// counters are other ones.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug)]
struct Durations;

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(exponential_buckets(0.0001, 4.0, 10))
    }
}

/// Counters of one fake NBI; a reset leaves them. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, Durations>,
    connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(Durations),
            connections: Gauge::default(),
        }
    }
}

/// What is counted when it is asked for.
#[derive(Debug, Default)]
pub(crate) struct Census {
    /// Records by collection.
    pub(crate) records: Vec<(String, usize)>,
    /// Operation occurrences by state.
    pub(crate) operations: Vec<(String, usize)>,
}

impl Metrics {
    /// Counts a request to the NBI; `status` is none when no answer was sent.
    pub(crate) fn count(&self, operation: &str, status: Option<u16>, seconds: f64) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let labels = vec![("operation", operation.to_owned()), ("status", status)];
        self.requests.get_or_create(&labels).inc();
        let labels = vec![("operation", operation.to_owned())];
        self.durations.get_or_create(&labels).observe(seconds);
    }

    /// Counts a connection as open until the guard is dropped.
    pub(crate) fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection { open: self.connections.clone() }
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// Never: a text takes all that is written to it.
    pub(crate) fn render(&self, census: &Census) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("mock_nbi");
        registry.register(
            "requests",
            "Requests to the NBI by operation and status; `none` where no answer was sent",
            self.requests.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "Time from a whole request to its answer",
            self.durations.clone(),
        );
        registry.register("open_connections", "Connections", self.connections.clone());
        let gauges = |label: &'static str, counts: &[(String, usize)]| {
            let family = Family::<Labels, Gauge>::default();
            for (name, count) in counts {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                family.get_or_create(&vec![(label, name.clone())]).set(count);
            }
            family
        };
        let records = gauges("collection", &census.records);
        registry.register("records", "Records by OSM's name of the collection", records);
        let operations = gauges("state", &census.operations);
        registry.register("operations", "Life-cycle operations by operationState", operations);
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    open: Gauge,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_and_status() {
        let metrics = Metrics::default();
        metrics.count("GET /version", Some(200), 0.001);
        metrics.count("GET /version", None, 0.001);
        let guard = metrics.connection();
        let census = Census { records: vec![("nsrs".into(), 2)], ..Census::default() };
        let text = metrics.render(&census).unwrap();
        for line in [
            "mock_nbi_requests_total{operation=\"GET /version\",status=\"200\"} 1",
            "mock_nbi_requests_total{operation=\"GET /version\",status=\"none\"} 1",
            "mock_nbi_request_duration_seconds_count{operation=\"GET /version\"} 2",
            "mock_nbi_open_connections 1",
            "mock_nbi_records{collection=\"nsrs\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        drop(guard);
        assert!(metrics.render(&census).unwrap().contains("mock_nbi_open_connections 0"));
    }
}
