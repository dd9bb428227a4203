//! Laws of the token, over any sequence of requests, answers, pauses and restarts of OSM: one log-in an hour
//! while none is refused, one new log-in for each 401 that means the token, and no write that is carried out
//! twice.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use http::{Method, Request, Response};
use osmops::desired::DesiredState;
use osmops::ids::NsId;
use osmops::nbi::{Nbi, NbiError, TimeLimits, Transport};
use osmops::observe::{Lists, observe};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::json;
use tokio::time::Instant;

use crate::world::connection;

/// How long OSM gives a token, and how long before its end a new one is asked for.
const LIFE: Duration = Duration::from_secs(3600);
const MARGIN: Duration = Duration::from_secs(120);

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    Read,
    /// A request that writes, and how OSM answers it when it takes the token.
    Write(Taken),
    /// So many requests at once.
    Together(usize),
    Pause {
        seconds: u32,
    },
    /// OSM forgets every token.
    Restart,
    /// OSM's clock is put forward or back.
    ClockJump {
        seconds: i32,
    },
    LogOut,
    /// The next log-in is answered with 503.
    LogInFails,
}

/// What OSM does with a request whose token is good.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    Done,
    Quota,
    NotAllowed,
    ServerFault,
    /// It is carried out, and the answer is lost.
    AnswerLost,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let taken = prop_oneof![
        4 => Just(Taken::Done),
        1 => Just(Taken::Quota),
        1 => Just(Taken::NotAllowed),
        1 => Just(Taken::ServerFault),
        1 => Just(Taken::AnswerLost),
    ];
    let step = prop_oneof![
        3 => Just(Step::Read),
        4 => taken.prop_map(Step::Write),
        2 => (2..6_usize).prop_map(Step::Together),
        3 => prop_oneof![0..60_u32, 3000..4000_u32].prop_map(|seconds| Step::Pause { seconds }),
        1 => Just(Step::Restart),
        1 => (-100_000..100_000_i32).prop_map(|seconds| Step::ClockJump { seconds }),
        1 => Just(Step::LogOut),
        1 => Just(Step::LogInFails),
    ];
    prop::collection::vec(step, 1..40)
}

/// Something that OSM saw, and when.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    LogIn {
        at: Instant,
    },
    FailedLogIn,
    /// 401 that means the token.
    Stale {
        bearer: String,
    },
    LogOut,
    /// A request whose token was good.
    Taken,
}

/// An OSM that knows tokens and nothing else.
#[derive(Debug, Default)]
struct Osm {
    /// What comes after `Bearer `, and until when it is good.
    tokens: Vec<(String, Instant)>,
    made: usize,
    clock_seconds: f64,
    next: Option<Taken>,
    log_in_fails: bool,
    seen: Vec<Seen>,
    done: usize,
}

const STALE: &str = "Expired Token or Authorization HTTP header";

fn problem(status: u16, detail: &str) -> Response<Body> {
    let body = json!({"code": "X", "status": status, "detail": detail});
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap()
}

impl Osm {
    fn answer(&mut self, request: &Request<osmops::nbi::Body>) -> Result<Response<Body>, String> {
        let now = Instant::now();
        let is_token = request.uri().path() == "/osm/admin/v1/tokens";
        if is_token && request.method() == Method::POST {
            return Ok(self.log_in(now));
        }
        let bearer = request.headers()["authorization"].to_str().unwrap();
        if !self.tokens.iter().any(|(token, until)| token == bearer && now < *until) {
            self.seen.push(Seen::Stale { bearer: bearer.to_owned() });
            return Ok(problem(401, STALE));
        }
        if is_token {
            self.tokens.retain(|(token, _)| token != bearer);
            self.seen.push(Seen::LogOut);
            return Ok(Response::new(Body::empty()));
        }
        self.seen.push(Seen::Taken);
        if request.method() == Method::GET {
            return Ok(Response::new(Body::from("[]")));
        }
        match self.next.take().unwrap_or(Taken::Done) {
            Taken::Quota => Ok(problem(401, "quota (ns_instances=1) exceeded")),
            Taken::NotAllowed => Ok(problem(401, "Access denied: lack of permissions.")),
            Taken::ServerFault => Ok(problem(500, "database exception")),
            taken => {
                self.done += 1;
                let body = json!({"id": "4f"}).to_string();
                let answer = Response::new(Body::from(body));
                if taken == Taken::AnswerLost { Err("cut".to_owned()) } else { Ok(answer) }
            }
        }
    }

    fn log_in(&mut self, now: Instant) -> Response<Body> {
        if std::mem::take(&mut self.log_in_fails) {
            self.seen.push(Seen::FailedLogIn);
            return problem(503, "busy");
        }
        self.made += 1;
        self.tokens.push((format!("Bearer t{}", self.made), now + LIFE));
        self.seen.push(Seen::LogIn { at: now });
        let issued_at = self.clock_seconds;
        let expires = issued_at + LIFE.as_secs_f64();
        let id = format!("t{}", self.made);
        let body = json!({"id": id, "issued_at": issued_at, "expires": expires});
        Response::new(Body::from(body.to_string()))
    }
}

