//! What the PBX says of its extensions and queues, and the same as lists.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_call::{
    Extension,
    site::{Membership, News, PhoneState, Trait},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::wire;

/// Extensions and queues beyond this many are not read.
pub(super) const MOST: usize = 20_000;

/// What has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// As the host says it.
    News(News),
    /// A device of an extension came or went; an extension may have several.
    Device {
        /// Whose.
        extension: Extension,
        /// `sip`, `mobile`, `desktop`, `web`, `pad`.
        kind: String,
        /// Whether it is there.
        registered: bool,
    },
    /// Extensions were made or changed: which, and what of it, the list tells.
    Directory,
}

/// What events about agents of queues say.
#[derive(Deserialize)]
pub(super) struct RawAgent {
    #[serde(default, deserialize_with = "wire::text")]
    pub(super) call_id: String,
    #[serde(default, deserialize_with = "wire::text")]
    queue_number: String,
    #[serde(default, deserialize_with = "wire::text")]
    pub(super) agent_number: String,
    #[serde(default, deserialize_with = "wire::text")]
    status: String,
}

#[derive(Deserialize)]
struct RawExtension {
    #[serde(default, deserialize_with = "wire::text")]
    extension: String,
    #[serde(default, deserialize_with = "wire::text")]
    kind: String,
    #[serde(default, deserialize_with = "wire::text")]
    status: String,
    #[serde(default, deserialize_with = "wire::text")]
    ext_number: String,
    #[serde(default, deserialize_with = "wire::text")]
    option: String,
}

/// Reads an event of this kind; none for words that are not known.
pub(super) fn read(kind: u64, msg: Value) -> Result<Option<Change>, serde_json::Error> {
    Ok(match kind {
        30025 | 30029 => member(kind, serde_json::from_value(msg)?),
        _ => extension(kind, serde_json::from_value(msg)?),
    })
}

fn extension(kind: u64, raw: RawExtension) -> Option<Change> {
    let RawExtension { extension, kind: device, status, ext_number, option } = raw;
    if kind == 30022 {
        let gone = option.eq_ignore_ascii_case("delete") && !ext_number.is_empty();
        return Some(match gone {
            true => Change::News(News::Removed { extension: ext_number.into() }),
            false => Change::Directory,
        });
    }
    let extension = Extension::from(Some(extension).filter(|number| !number.is_empty())?);
    let status = status.to_ascii_lowercase();
    Some(match kind {
        30007 => Change::Device { extension, kind: device.to_ascii_lowercase(), registered: status == "registered" },
        30008 => {
            let now = match status.as_str() {
                "ringing" => PhoneState::Ringing,
                "busy" => PhoneState::Busy,
                "idle" => PhoneState::Idle,
                _ => return None,
            };
            Change::News(News::Extension { extension, now: Trait::Phone(now) })
        }
        _ => Change::News(News::Extension { extension, now: Trait::Presence(status) }),
    })
}

fn member(kind: u64, raw: RawAgent) -> Option<Change> {
    let queue = queue_number(&raw.queue_number).to_owned();
    if queue.is_empty() || raw.agent_number.is_empty() {
        return None;
    }
    // The words other than `Paused` are [inferred].
    let change = match raw.status.to_ascii_lowercase().replace([' ', '-', '_'], "").as_str() {
        _ if kind == 30025 => Membership::Paused,
        "paused" | "pause" => Membership::Paused,
        "unpaused" | "unpause" | "resumed" | "available" | "idle" => Membership::Unpaused,
        "loggedin" | "login" => Membership::LoggedIn,
        "loggedout" | "logout" => Membership::LoggedOut,
        _ => return None,
    };
    Some(Change::News(News::Member { queue, extension: raw.agent_number.into(), change }))
}

/// The number of a queue, which some events write `queue-6400`.
pub(super) fn queue_number(text: &str) -> &str {
    text.strip_prefix("queue-").unwrap_or(text)
}

/// The extensions and queues of a PBX, as its lists tell them.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub(super) extensions: BTreeMap<Extension, Entry>,
    /// The agents of each queue, by its number.
    pub(super) queues: BTreeMap<String, BTreeSet<Extension>>,
}

/// An extension as the list tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    name: String,
    email: String,
    presence: String,
    /// None where the list does not say it.
    pub(super) devices: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
struct RawEntry {
    #[serde(default, deserialize_with = "wire::text")]
    number: String,
    #[serde(default, deserialize_with = "wire::text")]
    caller_id_name: String,
    /// The vendor's guide, *Query Extension List*.
    #[serde(default, deserialize_with = "wire::text")]
    email_addr: String,
    #[serde(default, deserialize_with = "wire::text")]
    presence_status: String,
    #[serde(default)]
    online_status: Value,
}

