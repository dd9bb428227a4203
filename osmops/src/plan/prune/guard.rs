//! Removing nearly everything is more often a mistake than meant: a wrong `targetDir`, a lost folder, wrong
//! `fileExtensions`.

use crate::desired::{DesiredState, Prune};
use crate::plan::Blocked;

use super::Doomed;

/// Of fewer items than these, more than half may go.
const FEW: usize = 10;

/// Why nothing is removed: everything would go, or every NS instance, or more than half of [`FEW`] or more.
/// What is counted is what is declared together with what would go, so that passes in between change nothing
/// in it; instances are counted by themselves as well.
pub(super) fn refusal(
    prune: &Prune,
    desired: &DesiredState,
    doomed: &Doomed<'_>,
) -> Option<Blocked> {
    if prune.allow_large {
        return None;
    }
    let (instances, packages) = (doomed.instances.len(), doomed.packages.len());
    let is_large =
        |going: usize, declared: usize| going + declared >= FEW && 2 * going > going + declared;
    let declared = desired.instances.len() + desired.packages.len();
    let refused = |going, declared, what| {
        Some(Blocked::LargePrune { at: prune.at.clone(), going, of: going + declared, what })
    };
    if declared == 0 || is_large(instances + packages, declared) {
        refused(instances + packages, declared, "items")
    } else if (instances > 0 && desired.instances.is_empty())
        || is_large(instances, desired.instances.len())
    {
        refused(instances, desired.instances.len(), "NS instances")
    } else {
        None
    }
}
