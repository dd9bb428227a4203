//! People change files and leave the version as it is.

use osmops::desired::DesiredState;
use osmops::nbi::{Connection, Transport};
use osmops::observed::ObservedState;
use osmops::package::UploadName;
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::Reconciler;

use crate::stages::{Habit, process};
use crate::{KnownBad, Starts};

/// Found where a package changes and its version does not.
pub const BAD: KnownBad = KnownBad {
    name: "believes_version",
    mistake: "takes packages of one version for the same, whatever files they have",
    breaks: &[Law::L1, Law::S7],
    maker: &Starts(start),
};

fn start(connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
    Box::new(process(connection, transport, ByVersion))
}

struct ByVersion;

impl Habit for ByVersion {
    fn read(&mut self, desired: &DesiredState, observed: &mut ObservedState) {
        for have in &mut observed.packages {
            let Some(upload) = have.upload() else { continue };
            let want = have.id.as_ref().and_then(|id| desired.package(have.kind, id));
            if let Some(want) = want.filter(|want| want.version == have.version) {
                let digest = want.digest.clone();
                have.file_name = Some(UploadName { digest, ..upload }.to_string());
            }
        }
    }
}
