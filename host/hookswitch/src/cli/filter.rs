//! Times and numbers as people type them on the command line.

use hookswitch_call::Millis;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Reads `1h`, `2d 3h` (ago), `2026-11-21`, `2026-11-21T09:30` (local time) or an RFC 3339 time.
pub(super) fn moment(text: &str) -> Result<Millis, String> {
    let now = Timestamp::now();
    if let Ok(ago) = humantime::parse_duration(text) {
        let ms = now.as_millisecond() - i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        return Ok(Millis(u64::try_from(ms).unwrap_or(0)));
    }
    let local = || {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::system()).ok().map(|zoned| zoned.timestamp())
    };
    let at = text.parse::<Timestamp>().ok().or_else(local);
    let at = at.ok_or("write how long ago, like `1h` or `2d`, or a time, like `2026-11-21T09:30`".to_owned())?;
    Ok(Millis(u64::try_from(at.as_millisecond()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_type_them() {
        let hour_ago = moment("1h").unwrap();
        assert!(crate::clock::now().since(hour_ago).abs_diff(3_600_000) < 5_000);
        assert_eq!(moment("2026-11-21T09:30:00Z").unwrap(), Millis(1_795_253_400_000));
        assert!(moment("2026-11-21").is_ok() && moment("2026-11-21T09:30").is_ok());
        assert!(moment("yesterday").is_err());
    }
}
