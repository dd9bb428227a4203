//! The faults that have not happened yet.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fault, FaultKind};

/// The faults that have not happened yet, each with how many calls it saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    armed: Vec<(Fault, u32)>,
    /// What lists showed the last time, for those that are to be stale.
    seen: BTreeMap<String, Vec<Value>>,
    /// Connections whose next request is cut.
    #[serde(skip)]
    stale: HashSet<u64>,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.armed.push((fault, 0));
    }

    /// Counts a call of `operation`; gives the fault whose turn it is and disarms it. Of two for
    /// the same call the earlier injected one wins, the other never comes.
    pub(crate) fn take(&mut self, operation: &str) -> Option<FaultKind> {
        let mut hit = None;
        self.armed.retain_mut(|(fault, seen)| {
            if fault.operation != operation {
                return true;
            }
            *seen += 1;
            let is_due = *seen >= fault.nth.max(1);
            if is_due && hit.is_none() {
                hit = Some(fault.kind.clone());
            }
            !is_due
        });
        hit
    }

    pub(crate) fn armed(&self) -> impl Iterator<Item = &Fault> {
        self.armed.iter().map(|(fault, _)| fault)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether a list of this operation is to be stale once, so that what it shows must be kept.
    pub(crate) fn will_be_stale(&self, operation: &str) -> bool {
        self.armed().any(|fault| fault.operation == operation && fault.kind == FaultKind::StaleList)
    }

    /// Keeps what a list shows.
    pub(crate) fn saw(&mut self, operation: &str, records: Vec<Value>) {
        self.seen.insert(operation.to_owned(), records);
    }

    /// What a list showed the last time.
    pub(crate) fn last_seen(&self, operation: &str) -> Option<Vec<Value>> {
        self.seen.get(operation).cloned()
    }

    /// The next request on this connection is to be cut.
    pub(crate) fn make_stale(&mut self, connection: u64) {
        self.stale.insert(connection);
    }

    /// Whether this request is to be cut for its connection's sake; the next one is not.
    pub(crate) fn take_stale(&mut self, connection: u64) -> bool {
        self.stale.remove(&connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_nth_call_from_its_injection_once() {
        let mut faults = Faults::default();
        assert_eq!(faults.take("GET /a"), None);
        faults.inject(Fault { operation: "GET /a".into(), nth: 2, kind: FaultKind::Hang });
        assert_eq!(faults.take("GET /b"), None);
        assert_eq!(faults.take("GET /a"), None);
        assert_eq!(faults.take("GET /a"), Some(FaultKind::Hang));
        assert_eq!(faults.take("GET /a"), None);
    }
}
