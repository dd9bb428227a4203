//! OSM's north-bound interface (NBI) in memory, for tests and for development without an OSM.
//!
//! [`MockNbi`] answers like a real OSM of one [`Release`]: same URLs, statuses, bodies and rules,
//! checked against recordings of real ones (`tests/recorded/`). Use it in process through
//! [`MockNbi::service`], or over loopback through [`MockNbi::serve`]; both behave the same, with
//! faults too.
//!
//! Time is a [`Clock`], randomness a seed: the same requests give the same bytes. Operations of OSM
//! (instantiate, upgrade, ...) take the time that a [`Profile`] says; what is due is applied lazily,
//! before each request and each look inside, so nothing runs in the background.
//!
//! Where to start reading: `service` (one request from bytes to bytes), `routes` (URLs),
//! `state` (OSM's rules), `operation` (the queue of operations), `state::lcm` (what OSM's
//! life-cycle manager writes).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> anyhow::Result<()> {
//! use mock_nbi::{Collection, MockNbi, Seed};
//!
//! let seed = Seed::from_yaml("vim_accounts: [{name: mylocation1}]", "seed.yaml")?;
//! let nbi = MockNbi::builder().seed(seed).build()?;
//! let server = nbi.serve("127.0.0.1:0".parse()?).await?;
//! println!("listening on http://{}/osm", server.local_addr());
//! assert_eq!(nbi.records(Collection::VimAccounts).len(), 1);
//! server.shutdown().await;
//! # Ok(()) }
//! ```

mod answer;
mod archive;
mod base64_bytes;
mod clock;
mod control;
mod data;
mod descriptor;
mod driven;
mod fault;
mod filter;
mod ids;
mod input;
mod inspect;
mod journal;
mod metrics;
mod negotiate;
mod operation;
mod problem;
mod profile;
mod pyjson;
mod python;
mod release;
mod request;
mod routes;
mod schema;
mod seed;
mod server;
mod service;
mod shape;
mod snapshot;
mod state;
mod store;
mod world;
mod yaml_file;

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

pub use clock::Clock;
pub use fault::{Fault, FaultHelp, FaultKind, TokensAfter};
pub use inspect::Look;
pub use journal::JournalEntry;
pub use operation::{OperationResult, PendingOperation, SteerError};
pub use profile::{Profile, ProfileError};
pub use release::Release;
pub use seed::{Seed, SeedError};
pub use server::{Limits, ServeOptions, Server, TlsError, TlsIdentity};
pub use service::NbiService;
pub use shape::Shape;
pub use snapshot::SnapshotError;
pub use state::db::Collection;
pub use state::forced::RestState;
pub use store::DataError;

use world::{Settings, World};

/// A fake NBI. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct MockNbi {
    world: Arc<Mutex<World>>,
}

impl MockNbi {
    /// Starts to describe a fake NBI: Release 10, instant operations, a clock that starts at
    /// 1 700 000 000, seed 0 of ids, nothing in it but project and user `admin`.
    pub fn builder() -> MockNbiBuilder {
        MockNbiBuilder {
            release: Release::R10,
            profile: Profile::instant(),
            clock: None,
            rng_seed: 0,
            seed: None,
            shape: Shape::default(),
            journal_max: journal::ENTRIES_MAX,
            snapshot: None,
            data: None,
        }
    }

    /// The NBI as a service in this process; connection 0 of the journal.
    pub fn service(&self) -> NbiService {
        NbiService::in_process(Arc::clone(&self.world))
    }

    /// Listens on `addr` (port 0: any free one) until the server is shut down or dropped.
    ///
    /// # Errors
    /// The operating system's, when it does not give the address.
    ///
    /// # Cancel safety
    /// Nothing listens before this returns.
    pub async fn serve(&self, addr: SocketAddr) -> io::Result<Server> {
        self.serve_with(ServeOptions::at(addr)).await
    }

    /// Listens as `options` say, until the server is shut down or dropped.
    ///
    /// # Errors
    /// The operating system's, when it does not give the address.
    ///
    /// # Cancel safety
    /// Nothing listens before this returns.
    pub async fn serve_with(&self, options: ServeOptions) -> io::Result<Server> {
        Server::start(Arc::clone(&self.world), options).await
    }

