//! What is known of the cluster, and what follows from it for each object. Pure: fed by the watches.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::watcher::Event;

use super::crd::{DependencyRef, OsmDeployment, SourceKind};
use super::declared::{Declared, Unreadable};
use super::driver::Input;
use super::end::{End, Reason};
use super::finalizer;
use super::flux::{REQUESTED_AT, Source};
use super::names::{Name, ObjectKey};
use super::watched::Watched;

/// Which objects are ours, and what they may refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// GitRepositories that no OsmDeployment names: in this namespace, or in all, are reconciled too.
    pub(super) repositories: Option<Where>,
    /// How often GitRepositories are looked at when nothing else calls for it.
    pub(super) repository_interval: Duration,
    /// Refuse references to other namespaces.
    pub(super) no_cross_namespace_refs: bool,
}

/// Where GitRepositories are reconciled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    Namespace(String),
    AllNamespaces,
}

/// Something that a watch told.
pub(super) enum Change {
    Deployment(Box<Event<(Name, Declared)>>),
    Source(SourceKind, Event<(Name, Source)>),
    /// The resource version stands for what is in the Secret.
    Secret(Event<(Name, String)>),
}

/// What one run needs to know.
#[derive(Debug, Clone)]
pub(super) enum Task {
    Deployment {
        object: Arc<OsmDeployment>,
        /// Its source, or why nothing can be done yet.
        source: Result<Arc<Source>, End>,
    },
    /// It cannot be read, which is to be told.
    Unreadable {
        object: Arc<Unreadable>,
    },
    /// It was deleted, and waits for us to clean up.
    Deletion {
        object: Arc<OsmDeployment>,
    },
    Repository {
        source: Arc<Source>,
    },
}

impl Task {
    /// The revision that it is about.
    pub(super) fn revision(&self) -> Option<&str> {
        let source = match self {
            Task::Deployment { source, .. } => source.as_ref().ok()?,
            Task::Deletion { .. } | Task::Unreadable { .. } => return None,
            Task::Repository { source } => source,
        };
        source.artifact.as_ref().map(|artifact| artifact.revision.as_str())
    }
}

#[derive(Debug, Default)]
pub(super) struct Cluster {
    rules: Rules,
    has_deployments: bool,
    deployments: Watched<Declared>,
    sources: BTreeMap<SourceKind, Watched<Source>>,
    secrets: Watched<String>,
    /// The GitRepositories that OsmDeployments name; those are left to them.
    named: BTreeSet<Name>,
}

impl Cluster {
    /// Nothing is known yet; `kinds` are the sources that will be watched. Without our own definition
    /// there are no OsmDeployments, and no Secrets are watched.
    pub(super) fn new(rules: Rules, kinds: &[SourceKind], deployments: bool) -> Self {
        let sources = kinds.iter().map(|kind| (*kind, Watched::default())).collect();
        Self { rules, sources, has_deployments: deployments, ..Self::default() }
    }

    /// Takes over what a watch told, and tells whose runs it may concern.
    pub(super) fn apply(&mut self, change: Change) -> BTreeSet<ObjectKey> {
        let mut concerned = BTreeSet::new();
        match change {
            Change::Deployment(event) => {
                concerned
                    .extend(self.deployments.apply(*event).into_iter().map(ObjectKey::Deployment));
                if !concerned.is_empty() {
                    let named = self.named_repositories();
                    let changed = named.symmetric_difference(&self.named).cloned();
                    concerned.extend(changed.map(ObjectKey::Repository));
                    self.named = named;
                }
            }
            Change::Source(kind, event) => {
                let changed = self.sources.entry(kind).or_default().apply(event);
                let changed: HashSet<Name> = changed.into_iter().collect();
                let names_one = |object: &OsmDeployment| {
                    object.spec.source_ref.kind == kind && changed.contains(&source_name(object))
                };
                concerned.extend(self.deployments_where(names_one));
                if kind == SourceKind::GitRepository {
                    concerned.extend(changed.into_iter().map(ObjectKey::Repository));
                }
            }
            Change::Secret(event) => {
                let changed: HashSet<Name> = self.secrets.apply(event).into_iter().collect();
                let names_one = |object: &OsmDeployment| changed.contains(&secret_name(object));
                concerned.extend(self.deployments_where(names_one));
            }
        }
        concerned
    }

    /// Whether every watch has listed what there is.
    pub(super) fn is_listed(&self) -> bool {
        (!self.has_deployments || (self.deployments.is_listed() && self.secrets.is_listed()))
            && self.sources.values().all(Watched::is_listed)
    }

    /// The objects whose runs may start once everything is listed.
    pub(super) fn keys(&self) -> Vec<ObjectKey> {
        let deployments = self.deployments.iter().map(|(name, _)| name.clone());
        let mut keys: Vec<ObjectKey> = deployments.map(ObjectKey::Deployment).collect();
        keys.extend(self.repositories_in_view());
        keys
    }

