//! One mistake in each file.

pub mod accepts_any_artifact;
pub mod acts_on_busy;
pub mod answers_401_with_log_in;
pub mod believes_version;
pub mod finishes_first;
pub mod forgets_undeleted;
pub mod ignores_status;
pub mod jitters;
pub mod keeps_stale_list;
pub mod never_asks_twice;
pub mod one_at_a_time;
pub mod prunes_by_memory;
pub mod prunes_despite_problems;
pub mod prunes_from_failed_fetch;
pub mod prunes_what_others_made;
pub mod reads_times_as_local;
pub mod repeats_create;
pub mod retries_at_once;
pub mod retries_the_old;
pub mod rolls_back;
pub mod stamps_archives;
pub mod starts_over_after_errors;
pub mod takes_202_for_done;
pub mod tells_what_it_sent;
pub mod upgrades_to_be_sure;
pub mod watches_the_dead;
