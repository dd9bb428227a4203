//! The `osmops` command line: arguments, telemetry, and a call of the library.

mod cli;

use std::process::ExitCode;

use clap::Parser;

/// The C library's allocator keeps several times as much memory as is in use, once lists of thousands of records
/// have come and gone on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes; clap knows which of its streams is meant.
            let code = if error.use_stderr() { cli::Exit::Usage } else { cli::Exit::Converged };
            let _ = error.print();
            return code.into();
        }
    };
    cli::telemetry::set_up(&arguments);
    let mut builder = match arguments.command {
        cli::Command::Run(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::output::error(&format!("cannot start: {error}"));
            return cli::Exit::Failed.into();
        }
    };
    match runtime.block_on(cli::run(arguments)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            cli::output::error(&osmops::failure::chain(error.as_ref()));
            cli::Exit::Failed.into()
        }
    }
}