    /// Those that depend on this one.
    pub(super) fn dependents(&self, on: &Name) -> Vec<ObjectKey> {
        self.deployments_where(|object| {
            object.spec.depends_on.iter().any(|reference| &dependency(object, reference) == on)
        })
        .collect()
    }

    /// Whether this OsmDeployment is ready at its current generation.
    pub(super) fn is_ready(&self, name: &Name) -> bool {
        self.deployment(name).is_some_and(|object| object.is_ready())
    }

    /// What the driver must know of an object; `None` when it is no more, or none of ours.
    pub(super) fn input(&self, key: &ObjectKey) -> Option<Input> {
        match key {
            ObjectKey::Deployment(name) => {
                let object = match self.deployments.get(name)?.as_ref() {
                    Declared::Readable(object) => object,
                    Declared::Unreadable(object) => return Some(self.input_of_unreadable(object)),
                };
                let mut hasher = DefaultHasher::new();
                (object.uid(), object.metadata.generation, is_deleted(object)).hash(&mut hasher);
                object.annotations().get(REQUESTED_AT).hash(&mut hasher);
                let source = self.source(object.spec.source_ref.kind, &source_name(object));
                source.map(|source| &source.artifact).hash(&mut hasher);
                self.secrets.get(&secret_name(object)).hash(&mut hasher);
                Some(Input {
                    fingerprint: hasher.finish(),
                    interval: object.interval(),
                    retry_interval: object.retry_interval(),
                    // What was deleted is let go, suspended or not.
                    suspended: if is_deleted(object) {
                        !finalizer::is_set(object)
                    } else {
                        object.spec.suspend
                    },
                })
            }
            ObjectKey::Repository(name) => {
                let source = self.repository(name)?;
                let mut hasher = DefaultHasher::new();
                (&source.uid, &source.artifact, &source.requested_at).hash(&mut hasher);
                Some(Input {
                    fingerprint: hasher.finish(),
                    interval: self.rules.repository_interval,
                    retry_interval: None,
                    suspended: source.artifact.is_none(),
                })
            }
        }
    }

    /// What a run of it needs to know.
    pub(super) fn task(&self, key: &ObjectKey) -> Option<Task> {
        match key {
            ObjectKey::Deployment(name) => {
                let object = match self.deployments.get(name)?.as_ref() {
                    Declared::Readable(object) => object.clone(),
                    Declared::Unreadable(object) => {
                        return Some(Task::Unreadable { object: object.clone() });
                    }
                };
                if is_deleted(&object) {
                    return finalizer::is_set(&object).then_some(Task::Deletion { object });
                }
                let source = self
                    .check_dependencies(name, &object)
                    .and_then(|()| self.usable_source(name, &object));
                Some(Task::Deployment { object, source })
            }
            ObjectKey::Repository(name) => {
                Some(Task::Repository { source: self.repository(name)?.clone() })
            }
        }
    }

