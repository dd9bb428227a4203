//! One method for each NBI call that we use.

use std::io::Write;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::ids::{NsId, NsName, OpId, PackageId, PackageKind, VimAccountName};

use super::answer::decode;
use super::error::NbiError;
use super::filter::any_of;
use super::refusal::Refusal;
use super::request::{Purpose, Upload};
use super::session::{Content, Nbi};
use super::wire::{
    Created, CreatedInstance, KduUpgrade, NewInstance, NsRecord, OpRecord, PackageRecord,
    VimAccountRecord,
};

const NS_INSTANCES: &str = "/osm/nslcm/v1/ns_instances";

/// For how long VIM accounts are taken to be as they were read.
const VIM_ACCOUNTS_AGE_MAX: Duration = Duration::from_secs(3600);

/// The VIM accounts as they were read last.
#[derive(Debug, Default)]
pub(super) struct VimAccounts {
    /// They are read again then.
    until: Option<Instant>,
    records: Vec<VimAccountRecord>,
}

impl VimAccounts {
    /// Whether they are young enough, and all of these are among them.
    fn holds(&self, wanted: &[&VimAccountName]) -> bool {
        let has = |name: &&VimAccountName| self.records.iter().any(|a| a.name == name.as_str());
        self.until.is_some_and(|until| Instant::now() < until) && wanted.iter().all(has)
    }
}

/// An instance whose instantiation OSM took on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedInstance {
    /// The record.
    pub ns: NsId,
    /// The operation.
    pub operation: OpId,
}

