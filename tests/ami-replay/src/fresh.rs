//! Makes the ids of a recording unique, so that it can be played again and again to one client. The length of the bytes
//! never changes: epochs move by whole seconds, channel serials and bridge ids are replaced digit by digit.

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::ToSpan as _;
use jiff::civil::DateTime;
use regex::bytes::{Captures, Regex};

use crate::trace::Trace;

/// A written time, a bridge id, a channel name with its serial, or a run of digits: whichever begins first.
static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?-u)(?P<time>\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)",
        r"|(?P<bridge>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)",
        r"|(?P<channel>\b[A-Z][A-Za-z0-9]*/[\w.@+*#/-]*?-)(?P<serial>[0-9a-f]{8}\b)",
        r"|(?P<digits>\d+)",
    ))
    .expect("the pattern is constant")
});

static ID: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?-u)\b(\d{10})\.(\d+)\b").expect("the pattern is constant"));

/// A day: counters of the PBX such as a member's last call lie before the recording, but not further.
const AROUND: i64 = 86_400;

/// The ids that were given away so far.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    used: HashSet<(i64, Vec<u8>)>,
    playings: u32,
}

impl Fresh {
    /// The same recording as if it happened at `now` (Unix time, s) or the first second after it in which none of its
    /// ids was used before.
    pub(crate) fn renew(&mut self, trace: &Trace, now: i64) -> Trace {
        let ids: HashSet<(i64, Vec<u8>)> =
            ID.captures_iter(&trace.bytes).map(|found| (number(&found[1]), found[2].to_vec())).collect();
        let taken = |shift: i64| ids.iter().any(|(epoch, rest)| self.used.contains(&(epoch + shift, rest.clone())));
        let mut shift = now - trace.recorded_at;
        while taken(shift) {
            shift += 1;
        }
        self.used.extend(ids.into_iter().map(|(epoch, rest)| (epoch + shift, rest)));
        self.playings += 1;
        let playing = self.playings;
        let bytes = PATTERN
            .replace_all(&trace.bytes, |found: &Captures<'_>| replacement(found, trace.recorded_at, shift, playing));
        Trace { bytes: bytes.into_owned(), ..trace.clone() }
    }
}

fn replacement(found: &Captures<'_>, recorded_at: i64, shift: i64, playing: u32) -> Vec<u8> {
    let whole = &found[0];
    if let Some(serial) = found.name("serial") {
        let serial = hex(serial.as_bytes()).wrapping_add(playing << 12);
        return [&found["channel"], format!("{serial:08x}").as_bytes()].concat();
    }
    if found.name("bridge").is_some() {
        let head = hex(&whole[..8]) ^ playing.wrapping_mul(0x9e37_79b1);
        return [format!("{head:08x}").as_bytes(), &whole[8..]].concat();
    }
    if found.name("time").is_some() {
        return moved(whole, shift).unwrap_or_else(|| whole.to_vec());
    }
    let value = number(whole);
    if whole.len() == 10 && (value - recorded_at).abs() < AROUND {
        return (value + shift).to_string().into_bytes();
    }
    whole.to_vec()
}

fn moved(written: &[u8], shift: i64) -> Option<Vec<u8>> {
    let separator = written[10] as char;
    let time: DateTime = std::str::from_utf8(written).ok()?.replace(' ', "T").parse().ok()?;
    let time = time.checked_add(shift.seconds()).ok()?;
    Some(time.strftime(&format!("%Y-%m-%d{separator}%H:%M:%S")).to_string().into_bytes())
}

fn hex(digits: &[u8]) -> u32 {
    u32::from_str_radix(&String::from_utf8_lossy(digits), 16).expect("eight hexadecimal digits")
}

/// A run of digits too long for a time counts as no time at all.
fn number(digits: &[u8]) -> i64 {
    String::from_utf8_lossy(digits).parse().unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(text: &str) -> Trace {
        Trace {
            name: "t".into(),
            title: None,
            bytes: text.as_bytes().to_vec(),
            reads: vec![],
            recorded_at: 1_795_230_446,
            ends_with_close: false,
        }
    }

    #[test]
    fn ids_times_serials_and_bridges_move_and_everything_else_stays() {
        let text = "Uniqueid: 1795230446.8 LoginTime: 1795230416 Caller: +494066969101 Start: 2026-11-21 23:59:59 \
                    Channel: Local/202@from-queue-00000003;1 Peer: PJSIP/201-0000000a \
                    Bridge: e46ab426-e448-4b77-ac45-0605c0ac045b NTP: 3000000000.1 File: x-201-20261121-031209";
        let renewed = Fresh::default().renew(&trace(text), 1_795_230_456);
        let renewed = String::from_utf8(renewed.bytes).unwrap();
        assert_eq!(renewed.len(), text.len());
        assert!(
            renewed.starts_with(
                "Uniqueid: 1795230456.8 LoginTime: 1795230426 Caller: +494066969101 Start: 2026-11-22 00:00:09 "
            ),
            "{renewed}"
        );
        assert!(renewed.contains("Local/202@from-queue-00001003;1 Peer: PJSIP/201-0000100a "), "{renewed}");
        assert!(
            renewed.ends_with("-e448-4b77-ac45-0605c0ac045b NTP: 3000000000.1 File: x-201-20261121-031209"),
            "{renewed}"
        );
        assert!(!renewed.contains("e46ab426"), "{renewed}");
    }

    #[test]
    fn two_playings_in_the_same_second_share_no_id() {
        let mut fresh = Fresh::default();
        let recorded = trace("Uniqueid: 1795230446.8 Linkedid: 1795230445.7");
        let first = fresh.renew(&recorded, 1_795_230_500);
        let second = fresh.renew(&recorded, 1_795_230_500);
        let ids = |trace: &Trace| -> HashSet<Vec<u8>> {
            ID.find_iter(&trace.bytes).map(|id| id.as_bytes().to_vec()).collect()
        };
        assert!(ids(&first).is_disjoint(&ids(&second)));
    }
}
