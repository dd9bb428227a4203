//! Tells a run in plain words, as it happens or as one text.
//!
//! In: calls of `run`, in order. Out: lines on standard output, or a text. Invariant: says what it is
//! told and nothing else; with a paused clock the same calls give the same bytes.

mod commit;
mod pass;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use mock_nbi::{Fault, FaultKind};
use osmops::ids::OpId;
use osmops::moment::Moment;
use osmops::plan::Item;
use owo_colors::{OwoColorize, Style};
use tokio::time::Instant;

use crate::check::Check;
use crate::fake::Served;
use crate::hand::Made;
use crate::run::{RunReport, Session};
use crate::script::Script;
use crate::step::{Deed, Given, KduValues, OperationsMode, Step, WITHIN_DEFAULT};
use crate::tables;

/// The widest line of prose, in characters.
const WIDTH: usize = 96;

/// OSM's words, for who meets them here first.
const GLOSSARY: &str = "In OSM's words: an NS is a running network service. It is made from an NSD, \
    the package that describes it, which names the VNFDs of its parts. A KDU is a part that a helm \
    chart installs; its values are what one tunes. A VIM account is a site where services run.";

/// How a story is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoryOptions {
    /// Write each line to standard output at once.
    pub is_live: bool,
    /// With colours.
    pub is_painted: bool,
    /// With every request that the fake served.
    pub has_requests: bool,
}

/// A run being told.
#[derive(Debug)]
pub struct Story {
    options: StoryOptions,
    started: Instant,
    /// What the fake's clock was moved on by hand.
    advanced: Duration,
    text: String,
    /// What was said last of each operation.
    told: BTreeMap<OpId, String>,
    /// The items that a pass over very many tells of; all where there are few.
    examples: Option<BTreeSet<Item>>,
    /// The items whose reasons stand in the plan that was told last.
    blocked: BTreeSet<Item>,
}

impl Story {
    /// Begins now: times are counted from here.
    pub fn new(options: StoryOptions) -> Self {
        Self {
            options,
            started: Instant::now(),
            advanced: Duration::ZERO,
            text: String::new(),
            told: BTreeMap::new(),
            examples: None,
            blocked: BTreeSet::new(),
        }
    }

