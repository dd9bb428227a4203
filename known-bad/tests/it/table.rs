//! The table in the README: which seed finds whom, by which law.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use scenarios::sim::laws::Law;

/// One known-bad reconciler that was found.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) mistake: &'static str,
    pub(crate) seed: u64,
    /// The law that it was expected to break.
    pub(crate) law: Law,
    /// All that it broke in this run.
    pub(crate) laws: BTreeSet<Law>,
    pub(crate) how: String,
    pub(crate) plan: String,
}

const BEGIN: &str = "<!-- found -->\n";
const END: &str = "<!-- end -->";

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| name | mistake | seed | laws | shown by |\n| --- | --- | --- | --- | --- |\n",
    );
    for Row { name, mistake, seed, law, laws, plan, .. } in rows {
        let also = laws.iter().filter(|also| *also != law).map(|also| format!(", {also}"));
        let also: String = also.collect();
        let plan = match law {
            // Whoever runs otherwise each time meets other faults each time.
            Law::D4 => "running it twice".to_owned(),
            _ if plan.is_empty() => "no fault at all".to_owned(),
            _ => format!("`{plan}`"),
        };
        writeln!(table, "| `{name}` | {mistake} | {seed} | {law}{also} | {plan} |").unwrap();
    }
    table
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The seeds that the table has, by name.
pub(crate) fn known_seeds() -> BTreeMap<String, u64> {
    let text = fs_err::read_to_string(file()).unwrap();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?.to_owned();
        Some((name, cells.nth(1)?.parse().ok()?))
    });
    rows.collect()
}

/// Fails when the README has another one; writes it with `BLESS`.
pub(crate) fn is_up_to_date(rows: &[Row]) {
    let text = fs_err::read_to_string(file()).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}{}{END}{after}", table(rows));
    if std::env::var_os("BLESS").is_some() {
        fs_err::write(file(), fresh).unwrap();
    } else {
        assert_eq!(text, fresh, "known-bad/README.md is stale; `make bless` rewrites it");
    }
}
