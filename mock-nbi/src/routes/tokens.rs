//! `/admin/v1/tokens`.
//!
//! Source: NBI_FACTS.md section 3.

use http::StatusCode;
use http::header::{LOCATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use super::{Content, Reply};
use crate::answer::bearer_realm;
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
    // OSM reads the body of whatever comes here, and wants an object.
    let Body::Data(body @ Value::Object(_)) = request.parse_body()? else {
        return Err(Problem::bad_request(
            "Expected application/yaml or application/json Content-Type",
        ));
    };
    match (request.method.as_str(), id) {
        ("POST", _) => create(state, request, body, now),
        ("DELETE", Some(id)) => delete(state, request, id, now),
        ("DELETE", None) => {
            let own = match request.params.iter().rfind(|(key, _)| key == "id") {
                Some((_, id)) => id.clone(),
                None => text(&state.authenticate(request, now)?, "_id").to_owned(),
            };
            delete(state, request, &own, now)
        }
        (_, Some(id)) => {
            let own = state.authenticate(request, now)?;
            let token =
                state.tokens.get(id).ok_or_else(|| Problem::not_found("token not found"))?;
            if token["username"] != own["username"] && own["admin"] != true {
                return Err(Problem::unauthorized("needed admin privileges"));
            }
            Ok(Reply::ok(token.clone()))
        }
        (_, None) => {
            let own = state.authenticate(request, now)?;
            let tokens = state.tokens.of_user(text(&own, "user_id"), now);
            Ok(Reply::ok(tokens.into()))
        }
    }
}

fn create(
    state: &mut State,
    request: &Request,
    mut body: Value,
    now: f64,
) -> Result<Reply, Problem> {
    for (key, value) in &request.params {
        body[key] = if value.is_empty() { Value::Null } else { json!(value) };
    }
    // OSM looks at the token first; what it says about that stays in the header, success or not.
    let (token, realm) = match state.authenticate(request, now) {
        Ok(token) => (Some(token), None),
        Err(problem) => (None, problem.realm),
    };
    let given = |key: &str| body.get(key).cloned().unwrap_or_default();
    let credentials = Credentials {
        username: given("username"),
        password: given("password"),
        project: given("project_id"),
        token,
    };
    let issued = state
        .issue_token(&credentials, now)
        .map_err(|problem| Problem { realm: realm.clone(), ..problem })?;
    let mut token = issued.token;
    let id = text(&token, "_id").to_owned();
    state.websessions.log_in(&request.session_id, &id, now);
    token["remote_port"] = json!(request.remote.1);
    token["remote_host"] = json!(request.remote.0);
    if state.must_change_password(text(&token, "username"), now) {
        token = json!({
            "id": token["id"],
            "message": "change_password",
            "user_id": token["user_id"],
        });
    }
    let mut headers = vec![(LOCATION, format!("/osm/admin/v1/tokens/{id}"))];
    headers.extend(realm.map(|realm| (WWW_AUTHENTICATE, bearer_realm(&realm))));
    Ok(Reply { headers, ..Reply::new(StatusCode::OK, Content::Data(token)).after(issued.delay) })
}

fn delete(state: &mut State, request: &Request, id: &str, now: f64) -> Result<Reply, Problem> {
    if state.tokens.remove(id) {
        state.websessions.log_out(&request.session_id, now);
        return Ok(Reply::ok(json!(format!("token '{id}' deleted"))));
    }
    Err(Problem::not_found(if state.release.has_later_login() {
        format!(
            "database exception database exception Not found any token with \
             filter='{{'_id': '{id}'}}'"
        )
    } else {
        format!("Token '{id}' not found")
    }))
}
