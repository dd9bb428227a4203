//! `osmops validate`: every problem of a repository, without a network.

use super::Exit;
use super::arguments::{OutputForm, Validate};
use super::documents::ValidateDocument;
use super::output::{self, Palette};
use super::source;

pub(super) fn run(command: &Validate, palette: Palette) -> anyhow::Result<Exit> {
    let source = source::read(&command.repository)?;
    let revision = &source.revision;
    match command.repository.output {
        OutputForm::Json => output::json(&ValidateDocument {
            revision: &revision.name,
            packages: revision.desired.packages.len(),
            instances: revision.desired.instances.len(),
            problems: &revision.problems,
            warnings: &revision.warnings,
        })?,
        OutputForm::Text => {
            output::show_problems(&source, palette);
            let declared = format!(
                "{}, {}",
                counted(revision.desired.packages.len(), "package"),
                counted(revision.desired.instances.len(), "NS instance")
            );
            if revision.problems.is_empty() {
                output::out(&format!("{}: {declared}, no problems\n", revision.name))?;
            } else {
                let problems = counted(revision.problems.len(), "problem");
                output::out(&format!("{}: {problems}; healthy: {declared}\n", revision.name))?;
            }
        }
    }
    Ok(if revision.problems.is_empty() { Exit::Converged } else { Exit::Failed })
}

/// `1 package`, `2 packages`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
