//! How the fake bears large worlds and many clients. Every answer is checked; a wrong one ends it.
//!
//! ```text
//! cargo run --release -p mock-nbi --example scale -- grow       # 100,000 instances, 10,000 packages
//! cargo run --release -p mock-nbi --example scale -- clients    # 64 clients for a minute, over TCP
//! cargo run --release -p mock-nbi --example scale -- start      # from nothing to the first answer
//! ```
//!
//! `clients` and `start` need the binary: `cargo build --release -p mock-nbi`.

mod clients;
mod grow;
mod nbi;
mod packages;
mod start;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "How the fake bears large worlds and many clients")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Grow a world in this process, and time creations, lists and readings on the way
    Grow {
        #[arg(long, default_value_t = 100_000)]
        instances: usize,
        #[arg(long, default_value_t = 10_000)]
        packages: usize,
    },
    /// Many clients at once against the binary, over TCP
    Clients {
        #[arg(long, default_value = "target/release/mock-nbi")]
        binary: PathBuf,
        #[arg(long, default_value_t = 64)]
        clients: usize,
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Hand `--data DIR` to the binary
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Time from the start of the binary to its first answer, and of a world in this process
    Start {
        #[arg(long, default_value = "target/release/mock-nbi")]
        binary: PathBuf,
        /// Hand `--data DIR` to the binary
        #[arg(long)]
        data: Option<PathBuf>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Grow { instances, packages } => grow::run(instances, packages).await,
        Command::Clients { binary, clients, seconds, data } => {
            clients::run(&binary, data.as_deref(), clients, seconds).await
        }
        Command::Start { binary, data } => start::run(&binary, data.as_deref()).await,
    }
}

/// Prints a line.
fn say(line: impl std::fmt::Display) {
    // Whoever reads may have gone away.
    let _ = writeln!(std::io::stdout(), "{line}");
}
