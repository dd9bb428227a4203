//! S8: nothing is removed, or taken down, that the revision does not ask to be rid of.

use mock_nbi::Collection;

use super::writes::{Call, Case, Subject};
use super::{Law, Verdicts};
use crate::sim::expected::Expected;
use crate::sim::osm::{self, Instance, Package};

/// Judges a removal, and a termination.
pub(super) fn only_asked(
    call: &Call,
    subject: &Subject,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    if !call.is_delete() && !call.operation.ends_with("/terminate") {
        return;
    }
    let holds = !call.query.to_uppercase().contains("FORCE");
    let how = || format!("{} by force", call.operation);
    verdicts.test(Law::S8, case.at, holds, how);
    let (is_declared, is_needed, name) = match subject {
        Subject::Package(p) => {
            (expected.package(p.is_nsd, &p.id).is_some(), is_needed_package(p, case), &p.id)
        }
        Subject::Instance(i) => {
            let want = expected.instance(&i.name);
            (want.is_some(), want.is_some_and(|want| want.may_not_go(i, case)), &i.name)
        }
    };
    let (holds, why) = if is_declared {
        (!is_needed, "which is declared and well")
    } else {
        (expected.may_prune, "which this revision may not remove")
    };
    verdicts.test(Law::S8, case.at, holds, || format!("{} on {name}, {why}", call.operation));
}

/// Whether a declared package can be used, now and as it was read.
fn is_needed_package(package: &Package, case: &Case<'_, '_>) -> bool {
    let list = &case.reading.packages[usize::from(package.is_nsd)];
    let read = list.known().and_then(|list| list.iter().find(|p| p.record == package.record));
    package.is_usable && !list.is_blurred() && read.is_none_or(|read| read.is_usable)
}

impl crate::sim::expected::ExpectedInstance {
    /// Whether an instance runs, now and as it was read, is of the NSD that is declared, and is not the newer one of two.
    fn may_not_go(&self, instance: &Instance, case: &Case<'_, '_>) -> bool {
        let list = &case.reading.instances;
        let read = list.known().and_then(|list| list.iter().find(|i| i.record == instance.record));
        let runs = instance.state == "READY" && read.is_none_or(|read| read.state == "READY");
        let created = |id: &str| {
            let record = case.look.record(Collection::NsInstances, id);
            record.and_then(|record| record["create-time"].as_f64()).unwrap_or_default()
        };
        // Of two of one moment the one whose id comes first is the older one.
        let age = |instance: &Instance| (created(&instance.record), instance.record.clone());
        let all = osm::instances(case.look);
        let mut twins = all.iter().filter(|i| i.name == self.name && i.owner == instance.owner);
        let is_oldest =
            twins.all(|twin| twin.record == instance.record || age(twin) > age(instance));
        let is_to_be_made_anew = self.recreate && instance.nsd != self.nsd;
        runs && !list.is_blurred() && is_oldest && !is_to_be_made_anew
    }
}
