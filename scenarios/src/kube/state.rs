//! Kubernetes' rules without HTTP: objects, their versions, and what changed lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::event;
use super::kind::{self, Kind, Resource};
use super::owners::Owners;
use super::refusal::Refusal;
use super::selector::Selector;

/// How many changes watches can still be told of; older ones are 410. A real server forgets by time (5 minutes).
const CHANGES_MAX: usize = 10_000;

/// Namespace, empty for what has none, and name.
pub(super) type Place = (String, String);

/// All objects.
#[derive(Debug)]
pub(super) struct State {
    kinds: Vec<Arc<Kind>>,
    stored: BTreeMap<Resource, BTreeMap<Place, Stored>>,
    version: u64,
    changes: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
    made: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) object: Arc<Value>,
    pub(super) owners: Owners,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    resource: Resource,
    before: Option<Arc<Value>>,
    /// The object, or none where it was deleted.
    after: Option<Arc<Value>>,
    place: Place,
}

/// What a request is about.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) kind: Arc<Kind>,
    /// Empty: all, or the kind has none.
    pub(super) namespace: String,
    pub(super) name: Option<String>,
    pub(super) is_status: bool,
}

impl Target {
    pub(super) fn place(&self) -> Place {
        (self.namespace.clone(), self.name.clone().unwrap_or_default())
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// Part of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) version: u64,
    pub(super) items: Vec<Value>,
    /// Where the next page begins, and how many objects are left; that is not told of a selection.
    pub(super) more: Option<(String, Option<usize>)>,
}

/// What a watch tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) object: Value,
}

