//! Where the server is.

use std::{
    fmt::{self, Display},
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use http::Uri;

/// What a URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Target {
    pub(super) is_secure: bool,
    /// As in the URL: an address of IPv6 has brackets.
    host: String,
    port: u16,
    /// With the query.
    pub(super) path: String,
}

impl Target {
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let expected =
            || "expected a URL such as ws://127.0.0.1:1234 or wss://host/path".to_owned();
        let uri: Uri = value.parse().map_err(|_| expected())?;
        let is_secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(expected()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(expected)?.to_owned();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_bad_port = uri.port().is_none() && authority != host;
        if has_bad_port || uri.port_u16() == Some(0) {
            return Err(expected());
        }
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { is_secure, host, port, path })
    }

    /// The host without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// What `Host` says (RFC 9110, 7.2).
    pub(super) fn authority(&self) -> String {
        let usual = if self.is_secure { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The address to connect to.
    ///
    /// # Errors
    /// In a line.
    pub(super) fn resolve(&self, timeout: Duration) -> Result<SocketAddr, String> {
        let (host, port) = (self.host(), self.port);
        let addresses = (host, port).to_socket_addrs();
        let addresses: Vec<_> =
            addresses.map_err(|error| format!("cannot find {host}: {error}"))?.collect();
        match addresses[..] {
            [] => Err(format!("cannot find {host}: it has no address")),
            [address] => Ok(address),
            // A name with several: the server need not listen on all, `localhost` is such a name.
            [first, ..] => {
                let answers =
                    |address: &&SocketAddr| TcpStream::connect_timeout(address, timeout).is_ok();
                Ok(*addresses.iter().find(answers).unwrap_or(&first))
            }
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, whole, host, authority) in [
            ("ws://127.0.0.1:1234", "ws://127.0.0.1:1234/", "127.0.0.1", "127.0.0.1:1234"),
            ("wss://h/a?b=c", "wss://h:443/a?b=c", "h", "h"),
            ("ws://[::1]:80/", "ws://[::1]:80/", "::1", "[::1]"),
            ("wss://h:80?x", "wss://h:80/?x", "h", "h:80"),
        ] {
            let target = Target::parse(url).expect(url);
            assert_eq!(target.to_string(), whole);
            assert_eq!((target.host(), &target.authority()[..]), (host, authority));
        }
        for bad in
            ["", "127.0.0.1:1234", "http://h", "ws://", "ws:///x", "ws://h:99999", "ws://h:0"]
        {
            assert!(Target::parse(bad).expect_err(bad).starts_with("expected a URL"), "{bad}");
        }
    }
}
