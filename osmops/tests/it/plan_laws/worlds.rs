//! Generated declarations, and generated readings of an OSM: also such as no fake ever comes to.

use std::sync::LazyLock;

use osmops::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, OpId, Owner, PackageId, PackageKind,
    RevisionName, VimAccountId, VimAccountName,
};
use osmops::moment::Moment;
use osmops::observed::{
    Change, Content, KduChange, NsState, ObservedInstance, ObservedKdu, ObservedPackage,
    ObservedState, ObservedVimAccount, OpKind, OpState, Operation, PackageState, RunningOperation,
    Settings, UnnamedInstance,
};
use osmops::package::{Package, UploadName};
use osmops::plan::needing_history;
use osmops::revision::Revision;
use osmops::secret::NESTED_PREFIX;
use osmops::tree::{Tree, TreeFile, TreePath};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

use crate::world::{config, instance, nsd, vnfd};

const OURS: &str = "team-a";
/// Pairs of a VNFD and an NSD.
const PAIRS: usize = 3;
/// Names of instances that may be declared; OSM may have one more.
const NAMES: usize = 4;
const VERSIONS: usize = 2;
const READ_AT: f64 = 1_700_000_000.0;
/// Values as files write them.
const VALUES: [&str; 3] = ["replicas: 1", "replicas: \"two\"", "nested: {a: [1, {b: true}]}"];

/// What a revision declares.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Number of the pair, and its version.
    pairs: Vec<(usize, usize)>,
    instances: Vec<DeclaredInstance>,
    has_owner: bool,
    adopt: bool,
    prune: bool,
    allow_large: bool,
    is_broken: bool,
}

#[derive(Debug, Clone)]
struct DeclaredInstance {
    name: usize,
    pair: usize,
    values: usize,
    adopt: bool,
    recreate: bool,
    /// Depends on the instance of the name before.
    depends: bool,
}

