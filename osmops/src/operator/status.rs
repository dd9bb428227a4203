//! The only writer of status and Events.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource};
use serde_json::json;

use crate::failure::chain;
use crate::ids::Owner;

use super::conditions::{Subject, status_after, status_before_sending};
use super::crd::{OsmDeployment, OsmDeploymentStatus};
use super::end::{End, Reason, Standing};
use super::flux::{self, Source};
use super::names::{Name, ObjectKey};
use super::notify::{Notice, Notifier, Severity};

/// What Kubernetes knows us as: the owner of what we write, and who reports Events.
pub(super) const CONTROLLER: &str = "osmops";

/// Where an Event's revision is told, for Flux's alerts.
const REVISION_ANNOTATION: &str = "osmops.io/revision";

/// Writes status and Events; tells nothing twice.
#[derive(Clone)]
pub(super) struct Teller {
    client: Client,
    /// The pod's name.
    instance: String,
    /// Hears of every Event too.
    notifier: Option<Notifier>,
}

impl Teller {
    pub(super) fn new(client: Client, instance: String, notifier: Option<Notifier>) -> Self {
        Self { client, instance, notifier }
    }

    /// Writes how things stand, if that is news, and returns the status as it is then. What cannot be
    /// written is logged and written by the next run.
    pub(super) async fn deployment(
        &self,
        metadata: &ObjectMeta,
        before: &OsmDeploymentStatus,
        subject: &Subject,
        end: &End,
    ) -> OsmDeploymentStatus {
        let name = Name::of(metadata);
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let after = status_after(before, subject, end, &now);
        let mut is_written = true;
        if after != *before
            && let Err(error) = self.write(&name, &after).await
        {
            // The Event is told all the same: it may be the object itself that cannot be written.
            let error = chain(&error);
            tracing::warn!("cannot write the status of OsmDeployment/{name}: {error}");
            is_written = false;
        }
        let told = |status: &OsmDeploymentStatus| {
            let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
            ready.map(|ready| (ready.status.clone(), ready.reason.clone(), ready.message.clone()))
        };
        let is_news = told(before) != told(&after) && end.standing != Standing::Progressing;
        self.events(reference(metadata), subject.revision.as_deref(), end, is_news).await;
        if is_written { after } else { before.clone() }
    }

    /// Notes what must be known of what is about to be sent.
    ///
    /// # Errors
    /// Why it cannot be noted; nothing may be sent then.
    pub(super) async fn before_sending(
        &self,
        metadata: &ObjectMeta,
        before: &OsmDeploymentStatus,
        subject: &Subject,
        owner: Option<&Owner>,
    ) -> Result<OsmDeploymentStatus, End> {
        let after = status_before_sending(before, subject, owner);
        if after != *before {
            let name = Name::of(metadata);
            self.write(&name, &after).await.map_err(|error| {
                let error = chain(&error);
                let message = format!("cannot write the status of OsmDeployment/{name}: {error}");
                End::failed(Reason::ReconciliationFailed, message)
            })?;
        }
        Ok(after)
    }

    /// Tells of the end of a deleted object, which has no status any more.
    pub(super) async fn farewell(&self, metadata: &ObjectMeta, end: &End) {
        self.events(reference(metadata), None, end, true).await;
    }

    /// Tells an Event on a GitRepository, unless `before` is the same.
    pub(super) async fn repository(&self, source: &Source, before: Option<&End>, end: &End) {
        let reference = ObjectReference {
            api_version: Some(format!("{}/{}", flux::GROUP, flux::VERSION)),
            kind: Some(source.kind.as_str().to_owned()),
            name: Some(source.name.clone()),
            namespace: Some(source.namespace.clone()),
            uid: Some(source.uid.clone()),
            ..ObjectReference::default()
        };
        let told = |end: &End| (end.standing.clone(), end.message.clone());
        let is_news = before.map(told) != Some(told(end)) && end.standing != Standing::Progressing;
        let revision = source.artifact.as_ref().map(|artifact| artifact.revision.as_str());
        self.events(reference, revision, end, is_news).await;
    }

