//! The parameters of a request.

use std::borrow::Cow;

use http::Uri;

use super::answer::Refusal;

/// The values of these parameters, of which each may be given once, and no others.
pub(super) fn read<const N: usize>(
    uri: &Uri,
    names: [&str; N],
) -> Result<[Option<String>; N], Refusal> {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let Some(index) = names.iter().position(|known| *known == name) else {
            let expected = match &names[..] {
                [] => "expected no parameters".into(),
                names => format!("expected {}", names.join(" and ")),
            };
            return Err(Refusal::bad_request(format!("{name}: {expected}")));
        };
        if values[index].replace(Cow::into_owned(value)).is_some() {
            return Err(Refusal::bad_request(format!("{name}: expected it once")));
        }
    }
    Ok(values)
}
