//! What a URL's path is about.

use super::state::{State, Target};

/// The objects or the object that a path names; `None` where there is no such kind.
pub(super) fn target(state: &State, path: &str) -> Option<Target> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        // A namespace itself, unless something in it is named.
        ["namespaces", namespace, plural, rest @ ..] if *plural != "status" => {
            (*namespace, [&[*plural], rest].concat())
        }
        rest => ("", rest.to_vec()),
    };
    let (plural, name, is_status) = match rest.as_slice() {
        [plural] => (*plural, None, false),
        [plural, name] => (*plural, Some((*name).to_owned()), false),
        [plural, name, "status"] => (*plural, Some((*name).to_owned()), true),
        _ => return None,
    };
    let kind = state.kind(group, version, plural)?.clone();
    let fits = (namespace.is_empty() || kind.is_namespaced)
        && (name.is_none() || kind.is_namespaced != namespace.is_empty())
        && (!is_status || kind.has_status);
    let namespace = namespace.to_owned();
    fits.then_some(Target { kind, namespace, name, is_status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_kinds_objects_and_their_status() {
        let state = State::new();
        let check = |path: &str, expected: Option<(&str, &str, Option<&str>, bool)>| {
            let found = target(&state, path);
            let found = found.as_ref().map(|target| {
                (
                    target.kind.kind.as_str(),
                    target.namespace.as_str(),
                    target.name.as_deref(),
                    target.is_status,
                )
            });
            assert_eq!(found, expected, "{path}");
        };
        check("/api/v1/secrets", Some(("Secret", "", None, false)));
        check("/api/v1/namespaces/n/secrets", Some(("Secret", "n", None, false)));
        check("/api/v1/namespaces/n/secrets/s", Some(("Secret", "n", Some("s"), false)));
        check("/api/v1/namespaces", Some(("Namespace", "", None, false)));
        check("/api/v1/namespaces/n", Some(("Namespace", "", Some("n"), false)));
        check("/api/v1/namespaces/n/status", Some(("Namespace", "", Some("n"), true)));
        check(
            "/apis/coordination.k8s.io/v1/namespaces/n/leases/l",
            Some(("Lease", "n", Some("l"), false)),
        );
        check("/api/v1/namespaces/n/secrets/s/status", None);
        check("/api/v1/secrets/s", None);
        check("/apis/coordination.k8s.io/v1/namespaces/n/clusterroles/l", None);
        check("/apis/nope/v1/things", None);
        check("/", None);
    }
}
