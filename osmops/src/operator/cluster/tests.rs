//! What follows from the cluster's objects.

use super::*;
use crate::operator::end::Standing;
use crate::operator::flux::Artifact;
use serde_json::json;

fn name(name: &str) -> Name {
    Name::new("ns", name)
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::Deployment(name(text))
}

fn repository(text: &str) -> ObjectKey {
    ObjectKey::Repository(name(text))
}

fn source(text: &str, revision: Option<&str>) -> (Name, Source) {
    let artifact = |revision: &str| Artifact {
        url: "http://x/a.tar.gz".to_owned(),
        revision: revision.to_owned(),
        digest: "sha256:0".to_owned(),
    };
    let source = Source {
        kind: SourceKind::GitRepository,
        namespace: "ns".to_owned(),
        name: text.to_owned(),
        uid: format!("uid-{text}"),
        artifact: revision.map(artifact),
        not_ready: None,
        requested_at: None,
        is_selected: true,
    };
    (name(text), source)
}

fn deployment(text: &str, repository: &str, spec: &serde_json::Value) -> (Name, OsmDeployment) {
    let mut whole = json!({
        "sourceRef": { "kind": "GitRepository", "name": repository },
        "connection": { "secretRef": { "name": "osm" } },
        "interval": "10m",
    });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let object = json!({
        "apiVersion": "osmops.io/v1alpha1", "kind": "OsmDeployment",
        "metadata": { "name": text, "namespace": "ns", "uid": text, "generation": 1 },
        "spec": whole,
    });
    (name(text), serde_json::from_value(object).unwrap())
}

fn ready((name, mut object): (Name, OsmDeployment)) -> (Name, OsmDeployment) {
    let status = json!({
        "observedGeneration": 1,
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": "t"
        }],
    });
    object.status = serde_json::from_value(status).unwrap();
    (name, object)
}

fn cluster(rules: Rules) -> Cluster {
    let mut cluster = Cluster::new(rules, &[SourceKind::GitRepository], true);
    cluster.apply(Change::Deployment(Box::new(Event::InitDone)));
    cluster.apply(Change::Source(SourceKind::GitRepository, Event::InitDone));
    assert!(!cluster.is_listed());
    cluster.apply(Change::Secret(Event::InitDone));
    assert!(cluster.is_listed());
    cluster
}

fn add(cluster: &mut Cluster, object: (Name, OsmDeployment)) -> BTreeSet<ObjectKey> {
    let (name, object) = object;
    let declared = Declared::Readable(Arc::new(object));
    cluster.apply(Change::Deployment(Box::new(Event::Apply((name, declared)))))
}

fn add_source(cluster: &mut Cluster, source: (Name, Source)) -> BTreeSet<ObjectKey> {
    cluster.apply(Change::Source(SourceKind::GitRepository, Event::Apply(source)))
}

/// Why nothing can be done for a deployment.
fn obstacle(cluster: &Cluster, text: &str) -> (Standing, String) {
    match cluster.task(&key(text)).unwrap() {
        Task::Deployment { source: Err(end), .. } => (end.standing, end.message),
        task => panic!("nothing stands in the way: {task:?}"),
    }
}

#[test]
fn a_new_revision_and_a_changed_secret_concern_those_that_name_them() {
    let mut cluster = cluster(Rules::default());
    assert_eq!(
        add(&mut cluster, deployment("a", "repo", &json!({}))),
        [key("a"), repository("repo")].into()
    );
    add(&mut cluster, deployment("b", "other", &json!({})));
    let before = cluster.input(&key("a")).unwrap().fingerprint;
    let concerned = add_source(&mut cluster, source("repo", Some("7")));
    assert_eq!(concerned, [key("a"), repository("repo")].into());
    let with_source = cluster.input(&key("a")).unwrap().fingerprint;
    assert_ne!(before, with_source);
    let concerned = cluster.apply(Change::Secret(Event::Apply((name("osm"), "2".to_owned()))));
    assert_eq!(concerned, [key("a"), key("b")].into());
    assert_ne!(with_source, cluster.input(&key("a")).unwrap().fingerprint);
}

#[test]
fn a_status_of_ours_is_no_news() {
    let mut cluster = cluster(Rules::default());
    add(&mut cluster, deployment("a", "repo", &json!({})));
    let before = cluster.input(&key("a"));
    add(&mut cluster, ready(deployment("a", "repo", &json!({}))));
    assert_eq!(cluster.input(&key("a")), before);
}

