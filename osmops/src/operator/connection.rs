//! Where OSM is: from a Secret, or from a repository's connection file.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::{Api, Client};

use crate::failure::chain;
use crate::nbi::{Authorities, Connection, Hostname};
use crate::repo::{OpsConfig, read_connection_file};
use crate::secret::Secret;
use crate::tree::{Tree, TreePath};

use super::end::{End, Reason};
use super::names::Name;

/// The longest connection file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads an OsmDeployment's Secret.
///
/// # Errors
/// Why there is no connection, naming the Secret and never what is in it.
pub(super) async fn of_secret(client: &Client, name: &Name) -> Result<Connection, End> {
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), &name.namespace);
    match api.get_opt(&name.name).await {
        Ok(Some(secret)) => read_secret(name, &secret)
            .map_err(|message| End::stalled(Reason::AuthenticationFailed, message)),
        Ok(None) => {
            let message = format!("Secret/{name} with the connection to OSM is not there");
            Err(End::awaits(Reason::AuthenticationFailed, message))
        }
        Err(error) => {
            let message = format!("cannot read Secret/{name}: {}", chain(&error));
            Err(End::failed(Reason::AuthenticationFailed, message))
        }
    }
}

fn read_secret(name: &Name, secret: &KubeSecret) -> Result<Connection, String> {
    let data = secret.data.as_ref();
    let text = |key: &str| -> Result<Option<String>, String> {
        let Some(bytes) = data.and_then(|data| data.get(key)) else { return Ok(None) };
        let text = std::str::from_utf8(&bytes.0)
            .map_err(|_| format!("Secret/{name}: `{key}` is no text"))?;
        // Made from a file, a value ends with the file's line break.
        let text = text.trim_end_matches(['\r', '\n']);
        Ok((!text.is_empty()).then(|| text.to_owned()))
    };
    let (hostname, project) = (text("hostname")?, text("project")?);
    let (user, password) = (text("user")?, text("password")?);
    let (Some(hostname), Some(project), Some(user), Some(password)) =
        (&hostname, &project, &user, &password)
    else {
        let all = [
            ("hostname", &hostname),
            ("project", &project),
            ("user", &user),
            ("password", &password),
        ];
        let missing = all.iter().filter(|(_, value)| value.is_none());
        let missing: Vec<String> = missing.map(|(key, _)| format!("`{key}`")).collect();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        return Err(format!("Secret/{name}: {} {verb} missing or empty", missing.join(", ")));
    };
    let insecure_skip_verify = match text("insecureSkipVerify")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(format!(
                "Secret/{name}: `insecureSkipVerify` is neither `true` nor `false`"
            ));
        }
    };
    let authorities = text("ca.crt")?
        .map(|pem| Authorities::Text { name: format!("Secret/{name}, `ca.crt`"), pem });
    let base = Connection::parse_address(hostname, Hostname::InFile)
        .map_err(|error| format!("Secret/{name}: `hostname`: {error}"))?;
    Ok(Connection {
        base,
        project: project.clone(),
        user: user.clone(),
        password: Secret::new(password),
        authorities,
        insecure_skip_verify,
    })
}

/// Reads the connection file that a repository names: an absolute path in a folder that the operator was
/// given, or a file of the repository.
///
/// # Errors
/// Why there is no connection, with its place in the repository.
pub(super) fn of_repository(
    config: Option<&OpsConfig>,
    tree: &Tree,
    connection_dir: &Path,
) -> Result<Connection, String> {
    let Some((path, at)) = config.and_then(|config| config.connection_file.as_ref()) else {
        return Err("osm_ops_config.yaml: where is OSM? It names no `connectionFile`".to_owned());
    };
    let (text, folder) = if Path::new(path).is_absolute() {
        let file = inside(connection_dir, Path::new(path))
            .map_err(|reason| format!("{at}: `connectionFile` is `{path}`, {reason}"))?;
        let text = fs_err::read_to_string(&file)
            .map_err(|error| format!("{at}: `connectionFile`: {error}"))?;
        (text, Some(Path::new(path).parent().unwrap_or(connection_dir).to_path_buf()))
    } else {
        let file =
            TreePath::parse(path).and_then(|inside| tree.file(&inside)).ok_or_else(|| {
                format!("{at}: `connectionFile` is `{path}`, but the repository has no such file")
            })?;
        let mut text = String::new();
        let reader = file.open().map_err(|error| format!("{at}: `connectionFile`: {error}"))?;
        std::io::Read::read_to_string(&mut std::io::Read::take(reader, FILE_BYTES_MAX), &mut text)
            .map_err(|error| format!("{at}: `connectionFile`: {error}"))?;
        (text, None)
    };
    let file = read_connection_file(path, &text).map_err(|problems| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    })?;
    let ca_file = file.ca_file.clone();
    let hostname_at = file.hostname.1.clone();
    let mut connection = Connection::from_file(file, Path::new(""))
        .map_err(|error| format!("{hostname_at}: `hostname`: {error}"))?;
    connection.authorities = match ca_file {
        None => None,
        Some(ca_file) => {
            let folder = folder.unwrap_or_else(|| connection_dir.to_path_buf());
            let found = inside(connection_dir, &folder.join(&ca_file))
                .map_err(|reason| format!("{path}: `caFile` is `{ca_file}`, {reason}"))?;
            Some(Authorities::File(found))
        }
    };
    Ok(connection)
}

