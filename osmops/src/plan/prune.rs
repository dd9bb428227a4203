//! Removes what bears our mark and is declared no more.
//!
//! Over several passes: an instance is terminated; once its record is gone, its NSD is deleted, and then the
//! VNFDs. Invariant: the mark is the inventory, a name never is; nothing is removed for a revision of which a
//! part is broken or was left out, nothing on which OSM is at work, nothing that somebody still uses, and not
//! nearly everything unless told.

mod guard;
mod instance;
mod users;

use std::collections::BTreeMap;

use crate::desired::{DesiredPackage, DesiredState, PackageKey, Prune};
use crate::ids::{NsName, PackageKind};
use crate::moment::Moment;
use crate::observed::{ObservedInstance, ObservedPackage, ObservedState};
use crate::source_pos::SourcePos;

use super::{Action, ActionId, Blocked, Entry, Item, Note, Plan, Verdict, Wait, Why, ownership};

pub(super) use instance::{Removal, remove_instance};
use users::{Record, User, Users};

/// Every declared item that names this package, whether OSM has it already or not.
fn declared_users<'a>(
    desired: &'a DesiredState,
    key: &'a PackageKey,
) -> impl Iterator<Item = Item> + 'a {
    let instances = desired
        .instances
        .iter()
        .filter(|want| key.kind == PackageKind::Nsd && want.nsd.0 == key.id);
    let nsds = desired.packages.iter().filter(|nsd| {
        key.kind == PackageKind::Vnfd && nsd.members.iter().any(|member| member.vnfd == key.id)
    });
    instances
        .map(|want| Item::Instance(want.name.clone()))
        .chain(nsds.map(|nsd| Item::Package(nsd.key.clone())))
}

/// What bears our mark and is declared no more.
struct Doomed<'a> {
    instances: BTreeMap<&'a NsName, Vec<&'a ObservedInstance>>,
    packages: BTreeMap<PackageKey, Vec<&'a ObservedPackage>>,
}

/// Whether removals may be planned: asked for, with an owner, and from a revision that is whole.
fn may_remove(desired: &DesiredState) -> Option<&Prune> {
    desired.prune.as_ref().filter(|_| desired.owner.is_some() && desired.is_complete)
}

/// Whether planning the removal of an instance needs its operations: what OSM is about to do with it, since
/// when, and how often its termination failed. Of those that bear our mark and one name, each may be removed.
pub(super) fn needs_history(
    desired: &DesiredState,
    have: &ObservedInstance,
    named: &[&ObservedInstance],
) -> bool {
    let is_marked = |have: &ObservedInstance| ownership::is_marked(desired, have);
    if !is_marked(have) {
        return false;
    }
    match desired.instance(&have.name) {
        None => may_remove(desired).is_some(),
        Some(_) => {
            let marked = named.iter().filter(|have| is_marked(have));
            ownership::may_remove_twins(desired) && marked.count() > 1
        }
    }
}

pub(super) fn plan_removals(plan: &mut Plan, desired: &DesiredState, observed: &ObservedState) {
    let (Some(prune), Some(_)) = (&desired.prune, &desired.owner) else { return };
    let doomed = Doomed::find(desired, observed);
    let items = doomed.items();
    if items.is_empty() {
        return;
    }
    if may_remove(desired).is_none() {
        plan.notes.push(Note::NothingRemoved { at: prune.at.clone(), items });
        return;
    }
    let decided = match guard::refusal(prune, desired, &doomed) {
        Some(refusal) => {
            let blocked = |item| (item, Verdict::Blocked { reason: refusal.clone() });
            items.into_iter().map(blocked).collect()
        }
        None => Remover::new(plan, desired, observed, &prune.at, &doomed).remove(),
    };
    for (item, verdict) in decided {
        plan.entries.push(Entry { item, at: prune.at.clone(), verdict, notes: Vec::new() });
    }
    plan.entries.sort_by(|a, b| a.item.cmp(&b.item));
}

