//! The fake NBI on a TCP port: HTTP/1.1 and HTTP/2, with or without TLS.

mod connection;
mod limits;
mod tls;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use connection::Activity;

use crate::control::Gate;
use crate::metrics::Metrics;
use crate::service::{BodyLimits, NbiService, Peer};
use crate::world::World;

pub use limits::Limits;
pub use tls::{TlsError, TlsIdentity};

/// How long to wait after a connection could not be accepted: nearly always there are too many, and
/// asking again at once would only fill the log.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that may wait to be accepted; some systems take the default for very few.
const BACKLOG: u32 = 1024;
/// Characters of a control token that was not given: about 190 bits.
const TOKEN_CHARS: usize = 32;

/// How a server listens.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    addr: SocketAddr,
    tls: Option<TlsIdentity>,
    limits: Limits,
    control_token: Option<String>,
}

impl ServeOptions {
    /// Plain HTTP on `addr` (port 0: any free one), usual limits, and a control API that is open on
    /// loopback and asks for a token of its own making elsewhere.
    pub fn at(addr: SocketAddr) -> Self {
        Self { addr, tls: None, limits: Limits::default(), control_token: None }
    }

    /// HTTPS with this certificate.
    #[must_use]
    pub fn tls(self, identity: TlsIdentity) -> Self {
        Self { tls: Some(identity), ..self }
    }

    /// Other limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The token that requests to `/_mock/` must carry as `Authorization: Bearer`.
    #[must_use]
    pub fn control_token(self, token: impl Into<String>) -> Self {
        Self { control_token: Some(token.into()), ..self }
    }
}

/// A listening fake NBI; stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    scheme: &'static str,
    control_token: Option<String>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) async fn start(world: Arc<Mutex<World>>, options: ServeOptions) -> io::Result<Self> {
        let ServeOptions { addr, tls, limits, control_token } = options;
        let listener = listen(addr)?;
        let local_addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        let needs_token = !local_addr.ip().is_loopback();
        let control_token = control_token.or_else(|| {
            needs_token.then(|| Alphanumeric.sample_string(&mut rand::rng(), TOKEN_CHARS))
        });
        let metrics = world.lock().unwrap_or_else(PoisonError::into_inner).metrics.clone();
        let listening = Listening {
            world,
            metrics,
            tls: tls.as_ref().map(TlsIdentity::acceptor),
            limits,
            bodies: BodyLimits::of_server(&limits),
            gate: Arc::new(Gate::at_socket(control_token.clone())),
            stop: stop.clone(),
        };
        let task = tokio::spawn(listening.accept_all(listener));
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self { local_addr, scheme, control_token, stop, task: Some(task) })
    }

    /// The address it listens on, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The token that the control API asks for, if it does.
    pub fn control_token(&self) -> Option<&str> {
        self.control_token.as_deref()
    }

    /// Stops listening, lets answers under way finish (as long as [`Limits::stop`]), and cuts the
    /// rest; answers that would never come are cut at once.
    ///
    /// # Cancel safety
    /// Dropped on the way, everything is cut at once.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // A panic of the accept loop has been printed; there is nothing left to stop.
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As `TcpListener::bind` does: a restarted server gets its port back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Whether there is room for another connection; makes some by giving up those that have been idle
/// for the longest time, a sixteenth of all at once, so that looking for them costs little.
fn has_room(open: &mut HashMap<u64, Activity>, connections_max: usize) -> bool {
    if open.len() < connections_max {
        return true;
    }
    let idle = open.iter().filter_map(|(number, activity)| Some((activity.idle_since()?, *number)));
    let mut idle: Vec<_> = idle.collect();
    idle.sort_unstable();
    for (_, number) in idle.iter().take((connections_max / 16).max(1)) {
        if let Some(activity) = open.remove(number) {
            activity.give_up();
        }
    }
    !idle.is_empty()
}

/// What every connection of a server shares.
struct Listening {
    world: Arc<Mutex<World>>,
    metrics: Metrics,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    bodies: BodyLimits,
    gate: Arc<Gate>,
    stop: CancellationToken,
}

impl Listening {
    async fn accept_all(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut open: HashMap<u64, Activity> = HashMap::new();
        let mut number = 0;
        // Those that were given up need a moment to end.
        let at_once = self.limits.connections + self.limits.connections / 8 + 1;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept(), if connections.len() < at_once => match accepted {
                    Ok((stream, _)) if !has_room(&mut open, self.limits.connections) => {
                        tracing::warn!(connections = open.len(), "closed one too many");
                        drop(stream);
                    }
                    Ok((stream, remote)) => {
                        number += 1;
                        let service = self.service(number, remote);
                        let (tls, stop) = (self.tls.clone(), self.stop.clone());
                        let activity = Activity::begin();
                        open.insert(number, activity.clone());
                        let talk =
                            connection::serve(stream, tls, service, self.limits, activity, stop);
                        let counted = self.metrics.connection();
                        connections.spawn(async move {
                            talk.await;
                            drop(counted);
                            number
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = connections.join_next() => {
                    // One that panicked is printed; its entry goes when room is needed.
                    if let Ok(number) = ended {
                        open.remove(&number);
                    }
                }
            }
        }
        drop(listener);
        let all_done = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.stop, all_done).await.is_err() {
            connections.shutdown().await;
        }
    }

    fn service(&self, connection: u64, remote: SocketAddr) -> NbiService {
        NbiService::at(
            Arc::clone(&self.world),
            Peer {
                connection,
                remote: (remote.ip().to_string(), remote.port()),
                bodies: self.bodies.clone(),
                gate: Arc::clone(&self.gate),
                stop: self.stop.clone(),
            },
        )
    }
}