pub(super) fn declared() -> impl Strategy<Value = Declared> {
    let pairs = subsequence((0..PAIRS).collect::<Vec<_>>(), 0..=PAIRS).prop_flat_map(|pairs| {
        pairs.into_iter().map(|pair| (Just(pair), 0..VERSIONS)).collect::<Vec<_>>()
    });
    let instances = subsequence((0..NAMES).collect::<Vec<_>>(), 0..=NAMES)
        .prop_flat_map(|names| names.into_iter().map(declared_instance).collect::<Vec<_>>());
    let flags = (
        prop::bool::weighted(0.8),
        any::<bool>(),
        prop::bool::weighted(0.7),
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    (pairs, instances, flags).prop_map(
        |(pairs, instances, (has_owner, adopt, prune, allow_large, is_broken))| Declared {
            pairs,
            instances,
            has_owner,
            adopt,
            prune,
            allow_large,
            is_broken,
        },
    )
}

/// Mostly the one, so that what is declared and what was read often agree.
fn usual(value: usize, any: std::ops::Range<usize>) -> impl Strategy<Value = usize> + Clone {
    prop_oneof![4 => Just(value), 1 => any]
}

fn declared_instance(name: usize) -> impl Strategy<Value = DeclaredInstance> {
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    let (pair, values) =
        (usual(name % PAIRS, 0..PAIRS), usual(name % VALUES.len(), 0..VALUES.len()));
    (pair, values, flags).prop_map(move |(pair, values, (adopt, recreate, depends))| {
        DeclaredInstance { name, pair, values, adopt, recreate, depends }
    })
}

impl Declared {
    /// This, without what lets one instance bear on another: nothing is removed, nothing waited for.
    pub(super) fn of_independent_instances(mut self) -> Self {
        self.prune = false;
        self.instances.iter_mut().for_each(|instance| instance.depends = false);
        self
    }

    /// This, with every instance's NSD declared, and nothing wrong.
    pub(super) fn whole(mut self) -> Self {
        let pairs = self.pairs.clone();
        self.instances.retain(|instance| pairs.iter().any(|(pair, _)| *pair == instance.pair));
        self.is_broken = false;
        self
    }

    pub(super) fn revision(&self) -> Revision {
        let owner = if self.has_owner { format!("owner: {OURS}\n") } else { String::new() };
        // `prune` without an owner is a mistake of the file.
        let prune = if self.prune && self.has_owner {
            format!("prune: true\nallowLargePrune: {}\n", self.allow_large)
        } else {
            String::new()
        };
        let mut files = vec![config(&format!("{owner}{prune}adopt: {}\n", self.adopt))];
        for (pair, version) in &self.pairs {
            files.extend(pair_files(*pair, *version));
        }
        for declared in &self.instances {
            let name = format!("i{}", declared.name);
            let (path, mut text) =
                instance(&name, &format!("p{}_ns", declared.pair), VALUES[declared.values]);
            text.push_str(&format!("adopt: {}\nrecreate: {}\n", declared.adopt, declared.recreate));
            let before = declared.name.wrapping_sub(1);
            if declared.depends && self.instances.iter().any(|other| other.name == before) {
                text.push_str(&format!("dependsOn: [i{before}]\n"));
            }
            files.push((path, text));
        }
        if self.is_broken {
            files.push(("ns/broken.ops.yaml".to_owned(), "kind: [\n".to_owned()));
        }
        let revision = Revision::read(&tree(&files), RevisionName::new("generated").unwrap());
        let mistakes =
            revision.problems.iter().filter(|p| p.at().file().as_str() == "osm_ops_config.yaml");
        assert_eq!(mistakes.count(), 0, "{:#?}", revision.problems);
        revision
    }
}

fn pair_files(pair: usize, version: usize) -> [(String, String); 2] {
    let knf = format!("p{pair}_knf");
    let version = format!("1.{version}");
    [vnfd(&knf, "ldap", &version), nsd(&format!("p{pair}_ns"), &knf, "openldap", &version)]
}

fn tree(files: &[(String, String)]) -> Tree {
    let file = |(path, text): &(String, String)| {
        (TreePath::parse(path).unwrap(), TreeFile::in_memory(text.clone(), false))
    };
    Tree::from_files(files.iter().map(file))
}

/// The packages of every pair in every version.
static PACKAGES: LazyLock<Vec<[Package; 2]>> = LazyLock::new(|| {
    let mut packages = Vec::new();
    for number in 0..PAIRS * VERSIONS {
        let files = pair_files(number / VERSIONS, number % VERSIONS);
        let tree = tree(&files);
        packages.push(files.each_ref().map(|(path, _)| {
            let (folder, _) = path.rsplit_once('/').unwrap();
            Package::read(&tree, &TreePath::parse(folder).unwrap()).unwrap()
        }));
    }
    packages
});

fn package(kind: PackageKind, pair: usize, version: usize) -> &'static Package {
    &PACKAGES[pair * VERSIONS + version][usize::from(kind == PackageKind::Nsd)]
}

/// Who made something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Maker {
    Us,
    /// We, before there was an owner, or another tool.
    Nobody,
    Another,
}

fn maker() -> impl Strategy<Value = Maker> {
    prop_oneof![4 => Just(Maker::Us), 1 => Just(Maker::Nobody), 1 => Just(Maker::Another)]
}

impl Maker {
    fn owner(self) -> Option<Owner> {
        match self {
            Maker::Us => Some(Owner::new(OURS).unwrap()),
            Maker::Nobody => None,
            Maker::Another => Some(Owner::new("team-b").unwrap()),
        }
    }
}

