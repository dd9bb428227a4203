//! What was read of OSM: anything at all.

use osmops::ids::{
    DescriptorId, NsId, NsName, OpId, Owner, PackageId, PackageKind, VimAccountId, VimAccountName,
};
use osmops::moment::Moment;
use osmops::observed::{
    Change, Content, KduChange, NsState, ObservedInstance, ObservedKdu, ObservedPackage,
    ObservedState, ObservedVimAccount, OpKind, OpState, Operation, PackageState, RunningOperation,
    Settings, UnnamedInstance,
};
use osmops::package::UploadName;
use osmops::plan::needing_history;
use osmops::revision::Revision;
use proptest::prelude::*;

use super::{
    NAMES, OURS, PAIRS, READ_AT, VALUES, VERSIONS, member_and_kdu, package, usual, values_of,
};
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
pub(in crate::plan_laws) fn observed() -> impl Strategy<Value = ObservedState> {
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
pub(super) fn numbered(
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
pub(in crate::plan_laws) fn as_read_for(
    revision: &Revision,
    mut observed: ObservedState,
) -> ObservedState {
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