    /// The fake's clock is moved on by hand, and with it the story's.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.advanced += by;
    }

    /// Everything told so far.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Adds a line.
    pub fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref().trim_end();
        if self.options.is_live {
            // Who reads no more needs no story; the report and the exit code remain.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.is_painted { text.style(style).to_string() } else { text.to_owned() }
    }

    /// A line with the time in front.
    fn timed(&mut self, line: &str) {
        let clock =
            format!("[{}]", tables::clock((self.started.elapsed() + self.advanced).as_secs_f64()));
        let clock = self.paint(Style::new().dimmed(), &clock);
        self.line(format!("{clock} {line}"));
    }

    fn heading(&mut self, text: &str) {
        let text = self.paint(Style::new().bold(), text);
        self.line("");
        self.line(text);
    }

    /// A sign and a text in its colour.
    fn marked(&self, sign: Sign, text: &str) -> String {
        let (sign, style) = match sign {
            Sign::Good => ("✓", Style::new().green()),
            Sign::Bad => ("✗", Style::new().red()),
            Sign::Busy => ("…", Style::new().yellow()),
            Sign::Sent => ("→", Style::new().cyan()),
            Sign::Doubt => ("?", Style::new().yellow()),
        };
        format!("{} {text}", self.paint(style, sign))
    }

    /// `epoch` is the start by OSM's clock, where that is known.
    pub(crate) fn begin(&mut self, script: &Script, target: &str, epoch: Option<Moment>) {
        let name = self.paint(Style::new().bold(), &format!("# {}", script.name));
        self.line(name);
        self.line("");
        self.prose(&script.purpose);
        self.line("");
        self.prose(GLOSSARY);
        self.line("");
        let epoch = epoch.map(|epoch| format!(", which is {epoch} by OSM's clock"));
        self.prose(&format!(
            "OSM is {target}. Times are minutes and seconds since the start{}.",
            epoch.unwrap_or_default()
        ));
    }

    fn prose(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + word.chars().count() + 1 > WIDTH {
                self.line(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(line);
    }

    pub(crate) fn given_begins(&mut self, count: usize) {
        if count > 0 {
            self.heading("## Before: an operator prepares OSM");
        }
    }

    pub(crate) fn given(&mut self, given: &Given, made: Made) {
        let (what, note) = match given {
            Given::VimAccount { name } => (format!("VIM account {name}"), None),
            Given::K8sCluster { name, vim_account } => {
                (format!("Kubernetes cluster {name} at {vim_account}"), None)
            }
            Given::Quota { of, at_most } => {
                (format!("a quota of {at_most} for `{of}` of the project"), None)
            }
            Given::Package { folder } => {
                let name = folder.rsplit('/').next().unwrap_or(folder);
                (format!("package {name}"), Some("uploaded by another tool".to_owned()))
            }
            Given::NsInstance { name, kdus, owner, .. } => {
                let made = match owner {
                    Some(owner) => format!("made for owner {owner}"),
                    None => "made by hand".to_owned(),
                };
                let values: Vec<String> = kdus.iter().map(values).collect();
                let note = format!("{made} with {}", values.join(", "));
                (format!("NS instance {name}"), Some(note))
            }
        };
        let text = match (made, note) {
            (Made::Now, None) => format!("{what} is ready"),
            (Made::Now, Some(note)) => format!("{what} is ready ({note})"),
            (Made::Before, _) => format!("{what} was there already"),
        };
        let line = self.marked(Sign::Good, &text);
        self.timed(&line);
    }

    /// A step begins; `applied` is the tag that was applied last.
    pub(crate) fn step_begins(&mut self, number: usize, step: &Step, applied: Option<&str>) {
        let text = match step {
            Step::Apply { tag, within, policy } => {
                let again = applied == Some(tag);
                let what = if again { "is applied again" } else { "arrives and is applied" };
                let told = match (policy.allow_large_prune, policy.reports_drift) {
                    (true, _) => ", with --allow-large-prune",
                    (false, true) => ", with --drift report",
                    (false, false) => "",
                };
                match *within {
                    WITHIN_DEFAULT => format!("Commit {tag} {what}{told}"),
                    within => {
                        let within = humantime::format_duration(within);
                        format!("Commit {tag} {what}, for at most {within}{told}")
                    }
                }
            }
            Step::Plan { tag } => format!("What would commit {tag} do? (nothing is written)"),
            Step::ByHand(deed) => format!("Somebody {}, by hand", by_hand(deed)),
            Step::Expect(_) => "What must hold now".to_owned(),
            Step::Fault(fault) => format!("The fake is told: {}", trouble(fault)),
            Step::Advance(by) => {
                let by = humantime::format_duration(*by);
                format!("The fake is told: {by} pass")
            }
            Step::Operations(mode) => {
                format!("The fake is told: operations {} from now on", ending(*mode))
            }
            Step::EndOperations(mock_nbi::OperationResult::Ok) => {
                "The fake is told: pending operations end well".to_owned()
            }
            Step::EndOperations(mock_nbi::OperationResult::Fail { detail }) => {
                format!("The fake is told: pending operations fail with `{detail}`")
            }
        };
        self.heading(&format!("## {number}. {text}"));
    }

    pub(crate) fn done_by_hand(&mut self) {
        let line = self.marked(Sign::Good, "OSM has done it");
        self.timed(&line);
    }

    pub(crate) fn requests(&mut self, served: &[Served]) {
        if !self.options.has_requests {
            return;
        }
        self.line("The requests, as OSM saw them:");
        let line = |served: &Served| {
            let query = match served.query.as_str() {
                "" => String::new(),
                query => format!("?{}", shortened(query)),
            };
            let status = served.status.map_or("no answer".to_owned(), |status| status.to_string());
            format!("{:<6} {}{query} {status}", served.method, served.path)
        };
        for same in served.chunk_by(|a, b| line(a) == line(b)) {
            let Some(first) = same.first() else { continue };
            let times = match same.len() {
                1 => String::new(),
                n => format!(" ({n} times)"),
            };
            self.line(format!("    {}{times}", line(first)));
        }
        if served.is_empty() {
            self.line("    none");
        }
    }

    pub(crate) fn checked(&mut self, checks: &[Check]) {
        for check in checks {
            let line = match &check.found_instead {
                None => self.marked(Sign::Good, &check.claim),
                Some(found) => {
                    let text =
                        format!("{}: NOT SO, found: {found} (line {})", check.claim, check.line);
                    self.marked(Sign::Bad, &text)
                }
            };
            self.line(format!("  {line}"));
        }
    }

    pub(crate) fn end(
        &mut self,
        report: &RunReport,
        opened_at: f64,
        hand_requests: u64,
        connections: usize,
    ) {
        self.heading("## At the end, OSM has");
        let tables = [
            tables::packages(&report.osm),
            tables::instances(&report.osm),
            tables::operations(&report.osm, opened_at),
        ];
        for table in &tables {
            for line in table.lines() {
                self.line(line);
            }
            self.line("");
        }
        self.sessions(report, hand_requests, connections);
        let held = report.checks.iter().filter(|c| c.found_instead.is_none());
        let (held, all) = (held.count(), report.checks.len());
        let text = match (report.interrupted, held == all) {
            (true, _) if all == 0 => "Interrupted before the first expectation.".to_owned(),
            (true, _) => format!("Interrupted; {held} of {all} expectations held so far."),
            (false, true) => format!("All {} held.", plural(all as u64, "expectation")),
            (false, false) => format!("{held} of {all} expectations held."),
        };
        let sign = if held == all && !report.interrupted { Sign::Good } else { Sign::Bad };
        let line = self.marked(sign, &text);
        self.line(line);
    }

    fn sessions(&mut self, report: &RunReport, hand_requests: u64, connections: usize) {
        let total: u64 = report.sessions.iter().map(|s| s.requests.total()).sum();
        let words = |session: &Session| {
            let (verb, tag) = (session.verb, &session.tag);
            format!("{} for {verb} {tag}", session.requests.total())
        };
        let parts: Vec<String> = report.sessions.iter().map(words).collect();
        let over = match connections {
            0 => String::new(),
            1 => " All went over one connection.".to_owned(),
            n => format!(" All went over {n} connections."),
        };
        let parts = match parts.as_slice() {
            [] => String::new(),
            parts => format!(": {}", parts.join(", ")),
        };
        self.prose(&format!(
            "OSM Ops sent {}{parts}. Preparing OSM and looking at it for \
             this story took {hand_requests} more.{over}",
            plural(total, "request")
        ));
    }
}

/// A filter that names very many values is told by its first one.
fn shortened(query: &str) -> String {
    const VALUES_MAX: usize = 4;
    let values = query.split(',').count();
    match query.split_once(',') {
        Some((first, _)) if values > VALUES_MAX => format!("{first},… ({values} values)"),
        _ => query.to_owned(),
    }
}

/// What somebody does, in words.
fn by_hand(deed: &Deed) -> String {
    match deed {
        Deed::Create { name, nsd, owner, .. } => {
            let whose = owner.as_ref().map(|owner| format!(" for owner {owner}"));
            format!("makes NS {name} from NSD {nsd}{}", whose.unwrap_or_default())
        }
        Deed::Upgrade { name, kdus } => {
            let values: Vec<String> = kdus.iter().map(values).collect();
            format!("upgrades NS {name} to {}", values.join(", "))
        }
        Deed::Remove { name } => format!("terminates NS {name} and removes it"),
        Deed::Edit { package, to } => {
            let keys: Vec<String> = to.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            format!("edits the descriptor of {package} to {}", keys.join(", "))
        }
        Deed::Delete { package } => format!("deletes package {package}"),
    }
}

fn values(kdu: &KduValues) -> String {
    let values: Vec<String> = kdu.values.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    values.join(", ")
}

/// How operations end, in words.
fn ending(mode: OperationsMode) -> &'static str {
    match mode {
        OperationsMode::Off => "never start",
        OperationsMode::Ok => "end well at once",
        OperationsMode::Fail => "fail at once",
        OperationsMode::Manual => "go on until they are told to end",
    }
}

