//! What the 3CX webhooks module would post of an event (sheet C.1 to C.6), for calls of any phone system.

mod added;
mod post;

use std::collections::BTreeMap;

use hookswitch_sdk::minutes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::What;
pub(crate) use added::{recording, transcript};
pub(crate) use post::Post;

/// What must be known of earlier events of a call: who has which link (sheet C.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The place in the feed of the last event that is taken in.
    place: u64,
    /// Who dialled an outbound call.
    dialler: Option<String>,
    /// The last link at which somebody of us talked.
    links: BTreeMap<String, u32>,
}

impl Line {
    /// Takes an event in, once.
    pub(crate) fn take(&mut self, place: u64, what: &What) {
        if place <= self.place {
            return;
        }
        self.place = place;
        match what.event.as_str() {
            "dialing" => {
                self.dialler.get_or_insert_with(|| what.extension.clone());
            }
            "answered" if what.role == "called" => {
                if let Some(user) = self.talker(what) {
                    self.links.insert(user, what.leg);
                }
            }
            "unparked" if !what.extension.is_empty() => {
                self.links.insert(what.extension.clone(), what.leg);
            }
            _ => {}
        }
    }

    /// Who talks to the outside party since this answer: of an outbound call that the outside party answered the one who
    /// dialled.
    fn talker(&self, what: &What) -> Option<String> {
        match (what.by.get("extension").and_then(Value::as_str), what.by.get("outside").and_then(Value::as_str)) {
            (Some(extension), _) => Some(extension.to_owned()),
            (None, Some(_)) if what.call.direction == "outbound" && what.leg <= 1 => self.dialler.clone(),
            (None, Some(number)) => Some(number.to_owned()),
            (None, None) => None,
        }
    }
}

/// The post for an event of the call `line`; none where the module says nothing. `chain` is the call's id without link.
pub(crate) fn post(what: &What, line: &Line, chain: &str) -> Option<Post> {
    let inbound = what.call.direction == "inbound";
    if !inbound && what.call.direction != "outbound" {
        return None;
    }
    let to_user = what.role == "called" && inbound;
    match what.event.as_str() {
        "ringing" if to_user => Some(ringing(what, &what.extension, "ext", chain)),
        "queued" if inbound => Some(ringing(what, &what.queue, "queue", chain)),
        "answered" if what.role == "called" => {
            let event = if inbound { "hangupincoming" } else { "hangupoutgoing" };
            let user = line.talker(what)?;
            Some(Post::new(event, what, chain, what.leg).with("user", user).with("trtype", transfer_type(what)))
        }
        "leg-ended" => {
            let link = line.links.get(&what.extension).copied().unwrap_or(what.leg);
            let event = if inbound { "incoming" } else { "outgoing" };
            let post = Post::new(event, what, chain, link).with("user", what.extension.clone());
            Some(post.with("finishtype", "Ok").with("transfer", "True").with("title", title(what, "handed over")))
        }
        "ended" => Some(ended(what, inbound, chain)),
        // What was said comes with the recording in which it was (sheet C.6: behind it), and not once more by itself.
        _ => None,
    }
}

fn ringing(what: &What, user: &str, kind: &str, chain: &str) -> Post {
    Post::new("ringing", what, chain, what.leg).with("user", user).with("usertype", kind)
}

fn ended(what: &What, inbound: bool, chain: &str) -> Post {
    let event = if inbound { "incoming" } else { "outgoing" };
    // Somebody talked, and whom the caller was handed to in the end did not answer: that was a link of its own.
    let lost_in_transfer = what.call.extra("last-leg") == Some("missed");
    let talked = what.outcome == "answered" && !lost_in_transfer;
    let in_queue = !talked && what.call.reason == "abandoned" && !what.call.queue.is_empty();
    let user = match &what.credited {
        _ if in_queue => what.call.queue.clone(),
        Some(credited) => credited.clone(),
        None => what.call.queue.clone(),
    };
    let side = match what.call.extra("ended-by") {
        Some("external") => "External",
        Some("internal") => "Internal",
        _ => "Undef",
    };
    let link = what.leg + u32::from(lost_in_transfer);
    let post = Post::new(event, what, chain, link).with("user", user);
    let post = post.with("finishtype", if talked { "Ok" } else { "Missed" }).with("transfer", "False");
    post.with("breakside", side).with("title", title(what, if talked { "answered" } else { "missed" }))
}

/// How the call came to who answers (sheet C.2).
fn transfer_type(what: &What) -> &'static str {
    match what.call.extra("transfer") {
        Some("blind" | "redirect") if what.leg > 1 => "Blind",
        Some("attended") if what.leg > 1 => "Accomp",
        _ => "NotDef",
    }
}