/// Where a file really is, links resolved, when that is in `folder`.
fn inside(folder: &Path, file: &Path) -> Result<PathBuf, String> {
    let outside = || format!("which is not in {} (--connection-dir)", folder.display());
    // Before it is looked for: nobody learns here which files there are elsewhere.
    let has_dots = file.components().any(|part| part == std::path::Component::ParentDir);
    if has_dots || !file.starts_with(folder) {
        return Err(outside());
    }
    let missing = || "which is not there".to_owned();
    let real_folder = fs_err::canonicalize(folder).map_err(|_| missing())?;
    let real = fs_err::canonicalize(file).map_err(|_| missing())?;
    if real.starts_with(&real_folder) { Ok(real) } else { Err(outside()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreeFile;
    use k8s_openapi::ByteString;

    fn secret(pairs: &[(&str, &str)]) -> KubeSecret {
        let pair = |(key, value): &(&str, &str)| {
            ((*key).to_owned(), ByteString(value.as_bytes().to_vec()))
        };
        KubeSecret { data: Some(pairs.iter().map(pair).collect()), ..KubeSecret::default() }
    }

    #[test]
    fn secrets_hold_what_connection_files_hold() {
        let name = Name::new("ns", "osm");
        let whole = [
            ("hostname", "https://osm:9999\n"),
            ("project", "admin"),
            ("user", "me"),
            ("password", "hunter2\n"),
        ];
        let connection = read_secret(&name, &secret(&whole)).unwrap();
        assert_eq!(connection.base.as_str(), "https://osm:9999/");
        assert_eq!(connection.password.reveal(), "hunter2");
        let check = |pairs: &[(&str, &str)], expected: &str| {
            let message = read_secret(&name, &secret(pairs)).unwrap_err();
            assert_eq!(message, expected);
        };
        check(
            &[("password", "hunter2"), ("hostname", "")],
            "Secret/ns/osm: `hostname`, `project`, `user` are missing or empty",
        );
        check(&whole[..3], "Secret/ns/osm: `password` is missing or empty");
        let mut odd = whole.to_vec();
        odd.push(("insecureSkipVerify", "yes"));
        check(&odd, "Secret/ns/osm: `insecureSkipVerify` is neither `true` nor `false`");
        let mut bad = whole.to_vec();
        bad[0].1 = "ftp://u:hunter2@osm";
        let message = read_secret(&name, &secret(&bad)).unwrap_err();
        assert!(message.starts_with("Secret/ns/osm: `hostname`: ") && !message.contains("hunter2"));
    }

    const FILE: &str = "hostname: osm:9999\nproject: p\nuser: u\npassword: s\n";

    /// What becomes of a repository that names `connection_file`.
    fn of(connection_file: &str, dir: &Path) -> Result<Connection, String> {
        let file = |path: &str, text: &str| {
            (TreePath::parse(path).unwrap(), TreeFile::in_memory(text.to_owned(), false))
        };
        let config = format!("connectionFile: {connection_file}\n");
        let tree = Tree::from_files([file("osm_ops_config.yaml", &config), file("nbi.yaml", FILE)]);
        of_repository(crate::repo::Repo::read(&tree).config.as_ref(), &tree, dir)
    }

    #[test]
    fn connection_files_are_read_in_the_given_folder_or_the_repository_and_nowhere_else() {
        let outside = tempfile::tempdir().unwrap();
        let dir = outside.path().join("etc");
        fs_err::create_dir_all(dir.join("..data")).unwrap();
        fs_err::write(dir.join("..data/nbi.yaml"), FILE).unwrap();
        fs_err::write(outside.path().join("other.yaml"), FILE).unwrap();
        let link = |target: &Path, name: &str| {
            fs_err::os::unix::fs::symlink(target, dir.join(name)).unwrap();
        };
        // As Kubernetes mounts a Secret.
        link(Path::new("..data/nbi.yaml"), "nbi.yaml");
        link(&outside.path().join("other.yaml"), "link.yaml");
        let path = |name: &str| dir.join(name).display().to_string();
        assert_eq!(of(&path("nbi.yaml"), &dir).unwrap().base.as_str(), "http://osm:9999/");
        assert_eq!(of("nbi.yaml", &dir).unwrap().user, "u");
        for (file, reason) in [
            (path("link.yaml"), "which is not in "),
            (path("../other.yaml"), "which is not in "),
            (outside.path().join("other.yaml").display().to_string(), "which is not in "),
            (path("none.yaml"), "which is not there"),
            ("none.yaml".to_owned(), "the repository has no such file"),
            ("../nbi.yaml".to_owned(), "the repository has no such file"),
        ] {
            let message = of(&file, &dir).unwrap_err();
            assert!(message.starts_with("osm_ops_config.yaml:1:17: "), "{message}");
            assert!(message.contains(reason), "{file}: {message}");
        }
    }
}
