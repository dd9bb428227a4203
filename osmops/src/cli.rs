//! The commands, and what their exit codes mean.

mod apply;
mod arguments;
mod connect;
mod documents;
pub(crate) mod output;
mod pack;
mod plan;
mod progress;
mod run;
mod source;
pub(crate) mod telemetry;
mod validate;

use std::process::ExitCode;

pub(crate) use arguments::{Arguments, Command};

/// What a command's exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// OSM matches, or there is nothing wrong.
    Converged,
    /// Something failed, is stalled or is wrong.
    Failed,
    /// `plan` has changes.
    Changes,
    /// Started, and not yet verified.
    Unverified,
    /// Wrong usage.
    Usage,
    /// Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Converged => 0,
            Exit::Failed => 1,
            Exit::Changes => 2,
            Exit::Unverified => 3,
            // `EX_USAGE` of BSD's sysexits.h.
            Exit::Usage => 64,
            // As shells count: 128 and the number of SIGINT.
            Exit::Interrupted => 130,
        })
    }
}

/// Runs the command that was asked for.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let colour = output::Palette::new(arguments.colour);
    match arguments.command {
        Command::Validate(command) => validate::run(&command, colour),
        Command::Plan(command) => plan::run(&command, colour).await,
        Command::Apply(command) => apply::run(&command, colour).await,
        Command::Pack(command) => pack::run(&command),
        Command::Schema(command) => {
            output::json(&documents::schema(command.document)).map(|()| Exit::Converged)
        }
        Command::Run(command) => run::run(&command).await,
        Command::Crd => {
            output::out(&osmops::operator::crd::definition())?;
            Ok(Exit::Converged)
        }
    }
}
