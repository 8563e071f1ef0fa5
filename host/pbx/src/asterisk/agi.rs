//! FastAGI: the dial plan asks over TCP where a caller should go.
//!
//! `AGI(agi://127.0.0.1/route)` connects here and says what it knows of the channel, one `agi_name: value` a line, up to
//! an empty line. We set variables, each with one line and one answer, and close; the dial plan goes on with
//! `${HOOKSWITCH_TARGET}` and `${HOOKSWITCH_NAME}`, both empty where nothing is known, and the name is shown on the phones
//! (`CALLERID(name)`). The line that was called is the first argument, `AGI(agi://127.0.0.1/route,${EXTEN})`, or else the
//! number that the channel was called by.
//!
//! The codec here is pure; lines end with a line feed. See "AGI Commands" in the Asterisk documentation.

mod listener;

use std::fmt::Write as _;

pub(super) use listener::serve;

use crate::Route;

/// Most bytes of what a dial plan says before its empty line.
pub const MAX_HEAD: usize = 16 << 10;
/// Most lines of it.
const MAX_LINES: usize = 200;

/// What the dial plan says of the channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The path of the address that it called: `route`.
    pub script: String,
    /// The channel's `Uniqueid`.
    pub call: String,
    /// The caller's number.
    pub caller: String,
    /// The number that was called.
    pub line: String,
}

impl Head {
    /// Reads what stands before the empty line; none if it is no FastAGI.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut head = Self::default();
        let (mut network, mut argument, mut dialled, mut extension) = (false, None, None, None);
        for line in text.split('\n').take(MAX_LINES) {
            let Some((name, value)) = line.trim_end_matches('\r').split_once(':') else { continue };
            let value = value.strip_prefix(' ').unwrap_or(value);
            let known = Some(value).filter(|value| !value.is_empty() && *value != "unknown").map(str::to_owned);
            match name {
                "agi_network" => network = value == "yes",
                "agi_network_script" => head.script = value.trim_start_matches('/').to_owned(),
                "agi_uniqueid" => head.call = known.unwrap_or_default(),
                "agi_callerid" => head.caller = known.unwrap_or_default(),
                "agi_arg_1" => argument = known,
                "agi_dnid" => dialled = known,
                "agi_extension" => extension = known.filter(|extension| extension != "s"),
                _ => {}
            }
        }
        head.line = argument.or(dialled).or(extension).unwrap_or_default();
        network.then_some(head)
    }
}

/// The commands that tell the dial plan a route.
pub fn commands(route: &Route) -> Vec<String> {
    let set = |name: &str, value: &str| format!("SET VARIABLE {name} {}\n", quoted(value));
    let name = route.name.as_deref();
    let mut commands = vec![
        set("HOOKSWITCH_TARGET", route.target.as_deref().unwrap_or_default()),
        set("HOOKSWITCH_NAME", name.unwrap_or_default()),
    ];
    commands.extend(name.map(|name| set("CALLERID(name)", name)));
    commands
}

/// A text as one word of a command.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars().filter(|char| !char.is_control()) {
        // Writing to a string cannot fail.
        let _ = if matches!(char, '"' | '\\') { write!(quoted, "\\{char}") } else { write!(quoted, "{char}") };
    }
    quoted.push('"');
    quoted
}

/// What a line of the PBX says to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done.
    Done,
    /// It was not.
    Refused,
    /// The caller is gone; said between answers.
    HungUp,
    /// More of an answer of several lines.
    More,
}

impl Reply {
    /// Reads a line without its end.
    pub fn parse(line: &[u8]) -> Self {
        match line.trim_ascii_end() {
            b"HANGUP" => Self::HungUp,
            [b'2', b'0', b'0', b' ', rest @ ..] => {
                if rest.starts_with(b"result=-1") {
                    Self::Refused
                } else {
                    Self::Done
                }
            }
            // `520-` begins an explanation that ends with a line of `520 `.
            [b'5', b'2', b'0', b'-', ..] => Self::More,
            [b'5', b'0'..=b'9', b'0'..=b'9', b' ', ..] => Self::Refused,
            _ => Self::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"agi_network: yes\nagi_network_script: route\nagi_request: agi://127.0.0.1/route\n\
        agi_channel: PJSIP/trunk-provider-00000054\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1795230729.100\n\
        agi_version: 22.10.1\nagi_callerid: +494066969101\nagi_calleridname: unknown\nagi_dnid: unknown\n\
        agi_rdnis: unknown\nagi_context: from-trunk\nagi_extension: +493023125400\nagi_priority: 1\n\
        agi_enhanced: 0.0\nagi_accountcode: \nagi_threadid: 1\n";

    #[test]
    fn the_head_says_who_called_which_line() {
        let head = Head::parse(HEAD).unwrap();
        let expected = ["route", "1795230729.100", "+494066969101", "+493023125400"].map(str::to_owned);
        assert_eq!([head.script, head.call, head.caller, head.line], expected);
        let more = [HEAD, b"agi_arg_1: +4930\n"].concat();
        assert_eq!(Head::parse(&more).unwrap().line, "+4930");
        assert_eq!(
            Head::parse(b"agi_network: yes\nagi_callerid: unknown\nagi_extension: s\n").unwrap(),
            Head::default()
        );
        assert_eq!(Head::parse(b"GET / HTTP/1.1\nHost: x\n"), None);
    }

    #[test]
    fn a_route_becomes_variables_and_its_texts_cannot_leave_their_quotes() {
        let route = Route { name: Some("Ann \"A\\B\"\nHANGUP".into()), target: Some("201".into()) };
        assert_eq!(
            commands(&route),
            [
                "SET VARIABLE HOOKSWITCH_TARGET \"201\"\n",
                "SET VARIABLE HOOKSWITCH_NAME \"Ann \\\"A\\\\B\\\"HANGUP\"\n",
                "SET VARIABLE CALLERID(name) \"Ann \\\"A\\\\B\\\"HANGUP\"\n",
            ]
        );
        assert_eq!(
            commands(&Route::default()),
            ["SET VARIABLE HOOKSWITCH_TARGET \"\"\n", "SET VARIABLE HOOKSWITCH_NAME \"\"\n"]
        );
    }

    #[test]
    fn answers_are_told_apart() {
        for (line, reply) in [
            (b"200 result=1".as_slice(), Reply::Done),
            (b"200 result=-1\r", Reply::Refused),
            (b"510 Invalid or unknown command", Reply::Refused),
            (b"511 Command Not Permitted on a dead channel or intercept routine", Reply::Refused),
            (b"520-Invalid command syntax.  Proper usage follows:", Reply::More),
            (b" Usage: SET VARIABLE", Reply::More),
            (b"520 End of proper usage.", Reply::Refused),
            (b"HANGUP", Reply::HungUp),
            (b"", Reply::More),
        ] {
            assert_eq!(Reply::parse(line), reply, "{}", String::from_utf8_lossy(line));
        }
    }
}
