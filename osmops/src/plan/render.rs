//! A plan as text, for people, logs and transcripts.
//!
//! The first character of a line says what kind it is: `+` create, `~` change, `-` remove, `…` wait, `!` blocked,
//! `=` unchanged, `?` worth a look, a blank for details.

use std::fmt::Write;

use serde_json::Value;

use crate::source_pos::SourcePos;

use super::{
    Action, Attempt, Blocked, Deed, DescriptorDifference, Entry, PackageRef, Plan, PlannedAction,
    ValueDifference, Verdict, Wait, Why,
};

/// The whole plan: an entry for each declared item, the reasons under it, and a summary line.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for entry in &plan.entries {
        match &entry.verdict {
            Verdict::Blocked { reason } => render_blocked(&mut text, plan, entry, reason),
            verdict => render_verdict(&mut text, plan, entry, verdict),
        }
    }
    for note in &plan.notes {
        let _ = writeln!(text, "? {note}");
    }
    text.push_str(&summary(plan));
    text.push('\n');
    text
}

/// What holds for several items is told once, where the first of them stands.
fn render_blocked(text: &mut String, plan: &Plan, entry: &Entry, reason: &Blocked) {
    let is_same =
        |e: &&Entry| matches!(&e.verdict, Verdict::Blocked { reason: other } if other == reason);
    let mut same = plan.entries.iter().filter(is_same).peekable();
    if same.peek().is_some_and(|first| first.item != entry.item) {
        return;
    }
    let same: Vec<&Entry> = same.collect();
    let items: Vec<String> = same.iter().map(|entry| entry.item.to_string()).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "! {}: {}", items.join(", "), reason.headline());
    for line in reason.lines() {
        let _ = writeln!(text, "    {line}");
    }
    same.iter().for_each(|entry| render_notes(text, entry));
}

fn render_verdict(text: &mut String, plan: &Plan, entry: &Entry, verdict: &Verdict) {
    let item = &entry.item;
    let _ = match verdict {
        Verdict::Current => writeln!(text, "= {item}: unchanged"),
        Verdict::Waiting { on } => writeln!(text, "… {item}: {on}"),
        Verdict::Act { actions } => {
            for action in actions.iter().filter_map(|id| plan.action(*id)) {
                render_action(text, action, &entry.at);
            }
            Ok(())
        }
        Verdict::Blocked { .. } => Ok(()),
    };
    render_notes(text, entry);
}

fn render_notes(text: &mut String, entry: &Entry) {
    for note in &entry.notes {
        let _ = writeln!(text, "  ? {note}");
    }
}

fn render_action(text: &mut String, planned: &PlannedAction, at: &SourcePos) {
    let (sign, what) = deed(&planned.action);
    let again = if is_made_anew(planned) { ", to make it anew" } else { "" };
    let _ = writeln!(text, "{sign} {}: {what}{again}", planned.item);
    for reason in reasons(&planned.why, at) {
        let _ = writeln!(text, "    {reason}");
    }
    if let Action::CreateInstance { spec } | Action::Instantiate { spec, .. } = &planned.action {
        for kdu in &spec.kdus {
            for (key, value) in kdu.params.shown() {
                let _ = writeln!(text, "    {}/{}: {key}: {value}", kdu.member, kdu.kdu);
            }
        }
    }
}

/// An action and its reasons, for messages about what is not done and that begin with `at` themselves.
pub(super) fn proposed(action: &Action, why: &Why, at: &SourcePos) -> Deed {
    let prefix = format!("{at}: ");
    let reasons = match why {
        // The message says so.
        Why::Absent => Vec::new(),
        why => reasons(why, at),
    };
    let told = |line: String| line.strip_prefix(&prefix).map_or(line.clone(), str::to_owned);
    Deed { what: deed(action).1, reasons: reasons.into_iter().map(told).collect() }
}

/// Whether something is removed so that a later pass can make it as declared.
fn is_made_anew(planned: &PlannedAction) -> bool {
    matches!(planned.why, Why::MadeAnew { .. } | Why::MadeOtherwise)
}

