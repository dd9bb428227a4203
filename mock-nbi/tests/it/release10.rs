//! The captures of a real Release 10, replayed in the order in which they were made.

use mock_nbi::{Fault, FaultKind, MockNbi, Release, Seed};
use serde_json::Value;

use crate::client::STOCK;
use crate::contract::Replay;

/// What helm said when the captured upgrade failed; the name of the release is the fake's.
const HELM_SAYS: &str = "Rollback \"stable-openldap-1-2-3-0098084071\" failed: cannot patch \
                         \"stable-openldap-1-2-3-0098084071\" with kind Service: Service \
                         \"stable-openldap-1-2-3-0098084071\" is invalid: spec.clusterIP: Invalid \
                         value: \"\": field is immutable";

async fn replay_file(replay: &mut Replay, file: &str) {
    let path = format!(
        "{}/tests/recorded/r10/{file}.jsonl",
        env!("CARGO_MANIFEST_DIR")
    );
    for line in fs_err::read_to_string(path).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        replay.exchange(&line).await;
        assert!(
            replay.found().is_empty(),
            "{file}\n{}",
            replay.found().join("\n")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn captures_hold_from_package_creation_to_a_failed_and_a_second_upgrade() {
    let seed = Seed::from_yaml(STOCK, "seed.yaml").unwrap();
    let nbi = MockNbi::builder()
        .release(Release::R10)
        .seed(seed)
        .build()
        .unwrap();
    let mut replay = Replay::new(nbi.clone());
    for file in ["nfpkg-create", "nspkg-create", "ns-create", "ns-create2"] {
        replay_file(&mut replay, file).await;
    }
    nbi.inject(Fault {
        operation: "POST /nslcm/v1/ns_instances/{id}/action".into(),
        nth: 1,
        kind: FaultKind::OperationFails {
            detail: HELM_SAYS.into(),
        },
    });
    replay_file(&mut replay, "ns-action.upgrade").await;
    replay_file(&mut replay, "ns-action.upgrade2").await;
}
