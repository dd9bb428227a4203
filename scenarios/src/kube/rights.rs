//! Role-based access control: what somebody may do by the roles and bindings that are stored.
//!
//! Whoever says nothing of who they are is an administrator: the server listens on loopback alone. Who
//! impersonates somebody, or brings a service account's token, has that one's rights.

use http::HeaderMap;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::state::{State, Target};

/// Who asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct User {
    name: String,
    groups: Vec<String>,
}

const ADMINISTRATORS: &str = "system:masters";
const ACCOUNT: &str = "system:serviceaccount:";
const RBAC: &str = "rbac.authorization.k8s.io";

impl User {
    /// Read from the headers that impersonate, or that bring a token.
    ///
    /// # Errors
    /// 401, for a token that is none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let impersonated = headers.get("impersonate-user").map(text);
        let token = headers.get(http::header::AUTHORIZATION).map(text);
        let name = match (impersonated, token) {
            (Some(name), _) => name,
            (None, Some(token)) => {
                let account =
                    token.strip_prefix("Bearer ").filter(|token| token.starts_with(ACCOUNT));
                account.ok_or_else(Refusal::unauthorized)?.to_owned()
            }
            (None, None) => {
                let groups = vec![ADMINISTRATORS.to_owned()];
                return Ok(Self { name: "admin".to_owned(), groups });
            }
        };
        let mut groups: Vec<String> =
            headers.get_all("impersonate-group").iter().map(text).collect();
        if let Some(account) = name.strip_prefix(ACCOUNT) {
            let namespace = account.split(':').next().unwrap_or_default();
            groups.push("system:serviceaccounts".to_owned());
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        groups.push("system:authenticated".to_owned());
        Ok(Self { name, groups })
    }

    fn is(&self, subject: &Value) -> bool {
        let text = |field: &str| subject[field].as_str().unwrap_or_default();
        match text("kind") {
            "ServiceAccount" => {
                self.name == format!("system:serviceaccount:{}:{}", text("namespace"), text("name"))
            }
            "User" => self.name == text("name"),
            "Group" => self.groups.iter().any(|group| group == text("name")),
            _ => false,
        }
    }
}

impl State {
    /// # Errors
    /// 403, in the words of a real server.
    pub(super) fn check_right(
        &self,
        user: &User,
        verb: &str,
        target: &Target,
    ) -> Result<(), Refusal> {
        if user.groups.iter().any(|group| group == ADMINISTRATORS) {
            return Ok(());
        }
        let kind = &target.kind;
        // A namespace is in itself.
        let namespace =
            if kind.kind == "Namespace" { target.name() } else { target.namespace.as_str() };
        let resource =
            if target.is_status { format!("{}/status", kind.plural) } else { kind.plural.clone() };
        let allows = |rule: &Value| {
            has(&rule["verbs"], verb)
                && has(&rule["apiGroups"], &kind.group)
                && has(&rule["resources"], &resource)
                && (rule["resourceNames"].as_array().is_none_or(Vec::is_empty)
                    || has(&rule["resourceNames"], target.name()))
        };
        if self.rules_of(user, namespace).any(allows) {
            return Ok(());
        }
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{namespace}\"")
        };
        let (name, group) = (&user.name, &kind.group);
        let why = format!(
            "User \"{name}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}"
        );
        Err(Refusal::forbidden(kind, target.name(), &why))
    }

    fn rules_of<'a>(
        &'a self,
        user: &'a User,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        let everywhere = self.objects(RBAC, "clusterrolebindings");
        let here = self.objects(RBAC, "rolebindings").filter(move |binding| {
            !namespace.is_empty() && binding["metadata"]["namespace"] == namespace
        });
        let binds = |binding: &&Value| {
            binding["subjects"].as_array().into_iter().flatten().any(|subject| user.is(subject))
        };
        everywhere
            .chain(here)
            .filter(binds)
            .filter_map(|binding| self.role(binding))
            .flat_map(|role| role["rules"].as_array().into_iter().flatten())
    }

    fn role(&self, binding: &Value) -> Option<&Value> {
        let reference = &binding["roleRef"];
        let is_it = |role: &&Value| role["metadata"]["name"] == reference["name"];
        if reference["kind"] == "ClusterRole" {
            return self.objects(RBAC, "clusterroles").find(is_it);
        }
        let namespace = &binding["metadata"]["namespace"];
        self.objects(RBAC, "roles")
            .find(|role| is_it(role) && role["metadata"]["namespace"] == *namespace)
    }
}

/// The answer to a request for a service account's token, which says in the clear whose it is.
pub(super) fn token_of(account: &Target) -> Value {
    let token = format!("{ACCOUNT}{}:{}", account.namespace, account.name());
    json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {},
        "spec": { "audiences": [] },
        "status": { "token": token, "expirationTimestamp": "2999-12-31T23:59:59Z" },
    })
}

fn has(list: &Value, wanted: &str) -> bool {
    list.as_array().into_iter().flatten().any(|one| one == wanted || one == "*")
}
