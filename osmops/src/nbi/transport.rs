//! HTTP request → response: `reqwest`, or a service in this process.
//!
//! The seam to OSM. The simulator and tests put the fake NBI's own service behind it, with everything
//! above unchanged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{
    BodyExt, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use super::connection::{Authorities, Connection};
use super::exchange::{Exchange, Measured};

/// Any error of a body or of a service in this process.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body, streamed.
pub type Body = BoxBody<Bytes, BoxError>;

/// An answer's body, streamed.
pub type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection was made, so the request cannot have had an effect.
    #[error("no connection")]
    NoConnection(#[source] BoxError),
    /// The connection ended before the answer did; the request may have had its effect.
    #[error("the connection was cut")]
    Interrupted(#[source] BoxError),
}

/// Why no transport could be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportSetupError {
    /// What should hold certificate authorities cannot be read or holds none.
    #[error("no certificate authorities in `{name}`")]
    BadAuthorities {
        /// The file, or where the text comes from.
        name: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The TLS library refuses its settings.
    #[error("cannot set up TLS")]
    Tls(#[source] BoxError),
}

/// Sends requests to one OSM.
#[derive(Clone)]
pub struct Transport {
    service: BoxCloneSyncService<Request<Body>, Response<AnswerBody>, TransportError>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// Over the network, with a pool of connections that are kept alive.
    ///
    /// # Errors
    /// [`TransportSetupError`], when the connection's certificate authorities cannot be used.
    pub fn network(connection: &Connection) -> Result<Self, TransportSetupError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            // OSM answers no redirect that a client should follow with its token.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("osmops/", env!("CARGO_PKG_VERSION")))
            .tls_danger_accept_invalid_certs(connection.insecure_skip_verify);
        if let Some(authorities) = &connection.authorities {
            builder = builder.tls_certs_only(certificates(authorities)?);
        }
        let client = builder.build().map_err(|error| TransportSetupError::Tls(error.into()))?;
        Ok(Self {
            service: BoxCloneSyncService::new(tower::service_fn(move |request| {
                let client = client.clone();
                async move { send_over_network(&client, request).await }
            })),
        })
    }

    /// To a service in this process. Its errors count as connections that were cut.
    pub fn service<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service
            .map_response(|response: Response<B>| {
                response.map(|body| body.map_err(Into::into).boxed_unsync())
            })
            .map_err(|error: S::Error| TransportError::Interrupted(error.into()));
        Self { service: BoxCloneSyncService::new(service) }
    }

    /// This transport, with at most as many requests on their way as `gate` has permits. One is on its way
    /// until its answer begins.
    pub fn behind(self, gate: Arc<Semaphore>) -> Self {
        Self {
            service: BoxCloneSyncService::new(tower::service_fn(move |request: Request<Body>| {
                let sending = self.send(request);
                let gate = gate.clone();
                async move {
                    let _permit = gate.acquire().await.expect("the gate is never closed");
                    sending.await
                }
            })),
        }
    }

    /// This transport, where `observer` hears of each request when its answer has begun or will not.
    pub fn observed(self, observer: impl Fn(&Exchange) + Clone + Send + Sync + 'static) -> Self {
        Self {
            service: BoxCloneSyncService::new(tower::service_fn(move |request: Request<Body>| {
                let (method, path) = (request.method(), request.uri().path());
                let measured = Measured::begin(method, path, observer.clone());
                let sending = self.send(request);
                async move {
                    let answer = sending.await;
                    measured.end(answer.as_ref().ok().map(Response::status));
                    answer
                }
            })),
        }
    }

    /// This transport, where nothing is sent unless `is_allowed` at that moment.
    pub fn while_allowed(
        self,
        is_allowed: impl Fn() -> bool + Clone + Send + Sync + 'static,
    ) -> Self {
        Self {
            service: BoxCloneSyncService::new(tower::service_fn(move |request: Request<Body>| {
                let sending = is_allowed().then(|| self.send(request));
                async move {
                    let refused =
                        || TransportError::NoConnection("this process may send no more".into());
                    sending.ok_or_else(refused)?.await
                }
            })),
        }
    }

    /// Sends one request; the answer's body may still be on its way.
    ///
    /// The future is boxed so that what awaits it can be proven `Send`, whatever it borrows.
    ///
    /// # Errors
    /// [`TransportError`], when no answer begins.
    pub fn send(
        &self,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response<AnswerBody>, TransportError>> {
        self.service.clone().oneshot(request).boxed()
    }
}

fn certificates(
    authorities: &Authorities,
) -> Result<Vec<reqwest::Certificate>, TransportSetupError> {
    let (name, pem) = match authorities {
        Authorities::File(path) => (path.display().to_string(), fs_err::read(path)),
        Authorities::Text { name, pem } => (name.clone(), Ok(pem.clone().into_bytes())),
    };
    let bad = |source: BoxError| TransportSetupError::BadAuthorities { name: name.clone(), source };
    let pem = pem.map_err(|error| bad(error.into()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| bad(error.into()))?;
    if found.is_empty() {
        return Err(bad("no certificate in PEM form".into()));
    }
    Ok(found)
}

async fn send_over_network(
    client: &reqwest::Client,
    request: Request<Body>,
) -> Result<Response<AnswerBody>, TransportError> {
    let request = request.map(reqwest::Body::wrap);
    let request = reqwest::Request::try_from(request)
        .map_err(|error| TransportError::NoConnection(error.without_url().into()))?;
    let response = client.execute(request).await.map_err(|error| {
        // A URL in an error would repeat what the request line says, query included.
        let is_connect = error.is_connect();
        let error = error.without_url();
        if is_connect {
            TransportError::NoConnection(error.into())
        } else {
            TransportError::Interrupted(error.into())
        }
    })?;
    Ok(Response::<reqwest::Body>::from(response)
        .map(|body| body.map_err(Into::into).boxed_unsync()))
}

/// A body that is at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}
