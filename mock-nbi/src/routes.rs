//! The URLs of the NBI: which there are, with which methods, and who serves them.
//!
//! Order of checks: URL and method (405, 501), token (401), permission (401), body, action.
//!
//! Source: NBI_FACTS.md section 2; recorded case `wrong_urls_and_methods`.

mod admin;
mod clusters;
mod instances;
mod ksus;
mod listing;
mod near;
mod okas;
mod packages;
mod pdus;
mod people;
mod slices;
mod subscriptions;
mod table;
mod test_url;
mod tokens;
mod top;
mod vnf_operations;

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
use crate::state::rights::{self, Asked, Rights};
use crate::state::session::{Access, Session};

pub(crate) use listing::{Listing, Measured};
pub(crate) use near::near_miss;
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
    let sent_method = request.method.clone();
    let id = clash_or_id(&mut request)?;
    let route = table::find(&request, state.release)?;
    let words = query_word_permissions(&request)?;
    if route.resource == Resource::Tokens {
        return tokens::serve(state, &request, id.as_deref(), now);
    }
    let token = state.authenticate(&request, now)?;
    let permission =
        format!("{}{}", route.permission(state.release), request.method.to_lowercase());
    let asked = Asked {
        permission: &permission,
        words: &words,
        method: &sent_method,
        item_id: id.as_deref(),
    };
    let rights = rights::check(&state.db, &token, &asked)?;
    state.tokens.remember(text(&token, "_id"), rights);
    if route.resource == Resource::Domains {
        return Ok(Reply::ok(json!({"user_domain_name": null, "project_domain_name": null})));
    }
    let session = open_session(&token, rights, &mut request, id.is_some())?;
    let call = Call { session, route, id, now };
    match call.route.resource {
        Resource::People(collection) => people::serve(state, &call, &request, collection),
        Resource::Admin(collection) => admin::serve(state, &call, &request, collection),
        Resource::Packages(kind) => packages::serve(state, &call, &request, kind),
        Resource::Pdus => pdus::serve(state, &call, &request),
        Resource::PackageOperations => {
            list_or_show(state, &call, &request, Collection::PackageOperations)
        }
        Resource::Instances => instances::serve(state, &call, &request),
        Resource::Operations => instances::serve_operations(state, &call, &request),
        Resource::Slices => slices::serve(state, &call, &request),
        Resource::SliceOperations => {
            list_or_show(state, &call, &request, Collection::SliceOperations)
        }
        Resource::Subscriptions => subscriptions::serve(state, &call, &request),
        Resource::Clusters => clusters::serve(state, &call, &request),
        Resource::NodeGroups => clusters::serve_node_groups(state, &call, &request),
        Resource::Profiles(collection) => {
            clusters::serve_profiles(state, &call, &request, collection)
        }
        Resource::Ksus => ksus::serve(state, &call, &request),
        Resource::AppInstances => ksus::serve_apps(state, &call, &request),
        Resource::Okas => okas::serve(state, &call, &request),
        Resource::VnfOperations => vnf_operations::serve(state, &call, &request),
        Resource::Reports => subscriptions::report(state, &request),
        Resource::VnfInstances => vnf_operations::serve_instances(state, &call, &request),
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
///
/// # Errors
/// 400 for a word that is given twice, over which OSM stumbles.
fn query_word_permissions(request: &Request) -> Result<Vec<String>, Problem> {
    let mut permissions = Vec::new();
    for word in ["FORCE", "PUBLIC", "ADMIN", "SET_PROJECT"] {
        let mut given = request.params.iter().filter(|(key, _)| key == word);
        let Some((_, value)) = given.next() else {
            continue;
        };
        if given.next().is_some() {
            return Err(Problem::bad_request("'list' object has no attribute 'lower'"));
        }
        if is_on(value) {
            let method = request.method.to_lowercase();
            permissions.push(format!("{}:{method}", word.to_lowercase()));
        }
    }
    Ok(permissions)
}

/// Whether a query word is meant: anything but `false`.
fn is_on(value: &str) -> bool {
    !value.eq_ignore_ascii_case("false")
}

/// Takes the query words out and says whose records the request may see.
fn open_session(
    token: &Value,
    rights: Rights,
    request: &mut Request,
    has_id: bool,
) -> Result<Session, Problem> {
    let mut project_id = Some(text(token, "project_id").to_owned());
    let force = request.take_param("FORCE").is_some_and(|value| is_on(&value));
    let public = request.take_param("PUBLIC").map(|value| is_on(&value));
    if let Some(admin) = request.take_param("ADMIN").filter(|admin| is_on(admin)) {
        if !rights.is_admin {
            return Err(Problem::unauthorized("Only admin projects can use 'ADMIN' query string"));
        }
        // The word is taken as it is: a project's name then fits only what names it so.
        let is_any = admin.is_empty() || admin.eq_ignore_ascii_case("true");
        project_id = if is_any { None } else { Some(admin) };
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
        set_project = wanted.map(|project| vec![project]);
    }
    let access = match (request.method.as_str(), has_id) {
        ("GET", false) => Access::List,
        ("GET", true) => Access::Show,
        ("DELETE", _) => Access::Delete,
        _ => Access::Write,
    };
    Ok(Session {
        project_id,
        access,
        force,
        public,
        set_project,
        user_id: text(token, "user_id").to_owned(),
        username: text(token, "username").to_owned(),
        is_admin_user: token["admin_show"] == true,
        sees_everyone: rights.sees_everyone,
    })
}

/// Says that nothing was asked to be changed.
pub(crate) const NOTHING_TO_UPDATE: &str = "Nothing to update. Provide payload and/or query string";

/// The body of a creation or an operation, with the query laid over it.
fn body_of_new(request: &Request) -> Result<Value, Problem> {
    let mut body = request.parse_body()?.into_data()?;
    if body.is_object() {
        request.overlay().lay_over(&mut body)?;
    }
    Ok(body)
}

/// The body of a change, with the query laid over it.
fn body_of_change(call: &Call, request: &Request) -> Result<Value, Problem> {
    let mut change = request.parse_body()?.into_data()?;
    let is_empty = change.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty && request.params.is_empty() && call.session.set_project.is_none() {
        return Err(Problem::bad_request(NOTHING_TO_UPDATE));
    }
    if change.is_object() {
        request.overlay().lay_over(&mut change)?;
    }
    Ok(change)
}

/// The answer to a creation: where it is, its id, and that of the operation that goes on.
fn created(state: &State, call: &Call, status: StatusCode, id: &str, op_id: Option<&str>) -> Reply {
    let mut answer = json!({});
    if state.release.has_verbose_ids() {
        answer["_id"] = json!(id);
    }
    answer["id"] = json!(id);
    if let Some(op_id) = op_id {
        answer["op_id"] = json!(op_id);
    }
    Reply::located(status, format!("/osm/{}/{id}", call.route.path), answer)
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
    let filter = Filter::parse(&request.params, request.has_yaml_query())?;
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
    if is_shown_as_kept(collection) { record.clone() } else { packages::shown(collection, record) }
}

/// Whether nothing is derived when records of a collection are read.
fn is_shown_as_kept(collection: Collection) -> bool {
    !matches!(
        collection,
        Collection::VnfPackages | Collection::NsDescriptors | Collection::SliceTemplates
    )
}
