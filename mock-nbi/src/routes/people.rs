//! `/admin/v1/users`, `/admin/v1/projects` and `/admin/v1/roles`.
//!
//! Source: NBI_FACTS.md section 6; recorded cases `users_crud` and `projects_crud`.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Content, Reply, body_of_change, body_of_new, created, table};
use crate::filter::Filter;
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::db::Collection;
use crate::state::people::is_uuid;
use crate::state::users::{Edited, sees_user};

pub(super) fn serve(
    state: &mut State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    match (request.method.as_str(), &call.id) {
        ("POST", _) => {
            let body = body_of_new(request)?;
            let release = state.release;
            let is_known = |word: &str| table::is_permission(release, word);
            let id = match collection {
                Collection::Users => state.create_user(&call.session, &body, call.now)?,
                Collection::Projects => state.create_project(&body, call.now)?,
                _ => state.create_role(&body, is_known, call.now)?,
            };
            Ok(created(state, call, StatusCode::CREATED, &id, None))
        }
        ("PATCH", Some(id)) => edit(state, call, request, collection, id),
        ("DELETE", Some(id)) => {
            let gone = match collection {
                Collection::Users => state.delete_user(&call.session, id).map(|()| json!(true)),
                Collection::Projects => {
                    state.delete_project(&call.session, id).map(|()| json!({"deleted": 1}))
                }
                _ => state.delete_role(&call.session, id).map(|()| json!({"deleted": 1})),
            }?;
            // What was removed comes back as if it were an operation that removes.
            let key = state.release.deletion_key();
            Ok(Reply::new(StatusCode::ACCEPTED, Content::Data(json!({key: gone}))))
        }
        (_, Some(id)) => show(state, call, collection, id),
        (_, None) => list(state, call, request, collection),
    }
}

fn edit(
    state: &mut State,
    call: &Call,
    request: &Request,
    collection: Collection,
    id: &str,
) -> Result<Reply, Problem> {
    let change = body_of_change(call, request)?;
    let release = state.release;
    match collection {
        Collection::Users => {
            if state.edit_user(&call.session, id, &change, call.now)? == Edited::Nothing {
                let answer = json!({"op_id": id});
                return Ok(Reply::new(StatusCode::ACCEPTED, Content::Data(answer)));
            }
        }
        Collection::Projects => state.edit_project(&call.session, id, &change, call.now)?,
        _ => {
            let is_known = |word: &str| table::is_permission(release, word);
            state.edit_role(&call.session, id, &change, is_known, call.now)?;
        }
    }
    Ok(Reply::no_content())
}

fn show(state: &State, call: &Call, collection: Collection, id: &str) -> Result<Reply, Problem> {
    if !state.release.shows_one_person() {
        // The tip of release 8 calls its function with an argument more than that takes.
        return Err(Problem::bad_request("show() takes 3 positional arguments but 4 were given"));
    }
    let record = match collection {
        Collection::Users => state.shown_user(&call.session, id)?,
        Collection::Projects => state.shown_project(&call.session, id)?,
        _ => state.shown_role(&call.session, id)?,
    };
    Ok(Reply::ok(record))
}

fn list(
    state: &State,
    call: &Call,
    request: &Request,
    collection: Collection,
) -> Result<Reply, Problem> {
    let params: Vec<(String, String)> = match collection {
        Collection::Users => request.params.iter().map(as_user_filter).collect(),
        _ => request.params.clone(),
    };
    let filter = Filter::parse(&params, request.has_yaml_query())?;
    let records: Vec<Value> = state
        .db
        .iter(collection)
        .filter(|record| filter.accepts(record))
        .filter(|record| match collection {
            Collection::Users => sees_user(&call.session, record),
            Collection::Projects => state.sees_project(&call.session, record),
            _ => state.sees_role(&call.session, record),
        })
        .map(|record| match collection {
            Collection::Users => state.with_names(record.into_owned()),
            _ => record.into_owned(),
        })
        .collect();
    Ok(Reply::ok(records.into()))
}

/// Users can be looked for by `name` too, and by their id as if it were a name.
fn as_user_filter((key, value): &(String, String)) -> (String, String) {
    let key = if key == "name" { "username" } else { key.as_str() };
    let key = if key == "username" && is_uuid(value) { "_id" } else { key };
    (key.to_owned(), value.clone())
}
