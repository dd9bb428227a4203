//! Between `osmops` and OSM: whoever stands there sees each request whole, and answers it.

use std::future::Future;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use osmops::nbi::{Body, BoxError, Transport, full};

/// An answer, or that there is none.
pub type Answered = Result<Response<Bytes>, BoxError>;

/// The rest of the way to OSM.
#[derive(Clone)]
pub struct Onward(Transport);

impl Onward {
    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&self, request: Request<Bytes>) -> Answered {
        let (parts, body) = self.0.send(request.map(full)).await?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }
}

/// A transport that has `habit` answer every request.
pub fn wrapped<F, A>(transport: Transport, habit: F) -> Transport
where
    F: Fn(Request<Bytes>, Onward) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Answered> + Send + 'static,
{
    Transport::service(tower::service_fn(move |request: Request<Body>| {
        let (habit, onward) = (habit.clone(), Onward(transport.clone()));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let answer = habit(Request::from_parts(parts, body), onward).await?;
            Ok::<_, BoxError>(answer.map(Full::new))
        }
    }))
}
