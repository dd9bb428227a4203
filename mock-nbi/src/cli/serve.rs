//! From options to a server, until it is stopped.

use std::io::{self, Write as _};

use anyhow::Context as _;
use mock_nbi::{Clock, MockNbi, Profile, Release, Seed, Server, Shape};
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::{Options, ReleaseArg};
use super::listen;

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// What keeps it from starting.
pub(super) async fn until_stopped(options: &Options) -> anyhow::Result<()> {
    let nbi = build(options)?;
    let identity = listen::identity(&options.listening)?;
    let fingerprint = identity.as_ref().map(mock_nbi::TlsIdentity::fingerprint);
    let server = start(options, &nbi, identity).await?;
    // Before the line that says we are there, so that who reads it may stop us at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    announce(options, &server, fingerprint.as_deref())?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM, stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT, stopping"),
    }
    server.shutdown().await;
    Ok(())
}

async fn start(
    options: &Options,
    nbi: &MockNbi,
    identity: Option<mock_nbi::TlsIdentity>,
) -> anyhow::Result<Server> {
    let listen = &options.listening.listen;
    let mut refusal = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for addr in listen::addresses(listen)? {
        let serve = listen::serve_options(&options.listening, addr, identity.clone());
        match nbi.serve_with(serve).await {
            Ok(server) => return Ok(server),
            Err(error) => refusal = error,
        }
    }
    Err(refusal).with_context(|| format!("cannot listen on {listen}"))
}

/// The first line is where it listens; what else a client needs follows. All of it goes out at once,
/// so that who reads no more than the first line does not stop us.
fn announce(options: &Options, server: &Server, fingerprint: Option<&str>) -> io::Result<()> {
    let mut text =
        format!("mock-nbi listening on {}://{}/osm\n", server.scheme(), server.local_addr());
    if let Some(fingerprint) = fingerprint {
        text += &format!("certificate SHA-256 {fingerprint}\n");
    }
    let is_made = options.listening.control_token.as_deref().is_none_or(str::is_empty);
    if let Some(token) = server.control_token().filter(|_| is_made) {
        text += &format!("control token {token}\n");
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn profile(name: &str) -> anyhow::Result<Profile> {
    Ok(match name {
        "instant" => Profile::instant(),
        "realistic" => Profile::realistic(),
        "manual" => Profile::manual(),
        file => Profile::from_yaml(&fs_err::read_to_string(file)?, file)?,
    })
}

fn build(options: &Options) -> anyhow::Result<MockNbi> {
    let release = match options.release {
        ReleaseArg::R8 => Release::R8,
        ReleaseArg::R10 => Release::R10,
        ReleaseArg::R19 => Release::R19,
        ReleaseArg::R19Recorded => Release::R19Recorded,
    };
    let profile = profile(&options.profile)?;
    let clock = Clock::real();
    // Without a seed of its own, each start has other ids, as a real OSM has.
    let rng_seed = options.rng_seed.unwrap_or_else(|| clock.now().to_bits());
    tracing::info!(rng_seed, "ids are made from this seed");
    let mut builder = MockNbi::builder()
        .release(release)
        .profile(profile.speeded_up(options.speed))
        .clock(clock)
        .rng_seed(rng_seed)
        .journal_max(options.journal)
        .shape(Shape {
            latency_seconds: options.latency as f64 / 1000.0,
            bytes_per_second: options.bandwidth.map(std::num::NonZeroU64::get),
        });
    if let Some(path) = &options.seed {
        let text = fs_err::read_to_string(path)?;
        builder = builder.seed(Seed::from_yaml(&text, &path.display().to_string())?);
    }
    if let Some(folder) = &options.data {
        builder = builder.data(folder);
    }
    let nbi = builder.build();
    match &options.seed {
        Some(path) => nbi.with_context(|| path.display().to_string()),
        None => Ok(nbi?),
    }
}
