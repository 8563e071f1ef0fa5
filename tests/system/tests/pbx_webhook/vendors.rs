//! What phone systems post, as the sheet has it, byte by byte: each vendor's words for the same call.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub const VENDORS: [Vendor; 5] = [Vendor::Mango, Vendor::Zadarma, Vendor::Twilio, Vendor::Freeswitch, Vendor::Own];

/// A phone system, named as its ready description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Mango,
    Zadarma,
    Twilio,
    Freeswitch,
    Own,
}

/// One request, without where it goes.
#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    pub headers: Vec<String>,
    pub body: String,
}

/// What happens in a call from outside that 201 and 202 ring for.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Arrives,
    Rings(&'static str),
    Answers(&'static str),
    /// It was answered by this extension, and is over.
    Ends(&'static str),
    IsRecorded,
}

/// A call of one vendor.
pub struct Story {
    pub vendor: Vendor,
    pub id: String,
    pub caller: String,
    /// Where this vendor posts to: Twilio signs it.
    pub url: String,
}

const LINE: &str = "493090180";

impl Vendor {
    /// The name of its table and of its example.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mango => "mango",
            Self::Zadarma => "zadarma",
            Self::Twilio => "twilio",
            Self::Freeswitch => "freeswitch",
            Self::Own => "other",
        }
    }

    /// The secret that it shares with the program.
    pub fn secret(self) -> &'static str {
        match self {
            Self::Mango => "mango-salt-0815",
            Self::Zadarma => "zadarma-secret-0815",
            Self::Twilio => "twilio-token-0815",
            Self::Freeswitch => "freeswitch-word-0815",
            Self::Own => "own-key-0815",
        }
    }

    /// Where the example has the secret.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Mango => "MANGO_SALT",
            Self::Zadarma => "ZADARMA_SECRET",
            Self::Twilio => "TWILIO_AUTH_TOKEN",
            Self::Freeswitch => "FREESWITCH_PASSWORD",
            Self::Own => "CALLS_KEY",
        }
    }
}

impl Story {
    /// What is posted when this happens.
    pub fn tell(&self, step: Step) -> Vec<Post> {
        match self.vendor {
            Vendor::Mango => self.mango(step),
            Vendor::Zadarma => self.zadarma(step),
            Vendor::Twilio => self.twilio(step),
            Vendor::Freeswitch => self.freeswitch(step),
            Vendor::Own => self.own(step),
        }
    }

    fn mango(&self, step: Step) -> Vec<Post> {
        let (from, now) = (json!({"number": self.caller.trim_start_matches('+')}), seconds());
        let call = |ext: &str, seq: u32, state: &str| {
            mango(
                "/events/call",
                json!({
                    "entry_id": self.id, "call_id": format!("{}-{ext}", self.id), "timestamp": now, "seq": seq,
                    "call_state": state, "location": if ext == "ivr" { "ivr" } else { "abonent" }, "from": from,
                    "to": if ext == "ivr" { json!({"number": LINE, "line_number": LINE}) } else {
                        json!({"extension": ext, "number": format!("sip:{ext}@demo.mangosip.ru"), "line_number": LINE})
                    },
                }),
            )
        };
        match step {
            Step::Arrives => vec![call("ivr", 1, "Appeared"), call("ivr", 2, "Connected")],
            Step::Rings(ext) => vec![call(ext, 1, "Appeared")],
            Step::Answers(ext) => vec![call(ext, 2, "Connected"), call("202", 2, "Disconnected")],
            Step::Ends(ext) => vec![
                call(ext, 3, "Disconnected"),
                mango(
                    "/events/summary",
                    json!({
                        "entry_id": self.id, "call_direction": 1, "from": from, "to": {"extension": ext, "number": ext},
                        "line_number": LINE, "create_time": now - 3, "forward_time": now - 2, "talk_time": now - 1,
                        "end_time": now, "entry_result": 1, "disconnect_reason": 1110,
                    }),
                ),
            ],
            Step::IsRecorded => vec![mango(
                "/events/recording",
                json!({
                    "recording_id": format!("rec-{}", self.id), "recording_state": "Completed", "seq": 1,
                    "entry_id": self.id, "call_id": format!("{}-201", self.id), "timestamp": now,
                }),
            )],
        }
    }

