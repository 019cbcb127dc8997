//! The server's certificate: from PEM files, or made at start for trying TLS out. It can be replaced while the server
//! runs, without ending a connection.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::RwLock;
use rustls::{
    InconsistentKeys,
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use x509_cert::{Certificate, der::Decode as _};

use crate::named_file;

/// Names that a self-signed certificate is valid for.
const SELF_SIGNED_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    SelfSigned,
    Files { certificate: PathBuf, key: PathBuf },
}

/// Why the certificate cannot be used: one line that names the file.
#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{} has no certificate in PEM format", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} is not a certificate: {reason}", path.display())]
    Malformed { path: PathBuf, reason: String },
    #[error("the certificate in {} expired on {expired}", path.display())]
    Expired { path: PathBuf, expired: String },
    #[error("the certificate in {} is not valid before {begins}", path.display())]
    NotYetValid { path: PathBuf, begins: String },
    #[error("the key in {} is of a kind that TLS does not use: {reason}", path.display())]
    UnusableKey { path: PathBuf, reason: String },
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    KeyMismatch { key: PathBuf, certificate: PathBuf },
    #[error("cannot make a self-signed certificate: {0}")]
    SelfSigned(String),
}

/// The certificate for new connections.
#[derive(Debug)]
pub struct CurrentCertificate {
    source: CertificateSource,
    current: RwLock<Arc<CertifiedKey>>,
}

impl CurrentCertificate {
    pub fn load(source: CertificateSource) -> Result<Self, CertificateError> {
        let current = RwLock::new(Arc::new(load(&source)?));
        Ok(Self { source, current })
    }

    /// Reads the files again. After an error the present certificate stays.
    pub fn reload(&self) -> Result<(), CertificateError> {
        // A self-signed certificate would only be replaced by another one that no one trusts.
        if let CertificateSource::Files { .. } = self.source {
            let new = Arc::new(load(&self.source)?);
            *self.current.write() = new;
        }
        Ok(())
    }

    /// SHA-256 of the certificate, as browsers and `openssl x509 -fingerprint` show it.
    pub fn fingerprint(&self) -> String {
        let current = self.current.read();
        let certificate = current.cert.first().map_or(&[][..], |first| first.as_ref());
        let mut text = String::new();
        for byte in Sha256::digest(certificate) {
            let separator = if text.is_empty() { "" } else { ":" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{byte:02X}");
        }
        text
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().clone())
    }
}

fn load(source: &CertificateSource) -> Result<CertifiedKey, CertificateError> {
    match source {
        CertificateSource::SelfSigned => self_signed(),
        CertificateSource::Files { certificate, key } => from_files(certificate, key),
    }
}

fn self_signed() -> Result<CertifiedKey, CertificateError> {
    let failed = |error: &dyn std::fmt::Display| CertificateError::SelfSigned(error.to_string());
    let made = rcgen::generate_simple_self_signed(SELF_SIGNED_NAMES.map(str::to_owned))
        .map_err(|error| failed(&error))?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(|error| failed(&error))?;
    let key = any_supported_type(&key).map_err(|error| failed(&error))?;
    Ok(CertifiedKey::new(vec![made.cert.der().clone()], key))
}

fn from_files(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let unreadable = |path: &Path, reason: String| CertificateError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let read =
        |path: &Path| named_file::read(path).map_err(|error| unreadable(path, error.to_string()));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(certificate, pem_reason(&error)))?;
    let Some(leaf) = chain.first() else {
        return Err(CertificateError::NoCertificate(certificate.to_owned()));
    };
    check_validity(certificate, leaf)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| unreadable(key, pem_reason(&error)))?;
    let private = any_supported_type(&private).map_err(|error| CertificateError::UnusableKey {
        path: key.to_owned(),
        reason: error.to_string(),
    })?;
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        // It is unknown whether the key fits, because its kind does not reveal the public key; a handshake will show
        // it.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(_) => Err(CertificateError::KeyMismatch {
            key: key.to_owned(),
            certificate: certificate.to_owned(),
        }),
    }
}

fn check_validity(path: &Path, leaf: &CertificateDer<'_>) -> Result<(), CertificateError> {
    let malformed = |error: &dyn std::fmt::Display| CertificateError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let parsed = Certificate::from_der(leaf).map_err(|error| malformed(&error))?;
    let validity = parsed.tbs_certificate.validity;
    let now = SystemTime::now();
    if validity.not_after.to_date_time().to_system_time() < now {
        return Err(CertificateError::Expired {
            path: path.to_owned(),
            expired: validity.not_after.to_string(),
        });
    }
    if validity.not_before.to_date_time().to_system_time() > now {
        return Err(CertificateError::NotYetValid {
            path: path.to_owned(),
            begins: validity.not_before.to_string(),
        });
    }
    Ok(())
}

fn pem_reason(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it contains no key in PEM format".to_owned(),
        error => format!("it is not PEM: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    struct Files {
        directory: TempDir,
    }

    impl Files {
        fn new() -> Self {
            Self {
                directory: TempDir::new().expect("a directory"),
            }
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            fs::write(&path, text).expect("written");
            path
        }
    }

    fn pair(change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
        change(&mut params);
        let certificate = params.self_signed(&key).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn refusal(certificate: &str, key: &str) -> String {
        let files = Files::new();
        let source = CertificateSource::Files {
            certificate: files.write("cert.pem", certificate),
            key: files.write("key.pem", key),
        };
        let error = CurrentCertificate::load(source).expect_err("refused");
        error.to_string()
    }

    #[test]
    fn files_that_do_not_fit_are_refused_with_the_reason() {
        let (good, key) = pair(|_| ());
        let (_, other_key) = pair(|_| ());
        let (expired, expired_key) = pair(|params| params.not_after = date_time_ymd(2001, 2, 3));
        let (future, future_key) = pair(|params| params.not_before = date_time_ymd(2900, 2, 3));
        let cases = [
            (&*good, &*other_key, "does not belong to the certificate"),
            (&expired, &expired_key, "expired on 2001-02-03"),
            (&future, &future_key, "is not valid before 2900-02-03"),
            (&good, "", "it contains no key in PEM format"),
            ("", &key, "has no certificate in PEM format"),
        ];
        for (certificate, key, reason) in cases {
            let said = refusal(certificate, key);
            assert!(said.contains(reason), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let source = CertificateSource::Files {
            certificate: "/nowhere/cert.pem".into(),
            key: "/nowhere/key.pem".into(),
        };
        let error = CurrentCertificate::load(source).expect_err("refused");
        assert!(error.to_string().contains("/nowhere/cert.pem"), "{error}");
    }

    #[test]
    fn a_new_certificate_is_taken_and_a_bad_one_leaves_the_old() {
        let files = Files::new();
        let (first, first_key) = pair(|_| ());
        let (second, second_key) = pair(|_| ());
        let source = CertificateSource::Files {
            certificate: files.write("cert.pem", &first),
            key: files.write("key.pem", &first_key),
        };
        let current = CurrentCertificate::load(source).expect("loads");
        let before = current.fingerprint();
        files.write("cert.pem", &second);
        current.reload().expect_err("the key is still the first's");
        assert_eq!(current.fingerprint(), before);
        files.write("key.pem", &second_key);
        current.reload().expect("loads");
        assert_ne!(current.fingerprint(), before);
    }
}
