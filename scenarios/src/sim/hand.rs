//! The operator's hand in the simulation: requests as user `admin`, past the faults, not counted.

use axum::body::Body;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Builder;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use mock_nbi::{Collection, MockNbi, NbiService};
use serde_json::{Value, json};

use super::osm;

/// How often it tries to log in.
const LOG_INS_MAX: usize = 3;

/// Changes the descriptor of the newest package that bears this mark, without a request.
pub(crate) fn edit_newest(nbi: &MockNbi, owner: &str) {
    let newest = nbi.look(|look| {
        let mut ours = osm::packages(look).into_iter().filter(|package| {
            let mark = package.upload.as_ref().and_then(|upload| upload.owner.as_ref());
            package.is_usable && mark.is_some_and(|mark| mark.as_str() == owner)
        });
        ours.next_back()
    });
    let Some(package) = newest else { return };
    let collection =
        if package.is_nsd { Collection::NsDescriptors } else { Collection::VnfPackages };
    let now = nbi.clock().now();
    nbi.edit(collection, &package.record, |record| {
        record["description"] = "theirs".into();
        record["_admin"]["modified"] = now.into();
    });
}

/// Asks the fake directly.
pub(crate) struct Hand {
    service: NbiService,
    token: Option<String>,
}

impl Hand {
    pub(crate) fn new(nbi: &MockNbi) -> Self {
        Self { service: nbi.service(), token: None }
    }

    /// One request below `/osm`; gives the status and the body.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        self.log_in().await;
        self.send(method, path, body).await
    }

    /// Uploads a new package.
    pub(crate) async fn upload(&mut self, path: &str, file_name: &str, bytes: Vec<u8>) -> u16 {
        self.log_in().await;
        let md5 = hex::encode(Md5::digest(&bytes));
        let request = Request::post(format!("http://osm.sim/osm{path}"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/gzip")
            .header("Content-Filename", file_name)
            .header("Content-File-MD5", md5);
        self.answer(request, Body::from(bytes)).await.0
    }

    async fn log_in(&mut self) {
        let log_in = json!({"username": "admin", "password": "admin", "project_id": "admin"});
        // A fault that waits for a process's log-in may meet this one instead.
        for _ in 0..LOG_INS_MAX {
            if self.token.is_none() {
                let (_, token) = self.send("POST", "/admin/v1/tokens", Some(&log_in)).await;
                self.token = token["id"].as_str().map(str::to_owned);
            }
        }
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://osm.sim/osm{path}"))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, bytes.len());
        self.answer(request, Body::from(bytes)).await
    }

    async fn answer(&self, mut request: Builder, body: Body) -> (u16, Value) {
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(body).expect("method, path and token are plain");
        let Ok(response) = self.service.clone().answer(request).await else {
            return (0, Value::Null);
        };
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let body = body.unwrap_or_default();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}
