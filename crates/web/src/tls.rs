//! The gate's own TLS: a certificate chain and its key, and handshakes that end in time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::{ExposeSecret, SecretString};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// For a handshake, from the first byte to the last.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the gate shows to callers who speak TLS. A clone is another handle of the same one.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why a certificate is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// The chain is no list of certificates.
    #[error("the certificate file holds no certificate that can be read as PEM")]
    Chain(#[source] pem::Error),
    /// The key is no private key.
    #[error("the key file holds no private key that can be read as PEM")]
    Key(#[source] pem::Error),
    /// The two do not belong together, or are of a sort that is not supported.
    #[error("certificate and key do not work together: {0}")]
    Pair(rustls::Error),
}

impl Tls {
    /// Reads a certificate chain, the gate's own first, and its private key.
    pub fn from_pem(chain: &[u8], key: &SecretString) -> Result<Self, BadCertificate> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|all| if all.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(all) })
            .map_err(BadCertificate::Chain)?;
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
            .map_err(BadCertificate::Key)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(BadCertificate::Pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(BadCertificate::Pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands; `None` if that fails or takes too long.
    pub(crate) async fn accept<S>(&self, socket: S) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.accept(socket)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => None,
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, SecretString) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem().into())
    }

    #[test]
    fn a_certificate_and_its_own_key_are_needed() {
        let (chain, key) = pair();
        let (_, other_key) = pair();
        let no_key = SecretString::from(chain.clone());
        assert!(Tls::from_pem(chain.as_bytes(), &key).is_ok());
        let fails = |chain: &str, key: &SecretString| {
            let error = Tls::from_pem(chain.as_bytes(), key).unwrap_err();
            assert!(!format!("{error}{error:?}").contains("PRIVATE"), "{error:?}");
            error
        };
        assert!(matches!(fails(&chain, &other_key), BadCertificate::Pair(_)));
        assert!(matches!(fails(&chain, &no_key), BadCertificate::Key(_)));
        assert!(matches!(fails("", &key), BadCertificate::Chain(_)));
        assert!(matches!(fails("no certificate", &key), BadCertificate::Chain(_)));
        let broken = chain.replacen('M', "*", 1);
        assert!(matches!(fails(&broken, &key), BadCertificate::Chain(_) | BadCertificate::Pair(_)));
    }
}
