//! Subscriptions to what happens to NS and VNF instances.
//!
//! The fake calls nobody, so that nothing leaves the machine: an address that a subscription names
//! counts as refusing the connection, unless it is among those that the control API declared to
//! answer. No notification is ever sent.
//!
//! Source: OSM NBI `subscription_topics.py`; recorded case `subscriptions`.

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::schema::{self, Schema};
use crate::state::State;
use crate::state::admin::secrets::encrypt_fields;
use crate::state::db::{Collection, set, text};
use crate::state::session::Session;

impl State {
    /// Keeps a subscription; gives its id.
    ///
    /// # Errors
    /// 422 for the quota and by schema, 409 for one that is there already, 400 for an address that does not answer and
    /// for a body without filter.
    pub(crate) fn subscribe(
        &mut self,
        session: &Session,
        body: &mut Value,
        schema: &Schema,
        now: f64,
    ) -> Result<String, Problem> {
        self.check_quota(session, Collection::Subscriptions)?;
        schema::check(body, schema, self.release, "")?;
        sort_first_list(body);
        self.check_new_subscription(body)?;
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let url = text(body, "CallbackUri").to_owned();
        if !self.callbacks.contains(&url) {
            return Err(unreachable(&url));
        }
        set(
            body,
            "_admin",
            json!({
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
            }),
        );
        set(body, "_id", id.as_str());
        set(body, "schema_version", "1.1");
        if body["authentication"]["paramsBasic"].get("password").is_some() {
            encrypt_fields(&mut body["authentication"]["paramsBasic"], &id);
        }
        if body.get("filter").is_none() {
            // OSM has kept it by then, and takes it back.
            return Err(Problem::bad_request("'filter'"));
        }
        self.db.put(Collection::Subscriptions, body.clone());
        Ok(id)
    }

    fn check_new_subscription(&self, body: &Value) -> Result<(), Problem> {
        let wanted = comparable(body);
        let same = self
            .db
            .iter(Collection::Subscriptions)
            .find(|other| comparable(other) == wanted)
            .map(|other| text(&other, "_id").to_owned());
        same.map_or(Ok(()), |id| {
            Err(Problem::conflict(format!("Subscription already exists with id: {id}")))
        })
    }
}

/// What makes two subscriptions one: all but ids, secrets and what OSM adds.
fn comparable(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut() {
        for key in ["_id", "_admin", "schema_version"] {
            fields.shift_remove(key);
        }
    }
    if let Some(basic) = record["authentication"]["paramsBasic"].as_object_mut() {
        basic.shift_remove("password");
    }
    if record["authentication"].is_null()
        && let Some(fields) = record.as_object_mut()
    {
        fields.shift_remove("authentication");
    }
    record
}

/// OSM sorts the first list it comes upon at each level, and looks no further there.
fn sort_first_list(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    for (_, inner) in fields {
        if let Some(items) = inner.as_array_mut() {
            items.sort_by_key(|item| item.as_str().map(str::to_owned));
            return;
        }
        sort_first_list(inner);
    }
}

/// What Python's HTTP client says of an address where nobody listens.
fn unreachable(url: &str) -> Problem {
    let said = match url.split_once("://") {
        None => format!(
            "MissingSchema: Invalid URL '{url}': No scheme supplied. Perhaps you meant \
             https://{url}?"
        ),
        Some((scheme @ ("http" | "https"), rest)) => {
            let (authority, path) = match rest.find(['/', '?', '#']) {
                Some(end) => rest.split_at(end),
                None => (rest, "/"),
            };
            let usual = if scheme == "http" { "80" } else { "443" };
            let (host, port) = authority.rsplit_once(':').unwrap_or((authority, usual));
            if host.is_empty() {
                format!("InvalidURL: Invalid URL '{url}': No host supplied")
            } else {
                let client = scheme.to_uppercase();
                format!(
                    "ConnectionError: {client}ConnectionPool(host='{host}', port={port}): Max \
                     retries exceeded with url: {path} (Caused by \
                     NewConnectionError(\"{client}Connection(host='{host}', port={port}): Failed \
                     to establish a new connection: [Errno 111] Connection refused\"))"
                )
            }
        }
        Some(_) => format!("InvalidSchema: No connection adapters were found for '{url}'"),
    };
    Problem::bad_request(format!("Cannot access to the notification URL '{url}': {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_where_nobody_listens_is_told_as_pythons_client_does() {
        let detail = unreachable("http://127.0.0.1:1/notify").detail;
        assert!(detail.contains("HTTPConnectionPool(host='127.0.0.1', port=1): Max"), "{detail}");
        assert!(detail.contains("with url: /notify (Caused"), "{detail}");
        for (url, port) in [("http://h/n", "port=80)"), ("https://h/n", "port=443)")] {
            let detail = unreachable(url).detail;
            assert!(detail.contains(&format!("(host='h', {port}: Max")), "{detail}");
        }
        assert!(unreachable("notify").detail.contains("MissingSchema"));
        assert!(unreachable("ftp://a/b").detail.contains("No connection adapters"));
    }

    #[test]
    fn subscriptions_are_one_by_what_they_ask_for() {
        let one = json!({
            "_id": "1", "_admin": {"created": 1}, "schema_version": "1.1", "CallbackUri": "u",
            "filter": {"a": 1},
            "authentication": {"paramsBasic": {"userName": "n", "password": "x"}},
        });
        let mut same = one.clone();
        same["_id"] = json!("2");
        same["authentication"]["paramsBasic"]["password"] = json!("y");
        assert_eq!(comparable(&same), comparable(&one));
        for (key, value) in [("filter", json!({"a": 2})), ("CallbackUri", json!("v"))] {
            let mut other = one.clone();
            other[key] = value;
            assert_ne!(comparable(&other), comparable(&one), "{key}");
        }
    }

    #[test]
    fn only_the_first_list_of_each_level_is_sorted() {
        let mut body =
            json!({"filter": {"inner": {"ids": ["b", "a"]}, "x": ["d", "c"], "y": ["f", "e"]}});
        sort_first_list(&mut body);
        assert_eq!(
            body,
            json!({"filter": {"inner": {"ids": ["a", "b"]}, "x": ["c", "d"], "y": ["f", "e"]}})
        );
    }
}
