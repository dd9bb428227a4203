//! What `osmops` reads, plans, sends and sees.

use std::collections::BTreeMap;
use std::time::Duration;

use osmops::apply::ActionResult;
use osmops::nbi::NbiError;
use osmops::observed::{OpEnd, OpState};
use osmops::plan::{Action, Entry, Item, Plan, PlannedAction, Verdict, render};
use osmops::reconcile::OperationLook;
use osmops::report::{ItemReport, ItemStatus, PassEnd, PassReport};
use osmops::request_counts::RequestCounts;
use owo_colors::Style;

use super::{Sign, Story, plural};

/// Of more entries or actions than this only some are told.
const TOLD_MAX: usize = 30;

/// How many of each sort are told then.
const EXAMPLES: usize = 4;

impl Story {
    /// A plan that is about to be carried out; `pass` counts from 1 within one `apply`.
    pub(crate) fn planned(&mut self, plan: &Plan, pass: usize) {
        if plan.entries.is_empty() && pass == 1 {
            self.timed("Nothing healthy is declared, so there is nothing to ask OSM about.");
            return;
        }
        match (pass, plan.is_converged()) {
            (1, true) => self.timed("OSM was read. It is as declared already:"),
            (1, false) => self.timed("OSM was read. The plan:"),
            (_, true) => {
                let line = self.marked(Sign::Good, "OSM was read again: it is as declared.");
                self.timed(&line);
                return;
            }
            (_, false) => self.timed("OSM was read again. The plan:"),
        }
        self.rendered(plan);
        let is_blocked = |entry: &&Entry| matches!(entry.verdict, Verdict::Blocked { .. });
        let blocked = plan.entries.iter().filter(is_blocked);
        self.blocked = blocked.map(|entry| entry.item.clone()).collect();
        self.examples = (plan.actions.len() > TOLD_MAX).then(|| {
            let items = plan.actions.iter().map(|action| action.item.clone());
            items.take(EXAMPLES).collect()
        });
        if let Some(examples) = &self.examples {
            let rest = plan.actions.len() - examples.len();
            self.timed(&format!(
                "(The first {EXAMPLES} changes are told from here on; of the other {rest} only failures.)"
            ));
        }
    }

    /// A plan that is only looked at.
    pub(crate) fn only_planned(&mut self, plan: &Plan, requests: &RequestCounts) {
        self.timed("OSM was read. The plan:");
        self.rendered(plan);
        self.line(format!("OSM Ops sent {}.", counted(requests)));
    }

    /// Of a plan with very many entries the first of each sort, and its summary.
    fn rendered(&mut self, plan: &Plan) {
        let text = render(plan);
        let is_long = plan.entries.len() > TOLD_MAX;
        let mut shown: BTreeMap<char, usize> = BTreeMap::new();
        let mut hidden: BTreeMap<char, usize> = BTreeMap::new();
        let mut hides = false;
        let last = text.lines().count().saturating_sub(1);
        for (index, line) in text.lines().enumerate() {
            let sign = line.chars().next().filter(|first| *first != ' ');
            if let (true, Some(sign)) = (is_long && index < last, sign) {
                let count = shown.entry(sign).or_default();
                *count += 1;
                hides = *count > EXAMPLES && sign != '!';
                *hidden.entry(sign).or_default() += usize::from(hides);
            }
            if hides && index < last {
                continue;
            }
            if index == last {
                for (sign, hidden) in hidden.iter().filter(|(_, hidden)| **hidden > 0) {
                    self.line(format!("    {sign} … {hidden} more"));
                }
            }
            let style = match line.chars().next() {
                Some('+') => Style::new().green(),
                Some('~' | '-' | '…') => Style::new().yellow(),
                Some('!') => Style::new().red(),
                _ => Style::new(),
            };
            let line = self.paint(style, line);
            self.line(format!("    {line}"));
        }
    }

    fn is_told(&self, item: &Item) -> bool {
        self.examples.as_ref().is_none_or(|examples| examples.contains(item))
    }

