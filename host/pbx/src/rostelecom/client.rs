//! Requests to the PBX: signed, and their answers as far as all have them in common (sections 1, 2 and 4).

use bytes::Bytes;
use hookswitch_call::{Chain, Extension, Millis};
use hookswitch_signature::Signer;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    Config, Record, Roster, RuleWords, Words, history,
    scalar::{text, whole},
};
use crate::{
    Reach, Refused, Unfetched,
    api::{Answer, Api, Ask, Opened},
};

/// `result` of `call_back` where it failed.
const CALL_BACK_FAILED: &str = "-20";

/// Asks one domain's PBX.
#[derive(Clone, Debug)]
pub(super) struct Client {
    api: Api,
    signer: Signer,
    reach: Reach,
    domain: String,
    words: Words,
    rules: RuleWords,
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
    Unauthorised { method: String },
    /// We may not do that.
    #[error(
        "{method}: HTTP 403: this account may not do that, or not from this address; see its rights in the account"
    )]
    Forbidden { method: String },
    /// It says no.
    #[error("{method}: result {code}: {message}")]
    Refused { method: String, code: String, message: String },
    /// It says something else.
    #[error("{method}: {what}")]
    Odd { method: String, what: String },
}

impl Client {
    pub(super) fn new(config: &Config, signer: Signer) -> Result<Self, String> {
        let api = Api::new(&config.reach)?;
        let (words, rules) = (config.words.clone(), config.rules.clone());
        Ok(Self { api, signer, reach: config.reach.clone(), domain: config.domain.clone(), words, rules })
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
        let info = info.ok_or_else(|| Failed::odd("call_info", "the answer has no `info`"))?;
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
        text(&answer, "order_id").ok_or_else(|| Failed::odd(method, "the answer has no `order_id`"))
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
            Ok(Err(error)) => Err(Failed::odd(method, error.to_string())),
            Err(error) => Err(Failed::odd(method, format!("cannot be unpacked: {error}"))),
        }
    }

    /// Where the recording of a call can be fetched: once, and only from here (section 7).
    pub(super) async fn link(&self, call: &str) -> Result<Url, Failed> {
        let method = "get_record";
        let answer = self.ask(method, &json!({ "session_id": call, "domain": self.domain })).await?;
        let link = whole(&answer, "url").and_then(|link| Url::parse(&link).ok());
        // Nobody else is to hear it, unless all of the PBX is asked in the open.
        let fits =
            |link: &Url| link.has_host() && (link.scheme() == "https" || link.scheme() == self.reach.base.scheme());
        link.filter(fits).ok_or_else(|| Failed::odd(method, "the answer has no `url` that may be fetched"))
    }

    /// Asks for what lies at a link.
    pub(super) async fn open(&self, link: &Url) -> Result<Opened, Unfetched> {
        self.api.open_at(link).await
    }

    /// What is said of a user's restrictions, by name.
    pub(super) async fn rules(&self, user: &Extension) -> Result<Map<String, Value>, Failed> {
        let RuleWords { read, user: who, within, .. } = &self.rules;
        let answer = self.ask(read, &json!({ "domain": self.domain, who: user.as_str() })).await?;
        let found = match (within, answer) {
            (Some(within), mut answer) => answer.get_mut(within).map(Value::take),
            (None, answer) => Some(answer),
        };
        let Some(Value::Object(mut rules)) = found else {
            return Err(Failed::odd(read, "the answer does not hold them where `restrictions.within` says"));
        };
        if within.is_none() {
            let known = |name: &String| ["result", "resultMessage", "domain", who.as_str()].contains(&name.as_str());
            rules.retain(|name, _| !known(name));
        }
        Ok(rules)
    }

    /// Sets a user's restrictions, all of them.
    pub(super) async fn set_rules(&self, user: &Extension, rules: Map<String, Value>) -> Result<(), Failed> {
        let RuleWords { change, user: who, within, .. } = &self.rules;
        let mut asked = match within {
            Some(within) => Map::from_iter([(within.clone(), Value::Object(rules))]),
            None => rules,
        };
        asked.extend([("domain".to_owned(), self.domain.as_str().into()), (who.clone(), user.as_str().into())]);
        self.ask(change, &Value::Object(asked)).await.map(drop)
    }

    async fn ask(&self, method: &str, json: &Value) -> Result<Value, Failed> {
        let answer = self.send(method, json).await?;
        if !(200..300).contains(&answer.status) {
            return Err(Failed::odd(method, format!("HTTP {}", answer.status)));
        }
        let json = answer.json().map_err(|error| Failed::odd(method, error.text))?;
        // A number here, text there.
        let code = text(&json, "result").unwrap_or_default();
        if code.is_empty() || self.words.success.contains(&code) {
            return Ok(json);
        }
        let message = text(&json, "resultMessage").unwrap_or_default().escape_debug().to_string();
        Err(Failed::Refused { method: method.to_owned(), code, message })
    }

    async fn send(&self, method: &str, json: &Value) -> Result<Answer, Failed> {
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
            401 => Err(Failed::Unauthorised { method: method.to_owned() }),
            403 => Err(Failed::Forbidden { method: method.to_owned() }),
            _ => Ok(answer),
        }
    }
}

impl Failed {
    pub(super) fn odd(method: &str, what: impl Into<String>) -> Self {
        Self::Odd { method: method.to_owned(), what: what.into() }
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
