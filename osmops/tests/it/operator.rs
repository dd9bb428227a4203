//! `osmops run` as its users run it: a process beside a Kubernetes API server, a fake OSM and a server
//! that has Flux's artifacts.

mod artifacts;
mod deletion;
mod deployments;
mod drift;
mod health;
mod killed;
mod leader;
mod process;
mod refusals;
mod repositories;
mod rights;
mod secrets;
mod seen;
mod shards;
mod sharing;
mod unreadable;
mod world;
