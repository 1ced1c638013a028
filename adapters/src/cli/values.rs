//! The values of options: what several of them share.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use bytesize::ByteSize;
use switchboard_core::Rate;

/// Bytes: `65536`, `64KiB`. Units of a thousand are refused, because many take them for 1024.
pub(super) fn bytes<T>(value: &str, allowed: RangeInclusive<T>) -> Result<T, String>
where
    T: TryFrom<u64> + PartialOrd + Display,
{
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let size = Some(value).filter(|value| is_plain || value.ends_with("iB"));
    let size = size.and_then(|value| value.parse::<ByteSize>().ok());
    let size = size.and_then(|size| T::try_from(size.as_u64()).ok());
    size.filter(|size| allowed.contains(size)).ok_or_else(|| {
        let (from, to) = allowed.into_inner();
        format!(
            "expected a number of bytes from {from} to {to}, with or without KiB, MiB or GiB \
             behind it"
        )
    })
}

/// A number that counts something.
pub(super) fn count<T>(value: &str, allowed: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
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

/// The same, or 0.
pub(super) fn duration_or_zero(value: &str) -> Result<Duration, String> {
    if matches!(value, "0" | "0s" | "0ms") {
        return Ok(Duration::ZERO);
    }
    duration(value).map_err(|error| error.replacen("above 0", "of 0 or above", 1))
}

/// So many a second, and so many at once: `10/100`. A single number is both.
pub(super) fn rate(value: &str) -> Result<Rate, String> {
    read_rate(value, |number| number.parse().ok()).ok_or_else(|| {
        "expected so many a second and so many at once, whole numbers above 0, such as 10/100"
            .into()
    })
}

/// The same for bytes: `64KiB/1MiB`.
pub(super) fn byte_rate(value: &str) -> Result<Rate, String> {
    let number = |number: &str| u32::try_from(bytes(number, 1..=1 << 30).ok()?).ok();
    read_rate(value, number).ok_or_else(|| {
        "expected so many bytes a second and so many at once, at most 1GiB, such as 64KiB/1MiB"
            .into()
    })
}

fn read_rate(value: &str, number: impl Fn(&str) -> Option<u32>) -> Option<Rate> {
    let (per_second, burst) = value.split_once('/').unwrap_or((value, value));
    let (per_second, burst) = (number(per_second)?, number(burst)?);
    (per_second > 0 && burst > 0).then_some(Rate { per_second, burst })
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

    #[test]
    fn rates_have_a_burst() {
        assert_eq!(rate("10/100"), Ok(Rate { per_second: 10, burst: 100 }));
        assert_eq!(rate("10"), Ok(Rate { per_second: 10, burst: 10 }));
        for bad in ["", "0", "10/0", "/5", "5/", "1/2/3", "-1", "1.5", "4294967296"] {
            assert!(rate(bad).expect_err(bad).starts_with("expected so many a second"));
        }
        assert_eq!(byte_rate("1KiB/1MiB"), Ok(Rate { per_second: 1 << 10, burst: 1 << 20 }));
        for bad in ["", "0", "1KB/1MB", "1/2GiB"] {
            assert!(byte_rate(bad).expect_err(bad).starts_with("expected so many bytes"));
        }
    }

    #[test]
    fn zero_is_a_time_where_it_says_never() {
        for zero in ["0", "0s", "0ms"] {
            assert_eq!(duration_or_zero(zero), Ok(Duration::ZERO), "{zero}");
        }
        assert_eq!(duration_or_zero("1"), Ok(Duration::from_secs(1)));
        assert!(duration_or_zero("-1").unwrap_err().starts_with("expected a time of 0 or above"));
    }
}
