//! A recognition under way: what Yandex says of it (reference, *Operation*), and what is remembered of it from poll to poll.

use hookswitch_sdk::http::Answer;
use hookswitch_sdk::recording::sides;
use hookswitch_sdk::{Failure, Progress, Recording};
use serde::{Deserialize, Serialize};

/// Ids are short words; anything else is not sent back.
const LONGEST_ID: usize = 64;

/// Between two questions: 5 seconds to 10 minutes.
const SHORTEST_MS: u64 = 5_000;
const LONGEST_MS: u64 = 10 * 60_000;

/// Guide: "it takes about 10 seconds to recognize one minute of audio".
const SPEED: u64 = 6;
/// Asked first after this where nobody knows how long the recording is, and at the latest.
const UNKNOWN_MS: u64 = 10_000;
const FIRST_MS: u64 = 60_000;

/// What the token of a poll holds: a poll is told nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) operation: String,
    /// As SpeechKit was told.
    pub(crate) language: String,
    /// Who speaks on the left channel and who on the right one; none: there is one channel.
    pub(crate) speakers: Option<[String; 2]>,
    waited_ms: u64,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(default)]
    id: String,
    #[serde(default)]
    done: bool,
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

impl Order {
    /// Reads the answer to a recognition that was asked for.
    ///
    /// # Errors
    /// *Temporary*: half an answer. *Rejected*: it has failed already.
    pub(crate) fn begun(answer: &Answer, file: &Recording, language: &str) -> Result<Self, Failure> {
        let operation: Operation = answer.json()?;
        if let Some(problem) = operation.error {
            return Err(failed(&problem));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if operation.id.is_empty() || operation.id.len() > LONGEST_ID || !operation.id.bytes().all(fits) {
            return Err(answer.not_understood("it names no operation"));
        }
        Ok(Self {
            operation: operation.id,
            language: language.to_owned(),
            speakers: sides(file).map(|sides| sides.map(|side| side.speaker)),
            waited_ms: 0,
        })
    }

    /// Reads the token of a poll.
    ///
    /// # Errors
    /// *Rejected*: it is none of ours.
    pub(crate) fn read(token: &str) -> Result<Self, Failure> {
        serde_json::from_str(token).map_err(|error| {
            Failure::rejected_with("token", "this recognition was begun by another version", error.to_string())
        })
    }

    /// What the host is told after it was begun.
    pub(crate) fn first(self, duration_ms: Option<u64>) -> Progress {
        let wait = duration_ms.map_or(UNKNOWN_MS, |length| (length / SPEED).clamp(SHORTEST_MS, FIRST_MS));
        self.pending(wait)
    }

    /// What the host is told while it goes on. The longer it takes, the longer the next wait: a cheap model takes hours.
    pub(crate) fn later(self) -> Progress {
        let wait = (self.waited_ms / 4).clamp(SHORTEST_MS, LONGEST_MS);
        self.pending(wait)
    }

    fn pending(mut self, wait: u64) -> Progress {
        self.waited_ms = self.waited_ms.saturating_add(wait);
        // Every key is a text, so this cannot fail.
        let token = serde_json::to_string(&self).unwrap_or_default();
        Progress::Pending((token, u32::try_from(wait).unwrap_or(u32::MAX)))
    }
}

/// Whether it is over.
///
/// # Errors
/// *Temporary*: half an answer. *Rejected*: it has failed.
pub(crate) fn is_done(answer: &Answer) -> Result<bool, Failure> {
    let operation: Operation = answer.json()?;
    match operation.error {
        Some(problem) => Err(failed(&problem)),
        None => Ok(operation.done),
    }
}

/// Codes are those of gRPC. None of them is mended by asking the same operation again.
fn failed(problem: &Problem) -> Failure {
    let text = match problem.code {
        3 => {
            "SpeechKit cannot read the recording, which must be MP3, Opus or 16-bit WAV: [recordings] format = \"mp3\""
        }
        _ => "SpeechKit has given the recognition up, and says the same whenever it is asked: skip this job",
    };
    let said: String = problem.message.chars().take(300).collect();
    Failure::rejected_with(format!("operation-{}", problem.code), text, said)
}

#[cfg(test)]
mod tests {
    use hookswitch_sdk::http::Effect;

    use super::*;

    fn answer(text: &str) -> Answer {
        Answer { effect: Effect::Idempotent, status: 200, headers: vec![], text: text.into() }
    }

    fn file(extra: &[(&str, &str)]) -> Recording {
        let extra = extra.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Recording { id: "7".into(), extra, ..Recording::default() }
    }

    fn wait(progress: &Progress) -> (&str, u32) {
        match progress {
            Progress::Pending((token, wait)) => (token, *wait),
            Progress::Done(words) => panic!("{words:?}"),
        }
    }

    #[test]
    fn a_token_holds_what_a_poll_must_know() {
        let both = [("left", "7/left"), ("left-speaker", "external"), ("right", "7/right"), ("right-speaker", "agent")];
        let begun = answer(r#"{"id":"f8ddr61b30fk","done":false,"metadata":null}"#);
        let order = Order::begun(&begun, &file(&both), "ru-RU").unwrap();
        let (token, first) = match order.clone().first(Some(300_000)) {
            Progress::Pending(pending) => pending,
            Progress::Done(words) => panic!("{words:?}"),
        };
        let read = Order::read(&token).unwrap();
        assert_eq!((read.operation.as_str(), first), ("f8ddr61b30fk", 50_000));
        assert_eq!(read.speakers, Some(["external".to_owned(), "agent".to_owned()]));
        assert!(Order::read("f8ddr61b30fk").is_err());
    }

    #[test]
    fn waits_grow_with_what_was_waited() {
        let order = Order::begun(&answer(r#"{"id":"a1"}"#), &file(&[]), "auto").unwrap();
        assert_eq!((order.speakers.clone(), wait(&order.clone().first(None)).1), (None, 10_000));
        let mut progress = order.first(Some(1_000));
        let mut waits = vec![];
        for _ in 0..40 {
            let (token, wait) = wait(&progress);
            waits.push(wait);
            progress = Order::read(token).unwrap().later();
        }
        assert!(waits.is_sorted() && waits.first() == Some(&5_000) && waits.last() == Some(&600_000), "{waits:?}");
    }

    #[test]
    fn an_operation_is_over_or_not_or_has_failed() {
        assert_eq!(is_done(&answer(r#"{"id":"a1","done":false}"#)), Ok(false));
        assert_eq!(is_done(&answer(r#"{"id":"a1","done":true,"modifiedAt":"2024-07-15T07:39:37Z"}"#)), Ok(true));
        assert_eq!(is_done(&answer(r#"{"id":"a1"}"#)), Ok(false));
        let over = is_done(&answer(r#"{"id":"a1","done":true,"error":{"code":3,"message":"audio"}}"#));
        let Err(Failure::Rejected(problem)) = over else { panic!("it has failed") };
        assert_eq!((problem.code.as_str(), problem.detail.as_str()), ("operation-3", "audio"));
        assert!(matches!(is_done(&answer(r#"{"id":"#)), Err(Failure::Temporary(_))));
    }

    #[test]
    fn an_id_that_is_none_is_not_sent_back() {
        for text in ["{}", r#"{"id":"../x"}"#, r#"{"id":"a b"}"#] {
            assert!(matches!(Order::begun(&answer(text), &file(&[]), ""), Err(Failure::Temporary(_))), "{text}");
        }
    }
}
