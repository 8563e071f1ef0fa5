//! Extensions and queues as the XAPI lists them, and what has changed since the last time: pure.

use std::collections::{BTreeMap, BTreeSet};

use hookswitch_call::{
    Extension,
    site::{Membership, News, Trait},
};
use serde::Deserialize;
use serde_json::Value;

use super::participant::text;

/// The extensions and queues of a PBX.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    people: BTreeMap<Extension, Person>,
    /// The agents of each queue, and whether they take its calls.
    queues: BTreeMap<String, BTreeMap<Extension, Option<bool>>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Person {
    name: String,
    email: String,
    registered: Option<bool>,
    profile: String,
    forwarding: Option<String>,
    in_queues: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct User {
    #[serde(deserialize_with = "text")]
    number: String,
    #[serde(deserialize_with = "text")]
    first_name: String,
    #[serde(deserialize_with = "text")]
    last_name: String,
    #[serde(deserialize_with = "text")]
    email_address: String,
    is_registered: Option<bool>,
    #[serde(deserialize_with = "text")]
    current_profile_name: String,
    #[serde(deserialize_with = "text")]
    queue_status: String,
    forwarding_profiles: Option<Vec<Profile>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Profile {
    #[serde(deserialize_with = "text")]
    name: String,
    away_route: Option<AwayRoute>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AwayRoute {
    external: Option<Destination>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Destination {
    #[serde(deserialize_with = "text")]
    to: String,
    #[serde(deserialize_with = "text")]
    number: String,
    #[serde(deserialize_with = "text")]
    external: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Queue {
    #[serde(deserialize_with = "text")]
    number: String,
    agents: Option<Vec<Agent>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Agent {
    #[serde(deserialize_with = "text")]
    number: String,
    #[serde(deserialize_with = "text")]
    queue_status: String,
}

/// `LoggedIn`, `LoggedOut`.
fn logged_in(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "loggedin" => Some(true),
        "loggedout" => Some(false),
        _ => None,
    }
}

impl Destination {
    fn told(self) -> Option<String> {
        let nowhere = matches!(self.to.to_ascii_lowercase().as_str(), "" | "none");
        let told = [self.external, self.number].into_iter().find(|text| !text.is_empty());
        // Destinations without a number have a word: a mailbox.
        told.or(Some(self.to)).filter(|_| !nowhere)
    }
}

impl Staff {
    /// Reads the rows of `Users` (with `ForwardingProfiles`) and of `Queues` (with `Agents`); rows that are none are left
    /// out.
    pub fn read(users: Vec<Value>, queues: Vec<Value>) -> Self {
        let users = users.into_iter().filter_map(|row| serde_json::from_value::<User>(row).ok());
        let people: BTreeMap<_, _> = users
            .filter(|user| !user.number.is_empty())
            .map(|user| {
                let mut profiles = user.forwarding_profiles.unwrap_or_default().into_iter();
                let profile = profiles.find(|profile| profile.name == user.current_profile_name);
                let away = profile.and_then(|profile| profile.away_route?.external);
                let person = Person {
                    name: format!("{} {}", user.first_name, user.last_name).trim().to_owned(),
                    email: user.email_address,
                    registered: user.is_registered,
                    forwarding: away.and_then(Destination::told),
                    in_queues: logged_in(&user.queue_status),
                    profile: user.current_profile_name,
                };
                (Extension::from(user.number), person)
            })
            .collect();
        let queues = queues.into_iter().filter_map(|row| serde_json::from_value::<Queue>(row).ok());
        let agents = |queue: Vec<Agent>| {
            let own = |agent: Agent| {
                let extension = Extension::from(agent.number);
                let everywhere = people.get(&extension).and_then(|person: &Person| person.in_queues);
                let takes = logged_in(&agent.queue_status).or(everywhere);
                (extension, takes)
            };
            queue.into_iter().filter(|agent| !agent.number.is_empty()).map(own).collect()
        };
        let queues = queues
            .filter(|queue| !queue.number.is_empty())
            .map(|queue| (queue.number, agents(queue.agents.unwrap_or_default())))
            .collect();
        Self { people, queues }
    }
}

/// What is to be told of `now` to those who know `before`.
pub fn differences(before: &Staff, now: &Staff) -> Vec<News> {
    let mut news = Vec::new();
    for (extension, person) in &now.people {
        let was = before.people.get(extension);
        if was.is_none_or(|was| (&was.name, &was.email) != (&person.name, &person.email)) {
            let (name, email) = (person.name.clone(), person.email.clone());
            news.push(News::Added { extension: extension.clone(), name, email });
        }
        let nothing = Person::default();
        let was = was.unwrap_or(&nothing);
        let traits = [
            person.registered.filter(|_| was.registered != person.registered).map(Trait::Registered),
            (was.profile != person.profile).then(|| Trait::Presence(person.profile.clone())),
            (was.forwarding != person.forwarding).then(|| Trait::Forwarding(person.forwarding.clone())),
            person.in_queues.filter(|_| was.in_queues != person.in_queues).map(Trait::InQueues),
        ];
        let told = traits.into_iter().flatten();
        news.extend(told.map(|now| News::Extension { extension: extension.clone(), now }));
    }
    let names: BTreeSet<_> = before.queues.keys().chain(now.queues.keys()).collect();
    for queue in names {
        let nobody = BTreeMap::new();
        let was = before.queues.get(queue).unwrap_or(&nobody);
        let is = now.queues.get(queue).unwrap_or(&nobody);
        let mut say = |extension: &Extension, change| {
            news.push(News::Member { queue: queue.clone(), extension: extension.clone(), change });
        };
        was.keys().filter(|agent| !is.contains_key(*agent)).for_each(|agent| say(agent, Membership::Removed));
        for (agent, takes) in is {
            if !was.contains_key(agent) {
                say(agent, Membership::Added);
            }
            if let Some(takes) = takes.filter(|_| was.get(agent) != Some(takes)) {
                say(agent, if takes { Membership::LoggedIn } else { Membership::LoggedOut });
            }
        }
    }
    // Last of all: whoever is gone has left his queues before.
    let gone = before.people.keys().filter(|extension| !now.people.contains_key(*extension));
    news.extend(gone.map(|extension| News::Removed { extension: extension.clone() }));
    news
}
