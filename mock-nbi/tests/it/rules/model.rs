//! The rules, as far as the facts tell them.
//!
//! Source: NBI_FACTS.md sections 6 to 9.

use mock_nbi::Release;
use serde_json::{Value, json};

use super::instance::{Instance, Kind};
use super::package::Package;
use super::site::Site;
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

/// What OSM holds, and what the last step asked of it.
#[derive(Clone, Debug)]
pub struct Model {
    pub release: Release,
    pub vims: Vec<Site>,
    pub clusters: Vec<Site>,
    pub vnfds: Vec<Package>,
    pub nsds: Vec<Package>,
    pub instances: Vec<Instance>,
    next_key: u32,
    /// The request of the last step, if it made one, and the status it must get.
    pub call: Option<Call>,
    pub status: u16,
    /// The key of what it creates.
    pub made: Option<String>,
    pub made_operation: Option<String>,
}

/// What requests name by id.
pub trait Keyed {
    fn key(&self) -> &str;
}

pub fn pick<T>(things: &[T], number: u8) -> Option<usize> {
    usize::from(number).checked_rem(things.len().max(1)).filter(|index| *index < things.len())
}

pub fn key_of<T: Keyed>(things: &[T], index: Option<usize>) -> String {
    index.map_or(NOBODY.into(), |index| things[index].key().to_owned())
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
            call: None,
            status: 0,
            made: None,
            made_operation: None,
        }
    }

    /// The key of what a step makes.
    pub fn new_key(&mut self) -> String {
        self.next_key += 1;
        let key = format!("<thing {}>", self.next_key);
        self.made = Some(key.clone());
        key
    }

    pub fn asks(&mut self, method: &'static str, path: String, body: Option<Value>, status: u16) {
        self.call = Some(Call::new(method, path, body));
        self.status = status;
    }

    /// Does a step: what it asks, what must be answered, and what changes.
    pub fn take(&mut self, step: &Step) {
        self.call = None;
        self.made = None;
        match *step {
            Step::CreateVim { name } => self.create_vim(name),
            Step::DescribeVim { vim } => self.edit_vim(vim, None),
            Step::RenameVim { vim, name } => self.edit_vim(vim, Some(name)),
            Step::DeleteVim { vim, is_forced } => self.delete_vim(vim, is_forced),
            Step::CreateCluster { name, vim } => self.create_cluster(name, vim),
            Step::DeleteCluster { cluster, is_forced } => self.delete_cluster(cluster, is_forced),
            Step::UploadVnfd { name } => self.upload_vnfd(name),
            Step::UploadNsd { name } => self.upload_nsd(name),
            Step::BeginVnfd => self.begin_vnfd(),
            Step::BeginNsd => self.begin_nsd(),
            Step::PutVnfd { vnfd, name } => self.put_vnfd(vnfd, name),
            Step::PutNsd { nsd, name } => self.put_nsd(nsd, name),
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
        let knf = nsd.map(|nsd| self.nsds[nsd].at.clone()).unwrap_or_default();
        let vnfd = self.vnfds.iter().find(|vnfd| vnfd.name == knf);
        let vnfd = vnfd.map(|vnfd| vnfd.key.clone()).unwrap_or_default();
        if matches!(status, 201 | 400) {
            self.mark_used(&nsd_key, &vnfd);
        }
        if status != 201 {
            return;
        }
        let key = self.new_key();
        let mut instance = Instance {
            key,
            name,
            nsd: nsd_key,
            vnfd,
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
        let stays = way == Way::OneStep && self.release != Release::R10;
        match (index, status) {
            (Some(_), 204) if stays => {}
            (Some(index), 204) => {
                let gone = self.instances.remove(index);
                self.unmark(&gone);
            }
            (Some(index), 202) => self.instances[index].queue(Kind::Terminate { is_removed: true }),
            _ => {}
        }
    }

    fn end_all(&mut self, is_good: bool) {
        // Operations end in the order in which they were asked for. One on an instance comes after
        // the creation of its cluster, and while it is pending only force removes that.
        self.end_sites(is_good);
        let (release, clusters) = (self.release, &self.clusters);
        let mut gone = Vec::new();
        self.instances.retain_mut(|instance| {
            let cluster = clusters.iter().find(|it| Some(&it.key) == instance.cluster.as_ref());
            // The recordings' stand-in does not look at the cluster.
            let can_install =
                release == Release::R19Recorded || cluster.is_some_and(|it| it.is_prepared);
            let is_left = instance.end_all(is_good, can_install);
            if !is_left {
                gone.push(instance.clone());
            }
            is_left
        });
        gone.iter().for_each(|gone| self.unmark(gone));
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
