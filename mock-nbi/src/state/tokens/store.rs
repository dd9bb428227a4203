//! Where tokens are kept, and what was found out about them since they were last used.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::problem::Problem;
use crate::state::db::{list, set, text};
use crate::state::kept::{IS_THERE, Kept, Written, entry_json};
use crate::state::rights::Rights;

/// Text of the 401 for a request without token.
const NEEDED: &str = "Needed a token or Authorization http header";
const INVALID: &str = "Invalid Token or Authorization HTTP header";
const EXPIRED: &str = "Expired Token or Authorization HTTP header";

/// How many tokens past their time are kept, so that each is called expired rather than invalid
/// "again and again"; OSM drops them when it starts.
const EXPIRED_MAX: usize = 10_000;
/// How many tokens OSM remembers rights of. Source: OSM NBI `auth.py`, `token_limit`.
const REMEMBERED_MAX: usize = 500;

/// Every token, in the order in which they were made, which is that in which they expire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    tokens: BTreeMap<u64, Value>,
    numbers: HashMap<String, u64>,
    by_user: HashMap<String, BTreeSet<u64>>,
    last_number: u64,
    written: Written,
    /// Tokens with smaller numbers were past their time when they were last looked at ...
    good_from: u64,
    /// ... and that many of them are kept.
    expired: usize,
    /// Rights that were looked up at the last use, until users, projects or roles change.
    remembered: HashMap<String, Rights>,
}

impl Tokens {
    /// Keeps a new token, and drops the oldest of too many that are past their time.
    pub(crate) fn add(&mut self, token: Value, now: f64) {
        self.put(self.last_number + 1, token);
        self.count_expired(now);
        while self.expired > EXPIRED_MAX {
            let Some((_, oldest)) = self.tokens.first_key_value() else {
                return;
            };
            let id = text(oldest, "_id").to_owned();
            self.remove(&id);
        }
    }

    fn put(&mut self, number: u64, token: Value) {
        self.written.note(number);
        self.last_number = number;
        self.numbers.insert(text(&token, "_id").to_owned(), number);
        self.by_user.entry(text(&token, "user_id").to_owned()).or_default().insert(number);
        self.tokens.insert(number, token);
    }

    /// Moves on to the first token that is not past its time.
    fn count_expired(&mut self, now: f64) {
        let fresh = self.tokens.range(self.good_from..);
        for (number, token) in fresh {
            self.good_from = *number;
            if !is_expired(token, now) {
                break;
            }
            self.expired += 1;
            self.good_from += 1;
        }
    }

    /// The token with this id, if it is good.
    ///
    /// # Errors
    /// 401 with what is wrong, as `Www-Authenticate` too.
    pub(crate) fn authenticate(&self, id: Option<&str>, now: f64) -> Result<Value, Problem> {
        let id = id.ok_or_else(|| Problem::token_wanted(NEEDED))?;
        let token = self.get(id).ok_or_else(|| Problem::token_wanted(INVALID))?;
        if is_expired(token, now) {
            return Err(Problem::token_wanted(EXPIRED));
        }
        let mut token = token.clone();
        if let Some(rights) = self.remembered.get(id) {
            set(&mut token, "admin", rights.is_admin);
            set(&mut token, "allow_show_user_project_role", rights.sees_everyone);
        }
        Ok(token)
    }

    /// Notes what a token was found to be allowed; OSM shows it with the token at `/osm/`.
    pub(crate) fn remember(&mut self, id: &str, rights: Rights) {
        if self.remembered.len() > REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.insert(id.to_owned(), rights);
    }

    /// Forgets what tokens were allowed, as OSM does when users, projects or roles change.
    pub(crate) fn forget_rights(&mut self) {
        self.remembered.clear();
    }

