//! A scenario whose repository is a Git repository with tags.

use std::path::Path;
use std::process::Command;

use scenarios::script::Script;
use scenarios::story::StoryOptions;
use scenarios::target::Pace;
use scenarios::transcript::simulate;
use scenarios::world::World;

use crate::support::{cases, world};

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=t", "-c", "user.email=t@localhost"]);
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs_err::copy(&path, &target).unwrap();
        }
    }
}

/// A repository whose tags hold the packaging demo, and a scenario file beside it that names it by
/// `place`.
fn repository(folder: &Path, place: &str) -> Script {
    let repository = folder.join("demo");
    fs_err::create_dir(&repository).unwrap();
    git(&repository, &["init", "--quiet"]);
    for tag in ["test.0.0.7", "test.0.0.8"] {
        copy(&cases().join("../trees/packaging").join(tag), &repository);
        git(&repository, &["add", "--all"]);
        git(&repository, &["commit", "--quiet", "-m", tag]);
        git(&repository, &["tag", tag]);
    }
    let text = fs_err::read_to_string(cases().join("packaging.yaml")).unwrap();
    let text = text.replace("trees: ../trees/packaging", &format!("git: {place}"));
    Script::parse(&folder.join("packaging.yaml"), &text).unwrap()
}

fn told(world: &World) -> String {
    let (report, text) = simulate(world, Pace::Instant, StoryOptions::default()).unwrap();
    assert!(report.holds, "{text}");
    text
}

#[test]
fn tags_of_a_git_repository_are_the_trees_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let script = repository(folder.path(), "demo");
    let world_of_git = World::read(script, None).unwrap();
    assert_eq!(told(&world_of_git), told(&world("packaging")));
}

#[test]
fn a_git_url_is_cloned() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/demo", folder.path().display());
    let script = repository(folder.path(), &url);
    assert_eq!(told(&World::read(script, None).unwrap()), told(&world("packaging")));
}

#[test]
fn a_missing_tag_is_reported_in_gits_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = repository(folder.path(), "demo");
    script.steps[0].value = scenarios::step::Step::Plan { tag: "v9".to_owned() };
    let error = World::read(script, None).unwrap_err();
    let text = osmops::failure::chain(&error);
    assert!(text.contains("packaging.yaml:12: the tag `v9` cannot be read"), "{text}");
    assert!(text.contains("git archive v9") && text.contains("refs/tags/v9"), "{text}");
}
