//! How many records of a kind a project may have.
//!
//! Source: OSM NBI `base_topic.py`, `check_quota`; NBI_FACTS.md sections 6 and 14.

use http::StatusCode;
use serde_json::Value;

use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, READ_BY, text};
use crate::state::people;
use crate::state::session::Session;

/// The quota where a project names none.
const USUAL: u64 = 500;

impl State {
    /// Whether the session's project may have one more record of a collection.
    ///
    /// # Errors
    /// 422 `quota (vnfds=1) exceeded for project p (<id>)`; until release 10 the status is 401 for
    /// packages and NS instances. 404 for an unknown project.
    pub(crate) fn check_quota(
        &self,
        session: &Session,
        collection: Collection,
    ) -> Result<(), Problem> {
        let project = session.project_id.as_ref().filter(|_| !session.force);
        let (Some(project), Some(topic)) = (project, quota_name(collection)) else {
            return Ok(());
        };
        let project = people::expect(&self.db, Collection::Projects, project)?;
        let (id, name) = (text(&project, "_id"), text(&project, "name"));
        let quota = project.get("quotas").and_then(|quotas| quotas.get(topic));
        let quota = quota.and_then(Value::as_u64).unwrap_or(USUAL);
        let most = usize::try_from(quota).unwrap_or(usize::MAX);
        let count = self.db.count_with(collection, READ_BY, id);
        if count < most {
            return Ok(());
        }
        Err(Problem::new(
            self.quota_status(collection),
            format!("quota ({topic}={quota}) exceeded for project {name} ({id})"),
        ))
    }

    fn quota_status(&self, collection: Collection) -> StatusCode {
        let is_bare = matches!(
            collection,
            Collection::VnfPackages
                | Collection::NsDescriptors
                | Collection::SliceTemplates
                | Collection::NsInstances
        );
        if is_bare && !self.release.refuses_quota_as_input() {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// What a project's `quotas` call a collection, if there is a quota for it.
pub(crate) fn quota_name(collection: Collection) -> Option<&'static str> {
    Some(match collection {
        Collection::SliceTemplates => "slice_templates",
        Collection::PduDescriptors => "pduds",
        Collection::NsInstances => "ns_instances",
        Collection::SliceInstances => "slice_instances",
        Collection::SdnControllers => "sdn_controllers",
        // Projects call theirs `ns_subscriptions`, which OSM does not look at.
        Collection::Subscriptions => "subscriptions",
        Collection::VnfPackages
        | Collection::NsDescriptors
        | Collection::VimAccounts
        | Collection::WimAccounts
        | Collection::K8sClusters
        | Collection::Vcas
        | Collection::K8sRepos
        | Collection::OsmRepos
        | Collection::NsConfigTemplates => collection.table(),
        Collection::VnfInstances
        | Collection::Operations
        | Collection::SliceOperations
        | Collection::PackageOperations
        | Collection::Users
        | Collection::Projects
        | Collection::Roles
        | Collection::Clusters
        | Collection::NodeGroups
        | Collection::ControllerProfiles
        | Collection::ConfigProfiles
        | Collection::AppProfiles
        | Collection::ResourceProfiles
        | Collection::Ksus
        | Collection::AppInstances
        | Collection::Okas
        | Collection::VnfPackageRevisions => return None,
    })
}
