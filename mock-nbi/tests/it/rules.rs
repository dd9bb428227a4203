//! Random sequences of requests, held against a small model of OSM's rules.
//!
//! The model is written from NBI_FACTS.md, not from the fake's code.

mod instance;
mod model;
mod package;
mod site;
mod step;

use std::collections::BTreeMap;

use mock_nbi::{MockNbi, OperationResult, Release};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Value, json};

use crate::client::{User, send};
use model::{Call, Model};
use site::Site;
use step::Step;

/// Sequences of each run of the tests; one takes some milliseconds.
const SEQUENCES: u32 = 64;

/// The fake, and the ids that it gave to what the model knows by key.
struct Driven {
    nbi: MockNbi,
    user: User,
    runtime: tokio::runtime::Runtime,
    ids: BTreeMap<String, String>,
}

impl Driven {
    fn call(&self, call: &Call) -> (u16, Value) {
        let bearer = format!("Bearer {}", self.user.token);
        let headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("Authorization", bearer.as_str()),
        ];
        let target = format!("/osm{}", self.with_ids(&call.path));
        let body = call.body.as_ref().map(|body| self.with_ids(&body.to_string()));
        let body = body.as_ref().map(String::as_bytes);
        let sending = send(&self.nbi, call.method, &target, &headers, body.or(Some(b"")));
        let answer = self.runtime.block_on(sending).unwrap();
        let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status, value)
    }

    /// Keys such as `<vim 3>` replaced by the ids that stand for them.
    fn with_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (key, id) in &self.ids {
            text = text.replace(key, id);
        }
        text
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let call = Call::new("GET", path, None);
        let (status, value) = self.call(&call);
        assert_eq!(status, 200, "{path}: {value}");
        value.as_array().unwrap().clone()
    }
}

/// The comparison; `proptest` drives it.
struct Rules;

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        prop_oneof![Just(Release::R10), Just(Release::R19), Just(Release::R19Recorded)]
            .prop_map(Self::new)
            .boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Step> {
        step::any_step(!model.clusters.is_empty(), !model.nsds.is_empty()).boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.take(step);
        state
    }
}

impl StateMachineTest for Rules {
    type SystemUnderTest = Driven;
    type Reference = Model;

    fn init_test(model: &Model) -> Driven {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let nbi = MockNbi::builder().release(model.release).build().unwrap();
        let user = runtime.block_on(User::login(&nbi));
        let steering = Call::new("PUT", "/_mock/operations/mode", Some(json!({"mode": "manual"})));
        let body = steering.body.unwrap().to_string();
        let answer = send(&nbi, "PUT", &steering.path, &[], Some(body.as_bytes()));
        assert!(runtime.block_on(answer).unwrap().status < 300);
        Driven { nbi, user, runtime, ids: BTreeMap::new() }
    }

    fn apply(mut driven: Driven, model: &Model, step: Step) -> Driven {
        match (&model.call, &step) {
            (Some(call), _) => {
                let (status, answer) = driven.call(call);
                assert_eq!(status, model.status, "{} {}: {answer}", call.method, call.path);
                if let (Some(key), true) = (&model.made, status < 300) {
                    let id = answer["id"].as_str().unwrap().to_owned();
                    driven.ids.insert(key.clone(), id);
                }
                if let (Some(key), Some(id)) = (&model.made_operation, answer.get("nslcmop_id")) {
                    driven.ids.insert(key.clone(), id.as_str().unwrap().to_owned());
                }
            }
            (None, Step::End { is_good }) => driven.nbi.end_operations(if *is_good {
                OperationResult::Ok
            } else {
                OperationResult::Fail { detail: "no".into() }
            }),
            (None, Step::Advance { seconds }) => {
                driven.nbi.advance(std::time::Duration::from_secs(u64::from(*seconds)));
            }
            (None, step) => panic!("{step:?} asks for nothing"),
        }
        driven
    }

    fn check_invariants(driven: &Driven, model: &Model) {
        let names = |path: &str, key: &str| -> Vec<String> {
            let word = |record: &Value| record[key].as_str().unwrap_or_default().to_owned();
            driven.list(path).iter().map(word).collect()
        };
        check_sites(&driven.list("/admin/v1/vim_accounts"), &model.vims);
        check_sites(&driven.list("/admin/v1/k8sclusters"), &model.clusters);
        let states = |path: &str, keys: [&str; 4]| -> Vec<[String; 4]> {
            let word =
                |record: &Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
            driven.list(path).iter().map(|record| keys.map(|key| word(record, key))).collect()
        };
        let of_vnfd = ["id", "onboardingState", "operationalState", "usageState"];
        assert_eq!(states("/vnfpkgm/v1/vnf_packages", of_vnfd), model.vnfd_states());
        let of_nsd = ["id", "nsdOnboardingState", "nsdOperationalState", "nsdUsageState"];
        assert_eq!(states("/nsd/v1/ns_descriptors", of_nsd), model.nsd_states());
        let instances = driven.list("/nslcm/v1/ns_instances");
        let states: Vec<(String, String, String)> = instances
            .iter()
            .map(|ns| {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (word(&ns["name"]), word(&ns["nsState"]), word(&ns["_admin"]["nsState"]))
            })
            .collect();
        assert_eq!(states, model.instance_states());
        for instance in &model.instances {
            let id = driven.with_ids(&instance.key);
            let path = format!("/nslcm/v1/ns_lcm_op_occs?nsInstanceId={id}");
            let states = names(&path, "operationState");
            assert_eq!(states.len(), instance.operations.len(), "operations of {}", instance.name);
            for (state, operation) in states.iter().zip(&instance.operations) {
                if let Some(want) = operation.state {
                    assert_eq!(state, want, "{:?} of {}", operation.kind, instance.name);
                }
            }
            let records = driven.list(&format!("/nslcm/v1/vnf_instances?nsr-id-ref={id}"));
            assert_eq!(records.len(), 1, "VNF records of {}", instance.name);
        }
        let operations = driven.list("/nslcm/v1/ns_lcm_op_occs").len();
        let wanted: usize = model.instances.iter().map(|ns| ns.operations.len()).sum();
        assert_eq!(operations, wanted, "no operation outlives its instance");
    }
}

/// VIM accounts or clusters, and what trying them out left.
fn check_sites(records: &[Value], sites: &[Site]) {
    let names: Vec<&str> = sites.iter().map(|site| site.name.as_str()).collect();
    let found: Vec<&str> = records.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(found, names);
    for (record, site) in records.iter().zip(sites) {
        if let Some(want) = site.state {
            assert_eq!(record["_admin"]["operationalState"], want, "{}", site.name);
        }
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: SEQUENCES, ..Config::default() })]

    #[test]
    fn any_sequence_of_requests_is_answered_by_the_rules(sequential 1..40 => Rules);
}
