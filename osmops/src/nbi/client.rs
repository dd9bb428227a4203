//! One method for each NBI call that we use.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::ids::{NsId, OpId, PackageId, PackageKind};
use crate::request_counts::RequestCounts;

use super::connection::Connection;
use super::error::NbiError;
use super::request::{Counters, Purpose, RequestLine, TimeLimits, Upload};
use super::token::Token;
use super::transport::{Body, Transport, TransportError, full};
use super::wire::{
    Created, CreatedInstance, KduParams, NewInstance, NsRecord, OpRecord, PackageRecord,
    ProblemBody, TokenBody, VimAccountRecord,
};

/// The longest answer that is read: 20,000 NS instances of the 6.5 kB that a record has.
const ANSWER_BYTES_MAX: usize = 128 * 1024 * 1024;

/// How much of a strange answer a message shows, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// OSM's tokens.
const TOKENS: &str = "/osm/admin/v1/tokens";

/// Talks to one OSM as one user in one project. Clones share the token and the counters.
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
    counters: Counters,
}

/// An instance whose instantiation OSM took on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedInstance {
    /// The record.
    pub ns: NsId,
    /// The operation.
    pub operation: OpId,
}

/// What a request carries.
#[derive(Clone, Copy)]
enum Content<'a> {
    Nothing,
    Json(&'a Value),
    Package(&'a Upload),
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Nbi {
    /// Sends nothing yet; the first call logs in.
    pub fn new(connection: Connection, transport: Transport, limits: TimeLimits) -> Self {
        let (token, counters) = (Mutex::new(None), Counters::default());
        Self { shared: Arc::new(Shared { connection, transport, limits, token, counters }) }
    }

    /// How many requests were sent so far.
    pub fn request_counts(&self) -> RequestCounts {
        self.shared.counters.read()
    }

    /// Reads every VNF package or NS descriptor of the project.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_packages(
        &self,
        kind: PackageKind,
    ) -> Result<Vec<PackageRecord>, NbiError> {
        let path = match kind {
            PackageKind::Vnfd => "/osm/vnfpkgm/v1/vnf_packages",
            PackageKind::Nsd => "/osm/nsd/v1/ns_descriptors",
        };
        self.read(path, Purpose::Read).await
    }

    /// Reads every NS instance of the project.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_instances(&self) -> Result<Vec<NsRecord>, NbiError> {
        self.read("/osm/nslcm/v1/ns_instances", Purpose::Read).await
    }

    /// Reads every VIM account of the project.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_vim_accounts(&self) -> Result<Vec<VimAccountRecord>, NbiError> {
        self.read("/osm/admin/v1/vim_accounts", Purpose::Read).await
    }

    /// Reads every operation of one instance, in no promised order.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_history(&self, ns: &NsId) -> Result<Vec<OpRecord>, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_lcm_op_occs?nsInstanceId={ns}");
        self.read(&path, Purpose::Read).await
    }

    /// Reads one operation, to see whether it has ended.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_operation(&self, operation: &OpId) -> Result<OpRecord, NbiError> {
        self.read(&format!("/osm/nslcm/v1/ns_lcm_op_occs/{operation}"), Purpose::Probe).await
    }

    /// Makes a package and uploads its files, in one step: OSM keeps nothing of it when it fails.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] the package may be there.
    ///
    /// # Cancel safety
    /// Dropped before its end, the package may or may not be there.
    pub async fn create_package(
        &self,
        kind: PackageKind,
        upload: &Upload,
    ) -> Result<PackageId, NbiError> {
        let path = match kind {
            PackageKind::Vnfd => "/osm/vnfpkgm/v1/vnf_packages_content",
            PackageKind::Nsd => "/osm/nsd/v1/ns_descriptors_content",
        };
        let (line, answer) = self.write(Method::POST, path, Content::Package(upload)).await?;
        decode::<Created<PackageId>>(&line, &answer).map(|created| created.id)
    }

    /// Uploads a package's files over those that OSM has.
    ///
    /// # Errors
    /// Any [`NbiError`]; a refused upload leaves the old files intact.
    ///
    /// # Cancel safety
    /// Dropped before its end, the files may be the old or the new ones.
    pub async fn update_package(
        &self,
        kind: PackageKind,
        record: &PackageId,
        upload: &Upload,
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => format!("/osm/vnfpkgm/v1/vnf_packages/{record}/package_content"),
            PackageKind::Nsd => format!("/osm/nsd/v1/ns_descriptors/{record}/nsd_content"),
        };
        self.write(Method::PUT, &path, Content::Package(upload)).await.map(|_| ())
    }

    /// Makes an NS instance and starts its instantiation.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] the instance may be there.
    ///
    /// # Cancel safety
    /// Dropped before its end, the instance may or may not be there.
    pub async fn create_instance(&self, new: &NewInstance) -> Result<StartedInstance, NbiError> {
        let path = "/osm/nslcm/v1/ns_instances_content";
        let (line, answer) = self.write(Method::POST, path, Content::Json(&new.to_body())).await?;
        let created: CreatedInstance = decode(&line, &answer)?;
        Ok(StartedInstance { ns: created.id, operation: created.nslcmop_id })
    }

    /// Starts the instantiation of a record that has none.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn instantiate(&self, ns: &NsId, new: &NewInstance) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/instantiate");
        self.start(&path, &new.to_body()).await
    }

    /// Starts an upgrade of one KDU to new values.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn upgrade_kdu(&self, ns: &NsId, kdu: &KduParams) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/action");
        let body = json!({
            "member_vnf_index": kdu.member,
            "kdu_name": kdu.kdu,
            "primitive": "upgrade",
            "primitive_params": kdu.params,
        });
        self.start(&path, &body).await
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

    async fn start(&self, path: &str, body: &Value) -> Result<OpId, NbiError> {
        let (line, answer) = self.write(Method::POST, path, Content::Json(body)).await?;
        decode::<Created<OpId>>(&line, &answer).map(|created| created.id)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str, purpose: Purpose) -> Result<T, NbiError> {
        let (line, answer) = self.send(&Method::GET, path, Content::Nothing, purpose).await?;
        decode(&line, &answer)
    }

    async fn write(
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
            // Wrong user or password is 401, an unknown project 404.
            Err(NbiError::Refused { request, status, detail, .. }) if status.is_client_error() => {
                let (user, project) = (connection.user.clone(), connection.project.clone());
                return Err(NbiError::LogInRefused { request, user, project, detail });
            }
            Err(error) => return Err(error),
        }
        let token: TokenBody = decode(&line, &answer)?;
        let life = Duration::try_from_secs_f64(token.expires - token.issued_at).unwrap_or_default();
        Token::new(&token.id, life, asked_at).map_err(|error| NbiError::Undecodable {
            request: line,
            source: serde::de::Error::custom(error),
        })
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
        // Ids hold no control characters and paths are ours, so this is a valid request.
        request.body(body).expect("method, URL and headers are valid by construction")
    }
}

