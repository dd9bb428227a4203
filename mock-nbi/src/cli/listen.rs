//! Where and how to listen, from the options.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use mock_nbi::{Limits, ServeOptions, TlsIdentity};

use super::arguments::{ListenOptions, Options};

/// # Errors
/// When the options would let strangers in unasked, or do not go together.
pub(super) fn check(options: &Options) -> anyhow::Result<()> {
    let options = &options.listening;
    // A name that cannot be looked up is told when it is looked up again, to listen.
    let addrs = addresses(&options.listen).unwrap_or_default();
    let is_remote = addrs.iter().any(|addr| !addr.ip().is_loopback());
    if is_remote && !options.allow_remote {
        bail!(
            "`--listen {}` is no loopback address: other machines could use this fake. \
             Say `--allow-remote` if they may",
            options.listen
        );
    }
    if !options.listen.contains(':') {
        bail!("`--listen {}` is no HOST:PORT", options.listen);
    }
    Ok(())
}

/// The addresses that `HOST:PORT` stands for, IPv4 first.
///
/// # Errors
/// When the name is unknown or the port none.
pub(super) fn addresses(listen: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let found = listen.to_socket_addrs();
    let mut addrs: Vec<SocketAddr> =
        found.with_context(|| format!("`--listen {listen}`"))?.collect();
    addrs.sort_by_key(SocketAddr::is_ipv6);
    Ok(addrs)
}

/// The certificate to show, when the options ask for TLS.
///
/// # Errors
/// When a file cannot be read or written, or holds no usable certificate or key.
pub(super) fn identity(options: &ListenOptions) -> anyhow::Result<Option<TlsIdentity>> {
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => {
            let both = format!("`{}` and `{}`", certificate.display(), key.display());
            let certificate = fs_err::read(certificate)?;
            let key = fs_err::read(key)?;
            TlsIdentity::from_pem(&certificate, &key).context(both)?
        }
        _ if options.tls => TlsIdentity::self_signed()?,
        _ => return Ok(None),
    };
    if let Some(path) = &options.tls_cert_out {
        fs_err::write(path, identity.certificate_pem())?;
    }
    Ok(Some(identity))
}

/// How to listen on `addr`.
pub(super) fn serve_options(
    options: &ListenOptions,
    addr: SocketAddr,
    identity: Option<TlsIdentity>,
) -> ServeOptions {
    let limits = Limits {
        connections: options.max_connections.get(),
        body_bytes: options.max_body_bytes.get(),
        idle: Duration::from_secs(options.idle_timeout),
        body_idle: Duration::from_secs(options.body_timeout),
        stop: Duration::from_secs(options.stop_timeout),
        ..Limits::default()
    };
    let mut serve = ServeOptions::at(addr).limits(limits);
    if let Some(identity) = identity {
        serve = serve.tls(identity);
    }
    if let Some(token) = options.control_token.as_deref().filter(|token| !token.is_empty()) {
        serve = serve.control_token(token);
    }
    serve
}