    /// Tokens of one user that are still good, oldest first.
    pub(crate) fn of_user(&self, user_id: &str, now: f64) -> Vec<Value> {
        self.by_user
            .get(user_id)
            .into_iter()
            .flatten()
            .filter_map(|number| self.tokens.get(number))
            .filter(|token| !is_expired(token, now))
            .cloned()
            .collect()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.tokens.get(self.numbers.get(id)?)
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.remembered.remove(id);
        let Some(number) = self.numbers.remove(id) else {
            return false;
        };
        self.written.note(number);
        if number < self.good_from {
            self.expired = self.expired.saturating_sub(1);
        }
        if let Some(token) = self.tokens.remove(&number)
            && let Some(numbers) = self.by_user.get_mut(text(&token, "user_id"))
        {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.by_user.remove(text(&token, "user_id"));
            }
        }
        true
    }

    /// Takes back every token of a user.
    pub(crate) fn remove_of_user(&mut self, user_id: &str) {
        for token in self.matching(|token| text(token, "user_id") == user_id) {
            self.remove(&token);
        }
    }

    /// Takes back every token for a project.
    pub(crate) fn remove_of_project(&mut self, project_id: &str) {
        for token in self.matching(|token| text(token, "project_id") == project_id) {
            self.remove(&token);
        }
    }

    /// Takes back every token that has a role.
    pub(crate) fn remove_of_role(&mut self, role_id: &str) {
        let has_role =
            |token: &Value| list(token, "roles").iter().any(|role| text(role, "id") == role_id);
        for token in self.matching(has_role) {
            self.remove(&token);
        }
    }

    fn matching(&self, is_wanted: impl Fn(&Value) -> bool) -> Vec<String> {
        self.tokens
            .values()
            .filter(|token| is_wanted(token))
            .map(|token| text(token, "_id").to_owned())
            .collect()
    }

    /// Makes a token past its time; says whether it exists.
    pub(crate) fn expire(&mut self, id: &str, now: f64) -> bool {
        let Some(number) = self.numbers.get(id).copied() else {
            return false;
        };
        let Some(token) = self.tokens.get_mut(&number) else {
            return false;
        };
        self.written.note(number);
        token["expires"] = json!(now - 1.0);
        self.remembered.remove(id);
        true
    }

    /// Forgets every token, as when the NBI keeps them in memory and restarts.
    pub(crate) fn forget_all(&mut self) {
        let mut written = std::mem::take(&mut self.written);
        self.tokens.keys().for_each(|number| written.note(*number));
        *self = Self { last_number: self.last_number, written, ..Self::default() };
    }

    /// Makes every token past its time.
    pub(crate) fn expire_all(&mut self, now: f64) {
        for (number, token) in &mut self.tokens {
            self.written.note(*number);
            token["expires"] = json!(now - 1.0);
        }
        self.remembered.clear();
    }
}

impl Kept for Tokens {
    fn track(&mut self) {
        self.written.track();
    }

    fn each(&self, each: &mut dyn FnMut(u64, Vec<u8>)) {
        self.tokens.iter().for_each(|(number, token)| each(*number, entry_json(token)));
    }

    fn take_written(&mut self) -> Vec<(u64, Option<Vec<u8>>)> {
        let written = self.written.take().into_iter();
        written.map(|number| (number, self.tokens.get(&number).map(entry_json))).collect()
    }

    fn place(&mut self, number: u64, entry: Value) -> Result<(), String> {
        let id = text(&entry, "_id");
        if id.is_empty() || number <= self.last_number || self.numbers.contains_key(id) {
            return Err(IS_THERE.to_owned());
        }
        self.put(number, entry);
        Ok(())
    }
}

