//! Local addresses to connect from.

use std::net::{IpAddr, Ipv4Addr};

/// An address, or several in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Source {
    One(IpAddr),
    Range(Ipv4Addr, Ipv4Addr),
}

impl Source {
    pub(super) fn parse(value: &str) -> Result<Self, String> {
        let expected =
            || "expected an IP address, or a range such as 127.0.0.2-127.0.0.9".to_owned();
        match value.split_once('-') {
            None => value.parse().map(Self::One).map_err(|_| expected()),
            Some((first, last)) => {
                let [first, last] = [first, last].map(|text| text.parse::<Ipv4Addr>().ok());
                let range = first.zip(last).filter(|(first, last)| first <= last);
                range.map(|(first, last)| Self::Range(first, last)).ok_or_else(expected)
            }
        }
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (one, range) = match *self {
            Self::One(address) => (Some(address), None),
            Self::Range(first, last) => (None, Some(u32::from(first)..=u32::from(last))),
        };
        let range = range.into_iter().flatten().map(|bits| Ipv4Addr::from(bits).into());
        one.into_iter().chain(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &str) -> Vec<String> {
        let source = Source::parse(value).expect("valid");
        source.addresses().map(|address| address.to_string()).collect()
    }

    #[test]
    fn one_or_several() {
        assert_eq!(addresses("::1"), ["::1"]);
        assert_eq!(addresses("127.0.0.2"), ["127.0.0.2"]);
        assert_eq!(addresses("127.0.0.255-127.0.1.1"), ["127.0.0.255", "127.0.1.0", "127.0.1.1"]);
        for bad in ["", "host", "127.0.0.2-", "127.0.0.3-127.0.0.2", "::1-::2", "1.2.3"] {
            assert!(Source::parse(bad).expect_err(bad).starts_with("expected an IP address"));
        }
    }
}
