//! Orders to the PBX: what the running connection is asked to do, and what became of it.
//!
//! An answer is the response with the order's `ActionID`, and for a call also what happens to the channel that was asked
//! for (Asterisk reference, "Requests" and gotcha 16): its first sign of life, or an `OriginateResponse`. Pure: times are
//! passed in.

use std::time::Duration;

use hookswitch_call::Chain;
use tokio::{sync::oneshot, time::Instant};

use super::{
    link::Response,
    message::{Message, peek},
    request::Request,
};
use crate::{Dialled, Refused};

/// How long a call that the PBX has taken is watched for a failure that comes at once: a phone that is not registered.
const SETTLE: Duration = Duration::from_secs(4);
/// Orders under way at one time.
const MOST: usize = 100;
/// Characters kept of what a PBX says.
const WORDS: usize = 200;

/// What the connection is asked to do.
pub(super) enum Order {
    /// To make a call.
    Dial {
        request: Request,
        /// What the call's first channel will be called.
        channel_id: String,
        answer: oneshot::Sender<Result<Dialled, Refused>>,
    },
    /// To end a call.
    HangUp { call: Chain, answer: oneshot::Sender<Result<(), Refused>> },
}

impl Order {
    /// Whether nobody waits for it any more. What was given up is not done late.
    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Dial { answer, .. } => answer.is_closed(),
            Self::HangUp { answer, .. } => answer.is_closed(),
        }
    }

    /// Says why it is not done. Whoever gave it up does not hear it.
    pub(super) fn refuse(self, why: Refused) {
        match self {
            Self::Dial { answer, .. } => drop(answer.send(Err(why))),
            Self::HangUp { answer, .. } => drop(answer.send(Err(why))),
        }
    }
}

/// The orders that were sent and are not settled.
pub(super) struct Orders {
    under_way: Vec<Sent>,
    /// How long a response may take.
    patience: Duration,
}

struct Sent {
    /// Of the requests whose responses are still to come.
    action_ids: Vec<String>,
    until: Instant,
    what: What,
}

enum What {
    Dial {
        action_id: String,
        channel_id: String,
        /// The PBX has taken the order.
        taken: bool,
        answer: oneshot::Sender<Result<Dialled, Refused>>,
    },
    HangUp {
        /// Some channel was hung up.
        done: bool,
        refused: Option<Refused>,
        answer: oneshot::Sender<Result<(), Refused>>,
    },
}

/// What a message means to an order.
enum Verdict {
    Open,
    Dialled(Option<String>),
    HungUp,
    Refused(Refused),
}

impl Orders {
    pub(super) fn new(patience: Duration) -> Self {
        Self { under_way: Vec::new(), patience }
    }

    /// Whether no more can be taken now.
    pub(super) fn is_full(&self) -> bool {
        self.under_way.len() >= MOST
    }

    /// A call was ordered with this request.
    pub(super) fn dialling(
        &mut self,
        action_id: String,
        channel_id: String,
        answer: oneshot::Sender<Result<Dialled, Refused>>,
        now: Instant,
    ) {
        let what = What::Dial { action_id: action_id.clone(), channel_id, taken: false, answer };
        self.under_way.push(Sent { action_ids: vec![action_id], until: now + self.patience, what });
    }

    /// The end of a call was ordered, one request for each of its channels.
    pub(super) fn hanging_up(
        &mut self,
        action_ids: Vec<String>,
        answer: oneshot::Sender<Result<(), Refused>>,
        now: Instant,
    ) {
        let what = What::HangUp { done: false, refused: None, answer };
        self.under_way.push(Sent { action_ids, until: now + self.patience, what });
    }

    /// Takes a message of the connection in.
    pub(super) fn hear(&mut self, frame: &[u8], now: Instant) {
        if self.under_way.is_empty() {
            return;
        }
        let mut at = 0;
        while let Some(sent) = self.under_way.get_mut(at) {
            match sent.hear(frame, now) {
                Verdict::Open => at += 1,
                verdict => self.under_way.swap_remove(at).settle(verdict),
            }
        }
    }

    /// When [`Self::expire`] is due; none while nothing is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        self.under_way.iter().map(|sent| sent.until).min()
    }

    /// Settles what has waited long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        let (late, open) = std::mem::take(&mut self.under_way).into_iter().partition(|sent| sent.until <= now);
        self.under_way = open;
        settle_all(late, "no answer came in time");
    }

    /// The connection is gone, and with it every answer that was to come.
    pub(super) fn abandon(&mut self, why: &str) {
        settle_all(std::mem::take(&mut self.under_way), why);
    }
}

fn settle_all(sent: Vec<Sent>, why: &str) {
    for sent in sent {
        let verdict = match sent.what {
            // It is on its way; only the phone has not rung yet as far as was heard.
            What::Dial { taken: true, .. } => Verdict::Dialled(None),
            What::HangUp { done: true, .. } => Verdict::HungUp,
            _ => Verdict::Refused(Refused::InDoubt(why.to_owned())),
        };
        sent.settle(verdict);
    }
}

