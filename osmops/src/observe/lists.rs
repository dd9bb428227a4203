//! OSM's lists: read for one pass alone, or shared between passes.
//!
//! Invariant: a pass takes a shared list only if the request for it left after a time that the pass names. Who
//! names the time at which its last pass had ended, or a later one, never sees a list from before a write of its
//! own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::desired::DesiredState;
use crate::ids::{DescriptorId, PackageKind};
use crate::nbi::{Nbi, NbiError};
use crate::observed::{ObservedInstance, ObservedPackage, UnnamedInstance};

use super::records::{instance, package};

/// For how long after its arrival a list is shared.
const SHARED_FOR: Duration = Duration::from_secs(1);

/// Where a pass takes OSM's lists from.
#[derive(Debug, Clone, Default)]
pub enum Lists {
    /// It reads them itself.
    #[default]
    Own,
    /// Others may have read them.
    Shared {
        /// With whom.
        lists: SharedLists,
        /// They must have been asked for after this.
        after: Instant,
    },
}

/// Lists as one user sees them in one project of one OSM. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SharedLists {
    lists: Arc<AllLists>,
}

#[derive(Debug, Default)]
struct AllLists {
    vnfds: SharedList<SharedPackage>,
    nsds: SharedList<SharedPackage>,
    instances: SharedList<AnyInstance>,
}

/// An instance whose name can be declared, or another one.
pub(super) type AnyInstance = Result<ObservedInstance, UnnamedInstance>;

/// A package without its descriptor, and the descriptor as text, which takes a fraction of the memory.
#[derive(Debug)]
struct SharedPackage {
    package: ObservedPackage,
    descriptor: Option<String>,
}

impl Lists {
    /// The packages that planning `desired` needs; descriptors of those alone that are declared.
    pub(super) async fn packages(
        &self,
        nbi: &Nbi,
        desired: &DesiredState,
    ) -> Result<Vec<ObservedPackage>, NbiError> {
        match self {
            Lists::Own => {
                let mut packages = Vec::new();
                for kind in [PackageKind::Vnfd, PackageKind::Nsd] {
                    let mut take = |record| {
                        let mut package = package(kind, record);
                        if !is_declared(desired, &package) {
                            package.descriptor = None;
                        }
                        packages.push(package);
                    };
                    nbi.read_packages(kind, &mut take).await?;
                }
                Ok(packages)
            }
            Lists::Shared { lists, after } => {
                let lists = &lists.lists;
                let vnfds = Box::pin(shared_packages(nbi, PackageKind::Vnfd));
                let vnfds = lists.vnfds.read_after(*after, vnfds).await?;
                let nsds = Box::pin(shared_packages(nbi, PackageKind::Nsd));
                let nsds = lists.nsds.read_after(*after, nsds).await?;
                let needed = needed(desired, &vnfds, &nsds);
                Ok(needed.into_iter().map(|shared| shared.copy_for(desired)).collect())
            }
        }
    }

    /// Gives every instance of the project to `take`.
    pub(super) async fn instances(
        &self,
        nbi: &Nbi,
        take: &mut (dyn FnMut(AnyInstance) + Send),
    ) -> Result<(), NbiError> {
        match self {
            Lists::Own => nbi.read_instances(&mut |record| take(instance(record))).await,
            Lists::Shared { lists, after } => {
                let reading = Box::pin(async {
                    let mut instances = Vec::new();
                    nbi.read_instances(&mut |record| instances.push(instance(record))).await?;
                    Ok(instances)
                });
                let instances = lists.lists.instances.read_after(*after, reading).await?;
                instances.iter().cloned().for_each(take);
                Ok(())
            }
        }
    }
}

impl SharedLists {
    /// Frees the memory of lists that nobody may share any more.
    pub fn forget_old(&self) {
        let AllLists { vnfds, nsds, instances } = &*self.lists;
        vnfds.forget_old();
        nsds.forget_old();
        instances.forget_old();
    }
}

