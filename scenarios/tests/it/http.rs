//! The same scenario files over HTTP: a fake in a process of its own, and an NBI at a URL.

use std::collections::BTreeSet;

use mock_nbi::{Clock, MockNbi, Profile, Release};
use osmops::nbi::{Connection, Hostname};
use osmops::secret::Secret;
use scenarios::run::run;
use scenarios::story::{Story, StoryOptions};
use scenarios::target::{Pace, Target, TargetSpec};
use tokio_util::sync::CancellationToken;

use crate::support::{build_fake, world};

async fn holds(name: &str, spec: &TargetSpec) {
    let world = world(name);
    let target = Target::open(spec, world.script.release).await.unwrap();
    let mut story = Story::new(StoryOptions::default());
    let report = run(&world, &target, &mut story, &CancellationToken::new()).await;
    target.close(false).await;
    assert!(report.unwrap().holds, "{name}:\n{}", story.into_text());
}

#[tokio::test]
async fn scenarios_hold_on_a_fake_in_a_process_of_its_own() {
    build_fake();
    let spec = TargetSpec::FakeProcess { pace: Pace::Realistic { speed: 200.0 }, is_kept: false };
    tokio::join!(
        holds("packaging", &spec),
        holds("failed-operation", &spec),
        holds("intro", &spec),
        holds("package-files", &spec),
        holds("dropped-keys", &spec),
        holds("package-in-use", &spec),
    );
}

#[tokio::test]
async fn a_portable_scenario_holds_on_any_nbi_over_one_connection() {
    let nbi = MockNbi::builder().profile(Profile::instant()).clock(Clock::real()).build().unwrap();
    let server = nbi.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = format!("http://{}", server.local_addr());
    let admin = || "admin".to_owned();
    let spec = TargetSpec::Nbi(Connection {
        base: Connection::parse_address(&address, Hostname::InEnvironment).unwrap(),
        project: admin(),
        user: admin(),
        password: Secret::new(admin()),
        authorities: None,
        insecure_skip_verify: false,
    });
    holds("packaging", &spec).await;
    let connections: BTreeSet<u64> = nbi.journal().iter().map(|entry| entry.connection).collect();
    assert_eq!(connections.len(), 1, "{connections:?}");

    let target = Target::open(&spec, Release::default()).await.unwrap();
    let mut story = Story::new(StoryOptions::default());
    let before = nbi.journal_len();
    let world = world("failed-operation");
    let error = run(&world, &target, &mut story, &CancellationToken::new()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("failed-operation.yaml:12: the step `fault`"), "{text}");
    assert_eq!(nbi.journal_len(), before, "a refused scenario sends nothing");
    server.shutdown().await;
}