    fn deployments_where<'a>(
        &'a self,
        wanted: impl Fn(&OsmDeployment) -> bool + 'a,
    ) -> impl Iterator<Item = ObjectKey> + 'a {
        let wanted = self.readable().filter(move |(_, object)| wanted(object));
        wanted.map(|(name, _)| ObjectKey::Deployment(name.clone()))
    }

    fn readable(&self) -> impl Iterator<Item = (&Name, &Arc<OsmDeployment>)> {
        self.deployments.iter().filter_map(|(name, declared)| match declared.as_ref() {
            Declared::Readable(object) => Some((name, object)),
            Declared::Unreadable(_) => None,
        })
    }

    fn deployment(&self, name: &Name) -> Option<&Arc<OsmDeployment>> {
        match self.deployments.get(name)?.as_ref() {
            Declared::Readable(object) => Some(object),
            Declared::Unreadable(_) => None,
        }
    }

    fn input_of_unreadable(&self, object: &Unreadable) -> Input {
        let mut hasher = DefaultHasher::new();
        (&object.metadata.uid, object.metadata.generation, &object.error).hash(&mut hasher);
        Input {
            fingerprint: hasher.finish(),
            interval: self.rules.repository_interval,
            retry_interval: None,
            suspended: false,
        }
    }

    fn source(&self, kind: SourceKind, name: &Name) -> Option<&Arc<Source>> {
        self.sources.get(&kind)?.get(name)
    }

    fn named_repositories(&self) -> BTreeSet<Name> {
        let objects = self.readable().map(|(_, object)| object);
        let is_git =
            |object: &&Arc<OsmDeployment>| object.spec.source_ref.kind == SourceKind::GitRepository;
        objects.filter(is_git).map(|object| source_name(object)).collect()
    }

    fn repositories_in_view(&self) -> Vec<ObjectKey> {
        let Some(place) = &self.rules.repositories else { return Vec::new() };
        let Some(repositories) = self.sources.get(&SourceKind::GitRepository) else {
            return Vec::new();
        };
        let ours = |(name, source): &(&Name, &Arc<Source>)| place.holds(name) && source.is_selected;
        let names = repositories.iter().filter(ours).map(|(name, _)| name);
        names.cloned().map(ObjectKey::Repository).collect()
    }

    /// A GitRepository that is reconciled by itself.
    fn repository(&self, name: &Name) -> Option<&Arc<Source>> {
        if !self.rules.repositories.as_ref()?.holds(name) || self.named.contains(name) {
            return None;
        }
        self.source(SourceKind::GitRepository, name).filter(|source| source.is_selected)
    }

    fn usable_source(&self, name: &Name, object: &OsmDeployment) -> Result<Arc<Source>, End> {
        let reference = &object.spec.source_ref;
        let at = source_name(object);
        let kind = reference.kind.as_str();
        if self.rules.no_cross_namespace_refs && at.namespace != name.namespace {
            let message = format!(
                "cannot access {kind}/{at}: references to other namespaces are refused \
                 (--no-cross-namespace-refs)"
            );
            return Err(End::stalled(Reason::AccessDenied, message));
        }
        if !self.sources.contains_key(&reference.kind) {
            let message = format!("the cluster serves no {kind}: install Flux's definition of it");
            return Err(End::stalled(Reason::ArtifactFailed, message));
        }
        let Some(source) = self.source(reference.kind, &at) else {
            let message = format!("{kind}/{at} is not there");
            return Err(End::awaits(Reason::ArtifactFailed, message));
        };
        if source.artifact.is_none() {
            let why = source.not_ready.as_deref().unwrap_or("Flux has not fetched it yet");
            let message = format!("{kind}/{at} has no artifact: {why}");
            return Err(End::awaits(Reason::ArtifactFailed, message));
        }
        Ok(source.clone())
    }

    fn check_dependencies(&self, name: &Name, object: &OsmDeployment) -> Result<(), End> {
        if let Some(cycle) = self.cycle(name) {
            let cycle: Vec<String> = cycle.iter().map(ToString::to_string).collect();
            let message = format!("dependsOn leads in a circle: {}", cycle.join(" → "));
            return Err(End::stalled(Reason::DependencyNotReady, message));
        }
        for reference in &object.spec.depends_on {
            let on = dependency(object, reference);
            if self.rules.no_cross_namespace_refs && on.namespace != name.namespace {
                let message = format!(
                    "cannot access OsmDeployment/{on}: references to other namespaces are refused \
                     (--no-cross-namespace-refs)"
                );
                return Err(End::stalled(Reason::AccessDenied, message));
            }
            if self.deployments.get(&on).is_none() {
                let message = format!("dependency OsmDeployment/{on} is not there");
                return Err(End::awaits_dependency(message));
            }
            if !self.is_ready(&on) {
                let message = format!("dependency OsmDeployment/{on} is not ready");
                return Err(End::awaits_dependency(message));
            }
        }
        Ok(())
    }

    /// A way from `start` over dependencies back to it.
    fn cycle(&self, start: &Name) -> Option<Vec<Name>> {
        let mut visited = BTreeSet::new();
        let mut paths = vec![vec![start.clone()]];
        while let Some(path) = paths.pop() {
            let last = path.last()?;
            let Some(object) = self.deployment(last) else { continue };
            for reference in &object.spec.depends_on {
                let next = dependency(object, reference);
                let mut longer = path.clone();
                longer.push(next.clone());
                if &next == start {
                    return Some(longer);
                }
                if visited.insert(next) {
                    paths.push(longer);
                }
            }
        }
        None
    }
}

impl Where {
    fn holds(&self, name: &Name) -> bool {
        match self {
            Where::Namespace(namespace) => &name.namespace == namespace,
            Where::AllNamespaces => true,
        }
    }
}

fn is_deleted(object: &OsmDeployment) -> bool {
    object.metadata.deletion_timestamp.is_some()
}

fn source_name(object: &OsmDeployment) -> Name {
    let reference = &object.spec.source_ref;
    let own = object.namespace().unwrap_or_default();
    Name::new(reference.namespace.clone().unwrap_or(own), &reference.name)
}

/// The Secret with the connection.
pub(super) fn secret_name(object: &OsmDeployment) -> Name {
    Name::new(object.namespace().unwrap_or_default(), &object.spec.connection.secret_ref.name)
}

fn dependency(object: &OsmDeployment, reference: &DependencyRef) -> Name {
    let own = object.namespace().unwrap_or_default();
    Name::new(reference.namespace.clone().unwrap_or(own), &reference.name)
}

#[cfg(test)]
mod tests;
