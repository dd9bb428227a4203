//! What passes over an object do.

use std::sync::Arc;

use crate::apply::ActionResult;
use crate::operator::names::ObjectKey;
use crate::plan::{Plan, PlannedAction};
use crate::reconcile::{Observer, OperationLook};

use super::Metrics;

/// Counts for one object; nothing before it is told for which.
#[derive(Debug, Default)]
pub(in crate::operator) struct Counted(Option<(Arc<Metrics>, ObjectKey)>);

impl Counted {
    pub(in crate::operator) fn of(metrics: &Arc<Metrics>, key: &ObjectKey) -> Self {
        Self(Some((metrics.clone(), key.clone())))
    }
}

impl Observer for Counted {
    fn planned(&mut self, plan: &Plan) {
        if let Some((metrics, key)) = &self.0 {
            metrics.planned(key, plan.actions.len());
        }
    }

    fn action_ended(&mut self, _: &PlannedAction, result: &ActionResult) {
        if let (Some((metrics, _)), ActionResult::Started(_)) = (&self.0, result) {
            metrics.operation_started();
        }
    }

    fn operation_seen(&mut self, look: &OperationLook) {
        if let Some((metrics, _)) = &self.0
            && look.state.end().is_some()
        {
            metrics.operation_ended(look.state.to_string());
        }
    }
}
