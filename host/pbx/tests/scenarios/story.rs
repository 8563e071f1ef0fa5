//! What a wire says, in short words, and how calls go that many tests begin with.

use hookswitch_call::{
    Event, Millis, Tracker,
    event::{Outcome, What},
    signal::{Party, Role},
};
use hookswitch_pbx::asterisk::{Decoder, Frame, Site, Switchboard};

use crate::wire::{Leg, Wire};

pub(crate) const CUSTOMER: &str = "+494066969101";
pub(crate) const LINE: &str = "+493023125201";

pub(crate) fn site() -> Site {
    Site { trunks: vec!["PJSIP/trunk-*".into()], inbound_contexts: vec!["from-trunk".into()], ..Site::default() }
}

/// The events of all calls that a CRM is told of, one line each; internal calls are marked.
pub(crate) fn story(wire: &Wire) -> Vec<String> {
    story_of(wire, site())
}

pub(crate) fn story_of(wire: &Wire, site: Site) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut switchboard = Switchboard::new(site);
    let mut tracker = Tracker::new("office".into(), []).told_ring_ends();
    decoder.feed(wire.0.as_bytes());
    let mut at = Millis(1_795_230_500_000);
    let mut lines = Vec::new();
    while let Some(frame) = decoder.next() {
        let Frame::Message(message) = frame else { panic!("no message") };
        at.0 += 10;
        for signal in switchboard.apply(message, at) {
            lines.extend(tracker.apply(signal).iter().filter_map(line));
        }
    }
    lines
}

fn line(event: &Event) -> Option<String> {
    let party = |party: &Party| match party {
        Party::Extension(extension) => extension.to_string(),
        Party::Outside(number) => format!("outside {number}"),
    };
    let role = |role: &Role| match role {
        Role::Called => "",
        Role::Consult => " (consult)",
        Role::Own => " (own)",
    };
    let optional =
        |extension: &Option<hookswitch_call::Extension>| extension.as_ref().map_or("-".to_owned(), ToString::to_string);
    Some(match &event.what {
        What::LegEnded { .. } => return None,
        What::Digits { digits } => format!("digits {digits}"),
        What::Noted { name, value } => format!("{name} is {value}"),
        What::Recorded { file } => format!("recorded {file}"),
        What::Transcript { .. } => "transcript".to_owned(),
        What::Summary { .. } => "summary".to_owned(),
        What::New { direction } => format!("{direction:?}").to_lowercase(),
        What::Queued { queue } => format!("queued {queue}"),
        What::LeftQueue { queue, exit } => format!("left {queue}: {exit:?}"),
        What::Dialing { extension, number } => format!("{extension} dials {number}"),
        What::Ringing { extension, role: r } => format!("rings {extension}{}", role(r)),
        What::RingStopped { extension, why, role: r, .. } => format!("stops {extension}: {why:?}{}", role(r)),
        What::Answered { by, role: r } => format!("answered {}{}", party(by), role(r)),
        What::Held { extension } => format!("held by {extension}"),
        What::Resumed { extension } => format!("resumed by {extension}"),
        What::Transferred { how, from, to } => format!("{how:?} transfer {} to {}", optional(from), party(to)),
        What::Forwarded { from, to } => format!("forwarded {from} to {}", party(to)),
        What::PickedUp { from, by } => format!("picked up {} by {by}", optional(from)),
        What::Parked { extension, space } => format!("parked by {} at {space}", optional(extension)),
        What::Unparked { extension } => format!("unparked by {}", optional(extension)),
        What::Voicemail { mailbox } => format!("mailbox {mailbox}"),
        What::Recording { state, file } => format!("recording {state:?} {}", file.as_deref().unwrap_or("-")),
        What::Merged { into } => format!("merged into {}", into.as_str().rsplit('.').next().unwrap_or_default()),
        What::Corrected { outcome, reason, .. } => format!("corrected {outcome:?} {}", reason.token()),
        What::Ended { outcome, reason, credited, by, .. } => {
            let outcome = match outcome {
                Outcome::Answered => "ok",
                Outcome::Missed => "missed",
                Outcome::Lost => "lost",
            };
            format!("ended {outcome} {} {} by {by:?}", reason.token(), optional(credited))
        }
    })
}

/// A customer calls, and the extension answers; both talk in the bridge `main`.
pub(crate) fn answered_call(wire: &mut Wire, extension: &str) -> (Leg, Leg) {
    let mut caller = Leg::caller(1, CUSTOMER, LINE);
    let mut phone = Leg::phone(extension, 2, 1);
    wire.new_leg(&caller);
    caller.exten = extension.into();
    wire.ring(&caller, &mut phone);
    wire.answer(&mut caller, &mut phone, "main");
    (caller, phone)
}

pub(crate) fn end(wire: &mut Wire, first: &Leg, second: &Leg) {
    wire.asks_for_end(first, &[("Cause", "16")]);
    wire.hangup(first, "16");
    wire.hangup(second, "16");
}

/// The phone holds the customer and asks 202 on a second line.
pub(crate) fn second_line(wire: &mut Wire, phone: &Leg) -> (Leg, Leg) {
    wire.say("Hold", phone, &[("MusicClass", "default")]);
    let line = Leg::dials("201", 3, "202");
    let mut target = Leg::phone("202", 4, 3);
    wire.new_leg(&line);
    wire.ring(&line, &mut target);
    (line, target)
}
