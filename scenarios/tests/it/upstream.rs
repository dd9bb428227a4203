//! The same scenario files on the trees of the public demo repository.

use std::path::PathBuf;

use scenarios::script::Script;
use scenarios::story::StoryOptions;
use scenarios::target::Pace;
use scenarios::transcript::simulate;

use crate::support::{cases, world_on};

/// The folder of the public trees, or a loud word that there is none.
fn trees() -> Option<PathBuf> {
    let folder = std::env::var_os("OSMOPS_UPSTREAM_TREES").map(PathBuf::from);
    if folder.is_none() {
        #[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
        {
            eprintln!(
                "SKIPPED: the public demo repository's trees; name their folder in OSMOPS_UPSTREAM_TREES"
            );
        }
    }
    folder
}

#[test]
fn scenario_files_hold_on_the_public_demo_repository() {
    let Some(folder) = trees() else { return };
    let mut ran = Vec::new();
    for entry in fs_err::read_dir(cases()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|e| e != "yaml") || !Script::read(&file).unwrap().is_upstream
        {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let world = world_on(&name, Some(&folder));
        let pace = Pace::Realistic { speed: 1.0 };
        let (report, text) = simulate(&world, pace, StoryOptions::default()).unwrap();
        assert!(report.holds, "{name} on {}:\n{text}", folder.display());
        ran.push(name);
    }
    ran.sort();
    let expected = ["dev-mode", "legacy", "local-clusters", "lost-answer", "packaging", "restart"];
    assert_eq!(ran, expected);
}
