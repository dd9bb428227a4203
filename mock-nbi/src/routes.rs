//! The URLs of the NBI: which there are, with which methods, and who serves them.
//!
//! Order of checks: URL and method (405, 501), token (401), permission (401), body, action.
//!
//! Source: NBI_FACTS.md section 2; recorded case `wrong_urls_and_methods`.

mod admin;
mod instances;
mod listing;
mod near;
mod packages;
mod table;
mod tokens;
mod top;

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use serde_json::{Value, json};

use crate::filter::Filter;
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::db::{Collection, text};
use crate::state::session::{Access, Session};
use crate::state::tokens::is_permitted;

pub(crate) use listing::{Listing, Measured};
pub(crate) use near::near_miss;
pub(crate) use packages::Range;
use table::operation_name;
pub(crate) use table::{Resource, Route, has_path};
pub(crate) use top::at_top_level;

/// What is sent back, before the format is chosen.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// How long OSM keeps the client waiting.
    pub(crate) delay: Duration,
}

/// A body before the format is chosen.
#[derive(Debug)]
pub(crate) enum Content {
    Nothing,
    Data(Value),
    /// A list too long to be built at once.
    Rows(Box<Listing>),
    /// Bytes of a given type, whatever `Accept` says.
    Raw(Bytes, &'static str),
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content: Content) -> Self {
        Self { status, content, headers: Vec::new(), delay: Duration::ZERO }
    }

    pub(crate) fn ok(value: Value) -> Self {
        Self::new(StatusCode::OK, Content::Data(value))
    }

    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Content::Nothing)
    }

    pub(crate) fn located(status: StatusCode, place: String, value: Value) -> Self {
        Self { headers: vec![(LOCATION, place)], ..Self::new(status, Content::Data(value)) }
    }

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// Answers a request whose path starts with `/osm/` and has more below.
///
/// # Errors
/// Whatever OSM refuses it with.
pub(crate) fn serve(state: &mut State, mut request: Request, now: f64) -> Result<Reply, Problem> {
    let id = clash_or_id(&mut request)?;
    let route = table::find(&request)?;
    let words = query_word_permissions(&request);
    if route.resource == Resource::Tokens {
        return tokens::serve(state, &request, id.as_deref(), now);
    }
    let token = state.tokens.authenticate(request.bearer(), now)?.clone();
    check_permissions(state, &token, &route, &request.method, &words)?;
    if route.resource == Resource::Domains {
        return Ok(Reply::ok(json!({"user_domain_name": null, "project_domain_name": null})));
    }
    let session = open_session(state, &token, &mut request, id.is_some())?;
    let call = Call { session, route, id, now };
    match call.route.resource {
        Resource::Admin(collection) => admin::serve(state, &call, &request, collection),
        Resource::Packages(kind) => packages::serve(state, &call, &request, kind),
        Resource::Instances => instances::serve(state, &call, &request),
        Resource::Operations => list_or_show(state, &call, &request, Collection::Operations),
        Resource::VnfInstances => list_or_show(state, &call, &request, Collection::VnfInstances),
        Resource::Tokens | Resource::Domains | Resource::Elsewhere => Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("Method {} not supported yet for this URL", request.method),
        )),
    }
}

/// A request whose token and permissions are checked.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) session: Session,
    pub(crate) route: Route,
    /// The id of the path, or that of `?_id=`.
    pub(crate) id: Option<String>,
    pub(crate) now: f64,
}

impl Call {
    /// The path's id, on routes that have one.
    ///
    /// # Errors
    /// 405, which the route table makes impossible.
    pub(crate) fn id(&self) -> Result<&str, Problem> {
        self.id.as_deref().ok_or_else(|| Problem::not_allowed("URL without id"))
    }
}

/// Whether `?METHOD=` may say this.
fn is_method(word: &str) -> bool {
    ["GET", "POST", "PUT", "DELETE", "PATCH"].contains(&word)
}

/// The operation that a request is, as faults and reports name it, whatever way it says so: by its
/// method and path, by `?METHOD=` or by `?_id=`.
pub(crate) fn operation_of(request: &Request) -> String {
    let last = |name: &str| {
        request.params.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    let method = last("METHOD").filter(|word| is_method(word)).unwrap_or(&request.method);
    let id = last("_id").filter(|_| request.segments.len() == 3);
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).chain(id).collect();
    operation_name(method, &segments)
}

