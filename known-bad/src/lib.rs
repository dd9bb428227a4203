//! Reconcilers with one mistake each, as real developers make them. The simulator must find every one.
//!
//! In: what `osmops` offers everybody. Out: [`ALL`], each a [`Maker`] for the simulator. There are three ways to be wrong:
//! [`wire`] stands between `osmops` and OSM and alters requests or answers; [`stages`] puts the public stages of a pass
//! together with one of them wrong; and a reconciler that has a whole process of `osmops` inside and gives it something
//! else than it was given, or says something else than it says.
//!
//! Each mistake is a file under `mistakes/` and a line in [`ALL`]. One that works well as long as nothing goes wrong is
//! the better one.

pub mod mistakes;
pub mod revisions;
pub mod stages;
pub mod wire;

use osmops::nbi::{Connection, Transport};
use scenarios::sim::laws::Law;
use scenarios::sim::reconciler::{Maker, Reconciler};

/// A reconciler with a mistake.
pub struct KnownBad {
    /// A word for it.
    pub name: &'static str,
    /// The mistake, in a sentence.
    pub mistake: &'static str,
    /// The laws that it is expected to break, one of them at least.
    pub breaks: &'static [Law],
    /// Starts its processes.
    pub maker: &'static dyn Maker,
}

/// A [`Maker`] that is a function.
pub struct Starts(pub fn(Connection, Transport) -> Box<dyn Reconciler>);

impl Maker for Starts {
    fn start(&self, connection: Connection, transport: Transport) -> Box<dyn Reconciler> {
        (self.0)(connection, transport)
    }
}

/// Every one.
pub const ALL: &[KnownBad] = &[
    mistakes::accepts_any_artifact::BAD,
    mistakes::acts_on_busy::BAD,
    mistakes::answers_401_with_log_in::BAD,
    mistakes::believes_digest::BAD,
    mistakes::believes_version::BAD,
    mistakes::expects_every_revision::BAD,
    mistakes::falls_back_to_cache::BAD,
    mistakes::finishes_first::BAD,
    mistakes::finishes_what_it_began::BAD,
    mistakes::forgets_undeleted::BAD,
    mistakes::ignores_status::BAD,
    mistakes::jitters::BAD,
    mistakes::keeps_stale_list::BAD,
    mistakes::leaves_what_it_found::BAD,
    mistakes::never_asks_twice::BAD,
    mistakes::numbers_its_uploads::BAD,
    mistakes::one_at_a_time::BAD,
    mistakes::prunes_by_memory::BAD,
    mistakes::prunes_despite_problems::BAD,
    mistakes::prunes_from_failed_fetch::BAD,
    mistakes::prunes_what_others_made::BAD,
    mistakes::reads_times_as_local::BAD,
    mistakes::recreates_to_upgrade::BAD,
    mistakes::repeats_create::BAD,
    mistakes::replaces_by_deleting::BAD,
    mistakes::retries_at_once::BAD,
    mistakes::retries_the_old::BAD,
    mistakes::rolls_back::BAD,
    mistakes::stamps_archives::BAD,
    mistakes::starts_over_after_errors::BAD,
    mistakes::takes_202_for_done::BAD,
    mistakes::takes_errors_for_nothing::BAD,
    mistakes::takes_made_for_running::BAD,
    mistakes::takes_overdue_for_failed::BAD,
    mistakes::tells_what_it_sent::BAD,
    mistakes::tries_its_rights::BAD,
    mistakes::upgrades_to_be_sure::BAD,
    mistakes::watches_the_dead::BAD,
];
