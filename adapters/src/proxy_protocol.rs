//! The PROXY protocol: with what a load balancer begins a connection, to say whose it is.
//!
//! [Versions 1 and 2](https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt), a line of text
//! and a binary block. Who may send one is for the caller to check: anybody can write any address
//! into it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The longest line of version 1, in bytes, with the line break (section 2.1).
const MAX_LINE: usize = 107;

/// What version 2 begins with (section 2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, the command, the family and the length of the rest.
const FIXED: usize = SIGNATURE.len() + 4;

/// The longest rest of version 2: what fits into a packet on any path, so that senders keep to it
/// (section 2). The format would allow 65,535 bytes.
const MAX_REST: usize = 536;

/// The longest header that [`read`] accepts, in bytes, and so the size of a buffer that holds any.
pub const MAX_LENGTH: usize = FIXED + MAX_REST;

/// What a proxy says about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose connection the proxy passes on. `None` if it does not say, or if the connection is
    /// the proxy's own, such as a health check: then the socket's peer is the client.
    pub source: Option<SocketAddr>,
}

/// Reads the header that `received` begins with, and how many bytes of it that is.
///
/// `None` means that what there is may be the beginning of a header: call again, with all of it
/// and more. That is never the answer to [`MAX_LENGTH`] bytes.
///
/// # Errors
/// This connection does not begin with a header, and is to be closed: what comes next cannot be
/// told from a header (section 2).
pub fn read(received: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    if begins(received, SIGNATURE) {
        binary(received)
    } else if begins(received, b"PROXY ") {
        line(received)
    } else {
        Err(Error::Missing)
    }
}

/// Whether `received` begins with `start`, as far as it goes.
fn begins(received: &[u8], start: &[u8]) -> bool {
    received.iter().zip(start).all(|(got, expected)| got == expected)
}

/// Version 1.
fn line(received: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let in_reach = &received[..received.len().min(MAX_LINE)];
    let Some(end) = in_reach.iter().position(|&byte| byte == b'\n') else {
        return if in_reach.len() < MAX_LINE { Ok(None) } else { Err(Error::TooLong) };
    };
    let text = in_reach[..end].strip_suffix(b"\r").ok_or(Error::Malformed)?;
    let text = str::from_utf8(text).map_err(|_| Error::Malformed)?;
    let mut words = text.split(' ').skip(1);
    let source = match words.next() {
        Some("TCP4") => Some(source_words::<Ipv4Addr>(words)?),
        Some("TCP6") => Some(source_words::<Ipv6Addr>(words)?),
        // Whatever follows is to be ignored.
        Some("UNKNOWN") => None,
        _ => return Err(Error::Malformed),
    };
    Ok(Some((Header { source }, end + 1)))
}

/// The first of two addresses and ports. The others must be right, too.
fn source_words<'a, Ip: std::str::FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<SocketAddr, Error> {
    let mut ip = || words.next()?.parse::<Ip>().ok();
    let (source, _destination) = ip().zip(ip()).ok_or(Error::Malformed)?;
    let mut port = || {
        let digits = words.next()?;
        // `parse` would take a sign.
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (source_port, _): (u16, u16) = port().zip(port()).ok_or(Error::Malformed)?;
    match words.next() {
        None => Ok(SocketAddr::new(source.into(), source_port)),
        Some(_) => Err(Error::Malformed),
    }
}

/// Version 2.
fn binary(received: &[u8]) -> Result<Option<(Header, usize)>, Error> {
    let Some((fixed, rest)) = received.split_first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let [.., command, family, length_high, length_low] = *fixed;
    if !matches!(command, 0x20 | 0x21) {
        return Err(Error::Malformed);
    }
    let length = usize::from(u16::from_be_bytes([length_high, length_low]));
    if length > MAX_REST {
        return Err(Error::TooLong);
    }
    let Some(rest) = rest.get(..length) else {
        return Ok(None);
    };
    let source = match (command, family) {
        // The proxy's own connection. The family does not count, nor does what follows.
        (0x20, _) => None,
        (_, 0x11 | 0x12) => Some(source_bytes::<4>(rest).ok_or(Error::Malformed)?),
        (_, 0x21 | 0x22) => Some(source_bytes::<16>(rest).ok_or(Error::Malformed)?),
        // Not said, or a Unix socket, which has no address to speak of.
        (_, 0x00 | 0x31 | 0x32) => None,
        _ => return Err(Error::Malformed),
    };
    Ok(Some((Header { source }, FIXED + length)))
}

/// The first of two addresses of `N` bytes and two ports. Extensions may follow.
fn source_bytes<const N: usize>(rest: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let ip = *rest.first_chunk::<N>()?;
    let ports = rest.get(2 * N..)?.first_chunk::<4>()?;
    Some(SocketAddr::new(ip.into(), u16::from_be_bytes([ports[0], ports[1]])))
}

