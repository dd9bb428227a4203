//! What a fault makes of a request and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::delivery::{Delivery, Dialect};
use crate::answer::Answer;
use crate::fault::{FaultKind, TokensAfter, hand};
use crate::negotiate::Format;
use crate::problem::Problem;
use crate::state::State;
use crate::state::forced::Forced;
use crate::world::{Landing, World};

/// OSM's answer when its own code stumbles over what it finds in its database.
const PYTHON_ERROR: &str = "'NoneType' object is not subscriptable";
/// What the life-cycle manager says of an operation that came to a bad rest, unless told.
const REST_DETAIL: &str = "timed out waiting for the condition";
/// What the web server says of errors that even OSM does not catch.
const SERVER_ERROR: &str = "The server encountered an unexpected condition which prevented it from fulfilling the request.";

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Fate {
    #[default]
    Arrives,
    Truncated,
    /// In pieces of so many bytes, so far apart.
    Drips {
        bytes: usize,
        every: Duration,
    },
    Cut,
    /// Nobody took the connection.
    Refused,
    Never,
}

impl Fate {
    /// Whether the client sees an answer, or some of one.
    pub(super) fn arrives(self) -> bool {
        !matches!(self, Self::Cut | Self::Refused | Self::Never)
    }
}

/// An answer and what becomes of it.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) answer: Answer,
    pub(super) delay: Duration,
    pub(super) fate: Fate,
}

impl Sent {
    /// The status that the client sees, if any.
    pub(super) fn status(&self) -> Option<u16> {
        self.fate.arrives().then_some(self.answer.status.as_u16())
    }

    fn plain(answer: Answer) -> Self {
        Self { answer, ..Self::default() }
    }

    fn lost(fate: Fate) -> Self {
        Self { fate, ..Self::default() }
    }
}

/// One request among others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) operation: &'a str,
    pub(super) connection: u64,
    pub(super) now: f64,
}

impl Exchange<'_> {
    /// Lets OSM answer.
    pub(super) fn usual(&self, state: &mut State) -> Sent {
        self.spelt(state, Dialect::Usual)
    }

    fn spelt(&self, state: &mut State, dialect: Dialect) -> Sent {
        let (answer, delay) = self.delivery.deliver(state, dialect, self.now);
        Sent { answer, delay, fate: Fate::Arrives }
    }

    fn refused(&self, problem: &Problem) -> Sent {
        let accept =
            self.delivery.parts.headers.get("Accept").and_then(|accept| accept.to_str().ok());
        Sent::plain(Answer::of_problem(problem, accept))
    }

    /// Lets someone else's request take effect first; says whether OSM let it.
    fn after_other(&self, state: &mut State, other: Option<hand::OtherRequest>) -> bool {
        let Some((method, path, body)) = other else {
            return false;
        };
        let Some(other) = self.delivery.of_other(&method, &path, body.as_ref()) else {
            return false;
        };
        let (answer, _) = other.deliver(state, Dialect::Usual, self.now);
        self.settle(state);
        answer.status.is_success()
    }

    /// Between two deliveries what is due happens, as between any two requests.
    fn settle(&self, state: &mut State) {
        state.settle(self.now);
    }
}

