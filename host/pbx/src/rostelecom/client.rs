//! Requests to the PBX: signed, and their answers as far as all have them in common (sections 1, 2 and 4).

use bytes::Bytes;
use hookswitch_call::{Chain, Millis};
use hookswitch_signature::Signer;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::{
    Config, Record, Roster, Words, history,
    scalar::{text, whole},
};
use crate::{
    Refused,
    api::{Answer, Api, Ask},
};

/// `result` of `call_back` where it failed.
const CALL_BACK_FAILED: &str = "-20";

/// Asks one domain's PBX.
#[derive(Clone, Debug)]
pub(super) struct Client {
    api: Api,
    signer: Signer,
    domain: String,
    words: Words,
}

/// Why the PBX did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// The request never left.
    #[error("{0}")]
    Offline(String),
    /// It left, and no answer came.
    #[error("{0}")]
    NoAnswer(String),
    /// Who we are is not believed.
    #[error(
        "{method}: HTTP 401: wrong `client-id` or `sign-key`; take both from the account of the domain, section \
         \"integration API\""
    )]
    Unauthorised { method: &'static str },
    /// We may not do that.
    #[error(
        "{method}: HTTP 403: this account may not do that, or not from this address; see its rights in the account"
    )]
    Forbidden { method: &'static str },
    /// It says no.
    #[error("{method}: result {code}: {message}")]
    Refused { method: &'static str, code: String, message: String },
    /// It says something else.
    #[error("{method}: {what}")]
    Odd { method: &'static str, what: String },
}

impl Client {
    pub(super) fn new(config: &Config, signer: Signer) -> Result<Self, String> {
        let api = Api::new(&config.reach)?;
        Ok(Self { api, signer, domain: config.domain.clone(), words: config.words.clone() })
    }

    /// Who there is.
    pub(super) async fn users(&self) -> Result<Roster, Failed> {
        Ok(Roster::read(&self.ask("users_info", &json!({ "domain": self.domain })).await?))
    }

    /// What is written down of a call.
    pub(super) async fn record(&self, call: &Chain) -> Result<Record, Failed> {
        let asked = json!({ "session_id": call.as_str(), "domain": self.domain });
        let answer = self.ask("call_info", &asked).await?;
        let info = answer.get("info").filter(|info| info.is_object());
        let info = info.ok_or(Failed::Odd { method: "call_info", what: "the answer has no `info`".to_owned() })?;
        Ok(Record::read(call.clone(), &|name| whole(info, name), &self.words))
    }

    /// Has an agent's phone ring, and the number be dialled when it is picked up; the id of the call.
    pub(super) async fn call_back(&self, from: &str, number: &str) -> Result<Option<Chain>, Failed> {
        // A user of another domain is named whole.
        let asked = match from.contains('@') {
            true => json!({ "request_number": number, "from_sipuri": from }),
            false => json!({ "domain": self.domain, "request_number": number, "from_pin": from }),
        };
        let answer = self.ask("call_back", &asked).await?;
        Ok(text(&answer, "session_id").map(Chain::from))
    }

    /// Orders the history of a time; the id of the order.
    pub(super) async fn order_history(&self, from: Millis, until: Millis) -> Result<String, Failed> {
        let zone = &self.words.zone;
        let (from, until) = (zone.write(from), zone.write(until));
        // All directions, and all calls whether accepted or not.
        let asked = json!({ "date_start": from, "date_end": until, "direction": 0, "state": 0 });
        let method = "domain_call_history";
        let answer = self.ask(method, &asked).await?;
        text(&answer, "order_id").ok_or(Failed::Odd { method, what: "the answer has no `order_id`".to_owned() })
    }

    /// The ordered history; none if it is not ready.
    pub(super) async fn history(&self, order: &str) -> Result<Option<Vec<Record>>, Failed> {
        let method = "download_call_history";
        let answer = self.send(method, &json!({ "order_id": order })).await?;
        let words = self.words.clone();
        // Unpacking keeps a processor busy.
        let read = tokio::task::spawn_blocking(move || history::read(&answer.body, &words)).await;
        match read {
            Ok(Ok(records)) => Ok(Some(records)),
            Ok(Err(history::Error::NotReady)) => Ok(None),
            Ok(Err(error)) => Err(Failed::Odd { method, what: error.to_string() }),
            Err(error) => Err(Failed::Odd { method, what: format!("cannot be unpacked: {error}") }),
        }
    }

    async fn ask(&self, method: &'static str, json: &Value) -> Result<Value, Failed> {
        let answer = self.send(method, json).await?;
        if !(200..300).contains(&answer.status) {
            return Err(Failed::Odd { method, what: format!("HTTP {}", answer.status) });
        }
        let json = answer.json().map_err(|error| Failed::Odd { method, what: error.text })?;
        // A number here, text there.
        let code = text(&json, "result").unwrap_or_default();
        if code.is_empty() || self.words.success.contains(&code) {
            return Ok(json);
        }
        let message = text(&json, "resultMessage").unwrap_or_default().escape_debug().to_string();
        Err(Failed::Refused { method, code, message })
    }

    async fn send(&self, method: &'static str, json: &Value) -> Result<Answer, Failed> {
        // Signed are the bytes that are sent.
        let body = Bytes::from(json.to_string());
        let signed = self.signer.sign(&body, 0, "");
        let headers: Vec<(HeaderName, HeaderValue)> = signed
            .into_iter()
            .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
            .chain([(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))])
            .collect();
        let ask = Ask { method: Method::POST, below: format!("/{method}"), headers, body };
        let answer = self.api.send(ask).await;
        let answer = answer.map_err(|error| {
            let text = format!("{method}: {error}");
            if error.sent { Failed::NoAnswer(text) } else { Failed::Offline(text) }
        })?;
        match answer.status {
            401 => Err(Failed::Unauthorised { method }),
            403 => Err(Failed::Forbidden { method }),
            _ => Ok(answer),
        }
    }
}

impl Failed {
    /// Whether an order of history was refused because there is one of the same time.
    pub(super) fn is_repeated_order(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.to_ascii_lowercase().contains("exist"))
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        let text = failed.to_string();
        match failed {
            Failed::Offline(_) => Self::Offline(text),
            Failed::NoAnswer(_) => Self::InDoubt(text),
            Failed::Unauthorised { .. } | Failed::Forbidden { .. } => Self::NotPermitted(text),
            Failed::Refused { code, .. } if code == CALL_BACK_FAILED => Self::Other(format!(
                "{text}: is the extension's phone registered, and the number one that it may call?"
            )),
            Failed::Refused { .. } | Failed::Odd { .. } => Self::Other(text),
        }
    }
}
