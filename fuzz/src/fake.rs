//! A fake NBI in this process, and `osmops`'s client of it.

use std::time::Duration;

use mock_nbi::{MockNbi, Profile, Release, Seed};
use osmops::nbi::{Connection, Hostname, Nbi, TimeLimits, Transport};
use osmops::secret::Secret;

/// What an operator set up before anything is deployed.
const SEED: &str = "\
vim_accounts: [{name: mylocation1}]
k8s_clusters: [{name: kube1, vim_account: mylocation1}]
";

/// The password that must be seen nowhere.
pub(crate) const PASSWORD: &str = "admin";

/// A fake of `release` whose operations end at once.
pub(crate) fn fake(release: Release) -> MockNbi {
    let seed = Seed::from_yaml(SEED, "seed").expect("a seed");
    let builder = MockNbi::builder().release(release).profile(Profile::instant()).seed(seed);
    builder.build().expect("a fake")
}

/// Runs in virtual time, and fails when it takes more than a day of that.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    let limited = async { tokio::time::timeout(Duration::from_secs(24 * 3600), future).await };
    runtime.block_on(limited).expect("an end")
}

/// A client of a fake.
pub(crate) fn client_of(osm: &MockNbi) -> Nbi {
    let service = tower::ServiceExt::map_request(
        osm.service(),
        |request: http::Request<osmops::nbi::Body>| request.map(axum::body::Body::new),
    );
    client(Transport::service(service))
}

/// A client of whatever answers.
pub(crate) fn client(transport: Transport) -> Nbi {
    let connection = Connection {
        base: Connection::parse_address("http://osm", Hostname::InFile).expect("an address"),
        project: "admin".to_owned(),
        user: "admin".to_owned(),
        password: Secret::new(PASSWORD),
        authorities: None,
        insecure_skip_verify: false,
    };
    Nbi::new(connection, transport, TimeLimits::default())
}
