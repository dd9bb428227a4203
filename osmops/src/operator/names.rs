//! What objects are called here and in messages.

use std::fmt;

use kube::core::ObjectMeta;

/// A namespace and a name in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Name {
    pub(super) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        Self { namespace: text(&metadata.namespace), name: text(&metadata.name) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What is reconciled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ObjectKey {
    /// An OsmDeployment.
    Deployment(Name),
    /// A GitRepository that nobody's OsmDeployment names.
    Repository(Name),
}

impl ObjectKey {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            ObjectKey::Deployment(_) => "OsmDeployment",
            ObjectKey::Repository(_) => "GitRepository",
        }
    }

    /// As Flux's controllers call themselves in metrics and logs.
    pub(super) fn controller(&self) -> &'static str {
        match self {
            ObjectKey::Deployment(_) => "osmdeployment",
            ObjectKey::Repository(_) => "gitrepository",
        }
    }

    pub(super) fn name(&self) -> &Name {
        match self {
            ObjectKey::Deployment(name) | ObjectKey::Repository(name) => name,
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name())
    }
}
