//! Leader election by a Lease: of several operators one acts, and the others stand by.
//!
//! As Kubernetes' own components do it. Whoever leads renews the Lease; who has seen it unchanged for its
//! whole duration takes it over. No clock is compared with another machine's. Each write carries the version
//! that was read, so that of two who take it at once one is refused.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::failure::chain;

use super::fence::Fence;
use super::http::Health;
use super::options::LeaderElection;

/// What the Lease is called; shards have one each.
const NAME: &str = "osmops-leader-election";

/// What health calls it.
const WATCH: &str = "Lease";

/// One who wants to lead, or does.
pub(super) struct Candidate {
    api: Api<Lease>,
    name: String,
    /// The pod's name, and a number that no other process has.
    identity: String,
    times: LeaderElection,
    /// Open while the Lease is certain to be ours.
    fence: Fence,
    health: Arc<Health>,
}

/// Why an attempt to take, renew or give the Lease back failed.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("the Kubernetes API refuses")]
    Refused(#[source] Box<kube::Error>),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// Somebody else wrote it meanwhile.
    #[error("somebody else has it: {0}")]
    Taken(String),
}

impl Candidate {
    /// Somebody with this name in this namespace. `selector` are the labels of a shard: operators of
    /// different shards do not compete.
    pub(super) fn new(
        client: Client,
        (namespace, instance): (&str, &str),
        selector: Option<&str>,
        times: LeaderElection,
        fence: Fence,
        health: Arc<Health>,
    ) -> Self {
        // Seeded by the operating system, for each process anew.
        let number = RandomState::new().build_hasher().finish();
        Self {
            api: Api::namespaced(client, namespace),
            name: name(selector),
            identity: format!("{instance}_{number:016x}"),
            times,
            fence,
            health,
        }
    }

    /// Stands by until the Lease is ours, or `stop`: then `None`.
    pub(super) async fn lead(&self, stop: &CancellationToken) -> Option<Held> {
        tracing::info!("standing by as {}: waiting for Lease/{}", self.identity, self.name);
        let mut seen = Seen::default();
        let mut told = None;
        loop {
            self.health.standing_by();
            let asked_at = Instant::now();
            match self.attempt(&mut seen).await {
                Ok(Ok(lease)) => {
                    self.health.heard(WATCH);
                    tracing::info!("leading: Lease/{} is ours", self.name);
                    self.fence.open_until(asked_at + self.times.renew_deadline);
                    return Some(Held { lease, renewed_at: asked_at });
                }
                Ok(Err(holder)) => {
                    self.health.heard(WATCH);
                    if told.as_ref() != Some(&holder) {
                        tracing::info!("Lease/{} is held by {holder}", self.name);
                        told = Some(holder);
                    }
                }
                Err(error) => self.failed(&error),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                () = sleep(self.times.retry_period) => {}
            }
        }
    }

