//! The table of URLs and methods.
//!
//! Source: `endpoints.json` of the recordings (the NBI's own table of release 19). What only later
//! releases have is listed in `LATER_MAIN_TOPICS` and `LATER`.

use std::sync::LazyLock;

use crate::descriptor::Kind::{ConfigTemplate, Nsd, Nst, Vnfd};
use crate::problem::Problem;
use crate::release::Release;
use crate::request::Request;
use crate::state::db::Collection;
use crate::state::db::Collection::{
    AppProfiles, ConfigProfiles, ControllerProfiles, K8sClusters, K8sRepos, OsmRepos, Projects,
    ResourceProfiles, Roles, SdnControllers, Users, Vcas, VimAccounts, WimAccounts,
};

use http::StatusCode;

/// Who serves a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Tokens,
    Domains,
    /// Users, projects and roles.
    People(Collection),
    /// What OSM registers: accounts, controllers, clusters, repositories.
    Admin(Collection),
    /// VNF packages and NS descriptors, with everything below one.
    Packages(crate::descriptor::Kind),
    /// Operations on VNF packages.
    PackageOperations,
    /// Physical devices.
    Pdus,
    /// NS instances, with everything below one.
    Instances,
    Operations,
    VnfInstances,
    /// Network slice instances, with everything below one.
    Slices,
    SliceOperations,
    /// Subscriptions to what happens to NS instances.
    Subscriptions,
    /// Performance reports.
    Reports,
    /// Operations on VNF instances, which are those on their NS instances.
    VnfOperations,
    /// Clusters that OSM makes or registers, with everything below one.
    Clusters,
    /// Groups of nodes of a cluster.
    NodeGroups,
    /// Profiles, which say what runs on a cluster.
    Profiles(Collection),
    /// Kubernetes software units.
    Ksus,
    /// Instances of applications.
    AppInstances,
    /// Packages of KSUs.
    Okas,
    /// URLs of OSM that this fake does not serve yet.
    Elsewhere,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// Path below `/osm/`, `{id}` for an id and `{path}` for the rest.
    pub(crate) path: &'static str,
    pub(crate) resource: Resource,
    methods: &'static str,
    /// Methods that OSM announces and lacks.
    missing: &'static str,
    /// What roles call it since release 10.
    permission: &'static str,
}

const fn row(
    path: &'static str,
    resource: Resource,
    methods: &'static str,
    missing: &'static str,
    permission: &'static str,
) -> Route {
    Route { path, resource, methods, missing, permission }
}

use Resource::{
    Admin, AppInstances, Clusters, Domains, Elsewhere, Instances, Ksus, NodeGroups, Okas,
    Operations, PackageOperations, Packages, Pdus, People, Profiles, Reports, SliceOperations,
    Slices, Subscriptions, Tokens, VnfInstances, VnfOperations,
};

