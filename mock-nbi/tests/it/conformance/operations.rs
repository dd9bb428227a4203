//! The operations of the real NBI, and in which releases the fake serves them.
//!
//! Source: `tests/recorded/endpoints.json`, the NBI's own table of release 19.

use mock_nbi::{MockNbi, Release};
use serde_json::Value;

use crate::client::{User, send};

/// Releases by the word that selects them.
const RELEASES: &[(&str, Release)] =
    &[("8", Release::R8), ("10", Release::R10), ("19", Release::R19)];

/// A method of a path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    path: String,
    method: String,
    /// Whether OSM announces it and does not have it.
    is_missing: bool,
    /// Releases in which the fake serves it.
    served: Vec<&'static str>,
    /// Releases in which the fake answers 501, as OSM does.
    refused: Vec<&'static str>,
}

impl Operation {
    /// `GET /osm/nsd/v1/ns_descriptors/<ID>`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Whether any release has it.
    pub fn is_served(&self) -> bool {
        !self.served.is_empty()
    }

    /// The releases, for a cell of a table.
    pub fn releases(&self) -> String {
        match (self.served.as_slice(), self.refused.as_slice()) {
            ([], []) => "-".into(),
            ([], refused) => format!("501 in {}", refused.join(", ")),
            (served, _) => served.join(", "),
        }
    }
}

/// All of them, in the order of the table.
pub async fn all() -> Vec<Operation> {
    let path = format!("{}/tests/recorded/endpoints.json", env!("CARGO_MANIFEST_DIR"));
    let rows: Value = serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
    let mut fakes = Vec::new();
    for (word, release) in RELEASES {
        let nbi = MockNbi::builder().release(*release).build().unwrap();
        fakes.push((*word, User::login(&nbi).await));
    }
    let mut operations = Vec::new();
    for row in rows.as_array().unwrap() {
        for (method, is_missing) in methods(row) {
            let path = row["path"].as_str().unwrap().to_owned();
            let (served, refused) = (Vec::new(), Vec::new());
            let mut operation = Operation { path, method, is_missing, served, refused };
            for (word, user) in &fakes {
                match probe(user, &operation).await {
                    405 => {}
                    501 => operation.refused.push(word),
                    _ => operation.served.push(word),
                }
            }
            operations.push(operation);
        }
    }
    operations
}

/// Methods of a row, and whether OSM only announces them.
fn methods(row: &Value) -> Vec<(String, bool)> {
    let words = |key: &str| -> Vec<String> {
        let list = row[key].as_array().into_iter().flatten();
        list.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut had = words("methods");
    if had == ["P", "O", "S", "T"] {
        // OSM's table has a bare string there, which Python takes for a list of letters.
        had = vec!["POST".into()];
    }
    let had = had.into_iter().map(|method| (method, false));
    had.chain(words("todo").into_iter().map(|method| (method, true))).collect()
}

/// The status for an id that nothing has and an empty body.
async fn probe(user: &User, operation: &Operation) -> u16 {
    let target = operation.path.replace("<ID>", "x").replace('*', "x");
    let bearer = format!("Bearer {}", user.token);
    let mut headers = vec![("Accept", "application/json")];
    if target != "/osm/admin/v1/tokens" {
        // There it would log out.
        headers.push(("Authorization", bearer.as_str()));
    }
    send(&user.nbi, &operation.method, &target, &headers, Some(b"")).await.unwrap().status
}

/// The operation of a request.
pub fn find<'a>(operations: &'a [Operation], method: &str, path: &str) -> Option<&'a Operation> {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let matches = |operation: &&Operation| {
        let steps: Vec<&str> = operation.path.split('/').collect();
        let is_long_enough = match steps.last() {
            Some(&"*") => segments.len() >= steps.len(),
            _ => segments.len() == steps.len(),
        };
        operation.method == method
            && is_long_enough
            && steps.iter().zip(&segments).all(|(s, seg)| s == seg || ["<ID>", "*"].contains(s))
    };
    // `/clusters/register` stands beside `/clusters/<ID>`: the plainer path wins.
    operations.iter().filter(matches).min_by_key(|operation| operation.path.matches('<').count())
}
