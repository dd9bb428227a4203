//! Prints results to standard output and complaints to standard error.

use std::io::{self, IsTerminal, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use osmops::redact::shown_source;
use osmops::repo::RepoProblem;
use osmops::secret::SecretNames;
use osmops::source_pos::SourcePos;
use osmops::tree::Tree;
use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use super::arguments::ColourChoice;
use super::source::Source;

/// Which of the two streams may have colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Palette {
    pub(crate) fn new(choice: ColourChoice) -> Self {
        let auto = |terminal: bool| terminal && std::env::var_os("NO_COLOR").is_none();
        match choice {
            ColourChoice::Always => Self { stdout: true, stderr: true },
            ColourChoice::Never => Self { stdout: false, stderr: false },
            ColourChoice::Auto => Self {
                stdout: auto(io::stdout().is_terminal()),
                stderr: auto(io::stderr().is_terminal()),
            },
        }
    }
}

/// Writes to standard output. A reader that went away (`| head`) is no error of ours; a full disk is.
pub(crate) fn out(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says on standard error why the command failed.
pub(crate) fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// Prints one JSON document.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    out(&text)
}

/// Colours the lines of a plan or report by their first character.
pub(crate) fn painted(text: &str, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let mut painted = String::new();
    for line in text.lines() {
        let style = match line.chars().next() {
            Some('+') => Style::new().green(),
            Some('~' | '-') => Style::new().yellow(),
            Some('!') => Style::new().red().bold(),
            Some('…') => Style::new().cyan(),
            Some('?') => Style::new().magenta(),
            Some('=') => Style::new().dimmed(),
            _ => Style::new(),
        };
        painted.push_str(&line.style(style).to_string());
        painted.push('\n');
    }
    painted
}

/// Shows every problem and warning on standard error: with its source lines on a terminal, as
/// `file:line:column: message` elsewhere.
pub(super) fn show_problems(source: &Source, palette: Palette) {
    for problem in &source.revision.problems {
        match snippet(source, problem, palette.stderr) {
            Some(text) if io::stderr().is_terminal() => note(text.trim_end()),
            _ => error(&problem.to_string()),
        }
    }
    for warning in &source.revision.warnings {
        note(&format!("warning: {warning}"));
    }
}

/// The problem with the lines around it.
fn snippet(source: &Source, problem: &RepoProblem, colour: bool) -> Option<String> {
    let at = problem.at();
    let (text, offset, length) =
        locate(&source.artifact.tree, &at, &source.revision.desired.secret_names)?;
    let diagnostic = MietteDiagnostic::new(problem.message())
        .with_label(LabeledSpan::at(offset..offset + length, "here"));
    let report = miette::Report::new(diagnostic)
        .with_source_code(NamedSource::new(at.file().as_str(), text));
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut shown = String::new();
    GraphicalReportHandler::new_themed(theme).render_report(&mut shown, report.as_ref()).ok()?;
    Some(shown)
}

/// The text of a file, and where in it a position's word begins and how long it is, in bytes.
fn locate(tree: &Tree, at: &SourcePos, names: &SecretNames) -> Option<(String, usize, usize)> {
    let (line, column) = at.line_and_column()?;
    let mut content = Vec::new();
    io::Read::read_to_end(&mut tree.file(at.file())?.open().ok()?, &mut content).ok()?;
    let text = shown_source(&String::from_utf8(content).ok()?, names);
    let before: usize = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let this_line = text.get(before..)?.lines().next().unwrap_or_default();
    let into: usize = this_line.chars().take(column as usize - 1).map(char::len_utf8).sum();
    let rest = this_line.get(into..)?;
    let word = rest.find([':', ' ', ',']).unwrap_or(rest.len());
    let length = word.clamp(1, rest.len().max(1));
    Some((text, before + into, length))
}
