//! Laws of single requests that change something, judged just before they take effect.

use std::time::Duration;

use mock_nbi::{Collection, Look};
use osmops::package::UploadName;
use serde_json::Value;

use super::{Law, Verdicts};
use crate::sim::expected::Expected;
use crate::sim::osm::{self, Instance, Osm, Package, text};

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

/// What one process has read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The VNFDs, and the NSDs, of the latest lists; none where the answer did not tell what OSM had.
    pub packages: [Option<Vec<Package>>; 2],
    /// The instances of the latest list.
    pub instances: Option<Vec<Instance>>,
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
    /// Whether someone else changed OSM's records, or may have.
    pub others_at_work: bool,
    /// Whether someone changed a descriptor, which its files do not tell.
    pub edited: bool,
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

    fn is_of_instances(&self) -> bool {
        self.operation.contains("/ns_instances")
    }

    fn is_of_nsds(&self) -> bool {
        self.operation.contains("/ns_descriptors")
    }

    fn is_delete(&self) -> bool {
        self.operation.starts_with("DELETE ")
    }

    fn is_creation(&self) -> bool {
        self.operation.starts_with("POST ") && self.id.is_none()
    }

    fn upload(&self) -> Option<UploadName> {
        UploadName::parse(self.file_name.as_deref()?)
    }
}

/// What a write is about, as OSM has it.
enum Subject {
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
    let subject = subject(call, case.look);
    if let Some(subject) = &subject {
        only_ours(call, subject, expected, at, verdicts);
        no_needless(call, subject, case, expected, verdicts);
        only_asked_removals(call, subject, expected, at, verdicts);
    }
    idle(call, case, verdicts);
    of_this_revision(call, case, expected, verdicts);
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
    let (Some(id), true, Some(read)) = (&call.id, call.is_of_instances(), &case.reading.instances)
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
    if case.others_at_work {
        return;
    }
    let missing = |packages: &[Package], is_nsd: bool, id: &str| {
        let want = expected.package(is_nsd, id);
        want.is_some_and(|want| {
            !packages.iter().any(|p| p.is_nsd == is_nsd && p.id == id && want.is_met_by(p))
        })
    };
    if call.is_of_nsds()
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
    if call.is_creation() && call.is_of_instances() {
        let name = text(&call.body, "nsName");
        let Some(instance) = expected.instance(name) else { return };
        let packages = osm::packages(case.look);
        let is_late = missing(&packages, true, &instance.nsd);
        let how = || format!("NS {name} is made before its NSD {}", instance.nsd);
        verdicts.test(Law::S4, case.at, !is_late, how);
    }
}

/// S5, and that what is made is declared at all (S1).
fn of_this_revision(
    call: &Call,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    let mut test = |holds: bool, how: String| {
        if case.commits_seen > 1 {
            verdicts.test(Law::S5, case.at, holds, || how);
        } else {
            verdicts.test(Law::S1, case.at, holds, || how);
        }
    };
    if let Some(upload) = call.upload() {
        let is_declared = expected.packages.iter().any(|p| p.digest == upload.digest.as_str());
        test(is_declared, format!("upload of {upload}, which this revision does not have"));
    } else if call.is_creation() && call.is_of_instances() {
        let name = text(&call.body, "nsName");
        let given = call.body["additionalParamsForVnf"].clone();
        let holds = expected.instance(name).is_some_and(|want| {
            want.kdus.iter().all(|((member, kdu), values)| {
                let sent = kdu_params(&given, member, kdu);
                values.iter().all(|(key, value)| sent.get(key) == Some(value))
            })
        });
        test(holds, format!("NS {name} is made with values that this revision does not have"));
    } else if call.operation.ends_with("/{id}/action") {
        let Some(id) = &call.id else { return };
        let record = case.look.record(Collection::NsInstances, id);
        let Some(record) = record else { return };
        let name = text(&record, "name");
        let member = text(&call.body, "member_vnf_index").to_owned();
        let key = (member, text(&call.body, "kdu_name").to_owned());
        let sent = &call.body["primitive_params"];
        let holds = expected.instance(name).is_some_and(|want| {
            let values = want.kdus.iter().find(|(k, _)| *k == key).map(|(_, values)| values);
            values.is_none_or(|values| values.iter().all(|(k, v)| sent.get(k) == Some(v)))
        });
        test(holds, format!("NS {name} is upgraded to values that this revision does not have"));
    }
}

fn kdu_params<'a>(given: &'a Value, member: &str, kdu: &str) -> &'a Value {
    let vnf = given.as_array().into_iter().flatten();
    let vnf = vnf.filter(|vnf| text(vnf, "member-vnf-index") == member);
    let mut kdus = vnf.flat_map(|v| v["additionalParamsForKdu"].as_array().into_iter().flatten());
    kdus.find(|k| text(k, "kdu_name") == kdu).map_or(&Value::Null, |k| &k["additionalParams"])
}

/// S6.
fn no_needless(
    call: &Call,
    subject: &Subject,
    case: &Case<'_, '_>,
    expected: &Expected,
    verdicts: &mut Verdicts,
) {
    if case.others_at_work || (case.edited && call.operation.starts_with("PATCH ")) {
        return;
    }
    let (had, name) = match subject {
        Subject::Package(package) => {
            let Some(read) = &case.reading.packages[usize::from(package.is_nsd)] else { return };
            let same: Vec<&Package> = read.iter().filter(|p| p.id == package.id).collect();
            let want = expected.package(package.is_nsd, &package.id);
            let met = matches!((same.as_slice(), want), ([one], Some(want)) if want.is_met_by(one));
            (met, &package.id)
        }
        Subject::Instance(instance) => {
            let Some(read) = &case.reading.instances else { return };
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

/// S8.
fn only_asked_removals(
    call: &Call,
    subject: &Subject,
    expected: &Expected,
    at: Duration,
    verdicts: &mut Verdicts,
) {
    let removes = call.is_delete() || call.operation.ends_with("/terminate");
    let (declared, name) = match subject {
        Subject::Package(p) => (expected.package(p.is_nsd, &p.id).is_some(), &p.id),
        Subject::Instance(i) => (expected.instance(&i.name).is_some(), &i.name),
    };
    if removes && !declared {
        let how = || format!("{} on {name}, and this revision may not remove it", call.operation);
        verdicts.test(Law::S8, at, expected.may_prune, how);
    }
}

/// S11.
fn same_bytes(call: &Call, case: &Case<'_, '_>, verdicts: &mut Verdicts) {
    if let (Some(upload), Some(md5)) = (call.upload(), &call.md5) {
        let known = case.archives.iter().find(|(digest, _)| digest == upload.digest.as_str());
        let holds = known.is_some_and(|(_, known)| known == md5);
        verdicts.test(Law::S11, case.at, holds, || format!("{upload} has other bytes: {md5}"));
    }
}

/// S2: `allowed` twins are excused by what happened.
pub fn no_twins(osm: &Osm, owner: &str, allowed: usize, at: Duration, verdicts: &mut Verdicts) {
    for instance in &osm.instances {
        if instance.owner.as_deref() != Some(owner) {
            continue;
        }
        let same = osm.named(&instance.name).filter(|i| i.owner == instance.owner).count();
        let how = || format!("{same} instances {} of ours", instance.name);
        verdicts.test(Law::S2, at, same <= 1 + allowed, how);
    }
}
