//! The `scenario` program: arguments in, exit code out.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

/// The simulator makes and drops small values by the million.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Wrong usage; `EX_USAGE` of BSD's sysexits.h.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse().and_then(cli::Arguments::checked) {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_asked =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            // Nothing is left to tell of it when the message cannot be written.
            let _ = error.print();
            return if is_asked { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) };
        }
    };
    match cli::run(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("scenario: {}", osmops::failure::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
