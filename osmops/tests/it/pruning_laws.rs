//! Laws of removal, over generated worlds in which others have objects of the same names: what does not bear
//! our mark is never touched, and nothing goes for a revision that is not whole. Checked in the fake's own
//! records and journal.

use std::collections::BTreeMap;

use mock_nbi::{Collection, Profile};
use osmops::plan::check;
use osmops::reconcile::{PassOptions, pass, read_and_plan};
use osmops::report::PassEnd;
use osmops::revision::Revision;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{World, config, instance, nsd, revision, vnfd};

const OURS: &str = "team-a";

/// Somebody's objects: numbers of packages, and numbers of instances with the number of their NSD.
#[derive(Debug, Clone)]
struct Objects {
    packages: Vec<usize>,
    instances: Vec<(usize, usize)>,
}

/// What is applied next.
#[derive(Debug, Clone)]
struct Next {
    objects: Objects,
    is_broken: bool,
    allow_large: bool,
    /// The number of one of our instances that somebody upgrades just before.
    upgraded_by_hand: usize,
}

#[derive(Debug, Clone)]
struct Generated {
    /// Made by another tool, without a mark.
    unmarked: Objects,
    /// Made by another repository, with its own mark.
    theirs: Objects,
    /// Made by hand, with our mark: as of answers that were lost.
    lookalikes: Vec<(usize, usize)>,
    steps: Vec<Next>,
}

fn objects() -> impl Strategy<Value = Objects> {
    let packages = subsequence(vec![0_usize, 1, 2, 3], 0..=4);
    let instances = subsequence(vec![0_usize, 1, 2, 3, 4], 0..=5).prop_flat_map(|names| {
        names.into_iter().map(|name| (Just(name), 0..4_usize)).collect::<Vec<_>>()
    });
    (packages, instances).prop_map(|(packages, instances)| Objects { packages, instances })
}

fn generated() -> impl Strategy<Value = Generated> {
    let step = (objects(), prop::bool::weighted(0.3), any::<bool>(), 0..5_usize).prop_map(
        |(objects, is_broken, allow_large, upgraded_by_hand)| Next {
            objects,
            is_broken,
            allow_large,
            upgraded_by_hand,
        },
    );
    let lookalikes = prop::collection::vec((0..5_usize, 0..4_usize), 0..3);
    let steps = prop::collection::vec(step, 1..4);
    (objects(), objects(), lookalikes, steps).prop_map(|(unmarked, theirs, lookalikes, steps)| {
        Generated { unmarked, theirs, lookalikes, steps }
    })
}

impl Objects {
    fn package_files(&self) -> Vec<(String, String)> {
        let files = |n: &usize| {
            let (knf, ns) = (format!("p{n}_knf"), format!("p{n}_ns"));
            [vnfd(&knf, "ldap", "1"), nsd(&ns, &knf, "openldap", "1")]
        };
        self.packages.iter().flat_map(files).collect()
    }
}

impl Next {
    fn revision(&self) -> Revision {
        let more = format!("owner: {OURS}\nprune: true\nallowLargePrune: {}\n", self.allow_large);
        let mut files = vec![config(&more)];
        files.extend(self.objects.package_files());
        for (name, package) in &self.objects.instances {
            files.push(instance(&format!("i{name}"), &format!("p{package}_ns"), "a: 1"));
        }
        if self.is_broken {
            files.push(("ns/broken.ops.yaml".to_owned(), "kind: [\n".to_owned()));
        }
        revision("next", &files)
    }
}

/// Every package and instance by its record's id.
fn records(world: &World) -> BTreeMap<String, Value> {
    [Collection::VnfPackages, Collection::NsDescriptors, Collection::NsInstances]
        .into_iter()
        .flat_map(|collection| world.osm.records(collection))
        .map(|record| (record["_id"].as_str().unwrap().to_owned(), record))
        .collect()
}

fn is_ours(record: &Value) -> bool {
    let file = record["_admin"]["storage"]["zipfile"].as_str().unwrap_or_default();
    file.contains(&format!(".{OURS}.")) || record["additionalParamsForNs"]["osmops_owner"] == OURS
}

