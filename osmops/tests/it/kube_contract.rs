//! The Kubernetes API in memory answers as a real one does: the same requests to whichever the tests run
//! against, and one reviewed transcript for both.
//!
//! What differs from run to run is masked: times, and uids and resource versions by the order in which they
//! appear, so that it shows which are the same. `managedFields` are left out, and so are words in which
//! versions of Kubernetes differ.

mod conversation;

use kube::client::Body;
use serde_json::{Value, json};

use conversation::{Answer, Conversation};

const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A kind of the conversations' own, so that ours can change.
const DEFINITION: &str = include_str!("kube_contract/definition.yaml");

fn thing(name: &str, more: Value) -> Value {
    let mut object = json!({
        "apiVersion": "test.osmops.io/v1", "kind": "Thing", "metadata": { "name": name },
        "spec": {
            "sourceRef": { "kind": "GitRepository", "name": "g" }, "interval": "10m",
            "connection": { "secretRef": { "name": "s" } },
        },
    });
    json_merge(&mut object, more);
    object
}

fn json_merge(object: &mut Value, more: Value) {
    match (object, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                json_merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        (object, more) => *object = more,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn built_in_objects_are_made_changed_and_deleted_as_by_a_real_server() {
    let Some(mut talk) = Conversation::begin().await else { return };
    let (all, one) = ("/api/v1/namespaces/NS/secrets", "/api/v1/namespaces/NS/secrets/s");
    let secret =
        json!({ "metadata": { "name": "s", "labels": { "a": "1" } }, "stringData": { "k": "v" } });
    let made = talk.post(all, secret.clone()).await;
    talk.post(all, secret).await;
    talk.post(all, json!({ "metadata": { "name": "Bad_Name" } })).await;
    talk.post(all, json!({ "metadata": {} })).await;
    talk.post(all, json!({ "metadata": { "name": "x", "namespace": "other" } })).await;
    talk.post(all, json!({ "metadata": { "name": "x", "resourceVersion": "1" } })).await;
    talk.post("/api/v1/namespaces/nonesuch/secrets", json!({ "metadata": { "name": "x" } })).await;
    talk.get(one).await;
    talk.get("/api/v1/namespaces/NS/secrets/none").await;
    talk.send(
        "PATCH",
        one,
        MERGE,
        json!({ "data": { "l": "dg==" }, "metadata": { "labels": { "a": null } } }),
    )
    .await;
    // Nothing changes, so the version stays.
    talk.send("PATCH", one, MERGE, json!({ "data": { "l": "dg==" } })).await;
    let stale = made.body["metadata"]["resourceVersion"].clone();
    talk.send("PATCH", one, STRATEGIC, json!({ "data": { "m": "dg==" } })).await;
    let data = json!({ "k": "dw==" });
    talk.put(one, json!({ "metadata": { "name": "s", "resourceVersion": stale }, "data": data }))
        .await;
    talk.told = talk
        .told
        .replace(&format!("\"resourceVersion\":{stale}"), "\"resourceVersion\":\"(stale)\"");
    talk.put(one, json!({ "metadata": { "name": "t" }, "data": data })).await;
    talk.put(one, json!({ "metadata": { "name": "s", "uid": "other" }, "data": data })).await;
    talk.put(one, json!({ "metadata": { "name": "s" }, "data": data })).await;
    talk.put("/api/v1/namespaces/NS/secrets/none", json!({ "metadata": { "name": "none" } })).await;
    talk.send("PATCH", one, MERGE, json!({ "metadata": { "name": "other" } })).await;
    talk.send(
        "PATCH",
        one,
        JSON_PATCH,
        json!([{ "op": "test", "path": "/data/k", "value": "no" }]),
    )
    .await;
    talk.send("PATCH", one, JSON_PATCH, json!([{ "op": "remove", "path": "/data/k" }])).await;
    talk.post("/api/v1/namespaces/NS/secrets/s", json!({})).await;
    talk.put("/api/v1/namespaces/NS/secrets", json!({})).await;
    talk.delete("/api/v1/namespaces/NS/secrets/none").await;
    talk.send("DELETE", one, JSON, json!({ "preconditions": { "uid": "other" } })).await;
    talk.delete(one).await;
    talk.get(one).await;
    talk.get("/apis/nope.example/v1/namespaces/NS/things").await;
    talk.get("/apis/coordination.k8s.io/v1/namespaces/NS/things").await;
    insta::assert_snapshot!(talk.told);
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_objects_follow_their_definition_as_with_a_real_server() {
    let Some(mut talk) = Conversation::begin().await else { return };
    let shaped =
        json!({ "spec": { "extra": 1, "path": null, "suspend": null }, "status": { "plan": "x" } });
    let made = talk.post("THINGS", thing("a", shaped)).await;
    talk.post("THINGS", thing("a", json!({}))).await;
    let kind = json!({ "apiVersion": "test.osmops.io/v1", "kind": "Thing" });
    let mut nothing = kind.clone();
    nothing["metadata"] = json!({ "name": "b" });
    talk.post("THINGS", nothing).await;
    talk.post("THINGS", thing("b", json!({ "spec": { "interval": "ten minutes" } }))).await;
    talk.post("THINGS", thing("b", json!({ "spec": { "sourceRef": { "kind": "Folder" } } }))).await;
    talk.post("THINGS", thing("b", json!({ "spec": { "prune": "yes" } }))).await;
    talk.post("THINGS", thing("b", json!({ "spec": { "dependsOn": [{}] } }))).await;
    talk.put("THINGS/a", thing("a", json!({}))).await;
    let old = json!({ "metadata": { "resourceVersion": "1" } });
    talk.put("THINGS/a", thing("a", old)).await;
    // Each side changes its own: a status nothing else, a spec raises the generation.
    let both = json!({ "status": { "plan": "y", "observedGeneration": 1, "odd": 2 }, "spec": { "interval": "1m" } });
    talk.send("PATCH", "THINGS/a/status", MERGE, both.clone()).await;
    talk.send("PATCH", "THINGS/a/status", MERGE, json!({ "status": { "plan": 7 } })).await;
    talk.send("PATCH", "THINGS/a", MERGE, both).await;
    talk.send("PATCH", "THINGS/a", MERGE, json!({ "metadata": { "annotations": { "x": "y" } } }))
        .await;
    talk.send("PATCH", "THINGS/a", STRATEGIC, json!({})).await;
    talk.get("THINGS/a/status").await;
    assert_eq!(made.body["metadata"]["generation"], 1);
    // Finalizers keep it until the last one is gone.
    talk.send("PATCH", "THINGS/a", MERGE, json!({ "metadata": { "finalizers": ["osmops.io/x"] } }))
        .await;
    talk.delete("THINGS/a").await;
    talk.delete("THINGS/a").await;
    talk.send("PATCH", "THINGS/a/status", MERGE, json!({ "status": { "plan": "z" } })).await;
    talk.send("PATCH", "THINGS/a", MERGE, json!({ "metadata": { "finalizers": null } })).await;
    talk.get("THINGS/a").await;
    talk.post("THINGS", thing("c", json!({}))).await;
    talk.delete("THINGS/c").await;
    insta::assert_snapshot!(talk.told);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_side_apply_owns_and_takes_away_as_with_a_real_server() {
    let Some(mut talk) = Conversation::begin().await else { return };
    talk.post("THINGS", thing("a", json!({}))).await;
    let ours = "THINGS/a/status?fieldManager=osmops&force=true";
    let status = |status: Value| json!({ "apiVersion": "test.osmops.io/v1", "kind": "Thing", "status": status });
    let condition = |kind: &str, status: &str| {
        json!({ "type": kind, "status": status, "reason": "R", "message": "m",
            "lastTransitionTime": "2026-11-20T00:00:00Z" })
    };
    let both = json!([condition("Ready", "False"), condition("Stalled", "True")]);
    talk.send(
        "PATCH",
        ours,
        APPLY,
        status(json!({ "plan": "x", "inventory": ["a"], "conditions": both })),
    )
    .await;
    let first = status(json!({ "inventory": ["b"], "conditions": [condition("Ready", "True")] }));
    talk.send("PATCH", ours, APPLY, first.clone()).await;
    // The same once more: the version stays.
    talk.send("PATCH", ours, APPLY, first).await;
    let theirs = "THINGS/a/status?fieldManager=other";
    talk.send("PATCH", theirs, APPLY, status(json!({ "inventory": ["c"] }))).await;
    talk.send(
        "PATCH",
        theirs,
        APPLY,
        status(json!({ "conditions": [condition("Other", "True")] })),
    )
    .await;
    let again = status(json!({ "inventory": ["b"], "conditions": [condition("Ready", "False")] }));
    talk.send("PATCH", ours, APPLY, again).await;
    talk.send("PATCH", "THINGS/a/status?force=true", APPLY, status(json!({}))).await;
    talk.send("PATCH", ours, APPLY, json!({ "status": {} })).await;
    talk.send(
        "PATCH",
        "THINGS/none/status?fieldManager=osmops&force=true",
        APPLY,
        status(json!({})),
    )
    .await;
    // What is not there is made, and another's field is a conflict.
    talk.send("PATCH", "THINGS/b?fieldManager=us", APPLY, thing("b", json!({}))).await;
    let other = thing("b", json!({ "spec": { "interval": "5m" } }));
    talk.send("PATCH", "THINGS/b?fieldManager=them", APPLY, other.clone()).await;
    talk.send("PATCH", "THINGS/b?fieldManager=them&force=true", APPLY, other).await;
    insta::assert_snapshot!(talk.told);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_watches_tell_what_a_real_server_s_tell() {
    let Some(mut talk) = Conversation::begin().await else { return };
    let all = "/api/v1/namespaces/NS/configmaps";
    let map = |name: &str, color: &str| json!({ "metadata": { "name": name, "labels": { "color": color } } });
    talk.post(all, map("a", "red")).await;
    talk.post(all, map("b", "blue")).await;
    talk.post(all, map("c", "red")).await;
    // Real servers put one of their own into every namespace once a controller manager runs.
    let ours = format!("{all}?labelSelector=color");
    let listed = talk.get(&ours).await;
    let page = talk.get(&format!("{ours}&limit=2")).await;
    let rest = page.body["metadata"]["continue"].as_str().unwrap().to_owned();
    talk.get(&format!("{ours}&limit=2&continue={rest}")).await;
    talk.told = talk.told.replace(&rest, "(place)");
    talk.get(&format!("{all}?labelSelector=color%3Dred")).await;
    talk.get(&format!("{all}?labelSelector=color+in+(blue,green)")).await;
    talk.get(&format!("{all}?labelSelector=color,color!%3Dred")).await;
    talk.get(&format!("{all}?fieldSelector=metadata.name%3Db")).await;
    talk.get(&format!("{all}?fieldSelector=data.x%3Db")).await;
    talk.accept = METADATA;
    talk.get(&ours).await;
    talk.accept = JSON;
    // What happens from here on, as watches with and without a selector tell it afterwards.
    let version = listed.body["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    talk.send(
        "PATCH",
        &format!("{all}/a"),
        MERGE,
        json!({ "metadata": { "labels": { "color": "blue" } } }),
    )
    .await;
    talk.send("PATCH", &format!("{all}/b"), MERGE, json!({ "data": { "x": "y" } })).await;
    talk.delete(&format!("{all}/c")).await;
    talk.post(all, map("d", "red")).await;
    let watch = |selector: &str| {
        format!(
            "{all}?watch=true&timeoutSeconds=1&resourceVersion={version}&labelSelector={selector}"
        )
    };
    talk.get(&watch("color")).await;
    talk.get(&watch("color%3Dred")).await;
    talk.get(&watch("color%3Dblue")).await;
    // From nowhere it begins with what there is, in no promised order: here, with one.
    talk.get(&format!("{all}?watch=true&timeoutSeconds=1&labelSelector=color%3Dred")).await;
    talk.told = talk.told.replace(&version, "(version)");
    talk.get(&format!("{all}?watch=true&timeoutSeconds=1&resourceVersion=x")).await;
    insta::assert_snapshot!(talk.told);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_and_events_are_a_real_server_s() {
    let Some(mut talk) = Conversation::begin().await else { return };
    let leases = "/apis/coordination.k8s.io/v1/namespaces/NS/leases";
    let lease = |holder: &str, version: Value| {
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "l", "resourceVersion": version },
            "spec": { "holderIdentity": holder, "leaseDurationSeconds": 15 } })
    };
    let made = talk.post(leases, lease("a", Value::Null)).await;
    let one = format!("{leases}/l");
    talk.put(&one, lease("b", Value::Null)).await;
    let version = made.body["metadata"]["resourceVersion"].clone();
    talk.put(&one, lease("b", version.clone())).await;
    talk.put(&one, lease("c", version.clone())).await;
    talk.told = talk
        .told
        .replace(&format!("\"resourceVersion\":{version}"), "\"resourceVersion\":\"(first)\"");
    talk.delete(&one).await;

    let events = "/apis/events.k8s.io/v1/namespaces/NS/events";
    let about = json!({ "kind": "Thing", "name": "a", "namespace": "NS" });
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "e" }, "type": "Normal",
        "eventTime": "2026-11-20T00:00:00.000000Z", "reason": "R", "note": "n", "action": "A",
        "regarding": about, "reportingController": "osmops", "reportingInstance": "osmops-1",
    });
    let reports = |answer: &Answer, fields: &[&str]| {
        fields.iter().map(|field| answer.body[field].clone()).collect::<Vec<_>>()
    };
    let told = talk.told.clone();
    let newer = talk.post(events, event.clone()).await;
    let older = talk.get("/api/v1/namespaces/NS/events/e").await;
    // Real servers fill fields that nobody reads; here it counts that both views say the same.
    talk.told = told;
    let names = ["regarding", "note", "reportingController", "type", "reason", "action"];
    assert_eq!(
        reports(&newer, &names)[1..],
        reports(&older, &["", "message", "reportingComponent", "type", "reason", "action"])[1..]
    );
    assert_eq!(older.body["involvedObject"]["name"], "a");
    let mut long = event.clone();
    long["metadata"]["name"] = json!("long");
    long["note"] = json!("n".repeat(1025));
    let told = talk.told.clone();
    let refused = talk.post(events, long).await;
    talk.told = told;
    assert_eq!(
        (&refused.body["code"], &refused.body["reason"]),
        (&json!(422), &json!("Invalid")),
        "{}",
        refused.body
    );

    insta::assert_snapshot!(talk.told);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_and_namespaces_are_a_real_server_s() {
    let Some(mut talk) = Conversation::begin().await else { return };
    talk.delete("/api/v1/namespaces/default").await;
    talk.user = Some("system:serviceaccount:NS:nobody".replace("NS", &talk.namespace));
    talk.get("/api/v1/namespaces/NS/secrets/s").await;
    talk.get("/api/v1/secrets").await;
    talk.send("PATCH", "THINGS/a/status", MERGE, json!({})).await;
    talk.get("/api/v1/namespaces/NS/secrets?watch=true").await;
    talk.user = None;
    let rule = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["list"] }]);
    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/NS";
    let told = talk.told.clone();
    talk.post(&format!("{roles}/roles"), json!({ "metadata": { "name": "r" }, "rules": rule }))
        .await;
    talk.post(
        &format!("{roles}/rolebindings"),
        json!({
            "metadata": { "name": "r" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r" },
            "subjects": [{ "kind": "ServiceAccount", "name": "nobody", "namespace": "NS" }],
        }),
    )
    .await;
    talk.told = told;
    talk.user = Some("system:serviceaccount:NS:nobody".replace("NS", &talk.namespace));
    crate::kube_api::eventually("the role is known", || async {
        let request = http::Request::get(format!("/api/v1/namespaces/{}/secrets", talk.namespace))
            .header("Impersonate-User", talk.user.as_deref().unwrap())
            .body(Body::empty());
        let response = talk.api.client.send(request.unwrap()).await.unwrap();
        response.status().is_success().then_some(())
    })
    .await;
    talk.get("/api/v1/namespaces/NS/secrets").await;
    talk.get("/api/v1/namespaces/NS/secrets/s").await;
    talk.user = None;
    talk.delete("/api/v1/namespaces/NS").await;
    talk.post("/api/v1/namespaces/NS/secrets", json!({ "metadata": { "name": "late" } })).await;
    insta::assert_snapshot!(talk.told);
}
