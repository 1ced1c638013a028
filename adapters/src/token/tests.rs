use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const OTHER: &[u8] = b"another secret of more than 32 bytes";
const NOW: u64 = 1_700_000_000;

/// Who signs.
enum Signer<'a> {
    Secret(&'a [u8]),
    Pair(&'a Ed25519KeyPair),
}

fn token(signer: &Signer<'_>, header: &Value, claims: &Value) -> String {
    raw(signer, &header.to_string(), &claims.to_string())
}

fn raw(signer: &Signer<'_>, header: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = match signer {
        Signer::Secret(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            encode(hmac::sign(&key, message.as_bytes()).as_ref())
        }
        Signer::Pair(pair) => encode(pair.sign(message.as_bytes()).as_ref()),
    };
    format!("{message}.{signature}")
}

fn hs256(claims: &Value) -> String {
    token(&Signer::Secret(SECRET), &json!({"alg": "HS256", "typ": "JWT"}), claims)
}

fn ann() -> Value {
    json!({"sub": "ann", "exp": NOW + 60})
}

fn keys() -> TokenKeys {
    TokenKeys::new([TokenKey::hs256(SECRET).unwrap()])
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public_pem(pair: &Ed25519KeyPair) -> String {
    let prefix = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    let der = [prefix.as_slice(), pair.public_key().as_ref()].concat();
    ::pem::encode(&::pem::Pem::new("PUBLIC KEY", der))
}

fn ed25519(pair: &Ed25519KeyPair) -> TokenKey {
    TokenKey::ed25519_pem(public_pem(pair).as_bytes()).unwrap()
}

fn uid(uid: &str) -> Result<String, TokenError> {
    Ok(uid.to_owned())
}

/// The example of RFC 7515, A.1, with its key and its time.
#[test]
fn an_example_of_the_standard() {
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                 dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key = TokenKey::hs256(&BASE64URL_NOPAD.decode(key.as_bytes()).unwrap()).unwrap();
    let keys = TokenKeys::new([key]).with_issuer("joe");
    // Its signature and issuer are right, and it has no subject.
    assert_eq!(keys.verify(token, 1_300_819_000), Err(TokenError::NoSubject));
    assert_eq!(keys.with_issuer("jim").verify(token, 0), Err(TokenError::WrongIssuer));
}

/// The example of RFC 8037, A.4, whose content is no JWT, and its key.
#[test]
fn an_ed25519_example_of_the_standard() {
    let x = BASE64URL_NOPAD.decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let der = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &x].concat();
    let pem = ::pem::encode(&::pem::Pem::new("PUBLIC KEY", der));
    let keys = TokenKeys::new([TokenKey::ed25519_pem(pem.as_bytes()).unwrap()]);
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(keys.verify(token, 0), Err(TokenError::Malformed));
    let forged = token.replace("hgyY", "hgyZ");
    assert_eq!(keys.verify(&forged, 0), Err(TokenError::BadSignature));
}

#[test]
fn time() {
    let at = |claims: Value, now| keys().verify(&hs256(&claims), now);
    assert_eq!(at(ann(), NOW), uid("ann"));
    assert_eq!(at(ann(), NOW + 89), uid("ann"));
    assert_eq!(at(ann(), NOW + 90), Err(TokenError::Expired));
    assert_eq!(at(ann(), u64::MAX), Err(TokenError::Expired));
    let later = || json!({"sub": "ann", "exp": NOW + 600, "nbf": NOW + 60});
    assert_eq!(at(later(), NOW + 29), Err(TokenError::NotYetValid));
    assert_eq!(at(later(), NOW + 30), uid("ann"));
    let strict = keys().with_leeway(Duration::ZERO);
    assert_eq!(strict.verify(&hs256(&ann()), NOW + 59), uid("ann"));
    assert_eq!(strict.verify(&hs256(&ann()), NOW + 60), Err(TokenError::Expired));
    assert_eq!(strict.verify(&hs256(&later()), NOW + 59), Err(TokenError::NotYetValid));
    assert_eq!(strict.verify(&hs256(&later()), NOW + 60), uid("ann"));
}

#[test]
fn numbers() {
    for (exp, expected) in [
        (json!(1.7000001e9), uid("ann")),
        (json!(1.6e9), Err(TokenError::Expired)),
        (json!(-1), Err(TokenError::Expired)),
        (json!(0), Err(TokenError::Expired)),
        (json!(u64::MAX), uid("ann")),
        (json!(1e300), uid("ann")),
        (json!("1700000060"), Err(TokenError::Malformed)),
        (json!([NOW]), Err(TokenError::Malformed)),
        (json!(null), Err(TokenError::NoExpiry)),
    ] {
        let token = hs256(&json!({"sub": "ann", "exp": exp}));
        assert_eq!(keys().verify(&token, NOW), expected, "{exp}");
    }
    let token = hs256(&json!({"sub": "ann", "exp": NOW + 1, "nbf": "never"}));
    assert_eq!(keys().verify(&token, NOW), Err(TokenError::Malformed));
}

