//! What can be said on the command line.

mod run;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use osmops::reconcile::PassOptions;

pub(crate) use run::{RepositoriesIn, Run};

/// GitOps for Open Source MANO (OSM): makes the live OSM match what a repository declares.
#[derive(Debug, Parser)]
#[command(name = "osmops", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to log to standard error: error, warn, info, debug or trace.
    /// [default: info for `run`, and for `apply` unless it shows progress on a terminal; warn otherwise]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Output")]
    pub(crate) log_level: Option<tracing::Level>,

    /// How log lines are written.
    #[arg(long, global = true, value_enum, default_value = "console", help_heading = "Output")]
    pub(crate) log_encoding: LogEncoding,

    /// When to use colours. `auto`: on a terminal, unless NO_COLOR is set.
    #[arg(
        long = "color",
        global = true,
        value_enum,
        default_value = "auto",
        help_heading = "Output"
    )]
    pub(crate) colour: ColourChoice,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Exit codes:
  0    converged (`plan`: nothing to do; `validate`: no problem)
  1    failed, stalled, or the repository has problems
  2    `plan`: there are changes
  3    started and not yet verified (`apply` without --wait, or its time is over;
       `plan`: OSM is at work)
  64   wrong usage
  130  interrupted

Examples:
  osmops validate .
  osmops plan .                                   what would be done, and why
  OSM_HOSTNAME=nbi.example OSM_USER=admin OSM_PASSWORD=... OSM_PROJECT=admin \\
    osmops apply . --wait                         do it, and wait until OSM matches
  git archive test.0.0.7 | gzip | osmops plan -   any revision, without a checkout
  osmops pack osm-pkgs/openldap_knf               one package as .tar.gz";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Report everything that is wrong with a repository; needs no network
    Validate(Validate),
    /// Show what `apply` would do, and why, without doing it
    Plan(Plan),
    /// Make OSM match the repository
    Apply(Apply),
    /// Pack one OSM package as .tar.gz; the same files give the same bytes
    Pack(Pack),
    /// Print the JSON schema of what a command prints with --output json
    Schema(Schema),
    /// Run the Kubernetes operator: OsmDeployments, and what Flux fetches for them
    Run(Run),
    /// Print the definition of OsmDeployment, for `kubectl apply -f -`
    Crd,
}

/// Which repository, and in which form its result is printed.
#[derive(Debug, Args)]
pub(crate) struct Repository {
    /// A folder with osm_ops_config.yaml, a .tar.gz of one, or `-` for a .tar.gz on standard input
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// What to call this state of the repository in messages and reports.
    /// [default: the folder's or archive's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) revision: Option<String>,

    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "text", help_heading = "Output")]
    pub(crate) output: OutputForm,
}

/// Where OSM is. Flags count before the environment, the environment before the repository's
/// `connectionFile`.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Connection (flags, then environment, then the repository's connectionFile)"
)]
pub(crate) struct ConnectionFlags {
    /// OSM's address, as https://nbi.example:9999. The environment's OSM_HOSTNAME may be a bare name,
    /// which means https and port 9999
    #[arg(long, value_name = "URL")]
    pub(crate) osm_url: Option<String>,

    /// Who logs in; environment: OSM_USER
    #[arg(long, value_name = "NAME")]
    pub(crate) osm_user: Option<String>,

    /// The OSM project; environment: OSM_PROJECT
    #[arg(long, value_name = "NAME")]
    pub(crate) osm_project: Option<String>,

    /// A file with the password; environment: OSM_PASSWORD (the password itself)
    #[arg(long, value_name = "FILE")]
    pub(crate) osm_password_file: Option<PathBuf>,

    /// A connection file to use instead of the repository's
    #[arg(long, value_name = "FILE")]
    pub(crate) connection_file: Option<PathBuf>,

    /// A PEM file with the certificate authorities to trust for https
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Accept any certificate; for test installations only
    #[arg(long)]
    pub(crate) insecure_skip_verify: bool,

    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) request_timeout: Duration,
}

/// `osmops validate`
#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) repository: Repository,
}

/// What counts beside the repository for what is to be done.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    /// Let `prune` remove everything, or more than half of ten or more items
    #[arg(long)]
    pub(crate) allow_large_prune: bool,

    /// What to do about what someone changed in OSM after it was applied
    #[arg(long, value_enum, value_name = "WHAT", default_value = "repair")]
    pub(crate) drift: DriftChoice,

    /// With `--drift report`: the revision that was applied last, as PATH. What PATH declares otherwise is
    /// applied, what it declares the same and OSM has otherwise is reported.
    /// [default: PATH itself, so that no declared item is written]
    #[arg(long, value_name = "PATH")]
    pub(crate) applied: Option<PathBuf>,
}

/// What is done about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriftChoice {
    /// OSM is made to match again.
    Repair,
    /// It is reported, with exit code 1.
    Report,
}

/// `osmops plan`
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) repository: Repository,

    #[command(flatten)]
    pub(crate) policy: Policy,

    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
}

/// `osmops apply`
#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) repository: Repository,

    /// Go on until OSM matches the repository, or nothing more can be done
    #[arg(long)]
    pub(crate) wait: bool,

    /// How long --wait goes on; the request on its way is always let end
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,

    /// How many packages and instances may be sent to OSM at once, where none waits for another
    #[arg(long, value_name = "N", default_value_t = PassOptions::default().writes_at_once)]
    pub(crate) writes_at_once: usize,

    #[command(flatten)]
    pub(crate) policy: Policy,

    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
}

/// `osmops pack`
#[derive(Debug, Args)]
pub(crate) struct Pack {
    /// The package's folder: a VNFD or NSD and the files that go with it
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Where to write; `-` for standard output.
    /// [default: <DIR's name>.tar.gz in the current folder]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `osmops schema`
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The command whose `--output json` is described
    #[arg(value_enum, value_name = "COMMAND")]
    pub(crate) document: Document,
}

/// A command that prints JSON for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    /// `osmops validate --output json`
    Validate,
    /// `osmops plan --output json`
    Plan,
    /// `osmops apply --output json`
    Apply,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// For people.
    Text,
    /// For machines: one JSON document on standard output.
    Json,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogEncoding {
    /// For people.
    Console,
    /// One JSON object a line.
    Json,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