impl<'a> Doomed<'a> {
    fn find(desired: &DesiredState, observed: &'a ObservedState) -> Self {
        let mut doomed = Self { instances: BTreeMap::new(), packages: BTreeMap::new() };
        for have in &observed.instances {
            if ownership::is_marked(desired, have) && desired.instance(&have.name).is_none() {
                doomed.instances.entry(&have.name).or_default().push(have);
            }
        }
        for have in &observed.packages {
            if let Some(id) = &have.id
                && ownership::is_package_marked(desired, have)
                && desired.package(have.kind, id).is_none()
            {
                let key = PackageKey { kind: have.kind, id: id.clone() };
                doomed.packages.entry(key).or_default().push(have);
            }
        }
        doomed
    }

    fn items(&self) -> Vec<Item> {
        let packages = self.packages.keys().cloned().map(Item::Package);
        packages.chain(self.instances.keys().map(|name| Item::Instance((*name).clone()))).collect()
    }
}

/// Decides layer by layer: instances, then NSDs, then VNFDs, so that what uses something is decided before it.
struct Remover<'a> {
    plan: &'a mut Plan,
    desired: &'a DesiredState,
    at: &'a SourcePos,
    now: Moment,
    doomed: &'a Doomed<'a>,
    users: Users<'a>,
    /// What becomes of the records decided so far.
    prospects: BTreeMap<Record, Prospect>,
    decided: BTreeMap<Item, Verdict>,
}

/// What becomes of a record.
#[derive(Clone)]
enum Prospect {
    /// It is gone once this action is done.
    Gone(ActionId),
    /// It goes, or uses nothing more, by a later pass.
    Leaves,
    /// It stays.
    Stays,
}

impl<'a> Remover<'a> {
    fn new(
        plan: &'a mut Plan,
        desired: &'a DesiredState,
        observed: &'a ObservedState,
        at: &'a SourcePos,
        doomed: &'a Doomed<'a>,
    ) -> Self {
        let users = Users::of(observed, desired.owner.as_ref());
        let (prospects, decided) = (BTreeMap::new(), BTreeMap::new());
        Self { plan, desired, at, now: observed.read_at, doomed, users, prospects, decided }
    }

    fn remove(mut self) -> BTreeMap<Item, Verdict> {
        let doomed = self.doomed;
        for (name, records) in &doomed.instances {
            let removal = |have: &&ObservedInstance| {
                let removal = remove_instance(self.desired, self.now, self.at, have);
                (Record::Instance(have.id.clone()), removal)
            };
            let removals = records.iter().map(removal).collect();
            self.decide(Item::Instance((*name).clone()), removals);
        }
        for kind in [PackageKind::Nsd, PackageKind::Vnfd] {
            for (key, records) in doomed.packages.iter().filter(|(key, _)| key.kind == kind) {
                let removals = records.iter().map(|have| {
                    (Record::Package(have.record.clone()), self.remove_package(key, have))
                });
                let removals = removals.collect();
                self.decide(Item::Package(key.clone()), removals);
            }
        }
        self.decided
    }

    /// One verdict on all records of an item: what can be done is done, then what stands in the way counts.
    fn decide(&mut self, item: Item, removals: Vec<(Record, Removal)>) {
        let mut actions = Vec::new();
        let mut blocked = None;
        let mut waiting = None;
        for (record, removal) in removals {
            let prospect = match removal {
                Removal::Act { action, attempt, needs } => {
                    let ends_at_once = !matches!(*action, Action::Terminate { .. });
                    let why = match attempt {
                        Some(attempt) => Why::Failed { attempt },
                        None => Why::DeclaredNoMore,
                    };
                    let id = self.plan.push(&item, *action, why, needs);
                    actions.push(id);
                    if ends_at_once { Prospect::Gone(id) } else { Prospect::Leaves }
                }
                Removal::Wait(on) => {
                    waiting = Some(Verdict::Waiting { on });
                    Prospect::Leaves
                }
                Removal::Blocked(reason) => {
                    blocked = Some(Verdict::Blocked { reason });
                    Prospect::Stays
                }
            };
            self.prospects.insert(record, prospect);
        }
        let act = (!actions.is_empty()).then_some(Verdict::Act { actions });
        if let Some(verdict) = act.or(blocked).or(waiting) {
            self.decided.insert(item, verdict);
        }
    }