    pub(crate) fn action_starts(&mut self, action: &PlannedAction) {
        if !self.is_told(&action.item) {
            return;
        }
        let what = match &action.action {
            Action::CreatePackage { .. } => "packing and uploading it",
            Action::UpdatePackage { .. } => "packing and uploading it over the old files",
            Action::PatchPackage { .. } => "changing its descriptor in OSM",
            Action::CreateInstance { .. } => "asking OSM to create and instantiate it",
            Action::Instantiate { .. } => "asking OSM to instantiate it",
            Action::TakeDown { .. } => "asking OSM to terminate it and to keep its record",
            Action::UpgradeKdu { member, kdu, .. } => {
                &format!("asking OSM to upgrade KDU {member}/{kdu}")
            }
            Action::Terminate { .. } => "asking OSM to terminate and remove it",
            Action::DeleteInstance { .. } | Action::DeletePackage { .. } => {
                "asking OSM to delete it"
            }
        };
        let line = self.marked(Sign::Sent, &format!("{}: {what}", action.item));
        self.timed(&line);
    }

    pub(crate) fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult) {
        let item = &action.item;
        let is_good = matches!(result, ActionResult::Done | ActionResult::Started(_));
        if is_good && !self.is_told(item) {
            return;
        }
        let line = match result {
            ActionResult::Done => {
                self.marked(Sign::Good, &format!("{item}: {}", done_words(&action.action)))
            }
            ActionResult::Started(operation) => {
                let text = format!("{item}: OSM starts operation {operation}");
                self.marked(Sign::Busy, &text)
            }
            ActionResult::Failed(failure) if failure.may_be_done => {
                let text = format!(
                    "{item}: {}; it may have been accepted, so OSM is read again before it is sent again",
                    failure.message
                );
                self.marked(Sign::Doubt, &text)
            }
            ActionResult::Failed(failure) => {
                self.marked(Sign::Bad, &format!("{item}: {}", failure.message))
            }
            ActionResult::Skipped(_) => {
                let text = format!("{item}: skipped, because something it needs was not done");
                self.marked(Sign::Bad, &text)
            }
            ActionResult::Cancelled => {
                self.marked(Sign::Bad, &format!("{item}: not sent, because it was time to stop"))
            }
        };
        self.timed(&line);
        if let ActionResult::Failed(failure) = result
            && let Some(help) = failure.help
        {
            self.line(format!("              {help}"));
        }
    }

    /// A look at an operation; told when there is something new.
    pub(crate) fn operation_seen(&mut self, look: &OperationLook) {
        let (what, state) = (&look.what, word(look.state));
        let (sign, text) = match look.state.end() {
            None => (Sign::Busy, format!("{what}: {}", look.words.trim())),
            Some(OpEnd::Done) => (Sign::Good, format!("{what} {state}")),
            Some(OpEnd::Failed) => (Sign::Bad, format!("{what} {state}: {}", look.words)),
        };
        let is_bad = matches!(sign, Sign::Bad);
        let is_known = self.told.get(&look.operation) == Some(&text);
        if is_known || !(is_bad || self.is_told(&look.item)) {
            return;
        }
        let line = self.marked(sign, &format!("{}: {text}", look.item));
        self.told.insert(look.operation.clone(), text);
        self.timed(&line);
    }

    pub(crate) fn operation_forgotten(&mut self, item: &Item) {
        if self.is_told(item) {
            let text = format!("{item}: OSM has removed it, and the operation with it");
            let line = self.marked(Sign::Good, &text);
            self.timed(&line);
        }
    }

    pub(crate) fn pass_ended(&mut self, report: &PassReport) {
        if let Some(reason) = &report.stopped {
            let line = self.marked(Sign::Bad, &format!("OSM could not be read: {reason}"));
            self.timed(&line);
        }
    }

    /// How an `apply` ended.
    pub(crate) fn applied(
        &mut self,
        report: &PassReport,
        within: Duration,
        requests: &RequestCounts,
    ) {
        let (sign, text) = match report.end {
            PassEnd::Converged => {
                (Sign::Good, "Converged: OSM is as the commit declares.".to_owned())
            }
            PassEnd::Waiting { .. } if report.interrupted => {
                (Sign::Bad, "Interrupted: the next pass carries on from here.".to_owned())
            }
            PassEnd::Waiting { .. } => (Sign::Busy, stopped_words(report, within)),
            PassEnd::Failed => (Sign::Bad, "Failed: it may succeed later.".to_owned()),
            PassEnd::Stalled => (Sign::Bad, stalled_words(report.stalled_items())),
        };
        let line = self.marked(sign, &text);
        self.timed(&line);
        let blocked = std::mem::take(&mut self.blocked);
        let told_above =
            |item: &&ItemReport| item.status == ItemStatus::Blocked && blocked.contains(&item.item);
        let above: Vec<String> =
            report.items.iter().filter(told_above).map(|item| item.item.to_string()).collect();
        let others = report.items.iter().filter(|item| !told_above(item));
        if !above.is_empty() {
            let line = format!("{}: as the plan above says", above.join(", "));
            let line = self.marked(Sign::Bad, &line);
            self.line(format!("    {line}"));
        }
        for item in others {
            let is_bad = matches!(
                item.status,
                ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped
            );
            let waits = matches!(item.status, ItemStatus::AtWork | ItemStatus::Waiting);
            if is_bad || waits {
                let detail = item.detail.as_deref().unwrap_or("no reason given");
                let sign = if is_bad { Sign::Bad } else { Sign::Busy };
                let line = self.marked(sign, &format!("{}: {detail}", item.item));
                self.line(format!("    {line}"));
                if let Some(help) = item.help {
                    self.line(format!("        {help}"));
                }
            }
        }
        self.line(format!("OSM Ops sent {}.", counted(requests)));
    }

    pub(crate) fn log_out(&mut self, result: Result<(), NbiError>) {
        if let Err(error) = result {
            // OSM forgets the token by itself; the run need not fail for it.
            let line = self.marked(Sign::Bad, &format!("cannot log out: {error}"));
            self.timed(&line);
        }
    }
}

