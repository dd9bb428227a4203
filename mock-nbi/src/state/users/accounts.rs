//! Accounts that are locked or come to their end: release 19 only, and not in the recordings.
//!
//! Source: OSM NBI `authconn_internal.py` of release 19, `validate_user`, and `auth.py`,
//! `check_password_expiry`.

use std::borrow::Cow;

use serde_json::Value;

use super::{ACCOUNT_DAYS, ATTEMPTS_MAX, DAY_SECONDS};
use crate::problem::Problem;
use crate::state::State;
use crate::state::db::{Collection, admin_of, list, set, text};
use crate::state::passwords;

/// Refusal of a locked account.
const LOCKED: &str = "Failed to login as the account is locked due to MANY FAILED ATTEMPTS";

impl State {
    /// What happens to accounts when this user logs in, before the password is looked at.
    ///
    /// # Errors
    /// 401 for an account that is locked or past its time.
    pub(crate) fn check_account(&mut self, mut user: Value, now: f64) -> Result<Value, Problem> {
        if !self.release.has_user_management() {
            return Ok(user);
        }
        let roles: Vec<String> = list(&user, "project_role_mappings")
            .iter()
            .map(|mapping| text(mapping, "role").to_owned())
            .collect();
        if self.is_system_admin(&roles) {
            self.look_after_accounts(now);
        }
        if text(&user, "username") == "admin" {
            set(admin_of(&mut user), "user_status", "always-active");
            self.db.put(Collection::Users, user.clone());
            return Ok(user);
        }
        let admin = admin_of(&mut user);
        let ends = admin.get("account_expire_time").and_then(Value::as_f64);
        let ends = ends.unwrap_or(now + ACCOUNT_DAYS * DAY_SECONDS);
        set(admin, "account_expire_time", ends);
        let status = text(admin, "user_status").to_owned();
        if now > ends {
            set(admin, "user_status", "expired");
        }
        self.db.put(Collection::Users, user.clone());
        let refusal = match status.as_str() {
            _ if now > ends => "Account expired",
            "locked" => LOCKED,
            "expired" => "Failed to login as the account is expired",
            _ => return Ok(user),
        };
        Err(Problem::unauthorized(refusal))
    }

    /// A log-in of an administrator gives accounts their end, and marks those past it.
    fn look_after_accounts(&mut self, now: f64) {
        let users: Vec<Value> = self
            .db
            .iter(Collection::Users)
            .filter(|user| text(user, "username") != "admin")
            .map(Cow::into_owned)
            .collect();
        for mut user in users {
            let admin = admin_of(&mut user);
            match admin.get("account_expire_time").and_then(Value::as_f64) {
                None => set(admin, "account_expire_time", now + ACCOUNT_DAYS * DAY_SECONDS),
                Some(ends) if now > ends => set(admin, "user_status", "expired"),
                Some(_) => continue,
            }
            self.db.put(Collection::Users, user);
        }
    }

    /// The user again, if this is its password; else the attempt is counted.
    ///
    /// # Errors
    /// 401, with another text for the attempt that locks the account.
    pub(crate) fn check_password(
        &mut self,
        mut user: Value,
        password: &str,
    ) -> Result<Value, Problem> {
        if passwords::is_right(&user, password) {
            return Ok(user);
        }
        let invalid = Problem::unauthorized("Invalid username/password");
        if !self.release.has_strong_passwords() {
            return Err(invalid);
        }
        let is_managed = self.release.has_user_management() && text(&user, "username") != "admin";
        let admin = admin_of(&mut user);
        let attempts = admin.get("retry_count").and_then(Value::as_i64).unwrap_or_default();
        set(admin, "retry_count", attempts + 1);
        let is_last = is_managed && attempts >= ATTEMPTS_MAX - 1;
        if is_last {
            set(admin, "user_status", "locked");
        }
        self.db.put(Collection::Users, user);
        Err(if is_last { Problem::unauthorized(LOCKED) } else { invalid })
    }

    /// Whether a user who logged in must change the password first; then OSM tells only that.
    pub(crate) fn must_change_password(&mut self, username: &str, now: f64) -> bool {
        if !self.release.has_user_management() || username == "admin" {
            return false;
        }
        let Some(mut user) = crate::state::people::named(&self.db, Collection::Users, username)
        else {
            return false;
        };
        let admin = admin_of(&mut user);
        set(admin, "modified", now);
        let ends = admin.get("password_expire_time").and_then(Value::as_f64).unwrap_or(now);
        self.db.put(Collection::Users, user);
        now >= ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::release::Release;
    use serde_json::json;

    const NOW: f64 = 1000.0;

    fn state() -> State {
        State::empty(Release::R19, Profile::instant(), 1)
    }

    #[test]
    fn an_account_without_an_end_ends_ninety_days_after_its_log_in() {
        let user = json!({"_id": "u", "username": "u", "_admin": {"user_status": "active"}});
        let user = state().check_account(user, NOW).unwrap();
        assert_eq!(user["_admin"]["account_expire_time"], NOW + 90.0 * 86_400.0);
    }

    #[test]
    fn an_administrators_log_in_marks_the_accounts_past_their_end() {
        let mut state = state();
        for (id, end) in [("a", 999.0), ("b", NOW), ("c", 1001.0)] {
            let admin = json!({"user_status": "active", "account_expire_time": end});
            let user = json!({"_id": id, "username": id, "_admin": admin});
            state.db.put(Collection::Users, user);
        }
        state.look_after_accounts(NOW);
        let status = |id: &str| {
            let user = state.db.get(Collection::Users, id).unwrap();
            user["_admin"]["user_status"].as_str().unwrap().to_owned()
        };
        assert_eq!(["a", "b", "c"].map(status), ["expired", "active", "active"]);
    }

    #[test]
    fn failed_attempts_lock_an_account_where_they_are_managed_and_never_the_first_one() {
        for (release, username, is_locked) in [
            (Release::R19, "u", true),
            (Release::R19, "admin", false),
            (Release::R19Recorded, "u", false),
        ] {
            let mut state = State::empty(release, Profile::instant(), 1);
            let admin = json!({"user_status": "active", "retry_count": ATTEMPTS_MAX});
            let user = json!({"_id": "u", "username": username, "_admin": admin});
            let refusal = state.check_password(user, "wrong").unwrap_err();
            assert_eq!(refusal.detail == LOCKED, is_locked, "{release:?} {username}");
        }
    }

    #[test]
    fn an_account_is_refused_for_what_it_is_marked_as() {
        for (status, refusal) in [
            ("active", None),
            ("locked", Some(LOCKED)),
            ("expired", Some("Failed to login as the account is expired")),
        ] {
            let admin = json!({"user_status": status, "account_expire_time": NOW});
            let user = json!({"_id": "u", "username": "u", "_admin": admin});
            let got = state().check_account(user, NOW).err().map(|problem| problem.detail);
            assert_eq!(got.as_deref(), refusal, "{status}");
        }
    }
}
