//! What must be true of an account, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::verdict::list;

/// What the program has made in an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub tickets: usize,
    /// Voice comments.
    pub voices: usize,
    pub users: usize,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.tickets += other.tickets;
        self.voices += other.voices;
        self.users += other.users;
    }
}

/// The tickets that were made through the interface.
pub fn tickets(state: &Value) -> impl Iterator<Item = &Value> {
    list(state, "tickets").filter(|ticket| ticket["external_id"].is_string())
}

/// The users who were made through the interface.
pub fn users(state: &Value) -> impl Iterator<Item = &Value> {
    list(state, "users").filter(|user| user["made_by"] == "api")
}

/// The comments of a kind: `Comment`, `VoiceComment`.
pub fn comments<'a>(ticket: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    list(ticket, "comments").filter(move |comment| comment["type"] == kind)
}

/// How many calls are in the account.
pub fn voices(state: &Value) -> usize {
    tickets(state).map(|ticket| comments(ticket, "VoiceComment").count()).sum()
}

/// Fails if there is anything twice, or anything that a real account would have swallowed or refused.
pub fn faultless(state: &Value) -> Result<Count> {
    let complaints: Vec<_> = list(state, "complaints").collect();
    ensure!(complaints.is_empty(), "complaints: {complaints:?}");
    let mut keys = BTreeSet::new();
    for ticket in tickets(state) {
        ensure!(keys.insert(ticket["external_id"].as_str()), "a ticket is there twice: {ticket}");
        ensure!(comments(ticket, "VoiceComment").count() <= 1, "a call is in its ticket twice: {ticket}");
        let mut said = BTreeSet::new();
        for comment in comments(ticket, "Comment") {
            ensure!(said.insert(comment["body"].as_str()), "something is said twice: {ticket}");
        }
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for user in list(state, "users") {
        *numbers.entry(user["phone"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let twice: Vec<_> = numbers.iter().filter(|(number, count)| !number.is_empty() && **count > 1).collect();
    ensure!(twice.is_empty(), "a caller is there twice: {twice:?}");
    Ok(Count { tickets: tickets(state).count(), voices: voices(state), users: users(state).count() })
}
