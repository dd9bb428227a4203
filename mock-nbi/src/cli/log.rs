//! The log on stderr.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use super::arguments::{LogEncoding, Options};

/// # Errors
/// When `--log-level` is no filter.
pub(super) fn filter(options: &Options) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&options.log_level)
        .with_context(|| format!("`--log-level {}`", options.log_level))
}

pub(super) fn start(options: &Options) -> anyhow::Result<()> {
    let filter = filter(options)?;
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
