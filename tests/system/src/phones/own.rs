//! A program that posts in our own format, until it is told that a message is safe.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use recording_crm::{Crm, Reply};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{QUEUE, Step, Teller, sound};
use crate::http::send_over_tls;

const KEY: &str = "own-key-of-the-phones-0815";
/// A message that was not taken is said again after so long.
const PAUSE: Duration = Duration::from_millis(50);

pub struct Own {
    url: String,
    authority: String,
    /// Where it has its recordings.
    files: Crm,
}

pub(super) struct Call {
    chain: String,
    outside: String,
    said: u32,
    /// Whose call it is now.
    agent: &'static str,
    /// Who handed the caller over, and how.
    handed: Option<(&'static str, &'static str)>,
}

impl Own {
    pub(super) async fn start(address: &str, authority: &str) -> Result<Self> {
        let url = format!("https://{address}/pbx/webhook");
        Ok(Self { url, authority: authority.to_owned(), files: Crm::start().await? })
    }

    pub(super) fn configure(&self, _: &Path) -> Result<String> {
        Ok(format!("secrets.key = \"{KEY}\"\nrecordings = {{ from = [\"{}\"] }}", self.files.origin()))
    }

    async fn post(&self, body: &str) -> Result<()> {
        loop {
            let time = Timestamp::now().as_second();
            let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes())?;
            mac.update(format!("{time}.{body}").as_bytes());
            let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let headers = [
                format!("x-timestamp: {time}"),
                format!("x-signature: sha256={signature}"),
                "content-type: application/json".to_owned(),
            ];
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            match send_over_tls(&self.authority, "POST", &self.url, &headers, body).await {
                // 409: it was taken before, and the answer was lost.
                Ok(answer) if answer.status == 200 || answer.status == 409 => return Ok(()),
                Ok(answer) if answer.status / 100 == 4 => bail!("{body}: {answer:?}"),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

impl Call {
    fn message(&mut self, kind: &str, data: Value) -> String {
        self.said += 1;
        let at = Timestamp::now().to_string();
        json!({ "v": 1, "kind": kind, "chain": self.chain, "seq": self.said, "at": at, "data": data }).to_string()
    }

    fn arrives(&mut self, direction: &str, from: Value) -> String {
        let data = json!({ "direction": direction, "external": { "number": self.outside }, "from": from,
                           "line": { "did": "+493023125201" } });
        self.message("call.new", data)
    }

    fn answers(&mut self, extension: &'static str) -> String {
        self.agent = extension;
        let data = match self.handed.take() {
            Some((from, how)) => json!({ "ext": extension, "from_ext": from, "transfer": how }),
            None => json!({ "ext": extension }),
        };
        self.message("call.answered", data)
    }

    fn ends(&mut self, reason: &str) -> String {
        self.message("call.ended", json!({ "reason": reason, "side": "external" }))
    }

    /// What is said of it.
    fn words(&mut self, step: Step) -> Vec<String> {
        vec![match step {
            Step::Arrives => self.arrives("inbound", Value::Null),
            Step::Queues => self.message("call.queued", json!({ "queue": QUEUE })),
            Step::Rings(extension) => self.message("call.ringing", json!({ "ext": extension })),
            Step::RingsNoMore(extension) => {
                self.message("call.ring_stopped", json!({ "ext": extension, "reason": "answered_elsewhere" }))
            }
            Step::Answers(extension) => self.answers(extension),
            Step::Holds(extension) => self.message("call.held", json!({ "ext": extension })),
            Step::Resumes(extension) => self.message("call.resumed", json!({ "ext": extension })),
            Step::SendsOn { from, .. } => {
                self.handed = Some((from, "blind"));
                return Vec::new();
            }
            Step::Consults { from, .. } => self.message("call.held", json!({ "ext": from })),
            Step::HandsOver { from, to } => {
                self.handed = Some((from, "attended"));
                self.answers(to)
            }
            Step::Dials(extension) => {
                self.agent = extension;
                let arrives = self.arrives("outbound", extension.into());
                let data = json!({ "ext": extension, "number": self.outside });
                return vec![arrives, self.message("call.dialing", data)];
            }
            Step::OutsideAnswers => {
                let data = json!({ "number": self.outside });
                self.message("call.answered", data)
            }
            Step::GivesUp => self.ends("cancelled"),
            Step::HangsUp => self.ends("normal"),
        }]
    }
}

impl Teller for Own {
    type Call = Call;

    async fn begin(&self, outside: &str, _: bool) -> Result<Call> {
        let chain = format!("call-{:016x}", fastrand::u64(..));
        Ok(Call { chain, outside: outside.to_owned(), said: 0, agent: "", handed: None })
    }

    async fn step(&self, call: &mut Call, step: Step) -> Result<()> {
        for message in call.words(step) {
            self.post(&message).await?;
        }
        if step == Step::HangsUp {
            let path = format!("/{}.mp3", call.chain);
            self.files.answer(&path, Reply::new(200, self.recorded(call)?).header("content-type", "audio/mpeg"));
            let files = json!([{ "url": format!("{}{path}", self.files.origin()) }]);
            self.post(&call.message("recording.available", json!({ "files": files }))).await?;
        }
        Ok(())
    }

    fn recorded(&self, call: &Call) -> Result<Vec<u8>> {
        Ok(sound(&call.chain))
    }
}
