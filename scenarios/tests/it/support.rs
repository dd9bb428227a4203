//! What several tests need.

use std::path::{Path, PathBuf};
use std::process::Command;

use scenarios::script::Script;
use scenarios::world::World;

/// The folder of scenario files.
pub(crate) fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// A scenario of this workspace with all its files.
pub(crate) fn world(name: &str) -> World {
    world_on(name, None)
}

/// The same, on the trees in `upstream` when there are any.
pub(crate) fn world_on(name: &str, upstream: Option<&Path>) -> World {
    let script = Script::read(&cases().join(format!("{name}.yaml"))).unwrap();
    World::read(script, upstream).unwrap()
}

/// The `scenario` program, with no connection in its environment.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    for variable in ["OSM_USER", "OSM_PASSWORD", "OSM_PROJECT", "KEEP", "MOCK_NBI"] {
        command.env_remove(variable);
    }
    command
}

/// Builds the fake's program unless it lies beside ours: testing this crate alone builds only ours.
pub(crate) fn build_fake() {
    let folder = Path::new(env!("CARGO_BIN_EXE_scenario")).parent().unwrap();
    if folder.join("mock-nbi").is_file() {
        return;
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "-p", "mock-nbi", "--bin", "mock-nbi"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(build.status().unwrap().success(), "mock-nbi cannot be built");
}
