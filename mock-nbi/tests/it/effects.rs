//! What requests and ends of operations change, whole: `tests/effects` holds scripts (`*.yaml`) and, for
//! each release of a script, the reviewed transcript of everything that its steps changed in the fake's
//! records. `BLESS=1` writes the transcripts anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use mock_nbi::{Clock, Collection, MockNbi, OperationResult, Profile, Release, Seed};
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::client::User;

/// Every collection that a step can change.
const COLLECTIONS: &[Collection] = &[
    Collection::VnfPackages,
    Collection::NsDescriptors,
    Collection::NsInstances,
    Collection::VnfInstances,
    Collection::Operations,
    Collection::VimAccounts,
    Collection::K8sClusters,
    Collection::Projects,
    Collection::Users,
    Collection::Roles,
    Collection::WimAccounts,
    Collection::SdnControllers,
    Collection::Vcas,
    Collection::K8sRepos,
    Collection::OsmRepos,
    Collection::PduDescriptors,
    Collection::SliceTemplates,
    Collection::SliceInstances,
    Collection::SliceOperations,
    Collection::PackageOperations,
    Collection::Subscriptions,
    Collection::NsConfigTemplates,
    Collection::Clusters,
    Collection::NodeGroups,
    Collection::ControllerProfiles,
    Collection::ConfigProfiles,
    Collection::ResourceProfiles,
    Collection::AppProfiles,
    Collection::Ksus,
    Collection::Okas,
    Collection::AppInstances,
    Collection::VnfPackageRevisions,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    releases: Vec<Release>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `METHOD /path`, `end` or `fail` of all operations a second later, or `wait SECONDS`. Names of `as` stand for ids: `{name}`.
    run: String,
    #[serde(default)]
    body: Option<Value>,
    /// The name by which later steps know the id that is answered.
    #[serde(default, rename = "as")]
    name: Option<String>,
    /// The releases that take the step; all, if there are none.
    #[serde(default)]
    only: Vec<Release>,
}

/// A running script: the fake, the names of ids, and what was seen last.
struct Run {
    user: User,
    ids: BTreeMap<String, String>,
    /// Records by place of their collection, and id.
    seen: BTreeMap<(usize, String), Value>,
    transcript: String,
    uuid: Regex,
    /// Ids in the order in which they showed.
    shown: Vec<String>,
}

impl Run {
    async fn of(release: Release) -> Self {
        let seed = Seed::from_yaml("{}", "seed.yaml").unwrap();
        let nbi = MockNbi::builder()
            .release(release)
            .profile(Profile::manual())
            .clock(Clock::starting_at(1_600_000_000.0))
            .seed(seed)
            .build()
            .unwrap();
        nbi.clock().freeze();
        let mut run = Self {
            user: User::login(&nbi).await,
            ids: BTreeMap::new(),
            seen: BTreeMap::new(),
            transcript: String::new(),
            uuid: Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
                .unwrap(),
            shown: Vec::new(),
        };
        run.seen = run.look();
        run
    }

    /// Every record.
    fn look(&self) -> BTreeMap<(usize, String), Value> {
        let mut records = BTreeMap::new();
        for (at, collection) in COLLECTIONS.iter().enumerate() {
            for record in self.user.nbi.records(*collection) {
                records.insert((at, record["_id"].as_str().unwrap().to_owned()), record);
            }
        }
        records
    }