    fn zadarma(&self, step: Step) -> Vec<Post> {
        const CALL: &[&str] = &["caller_id", "called_did", "call_start"];
        let common = [
            ("caller_id", self.caller.as_str()),
            ("called_did", LINE),
            ("call_start", "2024-03-05 09:15:00"),
            ("pbx_call_id", &self.id),
        ];
        let say = |event: &str, more: &[(&str, &str)], signed: &[&str]| {
            zadarma(&[&[("event", event)], common.as_slice(), more].concat(), signed)
        };
        vec![match step {
            Step::Arrives => say("NOTIFY_START", &[], CALL),
            Step::Rings(ext) => say("NOTIFY_INTERNAL", &[("internal", ext)], CALL),
            Step::Answers(ext) => {
                let more = [("internal", ext), ("destination", ext)];
                say("NOTIFY_ANSWER", &more, &["caller_id", "destination", "call_start"])
            }
            Step::Ends(ext) => {
                let more = [
                    ("internal", ext),
                    ("last_internal", ext),
                    ("duration", "1"),
                    ("disposition", "answered"),
                    ("status_code", "16"),
                    ("is_recorded", "1"),
                    ("call_id_with_rec", "1709630100.1"),
                ];
                say("NOTIFY_END", &more, CALL)
            }
            Step::IsRecorded => {
                let more = [("call_id_with_rec", "1709630100.1")];
                say("NOTIFY_RECORD", &more, &["pbx_call_id", "call_id_with_rec"])
            }
        }]
    }