/// What is done: its sign, and words that follow the item.
fn deed(action: &Action) -> (char, String) {
    match action {
        Action::CreatePackage { .. } => ('+', "create".to_owned()),
        Action::UpdatePackage { record, .. } => ('~', format!("update package {record}")),
        Action::PatchPackage { record, .. } => {
            ('~', format!("change descriptor of package {record}"))
        }
        Action::CreateInstance { spec } => {
            let which = match &spec.nsd {
                PackageRef::Existing(record) => record.to_string(),
                PackageRef::CreatedBy(_) => "made first".to_owned(),
            };
            ('+', format!("create from NSD {} ({which})", spec.nsd_id))
        }
        Action::Instantiate { ns, .. } => ('+', format!("instantiate the record {ns}")),
        Action::TakeDown { ns } => ('~', format!("terminate {ns} to try again (the record stays)")),
        Action::UpgradeKdu { ns, member, kdu, .. } => {
            ('~', format!("upgrade KDU {member}/{kdu} of {ns}"))
        }
        Action::Terminate { ns } => ('-', format!("terminate {ns}")),
        Action::DeleteInstance { ns } => ('-', format!("delete the record {ns}")),
        Action::DeletePackage { record, .. } => ('-', format!("delete package {record}")),
    }
}

/// Why it is done, from the place in the file to the value observed; a line each.
fn reasons(why: &Why, at: &SourcePos) -> Vec<String> {
    match why {
        Why::Absent => vec![format!("{at}: OSM has none")],
        Why::NeverInstantiated => vec![format!("{at}: made once, but never instantiated")],
        Why::UploadedByOther { file_name, differences } => {
            let name =
                file_name.as_ref().map_or("a descriptor alone".to_owned(), |n| format!("`{n}`"));
            let found = format!(
                "{at}: OSM's files, which another tool uploaded (as {name}), are not the declared ones"
            );
            with_differences(&found, differences)
        }
        Why::FilesDiffer {
            observed_version,
            declared_version,
            version_at,
            observed_digest,
            declared_digest,
            differences,
        } => {
            let mut files = format!(
                "the files differ from the last upload (digest {observed_digest} → {declared_digest})"
            );
            let version = |v: &Option<String>| v.clone().unwrap_or_else(|| "none".to_owned());
            let (old, new) = (version(observed_version), version(declared_version));
            if old == new {
                files = format!("{at}: {files}; the version stays {new}");
            } else if differences.is_empty() {
                return vec![format!("{version_at}: version: {old} → {new}"), files];
            }
            let mut lines = told_differences(differences);
            lines.push(files);
            lines
        }
        Why::DeclaredNoMore => {
            vec![format!("{at}: bears this repository's mark, and is declared no more")]
        }
        Why::MadeTwice { stays } => {
            vec![format!("{at}: made twice; {stays} stays")]
        }
        Why::DescriptorDiffers { modified, differences } => {
            let found = format!(
                "someone changed the descriptor in OSM, last at {modified} (the files are as declared):"
            );
            with_differences(&found, differences)
        }
        Why::KeysDropped { differences } => {
            let found =
                "OSM keeps what an upload does not name, so what is not declared is removed:";
            with_differences(found, differences)
        }
        Why::MadeAnew { change } => {
            vec![format!("{change}, which OSM cannot change on an instance (`recreate: true`)")]
        }
        Why::MadeOtherwise => vec![format!(
            "{at}: not deployed, and made with other or unknown values or packages, which OSM would use"
        )],
        Why::Failed { attempt } => vec![format!("{at}: {}", attempt_words(attempt))],
        Why::Broken { detail } => vec![format!("{at}: OSM has it BROKEN: {detail}")],
        Why::ValuesDiffer { differences, attempt } => {
            let attempt = attempt.as_ref().map(attempt_words);
            differences.iter().map(difference).chain(attempt).collect()
        }
    }
}

/// How many differences of a descriptor are shown; two descriptors may have nothing in common.
const DIFFERENCES_MAX: usize = 20;

/// How much of a value is shown, in characters.
const VALUE_CHARS_MAX: usize = 120;

fn with_differences(found: &str, differences: &[DescriptorDifference]) -> Vec<String> {
    let mut lines = vec![found.to_owned()];
    lines.extend(told_differences(differences));
    lines
}

