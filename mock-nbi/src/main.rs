//! The fake NBI as a server.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use mock_nbi::{Clock, MockNbi, Profile, Release, Seed};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const ABOUT: &str = "OSM's north-bound interface in memory";
const EXAMPLES: &str = "\
Examples:
  mock-nbi
      An empty OSM Release 10 on http://127.0.0.1:9999/osm, user and project `admin`,
      password `admin`. Operations end at once.
  mock-nbi --profile realistic --speed 10
      Operations and uploads take a tenth of the time a real OSM takes.
  mock-nbi --listen 127.0.0.1:0 --profile manual
      Any free port; operations end with
      curl -X POST http://127.0.0.1:PORT/_mock/operations/end -d '{\"result\": \"ok\"}'
  mock-nbi --seed seed.yaml
      seed.yaml: {vim_accounts: [{name: site1}], k8s_clusters: [{name: k, vim_account: site1}]}

First request:
  curl -s http://127.0.0.1:9999/osm/admin/v1/tokens -H 'Content-Type: application/json' \\
      -H 'Accept: application/json' -d '{\"username\": \"admin\", \"password\": \"admin\"}'

Exit codes: 0 stopped by SIGINT or SIGTERM, 1 could not start, 64 wrong usage.";

#[derive(Parser)]
#[command(version, about = ABOUT, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGINT or SIGTERM (the default)
    Serve(Options),
}

#[derive(Args)]
struct Options {
    /// Address and port; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:9999", env = "MOCK_NBI_LISTEN")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach; the fake's password is no secret
    #[arg(long)]
    allow_remote: bool,
    /// OSM release to answer like
    #[arg(long, value_enum, default_value = "10")]
    release: ReleaseArg,
    /// How operations take their time
    #[arg(long, value_enum, default_value = "instant")]
    profile: ProfileArg,
    /// How many times as fast as the profile says
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// YAML file with the first content
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Seed of all ids; the same seed and requests give the same ids
    #[arg(long, value_name = "N")]
    rng_seed: Option<u64>,
    /// Format of the log on stderr
    #[arg(long, value_enum, default_value = "console")]
    log_encoding: LogEncoding,
    /// What to log: error, warn, info, debug, trace, or a filter of `tracing`
    #[arg(long, default_value = "info", env = "MOCK_NBI_LOG")]
    log_level: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReleaseArg {
    /// Release 10
    #[value(name = "10")]
    R10,
    /// Release 19 as in the recordings
    #[value(name = "19-recorded")]
    R19Recorded,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileArg {
    /// Operations have ended when they are next looked at
    Instant,
    /// Times of a real OSM
    Realistic,
    /// Operations end on request only
    Manual,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogEncoding {
    Console,
    Json,
}

/// `EX_USAGE` of sysexits.h, as the project's other programs have it.
const WRONG_USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version come as errors too, to be printed on stdout.
            return if error.use_stderr() { WRONG_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let options = match cli.command {
        Some(Command::Serve(options)) => options,
        None => cli.options,
    };
    if let Err(error) = check(&options) {
        let _ = writeln!(std::io::stderr(), "mock-nbi: {error:#}");
        return WRONG_USAGE.into();
    }
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mock-nbi: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is wrong with the options beyond their form.
fn check(options: &Options) -> anyhow::Result<()> {
    log_filter(options)?;
    if !options.listen.ip().is_loopback() && !options.allow_remote {
        bail!(
            "`--listen {}` is no loopback address: other machines could use this fake. \
             Say `--allow-remote` if they may",
            options.listen
        );
    }
    if !(options.speed.is_finite() && options.speed > 0.0) {
        bail!("`--speed {}` must be above 0", options.speed);
    }
    Ok(())
}

fn start(options: &Options) -> anyhow::Result<()> {
    start_log(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options))
}

fn log_filter(options: &Options) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&options.log_level)
        .with_context(|| format!("`--log-level {}`", options.log_level))
}

fn start_log(options: &Options) -> anyhow::Result<()> {
    let filter = log_filter(options)?;
    let is_coloured = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_coloured)
        .with_writer(std::io::stderr);
    match options.log_encoding {
        LogEncoding::Console => log.init(),
        LogEncoding::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn serve(options: &Options) -> anyhow::Result<()> {
    let nbi = build(options)?;
    let server = nbi
        .serve(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    // Before the line that says we are there, so that who reads it may stop us at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut out = std::io::stdout();
    writeln!(out, "mock-nbi listening on http://{}/osm", server.local_addr())?;
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM, stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT, stopping"),
    }
    server.shutdown().await;
    Ok(())
}

fn build(options: &Options) -> anyhow::Result<MockNbi> {
    let release = match options.release {
        ReleaseArg::R10 => Release::R10,
        ReleaseArg::R19Recorded => Release::R19Recorded,
    };
    let profile = match options.profile {
        ProfileArg::Instant => Profile::instant(),
        ProfileArg::Realistic => Profile::realistic(),
        ProfileArg::Manual => Profile::manual(),
    };
    let clock = Clock::real();
    // Without a seed of its own, each start has other ids, as a real OSM has.
    let rng_seed = options.rng_seed.unwrap_or_else(|| clock.now().to_bits());
    tracing::info!(rng_seed, "ids are made from this seed");
    let mut builder = MockNbi::builder()
        .release(release)
        .profile(profile.speeded_up(options.speed))
        .clock(clock)
        .rng_seed(rng_seed);
    if let Some(path) = &options.seed {
        let text = fs_err::read_to_string(path)?;
        builder = builder.seed(Seed::from_yaml(&text, &path.display().to_string())?);
    }
    let nbi = builder.build();
    match &options.seed {
        Some(path) => nbi.with_context(|| path.display().to_string()),
        None => Ok(nbi?),
    }
}
