//! A world as parts, and snapshots of it.
//!
//! A part is a name and JSON: one record, one uploaded file, one token, one pending operation, ...,
//! and `rest` for what is small. A snapshot is all of them in a file; a data folder
//! ([`crate::store`]) is written part by part as they change.
//!
//! # The file
//!
//! Gzipped lines of JSON. The first is `{"format": "mock-nbi snapshot", "version": 1, "release":
//! ..., "now": ...}`, each further one `{"part": NAME, "value": ...}`, the last `{"parts": COUNT}`.
//! Names are `record/TABLE/NUMBER` (the value is the record as OSM keeps it), `KIND/NUMBER` for what
//! stands beside the records (`file`, `upload`, `token`, `helm`, `operation`), and `rest`. Numbers give
//! the order; gaps mean nothing.
//!
//! Not kept: the journal and what is counted, web sessions (OSM's own are gone after a restart too),
//! and requests that a fault holds back.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::clock::ClockState;
use crate::fault::Faults;
use crate::ids::Ids;
use crate::operation::Counted;
use crate::release::Release;
use crate::state::db::{Collection, Record};
use crate::state::forced::ForcedOperations;
use crate::state::kept::entry_json;
use crate::store::{Changes, DataError, Saving, Store};
use crate::world::World;

const FORMAT: &str = "mock-nbi snapshot";
const VERSION: u32 = 1;
/// A line longer than this is none of ours: a file of 64 MB in base64 fits.
const LINE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Why something is no snapshot of a world.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It does not begin as a snapshot does.
    #[error("it is no snapshot of mock-nbi")]
    Foreign,
    /// It was made by another version of this program.
    #[error("its version is {found}, this program reads {VERSION}")]
    Version {
        /// The version it gives.
        found: u32,
    },
    /// It is of an OSM of another release.
    #[error("it is of release {}, and this OSM is of {}", name_of(*found), name_of(*wanted))]
    OtherRelease {
        /// The release it gives.
        found: Release,
        /// The release of the NBI that should take it.
        wanted: Release,
    },
    /// One of its parts cannot be.
    #[error("its part `{part}` is broken: {message}")]
    Broken {
        /// The part's name.
        part: String,
        /// What is wrong.
        message: String,
    },
    /// Its end is missing.
    #[error("it is cut off")]
    CutOff,
}

impl SnapshotError {
    pub(crate) fn broken(part: &str, message: &dyn std::fmt::Display) -> Self {
        Self::Broken { part: part.to_owned(), message: message.to_string() }
    }
}

fn name_of(release: Release) -> String {
    let name = serde_json::to_value(release).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    release: Release,
    /// Epoch seconds of the fake's clock.
    now: f64,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Part { part: String, value: Value },
    End { parts: u64 },
}

/// What is small or changes as one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    release: Release,
    ids: Ids,
    clock: ClockState,
    engine: Counted,
    forced: ForcedOperations,
    faults: Faults,
    /// Addresses that answer when something subscribes with them.
    #[serde(default)]
    callbacks: BTreeSet<String>,
}

/// A part as it was when it was asked for.
#[derive(Debug)]
enum Part {
    /// Not yet written down.
    Record(Collection, u64, Record),
    Json(String, Vec<u8>),
}

impl Part {
    fn into_json(self) -> (String, Vec<u8>) {
        match self {
            Self::Record(collection, number, record) => {
                (record_name(collection, number), record.json())
            }
            Self::Json(name, json) => (name, json),
        }
    }
}

/// All that a world held at one time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    header: Header,
    parts: Vec<Part>,
}

impl Snapshot {
    /// It as a file; takes its time.
    pub(crate) fn into_file(self) -> Vec<u8> {
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        let mut write = |line: &[u8]| {
            file.write_all(line).and_then(|()| file.write_all(b"\n")).expect("memory takes all");
        };
        write(&entry_json(&self.header));
        let count = self.parts.len();
        for part in self.parts {
            let (name, json) = part.into_json();
            let name = entry_json(&name);
            write(&[b"{\"part\":", name.as_slice(), b",\"value\":", &json, b"}"].concat());
        }
        write(format!("{{\"parts\":{count}}}").as_bytes());
        file.finish().expect("memory takes all")
    }
}

