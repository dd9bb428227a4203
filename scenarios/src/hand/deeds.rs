//! What somebody does to instances and packages, as with the `osm` client: through the NBI, and waiting
//! until OSM has done it.

use http::Method;
use serde_json::{Value, json};

use crate::step::{Deed, KduValues};

use super::{Content, Hand, HandError, Made, VIM_ACCOUNTS, text};

/// Where packages are, VNFDs first.
const PACKAGES: [&str; 2] = ["/osm/vnfpkgm/v1/vnf_packages", "/osm/nsd/v1/ns_descriptors"];

impl Hand {
    /// Does it, and waits until it is done.
    ///
    /// # Errors
    /// [`HandError`], also when an operation fails.
    ///
    /// # Cancel safety
    /// Dropped before its end, it may or may not be done.
    pub async fn carry_out(&mut self, deed: &Deed) -> Result<(), HandError> {
        match deed {
            Deed::Create { name, nsd, vim_account, owner } => {
                self.create(name, nsd, vim_account, &[], owner.as_deref()).await
            }
            Deed::Upgrade { name, kdus } => {
                let ns = self.id_of("NS instance", NS_INSTANCES, name).await?;
                for kdu in kdus {
                    self.upgrade(name, &ns, kdu).await?;
                }
                Ok(())
            }
            Deed::Remove { name } => {
                let ns = self.id_of("NS instance", NS_INSTANCES, name).await?;
                let path = format!("/osm/nslcm/v1/ns_instances_content/{ns}");
                self.call(Method::DELETE, &path, Content::Nothing).await?;
                let list = format!("/osm/nslcm/v1/ns_instances?id={ns}");
                let state = |found: &Value| match found.pointer("/0/nsState") {
                    Some(state) => state.as_str().unwrap_or("unknown").to_owned(),
                    None => "gone".to_owned(),
                };
                self.wait_until("NS instance", name, &list, state, &["gone"], &["BROKEN"]).await
            }
            Deed::Edit { package, to } => {
                let path = self.package(package).await?;
                self.call(Method::PATCH, &path, Content::Json(json!(to))).await?;
                Ok(())
            }
            Deed::Delete { package } => {
                let path = self.package(package).await?;
                self.call(Method::DELETE, &path, Content::Nothing).await?;
                Ok(())
            }
        }
    }

    pub(super) async fn instantiate(
        &mut self,
        name: &str,
        nsd: &str,
        vim_account: &str,
        kdus: &[KduValues],
        owner: Option<&str>,
    ) -> Result<Made, HandError> {
        let found = self.read(&format!("{NS_INSTANCES}{name}")).await?;
        if found.as_array().is_some_and(|list| !list.is_empty()) {
            return Ok(Made::Before);
        }
        self.create(name, nsd, vim_account, kdus, owner).await?;
        Ok(Made::Now)
    }

    /// Makes an instance, whether or not there is one of its name.
    async fn create(
        &mut self,
        name: &str,
        nsd: &str,
        vim_account: &str,
        kdus: &[KduValues],
        owner: Option<&str>,
    ) -> Result<(), HandError> {
        let path = "/osm/nslcm/v1/ns_instances";
        let vim = self.id_of("VIM account", VIM_ACCOUNTS, vim_account).await?;
        let nsd = self.id_of("NSD", "/osm/nsd/v1/ns_descriptors?id=", nsd).await?;
        let vnf = |kdu: &KduValues| {
            let values = json!({"kdu_name": kdu.kdu, "additionalParams": kdu.values});
            json!({"member-vnf-index": kdu.member, "additionalParamsForKdu": [values]})
        };
        let mut body = json!({
            "nsName": name,
            "nsdId": nsd,
            "nsDescription": "made by hand",
            "vimAccountId": vim,
            "additionalParamsForVnf": kdus.iter().map(vnf).collect::<Vec<_>>(),
        });
        if let Some(owner) = owner {
            body["additionalParamsForNs"] = json!({"osmops_owner": owner});
        }
        let create = format!("{path}_content");
        let created = self.call(Method::POST, &create, Content::Json(body)).await?;
        let id = text(&created, "id", &Method::POST, &create)?;
        let state = |record: &Value| {
            let state = record.get("nsState").and_then(Value::as_str);
            state.unwrap_or("unknown").to_owned()
        };
        let record = format!("{path}/{id}");
        self.wait_until("NS instance", name, &record, state, &["READY"], &["BROKEN"]).await
    }

    async fn upgrade(&mut self, name: &str, ns: &str, kdu: &KduValues) -> Result<(), HandError> {
        let path = format!("/osm/nslcm/v1/ns_instances/{ns}/action");
        let body = json!({
            "member_vnf_index": kdu.member,
            "kdu_name": kdu.kdu,
            "primitive": "upgrade",
            "primitive_params": kdu.values,
        });
        let started = self.call(Method::POST, &path, Content::Json(body)).await?;
        let operation = text(&started, "id", &Method::POST, &path)?;
        let path = format!("/osm/nslcm/v1/ns_lcm_op_occs/{operation}");
        let state = |record: &Value| {
            let state = record.get("operationState").and_then(Value::as_str);
            state.unwrap_or("unknown").to_owned()
        };
        self.wait_until("upgrade of", name, &path, state, &["COMPLETED"], &["FAILED"]).await
    }

    /// The path of the package whose descriptor has this id.
    async fn package(&mut self, id: &str) -> Result<String, HandError> {
        for collection in PACKAGES {
            let found = self.read(&format!("{collection}?id={id}")).await?;
            if let Some(record) = found.pointer("/0/_id").and_then(Value::as_str) {
                return Ok(format!("{collection}/{record}"));
            }
        }
        Err(HandError::Absent { what: "package", name: id.to_owned() })
    }
}

/// Finds NS instances by name.
const NS_INSTANCES: &str = "/osm/nslcm/v1/ns_instances?name=";
