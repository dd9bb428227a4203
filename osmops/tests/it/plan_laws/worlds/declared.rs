//! What a revision declares.

use osmops::ids::RevisionName;
use osmops::revision::Revision;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::{NAMES, OURS, PAIRS, VALUES, VERSIONS, pair_files, tree, usual};
use crate::world::{config, instance};
/// What a revision declares.
#[derive(Debug, Clone)]
pub(in crate::plan_laws) struct Declared {
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

pub(in crate::plan_laws) fn declared() -> impl Strategy<Value = Declared> {
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
    pub(in crate::plan_laws) fn of_independent_instances(mut self) -> Self {
        self.prune = false;
        self.instances.iter_mut().for_each(|instance| instance.depends = false);
        self
    }

    /// This, with every instance's NSD declared, and nothing wrong.
    pub(in crate::plan_laws) fn whole(mut self) -> Self {
        let pairs = self.pairs.clone();
        self.instances.retain(|instance| pairs.iter().any(|(pair, _)| *pair == instance.pair));
        self.is_broken = false;
        self
    }

    pub(in crate::plan_laws) fn revision(&self) -> Revision {
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
