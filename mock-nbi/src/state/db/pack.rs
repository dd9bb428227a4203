//! Records as few bytes: compact JSON, compressed against an earlier record of the same sort.
//!
//! Records of OSM repeat each other nearly word for word (each NS record holds its whole NSD), so
//! the first of a sort makes a good dictionary for the others.
//!
//! Invariant: what is unpacked equals what was packed, order of keys and numbers included.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lz4_flex::block::{compress_with_dict, decompress_with_dict};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Dictionaries are cut here: half of what LZ4 can look back, the rest is for the record itself.
const DICTIONARY_BYTES_MAX: usize = 32 * 1024;
/// Sorts beyond these share the first dictionary.
const DICTIONARIES_MAX: usize = 256;

/// A record that is not looked at often.
#[derive(Debug)]
pub(crate) struct Packed {
    dictionary: Arc<[u8]>,
    json_bytes: usize,
    compressed: Box<[u8]>,
}

impl Packed {
    /// The record as compact JSON.
    pub(crate) fn json(&self) -> String {
        let json = decompress_with_dict(&self.compressed, self.json_bytes, &self.dictionary)
            .expect("these bytes were compressed with this dictionary");
        String::from_utf8(json).expect("JSON is text")
    }

    /// The record.
    pub(super) fn unpack(&self) -> Value {
        serde_json::from_str(&self.json()).expect("the packed bytes are JSON")
    }

    /// These fields of the record; the others are skipped, which is quicker.
    pub(super) fn unpack_fields(&self, names: &[&str]) -> Value {
        fields_of(self.json().as_bytes(), names).expect("the packed bytes are a JSON object")
    }
}

/// These fields of an object in JSON.
///
/// # Errors
/// For what is no JSON, or no object.
pub(super) fn fields_of(json: &[u8], names: &[&str]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let fields = Fields(names).deserialize(&mut reader)?;
    reader.end()?;
    Ok(fields)
}

/// Reads the named fields of an object.
struct Fields<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if self.0.contains(&&*name) {
                fields.insert(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields.into())
    }
}

/// Packs the records of one collection.
#[derive(Clone, Debug, Default)]
pub(super) struct Packer {
    dictionaries: HashMap<String, Arc<[u8]>>,
    first: Option<Arc<[u8]>>,
}

impl Packer {
    /// Packs a record; those of one `sort` are alike.
    pub(super) fn pack(&mut self, sort: &str, record: &Value) -> Packed {
        self.pack_json(sort, record.to_string().as_bytes())
    }

    /// Packs a record that is compact JSON already.
    pub(super) fn pack_json(&mut self, sort: &str, json: &[u8]) -> Packed {
        let dictionary = self.dictionary(sort, json);
        let compressed = compress_with_dict(json, &dictionary).into_boxed_slice();
        Packed { dictionary, json_bytes: json.len(), compressed }
    }

    fn dictionary(&mut self, sort: &str, json: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.dictionaries.get(sort) {
            return Arc::clone(known);
        }
        let is_full = self.dictionaries.len() >= DICTIONARIES_MAX;
        if let Some(first) = self.first.as_ref().filter(|_| is_full) {
            return Arc::clone(first);
        }
        let dictionary: Arc<[u8]> = json[..json.len().min(DICTIONARY_BYTES_MAX)].into();
        self.first.get_or_insert_with(|| Arc::clone(&dictionary));
        self.dictionaries.insert(sort.to_owned(), Arc::clone(&dictionary));
        dictionary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn records_come_back_as_they_were_and_take_little_room() {
        let record = |n: f64| {
            json!({"z": n, "a": [1, -1, 0.1 + 0.2, u64::MAX, null], "text": "é\u{1}\u{10ffff}",
                "nsd": {"description": "a description of many words, that every record has", "id": n}})
        };
        let mut packer = Packer::default();
        for n in [1_700_000_000.123_456_7, 5e-324, f64::MAX, -0.0, 1e21] {
            let packed = packer.pack("a", &record(n));
            assert_eq!(packed.unpack().to_string(), record(n).to_string());
        }
        let packed = packer.pack("a", &record(7.0));
        assert_eq!(packed.unpack_fields(&["z", "none"]), json!({"z": 7.0}));
        assert!(packed.compressed.len() < packed.json_bytes / 3, "{}", packed.compressed.len());
    }

    #[test]
    fn what_is_no_object_is_refused_with_what_was_expected() {
        let complaint = fields_of(b"5", &["z"]).unwrap_err().to_string();
        assert!(complaint.contains("expected an object"), "{complaint}");
    }

    #[test]
    fn any_number_of_sorts_is_packed() {
        let mut packer = Packer::default();
        for n in 0..DICTIONARIES_MAX + 10 {
            let record = json!({"n": n});
            assert_eq!(packer.pack(&n.to_string(), &record).unpack(), record);
        }
        assert_eq!(packer.dictionaries.len(), DICTIONARIES_MAX);
    }
}
