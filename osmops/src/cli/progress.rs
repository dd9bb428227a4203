//! What `apply` shows while it works: spinners on a terminal. Elsewhere the log lines tell it.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use osmops::apply::ActionResult;
use osmops::ids::OpId;
use osmops::observed::OpEnd;
use osmops::plan::{Item, PlannedAction};
use osmops::reconcile::{Observer, OperationLook};
use owo_colors::{OwoColorize, Style};

use super::output::Palette;
use super::telemetry;

/// How often spinners turn.
const TICK: Duration = Duration::from_millis(120);

/// The display; without a terminal it shows nothing.
pub(super) struct Progress {
    bars: Option<MultiProgress>,
    palette: Palette,
    sending: Option<ProgressBar>,
    operations: BTreeMap<OpId, ProgressBar>,
}

impl Progress {
    pub(super) fn new(palette: Palette) -> Self {
        let bars = telemetry::shows_progress().then(MultiProgress::new);
        Self { bars, palette, sending: None, operations: BTreeMap::new() }
    }

    /// Removes whatever still turns.
    pub(super) fn end(&mut self) {
        for bar in self.operations.values().chain(&self.sending) {
            bar.finish_and_clear();
        }
    }

    fn spinner(&self, text: String) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").ok()?;
        let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_message(text));
        bar.enable_steady_tick(TICK);
        Some(bar)
    }

    fn line(&self, sign: char, text: &str) {
        let Some(bars) = &self.bars else { return };
        let style = match sign {
            '✔' => Style::new().green(),
            '✘' => Style::new().red(),
            _ => Style::new(),
        };
        let sign = sign.to_string();
        let sign = if self.palette.stderr { sign.style(style).to_string() } else { sign };
        let _ = bars.println(format!("{sign} {text}"));
    }
}

impl Observer for Progress {
    fn action_starts(&mut self, action: &PlannedAction) {
        self.sending = self.spinner(format!("{}: sending", action.item));
    }

    fn action_ended(&mut self, action: &PlannedAction, result: &ActionResult) {
        if let Some(bar) = self.sending.take() {
            bar.finish_and_clear();
        }
        let item = &action.item;
        match result {
            ActionResult::Done => self.line('✔', &format!("{item}: accepted by OSM")),
            ActionResult::Started(operation) => {
                if let Some(bar) = self.spinner(format!("{item}: started")) {
                    self.operations.insert(operation.clone(), bar);
                }
            }
            ActionResult::Failed(failure) => {
                self.line('✘', &format!("{item}: {}", failure.message));
            }
            ActionResult::Skipped(_) | ActionResult::Cancelled => {
                self.line('-', &format!("{item}: not sent"));
            }
        }
    }

    fn operation_forgotten(&mut self, item: &Item, operation: &OpId) {
        if let Some(bar) = self.operations.remove(operation) {
            bar.finish_and_clear();
        }
        self.line('✔', &format!("{item}: removed"));
    }

    fn operation_seen(&mut self, look: &OperationLook) {
        let OperationLook { item, operation, what, state, words } = look;
        match state.end() {
            None => {
                let text = format!("{item}: {what}: {words}");
                match self.operations.get(operation) {
                    Some(bar) => bar.set_message(text),
                    None => {
                        if let Some(bar) = self.spinner(text) {
                            self.operations.insert(operation.clone(), bar);
                        }
                    }
                }
            }
            Some(end) => {
                if let Some(bar) = self.operations.remove(operation) {
                    bar.finish_and_clear();
                }
                match end {
                    OpEnd::Done => self.line('✔', &format!("{item}: {what} completed")),
                    OpEnd::Failed => self.line('✘', &format!("{item}: {what} failed: {words}")),
                }
            }
        }
    }
}
