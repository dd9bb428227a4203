//! What a scenario may say: the closed lists of givens, steps and expectations.
//!
//! Plain values; `script` fills them, `run` carries them out.

use std::time::Duration;

use osmops::report::PassEnd;
use serde_json::{Map, Value};

/// How long an `apply` may take when the file does not say: a first deployment takes a real OSM minutes.
pub const WITHIN_DEFAULT: Duration = Duration::from_secs(600);

/// A value and the line of the scenario file where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// Line, from 1.
    pub line: u32,
    /// The value.
    pub value: T,
}

/// One thing that OSM has before the first step, made through the NBI as an operator would.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// A VIM account of this name.
    VimAccount {
        /// Its name.
        name: String,
    },
    /// A Kubernetes cluster at a VIM account.
    K8sCluster {
        /// Its name.
        name: String,
        /// The VIM account's name.
        vim_account: String,
    },
    /// How much of something the project may have.
    Quota {
        /// Of what, in OSM's word (`ns_instances`).
        of: String,
        /// How many.
        at_most: u64,
    },
    /// A package that another tool uploaded.
    Package {
        /// The folder, relative to the scenario file.
        folder: String,
    },
    /// An NS instance that somebody made by hand.
    NsInstance {
        /// Its name.
        name: String,
        /// The NSD's id.
        nsd: String,
        /// The VIM account's name.
        vim_account: String,
        /// Values by `member/kdu`.
        kdus: Vec<KduValues>,
        /// Whose mark it bears.
        owner: Option<String>,
    },
}

/// What counts beside a commit for what is to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether everything may be removed, or more than half of many.
    pub allow_large_prune: bool,
    /// Whether what differs from the commit that was applied last is only reported.
    pub reports_drift: bool,
}

/// Something that somebody does in OSM between commits, as with the `osm` client.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Makes an NS instance, as in [`Given::NsInstance`].
    Create {
        /// Its name.
        name: String,
        /// The NSD's id.
        nsd: String,
        /// The VIM account's name.
        vim_account: String,
        /// Whose mark it bears.
        owner: Option<String>,
    },
    /// Upgrades KDUs of an NS instance to other values.
    Upgrade {
        /// The instance's name.
        name: String,
        /// Values by `member/kdu`.
        kdus: Vec<KduValues>,
    },
    /// Terminates an NS instance and removes its record.
    Remove {
        /// The instance's name.
        name: String,
    },
    /// Changes keys of a package's descriptor.
    Edit {
        /// The descriptor's id.
        package: String,
        /// The keys and their new values; null removes one.
        to: Map<String, Value>,
    },
    /// Deletes a package.
    Delete {
        /// The descriptor's id.
        package: String,
    },
}

/// Helm values of one KDU.
#[derive(Debug, Clone, PartialEq)]
pub struct KduValues {
    /// The member VNF index.
    pub member: String,
    /// The KDU.
    pub kdu: String,
    /// Its values.
    pub values: Map<String, Value>,
}

impl KduValues {
    /// `member/kdu`, as scenario files write it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.member, self.kdu)
    }
}

/// One step of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Passes over a tag until OSM matches it, nothing more can be done, or the time is over.
    Apply {
        /// The tag.
        tag: String,
        /// How long at most.
        within: Duration,
        /// What the command line says beside it.
        policy: Policy,
    },
    /// What would be done for a tag; nothing is written.
    Plan {
        /// The tag.
        tag: String,
    },
    /// Somebody does something in OSM.
    ByHand(Deed),
    /// What must hold now.
    Expect(Box<Expectation>),
    /// A request that goes wrong.
    Fault(mock_nbi::Fault),
    /// The fake's clock moves on.
    Advance(Duration),
    /// How the fake's operations end from now on.
    Operations(OperationsMode),
    /// The fake's pending operations end.
    EndOperations(mock_nbi::OperationResult),
}

