//! How an instance of ours is removed.

use crate::observed::{NsState, ObservedInstance, OpEnd, Operation};
use crate::plan::instances::{running, unnamed};
use crate::plan::{Action, ActionId, Blocked, Wait, Why};
use crate::redact::Secrets;
use crate::secret::SecretNames;
use crate::source_pos::SourcePos;

/// So many terminations in a row may fail before somebody must help.
const TERMINATIONS_MAX: usize = 3;

/// What is to be done to remove one record.
pub(in crate::plan) enum Removal {
    /// This.
    Act {
        /// What.
        action: Action,
        /// Why.
        why: Why,
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
    at: &SourcePos,
    have: &ObservedInstance,
    names: &SecretNames,
) -> Removal {
    let wait = |operation| Removal::Wait(Wait::Operation(operation));
    let unnamed = |what: &str| wait(unnamed(have, what));
    let ns = have.id.clone();
    if let Some(operation) = running(have) {
        return wait(operation);
    }
    let act = |action, why| Removal::Act { action, why, needs: Vec::new() };
    match &have.state {
        NsState::Building => unnamed("BUILDING"),
        NsState::Terminating => unnamed("TERMINATING"),
        NsState::NotInstantiated => act(Action::DeleteInstance { ns }, Why::DeclaredNoMore),
        NsState::Ready | NsState::Degraded => act(Action::Terminate { ns }, Why::DeclaredNoMore),
        NsState::Broken => {
            let failed = failed_terminations(have);
            let Some(last) = failed.first() else {
                return act(Action::Terminate { ns }, Why::DeclaredNoMore);
            };
            let secrets = Secrets::of_values(last.values(), names);
            let detail = secrets.hide(&last.detail);
            if failed.len() < TERMINATIONS_MAX {
                let why = Why::TerminationFailed { times: failed.len(), detail };
                return act(Action::Terminate { ns }, why);
            }
            let (at, times) = (at.clone(), failed.len());
            Removal::Blocked(Blocked::TerminationFailed { at, ns, times, detail })
        }
        NsState::Other(state) => {
            Removal::Blocked(Blocked::StrangeState { at: at.clone(), ns, state: state.clone() })
        }
    }
}

/// The terminations that failed since anything else happened, the latest first.
fn failed_terminations(have: &ObservedInstance) -> Vec<&Operation> {
    let failed = |op: &&Operation| op.kind == "terminate" && op.state.end() == Some(OpEnd::Failed);
    have.history.iter().flatten().rev().take_while(failed).collect()
}
