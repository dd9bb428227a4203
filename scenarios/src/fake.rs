//! What only the fake NBI can do: faults, its clock, its operations, its journal.
//!
//! Spoken over the fake's own control API (`/_mock/`), in process and over the network alike. Invariant:
//! requests here are not in the fake's journal and are no request of `osmops`.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use osmops::nbi::{Transport, full};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::step::OperationsMode;

/// Steers a fake NBI.
#[derive(Debug, Clone)]
pub struct Fake {
    transport: Transport,
    base: String,
}

/// One request that the fake served.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Served {
    /// HTTP method.
    pub method: String,
    /// Path with `/osm`.
    pub path: String,
    /// Raw query; empty when there was none.
    pub query: String,
    /// Status sent; none when the connection was cut or the answer never came.
    pub status: Option<u16>,
    /// Number of the connection; 0 in process.
    pub connection: u64,
}

/// Why the fake could not be steered.
#[derive(Debug, thiserror::Error)]
pub enum FakeError {
    /// No answer.
    #[error("{method} {path}: the fake NBI does not answer")]
    NoAnswer {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: osmops::nbi::BoxError,
    },
    /// An answer that says no.
    #[error("{method} {path}: the fake NBI refused with {status}: {words}")]
    Refused {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// The status.
        status: StatusCode,
        /// The answer's body.
        words: String,
    },
}

impl Fake {
    /// The fake behind `transport`; `base` is its scheme, host and port.
    pub fn new(transport: Transport, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { transport, base }
    }

    /// Arms a fault; calls are counted from now.
    ///
    /// # Errors
    /// [`FakeError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, the fault may or may not be armed.
    pub async fn inject(&self, fault: &mock_nbi::Fault) -> Result<(), FakeError> {
        let body = serde_json::to_value(fault).expect("a fault is plain data");
        self.call(Method::POST, "/_mock/faults", Some(body)).await?;
        Ok(())
    }

    /// Moves the fake's clock on.
    ///
    /// # Errors
    /// [`FakeError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, the clock may or may not have moved.
    pub async fn advance(&self, by: Duration) -> Result<(), FakeError> {
        let body = json!({"seconds": by.as_secs_f64()});
        self.call(Method::POST, "/_mock/clock/advance", Some(body)).await?;
        Ok(())
    }

    /// The fake's time, in epoch seconds.
    ///
    /// # Errors
    /// [`FakeError`].
    pub async fn now(&self) -> Result<f64, FakeError> {
        let answer = self.call(Method::GET, "/_mock/clock", None).await?;
        Ok(answer["now"].as_f64().unwrap_or_default())
    }

    /// Says how operations end from now on.
    ///
    /// # Errors
    /// [`FakeError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, the mode may or may not be set.
    pub async fn set_operations(&self, mode: OperationsMode) -> Result<(), FakeError> {
        let body = json!({"mode": mode});
        self.call(Method::PUT, "/_mock/operations/mode", Some(body)).await?;
        Ok(())
    }

    /// Ends every pending operation.
    ///
    /// # Errors
    /// [`FakeError`].
    ///
    /// # Cancel safety
    /// Dropped before its end, they may or may not have ended.
    pub async fn end_operations(&self, how: &mock_nbi::OperationResult) -> Result<(), FakeError> {
        let body = match how {
            mock_nbi::OperationResult::Ok => json!({"result": "ok"}),
            mock_nbi::OperationResult::Fail { detail } => {
                json!({"result": "fail", "detail": detail})
            }
        };
        self.call(Method::POST, "/_mock/operations/end", Some(body)).await?;
        Ok(())
    }

    /// Every request that was served, oldest first.
    ///
    /// # Errors
    /// [`FakeError`].
    pub async fn journal(&self) -> Result<Vec<Served>, FakeError> {
        let (method, path) = (Method::GET, "/_mock/journal");
        let answer = self.call(method.clone(), path, None).await?;
        serde_json::from_value(answer).map_err(|error| FakeError::NoAnswer {
            method,
            path: path.to_owned(),
            source: error.into(),
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, FakeError> {
        let no_answer =
            |source| FakeError::NoAnswer { method: method.clone(), path: path.to_owned(), source };
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::CONTENT_LENGTH, bytes.len())
            .body(full(bytes))
            .map_err(|error| no_answer(error.into()))?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| no_answer(error.into()))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(no_answer)?.to_bytes();
        if !status.is_success() {
            return Err(FakeError::Refused {
                method,
                path: path.to_owned(),
                status,
                words: String::from_utf8_lossy(&body).trim().to_owned(),
            });
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| no_answer(error.into()))
    }
}
