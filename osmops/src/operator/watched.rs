//! The objects of one watch, as they were last seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::runtime::watcher::Event;

use super::names::Name;

/// Follows a watch's events. A watch that starts over lists everything: what is not listed then is gone.
#[derive(Debug)]
pub(super) struct Watched<T> {
    objects: BTreeMap<Name, Arc<T>>,
    arriving: Option<BTreeMap<Name, Arc<T>>>,
    is_listed: bool,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), arriving: None, is_listed: false }
    }
}

impl<T: PartialEq> Watched<T> {
    /// Takes an event over, and tells what appeared, changed or went away.
    pub(super) fn apply(&mut self, event: Event<(Name, T)>) -> Vec<Name> {
        match event {
            Event::Apply((name, object)) => {
                let before = self.objects.insert(name.clone(), Arc::new(object));
                if before.as_ref() == self.objects.get(&name) { Vec::new() } else { vec![name] }
            }
            Event::Delete((name, _)) => {
                if self.objects.remove(&name).is_some() {
                    vec![name]
                } else {
                    Vec::new()
                }
            }
            Event::Init => {
                self.arriving = Some(BTreeMap::new());
                Vec::new()
            }
            Event::InitApply((name, object)) => {
                self.arriving.get_or_insert_default().insert(name, Arc::new(object));
                Vec::new()
            }
            Event::InitDone => {
                self.is_listed = true;
                let listed = self.arriving.take().unwrap_or_default();
                let before = std::mem::replace(&mut self.objects, listed);
                let changed =
                    |(name, object): &(&Name, &Arc<T>)| before.get(*name) != Some(*object);
                let mut names: Vec<Name> =
                    self.objects.iter().filter(changed).map(|(name, _)| name.clone()).collect();
                let gone = before.into_keys().filter(|name| !self.objects.contains_key(name));
                names.extend(gone);
                names
            }
        }
    }

    /// Whether everything was listed once.
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Arc<T>> {
        self.objects.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Arc<T>)> {
        self.objects.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        Name::new("ns", name)
    }

    #[test]
    fn a_watch_that_starts_over_tells_what_changed_and_what_went_away_meanwhile() {
        let mut watched = Watched::default();
        assert_eq!(watched.apply(Event::Init), []);
        assert_eq!(watched.apply(Event::InitApply((name("a"), 1))), []);
        assert_eq!(watched.apply(Event::InitApply((name("b"), 1))), []);
        assert!(!watched.is_listed() && watched.get(&name("a")).is_none());
        assert_eq!(watched.apply(Event::InitDone), [name("a"), name("b")]);
        assert!(watched.is_listed());
        assert_eq!(watched.apply(Event::Apply((name("c"), 1))), [name("c")]);
        assert_eq!(watched.apply(Event::Apply((name("c"), 1))), []);
        watched.apply(Event::Init);
        watched.apply(Event::InitApply((name("a"), 1)));
        watched.apply(Event::InitApply((name("b"), 2)));
        assert!(
            watched.get(&name("c")).is_some(),
            "the old list counts until the new one is whole"
        );
        assert_eq!(watched.apply(Event::InitDone), [name("b"), name("c")]);
        assert_eq!(watched.iter().count(), 2);
        assert_eq!(watched.apply(Event::Delete((name("a"), 1))), [name("a")]);
    }
}
