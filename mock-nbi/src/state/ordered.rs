//! A map that keeps the order of insertion, removes without moving the rest, and can tell what was
//! written to it.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::kept::{IS_THERE, Kept, Written, entry_json, entry_of};

/// A map in order of insertion; a key that is written again keeps its place.
#[derive(Clone, Debug)]
pub(crate) struct Ordered<K, V> {
    entries: BTreeMap<u64, (K, V)>,
    numbers: HashMap<K, u64>,
    next_number: u64,
    written: Written,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            written: Written::default(),
        }
    }
}

impl<K: Clone + Eq + Hash, V> Ordered<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let number = self.numbers.get(key)?;
        self.entries.get(number).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let number = *self.numbers.get(key)?;
        self.written.note(number);
        self.entries.get_mut(&number).map(|(_, value)| value)
    }

    /// Writes an entry; gives what it had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let number = self.numbers.get(&key).copied().unwrap_or(self.next_number);
        self.put(number, key, value)
    }

    /// The value of a key, a new one where there is none.
    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let number = self.numbers.get(&key).copied().unwrap_or(self.next_number);
        if !self.numbers.contains_key(&key) {
            self.put(number, key.clone(), V::default());
        }
        self.written.note(number);
        &mut self.entries.entry(number).or_insert_with(|| (key, V::default())).1
    }

    fn put(&mut self, number: u64, key: K, value: V) -> Option<V> {
        self.written.note(number);
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.numbers.insert(key.clone(), number);
        self.entries.insert(number, (key, value)).map(|(_, old)| old)
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let number = self.numbers.remove(key)?;
        self.written.note(number);
        self.entries.remove(&number).map(|(_, value)| value)
    }

    /// The value of the first entry.
    pub(crate) fn first(&self) -> Option<&V> {
        self.entries.first_key_value().map(|(_, (_, value))| value)
    }

    /// Removes the first entry.
    pub(crate) fn remove_first(&mut self) {
        if let Some((number, (key, _))) = self.entries.pop_first() {
            self.written.note(number);
            self.numbers.remove(&key);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Removes every entry.
    pub(crate) fn clear(&mut self) {
        self.entries.keys().for_each(|number| self.written.note(*number));
        self.entries.clear();
        self.numbers.clear();
    }
}

impl<K, V> Kept for Ordered<K, V>
where
    K: Clone + Eq + Hash + Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    fn track(&mut self) {
        self.written.track();
    }

    fn each(&self, each: &mut dyn FnMut(u64, Vec<u8>)) {
        self.entries.iter().for_each(|(number, entry)| each(*number, entry_json(entry)));
    }

    fn take_written(&mut self) -> Vec<(u64, Option<Vec<u8>>)> {
        let written = self.written.take().into_iter();
        written.map(|number| (number, self.entries.get(&number).map(entry_json))).collect()
    }

    fn place(&mut self, number: u64, entry: Value) -> Result<(), String> {
        let (key, value): (K, V) = entry_of(entry)?;
        if self.entries.contains_key(&number) || self.numbers.contains_key(&key) {
            return Err(IS_THERE.to_owned());
        }
        self.put(number, key, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_order_and_tell_what_was_written() {
        let mut map: Ordered<String, u8> = Ordered::default();
        for key in ["b", "a", "c"] {
            map.insert(key.to_owned(), 1);
        }
        map.track();
        map.insert("a".to_owned(), 2);
        assert_eq!(map.remove("b"), Some(1));
        let json = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(map.take_written(), [(0, None), (1, json("[\"a\",2]"))]);
        assert_eq!(map.take_written(), []);
        map.insert("b".to_owned(), 3);
        *map.get_mut("a").unwrap() += 1;
        *map.get_or_default("d".to_owned()) += 1;
        let mut copy: Ordered<String, u8> = Ordered::default();
        let mut all = Vec::new();
        map.each(&mut |number, json| all.push((number, String::from_utf8(json).unwrap())));
        let texts: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["[\"a\",3]", "[\"c\",1]", "[\"b\",3]", "[\"d\",1]"]);
        for (number, text) in &all {
            copy.place(*number, serde_json::from_str(text).unwrap()).unwrap();
        }
        assert!(copy.place(99, serde_json::json!(["a", 1])).is_err());
        assert_eq!(copy.get("b"), Some(&3));
        assert_eq!((copy.len(), copy.first()), (4, Some(&3)));
        copy.remove_first();
        assert_eq!((copy.len(), copy.first(), copy.get("a")), (3, Some(&1), None));
    }

    #[test]
    fn what_is_cleared_is_gone_and_that_is_written() {
        let mut map: Ordered<String, u8> = Ordered::default();
        for key in ["a", "b"] {
            map.insert(key.to_owned(), 1);
        }
        map.track();
        map.clear();
        assert_eq!((map.len(), map.get("a"), map.first()), (0, None, None));
        assert_eq!(map.take_written(), [(0, None), (1, None)]);
    }
}
