//! Which faults happen where, as text: `ADDRESS#NTH KIND`, joined by ` + `.
//!
//! `GET /nsd/v1/ns_descriptors#2 reset-before + run#3 crash-untold` is a plan of two. An address is the operation of
//! a request, as the fake names it, or one of the driver's steps: `run` or `commit`. Calls are counted from 1
//! since the run began; the operator's hand is not counted.

use std::fmt;
use std::str::FromStr;

use super::fault::Kind;

/// One fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The operation of a request, `run` or `commit`.
    pub address: String,
    /// Which one, from 1.
    pub nth: u32,
    /// What happens.
    pub kind: Kind,
}

/// The faults of one run, none at the same place as another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// In any order.
    pub faults: Vec<Fault>,
}

/// Why a text is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no fault: {reason}; write `ADDRESS#NTH KIND`, as `GET /nsd/v1/ns_descriptors#2 reset-before`"
)]
pub struct PlanError {
    /// The part that cannot be read.
    pub text: String,
    /// Why.
    pub reason: String,
}

/// What stands between two faults.
const SEPARATOR: &str = " + ";

impl Plan {
    /// A plan of one fault.
    pub fn one(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }

    /// This plan and one fault more.
    #[must_use]
    pub fn with(&self, fault: Fault) -> Self {
        let mut faults = self.faults.clone();
        faults.push(fault);
        Self { faults }
    }

    /// This plan without the fault at `index`.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let mut faults = self.faults.clone();
        faults.remove(index);
        Self { faults }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} {}", self.address, self.nth, self.kind)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str(SEPARATOR)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let fail = |reason: &str| PlanError { text: text.to_owned(), reason: reason.to_owned() };
        let (address, rest) = text.split_once('#').ok_or_else(|| fail("it has no `#`"))?;
        let (nth, kind) = rest.split_once(' ').ok_or_else(|| fail("it has no kind"))?;
        let nth = nth.parse().ok().filter(|nth| *nth > 0);
        let nth = nth.ok_or_else(|| fail("after `#` comes a number from 1"))?;
        let kind: Kind = kind.trim().parse().map_err(|reason: String| fail(&reason))?;
        let address = address.trim().to_owned();
        if !kind.is_at(&address) {
            return Err(fail("this kind does not happen there"));
        }
        Ok(Self { address, nth, kind })
    }
}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let parts = text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
        let faults = parts.map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fault::kinds_at;

    #[test]
    fn every_fault_is_read_as_it_is_printed() {
        let addresses = [
            "POST /admin/v1/tokens",
            "GET /nsd/v1/ns_descriptors",
            "POST /nslcm/v1/ns_instances_content",
            "POST /nslcm/v1/ns_instances/{id}/action",
            "run",
            "commit",
        ];
        let mut plan = Plan::default();
        for address in addresses {
            for kind in kinds_at(address) {
                plan = plan.with(Fault { address: address.to_owned(), nth: 3, kind });
            }
        }
        assert!(plan.faults.len() > 100, "{}", plan.faults.len());
        assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
        assert_eq!("".parse::<Plan>().unwrap(), Plan::default());
    }

    #[test]
    fn what_is_no_plan_is_refused_with_the_reason() {
        for (text, reason) in [
            ("GET /version reset-before", "no `#`"),
            ("GET /version#0 reset-before", "number from 1"),
            ("GET /version#1", "no kind"),
            ("GET /version#1 nonsense", "nonsense"),
            ("run#1 reset-before", "does not happen there"),
        ] {
            let error = text.parse::<Plan>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
