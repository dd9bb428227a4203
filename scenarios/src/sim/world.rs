//! What a run starts from: the commits, read once, and a fake NBI to fork.
//!
//! A world is made once and serves any number of runs, on any number of threads.

mod generated;
mod start;
mod texts;

use std::path::Path;
use std::time::Duration;

use mock_nbi::{Clock, MockNbi, Profile, Release, Seed};
use osmops::desired::Prune;
use osmops::ids::{Owner, RevisionName};
use osmops::nbi::{Connection, Hostname};
use osmops::package::{Archive, Package};
use osmops::revision::Revision;
use osmops::secret::Secret;
use osmops::source_pos::SourcePos;
use osmops::tree::{Tree, TreeFile, TreePath};

use super::expected::{Expected, ExpectedInstance};
use super::leftovers::Leftovers;
use super::osm::Osm;
use super::random::Dice;
use crate::script::{Script, ScriptError};
use crate::world::{World, WorldError};

pub use generated::generated;
pub use texts::{Declared, Repo};

/// The user of the reconciler.
pub const USER: &str = "gitops";
/// Its password, which is nowhere else in any text.
pub const PASSWORD: &str = "Zq7-first-password";
/// The password after a change.
pub const NEXT_PASSWORD: &str = "Zq8-second-password";
/// A declared value that is a secret by its name.
pub const SECRET_VALUE: &str = "Zq9-declared-secret";

/// Our mark in every world, as the operator makes it of an object's namespace and name.
pub const OWNER: &str = "sim/deployment";

/// Where OSM's clock starts: 2023-11-14T22:13:20Z.
const EPOCH: f64 = 1_700_000_000.0;

/// How many times as fast as a real OSM operations are, so that fewer looks at them are simulated.
const SPEED: f64 = 12.0;
/// The same where every pair of faults is tried: each look is a place for two faults.
const SPEED_OF_PAIRED: f64 = 30.0;

/// More than the longest pause between two attempts at an operation.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// One commit.
#[derive(Debug)]
pub struct Commit {
    /// When the source tells of it.
    pub at: Duration,
    /// What it holds.
    pub revision: Revision,
    /// What it holds, read without the last third of its files, the configuration aside, by whoever does not look at
    /// digests.
    pub cut: Revision,
    /// What it asks for.
    pub expected: Expected,
}

/// A world.
#[derive(Debug)]
pub struct SimWorld {
    /// How `--world` names it.
    pub name: String,
    /// In order of time.
    pub commits: Vec<Commit>,
    /// What depends on the way to the last of them.
    pub leftovers: Option<Leftovers>,
    /// Whether OSM holds traces of earlier lives before the first of them.
    pub has_earlier_lives: bool,
    /// Our mark.
    pub owner: String,
    /// Digest and MD5 of every package.
    pub archives: Vec<(String, String)>,
    /// What to start from; its clock stands still.
    nbi: MockNbi,
}

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SimWorldError {
    /// The scenario file cannot be read.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Its files cannot be read.
    #[error(transparent)]
    World(#[from] WorldError),
    /// No world of this name.
    #[error(
        "no world `{0}`: there are `packaging`, `shop`, `market`, and `random:N` for any number N"
    )]
    Unknown(String),
    /// No runtime with a clock of its own.
    #[error("cannot make a runtime for the simulation")]
    Runtime(#[from] std::io::Error),
}

/// The worlds in which every fault is tried.
pub const NAMED: [&str; 3] = ["packaging", "shop", "market"];
/// Those in which every pair of faults is.
pub const PAIRED: [&str; 2] = ["packaging", "shop"];

impl SimWorld {
    /// Whether there is a world of this name.
    pub fn is_name(name: &str) -> bool {
        NAMED.contains(&name) || random_number(name).is_some()
    }

    /// The world of this name.
    ///
    /// # Errors
    /// [`SimWorldError`].
    pub fn named(name: &str) -> Result<Self, SimWorldError> {
        match name {
            "packaging" => Self::packaging(),
            "shop" => Ok(Self::of(name, &texts::shop(), None)),
            "market" => Ok(Self::of(name, &texts::market(), None)),
            _ => {
                let number =
                    random_number(name).ok_or_else(|| SimWorldError::Unknown(name.to_owned()))?;
                Ok(generated(number))
            }
        }
    }

