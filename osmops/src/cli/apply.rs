//! `osmops apply`: one pass, or passes until OSM matches.

use osmops::failure::chain;
use osmops::reconcile::{PassOptions, converge, pass};
use osmops::report::{ChangeKind, ItemStatus, PassEnd, PassReport};
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::arguments::{Apply, OutputForm};
use super::output::{self, Palette};
use super::progress::Progress;
use super::validate::counted;
use super::{connect, source, telemetry};

pub(super) async fn run(command: &Apply, palette: Palette) -> anyhow::Result<Exit> {
    let source = source::read_with(&command.repository, &command.policy)?;
    let revision = &source.revision;
    if telemetry::shows_progress() {
        output::show_problems(&source, palette);
    } else {
        // Log lines tell the progress here, and they may be read by machines.
        for problem in &revision.problems {
            tracing::error!("{problem}");
        }
        for warning in &revision.warnings {
            tracing::warn!("{warning}");
        }
    }
    let stop = CancellationToken::new();
    let mut progress = Progress::new(palette);
    let mut report = if revision.desired.is_empty() {
        PassReport::without_osm(revision)
    } else {
        let nbi = connect::connect(&command.connection, &source)?;
        stop_on_ctrl_c(stop.clone());
        let options = PassOptions { writes_at_once: command.writes_at_once };
        let mut report = if command.wait {
            converge(&nbi, revision, &options, command.timeout, &stop, &mut progress).await
        } else {
            pass(&nbi, revision, &options, &stop, &mut progress).await
        };
        if let Err(error) = nbi.log_out().await {
            tracing::debug!("{}", chain(&error));
        }
        report.requests = nbi.request_counts();
        report
    };
    report.interrupted |= stop.is_cancelled();
    progress.end();
    match command.repository.output {
        OutputForm::Json => output::json(&report)?,
        OutputForm::Text => output::out(&output::painted(&text(&report), palette.stdout))?,
    }
    Ok(exit(&report))
}

/// The first Ctrl-C lets the request on its way end and then stops; the second ends the process.
fn stop_on_ctrl_c(stop: CancellationToken) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            output::note(
                "stopping after the request on its way; OSM goes on with what it has begun",
            );
            stop.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}

fn exit(report: &PassReport) -> Exit {
    match report.end {
        _ if report.interrupted => Exit::Interrupted,
        _ if report.has_failures() => Exit::Failed,
        PassEnd::Converged => Exit::Converged,
        PassEnd::Waiting { .. } => Exit::Unverified,
        PassEnd::Failed | PassEnd::Stalled => Exit::Failed,
    }
}

/// What was done, what stands in the way, and how it ended.
fn text(report: &PassReport) -> String {
    let mut lines = Vec::new();
    for change in &report.changes {
        lines.push(format!("{} {}: {}", sign(&change.what), change.item, change.what));
    }
    for item in &report.items {
        let detail = item.detail.clone().unwrap_or_default();
        match item.status {
            ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped => {
                lines.push(format!("! {}: {detail}", item.item));
                lines.extend(item.help.map(|help| format!("    {help}")));
            }
            ItemStatus::Unsent => lines.push(format!("… {}: {detail}", item.item)),
            ItemStatus::AtWork | ItemStatus::Waiting => {
                lines.push(format!("… {}: {detail}", item.item));
            }
            ItemStatus::Current | ItemStatus::Written | ItemStatus::Started => {}
        }
        lines.extend(item.notes.iter().map(|note| format!("? {}: {note}", item.item)));
    }
    lines.extend(report.notes.iter().map(|note| format!("? {note}")));
    if !report.problems.is_empty() {
        let problems = counted(report.problems.len(), "problem");
        lines.push(format!("! the repository has {problems} of its own, named above"));
    }
    if let Some(reason) = &report.stopped {
        lines.push(format!("! {reason}"));
        lines.extend(report.help.map(|help| format!("    {help}")));
    }
    lines.push(format!("{}; {}", summary(report), counted_requests(report)));
    lines.join("\n") + "\n"
}

/// As in a plan.
fn sign(change: &ChangeKind) -> char {
    match change {
        ChangeKind::Created | ChangeKind::CreatedAndInstantiated | ChangeKind::Instantiated => '+',
        ChangeKind::Updated
        | ChangeKind::DescriptorChanged
        | ChangeKind::TakenDown
        | ChangeKind::Upgraded { .. } => '~',
        ChangeKind::Terminated | ChangeKind::Deleted => '-',
    }
}

/// How it ended, and what that means.
fn summary(report: &PassReport) -> String {
    let revision = &report.revision;
    let current = report.items.iter().filter(|item| item.status == ItemStatus::Current).count();
    match report.end {
        _ if report.interrupted => format!("interrupted: revision {revision} is not verified"),
        _ if report.timed_out => {
            format!(
                "the time is over: revision {revision} is not verified (apply it again to go on)"
            )
        }
        PassEnd::Converged => {
            format!("converged: {} of revision {revision} in OSM", match_words(current))
        }
        PassEnd::Waiting { .. } if report.has_failures() => {
            format!(
                "failed in part: not all of revision {revision} was sent, and nothing is verified"
            )
        }
        PassEnd::Waiting { .. } if report.changes.is_empty() => {
            format!("waiting: revision {revision} is not verified yet (--wait waits)")
        }
        PassEnd::Waiting { .. } => {
            format!(
                "started: revision {revision} is not verified yet (--wait does, or apply it again)"
            )
        }
        PassEnd::Failed => format!("failed: revision {revision} is not applied; it may work later"),
        PassEnd::Stalled => {
            format!("stalled: revision {revision}: {}", stalled_words(report))
        }
    }
}

fn stalled_words(report: &PassReport) -> String {
    let helps = "another commit or an operator must help";
    match report.stalled_items() {
        0 => format!("it cannot go on by itself (see above); {helps}"),
        1 => format!("1 item cannot go on by itself (see above); {helps}"),
        n => format!("{n} items cannot go on by themselves (see above); {helps}"),
    }
}

fn match_words(current: usize) -> String {
    let verb = if current == 1 { "matches" } else { "match" };
    format!("{} {verb} the declaration", counted(current, "item"))
}

fn counted_requests(report: &PassReport) -> String {
    let requests = &report.requests;
    let total = usize::try_from(requests.total()).unwrap_or(usize::MAX);
    format!("{}, {} of them writing", counted(total, "request"), requests.write)
}