fn told_differences(differences: &[DescriptorDifference]) -> Vec<String> {
    let shown = differences.iter().take(DIFFERENCES_MAX);
    let mut lines: Vec<String> = shown.map(descriptor_difference).collect();
    if let Some(more) = differences.len().checked_sub(DIFFERENCES_MAX).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

pub(super) fn descriptor_difference(found: &DescriptorDifference) -> String {
    let DescriptorDifference { at, path, observed, declared } = found;
    let value = |value: &Option<Value>| {
        let whole = value.as_ref().map_or("(absent)".to_owned(), Value::to_string);
        match whole.char_indices().nth(VALUE_CHARS_MAX) {
            Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
            None => whole,
        }
    };
    let (observed, declared) = (value(observed), value(declared));
    if observed == declared {
        return format!("{at}: {path}: values that are not shown differ");
    }
    if found.declared.is_none() {
        return format!("{at}: {path}: {observed} → removed (not declared)");
    }
    format!("{at}: {path}: {observed} → {declared}")
}

pub(super) fn difference(found: &ValueDifference) -> String {
    let ValueDifference { at, key, observed, declared, changed_by } = found;
    if observed == declared {
        return format!("{at}: {key}: values that are not shown differ");
    }
    let observed = observed.as_ref().map_or("(absent)".to_owned(), Value::to_string);
    let Some(declared) = declared else {
        return format!("{at}: {key}: {observed} → removed (not declared)");
    };
    let changed_by = changed_by.as_ref().map(|by| format!(" ({observed} was {by})"));
    format!("{at}: {key}: {observed} → {declared}{}", changed_by.unwrap_or_default())
}

fn attempt_words(attempt: &Attempt) -> String {
    let Attempt { number, of, failed } = attempt;
    // An operator who takes a broken instance down asks for one more attempt than the policy has.
    format!("attempt {number} of {}, because {failed}", number.max(of))
}

/// `2 to create, 1 to change, 3 unchanged`, naming only what there is.
fn summary(plan: &Plan) -> String {
    // Each action is counted once: made anew, tried again, or by its sign.
    let is_retry = |planned: &PlannedAction| {
        matches!(planned.action, Action::TakeDown { .. })
            || matches!(
                planned.why,
                Why::Failed { .. } | Why::ValuesDiffer { attempt: Some(_), .. }
            )
    };
    let counted = |is_counted: &dyn Fn(&PlannedAction) -> bool| {
        plan.actions.iter().filter(|planned| is_counted(planned)).count()
    };
    let anew = counted(&is_made_anew);
    let retried = counted(&|planned| !is_made_anew(planned) && is_retry(planned));
    let signed = |sign: char| {
        counted(&|planned| {
            !is_made_anew(planned) && !is_retry(planned) && deed(&planned.action).0 == sign
        })
    };
    let count = |wanted: fn(&Verdict) -> bool| {
        plan.entries.iter().filter(|entry| wanted(&entry.verdict)).count()
    };
    let later = count(|v| matches!(v, Verdict::Waiting { on: Wait::Users(_) }));
    let removed = signed('-') + later;
    let to_remove = match later {
        0 => "to remove".to_owned(),
        1 if removed == 1 => "to remove (once nothing uses it)".to_owned(),
        1 => "to remove (1 of them once nothing uses it)".to_owned(),
        n if n == removed => "to remove (once nothing uses them)".to_owned(),
        n => format!("to remove ({n} of them once nothing uses them)"),
    };
    let parts = [
        (signed('+'), "to create"),
        (signed('~'), "to change"),
        (anew, "to make anew"),
        (retried, "to try again"),
        (removed, to_remove.as_str()),
        (
            count(|v| {
                matches!(v, Verdict::Waiting { on: Wait::Operation(_) | Wait::Removal { .. } })
            }),
            "waiting for OSM",
        ),
        (
            count(|v| matches!(v, Verdict::Waiting { on: Wait::Instance { .. } })),
            "waiting for others",
        ),
        (count(|v| matches!(v, Verdict::Waiting { on: Wait::Retry { .. } })), "to try again later"),
        (count(|v| matches!(v, Verdict::Blocked { .. })), "blocked"),
        (count(|v| matches!(v, Verdict::Current)), "unchanged"),
    ];
    let named: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if named.is_empty() { "nothing is declared".to_owned() } else { named.join(", ") }
}
