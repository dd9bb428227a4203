//! Every scenario file holds in the simulation, and tells what its reviewed transcript tells.

use std::collections::BTreeSet;

use scenarios::story::StoryOptions;
use scenarios::target::Pace;
use scenarios::transcript::simulate;
use similar::TextDiff;

use crate::support::{cases, world};

const REAL_PACE: Pace = Pace::Realistic { speed: 1.0 };

const WITH_REQUESTS: StoryOptions =
    StoryOptions { is_live: false, is_painted: false, has_requests: true };

fn check(name: &str) {
    let (report, text) = simulate(&world(name), REAL_PACE, WITH_REQUESTS).unwrap();
    let file = cases().join(format!("{name}.out"));
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(&file, &text).unwrap();
    }
    let reviewed = fs_err::read_to_string(&file).unwrap_or_default();
    let diff = TextDiff::from_lines(&reviewed, &text);
    assert!(
        reviewed == text,
        "{} is not what the simulation tells (`make bless` rewrites it):\n{}",
        file.display(),
        diff.unified_diff().context_radius(2)
    );
    let failed: Vec<_> = report.checks.iter().filter(|c| c.found_instead.is_some()).collect();
    assert!(report.holds, "{name}: {failed:#?}");
}

/// One test for each scenario file, and one that none is forgotten.
macro_rules! cases {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_scenario_file_has_a_test() {
            let tested = BTreeSet::from([$($name.to_owned()),*]);
            let files = fs_err::read_dir(cases()).unwrap().map(|entry| entry.unwrap().path());
            let names = files.filter(|path| path.extension().is_some_and(|e| e == "yaml"));
            let names = names.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
            assert_eq!(names.collect::<BTreeSet<_>>(), tested);
        }
    };
}

cases! {
    adopt: "adopt",
    big_repo: "big-repo",
    commit_during_operation: "commit-during-operation",
    dev_mode: "dev-mode",
    dropped_keys: "dropped-keys",
    drift: "drift",
    failed_operation: "failed-operation",
    failed_upgrade: "failed-upgrade",
    intro: "intro",
    legacy: "legacy",
    local_clusters: "local-clusters",
    lost_answer: "lost-answer",
    package_files: "package-files",
    package_in_use: "package-in-use",
    multi_kdu: "multi-kdu",
    packaging: "packaging",
    prune: "prune",
    quota: "quota",
    recreate: "recreate",
    restart: "restart",
    rollback: "rollback",
}

#[test]
fn the_same_run_twice_tells_the_same_bytes() {
    for name in ["packaging", "commit-during-operation"] {
        let once = || simulate(&world(name), REAL_PACE, WITH_REQUESTS).unwrap().1;
        assert_eq!(once(), once(), "{name}");
    }
}

/// The counts that are promised, all requests counted, on an OSM whose operations have ended when
/// they are first looked at.
#[test]
fn requests_of_the_packaging_demo_are_within_their_budget() {
    let (report, text) = simulate(&world("packaging"), Pace::Instant, WITH_REQUESTS).unwrap();
    assert!(report.holds, "{text}");
    let [first, update, again] = report.sessions.as_slice() else {
        panic!("three sessions are expected: {:?}", report.sessions);
    };
    let counts = first.requests;
    assert!(counts.total() <= 13, "first deployment: {counts:?}");
    assert_eq!((counts.log_in, counts.write, counts.log_out), (1, 3, 1));
    let writes = |needle: &str| text.lines().filter(|line| line.contains(needle)).count();
    assert_eq!(update.requests.write, 2, "one for each package: {:?}", update.requests);
    assert_eq!(writes("/package_content"), 1);
    assert_eq!(writes("/nsd_content"), 1);
    let counts = again.requests;
    assert!(counts.total() <= 6, "nothing changed: {counts:?}");
    assert_eq!((counts.log_in, counts.write, counts.log_out), (1, 0, 1));
}
