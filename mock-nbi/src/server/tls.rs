//! The certificate and key that a server shows over TLS.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// Names and addresses that a self-signed certificate is good for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate, its chain and its key. HTTP/2 and HTTP/1.1 are offered by ALPN.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
}

/// Why a certificate and key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate file has no certificate in PEM form.
    #[error("no certificate in PEM form: {message}")]
    Certificate {
        /// What is wrong.
        message: String,
    },
    /// The key file has no private key in PEM form.
    #[error("no private key in PEM form: {message}")]
    Key {
        /// What is wrong.
        message: String,
    },
    /// The two do not belong together, or the library knows no such key.
    #[error("certificate and key cannot be used together: {message}")]
    Unfit {
        /// What is wrong.
        message: String,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {message}")]
    Unmade {
        /// What is wrong.
        message: String,
    },
}

impl TlsIdentity {
    /// A new key, with a certificate of its own for `localhost`, `127.0.0.1` and `::1`.
    ///
    /// # Errors
    /// [`TlsError::Unmade`], when the machine gives no randomness.
    pub fn self_signed() -> Result<Self, TlsError> {
        let names = OWN_NAMES.map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| TlsError::Unmade { message: error.to_string() })?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .map_err(|error| TlsError::Unmade { message: error.to_owned() })?;
        Self::new(vec![made.cert.der().clone()], key)
    }

    /// A certificate (with its chain after it) and its key, both in PEM form.
    ///
    /// # Errors
    /// [`TlsError`] for what is no PEM or does not fit.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError::Certificate { message: error.to_string() })?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| TlsError::Key { message: error.to_string() })?;
        Self::new(chain, key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let unfit = |error: rustls::Error| TlsError::Unfit { message: error.to_string() };
        let certificate = chain
            .first()
            .cloned()
            .ok_or_else(|| TlsError::Certificate { message: "the file holds none".to_owned() })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// The certificate in PEM form, for clients that are to trust it.
    pub fn certificate_pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.certificate);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem + "-----END CERTIFICATE-----\n"
    }

    /// SHA-256 of the certificate as browsers and `openssl x509 -fingerprint` show it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.certificate);
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_reads_back_from_its_pem_and_has_a_fingerprint() {
        let identity = TlsIdentity::self_signed().unwrap();
        let pem = identity.certificate_pem();
        let read = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(read, identity.certificate);
        assert_eq!(identity.fingerprint().len(), 32 * 3 - 1);
    }

    #[test]
    fn what_is_no_certificate_or_key_is_told_apart() {
        let pem = TlsIdentity::self_signed().unwrap().certificate_pem();
        let of = |certificate: &str, key: &str| {
            TlsIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
        };
        assert!(matches!(of(&pem, "nonsense"), TlsError::Key { .. }));
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert!(matches!(of("nonsense", &key), TlsError::Certificate { .. }));
        assert!(matches!(of(&pem, &key), TlsError::Unfit { .. }));
    }
}
