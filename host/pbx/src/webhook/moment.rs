//! Times as phone systems write them.

use std::fmt;

use hookswitch_call::Millis;
use jiff::{
    Timestamp,
    civil::DateTime,
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, value::MapAccessDeserializer},
};

use super::{message::Message, place::Place, value::Value};

/// How times are written, where nothing else is said: a format, or `{ format = …, zone = "Europe/Moscow" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// How.
    pub format: Format,
    /// Where clocks show it, for formats without an offset; default: the server's zone.
    pub zone: Option<TimeZone>,
}

/// A way to write times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `unix`: seconds since 1970, with or without a fraction.
    #[default]
    Seconds,
    /// `unix-ms`.
    Milliseconds,
    /// `unix-us`.
    Microseconds,
    /// `rfc3339`: `2024-03-05T09:15:00Z`; without an offset, and with a space in place of the `T`, in the zone.
    Rfc3339,
    /// `rfc2822`: `Tue, 05 Mar 2024 09:15:00 +0000`.
    Rfc2822,
    /// A pattern of strptime: `%d.%m.%Y %H:%M:%S`, in the zone unless it has an offset (`%z`).
    Pattern(String),
}

/// When something happened: a place, a list of places, or a table: `{ in = "end", format = "unix-ms" }`, or
/// `{ ago = "duration" }`, that many seconds before the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    At { value: Value, format: Option<Format> },
    Ago(Value),
}

/// Earlier is no time of a call: the year 2000.
const FIRST: i64 = 946_684_800_000;
/// Nor is later: the year 2100.
const LAST: i64 = 4_102_444_800_000;
/// No call lasts longer: a week.
const LONGEST: u64 = 7 * 24 * 3600;

impl Moment {
    /// The moment, if the message says it; `told` is when the message was made.
    pub(super) fn of(&self, message: &Message<'_>, time: &Time, told: Millis) -> Option<Millis> {
        match &self.0 {
            Kind::At { value, format } => {
                let format = format.as_ref().unwrap_or(&time.format);
                value.all(message).iter().find_map(|text| format.read(text, time.zone.as_ref()))
            }
            Kind::Ago(value) => {
                let seconds = value.all(message).iter().find_map(|text| text.parse().ok());
                let seconds = seconds.filter(|seconds: &u64| *seconds <= LONGEST)?;
                Some(Millis(told.0.saturating_sub(seconds * 1000)))
            }
        }
    }
}

impl Format {
    fn read(&self, text: &str, zone: Option<&TimeZone>) -> Option<Millis> {
        let here = |time: DateTime| Some(time.to_zoned(zone?.clone()).ok()?.timestamp());
        let millis = match self {
            Self::Seconds => decimal(text, 3),
            Self::Milliseconds => decimal(text, 0),
            Self::Microseconds => decimal(text, 0).map(|micros| micros / 1000),
            Self::Rfc3339 => {
                let time = text.parse::<Timestamp>().ok().or_else(|| here(text.parse().ok()?));
                time.map(|time| time.as_millisecond())
            }
            Self::Rfc2822 => rfc2822::parse(text).ok().map(|time| time.timestamp().as_millisecond()),
            Self::Pattern(pattern) => {
                let read = strtime::parse(pattern, text).ok()?;
                let time = read.to_timestamp().ok().or_else(|| here(read.to_datetime().ok()?));
                time.map(|time| time.as_millisecond())
            }
        };
        millis.filter(|millis| (FIRST..LAST).contains(millis)).and_then(|millis| u64::try_from(millis).ok()).map(Millis)
    }

    fn named(text: &str) -> Result<Self, String> {
        Ok(match text {
            "unix" => Self::Seconds,
            "unix-ms" => Self::Milliseconds,
            "unix-us" => Self::Microseconds,
            "rfc3339" => Self::Rfc3339,
            "rfc2822" => Self::Rfc2822,
            _ if !text.contains('%') => {
                return Err(format!(
                    "`{text}` is no way to write times: use unix, unix-ms, unix-us, rfc3339, rfc2822 or a pattern like \
                     %Y-%m-%d %H:%M:%S"
                ));
            }
            pattern => {
                // What it writes, it must be able to read, down to the second of one time.
                let sample = Timestamp::from_second(1_709_630_103).unwrap_or_default().to_zoned(TimeZone::UTC);
                let same = |pattern: &str| -> Option<bool> {
                    let text = strtime::format(pattern, &sample).ok()?;
                    let read = Self::Pattern(pattern.to_owned()).read(&text, Some(&TimeZone::UTC))?;
                    Some(i64::try_from(read.0).ok()? == sample.timestamp().as_millisecond())
                };
                if same(pattern) != Some(true) {
                    return Err(format!("no time can be read by the pattern `{pattern}`: it must say date and time"));
                }
                Self::Pattern(pattern.to_owned())
            }
        })
    }
}

/// A decimal number, with so many digits behind its point.
fn decimal(text: &str, digits: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
    let all = format!("{whole}{fraction}");
    all.bytes().all(|byte| byte.is_ascii_digit()).then(|| all.parse().ok()).flatten()
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTime {
    #[serde(default)]
    format: Format,
    zone: Option<String>,
}

struct TimeVisitor;

impl<'de> de::Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a format like "unix", or { format = "%d.%m.%Y %H:%M:%S", zone = "Europe/Moscow" }"#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Format::named(text).map(|format| Time { format, zone: None }).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
        let WrittenTime { format, zone } = WrittenTime::deserialize(MapAccessDeserializer::new(map))?;
        let known = |name: &String| {
            TimeZone::get(name)
                .map_err(|_| de::Error::custom(format!("unknown time zone `{name}`; write it like \"Europe/Berlin\"")))
        };
        Ok(Time { format, zone: zone.as_ref().map(known).transpose()? })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TimeVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMoment {
    #[serde(rename = "in")]
    place: Option<Value>,
    format: Option<Format>,
    ago: Option<Value>,
}

struct MomentVisitor;

impl<'de> de::Visitor<'de> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a place like "timestamp", { in = "end", format = "unix-ms" } or { ago = "duration" }"#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
        let place: Place = text.parse().map_err(E::custom)?;
        Ok(Moment(Kind::At { value: place.into(), format: None }))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Moment, A::Error> {
        match WrittenMoment::deserialize(MapAccessDeserializer::new(map))? {
            WrittenMoment { place: Some(value), format, ago: None } => Ok(Moment(Kind::At { value, format })),
            WrittenMoment { place: None, format: None, ago: Some(value) } => Ok(Moment(Kind::Ago(value))),
            _ => Err(de::Error::custom("write either `in`, with or without `format`, or `ago`")),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(MomentVisitor)
    }
}
