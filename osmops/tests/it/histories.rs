//! Whose operations planning asks for, how long it waits for one of them, and what it makes of failed ones.

use std::time::Duration;

use osmops::desired::{DesiredInstance, DesiredKdu, DesiredState};
use osmops::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, OpId, Owner, PackageId, PackageKind,
    VimAccountId, VimAccountName,
};
use osmops::moment::Moment;
use osmops::observed::{
    Change, Content, KduChange, NsState, ObservedInstance, ObservedKdu, ObservedPackage,
    ObservedState, ObservedVimAccount, OpKind, OpState, Operation, PackageState, Settings,
};
use osmops::plan::{Blocked, Plan, Verdict, Wait, Why, needing_history, plan};
use osmops::secret::{Params, SecretNames};
use osmops::source_pos::SourcePos;
use osmops::tree::TreePath;
use serde_json::{Value, json};

const READ_AT: f64 = 1_700_000_000.0;

/// A declaration of one instance with the value `a: 1`.
fn declared(recreate: bool) -> DesiredState {
    let at = SourcePos::whole(TreePath::parse("ns.ops.yaml").unwrap());
    let values = json!({ "a": 1 }).as_object().unwrap().clone();
    let kdu = DesiredKdu {
        member: (MemberIndex::new("openldap").unwrap(), at.clone()),
        name: (KduName::new("ldap").unwrap(), at.clone()),
        model: None,
        params: Params::new(values, SecretNames::default()),
        param_positions: vec![at.clone()],
    };
    let instance = DesiredInstance {
        name: NsName::new("ldap").unwrap(),
        at: at.clone(),
        description: None,
        nsd: (DescriptorId::new("ldap_ns").unwrap(), at.clone()),
        vim_account: (VimAccountName::new("here").unwrap(), at),
        kdus: vec![kdu],
        adopt: false,
        depends_on: Vec::new(),
        recreate,
    };
    DesiredState { instances: vec![instance], ..DesiredState::default() }
}

/// That instance, as OSM has it with these values.
fn running_with(values: &Value) -> ObservedInstance {
    let kdu = ObservedKdu {
        member: MemberIndex::new("openldap").unwrap(),
        name: KduName::new("ldap").unwrap(),
        model: None,
        is_as_installed: true,
        values: Some(values.as_object().unwrap().clone()),
    };
    ObservedInstance {
        id: NsId::new("ns-1").unwrap(),
        name: NsName::new("ldap").unwrap(),
        created: Moment::from_epoch_seconds(READ_AT - 7200.0),
        description: None,
        nsd: Some(DescriptorId::new("ldap_ns").unwrap()),
        packages: Vec::new(),
        owner: None,
        vim_account: Some(VimAccountId::new("vim-here").unwrap()),
        state: NsState::Ready,
        running: None,
        failure: None,
        can_reset_values: true,
        kdus: vec![kdu],
        history: None,
    }
}

/// An OSM with this instance and two VIM accounts.
fn with(have: ObservedInstance) -> ObservedState {
    let account = |name: &str| ObservedVimAccount {
        id: VimAccountId::new(format!("vim-{name}")).unwrap(),
        name: VimAccountName::new(name).unwrap(),
    };
    ObservedState {
        instances: vec![have],
        vim_accounts: Some(vec![account("there"), account("here")]),
        read_at: Moment::from_epoch_seconds(READ_AT),
        ..ObservedState::default()
    }
}

fn asks(desired: &DesiredState, have: ObservedInstance) -> bool {
    !needing_history(desired, &with(have)).is_empty()
}

#[test]
fn operations_of_an_instance_that_runs_as_declared_are_not_asked_for() {
    let (same, more) = (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }));
    for can_reset_values in [false, true] {
        for recreate in [false, true] {
            let have = ObservedInstance { can_reset_values, ..running_with(&same) };
            assert!(!asks(&declared(recreate), have), "{can_reset_values} {recreate}");
        }
        // What OSM cannot take back is no difference.
        let have = ObservedInstance { can_reset_values, ..running_with(&more) };
        assert_eq!(asks(&declared(false), have), can_reset_values);
        let have = ObservedInstance { can_reset_values, ..running_with(&json!({ "a": 2 })) };
        assert!(asks(&declared(false), have), "{can_reset_values}");
    }
}

#[test]
fn an_instance_that_was_made_otherwise_is_asked_for_its_operations_when_it_is_to_be_made_anew() {
    let same = json!({ "a": 1 });
    for recreate in [false, true] {
        let nsd = Some(DescriptorId::new("other_ns").unwrap());
        let have = ObservedInstance { nsd, ..running_with(&same) };
        assert_eq!(asks(&declared(recreate), have), recreate);
        let vim_account = Some(VimAccountId::new("vim-there").unwrap());
        let have = ObservedInstance { vim_account, ..running_with(&same) };
        assert_eq!(asks(&declared(recreate), have), recreate);
    }
}

#[test]
fn operations_of_another_owners_instance_are_not_asked_for() {
    let other = json!({ "a": 2 });
    assert!(asks(&declared(false), running_with(&other)));
    let owner = Some(Owner::new("team-b").unwrap());
    assert!(!asks(&declared(false), ObservedInstance { owner, ..running_with(&other) }));
}

