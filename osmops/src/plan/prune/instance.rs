//! How an instance of ours is removed.

use crate::desired::DesiredState;
use crate::moment::Moment;
use crate::observed::{NsState, ObservedInstance, OpKind, Operation};
use crate::plan::instances::{running, unnamed, wait_or_overdue};
use crate::plan::repair::TERMINATION;
use crate::plan::retry::{Again, again, being_removed, failures};
use crate::plan::{Action, ActionId, Attempt, Blocked, Wait};
use crate::redact::Secrets;
use crate::source_pos::SourcePos;

/// What is to be done to remove one record.
pub(in crate::plan) enum Removal {
    /// This.
    Act {
        /// What.
        action: Box<Action>,
        /// Which attempt it is, where one failed before.
        attempt: Option<Attempt>,
        /// Earlier actions that must succeed first.
        needs: Vec<ActionId>,
    },
    /// Nothing yet.
    Wait(Wait),
    /// Nothing until someone helps.
    Blocked(Blocked),
}

/// Terminates an instance, or deletes a record that has no deployment. `at` is what asks for it.
pub(in crate::plan) fn remove_instance(
    desired: &DesiredState,
    now: Moment,
    at: &SourcePos,
    have: &ObservedInstance,
) -> Removal {
    let ns = have.id.clone();
    let wait = |operation| match wait_or_overdue(at, have, operation, desired.policy.timeout, now) {
        Ok(on) => Removal::Wait(on),
        Err(reason) => Removal::Blocked(reason),
    };
    if let Some(operation) = running(have) {
        return wait(operation);
    }
    let act =
        |action, attempt| Removal::Act { action: Box::new(action), attempt, needs: Vec::new() };
    match &have.state {
        NsState::Building => wait(unnamed(have, "BUILDING")),
        NsState::Terminating => wait(unnamed(have, "TERMINATING")),
        NsState::NotInstantiated => match being_removed(have, now) {
            Some(removal) => Removal::Wait(removal),
            None => act(Action::DeleteInstance { ns }, None),
        },
        NsState::Ready | NsState::Degraded => act(Action::Terminate { ns }, None),
        NsState::Broken => {
            let history = have.history.as_deref().unwrap_or_default();
            let is_same = |op: &Operation| op.kind == OpKind::Terminate;
            let failed = failures(history, 0.0, is_same, |_| true);
            let values = history.iter().flat_map(Operation::values);
            let secrets = Secrets::of_values(values, &desired.secret_names);
            match again(&desired.policy, now, TERMINATION, &failed, &secrets) {
                Again::Now(attempt) => act(Action::Terminate { ns }, attempt),
                Again::Later(until) => Removal::Wait(until),
                Again::GivenUp(attempt) => {
                    Removal::Blocked(Blocked::GivenUp { at: at.clone(), ns, attempt })
                }
            }
        }
        NsState::Other(state) => {
            Removal::Blocked(Blocked::StrangeState { at: at.clone(), ns, state: state.clone() })
        }
    }
}
