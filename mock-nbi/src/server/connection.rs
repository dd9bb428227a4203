//! One connection: TLS or none, HTTP/1.1 or HTTP/2, watched for idleness.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use crate::service::NbiService;

/// HTTP/2 streams of one connection at once; nginx has as many (`http2_max_concurrent_streams`).
const STREAMS_MAX: u32 = 128;

/// Serves one connection until either side ends it, or `activity` is told to.
pub(super) async fn serve(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    service: NbiService,
    limits: Limits,
    activity: Activity,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_idle));
    let stream = Box::pin(stream);
    let Some(acceptor) = tls else {
        return talk(stream, service, limits, activity, stop).await;
    };
    let handshake = tokio::time::timeout(limits.idle, acceptor.accept(stream));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = stop.cancelled() => return,
        () = activity.given_up.cancelled() => return,
    };
    match shaken {
        Ok(Ok(stream)) => talk(stream, service, limits, activity, stop).await,
        Ok(Err(error)) => tracing::info!(%error, "no TLS connection came about"),
        Err(_) => tracing::info!("a TLS handshake took too long"),
    }
}

async fn talk<IO>(
    io: IO,
    service: NbiService,
    limits: Limits,
    activity: Activity,
    stop: CancellationToken,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = {
        let activity = activity.clone();
        service_fn(move |request: Request<Incoming>| {
            let busy = activity.busy();
            let service = service.clone();
            async move {
                let response = service.answer(request.map(Body::new)).await?;
                Ok::<_, io::Error>(response.map(|body| Watched { body, _busy: busy }))
            }
        })
    };
    let builder = protocols(limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), answer));
    let mut is_stopping = false;
    loop {
        let idle = activity.idle_since();
        let deadline = idle.unwrap_or_else(Instant::now) + limits.idle;
        tokio::select! {
            // An error here is a cut connection: the client's doing, or a fault's.
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = activity.given_up.cancelled() => {
                tracing::debug!("closed an idle connection for a new one");
                return;
            }
            () = stop.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = tokio::time::sleep_until(deadline) => {
                let is_over = activity.idle_since().is_some_and(|since| since.elapsed() >= limits.idle);
                if is_over {
                    tracing::debug!("closed an idle connection");
                    return;
                }
            }
        }
    }
}

fn protocols(limits: Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes.max(8 * 1024))
        // As the web server of OSM writes them.
        .title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    builder
}

/// Whether requests are under way on a connection, and since when none is.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    /// Requests under way, and when the last one ended.
    now: Arc<Mutex<(usize, Instant)>>,
    given_up: CancellationToken,
}

impl Activity {
    pub(super) fn begin() -> Self {
        let now = Arc::new(Mutex::new((0, Instant::now())));
        Self { now, given_up: CancellationToken::new() }
    }

    /// Closes the connection.
    pub(super) fn give_up(&self) {
        self.given_up.cancel();
    }

    fn with<T>(&self, act: impl FnOnce(&mut (usize, Instant)) -> T) -> T {
        act(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn busy(&self) -> Busy {
        self.with(|(count, _)| *count += 1);
        Busy { activity: self.clone() }
    }

    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.with(|(count, since)| (*count == 0).then_some(*since))
    }
}

/// One request under way; ends when its answer was sent or dropped.
#[derive(Debug)]
struct Busy {
    activity: Activity,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.with(|(count, since)| {
            *count = count.saturating_sub(1);
            *since = Instant::now();
        });
    }
}

/// An answer's body that counts as activity until it is sent.
#[derive(Debug)]
struct Watched {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Poll::Ready(ready!(Pin::new(&mut self.body).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