    /// The commits of the scenario `packaging`.
    fn packaging() -> Result<Self, SimWorldError> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/packaging.yaml");
        let world = World::read(Script::read(&file)?, None)?;
        let mut commits = Vec::new();
        let mut trees: Vec<&Tree> = Vec::new();
        let mut tags: Vec<&str> = Vec::new();
        for tag in world.script.tags() {
            if !tags.contains(&tag.value) {
                tags.push(tag.value);
                trees.push(&world.checkout(tag.value).tree);
            }
        }
        for (index, (tag, tree)) in tags.iter().zip(trees).enumerate() {
            let at = Duration::from_secs(2 * index as u64);
            commits.push(commit(tag, at, tree, true));
        }
        Ok(Self::around("packaging", commits))
    }

    /// A world of texts; with `start`, traces of earlier lives are in OSM.
    fn of(name: &str, repos: &[(Duration, Repo)], start: Option<Dice>) -> Self {
        let commits = repos.iter().enumerate();
        let commits = commits.map(|(index, (at, repo))| {
            commit(&format!("{name}-v{}", index + 1), *at, &repo.tree(), false)
        });
        let mut world = Self::around(name, commits.collect());
        if let (Some(mut dice), Some((_, first))) = (start, repos.first()) {
            block_on(start::leave(&world.nbi, first, &mut dice));
            world.has_earlier_lives = true;
        }
        world
    }

    fn around(name: &str, commits: Vec<Commit>) -> Self {
        let mut archives: Vec<(String, String)> = Vec::new();
        for package in commits.iter().flat_map(|commit| commit.revision.packages.values()) {
            let digest = package.digest.as_str().to_owned();
            if !archives.iter().any(|(known, _)| *known == digest) {
                archives.push((digest, md5(package)));
            }
        }
        // Its clock is read and stopped in a runtime whose time stands still: the same world every time.
        let speed = if PAIRED.contains(&name) { SPEED_OF_PAIRED } else { SPEED };
        let nbi = block_on(async { nbi(speed) });
        let owner = OWNER.to_owned();
        let leftovers = Leftovers::of(commits.iter().map(|commit| &commit.expected));
        let has_earlier_lives = false;
        Self { name: name.to_owned(), commits, leftovers, has_earlier_lives, owner, archives, nbi }
    }

    /// How often the next commit lacks a package or an instance of the one before, or has the instance of another NSD:
    /// whoever passes over commits may not have made it, or not have removed it. Those that were `carried_out` apart.
    /// What earlier lives left may be removed in one of the others alone, because the last has problems.
    pub fn passing(&self, carried_out: impl Fn(usize) -> bool) -> usize {
        let last = self.commits.len().checked_sub(1);
        let is_sure = |commit: usize| Some(commit) == last || carried_out(commit);
        let goings = self.commits.windows(2).enumerate().map(|(index, two)| {
            if is_sure(index) && is_sure(index + 1) {
                return 0;
            }
            let [before, after] = [&two[0].expected, &two[1].expected];
            let packages =
                before.packages.iter().filter(|p| after.package(p.is_nsd, &p.id).is_none());
            let stays = |i: &&ExpectedInstance| {
                after.instance(&i.name).is_some_and(|later| later.nsd == i.nsd)
            };
            packages.count() + before.instances.iter().filter(|i| !stays(i)).count()
        });
        let is_passed_over = !(0..self.commits.len()).all(is_sure);
        let left = if self.has_earlier_lives && is_passed_over {
            let osm = self.nbi.look(Osm::read);
            osm.packages.len() + osm.instances.len()
        } else {
            0
        };
        goings.sum::<usize>() + left
    }

    /// For how long nobody need say more than that OSM is at work: as long as an operation may take, and a pause.
    pub fn patience(&self) -> Duration {
        let timeouts = self.commits.iter().map(|commit| commit.expected.timeout);
        timeouts.max().unwrap_or_default() + PAUSE_MAX
    }

    /// A fake to run against. Under tokio's clock.
    pub fn fork(&self) -> MockNbi {
        self.nbi.fork()
    }

    /// Where OSM is, and who asks.
    pub fn connection(password: &str) -> Connection {
        let base = Connection::parse_address("http://osm.sim", Hostname::InFile);
        Connection {
            base: base.expect("it is a URL"),
            project: "admin".to_owned(),
            user: USER.to_owned(),
            password: Secret::new(password),
            authorities: None,
            insecure_skip_verify: false,
        }
    }
}

fn random_number(name: &str) -> Option<u64> {
    name.strip_prefix("random:").and_then(|number| number.parse().ok())
}

/// The MD5 of what is sent of a package.
fn md5(package: &Package) -> String {
    block_on(Archive::measure(package)).expect("files in memory can be read").md5
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.expect("a runtime without sockets needs nothing").block_on(future)
}

/// Reads one commit as the operator does: with a mark where the repository has none, and pruning where the object
/// asks for it.
fn commit(name: &str, at: Duration, tree: &Tree, prunes: bool) -> Commit {
    let read = |tree: &Tree| {
        let name = RevisionName::new(name).expect("names of worlds are plain");
        let mut revision = Revision::read(tree, name);
        let owner = Owner::new(OWNER).expect("a plain text");
        revision.desired.owner.get_or_insert(owner);
        if prunes {
            let at = SourcePos::whole(TreePath::root().join("OsmDeployment"));
            revision.desired.prune.get_or_insert(Prune { at, allow_large: false });
        }
        revision
    };
    let revision = read(tree);
    let all: Vec<(TreePath, TreeFile)> =
        tree.files_below(&TreePath::root()).map(|(p, f)| (p.clone(), f.clone())).collect();
    let kept = all.len().div_ceil(3) * 2;
    let is_config = |path: &TreePath| *path == TreePath::root().join("osm_ops_config.yaml");
    let cut = all.into_iter().enumerate().filter(|(at, (path, _))| *at < kept || is_config(path));
    let cut = read(&Tree::from_files(cut.map(|(_, file)| file)));
    let expected = Expected::of(&revision);
    Commit { at, revision, cut, expected }
}

fn nbi(speed: f64) -> MockNbi {
    let seed = format!(
        "users:\n- username: {USER}\n  password: {PASSWORD}\n  project_role_mappings: [{{project: admin, role: system_admin}}]\n\
         vim_accounts:\n- name: mylocation1\n\
         k8s_clusters:\n- name: cluster1\n  vim_account: mylocation1\n"
    );
    let seed = Seed::from_yaml(&seed, "the world's seed").expect("the seed is well-formed");
    let clock = Clock::starting_at(EPOCH);
    clock.freeze();
    MockNbi::builder()
        .release(Release::R10)
        .profile(Profile::realistic().speeded_up(speed))
        .clock(clock)
        .rng_seed(7)
        .seed(seed)
        .build()
        .expect("OSM takes the seed")
}
