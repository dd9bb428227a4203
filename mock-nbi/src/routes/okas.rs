//! `/oka/v1/oka_packages`: an OKA's fields come in the query or in a form, its content as a file of
//! that form (`package`).
//!
//! Source: OSM NBI `nbi.py` of release 19, `default` and `_format_in`.

use serde_json::{Value, json};

use super::clusters::{accepted, made_at};
use super::{Call, NOTHING_TO_UPDATE, Reply, list_or_show};
use crate::problem::Problem;
use crate::request::{Body, Overlay, Request};
use crate::state::State;
use crate::state::db::Collection;
use crate::state::gitops::OkaContent;

/// Fields of a query or form, in order.
type Params = Vec<(String, String)>;

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    let (session, now) = (&call.session, call.now);
    match (request.method.as_str(), call.id.as_deref()) {
        ("POST", None) => {
            let (params, content) = read(request)?;
            let fields = fields_of(&params)?;
            let id = state.create_oka(session, &fields, content, now)?;
            Ok(made_at("oka/v1/oka_packages", &id))
        }
        ("PUT" | "PATCH", Some(id)) => {
            let (params, content) = read(request)?;
            let is_patch = request.method == "PATCH";
            if content.is_none() && params.is_empty() && session.set_project.is_none() {
                return Err(Problem::bad_request(NOTHING_TO_UPDATE));
            }
            if is_patch && !params.is_empty() {
                state.edit_oka(session, id, &fields_of(&params)?, now)?;
            }
            match content {
                Some(OkaContent::Data(mut change, _)) if is_patch && change.is_object() => {
                    Overlay::new(&params, false).lay_over(&mut change)?;
                    state.edit_oka(session, id, &change, now)?;
                }
                Some(content) => state.upload_oka(session, id, content, now)?,
                None => {}
            }
            Ok(Reply::no_content())
        }
        ("DELETE", Some(id)) => Ok(accepted("_id", state.delete_oka(session, id, now)?)),
        _ => list_or_show(state, call, request, Collection::Okas),
    }
}

fn fields_of(params: &[(String, String)]) -> Result<Value, Problem> {
    let mut fields = json!({});
    Overlay::new(params, false).lay_over(&mut fields)?;
    Ok(fields)
}

/// The fields, of query and form, and the content if there is any.
fn read(request: &Request) -> Result<(Params, Option<OkaContent>), Problem> {
    let mut params = request.params.clone();
    let named = |content_type: &str| {
        let usual = if content_type.contains("gzip") {
            "package.tar.gz"
        } else if content_type.contains("application/zip") {
            "package.zip"
        } else {
            "package"
        };
        let given = request.header("Content-Filename");
        if given.is_empty() { usual.to_owned() } else { given.to_owned() }
    };
    if request.is_multipart() {
        let mut content = None;
        for part in request.parts()? {
            if !matches!(part.name.as_str(), "package" | "descriptor_file") {
                params.push((part.name, String::from_utf8_lossy(&part.content).into_owned()));
            } else if part.is_file {
                content = Some(OkaContent::File(named(&part.content_type)));
            } else {
                return Err(Problem::bad_request("empty file or content"));
            }
        }
        return Ok((params, content));
    }
    let content = match request.parse_body()? {
        Body::Raw => Some(OkaContent::Stream),
        Body::Data(Value::Object(fields)) if fields.is_empty() => None,
        Body::Data(data) => Some(OkaContent::Data(data, named(request.content_type()))),
    };
    Ok((params, content))
}
