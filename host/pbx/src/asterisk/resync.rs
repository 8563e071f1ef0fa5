//! After each login: which calls live, and what happened while they were listed.

use hookswitch_call::{Millis, site::News};
use tokio::time::{Instant, timeout_at};

use super::{
    Error, RollCall, Roster, Switchboard,
    link::{Link, Response},
    message::{Message, peek},
    request::Request,
};

/// The lists that tell who is there. Any of the first two is enough, the others add queues and phones.
const LISTS: [&str; 5] = ["CoreShowChannels", "Status", "QueueStatus", "DeviceStateList", "PresenceStateList"];
/// Lists beyond these are there or not, depending on the version and modules of the PBX.
const USUAL: usize = 4;
/// How many times longer than an ordinary answer the lists of a large PBX may take.
const LENGTH: u32 = 4;
/// How many of them name channels.
const CHANNEL_LISTS: usize = 2;

/// What a resynchronisation found.
pub(super) enum Outcome {
    /// The model is right again.
    Known(RollCall),
    /// The manager user may list nothing: what lives is unknown, what happened since the login is told.
    Forbidden(Vec<hookswitch_call::Signal>),
}

/// One list that was asked for.
struct List {
    action_id: String,
    done: bool,
    refused: Option<String>,
}

/// Calls the roll. [`Switchboard::begin_roll_call`] was called before the login.
/// What the lists say of phones and queues is added to `news`.
pub(super) async fn resync(
    link: &mut Link,
    switchboard: &mut Switchboard,
    roster: &mut Roster,
    news: &mut Vec<News>,
    now: impl Fn() -> Millis,
) -> Result<Outcome, Error> {
    let after = link.answer() * LENGTH;
    let deadline = Instant::now() + after;
    let mut lists = Vec::new();
    roster.begin_listing();
    for name in LISTS {
        let request = Request::new(name);
        let request = if name == "Status" { request.with("Variables", &switchboard.variables()) } else { request };
        let action_id = link.send(request).await?;
        lists.push(List { action_id, done: false, refused: None });
    }
    loop {
        let at = now();
        link.drain(|message| {
            lists.iter_mut().for_each(|list| list.hear(message));
            switchboard.apply(message, at);
            news.extend(roster.apply(message));
        });
        if switchboard.backlog_is_full() {
            return Err(Error::Overrun);
        }
        if lists.iter().all(|list| list.done) {
            break;
        }
        timeout_at(deadline, link.fill()).await.map_err(|_| Error::Silent { to: "a listing", after })??;
    }
    for (name, list) in LISTS.iter().zip(&lists).take(USUAL) {
        if let Some(why) = &list.refused {
            tracing::warn!(list = name, %why, "the PBX refuses a listing; give the manager user `write = system,call,agent,reporting`");
        }
    }
    let forbidden = lists.iter().take(CHANNEL_LISTS).all(|list| list.refused.is_some());
    Ok(if forbidden {
        Outcome::Forbidden(switchboard.give_up_roll_call())
    } else {
        Outcome::Known(switchboard.end_roll_call(now()))
    })
}

impl List {
    fn hear(&mut self, message: &[u8]) {
        if self.done || peek(message, "ActionID") != Some(self.action_id.as_bytes()) {
            return;
        }
        match Response::read(message) {
            Some(response) if !response.success => {
                self.refused = Some(response.message);
                self.done = true;
            }
            Some(_) => {}
            // Old servers end their lists without saying so in a header; the name of the event says it too.
            None => {
                let message = Message::parse(message);
                let complete = message.get("EventList").is_some_and(|text| text.eq_ignore_ascii_case("Complete"));
                self.done = complete || message.get("Event").is_some_and(|event| event.ends_with("Complete"));
            }
        }
    }
}
