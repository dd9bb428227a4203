//! A conversation with one OSM: the token, one request and its answer, and how many there were.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ids::PackageId;
use crate::moment::Moment;
use crate::package;
use crate::request_counts::RequestCounts;

use super::answer::{Answer, check_status, content_type, decode};
use super::client::VimAccounts;
use super::clock::OsmClock;
use super::connection::Connection;
use super::error::NbiError;
use super::receive::{Sink, receive};
use super::request::{Counters, Purpose, RequestLine, TimeLimits, Upload};
use super::token::Token;
use super::transport::{AnswerBody, Body, Transport, TransportError, full};
use super::wire::TokenBody;

/// OSM's tokens.
const TOKENS: &str = "/osm/admin/v1/tokens";

/// Talks to one OSM as one user in one project. Clones share the token, the VIM accounts that were read,
/// and the counters.
#[derive(Debug, Clone)]
pub struct Nbi {
    shared: Arc<Shared>,
    /// Once it is cancelled, no write begins.
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    transport: Transport,
    limits: TimeLimits,
    token: Mutex<Option<Token>>,
    vim_accounts: Mutex<VimAccounts>,
    package_contents: Mutex<PackageContents>,
    counters: Counters,
    clock: OsmClock,
}

/// What was found in downloaded packages, with the time at which each had last changed.
pub(crate) type PackageContents = BTreeMap<PackageId, (Moment, package::Content)>;

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Nothing,
    /// Nothing, and the answer is a package.
    Download,
    Json(&'a Value),
    Package(&'a Upload),
}

impl Content<'_> {
    /// OSM looks for words in this: it gives archives as gzip, and everything else as JSON.
    fn accept(self) -> &'static str {
        match self {
            Content::Download => "application/json, application/gzip",
            Content::Nothing | Content::Json(_) | Content::Package(_) => "application/json",
        }
    }
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
            package_contents: Mutex::default(),
            counters: Counters::default(),
            clock: OsmClock::default(),
        };
        Self { shared: Arc::new(shared), stop: CancellationToken::new() }
    }

    /// The same session, whose writes end in [`NbiError::Stopped`] once `stop` is cancelled; those on their way are let
    /// end.
    pub(crate) fn until(&self, stop: &CancellationToken) -> Self {
        Self { shared: Arc::clone(&self.shared), stop: stop.clone() }
    }

    pub(super) fn vim_accounts(&self) -> &Mutex<VimAccounts> {
        &self.shared.vim_accounts
    }

    /// What this session found in packages that it downloaded.
    pub(crate) fn package_contents(&self) -> &Mutex<PackageContents> {
        &self.shared.package_contents
    }

    /// The time by OSM's clock.
    pub(crate) fn osm_time(&self) -> Moment {
        self.shared.clock.now()
    }

    /// How many requests were sent so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.shared.counters.read()
    }

    /// Whether a token is at hand, or just being asked for.
    pub fn has_token(&self) -> bool {
        self.shared.token.try_lock().map_or(true, |token| token.is_some())
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
        let bearer = Some(token.bearer());
        let answer =
            self.exchange(&line, TOKENS, Content::Nothing, bearer, &mut Sink::Keep).await?;
        check_status(&line, &answer)
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        purpose: Purpose,
    ) -> Result<T, NbiError> {
        let content = Content::Nothing;
        let (line, answer) =
            self.send(&Method::GET, path, content, purpose, &mut Sink::Keep).await?;
        decode(&line, &answer)
    }

    /// Reads a list and gives each record to `take` as it arrives.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &self,
        path: &str,
        purpose: Purpose,
        take: &mut (dyn FnMut(T) + Send),
    ) -> Result<(), NbiError> {
        let mut take_record = |record: &[u8]| {
            take(serde_json::from_slice(record)?);
            Ok(())
        };
        let mut sink = Sink::Records(&mut take_record);
        self.send(&Method::GET, path, Content::Nothing, purpose, &mut sink).await.map(|_| ())
    }

    /// Writes the bytes at `path` into `sink` as they come, for answers that are too long for the memory.
    pub(super) async fn download(
        &self,
        path: &str,
        sink: &mut (dyn Write + Send),
    ) -> Result<(), NbiError> {
        let mut sink = Sink::Bytes(sink);
        let content = Content::Download;
        self.send(&Method::GET, path, content, Purpose::Read, &mut sink).await.map(|_| ())
    }

    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        content: Content<'_>,
    ) -> Result<(RequestLine, Answer), NbiError> {
        let sent = self.send(&method, path, content, Purpose::Write, &mut Sink::Keep).await;
        match (sent, content) {
            (
                Err(
                    NbiError::Refused { request, status, .. }
                    | NbiError::NotOsm { request, status, .. },
                ),
                Content::Package(upload),
            ) if status == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(NbiError::UploadTooLarge { request, size_bytes: upload.size_bytes })
            }
            (sent, _) => sent,
        }
    }

    /// Sends with a token; once more with a new one when OSM refused the first unread.
    async fn send(
        &self,
        method: &Method,
        path: &str,
        content: Content<'_>,
        purpose: Purpose,
        sink: &mut Sink<'_>,
    ) -> Result<(RequestLine, Answer), NbiError> {
        let line = self.line(method, path);
        self.may_go_on(&line, purpose)?;
        let bearer = self.bearer(None).await?;
        self.may_go_on(&line, purpose)?;
        self.shared.counters.count(purpose);
        let answer = self.exchange(&line, path, content, Some(&bearer), sink).await?;
        match check_status(&line, &answer) {
            Ok(()) => Ok((line, answer)),
            Err(error) if error.is_token_refusal() => {
                self.may_go_on(&line, purpose)?;
                let bearer = self.bearer(Some(&bearer)).await?;
                self.may_go_on(&line, purpose)?;
                self.shared.counters.count(purpose);
                let answer = self.exchange(&line, path, content, Some(&bearer), sink).await?;
                check_status(&line, &answer).map(|()| (line, answer))
            }
            Err(error) => Err(error),
        }
    }

    /// A log-in may take a while, and is asked for in vain where the write is not to be sent any more.
    fn may_go_on(&self, line: &RequestLine, purpose: Purpose) -> Result<(), NbiError> {
        if purpose == Purpose::Write && self.stop.is_cancelled() {
            return Err(NbiError::Stopped { request: line.clone() });
        }
        Ok(())
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
        let content = Content::Json(&body);
        let answer = self.exchange(&line, TOKENS, content, None, &mut Sink::Keep).await?;
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

    /// One request and its answer, within its time.
    async fn exchange(
        &self,
        line: &RequestLine,
        path: &str,
        content: Content<'_>,
        bearer: Option<&HeaderValue>,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, NbiError> {
        let limit = match content {
            Content::Package(_) => self.shared.limits.upload,
            Content::Nothing | Content::Download | Content::Json(_) => self.shared.limits.request,
        };
        let request = self.request(line, path, content, bearer);
        let answer = receive(line, limit, self.open(line, request), sink).await;
        match &answer {
            Ok(answer) => {
                self.shared.clock.read(&answer.headers);
                tracing::debug!(request = %line, status = answer.status.as_u16(), "answered");
            }
            Err(error) => tracing::debug!(request = %line, %error, "no answer"),
        }
        answer
    }

    /// The beginning of an answer.
    async fn open(
        &self,
        line: &RequestLine,
        request: Request<Body>,
    ) -> Result<(Parts, AnswerBody), NbiError> {
        let request_line = line.clone();
        match self.shared.transport.send(request).await {
            Ok(response) => Ok(response.into_parts()),
            Err(TransportError::NoConnection(source)) => {
                Err(NbiError::Unreachable { request: request_line, source })
            }
            Err(TransportError::Interrupted(source)) => {
                Err(NbiError::Interrupted { request: request_line, source })
            }
        }
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
            .header(ACCEPT, content.accept());
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let body = match content {
            Content::Nothing | Content::Download => full(Bytes::new()),
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
