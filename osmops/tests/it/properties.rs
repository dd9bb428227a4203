//! Laws of planning and packing, over generated repositories and a real (fake) OSM.

use mock_nbi::{Fault, FaultKind, Profile};
use osmops::plan::{Plan, check, plan};
use osmops::reconcile::read_and_plan;
use osmops::report::PassEnd;
use osmops::revision::Revision;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::world::{World, config, instance, nsd, revision, vnfd};

/// A repository: which packages of three pairs it has, with which version, and which instances.
#[derive(Debug, Clone)]
struct Generated {
    /// Number, version of the VNFD, version of the NSD.
    packages: Vec<(usize, u8, u8)>,
    /// Number, number of the NSD, which of [`VALUES`].
    instances: Vec<(usize, usize, usize)>,
    /// Whether the first upgrade of each revision fails.
    upgrade_fails: bool,
}

/// A value in a file, and how Python prints it where only one form is right.
const VALUES: [(&str, Option<&str>); 8] = [
    ("\"1\"", None),
    ("1", None),
    ("2.5", None),
    ("true", Some("'param': True")),
    ("\"true\"", Some("'param': 'true'")),
    ("\"\"", Some("'param': ''")),
    ("{a: [1, {b: no}]}", None),
    ("~", None),
];

impl Generated {
    fn files(&self) -> Vec<(String, String)> {
        let mut files = vec![config("")];
        for (n, knf, ns) in &self.packages {
            files.push(vnfd(&format!("p{n}_knf"), "ldap", &format!("1.{knf}")));
            let (id, vnfd) = (format!("p{n}_ns"), format!("p{n}_knf"));
            files.push(nsd(&id, &vnfd, "openldap", &format!("1.{ns}")));
        }
        for (name, nsd, value) in &self.instances {
            let param = format!("param: {}", VALUES[*value].0);
            files.push(instance(&format!("i{name}"), &format!("p{nsd}_ns"), &param));
        }
        files
    }

    fn revision(&self) -> Revision {
        revision("generated", &self.files())
    }

    /// Whether OSM has every declared value, by the record that helm's answer went into.
    fn values_are_in_effect(&self, world: &World) -> bool {
        self.instances.iter().all(|(name, _, value)| {
            let record = world.instance(&format!("i{name}"));
            let status = &record["_admin"]["deployed"]["K8s"][0]["detailed-status"];
            VALUES[*value].1.is_none_or(|printed| status.as_str().unwrap().contains(printed))
        })
    }
}

/// All that a revision of this family may declare; each instance keeps its NSD, because OSM cannot
/// change it.
fn generated() -> impl Strategy<Value = Generated> {
    let packages = subsequence(vec![0_usize, 1, 2], 0..=3).prop_flat_map(|ns| {
        ns.into_iter().map(|n| (Just(n), 0..2_u8, 0..2_u8)).collect::<Vec<_>>()
    });
    let instances = subsequence(vec![0_usize, 1, 2, 3], 0..=4).prop_flat_map(|ns| {
        ns.into_iter().map(|n| (Just(n), Just(n % 3), 0..VALUES.len())).collect::<Vec<_>>()
    });
    (packages, instances, any::<bool>()).prop_map(|(packages, instances, upgrade_fails)| {
        Generated { packages, instances, upgrade_fails }
    })
}

/// Runs on paused time: operations that take minutes take none.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(future)
}

async fn planned(world: &World, revision: &Revision) -> Plan {
    read_and_plan(&world.client(), &revision.desired).await.unwrap()
}

/// What a plan does, without the places in files.
fn deeds(plan: &Plan) -> Vec<String> {
    plan.actions.iter().map(|a| format!("{} {:?} {:?}", a.item, a.action, a.needs)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_applied_plan_leaves_nothing_to_plan(first in generated(), second in generated()) {
        run(async {
            let world = World::new(Profile::realistic());
            for wanted in [&first, &second] {
                let revision = wanted.revision();
                if wanted.upgrade_fails {
                    world.osm.inject(Fault {
                        operation: "POST /nslcm/v1/ns_instances/{id}/action".to_owned(),
                        nth: 1,
                        kind: FaultKind::OperationFails { detail: "no".to_owned() },
                    });
                }
                let before = planned(&world, &revision).await;
                prop_assert_eq!(check(&before), Ok(()));
                let report = world.converge(&revision).await;
                let after = planned(&world, &revision).await;
                prop_assert_eq!(&after.actions, &[], "{:#?}", report);
                // Blocked is what needs an NSD that nobody has, and what failed.
                let blocked = report.end == PassEnd::Stalled;
                prop_assert_eq!(after.is_converged(), !blocked, "{:#?}", report);
                prop_assert!(blocked || wanted.values_are_in_effect(&world), "{:#?}", report);
                let mark = world.osm.journal_len();
                world.converge(&revision).await;
                prop_assert_eq!(world.writes_since(mark), Vec::<String>::new());
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_order_of_files_changes_nothing(wanted in generated(), have in generated(), salt in 0..1000_u32) {
        run(async {
            let world = World::new(Profile::instant());
            world.converge(&have.revision()).await;
            let plain = wanted.revision();
            // Other names sort otherwise; what they declare is the same.
            let renamed: Vec<(String, String)> = wanted
                .files()
                .into_iter()
                .enumerate()
                .map(|(n, (path, text))| match path.strip_prefix("ns/") {
                    Some(name) => (format!("ns/{}-{name}", (n as u32 * 7 + salt) % 11), text),
                    None => (path, text),
                })
                .rev()
                .collect();
            let shuffled = revision("generated", &renamed);
            let (a, b) = (planned(&world, &plain).await, planned(&world, &shuffled).await);
            prop_assert_eq!(deeds(&a), deeds(&b));
            Ok(())
        })?;
    }
}

#[test]
fn planning_needs_no_osm_and_no_clock() {
    let demo = crate::world::Demo::default().revision();
    let empty = osmops::observed::ObservedState::default();
    assert_eq!(plan(&demo.desired, &empty), plan(&demo.desired, &empty));
    assert_eq!(check(&plan(&demo.desired, &empty)), Ok(()));
}
