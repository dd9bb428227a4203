//! Reads the NBI into an ObservedState.
//!
//! In: [`Nbi`], the [`Lists`] that others have read, and what is desired, which decides what is worth reading.
//! Out: an [`ObservedState`]. Invariant: only reads; three lists at most, a fourth where something is to be
//! deployed, and operations only of instances that differ or are unsettled.

mod content;
mod lists;
mod python;
mod records;

use std::collections::BTreeMap;

use crate::desired::DesiredState;
use crate::ids::{NsId, NsName, VimAccountId, VimAccountName};
use crate::nbi::{Nbi, NbiError, VimAccountRecord};
use crate::observed::{ObservedInstance, ObservedState, ObservedVimAccount};
use crate::plan;

use lists::AnyInstance;
pub use lists::{Lists, SharedLists};
pub(crate) use records::{describe_operation, name_operation};
use records::{instance, operation};

/// Reads as much of OSM as planning `desired` needs.
///
/// # Errors
/// The first [`NbiError`]; a part of a reading is of no use.
pub async fn observe(
    nbi: &Nbi,
    lists: &Lists,
    desired: &DesiredState,
) -> Result<ObservedState, NbiError> {
    let packages = lists.packages(nbi, desired).await?;
    let mut observed = ObservedState { packages, ..ObservedState::default() };
    for have in &mut observed.packages {
        if plan::needs_content(desired, have) {
            have.content = content::read(nbi, have).await?;
        }
    }
    read_instances(nbi, lists, desired, &mut observed).await?;
    let wanted: Vec<&VimAccountName> = desired.instances.iter().map(|i| &i.vim_account.0).collect();
    if !wanted.is_empty() {
        let mut accounts = nbi.read_vim_accounts(&wanted).await?;
        // An account that was deleted and made again has another id.
        let is_known = |id: &VimAccountId| accounts.iter().any(|account| account.id == *id);
        let declared = observed.instances.iter().filter(|i| desired.instance(&i.name).is_some());
        if !declared.filter_map(|instance| instance.vim_account.as_ref()).all(is_known) {
            nbi.forget_vim_accounts().await;
            accounts = nbi.read_vim_accounts(&wanted).await?;
        }
        let account = |a: VimAccountRecord| {
            Some(ObservedVimAccount { id: a.id, name: VimAccountName::new(a.name).ok()? })
        };
        observed.vim_accounts = Some(accounts.into_iter().filter_map(account).collect());
    }
    read_histories(nbi, desired, &mut observed).await?;
    observed.read_at = nbi.osm_time();
    Ok(observed)
}

/// Reads the operations of every instance where planning needs them, many in one request.
async fn read_histories(
    nbi: &Nbi,
    desired: &DesiredState,
    observed: &mut ObservedState,
) -> Result<(), NbiError> {
    let needing = plan::needing_history(desired, observed);
    let mut unsettled: BTreeMap<NsId, &mut ObservedInstance> = observed
        .instances
        .iter_mut()
        .filter(|instance| needing.contains(&instance.id))
        .map(|instance| (instance.id.clone(), instance))
        .collect();
    let ids: Vec<NsId> = unsettled.keys().cloned().collect();
    for instance in unsettled.values_mut() {
        instance.history = Some(Vec::new());
    }
    let mut records = nbi.read_histories(&ids).await?;
    records.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
    for record in records {
        let instance = unsettled.get_mut(&record.ns);
        if let Some(history) = instance.and_then(|instance| instance.history.as_mut()) {
            history.push(operation(record));
        }
    }
    Ok(())
}

/// Only the declared instances, where they can be asked for by name in fewer bytes than OSM would send of
/// all; the whole list otherwise. To remove something one must know of everything that uses it.
async fn read_instances(
    nbi: &Nbi,
    lists: &Lists,
    desired: &DesiredState,
    observed: &mut ObservedState,
) -> Result<(), NbiError> {
    let names: Vec<&NsName> = desired.instances.iter().map(|instance| &instance.name).collect();
    let is_declared = |name: &NsName| names.binary_search(&name).is_ok();
    let all = desired.prune.is_some();
    let mut take = |instance: AnyInstance| match instance {
        Ok(instance) if all || is_declared(&instance.name) => observed.instances.push(instance),
        Err(unnamed) if all => observed.unnamed.push(unnamed),
        Ok(_) | Err(_) => {}
    };
    if !all && names.len() <= NAMES_IN_FILTER_MAX {
        nbi.read_instances_named(&names, &mut |record| take(instance(record))).await
    } else {
        lists.instances(nbi, &mut take).await
    }
}

/// Up to so many instances are asked for by name: one or two requests with names as people give them. Of
/// more, the whole list costs fewer requests, and most of what OSM holds is probably ours.
const NAMES_IN_FILTER_MAX: usize = 200;
