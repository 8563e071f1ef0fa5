//! A 3CX V20 over its Call Control API. What it tells is that something has changed: the program looks what.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::Result;
use fake_3cx::{CLIENT_ID, CLIENT_SECRET, Manner, Options, Pbx, Sound, State};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Step, Teller, sound};

const QUEUE: &str = "804";

pub struct ThreeCx {
    pbx: Pbx,
    serial: AtomicU64,
    patience: Duration,
}

pub(super) struct Call {
    outside: String,
    outbound: bool,
    callid: u64,
    /// Who is in it, with the participants' numbers.
    people: BTreeMap<&'static str, u64>,
    /// The other side, as participants who are called see it.
    party: Value,
    /// Who leaves when the next phone rings.
    leaves: Option<&'static str>,
    /// The consultation's number, and its participants.
    consultation: Option<(u64, u64, u64)>,
    began: Timestamp,
    rang: &'static str,
    picked_up: Option<Timestamp>,
}

impl ThreeCx {
    pub(super) async fn start(patience: Duration) -> Result<Self> {
        Ok(Self { pbx: Pbx::start(Options::default()).await?, serial: AtomicU64::new(1), patience })
    }

    pub(super) fn configure(&self, folder: &Path) -> Result<String> {
        std::fs::write(folder.join("3cx-ca.pem"), self.pbx.ca_pem())?;
        std::fs::write(folder.join("3cx-secret"), CLIENT_SECRET)?;
        Ok(format!(
            "url = \"{}\"\nca-file = \"3cx-ca.pem\"\nclient-id = \"{CLIENT_ID}\"\nclient-secret = {{ file = \"3cx-secret\" }}",
            self.pbx.url()
        ))
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.pbx.state().complaints.clone()
    }

    pub(super) async fn is_heard(&self) -> Result<()> {
        self.pbx.wait_until("a roll call", |state| state.asked("GET", "/callcontrol") > 0).await
    }

    fn next(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A participant is so now; it stays so until the program has looked, if it does.
    async fn is(&self, dn: &str, id: u64, callid: u64, status: &str, party: &Value) {
        let path = format!("/callcontrol/{dn}/participants/{id}");
        let before = self.pbx.state().asked("GET", &path);
        self.pbx.put(dn, id, callid, status, party.clone());
        let looked = self.pbx.wait_until("a look", |state: &State| state.asked("GET", &path) > before);
        // A program that is dead does not look.
        let _ = tokio::time::timeout(self.patience, looked).await;
    }

    async fn person(&self, call: &mut Call, dn: &'static str, status: &str) {
        let id = *call.people.entry(dn).or_insert_with(|| self.next());
        self.is(dn, id, call.callid, status, &call.party).await;
    }

    fn leaves(&self, call: &mut Call, dn: &str) {
        if let Some(id) = call.people.remove(dn) {
            self.pbx.remove(dn, id);
        }
    }

    /// All leave, and the log has it.
    fn ends(&self, call: &mut Call) {
        let (now, outside) = (Timestamp::now(), (1, "10007", call.outside.as_str()));
        let inside = (0, call.rang, call.rang);
        let (from, to) = if call.outbound { (inside, outside) } else { (outside, inside) };
        let seconds = |from: Timestamp, to: Timestamp| format!("PT{}S", to.duration_since(from).as_secs_f64());
        let id = format!("00000000-01db-{:x}", call.callid);
        self.pbx.state().log.push(json!({
            "CallId": call.callid, "SegmentId": 1, "Indent": 1, "CallHistoryId": id, "MainCallHistoryId": id, "CdrId": id,
            "Direction": if call.outbound { "Outbound" } else { "Inbound" }, "Reason": "",
            "Status": if call.picked_up.is_some() { "Answered" } else { "Unanswered" }, "Answered": call.picked_up.is_some(),
            "StartTime": call.began.to_string(), "RingingDuration": seconds(call.began, call.picked_up.unwrap_or(now)),
            "TalkingDuration": seconds(call.picked_up.unwrap_or(now), now),
            "SourceType": from.0, "SourceDn": from.1, "SourceCallerId": from.2, "SourceDisplayName": "",
            "DestinationType": to.0, "DestinationDn": to.1, "DestinationCallerId": to.2,
        }));
        if call.picked_up.is_some() {
            let mut state = self.pbx.state();
            state.sounds.insert(call.callid, Sound { bytes: call.sound(), manner: Manner::Whole });
            state.recordings.push(json!({
                "Id": call.callid, "StartTime": call.began.to_string(), "EndTime": now.to_string(),
                "CallType": if call.outbound { "OutboundExternal" } else { "InboundExternal" },
                "FromDn": from.1, "FromCallerNumber": from.2, "ToDn": to.1, "ToCallerNumber": to.2,
                "IsTranscribed": false, "Transcription": Value::Null, "Summary": Value::Null,
            }));
        }
        for (dn, id) in std::mem::take(&mut call.people) {
            self.pbx.remove(dn, id);
        }
    }
}

impl Call {
    fn sound(&self) -> Vec<u8> {
        sound(&format!("{} with {}", self.callid, self.outside))
    }
}

/// An extension at the other side.
fn inside(extension: &str) -> Value {
    json!({ "party_dn": extension, "party_dn_type": "Wextension", "party_caller_id": extension })
}

impl Teller for ThreeCx {
    type Call = Call;

