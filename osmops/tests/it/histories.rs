//! Whose operations planning asks for, and how long it waits for one of them.

use std::time::Duration;

use osmops::desired::{DesiredInstance, DesiredKdu, DesiredState};
use osmops::ids::{
    DescriptorId, KduName, MemberIndex, NsId, NsName, OpId, VimAccountId, VimAccountName,
};
use osmops::moment::Moment;
use osmops::observed::{
    NsState, ObservedInstance, ObservedKdu, ObservedState, ObservedVimAccount, OpKind, OpState,
    Operation,
};
use osmops::plan::{Blocked, Verdict, needing_history, plan};
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
