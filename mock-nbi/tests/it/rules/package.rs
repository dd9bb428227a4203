//! VNFDs and NSDs: how they come in one step or two, get other content, are switched off and on, and go.
//!
//! Source: NBI_FACTS.md sections 7 and 8.

use mock_nbi::Release;
use serde_json::{Value, json};

use super::instance::Instance;
use super::model::{Keyed, Model, key_of, pick};

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    pub key: String,
    /// Its descriptor's id; none before its content came.
    pub name: String,
    /// Of an NSD the VNFD that it refers to.
    pub at: String,
    pub is_enabled: bool,
    /// Whether it bears the mark of use that release 19 gives.
    pub is_marked: bool,
}

impl Keyed for Package {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Model {
    fn new_package(&mut self, name: String, at: String) -> Package {
        Package { key: self.new_key(), name, at, is_enabled: true, is_marked: false }
    }

    /// Begins a package whose content comes later.
    pub fn begin_vnfd(&mut self) {
        self.asks("POST", "/vnfpkgm/v1/vnf_packages".into(), Some(json!({})), 201);
        let begun = Package { is_enabled: false, ..self.new_package(String::new(), String::new()) };
        self.vnfds.push(begun);
    }

    pub fn begin_nsd(&mut self) {
        self.asks("POST", "/nsd/v1/ns_descriptors".into(), Some(json!({})), 201);
        let begun = Package { is_enabled: false, ..self.new_package(String::new(), String::new()) };
        self.nsds.push(begun);
    }

    /// Gives a package its content, or other content. What becomes of an NSD whose VNFD gets another id is
    /// not told, so one that is referred to keeps its own.
    pub fn put_vnfd(&mut self, vnfd: u8, name: u8) {
        let index = pick(&self.vnfds, vnfd);
        let path =
            format!("/vnfpkgm/v1/vnf_packages/{}/package_content", key_of(&self.vnfds, index));
        let mut name = format!("knf{name}");
        let own = index.map(|index| self.vnfds[index].name.clone()).unwrap_or_default();
        if self.nsds.iter().any(|nsd| !own.is_empty() && nsd.at == own) {
            name = own;
        }
        let status = content_status(&self.vnfds, index, &name);
        self.asks("PUT", path, Some(vnfd_of(&name)), status);
        if let (Some(index), 204) = (index, status) {
            let vnfd = &mut self.vnfds[index];
            (vnfd.name, vnfd.is_enabled) = (name, true);
        }
    }

    /// As [`Model::put_vnfd`]; one with instances keeps its id.
    pub fn put_nsd(&mut self, nsd: u8, number: u8) {
        let index = pick(&self.nsds, nsd);
        let key = key_of(&self.nsds, index);
        let mut number = number.to_string();
        let own = index.map(|index| self.nsds[index].name.clone()).unwrap_or_default();
        if self.instances.iter().any(|ns| ns.nsd == key) {
            number = own.replace("ns", "");
        }
        let (name, knf) = (format!("ns{number}"), format!("knf{number}"));
        let is_known = self.vnfds.iter().any(|vnfd| vnfd.name == knf);
        let status = match content_status(&self.nsds, index, &name) {
            204 if !is_known => 409,
            status => status,
        };
        let path = format!("/nsd/v1/ns_descriptors/{key}/nsd_content");
        self.asks("PUT", path, Some(nsd_of(&name, &knf)), status);
        if let (Some(index), 204) = (index, status) {
            let nsd = &mut self.nsds[index];
            (nsd.name, nsd.at, nsd.is_enabled) = (name, knf, true);
        }
    }