async fn shared_packages(nbi: &Nbi, kind: PackageKind) -> Result<Vec<SharedPackage>, NbiError> {
    let mut packages = Vec::new();
    let mut take = |record| {
        let mut package = package(kind, record);
        let descriptor = package.descriptor.take().as_ref().map(Value::to_string);
        packages.push(SharedPackage { package, descriptor });
    };
    nbi.read_packages(kind, &mut take).await?;
    Ok(packages)
}

impl SharedPackage {
    fn copy_for(&self, desired: &DesiredState) -> ObservedPackage {
        let mut package = self.package.clone();
        if is_declared(desired, &package) {
            let descriptor = self.descriptor.as_deref();
            package.descriptor = descriptor.and_then(|text| serde_json::from_str(text).ok());
        }
        package
    }
}

fn is_declared(desired: &DesiredState, package: &ObservedPackage) -> bool {
    package.id.as_ref().is_some_and(|id| desired.package(package.kind, id).is_some())
}

/// What is declared, what that names, and what has no id; everything where something may be removed, because
/// one must know then who uses it.
fn needed<'a>(
    desired: &DesiredState,
    vnfds: &'a [SharedPackage],
    nsds: &'a [SharedPackage],
) -> Vec<&'a SharedPackage> {
    if desired.prune.is_some() {
        return vnfds.iter().chain(nsds).collect();
    }
    let is_one_of = |ids: &BTreeSet<&DescriptorId>, shared: &SharedPackage| {
        shared.package.id.as_ref().is_none_or(|id| ids.contains(id))
    };
    let declared = |kind| {
        let packages = desired.packages.iter().filter(move |package| package.key.kind == kind);
        packages.map(|package| &package.key.id)
    };
    let named = desired.instances.iter().map(|instance| &instance.nsd.0);
    let ids = declared(PackageKind::Nsd).chain(named).collect();
    let nsds: Vec<_> = nsds.iter().filter(|nsd| is_one_of(&ids, nsd)).collect();
    let members = desired.packages.iter().flat_map(|nsd| &nsd.members).map(|member| &member.vnfd);
    let theirs = nsds.iter().flat_map(|nsd| nsd.package.members.iter().map(|(_, vnfd)| vnfd));
    let ids = declared(PackageKind::Vnfd).chain(members).chain(theirs).collect();
    vnfds.iter().filter(|vnfd| is_one_of(&ids, vnfd)).chain(nsds).collect()
}

/// One list, as it was last read.
#[derive(Debug)]
struct SharedList<T> {
    last: Mutex<Last<T>>,
}

#[derive(Debug)]
enum Last<T> {
    None,
    Read { asked_at: Instant, until: Instant, records: Arc<Vec<T>> },
    Failed { asked_at: Instant },
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        Self { last: Mutex::new(Last::None) }
    }
}

impl<T> SharedList<T> {
    /// The list as it was asked for after this time: as it was read, as it is just being read, or else by `reading`.
    ///
    /// # Cancel safety
    /// Dropped, it leaves the reading to the next one who needs it.
    async fn read_after(
        &self,
        after: Instant,
        reading: impl Future<Output = Result<Vec<T>, NbiError>>,
    ) -> Result<Arc<Vec<T>>, NbiError> {
        let mut last = self.last.lock().await;
        match &*last {
            Last::Read { asked_at, until, records }
                if *asked_at > after && Instant::now() < *until =>
            {
                return Ok(records.clone());
            }
            // Those who waited for it ask each for themselves, and none of them waits for another.
            Last::Failed { asked_at } if *asked_at > after => {
                drop(last);
                return reading.await.map(Arc::new);
            }
            Last::None | Last::Read { .. } | Last::Failed { .. } => *last = Last::None,
        }
        let asked_at = Instant::now();
        let read = reading.await.map(Arc::new);
        *last = match &read {
            Ok(records) => {
                let until = Instant::now() + SHARED_FOR;
                Last::Read { asked_at, until, records: records.clone() }
            }
            Err(_) => Last::Failed { asked_at },
        };
        read
    }

    fn forget_old(&self) {
        // Where somebody reads, it is about to become new.
        if let Ok(mut last) = self.last.try_lock()
            && matches!(&*last, Last::Read { until, .. } if *until <= Instant::now())
        {
            *last = Last::None;
        }
    }
}
