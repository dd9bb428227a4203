//! The rules, as far as the facts tell them.
//!
//! Source: NBI_FACTS.md sections 6 to 9.

use mock_nbi::Release;
use serde_json::{Value, json};

use super::instance::{Instance, Kind};
use super::step::{Action, Step, Way};

/// An id that nothing has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A request; `<key>` in it stands for the id that the fake gave.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
}

impl Call {
    pub fn new(method: &'static str, path: impl Into<String>, body: Option<Value>) -> Self {
        Self { method, path: path.into(), body }
    }
}

/// A VIM account, a cluster or a package.
#[derive(Clone, Debug)]
struct Thing {
    key: String,
    name: String,
    /// For a cluster its VIM account.
    at: String,
    is_enabled: bool,
    /// Whether it vanishes once operations end well.
    is_leaving: bool,
}

/// What OSM holds, and what the last step asked of it.
#[derive(Clone, Debug)]
pub struct Model {
    pub release: Release,
    vims: Vec<Thing>,
    clusters: Vec<Thing>,
    vnfds: Vec<Thing>,
    nsds: Vec<Thing>,
    pub instances: Vec<Instance>,
    next_key: u32,
    /// Whether operations on VIM accounts or clusters are pending. They are let end well: what
    /// becomes of an NS on a site whose creation failed is not known.
    has_site_operations: bool,
    /// How the operations of the last step ended.
    pub ended_well: bool,
    /// The request of the last step, if it made one, and the status it must get.
    pub call: Option<Call>,
    pub status: u16,
    /// The key of what it creates.
    pub made: Option<String>,
    pub made_operation: Option<String>,
}

fn pick(things: &[Thing], number: u8) -> Option<usize> {
    usize::from(number).checked_rem(things.len().max(1)).filter(|index| *index < things.len())
}

fn key_of(things: &[Thing], index: Option<usize>) -> String {
    index.map_or(NOBODY.into(), |index| things[index].key.clone())
}

impl Model {
    pub fn new(release: Release) -> Self {
        Self {
            release,
            vims: Vec::new(),
            clusters: Vec::new(),
            vnfds: Vec::new(),
            nsds: Vec::new(),
            instances: Vec::new(),
            next_key: 0,
            has_site_operations: false,
            ended_well: true,
            call: None,
            status: 0,
            made: None,
            made_operation: None,
        }
    }

    fn new_thing(&mut self, name: String, at: String) -> Thing {
        self.next_key += 1;
        let key = format!("<thing {}>", self.next_key);
        self.made = Some(key.clone());
        Thing { key, name, at, is_enabled: true, is_leaving: false }
    }

    fn asks(&mut self, method: &'static str, path: String, body: Option<Value>, status: u16) {
        self.call = Some(Call::new(method, path, body));
        self.status = status;
    }

    /// Does a step: what it asks, what must be answered, and what changes.
    pub fn take(&mut self, step: &Step) {
        self.call = None;
        self.made = None;
        let is_about_sites = matches!(
            step,
            Step::CreateVim { .. }
                | Step::DescribeVim { .. }
                | Step::RenameVim { .. }
                | Step::DeleteVim { .. }
                | Step::CreateCluster { .. }
                | Step::DeleteCluster { .. }
        );
        match *step {
            Step::CreateVim { name } => self.create_vim(name),
            Step::DescribeVim { vim } => self.edit_vim(vim, None),
            Step::RenameVim { vim, name } => self.edit_vim(vim, Some(name)),
            Step::DeleteVim { vim, is_forced } => self.delete_vim(vim, is_forced),
            Step::CreateCluster { name, vim } => self.create_cluster(name, vim),
            Step::DeleteCluster { cluster, is_forced } => self.delete_cluster(cluster, is_forced),
            Step::UploadVnfd { name } => self.upload_vnfd(name),
            Step::UploadNsd { name } => self.upload_nsd(name),
            Step::SetVnfd { vnfd, is_enabled } => self.set_vnfd(vnfd, is_enabled),
            Step::SetNsd { nsd, is_enabled } => self.set_nsd(nsd, is_enabled),
            Step::DeleteVnfd { vnfd } => self.delete_vnfd(vnfd),
            Step::DeleteNsd { nsd } => self.delete_nsd(nsd),
            Step::CreateInstance { nsd, vim, is_one_step } => {
                self.create_instance(nsd, vim, is_one_step);
            }
            Step::Instantiate { instance } => self.instantiate(instance),
            Step::Act { instance, action } => self.act(instance, action),
            Step::Terminate { instance, is_removed } => self.terminate(instance, is_removed),
            Step::DeleteInstance { instance, way } => self.delete_instance(instance, way),
            Step::End { is_good } => self.end_all(is_good),
            Step::Advance { .. } => {}
        }
        self.has_site_operations |= is_about_sites && self.status == 202;
    }