    fn remove_package(&self, key: &PackageKey, have: &ObservedPackage) -> Removal {
        let mut needs = Vec::new();
        let mut leaving = Vec::new();
        let mut staying = Vec::new();
        let mut told = Vec::new();
        for user in self.users.of_package(have) {
            match self.prospect(&user, have) {
                Prospect::Gone(action) => needs.push(action),
                Prospect::Leaves => leaving.extend(user.item),
                Prospect::Stays => {
                    staying.push(user.words);
                    told.extend(user.item.filter(|_| user.is_ours));
                }
            }
        }
        let declared = declared_users(self.desired, key).filter(|item| !told.contains(item));
        staying.extend(declared.map(|item| format!("{item}, as it is declared")));
        if !staying.is_empty() {
            return Removal::Blocked(Blocked::StillUsed { at: self.at.clone(), users: staying });
        }
        if !leaving.is_empty() {
            leaving.sort();
            leaving.dedup();
            return Removal::Wait(Wait::Users(leaving));
        }
        needs.sort();
        needs.dedup();
        let action = Action::DeletePackage { package: key.clone(), record: have.record.clone() };
        Removal::Act { action: Box::new(action), attempt: None, needs }
    }

    fn prospect(&self, user: &User, package: &ObservedPackage) -> Prospect {
        match self.prospects.get(&user.record) {
            Some(prospect) => prospect.clone(),
            None if self.is_about_to_leave(user, package) => Prospect::Leaves,
            None => Prospect::Stays,
        }
    }

    /// Whether the user is a declared NSD that names the VNFD no more and is changed in this pass.
    fn is_about_to_leave(&self, user: &User, package: &ObservedPackage) -> bool {
        let Some(item @ Item::Package(key)) = &user.item else { return false };
        let names_it = |nsd: &DesiredPackage| {
            nsd.members.iter().any(|member| Some(&member.vnfd) == package.id.as_ref())
        };
        self.desired.package(key.kind, &key.id).is_some_and(|nsd| !names_it(nsd))
            && matches!(self.plan.verdict(item), Some(Verdict::Act { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::DesiredInstance;
    use crate::ids::{DescriptorId, NsId, Owner, VimAccountName};
    use crate::observed::NsState;
    use crate::tree::TreePath;

    fn observed(id: &str) -> ObservedInstance {
        ObservedInstance {
            id: NsId::new(id).unwrap(),
            name: NsName::new("ldap").unwrap(),
            created: Moment::from_epoch_seconds(1.0),
            description: None,
            nsd: None,
            packages: Vec::new(),
            owner: Some(Owner::new("team-a").unwrap()),
            vim_account: None,
            state: NsState::Ready,
            running: None,
            failure: None,
            can_reset_values: true,
            kdus: Vec::new(),
            history: None,
        }
    }

    #[test]
    fn a_declared_instance_s_operations_are_asked_for_only_where_there_are_two_of_its_name() {
        let at = SourcePos::whole(TreePath::root());
        let declared = DesiredInstance {
            name: NsName::new("ldap").unwrap(),
            at: at.clone(),
            description: None,
            nsd: (DescriptorId::new("ldap_ns").unwrap(), at.clone()),
            vim_account: (VimAccountName::new("vim").unwrap(), at),
            kdus: Vec::new(),
            adopt: false,
            depends_on: Vec::new(),
            recreate: false,
        };
        let desired = DesiredState {
            owner: Some(Owner::new("team-a").unwrap()),
            is_complete: true,
            instances: vec![declared],
            ..DesiredState::default()
        };
        let (first, second) = (observed("1"), observed("2"));
        assert!(!needs_history(&desired, &first, &[&first]));
        assert!(needs_history(&desired, &first, &[&first, &second]));
        let foreign = ObservedInstance { owner: None, ..observed("3") };
        assert!(!needs_history(&desired, &first, &[&first, &foreign]));
    }
}