#[test]
fn claims() {
    for (claims, expected) in [
        (json!({"exp": NOW}), TokenError::NoSubject),
        (json!({"exp": NOW, "sub": ""}), TokenError::NoSubject),
        (json!({"exp": NOW, "sub": 7}), TokenError::Malformed),
        (json!({"sub": "ann"}), TokenError::NoExpiry),
        (json!([]), TokenError::Malformed),
        (json!("ann"), TokenError::Malformed),
    ] {
        assert_eq!(keys().verify(&hs256(&claims), NOW), Err(expected), "{claims}");
    }
    let twice = format!(r#"{{"sub":"ann","sub":"bob","exp":{}}}"#, NOW + 60);
    let twice = raw(&Signer::Secret(SECRET), r#"{"alg":"HS256"}"#, &twice);
    assert_eq!(keys().verify(&twice, NOW), Err(TokenError::Malformed));
}

#[test]
fn audience_and_issuer() {
    let with = |name: &str, value: Value| {
        let mut claims = ann();
        claims[name] = value;
        hs256(&claims)
    };
    // Not asked for.
    assert_eq!(keys().verify(&with("aud", json!("else")), NOW), uid("ann"));
    assert_eq!(keys().verify(&with("iss", json!("else")), NOW), uid("ann"));
    let here = keys().with_audience("here");
    assert_eq!(here.verify(&with("aud", json!("here")), NOW), uid("ann"));
    assert_eq!(here.verify(&with("aud", json!(["there", "here"])), NOW), uid("ann"));
    for aud in [json!("there"), json!(["there"]), json!([]), json!(7), json!(null)] {
        let token = with("aud", aud.clone());
        assert_eq!(here.verify(&token, NOW), Err(TokenError::WrongAudience), "{aud}");
    }
    assert_eq!(here.verify(&hs256(&ann()), NOW), Err(TokenError::WrongAudience));
    let us = keys().with_issuer("us");
    assert_eq!(us.verify(&with("iss", json!("us")), NOW), uid("ann"));
    for iss in [json!("them"), json!(7), json!(null)] {
        let token = with("iss", iss.clone());
        assert_eq!(us.verify(&token, NOW), Err(TokenError::WrongIssuer), "{iss}");
    }
    assert_eq!(us.verify(&hs256(&ann()), NOW), Err(TokenError::WrongIssuer));
}

#[test]
fn the_key_says_the_algorithm() {
    let pair = pair(1);
    let public = keys_of([ed25519(&pair)]);
    let good = token(&Signer::Pair(&pair), &json!({"alg": "EdDSA"}), &ann());
    assert_eq!(public.verify(&good, NOW), uid("ann"));
    assert_eq!(keys().verify(&good, NOW), Err(TokenError::Unsupported));
    // The public key, which everybody knows, as a secret.
    for secret in [pair.public_key().as_ref(), public_pem(&pair).as_bytes()] {
        for (alg, expected) in
            [("HS256", TokenError::Unsupported), ("EdDSA", TokenError::BadSignature)]
        {
            let forged = token(&Signer::Secret(secret), &json!({"alg": alg}), &ann());
            assert_eq!(public.verify(&forged, NOW), Err(expected), "{alg}");
            let both = keys_of([ed25519(&pair), TokenKey::hs256(SECRET).unwrap()]);
            assert_eq!(both.verify(&forged, NOW), Err(TokenError::BadSignature), "{alg}");
        }
    }
    for alg in ["none", "None", "NONE", "", "HS255", "ES256K"] {
        let forged = token(&Signer::Secret(SECRET), &json!({"alg": alg}), &ann());
        assert_eq!(keys().verify(&forged, NOW), Err(TokenError::Malformed), "{alg}");
        let (message, _) = forged.rsplit_once('.').unwrap();
        assert_eq!(keys().verify(&format!("{message}."), NOW), Err(TokenError::Malformed));
    }
    for alg in ["HS384", "HS512", "RS256", "PS256", "ES256"] {
        let forged = token(&Signer::Secret(SECRET), &json!({"alg": alg}), &ann());
        assert_eq!(keys().verify(&forged, NOW), Err(TokenError::Unsupported), "{alg}");
    }
}

fn keys_of<const N: usize>(keys: [TokenKey; N]) -> TokenKeys {
    TokenKeys::new(keys)
}

#[test]
fn rotation() {
    let signed = |secret, kid: Option<&str>| {
        let mut header = json!({"alg": "HS256"});
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        token(&Signer::Secret(secret), &header, &ann())
    };
    let [first, second] = [SECRET, OTHER].map(|secret| TokenKey::hs256(secret).unwrap());
    let unnamed = keys_of([first.clone(), second.clone()]);
    for kid in [None, Some("x")] {
        assert_eq!(unnamed.verify(&signed(SECRET, kid), NOW), uid("ann"));
        assert_eq!(unnamed.verify(&signed(OTHER, kid), NOW), uid("ann"));
    }
    let named = keys_of([first.clone().named("1"), second.clone().named("2")]);
    assert_eq!(named.verify(&signed(SECRET, Some("1")), NOW), uid("ann"));
    assert_eq!(named.verify(&signed(OTHER, Some("2")), NOW), uid("ann"));
    assert_eq!(named.verify(&signed(SECRET, Some("2")), NOW), Err(TokenError::BadSignature));
    assert_eq!(named.verify(&signed(SECRET, Some("3")), NOW), Err(TokenError::Unsupported));
    assert_eq!(named.verify(&signed(SECRET, None), NOW), Err(TokenError::Unsupported));
    let mixed = keys_of([first, second.named("2")]);
    assert_eq!(mixed.verify(&signed(SECRET, Some("1")), NOW), uid("ann"));
    assert_eq!(mixed.verify(&signed(SECRET, Some("2")), NOW), Err(TokenError::BadSignature));
    assert_eq!(mixed.verify(&signed(OTHER, None), NOW), Err(TokenError::BadSignature));
    assert_eq!(keys_of([]).verify(&signed(SECRET, None), NOW), Err(TokenError::Unsupported));
}

#[test]
fn what_is_no_token() {
    let good = hs256(&ann());
    assert_eq!(keys().verify(&good, NOW), uid("ann"));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let critical = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
    let critical = token(&Signer::Secret(SECRET), &critical, &ann());
    assert_eq!(keys().verify(&critical, NOW), Err(TokenError::Unsupported));
    let deep = raw(&Signer::Secret(SECRET), &"[".repeat(4000), "{}");
    for malformed in ["", ".", "..", "...", "a.b.c", message, &format!("{good}."), &deep] {
        assert_eq!(keys().verify(malformed, NOW), Err(TokenError::Malformed), "{malformed}");
    }
    let unsigned = format!("{message}.");
    assert_eq!(keys().verify(&unsigned, NOW), Err(TokenError::BadSignature));
    let cut = &good[..good.len() - 3];
    assert_eq!(keys().verify(cut, NOW), Err(TokenError::BadSignature));
    let padded = format!("{message}.{signature}=");
    assert!(keys().verify(&padded, NOW).is_err());
    let long = hs256(&json!({"sub": "ann", "exp": NOW + 60, "x": "x".repeat(MAX_TOKEN)}));
    assert_eq!(keys().verify(&long, NOW), Err(TokenError::TooLong));
}

#[test]
fn keys_that_are_none() {
    assert_eq!(TokenKey::hs256(&SECRET[1..]).unwrap_err(), KeyError::Short(31));
    let public = public_pem(&pair(1));
    assert_eq!(TokenKey::hs256(public.as_bytes()).unwrap_err(), KeyError::NotSecret);
    let error = |pem: &str| TokenKey::ed25519_pem(pem.as_bytes()).unwrap_err();
    let good = public_pem(&pair(1));
    assert_eq!(error(""), KeyError::NoPublicKey);
    assert_eq!(error(&good.replace("PUBLIC", "PRIVATE")), KeyError::NoPublicKey);
    assert_eq!(error(&good[..60]), KeyError::Pem);
    let other = ::pem::Pem::new("PUBLIC KEY", [0; 44]);
    assert_eq!(error(&::pem::encode(&other)), KeyError::NotEd25519);
    let key = TokenKey::hs256(SECRET).unwrap();
    assert!(!format!("{key:?}").contains("0123"));
    assert!(!format!("{:?}", TokenKeys::new([key])).contains("0123"));
}

proptest! {
    #[test]
    fn any_text(text in r"\PC{0,80}|[A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9_-]{0,60}){0,3}") {
        prop_assert!(keys().verify(&text, NOW).is_err());
    }

    /// Signed, but with any header and claims.
    #[test]
    fn any_content(header in r#"\{"alg":"HS256"[a-z0-9":,\[\]{}]{0,40}\}"#, claims in r"\PC{0,80}") {
        let token = raw(&Signer::Secret(SECRET), &header, &claims);
        prop_assert!(keys().verify(&token, NOW).is_err());
    }

    /// One bit makes it another token.
    #[test]
    fn any_change(at: prop::sample::Index, to in "[A-Za-z0-9_.-]") {
        let good = hs256(&ann());
        let at = at.index(good.len() - 1);
        let changed = format!("{}{to}{}", &good[..at], &good[at + 1..]);
        prop_assert_eq!(keys().verify(&changed, NOW).is_ok(), changed == good);
    }
}
