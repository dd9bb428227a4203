//! Passes of several repositories over one session share OSM's lists, and never one from before their own
//! writes.

use std::time::Duration;

use mock_nbi::{Fault, FaultKind, Profile};
use osmops::nbi::Nbi;
use osmops::observe::{Lists, SharedLists, observe};
use osmops::reconcile::{PassOptions, pass_with_lists, read_lists_and_plan};
use osmops::report::{PassEnd, PassReport};
use osmops::revision::Revision;
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;

use crate::world::{Demo, World, config, instance, nsd, revision, vnfd};

const VNFDS: &str = "GET /osm/vnfpkgm/v1/vnf_packages";
const NSDS: &str = "GET /osm/nsd/v1/ns_descriptors";
const INSTANCES: &str = "GET /osm/nslcm/v1/ns_instances";
const MOMENT: Duration = Duration::from_millis(1);

/// A repository with packages and an instance of its own.
fn one(name: &str, more: &str) -> Revision {
    let (vnf, ns) = (format!("{name}_knf"), format!("{name}_ns"));
    revision(
        name,
        &[
            config(&format!("owner: {name}\n{more}")),
            vnfd(&vnf, "ldap", "1.0"),
            nsd(&ns, &vnf, "openldap", "1.0"),
            instance(name, &ns, "replicaCount: \"1\""),
        ],
    )
}

/// OSM with what these declare.
async fn with(revisions: &[Revision]) -> World {
    let world = World::new(Profile::instant());
    for revision in revisions {
        assert_eq!(world.converge(revision).await.end, PassEnd::Converged);
    }
    world
}

async fn pass(nbi: &Nbi, lists: &SharedLists, after: Instant, revision: &Revision) -> PassReport {
    let (options, stop) = (PassOptions::default(), CancellationToken::new());
    let lists = Lists::Shared { lists: lists.clone(), after };
    pass_with_lists(nbi, &lists, revision, &options, &stop, &mut ()).await
}

fn count(sent: &[String], line: &str) -> usize {
    sent.iter().filter(|sent| *sent == line).count()
}

#[tokio::test(start_paused = true)]
async fn passes_that_were_due_before_a_list_was_asked_for_share_it_for_a_second() {
    let revisions = ["a", "b", "c"].map(|name| one(name, "prune: true\n"));
    let world = with(&revisions).await;
    let (nbi, lists, due) = (world.client(), SharedLists::default(), Instant::now());
    advance(MOMENT).await;
    let mark = world.osm.journal_len();
    for revision in &revisions {
        assert_eq!(pass(&nbi, &lists, due, revision).await.end, PassEnd::Converged);
    }
    let sent = world.sent_since(mark);
    for line in [VNFDS, NSDS, INSTANCES] {
        assert_eq!(count(&sent, line), 1, "{sent:#?}");
    }

    let mark = world.osm.journal_len();
    advance(Duration::from_secs(1)).await;
    pass(&nbi, &lists, due, &revisions[0]).await;
    assert_eq!(count(&world.sent_since(mark), VNFDS), 1, "a second later it is read again");
    let due = Instant::now();
    advance(MOMENT).await;
    pass(&nbi, &lists, due, &revisions[0]).await;
    assert_eq!(count(&world.sent_since(mark), VNFDS), 2, "so it is for who became due later");
}

#[tokio::test(start_paused = true)]
async fn passes_at_once_wait_for_one_reading() {
    let revisions = ["a", "b", "c"].map(|name| one(name, ""));
    let world = with(&revisions).await;
    let (nbi, lists, due) = (world.client(), SharedLists::default(), Instant::now());
    advance(MOMENT).await;
    let mark = world.osm.journal_len();
    let [a, b, c] = &revisions;
    tokio::join!(
        pass(&nbi, &lists, due, a),
        pass(&nbi, &lists, due, b),
        pass(&nbi, &lists, due, c),
    );
    let sent = world.sent_since(mark);
    assert_eq!((count(&sent, VNFDS), count(&sent, NSDS)), (1, 1), "{sent:#?}");
    assert_eq!(count(&sent, INSTANCES), 3, "instances are asked for by name");
}