const MAIN_TOPICS: &[&str] = &["admin", "vnfpkgm", "nsd", "nslcm", "pdu", "nst", "nsilcm", "nspm"];
/// Those that came after Release 10. The table of release 19 has `nsfm` too, which its handler does
/// not take.
///
/// Source: OSM NBI `nbi.py` of release 19, `default`.
const LATER_MAIN_TOPICS: &[&str] = &["vnflcm", "k8scluster", "ksu", "appinstance", "oka"];

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    row("admin/v1/tokens", Tokens, "GET POST DELETE", "", "tokens:"),
    row("admin/v1/tokens/{id}", Tokens, "GET DELETE", "", "tokens:id:"),
    row("admin/v1/users", People(Users), "GET POST", "", "users:"),
    row("admin/v1/users/{id}", People(Users), "GET DELETE PATCH", "", "users:id:"),
    row("admin/v1/projects", People(Projects), "GET POST", "", "projects:"),
    row("admin/v1/projects/{id}", People(Projects), "GET DELETE PATCH", "", "projects:id:"),
    row("admin/v1/roles", People(Roles), "GET POST", "", "roles:"),
    row("admin/v1/roles/{id}", People(Roles), "GET DELETE PATCH", "", "roles:id:"),
    row("admin/v1/vims", Admin(VimAccounts), "GET POST", "", "vims:"),
    row("admin/v1/vims/{id}", Admin(VimAccounts), "GET DELETE PATCH", "", "vims:id:"),
    row("admin/v1/vim_accounts", Admin(VimAccounts), "GET POST", "", "vim_accounts:"),
    row("admin/v1/vim_accounts/{id}", Admin(VimAccounts), "GET DELETE PATCH", "", "vim_accounts:id:"),
    row("admin/v1/wim_accounts", Admin(WimAccounts), "GET POST", "", "wim_accounts:"),
    row("admin/v1/wim_accounts/{id}", Admin(WimAccounts), "GET DELETE PATCH", "", "wim_accounts:id:"),
    row("admin/v1/sdns", Admin(SdnControllers), "GET POST", "", "sdn_controllers:"),
    row("admin/v1/sdns/{id}", Admin(SdnControllers), "GET DELETE PATCH", "", "sdn_controllers:id:"),
    row("admin/v1/k8sclusters", Admin(K8sClusters), "GET POST", "", "k8sclusters:"),
    row("admin/v1/k8sclusters/{id}", Admin(K8sClusters), "GET DELETE PATCH", "", "k8sclusters:id:"),
    row("admin/v1/vca", Admin(Vcas), "GET POST", "", "vca:"),
    row("admin/v1/vca/{id}", Admin(Vcas), "GET DELETE PATCH", "", "vca:id:"),
    row("admin/v1/k8srepos", Admin(K8sRepos), "GET POST", "", "k8srepos:"),
    row("admin/v1/k8srepos/{id}", Admin(K8sRepos), "GET DELETE", "", "k8srepos:id:"),
    row("admin/v1/osmrepos", Admin(OsmRepos), "GET POST", "", "osmrepos:"),
    row("admin/v1/osmrepos/{id}", Admin(OsmRepos), "GET DELETE PATCH", "", "osmrepos:id:"),
    row("admin/v1/domains", Domains, "GET", "", "domains:"),
    row("pdu/v1/pdu_descriptors", Pdus, "GET POST", "", "pduds:"),
    row("pdu/v1/pdu_descriptors/{id}", Pdus, "GET POST DELETE PATCH PUT", "", "pduds:id:"),
    row("nsd/v1/ns_descriptors_content", Packages(Nsd), "GET POST", "", "nsds:content:"),
    row("nsd/v1/ns_descriptors_content/{id}", Packages(Nsd), "GET PUT DELETE", "", "nsds:id:"),
    row("nsd/v1/ns_descriptors", Packages(Nsd), "GET POST", "", "nsds:"),
    row("nsd/v1/ns_descriptors/{id}", Packages(Nsd), "GET DELETE PATCH", "", "nsds:id:"),
    row("nsd/v1/ns_descriptors/{id}/nsd_content", Packages(Nsd), "GET PUT", "", "nsds:id:content:"),
    row("nsd/v1/ns_descriptors/{id}/nsd", Packages(Nsd), "GET", "", "nsds:id:nsd:"),
    row("nsd/v1/ns_descriptors/{id}/artifacts", Packages(Nsd), "GET", "", "nsds:id:nsd_artifact:"),
    row("nsd/v1/ns_descriptors/{id}/artifacts/{path}", Packages(Nsd), "GET", "", "nsds:id:nsd_artifact:"),
    row("nsd/v1/ns_config_template", Packages(ConfigTemplate), "GET POST", "", "ns_config_template:content:"),
    row("nsd/v1/ns_config_template/{id}", Packages(ConfigTemplate), "GET DELETE", "", "ns_config_template:id:"),
    row("nsd/v1/ns_config_template/{id}/template_content", Packages(ConfigTemplate), "GET PUT", "", "ns_config_template:id:content:"),
    row("nsd/v1/pnf_descriptors", Elsewhere, "", "GET POST", ""),
    row("nsd/v1/pnf_descriptors/{id}", Elsewhere, "", "GET DELETE PATCH", ""),
    row("nsd/v1/pnf_descriptors/{id}/pnfd_content", Elsewhere, "", "GET PUT", ""),
    row("nsd/v1/subscriptions", Elsewhere, "", "GET POST", ""),
    row("nsd/v1/subscriptions/{id}", Elsewhere, "", "GET DELETE", ""),
    row("vnfpkgm/v1/vnf_packages_content", Packages(Vnfd), "GET POST", "", "vnfds:content:"),
    row("vnfpkgm/v1/vnf_packages_content/{id}", Packages(Vnfd), "GET PUT DELETE", "", "vnfds:id:"),
    row("vnfpkgm/v1/vnf_packages", Packages(Vnfd), "GET POST", "", "vnfds:"),
    row("vnfpkgm/v1/vnf_packages/{id}", Packages(Vnfd), "GET DELETE PATCH", "", "vnfds:id:"),
    row("vnfpkgm/v1/vnf_packages/{id}/package_content", Packages(Vnfd), "GET PUT", "", "vnfds:id:content:"),
    row("vnfpkgm/v1/vnf_packages/{id}/package_content/upload_from_uri", Elsewhere, "", "POST", "vnfds:id:upload:"),
    row("vnfpkgm/v1/vnf_packages/{id}/vnfd", Packages(Vnfd), "GET", "", "vnfds:id:vnfd:"),
    row("vnfpkgm/v1/vnf_packages/{id}/artifacts", Packages(Vnfd), "GET", "", "vnfds:id:vnfd_artifact:"),
    row("vnfpkgm/v1/vnf_packages/{id}/artifacts/{path}", Packages(Vnfd), "GET", "", "vnfds:id:vnfd_artifact:"),
    row("vnfpkgm/v1/vnf_packages/{id}/action", Packages(Vnfd), "POST", "", "vnfds:id:action:"),
    row("vnfpkgm/v1/subscriptions", Elsewhere, "", "GET POST", ""),
    row("vnfpkgm/v1/subscriptions/{id}", Elsewhere, "", "GET DELETE", ""),
    row("vnfpkgm/v1/vnfpkg_op_occs", PackageOperations, "GET", "", "vnfds:vnfpkgops:"),
    row("vnfpkgm/v1/vnfpkg_op_occs/{id}", PackageOperations, "GET", "", "vnfds:vnfpkgops:id:"),
    row("nslcm/v1/ns_instances_content", Instances, "GET POST", "", "ns_instances:content:"),
    row("nslcm/v1/ns_instances_content/{id}", Instances, "GET DELETE", "", "ns_instances:id:"),
    row("nslcm/v1/ns_instances", Instances, "GET POST", "", "ns_instances:"),
    row("nslcm/v1/ns_instances/{id}", Instances, "GET DELETE", "", "ns_instances:id:"),
    row("nslcm/v1/ns_instances_terminate", Instances, "POST", "", "ns_instances:"),
    row("nslcm/v1/ns_instances/{id}/heal", Instances, "POST", "", "ns_instances:id:heal:"),
    row("nslcm/v1/ns_instances/{id}/migrate", Instances, "POST", "", "ns_instances:id:migrate:"),
    row("nslcm/v1/ns_instances/{id}/update", Instances, "POST", "", "ns_instances:id:update:"),
    row("nslcm/v1/ns_lcm_op_occs/{id}/cancel", Operations, "POST", "", "ns_instances:opps:cancel:"),
    row("nslcm/v1/ns_instances/{id}/scale", Instances, "POST", "", "ns_instances:id:scale:"),
    row("nslcm/v1/ns_instances/{id}/terminate", Instances, "POST", "", "ns_instances:id:terminate:"),
    row("nslcm/v1/ns_instances/{id}/instantiate", Instances, "POST", "", "ns_instances:id:instantiate:"),
    row("nslcm/v1/ns_instances/{id}/action", Instances, "POST", "", "ns_instances:id:action:"),
    row("nslcm/v1/ns_lcm_op_occs", Operations, "GET", "", "ns_instances:opps:"),
    row("nslcm/v1/ns_lcm_op_occs/{id}", Operations, "GET", "", "ns_instances:opps:id:"),
    row("nslcm/v1/vnfrs", VnfInstances, "GET", "", "vnf_instances:"),
    row("nslcm/v1/vnfrs/{id}", VnfInstances, "GET", "", "vnf_instances:id:"),
    row("nslcm/v1/vnf_instances", VnfInstances, "GET", "", "vnf_instances:"),
    row("nslcm/v1/vnf_instances/{id}", VnfInstances, "GET", "", "vnf_instances:id:"),
    row("nslcm/v1/subscriptions", Subscriptions, "GET POST", "", "ns_subscriptions:"),
    row("nslcm/v1/subscriptions/{id}", Subscriptions, "GET DELETE", "", "ns_subscriptions:id:"),
    row("vnflcm/v1/vnf_lcm_op_occs", VnfOperations, "GET", "", "vnf_instances:opps:"),
    row("vnflcm/v1/vnf_lcm_op_occs/{id}", VnfOperations, "GET", "", "vnf_instances:opps:id:"),
    row("vnflcm/v1/subscriptions", Subscriptions, "GET POST", "", "vnflcm_subscriptions:"),
    row("vnflcm/v1/subscriptions/{id}", Subscriptions, "GET DELETE", "", "vnflcm_subscriptions:id:"),
    row("vnflcm/v1/vnf_instances", VnfInstances, "GET POST", "", "vnflcm_instances:"),
    row("vnflcm/v1/vnf_instances/{id}", VnfInstances, "GET DELETE", "", "vnflcm_instances:id:"),
    row("vnflcm/v1/vnf_instances/{id}/scale", VnfOperations, "POST", "", "vnflcm_instances:id:scale:"),
    row("vnflcm/v1/vnf_instances/{id}/terminate", VnfOperations, "POST", "", "vnflcm_instances:id:terminate:"),
    row("vnflcm/v1/vnf_instances/{id}/instantiate", VnfOperations, "POST", "", "vnflcm_instances:id:instantiate:"),
    row("nst/v1/netslice_templates_content", Packages(Nst), "GET POST", "", "slice_templates:"),
    row("nst/v1/netslice_templates_content/{id}", Packages(Nst), "GET PUT DELETE", "", "slice_templates:id:"),
    row("nst/v1/netslice_templates", Packages(Nst), "GET POST", "", "slice_templates:"),
    row("nst/v1/netslice_templates/{id}", Packages(Nst), "GET DELETE", "PATCH", "slice_templates:id:"),
    row("nst/v1/netslice_templates/{id}/nst_content", Packages(Nst), "GET PUT", "", "slice_templates:id:content:"),
    row("nst/v1/netslice_templates/{id}/nst", Packages(Nst), "GET", "", "slice_templates:id:content:"),
    row("nst/v1/netslice_templates/{id}/artifacts", Packages(Nst), "GET", "", "slice_templates:id:content:"),
    row("nst/v1/netslice_templates/{id}/artifacts/{path}", Packages(Nst), "GET", "", "slice_templates:id:content:"),
    row("nst/v1/subscriptions", Elsewhere, "", "GET POST", ""),
    row("nst/v1/subscriptions/{id}", Elsewhere, "", "GET DELETE", ""),
    row("nsilcm/v1/netslice_instances_content", Slices, "GET POST", "", "slice_instances:"),
    row("nsilcm/v1/netslice_instances_content/{id}", Slices, "GET DELETE", "", "slice_instances:id:"),
    row("nsilcm/v1/netslice_instances", Slices, "GET POST", "", "slice_instances:"),
    row("nsilcm/v1/netslice_instances/{id}", Slices, "GET DELETE", "", "slice_instances:id:"),
    row("nsilcm/v1/netslice_instances/{id}/terminate", Slices, "POST", "", "slice_instances:id:terminate:"),
    row("nsilcm/v1/netslice_instances/{id}/instantiate", Slices, "POST", "", "slice_instances:id:instantiate:"),
    row("nsilcm/v1/netslice_instances/{id}/action", Slices, "POST", "", "slice_instances:id:action:"),
    row("nsilcm/v1/nsi_lcm_op_occs", SliceOperations, "GET", "", "slice_instances:opps:"),
    row("nsilcm/v1/nsi_lcm_op_occs/{id}", SliceOperations, "GET", "", "slice_instances:opps:id:"),
    row("nspm/v1/pm_jobs/{id}/reports/{id}", Reports, "GET", "", "reports:id:"),
    row("k8scluster/v1/clusters", Clusters, "GET POST", "", "k8scluster:"),
    row("k8scluster/v1/clusters/register", Clusters, "POST", "", "k8scluster:register:"),
    row("k8scluster/v1/clusters/{id}", Clusters, "GET PATCH DELETE", "", "k8scluster:id:"),
    row("k8scluster/v1/clusters/{id}/app_profiles", Clusters, "PATCH GET", "", "k8scluster:id:app_profiles:"),
    row("k8scluster/v1/clusters/{id}/infra_controller_profiles", Clusters, "PATCH GET", "", "k8scluster:id:infra_profiles:"),
    row("k8scluster/v1/clusters/{id}/infra_config_profiles", Clusters, "PATCH GET", "", "k8scluster:id:infra_profiles:"),
    row("k8scluster/v1/clusters/{id}/resource_profiles", Clusters, "PATCH GET", "", "k8scluster:id:infra_profiles:"),
    row("k8scluster/v1/clusters/{id}/deregister", Clusters, "DELETE", "", "k8scluster:id:deregister:"),
    row("k8scluster/v1/clusters/{id}/get_creds", Clusters, "GET", "", "k8scluster:id:get_creds:"),
    row("k8scluster/v1/clusters/{id}/get_creds_file", Clusters, "GET", "", "k8scluster:id:get_creds_file:"),
    row("k8scluster/v1/clusters/{id}/get_creds_file/{id}", Clusters, "GET", "", "k8scluster:id:get_creds_file:id"),
    row("k8scluster/v1/clusters/{id}/update", Clusters, "POST", "", "k8scluster:id:update:"),
    row("k8scluster/v1/clusters/{id}/scale", Clusters, "POST", "", "k8scluster:id:scale:"),
    row("k8scluster/v1/clusters/{id}/upgrade", Clusters, "POST", "", "k8scluster:id:upgrade:"),
    row("k8scluster/v1/clusters/{id}/nodegroup", NodeGroups, "POST GET", "", "k8scluster:id:nodegroup:"),
    row("k8scluster/v1/clusters/{id}/nodegroup/{id}", NodeGroups, "GET PATCH DELETE", "", "k8scluster:id:nodegroup:id"),
    row("k8scluster/v1/clusters/{id}/nodegroup/{id}/scale", NodeGroups, "POST", "", "k8scluster:id:nodegroup:id:scale:"),
    row("k8scluster/v1/clusters/{id}/ksus", Clusters, "GET", "", "k8scluster:id:ksus:"),
    row("k8scluster/v1/app_profiles", Profiles(AppProfiles), "POST GET", "", "k8scluster:app_profiles:"),
    row("k8scluster/v1/app_profiles/{id}", Profiles(AppProfiles), "GET PATCH DELETE", "", "k8scluster:app_profiles:id:"),
    row("k8scluster/v1/infra_controller_profiles", Profiles(ControllerProfiles), "POST GET", "", "k8scluster:infra_controller_profiles:"),
    row("k8scluster/v1/infra_controller_profiles/{id}", Profiles(ControllerProfiles), "GET PATCH DELETE", "", "k8scluster:infra_controller_profiles:id:"),
    row("k8scluster/v1/infra_config_profiles", Profiles(ConfigProfiles), "POST GET", "", "k8scluster:infra_config_profiles:"),
    row("k8scluster/v1/infra_config_profiles/{id}", Profiles(ConfigProfiles), "GET PATCH DELETE", "", "k8scluster:infra_config_profiles:id:"),
    row("k8scluster/v1/resource_profiles", Profiles(ResourceProfiles), "POST GET", "", "k8scluster:resource_profiles:"),
    row("k8scluster/v1/resource_profiles/{id}", Profiles(ResourceProfiles), "GET PATCH DELETE", "", "k8scluster:resource_profiles:id:"),
    row("ksu/v1/ksus", Ksus, "GET POST", "", "ksu:"),
    row("ksu/v1/ksus/update", Ksus, "POST", "", "ksu:"),
    row("ksu/v1/ksus/delete", Ksus, "POST", "", "ksu:"),
    row("ksu/v1/ksus/{id}", Ksus, "GET PATCH DELETE", "", "ksu:id:"),
    row("ksu/v1/ksus/{id}/clone", Ksus, "POST", "", "ksu:id:clone:"),
    row("ksu/v1/ksus/{id}/move", Ksus, "POST", "", "ksu:id:move:"),
    row("appinstance/v1/appinstances", AppInstances, "GET POST", "", "appinstance:"),
    row("appinstance/v1/appinstances/{id}", AppInstances, "GET PATCH DELETE", "", "appinstance:id:"),
    row("appinstance/v1/appinstances/{id}/update", AppInstances, "POST", "", "appinstance:id:update:"),
    row("oka/v1/oka_packages", Okas, "GET POST", "", "oka_pkg:"),
    row("oka/v1/oka_packages/{id}", Okas, "GET PATCH DELETE PUT", "", "oka_pkg:id:"),
];

