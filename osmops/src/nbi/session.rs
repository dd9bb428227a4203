//! A conversation with one OSM: the token, one request and its answer, and how many there were.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::request_counts::RequestCounts;

use super::answer::{Answer, check_status, content_type, decode};
use super::connection::Connection;
use super::error::NbiError;
use super::request::{Counters, Purpose, RequestLine, TimeLimits, Upload};
use super::token::Token;
use super::transport::{Body, Transport, TransportError, full};
use super::wire::{TokenBody, VimAccountRecord};

/// The longest answer that is read: 20,000 NS instances of the 6.5 kB that a record has.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;

/// OSM's tokens.
const TOKENS: &str = "/osm/admin/v1/tokens";

/// Talks to one OSM as one user in one project. Clones share the token, the VIM accounts that were read,
/// and the counters.
#[derive(Debug, Clone)]
pub struct Nbi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    transport: Transport,
    limits: TimeLimits,
    token: Mutex<Option<Token>>,
    vim_accounts: Mutex<Vec<VimAccountRecord>>,
    counters: Counters,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    Json(&'a Value),
    Package(&'a Upload),
}

impl Nbi {
    /// Sends nothing yet; the first call logs in.
    pub fn new(connection: Connection, transport: Transport, limits: TimeLimits) -> Self {
        let shared = Shared {
            connection,
            transport,
            limits,
            token: Mutex::default(),
            vim_accounts: Mutex::default(),
            counters: Counters::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn vim_accounts(&self) -> &Mutex<Vec<VimAccountRecord>> {
        &self.shared.vim_accounts
    }

    /// How many requests were sent so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.shared.counters.read()
    }

    /// Gives the token back, if there is one. OSM forgets it by itself an hour after it was made.
    ///
    /// # Errors
    /// Any [`NbiError`].
    ///
    /// # Cancel safety
    /// Safe: the token is forgotten here first.
    pub async fn log_out(&self) -> Result<(), NbiError> {
        let Some(token) = self.shared.token.lock().await.take() else {
            return Ok(());
        };
        let line = self.line(&Method::DELETE, TOKENS);
        self.shared.counters.count(Purpose::LogOut);
        let answer = self.exchange(&line, TOKENS, Content::Nothing, Some(token.bearer())).await?;
        check_status(&line, &answer)
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        purpose: Purpose,
    ) -> Result<T, NbiError> {
        let (line, answer) = self.send(&Method::GET, path, Content::Nothing, purpose).await?;
        decode(&line, &answer)
    }

    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        content: Content<'_>,
    ) -> Result<(RequestLine, Answer), NbiError> {
        self.send(&method, path, content, Purpose::Write).await
    }

    /// Sends with a token; once more with a new one when OSM refused the first unread.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        content: Content<'_>,
        purpose: Purpose,
    ) -> Result<(RequestLine, Answer), NbiError> {
        let line = self.line(method, path);
        let bearer = self.bearer(None).await?;
        self.shared.counters.count(purpose);
        let answer = self.exchange(&line, path, content, Some(&bearer)).await?;
        match check_status(&line, &answer) {
            Ok(()) => Ok((line, answer)),
            Err(error) if error.is_token_refusal() => {
                let bearer = self.bearer(Some(&bearer)).await?;
                self.shared.counters.count(purpose);
                let answer = self.exchange(&line, path, content, Some(&bearer)).await?;
                check_status(&line, &answer).map(|()| (line, answer))
            }
            Err(error) => Err(error),
        }
    }

    /// The token to use: the one at hand unless it is stale, or the one that was just `refused`. Callers
    /// that come at once wait here for one log-in.
    async fn bearer(&self, refused: Option<&HeaderValue>) -> Result<HeaderValue, NbiError> {
        let mut token = self.shared.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| token.is_fresh())
            && refused != Some(token.bearer())
        {
            return Ok(token.bearer().clone());
        }
        let fresh = self.log_in().await?;
        let bearer = fresh.bearer().clone();
        *token = Some(fresh);
        Ok(bearer)
    }

    async fn log_in(&self) -> Result<Token, NbiError> {
        let connection = &self.shared.connection;
        let line = self.line(&Method::POST, TOKENS);
        let body = json!({
            "username": connection.user,
            "password": connection.password.reveal(),
            "project_id": connection.project,
        });
        self.shared.counters.count(Purpose::LogIn);
        let asked_at = Instant::now();
        let answer = self.exchange(&line, TOKENS, Content::Json(&body), None).await?;
        match check_status(&line, &answer) {
            Ok(()) => {}
            // Wrong user or password is 401, an unknown project 404, a body that it cannot read 400.
            Err(NbiError::Refused { request, status, detail, .. })
                if matches!(status.as_u16(), 400 | 401 | 404) =>
            {
                let (user, project) = (connection.user.clone(), connection.project.clone());
                return Err(NbiError::LogInRefused { request, user, project, detail });
            }
            Err(error) => return Err(error),
        }
        // An answer that holds a token must not be quoted in an error.
        let strange = || NbiError::StrangeLogIn {
            request: line.clone(),
            status: answer.status,
            content_type: content_type(&answer),
        };
        let token: TokenBody = serde_json::from_slice(&answer.body).map_err(|_| strange())?;
        let life = Duration::try_from_secs_f64(token.expires - token.issued_at).unwrap_or_default();
        Token::new(&token.id, life, asked_at).map_err(|_| strange())
    }

    fn line(&self, method: &Method, path: &str) -> RequestLine {
        let path = path.split('?').next().unwrap_or_default();
        let base = self.shared.connection.base.as_str().trim_end_matches('/');
        RequestLine { method: method.clone(), url: format!("{base}{path}") }
    }

    /// One request and its whole answer, within its time.
    async fn exchange(
        &self,
        line: &RequestLine,
        path: &str,
        content: Content<'_>,
        bearer: Option<&HeaderValue>,
    ) -> Result<Answer, NbiError> {
        let limit = match content {
            Content::Package(_) => self.shared.limits.upload,
            Content::Nothing | Content::Json(_) => self.shared.limits.request,
        };
        let request = self.request(line, path, content, bearer);
        let exchange = async {
            let response =
                self.shared.transport.send(request).await.map_err(|error| match error {
                    TransportError::NoConnection(source) => {
                        NbiError::Unreachable { request: line.clone(), source }
                    }
                    TransportError::Interrupted(source) => {
                        NbiError::Interrupted { request: line.clone(), source }
                    }
                })?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|source| {
                if source.is::<http_body_util::LengthLimitError>() {
                    let limit_bytes = ANSWER_BYTES_MAX;
                    NbiError::TooLong { request: line.clone(), limit_bytes }
                } else {
                    NbiError::Interrupted { request: line.clone(), source }
                }
            })?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        let answer = timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(NbiError::TimedOut { request: line.clone(), limit }));
        match &answer {
            Ok(answer) => {
                tracing::debug!(request = %line, status = answer.status.as_u16(), "answered");
            }
            Err(error) => tracing::debug!(request = %line, %error, "no answer"),
        }
        answer
    }

    fn request(
        &self,
        line: &RequestLine,
        path: &str,
        content: Content<'_>,
        bearer: Option<&HeaderValue>,
    ) -> Request<Body> {
        let base = self.shared.connection.base.as_str().trim_end_matches('/');
        let mut request = Request::builder()
            .method(line.method.clone())
            .uri(format!("{base}{path}"))
            .header(ACCEPT, "application/json");
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let body = match content {
            Content::Nothing => full(Bytes::new()),
            Content::Json(value) => {
                let bytes = value.to_string();
                request = request
                    .header(CONTENT_TYPE, "application/json")
                    .header(CONTENT_LENGTH, bytes.len());
                full(bytes)
            }
            Content::Package(upload) => {
                request = request
                    .header(CONTENT_TYPE, "application/gzip")
                    .header("Content-Filename", &upload.file_name)
                    .header("Content-File-MD5", &upload.md5)
                    .header(CONTENT_LENGTH, upload.size_bytes);
                (upload.body)()
            }
        };
        // The address and every id in a path were checked when they were read, and an upload's name is
        // made of few characters.
        request.body(body).expect("method, URL and headers are valid by construction")
    }
}
