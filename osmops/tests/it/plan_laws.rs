//! Laws of planning, over any declarations and any reading of OSM. The laws are told from what was read and
//! what is to be sent, never from what the planner says of itself.

mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use osmops::desired::DesiredState;
use osmops::ids::{NsId, PackageId, PackageKind};
use osmops::observed::{NsState, ObservedInstance, ObservedPackage, ObservedState, PackageState};
use osmops::plan::{Action, Item, PackageRef, Plan, PlannedAction, check, plan, render};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseResult, TestRunner};

use worlds::{as_read_for, declared, matching, observed};

/// A plan is made in far less than a millisecond.
const CASES: u32 = 256;

/// The instance that an action changes or removes.
fn instance_of(action: &Action) -> Option<&NsId> {
    match action {
        Action::Instantiate { ns, .. }
        | Action::TakeDown { ns }
        | Action::UpgradeKdu { ns, .. }
        | Action::Terminate { ns }
        | Action::DeleteInstance { ns } => Some(ns),
        Action::CreatePackage { .. }
        | Action::UpdatePackage { .. }
        | Action::PatchPackage { .. }
        | Action::CreateInstance { .. }
        | Action::DeletePackage { .. } => None,
    }
}

/// The package that an action changes or removes.
fn package_of(action: &Action) -> Option<&PackageId> {
    match action {
        Action::UpdatePackage { record, .. }
        | Action::PatchPackage { record, .. }
        | Action::DeletePackage { record, .. } => Some(record),
        Action::CreatePackage { .. }
        | Action::CreateInstance { .. }
        | Action::Instantiate { .. }
        | Action::TakeDown { .. }
        | Action::UpgradeKdu { .. }
        | Action::Terminate { .. }
        | Action::DeleteInstance { .. } => None,
    }
}

/// What a plan does and says of each item, in whatever order.
fn deeds(plan: &Plan) -> BTreeSet<String> {
    let verdicts =
        plan.entries.iter().map(|e| format!("{} {:?}", e.item, discriminant(&e.verdict)));
    let actions = plan.actions.iter().map(|a| format!("{} {:?}", a.item, a.action));
    verdicts.chain(actions).collect()
}

/// Whether something is at work on an instance, as far as was read.
fn is_busy(have: &ObservedInstance) -> bool {
    have.running.is_some()
        || matches!(have.state, NsState::Building | NsState::Terminating)
        || have.history.iter().flatten().any(|operation| operation.state.end().is_none())
}

/// Whether removals are allowed at all.
fn may_remove(desired: &DesiredState) -> bool {
    desired.owner.is_some() && desired.is_complete
}

fn check_instance(
    desired: &DesiredState,
    observed: &ObservedState,
    have: &ObservedInstance,
    planned: &PlannedAction,
) -> TestCaseResult {
    let want = desired.instance(&have.name);
    prop_assert!(!is_busy(have), "something works on it: {planned:#?} {have:#?}");
    let is_marked = have.owner.is_some() && have.owner == desired.owner;
    let may_adopt = desired.owner.is_none() || desired.adopt || want.is_some_and(|want| want.adopt);
    let is_ours = is_marked || (have.owner.is_none() && want.is_some() && may_adopt);
    prop_assert!(is_ours, "somebody else's: {planned:#?} {have:#?}");
    if matches!(planned.action, Action::Terminate { .. } | Action::DeleteInstance { .. }) {
        let twins = observed.instances.iter().filter(|other| {
            other.name == have.name && other.owner == have.owner && other.id != have.id
        });
        // What runs comes before what does not, and the older before the newer.
        let rank = |one: &ObservedInstance| {
            let is_down = matches!(
                one.state,
                NsState::NotInstantiated | NsState::Broken | NsState::Terminating
            );
            (is_down, one.created.epoch_seconds(), one.id.clone())
        };
        let has_better = twins.into_iter().any(|twin| rank(twin) < rank(have));
        let may_go = match want {
            None => is_marked && desired.prune.is_some() && may_remove(desired),
            // One that is made anew, one that was made with other values, and the worse of two.
            Some(want) => {
                want.recreate
                    || have.state == NsState::NotInstantiated
                    || (has_better && is_marked && may_remove(desired))
            }
        };
        prop_assert!(may_go, "it stays: {planned:#?} {have:#?}");
    }
    Ok(())
}

