//! Who may connect, and as whom.

use std::{fs, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};

use crate::{
    Settings,
    forwarded::Cidr,
    origin::AllowedOrigin,
    tls::Tls,
    token::{TokenKey, TokenKeys},
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
    let key = if bytes.starts_with(b"-----BEGIN") {
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