impl Nbi {
    /// Reads every VNF package or NS descriptor of the project, and gives each to `take` as it arrives.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_packages(
        &self,
        kind: PackageKind,
        take: &mut (dyn FnMut(PackageRecord) + Send),
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => "/osm/vnfpkgm/v1/vnf_packages",
            PackageKind::Nsd => "/osm/nsd/v1/ns_descriptors",
        };
        self.read_list(path, Purpose::Read, take).await
    }

    /// Reads every NS instance of the project, and gives each to `take` as it arrives.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_instances(
        &self,
        take: &mut (dyn FnMut(NsRecord) + Send),
    ) -> Result<(), NbiError> {
        self.read_list(NS_INSTANCES, Purpose::Read, take).await
    }

    /// Reads the NS instances of these names, in as many requests as their URLs take.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_instances_named(
        &self,
        names: &[&NsName],
        take: &mut (dyn FnMut(NsRecord) + Send),
    ) -> Result<(), NbiError> {
        for filter in any_of("name", names.iter().map(|name| name.as_str())) {
            self.read_list(&format!("{NS_INSTANCES}?{filter}"), Purpose::Read, take).await?;
        }
        Ok(())
    }

    /// The VIM accounts of the project, read once an hour, and again when one of `wanted` is not among
    /// them: they hardly ever change.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_vim_accounts(
        &self,
        wanted: &[&VimAccountName],
    ) -> Result<Vec<VimAccountRecord>, NbiError> {
        let mut known = self.vim_accounts().lock().await;
        if !known.holds(wanted) {
            let records = self.read("/osm/admin/v1/vim_accounts", Purpose::Read).await?;
            *known = VimAccounts { until: Some(Instant::now() + VIM_ACCOUNTS_AGE_MAX), records };
        }
        Ok(known.records.clone())
    }

    /// The next reading of VIM accounts asks OSM again.
    pub(crate) async fn forget_vim_accounts(&self) {
        *self.vim_accounts().lock().await = VimAccounts::default();
    }

    /// Forgets the VIM accounts when OSM refused one that was named: it may have another id by now.
    async fn forget_if_unknown<T>(&self, result: Result<T, NbiError>) -> Result<T, NbiError> {
        if let Err(NbiError::Refused { detail, .. }) = &result
            && detail.to_lowercase().contains("vim")
        {
            self.forget_vim_accounts().await;
        }
        result
    }

    /// Reads every operation of these instances, in no promised order.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_histories(&self, of: &[NsId]) -> Result<Vec<OpRecord>, NbiError> {
        let mut found = Vec::new();
        let mut take = |record| found.push(record);
        for filter in any_of("nsInstanceId", of.iter().map(NsId::as_str)) {
            let path = format!("/osm/nslcm/v1/ns_lcm_op_occs?{filter}");
            self.read_list(&path, Purpose::Read, &mut take).await?;
        }
        Ok(found)
    }

    /// Reads one operation, to see whether it has ended.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_operation(&self, operation: &OpId) -> Result<OpRecord, NbiError> {
        self.read(&format!("/osm/nslcm/v1/ns_lcm_op_occs/{operation}"), Purpose::Probe).await
    }

    /// Makes a package and uploads its files, in one step: OSM keeps nothing of it when it fails.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] the package may be there.
    ///
    /// # Cancel safety
    /// Dropped before its end, the package may or may not be there.
    pub async fn create_package(
        &self,
        kind: PackageKind,
        upload: &Upload,
    ) -> Result<PackageId, NbiError> {
        let path = match kind {
            PackageKind::Vnfd => "/osm/vnfpkgm/v1/vnf_packages_content",
            PackageKind::Nsd => "/osm/nsd/v1/ns_descriptors_content",
        };
        let (line, answer) = self.write(Method::POST, path, Content::Package(upload)).await?;
        decode::<Created<PackageId>>(&line, &answer).map(|created| created.id)
    }

    /// Uploads a package's files over those that OSM has.
    ///
    /// # Errors
    /// Any [`NbiError`]; a refused upload leaves the old files intact.
    ///
    /// # Cancel safety
    /// Dropped before its end, the files may be the old or the new ones.
    pub async fn update_package(
        &self,
        kind: PackageKind,
        record: &PackageId,
        upload: &Upload,
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => format!("/osm/vnfpkgm/v1/vnf_packages/{record}/package_content"),
            PackageKind::Nsd => format!("/osm/nsd/v1/ns_descriptors/{record}/nsd_content"),
        };
        self.write(Method::PUT, &path, Content::Package(upload)).await.map(|_| ())
    }

    /// Writes the archive of a package into `sink`, the very bytes that were uploaded.
    ///
    /// # Errors
    /// Any [`NbiError`]; 406 when the package was uploaded as a descriptor alone.
    pub(crate) async fn download_package(
        &self,
        kind: PackageKind,
        record: &PackageId,
        sink: &mut (dyn Write + Send),
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => format!("/osm/vnfpkgm/v1/vnf_packages/{record}/package_content"),
            PackageKind::Nsd => format!("/osm/nsd/v1/ns_descriptors/{record}/nsd_content"),
        };
        self.download(&path, sink).await
    }

    /// Changes keys of a package's descriptor by a merge patch; its files stay as they are.
    ///
    /// # Errors
    /// Any [`NbiError`]; OSM checks the changed descriptor as it checks an uploaded one.
    ///
    /// # Cancel safety
    /// Dropped before its end, the descriptor may be the old or the new one.
    pub async fn patch_package(
        &self,
        kind: PackageKind,
        record: &PackageId,
        patch: &Map<String, Value>,
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => format!("/osm/vnfpkgm/v1/vnf_packages/{record}"),
            PackageKind::Nsd => format!("/osm/nsd/v1/ns_descriptors/{record}"),
        };
        let body = Value::Object(patch.clone());
        self.write(Method::PATCH, &path, Content::Json(&body)).await.map(|_| ())
    }

    /// Makes an NS instance and starts its instantiation.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] the instance may be there.
    ///
    /// # Cancel safety
    /// Dropped before its end, the instance may or may not be there.
    pub async fn create_instance(&self, new: &NewInstance) -> Result<StartedInstance, NbiError> {
        let path = "/osm/nslcm/v1/ns_instances_content";
        let sent = self.write(Method::POST, path, Content::Json(&new.to_body())).await;
        let (line, answer) = self.forget_if_unknown(sent).await?;
        let created: CreatedInstance = decode(&line, &answer)?;
        Ok(StartedInstance { ns: created.id, operation: created.nslcmop_id })
    }

    /// Starts the instantiation of a record that has none.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn instantiate(&self, ns: &NsId, new: &NewInstance) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/instantiate");
        let started = self.start(&path, &new.to_body()).await;
        self.forget_if_unknown(started).await
    }

    /// Reads several operations at once; those that OSM has forgotten are not among the answer.
    ///
    /// # Errors
    /// Any [`NbiError`].
    pub(crate) async fn read_operations(
        &self,
        operations: &[&OpId],
    ) -> Result<Vec<OpRecord>, NbiError> {
        let mut found = Vec::new();
        let mut take = |record| found.push(record);
        for filter in any_of("id", operations.iter().map(|id| id.as_str())) {
            let path = format!("/osm/nslcm/v1/ns_lcm_op_occs?{filter}");
            self.read_list(&path, Purpose::Probe, &mut take).await?;
        }
        Ok(found)
    }

    /// Starts to take an instance down; its record stays, and its operations with it.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn take_down(&self, ns: &NsId) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/terminate");
        self.start(&path, &json!({ "autoremove": false })).await
    }

    /// Starts an upgrade of one KDU to new values.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn upgrade_kdu(&self, ns: &NsId, upgrade: &KduUpgrade) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/action");
        self.start(&path, &upgrade.to_body()).await
    }

    /// Starts the termination of an instance; OSM removes its record when it has succeeded.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may have started.
    ///
    /// # Cancel safety
    /// Dropped before its end, the operation may or may not have started.
    pub async fn terminate(&self, ns: &NsId) -> Result<OpId, NbiError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/terminate");
        self.start(&path, &json!({ "autoremove": true })).await
    }

    /// Deletes the record of an instance that has no deployment; OSM refuses to delete any other.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may be gone.
    ///
    /// # Cancel safety
    /// Dropped before its end, the record may or may not be gone.
    pub async fn delete_instance(&self, ns: &NsId) -> Result<(), NbiError> {
        self.delete(&format!("/osm/nslcm/v1/ns_instances/{ns}")).await
    }

    /// Deletes a package; OSM refuses while an instance or an NSD uses it.
    ///
    /// # Errors
    /// Any [`NbiError`]; after [`NbiError::Interrupted`] or [`NbiError::TimedOut`] it may be gone.
    ///
    /// # Cancel safety
    /// Dropped before its end, the package may or may not be gone.
    pub async fn delete_package(
        &self,
        kind: PackageKind,
        record: &PackageId,
    ) -> Result<(), NbiError> {
        let path = match kind {
            PackageKind::Vnfd => format!("/osm/vnfpkgm/v1/vnf_packages/{record}"),
            PackageKind::Nsd => format!("/osm/nsd/v1/ns_descriptors/{record}"),
        };
        self.delete(&path).await
    }

    async fn delete(&self, path: &str) -> Result<(), NbiError> {
        match self.write(Method::DELETE, path, Content::Nothing).await {
            // Somebody else has deleted it since it was read, OSM itself perhaps.
            Err(error) if error.refusal() == Some(Refusal::Gone) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn start(&self, path: &str, body: &Value) -> Result<OpId, NbiError> {
        let (line, answer) = self.write(Method::POST, path, Content::Json(body)).await?;
        decode::<Created<OpId>>(&line, &answer).map(|created| created.id)
    }
}
