//! Where log lines go and how they look.

mod json;

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::{Arguments, ColourChoice, Command, LogEncoding};

/// Whether `apply --wait` shows a display that redraws itself, so that log lines would tear it.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal()
}

/// Sends log lines to standard error.
pub(crate) fn set_up(arguments: &Arguments) {
    let chatty = match arguments.command {
        Command::Apply(_) => !shows_progress(),
        Command::Run(_) => true,
        Command::Validate(_)
        | Command::Plan(_)
        | Command::Pack(_)
        | Command::Schema(_)
        | Command::Crd => false,
    };
    let default = if chatty { Level::INFO } else { Level::WARN };
    let level = arguments.log_level.unwrap_or(default);
    // Libraries below speak of connections and frames; they matter only to those who ask for all.
    let others = if level > Level::INFO { level } else { Level::WARN.min(level) };
    let filter = Targets::new().with_default(others).with_target("osmops", level);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match arguments.log_encoding {
        LogEncoding::Json => {
            let layer = layer.fmt_fields(JsonFields::new()).event_format(json::FluxJson);
            registry.with(layer).init();
        }
        LogEncoding::Console => {
            let ansi = match arguments.colour {
                ColourChoice::Auto => {
                    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
                }
                ColourChoice::Always => true,
                ColourChoice::Never => false,
            };
            registry.with(layer.with_ansi(ansi).with_target(false)).init();
        }
    }
}