fn check_package(
    desired: &DesiredState,
    have: &ObservedPackage,
    planned: &PlannedAction,
    plan: &Plan,
    observed: &ObservedState,
) -> TestCaseResult {
    let marker = have.upload().and_then(|upload| upload.owner);
    let is_declared = have.id.as_ref().is_some_and(|id| desired.package(have.kind, id).is_some());
    let is_marked = marker.is_some() && marker == desired.owner;
    if !matches!(planned.action, Action::DeletePackage { .. }) {
        let may_adopt = marker.is_none() && (desired.owner.is_none() || desired.adopt);
        prop_assert!(is_declared && (is_marked || may_adopt), "{planned:#?} {have:#?}");
        prop_assert!(have.state != PackageState::Disabled, "{planned:#?} {have:#?}");
        return Ok(());
    }
    let was_adopted = have.upload().is_some_and(|upload| upload.adopted);
    prop_assert!(!is_declared && is_marked && !was_adopted, "{planned:#?} {have:#?}");
    prop_assert!(may_remove(desired) && desired.prune.is_some(), "{planned:#?}");
    // Whatever uses it goes before it.
    let goes = |is_it: &dyn Fn(&Action) -> bool| {
        planned.needs.iter().any(|need| plan.action(*need).is_some_and(|a| is_it(&a.action)))
    };
    for user in observed.instances.iter().filter(|ns| ns.packages.contains(&have.record)) {
        let deleted = |a: &Action| matches!(a, Action::DeleteInstance { ns } if *ns == user.id);
        prop_assert!(goes(&deleted), "{planned:#?} is used by {user:#?}");
    }
    let users = observed.unnamed.iter().filter(|ns| ns.packages.contains(&have.record));
    prop_assert_eq!(users.count(), 0, "{:#?}", planned);
    for nsd in observed.packages.iter().filter(|nsd| nsd.kind == PackageKind::Nsd) {
        if have.kind == PackageKind::Vnfd && nsd.vnfds.iter().any(|id| Some(id) == have.id.as_ref())
        {
            let deleted = |a: &Action| matches!(a, Action::DeletePackage { record, .. } if *record == nsd.record);
            prop_assert!(goes(&deleted), "{planned:#?} is used by {nsd:#?}");
        }
    }
    Ok(())
}

/// The place of an action's kind in the order in which kinds come.
fn layer(planned: &PlannedAction) -> u8 {
    match (&planned.item, &planned.action) {
        (Item::Package(key), Action::DeletePackage { .. }) => 4 - key.kind as u8,
        (Item::Package(key), _) => key.kind as u8,
        (Item::Instance(_), _) => 2,
    }
}

