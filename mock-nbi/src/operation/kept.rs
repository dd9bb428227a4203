//! What is pending, kept one by one, and what the engine has counted: with both it goes on after a
//! restart as if there had been none.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pending::Pending;
use super::{Engine, Mode};
use crate::state::kept::{IS_THERE, Kept, entry_json, entry_of};

/// What an engine knows beside the operations themselves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    mode: Option<Mode>,
    asked_for: u64,
    used: Vec<u32>,
}

impl Engine {
    /// What it knows beside the operations.
    pub(crate) fn counted(&self) -> Counted {
        Counted { mode: self.mode, asked_for: self.asked_for, used: self.used.clone() }
    }

    /// Takes back what it knew; the operations may come before or after. Where the profile has
    /// another number of rules now, they count anew.
    pub(crate) fn restore(&mut self, counted: Counted) {
        self.mode = counted.mode;
        self.asked_for = self.asked_for.max(counted.asked_for);
        if counted.used.len() == self.used.len() {
            self.used = counted.used;
        }
        let numbers: Vec<u64> = self.pending.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.reckon(number));
    }
}

impl Kept for Engine {
    fn track(&mut self) {
        self.written.track();
    }

    fn each(&self, each: &mut dyn FnMut(u64, Vec<u8>)) {
        self.pending.iter().for_each(|(number, pending)| each(*number, entry_json(pending)));
    }

    fn take_written(&mut self) -> Vec<(u64, Option<Vec<u8>>)> {
        let written = self.written.take().into_iter();
        written.map(|number| (number, self.pending.get(&number).map(entry_json))).collect()
    }

    fn place(&mut self, number: u64, entry: Value) -> Result<(), String> {
        let pending: Pending = entry_of(entry)?;
        let is_there = self.pending.contains_key(&number);
        if is_there || self.by_id.contains_key(&pending.work.op_id()) {
            return Err(IS_THERE.to_owned());
        }
        self.put(number, pending);
        Ok(())
    }
}
