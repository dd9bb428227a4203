//! Many clients at once, each living through packages and instances of its own and checking every
//! answer.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::nbi::{Content, Nbi, User, creation, make_site, word};
use crate::packages::Template;
use crate::say;
use crate::start::Running;

const NS_PATH: &str = "/nslcm/v1/ns_instances_content";

pub(crate) async fn run(
    binary: &Path,
    data: Option<&Path>,
    clients: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let server = Running::start(binary, data).await?;
    let base = server.base.clone();
    let there = || -> anyhow::Result<Nbi> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Nbi::There { client, base: base.clone() })
    };
    let admin = User::login(there()?).await?;
    let vim_id = make_site(&admin).await?;
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let begin = Instant::now();
    let mut lives = JoinSet::new();
    for number in 0..clients {
        // Each with a connection of its own.
        let nbi = there()?;
        let vim_id = vim_id.clone();
        lives.spawn(async move {
            let user = User::login(nbi).await?;
            let mut client = Client { user, number, vim_id, waits: Vec::new() };
            let mut round = 0;
            while Instant::now() < deadline {
                client.live(round).await.with_context(|| format!("client {number}"))?;
                round += 1;
            }
            anyhow::Ok(client.waits)
        });
    }
    let mut waits = Vec::new();
    while let Some(ended) = lives.join_next().await {
        waits.extend(ended??);
    }
    let took = begin.elapsed();
    waits.sort_unstable();
    let part = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    say(format_args!(
        "{clients} clients, {:.0?}: {} requests, all answers right; {:.0} requests/s; half within \
         {:.1?}, 99 % within {:.1?}, all within {:.1?}",
        took,
        waits.len(),
        waits.len() as f64 / took.as_secs_f64(),
        part(0.5),
        part(0.99),
        part(1.0)
    ));
    let left = admin.get("/nslcm/v1/ns_instances").await?;
    ensure!(left == json!([]), "instances are left: {left}");
    Ok(())
}

struct Client {
    user: User,
    number: usize,
    vim_id: String,
    waits: Vec<Duration>,
}

impl Client {
    /// From packages to an instance, its operations, and back to nothing.
    async fn live(&mut self, round: usize) -> anyhow::Result<()> {
        let suffix = format!("_{}_{round}", self.number);
        let vnf = Template::vnf()?.named(&suffix)?;
        let vnf_path = "/vnfpkgm/v1/vnf_packages_content";
        let vnfd = self.call(201, "POST", vnf_path, Content::Archive(&vnf)).await?;
        let vnf_path = format!("/vnfpkgm/v1/vnf_packages/{}", word(&vnfd, "id")?);
        let ns = Template::ns()?.named(&suffix)?;
        let ns_path = "/nsd/v1/ns_descriptors_content";
        let nsd = self.call(201, "POST", ns_path, Content::Archive(&ns)).await?;
        let nsd_id = word(&nsd, "id")?;
        let nsd_path = format!("/nsd/v1/ns_descriptors/{nsd_id}");
        let content = format!("{vnf_path}/package_content");
        let content =
            self.user.send("GET", &content, Content::Nothing, "application/zip").await?.body;
        ensure!(content == vnf, "other bytes than were uploaded");
        let listed = self.get(&format!("/nsd/v1/ns_descriptors?id=openldap_ns{suffix}")).await?;
        ensure!(listed[0]["_id"] == nsd_id.as_str() && listed[1].is_null(), "{listed}");

        for count in 0..3 {
            let name = format!("ns{suffix}_{count}");
            self.live_instance(&name, &nsd_id).await?;
        }
        self.call(409, "DELETE", &vnf_path, Content::Nothing).await?;
        self.call(204, "DELETE", &nsd_path, Content::Nothing).await?;
        self.call(204, "DELETE", &vnf_path, Content::Nothing).await?;
        self.call(404, "GET", &vnf_path, Content::Nothing).await?;
        Ok(())
    }

    async fn live_instance(&mut self, name: &str, nsd_id: &str) -> anyhow::Result<()> {
        let body = creation(name, nsd_id, &self.vim_id, 1);
        let made = self.call(201, "POST", NS_PATH, Content::Json(&body)).await?;
        let (id, first) = (word(&made, "id")?, word(&made, "nslcmop_id")?);
        let ns = self.get(&format!("/nslcm/v1/ns_instances/{id}")).await?;
        ensure!(ns["name"] == name && ns["nsState"] == "READY", "{ns}");
        let listed = self.get(&format!("/nslcm/v1/ns_instances?name={name}")).await?;
        ensure!(listed == json!([ns]), "by name: {listed}");
        let upgrade = json!({
            "member_vnf_index": "openldap", "kdu_name": "ldap", "primitive": "upgrade",
            "primitive_params": {"replicaCount": "7"},
        });
        let action = format!("/nslcm/v1/ns_instances/{id}/action");
        let second = word(&self.call(202, "POST", &action, Content::Json(&upgrade)).await?, "id")?;
        let history = self.get(&format!("/nslcm/v1/ns_lcm_op_occs?nsInstanceId={id}")).await?;
        let ended: Vec<(&Value, &Value)> = history
            .as_array()
            .into_iter()
            .flatten()
            .map(|op| (&op["_id"], &op["operationState"]))
            .collect();
        let done = json!("COMPLETED");
        ensure!(ended == [(&json!(first), &done), (&json!(second), &done)], "{history}");
        let ns = self.get(&format!("/nslcm/v1/ns_instances/{id}")).await?;
        let helm = ns["_admin"]["deployed"]["K8s"][0]["detailed-status"].as_str();
        ensure!(helm.is_some_and(|text| text.contains("'replicaCount': '7'")), "{ns}");
        let content = format!("{NS_PATH}/{id}");
        self.call(202, "DELETE", &content, Content::Nothing).await?;
        self.call(404, "GET", &content, Content::Nothing).await?;
        let history = self.get(&format!("/nslcm/v1/ns_lcm_op_occs?nsInstanceId={id}")).await?;
        ensure!(history == json!([]), "{history}");
        Ok(())
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.call(200, "GET", path, Content::Nothing).await
    }

    async fn call(
        &mut self,
        status: u16,
        method: &str,
        path: &str,
        content: Content<'_>,
    ) -> anyhow::Result<Value> {
        let begin = Instant::now();
        let answer = self.user.expect(status, method, path, content).await;
        self.waits.push(begin.elapsed());
        answer
    }
}
