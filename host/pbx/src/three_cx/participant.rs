//! Participants and the numbers they take part at, as `GET /callcontrol…` gives them (sheet, B.2).

use serde::{Deserialize, Deserializer};

use super::message::is_dn;

/// Texts are cut here, in characters.
const LONGEST: usize = 256;

/// One extension, queue or route point of the PBX, with who takes part in a call there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dn {
    /// Its number.
    #[serde(deserialize_with = "text")]
    pub dn: String,
    /// What it is.
    #[serde(rename = "type", default)]
    pub kind: Kind,
    /// Who takes part in calls there.
    #[serde(default, deserialize_with = "list")]
    pub participants: Vec<Participant>,
}

/// One party's part in a call, seen from the number it takes part at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Participant {
    /// Unique as long as the PBX runs.
    pub id: u64,
    /// Where it stands.
    pub status: Status,
    /// The number it takes part at; empty where the place says it.
    #[serde(deserialize_with = "text")]
    pub dn: String,
    /// The other side's name.
    #[serde(deserialize_with = "text")]
    pub party_caller_name: String,
    /// The other side's number in the PBX: an extension, a queue, a trunk.
    #[serde(deserialize_with = "text")]
    pub party_dn: String,
    /// The other side's number as callers know it.
    #[serde(deserialize_with = "text")]
    pub party_caller_id: String,
    /// The public number that was called; often empty.
    #[serde(deserialize_with = "text")]
    pub party_did: String,
    /// What the other side is.
    pub party_dn_type: Kind,
    /// Who transferred the call here.
    #[serde(deserialize_with = "text")]
    pub referred_by_dn: String,
    /// What that is.
    pub referred_by_type: Kind,
    /// The queue or group that the call came through.
    #[serde(deserialize_with = "text")]
    pub on_behalf_of_dn: String,
    /// What that is.
    pub on_behalf_of_type: Kind,
    /// The call; unique as long as the PBX runs.
    pub callid: u64,
}

/// What a number of the PBX is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person's phones.
    Extension,
    /// A queue.
    Queue,
    /// A ring group.
    RingGroup,
    /// A place where programs decide.
    RoutePoint,
    /// A trunk: the other side is outside.
    Outside,
    /// Nothing.
    #[default]
    None,
    /// Menus, mailboxes, parking and whatever comes.
    Other,
}

/// Where a participant stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// The other side is being called.
    Dialing,
    /// The phone rings.
    Ringing,
    /// It talks, or waits in a queue or menu.
    Connected,
    /// A word that is not in the sheet.
    #[default]
    Other,
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match text(from)?.to_ascii_lowercase().as_str() {
            "wextension" => Self::Extension,
            "wqueue" => Self::Queue,
            "wringgroup" => Self::RingGroup,
            "wroutepoint" => Self::RoutePoint,
            "wexternalline" => Self::Outside,
            "" | "none" => Self::None,
            _ => Self::Other,
        })
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(match text(from)?.to_ascii_lowercase().as_str() {
            "dialing" => Self::Dialing,
            "ringing" => Self::Ringing,
            "connected" => Self::Connected,
            _ => Self::Other,
        })
    }
}

/// A text that may be missing or `null`, cut.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(cut(Option::<String>::deserialize(from)?.unwrap_or_default(), LONGEST))
}

/// The text, or the first `most` characters of it.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
    text
}

/// Those that are none are left out: one of them must not hide all others.
fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Participant>, D::Error> {
    let all: Vec<serde_json::Value> = Option::deserialize(from)?.unwrap_or_default();
    let all = all.into_iter().filter(serde_json::Value::is_object);
    Ok(all.filter_map(|one| serde_json::from_value(one).ok()).collect())
}

impl Dn {
    /// Reads the answer to `GET /callcontrol`.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn read_all(json: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        let all: Vec<Self> = serde_json::from_slice(json)?;
        Ok(all.into_iter().filter(|dn| is_dn(&dn.dn)).collect())
    }

    /// Reads the answer to `GET /callcontrol/{dn}`; none where its number is none.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn read(json: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        serde_json::from_slice(json).map(|dn: Self| Some(dn).filter(|dn| is_dn(&dn.dn)))
    }
}

impl Participant {
    /// Reads the answer to `GET /callcontrol/{dn}/participants/{id}`.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        // The fields of a record in a list without names would do as well.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(serde::de::Error::custom("no object"));
        }
        serde_json::from_slice(json)
    }

    /// The outside party's number, where the other side is outside and shows one.
    pub(super) fn outside(&self) -> Option<&str> {
        let number = self.party_caller_id.as_str();
        (self.party_dn_type == Kind::Outside && number.bytes().any(|byte| byte.is_ascii_digit())).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn participants_are_read_with_nulls_unknown_fields_and_words() {
        let json = r#"[{"dn":"150","type":"Wextension","devices":[],"participants":[
            {"id":8107,"status":"Dialing","dn":"150","party_caller_name":null,"party_dn":"10007","party_caller_id":"0123456789",
             "device_id":"sip:150@127.0.0.1:5063","party_dn_type":"Wexternalline","direct_control":false,
             "referred_by_type":"None","callid":1265,"legid":1},
            {"id":"x","status":7}, [], {"id":1,"status":"Hovering","party_dn_type":"Wholodeck"}]},
            {"dn":"a/b","type":"Wextension"}, {"dn":"804","type":"Wqueue","participants":null}]"#;
        let all = Dn::read_all(json.as_bytes()).unwrap();
        assert_eq!(all.iter().map(|dn| dn.dn.as_str()).collect::<Vec<_>>(), ["150", "804"]);
        let [dialing, odd] = all[0].participants.as_slice() else { panic!("{all:?}") };
        assert_eq!((dialing.status, dialing.callid, dialing.outside()), (Status::Dialing, 1265, Some("0123456789")));
        assert_eq!((odd.status, odd.party_dn_type, odd.outside()), (Status::Other, Kind::Other, None));
        assert!(Participant::read(b"[]").is_err() && Dn::read_all(b"{}").is_err());
    }

    #[test]
    fn texts_are_cut() {
        let json = format!(r#"{{"party_caller_name":"{}"}}"#, "ä".repeat(10_000));
        assert_eq!(Participant::read(json.as_bytes()).unwrap().party_caller_name.chars().count(), LONGEST);
    }
}