/// What the fault makes of the request.
pub(super) fn meet(world: &mut World, exchange: &Exchange, fault: FaultKind) -> Sent {
    match fault {
        FaultKind::Status { .. }
        | FaultKind::Html { .. }
        | FaultKind::ServerError
        | FaultKind::InternalError
        | FaultKind::TooLarge
        | FaultKind::QuotaRefused
        | FaultKind::NotJson => without_effect(&world.state, exchange, fault),
        FaultKind::Hang => Sent::lost(Fate::Never),
        FaultKind::Refused => Sent::lost(Fate::Refused),
        FaultKind::ResetBefore => Sent::lost(Fate::Cut),
        FaultKind::LandsLate { seconds } => {
            let at = exchange.now + seconds;
            world.land_later(exchange.delivery.clone(), Landing::At(at));
            Sent::lost(Fate::Cut)
        }
        FaultKind::LandsAfterRetry => {
            let landing = Landing::After(exchange.operation.to_owned());
            world.land_later(exchange.delivery.clone(), landing);
            Sent::lost(Fate::Cut)
        }
        FaultKind::StaleConnection => {
            world.faults.make_stale(exchange.connection);
            exchange.usual(&mut world.state)
        }
        FaultKind::StaleList => stale_list(world, exchange),
        FaultKind::ResetAfter
        | FaultKind::Truncated
        | FaultKind::Drip { .. }
        | FaultKind::Late { .. }
        | FaultKind::Duplicate
        | FaultKind::Redelivered
        | FaultKind::YamlBody
        | FaultKind::UnknownFields => on_the_way(&mut world.state, exchange, &fault),
        FaultKind::OperationFails { detail } => {
            forcing(&mut world.state, exchange, Forced::Fails(detail))
        }
        FaultKind::OperationRests { state, detail } => {
            let detail = detail.unwrap_or_else(|| REST_DETAIL.to_owned());
            forcing(&mut world.state, exchange, Forced::Rests(state, detail))
        }
        FaultKind::OperationStuck => forcing(&mut world.state, exchange, Forced::Stuck),
        FaultKind::OperationLost => forcing(&mut world.state, exchange, Forced::Lost),
        FaultKind::VimDisabled => {
            let detail = hand::disable_vims(&mut world.state);
            forcing(&mut world.state, exchange, Forced::Fails(detail))
        }
        FaultKind::Restart { tokens } => {
            world.state.chunks.clear();
            if tokens == TokensAfter::Lost {
                world.state.tokens.forget_all();
            }
            Sent::lost(Fate::Cut)
        }
        FaultKind::PackageWithoutContent
        | FaultKind::InstanceWithoutOperation
        | FaultKind::QuotaReached
        | FaultKind::TokenExpired
        | FaultKind::TokenRevoked
        | FaultKind::Edit { .. }
        | FaultKind::Delete
        | FaultKind::Scale
        | FaultKind::SameName
        | FaultKind::NewId
        | FaultKind::OtherRequest { .. } => after_a_change(&mut world.state, exchange, fault),
    }
}

/// Answers that OSM gives, or something in front of it, without looking at the request.
fn without_effect(state: &State, exchange: &Exchange, fault: FaultKind) -> Sent {
    let request = exchange.delivery.request();
    match fault {
        FaultKind::Status { status, body, retry_after } => {
            let status = final_status(status, StatusCode::SERVICE_UNAVAILABLE);
            let reason = status.canonical_reason().unwrap_or("fault").to_owned();
            let words = body.or_else(|| hand::words(&request, status.as_u16()));
            let mut sent = exchange.refused(&Problem::new(status, words.unwrap_or(reason)));
            if let Some(seconds) = retry_after {
                sent.answer.headers.push((RETRY_AFTER, seconds.to_string()));
            }
            sent
        }
        FaultKind::Html { status } => {
            Sent::plain(Answer::proxy_page(final_status(status, StatusCode::BAD_GATEWAY)))
        }
        FaultKind::InternalError => exchange.refused(&Problem::bad_request(PYTHON_ERROR)),
        FaultKind::TooLarge => exchange.refused(&Problem::too_large()),
        FaultKind::QuotaRefused => {
            exchange.refused(&Problem::unauthorized(hand::quota_text(state, &request)))
        }
        FaultKind::NotJson => Sent::plain(Answer {
            status: StatusCode::OK,
            headers: vec![(CONTENT_TYPE, Format::Json.content_type().into())],
            body: Bytes::from_static(b"{\"this\": is no JSON"),
            ..Answer::default()
        }),
        _ => exchange.refused(&Problem::page(StatusCode::INTERNAL_SERVER_ERROR, SERVER_ERROR)),
    }
}

/// The status of this number, or `usual` for one that no answer can end with.
fn final_status(number: u16, usual: StatusCode) -> StatusCode {
    StatusCode::from_u16(number).ok().filter(|status| !status.is_informational()).unwrap_or(usual)
}