    pub fn upload_vnfd(&mut self, name: u8) {
        let name = format!("knf{name}");
        let body = vnfd_of(&name);
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
        let body = nsd_of(&name, &knf);
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
        let is_enabled = is_enabled && has_content(&self.vnfds, index);
        let body = json!({"operationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.vnfds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    pub fn set_nsd(&mut self, nsd: u8, is_enabled: bool) {
        let index = pick(&self.nsds, nsd);
        let path = format!("/nsd/v1/ns_descriptors/{}", key_of(&self.nsds, index));
        let is_enabled = is_enabled && has_content(&self.nsds, index);
        let body = json!({"nsdOperationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.nsds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    pub fn delete_vnfd(&mut self, vnfd: u8) {
        let index = pick(&self.vnfds, vnfd);
        let path = format!("/vnfpkgm/v1/vnf_packages/{}", key_of(&self.vnfds, index));
        // No NS uses it that does not use an NSD which refers to it.
        let is_used = |thing: &Package| {
            !thing.name.is_empty() && self.nsds.iter().any(|nsd| nsd.at == thing.name)
        };
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

    /// An instance of these was made, also one that is taken back because its instantiation is refused.
    pub fn mark_used(&mut self, nsd: &str, vnfd: &str) {
        let packages = self.nsds.iter_mut().chain(&mut self.vnfds);
        let used = packages.filter(|package| package.key == nsd || package.key == vnfd);
        used.for_each(|package| package.is_marked = true);
    }

    /// An instance is gone; its packages are used by those that are left.
    pub fn unmark(&mut self, gone: &Instance) {
        let left = &self.instances;
        for nsd in self.nsds.iter_mut().filter(|nsd| nsd.key == gone.nsd) {
            nsd.is_marked = left.iter().any(|ns| ns.nsd == nsd.key);
        }
        for vnfd in self.vnfds.iter_mut().filter(|vnfd| vnfd.key == gone.vnfd) {
            vnfd.is_marked = left.iter().any(|ns| ns.vnfd == vnfd.key);
        }
    }

    /// Id and states of every VNFD: onboarding, operational, usage.
    pub fn vnfd_states(&self) -> Vec<[String; 4]> {
        self.vnfds.iter().map(|vnfd| self.states(vnfd)).collect()
    }

    /// Id and states of every NSD.
    pub fn nsd_states(&self) -> Vec<[String; 4]> {
        self.nsds.iter().map(|nsd| self.states(nsd)).collect()
    }

    fn states(&self, package: &Package) -> [String; 4] {
        let is_told = package.is_marked && self.release != Release::R10;
        [
            package.name.as_str(),
            if package.name.is_empty() { "CREATED" } else { "ONBOARDED" },
            if package.is_enabled { "ENABLED" } else { "DISABLED" },
            if is_told { "IN_USE" } else { "NOT_IN_USE" },
        ]
        .map(str::to_owned)
    }
}

fn vnfd_of(name: &str) -> Value {
    json!({"vnfd": {
        "id": name, "product-name": name, "provider": "p", "version": "1.0", "mgmt-cp": "mgmt-ext",
        "df": [{"id": "df"}], "ext-cpd": [{"id": "mgmt-ext", "k8s-cluster-net": "net"}],
        "k8s-cluster": {"nets": [{"id": "net"}]},
        "kdu": [{"name": "ldap", "helm-chart": "stable/openldap"}],
    }})
}

fn nsd_of(name: &str, knf: &str) -> Value {
    json!({"nsd": {"nsd": [{
        "id": name, "name": name, "designer": "d", "version": "1.0", "vnfd-id": [knf],
        "virtual-link-desc": [{"id": "net", "mgmt-network": true}],
        "df": [{"id": "df", "vnf-profile": [{"id": "member", "vnfd-id": knf,
            "virtual-link-connectivity": [{"virtual-link-profile-id": "net",
                "constituent-cpd-id": [{"constituent-base-element-id": "member",
                    "constituent-cpd-id": "mgmt-ext"}]}]}]}],
    }]}})
}

/// What becomes of content with this id for one of `things`.
fn content_status(things: &[Package], index: Option<usize>, name: &str) -> u16 {
    let is_other = |(at, thing): (usize, &Package)| Some(at) != index && thing.name == name;
    match index {
        None => 404,
        Some(_) if things.iter().enumerate().any(is_other) => 409,
        Some(_) => 204,
    }
}

/// What switching on a package without content does is not told.
fn has_content(things: &[Package], index: Option<usize>) -> bool {
    index.is_none_or(|index| !things[index].name.is_empty())
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