impl Step {
    /// The word that a scenario file has for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Step::Apply { .. } => "apply",
            Step::Plan { .. } => "plan",
            Step::ByHand(_) => "by_hand",
            Step::Expect(_) => "expect",
            Step::Fault(_) => "fault",
            Step::Advance(_) => "advance",
            Step::Operations(_) => "operations",
            Step::EndOperations(_) => "end_operations",
        }
    }

    /// Whether only the fake NBI can do it. Everything else also runs on a real OSM.
    pub fn is_fake_only(&self) -> bool {
        match self {
            Step::Apply { .. } | Step::Plan { .. } | Step::ByHand(_) | Step::Expect(_) => false,
            Step::Fault(_) | Step::Advance(_) | Step::Operations(_) | Step::EndOperations(_) => {
                true
            }
        }
    }
}

/// How the fake's operations go on, whatever its profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationsMode {
    /// They never start.
    Off,
    /// They end well at once.
    Ok,
    /// They fail at once.
    Fail,
    /// They start at once and end on request.
    Manual,
}

/// What must hold. What is absent is not looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectation {
    /// How the last `apply` ended: `converged`, `waiting`, `failed` or `stalled`.
    pub end: Option<Placed<End>>,
    /// How many actions the last `plan` had.
    pub plan_actions: Option<Placed<usize>>,
    /// Everything that the last `apply` sent, in order, as `NS ldap: upgrade of KDU openldap/ldap started`.
    pub changes: Option<Placed<Vec<String>>>,
    /// Bounds on the requests of the last `apply` or `plan`.
    pub requests: Option<Placed<RequestBounds>>,
    /// Everything that OSM has, as `NSD openldap_ns` and `NS ldap`.
    pub inventory: Option<Placed<Vec<String>>>,
    /// Packages that OSM has, by descriptor id.
    pub packages: Vec<Placed<ExpectedPackage>>,
    /// Instances that OSM has, by name.
    pub instances: Vec<Placed<ExpectedInstance>>,
    /// Everything that is wrong with the revision.
    pub problems: Option<Placed<Vec<Said>>>,
    /// Every item that the last `apply` could not bring about.
    pub failures: Option<Placed<Vec<Said>>>,
}

/// Bounds on requests, by `osmops`'s own count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestBounds {
    /// Exactly so many writes.
    pub writes: Option<u64>,
    /// No more reads than this.
    pub reads_at_most: Option<u64>,
    /// No more than this in all. Looks at one operation count once: how often one has to look depends
    /// on how fast OSM is.
    pub total_at_most: Option<u64>,
}

/// A package that OSM must have.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedPackage {
    /// The descriptor's id.
    pub id: String,
    /// The descriptor's version.
    pub version: Option<String>,
    /// The onboarding state.
    pub state: Option<String>,
    /// Keys of its descriptor and their values; null for one that it must not have.
    pub keys: Map<String, Value>,
}

/// An instance that OSM must have, just once.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedInstance {
    /// Its name.
    pub name: String,
    /// `nsState`.
    pub state: Option<String>,
    /// How many operations it ever had.
    pub operations: Option<usize>,
    /// Values in effect.
    pub kdus: Vec<KduValues>,
}

/// Something that must be said of a place or an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `file:line` of a problem, or an item as `NS ldap`.
    pub about: String,
    /// Text that must be part of it.
    pub says: String,
}

/// How an `apply` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// OSM is as declared.
    Converged,
    /// OSM is still at work, or the time was over.
    Waiting,
    /// Something failed that may work later.
    Failed,
    /// A commit or an operator must help.
    Stalled,
}

impl End {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Converged, Self::Waiting, Self::Failed, Self::Stalled];

    /// The word for it in scenario files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
        }
    }
}

impl From<PassEnd> for End {
    fn from(end: PassEnd) -> Self {
        match end {
            PassEnd::Converged => Self::Converged,
            PassEnd::Waiting { .. } => Self::Waiting,
            PassEnd::Failed => Self::Failed,
            PassEnd::Stalled => Self::Stalled,
        }
    }
}