fn observed_package(kind: PackageKind, pair: usize) -> impl Strategy<Value = ObservedPackage> {
    let state = prop_oneof![
        8 => Just(PackageState::Usable),
        1 => Just(PackageState::Disabled),
        1 => Just(PackageState::WithoutContent),
    ];
    let is_ours = prop::bool::weighted(0.8);
    (0..VERSIONS, 0..VERSIONS, state, maker(), is_ours, any::<bool>(), 0..5_u32).prop_map(
        move |(files, described, state, maker, has_upload, adopted, days)| {
            let of = package(kind, pair, files);
            let is_made = state != PackageState::WithoutContent;
            let upload = UploadName {
                folder: of.name().to_owned(),
                owner: maker.owner(),
                adopted,
                digest: of.digest.clone(),
            };
            let text = package(kind, pair, described).descriptor.body.json().clone();
            let vnfds = of.descriptor.members.iter().map(|member| member.vnfd.clone());
            ObservedPackage {
                kind,
                // Numbered when all are at hand.
                record: PackageId::new("x").unwrap(),
                id: is_made.then(|| of.descriptor.id.0.clone()),
                version: is_made.then(|| format!("1.{files}")),
                state,
                modified: Moment::from_epoch_seconds(READ_AT - f64::from(days) * 86_400.0),
                file_name: is_made.then(|| match has_upload {
                    true => upload.to_string(),
                    false => "package.tar.gz".to_owned(),
                }),
                descriptor: is_made.then_some(text),
                repaired: None,
                content: if has_upload {
                    Content::NotRead
                } else {
                    Content::Files(of.digest.clone())
                },
                members: of
                    .descriptor
                    .members
                    .iter()
                    .filter_map(|member| Some((member.index.clone()?, member.vnfd.clone())))
                    .collect(),
                vnfds: if is_made { vnfds.collect() } else { Vec::new() },
                kdus: of.descriptor.kdus.clone(),
            }
        },
    )
}

fn ns_state() -> impl Strategy<Value = NsState> {
    prop_oneof![
        6 => Just(NsState::Ready),
        2 => Just(NsState::NotInstantiated),
        2 => Just(NsState::Broken),
        1 => Just(NsState::Building),
        1 => Just(NsState::Degraded),
        1 => Just(NsState::Terminating),
        1 => Just(NsState::Other("STRANGE".to_owned())),
    ]
}

fn operation(values: usize) -> impl Strategy<Value = Operation> {
    let kind = prop_oneof![
        3 => Just(OpKind::Instantiate),
        3 => Just(OpKind::Action),
        2 => Just(OpKind::Terminate),
        1 => Just(OpKind::Other("scale".to_owned())),
    ];
    let state = prop_oneof![
        5 => Just(OpState::Completed),
        3 => Just(OpState::Failed),
        1 => Just(OpState::FailedTemp),
        1 => Just(OpState::PartiallyCompleted),
        1 => Just(OpState::Processing),
        1 => Just(OpState::RollingBack),
    ];
    let values = usual(values, 0..VALUES.len());
    (kind, state, values, any::<bool>()).prop_map(|(kind, state, values, removes)| {
        let settings = Settings { values: values_of(values), ..Settings::default() };
        let (member, kdu) = member_and_kdu();
        let change = KduChange { member, kdu, change: Change::Set(settings) };
        let sets = matches!(kind, OpKind::Instantiate | OpKind::Action);
        Operation {
            // Numbered and dated when its neighbours are at hand.
            id: OpId::new("x").unwrap(),
            started: Moment::default(),
            entered: Moment::default(),
            detail: "words".to_owned(),
            removes: removes && kind == OpKind::Terminate,
            changes: if sets { vec![change] } else { Vec::new() },
            kind,
            state,
        }
    })
}

fn member_and_kdu() -> (MemberIndex, KduName) {
    (MemberIndex::new("openldap").unwrap(), KduName::new("ldap").unwrap())
}

/// One of [`VALUES`] as OSM keeps it.
fn values_of(number: usize) -> Map<String, Value> {
    let value: Value = serde_yaml::from_str(VALUES[number]).unwrap();
    value.as_object().unwrap().clone()
}

fn observed_instance() -> impl Strategy<Value = ObservedInstance> {
    (0..=NAMES).prop_flat_map(instance_named)
}