    async fn write(&self, name: &Name, status: &OsmDeploymentStatus) -> Result<(), kube::Error> {
        // An answer of any shape will do.
        let resource = ApiResource::erase::<OsmDeployment>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &name.namespace, &resource);
        let patch = json!({
            "apiVersion": OsmDeployment::api_version(&()),
            "kind": OsmDeployment::kind(&()),
            "status": status,
        });
        let params = PatchParams::apply(CONTROLLER).force();
        api.patch_status(&name.name, &params, &Patch::Apply(&patch)).await.map(|_| ())
    }

    /// What was changed in OSM, and how things stand where that is news.
    async fn events(
        &self,
        about: ObjectReference,
        revision: Option<&str>,
        end: &End,
        is_news: bool,
    ) {
        if !end.changes.is_empty() {
            let note = cut(&end.changes.join("; "));
            self.event(&about, revision, "Normal", "Progressing", note).await;
        }
        if is_news {
            let (kind, reason) = match &end.standing {
                Standing::Converged { .. } | Standing::TakenOn | Standing::Planned { .. } => {
                    ("Normal", "ReconciliationSucceeded")
                }
                Standing::Failed(reason) | Standing::Stalled(reason) => {
                    ("Warning", reason.as_str())
                }
                Standing::Progressing => ("Normal", "Progressing"),
            };
            self.event(&about, revision, kind, reason, end.message.clone()).await;
        }
    }

    fn notify(
        &self,
        about: &ObjectReference,
        revision: Option<&str>,
        kind: &str,
        reason: &str,
        message: &str,
    ) {
        let Some(notifier) = &self.notifier else { return };
        let group = about.api_version.as_deref().and_then(|version| version.split_once('/'));
        let key = format!("{}/revision", group.map_or("", |(group, _)| group));
        notifier.tell(Notice {
            involved_object: about.clone(),
            severity: if kind == "Warning" { Severity::Error } else { Severity::Info },
            timestamp: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            message: message.to_owned(),
            reason: reason.to_owned(),
            metadata: revision.map(|revision| (key, revision.to_owned())).into_iter().collect(),
            reporting_controller: CONTROLLER,
            reporting_instance: self.instance.clone(),
        });
    }

    async fn event(
        &self,
        about: &ObjectReference,
        revision: Option<&str>,
        kind: &str,
        reason: &str,
        note: String,
    ) {
        self.notify(about, revision, kind, reason, &note);
        let namespace = about.namespace.clone().unwrap_or_default();
        let (name, now) = (about.name.as_deref().unwrap_or_default(), Timestamp::now());
        // As Kubernetes' own components name them: the object, and a number that tells them apart.
        let event_name = format!("{name}.{:x}", now.as_nanosecond());
        let revision =
            revision.map(|revision| (REVISION_ANNOTATION.to_owned(), revision.to_owned()));
        let event = Event {
            metadata: ObjectMeta {
                name: Some(event_name),
                namespace: Some(namespace.clone()),
                annotations: revision.map(|pair| [pair].into()),
                ..ObjectMeta::default()
            },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(note),
            reason: Some(reason.to_owned()),
            regarding: Some(about.clone()),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(kind.to_owned()),
            ..Event::default()
        };
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        if let Err(error) = api.create(&PostParams::default(), &event).await {
            let key = about.kind.as_deref().unwrap_or_default();
            tracing::warn!("cannot tell an Event on {key}/{namespace}/{name}: {}", chain(&error));
        }
    }
}

/// An OsmDeployment, as Events name it.
fn reference(metadata: &ObjectMeta) -> ObjectReference {
    ObjectReference {
        api_version: Some(OsmDeployment::api_version(&()).into_owned()),
        kind: Some(OsmDeployment::kind(&()).into_owned()),
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        uid: metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

/// As much as an Event holds.
fn cut(text: &str) -> String {
    super::end::shortened(text.to_owned())
}

/// Logs how a run ended.
pub(super) fn log(key: &ObjectKey, end: &End) {
    match &end.standing {
        Standing::Progressing
        | Standing::Converged { .. }
        | Standing::TakenOn
        | Standing::Planned { .. } => tracing::info!("{key}: {}", end.message),
        Standing::Failed(reason) => tracing::warn!("{key}: {}: {}", reason.as_str(), end.message),
        Standing::Stalled(reason) => tracing::error!("{key}: {}: {}", reason.as_str(), end.message),
    }
}