/// The client, and what it talks to.
struct Talk {
    osm: Arc<Mutex<Osm>>,
    nbi: Nbi,
}

impl Talk {
    fn new() -> Self {
        let osm = Osm { clock_seconds: 1.7e9, ..Osm::default() };
        let osm = Arc::new(Mutex::new(osm));
        let answering = Arc::clone(&osm);
        let service = tower::service_fn(move |request: Request<osmops::nbi::Body>| {
            let osm = Arc::clone(&answering);
            async move {
                // Requests that are sent at once meet on the way.
                tokio::time::sleep(Duration::from_millis(5)).await;
                let answer = osm.lock().unwrap().answer(&request);
                tokio::time::sleep(Duration::from_millis(5)).await;
                answer
            }
        });
        let nbi =
            Nbi::new(connection("http://osm"), Transport::service(service), TimeLimits::default());
        Self { osm, nbi }
    }

    fn osm(&self) -> MutexGuard<'_, Osm> {
        self.osm.lock().unwrap()
    }

    async fn write(&self) -> Result<(), NbiError> {
        self.nbi.terminate(&NsId::new("1f").unwrap()).await.map(|_| ())
    }

    async fn take(&self, step: &Step) -> TestCaseResult {
        let (done, mark, will_fail) = {
            let osm = self.osm();
            (osm.done, osm.seen.len(), osm.log_in_fails)
        };
        match step {
            Step::Read => {
                let read = observe(&self.nbi, &Lists::Own, &DesiredState::default()).await;
                prop_assert!(read.is_ok() || will_fail, "{read:?}");
            }
            Step::Write(taken) => {
                self.osm().next = Some(*taken);
                let written = self.write().await;
                self.osm().next = None;
                let failed_to_log_in = self.osm().seen[mark..].contains(&Seen::FailedLogIn);
                prop_assert!(
                    written.is_ok() == (*taken == Taken::Done && !failed_to_log_in),
                    "{written:?}"
                );
                let was_done =
                    matches!(taken, Taken::Done | Taken::AnswerLost) && !failed_to_log_in;
                prop_assert_eq!(self.osm().done - done, usize::from(was_done));
            }
            Step::Together(count) => {
                let written = join_all((0..*count).map(|_| self.write())).await;
                let succeeded = written.iter().filter(|written| written.is_ok()).count();
                prop_assert_eq!(self.osm().done - done, succeeded);
                prop_assert!(succeeded == *count || will_fail, "{written:?}");
            }
            Step::Pause { seconds } => {
                tokio::time::sleep(Duration::from_secs(u64::from(*seconds))).await;
                self.osm().clock_seconds += f64::from(*seconds);
            }
            Step::Restart => self.osm().tokens.clear(),
            Step::ClockJump { seconds } => self.osm().clock_seconds += f64::from(*seconds),
            Step::LogOut => {
                let had_token = self.nbi.has_token();
                let _ = self.nbi.log_out().await;
                let sent = self.osm().seen.len() - mark;
                prop_assert_eq!(sent, usize::from(had_token), "nothing but the log-out");
                prop_assert!(!self.nbi.has_token());
            }
            Step::LogInFails => self.osm().log_in_fails = true,
        }
        Ok(())
    }
}

/// Every log-in has its reason, and every 401 that means the token has its log-in.
fn check_seen(seen: &[Seen]) -> TestCaseResult {
    let mut newest: Option<(usize, Instant)> = None;
    // What has happened since the last log-in.
    let (mut is_stale, mut is_logged_out) = (false, false);
    for (place, what) in seen.iter().enumerate() {
        match what {
            Seen::LogIn { at } => {
                if let Some((_, last)) = newest {
                    let is_due = *at >= last + LIFE - MARGIN;
                    prop_assert!(
                        is_due || is_stale || is_logged_out,
                        "log-in {place} for nothing in {seen:#?}"
                    );
                }
                newest = Some((newest.map_or(1, |(number, _)| number + 1), *at));
                (is_stale, is_logged_out) = (false, false);
            }
            Seen::Stale { bearer } => {
                // Late answers to an older token ask for none.
                let number = newest.map_or(0, |(number, _)| number);
                is_stale |= *bearer == format!("Bearer t{number}");
            }
            Seen::LogOut => is_logged_out = true,
            Seen::Taken => {
                prop_assert!(!is_stale, "request {place} after a 401 and no log-in in {seen:#?}");
            }
            Seen::FailedLogIn => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_new_token_is_asked_for_once_an_hour_and_once_for_each_401_that_means_it(steps in steps()) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let talk = Talk::new();
            for step in &steps {
                talk.take(step).await?;
            }
            let seen = talk.osm().seen.clone();
            check_seen(&seen)
        })?;
    }
}
