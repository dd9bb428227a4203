//! A plan as text, for people, logs and transcripts.
//!
//! The first character of a line says what kind it is: `+` create, `~` change, `-` remove, `…` wait, `!` blocked,
//! `=` unchanged, `?` worth a look, a blank for details.

use std::fmt::Write;

use serde_json::Value;

use crate::source_pos::SourcePos;

use super::{
    Action, Attempt, DescriptorDifference, Entry, PackageRef, Plan, PlannedAction, ValueDifference,
    Verdict, Wait, Why,
};

/// The whole plan: an entry for each declared item, the reasons under it, and a summary line.
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for entry in &plan.entries {
        render_entry(&mut text, plan, entry);
    }
    for note in &plan.notes {
        let _ = writeln!(text, "? {note}");
    }
    text.push_str(&summary(plan));
    text.push('\n');
    text
}

fn render_entry(text: &mut String, plan: &Plan, entry: &Entry) {
    let item = &entry.item;
    // Writing to a String cannot fail.
    let _ = match &entry.verdict {
        Verdict::Current => writeln!(text, "= {item}: unchanged"),
        Verdict::Waiting { on } => writeln!(text, "… {item}: {on}"),
        Verdict::Blocked { reason } => writeln!(text, "! {item}: blocked\n    {reason}"),
        Verdict::Act { actions } => {
            for action in actions.iter().filter_map(|id| plan.action(*id)) {
                render_action(text, action, &entry.at);
            }
            Ok(())
        }
    };
    for note in &entry.notes {
        let _ = writeln!(text, "  ? {note}");
    }
}

fn render_action(text: &mut String, planned: &PlannedAction, at: &SourcePos) {
    let (sign, what) = deed(&planned.action);
    let _ = writeln!(text, "{sign} {}: {what}", planned.item);
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
pub(super) fn change_in_one_line(action: &Action, why: &Why, at: &SourcePos) -> String {
    let prefix = format!("{at}: ");
    let reasons = reasons(why, at);
    let reasons = reasons.iter().map(|line| line.strip_prefix(&prefix).unwrap_or(line));
    let reasons = reasons.collect::<Vec<_>>().join("; ").replace(":; ", ": ");
    format!("{} ({reasons})", deed(action).1)
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
                "{at}: another tool uploaded other files (as {name}), so they are replaced"
            );
            told_differences(&found, differences)
        }
        Why::FilesDiffer {
            observed_version,
            declared_version,
            version_at,
            observed_digest,
            declared_digest,
        } => {
            let files = format!(
                "the files differ from the last upload (digest {observed_digest} → {declared_digest})"
            );
            let version = |v: &Option<String>| v.clone().unwrap_or_else(|| "none".to_owned());
            let (old, new) = (version(observed_version), version(declared_version));
            if old == new {
                vec![format!("{at}: {files}; the version stays {new}")]
            } else {
                vec![format!("{version_at}: version {old} → {new}"), files]
            }
        }
        Why::DeclaredNoMore => {
            vec![format!("{at}: made for this repository, and declared no more")]
        }
        Why::MadeTwice { oldest } => {
            vec![format!("{at}: made twice; {oldest} is older, and stays")]
        }
        Why::DescriptorDiffers { modified, differences } => {
            let found = format!(
                "someone changed the descriptor in OSM, last at {modified} (the files are as declared):"
            );
            told_differences(&found, differences)
        }
        Why::KeysDropped { differences } => {
            let found =
                "OSM keeps what an upload does not name, so what is not declared is removed:";
            told_differences(found, differences)
        }
        Why::MadeAnew { reason } => {
            vec![reason.to_string(), "it is removed, and made anew by a later pass".to_owned()]
        }
        Why::MadeOtherwise => vec![
            format!(
                "{at}: not deployed, and made with other or unknown values or packages, which OSM would use"
            ),
            "it is removed, and made anew by a later pass".to_owned(),
        ],
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

fn told_differences(found: &str, differences: &[DescriptorDifference]) -> Vec<String> {
    let mut lines = vec![found.to_owned()];
    lines.extend(differences.iter().take(DIFFERENCES_MAX).map(descriptor_difference));
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
        return format!("{at}: {path} is not declared (OSM has {observed})");
    }
    format!("{at}: {path}: {observed} → {declared}")
}

fn difference(found: &ValueDifference) -> String {
    let ValueDifference { at, key, observed, declared, changed_by } = found;
    if observed == declared {
        return format!("{at}: {key}: values that are not shown differ");
    }
    let observed = observed.as_ref().map_or("(absent)".to_owned(), Value::to_string);
    let Some(declared) = declared else {
        return format!("{at}: {key} is not declared (OSM has {observed})");
    };
    let changed_by = changed_by.as_ref().map(|by| format!(" (OSM has {observed} {by})"));
    format!("{at}: {key}: {observed} → {declared}{}", changed_by.unwrap_or_default())
}

fn attempt_words(attempt: &Attempt) -> String {
    let Attempt { number, of, failed } = attempt;
    // An operator who takes a broken instance down asks for one more attempt than the policy has.
    format!("attempt {number} of {}, because {failed}", number.max(of))
}

/// `2 to create, 1 to change, 3 unchanged`, naming only what there is.
fn summary(plan: &Plan) -> String {
    let is_retry = |planned: &&PlannedAction| matches!(planned.action, Action::TakeDown { .. });
    let retried = plan.actions.iter().filter(is_retry).count();
    let signed =
        |sign: char| plan.actions.iter().filter(|planned| deed(&planned.action).0 == sign).count();
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
        (signed('~') - retried, "to change"),
        (retried, "to retry"),
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
        (count(|v| matches!(v, Verdict::Waiting { on: Wait::Retry { .. } })), "to be tried again"),
        (count(|v| matches!(v, Verdict::Blocked { .. })), "blocked"),
        (count(|v| matches!(v, Verdict::Current)), "unchanged"),
    ];
    let named: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if named.is_empty() { "nothing is declared".to_owned() } else { named.join(", ") }
}