    /// A text with numbers instead of ids.
    fn told(&mut self, text: &str) -> String {
        let Self { uuid, shown, .. } = self;
        let number = |found: &regex::Captures<'_>| {
            let known = shown.iter().position(|id| *id == found[0]);
            let at = known.unwrap_or_else(|| {
                shown.push(found[0].to_owned());
                shown.len() - 1
            });
            format!("#{}", at + 1)
        };
        uuid.replace_all(text, number).into_owned()
    }

    fn filled_in(&self, text: &str) -> String {
        self.ids
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }

    async fn step(&mut self, step: &Step) {
        let mut words = step.run.splitn(2, ' ');
        let nbi = self.user.nbi.clone();
        let mut told = step.run.clone();
        match (words.next().unwrap(), words.next()) {
            ("end" | "fail", None) => {
                nbi.advance(Duration::from_secs(1));
                let detail = "no".into();
                let is_well = step.run == "end";
                nbi.end_operations(if is_well {
                    OperationResult::Ok
                } else {
                    OperationResult::Fail { detail }
                });
            }
            ("wait", Some(seconds)) => nbi.advance(Duration::from_secs(seconds.parse().unwrap())),
            (method, Some(path)) => {
                let path = self.filled_in(path);
                assert!(!path.contains('{'), "{told}: no step before has the `as` of a name in it");
                let body = step.body.as_ref().map(|body| self.filled_in(&body.to_string()));
                let body = body.map(|body| serde_json::from_str(&body).unwrap());
                let answer = self.user.call(method, &path, body).await;
                let answered = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
                if let Some(name) = &step.name {
                    let first = answered.get(0).unwrap_or(&answered);
                    let id = first.get("id").or(first.get("_id"));
                    let id = id.unwrap_or_else(|| panic!("{told}: {answered}"));
                    let id = id.get(0).unwrap_or(id).as_str().unwrap().to_owned();
                    self.ids.insert(name.clone(), id);
                }
                write!(told, " -> {}", answer.status).unwrap();
                if answer.status >= 400 {
                    write!(told, " {}", self.told(&answer.detail())).unwrap();
                } else if !answered.is_null() {
                    write!(told, " {}", self.told(&answered.to_string())).unwrap();
                }
            }
            _ => panic!("{told}"),
        }
        writeln!(self.transcript, "\n{told}").unwrap();
        self.tell_changes();
    }

    /// Tells a new record by its fields, and of a changed one every value that is another.
    fn tell_changes(&mut self) {
        let now = self.look();
        let before = std::mem::take(&mut self.seen);
        for key in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
            let (at, id) = key;
            let mut lines = Vec::new();
            let becomes = match (before.get(key), now.get(key)) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => {
                    let (old, new) = (values_of(old), values_of(new));
                    for place in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                        if old.get(place) != new.get(place) {
                            let value = new.get(place).map_or("is gone", String::as_str);
                            lines.push(format!("    {place} {value}"));
                        }
                    }
                    ""
                }
                (None, Some(new)) => {
                    let fields = new.as_object().unwrap().iter();
                    lines.extend(fields.map(|(key, value)| format!("    /{key} {value}")));
                    " is new"
                }
                _ => " is gone",
            };
            let told = format!("  {:?} {id}{becomes}\n", COLLECTIONS[*at]);
            let told = told + &lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let told = self.told(&told);
            self.transcript.push_str(&told);
        }
        self.seen = now;
    }
}

/// Every value without parts, by its place.
fn values_of(record: &Value) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    flatten(record, String::new(), &mut |place, value| {
        values.insert(place, value);
    });
    values
}

/// Tells every value without parts, with its place.
fn flatten(value: &Value, place: String, tell: &mut dyn FnMut(String, String)) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                flatten(value, format!("{place}/{key}"), tell);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                flatten(value, format!("{place}/{at}"), tell);
            }
        }
        leaf => tell(place, leaf.to_string()),
    }
}

/// Runs a script in each of its releases, and compares with the transcripts.
async fn check(name: &str) {
    let folder = format!("{}/tests/effects", env!("CARGO_MANIFEST_DIR"));
    let script = fs_err::read_to_string(format!("{folder}/{name}.yaml")).unwrap();
    let mut script: serde_yaml::Value = serde_yaml::from_str(&script).unwrap();
    script.apply_merge().unwrap();
    let script: Script = serde_yaml::from_value(script).unwrap();
    let is_known = |release: &Release| script.releases.contains(release);
    for step in &script.steps {
        assert!(step.only.iter().all(is_known), "{}: a release that is not run", step.run);
    }
    for release in script.releases {
        let mut run = Run::of(release).await;
        for step in &script.steps {
            if step.only.is_empty() || step.only.contains(&release) {
                run.step(step).await;
            }
        }
        let file = format!("{folder}/{name}.{release:?}.out");
        if std::env::var_os("BLESS").is_some() {
            fs_err::write(&file, &run.transcript).unwrap();
        }
        let expected = fs_err::read_to_string(&file).unwrap_or_default();
        for (at, (got, expected)) in run.transcript.lines().zip(expected.lines()).enumerate() {
            assert_eq!(got, expected, "{file}:{}", at + 1);
        }
        assert_eq!(run.transcript.lines().count(), expected.lines().count(), "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_is_kept_changed_and_removed_as_the_transcripts_say() {
    check("admin").await;
}

#[tokio::test(start_paused = true)]
async fn clusters_and_what_runs_on_them_change_as_the_transcripts_say() {
    check("gitops").await;
}

#[tokio::test(start_paused = true)]
async fn instances_of_catalogue_descriptors_change_as_the_transcripts_say() {
    check("ns-before-sol006").await;
}

#[tokio::test(start_paused = true)]
async fn instances_change_as_the_transcripts_say() {
    check("ns").await;
}

#[tokio::test(start_paused = true)]
async fn people_and_what_they_may_do_change_as_the_transcripts_say() {
    check("people").await;
}

#[tokio::test(start_paused = true)]
async fn slices_change_as_the_transcripts_say() {
    check("slices").await;
}

#[tokio::test(start_paused = true)]
async fn machines_and_devices_change_as_the_transcripts_say() {
    check("machines").await;
}

#[tokio::test(start_paused = true)]
async fn packages_change_as_the_transcripts_say() {
    check("packages").await;
}