/// An instance is made where OSM has none of that name that could be it, of an NSD that is there or is made before.
fn check_creations(plan: &Plan, observed: &ObservedState) -> TestCaseResult {
    let mut made = BTreeSet::new();
    for planned in &plan.actions {
        let Action::CreateInstance { spec } = &planned.action else { continue };
        let named = observed.instances.iter().filter(|have| have.name == spec.name);
        prop_assert_eq!(named.count(), 0, "{:#?}", planned);
        prop_assert!(made.insert(spec.name.clone()), "twice: {planned:#?}");
        match &spec.nsd {
            PackageRef::Existing(record) => {
                prop_assert!(observed.packages.iter().any(|have| have.record == *record));
            }
            PackageRef::CreatedBy(maker) => {
                let maker = plan.action(*maker).map(|maker| &maker.action);
                let makes = matches!(maker, Some(Action::CreatePackage { package })
                    if package.kind == PackageKind::Nsd && package.id == spec.nsd_id);
                prop_assert!(makes, "{planned:#?} {maker:#?}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn only_what_is_ours_and_idle_is_touched_and_nothing_goes_that_stays(
        declared in declared(),
        observed in observed(),
    ) {
        let revision = declared.revision();
        let observed = as_read_for(&revision, observed);
        let desired = &revision.desired;
        let plan = plan(desired, &observed);
        prop_assert_eq!(check(&plan), Ok(()));
        for planned in &plan.actions {
            if let Some(ns) = instance_of(&planned.action) {
                let have = observed.instances.iter().find(|have| have.id == *ns).unwrap();
                prop_assert_eq!(&planned.item, &Item::Instance(have.name.clone()));
                check_instance(desired, &observed, have, planned)?;
            }
            if let Some(record) = package_of(&planned.action) {
                let have = observed.packages.iter().find(|have| have.record == *record).unwrap();
                check_package(desired, have, planned, &plan, &observed)?;
            }
        }
        check_creations(&plan, &observed)?;
        let layers: Vec<u8> = plan.actions.iter().map(layer).collect();
        prop_assert!(layers.is_sorted(), "{layers:?}");
        prop_assert!(!render(&plan).is_empty());
    }

    #[test]
    fn where_osm_matches_nothing_is_to_be_done(
        declared in declared(),
        others in observed(),
        has_text in any::<bool>(),
    ) {
        let revision = declared.whole().revision();
        let observed = as_read_for(&revision, matching(&revision, others, has_text));
        let plan = plan(&revision.desired, &observed);
        prop_assert_eq!(&plan.actions, &[]);
        prop_assert!(plan.is_converged(), "{:#?}", plan.entries);
    }

    #[test]
    fn the_order_in_which_osm_lists_things_changes_nothing(
        declared in declared(),
        (observed, shuffled) in observed().prop_flat_map(|observed| {
            let packages = Just(observed.packages.clone()).prop_shuffle();
            let instances = Just(observed.instances.clone()).prop_shuffle();
            (Just(observed), (packages, instances))
        }),
    ) {
        let revision = declared.revision();
        let (packages, instances) = shuffled;
        let shuffled = ObservedState { packages, instances, ..observed.clone() };
        let one = plan(&revision.desired, &as_read_for(&revision, observed));
        let other = plan(&revision.desired, &as_read_for(&revision, shuffled));
        prop_assert_eq!(deeds(&one), deeds(&other));
    }

    #[test]
    fn what_becomes_of_one_instance_does_not_depend_on_another(
        declared in declared(),
        observed in observed(),
        changed in observed(),
        name in 0..4_usize,
    ) {
        let revision = declared.of_independent_instances().revision();
        let name = format!("i{name}");
        let others = |state: &ObservedState, keep: bool| -> Vec<ObservedInstance> {
            let instances = state.instances.iter().filter(|ns| (ns.name.as_str() == name) != keep);
            instances.cloned().collect()
        };
        let mut spoilt = observed.clone();
        spoilt.instances = others(&observed, true);
        for (place, mut instance) in others(&changed, false).into_iter().enumerate() {
            instance.id = NsId::new(format!("changed-{place}")).unwrap();
            spoilt.instances.push(instance);
        }
        let deeds = |observed: ObservedState| -> BTreeMap<String, Vec<String>> {
            let plan = plan(&revision.desired, &as_read_for(&revision, observed));
            let mut deeds: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for planned in plan.actions.iter().filter(|a| a.item.to_string() != format!("NS {name}")) {
                deeds.entry(planned.item.to_string()).or_default().push(format!("{:?}", planned.action));
            }
            deeds
        };
        prop_assert_eq!(deeds(observed), deeds(spoilt));
    }
}

/// The generators reach what the laws are about: there is every kind of action.
#[test]
fn generated_worlds_lead_to_every_kind_of_action() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    let worlds = (declared(), observed());
    for _ in 0..800 {
        let (declared, observed) = worlds.new_tree(&mut runner).unwrap().current();
        let revision = declared.revision();
        let plan = plan(&revision.desired, &as_read_for(&revision, observed));
        for planned in &plan.actions {
            *seen.entry(name_of(&planned.action)).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
    assert!(seen.values().all(|count| *count >= 2), "{seen:?}");
}

fn name_of(action: &Action) -> &'static str {
    match action {
        Action::CreatePackage { .. } => "create package",
        Action::UpdatePackage { .. } => "update package",
        Action::PatchPackage { .. } => "patch package",
        Action::CreateInstance { .. } => "create instance",
        Action::Instantiate { .. } => "instantiate",
        Action::TakeDown { .. } => "take down",
        Action::UpgradeKdu { .. } => "upgrade",
        Action::Terminate { .. } => "terminate",
        Action::DeleteInstance { .. } => "delete instance",
        Action::DeletePackage { .. } => "delete package",
    }
}