#[test]
fn values_for_a_kdu_that_the_instance_lacks_are_no_upgrade_of_one_of_half_its_name() {
    for (member, name) in [("openldap", "other"), ("other", "ldap")] {
        let mut have = running_with(&json!({ "a": 1 }));
        have.kdus[0].member = MemberIndex::new(member).unwrap();
        have.kdus[0].name = KduName::new(name).unwrap();
        let verdict = plan(&declared(false), &with(have)).entries.remove(0).verdict;
        let is_blocked = matches!(&verdict, Verdict::Blocked { reason: Blocked::NoSuchKdu { .. } });
        assert!(is_blocked, "{verdict:?}");
    }
}

/// An operation that was asked for with the declared values and ended, so many seconds ago.
fn ended(id: &str, kind: OpKind, state: OpState, seconds_ago: f64) -> Operation {
    let values = json!({ "a": 1 }).as_object().unwrap().clone();
    let change = KduChange {
        member: MemberIndex::new("openldap").unwrap(),
        kdu: KduName::new("ldap").unwrap(),
        change: Change::Set(Settings { values, ..Settings::default() }),
    };
    Operation {
        id: OpId::new(id).unwrap(),
        changes: if kind == OpKind::Instantiate { vec![change] } else { Vec::new() },
        kind,
        state,
        started: Moment::from_epoch_seconds(READ_AT - seconds_ago - 10.0),
        entered: Moment::from_epoch_seconds(READ_AT - seconds_ago),
        detail: "no disk".to_owned(),
        removes: false,
    }
}

/// The plan for an instance that is not deployed, after these operations.
fn plan_after(state: NsState, history: Vec<Operation>) -> Plan {
    let history = Some(history);
    let have = ObservedInstance { state, history, ..running_with(&json!({ "a": 1 })) };
    let nsd = ObservedPackage {
        kind: PackageKind::Nsd,
        record: PackageId::new("nsd-1").unwrap(),
        id: Some(DescriptorId::new("ldap_ns").unwrap()),
        version: None,
        state: PackageState::Usable,
        modified: Moment::default(),
        file_name: None,
        descriptor: None,
        repaired: None,
        content: Content::NotRead,
        members: vec![(
            MemberIndex::new("openldap").unwrap(),
            DescriptorId::new("ldap_knf").unwrap(),
        )],
        vnfds: Vec::new(),
        kdus: Vec::new(),
    };
    plan(&declared(false), &ObservedState { packages: vec![nsd], ..with(have) })
}

/// Which attempt the only action of a plan is, at what, and by which operation it failed last.
fn attempt(plan: &Plan) -> (u32, &str, &str) {
    match plan.actions.as_slice() {
        [planned] => match &planned.why {
            Why::Failed { attempt } => {
                (attempt.number, attempt.failed.what.as_str(), attempt.failed.id.as_str())
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?} {:?}", plan.entries),
    }
}

#[test]
fn what_failed_is_tried_again_with_the_number_of_the_attempt_and_the_last_failure_of_its_kind() {
    let instantiated = || ended("op-1", OpKind::Instantiate, OpState::Failed, 3600.0);
    let terminated = |state: OpState| ended("op-2", OpKind::Terminate, state, 1800.0);
    let broken = plan_after(NsState::Broken, vec![instantiated()]);
    assert_eq!(attempt(&broken), (2, "the instantiation", "op-1"));
    let stuck = plan_after(NsState::Broken, vec![instantiated(), terminated(OpState::Failed)]);
    assert_eq!(attempt(&stuck), (2, "the termination", "op-2"));
    let history = vec![instantiated(), terminated(OpState::Completed)];
    let taken_down = plan_after(NsState::NotInstantiated, history);
    assert_eq!(attempt(&taken_down), (2, "the instantiation", "op-1"));
}

#[test]
fn a_record_that_osm_is_to_remove_is_waited_for_a_minute() {
    let verdict = |seconds_ago: f64| {
        let last = ended("op-2", OpKind::Terminate, OpState::Completed, seconds_ago);
        let first = ended("op-1", OpKind::Instantiate, OpState::Completed, 3600.0);
        let history = vec![first, Operation { removes: true, ..last }];
        plan_after(NsState::NotInstantiated, history).entries.remove(0).verdict
    };
    assert!(matches!(verdict(59.0), Verdict::Waiting { on: Wait::Removal { .. } }));
    assert!(matches!(verdict(60.0), Verdict::Act { .. }), "{:?}", verdict(60.0));
}

#[test]
fn an_operation_is_overdue_once_it_lasts_longer_than_it_may() {
    let lasting = |seconds: f64| {
        let started = Moment::from_epoch_seconds(READ_AT - seconds);
        let operation = Operation {
            id: OpId::new("op-1").unwrap(),
            kind: OpKind::Action,
            state: OpState::Processing,
            started,
            entered: started,
            detail: String::new(),
            removes: false,
            changes: Vec::new(),
        };
        let history = Some(vec![operation]);
        let have = ObservedInstance { history, ..running_with(&json!({ "a": 1 })) };
        let mut desired = declared(false);
        desired.policy.timeout = Duration::from_secs(600);
        plan(&desired, &with(have)).entries.remove(0).verdict
    };
    assert!(matches!(lasting(600.0), Verdict::Waiting { .. }));
    assert!(matches!(lasting(601.0), Verdict::Blocked { reason: Blocked::Overdue { .. } }));
}