/// What an action that was done at once did.
fn done_words(action: &Action) -> &'static str {
    match action {
        Action::CreatePackage { .. } | Action::UpdatePackage { .. } => "uploaded",
        Action::PatchPackage { .. } => "descriptor changed",
        Action::DeleteInstance { .. } | Action::DeletePackage { .. } => "OSM has deleted it",
        Action::CreateInstance { .. }
        | Action::Instantiate { .. }
        | Action::TakeDown { .. }
        | Action::UpgradeKdu { .. }
        | Action::Terminate { .. } => "done",
    }
}

/// Ended by its time limit: what OSM goes on with, by name.
fn stopped_words(report: &PassReport, within: Duration) -> String {
    let goes_on = |item: &&ItemReport| {
        matches!(item.status, ItemStatus::Started | ItemStatus::AtWork)
            && !item.operations.is_empty()
    };
    let items: Vec<String> =
        report.items.iter().filter(goes_on).map(|item| item.item.to_string()).collect();
    let within = humantime::format_duration(within);
    match items.as_slice() {
        [] => format!("Stopped after {within}: it is not verified; apply it again to go on."),
        items => {
            let items = items.join(", ");
            format!("Stopped after {within}: OSM goes on with {items}; apply it again to follow.")
        }
    }
}

fn stalled_words(items: usize) -> String {
    let helps = "another commit or an operator must help.";
    match items {
        0 => format!("Stalled: {helps}"),
        1 => format!("Stalled: 1 item cannot go on by itself; {helps}"),
        n => format!("Stalled: {n} items cannot go on by themselves; {helps}"),
    }
}

/// `13 requests: 1 log-in, 7 reads, …`, naming only what there is.
fn counted(requests: &RequestCounts) -> String {
    let parts = [
        (requests.log_in, "log-in", "log-ins"),
        (requests.read, "read", "reads"),
        (requests.write, "write", "writes"),
        (requests.probe, "look at an operation", "looks at operations"),
        (requests.log_out, "log-out", "log-outs"),
    ];
    let named: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many }))
        .collect();
    match named.as_slice() {
        [] => "no request".to_owned(),
        named => format!("{}: {}", plural(requests.total(), "request"), named.join(", ")),
    }
}

/// OSM's word for a state.
fn word(state: OpState) -> String {
    let word = serde_json::to_value(state).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