impl Sent {
    fn hear(&mut self, frame: &[u8], now: Instant) -> Verdict {
        let ours = |ids: &[String]| {
            let id = peek(frame, "ActionID")?;
            ids.iter().position(|known| known.as_bytes() == id)
        };
        if let Some(place) = ours(&self.action_ids)
            && let Some(response) = Response::read(frame).filter(|_| peek(frame, "Event").is_none())
        {
            self.action_ids.swap_remove(place);
            return self.responded(&response, now);
        }
        match &self.what {
            What::Dial { action_id, channel_id, .. } => what_became(frame, action_id, channel_id),
            What::HangUp { .. } => Verdict::Open,
        }
    }

    fn responded(&mut self, response: &Response, now: Instant) -> Verdict {
        match &mut self.what {
            What::Dial { taken, .. } if response.success => {
                *taken = true;
                self.until = now + SETTLE;
                Verdict::Open
            }
            What::Dial { .. } => Verdict::Refused(refusal(&response.message, "originate")),
            What::HangUp { done, refused, .. } => {
                if response.success {
                    *done = true;
                } else if !response.message.starts_with("No such channel") {
                    *refused = Some(refusal(&response.message, "call"));
                }
                match (self.action_ids.is_empty(), *done, refused.take()) {
                    (false, _, kept) => {
                        *refused = kept;
                        Verdict::Open
                    }
                    // Hanging up one leg takes the others down, which may then be gone before their own turn.
                    (true, true, _) => Verdict::HungUp,
                    (true, false, why) => Verdict::Refused(why.unwrap_or(Refused::NoSuchCall)),
                }
            }
        }
    }

    fn settle(self, verdict: Verdict) {
        // Whoever gave the order may have gone.
        match (self.what, verdict) {
            (What::Dial { answer, .. }, Verdict::Dialled(call)) => {
                drop(answer.send(Ok(Dialled { call: call.map(Chain::from) })));
            }
            (What::Dial { answer, .. }, Verdict::Refused(why)) => drop(answer.send(Err(why))),
            (What::HangUp { answer, .. }, Verdict::HungUp) => drop(answer.send(Ok(()))),
            (What::HangUp { answer, .. }, Verdict::Refused(why)) => drop(answer.send(Err(why))),
            _ => {}
        }
    }
}

/// What an event says about the call that was ordered.
fn what_became(frame: &[u8], action_id: &str, channel_id: &str) -> Verdict {
    if peek(frame, "Event") == Some(b"OriginateResponse") && peek(frame, "ActionID") == Some(action_id.as_bytes()) {
        let message = Message::parse(frame);
        return if message.get("Response") == Some("Success") {
            Verdict::Dialled(message.text("Uniqueid").map(str::to_owned))
        } else {
            Verdict::Refused(failure(message.get("Reason").unwrap_or_default()))
        };
    }
    for prefix in ["", "Dest"] {
        let named = |name: &str| peek(frame, &format!("{prefix}{name}"));
        // Ringing or up: channel states 5 and 6.
        if named("Uniqueid") == Some(channel_id.as_bytes()) && matches!(named("ChannelState"), Some(b"5" | b"6")) {
            return Verdict::Dialled(Some(channel_id.to_owned()));
        }
    }
    Verdict::Open
}

/// The `Reason` of a failed `OriginateResponse`: a number of Asterisk's control frames, the last that the channel gave.
fn failure(reason: &str) -> Refused {
    Refused::Unreachable(
        match reason {
            "0" | "8" => "no phone is registered for it, or there is none by this name",
            "1" | "3" => "it was not picked up",
            "5" => "it is busy, or the call was rejected there",
            _ => "the phone system could not ring it",
        }
        .to_owned(),
    )
}