    fn twilio(&self, step: Step) -> Vec<Post> {
        let now = jiff::fmt::rfc2822::to_string(&Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
        let parent = |path: &str, more: &[(&str, &str)]| {
            let call =
                [("CallSid", self.id.as_str()), ("From", &self.caller), ("To", "+493090180"), ("Direction", "inbound")];
            self.signed_by_twilio(path, &[call.as_slice(), more].concat())
        };
        let child = |ext: &str, status: &str, number: &str| {
            let (sid, to) = (format!("{}-{ext}", self.id), format!("sip:{ext}@demo.sip.twilio.com"));
            self.signed_by_twilio(
                "/status",
                &[
                    ("CallSid", &sid),
                    ("ParentCallSid", &self.id),
                    ("From", &self.caller),
                    ("To", &to),
                    ("Direction", "outbound-dial"),
                    ("CallStatus", status),
                    ("SequenceNumber", number),
                    ("Timestamp", &now),
                ],
            )
        };
        match step {
            Step::Arrives => vec![parent("/voice", &[("CallStatus", "ringing")])],
            Step::Rings(ext) => vec![child(ext, "initiated", "0"), child(ext, "ringing", "1")],
            Step::Answers(ext) => vec![child(ext, "in-progress", "2"), child("202", "canceled", "2")],
            Step::Ends(ext) => vec![
                child(ext, "completed", "3"),
                parent(
                    "/status",
                    &[("CallStatus", "completed"), ("CallDuration", "3"), ("SequenceNumber", "3"), ("Timestamp", &now)],
                ),
            ],
            Step::IsRecorded => vec![parent(
                "/recording",
                &[
                    ("RecordingSid", "RE1"),
                    ("RecordingStatus", "completed"),
                    ("RecordingUrl", "https://api.twilio.com/RE1"),
                ],
            )],
        }
    }

    fn signed_by_twilio(&self, path: &str, fields: &[(&str, &str)]) -> Post {
        let mut sorted = fields.to_vec();
        sorted.sort();
        let text: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
        let signature = STANDARD.encode(hmac_sha1(Vendor::Twilio.secret(), &format!("{}{path}{text}", self.url)));
        form(path, fields, vec![format!("x-twilio-signature: {signature}")])
    }

    fn freeswitch(&self, step: Step) -> Vec<Post> {
        let micros = Timestamp::now().as_microsecond().to_string();
        let event = |name: &str, channel: &str, more: Value| {
            let mut event = json!({
                "Event-Name": name, "Event-Date-Timestamp": micros, "Channel-Call-UUID": self.id,
                "Unique-ID": format!("{}-{channel}", self.id), "Caller-Caller-ID-Number": self.caller,
                "Caller-Context": "public", "variable_hangup_cause_q850": "16",
            });
            let own = match channel {
                "a" => json!({"Call-Direction": "inbound", "Caller-Destination-Number": LINE}),
                ext => {
                    json!({"Call-Direction": "outbound", "Caller-Destination-Number": ext, "variable_dialed_user": ext})
                }
            };
            for part in [own, more] {
                event.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            }
            by_freeswitch("/event", &event)
        };
        match step {
            Step::Arrives => vec![event("CHANNEL_CREATE", "a", json!({}))],
            Step::Rings(ext) => {
                vec![event("CHANNEL_CREATE", ext, json!({})), event("CHANNEL_PROGRESS", ext, json!({}))]
            }
            Step::Answers(ext) => vec![
                event("CHANNEL_ANSWER", ext, json!({})),
                event("CHANNEL_HANGUP_COMPLETE", "202", json!({"Hangup-Cause": "LOSE_RACE"})),
            ],
            Step::Ends(ext) => vec![
                event("CHANNEL_HANGUP_COMPLETE", ext, json!({"Hangup-Cause": "NORMAL_CLEARING"})),
                event("CHANNEL_HANGUP_COMPLETE", "a", json!({"Hangup-Cause": "NORMAL_CLEARING"})),
            ],
            Step::IsRecorded => vec![by_freeswitch(
                "/cdr",
                &json!({
                    "variables": {"uuid": self.id, "call_uuid": self.id, "direction": "inbound",
                                  "start_epoch": (seconds() - 3).to_string(), "end_epoch": seconds().to_string(),
                                  "billsec": "1", "hangup_cause": "NORMAL_CLEARING", "record_path": "/recordings/1.wav"},
                    "callflow": [{"caller_profile": {"caller_id_number": self.caller, "context": "public"}}],
                }),
            )],
        }
    }

    fn own(&self, step: Step) -> Vec<Post> {
        let at = Timestamp::now().to_string();
        let message = |kind: &str, seq: u32, data: Value| {
            own(
                &json!({"v": 1, "kind": kind, "chain": self.id, "seq": seq, "at": at, "data": data}).to_string(),
                seconds(),
            )
        };
        vec![match step {
            Step::Arrives => {
                let data = json!({"direction": "inbound", "external": {"number": self.caller}, "line": {"did": LINE}});
                message("call.new", 1, data)
            }
            Step::Rings(ext) => message("call.ringing", if ext == "201" { 2 } else { 3 }, json!({"ext": ext})),
            Step::Answers(ext) => message("call.answered", 4, json!({"ext": ext})),
            Step::Ends(_) => message("call.ended", 5, json!({"reason": "normal", "side": "external"})),
            Step::IsRecorded => {
                message("recording.available", 6, json!({"files": [{"url": "https://pbx.example/1.wav"}]}))
            }
        }]
    }
}

/// Lower-case hex of SHA-256 over key, message and salt (section 2).
pub fn mango(path: &str, message: Value) -> Post {
    let text = message.to_string();
    let signature = hex(&Sha256::digest(format!("mango-key{text}{}", Vendor::Mango.secret())));
    form(path, &[("vpbx_api_key", "mango-key"), ("sign", &signature), ("json", &text)], Vec::new())
}

/// Base64 of the hex text of HMAC-SHA1 over some fields (section 3).
pub fn zadarma(fields: &[(&str, &str)], signed: &[&str]) -> Post {
    let value = |name: &&str| fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
    let text: String = signed.iter().map(value).collect();
    let signature = STANDARD.encode(hex(&hmac_sha1(Vendor::Zadarma.secret(), &text)));
    form("", fields, vec![format!("signature: {signature}")])
}

fn by_freeswitch(path: &str, message: &Value) -> Post {
    let word = STANDARD.encode(format!("freeswitch:{}", Vendor::Freeswitch.secret()));
    let headers = vec!["content-type: application/json".to_owned(), format!("authorization: Basic {word}")];
    Post { path: path.to_owned(), headers, body: message.to_string() }
}

/// HMAC-SHA256 over the time, a dot and the body (section 7).
pub fn own(body: &str, time: i64) -> Post {
    let mut mac = Hmac::<Sha256>::new_from_slice(Vendor::Own.secret().as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let headers = vec![format!("x-timestamp: {time}"), format!("x-signature: sha256={signature}")];
    Post { path: String::new(), headers, body: body.to_owned() }
}

pub fn seconds() -> i64 {
    Timestamp::now().as_second()
}

fn form(path: &str, fields: &[(&str, &str)], mut headers: Vec<String>) -> Post {
    headers.push("content-type: application/x-www-form-urlencoded".to_owned());
    let coded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", coded(name), coded(value))).collect();
    Post { path: path.to_owned(), headers, body: pairs.join("&") }
}

fn hmac_sha1(key: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
