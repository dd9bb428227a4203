//! `/vnfpkgm/v1/vnf_packages[_content]`, `/nsd/v1/ns_descriptors[_content]`,
//! `/nst/v1/netslice_templates[_content]` and `/nsd/v1/ns_config_template`.

mod upload;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderName;
use serde_json::{Value, json};

use super::NOTHING_TO_UPDATE;
use super::{Call, Content, Reply, list_or_show};
use crate::archive;
use crate::descriptor::{Kind, no_attribute};
use crate::problem::Problem;
use crate::profile::Upload as UploadKind;
use crate::request::{Body, Request};
use crate::state::State;
use crate::state::db::{Collection, set, text};
use crate::state::packages::Stored;

const TEXT_PLAIN: &str = "text/plain;charset=utf-8";
const WANTS_TYPE: &str = "provide request header 'Accept' with 'application/zip' or 'text/plain'";

pub(super) fn serve(
    state: &mut State,
    call: &Call,
    request: &Request,
    kind: Kind,
) -> Result<Reply, Problem> {
    let is_content = call.route.path.ends_with("_content");
    let below = request.segments.get(4).map(String::as_str);
    match (request.method.as_str(), below) {
        // What was uploaded for a template cannot be had.
        ("GET", Some("template_content")) | ("GET", None) => {
            list_or_show(state, call, request, kind.collection())
        }
        ("GET", Some("artifacts")) => artifacts(state, call, request, kind),
        ("GET", Some("package_content" | "nsd_content" | "nst_content")) => {
            content(state, call, request, kind)
        }
        ("GET", Some(_)) => descriptor(state, call, request, kind),
        ("POST", Some("action")) => operate(state, call, request),
        ("POST", _) if is_content || kind == Kind::ConfigTemplate => {
            create_with_content(state, call, request, kind)
        }
        ("POST", _) => create_empty(state, call, request, kind),
        ("PUT", Some(_)) => {
            let reply = put_content(state, call, request, kind)?;
            Ok(reply.after(state.engine.profile().latency(UploadKind::Update)))
        }
        ("PUT" | "PATCH", None) => edit(state, call, request, kind),
        ("DELETE", _) => {
            state.delete_package(&call.session, kind, call.id()?)?;
            Ok(Reply::no_content())
        }
        _ => Err(Problem::not_allowed("Method not supported for this URL")),
    }
}

/// `POST .../action`: an operation on a KDU in the package.
fn operate(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let mut body = request.parse_body()?.into_data()?;
    set(&mut body, "lcmOperationType", "action");
    set(&mut body, "vnfPkgId", call.id()?);
    if body.is_object() {
        request.overlay().lay_over(&mut body)?;
    }
    let id = state.create_package_operation(&call.session, &body, call.now)?;
    let place = format!("/osm/vnfpkgm/v1/vnfpkg_op_occs/{id}");
    Ok(Reply::located(StatusCode::ACCEPTED, place, json!({"id": id})))
}

fn create_empty(
    state: &mut State,
    call: &Call,
    request: &Request,
    kind: Kind,
) -> Result<Reply, Problem> {
    let body = request.parse_body()?.into_data()?;
    let mut user_data = body.get("userDefinedData").unwrap_or(&body).clone();
    request.overlay().lay_over(&mut user_data)?;
    state.check_quota(&call.session, kind.collection())?;
    let id = state.create_package(&call.session, kind, &user_data, call.now);
    Ok(super::created(state, call, StatusCode::CREATED, &id, None))
}

fn create_with_content(
    state: &mut State,
    call: &Call,
    request: &Request,
    kind: Kind,
) -> Result<Reply, Problem> {
    let upload = upload::read(request, state.release)?;
    let upload_kind = match kind {
        Kind::Vnfd => UploadKind::CreateVnf,
        Kind::Nsd | Kind::Nst | Kind::ConfigTemplate => UploadKind::CreateNs,
    };
    let latency = state.engine.profile().latency(upload_kind);
    let transaction = request.header("Transaction-Id").to_owned();
    if !transaction.is_empty() {
        let is_whole = state.receive(&call.session, kind, &transaction, &upload, call.now)?;
        return Ok(created(call, &transaction, is_whole).after(latency));
    }
    state.check_quota(&call.session, kind.collection())?;
    let id = state.create_package(&call.session, kind, &json!({}), call.now);
    match state.receive(&call.session, kind, &id, &upload, call.now) {
        Ok(is_whole) => Ok(created(call, &id, is_whole).after(latency)),
        Err(problem) => {
            state.forget_package(kind, &id);
            Err(problem)
        }
    }
}

