//! Every kind of trouble is classified the same in process and over a real connection, and its message
//! names the request.

use std::time::Duration;

use mock_nbi::{Fault, FaultKind, MockNbi, Profile};
use osmops::failure::chain;
use osmops::ids::PackageKind;
use osmops::nbi::{Nbi, NbiError, TimeLimits, Transport};
use osmops::observe::{Lists, observe};

use crate::world::{Demo, World, connection};

const LIST: &str = "GET /vnfpkgm/v1/vnf_packages";

/// Short, because the fake never answers at all, and yet long enough for the log-in before on a busy machine.
const HANG_LIMIT: Duration = Duration::from_secs(1);

/// How long an answer may take: only where none comes is there anything to wait for.
fn limits(kind: &FaultKind) -> TimeLimits {
    match kind {
        FaultKind::Hang => TimeLimits { request: HANG_LIMIT, upload: HANG_LIMIT },
        _ => TimeLimits::default(),
    }
}

/// Reads once with a fault on the way, in process and over loopback, and returns both errors' texts.
async fn errors(kind: FaultKind) -> Vec<(NbiError, String)> {
    let mut found = Vec::new();
    for over_socket in [false, true] {
        let world = World::new(Profile::instant());
        world.osm.inject(Fault { operation: LIST.to_owned(), nth: 1, kind: kind.clone() });
        let server = world.osm.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let nbi = if over_socket {
            over_network(&format!("http://{}", server.local_addr()), limits(&kind))
        } else {
            world.client_with(limits(&kind))
        };
        let error =
            observe(&nbi, &Lists::Own, &Demo::default().revision().desired).await.unwrap_err();
        let text = chain(&error).replace(&server.local_addr().to_string(), "osm");
        found.push((error, text));
    }
    found
}

fn over_network(base: &str, limits: TimeLimits) -> Nbi {
    let connection = connection(base);
    let transport = Transport::network(&connection).unwrap();
    Nbi::new(connection, transport, limits)
}

async fn check(kind: FaultKind, expected: &str, transient: bool) {
    for (error, text) in errors(kind.clone()).await {
        let request = "GET http://osm/osm/vnfpkgm/v1/vnf_packages: ";
        assert!(text.starts_with(&format!("{request}{expected}")), "{kind:?}: {text}");
        assert_eq!(error.is_transient(), transient, "{kind:?}: {text}");
    }
}

#[tokio::test]
async fn trouble_is_classified_the_same_in_process_and_over_a_connection() {
    let status = |status, body: &str| FaultKind::Status {
        status,
        body: Some(body.to_owned()),
        retry_after: None,
    };
    check(FaultKind::ResetBefore, "the connection was cut before the answer came", true).await;
    check(FaultKind::ResetAfter, "the connection was cut before the answer came", true).await;
    check(FaultKind::Truncated, "the connection was cut before the answer came", true).await;
    check(FaultKind::Hang, "no answer within 1s", true).await;
    check(FaultKind::NotJson, "answered with 200 OK, and not as OSM does", false).await;
    check(
        FaultKind::Html { status: 502 },
        "answered with 502 Bad Gateway, and not as OSM does",
        true,
    )
    .await;
    check(status(503, "busy"), "refused with 503 SERVICE_UNAVAILABLE: busy", true).await;
    check(status(401, "Access denied: lack of permissions."), "refused with 401", false).await;
    check(status(400, "'df'"), "refused with 400 BAD_REQUEST: 'df'", false).await;
}

#[tokio::test]
async fn nobody_listening_is_no_lost_answer() {
    // A port that was free a moment ago: nothing listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nbi = over_network(&format!("http://{address}"), TimeLimits::default());
    let error = observe(&nbi, &Lists::Own, &Demo::default().revision().desired).await.unwrap_err();
    assert!(matches!(error, NbiError::Unreachable { .. }), "{error:?}");
    let text = chain(&error);
    assert!(
        text.starts_with(&format!("POST http://{address}/osm/admin/v1/tokens: cannot reach OSM"))
    );
    assert!(text.to_lowercase().contains("connection refused"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_or_project_is_no_expired_token() {
    let osm = MockNbi::builder().build().unwrap();
    for (user, project, reason) in
        [("nobody", "admin", "Invalid username/password"), ("admin", "elsewhere", "elsewhere")]
    {
        let mut connection = connection("http://osm");
        connection.user = user.to_owned();
        connection.project = project.to_owned();
        let nbi = World::client_of(&osm, connection, TimeLimits::default());
        let error =
            observe(&nbi, &Lists::Own, &Demo::default().revision().desired).await.unwrap_err();
        let text = chain(&error);
        assert!(matches!(error, NbiError::LogInRefused { .. }), "{error:?}");
        assert!(text.contains(reason) && text.contains(&format!("user `{user}`")), "{text}");
        assert_eq!(nbi.request_counts().log_in, 1, "asked once: {text}");
    }
}

#[tokio::test]
async fn an_upload_over_a_connection_arrives_whole() {
    let world = World::new(Profile::instant());
    let server = world.osm.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let nbi = over_network(&format!("http://{}", server.local_addr()), TimeLimits::default());
    let demo = Demo::default().revision();
    let stop = tokio_util::sync::CancellationToken::new();
    let timeout = Duration::from_secs(60);
    let report = osmops::reconcile::converge(
        &nbi,
        &demo,
        &osmops::reconcile::PassOptions::default(),
        timeout,
        &stop,
        &mut (),
    )
    .await;
    assert_eq!(report.end, osmops::report::PassEnd::Converged, "{report:#?}");
    nbi.log_out().await.unwrap();
    let journal = world.osm.journal();
    let connections: std::collections::BTreeSet<u64> =
        journal.iter().map(|entry| entry.connection).collect();
    assert_eq!(connections.len(), 1, "one connection for all {} requests", journal.len());
    let uploaded = |kind| demo.packages.keys().filter(move |key| key.kind == kind).count();
    assert_eq!((uploaded(PackageKind::Vnfd), uploaded(PackageKind::Nsd)), (1, 1));
}