/// Arguments of OSM's handler function that a query may not give again.
fn clash_or_id(request: &mut Request) -> Result<Option<String>, Problem> {
    for (position, name) in ["main_topic", "version", "topic", "_id", "item"].iter().enumerate() {
        let is_given = request.params.iter().any(|(key, _)| key == name);
        if is_given && request.segments.len() > position {
            return Err(Problem::page(
                StatusCode::NOT_FOUND,
                format!("Multiple values for parameters: {name}"),
            ));
        }
    }
    request.take_param("item");
    if let Some(method) = request.take_param("METHOD").filter(|word| is_method(word)) {
        request.method = method;
    }
    if let Some(id) = request.take_param("_id").filter(|_| request.segments.len() == 3) {
        request.segments.push(id);
    }
    Ok(request.segments.get(3).cloned())
}

/// Permissions that the query words of a request need: `force:delete`.
fn query_word_permissions(request: &Request) -> Vec<String> {
    ["FORCE", "PUBLIC", "ADMIN", "SET_PROJECT"]
        .iter()
        .filter(|word| {
            request
                .params
                .iter()
                .any(|(key, value)| key == *word && !value.eq_ignore_ascii_case("false"))
        })
        .map(|word| format!("{}:{}", word.to_lowercase(), request.method.to_lowercase()))
        .collect()
}

fn check_permissions(
    state: &State,
    token: &Value,
    route: &Route,
    method: &str,
    words: &[String],
) -> Result<(), Problem> {
    let permission = format!("{}{}", route.permission, method.to_lowercase());
    if !is_permitted(token, &permission, &state.db) {
        return Err(Problem::unauthorized("Access denied: lack of permissions."));
    }
    if !words.iter().all(|word| is_permitted(token, word, &state.db)) {
        return Err(Problem::unauthorized(
            "Access denied: You have not permissions to use these admin query string",
        ));
    }
    Ok(())
}

/// Takes the query words out and says whose records the request may see.
fn open_session(
    state: &State,
    token: &Value,
    request: &mut Request,
    has_id: bool,
) -> Result<Session, Problem> {
    let is_on = |value: String| !value.eq_ignore_ascii_case("false");
    let own = text(token, "project_id").to_owned();
    let mut project_id = Some(own.clone());
    let force = request.take_param("FORCE").is_some_and(is_on);
    let public = request.take_param("PUBLIC").map(is_on);
    if let Some(admin) = request.take_param("ADMIN").filter(|admin| is_on(admin.clone())) {
        if token["admin"] != true {
            return Err(Problem::unauthorized("Only admin projects can use 'ADMIN' query string"));
        }
        project_id = match admin.as_str() {
            "" => None,
            word if word.eq_ignore_ascii_case("true") => None,
            name => Some(state.project_named(name).unwrap_or_else(|| name.to_owned())),
        };
    }
    let mut set_project = None;
    if let Some(wanted) = request.take_param("SET_PROJECT") {
        let may_set = project_id.as_deref().is_none_or(|project| project == wanted);
        if !wanted.is_empty() && !may_set {
            return Err(Problem::unauthorized(format!(
                "Unauthorized for 'SET_PROJECT={wanted}'. Try with 'ADMIN=True' or \
                 'ADMIN='{wanted}'"
            )));
        }
        let wanted = if wanted.is_empty() { project_id.clone() } else { Some(wanted) };
        set_project = Some(wanted.into_iter().collect());
    }
    let access = match (request.method.as_str(), has_id) {
        ("GET", false) => Access::List,
        ("GET", true) => Access::Show,
        ("DELETE", _) => Access::Delete,
        _ => Access::Write,
    };
    Ok(Session { project_id, own_project_id: own, access, force, public, set_project })
}

/// Serves GET of a collection or one record.
pub(crate) fn list_or_show(
    state: &State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    if let Some(id) = &call.id {
        let record = call.session.find(&state.db, collection, id)?;
        return Ok(Reply::ok(shown(collection, &record)));
    }
    let is_yaml = request.header("Query-String-Format").contains("yaml");
    let filter = Filter::parse(&request.params, is_yaml)?;
    let candidates = state.db.candidates(collection, &filter);
    let is_short = candidates.len() <= listing::SHORT_MAX;
    let list = Listing { collection, session: call.session.clone(), filter, candidates };
    if is_short {
        return Ok(Reply::ok(list.value()));
    }
    Ok(Reply::new(StatusCode::OK, Content::Rows(Box::new(list))))
}

/// A record with what OSM derives when it is read.
fn shown(collection: Collection, record: &Value) -> Value {
    match collection {
        Collection::VnfPackages | Collection::NsDescriptors => packages::shown(collection, record),
        _ => record.clone(),
    }
}
