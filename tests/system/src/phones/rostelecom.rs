//! Rostelecom's cloud PBX, which says nothing twice: what nobody hears is in its records and in its history.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Instant};

use anyhow::{Result, ensure};
use fake_rostelecom::{Options, Pbx};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Step, Teller, sound};

const LINE: &str = "sip:74950000000@192.0.2.1";
/// The number of the queue.
const QUEUE: &str = "800";

pub struct Rostelecom {
    pbx: Pbx,
    options: Options,
}

pub(super) struct Call {
    session: String,
    outside: String,
    outbound: bool,
    began: Instant,
    started: i64,
    log: String,
    /// Whose call it is.
    agent: &'static str,
    ringing: Vec<&'static str>,
    talked: bool,
}

/// What the user of an extension is called in logs.
fn user(extension: &str) -> &'static str {
    match extension {
        "201" => "alice",
        "202" => "bernd",
        _ => "carla",
    }
}

impl Rostelecom {
    pub(super) async fn start(address: &str, folder: &Path) -> Result<Self> {
        let person = |pin: &str| {
            json!({ "display_name": user(pin), "name": user(pin), "pin": pin, "is_supervisor": false, "is_operator": true,
                    "email": format!("{pin}@example.com"), "recording": 0 })
        };
        let pins = ["201", "202", "203"];
        let group = json!({ "name": "Sales", "pin": QUEUE, "email": "", "distribution": 1, "users_list": pins });
        let options = Options { users: json!({ "users": pins.map(person), "groups": [group] }), ..Options::default() };
        let pbx = Pbx::start(options.clone()).await?;
        pbx.target(format!("https://{address}/pbx/rostelecom"));
        let (certificate, key) = pbx.certificate();
        std::fs::write(folder.join("phones.pem"), certificate)?;
        std::fs::write(folder.join("phones.key"), key)?;
        std::fs::set_permissions(folder.join("phones.key"), std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { pbx, options })
    }

    /// What whoever posts to the program is to trust.
    pub(super) fn authority(&self) -> &str {
        self.pbx.authority()
    }

    pub(super) fn configure(&self, folder: &Path) -> Result<String> {
        let Options { sign_key, client_id, domain, .. } = &self.options;
        std::fs::write(folder.join("rostelecom-ca.pem"), self.pbx.authority())?;
        std::fs::write(folder.join("rostelecom-key"), sign_key)?;
        Ok(format!(
            "url = \"{}\"\nca-file = \"rostelecom-ca.pem\"\ndomain = \"{domain}\"\nclient-id = \"{client_id}\"\n\
             sign-key = {{ file = \"rostelecom-key\" }}\nregion = \"RU\"\nrecord-within = \"2s\"\nhistory-back = \"1h\"\n\
             history-ready = \"1s\"",
            self.pbx.url()
        ))
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.pbx.complaints()
    }

    async fn post(&self, call: &Call, state: &str, pin: &str) -> Result<()> {
        let outside = format!("sip:{}@192.0.2.1", call.outside.trim_start_matches('+'));
        let zone = jiff::tz::Offset::constant(3).to_time_zone();
        let (kind, from, from_pin, to) = match call.outbound {
            true => ("outbound", format!("sip:{}@example.rt.ru", user(call.agent)), call.agent, outside.as_str()),
            false => ("incoming", outside.clone(), "", LINE),
        };
        let body = json!({
            "session_id": call.session, "type": kind, "state": state, "from_number": from, "from_pin": from_pin,
            "timestamp": Timestamp::now().to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            "request_number": to, "request_pin": pin, "disconnect_reason": "",
            "is_record": if state == "end" { call.talked.to_string() } else { String::new() },
        });
        // A program that is dead does not hear it.
        let Ok(answer) = self.pbx.post("call_events", &body.to_string()).await else { return Ok(()) };
        ensure!(answer.status == 200 || answer.status == 503, "{body}: {answer:?}");
        Ok(())
    }

