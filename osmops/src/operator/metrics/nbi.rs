//! Requests to OSM, as the transport sees them, and sessions.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::nbi::Exchange;
use crate::operator::sessions::Sessions;

use super::{Durations, durations, number};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: String,
}

/// Counts requests to all OSMs.
#[derive(Debug, Clone)]
pub(in crate::operator) struct NbiMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Durations<OperationLabels>,
}

impl Default for NbiMetrics {
    fn default() -> Self {
        Self { requests: Family::default(), durations: durations() }
    }
}

impl NbiMetrics {
    /// A request was answered, or given up.
    pub(in crate::operator) fn exchanged(&self, exchange: &Exchange) {
        let operation = exchange.operation.clone();
        let status = exchange.status.map_or("none".to_owned(), |status| status.as_str().to_owned());
        self.requests.get_or_create(&RequestLabels { operation, status }).inc();
        let labels = OperationLabels { operation: exchange.operation.clone() };
        self.durations.get_or_create(&labels).observe(exchange.took.as_secs_f64());
    }
}

pub(super) fn register(registry: &mut Registry, sessions: Arc<Sessions>) {
    let metrics = sessions.metrics();
    let help = "Requests to OSM by what they ask for and status; `none` had no answer";
    registry.register("osmops_nbi_requests", help, metrics.requests.clone());
    let help = "How long answers of OSM took to begin";
    registry.register("osmops_nbi_request_duration_seconds", help, metrics.durations.clone());
    registry.register_collector(Box::new(Gauges(sessions)));
}

#[derive(Debug)]
struct Gauges(Arc<Sessions>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Sessions with OSMs: one for each address, project and user";
        let name = "osmops_nbi_sessions";
        let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(number(self.0.count())).encode(gauge)?;
        let (name, help) = ("osmops_nbi_tokens", "Sessions that hold a token of OSM's");
        let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(number(self.0.token_count())).encode(gauge)
    }
}