    /// Every request so far, oldest first; of very many only the latest
    /// ([`MockNbiBuilder::journal_max`]).
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.entries().to_vec()
    }

    /// How many requests there were so far.
    pub fn journal_len(&self) -> usize {
        usize::try_from(self.lock().journal.count()).unwrap_or(usize::MAX)
    }

    /// Arms a fault; calls are counted from now.
    pub fn inject(&self, fault: Fault) {
        self.lock().arm(fault);
    }

    /// Every fault that has not happened yet, oldest first.
    pub fn armed_faults(&self) -> Vec<Fault> {
        self.lock().faults.armed().cloned().collect()
    }

    /// Disarms every fault; requests that one holds back still land.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Lets every request take effect that a fault holds back, oldest first.
    pub fn land_held_back(&self) {
        self.lock().land_all();
    }

    /// Moves the clock on by hand.
    pub fn advance(&self, by: Duration) {
        let mut world = self.lock();
        world.clock.advance(by);
        world.settle();
    }

    /// Ends every pending operation with this result, in the order in which they came; those in
    /// line behind another start and end too.
    #[allow(clippy::needless_pass_by_value, reason = "a result is made for the call")]
    pub fn end_operations(&self, result: OperationResult) {
        let mut world = self.lock();
        let now = world.settle();
        world.state.end_operations(&result, now);
    }

    /// Ends one operation with this result, whatever the profile says.
    ///
    /// # Errors
    /// [`SteerError`] for one that is not pending, or that waits for others of its instance.
    #[allow(clippy::needless_pass_by_value, reason = "a result is made for the call")]
    pub fn end_operation(&self, id: &str, result: OperationResult) -> Result<(), SteerError> {
        let mut world = self.lock();
        let now = world.settle();
        world.state.end_operation(id, &result, now)
    }

    /// Keeps one operation where it is, or lets it go on.
    ///
    /// # Errors
    /// [`SteerError::Unknown`].
    pub fn hold_operation(&self, id: &str, is_held: bool) -> Result<(), SteerError> {
        let mut world = self.lock();
        let now = world.settle();
        world.state.engine.hold(id, is_held, now)
    }

    /// Every operation that has not ended, in the order they came.
    pub fn pending_operations(&self) -> Vec<PendingOperation> {
        let mut world = self.lock();
        world.settle();
        world.state.engine.list()
    }

    /// The records of a collection as OSM keeps them (without what it derives on reading), oldest
    /// first, after everything that is due has happened.
    pub fn records(&self, collection: Collection) -> Vec<Value> {
        let mut world = self.lock();
        world.settle();
        world.state.db.iter(collection).map(Cow::into_owned).collect()
    }

    /// Looks inside, after everything that is due has happened. Nothing is copied, and nothing is
    /// served meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&Look<'_>) -> T) -> T {
        let mut world = self.lock();
        let now = world.settle();
        look(&Look::at(&world.state, now))
    }

    /// Changes a record as whoever has OSM's database at hand could; `false` when there is none of
    /// this id.
    pub fn edit(&self, collection: Collection, id: &str, edit: impl FnOnce(&mut Value)) -> bool {
        let mut world = self.lock();
        world.settle();
        let Some(mut record) = world.state.db.get(collection, id).map(Cow::into_owned) else {
            return false;
        };
        edit(&mut record);
        world.state.db.put(collection, record);
        true
    }

    /// Another fake that holds the same at the same time and gives the same ids from now on, with an
    /// empty journal, no faults and nothing held back. It shares nothing with this one; records are
    /// copied when either changes them, so that it costs microseconds. Its clock starts, under tokio's
    /// clock, where this one's stands; it is kept in memory.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut world = self.lock();
        let now = world.settle();
        let fork = World::of_state(world.state.clone(), world.settings(), Clock::starting_at(now));
        Self { world: Arc::new(Mutex::new(fork)) }
    }

    /// Makes every token past its time.
    pub fn expire_tokens(&self) {
        let mut world = self.lock();
        let now = world.settle();
        world.state.tokens.expire_all(now);
    }

    /// All it holds, as a file that [`Self::restore`] and [`MockNbiBuilder::snapshot`] take; without
    /// the journal. Passwords are in it.
    pub fn snapshot(&self) -> Vec<u8> {
        let snapshot = self.lock().snapshot();
        snapshot.into_file()
    }

    /// Becomes what a snapshot holds, its clock's hand-made changes too; the journal stays.
    ///
    /// # Errors
    /// [`SnapshotError`]; it is then as it was.
    pub fn restore(&self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        self.lock().restore(snapshot).map(|_| ())
    }

    /// The clock; advancing it is the same as [`Self::advance`].
    pub fn clock(&self) -> Clock {
        self.lock().clock.clone()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fake NBI is to be like.
#[derive(Clone, Debug)]
pub struct MockNbiBuilder {
    release: Release,
    profile: Profile,
    clock: Option<Clock>,
    rng_seed: u64,
    seed: Option<Seed>,
    shape: Shape,
    journal_max: usize,
    snapshot: Option<Vec<u8>>,
    data: Option<PathBuf>,
}

impl MockNbiBuilder {
    /// The OSM to answer like.
    #[must_use]
    pub fn release(self, release: Release) -> Self {
        Self { release, ..self }
    }

    /// How long OSM takes.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// The time.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// The stream of ids.
    #[must_use]
    pub fn rng_seed(self, rng_seed: u64) -> Self {
        Self { rng_seed, ..self }
    }

    /// What is in OSM already.
    #[must_use]
    pub fn seed(self, seed: Seed) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The line between clients and the NBI.
    #[must_use]
    pub fn shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// How many of the latest requests the journal keeps at least: 100,000 unless told otherwise.
    #[must_use]
    pub fn journal_max(self, journal_max: usize) -> Self {
        Self { journal_max, ..self }
    }

    /// What it is to hold: a snapshot of another. Unless a clock is given, its clock starts where
    /// the other's was.
    #[must_use]
    pub fn snapshot(self, snapshot: Vec<u8>) -> Self {
        Self { snapshot: Some(snapshot), ..self }
    }

    /// Keeps it in this folder: a folder that holds an NBI already is gone on with, and seed and
    /// snapshot count for an empty one only. What is answered is on disk before; one process at a
    /// time.
    #[must_use]
    pub fn data(self, folder: impl Into<PathBuf>) -> Self {
        Self { data: Some(folder.into()), ..self }
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`SeedError::Refused`] when OSM would refuse something of the seed,
    /// [`SeedError::NotInstantiated`] when an instantiation ends badly, and
    /// [`SeedError::UnknownVim`], [`SeedError::UnknownNsd`] or [`SeedError::Folder`] for what it
    /// refers to; [`SeedError::Snapshot`] and [`SeedError::Data`] where those cannot be used.
    pub fn build(self) -> Result<MockNbi, SeedError> {
        let settings = Settings {
            release: self.release,
            profile: self.profile,
            rng_seed: self.rng_seed,
            journal_max: self.journal_max,
        };
        let has_clock = self.clock.is_some();
        let clock = self.clock.unwrap_or_else(|| Clock::starting_at(EPOCH_OF_TESTS));
        let mut world = World::new(settings, clock);
        world.shape = self.shape;
        if let Some(snapshot) = self.snapshot {
            let now = world.restore(&snapshot)?;
            if !has_clock {
                world.clock.replace(now);
            }
        }
        let is_found = match self.data {
            Some(folder) => world.keep_in(&folder)?,
            None => false,
        };
        if let Some(seed) = self.seed.filter(|_| !is_found) {
            let now = world.settle();
            seed::plant(&seed, &mut world.state, now)?;
        }
        Ok(MockNbi { world: Arc::new(Mutex::new(world)) })
    }
}

/// Where a test's clock starts unless told: 2023-11-14T22:13:20Z.
const EPOCH_OF_TESTS: f64 = 1_700_000_000.0;
