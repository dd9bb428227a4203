//! Lists of many records, built and sent row by row: neither all rows nor the whole text are ever in
//! memory, and the state is not locked meanwhile.
//!
//! Invariant: the bytes are those that the list would have in one piece.

use bytes::Bytes;
use serde_json::{Value, json};

use super::shown;
use crate::filter::Filter;
use crate::negotiate::Format;
use crate::state::db::{Collection, Record};
use crate::state::session::Session;

/// Lists of no more candidates than this are built at once.
pub(super) const SHORT_MAX: usize = 1000;
/// A piece of the text ends with the row that brings it to so many bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// Records of which those are to be sent that the session sees and the filter accepts.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(super) collection: Collection,
    pub(super) session: Session,
    pub(super) filter: Filter,
    pub(super) candidates: Vec<Record>,
}

impl Listing {
    /// The list in one piece.
    pub(crate) fn value(&self) -> Value {
        let wanted = self.candidates.iter().filter(|record| self.is_wanted(record));
        wanted.map(|record| shown(self.collection, &record.value())).collect()
    }

    /// Finds the rows and reckons the length of their text; takes its time.
    pub(crate) fn measure(mut self, format: Format) -> Measured {
        let candidates = std::mem::take(&mut self.candidates);
        let rows: Vec<Record> =
            candidates.into_iter().filter(|record| self.is_wanted(record)).collect();
        let mut measured = Measured { collection: self.collection, format, rows, length: 0 };
        measured.length = measured.pieces().map(|piece| piece.len()).sum();
        measured
    }

    fn is_wanted(&self, record: &Record) -> bool {
        let mut looked_at = self.filter.fields();
        looked_at.push("_admin");
        let fields = record.fields(&looked_at);
        self.session.sees(&fields) && self.filter.accepts(&fields)
    }
}

/// The rows of a list, and how long their text is.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    collection: Collection,
    format: Format,
    rows: Vec<Record>,
    pub(crate) length: usize,
}

impl Measured {
    /// The text, piece by piece.
    pub(crate) fn pieces(&self) -> Pieces<&Self> {
        Pieces { of: self, next_row: 0 }
    }

    /// The text, piece by piece, for a stream.
    pub(crate) fn into_pieces(self) -> Pieces<Self> {
        Pieces { of: self, next_row: 0 }
    }
}

/// Where the text of a list has got to.
#[derive(Debug)]
pub(crate) struct Pieces<T> {
    of: T,
    next_row: usize,
}

impl<T: std::borrow::Borrow<Measured>> Iterator for Pieces<T> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let list = self.of.borrow();
        let (first, count) = (self.next_row, list.rows.len());
        if list.rows.is_empty() && first == 0 {
            self.next_row = 1;
            return Some(list.format.render(&json!([])).into());
        }
        if first >= count {
            return None;
        }
        let mut text = String::new();
        while self.next_row < count && text.len() < PIECE_BYTES {
            let row = shown(list.collection, &list.rows[self.next_row].value());
            self.next_row += 1;
            let list_of_one = list.format.render(&Value::Array(vec![row]));
            let (open, between, close) = frame(list.format);
            let inner = list_of_one.strip_prefix(open).unwrap_or(&list_of_one);
            let inner = inner.strip_suffix(close).unwrap_or(inner);
            text.push_str(if self.next_row == 1 { open } else { between });
            text.push_str(inner);
            if self.next_row == count {
                text.push_str(close);
            }
        }
        Some(text.into())
    }
}

/// What stands before, between and behind the rows of a list.
fn frame(format: Format) -> (&'static str, &'static str, &'static str) {
    match format {
        Format::Json => ("[\n", ",\n", "\n]\n"),
        Format::Yaml => ("---\n", "", ""),
        Format::Html => ("<pre>", "", "</pre>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn session() -> Session {
        Session {
            project_id: Some("p".into()),
            access: crate::state::session::Access::List,
            force: false,
            public: None,
            set_project: None,
            user_id: "u".into(),
            username: "u".into(),
            is_admin_user: false,
            sees_everyone: true,
        }
    }

    #[test]
    fn a_list_in_pieces_has_the_text_of_the_list_in_one() {
        for count in [0, 1, 2, 700] {
            let record = |n: usize| {
                json!({"_id": n.to_string(), "text": "a: é\n- b".repeat(n % 40), "none": [], "list": [{"x": [n]}],
                    "_admin": {"projects_read": [if n % 7 == 3 { "other" } else { "p" }]}})
            };
            let candidates = (0..count).map(|n| Record::Live(Arc::new(record(n)))).collect();
            let filter = Filter::parse(&[("text.neq".into(), "nothing".into())], false).unwrap();
            let collection = Collection::VnfPackages;
            let listing = || Listing { collection, session: session(), filter, candidates };
            let listing = listing();
            let whole = listing.value();
            let candidates = listing.candidates.clone();
            for format in [Format::Json, Format::Yaml] {
                let filter = Filter::parse(&[], false).unwrap();
                let candidates = candidates.clone();
                let listing = Listing { collection, session: session(), filter, candidates };
                let measured = listing.measure(format);
                let text: Vec<u8> = measured.clone().into_pieces().flatten().collect();
                assert_eq!(String::from_utf8(text).unwrap(), format.render(&whole), "{count}");
                assert_eq!(measured.length, format.render(&whole).len());
            }
        }
    }
}
