//! Finds out where OSM is: flags, then the environment, then the repository.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use osmops::nbi::{Authorities, Connection, Hostname, Nbi, TimeLimits, Transport};
use osmops::repo::{ConnectionFile, read_connection_file};
use osmops::secret::Secret;
use osmops::tree::TreePath;

use super::arguments::ConnectionFlags;
use super::output;
use super::source::Source;

/// How to give a connection, for messages about a missing one.
const HOW: &str = "give one with --osm-url, --osm-user, --osm-project and --osm-password-file, with \
                   OSM_HOSTNAME, OSM_USER, OSM_PROJECT and OSM_PASSWORD, or with --connection-file";

/// Makes a client for the OSM that flags, environment or repository name. Sends nothing yet.
pub(super) fn connect(flags: &ConnectionFlags, source: &Source) -> anyhow::Result<Nbi> {
    let connection = find(flags, source)?;
    if connection.is_in_the_clear() {
        output::note(&format!(
            "warning: {} is plain http: the password crosses the network in the clear (give an https URL)",
            connection.base
        ));
    }
    let transport = Transport::network(&connection)?;
    let limits = TimeLimits { request: flags.request_timeout, ..TimeLimits::default() };
    Ok(Nbi::new(connection, transport, limits))
}

/// A variable of the environment; an empty one counts as absent.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn find(flags: &ConnectionFlags, source: &Source) -> anyhow::Result<Connection> {
    let address = match (&flags.osm_url, environment("OSM_HOSTNAME")) {
        (Some(url), _) => Some(Connection::parse_address(url, Hostname::InEnvironment)?),
        (None, Some(name)) if flags.connection_file.is_none() => Some(
            Connection::parse_address(&name, Hostname::InEnvironment).context("OSM_HOSTNAME")?,
        ),
        (None, _) => None,
    };
    let from_environment = |name| {
        if flags.connection_file.is_some() { None } else { environment(name) }
    };
    let user = flags.osm_user.clone().or_else(|| from_environment("OSM_USER"));
    let project = flags.osm_project.clone().or_else(|| from_environment("OSM_PROJECT"));
    let password = match &flags.osm_password_file {
        Some(path) => {
            let text = fs_err::read_to_string(path).context("--osm-password-file")?;
            Some(Secret::new(text.trim_end_matches(['\r', '\n'])))
        }
        None => from_environment("OSM_PASSWORD").map(Secret::new),
    };
    let mut connection = match (address, user, project, password) {
        (Some(base), Some(user), Some(project), Some(password)) => Connection {
            base,
            project,
            user,
            password,
            authorities: None,
            insecure_skip_verify: false,
        },
        (address, user, project, password) => {
            let (file, folder) = connection_file(flags, source)?;
            let at = file.hostname.1.clone();
            let declared = Connection::from_file(file, &folder);
            let mut declared = declared.with_context(|| format!("{at}: `hostname`"))?;
            declared.base = address.unwrap_or(declared.base);
            declared.user = user.unwrap_or(declared.user);
            declared.project = project.unwrap_or(declared.project);
            declared.password = password.unwrap_or(declared.password);
            declared
        }
    };
    if let Some(path) = &flags.ca_file {
        connection.authorities = Some(Authorities::File(path.clone()));
    }
    connection.insecure_skip_verify |= flags.insecure_skip_verify;
    Ok(connection)
}

/// The connection file of the flags, or the one that the repository names: absolute (a mounted secret),
/// or relative to its root. With it comes the folder that it lies in.
fn connection_file(
    flags: &ConnectionFlags,
    source: &Source,
) -> anyhow::Result<(ConnectionFile, PathBuf)> {
    if let Some(path) = &flags.connection_file {
        return read_file(path).context("--connection-file");
    }
    let declared = source.revision.config.as_ref().and_then(|c| c.connection_file.as_ref());
    let Some((path, at)) = declared else {
        bail!("where is OSM? The repository names no `connectionFile`; {HOW}");
    };
    if Path::new(path).is_absolute() {
        return read_file(Path::new(path)).map_err(|error| {
            let cause = osmops::failure::chain(error.as_ref());
            anyhow!("{at}: the repository's `connectionFile`: {cause}; or {HOW}")
        });
    }
    let inside = TreePath::parse(path).ok_or_else(|| {
        anyhow!("{at}: `connectionFile` is `{path}`, which leads out of the repository")
    })?;
    let file = source.artifact.tree.file(&inside).ok_or_else(|| {
        anyhow!("{at}: `connectionFile` is `{path}`, but the repository has no such file; or {HOW}")
    })?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file.open()?, &mut text)
        .with_context(|| format!("{inside}: cannot be read"))?;
    let folder = source.artifact.root.join(inside.as_str());
    Ok((parse(inside.as_str(), &text)?, folder_of(&folder)))
}

fn read_file(path: &Path) -> anyhow::Result<(ConnectionFile, PathBuf)> {
    let file = parse(&path.to_string_lossy(), &fs_err::read_to_string(path)?)?;
    Ok((file, folder_of(path)))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or_else(|| Path::new("")).to_path_buf()
}

fn parse(name: &str, text: &str) -> anyhow::Result<ConnectionFile> {
    read_connection_file(name, text).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow!("{}", all.join("\n"))
    })
}
