//! How to look by hand at a fake that is left running: lines to paste into a shell.
//!
//! Pure but for looking which programs lie beside this one.

use crate::repository::Place;
use crate::target::Target;
use crate::target::http::find_beside;
use crate::world::World;

/// Lines for a person; none when the target is no process of ours.
pub fn look_by_hand(world: &World, target: &Target) -> Vec<String> {
    let Some(process) = &target.process else {
        return Vec::new();
    };
    if !process.is_kept {
        return vec![
            "The fake OSM ends now. With KEEP=1 (as in `KEEP=1 make demo`) or --keep it is left running,"
                .to_owned(),
            "with lines to paste for a look at it by hand.".to_owned(),
        ];
    }
    let base = target.connection.base.as_str().trim_end_matches('/');
    let (user, project) = (&target.connection.user, &target.connection.project);
    let password = target.connection.password.reveal();
    let mut lines = vec![
        format!(
            "The fake OSM is left running as process {}. Ask it for its NS instances:",
            process.pid
        ),
        String::new(),
        format!(
            "  TOKEN=$(curl -s {base}/osm/admin/v1/tokens -H 'Content-Type: application/json' \\"
        ),
        format!(
            "    -d '{{\"username\": \"{user}\", \"password\": \"{password}\", \"project_id\": \"{project}\"}}' | awk '/^id:/ {{print $2}}')"
        ),
        format!(
            "  curl -s {base}/osm/nslcm/v1/ns_instances -H 'Accept: application/json' -H \"Authorization: Bearer $TOKEN\""
        ),
        String::new(),
        "What would OSM Ops do about the last commit now? Nothing; change a file and see:"
            .to_owned(),
        String::new(),
    ];
    if let Some(plan) = plan_line(world) {
        lines.push(format!(
            "  export OSM_HOSTNAME={base} OSM_USER={user} OSM_PASSWORD={password} OSM_PROJECT={project}"
        ));
        lines.push(format!("  {plan}"));
        lines.push(String::new());
    }
    lines.push(format!("Every request so far: curl -s {base}/_mock/journal"));
    lines.push(format!("Its log: {}", process.log.display()));
    lines.push(format!("Stop it: kill {}", process.pid));
    lines
}

/// `osmops plan` on the last tag of the script.
fn plan_line(world: &World) -> Option<String> {
    let tag = world.script.tags().last()?.value;
    let program = match find_beside("osmops") {
        Ok(path) => quoted(&path.to_string_lossy()),
        Err(_) => "cargo run -q -p osmops --".to_owned(),
    };
    Some(plan_of(&world.checkout(tag).place, tag, &program))
}

fn plan_of(place: &Place, tag: &str, program: &str) -> String {
    match place {
        Place::Folder(path) => format!("{program} plan {}", quoted(&path.to_string_lossy())),
        Place::Git(path) => {
            let path = quoted(&path.to_string_lossy());
            format!("{} | {program} plan -", archive(&path, tag))
        }
        Place::Url(url) => {
            let (url, archive) = (quoted(url), archive("$CLONE", tag));
            format!(
                "CLONE=$(mktemp -d) && git clone -q --bare {url} $CLONE && {archive} | {program} plan -"
            )
        }
    }
}

/// The files of a tag of the Git repository in `folder`, as Flux would bring them.
fn archive(folder: &str, tag: &str) -> String {
    format!("git -C {folder} archive --format=tar.gz {}", quoted(&format!("refs/tags/{tag}")))
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@=+,".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_line_reads_the_tag_where_it_is() {
        let line = |place| plan_of(&place, "v1", "osmops");
        assert_eq!(line(Place::Folder("/t/v 1".into())), "osmops plan '/t/v 1'");
        assert_eq!(
            line(Place::Git("/r".into())),
            "git -C /r archive --format=tar.gz refs/tags/v1 | osmops plan -"
        );
        assert_eq!(
            line(Place::Url("https://h/r?a".to_owned())),
            "CLONE=$(mktemp -d) && git clone -q --bare 'https://h/r?a' $CLONE \
             && git -C $CLONE archive --format=tar.gz refs/tags/v1 | osmops plan -"
        );
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("/a/b-1.c"), "/a/b-1.c");
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