    fn create_vim(&mut self, name: u8) {
        let name = format!("vim{name}");
        let body = json!({
            "name": name, "vim_type": "dummy", "vim_url": "http://x", "vim_user": "u",
            "vim_password": "p", "vim_tenant_name": "t",
        });
        let is_taken = self.vims.iter().any(|vim| vim.name == name);
        self.asks(
            "POST",
            "/admin/v1/vim_accounts".into(),
            Some(body),
            if is_taken { 409 } else { 202 },
        );
        if !is_taken {
            let vim = self.new_thing(name, String::new());
            self.vims.push(vim);
        }
    }

    fn edit_vim(&mut self, vim: u8, name: Option<u8>) {
        let index = pick(&self.vims, vim);
        let path = format!("/admin/v1/vim_accounts/{}", key_of(&self.vims, index));
        let name = name.map(|name| format!("vim{name}"));
        let body = match &name {
            Some(name) => json!({"name": name}),
            None => json!({"description": "changed"}),
        };
        let Some(index) = index else { return self.asks("PATCH", path, Some(body), 404) };
        let is_other = |(at, vim): (usize, &Thing)| at != index && Some(&vim.name) == name.as_ref();
        let is_taken = self.vims.iter().enumerate().any(is_other);
        self.asks("PATCH", path, Some(body), if is_taken { 409 } else { 202 });
        if let Some(name) = name.filter(|_| !is_taken) {
            self.vims[index].name = name;
        }
    }

    fn delete_vim(&mut self, vim: u8, is_forced: bool) {
        let index = pick(&self.vims, vim);
        let key = key_of(&self.vims, index);
        let path = format!("/admin/v1/vim_accounts/{key}{}", if is_forced { "?FORCE" } else { "" });
        // A VNF record has no VIM account before its instance is first instantiated.
        let is_used = self.instances.iter().any(|ns| ns.cluster.is_some() && ns.vim == key);
        let status = match index {
            None => 404,
            Some(_) if is_forced => 204,
            Some(_) if is_used => 409,
            Some(_) => 202,
        };
        self.asks("DELETE", path, None, status);
        remove(&mut self.vims, index, status);
    }

    fn create_cluster(&mut self, name: u8, vim: u8) {
        let name = format!("cluster{name}");
        let at = key_of(&self.vims, pick(&self.vims, vim));
        let body = json!({
            "name": name, "vim_account": at, "k8s_version": "1.20", "nets": {"net": null},
            "credentials": {},
        });
        let is_taken = self.clusters.iter().any(|cluster| cluster.name == name);
        self.asks(
            "POST",
            "/admin/v1/k8sclusters".into(),
            Some(body),
            if is_taken { 409 } else { 202 },
        );
        if !is_taken {
            let cluster = self.new_thing(name, at);
            self.clusters.push(cluster);
        }
    }

    fn delete_cluster(&mut self, cluster: u8, is_forced: bool) {
        let index = pick(&self.clusters, cluster);
        let key = key_of(&self.clusters, index);
        let path = format!("/admin/v1/k8sclusters/{key}{}", if is_forced { "?FORCE" } else { "" });
        let is_used = self.instances.iter().any(|ns| ns.cluster.as_ref() == Some(&key));
        let status = match index {
            None => 404,
            Some(_) if is_forced => 204,
            Some(_) if is_used => 409,
            Some(_) => 202,
        };
        self.asks("DELETE", path, None, status);
        remove(&mut self.clusters, index, status);
    }

    fn upload_vnfd(&mut self, name: u8) {
        let name = format!("knf{name}");
        let body = json!({"vnfd": {
            "id": name, "product-name": name, "provider": "p", "version": "1.0", "mgmt-cp": "mgmt-ext",
            "df": [{"id": "df"}], "ext-cpd": [{"id": "mgmt-ext", "k8s-cluster-net": "net"}],
            "k8s-cluster": {"nets": [{"id": "net"}]},
            "kdu": [{"name": "ldap", "helm-chart": "stable/openldap:1.2.3"}],
        }});
        let is_taken = self.vnfds.iter().any(|vnfd| vnfd.name == name);
        let path = "/vnfpkgm/v1/vnf_packages_content".into();
        self.asks("POST", path, Some(body), if is_taken { 409 } else { 201 });
        if !is_taken {
            let vnfd = self.new_thing(name, String::new());
            self.vnfds.push(vnfd);
        }
    }

