//! The watches of the Kubernetes API, as one stream of changes.

use std::sync::Arc;

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::NamespaceResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};

use crate::failure::chain;

use super::client::heard;
use super::cluster::Change;
use super::crd::{OsmDeployment, SourceKind};
use super::declared::Declared;
use super::flux::{self, Source, api_resource};
use super::http::Health;
use super::names::Name;
use super::{OperatorError, Options};

/// What a watch says.
pub(super) struct Heard {
    /// Which watch, as its kind.
    pub(super) watch: &'static str,
    /// What changed, or why it cannot be known now; the watch goes on by itself.
    pub(super) change: Result<Change, String>,
}

/// What there is to watch.
pub(super) struct Kinds {
    pub(super) sources: Vec<SourceKind>,
    pub(super) deployments: bool,
}

/// Asks which of the kinds are installed. Without our own only GitRepositories can be reconciled, which
/// must be wanted.
pub(super) async fn served_kinds(
    client: &Client,
    without_deployments: bool,
) -> Result<Kinds, OperatorError> {
    let group = format!("{}/{}", flux::GROUP, flux::VERSION);
    let served = kinds_of(client, &group).await?;
    let sources =
        SourceKind::ALL.into_iter().filter(|kind| served.iter().any(|k| k == kind.as_str()));
    let sources: Vec<SourceKind> = sources.collect();
    if !sources.contains(&SourceKind::GitRepository) {
        let help = "install Flux 2.0 or newer";
        return Err(OperatorError::NotInstalled { kind: "GitRepository", group, help });
    }
    let group = OsmDeployment::api_version(&()).into_owned();
    let deployments = kinds_of(client, &group).await?.iter().any(|kind| kind == "OsmDeployment");
    if !deployments && !without_deployments {
        let help = "`osmops crd | kubectl apply -f -` installs it";
        return Err(OperatorError::NotInstalled { kind: "OsmDeployment", group, help });
    }
    Ok(Kinds { sources, deployments })
}

async fn kinds_of(client: &Client, group: &str) -> Result<Vec<String>, OperatorError> {
    match client.list_api_group_resources(group).await {
        Ok(list) => Ok(list.resources.into_iter().map(|resource| resource.kind).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(OperatorError::Unreachable(Box::new(error))),
    }
}

/// All watches. None of them ever ends.
pub(super) fn all(
    client: &Client,
    options: &Options,
    kinds: &Kinds,
    own_namespace: &str,
    health: &Arc<Health>,
) -> SelectAll<BoxStream<'static, Heard>> {
    let place = (!options.all_namespaces).then_some(own_namespace);
    let mut streams: Vec<BoxStream<'static, Heard>> = Vec::new();
    let seconds = u32::try_from(options.watch_timeout.as_secs()).unwrap_or(u32::MAX).max(1);
    let config = || watcher::Config::default().timeout(seconds);
    let client = |watch| heard(client.clone(), watch, health.clone());
    if kinds.deployments {
        let resource = ApiResource::erase::<OsmDeployment>(&());
        let api = dynamic(client("OsmDeployment"), place, &resource);
        let selected = match &options.label_selector {
            Some(selector) => config().labels_from(selector),
            None => config(),
        };
        let change = |event| Change::Deployment(Box::new(named(event, Declared::of)));
        streams.push(watched("OsmDeployment", watcher(api, selected), change));
        let api: Api<PartialObjectMeta<Secret>> = scoped(client("Secret"), place);
        let version =
            |secret: PartialObjectMeta<Secret>| secret.resource_version().unwrap_or_default();
        let change = move |event| Change::Secret(named(event, version));
        streams.push(watched("Secret", watcher(api, config()), change));
    }
    for kind in &kinds.sources {
        let kind = *kind;
        let api = dynamic(client(kind.as_str()), place, &api_resource(kind));
        let selector = options.label_selector.clone();
        let read = move |object: DynamicObject| Source::of(kind, &object, selector.as_ref());
        let change = move |event| Change::Source(kind, named(event, &read));
        streams.push(watched(kind.as_str(), watcher(api, config()), change));
    }
    futures_util::stream::select_all(streams)
}

fn scoped<K>(client: Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    }
}

fn dynamic(client: Client, namespace: Option<&str>, resource: &ApiResource) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, resource),
        None => Api::all_with(client, resource),
    }
}

fn watched<K: 'static>(
    watch: &'static str,
    events: impl Stream<Item = watcher::Result<Event<K>>> + Send + 'static,
    change: impl Fn(Event<K>) -> Change + Send + 'static,
) -> BoxStream<'static, Heard> {
    let heard = move |event: watcher::Result<Event<K>>| Heard {
        watch,
        change: event.map(&change).map_err(|error| chain(&error)),
    };
    events.default_backoff().map(heard).boxed()
}

/// An event about what is kept of an object.
fn named<K: Resource, T>(event: Event<K>, keep: impl Fn(K) -> T) -> Event<(Name, T)> {
    let kept = |object: K| (Name::of(object.meta()), keep(object));
    match event {
        Event::Apply(object) => Event::Apply(kept(object)),
        Event::Delete(object) => Event::Delete(kept(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(kept(object)),
        Event::InitDone => Event::InitDone,
    }
}
