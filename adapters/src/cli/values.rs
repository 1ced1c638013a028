//! The values of options: what several of them share.

use std::{ops::RangeInclusive, time::Duration};

use bytesize::ByteSize;

/// Bytes: `65536`, `64KiB`. Units of a thousand are refused, because many take them for 1024.
pub(super) fn bytes(value: &str, allowed: RangeInclusive<usize>) -> Result<usize, String> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let size = Some(value).filter(|value| is_plain || value.ends_with("iB"));
    let size = size.and_then(|value| value.parse::<ByteSize>().ok());
    let size = size.and_then(|size| usize::try_from(size.as_u64()).ok());
    size.filter(|size| allowed.contains(size)).ok_or_else(|| {
        let (from, to) = allowed.into_inner();
        format!(
            "expected a number of bytes from {from} to {to}, with or without KiB, MiB or GiB \
             behind it"
        )
    })
}

/// A number that counts something.
pub(super) fn count(value: &str, allowed: RangeInclusive<usize>) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        format!("expected a whole number from {} to {}", allowed.start(), allowed.end())
    })
}

/// More than three years: beyond this, a time limit is none.
const MAX_DURATION: Duration = Duration::from_secs(100_000_000);

/// A time above zero: `10`, which are seconds, `0.5`, `500ms`, `2m`.
pub(super) fn duration(value: &str) -> Result<Duration, String> {
    let duration = match value.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(value).ok(),
    };
    duration.filter(|duration| !duration.is_zero() && *duration <= MAX_DURATION).ok_or_else(|| {
        format!(
            "expected a time above 0, such as 10 or 0.5 (seconds), 500ms or 2m, at most {} seconds",
            MAX_DURATION.as_secs()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_plain_or_have_a_binary_unit() {
        let bytes = |value| bytes(value, 1..=1 << 30);
        for (value, size) in
            [("1", 1), ("64KiB", 64 << 10), ("1.5 MiB", 3 << 19), ("1GiB", 1 << 30)]
        {
            assert_eq!(bytes(value), Ok(size), "{value}");
        }
        for bad in ["", "0", "-1", "64k", "64kB", "64MB", "2GiB", "KiB", "1e3", "nan", "0x10"] {
            let error = bytes(bad).expect_err(bad);
            assert!(
                error.starts_with("expected a number of bytes from 1 to 1073741824"),
                "{error}"
            );
        }
    }

    #[test]
    fn durations_are_seconds_or_have_a_unit() {
        for (value, millis) in [
            ("10", 10_000),
            ("0.5", 500),
            ("1e3", 1_000_000),
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h 30m", 5_400_000),
        ] {
            assert_eq!(duration(value), Ok(Duration::from_millis(millis)), "{value}");
        }
        for bad in ["", "0", "0s", "-1", "-1s", "nan", "inf", "1e30", "1157d 10h", "10 apples", "s"]
        {
            let error = duration(bad).expect_err(bad);
            assert!(error.starts_with("expected a time above 0"), "{error}");
        }
    }
}
