//! What the web socket says (sheet, B.3): that something has changed, hardly ever what.

use serde::Deserialize;
use serde_json::Value;

/// The longest number of an extension, queue or route point.
const LONGEST_DN: usize = 32;

/// A participant of some call: the number it takes part at, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat {
    /// The extension, queue or route point.
    pub dn: String,
    /// The participant's id.
    pub id: u64,
}

impl Seat {
    /// Its path in the API.
    pub(super) fn path(&self) -> String {
        format!("/callcontrol/{}/participants/{}", self.dn, self.id)
    }
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// A participant of a call.
    Seat(Seat),
    /// An extension, queue or route point itself, or its devices.
    Dn(String),
}

impl Entity {
    /// Reads a path of the API. What is not as the sheet says is nothing: it is asked for again under this name.
    pub(super) fn read(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/callcontrol/")?.trim_end_matches('/').split('/');
        let dn = parts.next().filter(|dn| is_dn(dn))?.to_owned();
        match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) | (Some("devices"), ..) => Some(Self::Dn(dn)),
            (Some("participants"), None, None) => Some(Self::Dn(dn)),
            (Some("participants"), Some(id), None) => Some(Self::Seat(Seat { dn, id: id.parse().ok()? })),
            _ => None,
        }
    }
}

/// Whether this can stand for a DN in a path.
pub(super) fn is_dn(text: &str) -> bool {
    (1..=LONGEST_DN).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'*'))
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Increases with every message about the same entity.
    pub sequence: u64,
    /// What it is about.
    pub entity: Entity,
    /// What has happened.
    pub what: What,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new, or has changed: how it is now must be asked.
    Upsert,
    /// It is gone.
    Remove,
    /// Keys were pressed.
    Digits(String),
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    sequence: u64,
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    event_type: u8,
    #[serde(default)]
    entity: Option<String>,
    #[serde(default)]
    attached_data: Option<Value>,
}

impl Message {
    /// Reads a text of the socket; none where it says nothing of calls.
    ///
    /// # Errors
    ///
    /// If it is no message at all.
    pub fn read(text: &str) -> Result<Option<Self>, serde_json::Error> {
        let Raw { sequence, event } = serde_json::from_str(text)?;
        let what = match event.event_type {
            0 => What::Upsert,
            1 => What::Remove,
            2 => match event.attached_data.as_ref().and_then(|data| data.get("dtmf_input")?.as_str()).map(digits) {
                Some(digits) if !digits.is_empty() => What::Digits(digits),
                _ => return Ok(None),
            },
            // The end of a prompt, answers to requests: we play nothing, and ask nothing this way.
            _ => return Ok(None),
        };
        let entity = event.entity.as_deref().and_then(Entity::read);
        Ok(entity.map(|entity| Self { sequence, entity, what }))
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(|char| matches!(char, '0'..='9' | '*' | '#' | 'A'..='D')).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Message> {
        Message::read(text).unwrap()
    }

    #[test]
    fn messages_of_the_sheet_are_read() {
        let seat = |id| Entity::Seat(Seat { dn: "150".into(), id });
        let text = r#"{"sequence": 18, "event": {"event_type": 0, "entity": "/callcontrol/150/participants/8107", "attached_data": null}}"#;
        assert_eq!(read(text), Some(Message { sequence: 18, entity: seat(8107), what: What::Upsert }));
        let text = r#"{"sequence":19,"event":{"event_type":2,"entity":"/callcontrol/150/participants/8","attached_data":{"dtmf_input":"1x#"}}}"#;
        assert_eq!(read(text), Some(Message { sequence: 19, entity: seat(8), what: What::Digits("1#".into()) }));
        let text = r#"{"sequence":3,"event":{"event_type":1,"entity":"/callcontrol/150/devices/sip:150@x"}}"#;
        assert_eq!(read(text), Some(Message { sequence: 3, entity: Entity::Dn("150".into()), what: What::Remove }));
        assert_eq!(read(r#"{"sequence":3,"event":{"event_type":4,"entity":"","attached_data":{}}}"#), None);
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_no_entity() {
        for path in [
            "/callcontrol/../connect/participants/1",
            "/callcontrol/15 0/participants/1",
            "/callcontrol/150/participants/1/../../2",
            "/callcontrol/150/participants/x",
            "/callcontrol//participants/1",
            "/xapi/v1/Users",
        ] {
            assert_eq!(Entity::read(path), None, "{path}");
        }
        assert!(Message::read("{}").is_err() && Message::read("pong").is_err());
    }
}
