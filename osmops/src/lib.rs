//! GitOps for Open Source MANO (OSM): makes the live OSM match what a Git repository declares.
//!
//! Data flows one way. The four stages in the middle are pure: no I/O, no clock, no randomness.
//!
//! ```text
//! artifact → repo → package → desired ─┐
//!                                      ├→ plan → apply → report
//!           nbi → observe → observed ──┘
//! ```
//!
//! A *pass* ([`reconcile::pass`]) reads OSM, plans, starts what the plan says, and ends; it never sits
//! waiting. [`reconcile::converge`] runs passes until OSM matches. Nothing is remembered between passes:
//! what must be known is in Git and in OSM.
//!
//! [`operator`] runs passes as Kubernetes' objects call for them.
//!
//! Where to start reading: [`reconcile`] (one pass, top to bottom), [`plan`] (every decision),
//! [`repo`] (the file formats), [`nbi`] (OSM's URLs and bodies).
//!
//! # Example
//!
//! A revision in memory, planned against an OSM that has nothing:
//!
//! ```
//! use osmops::ids::RevisionName;
//! use osmops::observed::ObservedState;
//! use osmops::plan::{plan, render};
//! use osmops::revision::Revision;
//! use osmops::tree::{Tree, TreeFile, TreePath};
//!
//! let file = |path: &str, text: &'static str| {
//!     (TreePath::parse(path).expect("a relative path"), TreeFile::in_memory(text, false))
//! };
//! let tree = Tree::from_files([
//!     file("osm_ops_config.yaml", "connectionFile: /etc/osmops/nbi-connection.yaml"),
//!     file("osm-pkgs/openldap_knf/vnfd.yaml", "vnfd: {id: openldap_knf, kdu: [{name: ldap}]}"),
//! ]);
//! let revision = Revision::read(&tree, RevisionName::new("test.0.0.7")?);
//! assert!(revision.problems.is_empty());
//! let plan = plan(&revision.desired, &ObservedState::default());
//! assert!(render(&plan).starts_with("+ VNFD openldap_knf: create"));
//! # Ok::<(), osmops::ids::TextError>(())
//! ```

pub mod apply;
pub mod artifact;
pub mod desired;
pub mod failure;
pub mod ids;
pub mod moment;
pub mod nbi;
pub mod observe;
pub mod observed;
pub mod operation;
pub mod operator;
pub mod package;
pub mod plan;
pub mod reconcile;
pub mod redact;
pub mod repo;
pub mod report;
pub mod request_counts;
pub mod revision;
mod schema;
pub mod secret;
pub mod source_pos;
pub mod tree;
pub mod yaml;
