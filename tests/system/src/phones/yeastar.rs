//! A Yeastar P-Series over its OpenAPI, with a web socket. What nobody hears is in its records.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use fake_yeastar::{Options, Pbx, extension, inbound, outbound};
use serde_json::{Value, json};

use super::{Step, Teller};

const LINE: &str = "+4940200100";
const QUEUE: &str = "6400";
/// Transfer by an extension.
const TRANSFER: u64 = 30013;

pub struct Yeastar {
    pbx: Pbx,
}

pub(super) struct Call {
    id: String,
    outside: String,
    outbound: bool,
    /// What the outside party is doing.
    status: &'static str,
    queued: bool,
    /// Whose phones ring or talk.
    people: Vec<&'static str>,
    /// The last who rang or talked, whom the record names.
    last: &'static str,
    talked: bool,
    /// Who leaves when the next phone rings.
    leaves: Option<&'static str>,
    consultation: String,
}

impl Yeastar {
    pub(super) async fn start() -> Result<Self> {
        let pbx = Pbx::start(Options::default()).await?;
        for number in ["201", "202", "203"] {
            pbx.extension(number, &format!("Agent {number}"));
        }
        Ok(Self { pbx })
    }

    pub(super) fn configure(&self, folder: &Path) -> Result<String> {
        let (client, secret) = Options::default().client;
        std::fs::write(folder.join("yeastar-ca.pem"), self.pbx.ca_pem().context("TLS")?)?;
        std::fs::write(folder.join("yeastar-secret"), secret)?;
        Ok(format!(
            "url = \"{}\"\nca-file = \"yeastar-ca.pem\"\nclient-id = \"{client}\"\n\
             client-secret = {{ file = \"yeastar-secret\" }}\ntimezone = \"UTC\"\nrecord-within = \"500ms\"",
            self.pbx.url()
        ))
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.pbx.complaints()
    }

    /// It gives no more than eight tokens, each for half an hour.
    pub(super) fn forget(&self) {
        self.pbx.skip(Duration::from_secs(600));
    }

    pub(super) async fn is_heard(&self) -> Result<()> {
        self.pbx.subscribed(1).await
    }
}

impl Call {
    /// The outside party.
    fn party(&self) -> Value {
        match self.outbound {
            true => outbound(self.last, &self.outside, self.status),
            false => inbound(&self.outside, LINE, self.status),
        }
    }

    /// An extension; `call_path` is said of those whom a queue rings.
    fn person(&self, number: &str, status: &str) -> Value {
        let mut person = extension(number, status);
        if self.queued {
            person["extension"]["call_path"] = QUEUE.into();
        }
        person
    }
}

impl Teller for Yeastar {
    type Call = Call;

    async fn begin(&self, outside: &str, outbound: bool) -> Result<Call> {
        Ok(Call {
            id: self.pbx.next_call(),
            outside: outside.to_owned(),
            outbound,
            status: "ALERT",
            queued: false,
            people: Vec::new(),
            last: "",
            talked: false,
            leaves: None,
            consultation: self.pbx.next_call(),
        })
    }

    async fn step(&self, call: &mut Call, step: Step) -> Result<()> {
        let id = call.id.clone();
        match step {
            Step::Arrives => drop(self.pbx.now(&id, &[call.party()]).await?),
            Step::Queues => {
                // Somebody answers for the queue; that it is one is seen when it rings a phone.
                (call.queued, call.status) = (true, "ANSWERED");
                self.pbx.now(&id, &[call.party()]).await?;
            }
            Step::Rings(number) => {
                call.people.push(number);
                call.last = number;
                self.pbx.now(&id, &[call.party(), call.person(number, "RING")]).await?;
                if let Some(before) = call.leaves.take() {
                    call.people.retain(|known| *known != before);
                    self.pbx.now(&id, &[call.person(before, "BYE")]).await?;
                }
            }
            Step::RingsNoMore(number) => {
                call.people.retain(|known| *known != number);
                self.pbx.now(&id, &[call.person(number, "BYE")]).await?;
            }
            Step::Answers(number) => {
                (call.status, call.last, call.talked) = ("ANSWERED", number, true);
                self.pbx.now(&id, &[call.party(), call.person(number, "ANSWER")]).await?;
            }
            Step::Holds(number) => drop(self.pbx.now(&id, &[call.person(number, "HOLD")]).await?),
            Step::Resumes(number) => drop(self.pbx.now(&id, &[call.person(number, "ANSWER")]).await?),
            Step::SendsOn { from, .. } => {
                let members = [call.party(), call.person(from, "ANSWER")];
                self.pbx.tell(TRANSFER, &json!({ "call_id": id, "members": members })).await;
                call.leaves = Some(from);
            }
            Step::Consults { from, to } => {
                call.status = "HOLD";
                self.pbx.now(&id, &[call.party()]).await?;
                let aside = &call.consultation;
                self.pbx.now(aside, &[extension(from, "ALERT"), extension(to, "RING")]).await?;
                self.pbx.now(aside, &[extension(from, "ANSWERED"), extension(to, "ANSWER")]).await?;
            }
            Step::HandsOver { from, to } => {
                let members = [call.party(), call.person(from, "ANSWER")];
                self.pbx.tell(TRANSFER, &json!({ "call_id": id, "members": members })).await;
                (call.status, call.last) = ("ANSWERED", to);
                call.people = vec![to];
                self.pbx.now(&id, &[call.party(), call.person(to, "ANSWER"), call.person(from, "BYE")]).await?;
                let last = [extension(from, "BYE"), extension(to, "BYE")];
                self.pbx.end(&call.consultation, &last, "Internal", from, to, 1).await?;
            }
            Step::Dials(number) => {
                (call.last, call.status) = (number, "RING");
                call.people.push(number);
                self.pbx.now(&id, &[call.person(number, "ALERT"), call.party()]).await?;
            }
            Step::OutsideAnswers => {
                (call.status, call.talked) = ("ANSWER", true);
                self.pbx.now(&id, &[call.person(call.last, "ANSWERED"), call.party()]).await?;
            }
            Step::GivesUp | Step::HangsUp => {
                call.status = "BYE";
                let people = call.people.iter().map(|number| call.person(number, "BYE"));
                // Who gives up hangs up first.
                let mut last = vec![call.party()];
                last.extend(people);
                let (kind, from, to) = match call.outbound {
                    true => ("Outbound", call.last, call.outside.as_str()),
                    false if call.queued && !call.talked => ("Inbound", call.outside.as_str(), QUEUE),
                    false => ("Inbound", call.outside.as_str(), call.last),
                };
                self.pbx.end(&id, &last, kind, from, to, u64::from(call.talked)).await?;
            }
        }
        Ok(())
    }

    fn recorded(&self, call: &Call) -> Result<Vec<u8>> {
        let file = self.pbx.recording_of(&call.id).with_context(|| format!("{} is not recorded", call.id))?;
        Ok(self.pbx.sound(&file))
    }
}
