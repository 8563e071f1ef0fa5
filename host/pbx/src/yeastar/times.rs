//! Local times in the PBX's display format (B.2 of `pbx-yeastar.md`: *System > Date and Time > Display Format*).

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// How the PBX writes times.
#[derive(Clone, Debug)]
pub struct Times {
    /// In the words of `strftime`: `%Y/%m/%d %H:%M:%S`.
    pub format: String,
    /// The PBX's own zone.
    pub zone: TimeZone,
}

impl Times {
    /// Says whether a format can be written and read again.
    pub fn is_format(format: &str) -> bool {
        let probe = jiff::civil::date(2024, 2, 29).at(13, 14, 15, 0);
        let written = jiff::fmt::strtime::format(format, probe);
        written.is_ok_and(|written| DateTime::strptime(format, &written).is_ok_and(|read| read == probe))
    }

    /// A Unix second in the PBX's words.
    pub(super) fn write(&self, second: u64) -> Option<String> {
        let at = Timestamp::from_second(i64::try_from(second).ok()?).ok()?.to_zoned(self.zone.clone());
        jiff::fmt::strtime::format(&self.format, &at).ok()
    }

    /// A Unix second from the PBX's words. In the hour that the end of daylight saving doubles it is the first of the
    /// two.
    pub(super) fn read(&self, text: &str) -> Option<u64> {
        let civil = DateTime::strptime(&self.format, text).ok()?;
        let at = civil.to_zoned(self.zone.clone()).ok()?;
        u64::try_from(at.timestamp().as_second()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written_and_the_doubled_hour_breaks_nothing() {
        for format in ["%Y/%m/%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"] {
            let times = Times { format: format.to_owned(), zone: TimeZone::get("Europe/Berlin").unwrap() };
            assert!(Times::is_format(format));
            assert_eq!(times.read(&times.write(1_651_057_476).unwrap()), Some(1_651_057_476), "{format}");
            // 2024-10-27 02:30 comes twice.
            let (first, second) = (1_729_989_000, 1_729_992_600);
            assert_eq!(times.write(first), times.write(second), "{format}");
            assert_eq!(times.read(&times.write(second).unwrap()), Some(first), "{format}");
        }
        for broken in ["%Q", "", "%Y/%m/%d", "%H:%M:%S", "no time"] {
            assert!(!Times::is_format(broken), "{broken}");
        }
    }
}
