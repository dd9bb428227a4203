//! What a state keeps beside its records, entry by entry: so that snapshots take all of it, and a
//! data folder only what was written.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Entries that are kept one by one; their numbers give their order.
pub(crate) trait Kept {
    /// Notes from now on what is written.
    fn track(&mut self);

    /// Hands over every entry as JSON, in order.
    fn each(&self, each: &mut dyn FnMut(u64, Vec<u8>));

    /// Entries written since the last time, as JSON; none for one that is gone.
    fn take_written(&mut self) -> Vec<(u64, Option<Vec<u8>>)>;

    /// Adds an entry under a number that comes after those added before.
    ///
    /// # Errors
    /// What is wrong with it.
    fn place(&mut self, number: u64, entry: Value) -> Result<(), String>;
}

/// Numbers of the entries written since they were last asked for, where anyone asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Option<BTreeSet<u64>>);

impl Written {
    pub(crate) fn track(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(crate) fn note(&mut self, number: u64) {
        if let Some(numbers) = &mut self.0 {
            numbers.insert(number);
        }
    }

    pub(crate) fn take(&mut self) -> BTreeSet<u64> {
        self.0.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// An entry as JSON.
pub(crate) fn entry_json<T: Serialize + ?Sized>(entry: &T) -> Vec<u8> {
    serde_json::to_vec(entry).expect("what is kept has JSON's types")
}

/// An entry from JSON.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn entry_of<T: DeserializeOwned>(entry: Value) -> Result<T, String> {
    serde_json::from_value(entry).map_err(|error| error.to_string())
}

/// Said of an entry that is there already.
pub(crate) const IS_THERE: &str = "its key or its number is there already";