    /// Renews the Lease and keeps the fence open, until `stop`; then returns it. `None`: it is lost.
    pub(super) async fn keep(&self, mut held: Held, stop: &CancellationToken) -> Option<Held> {
        loop {
            let deadline = held.renewed_at + self.times.renew_deadline;
            self.fence.open_until(deadline);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some(held),
                () = sleep(self.times.retry_period) => {}
            }
            let asked_at = Instant::now();
            let renewing = timeout_at(deadline, self.renew(&held.lease));
            match renewing.await.unwrap_or(Err(LeaseError::TimedOut(self.times.renew_deadline))) {
                Ok(lease) => {
                    self.health.heard(WATCH);
                    held = Held { lease, renewed_at: asked_at };
                }
                Err(LeaseError::Taken(holder)) => {
                    tracing::error!("Lease/{} was taken by {holder}", self.name);
                    self.fence.open_until(Instant::now());
                    return None;
                }
                Err(error) => {
                    self.failed(&error);
                    if Instant::now() >= deadline {
                        return None;
                    }
                }
            }
        }
    }

    /// Lets somebody else take it at once, where that is wanted.
    pub(super) async fn release(&self, held: Held) {
        if !self.times.release_on_stop {
            return;
        }
        let spec = LeaseSpec {
            holder_identity: None,
            lease_duration_seconds: Some(1),
            ..held.lease.spec.clone().unwrap_or_default()
        };
        match self.write(&held.lease, spec).await {
            Ok(_) => tracing::info!("Lease/{} is given back", self.name),
            Err(error) => {
                tracing::warn!("cannot give Lease/{} back: {}", self.name, chain(&error));
            }
        }
    }

    fn failed(&self, error: &LeaseError) {
        let error = chain(error);
        tracing::warn!("Lease/{}: {error}", self.name);
        self.health.watch_failed(WATCH, error);
    }

    /// Takes it if it is free; otherwise tells who has it.
    async fn attempt(&self, seen: &mut Seen) -> Result<Result<Lease, String>, LeaseError> {
        let Some(lease) = self.in_time(self.api.get_opt(&self.name)).await? else {
            let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
            let lease = Lease { metadata, spec: Some(self.spec(None)) };
            let made = self.in_time(self.api.create(&PostParams::default(), &lease)).await;
            return or_taken(made);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        seen.look(&spec, Instant::now());
        match holder(&spec) {
            Some(holder) if holder != self.identity && !seen.is_over(Instant::now()) => {
                Ok(Err(holder.to_owned()))
            }
            _ => or_taken(self.write(&lease, self.spec(Some(&spec))).await),
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        match self.write(lease, self.spec(lease.spec.as_ref())).await {
            // Our own last write may have come through although its answer did not.
            Err(LeaseError::Taken(_)) => {
                let now = self.in_time(self.api.get(&self.name)).await?;
                let spec = now.spec.clone().unwrap_or_default();
                match holder(&spec) {
                    Some(holder) if holder == self.identity => {
                        self.write(&now, self.spec(Some(&spec))).await
                    }
                    holder => Err(LeaseError::Taken(holder.unwrap_or("nobody").to_owned())),
                }
            }
            written => written,
        }
    }

    /// Ours from now on, after what it was before.
    fn spec(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let is_ours = before.and_then(holder) == Some(self.identity.as_str());
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        let seconds = self.times.lease_duration.as_secs_f64().ceil();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            #[expect(clippy::cast_possible_truncation, reason = "a cast of f64 saturates")]
            lease_duration_seconds: Some(seconds as i32),
            acquire_time: before
                .filter(|_| is_ours)
                .and_then(|spec| spec.acquire_time.clone())
                .or(Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(match before {
                Some(_) if !is_ours => transitions.saturating_add(1),
                _ => transitions,
            }),
            ..before.cloned().unwrap_or_default()
        }
    }

    /// Refused by the API server where somebody wrote since `lease` was read.
    async fn write(&self, lease: &Lease, spec: LeaseSpec) -> Result<Lease, LeaseError> {
        let lease = Lease { spec: Some(spec), ..lease.clone() };
        self.in_time(self.api.replace(&self.name, &PostParams::default(), &lease)).await
    }

    async fn in_time<T>(
        &self,
        asking: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, LeaseError> {
        // So that a lost answer leaves time to ask again before the deadline.
        let limit = self.times.renew_deadline / 3;
        match timeout(limit, asking).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(kube::Error::Api(status))) if status.code == 409 => {
                Err(LeaseError::Taken("another operator".to_owned()))
            }
            Ok(Err(error)) => Err(LeaseError::Refused(Box::new(error))),
            Err(_) => Err(LeaseError::TimedOut(limit)),
        }
    }
}

/// The Lease as we wrote it last.
pub(super) struct Held {
    lease: Lease,
    /// When we began to write it.
    renewed_at: Instant,
}

/// The Lease as it was seen last, and since when it is so.
#[derive(Debug, Default)]
struct Seen {
    spec: LeaseSpec,
    since: Option<Instant>,
}

impl Seen {
    fn look(&mut self, spec: &LeaseSpec, now: Instant) {
        if self.since.is_none() || self.spec != *spec {
            (self.spec, self.since) = (spec.clone(), Some(now));
        }
    }

    /// Whether whoever holds it let its time go by.
    fn is_over(&self, now: Instant) -> bool {
        let seconds = self.spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok());
        let duration = Duration::from_secs(seconds.unwrap_or(0));
        self.since.is_some_and(|since| now.duration_since(since) >= duration)
    }
}

fn or_taken(written: Result<Lease, LeaseError>) -> Result<Result<Lease, String>, LeaseError> {
    match written {
        Ok(lease) => Ok(Ok(lease)),
        Err(LeaseError::Taken(holder)) => Ok(Err(holder)),
        Err(error) => Err(error),
    }
}

/// Who has it; nobody, when it was given back.
fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

fn name(selector: Option<&str>) -> String {
    const DIGEST_DIGITS: usize = 10;
    match selector {
        None => NAME.to_owned(),
        Some(selector) => {
            let digest = hex::encode(Sha256::digest(selector.as_bytes()));
            format!("{NAME}-{}", digest.get(..DIGEST_DIGITS).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_over_when_it_stayed_the_same_for_its_duration() {
        let lease = |renewed: i64| LeaseSpec {
            holder_identity: Some("other".to_owned()),
            lease_duration_seconds: Some(35),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        };
        let mut seen = Seen::default();
        assert!(!seen.is_over(Instant::now()), "nothing was seen yet");
        // Its times are another clock's, years ago.
        seen.look(&lease(0), Instant::now());
        tokio::time::advance(Duration::from_secs(34)).await;
        seen.look(&lease(0), Instant::now());
        assert!(!seen.is_over(Instant::now()));
        seen.look(&lease(5), Instant::now());
        tokio::time::advance(Duration::from_secs(34)).await;
        assert!(!seen.is_over(Instant::now()), "it was renewed");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(seen.is_over(Instant::now()));
    }

    #[test]
    fn shards_have_leases_of_their_own() {
        let one = name(Some("sharding.fluxcd.io/key=shard1"));
        assert!(one.starts_with("osmops-leader-election-") && one.len() < 64, "{one}");
        assert_ne!(one, name(Some("sharding.fluxcd.io/key=shard2")));
        assert_eq!(name(None), "osmops-leader-election");
    }
}