/// Why a connection does not begin with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It begins with something else.
    Missing,
    /// The header is longer than 107 bytes (version 1) or [`MAX_LENGTH`] (version 2).
    TooLong,
    /// It begins like a header and does not go on like one.
    Malformed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no PROXY protocol header; is the proxy set to send it?",
            Self::TooLong => "the PROXY protocol header is too long",
            Self::Malformed => "the PROXY protocol header is malformed",
        })
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
    }

    /// The source in a header that is whole, and of which each part is a beginning.
    fn whole(header: &[u8]) -> Option<SocketAddr> {
        for length in 0..header.len() {
            assert_eq!(read(&header[..length]), Ok(None), "{length} bytes of {header:?}");
        }
        let followed = [header, b"GET / HTTP/1.1\r\n"].concat();
        let (read, length) = read(&followed).unwrap().unwrap();
        assert_eq!(length, header.len());
        read.source
    }

    #[test]
    fn lines() {
        let source = |line: &str| whole(line.as_bytes()).map(|source| source.to_string());
        let v4 = source("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
        assert_eq!(v4.as_deref(), Some("192.0.2.1:56324"));
        let v6 = source("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n");
        assert_eq!(v6.as_deref(), Some("[2001:db8::1]:56324"));
        assert_eq!(source("PROXY UNKNOWN\r\n"), None);
        let longest = "ffff:f...f:ffff ffff:f...f:ffff 65535 65535";
        assert_eq!(source(&format!("PROXY UNKNOWN {longest}\r\n")), None);
    }

    #[test]
    fn lines_that_are_wrong() {
        for (line, error) in [
            ("GET / HTTP/1.1\r\n", Error::Missing),
            ("PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n", Error::Missing),
            ("proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", Error::Missing),
            ("PROXY \r\n", Error::Malformed),
            ("PROXY TCP4\r\n", Error::Malformed),
            ("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", Error::Malformed),
            ("PROXY TCP4 1.1.1.1 2.2.2.2  \r\n", Error::Malformed),
            ("PROXY TCP4 ::1 ::1 1 2\r\n", Error::Malformed),
            ("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", Error::Malformed),
            ("PROXY UNKNOWN \u{e9}", Error::TooLong),
        ] {
            let line = format!("{line:x<MAX_LINE$}");
            assert_eq!(read(line.as_bytes()), Err(error), "{line}");
        }
    }

    #[test]
    fn binaries() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0xdc, 0x04, 1, 187];
        let source = Some("192.0.2.1:56324".parse().unwrap());
        assert_eq!(whole(&v2(0x21, 0x11, &v4)), source);
        let extended = [&v4[..], &[0x04, 0, 1, 0]].concat();
        assert_eq!(whole(&v2(0x21, 0x11, &extended)), source);
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        v6[15] = 1;
        v6[32..].copy_from_slice(&[0xdc, 0x04, 1, 187]);
        assert_eq!(whole(&v2(0x21, 0x21, &v6)), Some("[2001::1]:56324".parse().unwrap()));
        assert_eq!(whole(&v2(0x21, 0x31, &[0; 216])), None);
        assert_eq!(whole(&v2(0x21, 0x00, &[])), None);
        assert_eq!(whole(&v2(0x21, 0x00, &[0; MAX_REST])), None);
        // A health check.
        assert_eq!(whole(&v2(0x20, 0x00, &[])), None);
        assert_eq!(whole(&v2(0x20, 0x11, &[])), None);
        assert_eq!(whole(&v2(0x20, 0xff, &v4)), None);
    }

    #[test]
    fn binaries_that_are_wrong() {
        for (header, error) in [
            (v2(0x11, 0x11, &[0; 12]), Error::Malformed),
            (v2(0x22, 0x11, &[0; 12]), Error::Malformed),
            (v2(0x21, 0x41, &[0; 12]), Error::Malformed),
            (v2(0x21, 0x13, &[0; 12]), Error::Malformed),
            (v2(0x21, 0x11, &[0; 11]), Error::Malformed),
            (v2(0x21, 0x21, &[0; 35]), Error::Malformed),
            (v2(0x21, 0x11, &[0; MAX_REST + 1]), Error::TooLong),
        ] {
            assert_eq!(read(&header), Err(error), "{header:?}");
        }
        // As soon as it is known, before the rest arrives.
        assert_eq!(read(&v2(0x21, 0x11, &[0; MAX_REST + 1])[..FIXED]), Err(Error::TooLong));
        assert_eq!(read(b"\r\n\r\nGET"), Err(Error::Missing));
    }

    proptest! {
        /// Whatever comes, the answer is the same in pieces, and known in time.
        #[test]
        fn any_bytes(
            start in prop_oneof![
                Just(b"PROXY ".to_vec()),
                Just(b"PROXY TCP4 ".to_vec()),
                Just(v2(0x21, 0x11, &[])[..14].to_vec()),
                Just(Vec::new()),
            ],
            tail in prop::collection::vec(any::<u8>(), 0..MAX_LENGTH + 100),
        ) {
            let bytes = [start, tail].concat();
            let all = read(&bytes);
            prop_assert!(bytes.len() < MAX_LENGTH || all != Ok(None));
            for length in 0..bytes.len() {
                let part = read(&bytes[..length]);
                prop_assert!(part == Ok(None) || part == all);
            }
            if let Ok(Some((_, length))) = all {
                prop_assert!(length <= bytes.len() && length <= MAX_LENGTH);
            }
        }
    }
}
