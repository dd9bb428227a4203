//! `/osm/test`, which OSM's configuration leaves open to anyone: messages for the message bus, as
//! `osm ns-alarm-create` sends them. They are echoed; nobody listens at the other end here.
//!
//! The rest of it clears tables and shows files of the server; there the fake answers as an OSM
//! that has it switched off.
//!
//! Source: OSM NBI `nbi.py` and `nbi.cfg` of release 8, `nbi.py` of release 19.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Content, Reply};
use crate::negotiate::Format;
use crate::problem::Problem;
use crate::python::{YamlSource, read_yaml, repr, type_name};
use crate::request::Request;

const HELP: &str = "<html><pre>\ninit\nfile/<name>  download file\ndb-clear/table\nfs-clear[/folder]\n\
                    login\nlogin2\nsleep/<time>\nmessage/topic\n</pre></html>";

/// Answers what is below `/osm/test`; wants no token.
///
/// # Errors
/// 413 for a message that is too large.
pub(super) fn serve(request: &Request) -> Result<Reply, Problem> {
    let words: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["help", ..] => Ok(page(StatusCode::OK, HELP.to_owned())),
        ["init", ..] => {
            let told = json!("Database already initialized");
            Ok(Reply::new(StatusCode::FORBIDDEN, Content::Data(told)))
        }
        ["message", topic, ..] => Ok(page(StatusCode::OK, echo(topic, request)?)),
        _ => Ok(page(StatusCode::METHOD_NOT_ALLOWED, "test URL is disabled".to_owned())),
    }
}

fn page(status: StatusCode, text: String) -> Reply {
    Reply::new(status, Content::Raw(Bytes::from(text), Format::Html.content_type()))
}

/// What was sent on to the topic, line by line, up to the first that could not be.
fn echo(topic: &str, request: &Request) -> Result<String, Problem> {
    let mut text = format!("<html><pre>{topic} ->\n");
    let sent = match request.method.as_str() {
        "POST" => posted(request, &mut text),
        "GET" => queried(request, &mut text),
        _ => Ok(()),
    };
    match sent {
        Err(problem) if problem.status != StatusCode::BAD_REQUEST => return Err(problem),
        Err(problem) => {
            let detail = problem.detail;
            text.push_str("Error: ");
            text.push_str(detail.strip_prefix("Invalid yaml format ").unwrap_or(&detail));
        }
        Ok(()) => {}
    }
    text.push_str("</pre></html>\n");
    Ok(text)
}

fn posted(request: &Request, text: &mut String) -> Result<(), Problem> {
    // The web server has read a form already.
    let is_read = request.is_form() || request.is_multipart();
    let body = if is_read { Value::Null } else { read_yaml(&request.body, YamlSource::Body)? };
    let Some(messages) = body.as_object() else {
        let kind = type_name(&body);
        return Err(Problem::bad_request(format!("'{kind}' object has no attribute 'items'")));
    };
    messages.iter().for_each(|(key, message)| push_line(text, key, message));
    Ok(())
}

fn queried(request: &Request, text: &mut String) -> Result<(), Problem> {
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in &request.params {
        if seen.contains(&key.as_str()) {
            continue;
        }
        seen.push(key);
        if request.params.iter().filter(|(other, _)| other == key).count() > 1 {
            return Err(Problem::bad_request("'list' object has no attribute 'read'"));
        }
        push_line(text, key, &read_yaml(value.as_bytes(), YamlSource::Text)?);
    }
    Ok(())
}

fn push_line(text: &mut String, key: &str, message: &Value) {
    let message = message.as_str().map_or_else(|| repr(message), str::to_owned);
    text.push_str(&format!("  {key}: {message}\n"));
}