/// A sentence for people (sheet C.3).
fn title(what: &What, how: &str) -> String {
    let line = if what.call.line.is_empty() { &what.call.queue } else { &what.call.line };
    format!("{line}: {how}, {}", minutes(what.call.talk_ms))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample::what;

    /// What is posted of a story, as lines of `event user id` with what else tells.
    fn posts(story: &[Value]) -> Vec<String> {
        let mut line = Line::default();
        let mut told = Vec::new();
        for (place, event) in story.iter().enumerate() {
            let what = what(event);
            line.take(place as u64 + 1, &what);
            let Some(post) = post(&what, &line, "240305091500_77") else { continue };
            let of = |name: &str| post.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            let rest = ["trtype", "usertype", "finishtype", "transfer"].iter().filter_map(|name| of(name));
            let all = [of("event"), of("user"), of("id")].into_iter().flatten().chain(rest);
            told.push(all.collect::<Vec<_>>().join(" "));
        }
        told
    }

    #[test]
    fn ringing_and_answer_have_links_of_their_own() {
        let story = [
            json!({"event": "new", "direction": "inbound", "leg": 0}),
            json!({"event": "queued", "queue": "800", "leg": 0}),
            json!({"event": "ringing", "extension": "201", "role": "called", "leg": 0}),
            json!({"event": "ringing", "extension": "202", "role": "called", "leg": 0}),
            json!({"event": "answered", "by": {"extension": "202"}, "role": "called", "leg": 1}),
            json!({"event": "ring-stopped", "extension": "201", "role": "called", "leg": 1}),
            json!({"event": "ended", "outcome": "answered", "credited": "202", "leg": 1}),
        ];
        assert_eq!(
            posts(&story),
            [
                "ringing 800 240305091500_77-0 queue",
                "ringing 201 240305091500_77-0 ext",
                "ringing 202 240305091500_77-0 ext",
                "hangupincoming 202 240305091500_77-1 NotDef",
                "incoming 202 240305091500_77-1 Ok False",
            ]
        );
    }

    #[test]
    fn an_attended_transfer_ends_the_link_of_who_gave_the_caller_away() {
        let attended = json!([["transfer", "attended"]]);
        let story = [
            json!({"event": "answered", "by": {"extension": "201"}, "role": "called", "leg": 1}),
            json!({"event": "ringing", "extension": "202", "role": "consult", "leg": 1}),
            json!({"event": "answered", "by": {"extension": "202"}, "role": "consult", "leg": 1}),
            json!({"event": "transferred", "how": "attended", "leg": 1, "extra": attended}),
            json!({"event": "answered", "by": {"extension": "202"}, "role": "called", "leg": 2, "extra": attended}),
            json!({"event": "leg-ended", "extension": "201", "leg": 2, "extra": attended}),
            json!({"event": "ended", "outcome": "answered", "credited": "202", "leg": 2, "extra": attended}),
        ];
        assert_eq!(
            posts(&story),
            [
                "hangupincoming 201 240305091500_77-1 NotDef",
                "hangupincoming 202 240305091500_77-2 Accomp",
                "incoming 201 240305091500_77-1 Ok True",
                "incoming 202 240305091500_77-2 Ok False",
            ]
        );
    }

    #[test]
    fn a_caller_who_is_handed_over_to_nobody_misses_a_link_of_his_own() {
        let blind = json!([["transfer", "blind"], ["last-leg", "missed"]]);
        let story = [
            json!({"event": "answered", "by": {"extension": "201"}, "role": "called", "leg": 1}),
            json!({"event": "transferred", "how": "blind", "leg": 1}),
            json!({"event": "leg-ended", "extension": "201", "leg": 1}),
            json!({"event": "ringing", "extension": "202", "role": "called", "leg": 1}),
            json!({"event": "ended", "outcome": "answered", "credited": "201", "leg": 1, "extra": blind}),
        ];
        let told = posts(&story);
        assert_eq!(told[1], "incoming 201 240305091500_77-1 Ok True");
        assert!(told[3].starts_with("incoming 201 240305091500_77-2 Missed"), "{told:?}");
    }

    #[test]
    fn an_outbound_call_is_the_diallers() {
        let story = [
            json!({"event": "dialing", "extension": "201", "direction": "outbound", "leg": 0}),
            json!({"event": "answered", "by": {"outside": "030"}, "role": "called", "direction": "outbound", "leg": 1}),
            json!({"event": "ended", "outcome": "answered", "credited": "201", "direction": "outbound", "leg": 1}),
        ];
        assert_eq!(
            posts(&story),
            ["hangupoutgoing 201 240305091500_77-1 NotDef", "outgoing 201 240305091500_77-1 Ok False"]
        );
    }

    #[test]
    fn who_gives_up_in_a_queue_is_missed_by_the_queue_and_internal_calls_are_not_told() {
        let abandoned = json!({"event": "ended", "outcome": "missed", "reason": "abandoned", "queue-of-call": "800",
                               "credited": "201", "leg": 0});
        assert_eq!(posts(&[abandoned]), ["incoming 800 240305091500_77-0 Missed False"]);
        let internal =
            json!({"event": "ringing", "extension": "201", "role": "called", "direction": "internal", "leg": 0});
        assert_eq!(posts(&[internal]), Vec::<String>::new());
    }

    #[test]
    fn what_was_said_comes_with_its_recording_alone() {
        for event in ["transcript", "summary", "recorded"] {
            assert_eq!(posts(&[json!({"event": event, "text": "Hello.", "leg": 1})]), Vec::<String>::new(), "{event}");
        }
    }

    #[test]
    fn an_event_that_comes_again_changes_nothing() {
        let mut line = Line::default();
        let answered = what(&json!({"event": "answered", "by": {"extension": "201"}, "role": "called", "leg": 1}));
        let later = what(&json!({"event": "answered", "by": {"extension": "201"}, "role": "called", "leg": 3}));
        line.take(1, &answered);
        line.take(2, &later);
        let known = line.clone();
        line.take(1, &answered);
        assert_eq!(line, known);
    }
}
