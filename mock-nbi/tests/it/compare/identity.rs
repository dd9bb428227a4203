//! Which of our ids stands for which recorded one, and our times for recorded times.

use std::collections::BTreeMap;

/// What is known of a case so far. One recorded id is one of ours and the other way round, wherever
/// they stand; times keep their order, and equal ones stay equal.
#[derive(Debug, Default)]
pub struct Known {
    ours: BTreeMap<String, String>,
    recorded: BTreeMap<String, String>,
    /// By the bits of the recorded time, which sort like positive floats do.
    times: BTreeMap<u64, f64>,
}

impl Known {
    /// Notes that `got` stands for `want`.
    ///
    /// # Errors
    /// When one of them already stands for something else.
    pub fn pair(&mut self, want: &str, got: &str) -> Result<(), String> {
        if let Some(other) = self.ours.get(want).filter(|other| *other != got) {
            return Err(format!("is {got}, but {want} was {other} before"));
        }
        if let Some(other) = self.recorded.get(got).filter(|other| *other != want) {
            return Err(format!("is {got}, which was {other} before and is {want} here"));
        }
        self.ours.insert(want.to_owned(), got.to_owned());
        self.recorded.insert(got.to_owned(), want.to_owned());
        Ok(())
    }

    /// Notes that the time `got` stands for `want`.
    ///
    /// # Errors
    /// When equal times became different, or an earlier one later.
    pub fn pair_times(&mut self, want: f64, got: f64) -> Result<(), String> {
        let key = want.to_bits();
        if let Some(other) = self.times.get(&key) {
            let is_same = other.to_bits() == got.to_bits();
            return if is_same {
                Ok(())
            } else {
                Err(format!("is {got:?}, but {want:?} was {other:?} before"))
            };
        }
        let before = self.times.range(..key).next_back().map(|(_, time)| *time);
        let after = self.times.range(key..).next().map(|(_, time)| *time);
        if before.is_some_and(|before| before > got) || after.is_some_and(|after| after < got) {
            return Err(format!("is {got:?}, not between {before:?} and {after:?}"));
        }
        self.times.insert(key, got);
        Ok(())
    }

    /// A recorded text with our ids in it.
    pub fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in &self.ours {
            if text.contains(recorded) {
                text = text.replace(recorded, ours);
            }
        }
        text
    }
}
