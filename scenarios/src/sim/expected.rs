//! What a commit asks of OSM, as the oracles know it: taken from the parsed repository once, never from a plan.

use std::time::Duration;

use osmops::desired::DesiredState;
use osmops::ids::PackageKind;
use osmops::revision::Revision;
use serde_json::{Map, Value};

use super::osm::{Instance, Osm, Package, description_of};
use super::reading::Needed;

/// A declared package.
#[derive(Debug, Clone)]
pub struct ExpectedPackage {
    /// Whether it is an NSD.
    pub is_nsd: bool,
    /// The descriptor's id.
    pub id: String,
    /// The digest of its files.
    pub digest: String,
    /// What its descriptor says of itself.
    pub description: Option<String>,
    /// The VNFDs that it names.
    pub vnfds: Vec<String>,
}

/// A declared instance.
#[derive(Debug, Clone)]
pub struct ExpectedInstance {
    /// Its name.
    pub name: String,
    /// The NSD's id.
    pub nsd: String,
    /// The values by member and KDU.
    pub kdus: Vec<((String, String), Map<String, Value>)>,
    /// The instances that it comes after.
    pub depends_on: Vec<String>,
    /// Whether it is to be made anew where it is of another NSD.
    pub recreate: bool,
}

/// A commit.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Our mark.
    pub owner: String,
    /// VNFDs, then NSDs.
    pub packages: Vec<ExpectedPackage>,
    /// By name.
    pub instances: Vec<ExpectedInstance>,
    /// Whether what bears our mark and is declared no more may be removed.
    pub may_prune: bool,
    /// How often an operation is tried.
    pub attempts: usize,
    /// How long one may take.
    pub timeout: Duration,
}

impl Expected {
    /// Of a revision, whose packages and declarations were read.
    pub fn of(revision: &Revision) -> Self {
        let desired: &DesiredState = &revision.desired;
        let package = |package: &osmops::desired::DesiredPackage| ExpectedPackage {
            is_nsd: package.key.kind == PackageKind::Nsd,
            id: package.key.id.to_string(),
            digest: package.digest.as_str().to_owned(),
            description: description_of(package.descriptor.json()),
            vnfds: package.members.iter().map(|member| member.vnfd.to_string()).collect(),
        };
        let instance = |instance: &osmops::desired::DesiredInstance| ExpectedInstance {
            name: instance.name.to_string(),
            nsd: instance.nsd.0.to_string(),
            kdus: instance
                .kdus
                .iter()
                .map(|kdu| {
                    let key = (kdu.member.0.to_string(), kdu.name.0.to_string());
                    (key, kdu.params.values().clone())
                })
                .collect(),
            depends_on: instance.depends_on.iter().map(|(name, _)| name.to_string()).collect(),
            recreate: instance.recreate,
        };
        Self {
            owner: desired.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
            packages: desired.packages.iter().map(package).collect(),
            instances: desired.instances.iter().map(instance).collect(),
            may_prune: desired.prune.is_some() && desired.is_complete,
            attempts: desired.policy.attempts as usize,
            timeout: desired.policy.timeout,
        }
    }

    /// The declared package of this kind and id.
    pub fn package(&self, is_nsd: bool, id: &str) -> Option<&ExpectedPackage> {
        self.packages.iter().find(|package| package.is_nsd == is_nsd && package.id == id)
    }

    /// The declared instance of this name.
    pub fn instance(&self, name: &str) -> Option<&ExpectedInstance> {
        self.instances.iter().find(|instance| instance.name == name)
    }

    /// Which lists must be read to know that OSM matches.
    pub fn needs_lists(&self) -> Needed {
        let has = |is_nsd: bool| self.packages.iter().any(|package| package.is_nsd == is_nsd);
        let prunes = self.may_prune;
        Needed {
            packages: [prunes || has(false), prunes || has(true)],
            instances: prunes || !self.instances.is_empty(),
        }
    }

