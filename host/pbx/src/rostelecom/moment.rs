//! Times as the PBX writes them: without a zone, Moscow's (section 3.2).

use hookswitch_call::Millis;
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// The zone of times that say none. A fixed distance from UTC, as Moscow has had since 2014: no hour comes twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Digits of a Unix time in milliseconds; with fewer it is in seconds.
const MILLIS_DIGITS: usize = 12;

impl Zone {
    /// So many hours ahead of UTC; none beyond 24.
    pub fn ahead(hours: i8) -> Option<Self> {
        Offset::from_hours(hours).ok().map(|offset| Self(offset.to_time_zone()))
    }

    /// Reads `2024-03-05 10:20:30.123`, or a Unix time in seconds.
    pub fn read(&self, text: &str) -> Option<Millis> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: u64 = text.parse().ok()?;
            let millis = if text.len() >= MILLIS_DIGITS { Some(number) } else { number.checked_mul(1000) };
            return millis.map(Millis);
        }
        let local: DateTime = text.parse().ok()?;
        let at = local.to_zoned(self.0.clone()).ok()?.timestamp().as_millisecond();
        u64::try_from(at).ok().map(Millis)
    }

    /// Writes `2024-03-05 10:20:30`.
    pub fn write(&self, at: Millis) -> String {
        let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
        at.to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(Offset::constant(3).to_time_zone())
    }
}
