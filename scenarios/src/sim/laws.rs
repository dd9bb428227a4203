//! The laws, each counted when it was really put to the test, and what broke them.
//!
//! [`writes`] judges requests before they take effect, [`twins`] what they leave, [`session`] tokens and secrets,
//! [`ends`] what a run says and what it leaves. All of them look at the fake's state, at the requests, and at what the commits ask for.

pub mod ends;
mod removals;
mod revision;
pub mod session;
pub mod twins;
pub mod writes;

use std::fmt;
use std::time::Duration;

/// A law of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "`words` says what each is")]
#[rustfmt::skip]
pub enum Law { L1, L2, L3, L4, L5, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, D1, D2, D3, D4 }

impl Law {
    /// Every law.
    #[rustfmt::skip]
    pub const ALL: [Law; 21] = [
        Law::L1, Law::L2, Law::L3, Law::L4, Law::L5, Law::S1, Law::S2, Law::S3, Law::S4, Law::S5, Law::S6, Law::S7,
        Law::S8, Law::S9, Law::S10, Law::S11, Law::S12, Law::D1, Law::D2, Law::D3, Law::D4,
    ];

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Law::L1 => "OSM comes to match within the bound",
            Law::L2 => "once it matches, it is only read",
            Law::L3 => "one broken item blocks no other",
            Law::L4 => "a commit during an operation is applied",
            Law::L5 => "what cannot be satisfied is told, at a bounded rate of requests",
            Law::S1 => "only what is declared or bears our mark is written",
            Law::S2 => "no two instances of ours with one name",
            Law::S3 => "no action on an instance that was read as processing",
            Law::S4 => "VNFD before NSD before instance",
            Law::S5 => "nothing of a revision after a later one was observed",
            Law::S6 => "no write where nothing differs",
            Law::S7 => "ready only when matching was read after the last write",
            Law::S8 => "nothing is removed without a whole revision that asks for it",
            Law::S9 => "killed anywhere, the next process carries on",
            Law::S10 => "no secret is told",
            Law::S11 => "the bytes of a package depend on its tree alone",
            Law::S12 => "one log-in an hour, and one for each refused token",
            Law::D1 => "the end state is that without faults",
            Law::D2 => "so are the counts of what was made and removed",
            Law::D3 => "skipped, doubled and simultaneous commits end alike",
            Law::D4 => "the same seed gives the same bytes",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub law: Law,
    /// When, since the run began.
    pub at: Duration,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, at, what } = self;
        write!(f, "{law} ({}) at {:.3} s: {what}", law.words(), at.as_secs_f64())
    }
}

/// How often each law was put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([u64; Law::ALL.len()]);

impl Counts {
    /// Of one law.
    pub fn of(&self, law: Law) -> u64 {
        self.0.get(law as usize).copied().unwrap_or_default()
    }

    /// One test more.
    pub fn count(&mut self, law: Law) {
        if let Some(count) = self.0.get_mut(law as usize) {
            *count += 1;
        }
    }

    /// Those of another run as well.
    pub fn add(&mut self, other: &Counts) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

/// What was tested, and what was broken, in one run.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// How often each law was tested.
    pub counts: Counts,
    /// What was broken.
    pub violations: Vec<Violation>,
}

impl Verdicts {
    /// Counts a test of `law`; where it does not hold, `how` says how.
    pub fn test(&mut self, law: Law, at: Duration, holds: bool, how: impl FnOnce() -> String) {
        self.counts.count(law);
        if !holds {
            self.violations.push(Violation { law, at, what: how() });
        }
    }
}
