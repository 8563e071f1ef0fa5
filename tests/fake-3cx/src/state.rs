//! What the PBX knows.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::sound::Sound;

pub const CLIENT_ID: &str = "900";
pub const CLIENT_SECRET: &str = "s3cr3t/of+3cx";

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Decoded.
    pub target: String,
    pub body: String,
    pub status: u16,
}

/// What the PBX knows.
pub struct State {
    pub(crate) token: Option<(String, Instant)>,
    pub(crate) token_life: Duration,
    /// What the token's `expires_in` says.
    pub(crate) expires_in: u64,
    pub tokens_given: usize,
    pub call_control: bool,
    pub xapi: bool,
    /// The numbers that the API client monitors, with their types.
    pub numbers: BTreeMap<String, String>,
    /// The phones of each extension: id, program.
    pub devices: BTreeMap<String, Vec<(String, String)>>,
    /// By number and id.
    pub(crate) participants: BTreeMap<(String, u64), Value>,
    pub(crate) next_id: u64,
    pub(crate) next_callid: u64,
    pub(crate) sequence: u64,
    pub(crate) sockets: Vec<UnboundedSender<String>>,
    pub users: Vec<Value>,
    pub queues: Vec<Value>,
    pub recordings: Vec<Value>,
    /// What was recorded, by the id of the recording.
    pub sounds: BTreeMap<u64, Sound>,
    /// The company phonebook.
    pub contacts: Vec<Value>,
    pub log: Vec<Value>,
    /// Nobody is let in.
    pub(crate) down: bool,
    /// Numbers that no outbound rule is for.
    pub barred: Vec<String>,
    /// What goes wrong: the next request whose target contains this text is answered with this status, once; with 0 the
    /// connection breaks in place of an answer.
    pub faults: Vec<(String, u16)>,
    /// By how many seconds the PBX's clock is ahead.
    pub ahead: i64,
    pub requests: Vec<Request>,
    /// What is never right, whatever the PBX's state.
    pub complaints: Vec<String>,
}

impl State {
    /// How many web sockets are open.
    pub fn connected(&self) -> usize {
        self.sockets.iter().filter(|socket| !socket.is_closed()).count()
    }

    /// A participant, if it is there.
    pub fn participant(&self, dn: &str, id: u64) -> Option<&Value> {
        self.participants.get(&(dn.to_owned(), id))
    }

    /// Whether a request like this has come: method, and what stands in its target.
    pub fn asked(&self, method: &str, part: &str) -> usize {
        self.requests.iter().filter(|request| request.method == method && request.target.contains(part)).count()
    }

    pub(crate) fn clock(&self) -> jiff::Timestamp {
        jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.ahead)
    }

    /// A new token; the one before is worth nothing any more.
    pub(crate) fn give_token(&mut self) -> String {
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(40).collect();
        self.token = Some((token.clone(), Instant::now() + self.token_life));
        self.tokens_given += 1;
        token
    }

    pub(crate) fn is_live(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        self.token.as_ref().is_some_and(|(token, until)| given == Some(token) && Instant::now() < *until)
    }

    /// A number as the API shows it.
    pub(crate) fn number(&self, dn: &str) -> Option<Value> {
        let kind = self.numbers.get(dn)?;
        let participants: Vec<_> =
            self.participants.iter().filter(|((at, _), _)| at == dn).map(|(_, value)| value.clone()).collect();
        Some(json!({ "dn": dn, "type": kind, "devices": self.phones(dn), "participants": participants }))
    }

    pub(crate) fn phones(&self, dn: &str) -> Vec<Value> {
        let phones = self.devices.get(dn).into_iter().flatten();
        phones.map(|(id, agent)| json!({ "dn": dn, "device_id": id, "user_agent": agent })).collect()
    }

    /// Puts a participant where it is, or changes it, and tells so if `told`.
    pub(crate) fn put(&mut self, dn: &str, id: u64, callid: u64, status: &str, party: Value, told: bool) {
        let mut value = json!({
            "id": id, "status": status, "dn": dn, "party_caller_name": "", "party_dn": "", "party_caller_id": "",
            "party_did": "", "device_id": format!("sip:{dn}@127.0.0.1:5060"), "party_dn_type": "None",
            "direct_control": false, "originated_by_dn": "", "originated_by_type": "None", "referred_by_dn": "",
            "referred_by_type": "None", "on_behalf_of_dn": "", "on_behalf_of_type": "None", "callid": callid, "legid": 1,
        });
        let (Some(all), Value::Object(party)) = (value.as_object_mut(), party) else { panic!("a party is an object") };
        all.extend(party);
        self.participants.insert((dn.to_owned(), id), value);
        self.next_id = self.next_id.max(id + 1);
        self.next_callid = self.next_callid.max(callid + 1);
        if told {
            self.tell(0, &format!("/callcontrol/{dn}/participants/{id}"), Value::Null);
        }
    }

    pub(crate) fn take_away(&mut self, dn: &str, id: u64, told: bool) {
        self.participants.remove(&(dn.to_owned(), id));
        if told {
            self.tell(1, &format!("/callcontrol/{dn}/participants/{id}"), Value::Null);
        }
    }

    /// Tells everybody that listens.
    pub(crate) fn tell(&mut self, event_type: u8, entity: &str, attached_data: Value) {
        self.sequence += 1;
        let event = json!({ "event_type": event_type, "entity": entity, "attached_data": attached_data });
        let text = json!({ "sequence": self.sequence, "event": event }).to_string();
        self.sockets.retain(|socket| socket.send(text.clone()).is_ok());
    }
}
