//! Any repository: read whole with every problem in its place, applied to a fake OSM, and quiet from then on.
//!
//! A text holds files with a line of `----` between them; the first line of each is its path.

use std::time::Duration;

use mock_nbi::Release;
use osmops::ids::RevisionName;
use osmops::observed::ObservedState;
use osmops::plan::{check, plan, render};
use osmops::reconcile::{PassOptions, converge, read_and_plan};
use osmops::report::PassEnd;
use osmops::revision::Revision;
use osmops::tree::{Tree, TreeFile, TreePath};
use tokio_util::sync::CancellationToken;

use crate::fake::{client_of, fake};
use crate::text::{check_place, pieces, split};

/// Reads the files of a text as a revision, and applies it.
pub fn run(input: &[u8]) {
    let mut files = Vec::new();
    for piece in pieces(input) {
        let (path, content) = split(piece, b"\n");
        let path = std::str::from_utf8(path).ok().and_then(TreePath::parse);
        if let Some(path) = path.filter(|path| !path.as_str().is_empty()) {
            files.push((path, TreeFile::in_memory(content.to_vec(), false)));
        }
    }
    let tree = Tree::from_files(files);
    let revision = Revision::read(&tree, RevisionName::new("fuzz").expect("a name"));
    for problem in &revision.problems {
        check_problem(&tree, &problem.at());
    }
    let first = plan(&revision.desired, &ObservedState::default());
    assert_eq!(check(&first), Ok(()));
    let _ = render(&first);
    if revision.config.is_some() {
        crate::fake::run(apply(&revision));
    }
}

fn check_problem(tree: &Tree, at: &osmops::source_pos::SourcePos) {
    if let (Some(file), Some((line, column))) = (tree.file(at.file()), at.line_and_column()) {
        let mut text = String::new();
        let mut reader = file.open().expect("memory");
        std::io::Read::read_to_string(&mut reader, &mut text).expect("only text has lines");
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        check_place(text, line, column);
    }
}

/// Once applied as far as OSM lets it, nothing is written any more.
async fn apply(revision: &Revision) {
    let osm = fake(Release::R10);
    let nbi = client_of(&osm);
    let (stop, options) = (CancellationToken::new(), PassOptions::default());
    let limit = Duration::from_secs(2 * 3600);
    let report = converge(&nbi, revision, &options, limit, &stop, &mut ()).await;
    if report.end != PassEnd::Converged {
        return;
    }
    let plan = read_and_plan(&nbi, &revision.desired).await.expect("a fake that answers");
    assert_eq!(plan.actions, [], "{report:#?}");
    assert!(plan.is_converged(), "{report:#?}");
}