/// A fault in words.
fn trouble(fault: &Fault) -> String {
    let (nth, operation) = (fault.nth, &fault.operation);
    let what = match &fault.kind {
        FaultKind::Status { status, .. } => format!("is refused with {status}"),
        FaultKind::Html { status } => format!("gets a proxy's page with {status}"),
        FaultKind::NotJson => "gets an answer that is no JSON".to_owned(),
        FaultKind::Hang => "is never answered".to_owned(),
        FaultKind::ResetBefore => "is cut before it takes effect".to_owned(),
        FaultKind::ResetAfter => "takes effect, and is cut before its answer".to_owned(),
        FaultKind::Truncated => "takes effect, and its answer breaks off".to_owned(),
        FaultKind::OperationFails { detail } => {
            format!("starts an operation that fails later with `{detail}`")
        }
        FaultKind::OperationRests { state, detail } => {
            let detail = detail.as_ref().map(|detail| format!(" with `{detail}`"));
            let (state, detail) = (state.word(), detail.unwrap_or_default());
            format!("starts an operation that ends in state {state}{detail}")
        }
        FaultKind::Late { seconds } => format!("is answered {seconds} s late"),
        other => {
            let about = other.help().map_or("meets trouble", |help| help.about);
            format!("meets `{}`: {about}", other.name())
        }
    };
    format!("call {nth} of `{operation}` from now {what}")
}

/// `1 request`, `2 requests`.
pub(crate) fn plural(n: u64, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

/// What a marked line says.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Good,
    Bad,
    Busy,
    Sent,
    Doubt,
}