/// The request takes effect; something happens to it or its answer on the way.
fn on_the_way(state: &mut State, exchange: &Exchange, fault: &FaultKind) -> Sent {
    match fault {
        FaultKind::YamlBody => return exchange.spelt(state, Dialect::Yaml),
        FaultKind::UnknownFields => return exchange.spelt(state, Dialect::UnknownFields),
        _ => {}
    }
    let sent = exchange.usual(state);
    match fault {
        FaultKind::ResetAfter => Sent { fate: Fate::Cut, ..sent },
        FaultKind::Truncated => Sent { fate: Fate::Truncated, ..sent },
        FaultKind::Drip { bytes, every } => {
            let every = Duration::try_from_secs_f64(*every).unwrap_or_default();
            Sent { fate: Fate::Drips { bytes: *bytes, every }, ..sent }
        }
        FaultKind::Late { seconds } => {
            let late = Duration::try_from_secs_f64(*seconds).unwrap_or_default();
            Sent { delay: sent.delay.saturating_add(late), ..sent }
        }
        FaultKind::Duplicate | FaultKind::Redelivered => {
            exchange.settle(state);
            let second = exchange.usual(state);
            if *fault == FaultKind::Duplicate { sent } else { second }
        }
        _ => sent,
    }
}

/// Something becomes of the operation that the request starts.
fn forcing(state: &mut State, exchange: &Exchange, forced: Forced) -> Sent {
    state.forced_next = Some(forced);
    let sent = exchange.usual(state);
    state.forced_next = None;
    sent
}

fn stale_list(world: &mut World, exchange: &Exchange) -> Sent {
    let request = exchange.delivery.request();
    match world.faults.last_seen(exchange.operation) {
        None => exchange.usual(&mut world.state),
        Some(records) => {
            hand::with_records(&mut world.state, &request, records, |state| exchange.usual(state))
        }
    }
}

/// OSM's records change, by itself or by someone's hand, then the request takes effect.
fn after_a_change(state: &mut State, exchange: &Exchange, fault: FaultKind) -> Sent {
    let request = exchange.delivery.request();
    let is_creation = request.method == "POST" && request.segments.len() == 3;
    let half = |path: &'static str, body| Some(("POST".to_owned(), path.to_owned(), body));
    let body = std::str::from_utf8(&exchange.delivery.body).ok();
    let body = body.and_then(|body| crate::data::from_yaml(body).ok());
    let now = exchange.now;
    match fault {
        FaultKind::PackageWithoutContent if is_creation => {
            let is_nsd = exchange.operation.contains("/nsd/");
            let path = if is_nsd { "/nsd/v1/ns_descriptors" } else { "/vnfpkgm/v1/vnf_packages" };
            exchange.after_other(state, half(path, Some(serde_json::json!({}))));
            return Sent::lost(Fate::Cut);
        }
        FaultKind::InstanceWithoutOperation if is_creation => {
            exchange.after_other(state, half("/nslcm/v1/ns_instances", body));
            return Sent::lost(Fate::Cut);
        }
        FaultKind::PackageWithoutContent => hand::empty_package(state, &request),
        FaultKind::InstanceWithoutOperation => hand::lose_operations(state, &request),
        FaultKind::QuotaReached => hand::reach_quota(state, &request),
        FaultKind::TokenExpired => {
            state.tokens.expire(request.bearer().unwrap_or_default(), now);
        }
        FaultKind::TokenRevoked => {
            state.tokens.remove(request.bearer().unwrap_or_default());
        }
        FaultKind::Edit { patch } => hand::edit(state, &request, &patch, now),
        FaultKind::Delete => {
            let deletion = hand::deletion(state, &request);
            if !exchange.after_other(state, deletion) {
                hand::delete(state, &request);
            }
        }
        FaultKind::Scale => {
            let scaling = hand::scaling(state, &request);
            exchange.after_other(state, scaling);
        }
        FaultKind::SameName if is_creation => {
            exchange.usual(state);
            exchange.settle(state);
        }
        FaultKind::SameName => hand::copy(state, &request, now),
        FaultKind::NewId => hand::renew(state, &request, now),
        FaultKind::OtherRequest { method, path, body } => {
            let other = hand::other_request(state, &request, &method, &path, body);
            exchange.after_other(state, Some(other));
        }
        _ => {}
    }
    exchange.usual(state)
}
