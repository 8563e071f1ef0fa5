//! Ids of calls: `<YYMMDDhhmmss>_<number in this session of the PBX>-<link>` (C.4), such as `240305091500_77-1`.

use hookswitch_call::{Chain, Millis};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Bytes of an id.
const LONGEST: usize = 128;
/// So far the PBX's clock may be ahead of ours.
const AHEAD: u64 = 60 * 1000;

/// The id of a call with its link. The link is 0 until somebody answers, 1 then, and one more after each transfer: ringing
/// and answer of one call have different ids, and what they share is the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallId {
    /// The text before the last hyphen.
    pub chain: Chain,
    /// The number behind it.
    pub link: u32,
}

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Too long, or with characters that no id has.
    #[error("it has more than {LONGEST} bytes, or others than letters, digits, `_`, `.`, `:` and `-`")]
    Spelling,
    /// Nothing tells the link.
    #[error("it does not end with a hyphen and the number of the link")]
    NoLink,
}

impl CallId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        if text.len() > LONGEST || !text.bytes().all(good) {
            return Err(InvalidId::Spelling);
        }
        let (chain, link) = text.rsplit_once('-').ok_or(InvalidId::NoLink)?;
        let number = link.bytes().all(|byte| byte.is_ascii_digit()).then(|| link.parse().ok()).flatten();
        let link = number.filter(|_| !chain.is_empty()).ok_or(InvalidId::NoLink)?;
        Ok(Self { chain: chain.into(), link })
    }
}

/// The clock on the wall beside the PBX: the times in its ids are local (C.4).
#[derive(Clone, Debug)]
pub struct Clock(pub TimeZone);

/// When a call arrived at the PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// The id does not say.
    Unsaid,
    /// Then.
    At(Millis),
    /// In the future: the clock or its zone is wrong.
    Later,
}

impl Clock {
    /// When the call arrived of which something is heard at `at`. In the hour that a clock shows twice it is the last time
    /// that is not later.
    pub(super) fn arrived(&self, chain: &Chain, at: Millis) -> Arrived {
        let Some(shown) = shown(chain.as_str()) else { return Arrived::Unsaid };
        let meant = self.0.to_ambiguous_timestamp(shown);
        let millis = |time: Timestamp| u64::try_from(time.as_millisecond()).ok().map(Millis);
        let times = [meant.later(), meant.earlier()].into_iter().filter_map(|time| millis(time.ok()?));
        let mut heard = times.filter(|time| time.0 <= at.0.saturating_add(AHEAD));
        heard.next().map_or(Arrived::Later, Arrived::At)
    }
}

/// What the clock showed when the call arrived.
fn shown(chain: &str) -> Option<DateTime> {
    let (time, session) = chain.split_once('_')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if time.len() != 12 || !digits(time) || session.is_empty() || !digits(session) {
        return None;
    }
    let part = |from: usize| time.get(from..from + 2)?.parse::<i8>().ok();
    DateTime::new(2000 + i16::from(part(0)?), part(2)?, part(4)?, part(6)?, part(8)?, part(10)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Clock {
        Clock(TimeZone::get("Europe/Berlin").unwrap())
    }

    fn utc(text: &str) -> Millis {
        Millis(text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap())
    }

    #[test]
    fn an_id_is_parted_at_its_last_hyphen() {
        let id = CallId::parse("240305091500_77-12").unwrap();
        assert_eq!((id.chain.as_str(), id.link), ("240305091500_77", 12));
        assert_eq!(CallId::parse("a-b-1").unwrap().chain.as_str(), "a-b");
        for (text, fault) in [
            ("240305091500_77", InvalidId::NoLink),
            ("240305091500_77-", InvalidId::NoLink),
            ("240305091500_77-x", InvalidId::NoLink),
            ("240305091500_77-1.5", InvalidId::NoLink),
            ("240305091500_77-+1", InvalidId::Spelling),
            ("-1", InvalidId::NoLink),
            ("240305091500_77-4294967296", InvalidId::NoLink),
            ("240305091500 77-1", InvalidId::Spelling),
            ("\u{1b}[1m-1", InvalidId::Spelling),
            (&format!("{}-1", "9".repeat(LONGEST)), InvalidId::Spelling),
        ] {
            assert_eq!(CallId::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_time_of_an_id_is_local_and_the_doubled_hour_is_told_by_the_arrival() {
        for (chain, heard, arrived) in [
            ("240305091500_77", "2024-03-05T08:15:01Z", Arrived::At(utc("2024-03-05T08:15:00Z"))),
            ("240705091500_77", "2024-07-05T07:15:01Z", Arrived::At(utc("2024-07-05T07:15:00Z"))),
            // The first and the second half past two of the night when clocks go back.
            ("241027023000_5", "2024-10-27T00:30:02Z", Arrived::At(utc("2024-10-27T00:30:00Z"))),
            ("241027023000_5", "2024-10-27T01:30:02Z", Arrived::At(utc("2024-10-27T01:30:00Z"))),
            // A talk that began in the first one and ends after both.
            ("241027025500_6", "2024-10-27T01:10:00Z", Arrived::At(utc("2024-10-27T00:55:00Z"))),
            // An hour that no clock shows: whatever the PBX means by it, it is not later than now.
            ("240331023000_7", "2024-03-31T01:30:05Z", Arrived::At(utc("2024-03-31T01:30:00Z"))),
            // A clock that is a little ahead is believed.
            ("240305091530_77", "2024-03-05T08:15:00Z", Arrived::At(utc("2024-03-05T08:15:30Z"))),
            ("240305111500_77", "2024-03-05T08:15:00Z", Arrived::Later),
            ("241305091500_77", "2024-03-05T08:15:00Z", Arrived::Unsaid),
            ("240305091500", "2024-03-05T08:15:00Z", Arrived::Unsaid),
            ("240305091500_x", "2024-03-05T08:15:00Z", Arrived::Unsaid),
            ("cafe_1", "2024-03-05T08:15:00Z", Arrived::Unsaid),
        ] {
            assert_eq!(berlin().arrived(&chain.into(), utc(heard)), arrived, "{chain} heard at {heard}");
        }
    }
}
