//! `/admin/v1/tokens`.
//!
//! Source: NBI_FACTS.md section 3.

use http::StatusCode;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::{Content, Reply};
use crate::problem::Problem;
use crate::request::{Body, Request};
use crate::state::State;
use crate::state::db::text;
use crate::state::tokens::Credentials;

pub(super) fn serve(
    state: &mut State,
    request: &Request,
    id: Option<&str>,
    now: f64,
) -> Result<Reply, Problem> {
    match (request.method.as_str(), id) {
        ("POST", _) => create(state, request, now),
        ("DELETE", Some(id)) => delete(state, id),
        ("DELETE", None) => {
            let own = state.tokens.authenticate(request.bearer(), now)?;
            let own = text(own, "_id").to_owned();
            delete(state, &own)
        }
        (_, Some(id)) => {
            state.tokens.authenticate(request.bearer(), now)?;
            let token =
                state.tokens.get(id).ok_or_else(|| Problem::not_found("token not found"))?;
            Ok(Reply::ok(token.clone()))
        }
        (_, None) => {
            let own = state.tokens.authenticate(request.bearer(), now)?;
            let tokens = state.tokens.of_user(text(own, "username"), now);
            Ok(Reply::ok(tokens.into()))
        }
    }
}

fn create(state: &mut State, request: &Request, now: f64) -> Result<Reply, Problem> {
    let Body::Data(mut body @ Value::Object(_)) = request.parse_body()? else {
        return Err(Problem::bad_request(
            "Expected application/yaml or application/json Content-Type",
        ));
    };
    for (key, value) in &request.params {
        body[key] = json!(value);
    }
    let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let credentials = Credentials {
        username: word("username"),
        password: word("password"),
        project: word("project_id"),
        bearer: request.bearer().map(str::to_owned),
    };
    // OSM tries the bearer first; what it says about that stays in the header, success or not.
    let realm = match state.tokens.authenticate(request.bearer(), now) {
        Ok(_) => None,
        Err(problem) => problem.realm,
    };
    let issued = state
        .tokens
        .issue(&credentials, &state.db, &mut state.ids, state.release, now)
        .map_err(|problem| Problem { realm: realm.clone(), ..problem })?;
    let mut token = issued.token;
    token["remote_port"] = json!(request.remote.1);
    token["remote_host"] = json!(request.remote.0);
    let place = format!("/osm/admin/v1/tokens/{}", text(&token, "_id"));
    let mut headers = vec![(LOCATION, place)];
    headers.extend(realm.map(|realm| (WWW_AUTHENTICATE, format!("Bearer realm=\"{realm}\""))));
    Ok(Reply { headers, ..Reply::new(StatusCode::OK, Content::Data(token)).after(issued.delay) })
}

fn delete(state: &mut State, id: &str) -> Result<Reply, Problem> {
    if state.tokens.remove(id) {
        return Ok(Reply::ok(json!(format!("token '{id}' deleted"))));
    }
    Err(Problem::not_found(format!(
        "database exception database exception Not found any token with filter='{{'_id': '{id}'}}'"
    )))
}
