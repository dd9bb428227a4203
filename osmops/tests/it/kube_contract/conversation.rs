//! A conversation with an API server, as text.

use std::fmt::Write as _;

use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use crate::kube_api::KubeApi;

use super::JSON;

/// A conversation with an API server, as text.
pub(super) struct Conversation {
    pub(super) api: KubeApi,
    pub(super) namespace: String,
    pub(super) told: String,
    uids: Vec<String>,
    versions: Vec<String>,
    pub(super) accept: &'static str,
    pub(super) user: Option<String>,
}

/// An answer, before it is masked.
pub(super) struct Answer {
    pub(super) body: Value,
}

impl Conversation {
    pub(super) async fn begin() -> Option<Self> {
        let api = KubeApi::find().await?;
        api.install(super::DEFINITION).await;
        let namespace = api.namespace().await;
        Some(Self {
            api,
            namespace,
            told: String::new(),
            uids: Vec::new(),
            versions: Vec::new(),
            accept: JSON,
            user: None,
        })
    }

    /// Sends, and tells of it; `NS` in the path and the body is the conversation's namespace.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        media_type: &str,
        body: Value,
    ) -> Answer {
        let path = path.replace("THINGS", "/apis/test.osmops.io/v1/namespaces/NS/things");
        let body_text = if body.is_null() { String::new() } else { body.to_string() };
        let _ = writeln!(self.told, "{method} {path}");
        if !body_text.is_empty() {
            let _ = writeln!(self.told, "{media_type} {body_text}");
        }
        let mut request = http::Request::builder()
            .method(method)
            .uri(path.replace("NS", &self.namespace))
            .header("Accept", self.accept)
            .header("User-Agent", "contract/1")
            .header("Content-Type", media_type);
        if let Some(user) = &self.user {
            request = request.header("Impersonate-User", user);
        }
        let body = body_text.replace("NS", &self.namespace);
        let request = request.body(Body::from(body.into_bytes())).unwrap();
        let response = self.api.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let _ = writeln!(self.told, "→ {code}");
        let lines: Vec<Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        // A watch's answer is a line for each event; others may be spread over lines.
        let bodies = match serde_json::from_str::<Value>(&text) {
            Ok(body) => vec![body],
            Err(_) => lines,
        };
        if bodies.is_empty() {
            let _ = writeln!(self.told, "{}", text.trim());
        }
        for body in &bodies {
            let mut shown = body.clone();
            self.mask(&mut shown, "");
            let _ = writeln!(self.told, "{shown:#}");
        }
        self.told.push('\n');
        Answer { body: bodies.into_iter().next().unwrap_or_default() }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, JSON, Value::Null).await
    }

    pub(super) async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, JSON, body).await
    }

    pub(super) async fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, JSON, body).await
    }

    pub(super) async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, JSON, Value::Null).await
    }

    fn mask(&mut self, value: &mut Value, under: &str) {
        match value {
            Value::Object(fields) => {
                fields.remove("managedFields");
                if under == "labels" {
                    // Newer servers label namespaces with their names.
                    fields.remove("kubernetes.io/metadata.name");
                }
                if under == "metadata"
                    && fields.get("labels").is_some_and(|labels| labels == &json!({}))
                {
                    fields.remove("labels");
                }
                // A list's version is the whole cluster's.
                let is_list = fields.contains_key("items");
                fields.sort_keys();
                for (name, value) in fields.iter_mut() {
                    let text = value.as_str().unwrap_or_default().to_owned();
                    match name.as_str() {
                        "uid" if !text.is_empty() => {
                            *value = json!(numbered(&mut self.uids, "uid", text));
                        }
                        "resourceVersion" if !text.is_empty() => {
                            *value = json!(numbered(&mut self.versions, "version", text));
                        }
                        name if name.ends_with("Timestamp") || name.ends_with("Time") => {
                            if !value.is_null() {
                                *value = json!("(time)");
                            }
                        }
                        "continue" => *value = json!("(place)"),
                        "metadata" if is_list => {
                            if let Some(version) = value.get_mut("resourceVersion") {
                                *version = json!("(latest)");
                            }
                            if let Some(place) = value.get_mut("continue") {
                                *place = json!("(place)");
                            }
                        }
                        name => self.mask(value, name),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item, "")),
            Value::String(text) => {
                *text = text.replace(&self.namespace, "NS");
                for (number, uid) in self.uids.iter().enumerate() {
                    *text = text.replace(uid.as_str(), &format!("(uid {})", number + 1));
                }
                if matches!(under, "message" | "field") {
                    // Newer servers say which item of a list is meant.
                    *text = text.replace("[0]", "");
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// What stands for a value: the same for the same one.
fn numbered(known: &mut Vec<String>, what: &str, text: String) -> String {
    let number = known.iter().position(|one| *one == text).unwrap_or_else(|| {
        known.push(text);
        known.len() - 1
    });
    format!("({what} {})", number + 1)
}