/// What a refusal in a response means. `class` is what the manager user needs in `write =`.
fn refusal(message: &str, class: &str) -> Refused {
    let said: String = message.chars().take(WORDS).flat_map(char::escape_debug).collect();
    if message.starts_with("Permission denied") {
        Refused::NotPermitted(format!("it needs `{class}` in `write =` of manager.conf ({said})"))
    } else if message.starts_with("Extension does not exist") {
        Refused::BadNumber(format!("the dial plan knows no such number in the context of `dial` ({said})"))
    } else {
        Refused::Other(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(15);

    fn dialling() -> (Orders, oneshot::Receiver<Result<Dialled, Refused>>, Instant) {
        let (answer, told) = oneshot::channel();
        let (mut orders, now) = (Orders::new(PATIENCE), Instant::now());
        orders.dialling("h-1".into(), "17.9".into(), answer, now);
        (orders, told, now)
    }

    fn hanging_up(count: usize) -> (Orders, oneshot::Receiver<Result<(), Refused>>, Instant) {
        let (answer, told) = oneshot::channel();
        let (mut orders, now) = (Orders::new(PATIENCE), Instant::now());
        orders.hanging_up((1..=count).map(|id| format!("h-{id}")).collect(), answer, now);
        (orders, told, now)
    }

    const TAKEN: &[u8] = b"Response: Success\r\nActionID: h-1\r\nMessage: Originate successfully queued\r\n";

    #[tokio::test]
    async fn a_call_is_made_when_its_phone_rings() {
        let (mut orders, mut told, now) = dialling();
        orders.hear(TAKEN, now);
        orders.hear(b"Event: Newchannel\r\nUniqueid: 17.9\r\nChannelState: 0\r\n", now);
        orders.hear(b"Event: Newstate\r\nUniqueid: 17.8\r\nChannelState: 5\r\n", now);
        assert!(told.try_recv().is_err(), "nothing rings yet");
        orders.hear(b"Event: Newstate\r\nUniqueid: 17.9\r\nChannelState: 5\r\n", now);
        assert_eq!(told.await.unwrap(), Ok(Dialled { call: Some("17.9".into()) }));
        assert_eq!(orders.due(), None);
    }

    #[tokio::test]
    async fn the_last_word_on_a_call_is_heard_by_its_own_order_only() {
        let (mut orders, mut told, now) = dialling();
        orders.hear(b"Event: OriginateResponse\r\nActionID: h-2\r\nResponse: Failure\r\nReason: 0\r\n", now);
        assert!(told.try_recv().is_err());
        orders.hear(b"Event: OriginateResponse\r\nActionID: h-1\r\nResponse: Success\r\nUniqueid: 17.9\r\n", now);
        assert_eq!(told.await.unwrap(), Ok(Dialled { call: Some("17.9".into()) }));
    }

    #[tokio::test]
    async fn a_failure_is_told_by_its_kind() {
        for (message, is) in [
            (
                "Event: OriginateResponse\r\nActionID: h-1\r\nResponse: Failure\r\nReason: 0\r\n",
                "no phone is registered",
            ),
            ("Event: OriginateResponse\r\nActionID: h-1\r\nResponse: Failure\r\nReason: 3\r\n", "not picked up"),
            ("Event: OriginateResponse\r\nActionID: h-1\r\nResponse: Failure\r\nReason: 5\r\n", "busy"),
            ("Response: Error\r\nActionID: h-1\r\nMessage: Permission denied\r\n", "may not do that"),
            ("Response: Error\r\nActionID: h-1\r\nMessage: Extension does not exist.\r\n", "does not take the number"),
            ("Response: Error\r\nActionID: h-1\r\nMessage: Invalid\x1b channel\r\n", "refuses: Invalid\\u{1b} channel"),
        ] {
            let (mut orders, told, now) = dialling();
            orders.hear(message.as_bytes(), now);
            let why = told.await.unwrap().unwrap_err().to_string();
            assert!(why.contains(is), "{message}: {why}");
        }
    }

    #[tokio::test]
    async fn silence_leaves_an_order_in_doubt_unless_the_pbx_has_taken_it() {
        let (mut orders, told, now) = dialling();
        orders.expire(now + PATIENCE - Duration::from_millis(1));
        assert!(orders.due().is_some());
        orders.expire(now + PATIENCE);
        assert!(matches!(told.await.unwrap(), Err(Refused::InDoubt(_))));
        let (mut orders, told, now) = dialling();
        orders.hear(TAKEN, now);
        orders.expire(now + SETTLE);
        assert_eq!(told.await.unwrap(), Ok(Dialled { call: None }));
        let (mut orders, told, _) = dialling();
        orders.abandon("the connection broke");
        assert_eq!(told.await.unwrap(), Err(Refused::InDoubt("the connection broke".into())));
    }

    #[tokio::test]
    async fn a_call_is_ended_when_one_of_its_legs_was_and_all_have_answered() {
        let (mut orders, mut told, now) = hanging_up(2);
        orders.hear(b"Response: Success\r\nActionID: h-1\r\nMessage: Channel Hungup\r\n", now);
        assert!(told.try_recv().is_err());
        orders.hear(b"Response: Error\r\nActionID: h-2\r\nMessage: No such channel\r\n", now);
        assert_eq!(told.await.unwrap(), Ok(()));
        let (mut orders, told, now) = hanging_up(1);
        orders.hear(b"Response: Error\r\nActionID: h-1\r\nMessage: No such channel\r\n", now);
        assert_eq!(told.await.unwrap(), Err(Refused::NoSuchCall));
        let (mut orders, told, now) = hanging_up(2);
        orders.hear(b"Response: Error\r\nActionID: h-2\r\nMessage: Permission denied\r\n", now);
        orders.hear(b"Response: Error\r\nActionID: h-1\r\nMessage: No such channel\r\n", now);
        assert!(matches!(told.await.unwrap(), Err(Refused::NotPermitted(_))));
    }
}
