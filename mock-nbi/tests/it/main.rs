//! Tests of the fake through what clients see of it.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]
// Every file is a module of this one test binary; nothing is exported.
#![allow(unreachable_pub, reason = "modules of one binary")]

mod bodies;
mod changes;
mod client;
mod compare;
mod config_templates;
mod conformance;
mod contract;
mod control;
mod control_api;
mod data;
mod effects;
mod engine;
mod faults;
mod flood;
mod gitops;
mod gitops_calls;
mod gitops_ends;
mod go_engine;
mod hostile;
mod instances;
mod listening;
mod packages;
mod people;
mod quotas;
mod recorded;
mod registered;
mod release10;
mod replay;
mod rules;
mod scale;
mod seeds;
mod server;
mod sessions;
mod sites;
mod slices;
mod snapshot;
mod subscriptions;
mod tenants;
mod test_url;
mod tokens;
mod troubles;
mod uploads;
mod vnf_instances;