    fn upload_nsd(&mut self, number: u8) {
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
            let nsd = self.new_thing(name, knf);
            self.nsds.push(nsd);
        }
    }

    fn set_vnfd(&mut self, vnfd: u8, is_enabled: bool) {
        let index = pick(&self.vnfds, vnfd);
        let path = format!("/vnfpkgm/v1/vnf_packages/{}", key_of(&self.vnfds, index));
        let body = json!({"operationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.vnfds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    fn set_nsd(&mut self, nsd: u8, is_enabled: bool) {
        let index = pick(&self.nsds, nsd);
        let path = format!("/nsd/v1/ns_descriptors/{}", key_of(&self.nsds, index));
        let body = json!({"nsdOperationalState": if is_enabled { "ENABLED" } else { "DISABLED" }});
        let status = set(&mut self.nsds, index, is_enabled);
        self.asks("PATCH", path, Some(body), status);
    }

    fn delete_vnfd(&mut self, vnfd: u8) {
        let index = pick(&self.vnfds, vnfd);
        let path = format!("/vnfpkgm/v1/vnf_packages/{}", key_of(&self.vnfds, index));
        // No NS uses it that does not use an NSD which refers to it.
        let is_used = |thing: &Thing| self.nsds.iter().any(|nsd| nsd.at == thing.name);
        let status = match index {
            None => 404,
            Some(index) if is_used(&self.vnfds[index]) => 409,
            Some(_) => 204,
        };
        self.asks("DELETE", path, None, status);
        remove(&mut self.vnfds, index, status);
    }

    fn delete_nsd(&mut self, nsd: u8) {
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
        remove(&mut self.nsds, index, status);
    }

    /// The cluster that a KDU at this VIM account goes to.
    fn cluster_at(&self, vim: &str) -> Option<String> {
        self.clusters.iter().find(|cluster| cluster.at == vim).map(|cluster| cluster.key.clone())
    }

    fn create_instance(&mut self, nsd: u8, vim: u8, is_one_step: bool) {
        let (nsd, vim) = (pick(&self.nsds, nsd), pick(&self.vims, vim));
        let (nsd_key, vim_key) = (key_of(&self.nsds, nsd), key_of(&self.vims, vim));
        let name = format!("instance{}", self.next_key);
        let body = json!({"nsName": name, "nsdId": nsd_key, "vimAccountId": vim_key});
        let cluster = self.cluster_at(&vim_key);
        let status = match (nsd, vim) {
            (None, _) => 404,
            (Some(nsd), _) if !self.nsds[nsd].is_enabled => 409,
            // Without an operation nothing is looked for but the NSD.
            _ if is_one_step && (vim.is_none() || cluster.is_none()) => 400,
            _ => 201,
        };
        let list = if is_one_step { "ns_instances_content" } else { "ns_instances" };
        self.asks("POST", format!("/nslcm/v1/{list}"), Some(body), status);
        if status != 201 {
            return;
        }
        let Thing { key, .. } = self.new_thing(name.clone(), String::new());
        let mut instance = Instance {
            key,
            name,
            nsd: nsd_key,
            vim: vim_key,
            cluster: cluster.filter(|_| is_one_step),
            ns_state: "NOT_INSTANTIATED",
            is_instantiated: false,
            is_deployed: false,
            operations: Vec::new(),
        };
        if is_one_step {
            instance.queue(Kind::Instantiate);
        }
        self.instances.push(instance);
    }

    fn pick_instance(&self, number: u8) -> (Option<usize>, String) {
        let count = self.instances.len();
        let index = usize::from(number).checked_rem(count.max(1)).filter(|index| *index < count);
        (index, index.map_or(NOBODY.into(), |index| self.instances[index].key.clone()))
    }

    fn instantiate(&mut self, instance: u8) {
        let (index, key) = self.pick_instance(instance);
        let path = format!("/nslcm/v1/ns_instances/{key}/instantiate");
        let chosen = index.map(|index| self.instances[index].clone());
        let (nsd, vim) = match &chosen {
            Some(ns) => (ns.nsd.clone(), ns.vim.clone()),
            None => (NOBODY.into(), NOBODY.into()),
        };
        let body = json!({"nsName": "again", "nsdId": nsd, "vimAccountId": vim});
        let has_vim = self.vims.iter().any(|known| known.key == vim);
        let cluster = self.cluster_at(&vim);
        let status = match &chosen {
            None => 404,
            Some(ns) if ns.is_instantiated => 409,
            Some(_) if !has_vim || cluster.is_none() => 400,
            Some(_) => 202,
        };
        self.asks("POST", path, Some(body), status);
        if let (Some(index), 202) = (index, status) {
            self.instances[index].cluster = cluster;
            self.instances[index].queue(Kind::Instantiate);
        }
    }

    fn act(&mut self, instance: u8, action: Action) {
        let (index, key) = self.pick_instance(instance);
        let mut body = json!({
            "member_vnf_index": "member", "kdu_name": "ldap", "primitive": "upgrade",
            "primitive_params": {"replicaCount": "2"},
        });
        match action {
            Action::Upgrade => {}
            Action::UnknownPrimitive => body["primitive"] = json!("nosuch"),
            Action::UnknownMember => body["member_vnf_index"] = json!("nosuch"),
            Action::UnknownKdu => body["kdu_name"] = json!("nosuch"),
            Action::WithoutParameters => {
                drop(body.as_object_mut().unwrap().remove("primitive_params"));
            }
        }
        let status = match index {
            _ if action == Action::WithoutParameters => 422,
            None => 404,
            Some(index) if !self.instances[index].is_instantiated => 409,
            Some(_) if action == Action::Upgrade => 202,
            Some(_) => 400,
        };
        self.asks("POST", format!("/nslcm/v1/ns_instances/{key}/action"), Some(body), status);
        if let (Some(index), 202) = (index, status) {
            self.instances[index].queue(Kind::Act);
        }
    }

    fn terminate(&mut self, instance: u8, is_removed: bool) {
        let (index, key) = self.pick_instance(instance);
        let path = format!("/nslcm/v1/ns_instances/{key}/terminate");
        let body = json!({"autoremove": is_removed});
        let status = match index {
            None => 404,
            // Accepted, though nothing comes of it.
            Some(index) if !self.instances[index].is_instantiated && is_removed => 202,
            Some(index) if !self.instances[index].is_instantiated => 409,
            Some(_) => 202,
        };
        self.asks("POST", path, Some(body), status);
        if let (Some(index), 202) = (index, status)
            && self.instances[index].is_instantiated
        {
            self.instances[index].queue(Kind::Terminate { is_removed });
        }
    }

    fn delete_instance(&mut self, instance: u8, way: Way) {
        let (index, key) = self.pick_instance(instance);
        let path = match way {
            Way::Plain => format!("/nslcm/v1/ns_instances/{key}"),
            Way::Forced => format!("/nslcm/v1/ns_instances/{key}?FORCE"),
            Way::OneStep => format!("/nslcm/v1/ns_instances_content/{key}"),
        };
        let status = match (index, way) {
            (None, _) => 404,
            (Some(_), Way::Forced) => 204,
            (Some(index), _) if !self.instances[index].is_instantiated => 204,
            (Some(_), Way::Plain) => 409,
            (Some(_), Way::OneStep) => 202,
        };
        self.asks("DELETE", path, None, status);
        // Release 19 says that it is gone, and leaves it. Source: its nbi.py, `default`.
        let stays = way == Way::OneStep && self.release == Release::R19Recorded;
        match (index, status) {
            (Some(_), 204) if stays => {}
            (Some(index), 204) => drop(self.instances.remove(index)),
            (Some(index), 202) => self.instances[index].queue(Kind::Terminate { is_removed: true }),
            _ => {}
        }
    }

    fn end_all(&mut self, is_good: bool) {
        let is_good = is_good || std::mem::take(&mut self.has_site_operations);
        self.ended_well = is_good;
        self.instances.retain_mut(|instance| instance.end_all(is_good));
        self.has_site_operations = false;
        if is_good {
            self.vims.retain(|vim| !vim.is_leaving);
            self.clusters.retain(|cluster| !cluster.is_leaving);
        }
        for thing in self.vims.iter_mut().chain(&mut self.clusters) {
            thing.is_leaving = false;
        }
    }

    pub fn vim_names(&self) -> Vec<String> {
        names(&self.vims)
    }

    pub fn cluster_names(&self) -> Vec<String> {
        names(&self.clusters)
    }

    pub fn vnfd_names(&self) -> Vec<String> {
        names(&self.vnfds)
    }

    pub fn nsd_names(&self) -> Vec<String> {
        names(&self.nsds)
    }

    /// Name, state, and the state that counts, of every instance.
    pub fn instance_states(&self) -> Vec<(String, String, String)> {
        let row = |ns: &Instance| {
            let counts = if ns.is_instantiated { "INSTANTIATED" } else { "NOT_INSTANTIATED" };
            (ns.name.clone(), ns.ns_state.to_owned(), counts.to_owned())
        };
        self.instances.iter().map(row).collect()
    }
}

fn names(things: &[Thing]) -> Vec<String> {
    things.iter().map(|thing| thing.name.clone()).collect()
}

/// Removes at once with 204; with 202 once operations end well.
fn remove(things: &mut Vec<Thing>, index: Option<usize>, status: u16) {
    match (index, status) {
        (Some(index), 204) => drop(things.remove(index)),
        (Some(index), 202) => things[index].is_leaving = true,
        _ => {}
    }
}

fn set(things: &mut [Thing], index: Option<usize>, is_enabled: bool) -> u16 {
    match index {
        None => 404,
        Some(index) if things[index].is_enabled == is_enabled => 409,
        Some(index) => {
            things[index].is_enabled = is_enabled;
            204
        }
    }
}
