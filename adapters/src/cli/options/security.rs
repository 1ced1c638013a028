//! Who may connect, and as whom.

use std::{fs, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use crate::{
    Settings,
    forwarded::Cidr,
    origin::AllowedOrigin,
    tls::Tls,
    token::{self, TokenKey, TokenKeys},
};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Security")]
pub(in crate::cli) struct SecurityOptions {
    /// How clients log in
    #[arg(long, value_name = "HOW", default_value = "open")]
    auth: Auth,

    /// Keys that tokens are signed with: files, each a secret of 32 bytes or more (HS256) or a public
    /// key in PEM (Ed25519), with NAME= before it if it is for tokens of that kid alone
    #[arg(long, value_name = "[NAME=]FILE", value_delimiter = ',')]
    token_key: Vec<String>,

    /// What tokens must be for (their aud), if anything
    #[arg(long, value_name = "TEXT")]
    token_audience: Option<String>,

    /// Who tokens must be from (their iss), if anybody
    #[arg(long, value_name = "TEXT")]
    token_issuer: Option<String>,

    /// Web pages whose scripts may connect, such as https://example.com or https://*.example.com;
    /// without any, all may
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allow_origin: Vec<AllowedOrigin>,

    /// The certificate, with those that vouch for it, in PEM: clients then speak wss. SIGHUP has it
    /// read anew
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,

    /// Proxies, as addresses or networks, that are believed when they say in X-Forwarded-For or
    /// Forwarded where a client comes from
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Cidr>,

    /// Each connection begins with a header of the PROXY protocol, version 1 or 2; let nobody but the
    /// proxy connect
    #[arg(long)]
    proxy_protocol: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Their first message is their uid
    Open,
    /// Their first message is a token (JWT) for it, or it came with Authorization: Bearer or ?token=
    Token,
}

impl SecurityOptions {
    /// Reads the files. What is wrong is said in a line.
    pub(super) fn set(&self, settings: &mut Settings) -> Result<(), String> {
        settings.tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => {
                Some(Tls::load(cert, key).map_err(|error| format!("TLS: {error}"))?)
            }
            (None, None) => None,
            (Some(_), None) => return Err("tls-cert needs tls-key, too".into()),
            (None, Some(_)) => return Err("tls-key needs tls-cert, too".into()),
        };
        if self.auth == Auth::Token {
            settings.authenticate = Some(Arc::new(self.tokens()?));
        } else if let Some(name) = self.of_tokens() {
            return Err(format!("{name} is of no use without auth = \"token\""));
        }
        settings.origins = self.allow_origin.iter().cloned().collect();
        settings.trusted_proxies = self.trusted_proxy.iter().cloned().collect();
        settings.proxy_protocol = self.proxy_protocol;
        Ok(())
    }

    /// A setting that is for tokens alone, if there is one.
    fn of_tokens(&self) -> Option<&'static str> {
        let set = [
            ("token-key", !self.token_key.is_empty()),
            ("token-audience", self.token_audience.is_some()),
            ("token-issuer", self.token_issuer.is_some()),
        ];
        set.into_iter().find_map(|(name, is_set)| is_set.then_some(name))
    }

    fn tokens(&self) -> Result<TokenKeys, String> {
        if self.token_key.is_empty() {
            return Err("auth = \"token\" needs token-key, too".into());
        }
        let keys = self.token_key.iter().map(|key| read_key(key));
        let mut tokens = TokenKeys::new(keys.collect::<Result<Vec<_>, _>>()?);
        if let Some(audience) = &self.token_audience {
            tokens = tokens.with_audience(audience);
        }
        if let Some(issuer) = &self.token_issuer {
            tokens = tokens.with_issuer(issuer);
        }
        Ok(tokens)
    }
}

fn read_key(value: &str) -> Result<TokenKey, String> {
    let (name, path) = match value.split_once('=') {
        Some((name, path)) => (Some(name), path),
        None => (None, value),
    };
    let bytes = fs::read(path).map_err(|error| format!("token-key {path}: {error}"))?;
    let key = if token::is_pem(&bytes) {
        TokenKey::ed25519_pem(&bytes)
    } else {
        // Editors end a file with a line break, which is no part of the secret.
        TokenKey::hs256(bytes.trim_ascii_end())
    };
    let key = key.map_err(|error| format!("token-key {path}: {error}"))?;
    Ok(match name {
        Some(name) => key.named(name),
        None => key,
    })
}

#[cfg(test)]
mod tests {
    use tempfile::NamedTempFile;

    use super::*;

    /// What a file with this content is as a key.
    fn key(content: impl AsRef<[u8]>) -> Result<String, String> {
        let file = NamedTempFile::new().expect("a folder for temporary files");
        fs::write(&file, content).expect("a file");
        let path = file.path().to_str().expect("text");
        read_key(path).map(|key| format!("{key:?}")).map_err(|error| error.replace(path, "FILE"))
    }

    /// Everybody can sign with a public key that is taken for a secret.
    #[test]
    fn a_public_key_is_never_a_secret() {
        let der = [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &[0; 32]].concat();
        let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", &der[..]));
        for before in ["", "\n", "# of the accounts\r\n"] {
            let key = key(format!("{before}{pem}")).expect("a public key");
            assert!(key.contains("EdDSA"), "{key}");
        }
        let ssh = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc";
        let jwk = br#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMl"}"#;
        // As PowerShell redirects into a file.
        let wide: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for content in [&der, &ssh[..], jwk, &wide] {
            let error = key(content).expect_err("no secret");
            assert!(error.starts_with("token-key FILE: a key in another form"), "{error}");
        }
        let marked = key(format!("\u{feff}{pem}")).expect_err("no PEM, and no secret");
        assert!(marked.contains("no public key"), "{marked}");
        assert!(key("x".repeat(32)).expect("a secret").contains("HS256"));
    }
}