fn check_status(line: &RequestLine, answer: &Answer) -> Result<(), NbiError> {
    if answer.status.is_success() {
        return Ok(());
    }
    match serde_json::from_slice::<ProblemBody>(&answer.body) {
        Ok(problem) => Err(NbiError::Refused {
            request: line.clone(),
            status: answer.status,
            code: problem.code,
            detail: problem.detail,
        }),
        Err(_) => Err(not_osm(line, answer)),
    }
}

fn decode<T: DeserializeOwned>(line: &RequestLine, answer: &Answer) -> Result<T, NbiError> {
    // Two steps tell an answer that is no JSON from JSON of another shape.
    let value: Value = serde_json::from_slice(&answer.body).map_err(|_| not_osm(line, answer))?;
    serde_json::from_value(value)
        .map_err(|source| NbiError::Undecodable { request: line.clone(), source })
}

fn not_osm(line: &RequestLine, answer: &Answer) -> NbiError {
    let text = String::from_utf8_lossy(&answer.body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut excerpt: String = words.join(" ").chars().take(EXCERPT_CHARS_MAX).collect();
    if excerpt.is_empty() {
        excerpt = "nothing".to_owned();
    }
    let content_type = answer.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    NbiError::NotOsm {
        request: line.clone(),
        status: answer.status,
        content_type: content_type.unwrap_or("no content type").to_owned(),
        excerpt,
    }
}
