//! What an NS instance is made with, and what must be there first.

use crate::desired::DesiredKdu;
use crate::ids::{PackageKind, VimAccountId};
use crate::source_pos::SourcePos;

use super::instances::Planner;
use super::prerequisites::{
    Provider, blocked_package, kdus_of, package_actions, provider, vnfd_of_member,
};
use super::{ActionId, Blocked, InstanceSpec, KduValues, PackageRef};

impl Planner<'_> {
    /// What the instance is made with, and the actions that must come first.
    pub(super) fn spec(&self) -> Result<(InstanceSpec, Vec<ActionId>), Blocked> {
        if let Some(needed) = blocked_package(self.plan, self.desired, self.observed, self.want) {
            return Err(Blocked::NeedsBlocked { at: self.want.nsd.1.clone(), needed });
        }
        let nsd = self.nsd()?;
        self.check_kdus()?;
        let values = |kdu: &DesiredKdu| KduValues {
            member: kdu.member.0.clone(),
            kdu: kdu.name.0.clone(),
            params: kdu.params.clone(),
        };
        let spec = InstanceSpec {
            name: self.want.name.clone(),
            description: self.want.description.as_ref().map(|(text, _)| text.clone()),
            nsd_id: self.want.nsd.0.clone(),
            nsd,
            vim_account: self.vim_account()?.clone(),
            kdus: self.want.kdus.iter().map(values).collect(),
            owner: self.desired.owner.clone(),
        };
        let needs = package_actions(self.plan, self.desired, self.observed, self.want);
        Ok((spec, needs))
    }

    fn nsd(&self) -> Result<PackageRef, Blocked> {
        let (nsd, at) = &self.want.nsd;
        match provider(self.plan, self.observed, PackageKind::Nsd, nsd, at) {
            Provider::Ready(by) | Provider::After(by, _) => Ok(by),
            Provider::Blocked(reason) => Err(reason),
            Provider::Unknown => Err(Blocked::UnknownNsd { at: at.clone(), nsd: nsd.clone() }),
        }
    }

    /// OSM takes unknown members and KDUs without a word, so that the service would start with the chart's
    /// own values. `desired` has checked what this revision declares alone; here counts what OSM has, too.
    fn check_kdus(&self) -> Result<(), Blocked> {
        for kdu in &self.want.kdus {
            let (member, name) = (&kdu.member.0, &kdu.name.0);
            let no_such = |at: &SourcePos| Blocked::UnknownKdu {
                at: at.clone(),
                nsd: self.want.nsd.0.clone(),
                member: member.clone(),
                kdu: name.clone(),
            };
            let vnfd = vnfd_of_member(self.desired, self.observed, &self.want.nsd.0, member);
            let vnfd = vnfd.ok_or_else(|| no_such(&kdu.member.1))?;
            let known = kdus_of(self.desired, self.observed, vnfd);
            if known.is_some_and(|known| !known.contains(name)) {
                return Err(no_such(&kdu.name.1));
            }
        }
        Ok(())
    }

    pub(super) fn vim_account(&self) -> Result<&VimAccountId, Blocked> {
        let (name, at) = &self.want.vim_account;
        let accounts = self.observed.vim_accounts();
        let found = accounts.iter().find(|account| account.name == *name);
        found.map(|account| &account.id).ok_or_else(|| Blocked::UnknownVimAccount {
            at: at.clone(),
            name: name.clone(),
            known: accounts.iter().map(|account| account.name.to_string()).collect(),
        })
    }
}
