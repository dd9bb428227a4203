//! What the model knows of an NS instance.
//!
//! Source: NBI_FACTS.md sections 9 and 11.

/// An NS instance with its operations, oldest first.
#[derive(Clone, Debug)]
pub struct Instance {
    pub key: String,
    pub name: String,
    pub nsd: String,
    pub vnfd: String,
    pub vim: String,
    /// The cluster that its KDU was put on.
    pub cluster: Option<String>,
    pub ns_state: &'static str,
    pub is_instantiated: bool,
    /// Whether its KDU is known to run.
    pub is_deployed: bool,
    pub operations: Vec<Operation>,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub kind: Kind,
    /// None where the facts do not say.
    pub state: Option<&'static str>,
    pub is_pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Instantiate,
    Act,
    Terminate { is_removed: bool },
}

impl Instance {
    /// Queues an operation; the first in line starts at once.
    pub fn queue(&mut self, kind: Kind) {
        let is_first = !self.operations.iter().any(|operation| operation.is_pending);
        self.operations.push(Operation { kind, state: Some("PROCESSING"), is_pending: true });
        if is_first {
            self.start(kind);
        }
    }

    fn start(&mut self, kind: Kind) {
        match kind {
            Kind::Instantiate => {
                self.is_instantiated = true;
                self.ns_state = "BUILDING";
            }
            Kind::Act => {}
            Kind::Terminate { .. } => self.ns_state = "TERMINATING",
        }
    }

    /// Ends all pending operations in their order, an instantiation badly too where its cluster is
    /// not fit for it; tells whether the record is left.
    pub fn end_all(&mut self, is_good: bool, can_install: bool) -> bool {
        for index in 0..self.operations.len() {
            if !self.operations[index].is_pending {
                continue;
            }
            let kind = self.operations[index].kind;
            let is_good = is_good && (can_install || kind != Kind::Instantiate);
            let was_gone = !self.is_instantiated && kind != Kind::Instantiate;
            if !was_gone {
                self.start(kind);
            }
            let operation = &mut self.operations[index];
            operation.is_pending = false;
            // What becomes of an operation on what is not there is not told.
            let is_told = !was_gone && (kind != Kind::Act || self.is_deployed);
            operation.state = is_told.then_some(if is_good { "COMPLETED" } else { "FAILED" });
            if kind != Kind::Act {
                self.is_deployed = kind == Kind::Instantiate && is_good;
            }
            match (kind, is_good) {
                (Kind::Instantiate, true) => self.ns_state = "READY",
                (Kind::Act, _) => {}
                (_, false) => self.ns_state = "BROKEN",
                (Kind::Terminate { is_removed: true }, true) => return false,
                (Kind::Terminate { is_removed: false }, true) => {
                    self.is_instantiated = false;
                    self.ns_state = "NOT_INSTANTIATED";
                }
            }
        }
        true
    }
}
