//! Laws of single requests that change something, judged just before they take effect.

use std::time::Duration;

use mock_nbi::Look;
use osmops::package::UploadName;
use serde_json::Value;

use super::{Law, Verdicts, removals, revision};
use crate::sim::expected::{Expected, ExpectedInstance};
use crate::sim::osm::{self, Instance, Package, text};
use crate::sim::reading::{Moment, Reading};

/// A request on its way to OSM.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// As the fake names it: `PUT /nsd/v1/ns_descriptors/{id}/nsd_content`.
    pub operation: String,
    /// The id in its path.
    pub id: Option<String>,
    /// Its query.
    pub query: String,
    /// Its body, where it is JSON.
    pub body: Value,
    /// `Content-Filename` of an upload.
    pub file_name: Option<String>,
    /// `Content-File-MD5` of an upload.
    pub md5: Option<String>,
}

/// What a write is judged by.
pub struct Case<'a, 'l> {
    /// What OSM has.
    pub look: &'a Look<'l>,
    /// The commit of the run that sends it; none where the run was given no whole artifact.
    pub expected: Option<&'a Expected>,
    /// How many commits this process was given.
    pub commits_seen: usize,
    /// What it read last.
    pub reading: &'a Reading,
    /// Whether someone else changed OSM's records since, or may have.
    pub changed_since: &'a dyn Fn(Moment) -> bool,
    /// Digest and MD5 of every package of the world.
    pub archives: &'a [(String, String)],
    /// When, since the run began.
    pub at: Duration,
}

impl Call {
    /// Whether it changes anything but tokens.
    pub fn is_write(&self) -> bool {
        !self.operation.starts_with("GET ") && !self.is_of_tokens()
    }

    /// Whether it is about tokens.
    pub fn is_of_tokens(&self) -> bool {
        self.operation.contains("/admin/v1/tokens")
    }

    /// Whether it is about instances.
    pub fn is_of_instances(&self) -> bool {
        self.operation.contains("/ns_instances")
    }

    fn is_of_nsds(&self) -> bool {
        self.operation.contains("/ns_descriptors")
    }

    pub(super) fn is_delete(&self) -> bool {
        self.operation.starts_with("DELETE ")
    }

    /// Whether it makes a record.
    pub fn is_creation(&self) -> bool {
        self.operation.starts_with("POST ") && self.id.is_none()
    }

    pub(super) fn upload(&self) -> Option<UploadName> {
        UploadName::parse(self.file_name.as_deref()?)
    }
}

/// What a write is about, as OSM has it.
pub(super) enum Subject {
    Package(Package),
    Instance(Instance),
}

fn subject(call: &Call, look: &Look<'_>) -> Option<Subject> {
    let id = call.id.as_deref()?;
    if call.is_of_instances() {
        return osm::instances(look).into_iter().find(|i| i.record == id).map(Subject::Instance);
    }
    osm::packages(look).into_iter().find(|p| p.record == id).map(Subject::Package)
}

/// Judges a write.
pub fn judge(call: &Call, case: &Case<'_, '_>, verdicts: &mut Verdicts) {
    let at = case.at;
    let Some(expected) = case.expected else {
        let how = || format!("{} without the artifact that was declared", call.operation);
        verdicts.test(Law::S8, at, false, how);
        return;
    };
    let is_of_ours = ["/vnf_packages", "/ns_descriptors", "/ns_instances"];
    if !is_of_ours.iter().any(|kind| call.operation.contains(kind)) {
        let how = || format!("{} is for people to do", call.operation);
        verdicts.test(Law::S1, at, false, how);
    }
    let subject = subject(call, case.look);
    if let Some(subject) = &subject {
        only_ours(call, subject, expected, at, verdicts);
        no_needless(call, subject, case, expected, verdicts);
        removals::only_asked(call, subject, case, expected, verdicts);
    }
    idle(call, case, verdicts);
    revision::of_this_one(call, case, expected, verdicts);
    in_order(call, case, expected, verdicts);
    same_bytes(call, case, verdicts);
}

/// S1.
fn only_ours(
    call: &Call,
    subject: &Subject,
    expected: &Expected,
    at: Duration,
    verdicts: &mut Verdicts,
) {
    let (holds, what) = match subject {
        Subject::Package(package) => {
            let is_bare = package.upload.is_none() && !package.is_usable;
            (expected.is_ours(package) || is_bare, &package.id)
        }
        Subject::Instance(instance) => (expected.is_ours_instance(instance), &instance.name),
    };
    verdicts
        .test(Law::S1, at, holds, || format!("{} on {what}, which is not ours", call.operation));
}

