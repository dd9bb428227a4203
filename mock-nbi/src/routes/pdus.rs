//! `/pdu/v1/pdu_descriptors`.

use http::StatusCode;

use super::{Call, Reply, body_of_change, body_of_new, created, list_or_show};
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;
use crate::state::db::Collection;

pub(super) fn serve(state: &mut State, call: &Call, request: &Request) -> Result<Reply, Problem> {
    match request.method.as_str() {
        "POST" => {
            let body = body_of_new(request)?;
            let id = state.create_pdu(&call.session, &body, call.now)?;
            Ok(created(state, call, StatusCode::CREATED, &id, None))
        }
        "PUT" | "PATCH" => {
            let patch = body_of_change(call, request)?;
            state.edit_pdu(&call.session, call.id()?, &patch, call.now)?;
            Ok(Reply::no_content())
        }
        "DELETE" => {
            state.delete_pdu(&call.session, call.id()?)?;
            Ok(Reply::no_content())
        }
        _ => list_or_show(state, call, request, Collection::PduDescriptors),
    }
}
