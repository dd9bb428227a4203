//! The command line: options in, a server until it is stopped out.

mod arguments;
mod listen;
mod log;
mod serve;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Parser as _;
use mock_nbi::FaultKind;

use arguments::{Cli, Command, Options};

/// `EX_USAGE` of sysexits.h, as the project's other programs have it.
const WRONG_USAGE: u8 = 64;

/// Does what the arguments say.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version come as errors too, to be printed on stdout.
            return if error.use_stderr() { WRONG_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    let options = match cli.command {
        Some(Command::Serve(options)) => *options,
        Some(Command::Faults) => return list_faults(),
        None => cli.options,
    };
    if let Err(error) = check(&options) {
        return complain(&error, WRONG_USAGE.into());
    }
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, ExitCode::FAILURE),
    }
}

fn complain(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "mock-nbi: {error:#}");
    code
}

/// One line for each kind of fault.
fn list_faults() -> ExitCode {
    let mut out = std::io::stdout();
    for help in FaultKind::catalogue() {
        // A closed pipe ends the list.
        if writeln!(out, "{}\n    {}", help.example(), help.about).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

/// What is wrong with the options beyond their form.
fn check(options: &Options) -> anyhow::Result<()> {
    log::filter(options)?;
    listen::check(options)?;
    let profile = options.profile.as_str();
    let is_known = ["instant", "realistic", "manual"].contains(&profile);
    if !is_known && !Path::new(profile).is_file() {
        bail!("`--profile {profile}` is neither instant, realistic, manual nor a file");
    }
    if !(options.speed.is_finite() && options.speed > 0.0) {
        bail!("`--speed {}` must be above 0", options.speed);
    }
    Ok(())
}

fn start(options: &Options) -> anyhow::Result<()> {
    log::start(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve::until_stopped(options))
}
