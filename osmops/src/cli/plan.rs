//! `osmops plan`: what `apply` would do, and why.

use osmops::failure::chain;
use osmops::plan::{Plan, Verdict, render};
use osmops::reconcile::read_and_plan;
use osmops::revision::Revision;

use super::Exit;
use super::arguments::{self, OutputForm};
use super::documents::{PlanDocument, StoppedDocument};
use super::output::{self, Palette};
use super::{connect, source};

pub(super) async fn run(command: &arguments::Plan, palette: Palette) -> anyhow::Result<Exit> {
    let source = source::read_with(&command.repository, &command.policy)?;
    let revision = &source.revision;
    if command.repository.output == OutputForm::Text {
        output::show_problems(&source, palette);
    }
    if revision.desired.is_empty() {
        print(command, revision, &Plan::default(), None, palette)?;
        return Ok(exit(revision, &Plan::default()));
    }
    let nbi = connect::connect(&command.connection, &source)?;
    let planned = read_and_plan(&nbi, &revision.desired).await;
    if let Err(error) = nbi.log_out().await {
        tracing::debug!("{}", chain(&error));
    }
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) if command.repository.output == OutputForm::Json => {
            let (stopped, help) = (chain(&error), error.help());
            output::json(&StoppedDocument { revision: &revision.name, stopped, help })?;
            return Ok(Exit::Failed);
        }
        Err(error) => return Err(error.into()),
    };
    print(command, revision, &plan, Some(nbi.request_counts().total()), palette)?;
    Ok(exit(revision, &plan))
}

fn print(
    command: &arguments::Plan,
    revision: &Revision,
    plan: &Plan,
    requests: Option<u64>,
    palette: Palette,
) -> anyhow::Result<()> {
    match command.repository.output {
        OutputForm::Json => output::json(&PlanDocument {
            revision: &revision.name,
            entries: &plan.entries,
            actions: &plan.actions,
            notes: &plan.notes,
            problems: &revision.problems,
            warnings: &revision.warnings,
            requests,
        }),
        OutputForm::Text => {
            let plan = output::painted(&render(plan), palette.stdout);
            output::out(&format!("Plan for revision {}\n\n{plan}", revision.name))
        }
    }
}

fn exit(revision: &Revision, plan: &Plan) -> Exit {
    let any =
        |wanted: fn(&Verdict) -> bool| plan.entries.iter().any(|entry| wanted(&entry.verdict));
    if !revision.problems.is_empty() || any(|v| matches!(v, Verdict::Blocked { .. })) {
        Exit::Failed
    } else if any(|v| matches!(v, Verdict::Act { .. })) {
        Exit::Changes
    } else if any(|v| matches!(v, Verdict::Waiting { .. })) {
        Exit::Unverified
    } else {
        Exit::Converged
    }
}
