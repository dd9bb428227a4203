//! `scenario sim`: the simulator from the command line.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use scenarios::sim::diagram;
use scenarios::sim::explore::{Extent, Failure, Ground, Options, Tally, exhaustive, seeds};
use scenarios::sim::ledger::Ledger;
use scenarios::sim::plan::Plan;
use scenarios::sim::random::{plan_of, world_of};
use scenarios::sim::reconciler::Real;
use scenarios::sim::run::Simulator;
use scenarios::sim::shrink::broken;
use scenarios::sim::world::{NAMED, PAIRED, SimWorld, SimWorldError};

use super::print_line;

pub(super) const EXAMPLES: &str = "\
Examples:
  scenario sim
      Every fault at every place of the worlds `packaging`, `shop` and `market`.
  scenario sim --pairs --jobs 2
      And every second fault after each first one, in `packaging` and `shop`.
  scenario sim --seeds 10000
      Plans and worlds drawn from the seeds 0 to 9999.
  scenario sim --seed 4711
      The run of one seed: its plan, its trace, and what it broke.
  scenario sim --world shop --plan 'POST /nslcm/v1/ns_instances_content#2 reset-after + run#5 crash-untold'
      The run of one plan. `--plan ''` is the run without faults.

A fault is ADDRESS#NTH KIND: the operation of a request as the fake names it, `run` (one of the operator's runs), or
`commit` (one of the source's events), and which of them. Worlds: packaging, shop, market, random:N.

Exit codes: 0 no law was broken, 1 one was (or one was never tested, or a kind of fault never mattered), 64 wrong usage.";

/// So many seeds put every law to the test.
const SEEDS_OF_ALL_LAWS: u64 = 10_000;

/// What to simulate; without any of these every single fault
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SimArguments {
    /// The world; `packaging`, `shop` and `market` unless given, with --pairs the first two
    #[arg(long, value_parser = world_name)]
    world: Option<String>,
    /// Try every second fault after each first one, too
    #[arg(long, conflicts_with_all = ["seeds", "seed", "plan"])]
    pairs: bool,
    /// Of so many pairs (or single faults, without --pairs) run one
    #[arg(long, value_name = "N", default_value = "1", conflicts_with_all = ["seeds", "seed", "plan"])]
    one_in: NonZeroUsize,
    /// Run so many seeds
    #[arg(long, value_name = "N", conflicts_with_all = ["world", "seed", "plan"])]
    seeds: Option<u64>,
    /// The first of --seeds
    #[arg(long, value_name = "N", default_value_t = 0, requires = "seeds")]
    from: u64,
    /// Run this seed and show what happens
    #[arg(long, value_name = "N", conflicts_with_all = ["world", "plan"])]
    seed: Option<u64>,
    /// Run this plan and show what happens
    #[arg(long, value_name = "PLAN")]
    plan: Option<Plan>,
    /// Show the whole trace of --seed or --plan instead of a picture of it
    #[arg(long)]
    trace: bool,
    /// How many threads; each run is on one
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Append a line to this file: commit, what was run, result, time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "plan"])]
    ledger: Option<PathBuf>,
    /// Write a picture of what failed, as SVG, into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// The name of a world that there is.
fn world_name(name: &str) -> Result<String, String> {
    if SimWorld::is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(SimWorldError::Unknown(name.to_owned()).to_string())
    }
}

/// Runs what was asked for; gives the exit code.
#[allow(clippy::disallowed_methods, reason = "how long the machine takes is what is measured")]
pub(crate) fn run(arguments: &SimArguments) -> anyhow::Result<u8> {
    if let Some(seed) = arguments.seed {
        return one_seed(arguments, seed);
    }
    if let Some(plan) = &arguments.plan {
        let world = arguments.world.as_deref().unwrap_or(NAMED[0]);
        return one_plan(arguments, world, plan);
    }
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok());
    let jobs = jobs.unwrap_or(NonZeroUsize::MIN);
    let ledger = arguments.ledger.as_deref().map(Ledger::open).transpose()?;
    let bar = progress()?;
    let began = Instant::now();
    let (what, tally) = match arguments.seeds {
        Some(count) => {
            let range = arguments.from..arguments.from.saturating_add(count);
            let last = range.end.saturating_sub(1);
            (format!("seeds {}-{last}", range.start), seeds(range, jobs, &Real, &bar)?)
        }
        None => enumerated(arguments, jobs, &bar)?,
    };
    bar.finish_and_clear();
    let took = began.elapsed();
    print_line(tally.to_string().trim_end())?;
    let seconds = took.as_secs_f64().max(1e-9);
    print_line(&format!(
        "{what}: {seconds:.1} s on {jobs} threads, {:.0} runs a second, {:.0} times as fast as time",
        tally.runs as f64 / seconds,
        tally.lasted.as_secs_f64() / seconds
    ))?;
    if let Some(mut ledger) = ledger {
        ledger.append(&what, &tally, took)?;
    }
    for failure in &tally.failures {
        tell(failure, arguments.report.as_deref())?;
    }
    // A world alone, or a few seeds, need not put every law to the test.
    let is_part = arguments.world.is_some() || arguments.one_in.get() > 1;
    let extent = match arguments.seeds {
        Some(seeds) if seeds >= SEEDS_OF_ALL_LAWS => Extent::Seeds,
        None if !is_part => Extent::Whole,
        Some(_) | None => Extent::Part,
    };
    let complaints = tally.complaints(extent);
    for complaint in &complaints {
        print_line(complaint)?;
    }
    Ok(u8::from(tally.failed > 0 || !complaints.is_empty()))
}