/// The steps of each row's path, which are asked for with every request.
static STEPS: LazyLock<Vec<Vec<&str>>> =
    LazyLock::new(|| ROUTES.iter().map(|route| route.path.split('/').collect()).collect());

/// The rows whose paths a request may have, in order.
fn matching<'a>(segments: &'a [&'a str]) -> impl Iterator<Item = &'static Route> + 'a {
    let fits =
        |(route, steps): (&'static Route, &Vec<&str>)| matches(steps, segments).then_some(route);
    ROUTES.iter().zip(STEPS.iter()).filter_map(fits)
}

/// The row for a request.
///
/// # Errors
/// 405 with OSM's text for unknown URLs and methods, 501 for announced ones.
pub(crate) fn find(request: &Request, release: Release) -> Result<Route, Problem> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let [main_topic, version, ..] = segments.as_slice() else {
        return Err(too_short());
    };
    if segments.len() < 3 || segments.iter().take(3).any(|segment| segment.is_empty()) {
        return Err(too_short());
    }
    let is_later_topic = || release.has_gitops() && LATER_MAIN_TOPICS.contains(main_topic);
    if !MAIN_TOPICS.contains(main_topic) && !is_later_topic() {
        return Err(Problem::not_allowed(format!("URL main_topic '{main_topic}' not supported")));
    }
    if *version != "v1" {
        return Err(Problem::not_allowed(format!("URL version '{version}' not supported")));
    }
    let Some(route) = matching(&segments).find(|route| route.is_in(release)) else {
        return Err(Problem::not_allowed(format!(
            "Unexpected URL item {}",
            first_unexpected(&segments, release)
        )));
    };
    let method = request.method.as_str();
    let lists = |methods: &str| methods.split(' ').any(|known| known == method);
    if lists(route.missing) {
        return Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("Method {method} not supported yet for this URL"),
        ));
    }
    if !lists(route.methods) {
        return Err(Problem::not_allowed(format!("Method {method} not supported for this URL")));
    }
    Ok(*route)
}