#[tokio::test(start_paused = true)]
async fn ready_is_said_only_after_a_list_that_was_asked_for_after_the_last_write() {
    let world = with(&[one("a", "")]).await;
    let (nbi, lists) = (world.client(), SharedLists::default());
    let due = Instant::now();
    advance(MOMENT).await;
    // Somebody else's pass, whose lists do not have what is about to be made.
    assert_eq!(pass(&nbi, &lists, due, &one("a", "")).await.end, PassEnd::Converged);
    let first = pass(&nbi, &lists, due, &one("b", "")).await;
    assert!(matches!(first.end, PassEnd::Waiting { .. }), "{first:#?}");
    let ended = Instant::now();
    advance(MOMENT).await;
    let mark = world.osm.journal_len();
    let second = pass(&nbi, &lists, ended, &one("b", "")).await;
    assert_eq!(second.end, PassEnd::Converged, "{second:#?}");
    let sent = world.sent_since(mark);
    assert_eq!((count(&sent, VNFDS), count(&sent, NSDS)), (1, 1), "{sent:#?}");
    assert_eq!(world.writes_since(mark), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn shared_lists_make_the_same_plan_as_lists_of_one_s_own() {
    let demo = Demo { version: "2.0", ..Demo::default() };
    let world = with(&[one("a", ""), one("b", ""), Demo::default().revision()]).await;
    let files = |more: &str, files: &[(String, String)]| {
        let mut all = vec![config(more)];
        all.extend_from_slice(files);
        revision("r", &all)
    };
    // Of packages that are declared, that only OSM has, that nobody has; with removals and without.
    let wanted = [
        one("a", ""),
        demo.revision(),
        files("", &[instance("more", "b_ns", "replicaCount: \"1\"")]),
        files("", &[nsd("new_ns", "b_knf", "openldap", "1")]),
        files("", &[instance("none", "nobody_ns", "replicaCount: \"1\"")]),
        files("owner: a\nprune: true\nallowLargePrune: true\n", &[vnfd("a_knf", "ldap", "1.0")]),
    ];
    let (nbi, lists) = (world.client(), SharedLists::default());
    for revision in &wanted {
        let after = Instant::now();
        advance(MOMENT).await;
        let shared = Lists::Shared { lists: lists.clone(), after };
        let plan = read_lists_and_plan(&nbi, &shared, &revision.desired).await.unwrap();
        let own = read_lists_and_plan(&nbi, &Lists::Own, &revision.desired).await.unwrap();
        assert_eq!((&plan.entries, &plan.actions), (&own.entries, &own.actions));
        assert_eq!(plan.notes, own.notes);
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_reading_fails_those_who_waited_for_it_ask_each_for_themselves_at_once() {
    let world = with(&[one("a", "")]).await;
    for nth in 1..=4 {
        let operation = "GET /vnfpkgm/v1/vnf_packages".to_owned();
        world.osm.inject(Fault { operation, nth, kind: FaultKind::Hang });
    }
    let limits = osmops::nbi::TimeLimits {
        request: Duration::from_secs(30),
        ..osmops::nbi::TimeLimits::default()
    };
    let (nbi, lists, due) = (world.client_with(limits), SharedLists::default(), Instant::now());
    advance(MOMENT).await;
    let one = one("a", "");
    let ends = tokio::join!(
        pass(&nbi, &lists, due, &one),
        pass(&nbi, &lists, due, &one),
        pass(&nbi, &lists, due, &one),
        pass(&nbi, &lists, due, &one),
    );
    for report in [&ends.0, &ends.1, &ends.2, &ends.3] {
        assert_eq!(report.end, PassEnd::Failed, "{report:#?}");
    }
    let took = due.elapsed().as_secs();
    assert!((60..70).contains(&took), "{took} s: one waits, then the others together");
    let next = pass(&nbi, &lists, Instant::now(), &one).await;
    assert_eq!(next.end, PassEnd::Converged, "{next:#?}");
}

#[tokio::test(start_paused = true)]
async fn vim_accounts_are_read_again_after_an_hour() {
    let one = one("a", "");
    let world = with(std::slice::from_ref(&one)).await;
    let nbi = world.client();
    let mark = world.osm.journal_len();
    let reads = || count(&world.sent_since(mark), "GET /osm/admin/v1/vim_accounts");
    for (minutes, expected) in [(0, 1), (59, 1), (2, 2), (30, 2)] {
        advance(Duration::from_secs(minutes * 60)).await;
        observe(&nbi, &Lists::Own, &one.desired).await.unwrap();
        assert_eq!(reads(), expected, "after {minutes} minutes more");
    }
}
