//! Random sequences of requests by the users of two projects, held against the rules on who sees
//! and changes what, on quotas and on tokens.
//!
//! Source: NBI_FACTS.md sections 3, 4 and 6.

use std::collections::BTreeMap;

use mock_nbi::{MockNbi, Release};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::{Value, json};

use crate::client::User;

const SEQUENCES: u32 = 64;
/// OSM repositories that each project may have.
const QUOTA: usize = 3;
const REPOS: &str = "/admin/v1/osmrepos";

/// What a user of the first (`false`) or second project does; numbers choose among all repositories.
#[derive(Clone, Debug)]
enum Step {
    Create {
        is_public: bool,
        is_forced: bool,
    },
    List {
        with_public: bool,
    },
    Show {
        repo: u8,
    },
    Describe {
        repo: u8,
    },
    Delete {
        repo: u8,
    },
    LogIn,
    LogOut,
    /// A quarter of an hour and a little goes by; a token is good for an hour.
    Wait,
}

/// How often [`Step::Wait`] leaves a token good.
const WAITS: u32 = 3;

#[derive(Clone, Debug)]
struct Repo {
    key: usize,
    is_second: bool,
    is_public: bool,
}

#[derive(Clone, Debug)]
struct Model {
    release: Release,
    repos: Vec<Repo>,
    next_key: usize,
    /// How many waits each user's token has left.
    tokens: [Option<u32>; 2],
    /// Status of the last step, and the repositories that it lists, creates or names.
    status: u16,
    named: Vec<usize>,
}

impl Model {
    fn new(release: Release) -> Self {
        let tokens = [Some(WAITS); 2];
        Self { release, repos: Vec::new(), next_key: 0, tokens, status: 0, named: Vec::new() }
    }

    fn pick(&self, number: u8) -> Option<usize> {
        let count = self.repos.len();
        usize::from(number).checked_rem(count.max(1)).filter(|index| *index < count)
    }

    /// 404 for a repository that a user who may not do this cannot find.
    fn find(&mut self, number: u8, found: u16, may: impl Fn(&Repo) -> bool) -> Option<usize> {
        let index = self.pick(number);
        self.named = index.map(|index| self.repos[index].key).into_iter().collect();
        let is_found = index.is_some_and(|index| may(&self.repos[index]));
        self.status = if is_found { found } else { 404 };
        index.filter(|_| is_found)
    }

    fn take(&mut self, is_second: bool, step: &Step) {
        let user = usize::from(is_second);
        self.named.clear();
        match step {
            Step::LogIn => self.tokens[user] = Some(WAITS),
            Step::LogOut => self.tokens[user] = None,
            Step::Wait => {
                for token in &mut self.tokens {
                    *token = token.and_then(|waits| waits.checked_sub(1));
                }
            }
            _ => return self.ask(is_second, step),
        }
        self.status = 200;
    }

