//! Looking into a fake without copying it, and making another one like it.
//!
//! For tests that look after every request: [`crate::MockNbi::records`] copies, this does not.

use std::borrow::Cow;

use serde_json::Value;

use crate::state::State;
use crate::state::db::Collection;
use crate::state::helm::HelmRelease;

/// What a fake holds just now.
#[derive(Debug)]
pub struct Look<'a> {
    state: &'a State,
    now: f64,
}

impl<'a> Look<'a> {
    pub(crate) fn at(state: &'a State, now: f64) -> Self {
        Self { state, now }
    }

    /// Epoch seconds by the fake's clock.
    pub fn now(&self) -> f64 {
        self.now
    }

    /// The records of a collection as OSM keeps them, oldest first.
    pub fn records(&self, collection: Collection) -> impl Iterator<Item = Cow<'a, Value>> {
        self.state.db.iter(collection)
    }

    /// The record of this id.
    pub fn record(&self, collection: Collection, id: &str) -> Option<Cow<'a, Value>> {
        self.state.db.get(collection, id)
    }

    /// The values in force of the chart that was installed for a KDU, as its cluster has them; none
    /// when none is installed.
    pub fn helm_values(&self, ns_id: &str, member: &str, kdu: &str) -> Option<&'a Value> {
        self.state.helm.get(ns_id, member, kdu).map(HelmRelease::values)
    }

    /// Whether OSM's life-cycle manager has an operation yet to end.
    pub fn is_pending(&self, operation_id: &str) -> bool {
        self.state.engine.is_pending(operation_id)
    }

    /// When the next step of a pending operation is due, in epoch seconds; none when none ever is.
    pub fn next_step(&self) -> Option<f64> {
        self.state.engine.next_time()
    }
}
