//! Sends to the Zendesk account.

use hookswitch_sdk::http::{Answer, Effect, Part, Request, percent_encode};
use hookswitch_sdk::{Failure, Recording, Reference, clock, settings};
use serde_json::Value;

use crate::answer::{self, Refusal};

/// The handles of the two ways to sign in.
pub(crate) const TOKEN: &str = "token";
pub(crate) const OAUTH: &str = "oauth";

/// An account, and how to sign in there.
pub(crate) struct Account {
    subdomain: String,
    credential: &'static str,
}

impl Account {
    /// Reads from the settings which account it is.
    pub(crate) fn open() -> Result<Self, Failure> {
        let text = settings::get("subdomain").unwrap_or_default();
        let subdomain = subdomain(&text).ok_or_else(|| {
            Failure::NotConfigured(format!(
                "setting `subdomain` is the first word of https://acme.zendesk.com, not {text:?}"
            ))
        })?;
        let by_oauth = settings::get("sign-in").as_deref() == Some("oauth");
        Ok(Self { subdomain, credential: if by_oauth { OAUTH } else { TOKEN } })
    }

    /// The account's own name: "acme.zendesk.com".
    pub(crate) fn host(&self) -> String {
        format!("{}.zendesk.com", self.subdomain)
    }

    /// The page of a user.
    pub(crate) fn user_page(&self, id: u64) -> String {
        format!("https://{}/agent/users/{id}", self.host())
    }

    /// The page of a ticket.
    fn ticket_page(&self, id: u64) -> String {
        format!("https://{}/agent/tickets/{id}", self.host())
    }

    /// A ticket as the host keeps it.
    pub(crate) fn ticket(&self, id: u64) -> Reference {
        Reference { kind: "ticket".into(), id: id.to_string(), url: self.ticket_page(id) }
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        let parameters: Vec<_> =
            query.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value))).collect();
        let question = if parameters.is_empty() { "" } else { "?" };
        let url = format!("{}{question}{}", self.url(path), parameters.join("&"));
        self.send(path, Request::get(&url))
    }

    /// Makes something that would be made twice if it were sent twice. Of the same `key` Zendesk gives the first answer
    /// again, for two hours, where it makes tickets; elsewhere the key has no effect.
    pub(crate) fn create(&self, path: &str, key: &str, body: &Value) -> Result<Value, Refusal> {
        self.send(path, Request::post(&self.url(path), Effect::Once).header("idempotency-key", key).json(body))
    }

    /// Changes something; `effect` says what sending it twice would do.
    pub(crate) fn put(&self, path: &str, body: &Value, effect: Effect) -> Result<Value, Refusal> {
        self.send(path, Request::new("PUT", &self.url(path), effect).json(body))
    }

    /// Has something done that is harmless to be done twice.
    pub(crate) fn trigger(&self, path: &str) -> Result<Value, Refusal> {
        self.send(path, Request::post(&self.url(path), Effect::Idempotent))
    }

    /// Uploads a file, for a comment to name by the token that comes back (sheet 1, "Upload"). A file that no comment names is
    /// seen by nobody and gone after an hour, so sending it again changes nothing; and a token that was given out on an
    /// earlier try would be too old to be given again.
    pub(crate) fn upload(&self, file: &Recording) -> Result<String, Failure> {
        let url = format!("{}?filename={}", self.url("uploads"), percent_encode(&file.file_name));
        let request = Request::post(&url, Effect::Read).header("content-type", &file.content_type);
        let answer = self.send("uploads", request.parts([Part::Recording(file.id.clone())]))?;
        let token = answer.get("upload").and_then(|upload| upload.get("token")).and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(|| Failure::temporary("Zendesk's answer names no upload"))
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}/api/v2/{path}.json", self.host())
    }

    fn send(&self, what: &str, request: Request) -> Result<Value, Refusal> {
        let answer: Answer = request.credential(self.credential).send()?;
        answer::read(what, &answer, &clock::now_ms)
    }
}

/// "acme" of "acme", "acme.zendesk.com" or "https://acme.zendesk.com/agent".
fn subdomain(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let host = text.strip_prefix("https://").unwrap_or(&text).split('/').next().unwrap_or_default();
    let name = host.strip_suffix(".zendesk.com").unwrap_or(host);
    let is_label = !name.is_empty()
        && name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_label.then(|| name.to_owned())
}

/// An id, which Zendesk gives as a number.
pub(crate) fn id(record: &Value) -> Option<u64> {
    record.get("id").and_then(Value::as_u64)
}

/// Takes a list out of an answer.
///
/// # Errors
/// An answer without it is none: *temporary*, so that "nobody" is said only where Zendesk says so.
pub(crate) fn list(answer: &mut Value, name: &str) -> Result<Vec<Value>, Failure> {
    match answer.get_mut(name).map(Value::take) {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(Failure::temporary(format!("Zendesk's answer has no {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_in_any_way_that_people_copy_it() {
        for text in
            ["acme", " Acme ", "acme.zendesk.com", "https://acme.zendesk.com/", "https://acme.zendesk.com/agent"]
        {
            assert_eq!(subdomain(text).as_deref(), Some("acme"), "{text}");
        }
        for text in ["", "acme.example.com", "http://acme.zendesk.com", "a b", "-acme", "https://"] {
            assert_eq!(subdomain(text), None, "{text}");
        }
    }
}
