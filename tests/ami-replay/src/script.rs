//! Misbehaviour at set times, from the command line.

use std::str::FromStr;
use std::time::Duration;

use ami_replay::{Fault, Server};
use anyhow::Result;

/// One `WHAT@WHEN`.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    what: What,
    when: Duration,
    text: String,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Once(Fault),
    Silent(Duration),
    Refuse(Duration),
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, when) = text.split_once('@').ok_or_else(|| format!("`{text}` lacks a time; write {text}@5s"))?;
        let when = duration(when)?;
        let (name, argument) = what.split_once(':').unwrap_or((what, ""));
        let bytes = || argument.parse().map_err(|_| format!("`{what}` needs a number of bytes; write {name}:1000"));
        let what = match name {
            "drop" => What::Once(Fault::Drop),
            "drop-in-message" => What::Once(Fault::DropInMessage),
            "drop-after" => What::Once(Fault::DropAfter(bytes()?)),
            "garbage" => What::Once(Fault::GarbageLine),
            "long-line" => What::Once(Fault::LongLine(bytes()?)),
            "half-line" => What::Once(Fault::HalfLine),
            "silent" => What::Silent(duration(argument)?),
            "refuse" => What::Refuse(duration(argument)?),
            _ => {
                return Err(format!(
                    "`{name}` is none of drop, drop-in-message, drop-after:BYTES, garbage, long-line:BYTES, \
                     half-line, silent:TIME, refuse:TIME"
                ));
            }
        };
        Ok(Self { what, when, text: text.to_owned() })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("`{text}` is no duration ({error}); write 5s or 500ms"))
}

/// Does every step when its time has come. Steps that last overlap with those that come next.
pub(crate) async fn perform(server: &Server, steps: &[Step], say: &impl Fn(String)) -> Result<()> {
    let start = tokio::time::Instant::now();
    let mut moments: Vec<(Duration, Moment, &str)> = steps.iter().flat_map(Step::moments).collect();
    moments.sort_by_key(|(when, ..)| *when);
    for (when, moment, text) in moments {
        tokio::time::sleep_until(start + when).await;
        say(format!("ami-replay: {text}"));
        match moment {
            Moment::Fault(fault) => server.fault(fault),
            Moment::Silent(silent) => server.silence(silent),
            Moment::Refuse(true) => server.refuse_connections().await,
            Moment::Refuse(false) => server.accept_connections().await,
        }
    }
    Ok(())
}

/// One thing to do at one time.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Fault(Fault),
    Silent(bool),
    Refuse(bool),
}

impl Step {
    fn moments(&self) -> Vec<(Duration, Moment, &str)> {
        let begins = |moment| (self.when, moment, self.text.as_str());
        match self.what {
            What::Once(fault) => vec![begins(Moment::Fault(fault))],
            What::Silent(time) => {
                vec![begins(Moment::Silent(true)), (self.when + time, Moment::Silent(false), "no longer silent")]
            }
            What::Refuse(time) => {
                vec![begins(Moment::Refuse(true)), (self.when + time, Moment::Refuse(false), "no longer refusing")]
            }
        }
    }
}
