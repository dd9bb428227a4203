//! Instances without a deployment, and those whose instantiation or termination failed.
//!
//! A failed instantiation is tried again on the same record, because its operations are what attempts are
//! counted by: terminate without removal, then instantiate, over several passes. OSM instantiates a record
//! with the values and charts that it was made with, whatever it is sent, so one that was made with others is
//! removed and made anew.

use crate::observed::{Change, ObservedInstance, OpEnd, OpKind, Operation, made_with};

use super::instances::Planner;
use super::retry::{being_removed, failures};
use super::values::same_values;
use super::{Action, ActionId, Blocked, Item, Verdict, Why};

impl Planner<'_> {
    /// A record without a deployment: either nobody ever began, or it was taken down.
    pub(super) fn instantiate(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let (spec, needs) = self.spec()?;
        if let Some(waiting) = self.dependencies()? {
            return Ok(Verdict::Waiting { on: waiting });
        }
        if let Some(on) = being_removed(have, self.observed.read_at()) {
            return Ok(Verdict::Waiting { on });
        }
        if have.owner == self.desired.owner && self.is_made_otherwise(have, &needs) {
            // What keeps a package from being updated may be this very record.
            let action = Action::DeleteInstance { ns: have.id.clone() };
            return Ok(self.act(action, Why::MadeOtherwise, Vec::new()));
        }
        let failed = self.failed_instantiations(have, &needs);
        // Whoever took it down after a failure, we or an operator, did so to have it tried again.
        let last_ended = history(have).iter().rfind(|op| op.state.end().is_some());
        let was_taken_down = last_ended.is_some_and(|op| op.kind == OpKind::Terminate);
        let attempt = if was_taken_down {
            self.attempt_after(have, &failed)
        } else {
            match self.again(have, INSTANTIATION, &failed)? {
                Ok(attempt) => attempt,
                Err(waiting) => return Ok(Verdict::Waiting { on: waiting }),
            }
        };
        let why = attempt.map_or(Why::NeverInstantiated, |attempt| Why::Failed { attempt });
        let action = Action::Instantiate { ns: have.id.clone(), spec };
        Ok(self.act(action, why, needs))
    }

    /// Takes down what is broken, so that the next pass can instantiate it; never what was deployed and
    /// something else broke.
    pub(super) fn repair(&mut self, have: &ObservedInstance) -> Result<Verdict, Blocked> {
        let is_end = |op: &&Operation| {
            matches!(op.kind, OpKind::Instantiate | OpKind::Terminate) && op.state.end().is_some()
        };
        if let Some(last) = history(have).iter().rfind(is_end)
            && last.kind == OpKind::Instantiate
            && last.state.end() == Some(OpEnd::Done)
        {
            return match self.upgrade(have)? {
                Verdict::Current => Err(Blocked::Broken {
                    at: self.want.at.clone(),
                    ns: have.id.clone(),
                    detail: self.words_of(have),
                }),
                verdict => Ok(verdict),
            };
        }
        // Nothing is taken down that could not be made again.
        let (_, packages) = self.spec()?;
        let terminations = failures(
            history(have),
            0.0,
            |op| op.kind == OpKind::Terminate,
            |op| matches!(op.kind, OpKind::Terminate | OpKind::Instantiate),
        );
        let instantiations = self.failed_instantiations(have, &packages);
        let last_failed = history(have).iter().rfind(|op| op.state.end() == Some(OpEnd::Failed));
        let (what, failed) = match last_failed {
            Some(op) if op.kind == OpKind::Terminate => (TERMINATION, terminations),
            Some(_) | None => (INSTANTIATION, instantiations),
        };
        let attempt = match self.again(have, what, &failed)? {
            Ok(attempt) => attempt,
            Err(waiting) => return Ok(Verdict::Waiting { on: waiting }),
        };
        let detail = self.words_of(have);
        let why = attempt.map_or(Why::Broken { detail }, |attempt| Why::Failed { attempt });
        // What keeps a package from being updated may be this very record, so it is taken down however the
        // request for the package ends.
        let item = Item::Instance(self.want.name.clone());
        let action = Action::TakeDown { ns: have.id.clone() };
        let action = self.plan.push_after(&item, action, why, Vec::new(), packages);
        Ok(Verdict::Act { actions: vec![action] })
    }

    /// The instantiations with the declared values that failed since the packages last changed.
    fn failed_instantiations<'a>(
        &self,
        have: &'a ObservedInstance,
        needs: &[ActionId],
    ) -> Vec<&'a Operation> {
        let is_instantiation = |op: &Operation| op.kind == OpKind::Instantiate;
        let is_same = |op: &Operation| is_instantiation(op) && self.has_declared_values(op);
        failures(history(have), self.fresh_since(needs), is_same, is_instantiation)
    }

    /// Whether a record was made with other values or packages than the declared ones, or with nobody knows
    /// which: what it was made with is told by its first instantiation alone.
    fn is_made_otherwise(&self, have: &ObservedInstance, needs: &[ActionId]) -> bool {
        let has_values = made_with(history(have)).is_some_and(|op| self.has_declared_values(op));
        !has_values || self.fresh_since(needs) > have.created.epoch_seconds()
    }

    fn has_declared_values(&self, op: &Operation) -> bool {
        let mut declared = self.want.kdus.iter().filter(|kdu| !kdu.params.is_empty());
        let set = op.changes.iter().filter(|change| match &change.change {
            Change::Set(settings) => !settings.values.is_empty(),
            Change::Back => true,
        });
        set.count() == declared.clone().count()
            && declared.all(|kdu| match op.change_of(&kdu.member.0, &kdu.name.0) {
                Some(Change::Set(settings)) => same_values(&settings.values, &kdu.params),
                Some(Change::Back) | None => false,
            })
    }
}

pub(super) const INSTANTIATION: &str = "the instantiation";
pub(super) const TERMINATION: &str = "the termination";

fn history(have: &ObservedInstance) -> &[Operation] {
    have.history.as_deref().unwrap_or_default()
}
