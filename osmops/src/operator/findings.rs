//! What a pass found, in the words of a status. Pure.

use crate::desired::DesiredState;
use crate::plan::Blocked;
use crate::report::{ItemReport, ItemStatus, PassReport};

use super::end::{Health, Reason, shortened};

/// A pass over what is declared.
#[derive(Clone, Copy)]
pub(super) struct Findings<'a> {
    pub(super) report: &'a PassReport,
    pub(super) desired: &'a DesiredState,
}

impl Findings<'_> {
    /// What was sent to OSM and taken on.
    pub(super) fn changes(self) -> Vec<String> {
        let change = |change: &crate::report::Change| {
            let operation = change.operation.as_ref();
            let operation = operation.map(|id| format!(" (operation {id})")).unwrap_or_default();
            format!("{}: {}{operation}", change.item, change.what)
        };
        self.report.changes.iter().map(change).collect()
    }

    /// What OSM has as it is declared.
    pub(super) fn inventory(self) -> Vec<String> {
        let items = self.report.items.iter();
        let current = items.filter(|item| item.status == ItemStatus::Current);
        current.map(|item| item.item.to_string()).collect()
    }

    /// What OSM is doing, and what stands in the way meanwhile.
    pub(super) fn at_work(self) -> String {
        let is_told = |item: &&ItemReport| is_busy(item) || item.status == ItemStatus::Waiting;
        let mut parts: Vec<String> = self.report.items.iter().filter(is_told).map(words).collect();
        if self.report.has_failures() {
            parts.push(self.faults());
        }
        parts.join("; ")
    }

    /// Everything that is wrong: with OSM, with the repository, with items.
    pub(super) fn faults(self) -> String {
        let report = self.report;
        let stopped = report.stopped.iter().map(|reason| with_help(reason, report.help));
        let problems = report.problems.iter().map(ToString::to_string);
        let items = report.items.iter().filter(|item| is_bad(item));
        let items = items.map(|item| with_help(&words(item), item.help));
        stopped.chain(problems).chain(items).collect::<Vec<_>>().join("; ")
    }

    /// The one reason of all faults; a general one where they have several.
    pub(super) fn reason(self) -> Reason {
        let report = self.report;
        if report.stopped.is_some() {
            return if report.log_in_refused {
                Reason::AuthenticationFailed
            } else {
                Reason::ReconciliationFailed
            };
        }
        let problems = (!report.problems.is_empty()).then_some(Reason::BuildFailed);
        let items = report.items.iter().filter(|item| is_bad(item));
        let mut reasons = problems.into_iter().chain(items.map(|item| self.reason_of(item)));
        match reasons.next() {
            Some(first) if reasons.all(|other| other == first) => first,
            Some(_) | None => Reason::ReconciliationFailed,
        }
    }

    fn reason_of(self, item: &ItemReport) -> Reason {
        if self.is_removal(item) {
            return Reason::PruneFailed;
        }
        match &item.blocked {
            Some(Blocked::Drifted { .. } | Blocked::Deleted { .. }) => Reason::DriftDetected,
            // What a mistake in the repository brings with it.
            Some(
                Blocked::UnknownVnfd { .. }
                | Blocked::UnknownNsd { .. }
                | Blocked::NeedsMistaken { .. },
            ) if !self.report.problems.is_empty() => Reason::BuildFailed,
            _ if is_ailing(item) => Reason::HealthCheckFailed,
            _ => Reason::ReconciliationFailed,
        }
    }

    /// How what is declared fares; `None` where that was not found out.
    pub(super) fn health(self) -> Option<Health> {
        if self.report.stopped.is_some() {
            return None;
        }
        let declared = || self.report.items.iter().filter(|item| !self.is_removal(item));
        let ailing: Vec<String> = declared().filter(|item| is_ailing(item)).map(words).collect();
        if !ailing.is_empty() {
            return Some(Health::Ailing(shortened(ailing.join("; "))));
        }
        let busy: Vec<String> = declared().filter(|item| is_busy(item)).map(words).collect();
        if !busy.is_empty() {
            return Some(Health::AtWork(shortened(busy.join("; "))));
        }
        let count = declared().filter(|item| item.status == ItemStatus::Current).count();
        let noun = if count == 1 { "item is" } else { "items are" };
        (count > 0).then(|| Health::Well(format!("{count} {noun} as declared, and well")))
    }

    /// Whether OSM has taken everything on. What it is at work on since before this pass may be something
    /// else than what is declared, unless that `was_taken_on`.
    pub(super) fn is_taken_on(self, was_taken_on: bool) -> bool {
        let is_taken_on = |item: &ItemReport| match item.status {
            ItemStatus::Current | ItemStatus::Written | ItemStatus::Started => true,
            ItemStatus::AtWork => was_taken_on,
            ItemStatus::Waiting
            | ItemStatus::Unsent
            | ItemStatus::Skipped
            | ItemStatus::Failed
            | ItemStatus::Blocked => false,
        };
        !self.report.has_failures() && self.report.items.iter().all(is_taken_on)
    }

    /// Whether it is declared no more. Such items stand where their removal is asked for.
    fn is_removal(self, item: &ItemReport) -> bool {
        self.desired.prune.as_ref().is_some_and(|prune| prune.at == item.at)
    }
}