/// Every fault at every place of the worlds that were asked for.
fn enumerated(
    arguments: &SimArguments,
    jobs: NonZeroUsize,
    bar: &ProgressBar,
) -> anyhow::Result<(String, Tally)> {
    let simulator = Simulator::new().context("cannot make a runtime")?;
    let mut all = Tally::default();
    let names: Vec<&str> = match &arguments.world {
        Some(name) => vec![name],
        None if arguments.pairs => PAIRED.to_vec(),
        None => NAMED.to_vec(),
    };
    let options = Options { jobs, pairs: arguments.pairs, one_in: arguments.one_in };
    for name in &names {
        let ground = Ground::new(&simulator, SimWorld::named(name)?, &Real);
        all.add_ground(&ground);
        let tally = exhaustive(&ground, options, &Real, bar)?;
        bar.suspend(|| {
            print_line(&format!(
                "{name}: {} places, {} runs, {} with violations",
                ground.places.len(),
                tally.runs,
                tally.failed
            ))
        })?;
        all.merge(tally);
    }
    let what = if arguments.pairs { "pairs" } else { "singles" };
    let part = match arguments.one_in.get() {
        1 => String::new(),
        stride => format!("1 in {stride} "),
    };
    Ok((format!("{part}{what} of {}", names.join(", ")), all))
}

/// How far it is, on a terminal alone.
fn progress() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {percent}% after {elapsed}, {eta} left")?;
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(500));
    Ok(bar)
}

fn one_seed(arguments: &SimArguments, seed: u64) -> anyhow::Result<u8> {
    let simulator = Simulator::new().context("cannot make a runtime")?;
    let name = world_of(seed);
    let ground = Ground::new(&simulator, SimWorld::named(&name)?, &Real);
    one(arguments, &simulator, &ground, &plan_of(seed, &ground.places))
}

fn one_plan(arguments: &SimArguments, world: &str, plan: &Plan) -> anyhow::Result<u8> {
    let simulator = Simulator::new().context("cannot make a runtime")?;
    let ground = Ground::new(&simulator, SimWorld::named(world)?, &Real);
    one(arguments, &simulator, &ground, plan)
}

fn one(
    arguments: &SimArguments,
    simulator: &Simulator,
    ground: &Ground,
    plan: &Plan,
) -> anyhow::Result<u8> {
    let mut outcome = ground.run(simulator, plan, &Real);
    ground.run_again(simulator, plan, &Real, &mut outcome);
    print_line(&format!("world: {}\nplan: {plan}", ground.world.name))?;
    let shown = if arguments.trace { outcome.trace.text() } else { diagram::text(&outcome.trace) };
    print_line(shown.trim_end())?;
    if plan.faults.len() > outcome.hits.len() {
        let left = plan.faults.len() - outcome.hits.len();
        print_line(&format!("{left} of the plan's faults never happened"))?;
    }
    for violation in &outcome.verdicts.violations {
        print_line(&violation.to_string())?;
    }
    if let Some(folder) = &arguments.report {
        draw(folder, &ground.world.name, plan, &diagram::svg(&plan.to_string(), &outcome.trace))?;
    }
    Ok(u8::from(!broken(&outcome).is_empty()))
}

/// What went wrong, the line that shows it again, and a picture of the shrunk run.
fn tell(failure: &Failure, report: Option<&Path>) -> anyhow::Result<()> {
    print_line("")?;
    for violation in failure.violations.iter().take(5) {
        print_line(&violation.to_string())?;
    }
    if let Some(seed) = failure.seed {
        print_line(&format!("  scenario sim --seed {seed}"))?;
    }
    if failure.plan != failure.shrunk {
        print_line(&format!("  first seen with: {}", failure.plan))?;
    }
    print_line(&format!("  {}", failure.replay()))?;
    let simulator = Simulator::new().context("cannot make a runtime")?;
    let ground = Ground::new(&simulator, SimWorld::named(&failure.world)?, &Real);
    let outcome = ground.run(&simulator, &failure.shrunk, &Real);
    if std::io::stdout().is_terminal() {
        print_line(diagram::text(&outcome.trace).trim_end())?;
    }
    if let Some(folder) = report {
        let picture = diagram::svg(&failure.shrunk.to_string(), &outcome.trace);
        draw(folder, &failure.world, &failure.shrunk, &picture)?;
    }
    Ok(())
}

/// Writes a picture under a name that the world and the plan give.
fn draw(folder: &Path, world: &str, plan: &Plan, picture: &str) -> anyhow::Result<()> {
    fs_err::create_dir_all(folder)?;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = format!("{world}-{plan}").chars().map(plain).take(120).collect();
    let file = folder.join(format!("{name}.svg"));
    fs_err::write(&file, picture)?;
    print_line(&format!("  {}", file.display()))?;
    Ok(())
}
