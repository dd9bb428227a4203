//! Who may use whom: data flows one way through the crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each module may use. A stage may use what stands before it and the state it fills; whoever may
/// use a module is found here, so a new line is a decision.
const ALLOWED: [(&str, &[&str]); 22] = [
    ("ids", &[]),
    ("schema", &[]),
    ("moment", &["schema"]),
    ("operation", &[]),
    ("secret", &[]),
    ("failure", &[]),
    ("request_counts", &[]),
    ("tree", &[]),
    ("yaml", &["ids"]),
    ("source_pos", &["tree"]),
    ("artifact", &["ids", "tree"]),
    ("repo", &["ids", "schema", "secret", "source_pos", "tree", "yaml"]),
    ("package", &["ids", "repo", "source_pos", "tree", "yaml"]),
    ("desired", &["ids", "package", "repo", "secret", "source_pos", "tree"]),
    ("observed", &["desired", "ids", "moment", "operation", "package", "secret"]),
    ("revision", &["desired", "ids", "package", "repo", "tree"]),
    ("redact", &["desired", "secret"]),
    (
        "plan",
        &[
            "desired",
            "ids",
            "moment",
            "observed",
            "redact",
            "repo",
            "schema",
            "secret",
            "source_pos",
        ],
    ),
    (
        "nbi",
        &["failure", "ids", "moment", "operation", "package", "repo", "request_counts", "secret"],
    ),
    ("observe", &["desired", "ids", "moment", "nbi", "observed", "package", "plan"]),
    ("apply", &["desired", "failure", "ids", "nbi", "package", "plan", "redact"]),
    (
        "report",
        &[
            "apply",
            "failure",
            "ids",
            "plan",
            "repo",
            "request_counts",
            "revision",
            "schema",
            "source_pos",
        ],
    ),
];

/// The edges: they put the stages together, so they may use any of them.
const EDGES: [&str; 5] = ["lib", "main", "cli", "operator", "reconcile"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that each top-level module names after `crate::`, also inside `use crate::{…}`.
fn used_modules() -> BTreeMap<String, Vec<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let text = fs_err::read_to_string(&file).unwrap();
        // Unit tests may reach further.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for rest in code.split("crate::").skip(1) {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(!name.is_empty(), "{}: name one module in each `use crate::`", file.display());
            if name != module {
                used.entry(module.to_owned()).or_default().push(name);
            }
        }
    }
    used
}

#[test]
fn modules_use_only_what_stands_before_them() {
    let used = used_modules();
    assert!(used.len() > 10, "the sources were found: {used:?}");
    for (module, names) in used {
        if EDGES.contains(&module.as_str()) {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(name, _)| *name == module).map(|(_, uses)| *uses);
        let allowed =
            allowed.unwrap_or_else(|| panic!("`{module}` has no place in the layers yet"));
        for name in names {
            assert!(allowed.contains(&name.as_str()), "`{module}` must not use `{name}`");
        }
    }
}

#[test]
fn pure_modules_await_nothing_and_read_no_clock() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let stages = ["desired", "observed", "plan", "redact", "report"];
    let operator = ["claim", "cluster", "conditions", "declared", "driver", "end", "watched"];
    let operator = operator.map(|module| format!("operator/{module}"));
    for module in stages.map(str::to_owned).into_iter().chain(operator) {
        let mut files = vec![src.join(format!("{module}.rs"))];
        if src.join(&module).is_dir() {
            sources(&src.join(&module), &mut files);
        }
        for file in files {
            let text = fs_err::read_to_string(&file).unwrap();
            for banned in ["async ", ".await", "::now()", "fs_err", "std::fs", "rand::"] {
                assert!(!text.contains(banned), "{} has `{banned}`", file.display());
            }
        }
    }
}