fn is_busy(item: &ItemReport) -> bool {
    matches!(
        item.status,
        ItemStatus::Written | ItemStatus::Started | ItemStatus::AtWork | ItemStatus::Unsent
    )
}

fn is_bad(item: &ItemReport) -> bool {
    matches!(item.status, ItemStatus::Failed | ItemStatus::Blocked | ItemStatus::Skipped)
}

/// Whether an operation on it failed, lasts too long, or left it broken.
fn is_ailing(item: &ItemReport) -> bool {
    // What failed and is tried again is due at some time.
    item.due_in.is_some()
        || matches!(
            item.blocked,
            Some(
                Blocked::GivenUp { .. }
                    | Blocked::Overdue { .. }
                    | Blocked::Degraded { .. }
                    | Blocked::Broken { .. }
                    | Blocked::StrangeState { .. }
                    | Blocked::UpgradeWithoutEffect { .. }
            )
        )
}

fn words(item: &ItemReport) -> String {
    format!("{}: {}", item.item, item.detail.as_deref().unwrap_or("at work"))
}

fn with_help(text: &str, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{text} ({help})"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Prune;
    use crate::ids::{DescriptorId, NsId, NsName, OpId, RevisionName};
    use crate::plan::{Item, Would};
    use crate::report::{Change, ChangeKind};
    use crate::revision::Revision;
    use crate::source_pos::SourcePos;
    use crate::tree::{Tree, TreePath};
    use std::time::Duration;

    fn at(path: &str) -> SourcePos {
        SourcePos::whole(TreePath::parse(path).unwrap())
    }

    fn item(name: &str, status: ItemStatus, blocked: Option<Blocked>) -> ItemReport {
        ItemReport {
            item: Item::Instance(NsName::new(name).unwrap()),
            at: at("ns.ops.yaml"),
            status,
            detail: blocked.as_ref().map(ToString::to_string),
            blocked,
            operations: Vec::new(),
            may_pass: false,
            help: None,
            due_in: None,
            notes: Vec::new(),
        }
    }

    fn drifted() -> Blocked {
        Blocked::Drifted { at: at("ns.ops.yaml"), would: Would::Otherwise("upgrade it".to_owned()) }
    }

    fn without_effect() -> Blocked {
        Blocked::UpgradeWithoutEffect {
            at: at("ns.ops.yaml"),
            ns: NsId::new("ns-1").unwrap(),
            operation: OpId::new("op-1").unwrap(),
            differences: Vec::new(),
        }
    }

    /// A pass that ended with these items, and what is declared.
    fn pass(items: Vec<ItemReport>) -> (PassReport, DesiredState) {
        let name = RevisionName::new("7").unwrap();
        let mut revision = Revision::read(&Tree::from_files([]), name);
        revision.problems.clear();
        let prune = Some(Prune { at: at("osm_ops_config.yaml"), allow_large: false });
        let desired = DesiredState { prune, ..DesiredState::default() };
        let mut report = PassReport::without_osm(&revision);
        report.items = items;
        (report, desired)
    }

    /// The reason, and how well it is, of a pass that ended with these items.
    fn found(items: Vec<ItemReport>) -> (Reason, Option<Health>) {
        let (report, desired) = pass(items);
        let findings = Findings { report: &report, desired: &desired };
        (findings.reason(), findings.health())
    }

    #[test]
    fn faults_of_one_sort_have_its_reason_and_those_of_several_a_general_one() {
        let blocked = |blocked| item("a", ItemStatus::Blocked, Some(blocked));
        let mut removal = blocked(without_effect());
        removal.at = at("osm_ops_config.yaml");
        let failed = item("b", ItemStatus::Failed, None);
        for (items, reason) in [
            (vec![blocked(drifted())], Reason::DriftDetected),
            (vec![blocked(without_effect())], Reason::HealthCheckFailed),
            (vec![removal.clone()], Reason::PruneFailed),
            (vec![failed.clone()], Reason::ReconciliationFailed),
            (vec![blocked(drifted()), removal], Reason::ReconciliationFailed),
            (vec![blocked(drifted()), blocked(drifted())], Reason::DriftDetected),
        ] {
            assert_eq!(found(items).0, reason);
        }
    }

    #[test]
    fn faults_are_told_with_what_helps_against_them() {
        let mut helped = item("a", ItemStatus::Failed, None);
        helped.detail = Some("no helm repository".to_owned());
        helped.help = Some("add it to OSM");
        let mut report = pass(vec![helped, item("b", ItemStatus::Skipped, None)]).0;
        report.stopped = Some("OSM does not answer".to_owned());
        report.help = Some("look after it");
        let findings = Findings { report: &report, desired: &DesiredState::default() };
        let words = "OSM does not answer (look after it); \
                     NS a: no helm repository (add it to OSM); NS b: at work";
        assert_eq!(findings.faults(), words);
    }

    #[test]
    fn what_was_taken_on_is_told_with_the_operation_that_it_started() {
        let change = |what: ChangeKind, operation: Option<&str>| Change {
            item: Item::Instance(NsName::new("a").unwrap()),
            what,
            operation: operation.map(|id| OpId::new(id).unwrap()),
        };
        let (mut report, desired) = pass(Vec::new());
        report.changes =
            vec![change(ChangeKind::Instantiated, Some("op-1")), change(ChangeKind::Deleted, None)];
        let findings = Findings { report: &report, desired: &desired };
        assert_eq!(
            findings.changes(),
            ["NS a: instantiation started (operation op-1)", "NS a: deleted"]
        );
    }

    #[test]
    fn health_is_about_operations_on_what_is_declared() {
        let current = || item("a", ItemStatus::Current, None);
        let mut retried = item("b", ItemStatus::Waiting, None);
        retried.due_in = Some(Duration::from_secs(60));
        let started = item("c", ItemStatus::Started, None);
        let drifted = item("d", ItemStatus::Blocked, Some(drifted()));
        let mut removed = started.clone();
        removed.at = at("osm_ops_config.yaml");
        let well = Some(Health::Well("1 item is as declared, and well".to_owned()));
        assert_eq!(found(vec![current()]).1, well);
        assert_eq!(found(vec![current(), drifted.clone(), removed]).1, well);
        assert_eq!(found(vec![drifted]).1, None);
        let busy = found(vec![current(), started.clone()]).1;
        assert_eq!(busy, Some(Health::AtWork("NS c: at work".to_owned())));
        let ailing = found(vec![current(), started, retried]).1;
        assert_eq!(ailing, Some(Health::Ailing("NS b: at work".to_owned())));
    }

    #[test]
    fn everything_is_taken_on_once_nothing_waits_or_failed_or_is_another_s_work() {
        let is_taken_on = |statuses: &[ItemStatus], was_taken_on: bool| {
            let items = statuses.iter().map(|status| item("a", *status, None)).collect();
            let (report, desired) = pass(items);
            Findings { report: &report, desired: &desired }.is_taken_on(was_taken_on)
        };
        let taken = [ItemStatus::Current, ItemStatus::Written, ItemStatus::Started];
        assert!(is_taken_on(&taken, false));
        for status in [
            ItemStatus::Waiting,
            ItemStatus::Unsent,
            ItemStatus::Skipped,
            ItemStatus::Failed,
            ItemStatus::Blocked,
        ] {
            assert!(!is_taken_on(&[ItemStatus::Current, status], true), "{status:?}");
        }
        assert!(is_taken_on(&[ItemStatus::AtWork], true));
        assert!(!is_taken_on(&[ItemStatus::AtWork], false));
    }

    #[test]
    fn mistakes_of_the_repository_explain_what_they_leave_without_a_package() {
        let unknown = || Blocked::UnknownNsd {
            at: at("ns.ops.yaml"),
            nsd: DescriptorId::new("none").unwrap(),
        };
        let (mut report, desired) = pass(vec![item("a", ItemStatus::Blocked, Some(unknown()))]);
        let reason = |report: &PassReport| Findings { report, desired: &desired }.reason();
        assert_eq!(reason(&report), Reason::ReconciliationFailed);
        let tree = Tree::from_files([]);
        report.problems = Revision::read(&tree, RevisionName::new("7").unwrap()).problems;
        assert!(!report.problems.is_empty(), "a repository without a configuration");
        assert_eq!(reason(&report), Reason::BuildFailed);
    }

    #[test]
    fn what_is_current_is_inventory_and_what_is_busy_or_waits_is_told_with_the_faults() {
        let (report, desired) = pass(vec![
            item("a", ItemStatus::Current, None),
            item("b", ItemStatus::AtWork, None),
            item("c", ItemStatus::Waiting, None),
            item("d", ItemStatus::Failed, None),
            item("e", ItemStatus::Started, None),
        ]);
        let findings = Findings { report: &report, desired: &desired };
        assert_eq!(findings.inventory(), ["NS a"]);
        assert_eq!(
            findings.at_work(),
            "NS b: at work; NS c: at work; NS e: at work; NS d: at work"
        );
        let (report, desired) = pass(vec![item("a", ItemStatus::Waiting, None)]);
        let findings = Findings { report: &report, desired: &desired };
        assert_eq!(findings.at_work(), "NS a: at work");
    }
}
