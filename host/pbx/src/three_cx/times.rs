//! Times and durations as the XAPI writes them.

use hookswitch_call::Millis;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

/// A moment: RFC 3339; one without an offset is UTC.
pub(super) fn moment(text: &str) -> Option<Millis> {
    let stamp = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    u64::try_from(stamp.as_millisecond()).ok().map(Millis)
}

/// A duration in milliseconds: ISO 8601 (`PT1M23.5S`), or `00:01:23.5` with days in front or not. What is neither is 0,
/// and nothing is longer than a month.
pub(super) fn duration(text: &str) -> u64 {
    let parsed = if text.starts_with('P') {
        text.parse::<SignedDuration>().ok().and_then(|span| u64::try_from(span.as_millis()).ok())
    } else {
        clock(text)
    };
    parsed.unwrap_or(0).min(31 * 24 * 3600 * 1000)
}

fn clock(text: &str) -> Option<u64> {
    let mut parts = text.rsplitn(3, ':');
    let seconds: f64 = parts.next()?.parse().ok().filter(|seconds| (0.0..60.0).contains(seconds))?;
    let minutes: u64 = parts.next()?.parse().ok()?;
    let (days, hours) = match parts.next()?.split_once('.') {
        Some((days, hours)) => (days.parse::<u64>().ok()?, hours.parse::<u64>().ok()?),
        None => (0, text.split(':').next()?.parse::<u64>().ok()?),
    };
    let whole = days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "less than a minute, and not negative")]
    let rest = (seconds * 1000.0).round() as u64;
    whole.checked_add(rest)
}

/// A moment as filters of the XAPI take it, in whole seconds: others are not understood, and a window that is not
/// understood is silently another one.
pub(super) fn written(at: Millis) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The same as it stands in the id of a call: `240305091500`.
pub(super) fn stamped(at: Millis) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).strftime("%y%m%d%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_an_offset_and_written_without_fractions() {
        assert_eq!(moment("2024-03-05T09:15:00.056Z"), Some(Millis(1_709_630_100_056)));
        assert_eq!(moment("2024-03-05T10:15:00+01:00"), Some(Millis(1_709_630_100_000)));
        assert_eq!(moment("2024-03-05T09:15:00"), Some(Millis(1_709_630_100_000)));
        assert_eq!(moment("yesterday"), None);
        assert_eq!(written(Millis(1_709_630_100_056)), "2024-03-05T09:15:00Z");
        assert_eq!(stamped(Millis(1_709_630_100_056)), "240305091500");
        assert!(!written(Millis(u64::MAX)).is_empty());
    }

    #[test]
    fn durations_are_read_in_both_spellings() {
        for (text, millis) in [
            ("PT1M23.5S", 83_500),
            ("PT2H", 7_200_000),
            ("00:01:23", 83_000),
            ("00:00:07.25", 7_250),
            ("1.02:00:00", 93_600_000),
            ("", 0),
            ("-PT5S", 0),
            ("soon", 0),
            ("99999999.00:00:00", 31 * 24 * 3600 * 1000),
        ] {
            assert_eq!(duration(text), millis, "{text}");
        }
    }
}