/// S3.
fn idle(call: &Call, case: &Case<'_, '_>, verdicts: &mut Verdicts) {
    let (Some(id), true, Some(read)) =
        (&call.id, call.is_of_instances(), case.reading.instances.known())
    else {
        return;
    };
    let Some(instance) = read.iter().find(|instance| instance.record == *id) else {
        return;
    };
    let how = || format!("{} on {}, which was read as processing", call.operation, instance.name);
    verdicts.test(Law::S3, case.at, !instance.is_processing, how);
}

/// S4: what a package or an instance is made from is there, as declared.
fn in_order(call: &Call, case: &Case<'_, '_>, expected: &Expected, verdicts: &mut Verdicts) {
    let could_know =
        |is_nsd: bool| !(case.changed_since)(case.reading.packages[usize::from(is_nsd)].had());
    let missing = |packages: &[Package], is_nsd: bool, id: &str| {
        let want = expected.package(is_nsd, id);
        want.is_some_and(|want| {
            !packages.iter().any(|p| p.is_nsd == is_nsd && p.id == id && want.is_made_of(p))
        })
    };
    if call.is_of_nsds()
        && could_know(false)
        && let Some(upload) = call.upload()
    {
        let nsd = expected.packages.iter().find(|p| p.is_nsd && p.digest == upload.digest.as_str());
        let Some(nsd) = nsd else { return };
        let packages = osm::packages(case.look);
        let late: Vec<&String> =
            nsd.vnfds.iter().filter(|id| missing(&packages, false, id)).collect();
        let how = || format!("NSD {} is written before its VNFDs {late:?}", nsd.id);
        verdicts.test(Law::S4, case.at, late.is_empty(), how);
    }
    if call.is_creation() && call.is_of_instances() && could_know(true) {
        let name = text(&call.body, "nsName");
        let Some(instance) = expected.instance(name) else { return };
        let packages = osm::packages(case.look);
        let is_late = missing(&packages, true, &instance.nsd);
        let how = || format!("NS {name} is made before its NSD {}", instance.nsd);
        verdicts.test(Law::S4, case.at, !is_late, how);
        after_those_it_needs(instance, case, expected, verdicts);
    }
}

/// S4: it is made when those that it comes after run as declared.
fn after_those_it_needs(
    instance: &ExpectedInstance,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    let Some(read) = case.reading.instances.known() else { return };
    let runs = |name: &String| {
        expected
            .instance(name)
            .is_some_and(|want| read.iter().any(|have| have.name == *name && want.is_met_by(have)))
    };
    if !instance.depends_on.is_empty() {
        let late: Vec<&String> = instance.depends_on.iter().filter(|name| !runs(name)).collect();
        let how = || format!("NS {} is made before {late:?} run", instance.name);
        verdicts.test(Law::S4, case.at, late.is_empty(), how);
    }
}

/// S6.
fn no_needless(
    call: &Call,
    subject: &Subject,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    let (had, name) = match subject {
        Subject::Package(package) => {
            let list = &case.reading.packages[usize::from(package.is_nsd)];
            let Some(read) = list.known() else { return };
            let same: Vec<&Package> = read.iter().filter(|p| p.id == package.id).collect();
            let want = expected.package(package.is_nsd, &package.id);
            let met = matches!((same.as_slice(), want), ([one], Some(want)) if want.is_met_by(one));
            (met, &package.id)
        }
        Subject::Instance(instance) => {
            let Some(read) = case.reading.instances.known() else { return };
            let same: Vec<&Instance> = read.iter().filter(|i| i.name == instance.name).collect();
            let want = expected.instance(&instance.name);
            let met = matches!((same.as_slice(), want), ([one], Some(want)) if want.is_met_by(one));
            (met, &instance.name)
        }
    };
    verdicts.test(Law::S6, case.at, !had, || {
        format!("{} on {name}, which was read as it is declared", call.operation)
    });
}

/// S11.
fn same_bytes(call: &Call, case: &Case<'_, '_>, verdicts: &mut Verdicts) {
    if let (Some(upload), Some(md5)) = (call.upload(), &call.md5) {
        let known = case.archives.iter().find(|(digest, _)| digest == upload.digest.as_str());
        let holds = known.is_some_and(|(_, known)| known == md5);
        verdicts.test(Law::S11, case.at, holds, || format!("{upload} has other bytes: {md5}"));
    }
}