/// URLs that only release 19 has, beside those of `vnflcm`.
const LATER: &[&str] = &[
    "nsd/v1/ns_config_template",
    "nsd/v1/ns_config_template/{id}",
    "nsd/v1/ns_config_template/{id}/template_content",
    "nslcm/v1/ns_instances_terminate",
    "nslcm/v1/ns_instances/{id}/heal",
    "nslcm/v1/ns_instances/{id}/migrate",
    "nslcm/v1/ns_instances/{id}/update",
    "nslcm/v1/ns_lcm_op_occs/{id}/cancel",
];

impl Route {
    /// Whether a release has this URL.
    pub(crate) fn is_in(&self, release: Release) -> bool {
        if LATER.contains(&self.path) || self.path.starts_with("vnflcm/") {
            release.has_later_instance_operations()
        } else if self.path.starts_with("admin/v1/vca") {
            release.has_vca()
        } else {
            true
        }
    }

    /// What the roles of a release call it; the method is appended.
    ///
    /// Source: OSM NBI `nbi.py` of releases 8 and 19, `valid_url_methods`.
    pub(crate) fn permission(&self, release: Release) -> &'static str {
        if release.has_finer_permissions() {
            return self.permission;
        }
        match self.permission {
            "nsds:content:" => "nsds:",
            "nsds:id:nsd:" => "nsds:id:content:",
            "vnfds:content:" => "vnfds:",
            "vnfds:id:content:" => "vnfds:id:",
            "vnfds:id:vnfd:" => "vnfds:id:content:",
            "ns_instances:content:" => "ns_instances:",
            same => same,
        }
    }
}

