//! A certificate for this machine, which nobody vouches for.

use std::{fs, path::Path};

use tempfile::TempDir;

/// Files with a certificate for `localhost` and its key, removed when this is dropped.
#[derive(Debug)]
pub struct Certificate {
    folder: TempDir,
    arguments: [String; 4],
    der: Vec<u8>,
}

impl Certificate {
    /// Makes a pair.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let file = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
        let arguments = ["--tls-cert".into(), file("certificate"), "--tls-key".into(), file("key")];
        let mut certificate = Self { folder, arguments, der: Vec::new() };
        certificate.renew();
        certificate
    }

    /// Replaces the files' contents by a new pair.
    pub fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        fs::write(self.path(), made.cert.pem()).expect("a file");
        fs::write(self.folder.path().join("key"), made.signing_key.serialize_pem())
            .expect("a file");
        self.der = made.cert.der().to_vec();
    }

    /// The certificate's file.
    pub fn path(&self) -> &Path {
        Path::new(&self.arguments[1])
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What tells the server of it.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str)
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
