//! The simulator: the real reconciler over the fake NBI's real rules, in virtual time, on one thread, with
//! every fault at every place, and oracles that know the laws.
//!
//! ```text
//! world (commits, the state in which OSM starts) ─┐
//! plan (faults by address) ───────────────────────┼→ run → trace, violations, what was exercised
//! reconciler under test ──────────────────────────┘    │
//!                                                      └ laws: look at the fake's state and at the requests
//! ```
//!
//! A run has three phases: commits and faults; then faults stop, what they left for good is mended as an
//! operator would, and OSM must come to match within [`run::CONVERGE_WITHIN`] (and [`run::LONGER_AFTER_EDITS`]);
//! then it must stay so, and only be read, for [`run::STILL_FOR`]. The same world and plan give the same trace, byte for byte.
//!
//! [`explore`] enumerates plans, [`random`] draws them from seeds, [`shrink`] makes a failing one small,
//! [`diagram`] shows it. Where to start reading: [`run::run`], then [`reconciler::Reconciler`], then [`laws`].
//!
//! Invariant: oracles never ask the reconciler. What it says of itself is looked at to find it wrong: ready over an OSM
//! that does not match, at work while nothing happens, or with a secret in its words.

pub mod diagram;
pub mod expected;
pub mod explore;
pub mod fault;
mod hand;
mod heal;
pub mod laws;
pub mod ledger;
pub mod leftovers;
pub mod osm;
pub mod plan;
pub mod random;
pub mod reading;
pub mod reconciler;
pub mod run;
pub mod shrink;
pub mod trace;
mod wire;
pub mod world;
