//! The fake NBI on a TCP port, HTTP/1.1.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::service::NbiService;
use crate::world::World;

/// How long a graceful stop waits for answers under way; hanging ones are cut at once.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection may stay without a request, as by default in the nginx that stands in front
/// of OSM (`keepalive_timeout`).
const HEADER_LIMIT: Duration = Duration::from_secs(75);

/// How long to wait after a connection could not be accepted: nearly always there are too many, and
/// asking again at once would only fill the log.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listening fake NBI; stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) async fn start(world: Arc<Mutex<World>>, addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let local_addr = listener.local_addr()?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(listener, world, stop.clone()));
        Ok(Self { local_addr, stop, task: Some(task) })
    }

    /// The address it listens on, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening, lets answers under way finish (at most two seconds), and cuts the rest.
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

async fn accept(listener: TcpListener, world: Arc<Mutex<World>>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => {
                    number += 1;
                    let remote = (remote.ip().to_string(), remote.port());
                    let world = Arc::clone(&world);
                    let service = NbiService::on_connection(world, number, remote, stop.clone());
                    connections.spawn(serve_connection(stream, service, stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_LIMIT, all_done).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve_connection(stream: TcpStream, service: NbiService, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request: http::Request<Incoming>| {
        service.clone().answer(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // An error here is a cut connection: the client's doing, or a fault's.
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
