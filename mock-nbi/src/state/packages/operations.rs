//! Operations on VNF packages: what can be asked of the charts and bundles in them.
//!
//! Source: OSM NBI `descriptor_topics.py` (`VnfPkgOpTopic`); recorded case `vnf_pkg_ops`.

use serde_json::{Value, json};

use crate::input;
use crate::problem::Problem;
use crate::schema;
use crate::state::State;
use crate::state::db::{Collection, list, set, text};
use crate::state::session::Session;

impl State {
    /// Keeps an operation on a package, which nothing here runs; gives its id.
    ///
    /// # Errors
    /// 422 by schema; 404 for an unknown package or repository; 400 for an unknown KDU, or one
    /// without chart or bundle.
    pub(crate) fn create_package_operation(
        &mut self,
        session: &Session,
        body: &Value,
        now: f64,
    ) -> Result<String, Problem> {
        schema::check(body, &input::PACKAGE_OPERATION, self.release, "")?;
        let (package_id, kdu_name) = (text(body, "vnfPkgId"), text(body, "kdu_name"));
        let vnfd = session.find(&self.db, Collection::VnfPackages, package_id)?;
        let place = format!("vnfd[id='{package_id}']:kdu[name='{kdu_name}']");
        let mut kdus = list(&vnfd, "kdu").iter();
        let Some(kdu) = kdus.find(|kdu| text(kdu, "name") == kdu_name) else {
            return Err(Problem::bad_request(format!("Not found {place}")));
        };
        let key = ["helm-chart", "juju-bundle"].into_iter().find(|key| !text(kdu, key).is_empty());
        let Some(key) = key else {
            return Err(Problem::bad_request(format!(
                "Found neither 'helm-chart' nor 'juju-bundle' in {place}"
            )));
        };
        let mut params = body.clone();
        set(&mut params, key, text(kdu, key));
        let (repo_id, repo_url) = self.repository_of(session, text(kdu, key))?;
        set(&mut params, "k8srepoId", repo_id);
        set(&mut params, "k8srepo_url", repo_url);
        let id = self.ids.uuid();
        let (read, write) = session.projects_of_new();
        let record = json!({
            "_id": id,
            "operationState": "PROCESSING",
            "vnfPkgId": package_id,
            "lcmOperationType": body["lcmOperationType"],
            "isAutomaticInvocation": false,
            "isCancelPending": false,
            "operationParams": params,
            "links": {
                "self": format!("/osm/vnfpkgm/v1/vnfpkg_op_occs/{id}"),
                "vnfpkg": format!("/osm/vnfpkgm/v1/vnf_packages/{package_id}"),
            },
            "_admin": {
                "created": now, "modified": now, "projects_read": read, "projects_write": write,
            },
            "statusEnteredTime": now,
            "startTime": now,
        });
        self.db.put(Collection::PackageOperations, record);
        Ok(id)
    }

    /// Id and URL of the repository that a chart `repository/chart` is in; none without slash.
    fn repository_of(&self, session: &Session, chart: &str) -> Result<(Value, Value), Problem> {
        let name = match chart.split_once('/') {
            Some((name, rest)) if !rest.contains('/') => name,
            _ => return Ok((Value::Null, Value::Null)),
        };
        let repo = self
            .db
            .find_with(Collection::K8sRepos, "name", name, |repo| session.sees(repo))
            .ok_or_else(|| session.not_found(Collection::K8sRepos, "name", name))?;
        Ok((repo["_id"].clone(), repo.get("url").cloned().unwrap_or_default()))
    }
}