#[test]
fn what_stands_in_the_way_names_its_object() {
    let rules = Rules { no_cross_namespace_refs: true, ..Rules::default() };
    let mut cluster = cluster(rules);
    add(&mut cluster, deployment("a", "repo", &json!({})));
    let (standing, message) = obstacle(&cluster, "a");
    assert_eq!(standing, Standing::Failed(Reason::ArtifactFailed));
    assert_eq!(message, "GitRepository/ns/repo is not there");
    let (at, mut waiting) = source("repo", None);
    waiting.not_ready = Some("no such branch".to_owned());
    add_source(&mut cluster, (at, waiting));
    assert_eq!(obstacle(&cluster, "a").1, "GitRepository/ns/repo has no artifact: no such branch");
    add_source(&mut cluster, source("repo", Some("7")));
    assert!(matches!(cluster.task(&key("a")), Some(Task::Deployment { source: Ok(_), .. })));
    let far =
        json!({ "sourceRef": { "kind": "GitRepository", "name": "repo", "namespace": "far" } });
    add(&mut cluster, deployment("b", "repo", &far));
    let (standing, message) = obstacle(&cluster, "b");
    assert_eq!(standing, Standing::Stalled(Reason::AccessDenied));
    assert!(message.starts_with("cannot access GitRepository/far/repo"), "{message}");
    let oci = json!({ "sourceRef": { "kind": "OCIRepository", "name": "repo" } });
    add(&mut cluster, deployment("c", "repo", &oci));
    assert!(obstacle(&cluster, "c").1.contains("serves no OCIRepository"));
}

#[test]
fn dependencies_must_be_ready_and_circles_are_told() {
    let mut cluster = cluster(Rules::default());
    add_source(&mut cluster, source("repo", Some("7")));
    add(&mut cluster, deployment("b", "repo", &json!({ "dependsOn": [{ "name": "a" }] })));
    assert!(obstacle(&cluster, "b").1.contains("OsmDeployment/ns/a is not there"));
    add(&mut cluster, deployment("a", "repo", &json!({})));
    assert!(obstacle(&cluster, "b").1.contains("OsmDeployment/ns/a is not ready"));
    assert_eq!(cluster.dependents(&name("a")), [key("b")]);
    add(&mut cluster, ready(deployment("a", "repo", &json!({}))));
    assert!(cluster.is_ready(&name("a")));
    assert!(matches!(cluster.task(&key("b")), Some(Task::Deployment { source: Ok(_), .. })));
    add(&mut cluster, ready(deployment("a", "repo", &json!({ "dependsOn": [{ "name": "b" }] }))));
    let (standing, message) = obstacle(&cluster, "b");
    assert_eq!(standing, Standing::Stalled(Reason::DependencyNotReady));
    assert_eq!(message, "dependsOn leads in a circle: ns/b → ns/a → ns/b");
}

#[test]
fn a_repository_of_another_shard_is_left_alone_and_still_serves_deployments() {
    let here = Some(Where::AllNamespaces);
    let mut cluster = cluster(Rules { repositories: here, ..Rules::default() });
    let (at, other) = source("repo", Some("7"));
    add_source(&mut cluster, (at, Source { is_selected: false, ..other }));
    assert_eq!(cluster.input(&repository("repo")), None);
    assert_eq!(cluster.keys(), []);
    add(&mut cluster, deployment("a", "repo", &json!({})));
    assert!(matches!(cluster.task(&key("a")), Some(Task::Deployment { source: Ok(_), .. })));
}

#[test]
fn repositories_are_ours_only_where_told_and_only_when_no_deployment_names_them() {
    let mut silent = cluster(Rules::default());
    add_source(&mut silent, source("repo", Some("7")));
    assert_eq!(silent.input(&repository("repo")), None);
    let here = Some(Where::Namespace("ns".to_owned()));
    let mut cluster = cluster(Rules { repositories: here, ..Rules::default() });
    add_source(&mut cluster, source("repo", Some("7")));
    let (_, mut far) = source("repo", Some("7"));
    far.namespace = "far".to_owned();
    add_source(&mut cluster, (Name::new("far", "repo"), far));
    assert_eq!(cluster.keys(), [repository("repo")]);
    assert!(cluster.input(&repository("repo")).is_some());
    assert!(cluster.input(&ObjectKey::Repository(Name::new("far", "repo"))).is_none());
    assert!(add(&mut cluster, deployment("a", "repo", &json!({}))).contains(&repository("repo")));
    assert!(cluster.input(&repository("repo")).is_none());
    let (at, object) = deployment("a", "repo", &json!({}));
    let gone = (at, Declared::Readable(Arc::new(object)));
    let concerned = cluster.apply(Change::Deployment(Box::new(Event::Delete(gone))));
    assert_eq!(concerned, [key("a"), repository("repo")].into());
    assert!(cluster.input(&repository("repo")).is_some());
}