    fn ask(&mut self, is_second: bool, step: &Step) {
        if self.tokens[usize::from(is_second)].is_none() {
            // The request is made all the same.
            self.named = self.repos.first().map(|repo| repo.key).into_iter().collect();
            self.status = 401;
            return;
        }
        let is_own = |repo: &Repo| repo.is_second == is_second;
        match *step {
            Step::Create { is_public, is_forced } => {
                let count = self.repos.iter().filter(|repo| is_own(repo)).count();
                // A package that exceeds its quota is refused with 401 in release 8; all else is not.
                self.status = if count >= QUOTA && !is_forced { 422 } else { 201 };
                if self.status == 201 {
                    self.named = vec![self.next_key];
                    self.repos.push(Repo { key: self.next_key, is_second, is_public });
                    self.next_key += 1;
                }
            }
            Step::List { with_public } => {
                let is_listed = |repo: &&Repo| is_own(repo) || (with_public && repo.is_public);
                self.named = self.repos.iter().filter(is_listed).map(|repo| repo.key).collect();
                self.status = 200;
            }
            Step::Show { repo } => {
                self.find(repo, 200, |repo| is_own(repo) || repo.is_public);
            }
            Step::Describe { repo } => {
                self.find(repo, 204, is_own);
            }
            Step::Delete { repo } => {
                if let Some(index) = self.find(repo, 204, is_own) {
                    self.repos.remove(index);
                }
            }
            Step::LogIn | Step::LogOut | Step::Wait => {}
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = (bool, Step);

    fn init_state() -> BoxedStrategy<Self> {
        prop_oneof![Just(Release::R8), Just(Release::R10), Just(Release::R19Recorded)]
            .prop_map(Self::new)
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<(bool, Step)> {
        let step = prop_oneof![
            6 => (any::<bool>(), any::<u8>()).prop_map(|(is_public, force)| Step::Create {
                is_public,
                is_forced: force % 8 == 0
            }),
            3 => any::<bool>().prop_map(|with_public| Step::List { with_public }),
            3 => (0..8u8).prop_map(|repo| Step::Show { repo }),
            2 => (0..8u8).prop_map(|repo| Step::Describe { repo }),
            3 => (0..8u8).prop_map(|repo| Step::Delete { repo }),
            2 => Just(Step::LogIn),
            1 => Just(Step::LogOut),
            2 => Just(Step::Wait),
        ];
        (any::<bool>(), step).boxed()
    }

    fn apply(mut state: Self, (is_second, step): &(bool, Step)) -> Self {
        state.take(*is_second, step);
        state
    }
}

/// The fake with a user in each project.
struct Driven {
    runtime: tokio::runtime::Runtime,
    users: [User; 2],
    ids: BTreeMap<usize, String>,
}

fn credentials(user: usize) -> Value {
    json!({"username": format!("user{user}"), "password": "Passw0rd!"})
}

async fn set_up(nbi: &MockNbi) -> [User; 2] {
    let admin = User::login(nbi).await;
    for user in 0..2 {
        let project = format!("project{user}");
        let body = json!({"name": project, "quotas": {"osmrepos": QUOTA}});
        assert_eq!(admin.call("POST", "/admin/v1/projects", Some(body)).await.status, 201);
        let mut body = credentials(user);
        body["project_role_mappings"] = json!([{"project": project, "role": "system_admin"}]);
        assert_eq!(admin.call("POST", "/admin/v1/users", Some(body)).await.status, 201);
    }
    let mut users = [
        User { nbi: nbi.clone(), token: String::new() },
        User { nbi: nbi.clone(), token: String::new() },
    ];
    for (index, user) in users.iter_mut().enumerate() {
        log_in(user, index).await;
    }
    users
}

async fn log_in(user: &mut User, index: usize) -> u16 {
    let answer = user.call("POST", "/admin/v1/tokens", Some(credentials(index))).await;
    user.token = answer.json()["id"].as_str().unwrap().to_owned();
    answer.status
}

impl Driven {
    fn call(&self, user: usize, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.runtime.block_on(self.users[user].call(method, path, body));
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }
}

struct Tenants;

impl StateMachineTest for Tenants {
    type SystemUnderTest = Driven;
    type Reference = Model;

    fn init_test(model: &Model) -> Driven {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let nbi = MockNbi::builder().release(model.release).build().unwrap();
        let users = runtime.block_on(set_up(&nbi));
        Driven { runtime, users, ids: BTreeMap::new() }
    }

    fn apply(mut driven: Driven, model: &Model, (is_second, step): (bool, Step)) -> Driven {
        let user = usize::from(is_second);
        let nobody = "00000000-0000-4000-8000-000000000000".to_owned();
        let named = model.named.first().and_then(|key| driven.ids.get(key)).unwrap_or(&nobody);
        let one = format!("{REPOS}/{named}");
        let (status, answer) = match step {
            Step::Create { is_public, is_forced } => {
                let words = [is_public.then_some("PUBLIC"), is_forced.then_some("FORCE")];
                let words: Vec<&str> = words.into_iter().flatten().collect();
                let body = json!({"name": "repo", "type": "osm", "url": "http://x/"});
                let path = format!("{REPOS}?{}", words.join("&"));
                let (status, answer) = driven.call(user, "POST", &path, Some(body));
                if let (201, Some(key)) = (status, model.named.first()) {
                    driven.ids.insert(*key, answer["id"].as_str().unwrap().to_owned());
                }
                (status, answer)
            }
            Step::List { with_public } => {
                let path = format!("{REPOS}{}", if with_public { "?PUBLIC" } else { "" });
                let (status, answer) = driven.call(user, "GET", &path, None);
                if status == 200 {
                    let listed: Vec<&str> = answer
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|r| r["_id"].as_str().unwrap())
                        .collect();
                    let wanted: Vec<&String> = model.named.iter().map(|k| &driven.ids[k]).collect();
                    assert_eq!(listed, wanted, "{path}");
                }
                (status, answer)
            }
            Step::Show { .. } => driven.call(user, "GET", &one, None),
            Step::Describe { .. } => {
                driven.call(user, "PATCH", &one, Some(json!({"description": "d"})))
            }
            Step::Delete { .. } => driven.call(user, "DELETE", &one, None),
            Step::Wait => {
                driven.users[user].nbi.advance(std::time::Duration::from_secs(1000));
                (200, Value::Null)
            }
            Step::LogIn => {
                let status = driven.runtime.block_on(log_in(&mut driven.users[user], user));
                (status, Value::Null)
            }
            Step::LogOut => {
                // Of the token itself no more than its id is asked.
                let path = format!("/admin/v1/tokens/{}", driven.users[user].token);
                let (status, answer) = driven.call(user, "DELETE", &path, None);
                (if status == 404 { 200 } else { status }, answer)
            }
        };
        assert_eq!(status, model.status, "{step:?} of user {user}: {answer}");
        driven
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: SEQUENCES, ..Config::default() })]

    #[test]
    fn tenants_see_and_change_what_the_rules_allow(sequential 1..40 => Tenants);
}