#[derive(Deserialize)]
struct RawQueue {
    #[serde(default, deserialize_with = "wire::text")]
    number: String,
    #[serde(default, deserialize_with = "wire::list")]
    dynamic_agent_list: Vec<Value>,
    #[serde(default, deserialize_with = "wire::list")]
    static_agent_list: Vec<Value>,
}

impl Directory {
    /// Takes in an element of `extension/list`; what cannot be read is left out.
    pub(super) fn extension(&mut self, json: Value) {
        let Some(raw) = some::<RawEntry>(json).filter(|raw| !raw.number.is_empty()) else { return };
        if self.extensions.len() < MOST {
            let devices = devices(&raw.online_status);
            let entry =
                Entry { name: raw.caller_id_name, email: raw.email_addr, presence: raw.presence_status, devices };
            self.extensions.insert(raw.number.into(), entry);
        }
    }

    /// Takes in an element of `queue/list`.
    pub(super) fn queue(&mut self, json: Value) {
        let Some(raw) = some::<RawQueue>(json).filter(|raw| !raw.number.is_empty()) else { return };
        if self.queues.len() < MOST {
            let listed = raw.dynamic_agent_list.into_iter().chain(raw.static_agent_list).take(MOST);
            // Its number stands in `text2` (the vendor's guide, *Query Queue List*).
            let numbers = listed.map(|agent| wire::field(&agent, &["text2", "number"]));
            let agents = numbers.filter(|number| !number.is_empty()).map(Extension::from).collect();
            self.queues.insert(queue_number(&raw.number).to_owned(), agents);
        }
    }

    /// Keeps what an event says that the list would say too, so that the next list is compared with it.
    pub(super) fn hear(&mut self, news: &News) {
        match news {
            News::Removed { extension } => drop(self.extensions.remove(extension)),
            News::Extension { extension, now: Trait::Presence(presence) } => {
                if let Some(entry) = self.extensions.get_mut(extension) {
                    entry.presence.clone_from(presence);
                }
            }
            _ => {}
        }
    }

    /// What is new since `before`.
    pub(super) fn since(&self, before: &Self) -> Vec<News> {
        let gone = before.extensions.keys().filter(|extension| !self.extensions.contains_key(extension));
        let mut news: Vec<_> = gone.map(|extension| News::Removed { extension: extension.clone() }).collect();
        for (extension, entry) in &self.extensions {
            let known = before.extensions.get(extension);
            if known.is_none_or(|known| (&known.name, &known.email) != (&entry.name, &entry.email)) {
                let (name, email) = (entry.name.clone(), entry.email.clone());
                news.push(News::Added { extension: extension.clone(), name, email });
            }
            let tell = |now| News::Extension { extension: extension.clone(), now };
            if !entry.presence.is_empty() && known.is_none_or(|known| known.presence != entry.presence) {
                news.push(tell(Trait::Presence(entry.presence.clone())));
            }
            if let Some(devices) = &entry.devices {
                let registered = |devices: &BTreeSet<String>| !devices.is_empty();
                let before = known.and_then(|known| known.devices.as_ref().map(registered));
                if before != Some(registered(devices)) {
                    news.push(tell(Trait::Registered(registered(devices))));
                }
            }
        }
        for (queue, agents) in &self.queues {
            let known = before.queues.get(queue);
            let tell = |extension: &Extension, change| News::Member {
                queue: queue.clone(),
                extension: extension.clone(),
                change,
            };
            let left = known.into_iter().flatten().filter(|agent| !agents.contains(agent));
            news.extend(left.map(|agent| tell(agent, Membership::Removed)));
            let came = agents.iter().filter(|agent| known.is_none_or(|known| !known.contains(agent)));
            news.extend(came.map(|agent| tell(agent, Membership::Added)));
        }
        news
    }
}

/// The devices that are there, from `online_status`: an object for each kind, with a status of its own or a list of
/// them.
fn devices(online: &Value) -> Option<BTreeSet<String>> {
    let here = |status: &Value| status.get("status").is_some_and(|status| *status == 1 || *status == "1");
    let devices = online.as_object()?.iter().filter(|(_, device)| {
        here(device) || device.get("status_list").and_then(Value::as_array).is_some_and(|list| list.iter().any(here))
    });
    // The list says `linkus_mobile` and `sip_phone`, the events `Mobile` and `Sip`.
    Some(devices.map(|(kind, _)| kind.trim_start_matches("linkus_").trim_end_matches("_phone").to_owned()).collect())
}

fn some<T: DeserializeOwned>(json: Value) -> Option<T> {
    serde_json::from_value(json).ok()
}
