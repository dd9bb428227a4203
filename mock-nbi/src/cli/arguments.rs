//! The options.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

const ABOUT: &str = "OSM's north-bound interface in memory";
const EXAMPLES: &str = "\
Examples:
  mock-nbi
      An empty OSM Release 10 on http://127.0.0.1:9999/osm, user and project `admin`,
      password `admin`. Operations end at once.
  mock-nbi --tls
      The same over https, with a certificate of its own; what the `osm` client asks for.
  mock-nbi --profile realistic --speed 10
      Operations and uploads take a tenth of the time a real OSM takes.
  mock-nbi --listen localhost:0 --profile manual
      Any free port; operations end with
      curl -X POST http://127.0.0.1:PORT/_mock/operations/end -d '{\"result\": \"ok\"}'
  mock-nbi --data ./osm
      What it holds outlives it; operations go on by the clock after the next start.
  mock-nbi --seed seed.yaml
      What is in it from the start; also: projects, users (bodies as OSM takes them).
        vim_accounts: [{name: site1}]
        k8s_clusters: [{name: k, vim_account: site1}]
        packages: [{folder: openldap_knf}, {folder: openldap_ns}]
        ns_instances: [{name: ldap, nsd: openldap_ns, vim_account: site1}]

  mock-nbi --profile profile.yaml
      Rules over one of the profiles; the first that fits an operation counts:
        base: realistic          # instant (default), realistic or manual
        speed: 10                # divides every time
        uploads: {create_vnf_seconds: 20, create_ns_seconds: 8, update_seconds: {from: 0.5, to: 1}}
        rules:
          - operation: action    # instantiate, action, scale, terminate, heal, update, migrate
            ns: \"ldap-*\"         # globs: ns (name), nsd (id), member, kdu, primitive
            primitive: upgrade
            seconds: {from: 10, to: 20}
            outcome: fail        # ok, fail, partially, failed-temp, rolling-back, rolled-back, stuck
            detail: \"Error executing command: helm3 upgrade: timed out\"
            times: 1             # then the next rule that fits
          - {operation: instantiate, stage_seconds: [3, 57]}
          - {item: vim_account, name: \"site*\", change: create, outcome: fail, detail: unreachable}

First request:
  curl -s http://127.0.0.1:9999/osm/admin/v1/tokens -H 'Content-Type: application/json' \\
      -H 'Accept: application/json' -d '{\"username\": \"admin\", \"password\": \"admin\"}'

How to steer it (faults, clock, operations, journal, metrics):
  curl -s http://127.0.0.1:9999/_mock/openapi.json
  mock-nbi faults

Exit codes: 0 stopped by SIGINT or SIGTERM, 1 could not start, 64 wrong usage.";

#[derive(Parser)]
#[command(version, about = ABOUT, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// Serve until SIGINT or SIGTERM (the default)
    Serve(Box<Options>),
    /// List the kinds of faults that the control API can arm
    Faults,
}

#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) listening: ListenOptions,
    /// OSM release to answer like
    #[arg(long, value_enum, default_value = "10")]
    pub(super) release: ReleaseArg,
    /// How operations take their time: `instant` (they have ended when they are next looked at),
    /// `realistic` (times of a real OSM), `manual` (they end on request only), or a YAML file with
    /// rules for certain operations
    #[arg(long, default_value = "instant", value_name = "NAME|FILE")]
    pub(super) profile: String,
    /// How many times as fast as the profile says
    #[arg(long, default_value_t = 1.0)]
    pub(super) speed: f64,
    /// YAML file with the first content
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,
    /// Keep everything in this folder, across restarts and crashes: what was answered is on disk.
    /// A folder that holds an OSM already is gone on with; --seed counts for a new one only
    #[arg(long, value_name = "DIR", env = "MOCK_NBI_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Seed of all ids; the same seed and requests give the same ids
    #[arg(long, value_name = "N")]
    pub(super) rng_seed: Option<u64>,
    /// How many of the latest requests the journal keeps
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(super) journal: usize,
    /// Milliseconds that every answer takes longer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(super) latency: u64,
    /// Bytes a second in each direction [default: as fast as it goes]
    #[arg(long, value_name = "BYTES")]
    pub(super) bandwidth: Option<NonZeroU64>,
    /// Format of the log on stderr
    #[arg(long, value_enum, default_value = "console")]
    pub(super) log_encoding: LogEncoding,
    /// What to log: error, warn, info, debug, trace, or a filter of `tracing`
    #[arg(long, default_value = "info", env = "MOCK_NBI_LOG")]
    pub(super) log_level: String,
}

/// Where to listen, to whom, and within which limits.
#[derive(Args)]
#[command(next_help_heading = "Listening")]
pub(super) struct ListenOptions {
    /// Address or name, and port; port 0 takes any free one
    #[arg(
        long,
        default_value = "127.0.0.1:9999",
        env = "MOCK_NBI_LISTEN",
        value_name = "HOST:PORT"
    )]
    pub(super) listen: String,
    /// Listen on an address that other machines reach; the fake's password is no secret
    #[arg(long)]
    pub(super) allow_remote: bool,
    /// Speak https with a certificate made for localhost, 127.0.0.1 and ::1
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"], group = "identity")]
    pub(super) tls: bool,
    /// Speak https with this certificate (PEM, chain after it)
    #[arg(long, value_name = "FILE", requires = "tls_key", group = "identity")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Write the certificate (PEM) to this file, for clients that are to trust it
    #[arg(long, value_name = "FILE", requires = "identity")]
    pub(super) tls_cert_out: Option<PathBuf>,
    /// Token that requests to /_mock/ must carry as `Authorization: Bearer`; beyond loopback one
    /// is made and printed unless it is given
    #[arg(long, value_name = "TOKEN", env = "MOCK_NBI_CONTROL_TOKEN", hide_env_values = true)]
    pub(super) control_token: Option<String>,
    /// Connections at once; for one more, the longest idle one is closed
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(super) max_connections: NonZeroUsize,
    /// Bytes of one request's body
    #[arg(long, value_name = "BYTES", default_value = "67108864")]
    pub(super) max_body_bytes: NonZeroUsize,
    /// Seconds that a connection may stay without a complete request head
    #[arg(long, value_name = "SECONDS", default_value_t = 75, value_parser = seconds(1))]
    pub(super) idle_timeout: u64,
    /// Seconds that the next piece of a request's body may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds(1))]
    pub(super) body_timeout: u64,
    /// Seconds that answers under way may take once it is to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = seconds(0))]
    pub(super) stop_timeout: u64,
}

/// A day at most: what is added to the clock must not overflow it.
fn seconds(least: u64) -> RangedU64ValueParser {
    value_parser!(u64).range(least..=86_400)
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ReleaseArg {
    /// Release 8, with descriptors as they were before SOL006
    #[value(name = "8")]
    R8,
    /// Release 10
    #[value(name = "10")]
    R10,
    /// Release 19
    #[value(name = "19")]
    R19,
    /// Release 19 as in the recordings
    #[value(name = "19-recorded")]
    R19Recorded,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum LogEncoding {
    Console,
    Json,
}