/// Method and path of a request as faults and reports name it: `GET /nsd/v1/ns_descriptors/{id}`.
pub(super) fn operation_name(method: &str, segments: &[&str]) -> String {
    let path =
        matching(segments).next().map_or_else(|| segments.join("/"), |route| route.path.to_owned());
    format!("{method} /{path}")
}

/// Every path of the table with the methods that OSM has for it.
pub(super) fn paths_and_methods() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.path, route.methods))
}

/// Whether an operation can have this path: one of the table, or those above it.
pub(crate) fn has_path(path: &str) -> bool {
    matches!(path, "" | "version") || ROUTES.iter().any(|route| route.path == path)
}

/// Whether a role can name this permission: an operation, or what several begin with up to a colon.
pub(crate) fn is_permission(release: Release, word: &str) -> bool {
    let names = |operation: &str| {
        operation.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    let words = ["force", "public", "admin", "set_project"];
    let of_words = words.iter().flat_map(|word| {
        ["get", "put", "patch", "post", "delete"].map(|method| format!("{word}:{method}"))
    });
    let routes = ROUTES.iter().filter(|route| route.is_in(release) && !route.permission.is_empty());
    let of_routes = routes.flat_map(|route| {
        let methods = route.methods.split(' ').chain(route.missing.split(' '));
        methods
            .filter(|method| !method.is_empty())
            .map(|method| format!("{}{}", route.permission(release), method.to_lowercase()))
    });
    of_words.chain(of_routes).any(|operation| names(&operation))
}

fn too_short() -> Problem {
    Problem::not_allowed("URL must contain at least 'main_topic/version/topic'")
}

fn matches(steps: &[&str], segments: &[&str]) -> bool {
    // The last step of a pattern may take all that is left.
    let takes_rest = steps.last() == Some(&"{path}") && segments.len() >= steps.len();
    (takes_rest || steps.len() == segments.len()) && prefix_matches(steps, segments)
}

fn prefix_matches(steps: &[&str], segments: &[&str]) -> bool {
    steps.iter().zip(segments).all(|(step, segment)| step.starts_with('{') || step == segment)
}

/// The first item that no URL of the table has at its place.
fn first_unexpected<'a>(segments: &[&'a str], release: Release) -> &'a str {
    for length in 1..=segments.len() {
        let head = &segments[..length];
        let known = ROUTES.iter().zip(STEPS.iter()).filter(|(route, _)| route.is_in(release));
        let is_known = known
            .map(|(_, steps)| steps)
            .any(|steps| steps.len() >= length && prefix_matches(&steps[..length], head));
        if !is_known {
            return segments[length - 1];
        }
    }
    segments.last().copied().unwrap_or_default()
}
