//! VNFDs and NSDs: how they come, are switched off and on, and go.
//!
//! Source: NBI_FACTS.md sections 7 and 8.

use serde_json::json;

use super::model::{Keyed, Model, key_of, pick};

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    pub key: String,
    pub name: String,
    /// Of an NSD the VNFD that it refers to.
    pub at: String,
    pub is_enabled: bool,
}

impl Keyed for Package {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Model {
    fn new_package(&mut self, name: String, at: String) -> Package {
        Package { key: self.new_key(), name, at, is_enabled: true }
    }

    pub fn upload_vnfd(&mut self, name: u8) {
        let name = format!("knf{name}");
        let body = json!({"vnfd": {
            "id": name, "product-name": name, "provider": "p", "version": "1.0", "mgmt-cp": "mgmt-ext",
            "df": [{"id": "df"}], "ext-cpd": [{"id": "mgmt-ext", "k8s-cluster-net": "net"}],
            "k8s-cluster": {"nets": [{"id": "net"}]},
            "kdu": [{"name": "ldap", "helm-chart": "stable/openldap"}],
        }});
        let is_taken = self.vnfds.iter().any(|vnfd| vnfd.name == name);
        let path = "/vnfpkgm/v1/vnf_packages_content".into();
        self.asks("POST", path, Some(body), if is_taken { 409 } else { 201 });
        if !is_taken {
            let vnfd = self.new_package(name, String::new());
            self.vnfds.push(vnfd);
        }
    }

    pub fn upload_nsd(&mut self, number: u8) {
        let (name, knf) = (format!("ns{number}"), format!("knf{number}"));
        let body = json!({"nsd": {"nsd": [{
            "id": name, "name": name, "designer": "d", "version": "1.0", "vnfd-id": [knf],
            "virtual-link-desc": [{"id": "net", "mgmt-network": true}],
            "df": [{"id": "df", "vnf-profile": [{"id": "member", "vnfd-id": knf,
                "virtual-link-connectivity": [{"virtual-link-profile-id": "net",
                    "constituent-cpd-id": [{"constituent-base-element-id": "member",
                        "constituent-cpd-id": "mgmt-ext"}]}]}]}],
        }]}});
        let is_taken = self.nsds.iter().any(|nsd| nsd.name == name);
        let is_known = self.vnfds.iter().any(|vnfd| vnfd.name == knf);
        let path = "/nsd/v1/ns_descriptors_content".into();
        let status = if is_taken || !is_known { 409 } else { 201 };
        self.asks("POST", path, Some(body), status);
        if status == 201 {
            let nsd = self.new_package(name, knf);
            self.nsds.push(nsd);
        }
    }

    pub fn set_vnfd(&mut self, vnfd: u8, is_enabled: bool) {
        let index = pick(&self.vnfds, vnfd);
        let path = format!("/vnfpkgm/v1/vnf_packages/{}", key_of(&self.vnfds, index));
        let body = json!({"operationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.vnfds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    pub fn set_nsd(&mut self, nsd: u8, is_enabled: bool) {
        let index = pick(&self.nsds, nsd);
        let path = format!("/nsd/v1/ns_descriptors/{}", key_of(&self.nsds, index));
        let body = json!({"nsdOperationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.nsds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    pub fn delete_vnfd(&mut self, vnfd: u8) {
        let index = pick(&self.vnfds, vnfd);
        let path = format!("/vnfpkgm/v1/vnf_packages/{}", key_of(&self.vnfds, index));
        // No NS uses it that does not use an NSD which refers to it.
        let is_used = |thing: &Package| self.nsds.iter().any(|nsd| nsd.at == thing.name);
        let status = match index {
            None => 404,
            Some(index) if is_used(&self.vnfds[index]) => 409,
            Some(_) => 204,
        };
        self.asks("DELETE", path, None, status);
        if let (Some(index), 204) = (index, status) {
            drop(self.vnfds.remove(index));
        }
    }

    pub fn delete_nsd(&mut self, nsd: u8) {
        let index = pick(&self.nsds, nsd);
        let key = key_of(&self.nsds, index);
        let path = format!("/nsd/v1/ns_descriptors/{key}");
        let is_used = self.instances.iter().any(|ns| ns.nsd == key);
        let status = match index {
            None => 404,
            Some(_) if is_used => 409,
            Some(_) => 204,
        };
        self.asks("DELETE", path, None, status);
        if let (Some(index), 204) = (index, status) {
            drop(self.nsds.remove(index));
        }
    }

    pub fn vnfd_names(&self) -> Vec<String> {
        names(&self.vnfds)
    }

    pub fn nsd_names(&self) -> Vec<String> {
        names(&self.nsds)
    }
}

fn names(things: &[Package]) -> Vec<String> {
    things.iter().map(|thing| thing.name.clone()).collect()
}

fn set(things: &mut [Package], index: Option<usize>, is_enabled: bool) -> u16 {
    match index {
        None => 404,
        Some(index) if things[index].is_enabled == is_enabled => 409,
        Some(index) => {
            things[index].is_enabled = is_enabled;
            204
        }
    }
}