fn created(call: &Call, id: &str, is_whole: bool) -> Reply {
    let answer = json!({"id": id});
    if is_whole {
        return Reply::located(
            StatusCode::CREATED,
            format!("/osm/{}/{id}", call.route.path),
            answer,
        );
    }
    Reply {
        headers: vec![(HeaderName::from_static("transaction-id"), id.to_owned())],
        ..Reply::new(StatusCode::CREATED, Content::Data(answer))
    }
}

fn put_content(
    state: &mut State,
    call: &Call,
    request: &Request,
    kind: Kind,
) -> Result<Reply, Problem> {
    let upload = upload::read(request, state.release)?;
    if upload.is_nothing() && call.session.set_project.is_none() {
        return Err(Problem::bad_request(NOTHING_TO_UPDATE));
    }
    let is_whole = state.receive(&call.session, kind, call.id()?, &upload, call.now)?;
    if is_whole {
        return Ok(Reply::no_content());
    }
    // OSM puts Python's function `id` there by mistake.
    Ok(Reply {
        headers: vec![(
            HeaderName::from_static("transaction-id"),
            "<built-in function id>".to_owned(),
        )],
        ..Reply::no_content()
    })
}

fn edit(state: &mut State, call: &Call, request: &Request, kind: Kind) -> Result<Reply, Problem> {
    let Body::Data(patch) = request.parse_body()? else {
        return Err(no_attribute("RequestBody"));
    };
    let is_empty = patch.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty && request.params.is_empty() && call.session.set_project.is_none() {
        return Err(Problem::bad_request(NOTHING_TO_UPDATE));
    }
    state.edit_package(&call.session, kind, call.id()?, &patch, &request.overlay(), call.now)?;
    Ok(Reply::no_content().after(state.engine.profile().latency(UploadKind::Update)))
}

/// What `Accept` says about downloads.
struct Wanted {
    text: bool,
    archive: bool,
    mime: &'static str,
}

/// # Errors
/// 406 for a header that names no type of a package.
fn wanted(request: &Request) -> Result<Wanted, Problem> {
    let accept = request.accept().unwrap_or_default();
    let any = accept.contains("*/*");
    let gzip = accept.contains("application/gzip");
    let zip = accept.contains("application/zip");
    let wanted = Wanted {
        text: any || accept.contains("text/plain"),
        archive: any || gzip || zip,
        mime: if gzip && !zip && !any { "application/gzip" } else { "application/zip" },
    };
    if !wanted.text && !wanted.archive {
        return Err(not_acceptable(WANTS_TYPE));
    }
    Ok(wanted)
}

fn not_acceptable(detail: &str) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
}

/// `GET .../vnfd` and `.../nsd`: the descriptor file as it was uploaded.
fn descriptor(state: &State, call: &Call, request: &Request, kind: Kind) -> Result<Reply, Problem> {
    let wanted = wanted(request)?;
    let stored = stored(state, call, kind)?;
    if !wanted.text && matches!(stored, Stored::Text(_)) {
        return Err(not_acceptable(ONLY_TEXT));
    }
    if !wanted.text {
        return packed(stored, wanted.mime);
    }
    Ok(raw(descriptor_text(stored), TEXT_PLAIN))
}

const ONLY_TEXT: &str = "Only allowed 'text/plain' Accept header for this descriptor. To be solved \
                         in future versions";

/// `GET .../package_content` and `.../nsd_content`: the very bytes uploaded, or the descriptor of a
/// package that has nothing else.
fn content(state: &State, call: &Call, request: &Request, kind: Kind) -> Result<Reply, Problem> {
    let wanted = wanted(request)?;
    let stored = stored(state, call, kind)?;
    let is_single = match stored {
        Stored::Text(_) => true,
        Stored::Packed { archive, .. } => {
            let is_content = |path: &str| !path.ends_with("/checksums.txt");
            // OSM counts files in the top folder, and a zip has none.
            archive.folder.is_empty()
                || archive.files.iter().filter(|path| is_content(path)).count() == 1
        }
    };
    if wanted.text && is_single {
        return Ok(raw(descriptor_text(stored), TEXT_PLAIN));
    }
    if matches!(stored, Stored::Text(_)) {
        return Err(not_acceptable(ONLY_TEXT));
    }
    if !wanted.archive {
        return Err(not_acceptable(
            "Packages that contains several files need to be retrieved with 'application/zip'Accept \
             header",
        ));
    }
    packed(stored, wanted.mime)
}

