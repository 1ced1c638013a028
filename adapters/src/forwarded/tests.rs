use proptest::prelude::*;

use super::*;

/// The client behind the trusted peer 10.0.0.1, given header lines.
fn client(lines: &[(&str, &str)]) -> String {
    client_of("10.0.0.1", lines)
}

fn client_of(peer: &str, lines: &[(&str, &str)]) -> String {
    let trusted = cidrs(&["10.0.0.0/8", "2001:db8:f::/48"]);
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    client_address(peer.parse().unwrap(), &trusted, &headers).to_string()
}

fn cidrs(items: &[&str]) -> Cidrs {
    items.iter().map(|item| item.parse::<Cidr>().unwrap()).collect()
}

#[test]
fn peers() {
    let claim = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
    assert_eq!(client_of("198.51.100.1", &claim), "198.51.100.1");
    assert_eq!(client_of("::ffff:198.51.100.1", &claim), "198.51.100.1");
    assert_eq!(client_of("::ffff:10.0.0.1", &claim), "192.0.2.1");
    assert_eq!(client(&[]), "10.0.0.1");
    assert_eq!(client_of("::ffff:10.0.0.1", &[]), "10.0.0.1");
}

#[test]
fn x_forwarded_for() {
    for (line, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:1234", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:1234", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("192.0.2.9,192.0.2.1,2001:db8:f::1,10.0.0.2", "192.0.2.1"),
        ("made up, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("\u{fc}\", 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1,, ,10.0.0.2,", "192.0.2.1"),
        // All of them are trusted.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", "10.0.0.1"),
        // The last that is known.
        ("192.0.2.1, unknown", "10.0.0.1"),
        ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, 192.0.2, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, 192.0.2.1:, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, [::1]x, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, [192.0.2.1], 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, fe80::1%eth0, 10.0.0.2", "10.0.0.2"),
    ] {
        assert_eq!(client(&[("x-forwarded-for", line)]), expected, "{line}");
    }
}

#[test]
fn forwarded() {
    for (line, expected) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=\"192.0.2.1:1234\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]:1234\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]:_port\"", "2001:db8::1"),
        ("for=\"192.0.2.\\1\"", "192.0.2.1"),
        ("proto=https;for=192.0.2.1;by=10.0.0.1", "192.0.2.1"),
        ("proto=https ; for = 192.0.2.1 ;by=_me", "192.0.2.1"),
        (";for=192.0.2.1; ;,, for=10.0.0.2;", "192.0.2.1"),
        ("for=192.0.2.9, for=192.0.2.1;host=\"a,b;for=192.0.2.8\", for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a\\\",b\\\\\", for=10.0.0.2", "192.0.2.1"),
        // Quotation marks that a client has left open.
        ("for=192.0.2.9;host=\"a, for=192.0.2.1", "192.0.2.1"),
        ("for=\"192.0.2.9, for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("host=\"a, for=192.0.2.1;host=\";x=\";by=\"_p\"", "192.0.2.1"),
        ("for=192.0.2.9;host=\"\\, for=192.0.2.1", "192.0.2.1"),
        // The last that is known.
        ("for=192.0.2.1, for=unknown", "10.0.0.1"),
        ("for=192.0.2.1, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, proto=https, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, for=192.0.2.2;for=192.0.2.3, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, for=\"192.0.2.2\"x, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, ;, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, 192.0.2.2, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, for=\"192.0.2.2, for=10.0.0.2", "10.0.0.2"),
    ] {
        assert_eq!(client(&[("forwarded", line)]), expected, "{line}");
    }
}

#[test]
fn several_lines_are_one_list() {
    let lines =
        ["192.0.2.9, 192.0.2.1", "10.0.0.3", "10.0.0.2"].map(|line| ("x-forwarded-for", line));
    assert_eq!(client(&lines), "192.0.2.1");
    let lines = ["for=\"x", "for=192.0.2.1", "for=10.0.0.2"].map(|line| ("forwarded", line));
    assert_eq!(client(&lines), "192.0.2.1");
}

#[test]
fn x_forwarded_for_wins() {
    let both = [("forwarded", "for=192.0.2.9"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(client(&both), "192.0.2.1");
    let both = [("forwarded", "for=192.0.2.9"), ("x-forwarded-for", "unknown")];
    assert_eq!(client(&both), "10.0.0.1");
}

#[test]
fn networks() {
    let some = cidrs(&["10.1.2.3/8", "192.0.2.1", "2001:db8::/32", "::1", "::ffff:172.16.0.0/108"]);
    for (address, inside) in [
        ("10.255.0.1", true),
        ("11.0.0.1", false),
        ("::ffff:10.0.0.1", true),
        ("192.0.2.1", true),
        ("192.0.2.2", false),
        ("2001:db8:1::1", true),
        ("2001:db9::1", false),
        ("::1", true),
        ("::2", false),
        ("172.31.0.1", true),
        ("172.32.0.1", false),
    ] {
        assert_eq!(some.contains(address.parse().unwrap()), inside, "{address}");
    }
    assert!(!cidrs(&["::/0"]).contains("192.0.2.1".parse().unwrap()));
    assert!(!Cidrs::default().contains("10.0.0.1".parse().unwrap()));
    assert!(Cidrs::default().is_empty());
}

#[test]
fn what_is_no_network() {
    for text in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "10.0.0.0/8,::1", "::1%lo", " ::1"] {
        let error = text.parse::<Cidr>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("'{text}' is no network; expected ")), "{error}");
    }
}

proptest! {
    /// What a client writes before what a proxy adds changes nothing.
    #[test]
    fn claims(claim in r#"[a-z0-9.,;="\\ :\[\]_-]{0,60}"#, quoted: bool) {
        let added = if quoted { "for=\"[2001:db8::1]:80\";host=\"a,b\"" } else { "for=\"[2001:db8::1]\"" };
        prop_assert_eq!(client(&[("forwarded", &format!("{claim}, {added}"))]), "2001:db8::1");
        prop_assert_eq!(
            client(&[("x-forwarded-for", &format!("{claim}, 192.0.2.1"))]),
            "192.0.2.1"
        );
    }

    /// Nothing panics or goes on for ever.
    #[test]
    fn any_value(value in prop::collection::vec(prop_oneof![32u8..=126, 128u8..=255], 0..80)) {
        for name in [X_FORWARDED_FOR, FORWARDED] {
            let headers = [(name, HeaderValue::from_bytes(&value).unwrap())].into_iter().collect();
            let _ = client_address([10, 0, 0, 1].into(), &cidrs(&["0.0.0.0/0"]), &headers);
        }
    }
}
