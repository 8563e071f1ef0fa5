//! The portal's clock. A test can move it on, so that windows of half an hour need no waiting.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

/// Milliseconds since the epoch, on the portal's clock.
pub(crate) type Millis = i64;

#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead: Duration,
}

impl Clock {
    pub(crate) fn now(&self) -> Millis {
        Timestamp::now().as_millisecond() + self.ahead.as_millis() as Millis
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.ahead += by;
    }
}

/// `2026-01-01T00:00:00+00:00`, as the portal writes dates.
pub(crate) fn iso(at: Millis) -> String {
    let zoned = Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(TimeZone::UTC);
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `12:00:01` in the time zone of the person who watches.
pub(crate) fn wall(at: Millis) -> String {
    let zoned = Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(TimeZone::system());
    zoned.strftime("%H:%M:%S").to_string()
}

/// Whether a text is a date with time and offset: `2026-01-01T09:30:00+01:00`, or `Z` for the offset.
///
/// Seconds are required and fractions refused [inferred: PHP's `DATE_ATOM`, which the portal's source parses with].
pub(crate) fn is_iso_with_offset(text: &str) -> bool {
    let offset = text.get(19..).unwrap_or_default();
    let offset_is_written = offset == "Z" || (offset.len() == 6 && offset.starts_with(['+', '-']));
    offset_is_written
        && jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S", &text[..19]).is_ok_and(|parsed| parsed.to_datetime().is_ok())
        && (offset == "Z" || jiff::fmt::strtime::parse("%:z", offset).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_date_needs_seconds_and_an_offset() {
        for good in ["2026-01-01T09:30:00+01:00", "2026-01-01T09:30:00Z", "2026-12-31T23:59:59-11:30"] {
            assert!(is_iso_with_offset(good), "{good}");
        }
        for bad in [
            "",
            "2026-01-01",
            "2026-01-01T09:30:00",
            "2026-01-01 09:30:00+01:00",
            "2026-01-01T09:30+01:00",
            "2026-13-01T09:30:00+01:00",
            "2026-01-01T09:30:00.5+01:00",
            "2026-01-01T09:30:00+0100",
            "1767225600",
            "ééééééééééééééééééééééé",
        ] {
            assert!(!is_iso_with_offset(bad), "{bad}");
        }
    }

    #[test]
    fn dates_are_written_with_an_offset() {
        assert_eq!(iso(1_767_225_600_000), "2026-01-01T00:00:00+00:00");
    }
}