fn is_expired(token: &Value, now: f64) -> bool {
    token.get("expires").and_then(Value::as_f64).unwrap_or_default() < now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize) -> Value {
        json!({"_id": number.to_string(), "user_id": "u", "project_id": "p", "expires": 10.0})
    }

    #[test]
    fn expired_tokens_do_not_grow_without_end_and_good_ones_all_stay() {
        let mut tokens = Tokens::default();
        for number in 0..(EXPIRED_MAX + 50) {
            tokens.add(token(number), 5.0);
        }
        assert_eq!(tokens.tokens.len(), EXPIRED_MAX + 50);
        tokens.add(token(usize::MAX), 11.0);
        assert_eq!(tokens.tokens.len(), EXPIRED_MAX);
        assert!(tokens.get("0").is_none());
        assert_eq!(tokens.numbers.len(), EXPIRED_MAX);
        assert_eq!(tokens.by_user["u"].len(), EXPIRED_MAX);
    }

    #[test]
    fn rights_are_remembered_until_there_are_more_than_so_many() {
        let mut tokens = Tokens::default();
        for number in 0..REMEMBERED_MAX + 2 {
            tokens.add(token(number), 5.0);
        }
        let shows_rights = |tokens: &Tokens, number: usize| {
            let token = tokens.authenticate(Some(&number.to_string()), 5.0).unwrap();
            token.get("allow_show_user_project_role").is_some()
        };
        for number in 0..=REMEMBERED_MAX {
            tokens.remember(&number.to_string(), Rights { is_admin: true, sees_everyone: true });
        }
        assert!((0..=REMEMBERED_MAX).all(|number| shows_rights(&tokens, number)));
        let last = REMEMBERED_MAX + 1;
        tokens.remember(&last.to_string(), Rights { is_admin: true, sees_everyone: true });
        assert!(!shows_rights(&tokens, 0) && shows_rights(&tokens, last));
    }

    #[test]
    fn when_all_are_forgotten_that_is_written_and_so_is_what_comes_after() {
        let mut tokens = Tokens::default();
        tokens.track();
        tokens.add(token(1), 5.0);
        tokens.add(token(2), 5.0);
        assert_eq!(tokens.take_written().len(), 2);
        tokens.forget_all();
        assert_eq!(tokens.take_written(), [(1, None), (2, None)]);
        tokens.add(token(3), 5.0);
        let written = tokens.take_written();
        assert_eq!(written.len(), 1);
        assert_eq!(written[0].0, 3, "a number is given once");
        assert!(written[0].1.is_some());
    }

    #[test]
    fn rights_are_shown_until_they_are_forgotten() {
        let mut tokens = Tokens::default();
        tokens.add(token(1), 5.0);
        tokens.remember("1", Rights { is_admin: true, sees_everyone: true });
        let shown = |tokens: &Tokens| tokens.authenticate(Some("1"), 5.0).unwrap()["admin"].clone();
        assert_eq!(shown(&tokens), json!(true));
        tokens.forget_rights();
        assert_eq!(shown(&tokens), Value::Null);
    }

    #[test]
    fn tokens_for_a_project_go_with_it() {
        let mut tokens = Tokens::default();
        for (id, project) in [("a", "p"), ("b", "q")] {
            let token = json!({"_id": id, "user_id": "u", "project_id": project, "expires": 10.0});
            tokens.add(token, 5.0);
        }
        tokens.remove_of_project("p");
        assert!(tokens.get("a").is_none() && tokens.get("b").is_some());
    }

    #[test]
    fn a_good_token_that_is_taken_back_is_none_of_those_past_their_time() {
        let good = |id: &str, expires: f64| json!({"_id": id, "user_id": "u", "expires": expires});
        let mut tokens = Tokens::default();
        for number in 0..EXPIRED_MAX {
            tokens.add(token(number), 5.0);
        }
        tokens.add(good("first", 100.0), 11.0);
        assert!(tokens.remove("first"));
        tokens.add(good("second", 100.0), 11.0);
        assert!(tokens.get("0").is_some(), "there are as many as may be");
        tokens.add(good("third", 200.0), 101.0);
        assert!(tokens.get("0").is_none() && tokens.get("1").is_some());
    }

    #[test]
    fn a_token_is_placed_once_in_order_and_not_without_an_id() {
        let mut tokens = Tokens::default();
        assert_eq!(tokens.place(2, token(1)), Ok(()));
        for (number, entry) in
            [(2, token(2)), (1, token(2)), (3, token(1)), (3, json!({"user_id": "u"}))]
        {
            assert!(tokens.place(number, entry.clone()).is_err(), "{number} {entry}");
        }
        assert_eq!(tokens.place(3, token(2)), Ok(()));
    }

    #[test]
    fn a_token_is_good_until_its_time_is_past() {
        let mut tokens = Tokens::default();
        tokens.add(token(1), 5.0);
        assert!(tokens.authenticate(Some("1"), 10.0).is_ok());
        let refusal = tokens.authenticate(Some("1"), 10.5).unwrap_err();
        assert_eq!(refusal, Problem::token_wanted(EXPIRED));
    }
}