fn instance_named(name: usize) -> impl Strategy<Value = ObservedInstance> {
    let runs = prop::option::weighted(0.15, Just("upgrade".to_owned()));
    let values = prop::option::of(0..VALUES.len());
    let history = prop::collection::vec(operation(name % VALUES.len()), 0..4);
    let pair = prop::option::weighted(0.95, usual(name % PAIRS, 0..PAIRS));
    let place = prop::option::weighted(0.95, prop_oneof![5 => Just(1), 1 => Just(2)]);
    (Just(name), pair, place, maker(), ns_state(), (runs, values, history), 0..100_u32).prop_map(
        |(name, pair, place, maker, state, (runs, values, mut history), minutes)| {
            let created = READ_AT - 7200.0 - f64::from(minutes) * 60.0;
            for (place, operation) in history.iter_mut().enumerate() {
                operation.started = Moment::from_epoch_seconds(created + place as f64 * 1500.0);
                operation.entered =
                    Moment::from_epoch_seconds(created + place as f64 * 1500.0 + 30.0);
            }
            let (member, kdu) = member_and_kdu();
            let deployed = ObservedKdu {
                member,
                name: kdu,
                model: Some("stable/ldap:1.0.0".to_owned()),
                is_as_installed: true,
                values: values.map(values_of),
            };
            ObservedInstance {
                id: NsId::new("x").unwrap(),
                name: NsName::new(format!("i{name}")).unwrap(),
                created: Moment::from_epoch_seconds(created),
                description: Some("a service".to_owned()),
                nsd: pair.map(|pair| DescriptorId::new(format!("p{pair}_ns")).unwrap()),
                packages: Vec::new(),
                owner: maker.owner(),
                vim_account: place.map(|place| VimAccountId::new(format!("vim-{place}")).unwrap()),
                state,
                running: runs.map(|what| RunningOperation { what, id: None, since: None }),
                failure: None,
                can_reset_values: true,
                kdus: vec![deployed],
                history: Some(history),
            }
        },
    )
}

/// A reading of OSM, before it is known what is declared.
pub(super) fn observed() -> impl Strategy<Value = ObservedState> {
    let mut packages = Vec::new();
    for pair in 0..PAIRS {
        for kind in [PackageKind::Vnfd, PackageKind::Nsd] {
            let several = prop_oneof![3 => Just(0..=0_usize), 8 => Just(1..=1), 1 => Just(2..=2)];
            packages.push(several.prop_flat_map(move |count| {
                prop::collection::vec(observed_package(kind, pair), count)
            }));
        }
    }
    let instances = prop::collection::vec(observed_instance(), 0..7);
    let unnamed = prop::collection::vec(0..PAIRS, 0..2);
    (packages, instances, unnamed).prop_map(|(packages, instances, unnamed)| {
        let packages = packages.into_iter().flatten().collect();
        numbered(packages, instances, &unnamed)
    })
}

/// Gives every record an id, and every instance the records of its packages.
fn numbered(
    mut packages: Vec<ObservedPackage>,
    mut instances: Vec<ObservedInstance>,
    unnamed: &[usize],
) -> ObservedState {
    for (place, package) in packages.iter_mut().enumerate() {
        package.record = PackageId::new(format!("package-{place}")).unwrap();
    }
    let records = |nsd: &str| -> Vec<PackageId> {
        let knf = nsd.replace("_ns", "_knf");
        let is_used = |id: &DescriptorId| id.as_str() == nsd || id.as_str() == knf;
        let used = packages.iter().filter(|package| package.id.as_ref().is_some_and(is_used));
        used.map(|package| package.record.clone()).collect()
    };
    for (place, instance) in instances.iter_mut().enumerate() {
        instance.id = NsId::new(format!("ns-{place}")).unwrap();
        instance.packages = instance.nsd.iter().flat_map(|nsd| records(nsd.as_str())).collect();
        for (number, operation) in instance.history.iter_mut().flatten().enumerate() {
            operation.id = OpId::new(format!("op-{place}-{number}")).unwrap();
        }
    }
    let unnamed = unnamed.iter().enumerate().map(|(place, pair)| UnnamedInstance {
        id: NsId::new(format!("unnamed-{place}")).unwrap(),
        packages: records(&format!("p{pair}_ns")),
    });
    let account = |number: usize, name: &str| ObservedVimAccount {
        id: VimAccountId::new(format!("vim-{number}")).unwrap(),
        name: VimAccountName::new(name).unwrap(),
    };
    ObservedState {
        unnamed: unnamed.collect(),
        packages,
        instances,
        vim_accounts: Some(vec![account(1, "mylocation1"), account(2, "elsewhere")]),
        read_at: Moment::from_epoch_seconds(READ_AT),
    }
}