/// Makes somebody's instances of NSDs that are there.
async fn make_instances(world: &World, instances: &[(usize, usize)], owner: Option<&str>) {
    for (name, package) in instances {
        let nsd = format!("p{package}_ns");
        let known = world.osm.records(Collection::NsDescriptors);
        if known.iter().any(|record| record["id"] == nsd.as_str()) {
            world.instance_by_hand(&format!("i{name}"), &nsd, owner, json!({})).await;
        }
    }
}

async fn inhabited(generated: &Generated) -> World {
    let world = World::new(Profile::realistic());
    for (path, text) in generated.unmarked.package_files() {
        let descriptor: Value = serde_yaml::from_str(&text).unwrap();
        let collection =
            if path.contains("_knf") { "vnfpkgm/v1/vnf_packages" } else { "nsd/v1/ns_descriptors" };
        world.by_hand("POST", &format!("/osm/{collection}_content"), descriptor).await;
    }
    let mut theirs = vec![config("owner: team-b\nadopt: true\n")];
    theirs.extend(generated.theirs.package_files());
    world.converge(&revision("theirs", &theirs)).await;
    make_instances(&world, &generated.unmarked.instances, None).await;
    make_instances(&world, &generated.theirs.instances, Some("team-b")).await;
    world
}

/// Starts an upgrade of one of our instances by hand; gives the instance's id.
async fn upgrade_by_hand(world: &World, name: usize) -> Option<String> {
    let instances = world.osm.records(Collection::NsInstances);
    let name = format!("i{name}");
    let ours = instances.iter().find(|ns| ns["name"] == name.as_str() && is_ours(ns))?;
    if ours["nsState"] != "READY" || ours["currentOperation"] != "IDLE" {
        return None;
    }
    let id = ours["_id"].as_str().unwrap().to_owned();
    let body = json!({
        "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
        "primitive_params": { "a": "9" },
    });
    world.by_hand("POST", &format!("/osm/nslcm/v1/ns_instances/{id}/action"), body).await;
    // OSM marks the instance as soon as it begins.
    world.osm.advance(std::time::Duration::from_secs(2));
    Some(id)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_does_not_bear_our_mark_is_never_touched(generated in generated()) {
        run(async {
            let world = inhabited(&generated).await;
            make_instances(&world, &generated.lookalikes, Some(OURS)).await;
            world.osm.advance(std::time::Duration::from_secs(3600));
            for step in &generated.steps {
                let revision = step.revision();
                let before = records(&world);
                let busy = upgrade_by_hand(&world, step.upgraded_by_hand).await;
                let mark = world.osm.journal_len();
                let (options, stop) = (PassOptions::default(), CancellationToken::new());
                let plan = read_and_plan(&world.client(), &revision.desired).await.unwrap();
                prop_assert_eq!(check(&plan), Ok(()));
                pass(&world.client(), &revision, &options, &stop, &mut ()).await;
                if let Some(busy) = busy {
                    let writes = world.writes_since(mark);
                    prop_assert!(!writes.iter().any(|w| w.contains(&busy)), "{:#?}", writes);
                }
                let report = world.converge(&revision).await;
                let after = records(&world);
                for (id, record) in &before {
                    let there = after.get(id);
                    if !is_ours(record) {
                        prop_assert_eq!(Some(record), there, "somebody else's");
                    } else if step.is_broken {
                        prop_assert!(there.is_some(), "{} went for a broken revision", record);
                    }
                }
                if report.end == PassEnd::Converged {
                    // All that bears our mark is declared; each name once.
                    let declared = 2 * step.objects.packages.len() + step.objects.instances.len();
                    let ours = after.values().filter(|record| is_ours(record)).count();
                    prop_assert!(ours <= declared, "{} of {}", ours, declared);
                    let mark = world.osm.journal_len();
                    world.converge(&revision).await;
                    prop_assert_eq!(world.writes_since(mark), Vec::<String>::new());
                }
            }
            Ok(())
        })?;
    }
}
