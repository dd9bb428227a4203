//! Any answers of an NBI: a pass over them ends, removes nothing that is declared, and shows no secret.
//!
//! A text holds answers with a line of `----` between them, in the order in which requests come; the first line
//! of each is its status, the rest its body. After the last one there is only 404. Log-ins always succeed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::{Request, Response};
use osmops::ids::RevisionName;
use osmops::nbi::Transport;
use osmops::plan::{Action, Plan, render};
use osmops::reconcile::{Observer, PassOptions, pass};
use osmops::revision::Revision;
use osmops::tree::{Tree, TreeFile, TreePath};
use tokio_util::sync::CancellationToken;

use crate::text::{pieces, split};

const TOKEN: &str = r#"{"id": "t", "issued_at": 0, "expires": 3600}"#;
/// The password in the revision, and the one of the connection, must be shown nowhere.
const SECRET: &str = "no-one-may-see-this";

/// One pass over what an NBI answers.
pub fn run(input: &[u8]) {
    let answers: VecDeque<Answer> = pieces(input).into_iter().map(Answer::of).collect();
    let answers = Arc::new(Mutex::new(answers));
    let service = tower::service_fn(move |request: Request<osmops::nbi::Body>| {
        let answer = if request.uri().path().ends_with("/tokens") {
            Answer { status: 200, body: TOKEN.into() }
        } else {
            let next = answers.lock().ok().and_then(|mut answers| answers.pop_front());
            next.unwrap_or(Answer { status: 404, body: r#"{"code": "NOT_FOUND"}"#.into() })
        };
        let response = Response::builder().status(answer.status).body(Body::from(answer.body));
        async move { Ok::<_, Infallible>(response.expect("a status")) }
    });
    let nbi = crate::fake::client(Transport::service(service));
    let revision = revision();
    let mut seen = Seen::default();
    let (stop, options) = (CancellationToken::new(), PassOptions::default());
    let report = crate::fake::run(pass(&nbi, &revision, &options, &stop, &mut seen));
    let shown = format!("{report:?}{}", serde_json::to_string(&report).expect("a report"));
    assert!(!shown.contains(SECRET), "{shown}");
    if let Some(plan) = &seen.plan {
        assert!(!render(plan).contains(SECRET));
        check_removals(plan);
    }
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn of(text: &[u8]) -> Self {
        let (status, body) = split(text, b"\n");
        let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok());
        let status = status.filter(|status| (200..600).contains(status)).unwrap_or(200);
        Self { status, body: body.to_vec() }
    }
}

#[derive(Default)]
struct Seen {
    plan: Option<Plan>,
}

impl Observer for Seen {
    fn planned(&mut self, plan: &Plan) {
        self.plan = Some(plan.clone());
    }
}

/// What is removed is declared no more, or made anew; what is declared and stays is not removed.
fn check_removals(plan: &Plan) {
    for planned in &plan.actions {
        if let Action::DeletePackage { package, .. } = &planned.action {
            assert!(
                !["VNFD demo_knf", "NSD demo_ns"].contains(&&*package.to_string()),
                "{planned:?}"
            );
        }
    }
}

/// A package of each kind, an instance, an owner who prunes.
fn revision() -> Revision {
    let file = |path: &str, text: String| {
        (TreePath::parse(path).expect("a path"), TreeFile::in_memory(text, false))
    };
    let tree = Tree::from_files([
        file("osm_ops_config.yaml", CONFIG.to_owned()),
        file("osm-pkgs/demo_knf/vnfd.yaml", VNFD.to_owned()),
        file("osm-pkgs/demo_ns/nsd.yaml", NSD.to_owned()),
        file("demo.ops.yaml", INSTANCE.replace("SECRET", SECRET)),
    ]);
    let revision = Revision::read(&tree, RevisionName::new("fuzz").expect("a name"));
    assert_eq!(revision.problems, []);
    revision
}

const CONFIG: &str = "\
fileExtensions: [.ops.yaml]
connectionFile: /etc/nbi.yaml
owner: team-a
prune: true
adopt: true
";
const VNFD: &str = "\
vnfd:
  id: demo_knf
  version: '1.0'
  product-name: demo_knf
  provider: us
  mgmt-cp: mgmt-ext
  df: [{id: df}]
  ext-cpd: [{id: mgmt-ext, k8s-cluster-net: mgmtnet}]
  k8s-cluster: {nets: [{id: mgmtnet}]}
  kdu: [{name: ldap, helm-chart: stable/openldap}]
";
const NSD: &str = "\
nsd:
  nsd:
  - id: demo_ns
    version: '1.0'
    name: demo_ns
    designer: us
    vnfd-id: [demo_knf]
    virtual-link-desc: [{id: mgmtnet, mgmt-network: 'true'}]
    df:
    - id: df
      vnf-profile:
      - id: openldap
        vnfd-id: demo_knf
        virtual-link-connectivity:
        - virtual-link-profile-id: mgmtnet
          constituent-cpd-id:
          - {constituent-base-element-id: openldap, constituent-cpd-id: mgmt-ext}
";
const INSTANCE: &str = "\
kind: NsInstance
name: ldap
nsdName: demo_ns
vnfName: openldap
vimAccountName: mylocation1
kdu:
  name: ldap
  params:
    replicaCount: '2'
    adminPassword: SECRET
    nested: {a: [1, {b: true}]}
";
