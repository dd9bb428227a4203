//! How many requests a session sent: what a report tells of them.

use serde::{Deserialize, Serialize};

/// How many requests were sent, by purpose.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct RequestCounts {
    /// Tokens asked for.
    pub log_in: u64,
    /// Lists and records read.
    pub read: u64,
    /// Looks at a running operation.
    pub probe: u64,
    /// Whatever changes OSM.
    pub write: u64,
    /// Tokens given back.
    pub log_out: u64,
}

impl RequestCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.log_in + self.read + self.probe + self.write + self.log_out
    }
}

impl std::ops::Add for RequestCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            log_in: self.log_in + other.log_in,
            read: self.read + other.read,
            probe: self.probe + other.probe,
            write: self.write + other.write,
            log_out: self.log_out + other.log_out,
        }
    }
}
