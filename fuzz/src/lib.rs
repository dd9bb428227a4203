//! What `osmops` and `mock-nbi` do with input of any shape.
//!
//! Each module is a target: its `run` takes any bytes and panics where the code under test panics, or where
//! something does not hold that must hold for every input. libFuzzer makes the bytes (`make fuzz`), starting from
//! the files in `corpus/`; `make test` replays those.

pub mod archive;
pub mod descriptor;
pub mod nbi_body;
pub mod revision;
pub mod router;
pub mod yaml;

mod fake;
mod text;

/// Name and body of a target.
pub type Target = (&'static str, fn(&[u8]));

/// Every target. Its seeds are in `corpus/NAME`.
pub const TARGETS: [Target; 6] = [
    ("archive", archive::run),
    ("yaml", yaml::run),
    ("descriptor", descriptor::run),
    ("revision", revision::run),
    ("nbi_body", nbi_body::run),
    ("router", router::run),
];
