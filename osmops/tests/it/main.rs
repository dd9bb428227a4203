//! Behaviour of `osmops`, seen through its public face: the library against the fake NBI, and the command
//! line as a user runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod cli;
mod cli_policy;
mod convergence;
mod dependencies;
mod drifting;
mod failures;
mod histories;
mod kdu_values;
mod kube_api;
mod kube_contract;
mod layering;
mod manifests;
mod nbi_errors;
mod operator;
mod original;
mod others_hands;
mod ownership;
mod package_content;
mod package_descriptors;
mod packing_laws;
mod plan_laws;
mod plan_texts;
mod properties;
mod pruning;
mod pruning_doubts;
mod pruning_laws;
mod recreation;
mod repositories;
mod retries;
mod revision_laws;
mod scale;
mod several_kdus;
mod shared_lists;
mod stopping;
mod token_laws;
mod world;
mod yaml_laws;