    /// The record of a call, and its row in the history.
    fn record(&self, call: &Call) {
        let digits = call.outside.trim_start_matches('+');
        let (direction, state) = (if call.outbound { 2 } else { 1 }, if call.talked { 1 } else { 2 });
        let (outside, own) = (format!("sip:{digits}@192.0.2.1"), format!("sip:{}@example.rt.ru", user(call.agent)));
        let (origin, origin_pin, destination) = match call.outbound {
            true => (own.as_str(), call.agent, outside.as_str()),
            false => (outside.as_str(), "", LINE),
        };
        let answering = if call.talked && !call.outbound { (own.as_str(), call.agent) } else { ("", "") };
        let (started, seconds) = (call.started, call.began.elapsed().as_secs());
        if call.talked {
            self.pbx.add_recording(&call.session, &sound(&call.session));
        }
        let or_none = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        self.pbx.call_is_over(
            &call.session,
            json!({
                "call_type": 1, "direction": direction, "state": state, "orig_number": origin,
                "orig_pin": or_none(origin_pin), "dest_number": destination, "answering_sipuri": or_none(answering.0),
                "answering_pin": or_none(answering.1), "start_call_date": started.to_string(), "duration": seconds,
                "session_log": call.log, "is_voicemail": false, "is_record": call.talked, "is_fax": false,
                "status_code": null, "status_string": null,
            }),
        );
        self.pbx.add_row(format!(
            "{};1;{direction};{state};{origin};{origin_pin};{destination};{};{};{started};{seconds};false;{};false;;",
            call.session, answering.0, answering.1, call.talked
        ));
    }
}

impl Call {
    fn note(&mut self, code: &str, whom: &str) {
        self.log += &format!("{}:{code}:{whom};", self.began.elapsed().as_secs());
    }
}

impl Teller for Rostelecom {
    type Call = Call;

    async fn begin(&self, outside: &str, outbound: bool) -> Result<Call> {
        Ok(Call {
            session: format!("DEMOs{:016x}", fastrand::u64(..)),
            outside: outside.to_owned(),
            outbound,
            began: Instant::now(),
            started: Timestamp::now().as_second(),
            log: String::new(),
            agent: "",
            ringing: Vec::new(),
            talked: false,
        })
    }

    async fn step(&self, call: &mut Call, step: Step) -> Result<()> {
        let digits = call.outside.trim_start_matches('+').to_owned();
        match step {
            Step::Arrives => {
                call.note("el", &digits);
                self.post(call, "new", "").await
            }
            Step::Queues => {
                call.note("ru", "Sales");
                self.post(call, "calling", QUEUE).await
            }
            Step::Rings(extension) => {
                call.note("ct", user(extension));
                call.ringing.push(extension);
                self.post(call, "calling", extension).await
            }
            Step::RingsNoMore(extension) => {
                call.ringing.retain(|known| *known != extension);
                self.post(call, "disconnected", extension).await
            }
            Step::Answers(extension) => {
                call.note("cc", user(extension));
                (call.agent, call.talked) = (extension, true);
                call.ringing.retain(|known| *known != extension);
                self.post(call, "connected", extension).await
            }
            // No event tells of it (sheet, section 3.2).
            Step::Holds(_) | Step::Resumes(_) => Ok(()),
            Step::SendsOn { from, .. } => {
                call.note("cd", user(from));
                self.post(call, "disconnected", from).await
            }
            Step::Consults { to, .. } => {
                call.note("ct", user(to));
                self.post(call, "calling", to).await
            }
            Step::HandsOver { from, to } => {
                call.note("cc", user(to));
                call.agent = to;
                self.post(call, "connected", to).await?;
                call.note("cd", user(from));
                self.post(call, "disconnected", from).await
            }
            Step::Dials(extension) => {
                call.agent = extension;
                self.post(call, "new", "").await?;
                call.note("ct", &digits);
                self.post(call, "calling", "").await
            }
            Step::OutsideAnswers => {
                call.note("cc", &digits);
                call.talked = true;
                self.post(call, "connected", "").await
            }
            Step::GivesUp => {
                for extension in std::mem::take(&mut call.ringing) {
                    call.note("cd", user(extension));
                    self.post(call, "disconnected", extension).await?;
                }
                self.record(call);
                self.post(call, "end", "").await
            }
            Step::HangsUp => {
                let whom = if call.outbound { digits } else { user(call.agent).to_owned() };
                call.note("cd", &whom);
                if !call.outbound {
                    self.post(call, "disconnected", call.agent).await?;
                }
                self.record(call);
                self.post(call, "end", "").await
            }
        }
    }

    fn recorded(&self, call: &Call) -> Result<Vec<u8>> {
        Ok(sound(&call.session))
    }
}
