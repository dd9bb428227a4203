//! A JSON list, record by record, while it arrives: a list of a hundred thousand records never has to fit
//! in memory.

/// One record may have this many bytes. The largest seen are NS records, which embed their NSD: some 10 kB.
const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is wrong with a list.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListFault {
    /// It does not begin as a list does, or goes on after its end.
    #[error("no list")]
    NotAList,
    /// It ended too early.
    #[error("the list is cut off")]
    CutOff,
    /// A record beyond all measure.
    #[error("a record has more than {RECORD_BYTES_MAX} bytes")]
    RecordTooLong,
    /// A record of another shape.
    #[error("record {number} of the list")]
    BadRecord {
        /// Counted from 1.
        number: usize,
        /// Where the shape differs.
        #[source]
        source: serde_json::Error,
    },
}

/// Takes one record's JSON.
pub(super) type TakeRecord<'a> = dyn FnMut(&[u8]) -> Result<(), serde_json::Error> + Send + 'a;

/// Cuts a list into its records. The records themselves are judged by who takes them.
#[derive(Debug, Default)]
pub(super) struct Elements {
    place: Place,
    record: Vec<u8>,
    depth: usize,
    in_text: bool,
    after_backslash: bool,
    taken: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Between,
    InRecord,
    After,
}

impl Elements {
    /// Goes on with the next bytes; every record that they complete goes to `take`.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut TakeRecord<'_>,
    ) -> Result<(), ListFault> {
        let mut left = bytes;
        while let [byte, rest @ ..] = left {
            match (&self.place, byte) {
                (Place::InRecord, _) => {
                    left = self.inside(left, take)?;
                    continue;
                }
                (Place::Between, b'{') => {
                    self.place = Place::InRecord;
                    continue;
                }
                (_, b' ' | b'\t' | b'\r' | b'\n') | (Place::Between, b',') => {}
                (Place::Before, b'[') => self.place = Place::Between,
                (Place::Between, b']') => self.place = Place::After,
                _ => return Err(ListFault::NotAList),
            }
            left = rest;
        }
        Ok(())
    }

    /// Takes what belongs to the record; gives what comes after it.
    fn inside<'b>(
        &mut self,
        bytes: &'b [u8],
        take: &mut TakeRecord<'_>,
    ) -> Result<&'b [u8], ListFault> {
        let (ours, rest) = bytes.split_at(self.length_in(bytes));
        if self.record.len() + ours.len() > RECORD_BYTES_MAX {
            return Err(ListFault::RecordTooLong);
        }
        let is_whole = self.depth == 0;
        if !is_whole || !self.record.is_empty() {
            self.record.extend_from_slice(ours);
        }
        if is_whole {
            self.taken += 1;
            let number = self.taken;
            let record = if self.record.is_empty() { ours } else { &self.record };
            take(record).map_err(|source| ListFault::BadRecord { number, source })?;
            self.record.clear();
            self.place = Place::Between;
        }
        Ok(rest)
    }

    /// How many of these bytes belong to the record; its depth is 0 where it ends there.
    fn length_in(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if std::mem::take(&mut self.after_backslash) {
                at += 1;
                continue;
            }
            let matters = |byte: &u8| match byte {
                b'"' => true,
                b'\\' => self.in_text,
                b'{' | b'[' | b'}' | b']' => !self.in_text,
                _ => false,
            };
            let Some(ahead) = rest.iter().position(matters) else { break };
            at += ahead + 1;
            match rest[ahead] {
                b'"' => self.in_text = !self.in_text,
                b'\\' => self.after_backslash = true,
                b'{' | b'[' => self.depth += 1,
                _ => self.depth -= 1,
            }
            if self.depth == 0 {
                return at;
            }
        }
        bytes.len()
    }

    /// There is nothing more.
    pub(super) fn finish(&self) -> Result<(), ListFault> {
        match self.place {
            Place::After => Ok(()),
            Place::Before => Err(ListFault::NotAList),
            Place::Between | Place::InRecord => Err(ListFault::CutOff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(text: &str, piece: usize) -> Result<Vec<Value>, ListFault> {
        let (mut elements, mut found) = (Elements::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            elements.feed(piece, &mut |record| {
                found.push(serde_json::from_slice(record)?);
                Ok(())
            })?;
        }
        elements.finish().map(|()| found)
    }

    proptest! {
        #[test]
        fn any_list_comes_out_whole_however_it_is_cut(
            texts in prop::collection::vec(".*", 0..5),
            piece in 1_usize..20,
        ) {
            let records: Vec<Value> =
                texts.iter().map(|text| json!({ text.as_str(): [text, { "a": 1 }] })).collect();
            let text = serde_json::to_string_pretty(&records).unwrap();
            prop_assert_eq!(read(&text, piece).unwrap(), records);
        }
    }

    #[test]
    fn what_is_no_whole_list_of_records_is_refused() {
        let fault = |text: &str| read(text, 3).unwrap_err().to_string();
        assert_eq!(fault("<html>"), "no list");
        assert_eq!(fault("{\"code\": 1}"), "no list");
        assert_eq!(fault(""), "no list");
        assert_eq!(fault("[1]"), "no list");
        assert_eq!(fault("[] []"), "no list");
        assert_eq!(fault("[{\"a\": 1}"), "the list is cut off");
        assert_eq!(fault("[{\"a\": \"}]"), "the list is cut off");
        assert_eq!(fault("[{}, {\"a\" 1}]"), "record 2 of the list");
        assert_eq!(read(" [ ] ", 1).unwrap(), Vec::<Value>::new());
    }

    /// The lengths of the records of a list with one of so many bytes, which comes in many pieces.
    fn lengths_of_one(record_bytes: usize) -> Result<Vec<usize>, ListFault> {
        let (start, end) = ("[{\"a\": \"", "\"}]");
        // The brackets around the list are no part of the record.
        let filling = "x".repeat(record_bytes + 2 - start.len() - end.len());
        let text = [start, &filling, end].concat();
        let (mut elements, mut lengths) = (Elements::default(), Vec::new());
        for piece in text.as_bytes().chunks(1024 * 1024) {
            elements.feed(piece, &mut |record| {
                lengths.push(record.len());
                Ok(())
            })?;
        }
        elements.finish().map(|()| lengths)
    }

    #[test]
    fn a_record_may_have_so_many_bytes_and_not_one_more() {
        assert_eq!(lengths_of_one(RECORD_BYTES_MAX).unwrap(), [RECORD_BYTES_MAX]);
        let fault = lengths_of_one(RECORD_BYTES_MAX + 1).unwrap_err();
        assert_eq!(fault.to_string(), "a record has more than 16777216 bytes");
    }
}
