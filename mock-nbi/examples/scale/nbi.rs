//! The fake as a client sees it, in this process or over TCP.

use anyhow::{Context as _, bail};
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use mock_nbi::MockNbi;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Who answers.
#[derive(Clone)]
pub(crate) enum Nbi {
    Here(MockNbi),
    There { client: reqwest::Client, base: String },
}

/// Status, and a body read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(crate) enum Content<'a> {
    Nothing,
    Json(&'a Value),
    Archive(&'a [u8]),
}

/// A logged-in user.
#[derive(Clone)]
pub(crate) struct User {
    nbi: Nbi,
    token: String,
}

impl User {
    /// Logs in as `admin`.
    pub(crate) async fn login(nbi: Nbi) -> anyhow::Result<Self> {
        let mut user = Self { nbi, token: "none".to_owned() };
        let body = json!({"username": "admin", "password": "admin"});
        let answer = user.expect(200, "POST", "/admin/v1/tokens", Content::Json(&body)).await?;
        user.token = word(&answer, "id")?;
        Ok(user)
    }

    /// The JSON of the answer, which must have this status.
    pub(crate) async fn expect(
        &self,
        status: u16,
        method: &str,
        path: &str,
        content: Content<'_>,
    ) -> anyhow::Result<Value> {
        let answer = self.send(method, path, content, "application/json").await?;
        if answer.status != status {
            let text = String::from_utf8_lossy(&answer.body);
            bail!("{method} {path}: {} instead of {status}: {text}", answer.status);
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{method} {path}"))
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.expect(200, "GET", path, Content::Nothing).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        content: Content<'_>,
        accept: &str,
    ) -> anyhow::Result<Answer> {
        let (content_type, body) = match content {
            Content::Nothing => ("application/json", Vec::new()),
            Content::Json(value) => ("application/json", value.to_string().into_bytes()),
            Content::Archive(bytes) => ("application/gzip", bytes.to_vec()),
        };
        let bearer = format!("Bearer {}", self.token);
        match &self.nbi {
            Nbi::Here(nbi) => {
                let request = Request::builder()
                    .method(method)
                    .uri(format!("/osm{path}"))
                    .header("Accept", accept)
                    .header("Content-Type", content_type)
                    .header("Content-Length", body.len())
                    .header("Authorization", bearer)
                    .body(Body::from(body))?;
                let response = nbi.service().oneshot(request).await?;
                let status = response.status().as_u16();
                Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
            }
            Nbi::There { client, base } => {
                let response = client
                    .request(method.parse()?, format!("{base}{path}"))
                    .header("Accept", accept)
                    .header("Content-Type", content_type)
                    .header("Authorization", bearer)
                    .body(body)
                    .send()
                    .await?;
                let status = response.status().as_u16();
                Ok(Answer { status, body: response.bytes().await? })
            }
        }
    }

    /// Reads an answer piece by piece without keeping it; gives its length.
    pub(crate) async fn drain(&self, path: &str, accept: &str) -> anyhow::Result<u64> {
        let Nbi::Here(nbi) = &self.nbi else {
            bail!("only in this process");
        };
        let request = Request::builder()
            .uri(format!("/osm{path}"))
            .header("Accept", accept)
            .header("Authorization", format!("Bearer {}", self.token))
            .body(Body::empty())?;
        let mut body = nbi.service().oneshot(request).await?.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len) as u64;
        }
        Ok(bytes)
    }
}

/// A text of an answer.
pub(crate) fn word(answer: &Value, key: &str) -> anyhow::Result<String> {
    let text = answer[key].as_str().with_context(|| format!("no text at `{key}` in {answer}"))?;
    Ok(text.to_owned())
}

/// The site that instances are put on; gives its id.
pub(crate) async fn make_site(user: &User) -> anyhow::Result<String> {
    let vim = json!({
        "name": "site", "vim_type": "dummy", "vim_url": "http://localhost/dummy", "vim_user": "u",
        "vim_password": "p", "vim_tenant_name": "p",
    });
    let answer = user.expect(202, "POST", "/admin/v1/vim_accounts", Content::Json(&vim)).await?;
    let id = word(&answer, "id")?;
    let cluster = json!({
        "name": "kube", "vim_account": id, "k8s_version": "1.20", "nets": {"mgmtnet": "mgmt"},
        "credentials": {"apiVersion": "v1", "clusters": []}, "namespace": "kube-system",
    });
    user.expect(202, "POST", "/admin/v1/k8sclusters", Content::Json(&cluster)).await?;
    Ok(id)
}

/// The request that creates an instance.
pub(crate) fn creation(name: &str, nsd_id: &str, vim_id: &str, replicas: u64) -> Value {
    json!({
        "nsName": name, "nsdId": nsd_id, "nsDescription": "grown", "vimAccountId": vim_id,
        "additionalParamsForVnf": [{"member-vnf-index": "openldap", "additionalParamsForKdu": [
            {"kdu_name": "ldap", "additionalParams": {"replicaCount": replicas.to_string()}},
        ]}],
    })
}
