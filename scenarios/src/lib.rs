//! Scripted runs of the whole chain: repository, `osmops`, OSM.
//!
//! A scenario file ([`script`]) names a repository with tags, the state in which OSM starts, and
//! [`step`]s. [`run`] replays them on a [`target`]: the fake NBI in this process under a virtual clock,
//! a fake NBI process, or any NBI. [`story`] tells what happens as it happens; in the simulation the
//! same words are the [`transcript`], which is the same for every run, byte for byte.
//!
//! ```text
//! script → world (trees, packages) ─┐
//!                                   ├→ run → report
//! target (NBI, the fake's controls) ┘   └→ story → transcript, terminal
//! ```
//!
//! Where to start reading: [`run::run`], then [`step::Step`].

pub mod by_hand;
mod check;
pub mod fake;
pub mod hand;
pub mod kube;
pub mod repository;
pub mod run;
pub mod script;
pub mod sim;
pub mod step;
pub mod story;
pub mod tables;
pub mod target;
pub mod transcript;
pub mod world;
