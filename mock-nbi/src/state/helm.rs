//! Releases of helm charts, as far as OSM shows them: revision, values, status text.
//!
//! Pure. Source: release10/ns-action.upgrade2.jsonl (`detailed-status` of K8s entries);
//! NBI_FACTS.md sections 10 and 11.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::timestamp;
use crate::python::repr;
use crate::state::ordered::Ordered;

/// Identifies the release of one KDU within an instance: member VNF, KDU name.
pub(crate) type KduKey = (String, String);

/// One installed chart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HelmRelease {
    pub(crate) name: String,
    pub(crate) namespace: String,
    first_deployed: f64,
    last_deployed: f64,
    /// Helm's last word, such as `Install complete`.
    pub(crate) description: String,
    /// `deployed` or `failed`.
    status: String,
    /// User values of each revision, oldest first; the last is in force.
    revisions: Vec<Value>,
}

/// Every installed chart.
#[derive(Clone, Debug, Default)]
pub(crate) struct HelmReleases {
    pub(crate) by_ns: Ordered<String, Vec<(KduKey, HelmRelease)>>,
}

impl HelmReleases {
    pub(crate) fn get(&self, ns_id: &str, member: &str, kdu: &str) -> Option<&HelmRelease> {
        let own = self.by_ns.get(ns_id)?;
        own.iter().find(|((m, k), _)| m == member && k == kdu).map(|(_, release)| release)
    }

    /// Keeps a release, in place of the one of the same KDU.
    pub(crate) fn put(&mut self, ns_id: &str, key: KduKey, release: HelmRelease) {
        let own = self.by_ns.get_or_default(ns_id.to_owned());
        own.retain(|(other, _)| *other != key);
        own.push((key, release));
    }

    /// Uninstalls everything of an instance.
    pub(crate) fn forget(&mut self, ns_id: &str) {
        self.by_ns.remove(ns_id);
    }
}

/// What helm does with the values in force when others are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldValues {
    /// The new ones are laid over them.
    Reused,
    /// The chart's own count again, with the new ones over them.
    Reset,
    /// They are forgotten, unless no new ones are given.
    Replaced,
}

impl HelmRelease {
    /// Installs a chart with these user values.
    pub(crate) fn install(name: String, namespace: String, values: Value, now: f64) -> Self {
        Self {
            name,
            namespace,
            first_deployed: now,
            last_deployed: now,
            description: "Install complete".into(),
            status: "deployed".into(),
            revisions: vec![values],
        }
    }

    /// Upgrades it.
    ///
    /// Source: helm 3, `helm upgrade`, flags `--reuse-values` and `--reset-values`.
    pub(crate) fn upgrade(&mut self, values: &Value, old: OldValues, now: f64) {
        let is_empty = values.as_object().is_none_or(Map::is_empty);
        let mut effective = match old {
            OldValues::Reused => self.values().clone(),
            OldValues::Replaced if is_empty => self.values().clone(),
            OldValues::Reset | OldValues::Replaced => json!({}),
        };
        coalesce(&mut effective, values);
        self.add_revision(effective, "Upgrade complete".into(), now);
    }

    /// Goes back to the revision before; says whether there was one.
    pub(crate) fn roll_back(&mut self, now: f64) -> bool {
        let Some(index) = self.revisions.len().checked_sub(2) else {
            return false;
        };
        let values = self.revisions[index].clone();
        self.add_revision(values, format!("Rollback to {}", index + 1), now);
        true
    }

    /// An upgrade that failed. If it was atomic, as OSM's are unless told otherwise, helm tries to go
    /// back by itself, which counts as a revision too; `detail` is its last word.
    ///
    /// Source: release10/ns-action.upgrade2.jsonl, record `ldap`: version 3, status `failed`.
    pub(crate) fn fail_upgrade(&mut self, detail: &str, is_atomic: bool, now: f64) {
        let values = self.values().clone();
        self.add_revision(values.clone(), detail.to_owned(), now);
        if is_atomic {
            self.add_revision(values, detail.to_owned(), now);
        }
        "failed".clone_into(&mut self.status);
    }

    /// The user values in force.
    pub(crate) fn values(&self) -> &Value {
        self.revisions.last().unwrap_or(&Value::Null)
    }

    /// The number of the revision in force.
    pub(crate) fn revision(&self) -> usize {
        self.revisions.len()
    }

    fn add_revision(&mut self, values: Value, description: String, now: f64) {
        self.revisions.push(values);
        self.description = description;
        "deployed".clone_into(&mut self.status);
        self.last_deployed = now;
    }

