//! A 3CX with the webhooks module, which posts until it is told that a post was taken.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use fake_3cx_webhooks as fake;
use fake_3cx_webhooks::{Ini, Module, Post, Way};
use recording_crm::{Crm, Reply};

use super::{Step, Teller, sound};

const SECRET: &str = "Zk3-an_address-that-nobody-guesses";
const QUEUE: &str = "804";

pub struct Hooks {
    module: Module,
    pbx: Mutex<fake::Pbx>,
    /// Where it has its recordings.
    files: Crm,
}

pub(super) struct Call {
    talk: fake::Call,
    /// Where it ends if nobody answers.
    at: &'static str,
}

impl Hooks {
    pub(super) async fn start(address: &str, authority: &str) -> Result<Self> {
        let files = Crm::start().await?;
        let url = format!("https://{address}/pbx/3cx-webhooks/{SECRET}");
        let module = Module::start(Ini { pbx: files.origin(), ..Ini::new(url, authority) })?;
        let pbx = Mutex::new(fake::Pbx::new(module.ini())?);
        Ok(Self { module, pbx, files })
    }

    pub(super) fn configure(&self, folder: &Path) -> Result<String> {
        std::fs::write(folder.join("hooks-secret"), SECRET)?;
        Ok(format!(
            "secret = {{ file = \"hooks-secret\" }}\ntimezone = \"Europe/Berlin\"\nrecordings = {{ from = [\"{}\"] }}",
            self.files.origin()
        ))
    }
}

impl Call {
    fn posts(&mut self, step: Step) -> Result<Vec<Post>> {
        Ok(match step {
            Step::Queues => {
                self.at = QUEUE;
                vec![self.talk.queued(QUEUE)?]
            }
            Step::Rings(extension) => {
                if self.at != QUEUE {
                    self.at = extension;
                }
                vec![self.talk.rings(extension)?]
            }
            Step::Answers(extension) => {
                let way = if self.talk.is_handed_over() { Way::Blind } else { Way::Normal };
                vec![self.talk.answers(extension, way)?]
            }
            Step::SendsOn { .. } => vec![self.talk.hands_over()?],
            Step::HandsOver { to, .. } => vec![self.talk.hands_over()?, self.talk.answers(to, Way::Attended)?],
            Step::Dials(extension) => {
                self.at = extension;
                Vec::new()
            }
            Step::OutsideAnswers => vec![self.talk.answers(self.at, Way::Normal)?],
            Step::GivesUp => vec![self.talk.missed_by(self.at)?],
            Step::HangsUp => vec![self.talk.ends()?, self.talk.recorded(1, 1)?],
            // Nothing is posted of these.
            Step::Arrives | Step::RingsNoMore(_) | Step::Holds(_) | Step::Resumes(_) | Step::Consults { .. } => {
                Vec::new()
            }
        })
    }
}

impl Teller for Hooks {
    type Call = Call;

    async fn begin(&self, outside: &str, outbound: bool) -> Result<Call> {
        let mut pbx = self.pbx.lock().unwrap_or_else(PoisonError::into_inner);
        let talk = if outbound { pbx.outbound(outside) } else { pbx.inbound(outside, "Main line") };
        Ok(Call { talk, at: "" })
    }

    async fn step(&self, call: &mut Call, step: Step) -> Result<()> {
        if step == Step::HangsUp {
            let file = format!("/webapi/recording/{}-1-1.mp3", call.talk.chain());
            self.files.answer(&file, Reply::new(200, self.recorded(call)?).header("content-type", "audio/mpeg"));
        }
        call.posts(step)?.into_iter().for_each(|post| self.module.say(post));
        self.module.delivered().await
    }

    fn recorded(&self, call: &Call) -> Result<Vec<u8>> {
        Ok(sound(call.talk.chain()))
    }
}
