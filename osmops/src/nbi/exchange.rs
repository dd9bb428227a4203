//! What is measured of a request: what it asked for, how it was answered, and how long that took.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What it asked for, without ids: `GET /nslcm/v1/ns_instances/{id}`.
    pub operation: String,
    /// `None`: no answer began.
    pub status: Option<StatusCode>,
    /// From its sending to the beginning of its answer.
    pub took: Duration,
}

/// Tells of an exchange when it is over, also when nobody waits for its end any more.
pub(super) struct Measured<F: Fn(&Exchange)> {
    observer: F,
    operation: String,
    status: Option<StatusCode>,
    since: Instant,
}

impl<F: Fn(&Exchange)> Measured<F> {
    pub(super) fn begin(method: &Method, path: &str, observer: F) -> Self {
        Self { observer, operation: operation(method, path), status: None, since: Instant::now() }
    }

    pub(super) fn end(mut self, status: Option<StatusCode>) {
        self.status = status;
    }
}

impl<F: Fn(&Exchange)> Drop for Measured<F> {
    fn drop(&mut self) {
        let exchange = Exchange {
            operation: std::mem::take(&mut self.operation),
            status: self.status,
            took: self.since.elapsed(),
        };
        (self.observer)(&exchange);
    }
}

/// The fourth part of a path is an id: `/osm/nslcm/v1/ns_instances/<id>/instantiate`.
fn operation(method: &Method, path: &str) -> String {
    let path = path.rsplit_once("/osm/").map_or(path, |(_, path)| path);
    let parts = path.split('/').enumerate();
    let parts: Vec<&str> =
        parts.map(|(place, part)| if place == 3 { "{id}" } else { part }).collect();
    format!("{method} /{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_without_ids_and_without_the_address() {
        let named = |path: &str| operation(&Method::GET, path);
        assert_eq!(named("/osm/admin/v1/tokens"), "GET /admin/v1/tokens");
        assert_eq!(
            named("/behind/a/proxy/osm/nslcm/v1/ns_instances/4f/instantiate"),
            "GET /nslcm/v1/ns_instances/{id}/instantiate"
        );
    }
}