fn stored<'a>(state: &'a State, call: &Call, kind: Kind) -> Result<&'a Stored, Problem> {
    state.package_files(&call.session, kind, call.id()?)
}

fn descriptor_text(stored: &Stored) -> Bytes {
    match stored {
        Stored::Text(text) => text.clone(),
        Stored::Packed { archive, .. } => archive.descriptor_text.clone(),
    }
}

fn packed(stored: &Stored, mime: &'static str) -> Result<Reply, Problem> {
    match stored {
        Stored::Packed { bytes, .. } => Ok(raw(bytes.clone(), mime)),
        Stored::Text(_) => Err(not_acceptable(ONLY_TEXT)),
    }
}

fn raw(bytes: Bytes, mime: &'static str) -> Reply {
    Reply::new(StatusCode::OK, Content::Raw(bytes, mime))
}

/// `GET .../artifacts[/path]`: names below the top folder, or one file.
fn artifacts(state: &State, call: &Call, request: &Request, kind: Kind) -> Result<Reply, Problem> {
    wanted(request)?;
    let path = request.segments.get(5..).unwrap_or_default();
    let Stored::Packed { bytes, archive } = stored(state, call, kind)? else {
        return Err(Problem::bad_request(if state.release.has_zip_packages() {
            "'pkg-dir'"
        } else {
            "Packages does not contains artifacts"
        }));
    };
    let steps = std::iter::once(archive.folder.as_str()).chain(path.iter().map(String::as_str));
    let place = steps.filter(|step| !step.is_empty()).collect::<Vec<_>>().join("/");
    if archive.files.contains(&place) {
        let content = archive::file_in(bytes, &place)?;
        return Ok(raw(content, "application/octet-stream"));
    }
    let prefix = if place.is_empty() { place.clone() } else { format!("{place}/") };
    let mut names: Vec<&str> = Vec::new();
    for file in &archive.files {
        let name = file.strip_prefix(&prefix).and_then(|rest| rest.split('/').next());
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    if names.is_empty() {
        let record = call.session.find(&state.db, kind.collection(), call.id()?)?;
        let folder = text(&record["_admin"]["storage"], "folder");
        return Err(Problem::not_found(format!(
            "storage exception File {folder}/{place} does not exist"
        )));
    }
    let text = crate::python::yaml_dump(&json!(names), crate::python::ANSWER);
    Ok(raw(text.into(), "application/yaml"))
}

/// A package's record with the states and links that OSM adds on reading.
pub(super) fn shown(collection: Collection, record: &Value) -> Value {
    let mut shown = record.clone();
    let admin = &record["_admin"];
    let id = text(record, "_id");
    if collection != Collection::NsDescriptors {
        for key in ["onboardingState", "operationalState", "usageState"] {
            set(&mut shown, key, admin[key].clone());
        }
        let links = if collection == Collection::SliceTemplates {
            let own = format!("/nst/v1/netslice_templates/{id}");
            json!({"self": {"href": own}, "nst": {"href": format!("{own}/nst")}})
        } else {
            let own = format!("/vnfpkgm/v1/vnf_packages/{id}");
            json!({
                "self": {"href": own},
                "vnfd": {"href": format!("{own}/vnfd")},
                "packageContent": {"href": format!("{own}/package_content")},
            })
        };
        set(&mut shown, "_links", links);
    } else {
        for (key, source) in [
            ("nsdOnboardingState", "onboardingState"),
            ("nsdOperationalState", "operationalState"),
            ("nsdUsageState", "usageState"),
        ] {
            set(&mut shown, key, admin[source].clone());
        }
        let own = format!("/nsd/v1/ns_descriptors/{id}");
        let links = json!({
            "self": {"href": own}, "nsd_content": {"href": format!("{own}/nsd_content")},
        });
        set(&mut shown, "_links", links);
    }
    shown
}
