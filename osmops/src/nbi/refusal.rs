//! Why OSM refused: from the status and the words of its answer to what they mean.
//!
//! Source: OSM NBI `nbi.py`, `auth.py`, `base_topic.py`, `descriptor_topics.py`, `instance_topics.py`.
//! Statuses alone do not tell: 401 is a stale token, a missing right or an exceeded quota, and 400 is a
//! mistake of ours or one of the server's own.

use http::StatusCode;

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is unknown, stale or missing; the request was not looked at.
    Token,
    /// The user's roles do not allow it.
    Permission,
    /// The project may not have more of it. Release 8 says so with 401, release 19 with 422.
    Quota,
    /// What was asked for is not there; somebody removed it since it was read.
    Gone,
    /// There is one already; somebody made it since it was looked for.
    AlreadyThere,
    /// The state is not the one that was read.
    StateChanged,
    /// Something else uses it.
    InUse,
    /// The bytes did not arrive as they were sent.
    Damaged,
    /// Another conflict.
    Conflict,
    /// More bytes than OSM, or what stands before it, takes.
    TooLarge,
    /// Not now.
    Busy,
    /// The server failed inside, whatever status it chose.
    ServerFault,
    /// The request is not one that OSM takes.
    Invalid,
}

impl Refusal {
    /// Reads one answer.
    pub(super) fn of(status: StatusCode, detail: &str) -> Self {
        let text = detail.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match status.as_u16() {
            401 if says(&["token or authorization http header"]) => Refusal::Token,
            401 | 422 if says(&["quota ("]) => Refusal::Quota,
            401 | 403 => Refusal::Permission,
            404 => Refusal::Gone,
            409 if says(&["md5 mismatch"]) => Refusal::Damaged,
            409 if says(&["already exists"]) => Refusal::AlreadyThere,
            409 if says(&["instantiated"]) => Refusal::StateChanged,
            409 if says(&["there is at least one", "in use"]) => Refusal::InUse,
            409 => Refusal::Conflict,
            413 => Refusal::TooLarge,
            422 if says(&["disallowed changes"]) => Refusal::InUse,
            429 | 503 => Refusal::Busy,
            400 if says(&PYTHON_ERRORS) => Refusal::ServerFault,
            500.. => Refusal::ServerFault,
            _ => Refusal::Invalid,
        }
    }

    /// Whether the next pass may fare better with nobody's help: it reads first, so what was taken from a
    /// stale reading is put right.
    pub fn may_pass(self) -> bool {
        match self {
            Refusal::Token
            | Refusal::Gone
            | Refusal::AlreadyThere
            | Refusal::StateChanged
            | Refusal::Damaged
            | Refusal::Busy
            | Refusal::ServerFault => true,
            Refusal::Permission
            | Refusal::Quota
            | Refusal::InUse
            | Refusal::Conflict
            | Refusal::TooLarge
            | Refusal::Invalid => false,
        }
    }

    /// What the reader can do about it, where there is something to say.
    pub fn help(self) -> Option<&'static str> {
        Some(match self {
            Refusal::Permission => {
                "the user's roles in this project do not allow it: ask OSM's administrator for the right"
            }
            Refusal::Quota => {
                "the project is full: ask OSM's administrator for a larger quota, or remove what is not \
                 needed from the project"
            }
            Refusal::InUse => {
                "OSM refuses this while NS instances use the package: give a VNFD another `software-version`, or \
                 terminate them first; before a VNFD is deleted, delete the NSDs that name it"
            }
            Refusal::TooLarge => {
                "make the package smaller, or let OSM and any proxy before it take larger uploads"
            }
            Refusal::ServerFault => "OSM failed inside: the log of its NBI tells more",
            Refusal::Token
            | Refusal::Gone
            | Refusal::AlreadyThere
            | Refusal::StateChanged
            | Refusal::Damaged
            | Refusal::Conflict
            | Refusal::Busy
            | Refusal::Invalid => return None,
        })
    }
}

/// The NBI answers 400 with the bare text of any Python error. A lone `'key'` is one too, but comes of
/// what was sent, and would come again.
const PYTHON_ERRORS: [&str; 6] = [
    "object has no attribute",
    "object is not",
    "'nonetype'",
    "index out of range",
    "positional argument",
    "database exception",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_status_has_several_meanings() {
        let check = |status: u16, detail: &str, expected: Refusal| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Refusal::of(status, detail), expected, "{status} {detail}");
        };
        check(401, "Expired Token or Authorization HTTP header", Refusal::Token);
        check(401, "Access denied: lack of permissions.", Refusal::Permission);
        check(401, "quota (ns_instances=500) exceeded", Refusal::Quota);
        check(422, "quota (ns_instances=500) exceeded", Refusal::Quota);
        check(422, "Format error at 'a' 'x' ", Refusal::Invalid);
        check(422, "cannot be modified, there are disallowed changes in the", Refusal::InUse);
        check(400, "'RequestBody' object has no attribute 'get'", Refusal::ServerFault);
        check(400, "'df'", Refusal::Invalid);
        check(404, "Not found any nsr with filter='{}'", Refusal::Gone);
        check(409, "vnfd with id 'x' already exists for this project", Refusal::AlreadyThere);
        check(409, "ns_instance 'x' cannot be 'action' because it is not", Refusal::Conflict);
        check(
            409,
            "ns_instance 'x' cannot be 'action' because it is not instantiated",
            Refusal::StateChanged,
        );
        check(409, "There is at least one NS package referencing this descriptor", Refusal::InUse);
        check(409, "Error, MD5 mismatch", Refusal::Damaged);
        check(413, "", Refusal::TooLarge);
        check(503, "", Refusal::Busy);
        check(500, "", Refusal::ServerFault);
    }

    #[test]
    fn what_a_reader_can_do_is_said_where_there_is_something_to_do() {
        for (refusal, word) in [
            (Refusal::Permission, "administrator"),
            (Refusal::Quota, "larger quota"),
            (Refusal::InUse, "software-version"),
            (Refusal::TooLarge, "smaller"),
            (Refusal::ServerFault, "log"),
        ] {
            assert!(refusal.help().is_some_and(|help| help.contains(word)), "{refusal:?}");
        }
        for refusal in [Refusal::Token, Refusal::Gone, Refusal::Busy, Refusal::Invalid] {
            assert_eq!(refusal.help(), None, "{refusal:?}");
        }
    }
}