/// As much of a reading as a pass for `revision` would have read.
pub(super) fn as_read_for(revision: &Revision, mut observed: ObservedState) -> ObservedState {
    let desired = &revision.desired;
    for have in &mut observed.packages {
        let declared = have.id.as_ref().and_then(|id| desired.package(have.kind, id));
        if declared.is_none() {
            have.descriptor = None;
        }
    }
    if desired.prune.is_none() {
        observed.unnamed.clear();
        observed.instances.retain(|have| desired.instance(&have.name).is_some());
    }
    let mut bare = observed.clone();
    bare.instances.iter_mut().for_each(|have| have.history = None);
    let needing = needing_history(desired, &bare);
    for have in &mut observed.instances {
        if !needing.contains(&have.id) {
            have.history = None;
        }
    }
    observed
}

/// Values as OSM keeps them: nested ones as text with a sign before it, and numbers as `osm` users write them.
fn as_stored(values: &Map<String, Value>) -> Map<String, Value> {
    let stored = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) => Value::String(format!("{NESTED_PREFIX}{value}")),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    };
    values.iter().map(|(key, value)| (key.clone(), stored(value))).collect()
}

/// An OSM that has just what is declared, beside objects of others under other names.
///
/// `has_text` says whether values are told as OSM stores them, and not as helm prints them.
pub(super) fn matching(
    revision: &Revision,
    others: ObservedState,
    has_text: bool,
) -> ObservedState {
    let desired = &revision.desired;
    let mut packages: Vec<ObservedPackage> = others.packages;
    packages.retain(|have| {
        let is_declared =
            have.id.as_ref().is_some_and(|id| desired.package(have.kind, id).is_some());
        let is_ours = have.upload().is_some_and(|upload| upload.owner == desired.owner);
        !is_declared && !is_ours
    });
    for want in &desired.packages {
        let upload = UploadName {
            folder: want.folder.file_name().to_owned(),
            owner: desired.owner.clone(),
            adopted: false,
            digest: want.digest.clone(),
        };
        let mut descriptor = want.descriptor.json().clone();
        descriptor["_id"] = json!("of OSM's own");
        descriptor["_admin"] = json!({"type": "vnfd"});
        packages.push(ObservedPackage {
            kind: want.key.kind,
            record: PackageId::new("x").unwrap(),
            id: Some(want.key.id.clone()),
            version: want.version.clone(),
            state: PackageState::Usable,
            modified: Moment::from_epoch_seconds(READ_AT - 10.0),
            file_name: Some(upload.to_string()),
            descriptor: Some(descriptor),
            repaired: None,
            content: Content::NotRead,
            members: want
                .members
                .iter()
                .filter_map(|member| Some((member.index.clone()?, member.vnfd.clone())))
                .collect(),
            vnfds: want.members.iter().map(|member| member.vnfd.clone()).collect(),
            kdus: want.kdus.clone(),
        });
    }
    let mut instances = others.instances;
    instances.retain(|have| desired.instance(&have.name).is_none() && have.owner != desired.owner);
    for want in &desired.instances {
        let kdu = |kdu: &osmops::desired::DesiredKdu| ObservedKdu {
            member: kdu.member.0.clone(),
            name: kdu.name.0.clone(),
            model: kdu.model.as_ref().map(|(model, _)| model.clone()),
            is_as_installed: true,
            values: Some(if has_text {
                as_stored(kdu.params.values())
            } else {
                kdu.params.values().clone()
            }),
        };
        instances.push(ObservedInstance {
            id: NsId::new("x").unwrap(),
            name: want.name.clone(),
            created: Moment::from_epoch_seconds(READ_AT - 100.0),
            description: want.description.as_ref().map(|(text, _)| text.clone()),
            nsd: Some(want.nsd.0.clone()),
            packages: Vec::new(),
            owner: desired.owner.clone(),
            vim_account: Some(VimAccountId::new("vim-1").unwrap()),
            state: NsState::Ready,
            running: None,
            failure: None,
            can_reset_values: true,
            kdus: want.kdus.iter().map(kdu).collect(),
            history: Some(Vec::new()),
        });
    }
    numbered(packages, instances, &[])
}
