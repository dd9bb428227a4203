//! What a plan says of itself: its lines, its sum, and what helps where nothing can be done.

use osmops::desired::PackageKey;
use osmops::ids::{DescriptorId, NsId, NsName, OpId, PackageId, PackageKind};
use osmops::moment::Moment;
use osmops::plan::{
    Action, ActionId, Attempt, Blocked, Deed, DescriptorDifference, Entry, FailedOperation, Item,
    Note, Plan, PlannedAction, Verdict, Wait, Why, Would, render,
};
use osmops::source_pos::SourcePos;
use osmops::tree::TreePath;
use serde_json::json;

fn at() -> SourcePos {
    SourcePos::whole(TreePath::parse("ns.ops.yaml").unwrap())
}

fn ns() -> NsId {
    NsId::new("ns-1").unwrap()
}

fn package() -> PackageKey {
    PackageKey { kind: PackageKind::Vnfd, id: DescriptorId::new("ldap_knf").unwrap() }
}

fn record() -> PackageId {
    PackageId::new("package-1").unwrap()
}

fn instance() -> Item {
    Item::Instance(NsName::new("ldap").unwrap())
}

fn entry(verdict: Verdict) -> Entry {
    Entry { item: instance(), at: at(), verdict, notes: Vec::new() }
}

/// A plan with these entries and actions, whether they belong together or not.
fn plan_of(entries: Vec<Entry>, actions: Vec<(Action, Why)>) -> Plan {
    let planned = |(number, (action, why)): (usize, (Action, Why))| PlannedAction {
        id: ActionId(number),
        item: instance(),
        action,
        why,
        needs: Vec::new(),
        after: Vec::new(),
    };
    let actions = actions.into_iter().enumerate().map(planned).collect();
    Plan { entries, actions, ..Plan::default() }
}

/// The last line of a plan.
fn sum(plan: &Plan) -> String {
    render(plan).lines().last().unwrap().to_owned()
}

#[test]
fn each_action_counts_once_in_the_sum() {
    let update = Action::UpdatePackage { package: package(), record: record(), adopted: false };
    let by_other = Why::UploadedByOther { file_name: None, differences: Vec::new() };
    let actions = vec![
        (Action::CreatePackage { package: package() }, Why::Absent),
        (update, by_other),
        (Action::DeleteInstance { ns: ns() }, Why::MadeOtherwise),
        (Action::TakeDown { ns: ns() }, Why::Broken { detail: "no disk".to_owned() }),
        (Action::DeletePackage { package: package(), record: record() }, Why::DeclaredNoMore),
    ];
    assert_eq!(
        sum(&plan_of(Vec::new(), actions)),
        "1 to create, 1 to change, 1 to make anew, 1 to try again, 1 to remove"
    );
}

#[test]
fn the_sum_says_how_much_of_what_is_to_be_removed_waits_for_its_users() {
    for (deleted, waiting, words) in [
        (1, 0, "1 to remove"),
        (0, 1, "1 to remove (once nothing uses it)"),
        (1, 1, "2 to remove (1 of them once nothing uses it)"),
        (0, 2, "2 to remove (once nothing uses them)"),
        (1, 2, "3 to remove (2 of them once nothing uses them)"),
    ] {
        let delete = (Action::DeleteInstance { ns: ns() }, Why::DeclaredNoMore);
        let wait = entry(Verdict::Waiting { on: Wait::Users(vec![instance()]) });
        assert_eq!(sum(&plan_of(vec![wait; waiting], vec![delete; deleted])), words);
    }
}

#[test]
fn notes_stand_below_the_item_that_they_are_about() {
    let note =
        Note::OtherDescription { at: at(), observed: "a".to_owned(), declared: "b".to_owned() };
    let text = |verdict: Verdict| {
        let noted = Entry { notes: vec![note.clone()], ..entry(verdict) };
        render(&plan_of(vec![noted], Vec::new()))
    };
    let line = format!("  ? {note}\n");
    let current = text(Verdict::Current);
    assert_eq!(current, format!("= NS ldap: unchanged\n{line}1 unchanged\n"));
    let nsd = DescriptorId::new("none").unwrap();
    let blocked = text(Verdict::Blocked { reason: Blocked::UnknownNsd { at: at(), nsd } });
    assert!(blocked.starts_with("! NS ldap: blocked\n"), "{blocked}");
    assert!(blocked.ends_with(&format!("{line}1 blocked\n")), "{blocked}");
}

