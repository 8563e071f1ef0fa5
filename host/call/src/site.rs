//! What a phone system says of itself: its extensions and its queues.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Extension;

/// Something about an extension or a queue, apart from calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "news")]
pub enum News {
    /// There is such an extension now, or its name or rights have changed.
    Added {
        /// Which.
        extension: Extension,
        /// Whose it is; empty where the PBX does not say.
        name: String,
        /// The e-mail address of this person; empty where the PBX does not say.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        email: String,
    },
    /// There is no such extension any more.
    Removed {
        /// Which.
        extension: Extension,
    },
    /// How an extension is has changed.
    Extension {
        /// Which.
        extension: Extension,
        /// What it is now.
        now: Trait,
    },
    /// An agent of a queue.
    Member {
        /// The queue, as the PBX spells it.
        queue: String,
        /// The agent.
        extension: Extension,
        /// What changed.
        change: Membership,
    },
}

/// One thing about an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "trait", content = "is")]
pub enum Trait {
    /// Whether a phone is registered.
    Registered(bool),
    /// What its phone does.
    Phone(PhoneState),
    /// How the person wants to be seen, in the PBX's word: `available`, `do_not_disturb`.
    Presence(String),
    /// Where its calls are sent to, in the PBX's words; none: nowhere else.
    Forwarding(Option<String>),
    /// Whether it takes calls of queues at all.
    InQueues(bool),
}

/// What a phone does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhoneState {
    /// Nothing.
    Idle,
    /// It rings.
    Ringing,
    /// It is in a call.
    Busy,
}

impl PhoneState {
    /// The token used in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Ringing => "ringing",
            Self::Busy => "busy",
        }
    }
}

/// A change of an agent's part in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// Put into the queue.
    Added,
    /// Taken out of it.
    Removed,
    /// Takes its calls from now on.
    LoggedIn,
    /// Takes no more of its calls.
    LoggedOut,
    /// Takes none for a while.
    Paused,
    /// Takes calls again.
    Unpaused,
}

impl Membership {
    /// The token used in JSON and on the command line.
    pub fn token(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::LoggedIn => "logged-in",
            Self::LoggedOut => "logged-out",
            Self::Paused => "paused",
            Self::Unpaused => "unpaused",
        }
    }
}

/// An extension, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Station {
    /// Whose it is; empty where the PBX does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The e-mail address of this person; empty where the PBX does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Whether a phone is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<bool>,
    /// What its phone does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneState>,
    /// How the person wants to be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<String>,
    /// Where its calls are sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<String>,
    /// Whether it takes calls of queues at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_queues: Option<bool>,
    /// The queues that it is in, and the last change of each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<String, Membership>,
}

/// The extensions of a phone system, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Site {
    stations: BTreeMap<Extension, Station>,
}

/// Extensions beyond this many are not kept: no phone system has so many.
const MOST: usize = 20_000;

impl Site {
    /// Takes news in; says whether they change anything.
    pub fn apply(&mut self, news: &News) -> bool {
        let (News::Added { extension, .. }
        | News::Removed { extension }
        | News::Extension { extension, .. }
        | News::Member { extension, .. }) = news;
        if matches!(news, News::Removed { .. }) {
            return self.stations.remove(extension).is_some();
        }
        if self.stations.len() >= MOST && !self.stations.contains_key(extension) {
            return false;
        }
        let known = self.stations.contains_key(extension);
        let station = self.stations.entry(extension.clone()).or_default();
        let before = station.clone();
        match news {
            News::Added { name, email, .. } => {
                station.name.clone_from(name);
                station.email.clone_from(email);
            }
            News::Extension { now, .. } => match now.clone() {
                Trait::Registered(is) => station.registered = Some(is),
                Trait::Phone(state) => station.phone = Some(state),
                Trait::Presence(word) => station.presence = Some(word),
                Trait::Forwarding(to) => station.forwarding = to,
                Trait::InQueues(is) => station.in_queues = Some(is),
            },
            News::Member { queue, change: Membership::Removed, .. } => drop(station.queues.remove(queue)),
            News::Member { queue, change, .. } => drop(station.queues.insert(queue.clone(), *change)),
            News::Removed { .. } => {}
        }
        !known || *station != before
    }

    /// What is known of an extension.
    pub fn station(&self, extension: &Extension) -> Option<&Station> {
        self.stations.get(extension)
    }

    /// The extensions, in order.
    pub fn stations(&self) -> impl Iterator<Item = (&Extension, &Station)> {
        self.stations.iter()
    }
}
