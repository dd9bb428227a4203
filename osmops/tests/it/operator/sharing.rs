//! Objects of one OSM, project and user share what is read of it.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::kube_api::eventually;

use super::world::{Stage, condition};

const OBJECTS: usize = 8;

/// How many runs there were, by the operator's metrics.
async fn runs(stage: &Stage) -> usize {
    let text = stage.metrics().await;
    let lines = text.lines().filter(|line| line.starts_with("controller_runtime_reconcile_total{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_run_at_once_share_one_token_and_osm_s_lists() {
    let Some(mut stage) = Stage::set().await else { return };
    stage.create_secret().await;
    stage.create_repository("demo").await;
    stage.publish_tag("test.0.0.7").await;
    for number in 0..OBJECTS {
        stage.create_deployment(&format!("look-{number}"), json!({ "mode": "plan" })).await;
    }
    stage.start_operator(&[]);
    let is_planned = |status: &Value| condition(status, "Ready")["status"] == "True";
    for number in 0..OBJECTS {
        stage.status(&format!("look-{number}"), is_planned).await;
    }

    let before = runs(&stage).await;
    let mark = stage.world.osm.journal_len();
    let touched = json!({ "metadata": { "annotations": { "touched": "now" } } });
    let touched = Patch::Merge(touched);
    stage.secrets().patch("osm", &PatchParams::default(), &touched).await.unwrap();
    eventually("all run again", || async {
        (runs(&stage).await >= before + OBJECTS).then_some(())
    })
    .await;
    let sent = stage.world.sent_since(mark);
    for list in ["/vnfpkgm/v1/vnf_packages", "/nsd/v1/ns_descriptors"] {
        let count = sent.iter().filter(|line| line.ends_with(list)).count();
        assert!((1..OBJECTS).contains(&count), "{list} is shared: {sent:#?}");
    }
    let log_ins = |sent: &[String]| sent.iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(log_ins(&stage.world.sent_since(0)), 1, "one token for all");
}
