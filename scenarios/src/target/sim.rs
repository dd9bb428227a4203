//! The fake in this process, in virtual time: no socket, no thread, no file.

use axum::body::Body;
use mock_nbi::{Clock, MockNbi, Profile, Release};
use osmops::nbi::Transport;
use tower::ServiceExt;

use crate::fake::Fake;

use super::{Pace, Target, TargetError, fake_connection, release_word};

/// Where the simulated clock starts: 2023-11-14T22:13:20Z, a round number of epoch seconds.
const EPOCH: f64 = 1_700_000_000.0;

/// Decides every id; any number does, as long as it stays the same.
const RNG_SEED: u64 = 7;

pub(super) fn open(pace: Pace, release: Release) -> Result<Target, TargetError> {
    let profile = match pace {
        Pace::Instant => Profile::instant(),
        Pace::Realistic { speed } => Profile::realistic().speeded_up(speed),
    };
    let nbi = MockNbi::builder()
        .release(release)
        .profile(profile)
        .clock(Clock::starting_at(EPOCH))
        .rng_seed(RNG_SEED)
        .build()
        .map_err(TargetError::Fake)?;
    let service = nbi.service();
    let transport = Transport::service(
        service.map_request(|request: http::Request<osmops::nbi::Body>| request.map(Body::new)),
    );
    let connection = fake_connection("http://osm.sim");
    let (words, release) = (pace.words(), release_word(release));
    Ok(Target {
        what: format!("the fake NBI (Release {release}) in this process, in virtual time; {words}"),
        fake: Some(Fake::new(transport.clone(), connection.base.as_str())),
        connection,
        transport,
        process: None,
    })
}
