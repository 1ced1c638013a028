//! Who is behind trusted proxies, as the headers of an HTTP request tell it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};
use ipnet::{IpNet, Ipv4Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client whose request came from `peer` with these headers.
///
/// An untrusted peer is the client, whatever it claims. A trusted one has added to the end of a
/// header from whom it got the request, and so has each trusted proxy before it. So the list is
/// read from its end to the first address that is not trusted. What is left of that may be the
/// client's invention. An entry that is no address (`unknown`, `_hidden`, or malformed) ends it,
/// too: then the client is the last proxy that is known.
///
/// `X-Forwarded-For` wins over `Forwarded` (RFC 7239). Nearly all proxies write the former, and
/// pass on what a client writes into the latter. A proxy that writes `Forwarded` must remove
/// `X-Forwarded-For` from the requests it gets.
///
/// The result is never an IPv4-mapped IPv6 address, but the IPv4 address in it.
#[must_use]
pub fn client_address(peer: IpAddr, trusted: &Cidrs, headers: &HeaderMap) -> IpAddr {
    let peer = peer.to_canonical();
    if headers.contains_key(&X_FORWARDED_FOR) {
        let lines = headers.get_all(&X_FORWARDED_FOR).iter().rev().map(HeaderValue::as_bytes);
        let entries = lines.flat_map(|line| line.rsplit(|&byte| byte == b','));
        walk(peer, trusted, entries.filter_map(present).map(node))
    } else {
        let lines = headers.get_all(FORWARDED).iter().rev().map(HeaderValue::as_bytes);
        let entries = lines.flat_map(|line| Backwards(Some(line)));
        walk(peer, trusted, entries.filter_map(present).map(forwarded_for))
    }
}

/// Whether anything in these headers says that a proxy has passed the request on.
pub(crate) fn has_passed_a_proxy(headers: &HeaderMap) -> bool {
    let is_sign = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("x-forwarded-") || ["forwarded", "via", "x-real-ip"].contains(&name)
    };
    headers.keys().any(is_sign)
}

/// Goes from `client`, a connection's peer, along the hops as long as they are trusted and known.
fn walk(
    mut client: IpAddr,
    trusted: &Cidrs,
    mut hops: impl Iterator<Item = Option<IpAddr>>,
) -> IpAddr {
    while trusted.contains(client)
        && let Some(Some(before)) = hops.next()
    {
        client = before;
    }
    client
}

/// An entry, unless it is empty: such entries of a list do not count (RFC 9110, 5.6.1.2).
fn present(entry: &[u8]) -> Option<&[u8]> {
    Some(entry.trim_ascii()).filter(|entry| !entry.is_empty())
}

/// The address in a node (RFC 7239, section 6), whose port does not matter. IPv6 addresses may
/// lack their brackets, as they do in `X-Forwarded-For`.
fn node(node: &[u8]) -> Option<IpAddr> {
    let node = str::from_utf8(node).ok()?;
    if let Some(bracketed) = node.strip_prefix('[') {
        let (ip, port) = bracketed.split_once(']')?;
        let ip = ip.parse::<Ipv6Addr>().ok()?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?))
            .then_some(IpAddr::V6(ip).to_canonical());
    }
    if let Ok(ip) = node.parse::<IpAddr>() {
        return Some(ip.to_canonical());
    }
    let (ip, port) = node.split_once(':')?;
    let ip = ip.parse::<Ipv4Addr>().ok()?;
    is_port(port).then_some(ip.into())
}

/// Whether this is a number or an obfuscated port.
fn is_port(port: &str) -> bool {
    let (name, is_part): (_, fn(&u8) -> bool) = match port.strip_prefix('_') {
        Some(name) => (name, |byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)),
        None => (port, u8::is_ascii_digit),
    };
    !name.is_empty() && name.as_bytes().iter().all(is_part)
}

/// The entries of a `Forwarded` header, from the last to the first.
///
/// It is taken apart from its end, because the beginning may be a client's. A quotation mark there
/// would otherwise turn what proxies have added into a part of a string.
struct Backwards<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Backwards<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.0.take()?;
        let mut quoted = false;
        for (at, &byte) in line.iter().enumerate().rev() {
            match byte {
                b'"' => {
                    let before = line[..at].iter().rev();
                    let escaped = before.take_while(|&&byte| byte == b'\\').count() % 2 == 1;
                    quoted ^= !escaped;
                }
                b',' if !quoted => {
                    self.0 = Some(&line[..at]);
                    return Some(&line[at + 1..]);
                }
                _ => {}
            }
        }
        Some(line)
    }
}

/// The address in the one `for=` of an entry of `Forwarded` (RFC 7239, section 4).
fn forwarded_for(entry: &[u8]) -> Option<IpAddr> {
    let mut address = None;
    let mut rest = entry;
    while !rest.is_empty() {
        // Pairs may be empty.
        if let [b';' | b' ' | b'\t', next @ ..] = rest {
            rest = next;
            continue;
        }
        let equals = rest.iter().position(|&byte| byte == b'=')?;
        let name = rest[..equals].trim_ascii();
        let (value, after) = value_of_pair(rest[equals + 1..].trim_ascii_start())?;
        if name.eq_ignore_ascii_case(b"for") && address.replace(node(&value)?).is_some() {
            return None;
        }
        rest = after.trim_ascii_start();
        if !matches!(rest, [] | [b';', ..]) {
            return None;
        }
    }
    address
}

/// A token or what a quoted string means, and what follows it (RFC 9110, 5.6.4).
fn value_of_pair(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|&byte| byte == b';').unwrap_or(text.len());
        let token = text[..end].trim_ascii_end();
        return (!token.contains(&b'"')).then(|| (token.to_vec(), &text[end..]));
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((value, bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            &byte => value.push(byte),
        }
    }
}

/// A network, such as `10.0.0.0/8` or `2001:db8::/32`. An address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr(IpNet);

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let net = text.parse().or_else(|_| text.parse().map(|ip: IpAddr| ip.into()));
        let net = net.map_err(|_| CidrError { value: text.to_owned() })?;
        // Addresses that are compared with it are never mapped.
        if let IpNet::V6(v6) = net
            && let Some(v4) = v6.addr().to_ipv4_mapped()
            && let Some(length) = v6.prefix_len().checked_sub(96)
            && let Ok(v4) = Ipv4Net::new(v4, length)
        {
            return Ok(Self(v4.into()));
        }
        Ok(Self(net))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CidrError {
    value: String,
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value } = self;
        write!(f, "'{value}' is no network; expected an IP address or ADDRESS/BITS, such as ")?;
        f.write_str("10.0.0.0/8 or 2001:db8::/32")
    }
}

impl std::error::Error for CidrError {}

/// Networks. The default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cidrs(Vec<Cidr>);

impl Cidrs {
    /// Whether an address is in one of them. An IPv4-mapped IPv6 address is the IPv4 address, and
    /// in no IPv6 network: for all addresses there are, it takes `0.0.0.0/0` and `::/0`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|cidr| cidr.0.contains(&address))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Cidr> for Cidrs {
    fn from_iter<T: IntoIterator<Item = Cidr>>(cidrs: T) -> Self {
        Self(cidrs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