#[test]
fn an_object_that_cannot_be_read_is_told_of_and_the_others_go_on() {
    let mut cluster = cluster(Rules::default());
    add_source(&mut cluster, source("repo", Some("7")));
    add(&mut cluster, deployment("a", "repo", &json!({})));
    let (at, object) = deployment("b", "repo", &json!({}));
    let unreadable = |error: &str| {
        let error = error.to_owned();
        let metadata = object.metadata.clone();
        Declared::Unreadable(Arc::new(Unreadable { metadata, status: None, error }))
    };
    let mut seen = |declared: Declared| {
        cluster.apply(Change::Deployment(Box::new(Event::Apply((at.clone(), declared)))));
        let input = cluster.input(&key("b")).unwrap();
        let told = match cluster.task(&key("b")).unwrap() {
            Task::Unreadable { object } => Some(object.error.clone()),
            Task::Deployment { .. } => None,
            task => panic!("{task:?}"),
        };
        (input.fingerprint, told)
    };
    let (first, told) = seen(unreadable("x"));
    assert_eq!(told.as_deref(), Some("x"));
    assert_eq!(seen(unreadable("x")).0, first);
    assert_ne!(seen(unreadable("y")).0, first);
    assert_eq!(seen(Declared::Readable(Arc::new(object.clone()))).1, None);
    add(&mut cluster, deployment("c", "repo", &json!({ "dependsOn": [{ "name": "b" }] })));
    cluster.apply(Change::Deployment(Box::new(Event::Apply((name("b"), unreadable("x"))))));
    assert!(obstacle(&cluster, "c").1.contains("OsmDeployment/ns/b is not ready"));
    assert!(matches!(cluster.task(&key("a")), Some(Task::Deployment { source: Ok(_), .. })));
}

#[test]
fn what_is_deleted_is_run_only_where_it_waits_for_us_suspended_or_not() {
    let mut cluster = cluster(Rules::default());
    let (at, mut object) = deployment("a", "repo", &json!({ "suspend": true }));
    let mut seen = |deleted: bool, finalizers: &[&str]| {
        let metadata = json!({
            "name": "a", "namespace": "ns", "uid": "a", "finalizers": finalizers,
            "deletionTimestamp": deleted.then_some("2026-11-21T00:00:00Z"),
        });
        object.metadata = serde_json::from_value(metadata).unwrap();
        let declared = Declared::Readable(Arc::new(object.clone()));
        cluster.apply(Change::Deployment(Box::new(Event::Apply((at.clone(), declared)))));
        let is_deletion = matches!(cluster.task(&key("a")), Some(Task::Deletion { .. }));
        (cluster.input(&key("a")).unwrap().suspended, is_deletion)
    };
    assert_eq!(seen(false, &["osmops.io/finalizer"]), (true, false));
    assert_eq!(seen(true, &["osmops.io/finalizer"]), (false, true));
    assert_eq!(seen(true, &["somebody.else/s"]), (true, false));
}

#[test]
fn where_other_namespaces_are_refused_dependencies_of_the_own_one_are_not() {
    let mut cluster = cluster(Rules { no_cross_namespace_refs: true, ..Rules::default() });
    add_source(&mut cluster, source("repo", Some("7")));
    add(&mut cluster, deployment("b", "repo", &json!({ "dependsOn": [{ "name": "a" }] })));
    let (standing, message) = obstacle(&cluster, "b");
    assert_eq!(standing, Standing::Failed(Reason::DependencyNotReady), "{message}");
    let elsewhere = json!({ "dependsOn": [{ "name": "a", "namespace": "other" }] });
    add(&mut cluster, deployment("b", "repo", &elsewhere));
    let (standing, message) = obstacle(&cluster, "b");
    assert_eq!(standing, Standing::Stalled(Reason::AccessDenied));
    assert!(message.starts_with("cannot access OsmDeployment/other/a: "), "{message}");
}

#[test]
fn a_run_is_about_the_revision_that_its_source_has_if_it_has_one() {
    let here = Some(Where::AllNamespaces);
    let mut cluster = cluster(Rules { repositories: here, ..Rules::default() });
    let revision = |cluster: &Cluster, key: &ObjectKey| {
        let task = cluster.task(key).unwrap();
        task.revision().map(str::to_owned)
    };
    add(&mut cluster, deployment("a", "repo", &json!({})));
    assert_eq!(revision(&cluster, &key("a")), None);
    add_source(&mut cluster, source("repo", Some("7")));
    assert_eq!(revision(&cluster, &key("a")).as_deref(), Some("7"));
    add_source(&mut cluster, source("other", Some("8")));
    assert_eq!(revision(&cluster, &repository("other")).as_deref(), Some("8"));
}
