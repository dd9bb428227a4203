//! A world that grows through its API, and what things cost at each size.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use mock_nbi::MockNbi;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::nbi::{Content, Nbi, User, creation, make_site, word};
use crate::packages::Template;
use crate::say;

/// At these sizes everything is timed.
const STOPS: [usize; 3] = [1_000, 10_000, 100_000];
const NS_PATH: &str = "/nslcm/v1/ns_instances_content";

pub(crate) async fn run(instances: usize, packages: usize) -> anyhow::Result<()> {
    let nbi = MockNbi::builder().build()?;
    let user = User::login(Nbi::Here(nbi)).await?;
    let vim_id = make_site(&user).await?;
    lift_quotas(&user).await?;
    let nsd_id = grow_packages(&user, packages).await?;
    say(format_args!("{:>9} instances  {}", 0, memory()?));
    let mut begin = Instant::now();
    let mut since = 0;
    let mut ids = Vec::new();
    for number in 0..instances {
        let body = creation(&format!("ns-{number}"), &nsd_id, &vim_id, 2);
        let answer = user.expect(201, "POST", NS_PATH, Content::Json(&body)).await?;
        ids.push(word(&answer, "id")?);
        let made = number + 1;
        if STOPS.contains(&made) || made == instances {
            let each = begin.elapsed() / u32::try_from(made - since)?;
            say(format_args!("{made:>9} instances  {each:.1?} each  {}", memory()?));
            read_all(&user, &ids, &nsd_id).await?;
            begin = Instant::now();
            since = made;
        }
    }
    let begin = Instant::now();
    let gone = ids.len().min(1_000);
    for id in &ids[..gone] {
        user.expect(202, "DELETE", &format!("{NS_PATH}/{id}"), Content::Nothing).await?;
    }
    let each = begin.elapsed() / u32::try_from(gone.max(1))?;
    let left = user.get("/nslcm/v1/ns_instances?name=ns-0").await?;
    ensure!(left == json!([]), "a terminated instance is still there");
    say(format_args!("          removal   {each:.1?} each"));
    Ok(())
}

/// A project may have 500 of each thing unless it is told otherwise.
async fn lift_quotas(user: &User) -> anyhow::Result<()> {
    let quotas =
        // OSM takes a change of `admin` without its name for a renaming.
        json!({"name": "admin", "quotas": {"vnfds": 1_000_000, "nsds": 1_000_000, "ns_instances": 1_000_000}});
    // A release without quotas has no such URL.
    user.send("PATCH", "/admin/v1/projects/admin", Content::Json(&quotas), "application/json")
        .await?;
    Ok(())
}

/// Uploads half VNF packages and half NS packages; gives the id of one NSD.
async fn grow_packages(user: &User, packages: usize) -> anyhow::Result<String> {
    let (vnf, ns) = (Template::vnf()?, Template::ns()?);
    let mut nsd_id = None;
    let (mut spent, mut last) = (Duration::ZERO, 0);
    for number in 0..(packages / 2).max(1) {
        let suffix = format!("_{number}");
        for (template, path) in
            [(&vnf, "/vnfpkgm/v1/vnf_packages_content"), (&ns, "/nsd/v1/ns_descriptors_content")]
        {
            let archive = template.named(&suffix)?;
            let begin = Instant::now();
            let answer = user.expect(201, "POST", path, Content::Archive(&archive)).await?;
            spent += begin.elapsed();
            nsd_id = Some(word(&answer, "id")?);
        }
        let made = 2 * (number + 1);
        if STOPS.contains(&made) || made == packages {
            let each = spent / u32::try_from(made - last)?;
            say(format_args!("{made:>9} packages   {each:.1?} each  {}", memory()?));
            (spent, last) = (Duration::ZERO, made);
        }
    }
    let begin = Instant::now();
    let one = user.get("/nsd/v1/ns_descriptors?id=openldap_ns_0").await?;
    ensure!(one.as_array().is_some_and(|list| list.len() == 1), "not one NSD: {one}");
    say(format_args!("          NSD by descriptor id {:.1?}", begin.elapsed()));
    time_list(user, "/vnfpkgm/v1/vnf_packages", "all VNF packages, JSON").await?;
    nsd_id.context("no NSD")
}

async fn read_all(user: &User, ids: &[String], nsd_id: &str) -> anyhow::Result<()> {
    let count = ids.len();
    let (middle, last) = (count / 2, count - 1);
    let begin = Instant::now();
    let record = user.get(&format!("/nslcm/v1/ns_instances/{}", ids[middle])).await?;
    let by_id = begin.elapsed();
    ensure!(record["name"] == format!("ns-{middle}") && record["nsState"] == "READY", "{record}");
    let length = record.to_string().len();

    let begin = Instant::now();
    let named = user.get(&format!("/nslcm/v1/ns_instances?name=ns-0,ns-{last},none")).await?;
    let by_name = begin.elapsed();
    ensure!(names(&named) == ["ns-0".to_owned(), format!("ns-{last}")], "{named}");

    let begin = Instant::now();
    let operations =
        user.get(&format!("/nslcm/v1/ns_lcm_op_occs?nsInstanceId={}", ids[last])).await?;
    let history = begin.elapsed();
    ensure!(operations[0]["operationState"] == "COMPLETED", "{operations}");

    let begin = Instant::now();
    let none = user.get("/nslcm/v1/ns_instances?nsState=BROKEN").await?;
    let scan = begin.elapsed();
    ensure!(none == json!([]), "{none}");

    let begin = Instant::now();
    let refused = format!("/nsd/v1/ns_descriptors/{nsd_id}");
    user.expect(409, "DELETE", &refused, Content::Nothing).await?;
    let in_use = begin.elapsed();
    say(format_args!(
        "          by id {by_id:.1?} ({length} bytes), by name {by_name:.1?}, operations of one \
         {history:.1?}, unindexed filter {scan:.1?}, NSD in use {in_use:.1?}"
    ));
    time_list(user, NS_PATH, "all instances, JSON").await
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|record| record["name"].as_str()).map(str::to_owned).collect()
}

async fn time_list(user: &User, path: &str, what: &str) -> anyhow::Result<()> {
    let begin = Instant::now();
    let bytes = user.drain(path, "application/json").await?;
    let megabytes = bytes as f64 / 1e6;
    say(format_args!(
        "          {what}: {megabytes:.1} MB in {:.1?}, then {}",
        begin.elapsed(),
        memory()?
    ));
    Ok(())
}

/// What the system says this process holds.
fn memory() -> anyhow::Result<String> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let of = |key: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        let number = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
        number.unwrap_or(0) / 1024
    };
    Ok(format!("{} MiB resident (at most {} MiB so far)", of("VmRSS:"), of("VmHWM:")))
}