#[test]
fn of_many_differences_the_first_twenty_are_told_and_how_many_more_there_are() {
    let told = |count: usize| -> Vec<String> {
        let difference = |number: usize| DescriptorDifference {
            path: format!("key-{number}"),
            declared: None,
            observed: Some(json!(number)),
            at: at(),
        };
        let differences = (0..count).map(difference).collect();
        let why = Why::UploadedByOther { file_name: None, differences };
        let update = Action::UpdatePackage { package: package(), record: record(), adopted: false };
        let act = entry(Verdict::Act { actions: vec![ActionId(0)] });
        let text = render(&plan_of(vec![act], vec![(update, why)]));
        // After the action and its reason, and before the sum.
        let lines: Vec<&str> = text.lines().collect();
        lines[2..lines.len() - 1].iter().map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(told(1), ["ns.ops.yaml: key-0: 0 → removed (not declared)"]);
    assert_eq!(told(20).len(), 20);
    let many = told(22);
    assert_eq!((many.len(), many[20].as_str()), (21, "and 2 more"));
}

#[test]
fn what_would_be_done_is_told_change_by_change_with_the_reasons_below() {
    let deed = |what: &str, reasons: &[&str]| Deed {
        what: what.to_owned(),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    let lines = |would: Would| -> Vec<String> {
        let verdict = Verdict::Blocked { reason: Blocked::Drifted { at: at(), would } };
        let text = render(&plan_of(vec![entry(verdict)], Vec::new()));
        text.lines().map(str::to_owned).collect()
    };
    let first = deed("upgrade KDU openldap/one of ns-1", &["a: 1 → 2", "b: 3 → 4"]);
    let changes = vec![first, deed("upgrade KDU openldap/two of ns-1", &[])];
    assert_eq!(
        lines(Would::Change(changes)),
        [
            "! NS ldap: drifted, and left so",
            "    ns.ops.yaml: changed in OSM after it was applied; drift is only reported",
            "    a repair would upgrade KDU openldap/one of ns-1:",
            "      a: 1 → 2",
            "      b: 3 → 4",
            "    and upgrade KDU openldap/two of ns-1",
            "1 blocked",
        ]
    );
    let otherwise = Would::Otherwise("change nothing now".to_owned());
    assert_eq!(lines(otherwise)[2], "    a repair would change nothing now");
}

#[test]
fn what_was_given_up_says_what_lets_it_be_tried_again() {
    for (what, helps) in [
        ("the termination", "someone terminates or deletes the instance in OSM"),
        (
            "the instantiation",
            "a commit changes its values or packages, or someone terminates or deletes it in OSM",
        ),
        ("the upgrade of KDU openldap/ldap", "a commit changes its values or packages"),
    ] {
        let failed = FailedOperation {
            what: what.to_owned(),
            id: OpId::new("op-1").unwrap(),
            asked_at: Moment::from_epoch_seconds(1_700_000_000.0),
            detail: "no disk".to_owned(),
        };
        let attempt = Attempt { number: 3, of: 3, failed };
        let text = Blocked::GivenUp { at: at(), ns: ns(), attempt }.to_string();
        assert_eq!(
            text,
            format!(
                "ns.ops.yaml: NS instance ns-1: all 3 attempts at {what} failed, the last one (operation \
                 op-1, asked for at 2023-11-14T22:13:20Z): no disk; not tried again until {helps}"
            )
        );
    }
}

#[test]
fn several_records_of_one_item_are_all_named() {
    let ids = ["package-1", "package-2"].map(|id| PackageId::new(id).unwrap()).to_vec();
    let text = Blocked::SeveralPackages { at: at(), ids }.to_string();
    assert_eq!(
        text,
        "ns.ops.yaml: OSM has several packages with this id: package-1, package-2; delete all but one"
    );
}
