//! No password, token or secret parameter is told anywhere, at any log level.

use mock_nbi::{Fault, FaultKind};
use serde_json::{Value, json};

use super::artifacts::demo_with;
use super::world::{Stage, condition};

const PASSWORD: &str = "Sn0rkel-Wrench-77";
/// As Kubernetes stores and sends it, in base64.
const PASSWORD_ENCODED: &str = "U24wcmtlbC1XcmVuY2gtNzc=";
const PARAMETERS: [&str; 2] = ["hush-of-the-admin", "hush-of-the-pin"];

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told_in_logs_events_status_or_metrics() {
    let Some(mut stage) = Stage::set().await else { return };
    let role = json!({ "project": "admin", "role": "system_admin" });
    let user = json!({
        "username": "ops", "password": PASSWORD, "project_role_mappings": [role],
    });
    stage.world.by_hand("POST", "/osm/admin/v1/users", user).await;
    stage.create_secret_with("osm", json!({ "user": "ops", "password": PASSWORD })).await;
    stage.create_repository("demo").await;
    stage.create_deployment("look", json!({ "mode": "plan" })).await;
    stage
        .create_deployment("wrong", json!({ "connection": { "secretRef": { "name": "wrong" } } }))
        .await;
    let wrong = json!({ "user": "ops", "password": format!("{PASSWORD}-not") });
    stage.create_secret_with("wrong", wrong).await;
    stage.start_operator(&["--log-level", "trace"]);

    let detail = format!("chart refuses adminPassword={} and {}", PARAMETERS[0], PARAMETERS[1]);
    stage.world.osm.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances_content".to_owned(),
        nth: 1,
        kind: FaultKind::OperationFails { detail },
    });
    let [admin, pin] = PARAMETERS;
    let parameters = format!("replicaCount: \"1\"\n    adminPassword: {admin}\n    pin: {pin}");
    let mut files = demo_with("test.0.0.7", "ldap.ops.yaml", "replicaCount: \"1\"", &parameters);
    for (path, text) in &mut files {
        if path.ends_with("osm_ops_config.yaml") {
            text.push_str("\nsecretParams: [pin]\n");
        }
    }
    stage.publish("secretive", &files).await;
    let planned = stage.status("look", |status| status["plan"].is_string()).await;
    assert!(planned["plan"].as_str().unwrap().contains("adminPassword"), "{planned:#}");
    stage.create_deployment("ldap", json!({})).await;
    let message = stage.refusal("ldap", "HealthCheckFailed", "chart refuses").await;
    stage.refusal("wrong", "AuthenticationFailed", "user `ops`").await;

    let tokens = stage.world.tokens_of("ops", PASSWORD).await;
    assert!(tokens.len() > 1, "the operator has one too");
    let metrics = stage.metrics().await;
    assert!(metrics.contains("osmops_"), "{metrics}");
    let mut told = vec![("log", stage.log()), ("metrics", metrics), ("message", message)];
    told.push(("Events", stage.events("OsmDeployment").await.join("\n")));
    for name in ["look", "ldap", "wrong"] {
        let object = stage.deployments().get(name).await.unwrap();
        assert_ne!(condition(&object.data["status"], "Ready"), Value::Null);
        told.push((name, object.data["status"].to_string()));
    }
    let secrets =
        tokens.iter().map(String::as_str).chain(PARAMETERS).chain([PASSWORD, PASSWORD_ENCODED]);
    for secret in secrets {
        for (place, text) in &told {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "`{secret}` in {place}");
        }
    }
    assert!(told[0].1.contains("\"level\":\"trace\""), "the log tells all that there is to tell");
}