    /// What `helm status` tells. `config` is absent when no value was ever given; the recordings'
    /// stand-in (`is_stand_in`) always has it, and whole seconds.
    ///
    /// Source: release10/ns-action.upgrade.jsonl, instance `ldap`; recorded case `ns_yaml_bodies`,
    /// exchange 8.
    pub(crate) fn status(&self, is_stand_in: bool) -> Value {
        let mut status = Map::new();
        if is_stand_in || self.values().as_object().is_some_and(|values| !values.is_empty()) {
            status.insert("config".into(), self.values().clone());
        }
        let time = |at: f64| rfc3339(if is_stand_in { at.floor() } else { at });
        status.insert(
            "info".into(),
            json!({
                "deleted": "",
                "description": self.description,
                "first_deployed": time(self.first_deployed),
                "last_deployed": time(self.last_deployed),
                "status": self.status,
            }),
        );
        status.insert("name".into(), json!(self.name));
        status.insert("namespace".into(), json!(self.namespace));
        status.insert("version".into(), json!(self.revisions.len()));
        Value::Object(status)
    }

    /// The same as Python prints it.
    pub(crate) fn status_text(&self, is_stand_in: bool) -> String {
        repr(&self.status(is_stand_in))
    }
}

/// A release's name for a chart: `stable/openldap:1.2.3` gives `stable-openldap-1-2-3-` and digits.
///
/// Source: OSM N2VC `k8s_helm_base_conn.py`, `generate_kdu_instance_name`.
pub(crate) fn release_name(chart: &str, digits: &str) -> String {
    let is_path = chart.starts_with('/') || chart.contains("://");
    let chart = if is_path { chart.rsplit('/').next().unwrap_or(chart) } else { chart };
    let name: String =
        chart.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).take(35).collect();
    let prefix = if name.starts_with(char::is_alphabetic) { "" } else { "a" };
    format!("{prefix}{name}-{digits}").to_lowercase()
}

/// Lays `over` over `base`: objects merge, null removes, as helm coalesces values.
fn coalesce(base: &mut Value, over: &Value) {
    crate::state::db::merge_patch(base, over);
}

/// Epoch seconds as Go prints them: `2021-09-10T13:56:20.089257801Z`.
fn rfc3339(epoch_seconds: f64) -> String {
    timestamp(epoch_seconds).strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_reads_like_the_captured_one() {
        let release = HelmRelease::install(
            "stable-openldap-1-2-3-0044064996".into(),
            "ns".into(),
            json!({"replicaCount": "2"}),
            1_631_282_180.0,
        );
        assert_eq!(
            release.status_text(false),
            "{'config': {'replicaCount': '2'}, 'info': {'deleted': '', 'description': 'Install \
             complete', 'first_deployed': '2021-09-10T13:56:20.000000000Z', 'last_deployed': \
             '2021-09-10T13:56:20.000000000Z', 'status': 'deployed'}, 'name': \
             'stable-openldap-1-2-3-0044064996', 'namespace': 'ns', 'version': 1}"
        );
    }

    #[test]
    fn upgrades_keep_old_values_and_failed_ones_change_none() {
        let mut release =
            HelmRelease::install("a".into(), "n".into(), json!({"a": 1, "b": 1}), 0.0);
        release.upgrade(&json!({"b": 2}), OldValues::Reused, 1.0);
        assert_eq!(release.values(), &json!({"a": 1, "b": 2}));
        release.fail_upgrade("no", true, 2.0);
        assert_eq!(release.values(), &json!({"a": 1, "b": 2}));
        assert_eq!((release.description.as_str(), release.status.as_str()), ("no", "failed"));
        assert!(release.roll_back(3.0));
        release.upgrade(&json!({"c": 3}), OldValues::Reset, 4.0);
        assert_eq!(release.values(), &json!({"c": 3}));
        release.upgrade(&json!({}), OldValues::Replaced, 5.0);
        assert_eq!(release.values(), &json!({"c": 3}));
        release.upgrade(&json!({"d": 4}), OldValues::Replaced, 6.0);
        assert_eq!((release.values(), release.revision()), (&json!({"d": 4}), 8));
    }

    #[test]
    fn releases_are_named_after_their_charts() {
        let check = |chart: &str, expected: &str| {
            assert_eq!(release_name(chart, "0012345678"), expected);
        };
        check("stable/openldap:1.2.3", "stable-openldap-1-2-3-0012345678");
        check("oci://host/charts/Nginx", "nginx-0012345678");
        check("/app/storage/9chart", "a9chart-0012345678");
        check(&"x".repeat(50), &format!("{}-0012345678", "x".repeat(35)));
    }

    #[test]
    fn what_was_installed_for_an_instance_goes_with_it() {
        let mut releases = HelmReleases::default();
        for ns_id in ["a", "b"] {
            let release = HelmRelease::install("r".into(), "n".into(), json!({}), 0.0);
            releases.put(ns_id, ("1".into(), "k".into()), release);
        }
        releases.forget("a");
        assert!(releases.get("a", "1", "k").is_none());
        assert!(releases.get("b", "1", "k").is_some(), "that is of another");
    }
}
