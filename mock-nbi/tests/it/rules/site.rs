//! VIM accounts and clusters: how they come, are tried out, and go.
//!
//! Source: NBI_FACTS.md section 6.

use serde_json::json;

use super::model::{Keyed, Model, key_of, pick};

/// A VIM account or a cluster.
#[derive(Clone, Debug)]
pub struct Site {
    pub key: String,
    pub name: String,
    /// For a cluster its VIM account.
    pub at: String,
    /// `_admin.operationalState`; none where the facts do not say.
    pub state: Option<&'static str>,
    /// Whether its creation ended well.
    pub is_prepared: bool,
    is_new: bool,
    is_pending: bool,
    /// Whether it vanishes once operations end well.
    is_leaving: bool,
}

impl Keyed for Site {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Site {
    fn new(key: String, name: String, at: String) -> Self {
        Self {
            key,
            name,
            at,
            state: Some("PROCESSING"),
            is_prepared: false,
            is_new: true,
            is_pending: true,
            is_leaving: false,
        }
    }

    /// An operation on it begins.
    fn is_busy(&mut self) {
        self.is_pending = true;
        self.state = None;
    }

    /// Ends what is pending on it; tells whether it is left.
    fn end(&mut self, is_good: bool) -> bool {
        if !self.is_pending {
            return true;
        }
        self.state = Some(if is_good { "ENABLED" } else { "ERROR" });
        self.is_prepared |= self.is_new && is_good;
        self.is_new = false;
        self.is_pending = false;
        !(std::mem::take(&mut self.is_leaving) && is_good)
    }
}

impl Model {
    pub fn create_vim(&mut self, name: u8) {
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
            let key = self.new_key();
            self.vims.push(Site::new(key, name, String::new()));
        }
    }

    pub fn edit_vim(&mut self, vim: u8, name: Option<u8>) {
        let index = pick(&self.vims, vim);
        let path = format!("/admin/v1/vim_accounts/{}", key_of(&self.vims, index));
        let name = name.map(|name| format!("vim{name}"));
        let body = match &name {
            Some(name) => json!({"name": name}),
            None => json!({"description": "changed"}),
        };
        let Some(index) = index else { return self.asks("PATCH", path, Some(body), 404) };
        let is_other = |(at, vim): (usize, &Site)| at != index && Some(&vim.name) == name.as_ref();
        let is_taken = self.vims.iter().enumerate().any(is_other);
        self.asks("PATCH", path, Some(body), if is_taken { 409 } else { 202 });
        if is_taken {
            return;
        }
        self.vims[index].is_busy();
        if let Some(name) = name {
            self.vims[index].name = name;
        }
    }

    pub fn delete_vim(&mut self, vim: u8, is_forced: bool) {
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

    pub fn create_cluster(&mut self, name: u8, vim: u8) {
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
            let key = self.new_key();
            self.clusters.push(Site::new(key, name, at));
        }
    }

    pub fn delete_cluster(&mut self, cluster: u8, is_forced: bool) {
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

    /// The cluster that a KDU at this VIM account goes to.
    pub fn cluster_at(&self, vim: &str) -> Option<String> {
        self.clusters.iter().find(|cluster| cluster.at == vim).map(|cluster| cluster.key.clone())
    }

    pub fn end_sites(&mut self, is_good: bool) {
        self.vims.retain_mut(|vim| vim.end(is_good));
        self.clusters.retain_mut(|cluster| cluster.end(is_good));
    }
}

/// Removes at once with 204; with 202 once operations end well.
fn remove(sites: &mut Vec<Site>, index: Option<usize>, status: u16) {
    match (index, status) {
        (Some(index), 204) => drop(sites.remove(index)),
        (Some(index), 202) => {
            sites[index].is_busy();
            sites[index].is_leaving = true;
        }
        _ => {}
    }
}