impl State {
    /// The built-in kinds, and the namespaces that every cluster has.
    pub(super) fn new() -> Self {
        Self {
            kinds: kind::built_in(),
            stored: BTreeMap::new(),
            version: 0,
            changes: VecDeque::new(),
            forgotten: 0,
            made: 0,
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn kinds(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    pub(super) fn kind(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        let is_it = |kind: &&Arc<Kind>| {
            kind.group == group && kind.version == version && kind.plural == plural
        };
        self.kinds.iter().find(is_it)
    }

    /// # Errors
    /// 404.
    pub(super) fn get(&self, target: &Target) -> Result<Value, Refusal> {
        let stored = self.stored(target)?;
        Ok(seen(&target.kind, &stored.object))
    }

    pub(super) fn stored(&self, target: &Target) -> Result<&Stored, Refusal> {
        let all = self.stored.get(&target.kind.resource());
        let found = all.and_then(|all| all.get(&target.place()));
        found.ok_or_else(|| Refusal::not_found(&target.kind, target.name()))
    }

    /// The objects of a kind, for rules that look at others.
    pub(super) fn objects(&self, group: &str, plural: &str) -> impl Iterator<Item = &Value> {
        let resource = Resource { group: group.to_owned(), plural: plural.to_owned() };
        let all = self.stored.get(&resource).into_iter().flat_map(BTreeMap::values);
        all.map(|stored| &*stored.object)
    }

    /// A list in the order of namespaces and names, or as much of it as `limit` allows. Further pages show
    /// what there was when the first was read.
    ///
    /// # Errors
    /// 410, when that is forgotten; 400, when `from` is no place to go on from.
    pub(super) fn list(
        &self,
        target: &Target,
        selector: &Selector,
        limit: Option<usize>,
        from: Option<&str>,
    ) -> Result<Page, Refusal> {
        let resource = target.kind.resource();
        let (version, start) = match from {
            None => (self.version, None),
            Some(token) => {
                let unreadable = || Refusal::bad_request("continue key is not valid");
                let mut parts = token.splitn(3, '/');
                let mut next = || parts.next().ok_or_else(unreadable);
                let version: u64 = next()?.parse().map_err(|_| unreadable())?;
                let start = (next()?.to_owned(), next()?.to_owned());
                if version < self.forgotten {
                    let message = "The provided continue parameter is too old to display a consistent list \
                                   result. You must start a new list without the continue parameter.";
                    return Err(Refusal::expired(message));
                }
                (version, Some(start))
            }
        };
        let all = self.as_of(&resource, version);
        let wanted = |(place, object): &(Place, Arc<Value>)| {
            (target.namespace.is_empty() || place.0 == target.namespace)
                && start.as_ref().is_none_or(|start| place > start)
                && selector.selects(&seen_fields(&target.kind, object))
        };
        let mut found: Vec<(Place, Arc<Value>)> = all.into_iter().filter(wanted).collect();
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let left = found.len().saturating_sub(limit);
        found.truncate(limit);
        let more = found.last().filter(|_| left > 0).map(|((namespace, name), _)| {
            (format!("{version}/{namespace}/{name}"), selector.is_all().then_some(left))
        });
        let items = found.iter().map(|(_, object)| seen(&target.kind, object)).collect();
        Ok(Page { version, items, more })
    }

    /// The objects of a kind when `version` was the latest.
    fn as_of(&self, resource: &Resource, version: u64) -> BTreeMap<Place, Arc<Value>> {
        let all = self.stored.get(resource).into_iter().flatten();
        let mut all: BTreeMap<Place, Arc<Value>> =
            all.map(|(place, stored)| (place.clone(), stored.object.clone())).collect();
        let later = self.changes.iter().rev().take_while(|change| change.version > version);
        for change in later.filter(|change| change.resource == *resource) {
            match &change.before {
                Some(object) => all.insert(change.place.clone(), object.clone()),
                None => all.remove(&change.place),
            };
        }
        all
    }

    /// What changed after `version`, as a watch tells it.
    ///
    /// # Errors
    /// 410, when that is forgotten.
    pub(super) fn changes_after(
        &self,
        version: u64,
        target: &Target,
        selector: &Selector,
    ) -> Result<Vec<Told>, Refusal> {
        if version < self.forgotten {
            let message = format!("too old resource version: {version} ({})", self.forgotten);
            return Err(Refusal::expired(message));
        }
        let resource = target.kind.resource();
        let first = self.changes.partition_point(|change| change.version <= version);
        let later = self.changes.range(first..);
        let of_target = later.filter(|change| {
            change.resource == resource
                && (target.namespace.is_empty() || change.place.0 == target.namespace)
        });
        let told = of_target.filter_map(|change| {
            let selected = |object: &Option<Arc<Value>>| {
                let object = object.as_ref().map(|object| seen(&target.kind, object));
                object.filter(|object| selector.selects(object))
            };
            match (selected(&change.before), selected(&change.after)) {
                (None, Some(object)) => Some(Told { kind: "ADDED", object }),
                (Some(_), Some(object)) => Some(Told { kind: "MODIFIED", object }),
                (Some(mut object), None) => {
                    object["metadata"]["resourceVersion"] = json!(change.version.to_string());
                    Some(Told { kind: "DELETED", object })
                }
                (None, None) => None,
            }
        });
        Ok(told.collect())
    }

    /// Forgets what changed: watches and lists that go on from earlier are 410.
    pub(super) fn forget_changes(&mut self) {
        self.changes.clear();
        self.forgotten = self.version;
    }

    /// A new object's number, which its uid and a name of the server's making come from.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Keeps an object under a new version, and returns it.
    pub(super) fn keep(
        &mut self,
        target: &Target,
        place: Place,
        mut object: Value,
        owners: Owners,
    ) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let stored = Stored { object: object.clone(), owners };
        let resource = target.kind.resource();
        let all = self.stored.entry(resource.clone()).or_default();
        let before = all.insert(place.clone(), stored).map(|stored| stored.object);
        self.changed(resource, place, before, Some(object.clone()));
        object
    }

    /// Others than before set the fields of an object that stays as it is.
    pub(super) fn reowned(&mut self, target: &Target, owners: Owners) {
        let all = self.stored.get_mut(&target.kind.resource());
        if let Some(stored) = all.and_then(|all| all.get_mut(&target.place())) {
            stored.owners = owners;
        }
    }

    /// Takes an object away.
    pub(super) fn remove(&mut self, target: &Target, place: &Place) {
        let resource = target.kind.resource();
        let before = self.stored.get_mut(&resource).and_then(|all| all.remove(place));
        let Some(before) = before else { return };
        self.version += 1;
        self.changed(resource, place.clone(), Some(before.object), None);
    }

    fn changed(
        &mut self,
        resource: Resource,
        place: Place,
        before: Option<Arc<Value>>,
        after: Option<Arc<Value>>,
    ) {
        if resource.plural == "customresourcedefinitions" {
            self.defined_anew();
        }
        self.changes.push_back(Change { version: self.version, resource, before, after, place });
        if self.changes.len() > CHANGES_MAX
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }

    /// Knows the kinds that are defined now.
    fn defined_anew(&mut self) {
        let mut kinds = kind::built_in();
        let definitions = self.objects("apiextensions.k8s.io", "customresourcedefinitions");
        kinds.extend(definitions.flat_map(kind::of_definition));
        self.kinds = kinds;
    }
}

/// An object as it is shown in this version of its kind.
pub(super) fn seen(kind: &Kind, object: &Value) -> Value {
    let mut object = if kind.is_newer_event() { event::newer(object) } else { object.clone() };
    object["apiVersion"] = json!(kind.api_version());
    object["kind"] = json!(kind.kind);
    object
}

/// As much of [`seen`] as selectors look at.
fn seen_fields<'a>(kind: &Kind, object: &'a Value) -> std::borrow::Cow<'a, Value> {
    if kind.is_newer_event() {
        std::borrow::Cow::Owned(event::newer(object))
    } else {
        std::borrow::Cow::Borrowed(object)
    }
}
