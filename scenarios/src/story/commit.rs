//! What a commit changed.

use osmops::revision::Revision;
use osmops::tree::{TreeFile, TreePath};
use owo_colors::Style;
use similar::{ChangeTag, TextDiff};

use crate::repository::{Checkout, content};

use super::{Sign, Story, plural};

/// Of a new file of this length or shorter the content is shown, in lines.
const NEW_FILE_LINES_MAX: usize = 20;

/// How many changed lines of one file are shown.
const CHANGED_LINES_MAX: usize = 20;

impl Story {
    /// Tells what `now` has that `before` had not, and the other way round.
    pub(crate) fn commit(&mut self, before: Option<&Checkout>, now: &Checkout) {
        let root = TreePath::root();
        let Some(before) = before else {
            self.line("It is the first that OSM Ops sees of this repository. Its files:");
            for (path, file) in now.tree.files_below(&root) {
                self.new_file(path, file);
            }
            return;
        };
        let removed: Vec<&TreePath> = before
            .tree
            .files_below(&root)
            .map(|(path, _)| path)
            .filter(|path| now.tree.file(path).is_none())
            .collect();
        let changed: Vec<(&TreePath, &TreeFile)> = now
            .tree
            .files_below(&root)
            .filter(|(path, file)| before.tree.file(path).is_none_or(|old| differ(old, file)))
            .collect();
        if removed.is_empty() && changed.is_empty() {
            self.line(if before.tag == now.tag {
                "Its files are as they were at the last look.".to_owned()
            } else {
                format!("Its files are those of {}.", before.tag)
            });
            return;
        }
        self.line(format!("What it changed since {}:", before.tag));
        for (path, file) in changed {
            match before.tree.file(path) {
                None => self.new_file(path, file),
                Some(old) => self.changed_file(path, old, file),
            }
        }
        for path in removed {
            let line = self.paint(Style::new().red(), &format!("- {path}"));
            self.line(format!("  {line}"));
        }
    }

    /// Tells what is wrong with a revision, and what deserves a look.
    pub(crate) fn revision(&mut self, revision: &Revision) {
        if !revision.problems.is_empty() {
            self.line("What is wrong with it:");
        }
        for problem in &revision.problems {
            let line = self.marked(Sign::Bad, &problem.to_string());
            self.line(format!("  {line}"));
        }
        for warning in &revision.warnings {
            self.line(format!("  ? {warning}"));
        }
    }

    fn new_file(&mut self, path: &TreePath, file: &TreeFile) {
        let text = text(file);
        let lines = text.lines().count();
        let added = self.paint(Style::new().green(), &format!("+ {path}"));
        self.line(format!("  {added} ({})", plural(lines as u64, "line")));
        // What is declared and how is worth reading; descriptors and prose are long.
        let name = path.as_str();
        let is_told = name.ends_with(".ops.yaml") || name.ends_with("osm_ops_config.yaml");
        if is_told && lines <= NEW_FILE_LINES_MAX {
            for line in text.lines() {
                self.line(format!("      {line}"));
            }
        }
    }

    fn changed_file(&mut self, path: &TreePath, old: &TreeFile, new: &TreeFile) {
        let changed = self.paint(Style::new().yellow(), &format!("~ {path}"));
        self.line(format!("  {changed}"));
        let (old, new) = (text(old), text(new));
        let diff = TextDiff::from_lines(&old, &new);
        let changes: Vec<(ChangeTag, usize, &str)> = diff
            .iter_all_changes()
            .filter(|change| change.tag() != ChangeTag::Equal)
            .map(|change| {
                let index = change.new_index().or(change.old_index()).unwrap_or_default();
                (change.tag(), index + 1, change.value())
            })
            .collect();
        for (tag, number, line) in changes.iter().take(CHANGED_LINES_MAX) {
            let line = line.trim_end();
            let line = match tag {
                ChangeTag::Delete => {
                    self.paint(Style::new().red(), &format!("{number:>4} - {line}"))
                }
                ChangeTag::Insert | ChangeTag::Equal => {
                    self.paint(Style::new().green(), &format!("{number:>4} + {line}"))
                }
            };
            self.line(format!("      {line}"));
        }
        let hidden = changes.len().saturating_sub(CHANGED_LINES_MAX);
        if hidden > 0 {
            self.line(format!("           … {} more", plural(hidden as u64, "changed line")));
        }
    }
}

fn differ(old: &TreeFile, new: &TreeFile) -> bool {
    old.is_executable() != new.is_executable() || bytes(old) != bytes(new)
}

fn bytes(file: &TreeFile) -> Vec<u8> {
    content(file).expect("checkouts are in memory")
}

fn text(file: &TreeFile) -> String {
    String::from_utf8_lossy(&bytes(file)).into_owned()
}
