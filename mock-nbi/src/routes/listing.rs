//! Lists of many records, built and sent row by row: neither all rows nor the whole text are ever in
//! memory, and the state is not locked meanwhile.
//!
//! Invariant: the bytes are those that the list would have in one piece.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{is_shown_as_kept, shown};
use crate::filter::Filter;
use crate::negotiate::Format;
use crate::python;
use crate::state::db::{Collection, Record};
use crate::state::session::Session;

/// Lists of no more candidates than this are built at once.
pub(super) const SHORT_MAX: usize = 1000;
/// A piece of the text ends with the row that brings it to so many bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// How deep in the list's JSON a row stands.
const ROW_DEPTH: usize = 1;

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

    /// Adds the text of one row, without what stands around it in the list.
    fn push_row(&self, text: &mut String, record: &Record) {
        let (open, _, close) = frame(self.format);
        match (self.format, record) {
            (Format::Json, Record::Packed(packed)) if is_shown_as_kept(self.collection) => {
                python::push_reindented(text, &packed.json(), ROW_DEPTH);
            }
            (Format::Json, _) => {
                let row = shown(self.collection, &record.value());
                python::push_indented(text, &row, ROW_DEPTH);
            }
            (Format::Yaml | Format::Html, _) => {
                let row = shown(self.collection, &record.value());
                let list = self.format.render(&Value::Array(vec![row]));
                let row = list.strip_prefix(open).unwrap_or(&list);
                text.push_str(row.strip_suffix(close).unwrap_or(row));
            }
        }
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
            let record = &list.rows[self.next_row];
            self.next_row += 1;
            let (open, between, close) = frame(list.format);
            text.push_str(if self.next_row == 1 { open } else { between });
            list.push_row(&mut text, record);
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
        Format::Json => ("[\n    ", ",\n    ", "\n]\n"),
        Format::Yaml => ("---\n", "", ""),
        Format::Html => ("<pre>", "", "</pre>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::db::Db;

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
        // More than are kept unpacked, and fewer.
        for (count, collection) in [
            (0, Collection::NsInstances),
            (1, Collection::NsInstances),
            (2, Collection::VnfPackages),
            (1100, Collection::NsInstances),
            (1100, Collection::VnfPackages),
        ] {
            let mut db = Db::default();
            for n in 0..count {
                db.put(
                    collection,
                    json!({"_id": n.to_string(), "text": "a: é\n- b".repeat(n % 40), "none": [],
                        "list": [{"x": [n], "y": 1e-7 * n as f64}],
                        "_admin": {"projects_read": [if n % 7 == 3 { "other" } else { "p" }]}}),
                );
            }
            let listing = || {
                let filter = Filter::parse(&[("text.neq".into(), "nothing".into())], false);
                let filter = filter.unwrap();
                let candidates = db.candidates(collection, &filter);
                Listing { collection, session: session(), filter, candidates }
            };
            let whole = listing().value();
            assert_eq!(whole.as_array().unwrap().len(), (0..count).filter(|n| n % 7 != 3).count());
            for format in [Format::Json, Format::Yaml] {
                let measured = listing().measure(format);
                let text: Vec<u8> = measured.clone().into_pieces().flatten().collect();
                assert_eq!(String::from_utf8(text).unwrap(), format.render(&whole), "{count}");
                assert_eq!(measured.length, format.render(&whole).len());
            }
        }
    }
}