impl World {
    /// All of it, to be written down later.
    pub(crate) fn snapshot(&mut self) -> Snapshot {
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            now: self.settle(),
            release: self.state.release,
        };
        Snapshot { header, parts: self.parts() }
    }

    /// Becomes what a snapshot holds, and gives its time; journal and data folder stay.
    ///
    /// # Errors
    /// The world is then as it was.
    pub(crate) fn restore(&mut self, snapshot: &[u8]) -> Result<f64, SnapshotError> {
        let mut reader = BufReader::new(GzDecoder::new(snapshot));
        let header: Header = next_line(&mut reader)?.ok_or(SnapshotError::Foreign)?;
        if header.format != FORMAT {
            return Err(SnapshotError::Foreign);
        }
        if header.version != VERSION {
            return Err(SnapshotError::Version { found: header.version });
        }
        self.check_release(header.release)?;
        let mut made = World::empty(self.settings(), self.clock.clone());
        let mut count = 0;
        loop {
            match next_line(&mut reader).map_err(|_| SnapshotError::CutOff)? {
                Some(Line::Part { part, value }) => {
                    made.place_part(&part, value.to_string().as_bytes())?;
                    count += 1;
                }
                Some(Line::End { parts }) if parts == count => break,
                Some(Line::End { .. }) | None => return Err(SnapshotError::CutOff),
            }
        }
        self.take_over(made, Some(header.now));
        Ok(header.now)
    }

    /// Puts another world's content in the place of this one's.
    fn take_over(&mut self, other: World, at_least: Option<f64>) {
        self.state = other.state;
        self.faults = other.faults;
        if let Some(clock) = other.restored_clock {
            self.clock.restore(clock, at_least);
        }
        self.is_replaced = true;
        if self.store.is_some() {
            self.state.track();
        }
    }

    /// Begins to keep the world in a data folder. One that holds a world already becomes this
    /// world, and this says so; an empty one takes this world over with the next [`Self::save`].
    ///
    /// # Errors
    /// [`DataError`]; the world is then as it was.
    pub(crate) fn keep_in(&mut self, folder: &Path) -> Result<bool, DataError> {
        let mut found = World::empty(self.settings(), self.clock.clone());
        let (store, has_parts) = Store::open(folder, |name, json| found.place_part(name, json))?;
        self.store = Some(store);
        if has_parts {
            found.state.ids.skip_sessions();
            self.take_over(found, None);
            self.is_replaced = false;
        } else {
            self.is_replaced = true;
            self.state.track();
        }
        Ok(has_parts)
    }

    /// Has what changed written, where the world is kept in a data folder; gives what to wait for
    /// before anything is answered.
    pub(crate) fn save(&mut self) -> Option<Saving> {
        self.store.as_ref()?;
        let changes = self.take_changes();
        self.store.as_ref()?.save(changes)
    }

    fn check_release(&self, found: Release) -> Result<(), SnapshotError> {
        let wanted = self.state.release;
        if found == wanted { Ok(()) } else { Err(SnapshotError::OtherRelease { found, wanted }) }
    }

    /// Every part.
    fn parts(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        for collection in Collection::ALL {
            let records = self.state.db.numbered(*collection);
            parts.extend(records.map(|(number, record)| Part::Record(*collection, number, record)));
        }
        for (kind, kept) in self.state.kept() {
            kept.each(&mut |number, json| {
                parts.push(Part::Json(format!("{kind}/{number:012}"), json));
            });
        }
        parts.push(Part::Json(REST.to_owned(), entry_json(&self.rest())));
        parts
    }

    fn rest(&self) -> Rest {
        Rest {
            release: self.state.release,
            ids: self.state.ids.clone(),
            clock: self.clock.state(),
            engine: self.state.engine.counted(),
            forced: self.state.forced.clone(),
            faults: self.faults.clone(),
            callbacks: self.state.callbacks.clone(),
        }
    }

    /// Puts a part into its place.
    fn place_part(&mut self, name: &str, json: &[u8]) -> Result<(), SnapshotError> {
        let broken = |message: &dyn std::fmt::Display| SnapshotError::broken(name, message);
        if name == REST {
            let rest: Rest = serde_json::from_slice(json).map_err(|error| broken(&error))?;
            self.check_release(rest.release)?;
            self.state.ids = rest.ids;
            self.restored_clock = Some(rest.clock);
            self.state.engine.restore(rest.engine);
            self.state.forced = rest.forced;
            self.faults = rest.faults;
            self.state.callbacks = rest.callbacks;
            return Ok(());
        }
        let (path, number) = name.rsplit_once('/').ok_or_else(|| broken(&"unknown"))?;
        let number: u64 = number.parse().map_err(|error| broken(&error))?;
        let Some(table) = path.strip_prefix(RECORD) else {
            let mut kinds = self.state.kept().into_iter();
            let (_, kept) =
                kinds.find(|(kind, _)| *kind == path).ok_or_else(|| broken(&"unknown"))?;
            let entry = serde_json::from_slice(json).map_err(|error| broken(&error))?;
            return kept.place(number, entry).map_err(|message| broken(&message));
        };
        let mut collections = Collection::ALL.iter();
        let collection = collections.find(|collection| collection.table() == table);
        let collection = *collection.ok_or_else(|| broken(&"unknown"))?;
        match self.state.db.place(collection, number, json) {
            Ok(true) => Ok(()),
            Ok(false) => Err(broken(&"it has no `_id`, or that or its number is there already")),
            Err(error) => Err(broken(&error)),
        }
    }

    /// What changed since this was last asked for.
    fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        if self.is_replaced {
            self.is_replaced = false;
            changes.is_all = true;
            let parts = self.parts().into_iter().map(Part::into_json);
            changes.parts.extend(parts.map(|(name, json)| (name, Some(json))));
            return changes;
        }
        for (collection, number, record) in self.state.db.take_written() {
            let json = record.map(|record| record.json());
            changes.parts.push((record_name(collection, number), json));
        }
        for (kind, kept) in self.state.kept() {
            let written = kept.take_written().into_iter();
            let parts = written.map(|(number, json)| (format!("{kind}/{number:012}"), json));
            changes.parts.extend(parts);
        }
        let rest = self.rest();
        let has_moved_on = self.has_moved_on(&rest);
        if changes.parts.is_empty() && !has_moved_on {
            return changes;
        }
        changes.parts.push((REST.to_owned(), Some(entry_json(&rest))));
        changes
    }

    /// Whether something small changed that no other part shows; reading alone changes nothing.
    fn has_moved_on(&mut self, rest: &Rest) -> bool {
        let ids = rest.ids.without_sessions();
        let rest = entry_json(&Rest { ids, ..rest.clone() });
        let has_changed = self.saved_rest != rest;
        self.saved_rest = rest;
        has_changed
    }
}

const REST: &str = "rest";
const RECORD: &str = "record/";

fn record_name(collection: Collection, number: u64) -> String {
    format!("{RECORD}{}/{number:012}", collection.table())
}

/// The next line as JSON; none at the end.
fn next_line<T: for<'a> Deserialize<'a>>(
    reader: &mut impl BufRead,
) -> Result<Option<T>, SnapshotError> {
    let mut line = Vec::new();
    let bytes = reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    match bytes {
        Err(_) => Err(SnapshotError::Foreign),
        Ok(0) => Ok(None),
        Ok(_) => serde_json::from_slice(&line).map(Some).map_err(|_| SnapshotError::Foreign),
    }
}