    /// These instances, and those that come after them.
    pub fn held_up_by<'a>(&'a self, names: &[&'a str]) -> Vec<&'a str> {
        let mut held_up = names.to_vec();
        let mut known = 0;
        while known < held_up.len() {
            known = held_up.len();
            for instance in &self.instances {
                let waits = instance.depends_on.iter().any(|name| held_up.contains(&name.as_str()));
                if waits && !held_up.contains(&instance.name.as_str()) {
                    held_up.push(&instance.name);
                }
            }
        }
        held_up
    }

    /// Whether a package bears our mark.
    pub fn is_ours(&self, package: &Package) -> bool {
        let owner = package.upload.as_ref().and_then(|upload| upload.owner.as_ref());
        owner.is_some_and(|owner| owner.as_str() == self.owner)
    }

    /// Whether an instance bears our mark.
    pub fn is_ours_instance(&self, instance: &Instance) -> bool {
        instance.owner.as_deref() == Some(self.owner.as_str())
    }

    /// What of OSM is not as declared; nothing when all is.
    pub fn differences(&self, osm: &Osm) -> Vec<String> {
        let mut found = self.differences_of_packages(false, &osm.packages);
        found.extend(self.differences_of_packages(true, &osm.packages));
        found.extend(self.differences_of_instances(&osm.instances));
        found
    }

    /// What of the NSDs, or of the VNFDs, among these is not as declared.
    pub fn differences_of_packages(&self, is_nsd: bool, have: &[Package]) -> Vec<String> {
        let mut found = Vec::new();
        for want in self.packages.iter().filter(|want| want.is_nsd == is_nsd) {
            let all = have.iter().filter(|p| p.is_nsd == is_nsd && p.id == want.id);
            let all: Vec<&Package> = all.collect();
            if !matches!(all.as_slice(), [one] if want.is_met_by(one)) {
                found.push(format!("package {}: {} records, not as declared", want.id, all.len()));
            }
        }
        if self.may_prune {
            let ours = have.iter().filter(|p| p.is_nsd == is_nsd && self.is_ours(p));
            let left = ours.filter(|p| self.package(is_nsd, &p.id).is_none());
            found.extend(left.map(|p| format!("package {}: not removed", p.id)));
        }
        found
    }

    /// What of these instances is not as declared.
    pub fn differences_of_instances(&self, have: &[Instance]) -> Vec<String> {
        let mut found = Vec::new();
        for want in &self.instances {
            let all: Vec<&Instance> = have.iter().filter(|i| i.name == want.name).collect();
            if !matches!(all.as_slice(), [one] if want.is_met_by(one)) {
                let states: Vec<&str> = all.iter().map(|i| i.state.as_str()).collect();
                let (name, count) = (&want.name, all.len());
                found.push(format!("NS {name}: {count} records {states:?}, not as declared"));
            }
        }
        if self.may_prune {
            let ours = have.iter().filter(|i| self.is_ours_instance(i));
            let left = ours.filter(|i| self.instance(&i.name).is_none());
            found.extend(left.map(|i| format!("NS {}: not removed", i.name)));
        }
        found
    }
}

impl ExpectedPackage {
    /// Whether OSM's is as declared.
    pub fn is_met_by(&self, have: &Package) -> bool {
        self.is_made_of(have) && have.description == self.description
    }

    /// Whether OSM's can be used and was made of the declared files, whatever became of its descriptor since.
    pub fn is_made_of(&self, have: &Package) -> bool {
        have.is_usable && have.upload.as_ref().is_some_and(|u| u.digest.as_str() == self.digest)
    }
}

impl ExpectedInstance {
    /// Whether OSM's runs as declared.
    pub fn is_met_by(&self, have: &Instance) -> bool {
        have.state == "READY"
            && !have.is_processing
            && have.nsd == self.nsd
            && self.kdus.iter().all(|(key, want)| {
                let found = have.values.iter().find(|(k, _)| k == key);
                found.is_some_and(|(_, values)| {
                    want.iter().all(|(k, v)| values.get(k).is_some_and(|have| same(v, have)))
                })
            })
    }
}

/// Whether two values are one to a chart: `"2"` and `2` are.
fn same(a: &Value, b: &Value) -> bool {
    let scalar = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    a == b || scalar(a).is_some_and(|a| Some(a) == scalar(b))
}
