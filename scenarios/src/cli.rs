//! The commands of `scenario`.

mod kube;
mod sim;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::error::ErrorKind as UsageKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use osmops::nbi::{Connection, Hostname};
use osmops::secret::Secret;
use scenarios::by_hand::look_by_hand;
use scenarios::run::{RunReport, run as run_scenario};
use scenarios::script::Script;
use scenarios::story::{Story, StoryOptions};
use scenarios::target::{Pace, Target, TargetSpec};
use scenarios::transcript::simulate;
use scenarios::world::World;
use tokio_util::sync::CancellationToken;

/// Interrupted, as shells count: 128 and the number of SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

const EXAMPLES: &str = "\
Examples:
  scenario list
      The scenarios of this workspace and what each is for.
  scenario run scenarios/cases/packaging.yaml
      Against a fake OSM in this process, in virtual time: minutes of OSM take milliseconds.
  scenario run scenarios/cases/packaging.yaml --target http --profile realistic --speed 20 --story
      Against a fake OSM in a process of its own, over HTTP, told as it happens.
  scenario run scenarios/cases/*.yaml --nbi https://osm.example:9999 --user u --project p
      Against an OSM that you run. It is changed! Scenarios with steps that only the fake can do
      are refused.
  scenario run FILE --story --requests
      With every request: what the reviewed transcripts beside the scenario files hold.
  scenario kube --kubeconfig /tmp/kubeconfig osmops/tests/crds kind/manifests/crd.yaml
      A Kubernetes API in memory, with Flux's definitions and ours, until Ctrl-C.

A scenario file says what OSM has before (`given`), and then what happens (`steps`):
  purpose: What it shows.
  repository: {trees: ../trees/packaging}     # a folder per tag; or {git: URL or path} with tags
  given: [{vim_account: mylocation1}, {k8s_cluster: c1, at: mylocation1}, {package: folder},
          {quota: ns_instances, at_most: 2}]
  steps:
    - apply: v1                               # or {tag: v1, within: 5s}; or plan: v1
    - expect: {end: converged, requests: {writes: 3}, changes: [\"NS ldap: upgrade of KDU openldap/ldap started\"]}
On the fake only: fault, advance, operations, end_operations.

Exit codes: 0 every expectation held, 1 one did not or a scenario could not be run, 64 wrong usage,
130 interrupted.";

/// Replays the commits of a repository and checks what OSM Ops makes of them.
#[derive(Debug, Parser)]
#[command(name = "scenario", version, about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List scenario files and what they are for
    List {
        /// The folder with the files; this workspace's own unless given
        folder: Option<PathBuf>,
    },
    /// Run scenario files
    Run(Box<RunArguments>),
    /// Serve a Kubernetes API in memory, for `osmops run` and kubectl without a cluster
    Kube(kube::KubeArguments),
    /// Hunt for broken laws: every fault at every place, or seeds, in virtual time
    Sim(Box<sim::SimArguments>),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to run: a fake OSM in this process in virtual time, or one in a process of its own
    #[arg(long, value_enum, default_value = "sim", conflicts_with = "nbi")]
    target: TargetArgument,
    /// Run against this NBI instead of a fake: a URL, or a host name as the osm client takes it
    #[arg(long, value_name = "URL")]
    nbi: Option<String>,
    /// The user at --nbi
    #[arg(long, env = "OSM_USER", default_value = "admin")]
    user: String,
    /// The user's password at --nbi; better in the environment than here
    #[arg(long, env = "OSM_PASSWORD", default_value = "admin", hide_env_values = true)]
    password: String,
    /// The project at --nbi
    #[arg(long, env = "OSM_PROJECT", default_value = "admin")]
    project: String,
    /// Accept any certificate of --nbi
    #[arg(long, requires = "nbi")]
    insecure: bool,
    /// How long the fake's operations take
    #[arg(long, value_enum, default_value = "realistic", conflicts_with = "nbi")]
    profile: ProfileArgument,
    /// How many times as fast as a real OSM the realistic profile is
    #[arg(long, default_value_t = 1.0, value_parser = speed, conflicts_with = "nbi")]
    speed: f64,
    /// Tell what happens as it happens, instead of a summary
    #[arg(long)]
    story: bool,
    /// With --story: every request that the fake served
    #[arg(long, requires = "story")]
    requests: bool,
    /// Leave the fake's process running and print how to look at it (--target http; or KEEP=1)
    #[arg(long, conflicts_with = "nbi")]
    keep: bool,
    /// Run on the trees of the public demo repository, in the folder that OSMOPS_UPSTREAM_TREES names
    #[arg(long)]
    upstream: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    output: OutputArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetArgument {
    Sim,
    Http,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileArgument {
    /// They have ended when they are next looked at
    Instant,
    /// Times of a real OSM
    Realistic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputArgument {
    Text,
    Json,
}

impl Arguments {
    /// Checks what clap cannot: combinations that depend on values.
    ///
    /// # Errors
    /// A usage error, to be printed as clap's own.
    pub(crate) fn checked(self) -> Result<Self, clap::Error> {
        let Command::Run(run) = &self.command else {
            return Ok(self);
        };
        let conflict = |text: &str| Self::command().error(UsageKind::ArgumentConflict, text);
        if run.keep && run.target == TargetArgument::Sim {
            return Err(conflict(
                "`--keep` needs `--target http`: the simulation has no process to keep",
            ));
        }
        if run.story && run.output == OutputArgument::Json {
            return Err(conflict("`--story` is text; it cannot be told with `--output json`"));
        }
        Ok(self)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}

/// Runs the command that was asked for; gives the exit code.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    match arguments.command {
        Command::List { folder } => list(folder.as_deref()).map(|()| 0),
        Command::Run(arguments) => run_files(&arguments),
        Command::Kube(arguments) => kube::run(&arguments).map(|()| 0),
        Command::Sim(arguments) => sim::run(&arguments),
    }
}

fn list(folder: Option<&Path>) -> anyhow::Result<()> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let folder = folder.unwrap_or(&own);
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    if files.is_empty() {
        anyhow::bail!("no scenario file (`*.yaml`) in `{}`", folder.display());
    }
    for file in &files {
        let script = Script::read(file)?;
        let place = match script.check_portable("") {
            Ok(()) => "any OSM",
            Err(_) => "the fake OSM only",
        };
        print_line(&format!("{} (on {place})", script.name))?;
        print_line(&format!("    {}", script.purpose))?;
        print_line(&format!("    {}", file.display()))?;
    }
    Ok(())
}

fn run_files(arguments: &RunArguments) -> anyhow::Result<u8> {
    let upstream = match arguments.upstream {
        false => None,
        true => {
            let folder = std::env::var_os("OSMOPS_UPSTREAM_TREES");
            Some(PathBuf::from(
                folder
                    .context("`--upstream` needs the folder of trees in OSMOPS_UPSTREAM_TREES")?,
            ))
        }
    };
    let mut worlds = Vec::new();
    // A mistake in the last file shall not be found after minutes spent on the first.
    for file in &arguments.files {
        worlds.push(World::read(Script::read(file)?, upstream.as_deref())?);
    }
    let spec = target_spec(arguments)?;
    if let TargetSpec::Nbi(connection) = &spec {
        for world in &worlds {
            world.script.check_portable(connection.base.as_str())?;
        }
    }
    let stop = CancellationToken::new();
    let mut reports = Vec::new();
    for world in &worlds {
        let report = match run_one(arguments, world, &spec, &stop) {
            Ok(report) => report,
            Err(error) if stop.is_cancelled() => {
                anstream::eprintln!("scenario: {}", osmops::failure::chain(error.as_ref()));
                return Ok(EXIT_INTERRUPTED);
            }
            Err(error) => return Err(error),
        };
        if arguments.output == OutputArgument::Text && !arguments.story {
            print_summary(&report)?;
        }
        reports.push(report);
        if stop.is_cancelled() {
            break;
        }
    }
    if arguments.output == OutputArgument::Json {
        let text = serde_json::to_string_pretty(&reports).context("cannot print the result")?;
        print_line(&text)?;
    }
    if stop.is_cancelled() {
        return Ok(EXIT_INTERRUPTED);
    }
    Ok(u8::from(!reports.iter().all(|report| report.holds)))
}

fn target_spec(arguments: &RunArguments) -> anyhow::Result<TargetSpec> {
    if let Some(address) = &arguments.nbi {
        return Ok(TargetSpec::Nbi(Connection {
            base: Connection::parse_address(address, Hostname::InEnvironment)?,
            project: arguments.project.clone(),
            user: arguments.user.clone(),
            password: Secret::new(&arguments.password),
            authorities: None,
            insecure_skip_verify: arguments.insecure,
        }));
    }
    let pace = match arguments.profile {
        ProfileArgument::Instant => Pace::Instant,
        ProfileArgument::Realistic => Pace::Realistic { speed: arguments.speed },
    };
    let keep = std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0"));
    let is_kept = arguments.keep || keep;
    Ok(match arguments.target {
        TargetArgument::Sim => TargetSpec::Sim { pace },
        TargetArgument::Http => TargetSpec::FakeProcess { pace, is_kept },
    })
}

fn run_one(
    arguments: &RunArguments,
    world: &World,
    spec: &TargetSpec,
    stop: &CancellationToken,
) -> anyhow::Result<RunReport> {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let options = StoryOptions {
        is_live: arguments.story,
        is_painted: arguments.story && io::stdout().is_terminal() && !no_colour,
        has_requests: arguments.requests,
    };
    // Errors that a file is to blame for name it by themselves.
    let failed = || format!("{} cannot be run to its end", world.script.name);
    if let TargetSpec::Sim { pace } = spec {
        let (report, _) = simulate(world, *pace, options).with_context(failed)?;
        return Ok(report);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make a runtime")?;
    runtime.block_on(async {
        let work = run_over_network(world, spec, options, stop);
        tokio::pin!(work);
        tokio::select! {
            biased;
            () = interrupted() => stop.cancel(),
            done = work.as_mut() => return done.with_context(failed),
        }
        // Asked to stop: what is under way ends in an orderly manner; asked again, at once.
        tokio::select! {
            biased;
            () = interrupted() => anyhow::bail!("interrupted twice"),
            done = work => done.with_context(failed),
        }
    })
}

async fn run_over_network(
    world: &World,
    spec: &TargetSpec,
    options: StoryOptions,
    stop: &CancellationToken,
) -> anyhow::Result<RunReport> {
    let target = Target::open(spec, world.script.release).await?;
    let mut story = Story::new(options);
    let report = run_scenario(world, &target, &mut story, stop).await;
    if report.is_ok() && !stop.is_cancelled() {
        let lines = look_by_hand(world, &target);
        let is_kept = target.process.as_ref().is_some_and(|process| process.is_kept);
        if options.is_live {
            story.line("");
            for line in &lines {
                story.line(line);
            }
        } else if is_kept {
            // A process that is left behind must be named, story or not.
            for line in &lines {
                writeln!(io::stderr(), "{line}")?;
            }
        }
    }
    target.close(report.is_err() || stop.is_cancelled()).await;
    Ok(report?)
}

/// Ends with the next Ctrl-C, Ctrl-\, SIGTERM, or hang-up of the terminal.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).ok();
    let (Some(mut interrupt), Some(mut quit), Some(mut terminate), Some(mut hang_up)) = (
        listen(SignalKind::interrupt()),
        listen(SignalKind::quit()),
        listen(SignalKind::terminate()),
        listen(SignalKind::hangup()),
    ) else {
        // Without signal handlers the signals end the program by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = quit.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

fn print_summary(report: &RunReport) -> anyhow::Result<()> {
    let requests: Vec<String> = report
        .sessions
        .iter()
        .map(|s| format!("{} {}: {} requests", s.verb, s.tag, s.requests.total()))
        .collect();
    let word = if report.holds { "ok    " } else { "FAILED" };
    print_line(&format!("{word} {} ({})", report.scenario, requests.join(", ")))?;
    for check in &report.checks {
        if let Some(found) = &check.found_instead {
            let line = check.line;
            print_line(&format!("       line {line}: {}; found: {found}", check.claim))?;
        }
    }
    Ok(())
}

/// Writes a line to standard output. Whoever has closed it, as `head` does, wants no more lines, and no
/// error either.
fn print_line(line: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