    async fn begin(&self, outside: &str, outbound: bool) -> Result<Call> {
        Ok(Call {
            outside: outside.to_owned(),
            outbound,
            callid: self.next(),
            people: BTreeMap::new(),
            party: json!({ "party_dn": "10007", "party_dn_type": "Wexternalline", "party_caller_id": outside }),
            leaves: None,
            consultation: None,
            began: Timestamp::now(),
            rang: "",
            picked_up: None,
        })
    }

    async fn step(&self, call: &mut Call, step: Step) -> Result<()> {
        match step {
            // A call is seen by who takes part in it; hold is not (call-model, section 5).
            Step::Arrives | Step::Holds(_) | Step::Resumes(_) => {}
            Step::Queues => {
                self.person(call, QUEUE, "Connected").await;
                call.party["on_behalf_of_dn"] = QUEUE.into();
                call.party["on_behalf_of_type"] = "Wqueue".into();
            }
            Step::Rings(extension) => {
                call.rang = extension;
                self.person(call, extension, "Ringing").await;
                if let Some(before) = call.leaves.take() {
                    self.leaves(call, before);
                }
            }
            Step::RingsNoMore(extension) => self.leaves(call, extension),
            Step::Answers(extension) => {
                call.rang = extension;
                call.picked_up.get_or_insert_with(Timestamp::now);
                self.person(call, extension, "Connected").await;
                self.leaves(call, QUEUE);
            }
            Step::SendsOn { from, .. } => {
                call.party["referred_by_dn"] = from.into();
                call.party["referred_by_type"] = "Wextension".into();
                call.leaves = Some(from);
            }
            Step::Consults { from, to } => {
                let (callid, one, other) = (self.next(), self.next(), self.next());
                call.consultation = Some((callid, one, other));
                for (at, id, status, party) in [
                    (from, one, "Dialing", inside(to)),
                    (to, other, "Ringing", inside(from)),
                    (to, other, "Connected", inside(from)),
                    (from, one, "Connected", inside(to)),
                ] {
                    self.is(at, id, callid, status, &party).await;
                }
            }
            Step::HandsOver { from, to } => {
                let Some((_, one, other)) = call.consultation.take() else { anyhow::bail!("nobody was consulted") };
                call.party["referred_by_dn"] = from.into();
                call.party["referred_by_type"] = "Wextension".into();
                call.people.insert(to, other);
                self.person(call, to, "Connected").await;
                self.leaves(call, from);
                self.pbx.remove(from, one);
                call.rang = to;
            }
            Step::Dials(extension) => {
                call.rang = extension;
                self.person(call, extension, "Dialing").await;
            }
            Step::OutsideAnswers => {
                call.picked_up = Some(Timestamp::now());
                self.person(call, call.rang, "Connected").await;
            }
            Step::GivesUp | Step::HangsUp => self.ends(call),
        }
        Ok(())
    }

    fn recorded(&self, call: &Call) -> Result<Vec<u8>> {
        Ok(call.sound())
    }
}
